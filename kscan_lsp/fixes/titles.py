"""What a fix is called in menus, reports and diffs: what it does, and to which elements of lists."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct

from kscan_lsp import paths
from kscan_lsp.kubernetes.schema import CONTAINER_LISTS
from kscan_lsp.redaction import redact, redact_argument

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.fixes.changes import DataChange
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.paths import Path

MAX_QUOTED: Final = 40
"""Characters of a value of the user's that a title shows."""


Elements: TypeAlias = tuple[str, ...]
"""Elements of lists that something is in, as titles name them, the innermost first."""
Named: TypeAlias = "dict[tuple[Path, bool], Elements]"
"""By the path of an element in a resource, and whether it is removed, what it is called."""


class TitleStep(Struct, frozen=True):
    """What one change does, but for the names of the elements it is made in; only where, if that is all asked."""

    before: str
    place: Path
    """The element, from the object's root; empty for what is in no list."""
    removes: bool
    after: str


class Outline(Struct, frozen=True):
    """A title but for the names of elements of lists: those are an object's own, and all else is the same in many."""

    given: str
    """What the fix is called by its control; empty where it says nothing."""
    steps: tuple[TitleStep, ...]


UNNAMED: Final = Outline("", ())
"""Of what has its title from elsewhere."""


def outline_of(given: str, changes: Iterable[DataChange], resource: Resource) -> Outline:
    """What a fix does, wherever it does so.

    Args:
        given: what the fix is called by its control; empty where it says nothing.
        changes: what it changes.
        resource: where.
    """
    steps: list[TitleStep] = []
    for change in changes:
        path = change.path[len(resource.root) :]
        inside = _last_index(path)
        before, after = ("", "") if given else _said(change, _field(path[inside:]), listed=bool(inside))
        steps.append(TitleStep(before, path[:inside], change.verb == "remove", after))
    return Outline(given, tuple(steps))


def _said(change: DataChange, what: str, *, listed: bool) -> tuple[str, str]:
    """What stands before and behind the elements of lists that a field is in, if it is in any."""
    if what and listed:
        what += " of "
    match change.verb:
        case "set":
            return f"set {what}", f" to {_shown(change.value)}"
        case "add":
            return f"add {_shown(change.value)} to {what}", ""
        case "rename":
            return f"rename {what}", f" to {change.value}"
        case _:
            return f"remove {what}", ""


def titled(outline: Outline, resource: Resource, named: Named | None = None) -> str:
    """What a fix does, and to which elements of lists: two containers may have the same finding.

    Args:
        outline: the title without these elements.
        resource: where it does so.
        named: what is known of the resource, for who asks for many titles: most changes are in the same few elements.
    """
    named = {} if named is None else named
    if len(outline.steps) == 1 and not outline.given:  # of most
        step = outline.steps[0]
        text = (
            step.before
            + (called_in(resource, step.place, named, removed=step.removes) if step.place else "")
            + step.after
        )
        return text[:1].upper() + text[1:]
    steps: list[str] = []
    places: list[str] = []
    for step in outline.steps:
        place = called_in(resource, step.place, named, removed=step.removes) if step.place else ""
        if outline.given:
            if place and place not in places:
                places.append(place)
        else:
            steps.append(step.before + place + step.after)
    if outline.given:
        return f"{outline.given} ({', '.join(places)})" if places else outline.given
    text = " and ".join(dict.fromkeys(steps))
    return text[:1].upper() + text[1:]


def called_in(resource: Resource, place: Path, named: Named, *, removed: bool) -> str:
    """The elements of lists that a change is made in.

    Args:
        resource: where.
        place: the last of them, from the object's root.
        named: what is known of the resource.
        removed: whether that one is removed.
    """
    found = named.get((place, removed))
    if found is None:
        # of one that is judged as it is stored, changes are of what its document has
        whole = resource.origin is None
        data = resource.data if whole else paths.lookup(resource.document.data, resource.root)
        found = _elements(place, data, named, removed=removed)
    return " of ".join(found)


def _elements(path: Path, data: Any, named: Named, *, removed: bool) -> Elements:
    """The elements on the way to one, which a path ends with, and that one itself."""
    if not path:
        return ()
    known = named.get((path, removed))
    if known is not None:
        return known
    above, index = path[:-1], path[-1]
    outer = _last_index(above)
    around = _elements(above[:outer], data, named, removed=removed)
    items = paths.lookup(data, above)
    found = _called(above[outer:], items if isinstance(items, list) else [], index, around, removed=removed)
    named[path, removed] = found
    return found


def _called(names: Path, items: list[Any], index: Any, around: Elements, *, removed: bool) -> Elements:
    if not names:  # a list in a list
        return (around[0] + paths.bracket("", items, index), *around[1:])
    field = str(names[-1])
    value = items[index] if index < len(items) else None
    identity = paths.merge_key(field, items, index)
    if identity and field in CONTAINER_LISTS:
        return f"container {_quoted(identity[0][1])}", *around  # as messages name it
    if removed and isinstance(value, str | int):
        if field in ("args", "command"):
            value = redact_argument(str(value), str(items[0]), str(items[index - 1]) if index else "")
        return f"{_quoted(value)} from {_field(names)}", *around
    return field + paths.bracket(field, items, index), *around


def _last_index(path: Path) -> int:
    """How long a path is up to its last index, which counts."""
    length = len(path)
    while length and isinstance(path[length - 1], str):
        length -= 1
    return length


def _field(names: Path) -> str:
    return ".".join(map(str, names[-2:]))


def _quoted(value: str | int) -> str:
    """A value of the user's, on one line, short enough for a menu, and without what may be a secret."""
    return _short_quoted(value) if len(str(value)) <= MAX_QUOTED else _made_quoted(value)


def _made_quoted(value: str | int) -> str:
    text = redact(" ".join(_brief(value).split()))
    return f"'{text}'" if len(text) <= MAX_QUOTED else f"'{text[: MAX_QUOTED - 1]}\u2026'"


_short_quoted: Final = lru_cache(1_024, typed=True)(_made_quoted)
"""The same of what most elements are called: containers of many objects have the same names."""


def _shown(value: object) -> str:
    """A value that a fix writes, without what may be a secret."""
    if isinstance(value, str | int) and len(str(value)) <= MAX_QUOTED:
        return _short_shown(value)
    return redact(_brief(value))


@lru_cache(1_024, typed=True)
def _short_shown(value: str | int) -> str:
    """The same of what most fixes write: the same few words and numbers."""
    return redact(_brief(value))


def _brief(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{k}: {_brief(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(_brief(v) for v in value) + "]"
        case _:
            return str(value)
