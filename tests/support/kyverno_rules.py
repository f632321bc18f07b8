"""Rules of every form that Kyverno has for validating, about pods and what runs them."""

from __future__ import annotations

from typing import Any, Final

from tests.support.kyverno import about, denying

_CONTAINERS: Final = "request.object.spec.[ephemeralContainers, initContainers, containers][]"
POD_RULES: Final[list[dict[str, Any]]] = [
    {"pattern": {"metadata": {"labels": {"owner": "?*"}}}},
    {"pattern": {"metadata": {"=(labels)": {"*team": "?*"}}}},
    {"pattern": {"spec": {"replicas": "<3 | 5"}}},
    {"match": about("Pod"), "validate": {"pattern": {"spec": {"containers": [{"image": "!*:latest"}]}}}},
    {
        "match": about("Pod"),
        "validate": {
            "pattern": {"spec": {"=(hostNetwork)": False, "X(volumes)": None, "^(containers)": [{"name": "a"}]}}
        },
    },
    {
        "match": about("Pod"),
        "validate": {"pattern": {"spec": {"containers": [{"(name)": "b", "securityContext": {"privileged": False}}]}}},
    },
    {
        "match": about("Pod"),
        "validate": {"anyPattern": [{"spec": {"hostNetwork": True}}, {"spec": {"containers": [{"image": "shop/*"}]}}]},
    },
    {
        "match": about("Pod"),
        "preconditions": [{"key": "{{ request.object.metadata.name || '' }}", "operator": "NotEquals", "value": "b"}],
        "validate": denying((f"{{{{ {_CONTAINERS}.securityContext.capabilities.add[] }}}}", "AnyNotIn", ["CHOWN"])),
    },
    {
        "match": about("Pod"),
        "validate": {
            "message": "{{ element.name }} of {{ request.object.spec.containers[0].name }}",
            "foreach": [
                {
                    "list": _CONTAINERS,
                    "context": [{"name": "env", "variable": {"jmesPath": "element.env || `[]`", "default": []}}],
                    **denying(("{{ length(env) }}", "GreaterThan", 0)),
                }
            ],
        },
    },
    {
        "match": about("Pod"),
        "validate": {"foreach": [{"list": "request.object.spec.containers", "pattern": {"image": "shop/*"}}]},
    },
    denying(("{{ images.containers.*.registry }}", "AnyIn", ["docker.io"])),
    denying(("{{ request.object.metadata.labels | keys(@) }}", "AnyIn", ["team"])),
    {"match": about("*", selector={"matchLabels": {"owner": "m?"}}), "validate": denying(("a", "Equals", "a"))},
    {"match": about("*", annotations={"no*": "*"}), "validate": denying(("a", "Equals", "a"))},
    {
        "match": about("Pod"),
        "celPreconditions": [{"name": "c", "expression": "object.metadata.name != 'c'"}],
        "validate": {
            "cel": {
                "variables": [{"name": "all", "expression": "object.spec.containers"}],
                "expressions": [{"expression": "variables.all.all(c, c.image.startsWith('shop/'))", "message": "no"}],
            }
        },
    },
]  # fmt: skip
VALIDATING: Final[dict[str, Any]] = {
    "apiVersion": "policies.kyverno.io/v1",
    "kind": "ValidatingPolicy",
    "metadata": {"name": "v"},
    "spec": {
        "validationActions": ["Audit"],
        "matchConstraints": {
            "resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
            ]
        },
        "variables": [{"name": "all", "expression": "object.spec.containers"}],
        "validations": [{"expression": "variables.all.all(c, has(c.image) && c.image != 'b')"}],
    },
}
EXCEPTION: Final[dict[str, Any]] = {
    "apiVersion": "kyverno.io/v2",
    "kind": "PolicyException",
    "metadata": {"name": "e", "namespace": "default"},
    "spec": {
        "exceptions": [{"policyName": "p*", "ruleNames": ["r0"]}],
        "match": about("Deployment"),
        "conditions": {
            "any": [{"key": "{{ request.object.metadata.name }}", "operator": "Equals", "value": "a"}]
        },
    },
}
