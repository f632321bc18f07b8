"""Kyverno's policies in CEL: a ValidatingPolicy is a ValidatingAdmissionPolicy with its binding in itself.

What Kyverno's own functions of CEL ask - the cluster, a registry, the network - is in no file: a policy that has them
is not judged. For pod controllers Kyverno makes policies of one about pods.

Source: pkg/cel of kyverno/kyverno, and api/policies.kyverno.io/v1 of kyverno/api.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from kscan_lsp.admission.reading import policy_of
from kscan_lsp.findings import Severity
from kscan_lsp.kyverno.checking import PolicyReader, as_map, as_maps, as_text_of, as_texts
from kscan_lsp.kyverno.severities import ANNOTATION, severity_of
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from kscan_lsp.admission.model import Policy
    from kscan_lsp.kyverno.model import KyvernoFault

_PATHS: Final = {
    "template": "spec.template",
    "jobTemplate": "spec.jobTemplate.spec.template",
}
_FIELD: Final = regex(r"\b(object|oldObject)\.(spec|metadata)\b(?!\.namespace\b)")
_RESOURCES: Final = {
    "deployments": ("apps", "template"), "daemonsets": ("apps", "template"), "statefulsets": ("apps", "template"),
    "replicasets": ("apps", "template"), "jobs": ("batch", "template"), "replicationcontrollers": ("", "template"),
    "cronjobs": ("batch", "jobTemplate"),
}  # fmt: skip
_DEFAULT: Final = ("daemonsets", "deployments", "statefulsets", "jobs", "cronjobs", "replicasets")


class KyvernoCelPolicy(Struct, frozen=True, eq=False):
    """A ValidatingPolicy, with what Kyverno makes of it for pod controllers."""

    name: str
    namespace: str
    policies: tuple[Policy, ...]
    severity: Severity | None
    """None where nothing is done about a violation."""
    faults: tuple[KyvernoFault, ...]
    asks: str = ""
    """What of Kyverno's CEL it has that is not evaluated; empty where there is nothing."""

    @property
    def broken(self) -> bool:
        """Whether Kyverno would refuse the policy itself."""
        return any(not fault.note for fault in self.faults)


def cel_policy_of(name: str, namespace: str, data: dict[str, Any]) -> KyvernoCelPolicy:
    """What a ValidatingPolicy says.

    Args:
        name: what it is called.
        namespace: the only one that it is about; empty for one of the cluster.
        data: the object.
    """
    reader = PolicyReader()
    spec = as_map(data.get("spec"))
    notes = as_map(as_map(data.get("metadata")).get("annotations"))
    if not isinstance(data.get("spec"), dict):
        reader.fault(("spec",), "'spec' with 'validations' is missing: Kyverno refuses this policy")
    mode = as_text_of(as_map(spec.get("evaluation")).get("mode")) or "Kubernetes"
    asks = ""
    policies: list[Policy] = []
    if mode.lower() != "kubernetes":
        reader.note(
            ("spec", "evaluation", "mode"),
            f"not judged here: it is about {mode}, not about objects of Kubernetes",
        )
    else:
        written = policy_of(name, data)
        asks = reader.of_cel(written.faults, lambda path: path)
        policies = [written, *_made(name, spec)]
    actions = {one.lower() for one in as_texts(spec.get("validationActions") or spec.get("validationAction"))}
    severity = None
    if actions & {"deny", "warn", "audit"} or not actions:
        admission = as_map(as_map(spec.get("evaluation")).get("admission"))
        enforced = "deny" in actions and admission.get("enabled") is not False
        severity = severity_of(notes.get(ANNOTATION), enforced=enforced)
        if not enforced and "warn" in actions:
            severity = max(severity, Severity.MEDIUM)
    return KyvernoCelPolicy(name, namespace, tuple(policies), severity, tuple(reader.faults), asks)


def _made(name: str, spec: dict[str, Any]) -> list[Policy]:
    """The policies that Kyverno makes for pod controllers of one that is about pods alone."""
    constraints = as_map(spec.get("matchConstraints"))
    rules = as_maps(constraints.get("resourceRules"))
    if len(rules) != 1 or constraints.get("excludeResourceRules") or constraints.get("objectSelector"):
        return []
    rule = rules[0]
    if (rule.get("apiGroups"), rule.get("apiVersions"), rule.get("resources")) != ([""], ["v1"], ["pods"]):
        return []
    if rule.get("resourceNames"):
        return []
    autogen = as_map(as_map(spec.get("autogen")).get("podControllers"))
    wanted = as_texts(autogen["controllers"]) if isinstance(autogen.get("controllers"), list) else _DEFAULT
    found = []
    for place, way in _PATHS.items():
        chosen = [one for one in wanted if _RESOURCES.get(one, ("", ""))[1] == place]
        if not chosen:
            continue
        about = [
            {
                **rule,
                "apiGroups": [group],
                "resources": [one for one in chosen if _RESOURCES[one][0] == group],
            }
            for group in dict.fromkeys(_RESOURCES[one][0] for one in chosen)
        ]
        moved = _moved({key: one for key, one in spec.items() if key != "matchConstraints"}, way, 0)
        made = {**as_map(moved), "matchConstraints": {**constraints, "resourceRules": about}}
        found.append(policy_of(name, {"spec": made}))
    return found


def _moved(value: Any, way: str, depth: int) -> Any:
    if depth > 20:
        return value
    if isinstance(value, str):
        return _FIELD.sub(lambda found: f"{found[1]}.{way}.{found[2]}", value)
    if isinstance(value, dict):
        return {key: _moved(one, way, depth + 1) for key, one in value.items()}
    return [_moved(one, way, depth + 1) for one in value] if isinstance(value, list) else value
