"""Links in manifests: from an image to its page at the registry, from a control's id to what it rests on.

An address is made from the text alone, without a look at the network, and only for registries whose pages are known to
lie there: a link that leads nowhere is worse than none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lsprotocol import types

from kscan_lsp.kubernetes.images import image_ref
from kscan_lsp.kubernetes.pod_templates import container_paths
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.features.control_names import suppressed_controls, text_at
from kscan_lsp.lsp.features.settings_file import named_controls
from kscan_lsp.regex import regex
from kscan_lsp.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.lsp.features.control_names import ControlName
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot, SettingsSnapshot
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.model import PolicySet

_REPOSITORY: Final = regex(r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*")
_OFFICIAL: Final = "library/"
_PAGES: Final = {
    "quay.io": "https://quay.io/repository/{}",
    "ghcr.io": "https://ghcr.io/{}",
    "gcr.io": "https://gcr.io/{}",
    "public.ecr.aws": "https://gallery.ecr.aws/{}",
}
"""Where a registry has the page of a repository of two names. `ghcr.io` and `gcr.io` themselves lead on to it."""


def document_links(snapshot: DocumentSnapshot) -> list[types.DocumentLink]:
    """The links of a manifest, in no order."""
    images = [
        _link(snapshot, span, page, "Open the image's page")
        for span, image in _images(snapshot)
        if (page := image_page(image))
    ]
    policies = snapshot.configuration.ruleset.policies
    return [*images, *_control_links(snapshot, suppressed_controls(snapshot.checked), policies)]


def settings_links(snapshot: SettingsSnapshot) -> list[types.DocumentLink]:
    """The links of a settings file."""
    return list(_control_links(snapshot, named_controls(snapshot), snapshot.configuration.ruleset.policies))


def _control_links(
    snapshot: DocumentSnapshot | SettingsSnapshot, names: Iterable[ControlName], policies: PolicySet
) -> Iterator[types.DocumentLink]:
    for name, span in names:
        control = policies.controls.get(name)
        if control is not None and control.references:
            yield _link(snapshot, span, control.references[0], f"Read about {control.title}")


def _link(
    snapshot: DocumentSnapshot | SettingsSnapshot, span: Span, page: str, tooltip: str
) -> types.DocumentLink:
    at = convert.range_of(span, snapshot.lines, snapshot.capabilities.encoding)
    return types.DocumentLink(at, page, tooltip if snapshot.capabilities.link_tooltips else None)


def image_page(image: str) -> str:
    """The address of an image's page; empty where none is known."""
    reference = image_ref(image)
    registry, repository = reference["registry"], reference["repository"]
    names = repository.count("/") + 1
    if not _REPOSITORY.fullmatch(repository) or names != 2:
        return ""
    if registry == "docker.io":
        official = repository.startswith(_OFFICIAL)
        where = f"_/{repository.removeprefix(_OFFICIAL)}" if official else f"r/{repository}"
        return f"https://hub.docker.com/{where}"
    page = _PAGES.get(registry)
    return page.format(repository) if page else ""


def _images(snapshot: DocumentSnapshot) -> Iterator[tuple[Span, str]]:
    """Every `image` of a container that is written where it is used, and its place in the file."""
    for judged in snapshot.objects():
        resource, document = judged.verdicts.resource, judged.placed.checked.document
        for path in _image_paths(resource):
            if (span := text_at(document, (*resource.root, *path))) is not None:
                start = judged.placed.offset + span.start
                yield Span(start, start + span.end - span.start), document.text[span.start : span.end]


def _image_paths(resource: Resource) -> Iterator[Path]:
    for template in resource.templates:
        for container in container_paths(resource.data, template):
            yield *container, "image"
