"""What a report can look like: one row per format, and the only place that knows formats by name.

A format is a pure function of a Report, and a row here. To add one: write `report/NAME.py` with
`render(report) -> str`, and its row. What is slow to import (rich, the HTML page) is imported when it renders, since a
scan of one file with a JSON report has no time for it; that is what the functions around the rows are for.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kscan_lsp.report.lines import Line, Screen
    from kscan_lsp.report.model import Report
    from kscan_lsp.report.spreading import Spread


class FixDetail(IntEnum):
    """How much of its fixes a finding is reported with. More takes longer: what no format shows is not worked out."""

    NONE = 0
    TITLES = 1
    """What would be done, not proven to hold."""
    EDITS = 2
    """The fixes that hold, with their edits."""


class Format(NamedTuple):
    """One form of the report."""

    render: Callable[[Report], str]
    suffixes: tuple[str, ...]
    """How the names of files end that are written in this form."""
    fixes: FixDetail = FixDetail.NONE
    """The most that it shows."""
    lines: Callable[[Report, Screen], Iterator[Line]] | None = None
    """The same for a screen, where the form depends on what that can show."""
    pieces: Callable[[Report, Spread], Iterator[str]] | None = None
    """The same piece by piece, where it is made so: a large report is never there as a whole."""
    commits: bool = False
    """Whether it tells which commit is checked out."""
    with_accepted: Callable[[Report], str] | None = None
    """The same with findings that somebody accepted, where it leaves them out."""


def _pretty(report: Report) -> str:
    from kscan_lsp.report import pretty

    return pretty.render(report)


def _pretty_lines(report: Report, screen: Screen) -> Iterator[Line]:
    from kscan_lsp.report import pretty

    return pretty.lines(report, screen)


def _json(report: Report) -> str:
    from kscan_lsp.report import json

    return json.render(report)


def _json_pieces(report: Report, spread: Spread) -> Iterator[str]:
    from kscan_lsp.report import json

    return json.pieces(report, spread)


def _html(report: Report) -> str:
    from kscan_lsp.report import html

    return html.render(report)


def _sarif(report: Report) -> str:
    from kscan_lsp.report.sarif import log

    return log.render(report)


def _sarif_with_accepted(report: Report) -> str:
    from kscan_lsp.report.sarif import log

    return log.render_with_accepted(report)


def _junit(report: Report) -> str:
    from kscan_lsp.report import junit

    return junit.render(report)


def _gitlab(report: Report) -> str:
    from kscan_lsp.report import gitlab

    return gitlab.code_quality(report)


def _gitlab_sast(report: Report) -> str:
    from kscan_lsp.report import gitlab

    return gitlab.sast(report)


def _github(report: Report) -> str:
    from kscan_lsp.report import github

    return github.render(report)


def _markdown(report: Report) -> str:
    from kscan_lsp.report import markdown

    return markdown.render(report)


def _csv(report: Report) -> str:
    from kscan_lsp.report import csv

    return csv.render(report)


def _csv_pieces(report: Report, spread: Spread) -> Iterator[str]:
    from kscan_lsp.report import csv

    return csv.pieces(report, spread)


def _images_csv(report: Report) -> str:
    from kscan_lsp.report import images_csv

    return images_csv.render(report)


def _policyreport(report: Report) -> str:
    from kscan_lsp.report import policyreport

    return policyreport.render(report)


def _cyclonedx(report: Report) -> str:
    from kscan_lsp.report import cyclonedx

    return cyclonedx.render(report)


FORMATS: Final[dict[str, Format]] = {
    "pretty": Format(_pretty, (".txt",), FixDetail.EDITS, _pretty_lines),
    "json": Format(_json, (".json",), FixDetail.EDITS, pieces=_json_pieces),
    "html": Format(_html, (".html", ".htm"), FixDetail.EDITS, commits=True),
    "sarif": Format(_sarif, (".sarif", ".sarif.json"), FixDetail.EDITS, with_accepted=_sarif_with_accepted),
    "junit": Format(_junit, (".junit.xml", ".xml")),
    "gitlab": Format(_gitlab, ("gl-code-quality-report.json",)),
    "gitlab-sast": Format(_gitlab_sast, ("gl-sast-report.json",)),
    "github": Format(_github, ()),
    "markdown": Format(_markdown, (".md", ".markdown"), FixDetail.TITLES),
    "csv": Format(_csv, (".csv",), FixDetail.TITLES, pieces=_csv_pieces),
    "images-csv": Format(_images_csv, (".images.csv",)),
    "policyreport": Format(_policyreport, ("policyreport.yaml", "policyreport.yml")),
    "cyclonedx": Format(_cyclonedx, (".cdx.json",)),
}
"""Every format by its name; the first is what people get who choose none."""


def format_of(name: str | None, output: str = "") -> Format:
    """The format to use.

    Args:
        name: its name, one of `FORMATS`, where the user chose one.
        output: the name of the file to write, whose ending chooses where there is no name; the longest that fits.
    """
    if name is not None:
        return FORMATS[name]
    fitting = [
        (len(suffix), chosen)
        for chosen in FORMATS.values()
        for suffix in chosen.suffixes
        if output.lower().endswith(suffix)
    ]
    return max(fitting, key=lambda one: one[0])[1] if fitting else next(iter(FORMATS.values()))
