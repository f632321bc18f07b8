"""Which controls a field of a manifest concerns: those that point at it, and those whose answer may depend on it.

Known without a manifest, from the controls alone. What an expression reads is known by the first field of each variable
and by the names of all fields below (`cel/reading.py`), so a control may be listed that reads a field of the same name
elsewhere in the same part of the object; none is missing that reads this one by its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp import cel
from kscan_lsp.kubernetes.pod_templates import PLACES
from kscan_lsp.kubernetes.schema import CONTAINER_LISTS
from kscan_lsp.paths import EACH
from kscan_lsp.policy.matching import includes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp.kubernetes.pod_templates import Place
    from kscan_lsp.paths import Pattern
    from kscan_lsp.policy.check import Check
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.policy.targets import Each

_CONTEXT: Final = "securityContext"


class Concerned(NamedTuple):
    """A control, and whether it reports at the field; else it only reads it."""

    control: str
    points: bool


def controls_of(field: Pattern, group: str, kind: str, ruleset: Ruleset) -> list[Concerned]:
    """The controls that are on and concern a field of objects of a kind, in the order of the ruleset."""
    places = (*PLACES.get((group, kind), ()), *ruleset.pod_spec_paths.get((group, kind), ()))
    where = _Field(field, places)
    found = []
    for control in ruleset.controls.values():
        checks = [one for one in control.checks if includes(one.match, group, kind, workload=bool(places))]
        points = any(_points(check, where) for check in checks)
        if points or any(_reads(check, where) for check in checks):
            found.append(Concerned(control.id, points))
    return found


class _Field:
    """A field, as it is seen from what controls judge."""

    def __init__(self, field: Pattern, places: Sequence[Place]) -> None:
        self.rests: dict[str, list[Pattern]] = {
            "object": [field], "podTemplate": [], "pod": [], "container": [], "effective": []
        }  # fmt: skip
        for place in places:
            pod = (*place.pattern, "spec")
            self.rests["podTemplate"] += _behind(place.pattern, field)
            self.rests["pod"] += _behind(pod, field)
            self.rests["effective"] += _behind((*pod, _CONTEXT), field)
            for several in CONTAINER_LISTS:
                self.rests["container"] += _behind((*pod, several, EACH), field)
                self.rests["effective"] += _behind((*pod, several, EACH, _CONTEXT), field)

    def seen_from(self, name: str, each: Each) -> list[Pattern]:
        """What is left of the field behind a variable; none where it does not lie below it."""
        if name not in ("", "item"):
            return self.rests.get(name, [])
        start = "container" if each.start == "containers" else each.start
        return [rest for one in self.rests[start] for rest in _behind(each.steps, one)]


def _behind(start: Pattern, field: Pattern) -> Iterator[Pattern]:
    """What is left of a field behind a pattern that it begins with."""
    alike = (
        one == other or (one is EACH and not isinstance(other, str)) or EACH in (one, other)
        for one, other in zip(start, field, strict=False)
    )
    if len(field) >= len(start) and all(alike):
        yield field[len(start) :]


def _points(check: Check, field: _Field) -> bool:
    """Whether a check reports at a field, or at something that it lies in or that lies in it."""
    for target in check.at:
        for rest in field.seen_from(target.anchor, check.each):
            both = list(zip(target.parts, rest, strict=False))
            if both and all(
                isinstance(part, cel.Expression) or EACH is other or part == other for part, other in both
            ):
                return True
    return False


def _reads(check: Check, field: _Field) -> bool:
    """Whether the answer of a check may depend on a field."""
    expressions = list(check.judging())
    names = {name for one in expressions for name in one.reading.names}
    for name, fields in cel.fields_read(expressions).items():
        for rest in field.seen_from(name, check.each):
            keys = [part for part in rest if isinstance(part, str)]
            if keys and (fields is None or keys[0] in fields) and (len(keys) == 1 or keys[-1] in names):
                return True
    return False
