"""Where a command writes: reports to standard output or a file, all else to standard error, and a log.

How wide a screen is and whether it shows colours is told from the environment. What has to know more about
terminals (rich) is imported only where there is one.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Final, NoReturn

from kscan_lsp import __version__
from kscan_lsp.files.writing import refusal, replace
from kscan_lsp.report.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from types import TracebackType

    from kscan_lsp.report.lines import Line, Screen

_WIDTH: Final = 80
"""Where nothing says how wide the screen is."""


def prepare() -> None:
    """What must hold before anything else is imported or written."""
    # pydantic, which mcp brings, looks through every installed package for plugins: foreign code in a security tool
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a report must not die of a character that the terminal or pipe cannot show
            stream.reconfigure(errors="backslashreplace")


def print_lines(render: Callable[[Screen], Iterable[Line]]) -> None:
    """Write to standard output what people read: lines made for its width and encoding."""
    from kscan_lsp.report.lines import Screen, plain_text

    if os.environ.get("FORCE_COLOR") or os.environ.get("TTY_COMPATIBLE") == "1" or sys.stdout.isatty():
        from kscan_lsp.report import colour

        terminal = colour.console(sys.stdout)
        colour.print_lines(render(Screen(terminal.width, terminal.encoding)), terminal)
    else:
        sys.stdout.write(plain_text(render(Screen(_width(), sys.stdout.encoding or "utf-8"))))


def _width() -> int:
    """That of the terminal from which the command was started: a pager may be behind standard output."""
    if (columns := os.environ.get("COLUMNS", "")).isdigit():
        return int(columns) or _WIDTH
    for stream in (0, 1, 2):
        try:
            return os.get_terminal_size(stream).columns or _WIDTH
        except OSError:
            continue
    return _WIDTH


def is_output_with_errors() -> bool:
    """Whether standard output and standard error end up in one place, such as a terminal."""
    try:
        return os.path.sameopenfile(sys.stdout.fileno(), sys.stderr.fileno())
    except (OSError, ValueError):  # not a file of the system
        return False


def write_output(text: str | Iterable[str], output: Path | None = None) -> None:
    """Write a report to a file, or to standard output, in UTF-8 and with these line ends on every platform.

    Args:
        text: the report, at once or in pieces.
        output: the file; None for standard output.
    """
    pieces = (text,) if isinstance(text, str) else text
    data = (piece.encode("utf-8", "backslashreplace") for piece in pieces)
    if output is not None:
        if reason := replace(output, data):
            fail(f"cannot write '{output}': {reason.removeprefix('it cannot be written: ')}")
        return
    sys.stdout.flush()
    if hasattr(sys.stdout, "buffer"):
        sys.stdout.buffer.writelines(data)
        sys.stdout.buffer.flush()
    else:
        sys.stdout.writelines(pieces)


def fail(message: str) -> NoReturn:
    """End the command: it is wrong itself."""
    print_error(f"kscan: {message}")
    sys.exit(2)


def print_error(text: str) -> None:
    """Write to standard error."""
    print(printable(text), file=sys.stderr)  # noqa: T201


def log_to(path: Path | None) -> None:
    """Write a log to a file, if one is named."""
    if path is None:
        return
    import logging
    import platform

    from kscan_lsp.redaction.logs import RedactingFormatter

    if reason := refusal(path):
        fail(f"cannot write '{path}': {reason}")
    try:
        handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        fail(f"cannot write '{path}': {error.strerror or error}")
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    # pygls writes whole messages, with the text of manifests, at INFO
    logging.getLogger("pygls").setLevel(logging.WARNING)
    log = logging.getLogger("kscan")
    log.info("kscan %s, Python %s, %s", __version__, platform.python_version(), platform.platform())
    report_to_user = sys.excepthook

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        log.critical("stopped by an error", exc_info=(kind, error, trace))
        report_to_user(kind, error, trace)

    sys.excepthook = report
