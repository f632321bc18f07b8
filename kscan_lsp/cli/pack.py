"""`kscan pack`: fetch the packs that settings extend, test one, and make one ready to be signed and handed on.

Left out on purpose: how it is done (`packs.py`), which only these commands import.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kscan_lsp.cli.options import UsageError
from kscan_lsp.cli.terminal import fail, write_output

app = typer.Typer(
    help="Packs of policies: fetch, test and build them.", no_args_is_help=True, rich_markup_mode=None
)

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder with kscan-pack.yaml.")]


@app.command()
def update(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="The folder whose settings extend packs.")
    ] = Path(),
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Take a pack that is older than what is locked, or whose tag was moved."
        ),
    ] = False,
) -> None:
    """Fetch the packs that settings extend, and write kscan.lock. Nothing else of kscan fetches packs."""
    from kscan_lsp.cli.packs import updated

    try:
        write_output(updated(folder, force=force))
    except UsageError as error:
        fail(str(error))


@app.command("test")
def test_(folder: Folder = Path()) -> None:
    """Run the tests of all controls of a pack."""
    from kscan_lsp.cli.packs import outcomes_of
    from kscan_lsp.cli.test import render

    try:
        run = outcomes_of(folder)
    except UsageError as error:
        fail(str(error))
    write_output(render(run))
    raise typer.Exit(run.status)


@app.command()
def build(
    folder: Folder = Path(),
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="The archive to write.")
    ] = None,
    oci: Annotated[
        Path | None,
        typer.Option(
            "--oci",
            metavar="FOLDER",
            help="Write an OCI image layout to a new folder instead, to be published.",
        ),
    ] = None,
) -> None:
    """Test a pack, and write it as an archive that is the same to the byte wherever it is built."""
    from kscan_lsp.cli.packs import built

    try:
        write_output(built(folder, output, layout=oci))
    except UsageError as error:
        fail(str(error))


@app.command()
def statement(
    folder: Folder = Path(),
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="The file to write it to.")
    ] = None,
) -> None:
    """Print the line that is signed of a pack: its name, its version, and the digest of its files."""
    from kscan_lsp.cli.packs import stated

    try:
        write_output(stated(folder, output))
    except UsageError as error:
        fail(str(error))
