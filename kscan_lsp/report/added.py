"""The vulnerabilities that a change adds: those of images that were not run before.

An image is compared with those of its repository, and with what its containers ran before: what these had, too, is not
new. A baseline does not say which images there were, so with it an image counts as new if a finding at it is new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from kscan_lsp.evidence.images import identity
from kscan_lsp.kubernetes.images import image_ref

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp.evidence.images import Vulnerability
    from kscan_lsp.report.image_model import ReportedImage
    from kscan_lsp.report.model import Drift


class AddedImage(Struct, frozen=True):
    """An image that a change brings."""

    image: ReportedImage
    added: tuple[Vulnerability, ...]
    """Those that nothing had that it takes the place of, the worst first."""
    before: tuple[str, ...] = ()
    """What it takes the place of, as far as something is known of it."""
    gone: int = 0
    """How many of what that had it has no more."""
    unknown: tuple[str, ...] = ()
    """What it takes the place of as well, and no report is about."""


def added_by(drift: Drift, images: Sequence[ReportedImage]) -> tuple[AddedImage, ...]:
    """The images that are new since then and of which anything is known, each with what is new in it."""
    known = [image for image in images if image.source]
    if drift.images is None:
        places = {
            (one.file, one.range.start.line, one.range.start.column) for one in drift.new if one.rule.needs
        }
        new = [one for one in known if places & {(p.file, p.line, p.column) for p in one.places}]
        return tuple(AddedImage(one, one.vulnerabilities) for one in new)
    return tuple(_compared(known, drift.images))


def _compared(known: Sequence[ReportedImage], then: Sequence[ReportedImage]) -> Iterator[AddedImage]:
    there = {identity(image.reference) for image in then}
    for image in known:
        if identity(image.reference) in there:
            continue
        name = image_ref(image.reference)["name"]
        run_by = {(place.resource, place.container) for place in image.places}
        replaced = [
            one
            for one in then
            if image_ref(one.reference)["name"] == name
            or run_by & {(place.resource, place.container) for place in one.places}
        ]
        had = [vulnerability for one in replaced for vulnerability in one.vulnerabilities]
        names = {(name, one.package) for one in had for name in one.ids}
        has = {(name, one.package) for one in image.vulnerabilities for name in one.ids}
        added = [
            one for one in image.vulnerabilities if names.isdisjoint((name, one.package) for name in one.ids)
        ]
        gone = [one for one in had if has.isdisjoint((name, one.package) for name in one.ids)]
        yield AddedImage(
            image,
            tuple(added),
            tuple(one.reference for one in replaced if one.source),
            len({(one.id, one.package) for one in gone}),
            tuple(one.reference for one in replaced if not one.source),
        )
