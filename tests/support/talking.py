"""An editor's talk with the server in this process, what it would send kept in a list."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types

from kscan_lsp.lsp.server.main import create

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE: Final = 20
"""Seconds until what does not come is a failure."""


class Talk:
    """A server and what it has published."""

    def __init__(self, *folders: Path) -> None:
        self.server = create()
        self.session = self.server.session
        self.published: list[dict[str, Any]] = []
        self.warnings: list[str] = []
        self.server.publisher.send = self.receive
        self.server.settings._warn = self.warnings.append
        self.session.set_folders(list(folders))

    def receive(self, _: str, message: bytes) -> None:
        self.published.append(json.loads(message.partition(b"\r\n\r\n")[2])["params"])

    def handle(self, method: str, params: Any) -> None:
        self.server.protocol.fm.features[method](params)

    def open(self, path: Path, text: str) -> str:
        uri = path.as_uri()
        item = types.TextDocumentItem(uri, "yaml", 1, text)
        self.handle(types.TEXT_DOCUMENT_DID_OPEN, types.DidOpenTextDocumentParams(item))
        return uri

    def edit(self, uri: str, version: int, text: str) -> None:
        identifier = types.VersionedTextDocumentIdentifier(version, uri)
        change = types.TextDocumentContentChangeWholeDocument(text)
        self.handle(types.TEXT_DOCUMENT_DID_CHANGE, types.DidChangeTextDocumentParams(identifier, [change]))

    def close(self, uri: str) -> None:
        params = types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri))
        self.handle(types.TEXT_DOCUMENT_DID_CLOSE, params)

    def happened(self, path: Path) -> None:
        event = types.FileEvent(path.as_uri(), types.FileChangeType.Changed)
        self.handle(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, types.DidChangeWatchedFilesParams([event]))

    async def settled(self) -> None:
        """Wait until there is nothing left to do."""
        while tasks := set(self.server.background._tasks):
            await asyncio.wait_for(asyncio.wait(tasks), PATIENCE)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await self.server.changed.wait()

    def of(self, uri: str) -> list[dict[str, Any]]:
        return [one for one in self.published if one["uri"] == uri]

    def codes(self, uri: str) -> set[str]:
        """What is shown of a document now."""
        return {found["code"] for found in self.of(uri)[-1]["diagnostics"]}
