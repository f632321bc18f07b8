"""The work for one kind of object: which checks look at it, in which order, and what each can depend on.

Checks that judge the same elements form a round, so that every check of a container shares one activation. Within it,
checks that depend on the same fields form a group, so that what they found in an object can be found again by the
digests of those fields. Making a plan looks at controls and at nothing else; it is pure, and a plan is frozen data.

Left out on purpose: keeping plans and what their checks found (`memo.py`), and evaluating them (`evaluate.py`).
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp import cel
from kscan_lsp.engine.elements import trie_of
from kscan_lsp.engine.scope import OF_ITEMS
from kscan_lsp.evidence.model import key_for
from kscan_lsp.kubernetes.pod_templates import fields_of
from kscan_lsp.policy.matching import includes

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence

    from kscan_lsp.engine.elements import Trie
    from kscan_lsp.engine.scope import Dependency
    from kscan_lsp.graph.index import Key
    from kscan_lsp.kubernetes.pod_templates import Place
    from kscan_lsp.kubernetes.schema import Fields
    from kscan_lsp.policy.check import Check
    from kscan_lsp.policy.model import Control
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.policy.targets import Each

_OF_PODS: Final = frozenset({"podTemplate", "pod", "container", "effective", "role", "relations"})


class PlannedCheck(Struct, frozen=True):
    """A check, and all of an element that its answer can depend on, but for inputs."""

    check: Check
    index: int
    """Its number among the checks of its control."""
    number: int
    """Tells it from all others in plans of the same evaluator: what it answers is remembered by this."""
    decisive: tuple[Dependency, ...]
    """What decides whether it fails for an element; one tuple for all in a plan that read the same."""
    shown: tuple[Dependency, ...]
    """What else it reads to say so, such as the name of a container."""


class Group(Struct, frozen=True, eq=False):
    """Checks that depend on the same, and what picks the digests of that out of those of their plan.

    It is all that anything about them can depend on: which elements there are, the answers, and where they point.
    """

    checks: tuple[PlannedCheck, ...]
    reads: tuple[int, ...]
    """Which of the dependencies of the plan, from 1; what tells one pod template from others is 0."""
    key_of: Callable[[Sequence[object]], object]
    of_pods: bool
    """Whether they look at anything that is another in each pod template of an object."""


class Round(Struct, frozen=True):
    """The checks that judge the same elements, and what they read."""

    each: Each
    groups: tuple[Group, ...]
    reads: cel.Reads
    reads_of_fixes: cel.Reads
    """What they and their fixes read."""
    first: int
    """The number of the first group among all of the plan."""

    @property
    def checks(self) -> list[Check]:
        """All checks of all groups."""
        return [planned.check for group in self.groups for planned in group.checks]


class Plan(Struct, frozen=True):
    """All rounds, the controls that are decided by them, and what they relate to."""

    rounds: tuple[Round, ...]
    dependencies: tuple[Dependency, ...]
    """What of a resource all of them read, in names of `Scope.digest`."""
    controls: tuple[str, ...]
    relations: frozenset[str]
    related_fields: frozenset[str] | None
    """The fields of related objects that are read; None where that may be any."""
    trie: Trie
    """To the elements of the rounds, by their numbers."""
    size: int
    """How many groups there are in all rounds."""

    @property
    def groups(self) -> Iterator[Group]:
        """The groups of all rounds."""
        for round_ in self.rounds:
            yield from round_.groups

    def reads_of(self, each: Each) -> cel.Reads:
        """What the checks that judge some elements read, and their fixes."""
        return next((round_.reads_of_fixes for round_ in self.rounds if round_.each == each), {})


class Plans(Struct, frozen=True):
    """All that is to be done for one kind of object."""

    fields: Fields
    """What is known about its fields."""
    alone: Plan
    """Controls that look at nothing but the object."""
    related: Plan
    """Controls for which other objects matter, too."""
    both: Plan
    """The one behind the other, for an object that is related to none."""
    unanswerable: tuple[tuple[str, str], ...]
    """Controls that are about such objects, but need more than anybody knows here: id, and why."""
    spaces: Plan
    """Of Namespaces, what is asked of one that no file declares, too."""
    evidence: frozenset[Key]
    """The keys of the kinds of evidence that any control asks for, whether it is there or not."""


def plans_for(
    group: str,
    kind: str,
    places: tuple[Place, ...],
    *,
    workload: bool,
    ruleset: Ruleset,
    evidence: Container[str],
    numbers: Iterator[int],
) -> Plans:
    """Plan the work for one kind of object.

    A control with one check that asks for other objects waits for them with all its checks, so that it is decided in
    one place.

    Args:
        group: the API group of the objects, without the version.
        kind: their kind.
        places: where their kind has pod templates.
        workload: whether they have any.
        ruleset: the controls that are on.
        evidence: the kinds of evidence that there are.
        numbers: those that no planned check has yet.
    """
    alone: list[tuple[int, Check]] = []
    related: list[tuple[int, Check]] = []
    unanswerable: list[Control] = []
    wanted: set[Key] = set()
    for control in ruleset.controls.values():
        checks = [
            (index, check)
            for index, check in enumerate(control.checks)
            if includes(check.match, group, kind, workload=workload)
            # of a kind that may run pods, one that runs none has nothing for a question about pods
            and (workload or not places or check.each.start == "object")
        ]
        if control.set_aside:
            unanswerable += [control] if checks else []
            continue
        if not control.checks and control.needs:
            if includes(control.match, group, kind, workload=workload):
                unanswerable.append(control)
            continue
        if control.evidence and checks:
            wanted.add(key_for(control.evidence))
            if control.evidence not in evidence:
                unanswerable.append(control)
                continue
        (related if any(check.relations for _, check in checks) else alone).extend(checks)
    at: dict[Dependency, int] = {}
    first, second = _plan(alone, numbers, at), _plan(related, numbers, at)
    behind = [replace(one, first=one.first + first.size) for one in second.rounds]
    both = replace(
        second,
        rounds=(*first.rounds, *behind),
        dependencies=tuple(at),
        controls=first.controls + second.controls,
        trie=trie_of(one.each for one in (*first.rounds, *behind)),
        size=first.size + second.size,
    )
    return Plans(
        fields=fields_of(group, kind, places),
        alone=first,
        related=second,
        both=both,
        spaces=_plan([one for one in (*alone, *related) if one[1].undeclared], numbers, {}),
        unanswerable=tuple((control.id, control.unanswered) for control in unanswerable),
        evidence=frozenset(wanted),
    )


def _plan(indexed: list[tuple[int, Check]], numbers: Iterator[int], at: dict[Dependency, int]) -> Plan:
    """The plan for some checks, each with its number in its control; `at` counts the dependencies of several plans."""
    by_each: dict[Each, list[PlannedCheck]] = {}
    same: dict[tuple[Dependency, ...], tuple[Dependency, ...]] = {}
    for index, check in indexed:
        decisive = _of_an_element([check.deny])
        decisive = same.setdefault(decisive, decisive)
        message = [part for part in check.message.parts if isinstance(part, cel.Expression)]
        shown = tuple(one for one in _of_an_element(message) if one not in decisive)
        planned = PlannedCheck(check, index, next(numbers), decisive, shown)
        by_each.setdefault(check.each, []).append(planned)
    checks = [check for _, check in indexed]
    found = {check: _of_a_resource(check) for check in checks}
    for read in found.values():
        for one in read:
            at.setdefault(one, len(at) + 1)

    def round_of(each: Each, planned: list[PlannedCheck], first: int) -> Round:
        alike: dict[tuple[Dependency, ...], list[PlannedCheck]] = {}
        for one in planned:
            alike.setdefault(found[one.check], []).append(one)
        groups = [
            Group(
                tuple(together),
                tuple(map(at.__getitem__, read)),
                itemgetter(0, *map(at.__getitem__, read)),
                each.start != "object" or any(name in _OF_PODS for name, _ in read),
            )
            for read, together in alike.items()
        ]
        # a fix may read all containers of a pod, which are not to be handed to CEL for each of them in turn
        reads = cel.fields_read(e for one in planned for e in one.check.judging())
        reads_of_fixes = cel.fields_read(e for one in planned for e in one.check.expressions())
        return Round(each, tuple(groups), reads, reads_of_fixes, first)

    rounds: list[Round] = []
    size = 0
    for each, of_round in by_each.items():
        rounds.append(round_of(each, of_round, size))
        size += len(rounds[-1].groups)
    return Plan(
        tuple(rounds),
        tuple(at) if checks else (),
        tuple(dict.fromkeys(check.control for check in checks)),
        frozenset(name for check in checks for name in check.relations),
        cel.fields_read_of_entries(e for check in checks for e in check.expressions()),
        trie_of(by_each),
        size,
    )


def _of_an_element(expressions: Sequence[cel.Expression]) -> tuple[Dependency, ...]:
    """What the answers of some expressions for one element can depend on."""
    whole = any(expression.reckoned for expression in expressions)
    return tuple(
        (name, field)
        for name, fields in sorted(cel.fields_read(expressions).items())
        if name.partition(".")[0] != "inputs"
        for field in ((None,) if whole or fields is None else sorted(fields))
    )


def _of_a_resource(check: Check) -> tuple[Dependency, ...]:
    """What all that a check says of a resource can depend on, in names of `Scope.digest`."""
    each = check.each
    start = "container" if each.start == "containers" else each.start
    found: dict[Dependency, None] = {}
    if start == "container":
        found["role", None] = None
    if each.steps:
        found[start, _first(each.steps)] = None
    for name, field in _of_an_element([*check.judging()]):
        if name not in OF_ITEMS:  # which lie behind the first step
            found[name, field] = None
    for target in check.at:
        if target.anchor == "effective":
            found["container", "securityContext"] = found["pod", "securityContext"] = None
        elif target.anchor not in ("", "item"):
            found[target.anchor, _first(target.parts)] = None
        elif target.parts and not each.steps:
            found[start, _first(target.parts)] = None
    return tuple(found)


def _first(parts: Sequence[object]) -> str | None:
    return parts[0] if parts and isinstance(parts[0], str) else None
