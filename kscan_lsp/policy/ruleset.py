"""Which controls are on, how severe they are and what they read: policies and settings made one.

A ruleset is pure data. Left out on purpose: the work that it means for each kind of object (`engine/plan.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp import cel, paths
from kscan_lsp.findings import Severity
from kscan_lsp.kubernetes.images import entry_error
from kscan_lsp.kubernetes.pod_templates import Place
from kscan_lsp.policy.admission import is_of_admission, stand_in
from kscan_lsp.policy.inputs import Bound, bound, fitting, lists_in
from kscan_lsp.settings.model import DEFAULT_FRAMEWORK
from kscan_lsp.settings.suggest import nearest_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kscan_lsp.paths import Path, Pattern
    from kscan_lsp.policy.inputs import Input
    from kscan_lsp.policy.model import Control, Framework, PolicySet
    from kscan_lsp.policy.rego import RegoRule
    from kscan_lsp.settings.model import Settings


class Ruleset(Struct, frozen=True, eq=False):
    """The controls that are on. Two are the same only if they are one object."""

    controls: Mapping[str, Control]
    severities: Mapping[str, Severity]
    inputs: Mapping[str, list[str]]
    """Those that are lists, rather than tuples, because CEL is handed this very object."""
    frameworks: tuple[Framework, ...]
    pod_spec_paths: Mapping[tuple[str, str], tuple[Place, ...]]
    policies: PolicySet
    kubernetes_minor: int
    """The Kubernetes version that manifests are for: 33 for 1.33."""
    admission: bool = False
    """Whether objects are judged by the admission policies of their workspace, too."""
    mutates: bool = False
    """Whether they are judged as the policies of their workspace change them, and not as they are written."""
    left_out: frozenset[str] = frozenset()
    """The admission policies that are not asked, by their ids."""
    typed_inputs: Mapping[str, Bound] = {}
    """The inputs that are no lists, by their whole names, as in `inputs.replicas`: CEL knows each as a variable."""
    root: str | None = None
    """The folder from which controls see paths, absolute; empty where names are such paths already, None where no
    control asks."""

    rego: tuple[tuple[str, RegoRule], ...] = ()
    """The rules in Rego of controls, with the ids of these, and the inputs that settings give to them."""

    by_namespace: bool = False
    """Whether any control judges namespaces that no file declares."""
    limited: frozenset[str] = frozenset()
    """The controls whose work is counted (`engine/budget.py`): those that do not come with the program."""

    def input(self, name: str, default: Input = ()) -> Bound:
        """The value that holds of an input."""
        listed = self.inputs.get(name)
        return self.typed_inputs.get(f"inputs.{name}", bound(default)) if listed is None else listed

    @property
    def relational(self) -> bool:
        """Whether any control asks for other objects, be it for a fix."""
        return self.asks_policies or any(
            check.relational for control in self.controls.values() for check in control.checks
        )

    @property
    def asks_policies(self) -> bool:
        """Whether anything that was not written for kscan judges or changes objects: admission policies, or Rego."""
        return self.admission or self.mutates or bool(self.rego)

    def control(self, name: str) -> Control:
        """A control that is on, or what stands for an admission policy."""
        return stand_in(name) if is_of_admission(name) else self.controls[name]

    def severity(self, name: str) -> Severity:
        """How severe a control is; an admission policy may be less so by its binding."""
        return self.severities[name] if name in self.severities else stand_in(name).severity


def same_rules(one: Ruleset, other: Ruleset) -> bool:
    """Whether two rulesets judge alike, and are made of the very same policies."""
    return (
        one.severities == other.severities
        and one.inputs == other.inputs
        and one.typed_inputs == other.typed_inputs
        and one.pod_spec_paths == other.pod_spec_paths
        and one.admission == other.admission
        and one.mutates == other.mutates
        and one.root == other.root
        and one.left_out == other.left_out
        and [(i, rule.source) for i, rule in one.rego] == [(i, rule.source) for i, rule in other.rego]
        and one.kubernetes_minor == other.kubernetes_minor
        and [*map(id, one.frameworks)] == [*map(id, other.frameworks)]
        and _ids(one.controls) == _ids(other.controls)
        and _ids(one.policies.controls) == _ids(other.policies.controls)
        and _ids(one.policies.frameworks) == _ids(other.policies.frameworks)
    )


def admission_alone(rules: Ruleset) -> Ruleset:
    """A ruleset that judges by nothing but the admission policies of a workspace, all of them."""
    return replace(
        rules,
        controls={},
        severities={},
        frameworks=(),
        admission=True,
        mutates=False,
        left_out=frozenset(),
        root=None,
        by_namespace=False,
        limited=frozenset(),
        rego=(),
    )


def _ids(policies: Mapping[str, object]) -> list[tuple[str, int]]:
    return [(name, id(policy)) for name, policy in policies.items()]


class SettingError(Struct, frozen=True):
    """What is wrong with a setting for the policies there are, by its path."""

    path: Path
    message: str
    on_key: bool = False
    """Whether the last key of the path is at fault, and not what it has."""


def choose(
    policies: PolicySet,
    settings: Settings,
    *,
    only: Iterable[str] = (),
    besides: Iterable[str] = (),
    root: str = "",
) -> tuple[Ruleset, tuple[SettingError, ...]]:
    """Apply settings to policies.

    Args:
        policies: all that is known.
        settings: the user's choice.
        only: control ids that replace the choice by frameworks, includes and excludes.
        besides: control ids that are on besides, unless the user excludes them.
        root: the folder from which controls see paths, if that is none of the current one.

    Returns:
        The ruleset, and the names in the settings that are wrong; these have no effect.
    """
    wrong: list[SettingError] = []
    known = sorted(policies.controls)

    def exists(control: str, path: Path) -> bool:
        if is_of_admission(control):  # which of them there are, only the files say
            return False
        if control not in policies.controls:
            wrong.append(SettingError(path, f"unknown control '{control}'{nearest_name(control, known)}"))
        return control in policies.controls

    ids = tuple(only)
    frameworks = _frameworks(policies, settings, wrong, ids)
    wanted: dict[str, None] = {}
    if ids:
        wanted = dict.fromkeys(i for n, i in enumerate(ids) if exists(i, ("controls", n)))
    else:
        for framework in frameworks:
            wanted.update(dict.fromkeys(members_of(framework, policies)))
        wanted.update(dict.fromkeys(i for i in besides if i in policies.controls))
        for index, control in enumerate(settings.controls.include):
            if exists(control, ("controls", "include", index)):
                wanted[control] = None
        for index, control in enumerate(settings.controls.exclude):
            if exists(control, ("controls", "exclude", index)):
                wanted.pop(control, None)
    for control in settings.controls.severity:
        exists(control, ("controls", "severity", control))
    values, misnamed = _inputs(policies, settings)
    inputs = {name: value for name, value in values.items() if isinstance(value, list)}
    controls = {i: policies.controls[i] for i in sorted(wanted)}
    said = settings.inputs if isinstance(settings.inputs, dict) else {}
    given = {
        name: inputs[name]
        for name, texts in said.items()
        if isinstance(texts, list | tuple) and inputs.get(name) == [*texts]
    }
    ruleset = Ruleset(
        controls=controls,
        severities={
            **{i: settings.severity_of(i, control.severity) for i, control in controls.items()},
            **{
                i: settings.severity_of(i, Severity.HIGH)
                for i in filter(is_of_admission, settings.controls.severity)
            },
        },
        inputs=inputs,
        frameworks=tuple(frameworks),
        pod_spec_paths=_pod_spec_paths(settings, wrong),
        policies=policies,
        kubernetes_minor=settings.kubernetes_minor,
        admission=settings.admission.evaluate and not ids,
        mutates=settings.admission.evaluate and settings.admission.mutate,
        left_out=frozenset(filter(is_of_admission, settings.controls.exclude)),
        by_namespace=any(check.undeclared for control in controls.values() for check in control.checks),
        root=root if any(control.reads_path for control in controls.values()) else None,
        typed_inputs={f"inputs.{name}": value for name, value in values.items() if name not in inputs},
        limited=frozenset(controls.keys() & policies.sources.keys()),
        rego=tuple((i, rule.given(given)) for i, control in controls.items() for rule in control.rego),
    )
    return ruleset, (*wrong, *misnamed)


def _frameworks(
    policies: PolicySet, settings: Settings, wrong: list[SettingError], ids: tuple[str, ...]
) -> list[Framework]:
    """The chosen frameworks. A choice in which nothing is right must not switch everything off: the default applies."""
    chosen = [policies.framework(name) for name in settings.frameworks]
    frameworks = [framework for framework in chosen if framework is not None]
    default = policies.framework(DEFAULT_FRAMEWORK)
    included = any(control in policies.controls for control in settings.controls.include)
    instead = ""
    if not (frameworks or ids) and default is not None and (settings.frameworks or not included):
        frameworks = [default]
        instead = f", so '{DEFAULT_FRAMEWORK}' applies"
    for index, (name, framework) in enumerate(zip(settings.frameworks, chosen, strict=True)):
        if framework is None:
            hint = nearest_name(name, sorted(policies.frameworks))
            wrong.append(SettingError(("frameworks", index), f"unknown framework '{name}'{instead}{hint}"))
    if instead and not settings.frameworks:
        nothing = (
            f"no framework is chosen and no control included{instead}; use 'exclude' for what not to scan"
        )
        wrong.append(SettingError(("frameworks",), nothing))
    return frameworks


def members_of(framework: Framework, policies: PolicySet) -> tuple[str, ...]:
    """The ids of a framework's controls that exist; all of them for a framework that says so."""
    if framework.whole:
        return tuple(policies.controls)
    return tuple(i for i in framework.members if i in policies.controls)


def _inputs(policies: PolicySet, settings: Settings) -> tuple[dict[str, Bound], list[SettingError]]:
    defaults: dict[str, Input] = {}
    patterns: set[str] = set()
    registries: set[str] = set()
    for control in sorted(
        policies.controls.values(), key=lambda one: not one.rego
    ):  # of one name, ours is last
        defaults |= control.inputs
        for check in control.checks:
            patterns.update(check.deny.reading.patterns)
            registries.update(check.deny.reading.registries)
    inputs = {name: bound(value) for name, value in defaults.items()}
    wrong = []
    # a file is read by who may touch files, and its lists are put in its place
    chosen = {} if isinstance(settings.inputs, str) else settings.inputs
    for name, given in chosen.items():
        if name not in inputs:
            hint = nearest_name(name, sorted(inputs))
            unread = f"no control reads an input '{name}'{hint}"
            wrong.append(SettingError(("inputs", name), unread, on_key=True))
            continue
        value = fitting(name, given, defaults[name])
        if isinstance(value, str):
            wrong.append(SettingError(("inputs", name), value))
            continue
        lists = [*lists_in(name, value)]
        if f"inputs.{name}" in patterns and (bad := [*_bad_patterns(lists)]):
            wrong += bad
            continue
        if f"inputs.{name}" in registries:
            # the list stays as it is: without its last entry nothing would be asked any more
            wrong += [
                SettingError(("inputs", *where, n), message)
                for where, texts in lists
                for n, entry in enumerate(texts)
                if (message := entry_error(entry))
            ]
        inputs[name] = bound(value)
    return inputs, wrong


def _bad_patterns(lists: Iterable[tuple[Path, tuple[str, ...]]]) -> Iterator[SettingError]:
    """The first regular expression of each list that is wrong, or the list, where it is as a whole."""
    for where, texts in lists:
        if message := cel.check_patterns(texts):
            one = ((n, why) for n, text in enumerate(texts) if (why := cel.check_patterns([text])))
            number, why = next(one, (None, message))
            yield SettingError(("inputs", *where) if number is None else ("inputs", *where, number), why)


def _pod_spec_paths(
    settings: Settings, wrong: list[SettingError]
) -> dict[tuple[str, str], tuple[Place, ...]]:
    patterns: dict[tuple[str, str], dict[Pattern, None]] = {}
    for index, entry in enumerate(settings.pod_spec_paths):
        try:
            pattern = paths.parse_pattern(entry.path)
        except ValueError as error:
            wrong.append(SettingError(("podSpecPaths", index, "path"), str(error)))
        else:
            patterns.setdefault((entry.group, entry.kind), {})[pattern] = None
    # the only template of a kind has to be there, of several not every object has all
    return {
        kind: tuple(Place(one, always=len(there) == 1 and paths.EACH not in one) for one in there)
        for kind, there in patterns.items()
    }
