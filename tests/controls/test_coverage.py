"""What `docs/coverage.md` says is there, tried: for checks of other scanners, a manifest that they report."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.policies import complete_policies
from kscan_lsp.workspace.project import Project

POLICIES = complete_policies()
COVERAGE = (Path(__file__).parents[2] / "docs" / "coverage.md").read_text(encoding="utf-8")


def pod(container: str = "", spec: str = "", metadata: str = "", image: str = "r.example/a:1") -> str:
    return (
        f"{{apiVersion: v1, kind: Pod, metadata: {{name: p, namespace: t{metadata}}}, "
        f"spec: {{{spec}containers: [{{name: c, image: '{image}'{container}}}]}}}}"
    )


def secured(context: str) -> str:
    return pod(f", securityContext: {{{context}}}")


def runs(command: str) -> str:
    words = ", ".join(f"'{word}'" for word in command.split())
    return pod(f", command: [{words}]")


def rule(verbs: str, resources: str, groups: str = "''", kind: str = "ClusterRole", more: str = "") -> str:
    return (
        f"{{apiVersion: rbac.authorization.k8s.io/v1, kind: {kind}, metadata: {{name: r, namespace: t{more}}}, "
        f"rules: [{{apiGroups: [{groups}], resources: [{resources}], verbs: [{verbs}]}}]}}"
    )


def bound(
    role: str,
    subject: str = "kind: ServiceAccount, name: ops, namespace: t",
    kind: str = "ClusterRoleBinding",
) -> str:
    group = "apiGroup: rbac.authorization.k8s.io"
    return (
        f"{{apiVersion: rbac.authorization.k8s.io/v1, kind: {kind}, metadata: {{name: b, namespace: t}}, "
        f"roleRef: {{{group}, kind: ClusterRole, name: {role}}}, subjects: [{{{subject}}}]}}"
    )


def thing(what: str, spec: str = "", more: str = "", rest: str = "") -> str:
    """An object of some `apiVersion kind`."""
    version, kind = what.split()
    body = f", spec: {{{spec}}}" if spec else ""
    return f"{{apiVersion: {version}, kind: {kind}, metadata: {{name: x, namespace: t{more}}}{body}{rest}}}"


def together(*documents: str) -> str:
    return "\n---\n".join(documents)


def workload(more: str = "", template: str = "", spec: str = "") -> str:
    containers = "containers: [{name: c, image: 'r.example/a:1'}]"
    pods = f"{{metadata: {{labels: {{app: a{template}}}}}, spec: {{{spec}{containers}}}}}"
    return thing("apps/v1 Deployment", f"{more}selector: {{matchLabels: {{app: a}}}}, template: {pods}")


SERVER = "kube-apiserver "
APART_FROM_OTHERS = (
    "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
    "[{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: other}}}]}}, "
)
FOR_A_YEAR = (
    "volumes: [{name: v, projected: {sources: [{serviceAccountToken: {expirationSeconds: 31536000}}]}}], "
)
USED = pod(spec="serviceAccountName: ops, ")
CLAIMS: list[tuple[str, str, str]] = [
    # the row's check, the controls that it names, and what the other scanner reports
    ("CKV_K8S_8", "C-0056", pod()),
    ("CKV_K8S_9", "C-0018", pod()),
    ("CKV_K8S_14", "KS-0026", pod(image="r.example/a:latest")),
    ("CKV_K8S_16", "C-0057", secured("privileged: true")),
    ("CKV_K8S_17", "C-0038 C-0275", pod(spec="hostPID: true, ")),
    ("CKV_K8S_18", "C-0038 C-0276", pod(spec="hostIPC: true, ")),
    ("CKV_K8S_19", "C-0041", pod(spec="hostNetwork: true, ")),
    ("CKV_K8S_20", "C-0016", secured("allowPrivilegeEscalation: true")),
    ("CKV_K8S_21", "C-0061", pod().replace("namespace: t", "namespace: default")),
    ("CKV_K8S_22", "C-0017", pod()),
    ("CKV_K8S_23", "C-0013 KS-0027", pod()),
    ("CKV_K8S_23", "KS-0028", secured("runAsUser: 0")),
    ("CKV_K8S_25", "KS-0022", secured("capabilities: {add: [SYSLOG]}")),
    ("CKV_K8S_26", "C-0044", pod(", ports: [{containerPort: 80, hostPort: 80}]")),
    ("CKV_K8S_27", "C-0074", pod(spec="volumes: [{name: v, hostPath: {path: /var/run/docker.sock}}], ")),
    ("CKV_K8S_28", "KS-0029", secured("capabilities: {drop: [CHOWN]}")),
    ("CKV_K8S_31", "C-0210 C-0055", pod()),
    ("CKV_K8S_31", "KS-0011", secured("seccompProfile: {type: Unconfined}")),
    ("CKV_K8S_31", "KS-0012",
     pod(metadata=", annotations: {seccomp.security.alpha.kubernetes.io/pod: runtime/default}")),
    ("CKV_K8S_33", "KS-0037", runs("dashboard --enable-skip-login")),
    ("CKV_K8S_34", "KS-0036", pod(image="gcr.io/kubernetes-helm/tiller:v2.16.1")),
    ("CKV_K8S_35", "C-0207", pod(", env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]")),
    ("CKV_K8S_38", "C-0034 C-0190", pod()),
    ("CKV_K8S_39", "C-0046", secured("capabilities: {add: [SYS_ADMIN]}")),
    ("CKV_K8S_40", "KS-0039", secured("runAsUser: 1000")),
    ("CKV_K8S_41", "C-0189", thing("v1 ServiceAccount").replace("name: x", "name: default")),
    ("CKV_K8S_42", "KS-0007", bound("view", "kind: ServiceAccount, name: default, namespace: t")),
    ("CKV_K8S_43", "C-0306", pod()),
    ("CKV_K8S_49", "KS-0043", rule("'*'", "'*'", "'*'")),
    ("CKV_K8S_49", "C-0187", together(rule("'*'", "'*'", "'*'"), bound("r"))),
    ("CKV_K8S_68", "KS-0037", runs(SERVER + "--anonymous-auth=true")),
    ("CKV_K8S_69, 70", "KS-0037", runs(SERVER + "--token-auth-file=/a")),
    ("CKV_K8S_71", "KS-0037", runs(SERVER + "--kubelet-https=false")),
    ("CKV_K8S_74", "KS-0037", runs(SERVER + "--authorization-mode=AlwaysAllow")),
    ("CKV_K8S_79", "KS-0037", runs(SERVER + "--enable-admission-plugins=AlwaysAdmit")),
    ("CKV_K8S_82, 85", "KS-0037", runs(SERVER + "--disable-admission-plugins=NodeRestriction")),
    ("CKV_K8S_86, 88", "KS-0037", runs(SERVER + "--insecure-port=8080")),
    ("CKV_K8S_96", "KS-0037", runs(SERVER + "--service-account-lookup=false")),
    ("CKV_K8S_108", "KS-0037", runs("kube-controller-manager --use-service-account-credentials=false")),
    ("CKV_K8S_117, 118, 121", "KS-0037", runs("etcd --client-cert-auth=false")),
    ("CKV_K8S_138, 139, 141, 149", "KS-0037", runs("kubelet --read-only-port=10255")),
    ("CKV_K8S_155", "C-0281",
     together(rule("create", "mutatingwebhookconfigurations", "admissionregistration.k8s.io"), bound("r"))),
    ("CKV_K8S_156", "C-0280",
     together(rule("update", "certificatesigningrequests/approval", "certificates.k8s.io"), bound("r"))),
    ("CKV_K8S_157, 158", "C-0191", together(rule("bind", "clusterroles", "rbac.authorization.k8s.io"), bound("r"))),
    ("KSV002", "KS-0013", secured("appArmorProfile: {type: Unconfined}")),
    ("KSV007", "KS-0016", pod(spec="hostAliases: [{ip: 10.0.0.1, hostnames: [a]}], ")),
    ("KSV011, 015, 016, 018", "C-0268 C-0269 C-0270 C-0271", pod()),
    ("KSV023", "C-0048", pod(spec="volumes: [{name: v, hostPath: {path: /data}}], ")),
    ("KSV025", "KS-0024", secured("seLinuxOptions: {type: spc_t}")),
    ("KSV026", "KS-0014", pod(spec="securityContext: {sysctls: [{name: kernel.msgmax, value: '1'}]}, ")),
    ("KSV027", "KS-0015", secured("procMount: Unmasked")),
    ("KSV028", "KS-0025", pod(spec="volumes: [{name: v, nfs: {server: a, path: /}}], ")),
    ("KSV037", "KS-0032", pod().replace("namespace: t", "namespace: kube-system")),
    ("KSV041, 113", "C-0015 C-0186", together(rule("get", "secrets"), bound("r"))),
    ("KSV043", "C-0065", together(rule("impersonate", "users, groups"), bound("r"))),
    ("KSV044, 045, 046, 112", "KS-0043", rule("'*'", "'*'", "'*'")),
    ("KSV047", "C-0279", together(rule("get", "nodes/proxy"), bound("r"))),
    ("KSV048", "C-0188", together(rule("create", "pods"), bound("r"))),
    ("KSV049", "C-0037", together(rule("update", "configmaps"), bound("r"))),
    ("KSV050, 051, 052, 055", "C-0191", together(rule("escalate", "roles", "rbac.authorization.k8s.io"), bound("r"))),
    ("KSV053, 054", "C-0002", together(rule("create", "pods/exec"), bound("r"))),
    ("KSV102", "KS-0036", pod(image="gcr.io/kubernetes-helm/tiller:v2.16.1")),
    ("KSV103", "KS-0021", pod(spec="securityContext: {windowsOptions: {hostProcess: true}}, ")),
    ("KSV104", "KS-0011", secured("seccompProfile: {type: Unconfined}")),
    ("KSV107", "KS-0001", thing("policy/v1beta1 PodDisruptionBudget")),
    ("AVD-KSV-0108", "KS-0003", thing("v1 Service", "externalIPs: [1.2.3.4]")),
    ("AVD-KSV-0109, 01010", "C-0012", thing("v1 ConfigMap", rest=", data: {DB_PASSWORD: hunter2hunter2}")),
    ("KSV111", "KS-0043 C-0035 C-0272", together(bound("cluster-admin"), USED)),
    ("KSV116", "KS-0033", secured("runAsGroup: 0")),
    ("KSV119, 120", "C-0046", secured("capabilities: {add: [NET_RAW, SYS_MODULE]}")),
    ("KSV122", "C-0262", bound("view", "kind: User, name: 'system:anonymous', apiGroup: rbac.authorization.k8s.io")),
    ("KSV0123", "KS-0005", bound("view", "kind: Group, name: 'system:masters', apiGroup: rbac.authorization.k8s.io")),
    ("KSV01011", "KS-0006",
     bound("view", "kind: Group, name: 'system:authenticated', apiGroup: rbac.authorization.k8s.io")),
    ("KCV0093", "KS-0009", thing(
        "networking.k8s.io/v1 Ingress",
        more=", annotations: {nginx.ingress.kubernetes.io/configuration-snippet: 'a b;'}",
    )),
    ("aggregate-to-admin-escalation", "C-0187",
     rule("'*'", "'*'", "'*'", more=", labels: {rbac.authorization.k8s.io/aggregate-to-view: 'true'}")),
    ("cluster-admin-role-binding", "KS-0043 C-0035 C-0272", together(bound("cluster-admin"), USED)),
    ("dangling-horizontalpodautoscaler", "C-0300", thing(
        "autoscaling/v2 HorizontalPodAutoscaler",
        "maxReplicas: 2, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: gone}",
    )),
    ("dangling-ingress", "C-0298", together(
        thing("v1 Service", "ports: [{port: 80}]"),
        thing("networking.k8s.io/v1 Ingress", "defaultBackend: {service: {name: x, port: {number: 81}}}"))),
    ("dangling-networkpolicy", "C-0299",
     thing("networking.k8s.io/v1 NetworkPolicy", "podSelector: {matchLabels: {app: gone}}")),
    ("dangling-service", "C-0293",
     thing("v1 Service", "selector: {app: gone}")),
    ("deletecollection-verb-in-role", "C-0007", together(rule("deletecollection", "pods"), bound("r"))),
    ("deprecated-service-account-field", "C-0294", pod(spec="serviceAccount: a, ")),
    ("duplicate-env-var", "C-0295", pod(", env: [{name: A, value: b}, {name: A, value: c}]")),
    ("env-var-secret", "C-0012", pod(", env: [{name: DB_PASSWORD, value: hunter2hunter2}]")),
    ("exposed-services", "KS-0004", thing("v1 Service", "type: LoadBalancer")),
    ("exposed-services", "KS-0031", thing("v1 Service", "type: NodePort")),
    ("init-container-security-gap", "C-0057",
     pod(spec="initContainers: [{name: i, securityContext: {privileged: true}}], ")),
    ("kube-chainsaw-rbac", "C-0267", together(rule("create", "pods"), bound("r"), USED)),
    ("mismatching-selector", "C-0296", workload().replace("labels: {app: a}", "labels: {app: b}")),
    ("no-anti-affinity", "KS-0019", workload("replicas: 3, ")),
    ("no-anti-affinity", "KS-0019", workload("replicas: 3, ", spec=APART_FROM_OTHERS)),
    ("no-extensions-v1beta", "KS-0001", thing("extensions/v1beta1 Deployment")),
    ("no-rolling-update-strategy", "C-0305", workload("strategy: {type: Recreate}, ")),
    ("non-existent-service-account", "C-0307", pod(spec="serviceAccountName: gone, ")),
    ("non-isolated-pod", "C-0260", pod()),
    ("pdb-max-unavailable, pdb-min-available", "KS-0038", together(
        workload("replicas: 3, "),
        thing("policy/v1 PodDisruptionBudget", "minAvailable: 3, selector: {matchLabels: {app: a}}"))),
    ("projected-token-long-expiration", "KS-0041", pod(spec=FOR_A_YEAR)),
    ("required-annotation-email", "C-0076", pod()),
    ("ssh-port", "C-0042", together(workload(), thing("v1 Service", "selector: {app: a}, ports: [{port: 22}]"))),
    ("webhook-failure-policy-ignore", "KS-0040", thing(
        "admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration",
        rest=", webhooks: [{name: a.b.c, failurePolicy: Ignore}]")),
    ("writable-host-mount", "C-0045", pod(", volumeMounts: [{name: v, mountPath: /a}]",
     "volumes: [{name: v, hostPath: {path: /etc}}], ")),
    ("gatewayAllowedRoutesAll", "KS-0042", thing(
        "gateway.networking.k8s.io/v1 Gateway",
        "listeners: [{name: l, port: 443, protocol: HTTPS, allowedRoutes: {namespaces: {from: All}}}]")),
    ("gatewayTLSMissing", "C-0263", together(
        thing("gateway.networking.k8s.io/v1 Gateway",
              "listeners: [{name: l, port: 80, protocol: HTTP, hostname: a.example}]"),
        thing("gateway.networking.k8s.io/v1 HTTPRoute", "parentRefs: [{name: x}], hostnames: [a.example], "
              "rules: [{backendRefs: [{name: s, port: 80}]}]"))),
    ("missingPodDisruptionBudget", "KS-0020", workload("replicas: 3, ")),
    ("pdbDisruptionsIsZero", "KS-0038", thing(
        "policy/v1 PodDisruptionBudget", "maxUnavailable: 0, selector: {matchLabels: {app: a}}")),
    ("tlsSettingsMissing", "C-0263",
     thing("networking.k8s.io/v1 Ingress", "rules: [{host: a.example}]")),
    ("rolebindingClusterAdminClusterRole", "C-0272", together(bound("cluster-admin", kind="RoleBinding"), USED)),
]  # fmt: skip


def row_of(check: str) -> str:
    """The row of a check."""
    name = re.compile(rf"\| (?:.*, )?{re.escape(check)}(?:[ ,(]|$)")
    (row,) = [line for line in COVERAGE.splitlines() if name.match(line)]
    return row


@pytest.mark.parametrize(("check", "controls", "text"), CLAIMS, ids=[f"{row[0]}-{row[1]}" for row in CLAIMS])
def test_what_others_report_is_reported(check: str, controls: str, text: str) -> None:
    rules, wrong = choose(POLICIES, Settings.of({"frameworks": ["allcontrols"]}))
    assert wrong == ()
    project = Project(Evaluator(rules, Evidence(date(2026, 1, 1)))).with_file("a.yaml", text)
    file = project.files["a.yaml"]
    assert file.complete
    found = {finding.control for _, finding in file.findings()}
    assert set(controls.split()) <= found, sorted(found)
    row = row_of(check)
    assert "| have |" in row or "| took |" in row
