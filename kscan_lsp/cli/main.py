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
from pathlib import Path
from typing import Annotated

import typer

from kscan_lsp.cli import completion
from kscan_lsp.cli.baseline import app as baseline_app
from kscan_lsp.cli.options import (
    Config,
    Controls,
    ExceptionFiles,
    Frameworks,
    Paths,
    StdinName,
    Subject,
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
    today,
    warn_about_setup,
)
from kscan_lsp.cli.scan_command import app
from kscan_lsp.cli.terminal import fail, is_output_with_errors, print_error, write_output
from kscan_lsp.cli.vap import app as vap_app
from kscan_lsp.cli.wide import app as wide_app

__all__ = ["app"]

app.add_typer(baseline_app, name="baseline")
app.add_typer(pack_app, name="pack")
app.add_typer(policy_app, name="policy")
app.add_typer(tests_app)
app.add_typer(vap_app, name="vap")
app.add_typer(wide_app)


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
