"""The fields of the kinds that people write most, with their types, and how server-side apply merges them.

A line is a type: its name, then its fields, grouped by what they hold. `s` is a text, `n` a number, `b` true or false,
`u` any scalar (quantities, times, ports), `?` what nothing is known of, another word a type of this table. `[X]` is a
list that is replaced as a whole, `[X|name]` one whose entries are told apart by these fields, `[X|=]` a set; `{X}` a
map of names to X. What else is replaced as a whole is in `_WHOLE`.

Source: the merge schema of Kubernetes 1.35 (`x-kubernetes-list-type`, `-list-map-keys` and `-map-type` in its OpenAPI
document). Left out: `status`, `managedFields`, and volumes that Kubernetes has no driver for any more.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, TypeAlias

from msgspec import Struct


class Structure(Struct, frozen=True, eq=False):
    """A type with fields, or a map of names to `every`. `whole` is replaced as a whole."""

    name: str
    fields: dict[str, str]
    every: str = ""
    whole: bool = False


class Listing(Struct, frozen=True):
    """A list. `keys` tell its entries apart; without any, it is a set, or is replaced as a `whole`."""

    entry: str
    keys: tuple[str, ...] = ()
    whole: bool = False


Shape: TypeAlias = "str | Structure | Listing"
"""A scalar by its letter, or one of the others."""

ANYTHING: Final = "?"
"""What nothing is known about."""
SCALARS: Final = {"s": "a text", "n": "a number", "b": "true or false", "u": "a scalar"}
KEY_DEFAULTS: Final = {"protocol": "TCP"}
"""What the API server fills in of fields that tell entries apart."""
_ROOTS: Final = {
    "v1": ("ConfigMap", "Namespace", "PersistentVolumeClaim", "Pod", "PodTemplate", "ReplicationController", "Secret",
           "Service", "ServiceAccount"),
    "apps/v1": ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"),
    "autoscaling/v2": ("HorizontalPodAutoscaler",),
    "batch/v1": ("CronJob", "Job"),
    "networking.k8s.io/v1": ("Ingress", "NetworkPolicy"),
    "policy/v1": ("PodDisruptionBudget",),
    "rbac.authorization.k8s.io/v1": ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
}  # fmt: skip
_OF_OTHERS: Final = Structure("", {"apiVersion": "s", "kind": "s", "metadata": "ObjectMeta"}, ANYTHING)
"""A kind that is not in the table."""


def root_of(api_version: str, kind: str) -> Structure:
    """What is known of the fields of a kind; of one that is not in the table, that it has metadata."""
    shape = shape_of(kind) if kind in _ROOTS.get(api_version, ()) else _OF_OTHERS
    return shape if isinstance(shape, Structure) else _OF_OTHERS


@lru_cache(maxsize=512)
def shape_of(written: str) -> Shape:
    """A type as the table writes it."""
    whole = written.startswith("!")
    written = written.removeprefix("!")
    if written in SCALARS or written == ANYTHING:
        return written
    if written.startswith("["):
        entry, bar, keys = written[1:-1].partition("|")
        return Listing(entry, tuple(key for key in keys.split(",") if key not in {"", "="}), not bar)
    if written.startswith("{"):
        return Structure(written, {}, written[1:-1], whole)
    line = _lines()[written]
    if line.startswith("= "):
        return shape_of(line.removeprefix("= "))
    fields = {
        field: kind.strip()
        for group in line.split("; ")
        for kind, _, names in (group.partition(": "),)
        for field in names.split()
    }
    return Structure(written, fields, whole=whole or written in _WHOLE)


@lru_cache(maxsize=1)
def _lines() -> dict[str, str]:
    lines = _TABLE.strip().replace("\n  ", " ").split("\n")
    return {name.removeprefix("!"): line for name, _, line in (one.partition(" ") for one in lines)}


_TABLE: Final = """
Affinity NodeAffinity: nodeAffinity; PodAffinity: podAffinity; PodAntiAffinity: podAntiAffinity
AggregationRule [LabelSelector]: clusterRoleSelectors
AppArmorProfile s: localhostProfile type
CSIVolumeSource s: driver fsType; LocalObjectReference: nodePublishSecretRef; b: readOnly; {s}: volumeAttributes
Capabilities [s]: add drop
ClientIPConfig n: timeoutSeconds
ClusterRole AggregationRule: aggregationRule; s: apiVersion kind; ObjectMeta: metadata; [PolicyRule]: rules
ClusterRoleBinding s: apiVersion kind; ObjectMeta: metadata; RoleRef: roleRef; [Subject]: subjects
ClusterTrustBundleProjection LabelSelector: labelSelector; s: name path signerName; b: optional
ConfigMap s: apiVersion kind; {s}: binaryData data; b: immutable; ObjectMeta: metadata
ConfigMapEnvSource s: name; b: optional
ConfigMapKeySelector s: key name; b: optional
ConfigMapProjection [KeyToPath]: items; s: name; b: optional
ConfigMapVolumeSource n: defaultMode; [KeyToPath]: items; s: name; b: optional
Container [s]: args command; [EnvVar|name]: env; [EnvFromSource]: envFrom; s: image imagePullPolicy name restartPolicy
  terminationMessagePath terminationMessagePolicy workingDir; Lifecycle: lifecycle; Probe: livenessProbe
  readinessProbe startupProbe; [ContainerPort|containerPort,protocol]: ports; [ContainerResizePolicy]: resizePolicy;
  ResourceRequirements: resources; [ContainerRestartRule]: restartPolicyRules; SecurityContext: securityContext; b:
  stdin stdinOnce tty; [VolumeDevice|devicePath]: volumeDevices; [VolumeMount|mountPath]: volumeMounts
ContainerPort n: containerPort hostPort; s: hostIP name protocol
ContainerResizePolicy s: resourceName restartPolicy
ContainerResourceMetricSource s: container name; MetricTarget: target
ContainerRestartRule s: action; ContainerRestartRuleOnExitCodes: exitCodes
ContainerRestartRuleOnExitCodes s: operator; [n|=]: values
CronJob s: apiVersion kind; ObjectMeta: metadata; CronJobSpec: spec; ?: status
CronJobSpec s: concurrencyPolicy schedule timeZone; n: failedJobsHistoryLimit startingDeadlineSeconds
  successfulJobsHistoryLimit; JobTemplateSpec: jobTemplate; b: suspend
CrossVersionObjectReference s: apiVersion kind name
DaemonSet s: apiVersion kind; ObjectMeta: metadata; DaemonSetSpec: spec; ?: status
DaemonSetSpec n: minReadySeconds revisionHistoryLimit; LabelSelector: selector; PodTemplateSpec: template;
  DaemonSetUpdateStrategy: updateStrategy
DaemonSetUpdateStrategy RollingUpdateDaemonSet: rollingUpdate; s: type
Deployment s: apiVersion kind; ObjectMeta: metadata; DeploymentSpec: spec; ?: status
DeploymentSpec n: minReadySeconds progressDeadlineSeconds replicas revisionHistoryLimit; b: paused; LabelSelector:
  selector; DeploymentStrategy: strategy; PodTemplateSpec: template
DeploymentStrategy RollingUpdateDeployment: rollingUpdate; s: type
DownwardAPIProjection [DownwardAPIVolumeFile]: items
DownwardAPIVolumeFile ObjectFieldSelector: fieldRef; n: mode; s: path; ResourceFieldSelector: resourceFieldRef
DownwardAPIVolumeSource n: defaultMode; [DownwardAPIVolumeFile]: items
EmptyDirVolumeSource s: medium; u: sizeLimit
EnvFromSource ConfigMapEnvSource: configMapRef; s: prefix; SecretEnvSource: secretRef
EnvVar s: name value; EnvVarSource: valueFrom
EnvVarSource ConfigMapKeySelector: configMapKeyRef; ObjectFieldSelector: fieldRef; FileKeySelector: fileKeyRef;
  ResourceFieldSelector: resourceFieldRef; SecretKeySelector: secretKeyRef
EphemeralContainer [s]: args command; [EnvVar|name]: env; [EnvFromSource]: envFrom; s: image imagePullPolicy name
  restartPolicy targetContainerName terminationMessagePath terminationMessagePolicy workingDir; Lifecycle: lifecycle;
  Probe: livenessProbe readinessProbe startupProbe; [ContainerPort|containerPort,protocol]: ports;
  [ContainerResizePolicy]: resizePolicy; ResourceRequirements: resources; [ContainerRestartRule]: restartPolicyRules;
  SecurityContext: securityContext; b: stdin stdinOnce tty; [VolumeDevice|devicePath]: volumeDevices;
  [VolumeMount|mountPath]: volumeMounts
EphemeralVolumeSource PersistentVolumeClaimTemplate: volumeClaimTemplate
ExecAction [s]: command
ExternalMetricSource MetricIdentifier: metric; MetricTarget: target
FileKeySelector s: key path volumeName; b: optional
GRPCAction n: port; s: service
HPAScalingPolicy n: periodSeconds value; s: type
HPAScalingRules [HPAScalingPolicy]: policies; s: selectPolicy; n: stabilizationWindowSeconds; u: tolerance
HTTPGetAction s: host path scheme; [HTTPHeader]: httpHeaders; u: port
HTTPHeader s: name value
HTTPIngressPath IngressBackend: backend; s: path pathType
HTTPIngressRuleValue [HTTPIngressPath]: paths
HorizontalPodAutoscaler s: apiVersion kind; ObjectMeta: metadata; HorizontalPodAutoscalerSpec: spec; ?: status
HorizontalPodAutoscalerBehavior HPAScalingRules: scaleDown scaleUp
HorizontalPodAutoscalerSpec HorizontalPodAutoscalerBehavior: behavior; n: maxReplicas minReplicas; [MetricSpec]:
  metrics; CrossVersionObjectReference: scaleTargetRef
HostAlias [s]: hostnames; s: ip
HostPathVolumeSource s: path type
IPBlock s: cidr; [s]: except
ImageVolumeSource s: pullPolicy reference
Ingress s: apiVersion kind; ObjectMeta: metadata; IngressSpec: spec; ?: status
IngressBackend TypedLocalObjectReference: resource; IngressServiceBackend: service
IngressRule s: host; HTTPIngressRuleValue: http
IngressServiceBackend s: name; ServiceBackendPort: port
IngressSpec IngressBackend: defaultBackend; s: ingressClassName; [IngressRule]: rules; [IngressTLS]: tls
IngressTLS [s]: hosts; s: secretName
Job s: apiVersion kind; ObjectMeta: metadata; JobSpec: spec; ?: status
JobSpec n: activeDeadlineSeconds backoffLimit backoffLimitPerIndex completions maxFailedIndexes parallelism
  ttlSecondsAfterFinished; s: completionMode managedBy podReplacementPolicy; b: manualSelector suspend;
  PodFailurePolicy: podFailurePolicy; LabelSelector: selector; SuccessPolicy: successPolicy; PodTemplateSpec: template
JobTemplateSpec ObjectMeta: metadata; JobSpec: spec
KeyToPath s: key path; n: mode
LabelSelector [LabelSelectorRequirement]: matchExpressions; {s}: matchLabels
LabelSelectorRequirement s: key operator; [s]: values
Lifecycle LifecycleHandler: postStart preStop; s: stopSignal
LifecycleHandler ExecAction: exec; HTTPGetAction: httpGet; SleepAction: sleep; TCPSocketAction: tcpSocket
LocalObjectReference s: name
MetricIdentifier s: name; LabelSelector: selector
MetricSpec ContainerResourceMetricSource: containerResource; ExternalMetricSource: external; ObjectMetricSource:
  object; PodsMetricSource: pods; ResourceMetricSource: resource; s: type
MetricTarget n: averageUtilization; u: averageValue value; s: type
NFSVolumeSource s: path server; b: readOnly
Namespace s: apiVersion kind; ObjectMeta: metadata; NamespaceSpec: spec; ?: status
NamespaceSpec [s]: finalizers
NetworkPolicy s: apiVersion kind; ObjectMeta: metadata; NetworkPolicySpec: spec
NetworkPolicyEgressRule [NetworkPolicyPort]: ports; [NetworkPolicyPeer]: to
NetworkPolicyIngressRule [NetworkPolicyPeer]: from; [NetworkPolicyPort]: ports
NetworkPolicyPeer IPBlock: ipBlock; LabelSelector: namespaceSelector podSelector
NetworkPolicyPort n: endPort; u: port; s: protocol
NetworkPolicySpec [NetworkPolicyEgressRule]: egress; [NetworkPolicyIngressRule]: ingress; LabelSelector: podSelector;
  [s]: policyTypes
NodeAffinity [PreferredSchedulingTerm]: preferredDuringSchedulingIgnoredDuringExecution; NodeSelector:
  requiredDuringSchedulingIgnoredDuringExecution
NodeSelector [NodeSelectorTerm]: nodeSelectorTerms
NodeSelectorRequirement s: key operator; [s]: values
NodeSelectorTerm [NodeSelectorRequirement]: matchExpressions matchFields
ObjectFieldSelector s: apiVersion fieldPath
ObjectMeta {s}: annotations labels; u: creationTimestamp deletionTimestamp; n: deletionGracePeriodSeconds generation;
  [s|=]: finalizers; s: generateName name namespace resourceVersion selfLink uid; ?: managedFields;
  [OwnerReference|uid]: ownerReferences
ObjectMetricSource CrossVersionObjectReference: describedObject; MetricIdentifier: metric; MetricTarget: target
ObjectReference s: apiVersion fieldPath kind name namespace resourceVersion uid
OwnerReference s: apiVersion kind name uid; b: blockOwnerDeletion controller
PersistentVolumeClaim s: apiVersion kind; ObjectMeta: metadata; PersistentVolumeClaimSpec: spec; ?: status
PersistentVolumeClaimSpec [s]: accessModes; TypedLocalObjectReference: dataSource; TypedObjectReference:
  dataSourceRef; VolumeResourceRequirements: resources; LabelSelector: selector; s: storageClassName
  volumeAttributesClassName volumeMode volumeName
PersistentVolumeClaimTemplate ObjectMeta: metadata; PersistentVolumeClaimSpec: spec
PersistentVolumeClaimVolumeSource s: claimName; b: readOnly
Pod s: apiVersion kind; ObjectMeta: metadata; PodSpec: spec; ?: status
PodAffinity [WeightedPodAffinityTerm]: preferredDuringSchedulingIgnoredDuringExecution; [PodAffinityTerm]:
  requiredDuringSchedulingIgnoredDuringExecution
PodAffinityTerm LabelSelector: labelSelector namespaceSelector; [s]: matchLabelKeys mismatchLabelKeys namespaces; s:
  topologyKey
PodAntiAffinity [WeightedPodAffinityTerm]: preferredDuringSchedulingIgnoredDuringExecution; [PodAffinityTerm]:
  requiredDuringSchedulingIgnoredDuringExecution
PodCertificateProjection s: certificateChainPath credentialBundlePath keyPath keyType signerName; n:
  maxExpirationSeconds; {s}: userAnnotations
PodDNSConfig [s]: nameservers searches; [PodDNSConfigOption]: options
PodDNSConfigOption s: name value
PodDisruptionBudget s: apiVersion kind; ObjectMeta: metadata; PodDisruptionBudgetSpec: spec; ?: status
PodDisruptionBudgetSpec u: maxUnavailable minAvailable; LabelSelector: selector; s: unhealthyPodEvictionPolicy
PodFailurePolicy [PodFailurePolicyRule]: rules
PodFailurePolicyOnExitCodesRequirement s: containerName operator; [n|=]: values
PodFailurePolicyOnPodConditionsPattern ?: status; s: type
PodFailurePolicyRule s: action; PodFailurePolicyOnExitCodesRequirement: onExitCodes;
  [PodFailurePolicyOnPodConditionsPattern]: onPodConditions
PodOS s: name
PodReadinessGate s: conditionType
PodResourceClaim s: name resourceClaimName resourceClaimTemplateName
PodSchedulingGate s: name
PodSecurityContext AppArmorProfile: appArmorProfile; n: fsGroup runAsGroup runAsUser; s: fsGroupChangePolicy
  seLinuxChangePolicy supplementalGroupsPolicy; b: runAsNonRoot; SELinuxOptions: seLinuxOptions; SeccompProfile:
  seccompProfile; [n]: supplementalGroups; [Sysctl]: sysctls; WindowsSecurityContextOptions: windowsOptions
PodSpec n: activeDeadlineSeconds priority terminationGracePeriodSeconds; Affinity: affinity; b:
  automountServiceAccountToken enableServiceLinks hostIPC hostNetwork hostPID hostUsers setHostnameAsFQDN
  shareProcessNamespace; [Container|name]: containers initContainers; PodDNSConfig: dnsConfig; s: dnsPolicy hostname
  hostnameOverride nodeName preemptionPolicy priorityClassName restartPolicy runtimeClassName schedulerName
  serviceAccount serviceAccountName subdomain; [EphemeralContainer|name]: ephemeralContainers; [HostAlias|ip]:
  hostAliases; [LocalObjectReference|name]: imagePullSecrets; !{s}: nodeSelector; PodOS: os; {u}: overhead;
  [PodReadinessGate]: readinessGates; [PodResourceClaim|name]: resourceClaims; ResourceRequirements: resources;
  [PodSchedulingGate|name]: schedulingGates; PodSecurityContext: securityContext; [Toleration]: tolerations;
  [TopologySpreadConstraint|topologyKey,whenUnsatisfiable]: topologySpreadConstraints; [Volume|name]: volumes;
  WorkloadReference: workloadRef
PodTemplate s: apiVersion kind; ObjectMeta: metadata; PodTemplateSpec: template
PodTemplateSpec ObjectMeta: metadata; PodSpec: spec
PodsMetricSource MetricIdentifier: metric; MetricTarget: target
PolicyRule [s]: apiGroups nonResourceURLs resourceNames resources verbs
PreferredSchedulingTerm NodeSelectorTerm: preference; n: weight
Probe ExecAction: exec; n: failureThreshold initialDelaySeconds periodSeconds successThreshold
  terminationGracePeriodSeconds timeoutSeconds; GRPCAction: grpc; HTTPGetAction: httpGet; TCPSocketAction: tcpSocket
ProjectedVolumeSource n: defaultMode; [VolumeProjection]: sources
ReplicaSet s: apiVersion kind; ObjectMeta: metadata; ReplicaSetSpec: spec; ?: status
ReplicaSetSpec n: minReadySeconds replicas; LabelSelector: selector; PodTemplateSpec: template
ReplicationController s: apiVersion kind; ObjectMeta: metadata; ReplicationControllerSpec: spec; ?: status
ReplicationControllerSpec n: minReadySeconds replicas; !{s}: selector; PodTemplateSpec: template
ResourceClaim s: name request
ResourceFieldSelector s: containerName resource; u: divisor
ResourceMetricSource s: name; MetricTarget: target
ResourceRequirements [ResourceClaim|name]: claims; {u}: limits requests
Role s: apiVersion kind; ObjectMeta: metadata; [PolicyRule]: rules
RoleBinding s: apiVersion kind; ObjectMeta: metadata; RoleRef: roleRef; [Subject]: subjects
RoleRef s: apiGroup kind name
RollingUpdateDaemonSet u: maxSurge maxUnavailable
RollingUpdateDeployment u: maxSurge maxUnavailable
RollingUpdateStatefulSetStrategy u: maxUnavailable; n: partition
SELinuxOptions s: level role type user
SeccompProfile s: localhostProfile type
Secret s: apiVersion kind type; {s}: data stringData; b: immutable; ObjectMeta: metadata
SecretEnvSource s: name; b: optional
SecretKeySelector s: key name; b: optional
SecretProjection [KeyToPath]: items; s: name; b: optional
SecretVolumeSource n: defaultMode; [KeyToPath]: items; b: optional; s: secretName
SecurityContext b: allowPrivilegeEscalation privileged readOnlyRootFilesystem runAsNonRoot; AppArmorProfile:
  appArmorProfile; Capabilities: capabilities; s: procMount; n: runAsGroup runAsUser; SELinuxOptions: seLinuxOptions;
  SeccompProfile: seccompProfile; WindowsSecurityContextOptions: windowsOptions
Service s: apiVersion kind; ObjectMeta: metadata; ServiceSpec: spec; ?: status
ServiceAccount s: apiVersion kind; b: automountServiceAccountToken; [LocalObjectReference]: imagePullSecrets;
  ObjectMeta: metadata; [ObjectReference|name]: secrets
ServiceAccountTokenProjection s: audience path; n: expirationSeconds
ServiceBackendPort s: name; n: number
ServicePort s: appProtocol name protocol; n: nodePort port; u: targetPort
ServiceSpec b: allocateLoadBalancerNodePorts publishNotReadyAddresses; s: clusterIP externalName externalTrafficPolicy
  internalTrafficPolicy ipFamilyPolicy loadBalancerClass loadBalancerIP sessionAffinity trafficDistribution type; [s]:
  clusterIPs externalIPs ipFamilies loadBalancerSourceRanges; n: healthCheckNodePort; [ServicePort|port,protocol]:
  ports; !{s}: selector; SessionAffinityConfig: sessionAffinityConfig
SessionAffinityConfig ClientIPConfig: clientIP
SleepAction n: seconds
StatefulSet s: apiVersion kind; ObjectMeta: metadata; StatefulSetSpec: spec; ?: status
StatefulSetOrdinals n: start
StatefulSetPersistentVolumeClaimRetentionPolicy s: whenDeleted whenScaled
StatefulSetSpec n: minReadySeconds replicas revisionHistoryLimit; StatefulSetOrdinals: ordinals;
  StatefulSetPersistentVolumeClaimRetentionPolicy: persistentVolumeClaimRetentionPolicy; s: podManagementPolicy
  serviceName; LabelSelector: selector; PodTemplateSpec: template; StatefulSetUpdateStrategy: updateStrategy;
  [PersistentVolumeClaim]: volumeClaimTemplates
StatefulSetUpdateStrategy RollingUpdateStatefulSetStrategy: rollingUpdate; s: type
Subject s: apiGroup kind name namespace
SuccessPolicy [SuccessPolicyRule]: rules
SuccessPolicyRule n: succeededCount; s: succeededIndexes
Sysctl s: name value
TCPSocketAction s: host; u: port
Toleration s: effect key operator value; n: tolerationSeconds
TopologySpreadConstraint LabelSelector: labelSelector; [s]: matchLabelKeys; n: maxSkew minDomains; s:
  nodeAffinityPolicy nodeTaintsPolicy topologyKey whenUnsatisfiable
TypedLocalObjectReference s: apiGroup kind name
TypedObjectReference s: apiGroup kind name namespace
Volume ?: awsElasticBlockStore azureDisk azureFile cephfs cinder fc flexVolume flocker gcePersistentDisk gitRepo
  glusterfs iscsi photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos vsphereVolume;
  ConfigMapVolumeSource: configMap; CSIVolumeSource: csi; DownwardAPIVolumeSource: downwardAPI; EmptyDirVolumeSource:
  emptyDir; EphemeralVolumeSource: ephemeral; HostPathVolumeSource: hostPath; ImageVolumeSource: image; s: name;
  NFSVolumeSource: nfs; PersistentVolumeClaimVolumeSource: persistentVolumeClaim; ProjectedVolumeSource: projected;
  SecretVolumeSource: secret
VolumeDevice s: devicePath name
VolumeMount s: mountPath mountPropagation name recursiveReadOnly subPath subPathExpr; b: readOnly
VolumeProjection ClusterTrustBundleProjection: clusterTrustBundle; ConfigMapProjection: configMap;
  DownwardAPIProjection: downwardAPI; PodCertificateProjection: podCertificate; SecretProjection: secret;
  ServiceAccountTokenProjection: serviceAccountToken
VolumeResourceRequirements {u}: limits requests
WeightedPodAffinityTerm PodAffinityTerm: podAffinityTerm; n: weight
WindowsSecurityContextOptions s: gmsaCredentialSpec gmsaCredentialSpecName runAsUserName; b: hostProcess
WorkloadReference s: name podGroup podGroupReplicaKey
"""

_WHOLE: Final = frozenset(
    {
        "ConfigMapKeySelector", "FileKeySelector", "LabelSelector", "LocalObjectReference", "NodeSelector",
        "NodeSelectorTerm", "ObjectFieldSelector", "ObjectReference", "OwnerReference", "ResourceFieldSelector",
        "RoleRef", "SecretKeySelector", "ServiceBackendPort", "Subject", "TypedLocalObjectReference",
    }
)  # fmt: skip
"""Types that are replaced as a whole."""
