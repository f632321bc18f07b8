"""What a fix is called in menus, reports and diffs: what it does, and to which elements of lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp import paths
from kscan_lsp.kubernetes.schema import CONTAINER_LISTS
from kscan_lsp.redaction import redact, redact_argument

if TYPE_CHECKING:
    from kscan_lsp.fixes.changes import DataChange
    from kscan_lsp.kubernetes.resources import Resource

MAX_QUOTED: Final = 40
"""Characters of a value of the user's that a title shows."""


def title_of(given: str, changes: tuple[DataChange, ...], resource: Resource) -> str:
    """What a fix does, and to which elements of lists: two containers may have the same finding."""
    steps: list[str] = []
    places: list[str] = []
    for change in changes:
        names, elements = _where(change, resource)
        place = " of ".join(elements)
        what = " of ".join((*names, *elements))
        match change.verb:
            case "set":
                steps.append(f"set {what} to {redact(_brief(change.value))}")
            case "add":
                steps.append(f"add {redact(_brief(change.value))} to {what}")
            case "rename":
                steps.append(f"rename {what} to {change.value}")
            case _:
                steps.append(f"remove {what}")
        if place and place not in places:
            places.append(place)
    if given:
        return f"{given} ({', '.join(places)})" if places else given
    text = " and ".join(dict.fromkeys(steps))
    return text[:1].upper() + text[1:]


def _where(change: DataChange, resource: Resource) -> tuple[list[str], list[str]]:
    """Where a change is made: the field, if any, and the elements of lists it is in, the innermost first."""
    elements: list[str] = []
    names: list[str] = []
    # of one that is judged as it is stored, changes are of what its document has
    whole = resource.origin is None
    data: Any = resource.data if whole else paths.lookup(resource.document.data, resource.root)
    for part in change.path[len(resource.root) :]:
        if isinstance(part, str):
            names.append(part)
            data = data.get(part) if isinstance(data, dict) else None
            continue
        items = data if isinstance(data, list) else []
        data = items[part] if part < len(items) else None
        if not names:  # a list in a list
            elements[0] += paths.bracket("", items, part)
            continue
        field = names[-1]
        named = paths.merge_key(field, items, part)
        if named and field in CONTAINER_LISTS:
            name = f"container {_quoted(named[0][1])}"  # as messages name it
        elif change.verb == "remove" and isinstance(data, str | int):
            if field in ("args", "command"):
                data = redact_argument(str(data), str(items[0]), str(items[part - 1]) if part else "")
            name = f"{_quoted(data)} from {_field(names)}"
        else:
            name = field + paths.bracket(field, items, part)
        elements.insert(0, name)
        names.clear()
    return [_field(names)] if names else [], elements


def _field(names: list[str]) -> str:
    return ".".join(names[-2:])


def _quoted(value: object) -> str:
    """A value of the user's, on one line, short enough for a menu, and without what may be a secret."""
    text = redact(" ".join(_brief(value).split()))
    return f"'{text}'" if len(text) <= MAX_QUOTED else f"'{text[: MAX_QUOTED - 1]}\u2026'"


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
