"""What the next commit has, read and judged: texts from git's index, whatever stands in the work tree.

A hook asks about the files of a commit, and objects know each other across files. So all manifests of the index count
for what they declare, and only those are reported that were named, or without names, that the commit adds or changes.
The settings, policies and baselines are those of the work tree.
"""

from __future__ import annotations

import os
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from kscan_lsp.cli.asked import Past
from kscan_lsp.cli.options import STDIN, UsageError
from kscan_lsp.cli.scan import Reader
from kscan_lsp.cli.to_judge import FileToJudge
from kscan_lsp.files.discover import SUFFIXES, is_admitted, repository
from kscan_lsp.files.encoding import Unreadable, decode
from kscan_lsp.files.manifest import display_name, is_json, read_manifest
from kscan_lsp.files.partials import KUSTOMIZATION_NAMES, chart_around
from kscan_lsp.files.revision import RevisionError, read_staged
from kscan_lsp.render.chart import chart_of
from kscan_lsp.report.model import NotScanned, Skipped
from kscan_lsp.settings.model import FILE_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence
    from datetime import date

    from kscan_lsp.cli.asked import ScanRequest
    from kscan_lsp.cli.scan import RenderCharts, Scan
    from kscan_lsp.render.chart import Chart


def scan_staged(request: ScanRequest, today: date, named: Sequence[str], charts: RenderCharts) -> Scan:
    """Judge files of git's index.

    Args:
        request: what to check them by.
        today: the day that suppressions are compared with.
        named: the files and folders to report; without any, what the next commit adds or changes.
        charts: what renders charts (`charts.rendered_charts`).

    Raises:
        UsageError: this is no git repository, or its index cannot be read.
    """
    if STDIN in named:
        raise UsageError("--staged reads what git has; leave '-' out")
    if request.config and not request.config.is_file():
        raise UsageError(f"there is no settings file '{request.config}'")
    tops = {repository(os.path.abspath(path)) for path in named or (".",)}
    if len(tops) != 1 or not (top_name := next(iter(tops))):
        raise UsageError("--staged needs files of one git repository; there is none here")
    top = Path(top_name)
    try:
        staged = read_staged(top, _is_wanted(top))
    except RevisionError as error:
        raise UsageError(str(error)) from None
    reader = Reader(request, today)
    reader.past = Past((top_name,))
    texts = {top / PurePosixPath(name): raw for name, raw in staged.files.items()}
    for path in texts:
        if path.name in KUSTOMIZATION_NAMES:
            reader.partials.add_kustomization(path)
    asked = {top / PurePosixPath(name) for name in staged.changed}
    if named:
        asked = set()
        for name in named:
            one = Path(os.path.abspath(name))
            found_here = {path for path in texts if path.is_relative_to(one)}
            asked |= found_here
            if not found_here and not os.path.lexists(one):
                raise UsageError(f"there is no file or folder '{name}', and git has none")
            if not found_here and one.is_file() and one.suffix.lower() in SUFFIXES:
                reader.not_scanned.append(
                    NotScanned(display_name(one), 1, "git does not know this file yet; 'git add' it")
                )
    # whatever of a chart is changed, all of its templates may render to something else
    changed = {chart for path in asked if (chart := chart_around(path))}
    changed |= {chart for path in asked for chart in _rendered_with(reader, path)}
    for path in sorted(texts):
        if _may_be_manifest(path.name):
            _read(reader, top, path, texts[path], asked=path in asked, charts=changed)
    return reader.scan(tuple(str(path) for path in sorted(asked)), charts=_of_index(charts, texts))


def _rendered_with(reader: Reader, path: Path) -> list[Path]:
    """The charts that have a release of the settings with a values file."""
    releases = reader.configuration(path.parent).releases
    real = Path(os.path.realpath(path)) if releases else path
    return [chart for chart, some in releases.items() if any(real in one.files for one in some)]


def _of_index(charts: RenderCharts, texts: Mapping[Path, bytes]) -> RenderCharts:
    """What renders charts, with their files as the index has them."""

    def read(folder: Path) -> Chart:
        below = {path: raw for path, raw in texts.items() if path.is_relative_to(folder)}
        return chart_of({path.relative_to(folder).as_posix(): raw for path, raw in below.items()})

    def values(path: Path) -> bytes | Unreadable:
        found = texts.get(path)
        return Unreadable("git does not know this file yet; 'git add' it") if found is None else found

    return partial(charts, read=read, values=values)


def _is_wanted(top: Path) -> Callable[[str], bool]:
    """Whether a file of the index is to be read: a manifest, or part of a chart."""

    @cache
    def is_in_chart(folder: str) -> bool:
        above = os.path.dirname(folder)
        here = os.path.isfile(top / folder / "Chart.yaml")
        return here or (above != folder and is_in_chart(above))

    return lambda path: _may_be_manifest(path) or is_in_chart(os.path.dirname(path))


def _may_be_manifest(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name in KUSTOMIZATION_NAMES or (name not in FILE_NAMES and name.lower().endswith(SUFFIXES))


def _read(reader: Reader, top: Path, path: Path, raw: bytes, *, asked: bool, charts: Container[Path]) -> None:
    configuration = reader.configuration(path.parent)
    name = display_name(path)
    if not is_admitted(path, top, configuration.exclude):
        if asked:
            reader.skipped.append(Skipped(name, "excluded"))
        return
    source = read_manifest(path, reader.partials, named=False, read=lambda _: decode(raw))
    if isinstance(source, str):
        chart = chart_around(path) if source == "helm-template" else None
        if chart is not None and chart in charts:
            skipped = Skipped(name, source, reader.rendered_by(path, source))
            reader.templates.setdefault(str(chart), []).append((skipped, configuration))
        elif asked:
            reader.skipped.append(Skipped(name, source, reader.rendered_by(path, source)))
    elif isinstance(source, Unreadable):
        if asked:
            reader.not_scanned.append(NotScanned(name, source.line, source.reason))
    else:
        file = FileToJudge(path, name, source, configuration, is_json(path.name, source.text))
        (reader.files if asked else reader.declared).append(file)
