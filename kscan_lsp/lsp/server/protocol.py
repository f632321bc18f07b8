"""pygls' protocol, but for things that it does for every keystroke and that would cost most of the time.

Its text mirror is slow on large files and wrong on some line separators; ours is in `session/document.py`. For every
notification it makes a future, a context and two identifiers, and runs a generator; what becomes of documents goes
straight to its handler (see `wire.py`). And it would make an object of every diagnostic in an answer; ours are JSON
text (see `convert.py`).
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.protocol import LanguageServerProtocol, lsp_method

from kscan_lsp.lsp import convert, wire

if TYPE_CHECKING:
    from collections.abc import Generator

    from pygls.protocol.json_rpc import RPCMessage

logger = logging.getLogger(__name__)

_STRAIGHT: Final[dict[type, str]] = {
    types.DidOpenTextDocumentNotification: types.TEXT_DOCUMENT_DID_OPEN,
    types.DidChangeTextDocumentNotification: types.TEXT_DOCUMENT_DID_CHANGE,
    types.DidCloseTextDocumentNotification: types.TEXT_DOCUMENT_DID_CLOSE,
}
"""What goes to our handler and nowhere else."""


class Protocol(LanguageServerProtocol):
    """How messages are handled and answers sent."""

    def receive(self, body: bytes) -> None:
        """Handle one message as it came; what goes wrong is logged, and the next one handled all the same."""
        try:
            changes = None if self._shutdown else wire.did_change(body)
            if changes is not None:
                self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE](changes)
            else:
                self.handle_message(json.loads(body, object_hook=self.structure_message))
        except Exception as error:
            logger.exception("a message could not be handled")
            self._server.report_server_error(error, JsonRpcException)

    def handle_message(self, message: RPCMessage) -> None:
        """What becomes of documents is handled at once, anything else as pygls does it."""
        name = _STRAIGHT.get(type(message))
        if name is None or self._shutdown:
            super().handle_message(message)
        else:
            self.fm.features[name](message.params)  # type: ignore[union-attr]

    @lsp_method(types.SHUTDOWN)
    def lsp_shutdown(self, *_: Any) -> Generator[Any, Any, None]:
        """Cancel what is under way. What is cancelled leaves the table of requests at once: pygls trips over that."""
        answering = self.msg_id
        for request, future in list(self._request_futures.items()):
            if request != answering:
                future.cancel()
        self._shutdown = True
        yield from ()  # what pygls expects of a method of its own

    def _send_response(
        self, msg_id: str | int, result: Any = None, error: types.ResponseError | None = None
    ) -> None:
        """An answer that is JSON text already goes out as it is: thousands of diagnostics are no objects here."""
        if isinstance(result, convert.Json) and self.writer is not None:
            self._result_types.pop(msg_id, None)
            self.writer.write(convert.response(msg_id, result))
        else:
            super()._send_response(msg_id, result, error)
