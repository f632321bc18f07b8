"""From the objects that declare a template and a constraint to what they say, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from kscan_lsp.admission.model import Concerns, PolicyFault
from kscan_lsp.admission.reading import policy_of
from kscan_lsp.findings import Severity
from kscan_lsp.gatekeeper.model import Constraint, ConstraintMatch, ConstraintTemplate
from kscan_lsp.gatekeeper.parameters import misfits, with_parameter_defaults
from kscan_lsp.gatekeeper.rego import kinds_asked, rego_of

if TYPE_CHECKING:
    from kscan_lsp.admission.model import Policy
    from kscan_lsp.graph.index import Object
    from kscan_lsp.paths import Path

CEL: Final = "K8sNativeValidation"
REGO: Final = "Rego"
TARGET: Final = "admission.k8s.gatekeeper.sh"
_NAMES: Final = (
    ("params", "has(params.spec.parameters) ? params.spec.parameters : null"),
    ("anyObject", "object"),
)
"""What Gatekeeper defines for expressions before the variables of a template."""
_RESERVED: Final = "gatekeeper_internal_"
_ACTIONS: Final = {"deny": Severity.HIGH, "warn": Severity.MEDIUM, "dryrun": Severity.LOW}
_REFUSING: Final = frozenset({"*", "validation.gatekeeper.sh", "vap.k8s.io"})
"""The enforcement points that are asked before an object is created."""
_LIMITS: Final = ("nested too deeply", "too much ", "longer than ", "more than ")
"""How messages begin that are about our limits, and not about Gatekeeper's."""
_SCOPES: Final = ("*", "Cluster", "Namespaced")


def template_of(name: str, version: str, data: dict[str, Any]) -> ConstraintTemplate:
    """What a ConstraintTemplate says.

    Args:
        name: what it is called.
        version: that of its API, such as `v1`.
        data: the object.
    """
    faults: list[PolicyFault] = []
    spec = _map(data.get("spec"))
    crd = _map(_map(spec.get("crd")).get("spec"))
    kind = _text(_map(crd.get("names")).get("kind"))
    where: Path = ("spec", "crd", "spec", "names", "kind")
    if not kind:
        faults.append(PolicyFault(where, "the kind of its constraints is missing (spec.crd.spec.names.kind)"))
    elif kind.lower() != name:
        needs = (
            f"Gatekeeper refuses this template: its name must be '{kind.lower()}', its kind in small letters"
        )
        faults.append(PolicyFault(("metadata", "name"), needs))
    validation = _map(crd.get("validation"))
    legacy = validation.get("legacySchema")
    made = ConstraintTemplate(
        kind=kind,
        schema=_map(validation.get("openAPIV3Schema")),
        legacy=legacy if isinstance(legacy, bool) else version != "v1",
        faults=(),
    )
    targets = spec.get("targets")
    if not isinstance(targets, list) or len(targets) != 1 or not isinstance(targets[0], dict):
        faults.append(PolicyFault(("spec", "targets"), f"a template needs one target, '{TARGET}'"))
        return replace(made, faults=tuple(faults))
    if targets[0].get("target") != TARGET:
        faults.append(PolicyFault(("spec", "targets", 0), f"the target must be '{TARGET}'"))
    made = _with_code(made, targets[0], faults)
    return replace(made, faults=tuple(faults))


def _with_code(
    made: ConstraintTemplate, target: dict[str, Any], faults: list[PolicyFault]
) -> ConstraintTemplate:
    """A template with what it has of a language that is judged.

    What is in CEL counts, as for Gatekeeper. Where that is too large here, what it has in Rego stands in.
    """
    where: Path = ("spec", "targets", 0)
    listed = target.get("code")
    codes = [
        (_text(one.get("engine")), _map(one.get("source")), (*where, "code", number, "source"))
        for number, one in enumerate(listed if isinstance(listed, list) else ())
        if isinstance(one, dict)
    ]
    if isinstance(target.get("rego"), str):
        codes.append((REGO, target, where))
    in_rego = next((one for one in codes if one[0] == REGO), None)
    in_cel = next((one for one in codes if one[0] == CEL), None)
    if in_cel is not None:
        _, source, path = in_cel
        policy, large = _in_cel(source, path, faults)
        if not large:
            return replace(made, policy=policy, source=path)
        if in_rego is None:
            return replace(made, engine="CEL with an expression that is too large here", source=path)
    if not codes:
        faults.append(
            PolicyFault(where, f"the target says nothing: it needs 'code' with engine {CEL} or {REGO}")
        )
        return made
    engine, source, path = in_rego or codes[0]
    if engine != REGO:
        return replace(made, engine=engine or "no engine", source=path)
    if not _text(source.get("rego")).strip():
        faults.append(PolicyFault(path, "'rego' is missing"))
    return replace(made, rego=rego_of(source), inventory=kinds_asked(source), source=(*path, "rego"))


def _in_cel(source: dict[str, Any], path: Path, faults: list[PolicyFault]) -> tuple[Policy, bool]:
    """What a template says in CEL, as an admission policy; and whether that is more than can be evaluated here.

    Params of the policy are the constraint.
    """
    own = [{"name": name, "expression": text} for name, text in _NAMES]
    variables = source.get("variables")
    listed = variables if isinstance(variables, list) else []
    spec = {
        "variables": [*own, *listed],
        "matchConditions": source.get("matchCondition"),
        "validations": source.get("validations"),
        "failurePolicy": source.get("failurePolicy"),
        "paramKind": {"apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": "*"},
    }
    policy = policy_of("", {"spec": spec})
    large = False
    for fault in policy.faults:
        where = place_in_template(path, fault.path)
        if fault.message.startswith(_LIMITS):
            large = True
            faults.append(PolicyFault(where, f"not judged here: {fault.message}", note=True))
        else:
            faults.append(replace(fault, path=where))
    for number, one in enumerate(listed):
        name = _text(_map(one).get("name"))
        if name in dict(_NAMES) or name.startswith(_RESERVED):
            where = (*path, "variables", number, "name")
            faults.append(PolicyFault(where, f"Gatekeeper keeps the name '{name}' for itself"))
    if not policy.validations:
        faults.append(PolicyFault(path, "'validations' are missing: the template says nothing"))
    if source.get("failurePolicy") not in {None, "Fail", "Ignore"}:
        faults.append(PolicyFault((*path, "failurePolicy"), "'failurePolicy' must be Fail or Ignore"))
    if source.get("matchConditions") is not None:
        other = "Gatekeeper does not read this: it calls the field 'matchCondition'"
        faults.append(PolicyFault((*path, "matchConditions"), other, note=True))
    return policy, large


def place_in_template(source: Path, path: Path) -> Path:
    """Where in a template something is.

    Args:
        source: the place of its CEL.
        path: in the admission policy that is made of that.
    """
    _, field, *rest = path
    if field == "variables" and rest and isinstance(rest[0], int):
        rest[0] -= len(_NAMES)
    if field == "matchConditions":
        field = "matchCondition"
    return (*source, field, *rest)


def constraint_of(one: Object, template: ConstraintTemplate | None) -> Constraint:
    """What a constraint says.

    Args:
        one: its object.
        template: that of its kind, if a file has it.
    """
    faults: list[PolicyFault] = []
    spec = _map(one.data.get("spec"))
    parameters = spec.get("parameters")
    if template is not None and parameters is not None:
        where: Path = ("spec", "parameters")
        faults += misfits(parameters, template.schema, where, legacy=template.legacy)
        parameters = with_parameter_defaults(parameters, template.schema)
    elif template is not None:
        parameters = template.schema.get("default")
    given = _map(spec.get("match"))
    scope = given.get("scope")
    if scope is not None and scope not in _SCOPES:
        known = "'scope' must be '*', Cluster or Namespaced: Gatekeeper takes any other for '*'"
        faults.append(PolicyFault(("spec", "match", "scope"), known, note=True))
    return Constraint(
        match=_match(given),
        severity=_severity(spec, faults),
        params=replace(one, data={**one.data, "spec": {**spec, "parameters": parameters}}),
        faults=tuple(faults),
    )


def _match(given: dict[str, Any]) -> ConstraintMatch:
    kinds = given.get("kinds")
    return ConstraintMatch(
        kinds=tuple(
            (_texts(one.get("apiGroups")), _texts(one.get("kinds")))
            for one in (kinds if isinstance(kinds, list) else ())
            if isinstance(one, dict)
        ),
        scope=_text(given.get("scope")) or "*",
        namespaces=_texts(given.get("namespaces")),
        excluded=_texts(given.get("excludedNamespaces")),
        name=_text(given.get("name")),
        generated=given.get("source") == "Generated",
        selectors=Concerns(
            namespaces=_map(given.get("namespaceSelector")), objects=_map(given.get("labelSelector"))
        ),
    )


def _severity(spec: dict[str, Any], faults: list[PolicyFault]) -> Severity | None:
    """How severe a violation is: what is refused is high, what is only warned of or recorded less."""
    action = spec.get("enforcementAction")
    if action != "scoped":
        found = _ACTIONS.get(action or "deny") if isinstance(action, str | None) else None
        if found is None:
            known = "'enforcementAction' must be deny, warn, dryrun or scoped"
            faults.append(PolicyFault(("spec", "enforcementAction"), known))
        return found
    severity: Severity | None = None
    listed = spec.get("scopedEnforcementActions")
    for number, one in enumerate(listed if isinstance(listed, list) else ()):
        does = _ACTIONS.get(_text(_map(one).get("action")))
        if does is None:
            known = "'action' must be deny, warn or dryrun"
            faults.append(PolicyFault(("spec", "scopedEnforcementActions", number), known))
            continue
        points = _map(one).get("enforcementPoints")
        names = {_text(_map(point).get("name")) for point in (points if isinstance(points, list) else ())}
        if names:
            does = does if names & _REFUSING else Severity.LOW
            severity = does if severity is None else max(severity, does)
    return severity


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
