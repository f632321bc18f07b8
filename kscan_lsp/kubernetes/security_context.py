"""What security context holds for a container: its own, and behind it that of its pod.

Verdicts and what an editor shows of inherited values both come from here.

Sources: core/v1 PodSecurityContext and SecurityContext; what is not set there has the defaults that are said there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from kscan_lsp import paths
from kscan_lsp.kubernetes.pod_templates import pod_of
from kscan_lsp.kubernetes.schema import CONTAINER_LISTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.kubernetes.pod_templates import PodTemplate
    from kscan_lsp.paths import Path

INHERITED: Final = (
    "appArmorProfile",
    "runAsGroup",
    "runAsNonRoot",
    "runAsUser",
    "seLinuxOptions",
    "seccompProfile",
    "windowsOptions",
)
"""Fields of a pod's security context that hold for its containers."""


class ContainerContext(Struct, frozen=True):
    """The security context of a container, and where it is written in its object."""

    path: Path
    """Of the container."""
    pod_context: Path
    """Of the pod's security context, which may not be there."""
    own: dict[str, Any]
    effective: dict[str, Any]


def inherited_from(pod: dict[str, Any]) -> dict[str, Any]:
    """What the security context of a pod's spec says for its containers."""
    given = pod.get("securityContext")
    return {key: given[key] for key in INHERITED if key in given} if isinstance(given, dict) else {}


def effective(inherited: dict[str, Any], container: dict[str, Any]) -> dict[str, Any]:
    """The security context that holds for a container."""
    own = container.get("securityContext")
    return {**inherited, **own} if isinstance(own, dict) else inherited


def contexts(data: dict[str, Any], template: PodTemplate) -> Iterator[ContainerContext]:
    """The security contexts of all containers of a template.

    Args:
        data: the object as CEL sees it, where what is null is absent.
        template: one of its pod templates.
    """
    pod = pod_of(data, template)
    spec = paths.lookup(pod.view, pod.spec)
    if not isinstance(spec, dict):
        return
    inherited = inherited_from(spec)
    pod_context = pod.written_at((*pod.spec, "securityContext"))
    for listed in CONTAINER_LISTS:
        containers = spec.get(listed)
        for index, container in enumerate(containers if isinstance(containers, list) else ()):
            if isinstance(container, dict):
                own = container.get("securityContext")
                yield ContainerContext(
                    pod.written_at((*pod.spec, listed, index)),
                    pod_context,
                    own if isinstance(own, dict) else {},
                    effective(inherited, container),
                )
