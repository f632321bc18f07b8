"""How far a command is, on a terminal, and what is said when it is stopped."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from kscan_lsp.cli.processes import Processes
from kscan_lsp.cli.terminal import print_error

if TYPE_CHECKING:
    from collections.abc import Iterator

STOPPED: Final = 130
"""The exit status of what Ctrl-C has ended, as shells have it: the number of the signal and 128."""
_FIRST: Final = 0.5
"""Seconds after which a bar is worth looking at."""
_AGAIN: Final = 0.1
"""Seconds between two looks of it."""
_WIDTH: Final = 30
_CLEAR: Final = "\r\x1b[K"


class Bar:
    """Counts files, and where there is a terminal shows how many are judged."""

    def __init__(self, *, shown: bool) -> None:
        self.done = self.of = 0
        self._shown = shown
        self._next = time.monotonic() + _FIRST
        self._drawn = False

    def files(self, done: int, of: int) -> None:
        """So many of the files are judged."""
        self.done, self.of = done, of
        if not self._shown or not of or (now := time.monotonic()) < self._next:
            return
        self._next = now + _AGAIN
        self._drawn = True
        full = _WIDTH * done // of
        sys.stderr.write(f"{_CLEAR}[{'#' * full}{' ' * (_WIDTH - full)}] {done:,} of {of:,} files")
        sys.stderr.flush()

    def clear(self) -> None:
        """Leave the terminal as it was."""
        if self._drawn:
            self._drawn = False
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()


@contextmanager
def watched(jobs: int) -> Iterator[Processes]:
    """At most so many processes, 0 for one a processor, with a bar; Ctrl-C ends the command and says what was done."""
    bar = Bar(shown=sys.stderr.isatty())
    try:
        yield Processes(jobs, bar)
    except KeyboardInterrupt:
        bar.clear()
        print_error(
            f"kscan: stopped: {bar.done:,} of {bar.of:,} files were judged, and nothing is reported"
            if bar.of
            else "kscan: stopped before a file was judged"
        )
        sys.exit(STOPPED)
    finally:
        bar.clear()
