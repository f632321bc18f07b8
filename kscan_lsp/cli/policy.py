"""The commands for who writes controls: `policy new` begins one, `test` runs the tests that are in them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kscan_lsp.cli import completion
from kscan_lsp.cli.options import Coverage, TestForm, TestFormName, UsageError, split_names
from kscan_lsp.cli.terminal import fail, write_output

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
