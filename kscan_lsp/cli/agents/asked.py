"""What an agent names -> files read and judged: inside of one folder, or a text that comes with the question."""

from __future__ import annotations

import os
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.cli.asked import ScanRequest
from kscan_lsp.cli.options import STDIN, UsageError
from kscan_lsp.cli.request import built_overlays, rendered_charts
from kscan_lsp.cli.scan import Scan
from kscan_lsp.cli.scan import scan as scan_paths
from kscan_lsp.files.discover import discover
from kscan_lsp.report.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

MOST: Final = 200
"""Entries of one list in an answer."""
MAX_TEXT: Final = 1_000_000
"""Characters of a text that comes with a question."""
_LONGEST: Final = 500
"""Characters of anything that is quoted from a workspace."""


class Question(ScanRequest, frozen=True):
    """What an agent asked about: paths, or a text in place of them."""

    text: str = ""


def asked(
    path: str, text: str, name: str, frameworks: Sequence[str] = (), controls: Sequence[str] = ()
) -> Question:
    """What is to be looked at.

    Args:
        path: a file or folder below the working directory; empty where there is a text.
        text: a manifest.
        name: what to call the text.
        frameworks: those to check, in place of the settings'.
        controls: those to check and no others.

    Raises:
        UsageError: both or neither is named, or the path leads out of the folder.
    """
    if bool(path) == bool(text):
        raise UsageError("name a path, or give a text: one of the two")
    if len(text) > MAX_TEXT:
        raise UsageError(f"a text may have {MAX_TEXT:,} characters; write it to a file and name that")
    if path:
        inside(path)
    ids = tuple(one.upper() for one in controls)
    return Question((path or STDIN,), None, tuple(frameworks), ids, name, text=text)


def inside(path: str) -> Path:
    """A path below the working directory, links followed.

    Raises:
        UsageError: it leads elsewhere.
    """
    real = os.path.realpath(path.replace("\0", ""))
    if path == STDIN or "\0" in path or not Path(real).is_relative_to(os.path.realpath(".")):
        raise UsageError(f"'{quoted(path)}' is not below the folder that kscan was started in")
    return Path(real)


def scanned(asked: Question, today: date) -> Scan:
    """The files that were asked about, as judged.

    Raises:
        UsageError: as `scan.scan`.
    """
    text = asked.text.encode("utf-8", "replace")
    overlays = partial(built_overlays, inside=".")
    return scan_paths(asked, today, text, discover, charts=rendered_charts, overlays=overlays)


def some(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first of what is listed beside the answer."""
    return list(islice(entries, 20))


def quoted(text: str) -> str:
    """Text from a workspace, on one line and not too long; what steers a terminal or hides is made visible."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."
