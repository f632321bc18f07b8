"""Checked files -> the images that their workloads run, with what is known of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.evidence.image_facts import counted_of, counts_text
from kscan_lsp.evidence.images import identity
from kscan_lsp.graph.binding import Followed
from kscan_lsp.report.image_model import ImagePlace, ReportedImage
from kscan_lsp.report.places import range_of
from kscan_lsp.workspace.image_uses import known_of, uses_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kscan_lsp.evidence.image_facts import ImageFacts
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile


def reported_images(
    checked: Iterable[tuple[CheckedFile, Project]], name: Callable[[str], str], *, asked: bool
) -> tuple[ReportedImage, ...]:
    """The images in files, the worst first; those of which nothing is known come last.

    Args:
        checked: files as judged, each with the project it is in.
        name: what the report calls a file of a project.
        asked: whether they are to be there although nothing is known of any.
    """
    followed: dict[int, Followed] = {}
    places: dict[str, dict[ImagePlace, None]] = {}
    written: dict[str, str] = {}
    facts: dict[str, ImageFacts | None] = {}
    for file, project in checked:
        known = known_of(project)
        if known is None and not asked:
            continue
        index = followed.setdefault(id(project), Followed(project.index))
        for placed in file.documents:
            for use in uses_in(placed.checked, project, index):
                location = placed.locate(use.span)
                start = range_of(location, project).start
                place = ImagePlace(
                    name(location.file),
                    start.line,
                    start.column,
                    use.resource.id,
                    use.container,
                    use.exposure,
                )
                # what a chart renders to with other values is there once more
                image = identity(use.image)
                written.setdefault(image, use.image)
                places.setdefault(image, {})[place] = None
                if facts.get(image) is None or (known and known.images.of(use.image)):
                    facts[image] = known
    images = [_image(written[image], tuple(found), facts[image]) for image, found in places.items()]
    return tuple(sorted(images, key=_worst_first))


def _image(reference: str, places: tuple[ImagePlace, ...], known: ImageFacts | None) -> ReportedImage:
    report = known.images.of(reference) if known else None
    if known is None or report is None:
        return ReportedImage(reference, places)
    counted = counted_of(report, only_fixable=known.only_fixable)
    left = {id(one) for one in counted}
    return ReportedImage(
        reference,
        places,
        report.pinned,
        report.source,
        report.made,
        (known.today - report.made).days if report.made else None,
        report.system,
        report.end_of_life,
        tuple(counted),
        tuple(one for one in report.vulnerabilities if id(one) not in left),
        counts_text(counted),
    )


def _worst_first(image: ReportedImage) -> tuple[object, ...]:
    ranks = [one.rank[1:] for one in image.vulnerabilities[:1]]
    worst = [tuple(-value for value in rank) for rank in ranks]
    return not image.source, worst or [(1,)], not image.exposure, -len(image.vulnerabilities), image.reference
