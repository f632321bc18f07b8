"""Kinds that describe a pod in other words than a pod template: where the parts of the pod are written, as data.

A Workflow has one container under `container`, a Task has `steps`, and fields of their pods stand beside them or
further up. `composed_pods.py` makes a pod template of that.

Left out on purpose: what the configuration of a controller adds.

Sources: pkg/apis/workflow/v1alpha1/workflow_types.go and workflow/controller/workflowpod.go of
argoproj/argo-workflows (`WorkflowSpec`, `Template`, `mergedTemplateDefaultsInto`);
pkg/apis/pipeline/v1/container_types.go, merge.go, taskrun_types.go and pipelinerun_types.go
(`PipelineTaskRunTemplate`, `PipelineTaskRunSpec`, `GetTaskRunSpec`), the same of v1beta1 (`taskPodTemplate`,
`taskServiceAccountName`), and pod/template.go (`Template`) of tektoncd/pipeline;
apis/apps/v1beta1/sidecarset_types.go and v1alpha1/ephemeraljob_types.go of openkruise/kruise; pkg/apis/monitoring/v1
of prometheus-operator/prometheus-operator (`CommonPrometheusFields`, `AlertmanagerSpec`, `ThanosRulerSpec`);
api/src/main/java/io/strimzi/api/kafka/model of strimzi/strimzi-kafka-operator (`PodTemplate`, `ContainerTemplate`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp import paths
from kscan_lsp.kubernetes.schema import CONTAINER, EVERY, METADATA, POD_SPEC, STR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kscan_lsp.kubernetes.schema import Fields
    from kscan_lsp.paths import Path, Pattern


class PodShape(Struct, frozen=True):
    """Where the parts of a pod are written. Each place is a path from the item; `^` goes up to what is around it.

    Of a field with several places the first that is there counts; lists are all of theirs together.
    """

    about: str
    """For people: where the containers are."""
    lists: Mapping[str, str]
    """By list of a pod (`containers`, `volumes`, ...), the places of its items."""
    fields: Mapping[str, str] = {}
    """By other field of a pod, its places."""
    metadata: str = ""
    up: int = 0
    """How many steps what is around an item is above it."""
    defaults: Mapping[str, str] = {}
    """By the first key of the places of containers, where the defaults of their fields are."""
    renamed: Mapping[str, str] = {}
    """Fields of containers that have another name: ours by theirs."""
    unnamed: str = ""
    """What the controller calls a container that has no name; its key, if it says nothing."""
    env: str = ""
    """The places of variables that every container gets."""
    patches: tuple[str, ...] = ()
    """The places of patches in text (`pod_patches.py`), in the order in which they are merged."""
    only_with: Literal["", "containers", "anything"] = ""
    """What an item must have, or it says nothing of pods: any container, or anything that this shape reads."""


def _both(*names: str) -> dict[str, str]:
    return {name: f"{name} ^templateDefaults.{name} ^{name}" for name in names}


_WORKFLOW: Final = PodShape(
    "`container`, `script`, `containerSet.containers`, `sidecars` and `initContainers`",
    {
        "containers": "container script containerSet.containers[*] sidecars[*]",
        "initContainers": "initContainers[*]",
        "volumes": "volumes[*] ^templateDefaults.volumes[*] ^volumes[*]",
    },
    {
        **_both("automountServiceAccountToken", "hostAliases", "nodeSelector", "schedulerName"),
        **_both("securityContext", "serviceAccountName", "tolerations"),
        "hostNetwork": "^hostNetwork",
        "imagePullSecrets": "^imagePullSecrets",
        "priorityClassName": "priorityClassName ^templateDefaults.priorityClassName ^podPriorityClassName",
        "resources": "podResources ^templateDefaults.podResources ^podResources",
    },
    metadata="metadata ^templateDefaults.metadata ^podMetadata",
    up=2,
    defaults={key: f"^templateDefaults.{key}" for key in ("container", "script")},
    unnamed="main",
    patches=("^podSpecPatch", "podSpecPatch ^templateDefaults.podSpecPatch"),
    only_with="containers",
)

_POD_TEMPLATE_OF_TEKTON: Final = (
    "automountServiceAccountToken", "hostAliases", "hostNetwork", "hostUsers", "imagePullSecrets", "nodeSelector",
    "priorityClassName", "runtimeClassName", "schedulerName", "securityContext", "tolerations",
    "topologySpreadConstraints",
)  # fmt: skip


def _task(about: str, templates: str, accounts: str, up: int) -> PodShape:
    """The steps of a task, with what the run around it says of its pods."""
    return PodShape(
        f"`steps` and `sidecars`, with the defaults of `stepTemplate`{about}",
        {
            "containers": "steps[*] sidecars[*]",
            "volumes": " ".join(["volumes[*]", *(f"{one}.volumes[*]" for one in templates.split())]),
        },
        _run(templates, accounts) if templates else {},
        up=up,
        defaults={"steps": "stepTemplate"},
        renamed={"computeResources": "resources"},
        unnamed="unnamed",
        env=" ".join(f"{one}.env" for one in templates.split()),
    )


def _run(templates: str, accounts: str) -> dict[str, str]:
    fields = {
        name: " ".join(f"{one}.{name}" for one in templates.split()) for name in _POD_TEMPLATE_OF_TEKTON
    }
    return {**fields, "serviceAccountName": accounts}


_RUN_TEMPLATES: Final = "taskRunTemplate.podTemplate podTemplate taskPodTemplate"


def _around(places: str) -> str:
    """Those of some places that are around an item, from there."""
    return " ".join(one.removeprefix("^") for one in places.split() if one.startswith("^"))


SHAPES: Final[dict[str, PodShape]] = {
    "workflow": _WORKFLOW,
    "inline": replace(_WORKFLOW, about="the same, in a step or task", up=6),
    "workflow-run": PodShape(
        "what a run says of pods whose containers are elsewhere (`workflowTemplateRef`)",
        {
            "containers": "templateDefaults.container templateDefaults.script templateDefaults.sidecars[*]",
            "initContainers": "templateDefaults.initContainers[*]",
            "volumes": "templateDefaults.volumes[*] volumes[*]",
        },
        {name: _around(places) for name, places in _WORKFLOW.fields.items()},
        metadata=_around(_WORKFLOW.metadata),
        unnamed="main",
        patches=("podSpecPatch", "templateDefaults.podSpecPatch"),
        only_with="anything",
    ),
    "task": _task("", "", "", 0),
    "taskrun": _task(", and `spec.podTemplate`", "^podTemplate", "^serviceAccountName", 1),
    "pipelinerun": _task(
        ", and the run's `podTemplate`",
        "^taskRunTemplate.podTemplate ^podTemplate",
        "^taskRunTemplate.serviceAccountName ^serviceAccountName",
        4,
    ),
    "run": PodShape(
        "what `podTemplate` and `serviceAccountName` say of pods whose steps are elsewhere",
        {"volumes": " ".join(f"{one}.volumes[*]" for one in _RUN_TEMPLATES.split())},
        _run(
            _RUN_TEMPLATES, "taskRunTemplate.serviceAccountName serviceAccountName taskServiceAccountName"
        ),
        env=" ".join(f"{one}.env" for one in _RUN_TEMPLATES.split()),
        only_with="anything",
    ),
    "sidecars": PodShape(
        "`containers` and `initContainers`",
        {"containers": "containers[*]", "initContainers": "initContainers[*]", "volumes": "volumes[*]"},
    ),
    "ephemeral": PodShape("`ephemeralContainers`", {"ephemeralContainers": "ephemeralContainers[*]"}),
    "prometheus": PodShape(
        "`containers` and `initContainers`, and fields of the pod beside them",
        {"containers": "containers[*]", "initContainers": "initContainers[*]", "volumes": "volumes[*]"},
        {
            name: name
            for name in (
                "automountServiceAccountToken", "hostAliases", "hostNetwork", "hostUsers", "imagePullSecrets",
                "nodeSelector", "priorityClassName", "securityContext", "serviceAccountName", "tolerations",
                "topologySpreadConstraints",
            )
        },
        metadata="podMetadata",
    ),
    "strimzi": PodShape(
        "`pod`, and containers such as `kafkaContainer`",
        {
            "containers": "kafkaContainer connectContainer bridgeContainer topicOperatorContainer "
            "userOperatorContainer cruiseControlContainer container",
            "initContainers": "initContainer",
            "volumes": "pod.volumes[*]",
        },
        {
            name: f"pod.{name}"
            for name in (
                "hostAliases", "hostUsers", "imagePullSecrets", "priorityClassName", "schedulerName", "securityContext",
                "tolerations", "topologySpreadConstraints",
            )
        },
        metadata="pod.metadata",
    ),
    "strimzi-build": PodShape(
        "`buildPod` and `buildContainer`",
        {"containers": "buildContainer", "volumes": "buildPod.volumes[*]"},
        {
            name: f"buildPod.{name}"
            for name in (
                "hostAliases", "hostUsers", "imagePullSecrets", "priorityClassName", "schedulerName", "securityContext",
                "tolerations", "topologySpreadConstraints",
            )
        },
        metadata="buildPod.metadata",
    ),
}  # fmt: skip
"""By the name that rows of the table of kinds have for it (`pod_templates.py`)."""


class Source(Struct, frozen=True):
    """One of the places of a shape."""

    around: bool
    """Whether it counts from what is around the item."""
    pattern: Pattern
    path: Path
    """Without what stands for each item of a list."""


def _places(text: str) -> tuple[Source, ...]:
    patterns = [(one.startswith("^"), paths.parse_pattern(one.removeprefix("^"))) for one in text.split()]
    return tuple(
        Source(around, pattern, tuple(part for part in pattern if part is not paths.EACH))
        for around, pattern in patterns
    )


class Sources(Struct, frozen=True):
    """The places of a shape, parsed."""

    lists: Mapping[str, tuple[Source, ...]]
    fields: Mapping[str, tuple[Source, ...]]
    metadata: tuple[Source, ...]
    defaults: Mapping[str, Source]
    env: tuple[Source, ...]
    patches: tuple[tuple[Source, ...], ...]

    def everything(self) -> Iterator[Source]:
        """All places of what makes a pod, but for its metadata."""
        for places in (*self.lists.values(), *self.fields.values(), self.env, *self.patches):
            yield from places


@cache
def sources_of(name: str) -> Sources:
    """The places of a shape; most manifests have none of any."""
    shape = SHAPES[name]
    return Sources(
        {field: _places(text) for field, text in shape.lists.items()},
        {field: _places(text) for field, text in shape.fields.items()},
        _places(shape.metadata),
        {key: _places(text)[0] for key, text in shape.defaults.items()},
        _places(shape.env),
        tuple(map(_places, shape.patches)),
    )


def expanded(data: object, pattern: Pattern) -> Iterator[Path]:
    """The paths that a pattern leads to in plain data: those where something stands."""
    level: list[tuple[object, Path]] = [(data, ())]
    for step in pattern:
        following: list[tuple[object, Path]] = []
        for here, path in level:
            if step is paths.EACH:
                entries = enumerate(here) if isinstance(here, list) else ()
                following += [(value, (*path, index)) for index, value in entries]
                if isinstance(here, dict):
                    following += [(value, (*path, key)) for key, value in here.items()]
            elif isinstance(here, dict) and here.get(step) is not None:
                following.append((here[step], (*path, step)))
        level = following
    for value, path in level:
        if value is not None:
            yield path


def runs_pods(item: object, shape: str) -> bool:
    """Whether an item of a shape describes a pod that anybody can set anything of."""
    wanted, sources = SHAPES[shape].only_with, sources_of(shape)
    if not wanted:
        return isinstance(item, dict)
    places = sources.lists["containers"] if wanted == "containers" else sources.everything()
    return any(True for place in places if not place.around for _ in expanded(item, place.pattern))


def types_of(name: str, item: Pattern) -> Fields:
    """The types of the fields of a shape, as a tree from the root of its object.

    Args:
        name: of the shape.
        item: where its items stand.
    """
    sources = sources_of(name)
    above = item[: len(item) - SHAPES[name].up]
    known: dict[str, Any] = dict(POD_SPEC)
    container: Fields = dict(CONTAINER)
    container |= {theirs: container[ours] for theirs, ours in SHAPES[name].renamed.items()}
    tree: Fields = {}

    def grow(places: Iterable[Source], leaf: Any) -> None:
        nonlocal tree
        for place in places:
            tree = grown(tree, (*(above if place.around else item), *place.pattern), leaf)

    for field, places in sources.fields.items():
        if field in known:
            grow(places, known[field])
    for field, places in sources.lists.items():
        grow(places, known[field][0] if field == "volumes" else container)
    grow(sources.metadata, METADATA)
    grow(sources.defaults.values(), container)
    grow(sources.env, container["env"])
    for places in sources.patches:
        grow(places, STR)
    return tree


def grown(tree: Any, pattern: Pattern, leaf: Any) -> Any:
    """A tree of types with what a pattern leads to."""
    if not pattern:
        return leaf if not isinstance(tree, dict) or not isinstance(leaf, dict) else {**leaf, **tree}
    step, rest = pattern[0], pattern[1:]
    if step is paths.EACH:
        return (EVERY, grown(tree[1] if isinstance(tree, tuple) else {}, rest, leaf))
    fields = tree if isinstance(tree, dict) else {}
    return {**fields, step: grown(fields.get(step), rest, leaf)}
