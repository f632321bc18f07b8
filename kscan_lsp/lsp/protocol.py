"""pygls' protocol, but for things that it does for every keystroke and that would cost most of the time.

Its text mirror is slow on large files and wrong on some line separators; ours is in `session.py`. For every
notification it makes a future, a context and two identifiers, and runs a generator. And it would make an object of
every diagnostic in an answer; ours are JSON text (see `convert.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types
from pygls.protocol import LanguageServerProtocol

from kscan_lsp.lsp import convert

if TYPE_CHECKING:
    from pygls.protocol.json_rpc import RPCMessage

_STRAIGHT: Final[dict[type, str]] = {
    types.DidOpenTextDocumentNotification: types.TEXT_DOCUMENT_DID_OPEN,
    types.DidChangeTextDocumentNotification: types.TEXT_DOCUMENT_DID_CHANGE,
    types.DidCloseTextDocumentNotification: types.TEXT_DOCUMENT_DID_CLOSE,
}
"""What goes to our handler and nowhere else."""


class Protocol(LanguageServerProtocol):
    """How messages are handled and answers sent."""

    def handle_message(self, message: RPCMessage) -> None:
        """What becomes of documents is handled at once, anything else as pygls does it."""
        name = _STRAIGHT.get(type(message))
        if name is None or self._shutdown:
            super().handle_message(message)
        else:
            self.fm.features[name](message.params)  # type: ignore[union-attr]

    def _send_response(
        self, msg_id: str | int, result: Any = None, error: types.ResponseError | None = None
    ) -> None:
        """An answer that is JSON text already goes out as it is: thousands of diagnostics are no objects here."""
        if isinstance(result, convert.Json) and self.writer is not None:
            self._result_types.pop(msg_id, None)
            self.writer.write(convert.response(msg_id, result))
        else:
            super()._send_response(msg_id, result, error)
