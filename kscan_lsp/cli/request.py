"""From options to work: what a command asks for, read and judged, and what of that is said before its own answer."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.cli.options import UsageError, split_names
from kscan_lsp.cli.terminal import fail, print_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from kscan_lsp.cli.asked import ScanRequest
    from kscan_lsp.cli.charts import RenderedChart
    from kscan_lsp.cli.file_steps import NameFixes
    from kscan_lsp.cli.overlays import BuiltOverlays
    from kscan_lsp.cli.processes import Processes
    from kscan_lsp.cli.scan import Scan
    from kscan_lsp.report.model import FileProblem
    from kscan_lsp.workspace.configuration import Configuration

_MAX_WARNINGS: Final = 50


def request_of(
    paths: list[str] | None,
    config: Path | None,
    framework: list[str],
    control: list[str],
    stdin_name: str,
    *,
    exceptions: Sequence[Path] = (),
    processes: Processes | None = None,
    since: str = "",
    name_fixes: NameFixes | None = None,
) -> ScanRequest:
    """What options ask for; without paths, the working directory, and without `since`, the last commit."""
    from kscan_lsp.cli.asked import LAST_COMMIT, ScanRequest
    from kscan_lsp.cli.processes import ALONE

    controls = tuple(name.upper() for name in split_names(control))
    excepting = tuple(map(str, exceptions))
    return ScanRequest(
        tuple(paths or ["."]),
        config,
        split_names(framework),
        controls,
        stdin_name,
        excepting,
        processes or ALONE,
        since or LAST_COMMIT,
        name_fixes,
    )


def scan_for(request: ScanRequest, day: date | None = None, *, images: bool = False) -> Scan:
    """Read and judge what was asked for, with `images` by what a scanner says of them; a mistake ends the program."""
    from kscan_lsp.cli.options import STDIN
    from kscan_lsp.cli.scan import scan as scan_paths

    stdin = sys.stdin.buffer.read() if STDIN in request.paths else b""
    discover = None
    if any(Path(path).is_dir() for path in request.paths):
        from kscan_lsp.files.discover import discover as discover_files

        discover = discover_files
    day = day or today()
    try:
        scanned = scan_paths(request, day, stdin, discover, charts=rendered_charts, overlays=built_overlays)
    except UsageError as error:
        fail(str(error))
    if images:
        from kscan_lsp.cli.image_scans import with_scanned_images

        scanned = with_scanned_images(scanned, request, day, lambda text: print_error(f"kscan: {text}"))
    return scanned


def rendered_charts(folders: Iterable[str], **how: Any) -> dict[str, RenderedChart] | None:
    """`charts.rendered_charts`, imported where a chart is there to be rendered."""
    from kscan_lsp.cli.charts import rendered_charts as render_charts

    return render_charts(folders, **how)


def built_overlays(folders: Iterable[str], named: Sequence[str], inside: str = "") -> BuiltOverlays | None:
    """`overlays.built_overlays`, imported where a kustomization is there to be built."""
    from kscan_lsp.cli.overlays import built_overlays as build_overlays

    return build_overlays(folders, named, inside=inside)


def with_causes(scanned: Scan) -> Scan:
    """A scan with the values that cause what is found in charts, for reports that show it."""
    if not scanned.charts:
        return scanned
    from kscan_lsp.cli.causes import with_causes as find_causes

    return find_causes(scanned)


def staged_for(request: ScanRequest, day: date, named: Sequence[str] | None) -> Scan:
    """Read and judge what is staged; a mistake in the command ends the program."""
    from kscan_lsp.cli.staged import scan_staged

    try:
        scanned = scan_staged(request, day, tuple(named or ()), rendered_charts)
    except UsageError as error:
        fail(str(error))
    if not scanned.files and not named:
        print_error("kscan: the next commit changes no Kubernetes manifest")
    return scanned


def configuration_here(config: Path | None) -> Configuration:
    """What holds in the working directory."""
    from kscan_lsp.cli.asked import setup_problems
    from kscan_lsp.workspace.configuration import configure

    if config and not config.is_file():
        fail(f"there is no settings file '{config}'")
    configuration, _ = configure(Path.cwd(), settings_path=config)
    warn_about_setup([*setup_problems(configuration)])
    return configuration


def today() -> date:
    """The day that dates are compared with."""
    # as in the language server: everybody's suppressions end at the same moment
    return datetime.now(UTC).date()


def warn_about_setup(problems: Sequence[FileProblem]) -> None:
    """Say what is wrong with settings and policies."""
    if len(problems) > _MAX_WARNINGS:
        print_error(f"kscan: {len(problems)} problems in settings and policies, of which these are the first")
    for problem in problems[:_MAX_WARNINGS]:
        start = problem.range.start
        print_error(f"{problem.file}:{start.line}:{start.column}: {problem.message}")
