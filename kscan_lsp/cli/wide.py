"""The commands that serve others, editors, shells and coding agents, and those for many projects."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kscan_lsp.cli import completion
from kscan_lsp.cli.options import Controls, FailOn, Frameworks, Jobs, LogFile, Shell, UsageError, split_names
from kscan_lsp.cli.request import today
from kscan_lsp.cli.terminal import fail, log_to, write_output
from kscan_lsp.files.writing import replace

app = typer.Typer(rich_markup_mode=None)


@app.command()
def lsp(
    stdio: Annotated[bool, typer.Option("--stdio", help="Accepted, and always so.")] = True,  # noqa: ARG001
    log_file: LogFile = None,
) -> None:
    """Run the language server on standard input and output."""
    log_to(log_file)
    from kscan_lsp.lsp.server.main import serve

    serve()


@app.command()
def mcp() -> None:
    """Answer coding agents on standard input and output (Model Context Protocol), below this folder."""
    try:
        from kscan_lsp.cli.agents.server import serve
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in {"mcp", "mcp_types"}:
            raise
        fail("'kscan mcp' needs a package that is not installed; install it: pip install 'kscan-lsp[mcp]'")
    serve()


@app.command()
def render(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A Helm chart, or an overlay of Kustomize.")
    ],
    values: Annotated[
        list[Path],
        typer.Option(
            "--values", metavar="FILE", help="A values file over those of a chart; may be repeated."
        ),
    ] = [],
    places: Annotated[
        bool, typer.Option("--map", help="Begin each line with the file and line that it is written on.")
    ] = False,
) -> None:
    """Print what a Helm chart or an overlay of Kustomize renders to, with what may be a secret masked."""
    from kscan_lsp.cli.render import rendering

    try:
        write_output(rendering(folder, values, places=places))
    except UsageError as error:
        fail(str(error))


@app.command()
def fleet(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH|LIST",
            help="A folder with projects below it (.git or .kscan.yaml), or a file that lists them: a path on each "
            "line, or YAML with path, name and team.",
        ),
    ],
    output_format: Annotated[
        str,
        typer.Option("--format", "-f", metavar="<text|json|jsonl|html>", help="Form of the report."),
    ] = "",
    output: Annotated[
        list[Path],
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the report to a file; .html, .json, .jsonl and .parquet choose the form; may be repeated.",
        ),
    ] = [],
    framework: Frameworks = [],
    control: Controls = [],
    fail_on: Annotated[
        FailOn | None,
        typer.Option(
            help="The least severity that fails a project.", show_default="what its settings say, or high"
        ),
    ] = None,
    jobs: Jobs = 0,
    scheduler: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Judge on the Dask cluster of this scheduler, such as tcp://10.0.0.1:8786.",
        ),
    ] = "",
) -> None:
    """Judge many projects, and report them in one: scores by project and team."""
    from functools import partial

    from kscan_lsp.cli.fleet.judging import FleetRequest
    from kscan_lsp.cli.fleet.run import FORMS, PARQUET, fleet_of, form_of, told

    spread = None
    try:
        binary = [path for path in output if path.suffix.lower() == PARQUET]
        if binary:
            from kscan_lsp.report.fleet import parquet
        if scheduler:
            from kscan_lsp.cli.fleet.cluster import judged_by

            spread = partial(judged_by, scheduler)
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        extra = {"pyarrow": "parquet", "distributed": "dask", "dask": "dask"}.get(package)
        if extra is None:
            raise
        fail(f"'{package}' is not installed, which this needs; install it: pip install 'kscan-lsp[{extra}]'")
    try:
        forms = [(path, form_of(path, output_format)) for path in output if path not in binary]
        standard = form_of(None, output_format)
        controls = tuple(name.upper() for name in split_names(control))
        request = FleetRequest(
            today().isoformat(), split_names(framework), controls, fail_on.value if fail_on else ""
        )
        found = fleet_of(names, request, spread, jobs)
    except UsageError as error:
        fail(str(error))
    for path, form in forms:
        write_output(FORMS[form](found), path)
    for path in binary:
        if reason := replace(path, parquet.render(found)):
            fail(f"cannot write '{path}': {reason}")
    if output:
        told(found, output)
    else:
        write_output(FORMS[standard](found))
    raise typer.Exit(found.status)


@app.command("completion")
def completion_(shell: Shell) -> None:
    """Print the script that makes a shell complete commands, options and ids."""
    write_output(completion.script(shell))
