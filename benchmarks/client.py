"""A language client as thin as can be: one process, its two pipes, and the time at which a message had
arrived.

Nothing here comes from pygls, so that a change in a server's library cannot move the clock. The client reads
on the thread that writes: a measurement is "write, then read until the answer is complete", with no hand-over
in between. Requests of the server (its configuration, mostly) are answered while reading. It keeps no text of
its own.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PATIENCE = 60.0  # seconds without a byte from the server before we call it hung
CAPABILITIES = {
    "general": {"positionEncodings": ["utf-16"]},
    "workspace": {"configuration": True, "didChangeWatchedFiles": {"dynamicRegistration": True}},
    "textDocument": {
        "synchronization": {},
        "publishDiagnostics": {
            "versionSupport": True,
            "relatedInformation": True,
            "codeDescriptionSupport": True,
        },
    },
}


class Client:
    """A server process and the session with it; times are `time.perf_counter()` seconds."""

    def __init__(
        self, command: Sequence[str], root: Path, environment: Mapping[str, str], settings: Mapping[str, Any]
    ) -> None:
        """Start `command` in the workspace `root`; `settings` are what it may ask for, by section."""
        self.started = time.perf_counter()
        self._server = subprocess.Popen(
            command,
            cwd=root,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._to = self._server.stdin
        self._from = self._server.stdout.fileno()
        self._root = root
        self._settings = settings
        self._buffer = bytearray()
        self.codes: dict[str, list[str]] = {}
        """What the newest diagnostics of each document are about."""
        self.told: set[str] = set()
        """The documents that diagnostics have come for."""
        self._requests = 0

    def initialize(self, options: Mapping[str, Any] | None = None) -> None:
        """Do the handshake; `options` are the initialization options."""
        folder = {"uri": self._root.as_uri(), "name": "workspace"}
        self._requests += 1
        number = self._requests
        self._send(
            {
                "id": number,
                "method": "initialize",
                "params": {
                    "processId": os.getpid(),
                    "rootUri": folder["uri"],
                    "workspaceFolders": [folder],
                    "capabilities": CAPABILITIES,
                    "initializationOptions": options,
                },
            }
        )
        while self._receive()[1].get("id") != number:
            pass
        self.notify("initialized", {})

    def open(self, uri: str, text: str) -> dict[str, Any]:
        """Open a document as version 1 and give its first `publishDiagnostics`."""
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        return self._published(uri, 1)[1]

    def change(
        self, uri: str, version: int, changes: Sequence[Mapping[str, Any]]
    ) -> tuple[float, dict[str, Any]]:
        """Send one edit; give the seconds until the diagnostics of `version` were here, and those
        diagnostics.
        """
        params = {"textDocument": {"uri": uri, "version": version}, "contentChanges": changes}
        body = _encoded({"method": "textDocument/didChange", "params": params})
        began = time.perf_counter()
        self._write(body)
        arrived, published = self._published(uri, version)
        return arrived - began, published

    def until(self, uri: str, code: str) -> None:
        """Wait for diagnostics of a document that have a code among them."""
        while code not in {found.get("code") for found in self._published(uri, 1)[1]["diagnostics"]}:
            pass

    def next_codes(self, uri: str) -> set[str]:
        """Wait for the next diagnostics of a document, of whichever version, and give their codes."""
        while True:
            message = self._receive()[1]
            if message.get("method") == "textDocument/publishDiagnostics":
                params = message["params"]
                self.told.add(params["uri"])
                self.codes[params["uri"]] = [found.get("code") for found in params["diagnostics"]]
                if params["uri"] == uri:
                    return {str(code) for code in self.codes[uri]}

    def memory(self) -> float:
        """What the server holds in memory now, in MB; nan where the system does not tell."""
        try:
            status = Path(f"/proc/{self._server.pid}/status").read_text()
        except OSError:
            return float("nan")
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))

    def worked(self) -> float:
        """Seconds of processors that the server has used; nan where the system does not tell."""
        try:
            tasks = [path.read_text() for path in Path(f"/proc/{self._server.pid}/task").glob("*/schedstat")]
        except OSError:
            return float("nan")
        return sum(int(task.split()[0]) for task in tasks) / 1e9 if tasks else float("nan")

    def close(self, uri: str) -> None:
        """Close a document."""
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def stop(self) -> None:
        """End the process; nothing is measured any more, so it need not be asked."""
        self._server.kill()
        self._server.communicate()

    def _published(self, uri: str, version: int) -> tuple[float, dict[str, Any]]:
        """Wait for the diagnostics of a version (from a server that gives none, for the next ones)."""
        while True:
            arrived, message = self._receive()
            if message.get("method") == "textDocument/publishDiagnostics":
                params = message["params"]
                self.told.add(params["uri"])
                self.codes[params["uri"]] = [found.get("code") for found in params["diagnostics"]]
                if params["uri"] == uri and params.get("version", version) == version:
                    return arrived, params

    def _receive(self) -> tuple[float, dict[str, Any]]:
        """The next message that is not a request, and when its last byte had been read."""
        while True:
            header = self._read_until(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in header.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            )
            body = self._read(length)
            arrived = time.perf_counter()
            message = json.loads(body)
            if "method" in message and "id" in message:
                self._answer(message)
            else:
                return arrived, message

    def _answer(self, request: Mapping[str, Any]) -> None:
        result = None
        if request["method"] == "workspace/configuration":
            result = [self._settings.get(item.get("section")) for item in request["params"]["items"]]
        self._send({"id": request["id"], "result": result})

    def _send(self, message: Mapping[str, Any]) -> None:
        self._write(_encoded(message))

    def _write(self, data: bytes) -> None:
        self._to.write(data)
        self._to.flush()

    def _read_until(self, mark: bytes) -> bytes:
        while (end := self._buffer.find(mark)) < 0:
            self._fill()
        return self._taken(end + len(mark))

    def _read(self, length: int) -> bytes:
        while len(self._buffer) < length:
            self._fill()
        return self._taken(length)

    def _taken(self, length: int) -> bytes:
        taken = bytes(self._buffer[:length])
        del self._buffer[:length]
        return taken

    def _fill(self) -> None:
        if not select.select([self._from], [], [], PATIENCE)[0]:
            msg = f"no word from the server for {PATIENCE:.0f} seconds: {self._server.args}"
            raise TimeoutError(msg)
        chunk = os.read(self._from, 1 << 20)
        if not chunk:
            msg = f"the server has ended: {self._server.args}"
            raise ConnectionError(msg)
        self._buffer += chunk


def _encoded(message: Mapping[str, Any]) -> bytes:
    """A message with its header."""
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
