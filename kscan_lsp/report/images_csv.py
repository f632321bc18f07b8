"""What is known of images as a table, for spreadsheets: a row for each vulnerability of each image.

Those that do not count are rows, too, as their status says. An image without any has one row, whether somebody has
looked (`source`) or not, so that every image is there. What a cell may be, `csv` says.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from kscan_lsp.report.csv import cell
from kscan_lsp.report.exchange import named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.evidence.images import Vulnerability
    from kscan_lsp.report.image_model import ReportedImage
    from kscan_lsp.report.model import Report

COLUMNS: Final = (
    "image", "digest", "vulnerability", "aliases", "package", "purl", "installed", "fixedIn", "severity", "cvss",
    "vector", "epss", "kev", "status", "reason", "title", "exposure", "workloads", "system", "endOfLife", "source",
    "ageDays",
)  # fmt: skip
"""The head of the table."""


def render(report: Report) -> str:
    """The table as text."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for image in report.images:
        writer.writerows(map(cell, row) for row in _rows(image))
    return written.getvalue()


def _rows(image: ReportedImage) -> Iterator[tuple[object, ...]]:
    about = (
        "; ".join(image.exposure),
        "; ".join(map(named, image.workloads)),
        image.system,
        "yes" if image.end_of_life else "",
        image.source or "no report",
        "" if image.age_days is None else image.age_days,
    )
    found = (*image.vulnerabilities, *image.settled)
    for one in found:
        yield (image.reference, image.digest, *_cells(one), *about)
    if not found:
        yield (image.reference, image.digest, *("",) * 14, *about)


def _cells(one: Vulnerability) -> tuple[object, ...]:
    return (
        one.id, " ".join(one.aliases), one.package, one.purl, one.installed, ", ".join(one.fixed),
        one.severity.label if one.severity else "not rated", one.score or "", one.vector,
        "" if one.epss is None else one.epss, "yes" if one.kev else "", one.status, one.reason, one.title,
    )  # fmt: skip
