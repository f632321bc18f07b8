"""What a fix would change: the operations of a control, filled in for one finding, and data with them made.

Left out on purpose: text (`edits/`) and judging whether the result holds (`fixes.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from kscan_lsp import cel, paths
from kscan_lsp.engine.locate import resolve
from kscan_lsp.kubernetes.resources import CONTAINER_LISTS
from kscan_lsp.kubernetes.schema import fields_of, is_whole_number
from kscan_lsp.policy.environment import CONTROLS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.engine.check import Hit
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.compile_check import Fix, Operation
    from kscan_lsp.policy.ruleset import Ruleset

MAX_QUOTED: Final = 40
"""Characters of a value of the user's that a title shows."""


class Change(Struct, frozen=True):
    """One operation with everything filled in. `path` counts from the document's root."""

    verb: str
    path: Path
    value: Any = None


class Draft(Struct, frozen=True):
    """A fix that nobody has made yet."""

    title: str
    safe: bool
    changes: tuple[Change, ...]


def drafts_of(resource: Resource, hits: list[Hit], ruleset: Ruleset) -> list[Draft]:
    """What would fix a finding: one draft, or one for each value there is to choose.

    Args:
        resource: the resource of the finding.
        hits: the failed checks behind it, which are fixed together.
        ruleset: the controls that are on.

    Returns:
        The drafts; none where a check has no fix or its condition does not hold.
    """
    options = [_applicable(hit, ruleset) for hit in hits]
    if not options or not all(options):
        return []
    # several checks at one path (one for each container, say) are fixed by a value that suits them all
    choices = [
        choice for _, choice in options[0] if all(any(choice == c for _, c in other) for other in options)
    ]
    drafts: list[Draft] = []
    for choice in choices:
        changes: dict[tuple[str, Path], Change] = {}
        for hit, ((fix, _), *_) in zip(hits, options, strict=True):
            for operation in fix.operations:
                change = _change(operation, hit, resource, choice)
                if change is None:
                    return []
                changes.setdefault((change.verb, change.path), change)
        made = _in_order(changes.values())
        fixes = [option[0][0] for option in options]
        given = "" if choice else next((fix.title for fix in fixes if fix.title), "")
        drafts.append(Draft(_title(given, made, resource), all(fix.safe for fix in fixes), made))
    return drafts


def _in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Removals last and from the back, so that the indices of the others hold until their turn comes."""
    ordered = list(changes)
    removals = sorted(
        (c for c in ordered if c.verb == "remove"), key=lambda c: _sortable(c.path), reverse=True
    )
    return (*(change for change in ordered if change.verb != "remove"), *removals)


def _sortable(path: Path) -> tuple[tuple[int, str], ...]:
    return tuple((part, "") if isinstance(part, int) else (0, part) for part in path)


def _applicable(hit: Hit, ruleset: Ruleset) -> list[tuple[Fix, str]]:
    """The fix of a check that failed with each value it may choose, as far as its condition holds.

    A fix without a choice comes once, with an empty value.
    """
    fix = hit.check.fix
    if fix is None:
        return []
    named = next((o.value for o in fix.operations if o.verb == "choose"), None)
    choices = [""] if named is None else list(ruleset.inputs.get(named, ()))
    if fix.when is None:
        return [(fix, choice) for choice in choices]
    held = []
    for choice in choices:
        activation = (
            cel.bind(CONTROLS, {**hit.element.values, "choice": choice}) if choice else hit.element.activation
        )
        if cel.deny(fix.when, activation) is True:
            held.append((fix, choice))
    return held


def _change(operation: Operation, hit: Hit, resource: Resource, choice: str) -> Change | None:
    path = resolve(operation.target, hit.element)
    value = operation.value
    if operation.question is not None:
        value = cel.evaluate(operation.question, hit.element.activation)
    if isinstance(path, cel.Failed) or isinstance(value, cel.Failed):
        return None
    absolute = (*resource.root, *path)
    if operation.verb != "choose":
        return Change(operation.verb, absolute, value)
    fields = fields_of(resource.id.group, resource.id.kind, resource.template_path)
    number = choice.isdecimal() and is_whole_number(fields, path)
    return Change("set", absolute, int(choice) if number else choice)


def _title(given: str, changes: tuple[Change, ...], resource: Resource) -> str:
    """What a fix does, and to which elements of lists: two containers may have the same finding."""
    said: list[str] = []
    places: list[str] = []
    for change in changes:
        names, elements = _where(change, resource)
        place = " of ".join(elements)
        what = " of ".join((*names, *elements))
        match change.verb:
            case "set":
                said.append(f"set {what} to {_brief(change.value)}")
            case "add":
                said.append(f"add {_brief(change.value)} to {what}")
            case _:
                said.append(f"remove {what}")
        if place and place not in places:
            places.append(place)
    if given:
        return f"{given} ({', '.join(places)})" if places else given
    text = " and ".join(dict.fromkeys(said))
    return text[:1].upper() + text[1:]


def _where(change: Change, resource: Resource) -> tuple[list[str], list[str]]:
    """Where a change is made: the field, if any, and the elements of lists it is in, the innermost first."""
    elements: list[str] = []
    names: list[str] = []
    data: Any = resource.data
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
            said = f"container {_quoted(named[0][1])}"  # as messages name it
        elif change.verb == "remove" and isinstance(data, str | int):
            said = f"{_quoted(data)} from {_field(names)}"
        else:
            said = field + paths.bracket(field, items, part)
        elements.insert(0, said)
        names.clear()
    return [_field(names)] if names else [], elements


def _field(names: list[str]) -> str:
    return ".".join(names[-2:])


def _quoted(value: object) -> str:
    """A value of the user's, on one line and short enough for a menu."""
    text = " ".join(_brief(value).split())
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


def applied(data: Any, changes: tuple[Change, ...]) -> Any:
    """Data with changes made; copies only what lies on the way."""
    for change in changes:
        data = _changed(data, change.path, change)
    return data


def _changed(here: Any, path: Path, change: Change) -> Any:
    if not path:
        if change.verb == "add":
            return [*(here or []), change.value]
        return change.value
    head, rest = path[0], path[1:]
    if isinstance(head, int):
        items = list(here) if isinstance(here, list) else []
        if head >= len(items):
            return items
        if not rest and change.verb == "remove":
            del items[head]
        else:
            items[head] = _changed(items[head], rest, change)
        return items
    mapping = dict(here) if isinstance(here, dict) else {}
    if not rest and change.verb == "remove":
        mapping.pop(head, None)
    else:
        mapping[head] = _changed(mapping.get(head), rest, change)
    return mapping
