"""A control as ValidatingAdmissionPolicies with their bindings, where it can be said in the words of the API server.

Each check becomes a validation over what its `each` names. Inputs are written into the policy, as the settings have
them. Checks about other objects become another policy: a policy is about one set of kinds.

Left out on purpose: kinds of custom resources that run pods, which a control knows from a table and a policy would have
to list; and whether what is written says the same, which its tests show (`testing/exported.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp import cel, paths
from kscan_lsp.admission.matching import resource_of
from kscan_lsp.admission.model import BINDING, GROUP, POLICY
from kscan_lsp.admission.reading import policy_of
from kscan_lsp.admission.translating import OUTER, Names, RefusedError, literal, translated
from kscan_lsp.findings import NAMELESS
from kscan_lsp.kubernetes.pod_templates import TABLE
from kscan_lsp.policy.element_names import tree_at
from kscan_lsp.policy.targets import Each
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kscan_lsp.policy.check import Check
    from kscan_lsp.policy.matching import Kinds
    from kscan_lsp.policy.model import Control
    from kscan_lsp.policy.ruleset import Ruleset

WORKLOAD_GROUPS: Final = frozenset({"", "apps", "batch"})
"""The groups of the kinds that run pods and that every cluster has."""
_WORKLOADS: Final = {
    (group, kind): row.places[0]
    for row in TABLE
    for group in row.groups
    for kind in row.kinds
    if group in WORKLOAD_GROUPS and row.places[0].always
}
_OF_PODS: Final = frozenset({"podTemplate", "pod", "containers"})
_EVERY: Final = ((("*",), ("*",)),)
_ROLES: Final = (
    ("containers", "'container'"),
    ("initContainers", "(container.?restartPolicy.orValue('') == 'Always' ? 'sidecar' : 'init')"),
    ("ephemeralContainers", "'ephemeral'"),
)
_VARIABLE: Final = regex(r"\bvariables\.(\w+)")
_UNSAFE: Final = regex(r"\W")
_NAME: Final = regex(r"[A-Za-z_]\w*")
_MAX_MESSAGE: Final = 4_000
"""Characters of an expression that gives a message."""


class ExportedPolicy(NamedTuple):
    """A policy and its binding, as they are applied."""

    policy: dict[str, Any]
    binding: dict[str, Any]


def exported(control: Control, ruleset: Ruleset, action: str = "Deny") -> list[ExportedPolicy]:
    """A control as policies.

    Args:
        control: the control.
        ruleset: the inputs that hold, and the version of Kubernetes.
        action: what its bindings do.

    Raises:
        RefusedError: it cannot be said; the text says why.
    """
    if control.needs:
        raise RefusedError(f"it is answered by no manifest: it takes {control.needs}")
    if control.rego:
        raise RefusedError("it is written in Rego, and policies of Kubernetes are in CEL")
    by_kinds: dict[Kinds, list[Check]] = {}
    groups = {group for check in control.checks for found, _ in check.match or _EVERY for group in found}
    if groups == {GROUP}:
        raise RefusedError("the API server asks no policy about policies and webhooks")
    if any(check.match == _EVERY for check in control.checks):
        raise RefusedError(
            "it is about every kind there is, and a policy would be asked about all that a cluster writes"
        )
    for check in control.checks:
        if check.undeclared:
            raise RefusedError("it judges namespaces, be they declared or not, and a policy sees one object")
        if check.relations:
            raise RefusedError(
                f"it asks for other objects ({', '.join(check.relations)}), and a policy sees one"
            )
        by_kinds.setdefault(check.match, []).append(check)
    found = []
    for number, (kinds, checks) in enumerate(by_kinds.items(), start=1):
        name = control.id.lower() + (f"-{number}" if number > 1 else "")
        found.append(_policy(name, control, _Policy(kinds, ruleset), checks, action))
        _refuse_wrong(found[-1].policy)
    return found


def _policy(
    name: str, control: Control, made: _Policy, checks: Sequence[Check], action: str
) -> ExportedPolicy:
    validations = [made.validation(check, control.title) for check in checks]
    noted = {
        "name": name,
        "annotations": {"kscan.dev/control": control.id, "kscan.dev/title": control.title},
    }
    spec: dict[str, Any] = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": made.rules()},
        "variables": made.variables_of(validations),
        "validations": validations,
    }
    if not spec["variables"]:
        del spec["variables"]
    version = f"{GROUP}/v1"
    bound = {"policyName": name, "validationActions": [action]}
    return ExportedPolicy(
        {"apiVersion": version, "kind": POLICY, "metadata": noted, "spec": spec},
        {"apiVersion": version, "kind": BINDING, "metadata": {"name": name}, "spec": bound},
    )


def _refuse_wrong(policy: dict[str, Any]) -> None:
    """Refuse a policy that the API server would refuse."""
    for fault in policy_of(policy["metadata"]["name"], policy).faults:
        if not fault.note:
            raise RefusedError(f"as a policy it is wrong: {fault.message}")


class _Judged(NamedTuple):
    """What is judged one by one: the text of an expression over all of it, and of one that tells what fails."""

    all: str
    told: str


class _Policy:
    """What one policy is about, and the variables that its expressions have come to need."""

    def __init__(self, kinds: Kinds, ruleset: Ruleset) -> None:
        self.kinds = kinds
        self.ruleset = ruleset
        self.variables: dict[str, str] = {}
        self.is_over_pods = kinds is None

    def rules(self) -> list[dict[str, Any]]:
        """Its `resourceRules`."""
        if self.is_over_pods:
            by_group: dict[str, list[str]] = {}
            for group, kind in self.workloads():
                by_group.setdefault(group, []).append(resource_of(kind))
            if "pods" in by_group.get("", ()):
                by_group[""].append("pods/ephemeralcontainers")
            listed: list[tuple[tuple[str, ...], list[str]]] = [
                ((group,), resources) for group, resources in by_group.items()
            ]
        else:
            listed = [
                (groups, [kind if kind == "*" else resource_of(kind) for kind in names])
                for groups, names in self.kinds or ()
            ]
        return [
            {
                "apiGroups": list(groups),
                "apiVersions": ["*"],
                "operations": ["CREATE", "UPDATE"],
                "resources": resources,
            }
            for groups, resources in listed
        ]

    def workloads(self) -> list[tuple[str, str]]:
        """The kinds that it is about and that run pods."""
        return [
            (group, kind)
            for group, kind in _WORKLOADS
            if self.kinds is None
            or any({group, "*"} & {*groups} and {kind, "*"} & {*names} for groups, names in self.kinds)
        ]

    def validation(self, check: Check, title: str) -> dict[str, str]:
        """A check as a validation."""
        reads = cel.fields_read([check.deny])
        if check.each.start in _OF_PODS or reads.keys() & {"pod", "podTemplate", "unneeded"}:
            if not self.workloads():
                kinds = " and ".join(kind for _, names in self.kinds or () for kind in names)
                raise RefusedError(
                    f"it asks for the pods of {kinds}, and a policy here knows those of Kubernetes alone"
                )
            self.is_over_pods = True
        if self.is_over_pods and self.kinds is not None and check.each.start == "object":
            others = {kind for _, names in self.kinds for kind in names} - {
                kind for _, kind in self.workloads()
            }
            if others:
                raise RefusedError(f"it asks for a pod, and is about {min(others)}, which has none")
        judged = self.judged(check)
        made = {"expression": judged.all, "message": title}
        if judged.told and len(judged.told) <= _MAX_MESSAGE:
            made["messageExpression"] = judged.told
        return made

    def judged(self, check: Check) -> _Judged:
        """What a check asks of all that it judges."""
        each = check.each
        if each.start != "containers":
            start = "object" if each.start == "object" else f"variables.{each.start}"
            return self.followed(check, start, each.steps, {})
        if "role" not in cel.fields_read([check.deny]):
            inner = self.followed(check, "container", each.steps, {"container": "container"})
            return _over("variables.containers", "container", inner)
        parts = []
        for listed, role in _ROLES:
            local = {"container": "container", "role": role}
            inner = self.followed(check, "container", each.steps, local)
            parts.append(_over(f"variables.pod.?{listed}.orValue([])", "container", inner))
        told = ", ".join(part.told for part in parts)
        return _Judged(
            " && ".join(part.all for part in parts),
            f"[{told}].filter(said, said != '').join('; ')" if told else "",
        )

    def followed(self, check: Check, start: str, steps: paths.Pattern, local: dict[str, str]) -> _Judged:
        """What is asked of all that steps lead to, from something on."""
        if not steps:
            return self.asked(check, local if check.each.steps == () else {**local, "item": start})
        keys = steps[: steps.index(paths.EACH)] if paths.EACH in steps else steps
        there = start + "".join(_key(key) for key in keys)
        left = steps[len(keys) :]
        if not left:
            inner = self.asked(check, {**local, "item": f"{there}.value()"})
            present = f"{there}.hasValue()"
            return _Judged(f"!{present} || ({inner.all})", inner.told and f"{present} ? ({inner.told}) : ''")
        left, is_last = left[1:], len(left) == 1
        before = check.each.steps[: len(check.each.steps) - len(left) - 1]
        tree = tree_at(Each(check.each.start, before), self.kinds)
        if isinstance(tree, tuple):
            listed = f"{there}.orValue({{}})" if keys else there
            local = {**local, "key": "key"} if is_last else local
            name = "key" if is_last else f"{OUTER}{len(left)}"
            inner = self.followed(check, f"{listed}[{name}]", left, local)
            return _over(listed, name, inner)
        if not isinstance(tree, list):
            raise RefusedError("it judges the entries of something that may be a list or a map")
        listed = f"{there}.orValue([])" if keys else there
        name = "item" if is_last else f"{OUTER}{len(left)}"
        return _over(listed, name, self.followed(check, name, left, local))

    def asked(self, check: Check, local: dict[str, str]) -> _Judged:
        """The question about one element, and what is told where the answer is yes."""
        denied = translated(check.deny.source, self.names(check.deny.let, local)).replace("\n)", ")")
        try:
            told = " + ".join([self.part(part, local) for part in check.message.parts])
        except RefusedError:
            told = ""  # the title says what it is about
        return _Judged(f"!({denied})", told and f"({denied}) ? {told} : ''")

    def part(self, part: str | cel.Expression, local: dict[str, str]) -> str:
        """A part of a message."""
        if isinstance(part, str):
            return literal(part)
        return f"string({translated(part.source, self.names(part.let, local))})"

    def names(self, let: Sequence[tuple[str, str]], local: dict[str, str]) -> Names:
        """What a policy calls what a control names."""
        shared = {name: f"variables.{name}" for name in ("pod", "podTemplate", "objectName", "unneeded")}
        shared |= {"object": "object", "kubernetesMinor": str(self.ruleset.kubernetes_minor)}
        item = local.get("item", "")
        if item.startswith(("object.", "variables.")) and local.keys() == {"item"} and OUTER not in item:
            shared["item"] = item
        return Names(shared, local, dict(let), self.input, self.variable)

    def input(self, name: str) -> str:
        """What stands for an input: a variable with what it holds."""
        value = self.ruleset.inputs.get(name, self.ruleset.typed_inputs.get(f"inputs.{name}"))
        if value is None:
            raise RefusedError(f"no control declares its input '{name}'")
        return self.variable(name, literal(value))

    def variable(self, name: str, text: str) -> str:
        """What stands for something that is the same for the whole object."""
        name = _UNSAFE.sub("_", name)
        known, number = name, 1
        while known in _GIVEN or self.variables.get(known, text) != text:
            number += 1
            known = f"{name}{number}"
        self.variables[known] = text
        return f"variables.{known}"

    def variables_of(self, validations: Sequence[dict[str, str]]) -> list[dict[str, str]]:
        """The variables that expressions need, each after those that it needs itself."""
        known = {**self.given(), **self.variables}
        needed: set[str] = set()
        texts = [text for one in validations for text in one.values()]
        while texts:
            names = {*_VARIABLE.findall(texts.pop())} & known.keys() - needed
            needed |= names
            texts += [known[name] for name in names]
        return [{"name": name, "expression": text} for name, text in known.items() if name in needed]

    def given(self) -> dict[str, str]:
        """The variables that stand for what a control is given."""
        templates: dict[str, list[str]] = {}
        unneeded: dict[tuple[str, ...], list[str]] = {}
        for group, kind in self.workloads():
            place = _WORKLOADS[group, kind]
            path = ".".join(["object", *map(str, place.pattern)])
            templates.setdefault(path, []).append(kind)
            unneeded.setdefault(place.unneeded, []).append(kind)
        every = ("containers", "initContainers", "ephemeralContainers")
        return {
            "podTemplate": _by_kind(templates),
            "pod": "variables.podTemplate.spec",
            "containers": " + ".join(f"variables.pod.?{listed}.orValue([])" for listed in every),
            "unneeded": _by_kind({literal(fields): kinds for fields, kinds in unneeded.items()}),
            "objectName": f"object.metadata.?name.orValue({literal(NAMELESS)})",
        }


_GIVEN: Final = frozenset({"podTemplate", "pod", "containers", "unneeded", "objectName"})


def _by_kind(texts: Mapping[str, Sequence[str]]) -> str:
    """A text for each kind; the last is that of all others."""
    *first, last = sorted(texts.items(), key=lambda one: len(one[1])) or [("object", ())]
    return "".join(f"object.kind in {literal([*kinds])} ? {text} : " for text, kinds in first) + last[0]


def _over(listed: str, name: str, inner: _Judged) -> _Judged:
    """What is asked of each of several, as one expression."""
    told = inner.told and f"{listed}.map({name}, {inner.told}).filter(said, said != '').join('; ')"
    return _Judged(f"{listed}.all({name}, {inner.all})", told)


def _key(key: object) -> str:
    """A step to a field that may be absent."""
    text = str(key)
    return f".?{text}" if isinstance(key, str) and _NAME.fullmatch(text) else f"[?{literal(key)}]"
