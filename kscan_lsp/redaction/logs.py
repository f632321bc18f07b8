"""Logs without secrets: a manifest may stand in the text of an exception, and in what a library logs about a message.

Of an exception its type and its way through the program are logged, and not its text.
"""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING

from kscan_lsp.redaction.texts import redact

if TYPE_CHECKING:
    from types import TracebackType


class RedactingFormatter(logging.Formatter):
    """Formats records with what may be a secret in them masked."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as text. What is no message of ours has arguments, and one that is an exception is named only."""
        arguments = record.args
        if isinstance(arguments, tuple):
            record.args = tuple(_named(one) if isinstance(one, BaseException) else one for one in arguments)
        try:
            return redact(super().format(record))
        finally:
            record.args = arguments
            record.exc_text = None  # another formatter makes its own

    def formatException(  # noqa: N802 - the name is that of the standard library
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        """The way of an exception through the program, and its type."""
        kind, error, trace = ei
        if kind is None or error is None:
            return ""
        lines = ["Traceback (most recent call last):\n", *traceback.format_tb(trace), _named(error)]
        return "".join(lines)


def _named(error: BaseException) -> str:
    """The type of an exception, and what the operating system says where it says something."""
    system = getattr(error, "strerror", None) if isinstance(error, OSError) else None
    return f"{type(error).__name__}: {system}" if system else type(error).__name__
