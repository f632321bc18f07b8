"""What a check judges one by one: the elements of a resource that its `each` names, in the order of the text.

A number of an element is its place in that order, which a finding remembers (`findings.Cause`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct

from kscan_lsp import cel, paths
from kscan_lsp.engine.scope import Element, NotThereError, containers_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.engine.scope import Scope
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.targets import Each

MAX_ELEMENTS: Final = 10_000
"""Elements one `each` may have in one object; an object with more is not evaluated."""
MAX_WORK: Final = 400_000
"""Values handed to CEL for one `each` in one object, about as many microseconds."""
FEW: Final = 30
"""Elements so few that their work need not be reckoned."""

_COLLECTIONS: Final = (dict, list)
_TOO_MANY: Final = "too many to judge; shorten the list, or split it over several objects"


class TrieNode(Struct, frozen=True):
    """Where elements are looked for, as far as that goes by names: an object lacks most of what it could have."""

    here: tuple[int, ...]
    """The numbers of each `each` that goes no further by name."""
    below: dict[str, TrieNode]
    """What goes on from here, by name."""
    all: tuple[int, ...]
    """The numbers of all that come by here."""


Trie: TypeAlias = "dict[str, TrieNode]"
"""By what each `each` starts at, the first nodes."""


class TooMuchError(NotThereError):
    """There is more to judge than can be judged between two keystrokes."""


def elements(each: Each, scope: Scope, reads: cel.Reads) -> list[Element]:
    """What an `each` names in a resource, in the order of the text.

    Args:
        each: what to look for.
        scope: the resource.
        reads: what the checks to come read (`cel.fields_read`).

    Raises:
        NotThereError: something on the way is not what Kubernetes has there.
        TooMuchError: there are too many elements.
    """
    if each.start == "containers":
        starts = [(container, container.values["container"]) for container in containers_of(scope)]
    else:
        if each.start != "object":
            scope.pod()
        start = Element(scope.anchors[each.start], scope.values, scope)
        starts = [(start, scope.values[each.start])]
    found: list[Element] = []
    for start, value in starts:
        if each.steps:
            found += _items(each, start, value, reads)
        else:
            start.reads = reads
            found.append(start)
        if len(found) > MAX_ELEMENTS:
            raise TooMuchError(_place(each, scope), f"more than {MAX_ELEMENTS:,} entries are {_TOO_MANY}")
    return found


def trie_of(eaches: Iterable[Each]) -> Trie:
    """The trie of the steps of some `each`, which are known by their numbers."""
    starts: dict[str, list[tuple[int, paths.Pattern]]] = {}
    for number, each in enumerate(eaches):
        starts.setdefault(each.start, []).append((number, each.steps))
    return {start: _node(steps) for start, steps in starts.items()}


def _node(of: list[tuple[int, paths.Pattern]]) -> TrieNode:
    """Where some steps lead."""
    here: list[int] = []
    below: dict[str, list[tuple[int, paths.Pattern]]] = {}
    for number, steps in of:
        if steps and isinstance(steps[0], str):
            below.setdefault(steps[0], []).append((number, steps[1:]))
        else:
            here.append(number)
    following = {name: _node(further) for name, further in below.items()}
    return TrieNode(tuple(here), following, tuple([number for number, _ in of]))


def possibly_there(trie: Trie, scope: Scope) -> list[int]:
    """Which `each` of a trie may name something in a resource: quicker than to look for them all.

    Returns: their numbers, ascending. What is met on the way and is not what Kubernetes has there is left to
        `elements`, which says so.
    """
    found: set[int] = set()
    for start, node in trie.items():
        if start != "containers":
            _follow(node, scope.values.get(start), found)
            continue
        try:
            containers = containers_of(scope)
        except NotThereError:
            found.update(node.all)
            continue
        found.update(node.here)
        for one in containers:
            _follow(node, one.values["container"], found)
    return sorted(found)


def _follow(node: TrieNode, value: Any, found: set[int]) -> None:
    """Add those for which all is there that they name."""
    if type(value) is not dict:
        found.update(node.all)
        return
    found.update(node.here)
    below = node.below
    for name in below.keys() & value.keys():
        further = below[name]
        if further.below:
            _follow(further, value[name], found)
        else:
            found.update(further.here)


def refuse_too_large(found: list[Element], each: Each) -> None:
    """Refuse elements that are too large, all together, to be handed to CEL.

    Raises:
        TooMuchError: they are.
    """
    if len(found) > FEW and _work(found) > MAX_WORK:
        raise TooMuchError(
            _place(each, found[0].scope), f"{len(found):,} entries of this size are {_TOO_MANY}"
        )


def _place(each: Each, scope: Scope) -> Path:
    """Where an `each` starts."""
    if each.start == "containers":
        return (*scope.anchors["pod"], "containers")
    return scope.anchors[each.start]


def _work(found: list[Element]) -> int:
    """How many values would be handed to CEL, shared ones counted every time."""
    weights: dict[int, int] = {}

    def weight(value: object) -> int:
        if not isinstance(value, _COLLECTIONS):
            return 1
        known = weights.get(id(value))
        if known is None:
            known = weights[id(value)] = 1 + sum(
                map(weight, value.values() if isinstance(value, dict) else value)
            )
        return known

    total = 0
    for element in found:
        # made for the occasion where it is a part, so not remembered
        for value in cel.parts_read(element.values, element.reads).values():
            total += sum(map(weight, value.values())) if isinstance(value, dict) else weight(value)
        if total > MAX_WORK:
            break
    return total


def _items(each: Each, start: Element, value: object, reads: cel.Reads) -> Iterator[Element]:
    """Follow the steps of an `each`; what is absent has no elements, what has the wrong type is an error."""
    level: list[tuple[Any, Path, dict[str, Any]]] = [(value, start.path, {})]
    for step in each.steps:
        following: list[tuple[Any, Path, dict[str, Any]]] = []
        for here, where, bound in level:
            if step is paths.EACH:
                if isinstance(here, list):
                    following += [(item, (*where, n), {"index": n}) for n, item in enumerate(here)]
                elif isinstance(here, dict):
                    following += [(item, (*where, key), {"key": key}) for key, item in here.items()]
                else:
                    raise NotThereError(where, f"{paths.show(where)} is neither a list nor a mapping")
            elif isinstance(here, dict):
                if step in here:
                    following.append((here[step], (*where, step), bound))
            elif isinstance(here, list) and isinstance(step, int):
                if step < len(here):
                    following.append((here[step], (*where, step), bound))
            else:
                raise NotThereError(where, f"{paths.show(where)} is not a mapping")
        level = following
        if len(level) > MAX_ELEMENTS:
            raise TooMuchError(start.path, f"more than {MAX_ELEMENTS:,} entries are {_TOO_MANY}")
    for item, where, bound in level:
        values = start.values.copy()
        values.update(bound)
        values["item"] = item
        yield Element(where, values, start.scope, "item", start, reads, of_container=start.of_container)
