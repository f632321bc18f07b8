"""The server after a client has done its worst: it shows what a new one would, and holds no more than before."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.manifests import DOCUMENTS
from support.processes import STATUS, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 120  # seconds for a test; what does not come by then never will
SLACK = 1.08  # memory that the allocator may keep of what was in use for a while
ON_LINUX = pytest.mark.skipif(
    not Path(STATUS.format("self")).exists(), reason="only Linux tells how much it is"
)
PLAIN = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostPID: true, containers: [{name: a, image: a}]}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / ".kscan.yaml").write_text("")
    return tmp_path / "shop"


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., Server]]:
    """Start a server on a folder; its log is beside it."""
    started: list[Server] = []

    def start(**options: Any) -> Server:
        with (folder.parent / "log").open("ab") as log:
            server = Server(folder, **{"log": log, **options})
        patience = threading.Timer(PATIENCE, server.process.kill)
        patience.daemon = True
        patience.start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.kill()
    assert "Traceback" not in (folder.parent / "log").read_text(encoding="utf-8")


def codes(shown: dict[str, Any]) -> set[str]:
    return {found["code"] for found in shown["diagnostics"]}


def change(server: Server, uri: str, version: int, *changes: dict[str, Any]) -> None:
    document = {"uri": uri, "version": version}
    server.send("textDocument/didChange", {"textDocument": document, "contentChanges": changes})


def ranged(start: tuple[int, int], end: tuple[int, int], text: str) -> dict[str, Any]:
    ends = {name: {"line": at[0], "character": at[1]} for name, at in (("start", start), ("end", end))}
    return {"range": ends, "text": text}


def shown_of(server: Server, uri: str, version: int) -> list[Any]:
    """What is shown of a version of a document, whether that has come by now or is still to come."""
    while True:
        for message in reversed(server.said):
            params = message.get("params") or {}
            if params.get("uri") == uri and params.get("version") == version:
                found: list[Any] = params["diagnostics"]
                return found
        server.receive()


def test_what_editors_must_not_send(start, folder) -> None:
    """Versions that go back, edits of what is not open, ranges outside of the text and from end to start."""
    server = start()
    change(server, "untitled:nowhere", 3, {"text": PLAIN})
    server.send("textDocument/didSave", {"textDocument": {"uri": "untitled:nowhere"}})
    server.close("untitled:nowhere")
    uri = server.open("untitled:a.yaml", "x: 1\n")
    change(server, uri, 9, {"text": "x: 2\n"})
    change(server, uri, 4, {"text": PLAIN})
    assert {found["code"] for found in shown_of(server, uri, 4)} >= {"C-0038"}
    huge = 2**31 - 1
    change(server, uri, 5, ranged((huge, huge), (huge, huge), "# end\n"))
    change(server, uri, 6, ranged((1, huge), (0, 0), "apiVersion: v1\nkind: Pod"))
    change(server, uri, 7, ranged((-5, -7), (-1, -1), "# start\n"))
    change(server, uri, 8, ranged((2**70, 0), (0, -(2**70)), ""), ranged((0, 0), (0, 0), PLAIN))
    other = server.open("untitled:b.yaml", PLAIN)
    assert shown_of(server, uri, 8) == shown_of(server, other, 1)
    server.open("untitled:b.yaml", PLAIN.replace("true", "false"))  # opened again without being closed
    server.until(other, lambda shown: "C-0038" not in codes(shown))
    assert server.end() == 0


@ON_LINUX
def test_ten_thousand_opens_and_closes(start, folder) -> None:
    server = start()
    kept = server.open("untitled:kept.yaml", PLAIN)

    def looks(number: int) -> None:
        for turn in range(number):
            uri = server.open(f"untitled:{turn % 7}-{turn}.yaml", f"{PLAIN}# {turn}\n")
            server.close(uri)
            if turn % 100 == 99:
                server.until(uri, lambda shown: not shown["diagnostics"])

    looks(2_500)
    before = server.memory()
    looks(10_000)
    assert server.memory() < before * SLACK
    server.edit(kept, PLAIN.replace("true", "false"))
    server.until(kept, lambda shown: shown["diagnostics"] and "C-0038" not in codes(shown))
    assert server.end() == 0


@ON_LINUX
def test_a_storm_of_cancelled_requests(start, folder) -> None:
    """Each request has an answer, whether it was given up or not."""
    server = start()
    uri = server.open(folder / "a.yaml", "---\n".join(DOCUMENTS))
    asked = {
        "textDocument": {"uri": uri},
        "range": ranged((0, 0), (99, 0), "")["range"],
        "context": {"diagnostics": []},
    }

    def storm(number: int) -> None:
        first = server.requests + 1
        for turn in range(number):
            server.requests += 1
            server.send("textDocument/codeAction", asked, id=server.requests)
            for request in (server.requests, server.requests, first, "none", -1):
                server.send("$/cancelRequest", {"id": request})
            if turn % 50 == 49:
                server.edit(uri, "---\n".join(DOCUMENTS) + f"# {turn}\n")
        left = set(range(first, server.requests + 1))
        while left:
            left.discard(server.receive().get("id"))

    storm(2_000)
    before = server.memory()
    storm(2_000)
    assert server.memory() < before * SLACK
    assert "result" in server.ask(
        "textDocument/hover", {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 0}}
    )
    assert server.end() == 0


def test_folders_come_and_go_while_they_are_read(start, folder) -> None:
    others = [folder.parent / f"other-{number}" for number in range(3)]
    for other in others:
        other.mkdir()
        (other / ".kscan.yaml").write_text("diagnostics: workspace\n")
        for number in range(40):
            (other / f"{number}.yaml").write_text(f"{PLAIN}# {number}\n")
    server = start()

    def folders(added: list[Path], removed: list[Path]) -> None:
        event = {
            name: [{"uri": path.as_uri(), "name": path.name} for path in paths]
            for name, paths in (("added", added), ("removed", removed))
        }
        server.send("workspace/didChangeWorkspaceFolders", {"event": event})

    for turn in range(30):
        folders([others[turn % 3]], [others[(turn + 1) % 3]])
        if turn % 5 == 0:
            server.requests += 1
            server.send("workspace/executeCommand", {"command": "kscan.scanWorkspace"}, id=server.requests)
    folders([others[0], others[0]], others)
    totals = server.ask("workspace/executeCommand", {"command": "kscan.scanWorkspace"})["result"]
    assert totals["files"] == 40
    folders([], [others[0]])
    assert server.ask("workspace/executeCommand", {"command": "kscan.scanWorkspace"})["result"]["files"] == 0
    shown = {
        message["params"]["uri"]: message["params"]["diagnostics"]
        for message in server.said
        if message.get("method") == "textDocument/publishDiagnostics"
    }
    assert not any(shown.values())  # what was shown of files in folders that have gone is taken back
    assert server.end() == 0


@ON_LINUX
def test_a_client_that_stops_reading(start, folder) -> None:
    """More is sent than a pipe holds: edits are still taken, and when it reads again it gets the last of each."""
    server = start()
    text = "---\n".join(DOCUMENTS * 5)
    uri = server.open(folder / "a.yaml", text)
    server.until(uri, lambda shown: shown["diagnostics"])
    before = server.memory()
    for _ in range(1_500):
        server.edit(uri, f"{text}# {server.version}\n")
    last = server.edit(uri, PLAIN)
    server.until(uri, lambda shown: shown.get("version") == last)
    assert len(server.said) < 1_500
    uri = server.open(folder / "b.yaml", PLAIN)
    server.until(uri, lambda shown: shown["diagnostics"])
    assert server.memory() < before * 1.5
    assert server.end() == 0


def test_a_client_that_never_reads_again_can_leave(start, folder) -> None:
    server = start()
    uri = server.open(folder / "a.yaml", "---\n".join(DOCUMENTS * 5))
    for version in range(2, 200):
        server.edit(uri, "---\n".join(DOCUMENTS * 5) + f"# {version}\n")
    server.send("shutdown", None, id=99)
    server.send("exit", None)
    assert server.process.wait() == 0


def test_a_client_that_hangs_up_while_nothing_is_read(start, folder) -> None:
    server = start()
    server.open(folder / "a.yaml", "---\n".join(DOCUMENTS * 5))
    for version in range(2, 200):
        server.edit((folder / "a.yaml").as_uri(), "---\n".join(DOCUMENTS * 5) + f"# {version}\n")
    server.process.stdin.close()
    assert server.process.wait() == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
@pytest.mark.parametrize("where", ["log file", "standard error"])
def test_a_log_on_a_full_disk_is_done_without(start, folder, where) -> None:
    with Path("/dev/full").open("wb") as full:
        full_log = {"arguments": ["--log-file", "/dev/full"], "log": subprocess.DEVNULL}
        server = start(**(full_log if where == "log file" else {"log": full}))
    server.frame(b"Content-Length: 1\r\n\r\n{")
    assert server.answer(None)["error"]
    uri = server.open(folder / "a.yaml", PLAIN)
    server.until(uri, lambda shown: shown["diagnostics"])
    assert server.end() == 0


def test_settings_that_change_all_the_time(start, folder) -> None:
    """On disk, as fast as they can be written; the last of them hold."""
    server = start(capabilities={"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}})
    settings = folder / ".kscan.yaml"
    uri = server.open(folder / "a.yaml", PLAIN)
    notices = [{"uri": settings.as_uri(), "type": kind} for kind in (1, 2, 3)]

    def changed(text: str | None, number: int) -> None:
        if text is None:
            settings.unlink(missing_ok=True)
        else:
            settings.write_bytes(text.encode())
        server.send("workspace/didChangeWatchedFiles", {"changes": [notices[number % 3]]})

    texts = [
        "controls: {exclude: [C-0038]}\n",
        "controls: {exclude: [",
        "\0",
        "frameworks: [nsa]\n",
        None,
        "policies: [no.yaml]\n",
    ]
    for number in range(600):
        changed(texts[number % len(texts)], number)
        if number % 20 == 0:
            server.edit(uri, f"{PLAIN}# {number}\n")
    changed("controls: {exclude: [C-0038]}\n", 1)
    server.edit(uri, f"{PLAIN}# last\n")
    server.until(uri, lambda shown: shown.get("version") == server.version and "C-0038" not in codes(shown))
    changed(None, 2)
    server.until(uri, lambda shown: "C-0038" in codes(shown))
    assert [m for m in server.said if m.get("method") == "window/showMessage"] == []
    assert server.end() == 0
