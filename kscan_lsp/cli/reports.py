"""Where the reports of a scan go, in which form, and what is said of how they were made."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp.cli.options import STDIN, UsageError
from kscan_lsp.files.commit import commit_of
from kscan_lsp.files.discover import repository
from kscan_lsp.files.manifest import display_name
from kscan_lsp.fixes.naming import FixNames
from kscan_lsp.report.build import build
from kscan_lsp.report.circumstances import CheckedOut, Circumstances, UsedPack, used_settings
from kscan_lsp.report.fixes import fixes_in
from kscan_lsp.report.formats import FixDetail, format_of
from kscan_lsp.report.model import NO_GATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from kscan_lsp.cli.asked import ScanRequest
    from kscan_lsp.cli.file_steps import NameFixes
    from kscan_lsp.cli.scan import Scan
    from kscan_lsp.report.fixes import FileFixes
    from kscan_lsp.report.formats import Format
    from kscan_lsp.report.model import Gate, Report

_WORK: Final = {FixDetail.NONE: 0.0, FixDetail.TITLES: 0.2, FixDetail.EDITS: 10.0}
"""How much work finding out about fixes is, beside judging the text."""

STDOUT: Final = Path("-")
"""What stands for standard output among the files to write."""


class Output(NamedTuple):
    """One report to write. `path` is None for standard output."""

    path: Path | None
    format: Format


def outputs_of(
    files: Sequence[Path], format_name: str | None, *, accepted: bool = False
) -> tuple[Output, ...]:
    """The reports to write: to standard output where no file is named, else to the files alone.

    Args:
        files: what `--output` names; STDOUT is standard output.
        format_name: what `--format` says, over the ending of a file.
        accepted: whether forms that leave out what somebody accepted are to have it.

    Raises:
        UsageError: a file is named twice, or one form for several.
    """
    if len(files) > 1 and format_name is not None:
        raise UsageError(
            f"'--format {format_name}' is the form of one report, and --output names {len(files)}; leave it out, and "
            "each file has the form that its ending stands for, such as .json or .html"
        )
    names = [file.absolute() for file in files]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise UsageError(f"--output names '{files[number]}' twice; each report needs a file of its own")
    outputs = [(None if file == STDOUT else file) for file in files or (STDOUT,)]
    chosen = [Output(path, format_of(format_name, path.name if path else "")) for path in outputs]
    if not accepted:
        return tuple(chosen)
    if all(form.with_accepted is None for _, form in chosen):
        raise UsageError(
            "--sarif-accepted says what a SARIF report has; add --format sarif, or --output FILE.sarif"
        )
    return tuple(
        Output(path, form._replace(render=form.with_accepted) if form.with_accepted else form)
        for path, form in chosen
    )


def report_of(
    scan: Scan,
    request: ScanRequest,
    today: date,
    *,
    outputs: Sequence[Output] = (),
    most: FixDetail = FixDetail.NONE,
    gate: Gate = NO_GATE,
    list_skipped: bool = False,
) -> Report:
    """The report of a scan.

    Args:
        scan: the files as judged.
        request: what was asked for.
        today: the day.
        outputs: where it goes; what none of them shows is not worked out.
        most: how much to find out about fixes at most.
        gate: what makes it fail.
        list_skipped: whether people want the names of what was left alone.
    """
    detail = fix_detail(outputs, most)
    judged = [(file.checked, file.project) for file in scan.files]
    return build(
        judged,
        skipped=scan.skipped,
        not_scanned=scan.not_scanned,
        problems=scan.problems,
        changes=scan.changes,
        fixes=_fixes(scan, request, detail),
        gate=gate,
        requested=request.paths,
        list_skipped=list_skipped,
        circumstances=circumstances(scan, request, today, commits=any(one.format.commits for one in outputs)),
        path_name=lambda path: display_name(Path(path)),
    )


def fix_detail(outputs: Sequence[Output], most: FixDetail) -> FixDetail:
    """How much to find out about fixes for some reports: what any of them shows, but no more than `most`."""
    return min(max((one.format.fixes for one in outputs), default=FixDetail.NONE), most)


def fix_naming(detail: FixDetail) -> NameFixes | None:
    """What finds the names of fixes where a file is judged, where they are all that a report shows of them."""
    return partial(fixes_in, detail=detail, names=FixNames()) if detail is FixDetail.TITLES else None


def _fixes(scan: Scan, request: ScanRequest, detail: FixDetail) -> Iterator[FileFixes]:
    """What would fix the findings of each file, as far as that was not found where it was judged."""
    known = [file.fixes if detail is FixDetail.TITLES else None for file in scan.files]
    left = [file for file, fixes in zip(scan.files, known, strict=True) if fixes is None]
    found = request.processes.spread(
        partial(fixes_in, detail=detail, names=FixNames()),
        [(file.checked, file.project) for file in left],
        [int(len(file.checked.text) * _WORK[detail]) for file in left],
    )
    return (next(found) if fixes is None else fixes for fixes in known)


def circumstances(scan: Scan, request: ScanRequest, today: date, *, commits: bool) -> Circumstances:
    """What the reports of a scan are made from besides manifests.

    Args:
        scan: the files as judged.
        request: what was asked for.
        today: the day.
        commits: whether any report tells which commit is checked out; without one, git's files are not looked at.
    """
    here = Path.cwd()
    root = repository(str(here))
    packs = {
        pack: UsedPack(pack.name, pack.version, pack.digest)
        for one in scan.configurations
        for pack in one.packs
    }
    return Circumstances(
        today,
        tuple(_commits(request.paths)) if commits else (),
        tuple(
            used_settings(
                display_name(configuration.settings_path) if configuration.settings_path else "",
                configuration.settings,
                request.controls,
                tuple(packs[pack] for pack in configuration.packs),
            )
            for configuration in scan.configurations
        ),
        Path(root).as_posix() if root else "",
        here.relative_to(root).as_posix() if root and here != Path(root) else "",
        tuple(packs.values()),
    )


def _commits(paths: Sequence[str]) -> Iterator[CheckedOut]:
    found = (commit_of(Path.cwd() if path == STDIN else Path(path)) for path in paths)
    for commit in dict.fromkeys(one for one in found if one):
        yield CheckedOut(display_name(commit.folder), commit.id, commit.branch)
