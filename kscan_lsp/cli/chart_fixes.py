"""Fixes of what charts render to, made in values and templates one after the other, each proven by rendering again.

What was fixed holds when the next one is fixed: the chart is rendered and judged with it, and places are those of the
texts as they are then.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from kscan_lsp.cli.charts import chart_maker, rendered_chart
from kscan_lsp.cli.fix import FixedFile
from kscan_lsp.cli.judged import ScannedFile
from kscan_lsp.cli.overlay_fixes import fix_overlays
from kscan_lsp.files.encoding import SourceText, decode
from kscan_lsp.files.writing import behind_links
from kscan_lsp.fixes.charts import ChartSite, base_of, chart_drafts, chart_fixes
from kscan_lsp.fixes.fix_all import is_open
from kscan_lsp.render.release import beside
from kscan_lsp.workspace.chart_values import sources_in, value_sources
from kscan_lsp.workspace.charts import judge_chart, with_chart
from kscan_lsp.workspace.results import CheckedFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from kscan_lsp.cli.fix import FixResult
    from kscan_lsp.cli.scan import Scan
    from kscan_lsp.cli.to_judge import ChartToJudge
    from kscan_lsp.findings import Finding
    from kscan_lsp.render.makers import Helm
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import PlacedDocument

MOST_FIXES: Final = 200
"""Fixes that are made in one chart."""


@dataclass
class _Fixing:
    """One chart while it is fixed."""

    maker: Helm
    chart: ChartToJudge
    project: Project
    requested: Sequence[str]
    made: dict[str, int] = field(default_factory=dict)
    """How many fixes changed each file of the chart, by path."""
    refused: set[object] = field(default_factory=set)
    left: int = 0


def fix_rendered(scan: Scan, result: FixResult, today: date, *, unsafe: bool) -> tuple[FixResult, Scan]:
    """Make what can be fixed in what overlays build and in charts; as for both."""
    fixed = scan
    if scan.overlays:
        result, fixed = fix_overlays(scan, result, today, unsafe=unsafe)
    return fix_charts(fixed, result, unsafe=unsafe) if scan.charts else (result, fixed)


def fix_charts(scan: Scan, result: FixResult, *, unsafe: bool) -> tuple[FixResult, Scan]:
    """Make what can be fixed in charts, in files below what was named.

    Args:
        scan: the files as judged.
        result: what is fixed in manifests.
        unsafe: all fixes, and not only the safe ones.

    Returns:
        The result with these, and the scan with what charts render to then.
    """
    maker = chart_maker()
    charts: list[ChartToJudge] = []
    for chart in scan.charts:
        own = {one.path for one in chart.renderings[0].files}
        project = next((file.project for file in scan.files if file.checked.path in own), None)
        if maker is None or chart.chart is None or project is None:
            charts.append(chart)
            continue
        fixing = _Fixing(maker, chart, project, scan.requested)
        _fix(fixing, unsafe=unsafe)
        files, failures = _files(fixing, scan)
        result = result._replace(
            files=(*result.files, *files),
            to_review=result.to_review + fixing.left,
            failures=(*result.failures, *failures),
        )
        charts.append(fixing.chart)
    return result, replace(scan, charts=tuple(charts))


def _fix(fixing: _Fixing, *, unsafe: bool) -> None:
    for _ in range(MOST_FIXES):
        if not _next(fixing, unsafe=unsafe):
            return


def _next(fixing: _Fixing, *, unsafe: bool) -> bool:
    """Make the next fix; whether there was one."""
    chart = fixing.chart.chart
    if chart is None:
        return False
    prefix = fixing.chart.prefix
    site = ChartSite(
        fixing.maker,
        chart,
        prefix,
        fixing.project,
        lambda path: _is_named(beside(prefix, path), fixing.requested),
    )
    wanted = [
        (placed, finding)
        for placed, finding in _open(fixing)
        if _key(finding) not in fixing.refused and any(True for _ in chart_drafts(site, placed, finding))
    ]
    if not wanted:
        return False
    base = base_of(site)
    files = [fixing.project.files[one.path] for one in fixing.chart.renderings[0].files]
    sources = value_sources(fixing.maker, chart, files, prefix)
    for placed, finding in wanted:
        drafts = [draft for _, draft in chart_drafts(site, placed, finding)]
        fixing.refused.add(_key(finding))
        if base is None or len(drafts) != 1 or not (unsafe or drafts[0].safe):
            fixing.left += len(drafts) == 1
            continue
        found = chart_fixes(site, base, placed, finding, sources_in(sources, placed, finding))
        if not found:
            fixing.left += 1
            continue
        _make(fixing, site.with_texts(found[0].texts))
        for path in found[0].texts:
            fixing.made[path] = fixing.made.get(path, 0) + 1
        return True
    return False


def _make(fixing: _Fixing, site: ChartSite) -> None:
    """Have a chart be what it is with a fix."""
    prefix = fixing.chart.prefix
    made = rendered_chart(fixing.maker, Path(prefix or "."), site.chart)
    fixing.project = with_chart(fixing.project, judge_chart(fixing.project, made.renderings))
    fixing.chart = replace(fixing.chart, chart=site.chart, renderings=made.renderings, sources=made.sources)


def _open(fixing: _Fixing) -> Iterator[tuple[PlacedDocument, Finding]]:
    for one in fixing.chart.renderings[0].files:
        if one.path in fixing.chart.asked:
            for placed, finding in fixing.project.files[one.path].findings():
                if is_open(finding):
                    yield placed, finding


def _key(finding: Finding) -> object:
    return finding.control, finding.resource, finding.stable_path


def _files(fixing: _Fixing, scan: Scan) -> tuple[list[FixedFile], list[str]]:
    """The files that change, and why some cannot."""
    known = {file.checked.path: file for file in scan.files}
    before = next(one.chart for one in scan.charts if one.prefix == fixing.chart.prefix)
    files: list[FixedFile] = []
    failures: list[str] = []
    for path, number in fixing.made.items():
        name = beside(fixing.chart.prefix, path)
        if target := behind_links(Path(name), scan.requested):
            failures.append(f"{name}: a link leads to it; name {target} to fix it")
            continue
        raw = (before.raw(path) if before else None) or b""
        source = decode(raw)
        now = fixing.chart.chart
        if not isinstance(source, SourceText) or now is None:
            continue
        scanned = known.get(name)
        if scanned is None:
            checked = CheckedFile(name, source.text, json=False, skipped="not-kubernetes")
            scanned = ScannedFile(Path(name), source, checked, fixing.project)
        text = (now.raw(path) or b"").decode()
        fixed = fixing.project.files.get(name) or CheckedFile(name, text, json=False)
        files.append(FixedFile(replace(scanned, source=source), replace(fixed, text=text), number))
    return files, failures


def _is_named(path: str, named: Sequence[str]) -> bool:
    """Whether a file is, or lies below, what somebody named."""
    real = os.path.realpath(path)
    tops = [os.path.realpath(one) for one in named]
    return any(real == top or real.startswith(top.rstrip(os.sep) + os.sep) for top in tops)
