"""Messages come in whatever pieces the system hands them over, and one that is wrong costs itself only."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from lsprotocol import types
from support.stdio import framed, received

from kscan_lsp.lsp.server.main import create

if TYPE_CHECKING:
    from kscan_lsp.lsp.server.server import Server

URI = "untitled:a.yaml"


def test_a_large_message_arrives() -> None:
    body = b"x" * 3_000_000
    assert received(framed(body) + framed(b"y"), [1 << 16]) == [body, b"y"]


@pytest.mark.parametrize(
    "header",
    [
        b"content-length:%d\r\n\r\n",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: %d\r\n\r\n",
        b"Content-Length: %d\r\nContent-Type: x\r\n\r\n",
        b"\r\nContent-Length: %d\r\n\r\n",
        b"Content-Length: none\r\nContent-Length: %d\r\n\r\n",
    ],
)
def test_headers_are_read_with_patience(header: bytes) -> None:
    assert received(framed(b"{}", header) + framed(b"[]"), [7]) == [b"{}", b"[]"]


@pytest.mark.parametrize("rest", [b"Content-Length: 9\r\n\r\nshort", b"Content-Le", b"Content-Length: 5\r\n"])
def test_a_message_that_breaks_off_is_none(rest: bytes) -> None:
    assert received(framed(b"{}") + rest, [100]) == [b"{}"]


def test_what_is_no_protocol_ends_the_stream(caplog: pytest.LogCaptureFixture) -> None:
    assert received(framed(b"{}") + b"x" * 200_000, [1 << 16]) == [b"{}"]
    assert "no message" in caplog.text


def say(server: Server, method: str, params: object) -> None:
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    server.protocol.receive(json.dumps(message).encode())


def opened(text: str) -> Server:
    server = create()
    item = {"uri": URI, "languageId": "yaml", "version": 1, "text": text}
    say(server, types.TEXT_DOCUMENT_DID_OPEN, {"textDocument": item})
    return server


def edit(server: Server, version: int, *changes: object) -> str:
    document = {"uri": URI, "version": version}
    say(server, types.TEXT_DOCUMENT_DID_CHANGE, {"textDocument": document, "contentChanges": changes})
    return server.session.documents[URI].index.text


def at(line: int, start: int, end: int) -> dict:
    return {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}


def test_changes_are_applied_whatever_they_are_made_of() -> None:
    async def type_it() -> None:
        server = opened("a: 1\n")
        assert edit(server, 2, {"range": at(0, 3, 4), "text": "2"}) == "a: 2\n"
        assert (
            edit(server, 3, {"range": at(0, 3, 4), "rangeLength": 1, "text": "\U0001f600"})
            == "a: \U0001f600\n"
        )
        # an editor that counts UTF-16 can cut a pair in two; that is JSON, but no Unicode
        assert edit(server, 4, {"range": at(0, 0, 1), "text": "\ud83d"}) == "\ud83d: \U0001f600\n"
        assert edit(server, 5, {"text": "b: 1\n"}, {"range": at(0, 0, 1), "text": "c"}) == "c: 1\n"
        assert server.session.documents[URI].version == 5

    asyncio.run(type_it())


def test_one_bad_message_costs_itself_only(caplog: pytest.LogCaptureFixture) -> None:
    async def type_it() -> None:
        server = opened("a: 1\n")
        for body in (b"{", b"\xff", b"[]", b'{"jsonrpc":"2.0","method":"textDocument/didChange","params":7}'):
            server.protocol.receive(body)
        assert edit(server, 2, {"range": at(0, 3, 4), "text": "2"}) == "a: 2\n"

    asyncio.run(type_it())
    assert caplog.text.count("could not be handled") >= 3
