"""Objects that refer to each other, of every kind that a relation knows, and manifests made of them at random."""

from __future__ import annotations

from datetime import date

from hypothesis import strategies as st

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.findings import fingerprint
from kscan_lsp.policy import ruleset
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.fingerprints import object_ordinals
from kscan_lsp.workspace.policies import complete_policies
from kscan_lsp.workspace.project import Project

RULES = ruleset.choose(complete_policies(), Settings.of({"frameworks": ["allcontrols"]}))[0]


def empty_project() -> Project:
    """A project without files, judged by every control."""
    return Project(Evaluator(RULES, Evidence(date(2026, 1, 1))))


def listed(kind: str, *names: str, api: str = "v1", rest: str = "") -> str:
    objects = [
        f"apiVersion: {api}\nkind: {kind}\nmetadata: {{name: {name}, namespace: store}}\n{rest}\n"
        for name in names
    ]
    return "---\n".join(objects)


NAMES = st.sampled_from(["shop", "cart"])
SPACES = st.sampled_from(["", "store", "default"])
LABELS = st.sampled_from(["{app: shop}", "{app: cart, tier: web}", "{}", "nonsense", "{app: 1}"])
FIELDS = {
    "ns": SPACES,
    "name": NAMES,
    "labels": LABELS,
    "other": NAMES,
    "role": st.sampled_from(["Role", "ClusterRole"]),
    "verbs": st.sampled_from(["['*']", "[get, list]", "[delete, create]", "nonsense"]),
}
MANIFESTS = """\
kind: Deployment
apiVersion: apps/v1
metadata: {META}
spec:
  template:
    metadata: {labels: LABELS}
    spec:
      serviceAccountName: OTHER
      containers: [{name: NAME, image: x, envFrom: [{secretRef: {name: OTHER}}]}]
===
kind: Pod
apiVersion: v1
metadata: {META, labels: LABELS}
spec:
  containers: [{name: NAME, image: x}]
  volumes: [{name: v, configMap: {name: OTHER}}, {name: w, persistentVolumeClaim: {claimName: OTHER}}]
===
kind: NetworkPolicy
apiVersion: networking.k8s.io/v1
metadata: {META}
spec: {podSelector: {matchLabels: LABELS}, policyTypes: [Ingress, Egress]}
===
kind: NetworkPolicy
apiVersion: networking.k8s.io/v1
metadata: {META}
spec: {podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [OTHER]}]}}
===
kind: Service
apiVersion: v1
metadata: {META}
spec: {selector: LABELS, ports: [{port: 22}]}
===
kind: Ingress
apiVersion: networking.k8s.io/v1
metadata: {META}
spec: {defaultBackend: {service: {name: OTHER, port: {number: 80}}}}
===
kind: NetworkPolicy
apiVersion: projectcalico.org/v3
metadata: {META}
spec: {selector: app == 'OTHER', ingress: [{action: Allow}]}
===
kind: PersistentVolume
apiVersion: v1
metadata: {name: NAME}
spec: {hostPath: {path: /}, claimRef: {name: OTHER}, accessModes: [ReadWriteOnce]}
===
kind: Gateway
apiVersion: gateway.networking.k8s.io/v1
metadata: {META}
spec: {listeners: [{name: http, port: 80, protocol: HTTP}]}
===
kind: HTTPRoute
apiVersion: gateway.networking.k8s.io/v1
metadata: {META}
spec: {parentRefs: [{name: OTHER}], rules: [{backendRefs: [{name: NAME, port: 80}]}]}
===
kind: Database
apiVersion: example.com/v1
metadata: {META}
===
kind: StatefulSet
apiVersion: apps/v1
metadata: {META}
spec: {replicas: 1, template: {metadata: {labels: LABELS}, spec: {containers: [{name: NAME, image: x}]}}}
===
kind: Service
apiVersion: v1
metadata: {META}
spec: {selector: {statefulset.kubernetes.io/pod-name: OTHER-0}}
===
kind: HorizontalPodAutoscaler
apiVersion: autoscaling/v2
metadata: {META}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: OTHER}}
===
kind: ROLE
apiVersion: rbac.authorization.k8s.io/v1
metadata: {META}
rules: [{apiGroups: [''], resources: [secrets, pods, events], verbs: VERBS}]
===
kind: ClusterRole
apiVersion: rbac.authorization.k8s.io/v1
metadata: {META, labels: LABELS}
rules: [{apiGroups: [''], resources: [users, secrets], verbs: [impersonate, get], resourceNames: [OTHER]}]
aggregationRule: {clusterRoleSelectors: [{matchLabels: LABELS}]}
===
kind: ClusterRole
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: view, labels: {rbac.authorization.k8s.io/aggregate-to-edit: "true"}}
rules: [{apiGroups: [''], resources: [secrets, nodes/proxy], verbs: VERBS}]
===
kind: ClusterRoleBinding
apiVersion: rbac.authorization.k8s.io/v1
metadata: {META}
roleRef: {kind: ClusterRole, name: edit}
subjects: [{kind: ServiceAccount, name: NAME, namespace: store}, {kind: User, name: OTHER}]
===
kind: RoleBinding
apiVersion: rbac.authorization.k8s.io/v1
metadata: {META}
roleRef: {kind: ROLE, name: OTHER}
subjects: [{kind: ServiceAccount, name: NAME}, {kind: User, name: jo}]
===
kind: PodDisruptionBudget
apiVersion: policy/v1
metadata: {META}
spec: {selector: {matchLabels: LABELS}}
===
kind: ServiceAccount
apiVersion: v1
metadata: {META}
===
kind: Secret
apiVersion: v1
metadata: {META}
===
kind: ConfigMap
apiVersion: v1
metadata: {META}
===
kind: PersistentVolumeClaim
apiVersion: v1
metadata: {META}
===
kind: Namespace
apiVersion: v1
metadata: {name: store}
===
kind: Pod
apiVersion: v1
metadata: {META
===
{{ template }}
===
"""
TEMPLATES = MANIFESTS.split("===\n")


@st.composite
def documents(draw):
    chosen = {name: draw(values) for name, values in FIELDS.items()}
    meta = f"name: {chosen['name']}" + (f", namespace: {chosen['ns']}" if chosen["ns"] else "")
    text = draw(st.sampled_from(TEMPLATES)).replace("META", meta)
    for word in ("labels", "other", "role", "verbs", "name"):
        text = text.replace(word.upper(), chosen[word])
    return text


TEXTS = st.lists(documents(), max_size=4).map("---\n".join)


def results(project: Project):
    """All that a project says, in its order, as plain data."""
    return [
        (
            path,
            [(p.offset, p.line, p.locate(found.span), found) for p, found in file.findings()],
            list(file.problems()),
            [
                (sorted(v.passed), sorted(u.control for u in v.unevaluated))
                for placed in file.documents
                for v in placed.checked.verdicts
            ],
            file.skipped,
        )
        for path, file in project.files.items()
    ]


def fingerprints(project: Project, path: str) -> list[tuple[str, str]]:
    """(control, fingerprint) of the findings in a file."""
    ordinals = object_ordinals(project)
    return [
        (finding.control, fingerprint(finding, ordinals.get((path, number, verdicts.resource.root), 0)))
        for number, placed in enumerate(project.files[path].documents)
        for verdicts in placed.checked.verdicts
        for finding in verdicts.findings
    ]
