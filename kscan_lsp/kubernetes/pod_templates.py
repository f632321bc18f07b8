"""The kinds that run pods, and where in them the pods stand: one table, which settings can add to.

An object may have several pod templates: one for each template of a Workflow, or each replica type of a PyTorchJob.
Most are pod templates as core/v1 has them; others describe a pod in words of their own (`pod_shapes.py`).

A template is `partial` where an operator makes the pod and the manifest says no more than what shall be different, or
where the pod's fields are given when something runs. Only what is written counts there: what is missing may be set.

Sources, as their default branches were in August 2026; field paths are those of the Go or Java types:
core, apps, batch: k8s.io/api. agents.x-k8s.io: kubernetes-sigs/agent-sandbox.
argoproj.io: argoproj/argo-rollouts pkg/apis/rollouts/v1alpha1/types.go, argoproj/argo-workflows
pkg/apis/workflow/v1alpha1. serving.knative.dev: knative/serving pkg/apis/serving/v1 (`RevisionTemplateSpec`; the
readiness probe: revision_defaults.go). apps.openshift.io: openshift/api apps/v1/types.go. apps.kruise.io:
openkruise/kruise apis/apps. tekton.dev: tektoncd/pipeline pkg/apis/pipeline/v1. kubeflow.org: kubeflow/trainer, branch
release-1.9, pkg/apis/kubeflow.org/v1; kubeflow/mpi-operator pkg/apis/kubeflow/v2beta1; kubeflow/kubeflow
components/notebook-controller/api. trainer.kubeflow.org: kubeflow/trainer pkg/apis/trainer/v1alpha1. ray.io:
ray-project/kuberay ray-operator/apis/ray/v1 (the probes: controllers/ray/common/pod.go). jobset.x-k8s.io and
leaderworkerset.x-k8s.io: kubernetes-sigs/jobset, kubernetes-sigs/lws. batch.volcano.sh: volcano-sh/apis. keda.sh:
kedacore/keda apis/keda/v1alpha1. postgresql.cnpg.io: cloudnative-pg/cloudnative-pg api/v1/pooler_types.go and
pkg/specs/pgbouncer/deployments.go. kafka.strimzi.io: strimzi/strimzi-kafka-operator. monitoring.coreos.com:
prometheus-operator/prometheus-operator pkg/apis/monitoring/v1.

Left out on purpose: kinds whose pods an operator makes of fields that are no pod's (KubeVirt's VirtualMachine, CNPG's
Cluster); they are listed as not judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import Struct

from kscan_lsp import paths
from kscan_lsp.kubernetes.composed_pods import COMPOSED, POD, ROOT, Composed, composed, metadata_of
from kscan_lsp.kubernetes.pod_shapes import expanded, grown, runs_pods, types_of
from kscan_lsp.kubernetes.schema import CONTAINER_LISTS, METADATA, POD_TEMPLATE, known_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kscan_lsp.kubernetes.schema import Fields
    from kscan_lsp.paths import Path, Pattern

_PROBES: Final = ("livenessProbe", "readinessProbe", "startupProbe")


class Place(Struct, frozen=True):
    """Where a kind has pod templates, and what is special about them."""

    pattern: Pattern
    shape: str = ""
    """A name in `pod_shapes.SHAPES`; empty for a pod template of core/v1."""
    partial: bool = False
    unneeded: tuple[str, ...] = ()
    """Fields of a container that its pods do without: they end by themselves, or their controller sets them."""
    always: bool = False
    """Whether an object without it is wrong; else such an object runs pods elsewhere, or none."""
    fallback: bool = False
    """Whether it counts only where no place before it has a pod: it says what the others would have said, too."""


class PodTemplate(Struct, frozen=True):
    """One pod template of an object: the path of it, or of the item that describes the pod."""

    path: Path
    place: Place


class KindRow(Struct, frozen=True):
    """A row of the table: kinds of an API group that run pods in the same places."""

    groups: tuple[str, ...]
    kinds: tuple[str, ...]
    places: tuple[Place, ...]


def _row(
    groups: str,
    kinds: str,
    patterns: str,
    *,
    shape: str = "",
    partial: bool = False,
    unneeded: tuple[str, ...] = (),
    always: bool = False,
    fallback: bool = False,
) -> KindRow:
    places = tuple(
        Place(paths.parse_pattern("" if one == "." else one), shape, partial, unneeded, always, fallback)
        for one in patterns.split()
    )
    return KindRow(
        tuple("" if one == "core" else one for one in groups.split()), tuple(kinds.split()), places
    )


def _of_ray(where: str) -> str:
    return f"{where}.headGroupSpec.template {where}.workerGroupSpecs[*].template"


TABLE: Final = (
    _row("core", "Pod", ".", always=True),
    _row("core", "PodTemplate", "template", always=True),
    _row("core", "ReplicationController", "spec.template", always=True),
    _row("apps extensions", "Deployment DaemonSet ReplicaSet", "spec.template", always=True),
    _row("apps", "StatefulSet", "spec.template", always=True),
    _row("batch", "Job", "spec.template", unneeded=_PROBES, always=True),
    _row("batch", "CronJob", "spec.jobTemplate.spec.template", unneeded=_PROBES, always=True),
    _row("agents.x-k8s.io", "Sandbox", "spec.podTemplate", always=True),
    _row("extensions.agents.x-k8s.io", "SandboxTemplate", "spec.podTemplate", always=True),
    _row("argoproj.io", "Rollout", "spec.template"),
    _row("argoproj.io", "Workflow WorkflowTemplate ClusterWorkflowTemplate", "spec.templates[*]",
         shape="workflow", unneeded=_PROBES),
    _row("argoproj.io", "CronWorkflow", "spec.workflowSpec.templates[*]", shape="workflow", unneeded=_PROBES),
    _row("argoproj.io", "Workflow WorkflowTemplate ClusterWorkflowTemplate",
         "spec.templates[*].dag.tasks[*].inline spec.templates[*].steps[*][*].inline", shape="inline",
         unneeded=_PROBES),
    _row("argoproj.io", "CronWorkflow",
         "spec.workflowSpec.templates[*].dag.tasks[*].inline spec.workflowSpec.templates[*].steps[*][*].inline",
         shape="inline", unneeded=_PROBES),
    _row("argoproj.io", "Workflow WorkflowTemplate ClusterWorkflowTemplate", "spec", shape="workflow-run", partial=True,
         unneeded=_PROBES, fallback=True),
    _row("argoproj.io", "CronWorkflow", "spec.workflowSpec", shape="workflow-run", partial=True, unneeded=_PROBES,
         fallback=True),
    _row("serving.knative.dev", "Service Configuration", "spec.template", unneeded=("readinessProbe",)),
    _row("serving.knative.dev", "Revision", ".", unneeded=("readinessProbe",)),
    _row("apps.openshift.io core", "DeploymentConfig", "spec.template"),
    _row("apps.kruise.io", "CloneSet StatefulSet DaemonSet", "spec.template"),
    _row("apps.kruise.io", "BroadcastJob", "spec.template", unneeded=_PROBES),
    _row("apps.kruise.io", "AdvancedCronJob",
         "spec.template.jobTemplate.spec.template spec.template.broadcastJobTemplate.spec.template", unneeded=_PROBES),
    _row("apps.kruise.io", "UnitedDeployment",
         "spec.template.statefulSetTemplate.spec.template spec.template.advancedStatefulSetTemplate.spec.template "
         "spec.template.cloneSetTemplate.spec.template spec.template.deploymentTemplate.spec.template"),
    _row("apps.kruise.io", "SidecarSet", "spec", shape="sidecars", partial=True),
    _row("apps.kruise.io", "EphemeralJob", "spec.template", shape="ephemeral", partial=True),
    _row("tekton.dev", "Task ClusterTask", "spec", shape="task", partial=True, unneeded=_PROBES),
    _row("tekton.dev", "TaskRun", "spec.taskSpec", shape="taskrun", partial=True, unneeded=_PROBES),
    _row("tekton.dev", "TaskRun", "spec", shape="run", partial=True, unneeded=_PROBES, fallback=True),
    _row("tekton.dev", "Pipeline", "spec.tasks[*].taskSpec spec.finally[*].taskSpec",
         shape="task", partial=True, unneeded=_PROBES),
    _row("tekton.dev", "PipelineRun", "spec.pipelineSpec.tasks[*].taskSpec spec.pipelineSpec.finally[*].taskSpec",
         shape="pipelinerun", partial=True, unneeded=_PROBES),
    _row("tekton.dev", "PipelineRun", "spec", shape="run", partial=True, unneeded=_PROBES, fallback=True),
    _row("tekton.dev", "PipelineRun", "spec.taskRunSpecs[*]", shape="run", partial=True, unneeded=_PROBES),
    _row("kubeflow.org", "PyTorchJob", "spec.pytorchReplicaSpecs[*].template", unneeded=_PROBES),
    _row("kubeflow.org", "TFJob", "spec.tfReplicaSpecs[*].template", unneeded=_PROBES),
    _row("kubeflow.org", "MPIJob", "spec.mpiReplicaSpecs[*].template", unneeded=_PROBES),
    _row("kubeflow.org", "XGBoostJob", "spec.xgbReplicaSpecs[*].template", unneeded=_PROBES),
    _row("kubeflow.org", "MXJob", "spec.mxReplicaSpecs[*].template", unneeded=_PROBES),
    _row("kubeflow.org", "PaddleJob", "spec.paddleReplicaSpecs[*].template", unneeded=_PROBES),
    _row("kubeflow.org", "JAXJob", "spec.jaxReplicaSpecs[*].template", unneeded=_PROBES),
    _row("kubeflow.org", "Notebook", "spec.template"),
    _row("trainer.kubeflow.org", "TrainingRuntime ClusterTrainingRuntime",
         "spec.template.spec.replicatedJobs[*].template.spec.template", unneeded=_PROBES),
    _row("jobset.x-k8s.io", "JobSet", "spec.replicatedJobs[*].template.spec.template", unneeded=_PROBES),
    _row("leaderworkerset.x-k8s.io", "LeaderWorkerSet",
         "spec.leaderWorkerTemplate.leaderTemplate spec.leaderWorkerTemplate.workerTemplate"),
    _row("batch.volcano.sh", "Job", "spec.tasks[*].template", unneeded=_PROBES),
    _row("keda.sh", "ScaledJob", "spec.jobTargetRef.template", unneeded=_PROBES),
    _row("ray.io", "RayCluster", _of_ray("spec"), unneeded=_PROBES),
    _row("ray.io", "RayJob", f"{_of_ray('spec.rayClusterSpec')} spec.submitterPodTemplate", unneeded=_PROBES),
    _row("ray.io", "RayService", _of_ray("spec.rayClusterConfig"), unneeded=_PROBES),
    _row("ray.io", "RayCronJob",
         f"{_of_ray('spec.jobTemplate.rayClusterSpec')} spec.jobTemplate.submitterPodTemplate", unneeded=_PROBES),
    _row("postgresql.cnpg.io", "Pooler", "spec.template", partial=True),
    _row("kafka.strimzi.io", "Kafka",
         "spec.kafka.template spec.entityOperator.template spec.cruiseControl.template spec.kafkaExporter.template",
         shape="strimzi", partial=True),
    _row("kafka.strimzi.io", "KafkaNodePool KafkaBridge KafkaConnect KafkaMirrorMaker2", "spec.template",
         shape="strimzi", partial=True),
    _row("kafka.strimzi.io", "KafkaConnect", "spec.template", shape="strimzi-build", partial=True),
    _row("monitoring.coreos.com", "Prometheus PrometheusAgent Alertmanager ThanosRuler", "spec",
         shape="prometheus", partial=True),
)  # fmt: skip
"""The kinds that run pods; a kind may have several rows."""


def _by_kind() -> dict[tuple[str, str], tuple[Place, ...]]:
    found: dict[tuple[str, str], tuple[Place, ...]] = {}
    for row in TABLE:
        for group in row.groups:
            for kind in row.kinds:
                found[group, kind] = (*found.get((group, kind), ()), *row.places)
    return found


PLACES: Final[Mapping[tuple[str, str], tuple[Place, ...]]] = _by_kind()
"""By (group, kind), where the pods are."""


def fixed(place: Place) -> PodTemplate | None:
    """The template of a place that is the same in all objects; None where it depends on the object."""
    return PodTemplate(_plain(place), place) if place.always else None


def _plain(place: Place) -> Path:
    return tuple(part for part in place.pattern if part is not paths.EACH)


_FIXED: Final = {places: tuple(filter(None, map(fixed, places))) for places in PLACES.values()}


def templates_of(data: dict[str, Any], places: tuple[Place, ...]) -> tuple[PodTemplate, ...]:
    """The pod templates that an object has in some places.

    Args:
        data: the object as plain values.
        places: where its kind has any.
    """
    known = _FIXED.get(places)
    if known:
        return known
    found: list[PodTemplate] = []
    for place in places:
        if not (place.fallback and found):
            found += [
                PodTemplate(path, place)
                for path in ([_plain(place)] if place.always else expanded(data, place.pattern))
                if not place.shape or runs_pods(paths.lookup(data, path), place.shape)
            ]
    return tuple(found)


class Pod(NamedTuple):
    """A pod template as controls see it, and where it stands in the object they look at.

    `view` is the object, with a template that was put together beside its fields.
    """

    view: dict[str, Any]
    template: Path
    spec: Path
    composed: Composed | None = None

    def written_at(self, path: Path) -> Path:
        """Where something in the view is written in the object."""
        return self.composed.written_at(path) if self.composed else path


def pod_of(data: dict[str, Any], template: PodTemplate) -> Pod:
    """A pod template of an object."""
    if not template.place.shape:
        return Pod(data, template.path, (*template.path, "spec"))
    made = composed(data, template.path, template.place.shape)
    return Pod({**data, COMPOSED: made.template}, ROOT, POD, made)


def spec_of_pod(data: dict[str, Any], template: PodTemplate) -> dict[str, Any]:
    """The spec of the pods of a template; empty where there is none."""
    pod = pod_of(data, template)
    found = paths.lookup(pod.view, pod.spec)
    return found if isinstance(found, dict) else {}


def labels_of(data: dict[str, Any], template: PodTemplate) -> dict[str, str]:
    """The labels of the pods of a template."""
    if template.place.shape:
        metadata: Any = metadata_of(data, template.path, template.place.shape)
    else:
        metadata = paths.lookup(data, (*template.path, "metadata"))
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    if not isinstance(labels, dict):
        return {}
    return {k: v for k, v in labels.items() if isinstance(k, str) and isinstance(v, str)}


def container_paths(data: dict[str, Any], template: PodTemplate) -> Iterator[Path]:
    """Where the containers of a template are written in its object."""
    pod = pod_of(data, template)
    spec = paths.lookup(pod.view, pod.spec)
    for name in CONTAINER_LISTS:
        containers = spec.get(name) if isinstance(spec, dict) else None
        for index in range(len(containers) if isinstance(containers, list) else 0):
            yield pod.written_at((*pod.spec, name, index))


def fields_of(group: str, kind: str, places: tuple[Place, ...]) -> Fields:
    """What is known about the fields of a kind.

    Args:
        group: its API group, without the version.
        kind: its name. A kind that is not in the table of types is known by its metadata, and by its pod templates.
        places: where those are.
    """
    known = known_fields(group, kind)
    tree: Fields = {"metadata": METADATA, **(known or {})}
    if known is not None:
        return tree
    for place in places:
        if place.shape:
            tree = _joined(tree, types_of(place.shape, place.pattern))
        else:
            tree = grown(tree, place.pattern, POD_TEMPLATE)
    return tree


def _joined(one: Any, other: Any) -> Any:
    """Two trees of types as one; where both know a field, the first has the word."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {**other, **{key: _joined(value, other.get(key)) for key, value in one.items()}}
    if isinstance(one, tuple) and isinstance(other, tuple) and one[0] == other[0]:
        return (one[0], _joined(one[1], other[1]))
    return one if one is not None else other
