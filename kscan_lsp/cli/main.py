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
from typing import Annotated, Any

import typer

from kscan_lsp import __version__
from kscan_lsp.cli.options import (
    Config,
    Controls,
    FailOn,
    FormatName,
    Frameworks,
    LogFile,
    Paths,
    StdinName,
    Subject,
)
from kscan_lsp.cli.terminal import complain, deliver, fail, log_to, shared, show

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
        deliver(f"kscan {__version__}\n")
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
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the report to a file."),
    ] = None,
    framework: Frameworks = [],
    control: Controls = [],
    config: Config = None,
    fail_on: Annotated[FailOn, typer.Option(help="The least severity that fails the scan.")] = FailOn.HIGH,
    compliance_threshold: Annotated[
        float | None,
        typer.Option(metavar="N", min=0, max=100, help="Fail where compliance with a framework is lower."),
    ] = None,
    fixes: Annotated[bool, typer.Option("--fixes", help="Work out the edits of every fix (JSON).")] = False,
    stdin_name: StdinName = "",
) -> None:
    """Report what is insecure in manifests."""
    from kscan_lsp.findings import Severity
    from kscan_lsp.report.build import build
    from kscan_lsp.report.formats import FixDetail, format_of
    from kscan_lsp.report.model import Gate, exit_status

    chosen = format_of(output_format, output.name if output else "")
    request = _request(paths, config, framework, control, stdin_name)
    scanned = _scan(request)
    report = build(
        [(entry.checked, entry.project) for entry in scanned.entries],
        skipped=scanned.skipped,
        not_scanned=scanned.not_scanned,
        problems=scanned.problems,
        fix_detail=min(chosen.fixes, FixDetail.EDITS if fixes else FixDetail.TITLES),
        gate=Gate(None if fail_on is FailOn.NONE else Severity[fail_on.name], compliance_threshold),
        requested=request.paths,
    )
    _warn_about_setup(scanned.problems)
    if compliance_threshold is not None and scanned.entries and not report.frameworks:
        fail(
            "--compliance-threshold needs a framework, and none is on; name one with --framework, or in .kscan.yaml"
        )
    if output is None and chosen.lines is not None:
        show(partial(chosen.lines, report))
    else:
        deliver(chosen.render(report), output)
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
) -> None:
    """Show, or make, the changes that fix what was found."""
    from kscan_lsp.cli import fix as rewrite

    request = _request(paths, config, framework, control, stdin_name)
    scanned = _scan(request)
    _warn_about_setup(scanned.problems)
    for left in rewrite.unread(scanned):
        complain(left)
    outcome = rewrite.rewrite(scanned, request.paths, unsafe=unsafe)
    if write:
        outcome = rewrite.write(outcome)
    for failure in outcome.failures:
        complain(failure)
    if write:
        if (text := rewrite.piped(outcome, scanned)) is not None:
            deliver(text)
            if text and not text.endswith("\n") and shared():
                complain("")
    else:
        terminal, colour = sys.stdout.isatty(), not os.environ.get("NO_COLOR")
        deliver(rewrite.diff(outcome, terminal=terminal, colour=colour))
    complain(rewrite.summary(outcome, write=write, unsafe=unsafe))
    broken = (
        outcome.failures
        or scanned.not_scanned
        or any(not entry.checked.complete for entry in scanned.entries)
    )
    raise typer.Exit(3 if broken else 2 if scanned.problems else 0)


@app.command()
def test(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH", help="Control files and folders; the built-in ones by default."),
    ] = None,
    control: Annotated[
        list[str], typer.Option("--control", metavar="ID[,ID]", help="Only these controls.")
    ] = [],
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Name every test.")] = False,
) -> None:
    """Run the tests inside control files."""
    from kscan_lsp.cli import test as policy_tests
    from kscan_lsp.cli.scan import MistakeError, split_names

    try:
        run = policy_tests.run(paths or [], split_names(control))
    except MistakeError as mistake:
        fail(str(mistake))
    deliver(policy_tests.shown(run, verbose=verbose))
    raise typer.Exit(run.status)


@app.command()
def explain(
    control: Annotated[str, typer.Argument(metavar="ID", help="A control, such as C-0057.")],
    config: Config = None,
) -> None:
    """Say what a control is about, why it matters and how to satisfy it."""
    from kscan_lsp.report import catalog as pages

    configuration = _configuration(config)
    policies = configuration.ruleset.policies
    wanted = control.upper()
    if wanted not in policies.controls:
        from kscan_lsp.settings.suggest import nearest_name

        hint = nearest_name(wanted, list(policies.controls))
        fail(f"unknown control '{control}'{hint}\n'kscan list controls' shows what there is")
    show(partial(pages.control_page, policies.controls[wanted], configuration.ruleset))


@app.command("list")
def list_(
    subject: Annotated[Subject, typer.Argument(metavar="controls|frameworks", help="What to list.")],
    config: Config = None,
) -> None:
    """List what can be checked."""
    from kscan_lsp.report import catalog as pages

    ruleset = _configuration(config).ruleset
    made = pages.controls(ruleset) if subject is Subject.CONTROLS else pages.frameworks(ruleset.policies)
    deliver(made)


@app.command()
def lsp(
    stdio: Annotated[bool, typer.Option("--stdio", help="Accepted, and always so.")] = True,  # noqa: ARG001
    log_file: LogFile = None,
) -> None:
    """Run the language server on standard input and output."""
    log_to(log_file)
    from kscan_lsp.lsp.server import notifications as handlers

    handlers.serve()


def _request(
    paths: list[str] | None, config: Path | None, framework: list[str], control: list[str], stdin_name: str
) -> Any:
    from kscan_lsp.cli.scan import Request, split_names

    controls = tuple(name.upper() for name in split_names(control))
    return Request(tuple(paths or ["."]), config, split_names(framework), controls, stdin_name)


def _scan(request: Any) -> Any:
    from kscan_lsp.cli.scan import MistakeError
    from kscan_lsp.cli.scan import scan as scan_paths

    stdin = sys.stdin.buffer.read() if "-" in request.paths else b""
    discover = None
    if any(Path(path).is_dir() for path in request.paths):
        from kscan_lsp.files import discover as walk

        discover = walk.discover
    try:
        return scan_paths(request, _today(), stdin, discover)
    except MistakeError as mistake:
        fail(str(mistake))


def _configuration(config: Path | None) -> Any:
    """What holds in the working directory."""
    from kscan_lsp.cli.scan import setup_problems
    from kscan_lsp.workspace.configuration import configure

    if config and not config.is_file():
        fail(f"there is no settings file '{config}'")
    configuration, _ = configure(Path.cwd(), settings_path=config)
    _warn_about_setup(list(setup_problems(configuration)))
    return configuration


def _today() -> Any:
    # as in the language server: everybody's suppressions end at the same moment
    return datetime.now(UTC).date()


def _warn_about_setup(problems: Any) -> None:
    if len(problems) > _MAX_WARNINGS:
        complain(f"kscan: {len(problems)} problems in settings and policies, of which these are the first")
    for problem in problems[:_MAX_WARNINGS]:
        start = problem.range.start
        complain(f"{problem.file}:{start.line}:{start.column}: {problem.message}")
