"""The kinds that Kubernetes itself serves, and what is meant by one that it does not.

An object whose kind nobody knows is refused by the API server, or, worse, is taken for a custom resource that no
control looks at. So what is nearly a kind of Kubernetes is told from what somebody else may have defined.

Source: the types of k8s.io/api, v1.37 (those with `+genclient`, and `+genclient:nonNamespaced`), k8s.io/apiextensions
and k8s.io/kube-aggregator; versions that are served no longer are kept, since another message is about those.

Left out on purpose: kinds of custom resource definitions. Whether one exists is only known to a cluster.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from msgspec import Struct

from kscan_lsp.text import close_matches

_TABLE: Final = """
core: v1: ComponentStatus* ConfigMap Endpoints Event LimitRange Namespace* Node* PersistentVolume*
  PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota Secret Service ServiceAccount
admissionregistration.k8s.io: v1 v1alpha1 v1beta1: MutatingAdmissionPolicy* MutatingAdmissionPolicyBinding*
  MutatingWebhookConfiguration* ValidatingAdmissionPolicy* ValidatingAdmissionPolicyBinding*
  ValidatingWebhookConfiguration*
apiextensions.k8s.io: v1 v1beta1: CustomResourceDefinition*
apiregistration.k8s.io: v1 v1beta1: APIService*
apps: v1 v1beta1 v1beta2: ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet
authentication.k8s.io: v1 v1alpha1 v1beta1: SelfSubjectReview* TokenReview*
authorization.k8s.io: v1 v1beta1: LocalSubjectAccessReview SelfSubjectAccessReview* SelfSubjectRulesReview*
  SubjectAccessReview*
autoscaling: v1 v2 v2beta1 v2beta2: HorizontalPodAutoscaler
batch: v1 v1beta1 v2alpha1: CronJob Job
certificates.k8s.io: v1 v1alpha1 v1beta1: CertificateSigningRequest* ClusterTrustBundle*
  PodCertificateRequest
coordination.k8s.io: v1 v1alpha1 v1alpha2 v1beta1: Lease LeaseCandidate
discovery.k8s.io: v1 v1alpha1 v1beta1: EndpointSlice
events.k8s.io: v1 v1beta1: Event
extensions: v1beta1: DaemonSet Deployment Ingress NetworkPolicy PodSecurityPolicy* ReplicaSet
flowcontrol.apiserver.k8s.io: v1 v1alpha1 v1beta1 v1beta2 v1beta3: FlowSchema* PriorityLevelConfiguration*
networking.k8s.io: v1 v1alpha1 v1beta1: IPAddress* Ingress IngressClass* NetworkPolicy ServiceCIDR*
node.k8s.io: v1 v1alpha1 v1beta1: RuntimeClass*
policy: v1 v1beta1: PodDisruptionBudget PodSecurityPolicy*
rbac.authorization.k8s.io: v1 v1alpha1 v1beta1: ClusterRole* ClusterRoleBinding* Role RoleBinding
resource.k8s.io: v1 v1alpha1 v1alpha2 v1alpha3 v1beta1 v1beta2: DeviceClass* DeviceTaintRule* ResourceClaim
  ResourceClaimTemplate ResourcePoolStatusRequest* ResourceSlice*
scheduling.k8s.io: v1 v1alpha1 v1alpha2 v1alpha3 v1beta1: CompositePodGroup PodGroup PriorityClass* Workload
storage.k8s.io: v1 v1alpha1 v1beta1: CSIDriver* CSINode* CSIStorageCapacity StorageClass* VolumeAttachment*
  VolumeAttributesClass*
storagemigration.k8s.io: v1 v1alpha1 v1beta1: StorageVersionMigration*
auditregistration.k8s.io: v1alpha1: AuditSink*
settings.k8s.io: v1alpha1: PodPreset
"""
"""ApiGroup, its versions, and its kinds; those that live in no namespace have a star."""


class ApiGroup(Struct, frozen=True):
    """An API group of Kubernetes: the versions it ever had, and its kinds."""

    versions: tuple[str, ...]
    kinds: frozenset[str]


def _groups() -> dict[str, ApiGroup]:
    groups: dict[str, ApiGroup] = {}
    for row in _TABLE.strip().replace("\n  ", " ").splitlines():
        name, versions, kinds = row.split(": ")
        bare = frozenset(kind.removesuffix("*") for kind in kinds.split())
        groups["" if name == "core" else name] = ApiGroup(tuple(versions.split()), bare)
    return groups


GROUPS: Final = _groups()
"""By name; the core group has none."""
CLUSTER_SCOPED_KINDS: Final = frozenset(
    word.removesuffix("*") for word in _TABLE.split() if word.endswith("*")
)

_ALIKE: Final = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0455\u0458\u0405\u0408\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425"
    "\u03bf\u039f\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u03a1\u03a4\u03a5\u03a7\u0131",
    "aeopcyxisjSJABEKMHOPCTXoOABEZHIKMNPTYXi",
)
"""Cyrillic and Greek letters that look like Latin ones (Unicode, confusables)."""


@lru_cache(maxsize=512)
def meant_kind(api_version: str, kind: str) -> str:
    """What was meant by an `apiVersion` and `kind` that Kubernetes does not serve, though it looks like one it does.

    Args:
        api_version: as written, such as `apps/v1`.
        kind: as written.

    Returns:
        `apiVersion kind` of what is nearest; empty where the two are served, or may be a custom resource.
    """
    group, _, version = api_version.rpartition("/")
    known = GROUPS.get(group)
    if known is not None:
        if kind.removesuffix("List") in known.kinds:
            return "" if version in known.versions else f"{_named(group, _newest(known))} {kind}"
        if meant := _nearest(kind, known.kinds):
            return f"{_named(group, version if version in known.versions else _newest(known))} {meant}"
        return _elsewhere(kind)
    plain = _plain(group)
    for name in GROUPS if plain in GROUPS else close_matches(plain, GROUPS, n=1, cutoff=0.85):
        if name and (name == plain or plain not in GROUPS) and (meant := _nearest(kind, GROUPS[name].kinds)):
            there = version if version in GROUPS[name].versions else _newest(GROUPS[name])
            return f"{_named(name, there)} {meant}"
    # a group of a custom resource has a dot
    return "" if "." in group else _elsewhere(kind)


def _newest(group: ApiGroup) -> str:
    stable = [version for version in group.versions if version[1:].isdecimal()]
    return max(stable or group.versions, key=lambda version: (len(version), version))


def _named(group: str, version: str) -> str:
    return f"{group}/{version}" if group else version


def _elsewhere(kind: str) -> str:
    """The kind, exactly or nearly so, in the first group that has it; `extensions` had what others took over."""
    for near in (False, True):
        for name, group in GROUPS.items():
            meant = _nearest(kind, group.kinds) if near else kind * (kind in group.kinds)
            if meant and name != "extensions":
                return f"{_named(name, _newest(group))} {meant}"
    return ""


def _nearest(kind: str, kinds: frozenset[str]) -> str:
    plain = _plain(kind).casefold()
    by_case = {known.casefold(): known for known in sorted(kinds)}
    for singular in (
        plain,
        plain.removesuffix("s"),
        plain.removesuffix("es"),
        plain.removesuffix("ies") + "y",
    ):
        if singular in by_case:
            return by_case[singular]
    close = close_matches(plain, by_case, n=1, cutoff=0.85)
    return by_case[close[0]] if close else ""


def _plain(name: str) -> str:
    """A name without spaces and invisible characters, and with Latin letters for those that look like them."""
    folded = unicodedata.normalize("NFKC", name).translate(_ALIKE)
    return "".join(character for character in folded if character.isprintable() and not character.isspace())
