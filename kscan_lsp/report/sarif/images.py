"""What is known of an image, as properties of the results that stand at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kscan_lsp.report.image_model import ReportedImage
    from kscan_lsp.report.model import Reported

MAX_LISTED: Final = 50
"""Vulnerabilities that a result has; the JSON report has all."""


def images_by_place(images: Iterable[ReportedImage]) -> Mapping[tuple[str, int, int], ReportedImage]:
    """The images of which anything is known, by where they are written: file, line and column."""
    known = (image for image in images if image.source)
    return {(place.file, place.line, place.column): image for image in known for place in image.places}


def image_properties(entry: Reported, images: Mapping[tuple[str, int, int], ReportedImage]) -> dict[str, Any]:
    """What a result says of the image that it is about; nothing where it is about something else."""
    start = entry.range.start
    image = images.get((entry.file, start.line, start.column)) if entry.rule.needs else None
    if image is None:
        return {}
    return {
        "image": {
            "reference": image.reference,
            "digest": image.digest,
            "source": image.source,
            "vulnerabilities": [
                {
                    "id": one.id,
                    "severity": one.severity.label if one.severity else None,
                    "purl": one.purl,
                    "package": one.package,
                    "installed": one.installed,
                    "fixed": list(one.fixed),
                    "kev": one.kev,
                }
                for one in image.vulnerabilities[:MAX_LISTED]
            ],
            "more": max(0, len(image.vulnerabilities) - MAX_LISTED),
        }
    }
