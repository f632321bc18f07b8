"""pygls' protocol, but for things that it does for every keystroke and that would cost most of the time.

Its text mirror is slow on large files and wrong on some line separators; ours is in `session/document.py`. For every
notification it makes a future, a context and two identifiers, and runs a generator; what becomes of documents goes
straight to its handler (see `wire.py`). And it would make an object of every diagnostic in an answer; ours are JSON
text (see `convert.py`).

What is no message, or comes at the wrong time, is refused as the protocol has it, with one line in the log. pygls would
leave a request that it cannot read without an answer, and log the way to the place where it could not.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcParseError,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol, lsp_method
from pygls.protocol.json_rpc import JsonRPCNotification, JsonRPCRequestMessage, JsonRPCResponseMessage

from kscan_lsp.lsp import convert, wire

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from concurrent.futures import Future

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

    greeted = False
    """Whether the editor has said hello; before that, nothing else is listened to."""

    def receive(self, body: bytes) -> None:
        """Handle one message as it came; what goes wrong is logged, and the next one handled all the same."""
        try:
            changes = wire.did_change(body) if self.greeted and not self._shutdown else None
            if changes is not None:
                self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE](changes)
            elif (message := self._read(body)) is not None:
                self.handle_message(message)
        except Exception as error:
            logger.exception("a message could not be handled")
            self._server.report_server_error(error, JsonRpcException)

    def _read(self, body: bytes) -> RPCMessage | None:
        """A message, if it is one and its time has come; else it is refused."""
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            self._refuse(None, JsonRpcParseError(message="this is not JSON"))
            return None
        if not isinstance(data, dict):
            self._refuse(None, JsonRpcInvalidRequest(message="this is no message of JSON-RPC"))
            return None
        identifier, method = data.get("id"), data.get("method")
        known = identifier if isinstance(identifier, str | int) and not isinstance(identifier, bool) else None
        if data.get("jsonrpc") != self.VERSION:
            self._refuse(known, JsonRpcInvalidRequest(message="this is no message of JSON-RPC 2.0"))
            return None
        if "method" not in data:
            return self._answer(data, known)
        if not isinstance(method, str) or ("id" in data and known is None):
            self._refuse(
                known, JsonRpcInvalidRequest(message="a method is a text, and an id a text or a number")
            )
            return None
        if complaint := self._complaint(method):
            if "id" in data:
                self._refuse(known, complaint)
            return None  # a notification at the wrong time is dropped, as the protocol has it
        if self.get_message_type(method) is None:
            data.setdefault("params", None)
        try:
            message: RPCMessage = self.structure_message(data)
        except JsonRpcException:
            self._refuse(known, JsonRpcInvalidParams(message="these are no parameters of this method"))
            return None
        if hasattr(message, "id") != ("id" in data):
            self._refuse(known, JsonRpcInvalidRequest(message="a request has an id, a notification has none"))
            return None
        self.greeted = self.greeted or method == types.INITIALIZE
        return message

    def _answer(self, data: dict[str, Any], known: str | int | None) -> RPCMessage | None:
        """An answer of the editor to a request of ours; None for what answers nothing."""
        if known not in self._request_futures:
            logger.warning("an answer to nothing that was asked is passed over")
            return None
        if "error" not in data:
            data.setdefault("result", None)
        try:
            answer: RPCMessage = self.structure_message(data)
        except JsonRpcException:
            self._handle_response(
                known, error=types.ResponseError(JsonRpcInvalidParams.CODE, "no such answer")
            )
            return None
        return answer

    def _complaint(self, method: str) -> JsonRpcException | None:
        """Why a message is not to be handled now."""
        if method == types.EXIT:
            return None
        if self._shutdown:
            return JsonRpcInvalidRequest(message="the server is shutting down")
        if not self.greeted and method != types.INITIALIZE:
            return JsonRpcServerNotInitialized(message="the first request must be 'initialize'")
        if self.greeted and method == types.INITIALIZE:
            return JsonRpcInvalidRequest(message="'initialize' was asked before")
        return None

    def _refuse(self, identifier: str | int | None, error: JsonRpcException) -> None:
        logger.warning("a message was refused: %s", error.message)
        refusal = {"code": error.code, "message": error.message}
        # an id is there even if nobody knows it; of a notification that cannot be read nobody knows that it is one
        self._send_data({"jsonrpc": self.VERSION, "id": identifier, "error": refusal})

    def structure_message(self, data: dict[str, Any]) -> Any:
        """A message as an object.

        Raises:
            JsonRpcInvalidParams: it is not what its method has.
        """
        kind: Any
        if "method" in data:
            generic = JsonRPCRequestMessage if "id" in data else JsonRPCNotification
            kind = self.get_message_type(data["method"]) or generic
        elif "error" in data:
            kind = types.ResponseErrorMessage
        else:
            kind = self._result_types.pop(data["id"], None) or JsonRPCResponseMessage
        try:
            return self._converter.structure(data, kind)
        except Exception as error:  # the converter raises whatever it likes
            raise JsonRpcInvalidParams from error

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

    def _execute_handler(
        self,
        msg_id: str | int,
        handler: Callable[..., Any],
        callback: Callable[[Future[Any]], None],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        """Run a handler. pygls would keep what came of each notification and command for good."""
        super()._execute_handler(msg_id, handler, callback, args, kwargs)
        future = self._request_futures.get(msg_id)

        def forget(done: Future[Any]) -> None:
            if self._request_futures.get(msg_id) is done:
                del self._request_futures[msg_id]

        if future is not None:
            future.add_done_callback(forget)

    def _handle_cancel_notification(self, msg_id: str | int) -> None:
        """Give up a request; one that has its answer by now, as most have, is no news."""
        if msg_id in self._request_futures:
            super()._handle_cancel_notification(msg_id)

    def _send_handler_result(self, future: Future[Any], *, msg_id: str | int) -> None:
        """Answer a request; one that a handler refused costs a line of the log."""
        error = None if future.cancelled() else future.exception()
        if isinstance(error, JsonRpcException):
            self._request_futures.pop(msg_id, None)
            self._refuse(msg_id, error)
        else:
            super()._send_handler_result(future, msg_id=msg_id)

    def _send_response(
        self, msg_id: str | int, result: Any = None, error: types.ResponseError | None = None
    ) -> None:
        """An answer that is JSON text already goes out as it is: thousands of diagnostics are no objects here."""
        if isinstance(result, convert.Json) and self.writer is not None:
            self._result_types.pop(msg_id, None)
            self.writer.write(convert.response(msg_id, result))
        else:
            super()._send_response(msg_id, result, error)
