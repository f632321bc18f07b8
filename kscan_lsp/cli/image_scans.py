"""`kscan scan --scan-images`: each image that no report is about is scanned once, and all is judged again.

What was scanned before is found in the cache of the user. What a scan cannot be made of is said once, and stays
without a report.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from kscan_lsp.cli.judged import judged, to_judge_again
from kscan_lsp.evidence.images import full_name, images_of
from kscan_lsp.evidence.sources.registry import read_report
from kscan_lsp.graph.binding import Followed
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.workspace.image_cache import ImageCache, cache_path
from kscan_lsp.workspace.image_scanner import Scanner, archives_in, find_scanner, run_scanner
from kscan_lsp.workspace.image_uses import uses_in
from kscan_lsp.workspace.images import FOLDER, folder_for, of_images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from kscan_lsp.cli.asked import ScanRequest
    from kscan_lsp.cli.scan import Scan
    from kscan_lsp.evidence.images import ImageReport
    from kscan_lsp.workspace.configuration import Configuration

WORKERS: Final = 2
"""Scans at a time; each takes a core."""
_MAX_TOLD: Final = 5


class ImageScan(NamedTuple):
    """An image to scan: how manifests refer to it, and the archive that has it, if any."""

    image: str
    archive: Path | None

    def key(self, scanner: Scanner) -> str:
        """By what its report is kept."""
        what = self.image
        if self.archive is not None:
            known = os.stat(self.archive)
            what = f"{self.archive}:{known.st_size}:{known.st_mtime_ns}"
        return f"{what}|{scanner.identity}"


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
    cache = ImageCache(cache_path(), say)
    found: list[ImageReport] = []
    failed: list[str] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for one, outcome in zip(
            wanted, pool.map(lambda one: _report(one, scanner, cache), wanted), strict=True
        ):
            if isinstance(outcome, str):
                failed.append(f"{one.image}: {outcome}")
            else:
                found += outcome
    if failed:
        more = f"; and {len(failed) - _MAX_TOLD} more" if len(failed) > _MAX_TOLD else ""
        say(f"{len(failed)} of {len(wanted)} images were not scanned: {'; '.join(failed[:_MAX_TOLD])}{more}")
    return _judged_again(scan, request, today, found) if found else scan


def _wanted(scan: Scan) -> list[ImageScan]:
    """The images that no report is about, each once."""
    archives: dict[str, Path] = {}
    known = images_of(report for one in scan.configurations for report in one.images.reports)
    for configuration in scan.configurations:
        path = configuration.settings_path
        folder = folder_for(configuration.root, (path,) if path else ())
        archives |= archives_in(folder / FOLDER) if folder else {}
    followed: dict[int, Followed] = {}
    wanted: dict[str, ImageScan] = {}
    for file in scan.files:
        index = followed.setdefault(id(file.project), Followed(file.project.index))
        for placed in file.checked.documents:
            for use in uses_in(placed.checked, file.project, index):
                name = full_name(use.image)
                if known.of(use.image) is None and name:
                    wanted.setdefault(use.image, ImageScan(use.image, archives.get(name)))
    return list(wanted.values())


def _report(one: ImageScan, scanner: Scanner, cache: ImageCache) -> list[ImageReport] | str:
    """What a scanner says of an image, or said before; or why it says nothing."""
    try:
        key = one.key(scanner)
    except OSError as error:
        return f"the archive cannot be read: {error.strerror or error}"
    data = cache.get(key)
    kept = data is not None
    if data is None:
        output = run_scanner(scanner, one.image, one.archive)
        if output.problem:
            return output.problem
        data = output.report
    reading = read_report(data)
    if reading.problem:
        return reading.problem
    if not kept:
        cache.keep(key, data)
    # what was scanned by this name is of this name, whatever the report calls it
    name = full_name(one.image)
    return [
        replace(image, names=tuple(dict.fromkeys((name, *image.names)))) for image in reading.contents.images
    ]


def _judged_again(scan: Scan, request: ScanRequest, today: date, found: Iterable[ImageReport]) -> Scan:
    reports = tuple(found)
    changed: dict[int, Configuration] = {}
    for configuration in scan.configurations:
        policies = configuration.ruleset.policies
        besides = () if request.frameworks else of_images(policies)
        rules, _ = choose(policies, configuration.settings, only=request.controls, besides=besides)
        images = configuration.images._replace(
            reports=(*configuration.images.reports, *reports), settings=configuration.settings.images
        )
        changed[id(configuration.ruleset)] = replace(configuration, ruleset=rules, images=images)
    files, charts, overlays = to_judge_again(scan.files, scan.charts, scan.overlays, changed)
    configurations = tuple(changed.values())
    again = judged(
        files, configurations, today, charts=charts, overlays=overlays, processes=request.processes
    )
    return replace(
        scan, files=again, configurations=configurations, charts=tuple(charts), overlays=tuple(overlays)
    )
