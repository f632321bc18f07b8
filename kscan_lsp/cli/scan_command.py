"""The program's own options, and its command that most runs are: `kscan scan`.

It lies apart from the other commands, which typer would make ready at every scan. Annotations are no texts here, as
`from __future__ import annotations` would have them: typer would compile each at every start.
"""

from functools import partial
from typing import Annotated

import typer

from kscan_lsp import __version__
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
    Thresholds,
    UsageError,
)
from kscan_lsp.cli.request import request_of, scan_for, staged_for, today, warn_about_setup, with_causes
from kscan_lsp.cli.terminal import fail, log_to, print_error, print_lines, write_output

app = typer.Typer(
    name="kscan",
    help="Find security problems in Kubernetes manifests, where they are written.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
