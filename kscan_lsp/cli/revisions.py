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
from kscan_lsp.cli.judged import judged, without_covered
from kscan_lsp.cli.options import STDIN, UsageError
from kscan_lsp.cli.rendered_then import MANIFESTS, charts_then, configurations_of, overlays_then, wanted_then
from kscan_lsp.cli.reports import report_of
from kscan_lsp.cli.scan import Scan
from kscan_lsp.cli.to_judge import ChartToJudge, FileToJudge, OverlayToJudge
from kscan_lsp.files.discover import is_excluded, repository
from kscan_lsp.files.encoding import Unreadable, decode
from kscan_lsp.files.manifest import display_name, is_json, is_rendered
from kscan_lsp.files.partials import Partials
from kscan_lsp.files.revision import RevisionError, read_revision
from kscan_lsp.report.drift import written
from kscan_lsp.settings.exceptions import FOLDER
from kscan_lsp.workspace.baselines import name_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from kscan_lsp.cli.asked import ScanRequest

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
    charts = [one.folder for one in scan.charts]
    wanted = wanted_then(named, charts, scan.overlays, scan.configurations)
    try:
        revision = read_revision(top, name, lambda path: wanted(top / path))
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
    configuration_of = configurations_of(scan.configurations)
    partials = Partials()
    files: list[FileToJudge] = []
    for name, raw in texts.items():
        path = top / PurePosixPath(name)
        configuration = configuration_of(path.parent)
        if is_excluded(path, configuration.exclude):
            continue
        source = decode(raw)
        if isinstance(source, Unreadable) or not path.name.endswith(MANIFESTS):
            continue
        reason = partials.reason_to_skip(path)
        if reason and not (reason == "helm-template" and is_rendered(source.text)):
            continue
        files.append(
            FileToJudge(path, display_name(path), source, configuration, is_json(path.name, source.text))
        )
    there = {top / PurePosixPath(name): raw for name, raw in texts.items()}
    rendered = [
        ChartToJudge(
            one.renderings, one.sources, frozenset(one.sources), configuration_of(one.folder), one.folder
        )
        for one in charts_then(charts, there, configuration_of).values()
        if one.renderings
    ]
    built = overlays_then(scan.requested, there, configuration_of) if scan.overlays else None
    overlays = built.overlays if built else {}
    files, _ = without_covered(files, (), built.covered if built else frozenset())
    return Scan(
        judged(
            files,
            scan.configurations,
            today,
            charts=rendered,
            overlays=[
                OverlayToJudge(one, configuration_of(Path(folder))) for folder, one in overlays.items()
            ],
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
