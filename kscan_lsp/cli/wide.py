"""The commands that serve others, editors and coding agents, and those for many projects."""

from __future__ import annotations

from typing import Annotated

import typer

from kscan_lsp.cli.options import LogFile  # noqa: TC001 - typer reads it
from kscan_lsp.cli.terminal import fail, log_to

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
