"""Which checks of a plan one value of a resource touches: the others say of it what they said when it was another.

It is the dependencies of the plan asked the other way round, so what is remembered of a group by their digests holds
for what is taken over without making any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.kubernetes.schema import CONTAINER_LISTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kscan_lsp.engine.plan import Plan
    from kscan_lsp.engine.scope import Dependency
    from kscan_lsp.paths import Path

_OF_CONTAINERS: Final = frozenset({"container", "effective", "role"})
_STEADY: Final = frozenset({"inputs", "kubernetesMinor", "unneeded", "relations", "objectName", "path"})
"""Variables that no value of a resource changes whose identity and relations are as they were."""


def touched(plan: Plan, path: Path, anchors: Mapping[str, Path]) -> frozenset[int]:
    """The numbers of the groups of a plan that can say something else when one value is another.

    Args:
        plan: the plan of a resource.
        path: of the value, in the resource.
        anchors: where the variables of its expressions stand (`Scope.anchors`).
    """
    read = {
        number for number, one in enumerate(plan.dependencies, start=1) if _is_touched(one, path, anchors)
    }
    return frozenset(number for number, group in enumerate(plan.groups) if not read.isdisjoint(group.reads))


def _is_touched(dependency: Dependency, path: Path, anchors: Mapping[str, Path]) -> bool:
    name, field = dependency
    if name in _STEADY:
        return False
    if name in anchors:  # object, podTemplate and pod
        below = _below(path, anchors[name])
        return below is not None and (field is None or not below or below[0] == field)
    if name not in _OF_CONTAINERS:
        return True  # evidence, which is told of the images of a pod, and whatever is not known here
    pod = _below(path, anchors["pod"]) if "pod" in anchors else None
    if pod is None:
        return False
    if pod[:1] == ("securityContext",):
        return name == "effective"
    if not pod or pod[0] not in CONTAINER_LISTS:
        return not pod
    inside = pod[2:]
    if name == "container":
        return not inside or field is None or inside[0] == field
    return not inside or inside[0] == ("securityContext" if name == "effective" else "restartPolicy")


def _below(path: Path, anchor: Path) -> Path | None:
    """The rest of a path behind an anchor; None where it does not lead there."""
    return path[len(anchor) :] if path[: len(anchor)] == anchor else None
