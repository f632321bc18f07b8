"""The `baseline` commands: write down what is there, take in and let go, and say what became different.

`create` also names the baseline in the settings, so that scan, editor and pipeline go by it without being told again.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kscan_lsp import __version__
from kscan_lsp.cli.options import (
    BaselineName,
    Config,
    ExceptionFiles,
    Frameworks,
    Outputs,
    Paths,
    ScanImages,
    UsageError,
)
from kscan_lsp.cli.request import request_of, scan_for, today, warn_about_setup
from kscan_lsp.cli.terminal import fail, print_error, write_output

if TYPE_CHECKING:
    from datetime import date

    from kscan_lsp.cli.asked import ScanRequest
    from kscan_lsp.cli.baselines import ComparedScan
    from kscan_lsp.cli.scan import Scan
    from kscan_lsp.dispositions.baseline import Baseline
    from kscan_lsp.report.drift import Author, Compared
    from kscan_lsp.report.model import Report

app = typer.Typer(
    no_args_is_help=True, help="Write down the findings that are there, and see what became different."
)


class BaselineForm(StrEnum):
    """What a baseline, or drift from it, can be shown as."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


Owner = Annotated[str, typer.Option(metavar="NAME", help="Who takes in what is new.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why it may stay for now.")]
Form = Annotated[BaselineForm, typer.Option("--format", "-f", help="Form of what is shown.")]


@app.command()
def create(
    paths: Paths = None,
    baseline: BaselineName = None,
    framework: Frameworks = [],
    config: Config = None,
    exceptions: ExceptionFiles = [],
    owner: Owner = "",
    reason: Reason = "",
    scan_images: ScanImages = False,
) -> None:
    """Write a baseline of the findings that are there, and name it in the settings."""
    from msgspec.structs import replace

    from kscan_lsp.cli.baselines import name_in_settings, place_for
    from kscan_lsp.report.drift import Author
    from kscan_lsp.workspace.baselines import MAKES_ONE

    request = request_of(paths, config, framework, [], "", exceptions=exceptions)
    day = today()
    scanned = scan_for(request, day, images=scan_images)
    # that it is not there yet is why it is made
    problems = tuple(one for one in scanned.problems if not one.message.endswith(MAKES_ONE))
    scanned = replace(scanned, problems=problems)
    warn_about_setup(scanned.problems)
    path = baseline or place_for(scanned, request)
    if path.exists():
        fail(f"there is a baseline '{path}' already; 'kscan baseline update' brings it up to date")
    made = _written(_report(scanned, request, day), None, scanned, path, Author(owner, reason))
    _write(path, made, ())
    if baseline is None and (said := name_in_settings(scanned, path, config)):
        print_error(said)
    _leave(scanned)


@app.command()
def update(
    paths: Paths = None,
    baseline: BaselineName = None,
    framework: Frameworks = [],
    config: Config = None,
    exceptions: ExceptionFiles = [],
    owner: Owner = "",
    reason: Reason = "",
    prune: Annotated[
        bool, typer.Option("--prune", help="Only let go what is not there any more; take nothing in.")
    ] = False,
    scan_images: ScanImages = False,
) -> None:
    """Bring a baseline up to date: take in what is new, let go what is not there any more."""
    from kscan_lsp.report.drift import Author

    request, scanned, day = _scanned(paths, config, framework, exceptions, images=scan_images)
    compared = _compared(scanned, baseline, conflicts=True)
    report = _report(compared.scan, request, day, compared)
    for one in compared.baselines:
        path = Path(one.name)
        made = _written(report, one, scanned, path, Author(owner, reason), take_in=not prune)
        said = next(drift for drift in report.drift if drift.name == one.name)
        taken = [] if prune else [f"{len(said.new)} taken in"]
        _write(path, made, [*taken, f"{sum(gone.entry.count for gone in said.stale)} let go"])
    _leave(scanned)


@app.command()
def diff(
    paths: Paths = None,
    baseline: BaselineName = None,
    framework: Frameworks = [],
    config: Config = None,
    exceptions: ExceptionFiles = [],
    form: Form = BaselineForm.TEXT,
    output: Outputs = [],
    scan_images: ScanImages = False,
) -> None:
    """Say what became different since the baseline was written. The exit status is 1 where something is new."""
    from kscan_lsp.report.baseline_forms import render_drift

    request, scanned, day = _scanned(paths, config, framework, exceptions, images=scan_images)
    compared = _compared(scanned, baseline)
    report = _report(compared.scan, request, day, compared)
    _show(render_drift(report, form.value), output)
    _leave(scanned, new=any(one.new for one in report.drift))


@app.command()
def show(
    baseline: BaselineName = None,
    config: Config = None,
    form: Form = BaselineForm.TEXT,
    output: Outputs = [],
) -> None:
    """Show what a baseline says, for who reviews it."""
    from kscan_lsp.cli.baselines import baseline_here
    from kscan_lsp.report.baseline_forms import render_baseline

    try:
        file = baseline_here(baseline, config)
    except UsageError as error:
        fail(str(error))
    _show(render_baseline(*file, form.value), output)


def _scanned(
    paths: list[str] | None,
    config: Path | None,
    framework: list[str],
    exceptions: list[Path],
    *,
    images: bool,
) -> tuple[ScanRequest, Scan, date]:
    request = request_of(paths, config, framework, [], "", exceptions=exceptions)
    day = today()
    scanned = scan_for(request, day, images=images)
    warn_about_setup(scanned.problems)
    return request, scanned, day


def _compared(scanned: Scan, named: Path | None, *, conflicts: bool = False) -> ComparedScan:
    from kscan_lsp.cli.baselines import compare

    try:
        compared = compare(scanned, named, anew=conflicts)
    except UsageError as error:
        fail(str(error))
    if not compared.baselines:
        fail("there is no baseline: name one with --baseline, or 'kscan baseline create' one")
    return compared


def _report(scan: Scan, request: ScanRequest, day: date, compared: ComparedScan | None = None) -> Report:
    from kscan_lsp.cli.baselines import with_drift
    from kscan_lsp.cli.reports import report_of

    report = report_of(scan, request, day)
    return with_drift(report, compared) if compared else report


def _written(
    report: Report,
    before: Compared | None,
    scanned: Scan,
    path: Path,
    author: Author,
    *,
    take_in: bool = True,
) -> Baseline:
    from kscan_lsp.cli.baselines import digests_of
    from kscan_lsp.report.drift import written
    from kscan_lsp.workspace.baselines import folder_of, name_in

    folder = folder_of(path)
    return written(
        report,
        before,
        lambda file: name_in(folder, Path(file)),
        tool=__version__,
        digests=digests_of(scanned),
        author=author,
        take_in=take_in,
    )


def _write(path: Path, made: Baseline, remarks: tuple[str, ...] | list[str]) -> None:
    from kscan_lsp.dispositions.baseline import render
    from kscan_lsp.report.printable import counted

    if not path.parent.is_dir():
        try:
            path.parent.mkdir()
        except OSError as error:
            fail(f"the folder '{path.parent}' cannot be made: {error.strerror}")
    write_output(render(made), path)
    found = counted(sum(one.count for one in made.findings), "finding")
    print_error("; ".join([f"written: {path}, with {found}", *remarks]))


def _show(text: str, outputs: list[Path]) -> None:
    for path in outputs or [Path("-")]:
        write_output(text, None if path == Path("-") else path)


def _leave(scanned: Scan, *, new: bool = False) -> None:
    if scanned.not_scanned:
        for place in scanned.not_scanned:
            print_error(f"{place.file}:{place.line}: {place.reason}")
        raise typer.Exit(3)
    raise typer.Exit(2 if any(one.is_wrong_setup for one in scanned.problems) else 1 if new else 0)
