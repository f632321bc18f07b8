"""The commands for who writes controls: `policy new` begins one, `test` runs the tests that are in them.

`policy export` writes them for a cluster.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kscan_lsp.cli import completion
from kscan_lsp.cli.options import (
    Config,
    Coverage,
    TestForm,
    TestFormName,
    UsageError,
    ValidationAction,
    split_names,
)
from kscan_lsp.cli.request import configuration_here
from kscan_lsp.cli.terminal import fail, print_error, write_output

tests = typer.Typer(rich_markup_mode=None)
app = typer.Typer(help="Controls of your own.", no_args_is_help=True, rich_markup_mode=None)


@tests.command()
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
    coverage: Coverage = False,
    form: TestFormName = TestForm.TEXT,
) -> None:
    """Run the tests inside control files."""
    from kscan_lsp.cli.test import junit, render, run

    try:
        tested = run(paths or [], split_names(control), coverage=coverage)
    except UsageError as error:
        fail(str(error))
    write_output(junit(tested) if form is TestForm.JUNIT else render(tested, verbose=verbose))
    raise typer.Exit(tested.status)


@app.command()
def new(
    control: Annotated[str, typer.Argument(metavar="ID", help="Its id, such as ORG-0001.")],
    title: Annotated[str, typer.Option("--title", help="What it finds, in a few words.")] = (
        "Deployment without an owner"
    ),
    folder: Annotated[
        Path,
        typer.Option("--folder", metavar="FOLDER", help="Where to write it; it is made if it is missing."),
    ] = Path("policies"),
    stdout: Annotated[bool, typer.Option("--stdout", help="Print it, and write nothing.")] = False,
) -> None:
    """Begin a control: a file with a question, a fix and tests that pass, to be changed into what you want."""
    from kscan_lsp.cli.new_control import begun, text_of

    try:
        write_output(text_of(control, title) if stdout else begun(control, title, folder))
    except UsageError as error:
        fail(str(error))


@app.command()
def export(
    controls: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID", help="Controls, such as C-0057.", autocompletion=completion.controls),
    ] = None,
    vap: Annotated[
        bool, typer.Option("--vap", help="As ValidatingAdmissionPolicies with their bindings.")
    ] = False,
    every: Annotated[
        bool, typer.Option("--all", help="All controls that can be; say why others cannot.")
    ] = False,
    action: Annotated[
        ValidationAction, typer.Option("--action", help="What the bindings do about a violation.")
    ] = ValidationAction.DENY,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it to a file.")
    ] = None,
    config: Config = None,
) -> None:
    """Write controls as admission policies of Kubernetes, those that say the same there."""
    from kscan_lsp.cli.policy_export import export as export_controls

    if not vap:
        fail("say what to write controls as: --vap is the one there is")
    if every == bool(controls):
        fail("name the controls to write, or say --all")
    try:
        made = export_controls(
            [name.upper() for name in split_names(controls or [])],
            configuration_here(config).ruleset,
            action.value,
        )
    except UsageError as error:
        fail(str(error))
    if made.written:
        write_output(made.text, output)
    for name, reason in made.refused.items():
        print_error(f"{name} cannot be a policy: {reason}")
    if every:
        print_error(f"{len(made.written)} of {len(made.written) + len(made.refused)} controls are written")
    raise typer.Exit(2 if made.refused and not every else 0)
