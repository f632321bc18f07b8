"""A server that runs all day holds what it holds after an hour.

Measured on a process of its own, as the system counts it: memory of the CEL runtime and what the allocator keeps are
in there, too, and nothing that a test does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.manifests import DOCUMENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STATUS = "/proc/{}/status"
GROWTH = 1.05
PATIENCE = 120  # seconds for a test; what does not come by then never will

pytestmark = pytest.mark.skipif(not Path(STATUS.format("self")).exists(), reason="only Linux tells this way")


class Server:
    """A server with a folder, and a client as thin as can be."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.version = folder, 1
        command = [sys.executable, "-m", "kscan_lsp", "lsp"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        capabilities = {"textDocument": {"publishDiagnostics": {"versionSupport": True}}}
        params = {"processId": None, "rootUri": folder.as_uri(), "capabilities": capabilities}
        self.send("initialize", params, id=1)
        while self.receive().get("id") != 1:
            pass
        self.send("initialized", {})

    def send(self, method: str, params: Any, **more: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        length = 0
        while line := self.process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name == b"Content-Length" else length
        assert length, "the server has ended"
        return json.loads(self.process.stdout.read(length))

    def until(self, uri: str, holds: Callable[[Any], bool]) -> None:
        """Wait for diagnostics of a document that something holds for."""
        while True:
            message = self.receive()
            if message.get("method") == "textDocument/publishDiagnostics":
                params = message["params"]
                if params["uri"] == uri and holds(params):
                    return

    def open(self, path: Path, text: str) -> str:
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": text}
        self.send("textDocument/didOpen", {"textDocument": document})
        return document["uri"]

    def edit(self, uri: str, text: str) -> int:
        self.version += 1
        document = {"uri": uri, "version": self.version}
        self.send("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})
        return self.version

    def close(self, uri: str) -> None:
        self.send("textDocument/didClose", {"textDocument": {"uri": uri}})

    def memory(self) -> int:
        """What the process holds, in kB, whether or not the system has put it aside."""
        status = Path(STATUS.format(self.process.pid)).read_text(encoding="ascii")
        rows = dict(line.split(":") for line in status.splitlines())
        return sum(int(rows[name].split()[0]) for name in ("RssAnon", "VmSwap"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "shop" / "controls").mkdir(parents=True)
    (tmp_path / "shop" / ".kscan.yaml").write_text("")
    server = Server(tmp_path / "shop")
    patience = threading.Timer(PATIENCE, server.process.kill)
    patience.start()
    yield server
    patience.cancel()
    server.process.kill()
    server.process.communicate()


class Day:
    """What somebody does with a server all day: edits, changes of the settings, files looked at."""

    def __init__(self, server: Server) -> None:
        self.server, self.looked_at = server, 0
        self.settings = server.open(server.folder / ".kscan.yaml", "")
        self.pod = server.open(server.folder / "pod.yaml", DOCUMENTS[0])
        server.until(self.pod, lambda shown: shown["diagnostics"])

    def edits(self, number: int) -> None:
        """A value and its comment typed again and again, the text broken at every third keystroke."""
        for _ in range(number):
            ending = ("# {}\n", "hostNet{}\n", "hostNetwork: true # {}\n")[self.server.version % 3]
            version = self.server.edit(self.pod, DOCUMENTS[0] + ending.format(self.server.version))
            self.server.until(self.pod, lambda shown: shown.get("version") == version)  # noqa: B023

    def readings(self, number: int) -> None:
        """A setting changed again and again, each time to the good of another finding."""
        for _ in range(number):
            turn = self.server.version
            excluded, other = ("C-0057", "C-0038")[:: 1 if turn % 2 else -1]
            self.server.edit(
                self.settings, f"frameworks: [allcontrols]\ncontrols: {{exclude: [{excluded}]}}\n# {turn}\n"
            )
            self.server.until(
                self.pod,
                lambda shown: {excluded, other} & {d["code"] for d in shown["diagnostics"]} == {other},  # noqa: B023
            )

    def looks(self, number: int) -> None:
        """Files opened and closed, every other one in a folder of its own outside of the workspace."""
        for turn in range(number):
            self.looked_at += 1
            name = f"{self.looked_at}.yaml"
            around = self.server.folder.parent / f"other-{self.looked_at}" if turn % 2 else self.server.folder
            uri = self.server.open(around / name, DOCUMENTS[2])
            self.server.until(uri, lambda shown: shown["diagnostics"])
            self.server.close(uri)
            self.server.until(uri, lambda shown: not shown["diagnostics"])


@pytest.mark.parametrize(("what", "number"), [("edits", 2_000), ("readings", 500), ("looks", 500)])
def test_memory_stays_as_it_is(server: Server, what: str, number: int) -> None:
    day = Day(server)
    if what != "edits":
        day.edits(100)
    do = getattr(day, what)
    do(number // 4)  # until every cache is full
    before = server.memory()
    do(number)
    assert server.memory() < before * GROWTH
