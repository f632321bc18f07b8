"""`kscan scan --scan-images`: each image that no report is about is scanned once, and all is judged again.

What was scanned before is found in the cache of the user. What a scan cannot be made of is said once, and stays
without a report.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from kscan_lsp.cli.judged import judged, to_judge_again
from kscan_lsp.evidence.images import full_name, identity, images_of
from kscan_lsp.report.exchange import one_line
from kscan_lsp.workspace.charts import read_rendered
from kscan_lsp.workspace.image_cache import ImageCache, cache_path
from kscan_lsp.workspace.image_scanner import find_scanner
from kscan_lsp.workspace.image_scans import (
    image_files_of,
    kept_report,
    scan_of,
    scanned_report,
    with_scanned,
)
from kscan_lsp.workspace.image_uses import images_run_by
from kscan_lsp.workspace.images import FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from kscan_lsp.cli.asked import ScanRequest
    from kscan_lsp.cli.scan import Scan
    from kscan_lsp.evidence.images import ImageReport
    from kscan_lsp.workspace.image_scanner import Scanner
    from kscan_lsp.workspace.image_scans import KeyedScan

WORKERS: Final = 2
"""Scans at a time; each takes a core."""
_MAX_TOLD: Final = 5


def with_scanned_images(scan: Scan, request: ScanRequest, today: date, say: Callable[[str], None]) -> Scan:
    """A scan with its images scanned, and judged by what came of that.

    Args:
        scan: the files as judged.
        request: what was asked for.
        today: the day.
        say: is told what could not be done.
    """
    wanted = _wanted(scan)
    if not wanted:
        return scan
    roots = [Path(path).absolute() for path in request.paths if path != "-"] or [Path.cwd()]
    scanner = find_scanner(roots)
    if isinstance(scanner, str):
        say(f"images were not scanned: {scanner}")
        return scan
    cache, files = ImageCache(cache_path(), say), image_files_of(scan.configurations)
    if files.problems:
        say(f"images in {FOLDER} are left alone: {_some(files.problems)}")
    scans = [scan_of(image, files, scanner) for image in wanted]
    found: list[ImageReport] = []
    failed: list[str] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        outcomes = pool.map(lambda one: _report(one, scanner, cache), scans)
        for one, outcome in zip(scans, outcomes, strict=True):
            if isinstance(outcome, str):
                failed.append(f"{one.image}: {outcome}")
            else:
                found += outcome
    if failed:
        say(f"{len(failed)} of {len(wanted)} images were not scanned: {_some(failed)}")
    return _judged_again(scan, request, today, found) if found else scan


def _some(texts: list[str]) -> str:
    """The first of some sentences on one line, and how many more there are."""
    more = f"; and {len(texts) - _MAX_TOLD} more" if len(texts) > _MAX_TOLD else ""
    return one_line("; ".join(texts[:_MAX_TOLD]) + more)


def _wanted(scan: Scan) -> list[str]:
    """The images that no report is about, each once."""
    known = images_of(report for one in scan.configurations for report in one.images.reports)
    used: dict[str, None] = {}
    for file in scan.files:
        used |= images_run_by(file.checked)
    # what a chart runs with other values is part of no file as long as nothing is found in it
    for chart in scan.charts:
        names = {one.path for one in chart.renderings[0].files}
        project = next((one.project for one in scan.files if one.checked.path in names), None)
        for _, files in chart.renderings[1:] if project else ():
            for one in files:
                if project is not None and one.rendered is not None:
                    used |= images_run_by(read_rendered(project, one))
    wanted: dict[str, str] = {}
    for image in used:
        if full_name(image) and known.of(image) is None:
            wanted.setdefault(identity(image), image)
    return list(wanted.values())


def _report(one: KeyedScan, scanner: Scanner, cache: ImageCache) -> tuple[ImageReport, ...] | str:
    """What a scanner says of an image, or said before; or why it says nothing."""
    return kept_report(one, cache) or scanned_report(one, scanner, cache)


def _judged_again(scan: Scan, request: ScanRequest, today: date, found: Iterable[ImageReport]) -> Scan:
    reports = tuple(found)
    changed = {
        id(one.ruleset): with_scanned(one, reports, only=request.controls, besides=not request.frameworks)
        for one in scan.configurations
    }
    files, charts, overlays = to_judge_again(scan.files, scan.charts, scan.overlays, changed)
    configurations = tuple(changed.values())
    again = judged(
        files,
        configurations,
        today,
        charts=charts,
        overlays=overlays,
        past=request.past,
        processes=request.processes,
        name_fixes=request.name_fixes,
    )
    return replace(
        scan, files=again, configurations=configurations, charts=tuple(charts), overlays=tuple(overlays)
    )
