"""How a command begins and ends: `python -m kscan_lsp` is `kscan`."""

from __future__ import annotations

import atexit
import copy
import gc
import sys
from typing import TYPE_CHECKING

from kscan_lsp.cli.terminal import prepare

if TYPE_CHECKING:
    from typer import Typer


def main(*words: str) -> None:
    """The command `kscan`, with words before those that the user gave it."""
    # a command is over before there is garbage worth collecting, and looking for it costs a fifth of a scan
    gc.set_threshold(200_000, 50, 100)
    # the interpreter would look through everything once more before it ends, which costs another tenth
    atexit.register(gc.freeze)
    prepare()
    from kscan_lsp.cli import completion

    completion.prepare()
    words = (*words, *sys.argv[1:])
    try:
        _application(words[0] if words else "")([*words])
    except SystemExit as end:
        # the exception holds the frames of the command, and through them all that was scanned: to take that apart
        # object by object costs a sixtieth; what holds itself only the collector takes apart, for which it is frozen
        held: list[object] = [end]
        held.append(held)
        raise


def serve() -> None:
    """The command `kscan-lsp`, which is `kscan lsp`."""
    main("lsp")


def _application(called: str) -> Typer:
    """The application with the one command that is called: typer makes all of them ready, a tenth of a scan."""
    if called == "scan":
        from kscan_lsp.cli.scan_command import app

        return app
    from kscan_lsp.cli.main import app

    for one in app.registered_commands:
        if one.callback and called == (one.name or one.callback.__name__):
            app = copy.copy(app)
            app.registered_commands, app.registered_groups = [one], []
            break
    return app


if __name__ == "__main__":
    main()
