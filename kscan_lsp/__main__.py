"""How a command begins and ends: `python -m kscan_lsp` is `kscan`."""

from __future__ import annotations

import atexit
import gc
import sys

from kscan_lsp.cli.terminal import prepare


def main(*words: str) -> None:
    """The command `kscan`, with words before those that the user gave it."""
    # a command is over before there is garbage worth collecting, and looking for it costs a fifth of a scan
    gc.set_threshold(200_000, 50, 100)
    # the interpreter would look through everything once more before it ends, which costs another tenth
    atexit.register(gc.freeze)
    prepare()
    from kscan_lsp.cli import completion
    from kscan_lsp.cli.main import app

    completion.prepare()
    app([*words, *sys.argv[1:]])


def serve() -> None:
    """The command `kscan-lsp`, which is `kscan lsp`."""
    main("lsp")


if __name__ == "__main__":
    main()
