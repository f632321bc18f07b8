"""The report as one HTML page: what was found, how standards are met, what nobody knows, and how it was made.

The page stands alone: no image, no address of another host, and a policy in its head that allows nothing but the style
that it carries, and by its hash the one script that searches vulnerabilities of images where there are some. So nothing
a manifest says can do anything where the page is shown. What it shows of manifests are names, places and messages,
never their text: a value may be a secret.

Left out on purpose: a clock. The same report gives the same page; the day is in `Report.circumstances`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.regex import regex
from kscan_lsp.report.page import about, drift, findings, images, standards, unjudged
from kscan_lsp.report.page.shell import page
from kscan_lsp.report.page.text import PlaceLinks, heading, name, table, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kscan_lsp.dispositions.baseline import Baseline
    from kscan_lsp.report.model import Report

    UriOf = Callable[[str], str | None]

_HEADING: Final = regex(r'<h2 id="([a-z-]+)">([^<]+)</h2>')


def no_uri(_: str) -> None:
    """What has no address: files for a page that is read where they are not."""


def render(report: Report, uri_of: UriOf = no_uri) -> str:
    """The report as a page.

    Args:
        report: what to show.
        uri_of: the URI of a file by its name in the report; where there is none, its places are text, not links.
    """
    body = [*_parts(report, PlaceLinks(uri_of))]
    script = images.SCRIPT if any(one.vulnerabilities for one in report.images) else ""
    return page("kscan report", (*about.head(report), *_contents(body), *body), script)


def render_baseline(baseline: Baseline, file: str) -> str:
    """A baseline as a page.

    Args:
        baseline: what to show.
        file: the name of its file.
    """
    body = [*drift.baseline(baseline)]
    day = text(baseline.date or "no date")
    head = f'<h1>kscan baseline</h1><p class="quiet">{name(file)}, of {day}</p>'
    return page("kscan baseline", (head, *_contents(body), *body))


def _parts(report: Report, places: PlaceLinks) -> Iterator[str]:
    yield from unjudged.not_scanned(report, places)
    yield from drift.drift(report, places)
    yield from standards.scores(report)
    yield from standards.changes(report, places)
    yield from findings.by_control(report, places)
    yield from findings.by_file(report, places)
    yield from images.images(report, places)
    yield from standards.by_section(report, places)
    yield from unjudged.not_judged(report, places)
    yield from _problems(report, places)
    yield from findings.in_baseline(report, places)
    yield from findings.accepted(report, places)
    yield from unjudged.skipped(report, places)
    yield from about.made_of(report, places)


def _contents(body: list[str]) -> Iterator[str]:
    """Links to the parts that there are."""
    parts = [found.groups() for line in body if (found := _HEADING.fullmatch(line))]
    links = (f'<a href="#{anchor}">{title}</a>' for anchor, title in parts)
    yield f"<nav>{' '.join(links)}</nav>"


def _problems(report: Report, places: PlaceLinks) -> Iterator[str]:
    if report.problems:
        yield heading("Problems in files", "problems")
        yield from table(
            (places.place(p.file, p.range.start.line, p.range.start.column), text(p.message))
            for p in report.problems
        )
