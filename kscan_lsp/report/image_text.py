"""What is known of images in a few lines of text, for the end of a report and for comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.report.printable import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp.report.image_model import ReportedImage

_MAX_IMAGES: Final = 10
_MAX_NAMES: Final = 5


def image_lines(images: Sequence[ReportedImage]) -> Iterator[str]:
    """A line for each of the worst images, and one for those of which nothing is known."""
    bad = [image for image in images if image.vulnerabilities]
    for image in bad[:_MAX_IMAGES]:
        yield f"{image.reference}: {image.counts}{circumstances(image)}"
    if len(bad) > _MAX_IMAGES:
        yield f"and {counted(len(bad) - _MAX_IMAGES, 'more image')} with vulnerabilities"
    clean = sum(bool(image.source) and not image.vulnerabilities for image in images)
    if clean:
        yield f"{counted(clean, 'image')} without any that counts"
    if unknown := unknown_images(images):
        yield unknown


def circumstances(image: ReportedImage) -> str:
    """By whom an image is run, and whether that is within reach."""
    workloads = image.workloads
    run = f"; in {counted(len(workloads), 'workload')}" if len(workloads) > 1 else ""
    return run + (f"; reachable from outside ({', '.join(image.exposure[:3])})" if image.exposure else "")


def unknown_images(images: Sequence[ReportedImage]) -> str:
    """The images that no report is about; empty where there are none."""
    names = [image.reference for image in images if not image.source]
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return f"no report is about {', '.join(names[:_MAX_NAMES])}{more}" if names else ""
