"""Which controls are on, how severe they are and what they read: policies and settings made one.

A ruleset also plans the work: for each kind of object the checks that look at it, grouped by what they judge
one by one, so that every check of a container shares one activation.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from msgspec import Struct

from kscan_lsp import cel, paths
from kscan_lsp.policy.compile_check import includes
from kscan_lsp.settings.suggest import nearest_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kscan_lsp.findings import Severity
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.compile_check import Check
    from kscan_lsp.policy.model import Control, Framework, PolicySet
    from kscan_lsp.policy.targets import Each
    from kscan_lsp.settings.model import Settings

_OF_ITEMS: Final = frozenset({"item", "index", "key"})

Content: TypeAlias = tuple[str, str | None]
"""A variable that a check reads, and one field of it, or None for all of it."""


class Answer(NamedTuple):
    """What a check says of an element: whether it fails, and if so with which message."""

    verdict: bool | cel.Failed
    message: str = ""


class Failure(NamedTuple):
    """Where a check fails, and why."""

    path: Path
    message: str
    element: int
    """Its number among those that the check judges."""
    named: cel.Json = None
    """What it says the finding rests on besides."""


class Said(NamedTuple):
    """What a check says of a resource: where it fails, and what it cannot tell for which reason."""

    check: Check
    failed: tuple[Failure, ...]
    untold: tuple[tuple[Path, str], ...]


class Question(NamedTuple):
    """A check, and all of an element that its answer can depend on, but for inputs: a plan has them once."""

    check: Check
    contents: tuple[Content, ...]


class Group(NamedTuple):
    """Questions that depend on the same, and what picks that out of the grounds of their plan.

    It is all that anything about them can depend on: which elements there are, the answers, and where they point.
    """

    questions: tuple[Question, ...]
    grounds: Callable[[Sequence[object]], object]
    said: dict[object, tuple[Said, ...]]
    """What they said before of a resource, by its grounds, of those that did not pass."""


class Round(NamedTuple):
    """The checks that judge the same elements, and what they read."""

    each: Each
    groups: tuple[Group, ...]
    reads: cel.Reads

    @property
    def checks(self) -> list[Check]:
        """All checks of all groups."""
        return [question.check for group in self.groups for question in group.questions]

    def only(self, control: str) -> Round:
        """The same without the checks of other controls."""
        wanted = (tuple(q for q in group.questions if q.check.control == control) for group in self.groups)
        groups = zip(self.groups, wanted, strict=True)
        return self._replace(groups=tuple(g._replace(questions=w, said={}) for g, w in groups if w))


class Plan(NamedTuple):
    """The work for one kind of object: all rounds, the controls that are decided by them, and what they relate to."""

    rounds: tuple[Round, ...]
    grounds: tuple[Content, ...]
    """What of a resource all of them read, in names of `Scope.digest`."""
    controls: tuple[str, ...]
    relations: frozenset[str]
    others: frozenset[str] | None
    """The fields of related objects that are read; None where that may be any."""


class Plans(NamedTuple):
    """Controls that look at nothing but the object, and those for which other objects matter, too."""

    alone: Plan
    related: Plan
    beyond: tuple[Control, ...]
    """Controls that are about such objects, but need more than any manifest says."""


class Ruleset(Struct, frozen=True, eq=False):
    """The controls that are on. Two are the same only if they are one object: results are cached by it."""

    controls: Mapping[str, Control]
    severities: Mapping[str, Severity]
    inputs: Mapping[str, list[str]]
    """Lists rather than tuples, because CEL is handed this very object."""
    frameworks: tuple[Framework, ...]
    pod_spec_paths: Mapping[tuple[str, str], Path]
    policies: PolicySet
    kubernetes_minor: int
    """The Kubernetes version that manifests are for: 33 for 1.33."""
    answers: dict[tuple[object, ...], Answer] = {}
    """What checks said before of an element, by what they read of it (see `asking.py`)."""
    _plans: dict[tuple[str, str, bool], Plans] = {}

    @property
    def relational(self) -> bool:
        """Whether any control asks for other objects."""
        return any(check.relations for control in self.controls.values() for check in control.checks)

    def plan(self, group: str, kind: str, *, workload: bool) -> Plans:
        """The checks for one kind of object, grouped by what they judge.

        A control with one check that asks for other objects waits for them with all its checks, so that it is decided
        in one place.
        """
        key = (group, kind, workload)
        plans = self._plans.get(key)
        if plans is None:
            alone: list[Check] = []
            related: list[Check] = []
            beyond: list[Control] = []
            for control in self.controls.values():
                if control.needs and includes(control.match, group, kind, workload=workload):
                    beyond.append(control)
                checks = [c for c in control.checks if includes(c.match, group, kind, workload=workload)]
                (related if any(check.relations for check in checks) else alone).extend(checks)
            # what was said is known by the identity of its plan: two threads must not make two
            plans = self._plans.setdefault(key, Plans(_plan(alone), _plan(related), tuple(beyond)))
        return plans


def _plan(checks: list[Check]) -> Plan:
    grouped: dict[Each, list[Check]] = {}
    for check in checks:
        grouped.setdefault(check.each, []).append(check)
    found = {check: _grounds(check) for check in checks}
    grounds = tuple(dict.fromkeys(content for read in found.values() for content in read))
    at = {content: index for index, content in enumerate(grounds, start=1)}

    def round_of(each: Each, judging: list[Check]) -> Round:
        alike: dict[tuple[Content, ...], list[Question]] = {}
        for check in judging:
            alike.setdefault(found[check], []).append(Question(check, _contents(check)))
        groups = [
            Group(tuple(questions), itemgetter(0, *map(at.__getitem__, read)), {})
            for read, questions in alike.items()
        ]
        return Round(each, tuple(groups), cel.fields_read(e for c in judging for e in c.expressions()))

    return Plan(
        tuple(round_of(each, judging) for each, judging in grouped.items()),
        grounds,
        tuple(dict.fromkeys(check.control for check in checks)),
        frozenset(name for check in checks for name in check.relations),
        cel.fields_read_of_entries(e for check in checks for e in check.expressions()),
    )


def _contents(check: Check) -> tuple[Content, ...]:
    """What the answer for one element can depend on."""
    asked = list(check.expressions())
    whole = any(expression.reckoned for expression in asked)
    return tuple(
        (name, part)
        for name, parts in sorted(cel.fields_read(asked).items())
        if name != "inputs"
        for part in ((None,) if whole or parts is None else sorted(parts))
    )


def _grounds(check: Check) -> tuple[Content, ...]:
    """What all that a check says of a resource can depend on, in names of `Scope.digest`."""
    each = check.each
    start = "container" if each.start == "containers" else each.start
    found: dict[Content, None] = {}
    if start == "container":
        found["role", None] = None
    if each.steps:
        found[start, _first(each.steps)] = None
    for name, part in _contents(check):
        if name not in _OF_ITEMS:  # which lie behind the first step
            found[name, part] = None
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


class SettingError(Struct, frozen=True):
    """A name in the settings that nothing has, or a value that means nothing, by the path of the setting."""

    path: Path
    message: str
    on_key: bool = False
    """Whether the last key of the path is at fault, and not what it has."""


def choose(
    policies: PolicySet, settings: Settings, *, only: Iterable[str] = ()
) -> tuple[Ruleset, tuple[SettingError, ...]]:
    """Apply settings to policies.

    Args:
        policies: all that is known.
        settings: the user's choice.
        only: control ids that replace the choice by frameworks, includes and excludes.

    Returns:
        The ruleset, and the names in the settings that are wrong; these have no effect.
    """
    wrong: list[SettingError] = []
    known = sorted(policies.controls)

    def exists(control: str, path: Path) -> bool:
        if control not in policies.controls:
            wrong.append(SettingError(path, f"unknown control '{control}'{nearest_name(control, known)}"))
        return control in policies.controls

    frameworks: list[Framework] = []
    for index, name in enumerate(settings.frameworks):
        framework = policies.framework(name)
        if framework is None:
            hint = nearest_name(name, sorted(policies.frameworks))
            wrong.append(SettingError(("frameworks", index), f"unknown framework '{name}'{hint}"))
        else:
            frameworks.append(framework)
    wanted: dict[str, None] = {}
    if ids := tuple(only):
        wanted = dict.fromkeys(i for n, i in enumerate(ids) if exists(i, ("controls", n)))
    else:
        for framework in frameworks:
            wanted.update(dict.fromkeys(members_of(framework, policies)))
        for index, control in enumerate(settings.controls.include):
            if exists(control, ("controls", "include", index)):
                wanted[control] = None
        for index, control in enumerate(settings.controls.exclude):
            if exists(control, ("controls", "exclude", index)):
                wanted.pop(control, None)
    for control in settings.controls.severity:
        exists(control, ("controls", "severity", control))
    inputs, misnamed = _inputs(policies, settings)
    controls = {i: policies.controls[i] for i in sorted(wanted)}
    ruleset = Ruleset(
        controls=controls,
        severities={i: settings.severity_of(i, control.severity) for i, control in controls.items()},
        inputs=inputs,
        frameworks=tuple(frameworks),
        pod_spec_paths=_pod_spec_paths(settings, wrong),
        policies=policies,
        kubernetes_minor=settings.kubernetes_minor,
    )
    return ruleset, (*wrong, *misnamed)


def members_of(framework: Framework, policies: PolicySet) -> tuple[str, ...]:
    """The ids of a framework's controls that exist; all of them for a framework that says so."""
    if framework.whole:
        return tuple(policies.controls)
    return tuple(i for i in framework.members if i in policies.controls)


def _inputs(policies: PolicySet, settings: Settings) -> tuple[dict[str, list[str]], list[SettingError]]:
    inputs: dict[str, list[str]] = {}
    patterns: set[str] = set()
    for control in policies.controls.values():
        inputs.update({name: list(values) for name, values in control.inputs.items()})
        for check in control.checks:
            patterns.update(check.deny.reading.patterns)
    wrong = []
    # a file is read by who may touch files, and its lists are put in its place
    chosen = {} if isinstance(settings.inputs, str) else settings.inputs
    for name, values in chosen.items():
        if name not in inputs:
            hint = nearest_name(name, sorted(inputs))
            unread = f"no control reads an input '{name}'{hint}"
            wrong.append(SettingError(("inputs", name), unread, on_key=True))
            continue
        if f"inputs.{name}" in patterns and (message := cel.check_patterns(values)):
            wrong.append(SettingError(("inputs", name), message))
            continue
        inputs[name] = list(values)
    return inputs, wrong


def _pod_spec_paths(settings: Settings, wrong: list[SettingError]) -> dict[tuple[str, str], Path]:
    from_settings: dict[tuple[str, str], Path] = {}
    for index, entry in enumerate(settings.pod_spec_paths):
        try:
            from_settings[entry.group, entry.kind] = paths.parse(entry.path)
        except ValueError as error:
            wrong.append(SettingError(("podSpecPaths", index, "path"), str(error)))
    return from_settings
