"""Which images the objects of judged files run, where that is written, and how their pods are reached from outside.

What a report and an editor say of images beside findings starts here. Nothing is judged: `known_of` looks up what is
known, and exposure is what the controls see of it, too (`kubernetes/exposure.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp import cel, paths
from kscan_lsp.evidence.image_facts import facts_in
from kscan_lsp.graph.binding import Followed, bind
from kscan_lsp.kubernetes.exposure import exposure
from kscan_lsp.kubernetes.images import images_in
from kscan_lsp.kubernetes.pod_templates import pod_of, spec_of_pod
from kscan_lsp.kubernetes.schema import CONTAINER_LISTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.evidence.image_facts import ImageFacts
    from kscan_lsp.graph.binding import Bound
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.text import Span
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedDocument, CheckedFile

_RELATIONS: Final = ("services", "services.routes")
_INTERNAL: Final = "internalLoadBalancers"
"""The input with patterns of annotations that keep a load balancer inside."""


class ImageUse(Struct, frozen=True):
    """A container that runs an image."""

    image: str
    """As the manifest refers to it."""
    container: str
    resource: Resource
    span: Span
    """Of its value in the document."""
    path: paths.Path
    exposure: tuple[str, ...]
    """By what its pod is reached from outside; empty where by nothing, or where nobody asked for other objects."""


def known_of(project: Project) -> ImageFacts | None:
    """What is known of images; None where nothing is."""
    return facts_in(project.evidence)


def images_run_by(file: CheckedFile) -> dict[str, None]:
    """The images that the objects of a judged file run, in order, each once."""
    found: dict[str, None] = {}
    for checked in file.parts:
        for verdicts in checked.verdicts:
            resource = verdicts.resource
            for template in resource.templates:
                found |= dict.fromkeys(images_in(spec_of_pod(resource.data, template)))
    found.pop("", None)
    return found


def uses_in(checked: CheckedDocument, project: Project, followed: Followed) -> Iterator[ImageUse]:
    """The containers of a document with the images that they run, in order.

    Args:
        checked: the document.
        project: the one that it is in.
        followed: what relations were found to lead to, shared by all documents of the project.
    """
    internal = project.ruleset.inputs.get(_INTERNAL, [])
    objects = checked.read.objects if checked.read else ()
    for number, verdicts in enumerate(checked.verdicts):
        resource = verdicts.resource
        if not resource.templates:
            continue
        view = (verdicts.view or cel.view(resource.data)).value
        bound = bind(objects[number], _RELATIONS, followed) if number < len(objects) else None
        for template in range(len(resource.templates)):
            yield from _of_template(resource, view, template, bound, internal)


def _of_template(
    resource: Resource, view: dict[str, object], number: int, bound: Bound | None, internal: list[str]
) -> Iterator[ImageUse]:
    pod = pod_of(view, resource.templates[number])
    spec = paths.lookup(pod.view, pod.spec)
    if not isinstance(spec, dict):
        return
    relations = bound.links[number] if bound else {}
    services, routes = ([one.object.data for one in relations.get(name, ())] for name in _RELATIONS)
    for listed in CONTAINER_LISTS:
        items = spec.get(listed)
        for index, container in enumerate(items if isinstance(items, list) else ()):
            image = container.get("image") if isinstance(container, dict) else None
            if not isinstance(image, str) or not image:
                continue
            found = exposure(
                spec.get("hostNetwork"),
                container.get("ports"),
                services,
                routes,
                lambda note: cel.matches_any(note, internal),
            )
            path: paths.Path = (*pod.spec, listed, index, "image")
            written = pod.composed.written_at(path) if pod.composed else path
            place = resource.resolve(written)
            name = container.get("name")
            yield ImageUse(
                image, name if isinstance(name, str) else "", resource, place.span, written, tuple(found)
            )
