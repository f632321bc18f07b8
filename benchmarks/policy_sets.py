"""Policies to measure with, written for this project in the way that public libraries have theirs.

Thirty ValidatingAdmissionPolicies with their bindings, thirty ClusterPolicies of Kyverno, eleven constraints of
Gatekeeper with templates in Rego: all are about Deployments, each reads fields of its own, about half are violated by
what `manifests.py` writes, and none are random.
"""

from __future__ import annotations

from typing import Final, NamedTuple

CONTAINERS: Final = (
    ("image", "has(c.image) && c.image.startsWith('registry.example/')"),
    ("tag", "has(c.image) && !c.image.endsWith(':latest')"),
    ("pull", "has(c.imagePullPolicy) && c.imagePullPolicy in ['Always', 'IfNotPresent']"),
    ("limits", "has(c.resources) && has(c.resources.limits) && has(c.resources.limits.memory)"),
    ("requests", "has(c.resources) && has(c.resources.requests) && has(c.resources.requests.cpu)"),
    ("memory", ("!has(c.resources) || !has(c.resources.limits) || "
                "quantity(string(c.resources.limits.memory)).isLessThan(quantity('4Gi'))")),
    ("privileged", "!has(c.securityContext) || !has(c.securityContext.privileged) || !c.securityContext.privileged"),
    ("escalation", ("has(c.securityContext) && has(c.securityContext.allowPrivilegeEscalation) && "
                    "!c.securityContext.allowPrivilegeEscalation")),
    ("read-only", "has(c.securityContext) && has(c.securityContext.readOnlyRootFilesystem)"),
    ("drop", ("has(c.securityContext) && has(c.securityContext.capabilities) && "
              "c.securityContext.capabilities.drop.exists(one, one == 'ALL')")),
    ("user", "!has(c.securityContext) || !has(c.securityContext.runAsUser) || c.securityContext.runAsUser > 0"),
    ("liveness", "has(c.livenessProbe)"),
    ("readiness", "has(c.readinessProbe)"),
    ("ports", "!has(c.ports) || c.ports.all(one, !has(one.hostPort) || one.hostPort == 0)"),
    ("secrets", "!has(c.env) || c.env.all(one, !one.name.contains('PASSWORD') || !has(one.value))"),
    ("named", "size(c.name) <= 30"),
)  # fmt: skip
"""What each container has to be, by the name of the policy."""
PODS: Final = (
    ("network", "!has(variables.pod.hostNetwork) || !variables.pod.hostNetwork"),
    ("processes", "!has(variables.pod.hostPID) || !variables.pod.hostPID"),
    ("ipc", "!has(variables.pod.hostIPC) || !variables.pod.hostIPC"),
    ("paths", "!has(variables.pod.volumes) || variables.pod.volumes.all(v, !has(v.hostPath))"),
    ("account", "has(variables.pod.serviceAccountName) && variables.pod.serviceAccountName != 'default'"),
    (
        "token",
        "has(variables.pod.automountServiceAccountToken) && !variables.pod.automountServiceAccountToken",
    ),
    ("root", "has(variables.pod.securityContext) && has(variables.pod.securityContext.runAsNonRoot)"),
    ("spread", "has(variables.pod.topologySpreadConstraints)"),
    (
        "priority",
        "!has(variables.pod.priorityClassName) || variables.pod.priorityClassName.startsWith('team-')",
    ),
)
OBJECTS: Final = (
    ("replicas", "object.spec.replicas >= 2"),
    ("owner", "has(object.metadata.labels) && 'owner' in object.metadata.labels"),
    (
        "labels",
        "has(object.metadata.labels) && object.metadata.labels.all(k, size(object.metadata.labels[k]) < 60)",
    ),
    ("length", "size(object.metadata.name) < 50"),
    ("space", "has(object.metadata.namespace) && object.metadata.namespace != 'default'"),
)
ADMISSION: Final = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: {name}.example.com}}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - {{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments, statefulsets]}}
    - {{apiGroups: [batch], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [cronjobs]}}
  variables:
  - name: pod
    expression: >-
      object.kind == 'CronJob' ? object.spec.jobTemplate.spec.template.spec : object.spec.template.spec
  - {{name: containers, expression: variables.pod.containers}}
  validations:
  - expression: {expression}
    messageExpression: object.kind + '/' + object.metadata.name + ' is against {name}'
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: {name}}}
spec: {{policyName: {name}.example.com, validationActions: [Deny]}}
"""

OVERLAYS: Final = (
    ("image", "image: '*:*'"),
    ("tag", "image: '!*:latest'"),
    ("registry", "image: 'registry.example/*'"),
    ("pull", "imagePullPolicy: Always | IfNotPresent"),
    ("limits", "resources: {limits: {memory: '?*', cpu: '?*'}}"),
    ("requests", "resources: {requests: {memory: '?*', cpu: '?*'}}"),
    ("memory", "=(resources): {=(limits): {=(memory): '<4Gi'}}"),
    ("privileged", "=(securityContext): {=(privileged): 'false'}"),
    ("escalation", "securityContext: {allowPrivilegeEscalation: 'false'}"),
    ("read-only", "securityContext: {readOnlyRootFilesystem: true}"),
    ("user", "=(securityContext): {=(runAsUser): '>0'}"),
    ("group", "=(securityContext): {=(runAsGroup): '>0'}"),
    ("mount", "=(securityContext): {=(procMount): Default}"),
    ("liveness", "livenessProbe: {periodSeconds: '>0'}"),
    ("readiness", "readinessProbe: {periodSeconds: '>0'}"),
    ("ports", "=(ports): [{=(hostPort): 0}]"),
    ("names", "name: '?*'"),
)  # fmt: skip
"""Patterns of each container."""
DENIED: Final = (
    ("network", "{{ request.object.spec.hostNetwork || `false` }}"),
    ("processes", "{{ request.object.spec.hostPID || `false` }}"),
    ("ipc", "{{ request.object.spec.hostIPC || `false` }}"),
    ("paths", "{{ request.object.spec.volumes[?hostPath] || `[]` | length(@) > `0` }}"),
    ("token", "{{ request.object.spec.automountServiceAccountToken || `false` }}"),
    ("secrets", "{{ request.object.spec.containers[].env[?name == 'PASSWORD'][] | length(@) > `0` }}"),
    ("priority", "{{ request.object.spec.priorityClassName || '' | starts_with(@, 'system-') }}"),
)
EACH: Final = (
    ("drop", "ALL", "{{ element.securityContext.capabilities.drop[] || `[]` }}", "AnyNotIn"),
    ("add", "{{ element.securityContext.capabilities.add[] || `[]` }}", "[NET_ADMIN, SYS_ADMIN]", "AnyIn"),
    ("registries", '{{ images.containers."{{element.name}}".registry }}', "[docker.io, quay.io]", "AnyIn"),
    ("paths", '{{ images.containers."{{element.name}}".path }}', "[library/nginx]", "AnyIn"),
    ("digests", "{{ images.containers.\"{{element.name}}\".tag || '' }}", "[latest]", "AnyIn"),
    ("short", "{{ length(element.name) }}", "30", "GreaterThan"),
)  # fmt: skip
KYVERNO: Final = """\
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {{name: {name}}}
spec:
  validationFailureAction: Enforce
  rules:
  - name: {name}
    match: {{any: [{{resources: {{kinds: [Pod]}}}}]}}
    validate:
      message: this is against {name}
"""

REGO: Final = (
    ("Images", "not startswith(c.image, input.parameters.prefix)", "prefix: registry.example/"),
    ("Tags", "endswith(c.image, input.parameters.tag)", "tag: ':latest'"),
    ("Limits", "not c.resources.limits[input.parameters.resource]", "resource: memory"),
    ("Requests", "not c.resources.requests[input.parameters.resource]", "resource: cpu"),
    ("Privileged", "c.securityContext.privileged", "unused: ''"),
    ("Escalation", "allowed(c)", "unused: ''"),
    ("ReadOnly", "not c.securityContext.readOnlyRootFilesystem", "unused: ''"),
    ("Probes", "not c[input.parameters.probe]", "probe: livenessProbe"),
    ("Ports", "c.ports[_].hostPort > to_number(input.parameters.least)", "least: '0'"),
    ("Secrets", "contains(c.env[_].name, input.parameters.part)", "part: PASSWORD"),
    ("Users", "c.securityContext.runAsUser == to_number(input.parameters.user)", "user: '0'"),
)
"""What a container is in violation by, and the parameter of the constraint."""
TEMPLATE: Final = """\
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {{name: bench{lower}}}
spec:
  crd:
    spec:
      names: {{kind: Bench{name}}}
      validation: {{openAPIV3Schema: {{type: object, properties: {{{property}: {{type: string}}}}}}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package bench{lower}
      violation[{{"msg": msg}}] {{
        c := containers[_]
        {condition}
        msg := sprintf("container <%v> of <%v> is against {name}", [c.name, input.review.object.metadata.name])
      }}
      containers[c] {{ c := input.review.object.spec.template.spec.containers[_] }}
      containers[c] {{ c := input.review.object.spec.template.spec.initContainers[_] }}
      containers[c] {{ c := input.review.object.spec.containers[_] }}
      allowed(c) {{ not has_field(c, "securityContext") }}
      allowed(c) {{ c.securityContext.allowPrivilegeEscalation != false }}
      has_field(object, field) {{ object[field] }}
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: Bench{name}
metadata: {{name: {lower}}}
spec:
  match: {{kinds: [{{apiGroups: [apps], kinds: [Deployment, StatefulSet]}}]}}
  parameters: {{{parameter}}}
"""


class PolicySet(NamedTuple):
    """Policies by the name of their file, and what the ids of their findings begin with."""

    name: str
    code: str
    files: dict[str, str]


def admission_policies() -> PolicySet:
    """Thirty ValidatingAdmissionPolicies."""
    made = [(name, f"variables.containers.all(c, {one})") for name, one in CONTAINERS]
    made += [(f"pod-{name}", one) for name, one in PODS] + [(f"object-{name}", one) for name, one in OBJECTS]
    files = {name: ADMISSION.format(name=name, expression=f'"{one}"') for name, one in made}
    return PolicySet(f"{len(files)} ValidatingAdmissionPolicies", "VAP/", files)


def kyverno_policies() -> PolicySet:
    """Thirty policies of Kyverno."""
    files = {
        name: KYVERNO.format(name=name) + f"      pattern: {{spec: {{containers: [{{{one}}}]}}}}\n"
        for name, one in OVERLAYS
    }
    for name, key in DENIED:
        files[f"pod-{name}"] = KYVERNO.format(name=f"pod-{name}") + (
            "      deny:\n        conditions:\n          any:\n"
            f'          - {{key: "{key}", operator: Equals, value: true}}\n'
        )
    for name, key, value, operator in EACH:
        files[f"each-{name}"] = KYVERNO.format(name=f"each-{name}") + (
            "      foreach:\n      - list: request.object.spec.containers\n        deny:\n          conditions:\n"
            f"            any:\n            - key: {quoted(key)}\n              operator: {operator}\n"
            f"              value: {value if value.startswith('[') else quoted(value)}\n"
        )
    return PolicySet(f"{len(files)} policies of Kyverno", "Kyverno/", files)


def quoted(text: str) -> str:
    """A text in single quotes of YAML."""
    return "'" + text.replace("'", "''") + "'"


def gatekeeper_policies() -> PolicySet:
    """Eleven constraints of Gatekeeper, each with a template in Rego."""
    files = {
        name.lower(): TEMPLATE.format(
            name=name,
            lower=name.lower(),
            condition=condition,
            parameter=parameter,
            property=parameter.partition(":")[0],
        )
        for name, condition, parameter in REGO
    }
    return PolicySet(f"{len(files)} constraints in Rego", "Gatekeeper/", files)
