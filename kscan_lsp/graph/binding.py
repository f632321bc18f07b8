"""Following relations: from an object to those that they lead to, and to the keys that decided it.

A thousand pods of one service account have the same thousand bindings. So what a relation leads to is found once for
all that ask the same, and they share the answer, down to the tuples: whoever makes something of one knows it again.

Left out on purpose: which relations there are (`relations.py`), and when to follow them (`workspace/project.py`).
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from msgspec.structs import replace

from kscan_lsp.graph.builtin import find_builtin
from kscan_lsp.graph.relations import RELATIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from kscan_lsp.graph.index import Index, Key, Object
    from kscan_lsp.graph.relations import Relation


class Link(NamedTuple):
    """An object that a relation leads to, and those that a chain of relations passed on the way."""

    object: Object
    via: tuple[Object, ...] = ()


Keys: TypeAlias = "frozenset[frozenset[Key]]"
"""Keys in parts, which objects that ask the same share."""


class Bound(NamedTuple):
    """The relations of one object: what each leads to, and the keys that decided it."""

    links: tuple[Mapping[str, tuple[Link, ...]], ...]
    """For each of its pod templates, as if it had no other; once for an object without any."""
    dependencies: Keys
    asked: tuple[Mapping[str, Hashable], ...] = ()
    """For each, what tells the questions of its relations from others; the same for as long as the object is."""


def any_of(dependencies: Keys, keys: AbstractSet[Key]) -> bool:
    """Whether some keys are among those of dependencies."""
    return any(not part.isdisjoint(keys) for part in dependencies)


class Followed:
    """What relations were found to lead to in one index, for as long as somebody asks."""

    __slots__ = ("answers", "ends", "index", "parts")

    def __init__(self, index: Index) -> None:
        self.index = index
        self.answers: dict[Hashable, _FollowedStep] = {}
        self.ends: dict[tuple[str, int], tuple[tuple[Link, ...], _FollowedChain]] = {}
        """By the name of a chain and the identity of where its last relation starts, which is kept with it."""
        self.parts: dict[tuple[Link, ...], tuple[Link, ...]] = {}
        """Links that several relations or objects lead to are one tuple."""


class _FollowedStep(NamedTuple):
    """What one relation leads to from one object, and the keys that decided it."""

    found: tuple[Object, ...]
    links: tuple[Link, ...]
    keys: frozenset[Key]


class _FollowedChain(NamedTuple):
    """What a chain of relations leads to, and the keys that decided its last relation."""

    links: tuple[Link, ...]
    keys: frozenset[Key]


def bind(subject: Object, names: Collection[str], followed: Followed, before: Bound | None = None) -> Bound:
    """Follow relations from an object.

    Args:
        subject: where they start.
        names: of `relations.NAMES`; one with dots is a chain, each relation followed from what the one before leads to.
        followed: what was found before in the workspace.
        before: what the relations of this very object led to in another version of the workspace.
    """
    dependencies: set[frozenset[Key]] = set()
    subjects = [subject]
    if len(subject.templates) > 1:
        subjects = [replace(subject, templates=(one,)) for one in subject.templates]
    asked = [dict(one) for one in before.asked] if before else [{} for _ in subjects]
    links = [
        _linked(one, names, followed, questions, dependencies)
        for one, questions in zip(subjects, asked, strict=True)
    ]
    return Bound(tuple(links), frozenset(dependencies), tuple(asked))


def _linked(
    subject: Object,
    names: Collection[str],
    followed: Followed,
    asked: dict[str, Hashable],
    dependencies: set[frozenset[Key]],
) -> dict[str, tuple[Link, ...]]:
    ends: dict[str, tuple[Link, ...]] = {}
    for name in sorted(names):
        so_far = ""
        for step in name.split("."):
            start, so_far = so_far, f"{so_far}.{step}" if so_far else step
            if so_far in ends:
                continue
            if start:
                ends[so_far], keys = _chained(so_far, step, ends[start], followed)
            else:
                if step not in asked:
                    asked[step] = _asked(step, RELATIONS[step], subject)
                found = _follow(step, subject, followed, asked[step])
                ends[so_far], keys = found.links, found.keys
            dependencies.add(keys)
    return {name: ends[name] for name in names}


def _chained(name: str, step: str, start: tuple[Link, ...], followed: Followed) -> _FollowedChain:
    known = followed.ends.get((name, id(start)))
    if known is None:
        keys: set[Key] = set()
        links: list[Link] = []
        for link in start:
            found = _follow(step, link.object, followed, _asked(step, RELATIONS[step], link.object))
            keys |= found.keys
            links += [Link(one, (*link.via, link.object)) for one in found.found]
        known = followed.ends[name, id(start)] = (
            start,
            _FollowedChain(_shared(links, followed), frozenset(keys)),
        )
    return known[1]


def _shared(links: Iterable[Link], followed: Followed) -> tuple[Link, ...]:
    made = tuple(links)
    return followed.parts.setdefault(made, made)


def _follow(name: str, subject: Object, followed: Followed, asked: Hashable) -> _FollowedStep:
    relation = RELATIONS[name]
    known = followed.answers.get(asked)
    if known is None:
        keys: set[Key] = set()
        found = tuple(_ends(relation, subject, followed.index, keys))
        links = _shared(map(Link, found), followed)
        known = followed.answers[asked] = _FollowedStep(found, links, frozenset(keys))
    return known


def _asked(name: str, relation: Relation, subject: Object) -> Hashable:
    """What tells a question from others: equal only where the answers are."""
    if relation.holds is not None and relation.reads is None:
        return name, subject
    if relation.before and any(True for _ in RELATIONS[relation.before].look(subject)):
        return name, subject
    return name, tuple(relation.look(subject)), relation.reads and relation.reads(subject)


def _ends(relation: Relation, subject: Object, index: Index, keys: set[Key]) -> Iterator[Object]:
    seen: set[Object] = set()
    for start in _reached(relation.before, [subject], index, keys):
        ends = dict.fromkeys(_step(relation, start, index, keys))
        # the rules that a role of every cluster takes from others of them are among its own
        has_all = relation.after == "members" and any(not end.file for end in ends)
        for found in _reached(relation.after, ends, index, keys):
            if found not in seen and (found.file or not has_all or found in ends):
                seen.add(found)
                yield found


def _step(relation: Relation, subject: Object, index: Index, keys: set[Key]) -> Iterator[Object]:
    for key in relation.look(subject):
        keys.add(key)
        declared = index.find(key)
        for found in chain(declared, find_builtin(key, index)) if relation.builtin else declared:
            if relation.holds is None or relation.holds(subject, found):
                yield found


def _reached(name: str, starts: Iterable[Object], index: Index, keys: set[Key]) -> Iterator[Object]:
    """Some objects, and all that a relation leads to from them in any number of steps; none where it has no name."""
    if not name:
        yield from starts
        return
    waiting = [*starts]
    seen: set[Object] = set()
    for one in waiting:  # which grows on the way
        if one not in seen:
            seen.add(one)
            yield one
            waiting += _step(RELATIONS[name], one, index, keys)
