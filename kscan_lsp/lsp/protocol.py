"""pygls' protocol, but for two things that it does for every keystroke and that would cost most of the time.

Its text mirror is slow on large files and wrong on some line separators; ours is in `session.py`. And it would make an
object of every diagnostic in an answer; ours are JSON text (see `convert.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.language_server import lsp_method

from kscan_lsp.lsp import convert

if TYPE_CHECKING:
    from collections.abc import Generator


class Protocol(LanguageServerProtocol):
    """How messages are handled and answers sent."""

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(
        self, params: types.DidOpenTextDocumentParams
    ) -> Generator[Any, Any, None]:
        """Straight to our handler."""
        yield self.fm.features[types.TEXT_DOCUMENT_DID_OPEN], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(
        self, params: types.DidChangeTextDocumentParams
    ) -> Generator[Any, Any, None]:
        """Straight to our handler."""
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(
        self, params: types.DidCloseTextDocumentParams
    ) -> Generator[Any, Any, None]:
        """Straight to our handler."""
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CLOSE], (params,), None

    def _send_response(
        self, msg_id: str | int, result: Any = None, error: types.ResponseError | None = None
    ) -> None:
        """An answer that is JSON text already goes out as it is: thousands of diagnostics are no objects here."""
        if isinstance(result, convert.Json) and self.writer is not None:
            self._result_types.pop(msg_id, None)
            self.writer.write(convert.response(msg_id, result))
        else:
            super()._send_response(msg_id, result, error)
