"""A scan compared with a revision of git in place of a baseline: both sides judged by the same engine and settings.

What was there is read from git's objects and judged by the settings that hold today, so that only what somebody changed
in the manifests is news, and not what somebody changed in the rules.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from kscan_lsp.cli.baselines import ComparedScan, digests_of, matched
from kscan_lsp.cli.charts import rendered_charts
from kscan_lsp.cli.judged import ChartToJudge, FileToJudge, OverlayToJudge, judged, without_covered
from kscan_lsp.cli.options import STDIN, UsageError
from kscan_lsp.cli.overlays import built_overlays
from kscan_lsp.cli.reports import report_of
from kscan_lsp.cli.scan import Scan
from kscan_lsp.files.discover import is_excluded, repository
from kscan_lsp.files.encoding import Unreadable, decode
from kscan_lsp.files.manifest import display_name, is_json, is_rendered
from kscan_lsp.files.partials import KUSTOMIZATION_NAMES, Partials, chart_around, outermost_chart
from kscan_lsp.files.revision import RevisionError, read_revision
from kscan_lsp.render.chart import chart_of
from kscan_lsp.render.kustomize.files import FilesOfRevision
from kscan_lsp.render.kustomize.places import Overlaid
from kscan_lsp.render.source_map import Rendered
from kscan_lsp.report.drift import written
from kscan_lsp.settings.exceptions import FOLDER
from kscan_lsp.workspace.baselines import name_in
from kscan_lsp.workspace.deployments import deployments
from kscan_lsp.workspace.places import exceptions_above, find_settings
from kscan_lsp.workspace.releases import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from kscan_lsp.cli.asked import ScanRequest
    from kscan_lsp.render.chart import Chart
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.releases import NamedRelease

_SUFFIXES: Final = (".yaml", ".yml", ".json")
_SHORT: Final = 12
"""Characters of a commit's id that tell it from others for people."""


def compare_with_revision(scan: Scan, request: ScanRequest, today: date, name: str) -> ComparedScan:
    """Match the findings of a scan with those of a revision.

    Args:
        scan: the files as judged.
        request: what was asked for.
        today: the day that both sides are judged on.
        name: the revision.

    Raises:
        UsageError: the revision cannot be read, or what was scanned is in no repository.
    """
    tops = {repository(os.path.abspath(path)) for path in request.paths if path != STDIN}
    if len(tops) != 1 or not (found := next(iter(tops))):
        raise UsageError("--new-since needs files of one git repository; there is none here")
    top = Path(found)
    named = [Path(os.path.abspath(path)) for path in request.paths if path != STDIN]
    charts = _charts_of(scan)
    whole = [*charts, *_overlay_tops(scan)]
    beside = {
        str(file)
        for configuration in scan.configurations
        for releases in configuration.releases.values()
        for release in releases
        for file in release.files
    }

    def wanted(path: str) -> bool:
        absolute = top / path
        return (
            os.path.realpath(absolute) in beside
            or any(absolute.is_relative_to(one) for one in whole)
            or (
                path.endswith(_SUFFIXES)
                and any(absolute == one or absolute.is_relative_to(one) for one in named)
            )
        )

    try:
        revision = read_revision(top, name, wanted)
    except RevisionError as error:
        raise UsageError(str(error)) from None
    before = _judged_then(scan, top, revision.files, today, charts=charts, request=request)
    report = report_of(before, request, today)
    label = f"{name} ({revision.commit[:_SHORT]})" if not revision.commit.startswith(name) else name
    baseline = written(
        report, None, lambda file: name_in(top, Path(file)), tool="", digests=digests_of(before)
    )
    baseline = replace(baseline, date="")
    # as if it lay in a folder beside the settings at the top, so that files are named from there
    now, compared = matched(scan, scan.files, baseline, top / FOLDER / label)
    return ComparedScan(now, (replace(compared, name=label, images=report.images),))


def _charts_of(scan: Scan) -> list[Path]:
    """The folders of the charts that were rendered."""
    partials = Partials()
    found = [
        partials.rendering(file.path)
        for file in scan.files
        if file.path
        and any(
            isinstance(placed.source, Rendered) and not isinstance(placed.source, Overlaid)
            for placed in file.checked.documents
        )
    ]
    return sorted({Path(outermost_chart(one[1])) for one in found if one})


def _overlay_tops(scan: Scan) -> list[Path]:
    """The folders that all is in that each overlay was built from."""
    return [Path(os.path.commonpath(map(os.path.abspath, one.build.texts))) for one in scan.overlays]


def _built_then(
    scan: Scan, top: Path, texts: Mapping[str, bytes], configurations: Callable[[Path], Configuration]
) -> tuple[list[OverlayToJudge], frozenset[str]]:
    """Overlays as a revision has them, and the real paths of all that they are built from."""
    files = {os.path.realpath(top / PurePosixPath(name)): raw for name, raw in texts.items()}
    named = [os.path.realpath(path) for path in scan.requested if path != STDIN]
    folders = [
        os.path.dirname(path)
        for path in files
        if os.path.basename(path) in KUSTOMIZATION_NAMES
        and any(Path(path).is_relative_to(one) for one in named)
        and not is_excluded(Path(path), configurations(Path(path).parent).exclude)
    ]
    found = built_overlays(folders, named, FilesOfRevision(files)) if scan.overlays and folders else None
    if found is None:
        return [], frozenset()
    built = [OverlayToJudge(one, configurations(Path(folder))) for folder, one in found.overlays.items()]
    return built, found.covered


def _rendered_then(
    charts: Sequence[Path],
    top: Path,
    texts: Mapping[str, bytes],
    configurations: Callable[[Path], Configuration],
) -> list[ChartToJudge]:
    """Charts as a revision has them."""

    def read(folder: Path) -> Chart:
        files = {top / PurePosixPath(name): raw for name, raw in texts.items()}
        below = {path: raw for path, raw in files.items() if path.is_relative_to(folder)}
        return chart_of({path.relative_to(folder).as_posix(): raw for path, raw in below.items()})

    def values(path: Path) -> bytes | Unreadable:
        found = files.get(path)
        return Unreadable("it is not in this revision") if found is None else found

    def releases(folder: str) -> Sequence[NamedRelease]:
        real = Path(os.path.realpath(folder))
        said = configurations(Path(folder)).releases.get(real, ())
        return joined(said, named.by_chart.get(real, ()))

    if not charts:
        return []
    files = {Path(os.path.realpath(top)) / PurePosixPath(name): raw for name, raw in texts.items()}
    manifests = [
        (path, raw.decode(errors="replace")) for path, raw in files.items() if _may_be_manifest(path)
    ]
    named = deployments(manifests, frozenset(Path(os.path.realpath(chart)) for chart in charts))
    found = rendered_charts(map(str, charts), read, releases=releases, values=values)
    return [
        ChartToJudge(chart.renderings, chart.sources, frozenset(chart.sources), configurations(chart.folder))
        for chart in (found or {}).values()
        if chart.renderings
    ]


def _may_be_manifest(path: Path) -> bool:
    return path.name.endswith(_SUFFIXES) and chart_around(path) is None


def _judged_then(
    scan: Scan,
    top: Path,
    texts: Mapping[str, bytes],
    today: date,
    *,
    charts: Sequence[Path],
    request: ScanRequest,
) -> Scan:
    """The files of a revision, judged by the settings of today, as updates of themselves."""
    by_settings: dict[tuple[Path | None, tuple[Path, ...]], Configuration] = {
        (one.settings_path, exceptions_above(one.root) if one.root else ()): one
        for one in scan.configurations
    }
    partials = Partials()
    files: list[FileToJudge] = []

    def configuration_of(folder: Path) -> Configuration:
        key = find_settings(folder), exceptions_above(folder)
        return by_settings.get(key) or scan.configurations[0]

    for name, raw in texts.items():
        path = top / PurePosixPath(name)
        configuration = configuration_of(path.parent)
        if is_excluded(path, configuration.exclude):
            continue
        source = decode(raw)
        if isinstance(source, Unreadable) or not path.name.endswith(_SUFFIXES):
            continue
        reason = partials.reason_to_skip(path)
        if reason and not (reason == "helm-template" and is_rendered(source.text)):
            continue
        files.append(
            FileToJudge(path, display_name(path), source, configuration, is_json(path.name, source.text))
        )
    rendered = _rendered_then(charts, top, texts, configuration_of)
    built, covered = _built_then(scan, top, texts, configuration_of)
    files, _ = without_covered(files, (), covered)
    return Scan(
        judged(
            files,
            scan.configurations,
            today,
            charts=rendered,
            overlays=built,
            past=request.past,
            processes=request.processes,
        ),
        (),
        (),
        (),
        (),
        scan.configurations,
        scan.requested,
    )
