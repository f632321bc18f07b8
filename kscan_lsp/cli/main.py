"""The command line: options in, text out, exit status. Everything else is elsewhere.

Exit status, the highest that applies: 0 the gate passed; 1 it failed; 2 the command, a setting or a policy
is wrong; 3 something that should have been scanned was not, or not fully. The report goes to standard
output, all else to standard error.

What is slow to import is imported by the command that needs it: rich for text that people read, the
protocol for the server. A JSON report of one file pays for neither. Annotations are no texts here, as
`from __future__ import annotations` would have them: typer would compile each at every start.
"""

import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from kscan_lsp import __version__
from kscan_lsp.cli import completion
from kscan_lsp.cli.baseline import app as baseline_app
from kscan_lsp.cli.options import (
    AllowUnscanned,
    BaselineName,
    Config,
    Controls,
    ExceptionFiles,
    FailOnCve,
    Fixes,
    FormatName,
    Frameworks,
    ImageGateOptions,
    Jobs,
    Kev,
    LeastSeverity,
    LogFile,
    NewSince,
    OnlyFixable,
    Outputs,
    Paths,
    SarifAccepted,
    ScanImages,
    Staged,
    StdinName,
    Subject,
    Thresholds,
    UsageError,
    split_names,
)
from kscan_lsp.cli.pack import app as pack_app
from kscan_lsp.cli.policy import app as policy_app
from kscan_lsp.cli.policy import tests as tests_app
from kscan_lsp.cli.request import (
    configuration_here,
    request_of,
    scan_for,
    staged_for,
    today,
    warn_about_setup,
    with_causes,
)
from kscan_lsp.cli.terminal import fail, is_output_with_errors, log_to, print_error, print_lines, write_output
from kscan_lsp.cli.vap import app as vap_app
from kscan_lsp.cli.wide import app as wide_app

app = typer.Typer(
    name="kscan",
    help="Find security problems in Kubernetes manifests, where they are written.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(baseline_app, name="baseline")
app.add_typer(pack_app, name="pack")
app.add_typer(policy_app, name="policy")
app.add_typer(tests_app)
app.add_typer(vap_app, name="vap")
app.add_typer(wide_app)


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
    exceptions: ExceptionFiles = [],
    fail_on: LeastSeverity = None,
    compliance_threshold: Thresholds = [],
    fail_on_cve: FailOnCve = None,
    kev: Kev = False,
    only_fixable: OnlyFixable = False,
    scan_images: ScanImages = False,
    baseline: BaselineName = None,
    new_only: Annotated[
        bool, typer.Option("--new-only", help="Report only what is not in the baseline.")
    ] = False,
    new_since: NewSince = "",
    allow_unscanned: AllowUnscanned = False,
    list_skipped: Annotated[
        bool, typer.Option("--list-skipped", help="Name the files that are left alone by design.")
    ] = False,
    fixes: Fixes = False,
    sarif_accepted: SarifAccepted = False,
    stdin_name: StdinName = "",
    staged: Staged = False,
    jobs: Jobs = 0,
) -> None:
    """Report what is insecure in manifests."""
    from kscan_lsp.cli.gates import gate_of
    from kscan_lsp.cli.progress import watched
    from kscan_lsp.cli.reports import fix_detail, fix_naming, outputs_of, report_of
    from kscan_lsp.report.brief import brief
    from kscan_lsp.report.formats import FixDetail
    from kscan_lsp.report.gates import exit_status

    try:
        outputs = outputs_of(output, output_format, accepted=sarif_accepted)
    except UsageError as error:
        fail(str(error))
    if new_since and baseline:
        fail("--baseline and --new-since both say what to compare with; leave one of them out")
    day, most = today(), FixDetail.EDITS if fixes else FixDetail.TITLES
    with watched(jobs) as processes:
        request = request_of(
            paths,
            config,
            framework,
            control,
            stdin_name,
            exceptions=exceptions,
            processes=processes,
            since=new_since,
            name_fixes=fix_naming(fix_detail(outputs, most)),
        )
        scanned = staged_for(request, day, paths) if staged else scan_for(request, day, images=scan_images)
        warn_about_setup(scanned.problems)
        try:
            cves = ImageGateOptions(fail_on_cve, kev, only_fixable)
            gate, only = gate_of(
                scanned, fail_on, compliance_threshold, cves, allow_unscanned=allow_unscanned
            )
            compared = None
            if new_since:
                from kscan_lsp.cli.revisions import compare_with_revision

                compared = compare_with_revision(scanned, request, day, new_since)
            elif baseline or any(one.baseline for one in scanned.configurations):
                from kscan_lsp.cli.baselines import compare

                compared = compare(scanned, baseline)
            if new_only and not (compared and compared.baselines):
                fail("--new-only needs a baseline; name one here or in .kscan.yaml, or give --new-since")
        except UsageError as error:
            fail(str(error))
        report = report_of(
            with_causes(compared.scan if compared else scanned),
            request,
            day,
            outputs=outputs,
            most=most,
            gate=gate,
            list_skipped=list_skipped,
        )
        if compared or new_only or only:
            from kscan_lsp.cli.baselines import with_drift

            report = with_drift(report, compared, new_only=new_only or only)
    for path, form in outputs:
        if path is None and form.lines is not None:
            print_lines(partial(form.lines, report))
        else:
            write_output(form.pieces(report, processes.spread) if form.pieces else form.render(report), path)
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
    interactive: Annotated[
        bool, typer.Option("--interactive", help="Ask about each fix, and write those that are agreed to.")
    ] = False,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Judge all files anew with the fixes, and write only if nothing new appears."
        ),
    ] = False,
    framework: Frameworks = [],
    control: Controls = [],
    config: Config = None,
    exceptions: ExceptionFiles = [],
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

    request = request_of(paths, config, framework, control, stdin_name, exceptions=exceptions)
    scanned = scan_for(request)
    warn_about_setup(scanned.problems)
    for place in unreadable(scanned):
        print_error(place)
    if interactive:
        from kscan_lsp.cli.asking import Questions

        if not sys.stdin.isatty() or not sys.stderr.isatty():
            fail(
                "--interactive asks on a terminal, and there is none; leave it out, or name what to fix with --control"
            )
        asking = Questions(values=show_values, colour=not os.environ.get("NO_COLOR"))
        result = fix_files(
            scanned, request.paths, unsafe=unsafe, agreed=asking.agreed, stopped=asking.stopped
        )
        write = True
    else:
        result = fix_files(scanned, request.paths, unsafe=unsafe)
    fixed = scanned
    if (scanned.overlays or scanned.charts) and not interactive:
        from kscan_lsp.cli.chart_fixes import fix_rendered

        result, fixed = fix_rendered(scanned, result, today(), unsafe=unsafe)
    if verify:
        from kscan_lsp.cli.proof import prove

        proof = prove(scanned, result, today(), fixed)
        print_error(proof.text())
        if proof.new:
            raise typer.Exit(1)
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
        3
        if result.failures or incomplete
        else 2
        if any(one.is_wrong_setup for one in scanned.problems)
        else 0
    )


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

    explain_controls(words, configuration_here(config).ruleset)


@app.command("list")
def list_(
    subject: Annotated[Subject, typer.Argument(metavar="controls|frameworks|kinds", help="What to list.")],
    config: Config = None,
) -> None:
    """List what can be checked."""
    from kscan_lsp.report.catalog import control_list, framework_list, kind_list

    ruleset = configuration_here(config).ruleset
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
