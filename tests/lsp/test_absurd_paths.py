"""Documents, folders and files that are called what no file is called: their text counts, their name does not."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.manifests import DOCUMENTS
from support.processes import Server

from kscan_lsp.lsp.uris import path_of

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 120  # seconds for a test; what does not come by then never will
ABSURD = {
    "empty": "",
    "no scheme": "shop.yaml",
    "a scheme and nothing else": "file:",
    "another scheme": "https://example.com/shop.yaml",
    "a notebook": "vscode-notebook-cell:/a.ipynb#x",
    "a host": "file://elsewhere.example/share/shop.yaml",
    "no host": "file://[/shop.yaml",
    "a NUL": "file:///tmp/a\0b.yaml",
    "an encoded NUL": "file:///tmp/a%00b.yaml",
    "half a character": "file:///tmp/\ud800.yaml",
    "no UTF-8": "file:///tmp/%ff%fe.yaml",
    "a long name": f"file:///tmp/{'a' * 300}.yaml",
    "4,096 characters": f"file:///{'a/' * 2048}b.yaml",
    "a million characters": f"file:///{'a/' * 500_000}b.yaml",
    "a drive": "file:///c:/shop/a.yaml",
    "an encoded drive": "file:///c%3A/shop/a.yaml",
    "relative": "file:shop/a.yaml",
    "dots": "file:///../../../../../../etc/a.yaml",
    "a folder": "file:///tmp",
    "the root": "file:///",
    "a device": "file:///dev/zero",
    "no such folder": "file:///no/such/folder/a.yaml",
    "below a file": "file:///etc/passwd/a.yaml",
    "a line end": "file:///tmp/a%0Ab.yaml",
}


IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
AS_ANYBODY = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if IS_ROOT else ()
"""Root may look everywhere, unless it gives that up."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "shop").mkdir()
    through = AS_ANYBODY if AS_ANYBODY and shutil.which(AS_ANYBODY[0]) else ()
    with (tmp_path / "log").open("wb") as log:
        server = Server(
            tmp_path / "shop", log=log, capabilities={"window": {"showMessage": {}}}, through=through
        )
    patience = threading.Timer(PATIENCE, server.process.kill)
    patience.start()
    yield server
    patience.cancel()
    server.kill()


def log_of(server: Server) -> str:
    """The log; nothing in it is a traceback, and nobody was told anything in a window."""
    text: str = (server.folder.parent / "log").read_text(encoding="utf-8")
    assert "Traceback" not in text
    assert [m for m in server.said if m.get("method") == "window/showMessage"] == []
    return text


def requests(uri: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every request that names a document."""
    document, position = {"textDocument": {"uri": uri}}, {"line": 3, "character": 4}
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}}
    yield "textDocument/hover", {**document, "position": position}
    yield "textDocument/completion", {**document, "position": position}
    yield "textDocument/codeAction", {**document, "range": whole, "context": {"diagnostics": []}}
    yield "textDocument/documentLink", document
    yield "codeAction/resolve", {"title": "x", "data": {"uri": uri, "version": 1, "kind": "source.fixAll"}}
    yield "completionItem/resolve", {"label": "x", "data": {"uri": uri, "kind": "control"}}
    yield "workspace/executeCommand", {"command": "kscan.status", "arguments": [uri]}


def test_requests_about_what_is_not_open_have_no_result(server: Server) -> None:
    for name, uri in ABSURD.items():
        for method, params in requests(uri):
            answer = server.ask(method, params)
            assert "error" not in answer, (name, answer)
            assert not answer.get("result") or method.endswith("/resolve"), (name, answer)
        server.send("textDocument/didSave", {"textDocument": {"uri": uri}})
        changes = [{"uri": uri, "type": kind} for kind in (1, 2, 3)]
        server.send("workspace/didChangeWatchedFiles", {"changes": changes})
    assert server.end() == 0
    assert log_of(server) == ""


def test_the_text_of_an_absurd_document_is_judged_as_any_other(server: Server) -> None:
    for name, uri in ABSURD.items():
        server.open(uri, DOCUMENTS[0])
        for _ in range(5):
            version = server.edit(uri, f"{DOCUMENTS[0]}# {server.version}\n")
        server.until(uri, lambda shown: shown.get("version") == version)  # noqa: B023
        codes = {found["code"] for found in server.said[-1]["params"]["diagnostics"]}
        assert "C-0057" in codes, name
        for method, params in requests(uri):
            assert "error" not in server.ask(method, params), (name, method)
        server.close(uri)
    assert server.end() == 0
    lines = log_of(server).splitlines()
    assert len(lines) <= len(ABSURD)
    assert all(len(line) < 300 for line in lines)


def test_absurd_folders_are_empty(server: Server) -> None:
    everything = {"command": "kscan.scanWorkspace"}
    uris = [
        uri for name, uri in ABSURD.items() if name not in ("a folder", "the root", "no such folder", "dots")
    ]
    folders = [{"uri": uri, "name": "x"} for uri in uris]
    server.send("workspace/didChangeWorkspaceFolders", {"event": {"added": folders, "removed": []}})
    assert server.ask("workspace/executeCommand", everything)["result"]["files"] == 0
    server.send("workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": folders}})
    assert server.ask("workspace/executeCommand", everything)["result"]["files"] == 0
    assert server.end() == 0
    log_of(server)


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such permissions")
@pytest.mark.skipif(IS_ROOT and not shutil.which("setpriv"), reason="root may look everywhere")
def test_what_nobody_may_look_at(server: Server) -> None:
    hidden = server.folder / "hidden"
    hidden.mkdir()
    (hidden / "a.yaml").write_text(DOCUMENTS[0])
    hidden.chmod(0)
    try:
        look_at(server, hidden / "a.yaml")
    finally:
        hidden.chmod(0o700)


def test_a_folder_that_vanishes_under_its_documents(server: Server) -> None:
    gone = server.folder / "gone"
    gone.mkdir()
    (gone / "a.yaml").write_text(DOCUMENTS[0])
    uri = server.open(gone / "a.yaml", DOCUMENTS[0])
    server.until(uri, lambda shown: shown["diagnostics"])
    (gone / "a.yaml").unlink()
    gone.rmdir()
    server.folder.rmdir()
    look_at(server, gone / "a.yaml")


def look_at(server: Server, path: Path) -> None:
    """Open a file whose folder cannot be looked at, edit it and close it."""
    uri = server.open(path, DOCUMENTS[0])
    for _ in range(5):
        version = server.edit(uri, f"{DOCUMENTS[0]}# {server.version}\n")
    server.until(uri, lambda shown: shown.get("version") == version and bool(shown["diagnostics"]))
    for method, params in requests(uri):
        assert "error" not in server.ask(method, params), method
    server.close(uri)
    server.ask("workspace/executeCommand", {"command": "kscan.scanWorkspace"})
    assert server.end() == 0
    assert log_of(server).count("\n") <= 1


@pytest.mark.skipif(os.name != "posix", reason="other systems have other paths")
def test_only_what_can_be_a_path_is_one() -> None:
    paths = {name: path_of(uri) for name, uri in ABSURD.items()}
    kept = {
        "no UTF-8",
        "a long name",
        "dots",
        "a folder",
        "the root",
        "a device",
        "no such folder",
        "below a file",
        "a line end",
    }
    assert {name for name, path in paths.items() if path is not None} == kept
    assert path_of("file://localhost/a.yaml") == Path("/a.yaml")
