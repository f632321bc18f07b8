"""Where a check points: the paths of `at` and of fixes, filled in for one element."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from kscan_lsp import cel, paths
from kscan_lsp.kubernetes.security_context import INHERITED
from kscan_lsp.policy import targets

if TYPE_CHECKING:
    from kscan_lsp.engine.scope import Element
    from kscan_lsp.paths import Path


def resolve(target: targets.Target, element: Element) -> Path | cel.Failed:
    """The path that a target means for an element, in what it is an element of (`Scope.view`)."""
    parts = _filled(target, element)
    if isinstance(parts, cel.Failed):
        return parts
    anchors = element.anchors
    if not target.anchor:
        return (*element.path, *parts)
    if target.anchor == "effective":
        return (*_provenance(parts, element), "securityContext", *parts)
    if target.anchor not in anchors:
        return cel.Failed(f"there is no {target.anchor} here")
    return (*anchors[target.anchor], *parts)


def settable(target: targets.Target, element: Element) -> Path | cel.Failed:
    """Where a target is to be written in the resource; nowhere if its kind has no field for it."""
    path = resolve(target, element)
    composed = element.scope.composed
    if isinstance(path, cel.Failed) or composed is None:
        return path
    place = composed.settable_at(path)
    return cel.Failed("this kind has no such field") if place is None else place


def _filled(target: targets.Target, element: Element) -> Path | cel.Failed:
    if cel.Expression in map(type, target.parts):
        return targets.fill(target, element.activation)
    return cast("Path", target.parts)  # most are; they need no values of the element handed to CEL


def _provenance(field: Path, element: Element) -> Path:
    """Whose security context a field holds from: the container's, or the pod's where only that has it."""
    own, pod = element.anchors["container"], element.anchors["pod"]
    if field and field[0] in INHERITED:
        view, name = element.scope.view, ("securityContext", field[0])
        if paths.lookup(view, (*own, *name)) is None and paths.lookup(view, (*pod, *name)) is not None:
            return pod
    return own


def is_written(path: Path, element: Element) -> bool:
    """Whether what a finding points to is written in a pod, and more than that there is a pod, or a container."""
    scope, anchors = element.scope, element.anchors
    inside = next((anchors[name] for name in ("container", "pod") if name in anchors), ())
    below = path[: len(inside)] == inside and len(path) > len(inside)
    return below and paths.lookup(scope.view, path) is not None


def first_there(wanted: tuple[targets.Target, ...], element: Element) -> Path | cel.Failed:
    """Where a finding points: the first of some targets that exists, else the last; without any, the element."""
    path: Path = element.path
    for target in wanted:
        found = resolve(target, element)
        if isinstance(found, cel.Failed):
            return found
        path = found
        if paths.lookup(element.scope.view, path) is not None:
            break
    return path
