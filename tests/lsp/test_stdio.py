"""Messages come in whatever pieces the system hands them over, and one that is wrong costs itself only."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from lsprotocol import types
from support.stdio import framed, received

from kscan_lsp.lsp.server.main import create
from kscan_lsp.lsp.server.stdio import Outbox, taker

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


GARBAGE = [
    b"Content-Length: -5\r\n\r\n{}",
    b"Content-Length: 99999999999999999999\r\n\r\n{}",
    b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}",
    b"Content-Length: 5e3\r\n\r\n{}",
    b"Content-Type: x\r\n\r\n",
    b"\r\n\r\n\r\n\r\n",
    b'{"jsonrpc": "2.0", "id": 1}',
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    bytes(range(256)),
    b"x" * 200_000,
    b"\r\n" * 100_000,
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda garbage: repr(garbage[:20]))
@pytest.mark.parametrize("size", [1, 1 << 16])
def test_what_is_no_message_is_passed_over(
    garbage: bytes, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    if size == 1:
        garbage = garbage[-300:]
    data = framed(b"{}") + garbage + framed(b"[1]") + framed(b"[2]")
    assert received(data, [size])[-2:] == [b"[1]", b"[2]"]
    assert len(caplog.records) <= 1


@given(st.lists(st.binary(max_size=40) | st.sampled_from(GARBAGE[:8]), max_size=4))
def test_the_last_message_arrives_after_any_garbage(garbage: list[bytes]) -> None:
    """Unless the garbage promises a message itself, which then is what comes next."""
    data = b"".join(garbage)
    assume(not re.search(rb"(?i)content-length[ \t]*:[ \t]*[0-9]{1,10}[ \t]*\r?$", data + b"\r"))
    assert received(data + framed(b"[1]"), [7])[-1:] == [b"[1]"]


def say(server: Server, method: str, params: object, **more: object) -> None:
    message = {"jsonrpc": "2.0", "method": method, "params": params, **more}
    server.protocol.receive(json.dumps(message).encode())


def greeted() -> Server:
    server = create()
    say(server, types.INITIALIZE, {"processId": None, "rootUri": None, "capabilities": {}}, id=0)
    return server


def opened(text: str) -> Server:
    server = greeted()
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
    assert caplog.text.count("a message was refused") == 4
    assert "Traceback" not in caplog.text


def test_nothing_is_kept_of_what_has_been_handled() -> None:
    """Neither of notifications nor of commands, which pygls would keep for good."""

    async def talk() -> None:
        server = greeted()
        say(server, types.INITIALIZED, {})
        for number in range(1, 20):
            say(server, types.WORKSPACE_DID_CHANGE_CONFIGURATION, {"settings": {}})
            say(server, types.WORKSPACE_EXECUTE_COMMAND, {"command": "kscan.frameworks"}, id=number)
        while server.protocol._request_futures:
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(talk(), 60))


# An editor that does not read


class Sink:
    """An editor that takes messages when a test lets it."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.reads, self.waits = threading.Event(), threading.Event()

    def write(self, data: bytes) -> None:
        self.waits.set()
        self.reads.wait()
        self.taken.append(data)

    def flush(self) -> None:
        """Nothing is kept back."""


def test_what_an_editor_does_not_read_waits_and_only_the_latest_of_it() -> None:
    sink = Sink()
    outbox = Outbox(sink, lambda: None)
    outbox.write(b"first")
    sink.waits.wait()
    for number in range(1000):
        outbox.write(b"a%d" % number, replaces="a")
        outbox.write(b"b%d" % number, replaces="b")
        if number % 500 == 0:
            outbox.write(b"answer%d" % number)
    sink.reads.set()
    outbox.close()
    assert sink.taken == [b"first", b"answer0", b"answer500", b"a999", b"b999"]


@pytest.mark.parametrize("way", ["pipe", "socket"])
def test_what_fits_is_sent_at_once_and_the_rest_in_order(way: str) -> None:
    """More than a pipe or a socket holds, in messages of all sizes, to somebody who begins to read late."""
    if way == "pipe":
        reading, writing = os.pipe()
    else:
        reading, writing = (end.detach() for end in socket.socketpair())
    messages = [
        bytes([65 + number]) * size for number, size in enumerate((1, 40_000, 70_000, 9, 900_000, 3, 500_000))
    ]
    with os.fdopen(writing, "wb") as sink, os.fdopen(reading, "rb") as source:
        take = taker(writing)
        outbox = Outbox(sink, lambda: None, take)
        for message in messages:
            outbox.write(message)
        assert source.read(sum(map(len, messages))) == b"".join(messages)
        outbox.close()
        if way == "socket" or sys.platform == "linux":
            assert take(b"all") == 3
            assert source.read(3) == b"all"


def test_an_editor_that_has_gone_is_heard_of_once() -> None:
    class Gone(Sink):
        def write(self, data: bytes) -> None:
            raise BrokenPipeError

    heard = threading.Semaphore(0)
    outbox = Outbox(Gone(), heard.release)
    outbox.write(b"one")
    heard.acquire()
    outbox.write(b"two")
    outbox.close()
    assert not heard.acquire(blocking=False)
