"""The real server in a process of its own, and a client as thin as can be, which can also send what no client would."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.stdio import framed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STATUS = "/proc/{}/status"


class Server:
    """A server with a folder, and a client as thin as can be."""

    def __init__(
        self,
        folder: Path | None,
        *,
        greet: bool = True,
        options: Any = None,
        capabilities: Any = None,
        arguments: Sequence[str] = (),
        log: Any = subprocess.DEVNULL,
        through: Sequence[str] = (),
    ) -> None:
        """Start a server.

        Args:
            folder: its workspace.
            greet: whether to do the handshake.
            options: its initialization options.
            capabilities: what the client can do besides.
            arguments: of its command line.
            log: where its standard error goes.
            through: a command that starts the one it is given.
        """
        self.folder, self.version, self.requests = folder, 1, 1
        self.said: list[dict[str, Any]] = []
        """All that was received."""
        command = [*through, sys.executable, "-m", "kscan_lsp", "lsp", *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        able = {"textDocument": {"publishDiagnostics": {"versionSupport": True}}, **(capabilities or {})}
        self.hello = {
            "processId": None,
            "rootUri": folder.as_uri() if folder else None,
            "capabilities": able,
            "initializationOptions": options,
        }
        if greet:
            self.greet()

    def greet(self) -> None:
        """Do the handshake."""
        assert "result" in self.ask("initialize", self.hello)
        self.send("initialized", {})

    def send(self, method: str, params: Any, **more: Any) -> None:
        """Send a notification, or a request that `more` has the id of."""
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode()
        self.frame(framed(body))

    def frame(self, data: bytes) -> None:
        """Write bytes, whatever they are."""
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def ask(self, method: str, params: Any) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        self.requests += 1
        self.send(method, params, id=self.requests)
        return self.answer(self.requests)

    def answer(self, number: str | int | None) -> dict[str, Any]:
        """Wait for the answer to a request; what else comes meanwhile is kept in `said`."""
        while True:
            message = self.receive()
            if "method" not in message and message.get("id") == number:
                return message

    def end(self) -> int:
        """Say goodbye; the exit status."""
        self.ask("shutdown", None)
        self.send("exit", None)
        return self.process.wait()

    def kill(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(BrokenPipeError):
                pipe.close()
        self.process.wait()

    def receive(self) -> dict[str, Any]:
        """The next message."""
        length = 0
        while line := self.process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name == b"Content-Length" else length
        assert length, "the server has ended"
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        self.said.append(message)
        return message

    def until(self, uri: str, holds: Callable[[Any], bool]) -> None:
        """Wait for diagnostics of a document that something holds for."""
        while True:
            message = self.receive()
            if message.get("method") == "textDocument/publishDiagnostics":
                params = message["params"]
                if params["uri"] == uri and holds(params):
                    return

    def open(self, path: Path | str, text: str) -> str:
        """Open a document; a text is taken for its URI."""
        uri = path if isinstance(path, str) else path.as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.send("textDocument/didOpen", {"textDocument": document})
        return uri

    def edit(self, uri: str, text: str) -> int:
        """Replace the text of a document; its version."""
        self.version += 1
        document = {"uri": uri, "version": self.version}
        self.send("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})
        return self.version

    def close(self, uri: str) -> None:
        """Close a document."""
        self.send("textDocument/didClose", {"textDocument": {"uri": uri}})

    def memory(self) -> int:
        """What the process holds, in kB, whether or not the system has put it aside."""
        status = Path(STATUS.format(self.process.pid)).read_text(encoding="ascii")
        rows = dict(line.split(":") for line in status.splitlines())
        return sum(int(rows[name].split()[0]) for name in ("RssAnon", "VmSwap"))
