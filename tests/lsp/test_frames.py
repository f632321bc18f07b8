"""What no editor should send, sent to the real server: it answers as the protocol has it, and goes on."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from support.manifests import DOCUMENTS
from support.processes import Server
from support.stdio import framed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 60  # seconds for a test; what does not come by then never will
PARSE, REQUEST, METHOD, PARAMS, NOT_GREETED = -32700, -32600, -32601, -32602, -32002


class Logged(Server):
    """A server whose log a test reads."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.log = path / "log"
        with self.log.open("wb") as log:
            super().__init__(None, log=log, **options)
        self.patience = threading.Timer(PATIENCE, self.process.kill)
        self.patience.start()

    def lines(self) -> list[str]:
        """The log; nothing in it is a traceback."""
        text = self.log.read_text(encoding="utf-8")
        assert "Traceback" not in text
        return text.splitlines()

    def refusal(self, body: object, number: str | int | None = None) -> int:
        """The code that a message is refused with."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.frame(framed(data))
        error: int = self.answer(number)["error"]["code"]
        return error

    def is_alive(self) -> None:
        """It shows what is wrong in a document, as ever."""
        uri = self.open(f"untitled:{self.requests}.yaml", DOCUMENTS[0])
        self.until(uri, lambda shown: any(found["code"] == "C-0057" for found in shown["diagnostics"]))
        assert "result" in self.ask("textDocument/hover", at(uri, 0, 0))
        self.close(uri)

    def finish(self) -> None:
        self.patience.cancel()
        self.kill()


def at(uri: str, line: int, character: int) -> dict[str, Any]:
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}


def message(**more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", **more}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Logged]:
    server = Logged(tmp_path)
    yield server
    server.finish()


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Logged]:
    """A server that nobody has said hello to."""
    server = Logged(tmp_path, greet=False)
    yield server
    server.finish()


def test_what_is_no_message_is_refused_and_costs_itself_only(server: Logged) -> None:
    for body, code in {
        b"{": PARSE,
        b"\xff\xfe\xfa": PARSE,
        b'{"jsonrpc": "2.0", "method": "\xed\xa0\x80"}': None,
        b"[" * 100_000: PARSE,
        b"9" * 5_000: PARSE,
        b"": None,
        b"7": REQUEST,
        b"null": REQUEST,
        b'["jsonrpc"]': REQUEST,
        b'[{"jsonrpc": "2.0", "id": 1, "method": "shutdown"}]': REQUEST,
        b"{}": REQUEST,
        b'{"jsonrpc": "2.0", "id": [1], "method": "shutdown"}': REQUEST,
        b'{"jsonrpc": "2.0", "id": true, "method": "shutdown"}': REQUEST,
        b'{"jsonrpc": "2.0", "id": null, "method": "shutdown"}': REQUEST,
        b'{"jsonrpc": "2.0", "method": 7}': REQUEST,
        b'{"jsonrpc": "2.0", "method": "textDocument/didChange", "params": 7}': PARAMS,
        b'{"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": {"uri": 1}}}': PARAMS,
        b'{"jsonrpc": "2.0", "method": "textDocument/hover", "params": {}}': PARAMS,
    }.items():
        if code is None:
            server.frame(framed(body))
        else:
            assert server.refusal(body) == code, body
    server.is_alive()
    assert len(server.lines()) <= 30


def test_requests_that_cannot_be_read_have_an_answer(server: Logged) -> None:
    assert server.refusal(message(id=7, method="textDocument/hover", params=[]), 7) == PARAMS
    assert server.refusal(message(id=8, method="no/such", params={}), 8) == METHOD
    assert server.refusal(message(id=9, method="no/such"), 9) == METHOD
    edit = {"textDocument": {"uri": "untitled:a", "version": 2}, "contentChanges": []}
    assert server.refusal(message(id="c", method="textDocument/didChange", params=edit), "c") == REQUEST
    assert server.refusal({"jsonrpc": "1.0", "id": "a", "method": "shutdown"}, "a") == REQUEST
    assert server.refusal(message(id="b", method=7), "b") == REQUEST
    assert server.refusal(message(id=10, method="textDocument/didOpen", params={}), 10) == PARAMS
    opened = {"textDocument": {"uri": "untitled:a", "languageId": "yaml", "version": 1, "text": ""}}
    assert server.refusal(message(id=11, method="textDocument/didOpen", params=opened), 11) == REQUEST
    assert (
        server.refusal(message(id=12, method="workspace/executeCommand", params={"command": "no"}), 12)
        == PARAMS
    )
    for number, arguments in enumerate(([], [1], [{}], ["a", "b"]), 13):
        asked = {"command": "kscan.status", "arguments": arguments}
        answer = json.dumps(message(id=number, method="workspace/executeCommand", params=asked)).encode()
        server.frame(framed(answer))
        assert server.answer(number)
    server.is_alive()
    server.lines()


def test_answers_to_nothing_are_passed_over(server: Logged) -> None:
    for body in (
        message(id=4711, result=None),
        message(id="x", error={"code": 1, "message": "no"}),
        message(id=4711),
        message(result=1),
        message(id=[], result=1),
    ):
        server.frame(framed(json.dumps(body).encode()))
    server.is_alive()
    assert len(server.lines()) == 5


@pytest.mark.parametrize(
    "frame",
    [
        b"Content-Length: -5\r\n\r\n{}",
        b"Content-Length: 99999999999999\r\n\r\n{}",
        b"Content-Length: \xd9\xa5\r\n\r\n{}",
        b"Content-Type: x\r\n\r\n{}",
        b"garbage\r\n\r\n\x00\xff" * 20_000,
        b"Content-Length: 2\r\n\r\n{}}}}}",
    ],
    ids=["negative", "huge", "no digit", "no length", "garbage", "too short"],
)
def test_malformed_frames_cost_themselves_only(server: Logged, frame: bytes) -> None:
    server.frame(frame)
    server.is_alive()
    assert len(server.lines()) <= 3


def test_before_hello_nothing_is_answered_and_nothing_done(stranger: Logged) -> None:
    asked = at("untitled:a", 0, 0)
    stranger.open("untitled:a", DOCUMENTS[0])
    assert stranger.refusal(message(id=1, method="textDocument/hover", params=asked), 1) == NOT_GREETED
    assert stranger.refusal(message(id=2, method="shutdown"), 2) == NOT_GREETED
    assert stranger.refusal(message(id=3, method="no/such"), 3) == NOT_GREETED
    assert [m for m in stranger.said if "method" in m] == []
    stranger.greet()
    assert stranger.refusal(message(id=4, method="initialize", params=stranger.hello), 4) == REQUEST
    stranger.is_alive()
    stranger.lines()


def test_after_goodbye_nothing_is_answered(server: Logged) -> None:
    server.ask("shutdown", None)
    assert (
        server.refusal(message(id=7, method="textDocument/hover", params=at("untitled:a", 0, 0)), 7)
        == REQUEST
    )
    assert server.refusal(message(id=8, method="shutdown"), 8) == REQUEST
    assert server.refusal(message(id=9, method="initialize", params=server.hello), 9) == REQUEST
    server.open("untitled:a", DOCUMENTS[0])
    server.send("exit", None)
    assert server.process.wait() == 0
    server.lines()


def test_exit_without_hello_ends_it(stranger: Logged) -> None:
    stranger.send("exit", None)
    assert stranger.process.wait() == 1
    stranger.lines()
