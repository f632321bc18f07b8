"""The command line: options in, text out, exit status. Everything else is elsewhere.

Exit status, the highest that applies: 0 the gate passed; 1 it failed; 2 the command, a setting or a policy
is wrong; 3 something that should have been scanned was not, or not fully. The report goes to standard
output, all else to standard error.

What is slow to import is imported by the command that needs it: rich for text that people read, the
protocol for the server. A JSON report of one file pays for neither.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kscan_lsp import __version__
from kscan_lsp.cli import completion
from kscan_lsp.cli.options import (
    Config,
    Controls,
    FailOn,
    FormatName,
    Frameworks,
    LogFile,
    Outputs,
    Paths,
    Shell,
    StdinName,
    Subject,
    UsageError,
    split_names,
)
from kscan_lsp.cli.terminal import fail, is_output_with_errors, log_to, print_error, print_lines, write_output

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from kscan_lsp.cli.scan import Scan, ScanRequest
    from kscan_lsp.report.model import FileProblem
    from kscan_lsp.workspace.configuration import Configuration

app = typer.Typer(
    name="kscan",
    help="Find security problems in Kubernetes manifests, where they are written.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


_MAX_WARNINGS = 50


def _version(wanted: bool) -> None:
    if wanted:
        write_output(f"kscan {__version__}\n")
        raise typer.Exit


@app.callback()
def options(
    log_file: LogFile = None,
    version: Annotated[  # noqa: ARG001
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Find security problems in Kubernetes manifests, where they are written."""
    log_to(log_file)


@app.command()
def scan(
    paths: Paths = None,
    output_format: FormatName = None,
    output: Outputs = [],
    framework: Frameworks = [],
    control: Controls = [],
    config: Config = None,
    fail_on: Annotated[FailOn, typer.Option(help="The least severity that fails the scan.")] = FailOn.HIGH,
    compliance_threshold: Annotated[
        float | None,
        typer.Option(metavar="N", min=0, max=100, help="Fail where compliance with a framework is lower."),
    ] = None,
    allow_unscanned: Annotated[
        bool,
        typer.Option("--allow-unscanned", help="Pass where something could not be scanned, or not fully."),
    ] = False,
    list_skipped: Annotated[
        bool, typer.Option("--list-skipped", help="Name the files that are left alone by design.")
    ] = False,
    fixes: Annotated[
        bool,
        typer.Option("--fixes", help="Show only fixes that are verified to hold; JSON has their edits."),
    ] = False,
    stdin_name: StdinName = "",
) -> None:
    """Report what is insecure in manifests."""
    from kscan_lsp.cli.reports import circumstances, outputs_of
    from kscan_lsp.findings import Severity
    from kscan_lsp.report.brief import brief
    from kscan_lsp.report.build import build
    from kscan_lsp.report.formats import FixDetail
    from kscan_lsp.report.model import Gate, exit_status

    try:
        outputs = outputs_of(output, output_format)
    except UsageError as error:
        fail(str(error))
    request = _request(paths, config, framework, control, stdin_name)
    today = _today()
    scanned = _scan(request, today)
    report = build(
        [(file.checked, file.project) for file in scanned.files],
        skipped=scanned.skipped,
        not_scanned=scanned.not_scanned,
        problems=scanned.problems,
        changes=scanned.changes,
        fix_detail=min(
            max(one.format.fixes for one in outputs), FixDetail.EDITS if fixes else FixDetail.TITLES
        ),
        gate=Gate(
            None if fail_on is FailOn.NONE else Severity[fail_on.name], compliance_threshold, allow_unscanned
        ),
        requested=request.paths,
        list_skipped=list_skipped,
        circumstances=circumstances(
            scanned, request, today, commits=any(one.format.commits for one in outputs)
        ),
    )
    _warn_about_setup(scanned.problems)
    if compliance_threshold is not None and scanned.files and not report.frameworks:
        fail(
            "--compliance-threshold needs a framework, and none is on; name one with --framework, or in .kscan.yaml"
        )
    for path, form in outputs:
        if path is None and form.lines is not None:
            print_lines(partial(form.lines, report))
        else:
            write_output(form.render(report), path)
    if written := [str(path) for path, _ in outputs if path]:
        print_error(brief(report, written))
    raise typer.Exit(exit_status(report))


@app.command()
def fix(
    paths: Paths = None,
    write: Annotated[bool, typer.Option("--write", help="Change the files; show no diff.")] = False,
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="Also fixes that can change what a workload does: review them.")
    ] = False,
    framework: Frameworks = [],
    control: Controls = [],
    config: Config = None,
    stdin_name: StdinName = "",
    show_values: Annotated[
        bool,
        typer.Option(
            "--show-values", help="Show values in the diff that may be secrets, so that it can be applied."
        ),
    ] = False,
) -> None:
    """Show, or make, the changes that fix what was found."""
    from kscan_lsp.cli.fix import diff, fix_files, fixed_stdin, summary, unreadable
    from kscan_lsp.cli.fix import write as write_files

    request = _request(paths, config, framework, control, stdin_name)
    scanned = _scan(request)
    _warn_about_setup(scanned.problems)
    for place in unreadable(scanned):
        print_error(place)
    result = fix_files(scanned, request.paths, unsafe=unsafe)
    if write:
        result = write_files(result)
    for failure in result.failures:
        print_error(failure)
    if write:
        if (text := fixed_stdin(result, scanned)) is not None:
            write_output(text)
            if text and not text.endswith("\n") and is_output_with_errors():
                print_error("")
    else:
        terminal, colour = sys.stdout.isatty(), not os.environ.get("NO_COLOR")
        made = diff(result, values=show_values, terminal=terminal, colour=colour)
        write_output(made.text)
        if made.masked:
            print_error(
                "values that may be secrets are masked in this diff; --show-values shows them, to apply it"
            )
    print_error(summary(result, write=write, unsafe=unsafe))
    incomplete = scanned.not_scanned or any(not file.checked.complete for file in scanned.files)
    raise typer.Exit(
        3 if result.failures or incomplete else 2 if any(one.is_fault for one in scanned.problems) else 0
    )


@app.command()
def test(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH", help="Control files and folders; the built-in ones by default."),
    ] = None,
    control: Annotated[
        list[str],
        typer.Option(
            "--control", metavar="ID[,ID]", help="Only these controls.", autocompletion=completion.controls
        ),
    ] = [],
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Name every test.")] = False,
) -> None:
    """Run the tests inside control files."""
    from kscan_lsp.cli.test import render, run

    try:
        tested = run(paths or [], split_names(control))
    except UsageError as error:
        fail(str(error))
    write_output(render(tested, verbose=verbose))
    raise typer.Exit(tested.status)


@app.command()
def explain(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="ID|WORD",
            help="A control, such as C-0057, or words of its title.",
            autocompletion=completion.words,
        ),
    ],
    config: Config = None,
) -> None:
    """Say what a control is about, why it matters and how to satisfy it; or find controls by words of their titles."""
    from kscan_lsp.cli.lookup import explain as explain_controls

    explain_controls(words, _configuration(config).ruleset)


@app.command("list")
def list_(
    subject: Annotated[Subject, typer.Argument(metavar="controls|frameworks|kinds", help="What to list.")],
    config: Config = None,
) -> None:
    """List what can be checked."""
    from kscan_lsp.report.catalog import control_list, framework_list, kind_list

    ruleset = _configuration(config).ruleset
    if subject is Subject.KINDS:
        listed = kind_list(ruleset)
    elif subject is Subject.CONTROLS:
        listed = control_list(ruleset)
    else:
        listed = framework_list(ruleset.policies)
    write_output(listed)


@app.command()
def init(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="The folder that it is to hold for.")
    ] = Path(),
    framework: Frameworks = [],
    stdout: Annotated[bool, typer.Option("--stdout", help="Print it, and write no file.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
) -> None:
    """Write a .kscan.yaml from what is in a folder."""
    from kscan_lsp.cli.init import run

    try:
        run(folder, split_names(framework), stdout=stdout, yes=yes)
    except UsageError as error:
        fail(str(error))


@app.command("completion")
def completion_(shell: Shell) -> None:
    """Print the script that makes a shell complete commands, options and ids."""
    write_output(completion.script(shell))


@app.command()
def lsp(
    stdio: Annotated[bool, typer.Option("--stdio", help="Accepted, and always so.")] = True,  # noqa: ARG001
    log_file: LogFile = None,
) -> None:
    """Run the language server on standard input and output."""
    log_to(log_file)
    from kscan_lsp.lsp.server.main import serve

    serve()


def _request(
    paths: list[str] | None, config: Path | None, framework: list[str], control: list[str], stdin_name: str
) -> ScanRequest:
    from kscan_lsp.cli.scan import ScanRequest

    controls = tuple(name.upper() for name in split_names(control))
    return ScanRequest(tuple(paths or ["."]), config, split_names(framework), controls, stdin_name)


def _scan(request: ScanRequest, today: date | None = None) -> Scan:
    from kscan_lsp.cli.scan import STDIN
    from kscan_lsp.cli.scan import scan as scan_paths

    stdin = sys.stdin.buffer.read() if STDIN in request.paths else b""
    discover = None
    if any(Path(path).is_dir() for path in request.paths):
        from kscan_lsp.files.discover import discover as discover_files

        discover = discover_files
    try:
        return scan_paths(request, today or _today(), stdin, discover)
    except UsageError as error:
        fail(str(error))


def _configuration(config: Path | None) -> Configuration:
    """What holds in the working directory."""
    from kscan_lsp.cli.scan import setup_problems
    from kscan_lsp.workspace.configuration import configure

    if config and not config.is_file():
        fail(f"there is no settings file '{config}'")
    configuration, _ = configure(Path.cwd(), settings_path=config)
    _warn_about_setup([*setup_problems(configuration)])
    return configuration


def _today() -> date:
    # as in the language server: everybody's suppressions end at the same moment
    return datetime.now(UTC).date()


def _warn_about_setup(problems: Sequence[FileProblem]) -> None:
    if len(problems) > _MAX_WARNINGS:
        print_error(f"kscan: {len(problems)} problems in settings and policies, of which these are the first")
    for problem in problems[:_MAX_WARNINGS]:
        start = problem.range.start
        print_error(f"{problem.file}:{start.line}:{start.column}: {problem.message}")
