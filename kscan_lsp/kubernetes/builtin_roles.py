"""The roles that every cluster has: their names, what they grant, and which of them others are added to.

A repository binds `cluster-admin` or `edit` and never declares them, so what a binding grants cannot be told
from files alone. Here they are as data. A role is a line with its name, then `in` and its namespace, `to` and
the role that it is aggregated to, `from` and the role whose label it aggregates. Below it there is a line for
each rule: verbs, API groups (`core` is ""), resources and, if any, names; or `URL` and paths that are no
resources. `read` is get, list and watch; `write` is create, delete, deletecollection, patch and update. A rule
too long for a line is two, which grant the same.

Source: kubernetes/kubernetes v1.36.0, plugin/pkg/auth/authorizer/rbac/bootstrappolicy, as its testdata has them
with all feature gates at their defaults (Apache-2.0). Left out on purpose: the bindings that a cluster begins
with, and roles that a distribution or a cloud adds.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, Final, TypeAlias

from kscan_lsp.kubernetes.controller_roles import CONTROLLER_ROLES
from kscan_lsp.kubernetes.rbac import granted, granting

Texts: TypeAlias = tuple[str, ...]

VERSION: Final = "1.36"
"""The Kubernetes that these are the roles of."""

_GROUP: Final = "rbac.authorization.k8s.io"
_VERBS: Final = {
    "read": ("get", "list", "watch"),
    "write": ("create", "delete", "deletecollection", "patch", "update"),
}

_ROLES: Final = """\
admin from admin
cluster-admin
 * * *
 * URL *
edit to admin from edit
system:aggregate-to-admin to admin
 create authorization.k8s.io localsubjectaccessreviews
 read,write rbac.authorization.k8s.io rolebindings,roles
system:aggregate-to-edit to edit
 read core pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy
 impersonate core serviceaccounts
 write core pods,pods/attach,pods/exec,pods/portforward,pods/proxy
 create core pods/eviction
 write core configmaps,persistentvolumeclaims,replicationcontrollers,replicationcontrollers/scale,secrets
 write core serviceaccounts,services,services/proxy
 create core serviceaccounts/token
 write core,events.k8s.io events
 write apps daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,replicasets/scale
 write apps statefulsets,statefulsets/scale
 write autoscaling horizontalpodautoscalers
 write batch cronjobs,jobs
 write extensions daemonsets,deployments,deployments/rollback,deployments/scale,ingresses,networkpolicies
 write extensions replicasets,replicasets/scale,replicationcontrollers/scale
 write policy poddisruptionbudgets
 write networking.k8s.io ingresses,networkpolicies
 read,write coordination.k8s.io leases
 write resource.k8s.io resourceclaims,resourceclaimtemplates
system:aggregate-to-view to view
 read core configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods
 read core replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/status
 read core bindings,limitranges,namespaces/status,pods/log,pods/status,replicationcontrollers/status
 read core resourcequotas,resourcequotas/status
 read core namespaces
 read core,events.k8s.io events
 read discovery.k8s.io endpointslices
 read apps controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status
 read apps replicasets,replicasets/scale,replicasets/status,statefulsets,statefulsets/scale
 read apps statefulsets/status
 read autoscaling horizontalpodautoscalers,horizontalpodautoscalers/status
 read batch cronjobs,cronjobs/status,jobs,jobs/status
 read extensions daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,ingresses
 read extensions ingresses/status,networkpolicies,replicasets,replicasets/scale,replicasets/status
 read extensions replicationcontrollers/scale
 read policy poddisruptionbudgets,poddisruptionbudgets/status
 read networking.k8s.io ingresses,ingresses/status,networkpolicies
 read resource.k8s.io resourceclaims,resourceclaims/status,resourceclaimtemplates
system:auth-delegator
 create authentication.k8s.io tokenreviews
 create authorization.k8s.io subjectaccessreviews
system:basic-user
 create authorization.k8s.io selfsubjectaccessreviews,selfsubjectrulesreviews
 create authentication.k8s.io selfsubjectreviews
system:certificates.k8s.io:certificatesigningrequests:nodeclient
 create certificates.k8s.io certificatesigningrequests/nodeclient
system:certificates.k8s.io:certificatesigningrequests:selfnodeclient
 create certificates.k8s.io certificatesigningrequests/selfnodeclient
system:certificates.k8s.io:kube-apiserver-client-approver
 approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client
system:certificates.k8s.io:kube-apiserver-client-kubelet-approver
 approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client-kubelet
system:certificates.k8s.io:kubelet-serving-approver
 approve certificates.k8s.io signers kubernetes.io/kubelet-serving
system:certificates.k8s.io:legacy-unknown-approver
 approve certificates.k8s.io signers kubernetes.io/legacy-unknown
system:discovery
 get URL /api,/api/*,/apis,/apis/*,/healthz,/livez,/openapi,/openapi/*,/readyz,/version,/version/
system:heapster
 read core events,namespaces,nodes,pods
 read extensions deployments
system:kube-aggregator
 read core endpoints,services
system:kube-controller-manager
 create,patch,update core,events.k8s.io events
 create coordination.k8s.io leases
 get,update coordination.k8s.io leases kube-controller-manager
 create core secrets,serviceaccounts
 delete core secrets
 get core configmaps,namespaces,secrets,serviceaccounts
 update core secrets,serviceaccounts
 create authentication.k8s.io tokenreviews
 create authorization.k8s.io subjectaccessreviews
 list,watch * *
 create core serviceaccounts/token
system:kube-dns
 list,watch core endpoints,services
system:kube-scheduler
 create,patch,update core,events.k8s.io events
 create coordination.k8s.io leases
 read,update coordination.k8s.io leases kube-scheduler
 read,write coordination.k8s.io leasecandidates
 read core nodes
 read,delete core pods
 create core bindings,pods/binding
 patch,update core pods/status
 read core replicationcontrollers,services
 read apps,extensions replicasets
 read apps statefulsets
 read policy poddisruptionbudgets
 read core persistentvolumeclaims,persistentvolumes
 create authentication.k8s.io tokenreviews
 create authorization.k8s.io subjectaccessreviews
 read storage.k8s.io csinodes
 read storage.k8s.io volumeattachments
 read core namespaces
 read storage.k8s.io csidrivers
 read storage.k8s.io csistoragecapacities
 read resource.k8s.io deviceclasses
 read,patch,update resource.k8s.io resourceclaims
 read,patch,update resource.k8s.io resourceclaims/status
 update core pods/finalizers
 read resource.k8s.io resourceslices
 create,delete resource.k8s.io resourceclaims
 patch,update resource.k8s.io resourceclaims/binding
system:kubelet-api-admin
 read core nodes
 proxy core nodes
 * core nodes/log,nodes/metrics,nodes/proxy,nodes/stats
 * core nodes/configz,nodes/healthz,nodes/pods
system:monitoring
 get URL /flagz,/healthz,/healthz/*,/livez,/livez/*,/metrics,/metrics/slis,/readyz,/readyz/*,/statusz
 get core nodes/metrics
system:node
 create authentication.k8s.io tokenreviews
 create authorization.k8s.io localsubjectaccessreviews,subjectaccessreviews
 read core services
 read,create core nodes
 patch,update core nodes/status
 patch,update core nodes
 create,patch,update core,events.k8s.io events
 read core pods
 create,delete core pods
 patch,update core pods/status
 create core pods/eviction
 read core configmaps,secrets
 get core persistentvolumeclaims,persistentvolumes
 get core endpoints
 read,create certificates.k8s.io certificatesigningrequests
 create,delete,get,patch,update coordination.k8s.io leases
 get storage.k8s.io volumeattachments
 create core serviceaccounts/token
 get,patch,update core persistentvolumeclaims/status
 read storage.k8s.io csidrivers
 create,delete,get,patch,update storage.k8s.io csinodes
 read node.k8s.io runtimeclasses
 get resource.k8s.io resourceclaims
 deletecollection resource.k8s.io resourceslices
 get core serviceaccounts
system:node-bootstrapper
 read,create certificates.k8s.io certificatesigningrequests
system:node-problem-detector
 get core nodes
 patch core nodes/status
 create,patch,update core,events.k8s.io events
system:node-proxier
 list,watch core endpoints,services
 read core nodes
 create,patch,update core,events.k8s.io events
 list,watch networking.k8s.io servicecidrs
 list,watch discovery.k8s.io endpointslices
system:persistent-volume-provisioner
 read,create,delete core persistentvolumes
 read,update core persistentvolumeclaims
 read storage.k8s.io storageclasses
 watch core events
 create,patch,update core,events.k8s.io events
system:public-info-viewer
 get URL /healthz,/livez,/readyz,/version,/version/
system:service-account-issuer-discovery
 get URL /.well-known/openid-configuration,/.well-known/openid-configuration/,/openid/v1/jwks,/openid/v1/jwks/
system:volume-scheduler
 read,patch,update core persistentvolumes
 read storage.k8s.io storageclasses
 read,patch,update core persistentvolumeclaims
view to edit from view
system:controller:bootstrap-signer in kube-public
 read core configmaps
 update core configmaps cluster-info
 create,patch,update core,events.k8s.io events
extension-apiserver-authentication-reader in kube-system
 read core configmaps extension-apiserver-authentication
system::leader-locking-kube-controller-manager in kube-system
 read,create,update coordination.k8s.io leases
 read,create,update coordination.k8s.io leasecandidates
system::leader-locking-kube-scheduler in kube-system
 read,create,update coordination.k8s.io leases
 read,create,update coordination.k8s.io leasecandidates
system:controller:bootstrap-signer in kube-system
 read core secrets
system:controller:cloud-provider in kube-system
 read,create core configmaps
system:controller:token-cleaner in kube-system
 read,delete core secrets
 create,patch,update core,events.k8s.io events
"""


def builtin_grants(ref: dict[str, Any], groups: list[str], resources: list[str], verbs: list[str]) -> bool:
    """Whether a role that every cluster has grants something (`rbac.granted`).

    Args:
        ref: `kind`, `namespace` and `name` of a role, and `builtin`: whether it is one of these.
        groups: API groups.
        resources: resources of these.
        verbs: verbs on these.
    """
    who = (ref.get("kind"), ref.get("namespace"), ref.get("name"))
    return ref.get("builtin") is True and _grants(who, tuple(groups), tuple(resources), tuple(verbs))


def added_to_builtin(
    rule: dict[str, Any], ref: dict[str, Any], groups: list[str], resources: list[str], verbs: list[str]
) -> list[int]:
    """As `rbac.granted`, but only what a role that every cluster has does not grant itself; nothing for any other."""
    if ref.get("builtin") is not True:
        return []
    return [
        position
        for position in granted(rule, groups, resources, verbs)
        if not builtin_grants(ref, groups, [str(rule["resources"][position])], verbs)
    ]


@lru_cache(maxsize=2048)
def _grants(who: tuple[object, ...], groups: Texts, resources: Texts, verbs: Texts) -> bool:
    rules = _rules().get(who, [])
    return bool(granting(rules, [*groups], [*resources], [*verbs]))


@cache
def _rules() -> dict[tuple[object, ...], list[dict[str, Any]]]:
    return {
        (role["kind"], role["metadata"].get("namespace", ""), role["metadata"]["name"]): role["rules"]
        for role in builtin_roles()
    }


@cache
def builtin_roles() -> tuple[dict[str, Any], ...]:
    """The roles as the API server has them: those that aggregate others have the rules of these."""
    roles: list[dict[str, Any]] = []
    for line in (_ROLES + CONTROLLER_ROLES).splitlines():
        if line.startswith(" "):
            roles[-1]["rules"].append(_rule(*line.split()))
        else:
            roles.append(_role(*line.split()))
    for aggregating in ("view", "edit", "admin"):  # each takes what the one before has
        (whole,) = (role for role in roles if role["metadata"]["name"] == aggregating)
        wanted = _label(aggregating)
        members = [role for role in roles if wanted.items() <= role["metadata"]["labels"].items()]
        whole["rules"] = [rule for member in members for rule in member["rules"]]
    return tuple(roles)


def _role(name: str, *more: str) -> dict[str, Any]:
    given = dict(zip(more[::2], more[1::2], strict=True))
    metadata: dict[str, Any] = {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}}
    role = {"apiVersion": f"{_GROUP}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": []}
    if "in" in given:
        role["kind"], metadata["namespace"] = "Role", given["in"]
    if "to" in given:
        metadata["labels"] |= _label(given["to"])
    if "from" in given:
        role["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": _label(given["from"])}]}
    return role


def _label(role: str) -> dict[str, str]:
    """The label of what is added to a role of everybody's."""
    return {f"{_GROUP}/aggregate-to-{role}": "true"}


def _rule(verbs: str, groups: str, resources: str, names: str = "") -> dict[str, Any]:
    said = [verb for word in verbs.split(",") for verb in _VERBS.get(word, (word,))]
    if groups == "URL":
        return {"nonResourceURLs": resources.split(","), "verbs": said}
    rule = {
        "apiGroups": ["" if group == "core" else group for group in groups.split(",")],
        "resources": resources.split(","),
        "verbs": said,
    }
    return {**rule, "resourceNames": names.split(",")} if names else rule
