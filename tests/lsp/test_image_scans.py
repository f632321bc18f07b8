"""Images are scanned in the background where the user's own editor asks for it, and editing never waits for that."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from support import images, scanning
from support.scanning import fake_scanner, runs

from kscan_lsp.lsp.session.scanned import MAX_IMAGES

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Editor

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(os.name == "nt", reason="scanners are stood in for by scripts"),
]

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  containers:
  - name: web
    image: %s
"""
SHOP = "registry.example/shop:1.0"
REPORT = f"report = json.loads({json.dumps(json.dumps(images.trivy('{NAME}')))})\n"
SAYS = REPORT + "print(json.dumps(report).replace('{NAME}', image))"
FOUND = ["KS-0060", "KS-0064", "KS-0065"]
"""What is found by a report of a scanner that is standing in."""
WAITS = "while not os.path.exists('GATE'): time.sleep(0.01)\n"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What servers of a test inherit: a cache of their own, and no scanner but one that a test makes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("KSCAN_IMAGE_SCANNER", raising=False)
    monkeypatch.delenv("KSCAN_IMAGES_NETWORK", raising=False)
    return tmp_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / ".git").mkdir(parents=True)
    (folder / ".kscan.yaml").write_text("frameworks: []\ncontrols: {include: [C-0038]}\n")
    return folder


def codes(published: types.PublishDiagnosticsParams) -> list[str]:
    return sorted(str(one.code) for one in published.diagnostics)


def open_pod(editor: Editor, folder: Path, image: str = SHOP, name: str = "web") -> str:
    path = folder / f"{name}.yaml"
    path.write_text(POD % (name, image))
    editor.open(path.as_uri(), path.read_text())
    return path.as_uri()


def saved(editor: Editor, uri: str) -> None:
    editor.text_document_did_save(types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(uri)))


def write_image(editor: Editor, uri: str, version: int, image: str) -> None:
    name = uri.rpartition("/")[2].removesuffix(".yaml")
    editor.edit(uri, version, types.TextDocumentContentChangeWholeDocument(text=POD % (name, image)))


async def hover(editor: Editor, uri: str) -> str:
    found = await editor.text_document_hover_async(
        types.HoverParams(types.TextDocumentIdentifier(uri), types.Position(6, 14))
    )
    return found.contents.value if found else ""


def said(editor: Editor) -> list[str]:
    return [one.message for one in editor.messages]


def scanned(machine: Path) -> list[str]:
    return sorted(arguments[-1] for arguments, _, _ in runs(machine / "bin"))


ON: dict[str, Any] = {"options": {"imageScans": True}}


async def test_an_image_is_scanned_when_its_file_is_opened_and_found_again_by_the_next_server(
    editor: Editor, other_editor: Editor, folder: Path, machine: Path
) -> None:
    fake_scanner(machine / "bin", SAYS)
    await editor.start(folder, **ON)
    await other_editor.start(folder, **ON)
    uri = open_pod(editor, folder)
    shown = await editor.until(uri, lambda newest: codes(newest) == FOUND)
    worst = next(one for one in shown if one.code == "KS-0060")
    assert worst.message == "image of container 'web': 1 critical, 1 high; 1 has a fix"
    assert (worst.range.start.line, worst.range.start.character) == (6, 4)
    assert "Trivy 0." in await hover(editor, uri)
    assert scanned(machine) == [SHOP]
    other_editor.open(uri, POD % ("web", SHOP))
    await other_editor.until(uri, lambda newest: codes(newest) == FOUND)
    assert scanned(machine) == [SHOP]
    assert said(editor) == said(other_editor) == []


async def test_nothing_is_scanned_unless_the_editor_itself_asks_for_it(
    editor: Editor, folder: Path, machine: Path
) -> None:
    fake_scanner(machine / "bin", SAYS)
    (folder / ".kscan.yaml").write_text("imageScans: true\nimages: {scan: true, network: true}\n")
    section = {"imageScans": True, "server": {"scanImages": True}, "images": {"scan": True}}
    await editor.start(folder, settings=section, options={"kscan": section})
    uri = open_pod(editor, folder)
    await editor.shown(uri)
    saved(editor, uri)
    assert await hover(editor, uri) == ""
    assert runs(machine / "bin") == []


async def test_a_keystroke_scans_nothing_and_a_tag_shows_at_once_what_is_known_of_it(
    editor: Editor, folder: Path, machine: Path
) -> None:
    fake_scanner(machine / "bin", SAYS)
    await editor.start(folder, **ON)
    uri = open_pod(editor, folder)
    await editor.until(uri, lambda newest: codes(newest) == FOUND)
    write_image(editor, uri, 2, "registry.example/shop:1.1")
    await editor.until(uri, lambda newest: codes(newest) == [])
    assert await hover(editor, uri) == "registry.example/shop:1.1: no report is about this image"
    write_image(editor, uri, 3, SHOP)
    await editor.until(uri, lambda newest: newest.version == 3 and codes(newest) == FOUND)
    assert scanned(machine) == [SHOP]
    write_image(editor, uri, 4, "registry.example/shop:1.1")
    saved(editor, uri)
    await editor.until(uri, lambda newest: newest.version == 4 and codes(newest) == FOUND)
    assert scanned(machine) == [SHOP, "registry.example/shop:1.1"]


async def test_what_was_scanned_before_is_known_of_other_tags_and_of_what_is_typed(
    editor: Editor, other_editor: Editor, folder: Path, machine: Path
) -> None:
    fake_scanner(machine / "bin", SAYS)
    await editor.start(folder, **ON)
    await other_editor.start(folder, **ON)
    for name, image in (("first", "registry.example/shop:1.1"), ("second", "registry.example/other:2.0")):
        uri = open_pod(editor, folder, image, name)
        await editor.until(uri, lambda newest: codes(newest) == FOUND)
        (folder / f"{name}.yaml").unlink()
    fake_scanner(machine / "bin", "sys.exit('there is no such image')")
    uri = open_pod(other_editor, folder)
    await other_editor.wait(lambda: len(other_editor.messages) == 1)
    # of a tag of the same repository it is known from the start, of any other image soon after it is written there
    write_image(other_editor, uri, 2, "registry.example/shop:1.1")
    await other_editor.until(uri, lambda newest: newest.version == 2 and codes(newest) == FOUND)
    write_image(other_editor, uri, 3, SHOP)
    await other_editor.until(uri, lambda newest: newest.version == 3 and codes(newest) == [])
    write_image(other_editor, uri, 4, "registry.example/other:2.0")
    await other_editor.until(uri, lambda newest: newest.version == 4 and codes(newest) == FOUND)


async def test_images_are_scanned_once_each_however_many_run_them(
    editor: Editor, folder: Path, machine: Path
) -> None:
    fake_scanner(machine / "bin", SAYS)
    names = [f"registry.example/shop:{number % 5}" for number in range(50)]
    for number, name in enumerate(names):
        (folder / f"pod-{number}.yaml").write_text(POD % (f"pod-{number}", name))
    options = {"imageScans": True, "status": True}
    await editor.start(folder, options=options, settings={"diagnostics": "workspace"})
    uri = open_pod(editor, folder)
    last = (folder / "pod-49.yaml").as_uri()
    await editor.until(uri, lambda newest: codes(newest) == FOUND)
    await editor.until(last, lambda newest: codes(newest) == FOUND)
    for number in range(50):
        await editor.until((folder / f"pod-{number}.yaml").as_uri(), lambda newest: codes(newest) == FOUND)
    assert scanned(machine) == sorted({*names, SHOP})


async def test_placeholders_are_no_images_and_what_a_report_is_about_is_not_scanned(
    editor: Editor, folder: Path, machine: Path
) -> None:
    fake_scanner(machine / "bin", SAYS)
    (folder / "shop.grype.json").write_bytes(images.as_bytes(images.grype(SHOP)))
    await editor.start(folder, **ON)
    for name, image in (("a", "${IMAGE}"), ("b", "--output=/tmp/x"), ("c", SHOP)):
        open_pod(editor, folder, image, name)
    uri = open_pod(editor, folder, "registry.example/last:1", "d")
    await editor.until(uri, lambda newest: codes(newest) == FOUND)
    assert scanned(machine) == ["registry.example/last:1"]
    assert said(editor) == []


async def test_what_fails_is_said_once_and_editing_goes_on(
    editor: Editor, folder: Path, machine: Path
) -> None:
    fake_scanner(machine / "bin", "print('no such image\\x1b[2J', file=sys.stderr); sys.exit(1)")
    await editor.start(folder, **ON)
    uris = [open_pod(editor, folder, f"registry.example/shop:{n}", f"pod-{n}") for n in range(6)]
    await editor.wait(lambda: bool(editor.messages))
    for uri in uris:
        saved(editor, uri)
        write_image(editor, uri, 2, SHOP)
        await editor.shown(uri, 2)
    text = "\n".join(said(editor))
    assert text.count("no such image") == 1
    assert "not scanned. registry.example/shop:0" in text
    assert text.replace("\n", "").isprintable()


HOSTILE = {
    "it is killed": ("os.kill(os.getpid(), 9)", "it ended with status -9"),
    "garbage": ("sys.stdout.buffer.write(bytes(range(255, -1, -1)) * 400)", "it is no JSON"),
    "escapes": ("print('\\x1b[2J\\x1b]0;x\\x07', file=sys.stderr); sys.exit(1)", "[2J"),
    "200 MB": ("[sys.stdout.write('x' * 1_000_000) for _ in range(200)]", "it wrote more than 64,000,000 bytes"),
    "a report that lies": ("print(json.dumps({'ArtifactName': 1, 'SchemaVersion': []}))", "looks like Trivy"),
    "its children stay": (
        "os.spawnlp(os.P_NOWAIT, '/bin/sleep', 'sleep', '60'); sys.exit('it gave up')", "it gave up"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "reason"), HOSTILE.values(), ids=HOSTILE)
async def test_whatever_a_scanner_does_is_one_message_and_edits_go_on(
    editor: Editor, folder: Path, machine: Path, body: str, reason: str
) -> None:
    fake_scanner(machine / "bin", body)
    await editor.start(folder, **ON)
    uris = [open_pod(editor, folder, f"registry.example/shop:{n}", f"pod-{n}") for n in range(3)]
    for version in range(2, 12):
        for uri in uris:
            write_image(editor, uri, version, f"registry.example/shop:{version}")
            await editor.shown(uri, version)
    await editor.wait(lambda: bool(editor.messages))
    for uri in uris:
        write_image(editor, uri, 20, SHOP)
        await editor.shown(uri, 20)
    (message,) = said(editor)
    assert reason in message
    assert message.isprintable()


@pytest.mark.parametrize("cache", [b"broken" * 1_000, None], ids=["broken", "a folder"])
async def test_a_cache_that_does_not_work_is_said_once(
    editor: Editor, folder: Path, machine: Path, cache: bytes | None
) -> None:
    fake_scanner(machine / "bin", SAYS)
    path = machine / "cache/kscan/images.sqlite"
    path.parent.mkdir(parents=True)
    if cache is None:
        path.mkdir()
    else:
        path.write_bytes(cache)
    await editor.start(folder, **ON)
    for number in range(3):
        uri = open_pod(editor, folder, f"registry.example/shop:{number}", f"pod-{number}")
        await editor.until(uri, lambda newest: codes(newest) == FOUND)
    (message,) = said(editor)
    assert str(path) in message


async def test_no_more_images_are_scanned_than_that(editor: Editor, folder: Path, machine: Path) -> None:
    fake_scanner(machine / "bin", "sys.exit('there is no such image')")
    await editor.start(folder, **ON)
    text = "---\n".join(POD % (f"pod-{n}", f"registry.example/shop:{n}") for n in range(MAX_IMAGES + 5))
    uri = (folder / "pods.yaml").as_uri()
    editor.open(uri, text)
    await editor.wait(lambda: any("no such image" in one for one in said(editor)))
    assert len(scanned(machine)) == MAX_IMAGES
    assert (
        said(editor)[0] == f"kscan: of the images of this workspace {MAX_IMAGES} are scanned, and no others"
    )
    assert len(said(editor)) == 2


@pytest.mark.parametrize(
    ("scanner", "reason"),
    [(None, "there is no scanner: neither trivy nor grype is on PATH"), ("/bin/true", "is neither trivy nor grype"),
     ("trivy", "names no program: 'trivy'; write the whole path")],
)  # fmt: skip
async def test_a_scanner_that_is_not_there_is_said_once(
    editor: Editor, folder: Path, scanner: str | None, reason: str
) -> None:
    await editor.start(folder, options={"imageScans": {"scanner": scanner} if scanner else True})
    uri = open_pod(editor, folder)
    await editor.wait(lambda: bool(editor.messages))
    saved(editor, uri)
    write_image(editor, uri, 2, "registry.example/shop:2")
    saved(editor, uri)
    await editor.shown(uri, 2)
    (message,) = said(editor)
    assert reason in message


async def test_the_user_can_stop_it(editor: Editor, folder: Path, machine: Path) -> None:
    fake_scanner(machine / "bin", "open('/dev/null'); time.sleep(600)")
    await editor.start(folder, **ON)
    uri = open_pod(editor, folder)
    await editor.wait(lambda: bool(editor.progress))
    ((token, kind),) = editor.progress
    assert kind == "begin"
    assert "being scanned" in await hover(editor, uri)
    editor.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token=token))
    await editor.wait(lambda: (token, "end") in editor.progress)
    assert (await hover(editor, uri)).endswith("not scanned: it was stopped")
    saved(editor, uri)
    write_image(editor, uri, 2, SHOP)
    await editor.shown(uri, 2)
    assert len(runs(machine / "bin")) == 1
    assert said(editor) == []


async def test_the_server_ends_at_once_while_it_scans(folder: Path, machine: Path) -> None:
    fake_scanner(
        machine / "bin", f"open({str(machine / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    )

    def framed(**message: Any) -> bytes:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)

    item = {
        "uri": (folder / "a.yaml").as_uri(),
        "languageId": "yaml",
        "version": 1,
        "text": POD % ("a", SHOP),
    }
    hello = {"capabilities": {}, "rootUri": folder.as_uri(), "initializationOptions": {"imageScans": True}}
    with subprocess.Popen(
        [sys.executable, "-m", "kscan_lsp", "lsp"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as server:
        assert server.stdin is not None
        server.stdin.write(framed(id=1, method="initialize", params=hello))
        server.stdin.write(framed(method="initialized", params={}))
        server.stdin.write(framed(method="textDocument/didOpen", params={"textDocument": item}))
        server.stdin.flush()
        while not (machine / "pid").exists() or not (machine / "pid").read_text():
            await asyncio.sleep(0.02)
        server.stdin.close()
        assert server.wait(timeout=60) == 0
    scanner = int((machine / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(scanner, 0)


async def act(editor: Editor, uri: str, title: str) -> dict[str, Any]:
    """The command of an action at the image."""
    at = types.Range(types.Position(6, 6), types.Position(6, 6))
    found = await editor.text_document_code_action_async(
        types.CodeActionParams(types.TextDocumentIdentifier(uri), at, types.CodeActionContext(diagnostics=[]))
    )
    (action,) = (one for one in found if one.title.startswith(title))
    run: dict[str, Any] = ast.literal_eval(
        action.command
    )  # what the library makes of the command in an action
    return run


async def test_an_image_is_scanned_again_when_the_user_asks(
    editor: Editor, folder: Path, machine: Path
) -> None:
    gate = machine / "gate"
    fake_scanner(machine / "bin", SAYS)
    await editor.start(folder, options={"imageScans": True, "status": True})
    uri = open_pod(editor, folder)
    await editor.until(uri, lambda newest: codes(newest) == FOUND)
    less = REPORT + "report['Results'] = []\nprint(json.dumps(report).replace('{NAME}', image))"
    fake_scanner(machine / "bin", WAITS.replace("GATE", str(gate)) + less)
    command = await act(editor, uri, f"Scan image again: {SHOP}")
    run = types.ExecuteCommandParams(command["command"], command["arguments"])
    running = asyncio.ensure_future(editor.workspace_execute_command_async(run))
    while len(runs(machine / "bin")) < 2:  # it says nothing of its start where that is a matter of moments
        await editor.workspace_execute_command_async(types.ExecuteCommandParams("kscan.frameworks", []))
    status = await editor.workspace_execute_command_async(types.ExecuteCommandParams("kscan.status", [uri]))
    assert status["text"].endswith("scanning 1 image")
    assert codes(editor.published[uri][-1]) == FOUND
    gate.touch()
    assert await running is True
    await editor.until(uri, lambda newest: "KS-0060" not in codes(newest))
    status = await editor.workspace_execute_command_async(types.ExecuteCommandParams("kscan.status", [uri]))
    assert "scanning" not in status["text"]


async def test_why_it_cannot_be_scanned_again_is_said(editor: Editor, folder: Path, machine: Path) -> None:
    fake_scanner(machine / "bin", "sys.exit('there is no such image')")
    await editor.start(folder, **ON)
    uri = open_pod(editor, folder)
    await editor.wait(lambda: bool(editor.messages))
    run = types.ExecuteCommandParams("kscan.scanImage", [uri, SHOP])
    with pytest.raises(JsonRpcException, match="there is no such image"):
        await editor.workspace_execute_command_async(run)


async def test_without_scans_there_is_no_action_and_the_command_says_how_to_turn_them_on(
    editor: Editor, folder: Path, machine: Path
) -> None:
    fake_scanner(machine / "bin", SAYS)
    await editor.start(folder)
    uri = open_pod(editor, folder)
    await editor.shown(uri)
    with pytest.raises(ValueError, match="not enough values"):
        await act(editor, uri, "Scan image")
    with pytest.raises(JsonRpcException, match="turn it on"):
        await editor.workspace_execute_command_async(
            types.ExecuteCommandParams("kscan.scanImage", [uri, SHOP])
        )
    assert runs(machine / "bin") == []


JOURNEY = """\
apiVersion: v1
kind: Pod
metadata: {name: shop, namespace: shop, labels: {app: shop}}
spec:
  containers:
  - name: shop
    image: "registry.example/shop:1.0"  # the front
    securityContext:
      privileged: true
"""


async def test_the_journey_from_a_first_look_to_a_clean_file(
    editor: Editor, folder: Path, machine: Path
) -> None:
    """See what is wrong with manifest and image, take the fixes and the fixed version, save: nothing new, and clean."""
    scanning.installed(machine / "bin/trivy", machine / "trivy")
    (folder / ".kscan.yaml").write_text("frameworks: []\ncontrols: {include: [C-0057]}\n")
    archives = folder / ".kscan/images"
    archives.mkdir(parents=True)
    scanning.archive(archives / "now.tar", SHOP)
    scanning.archive(archives / "next.tar", "registry.example/shop:1.1", openssl="3.1.5-r0")
    text = JOURNEY
    path = folder / "shop.yaml"
    path.write_text(text)
    uri, version = path.as_uri(), 1
    await editor.start(folder, **ON)
    editor.open(uri, text)
    await editor.until(uri, lambda newest: {"C-0057", "KS-0060"} <= set(codes(newest)))
    assert "critical CVE-2026-0001: openssl 3.1.4-r0, fixed in 3.1.5-r0" in await hover(editor, uri)
    for line, title, left in (
        (8, "Set securityContext.privileged", {"KS-0060"}),
        (6, "Change to registry.example/shop:1.1, which has 1 of these 1 fixed", set[str]()),
    ):
        at = types.Range(types.Position(line, 8), types.Position(line, 8))
        context = types.CodeActionContext(diagnostics=[])
        ask = types.CodeActionParams(types.TextDocumentIdentifier(uri), at, context)

        async def offered(ask: types.CodeActionParams = ask, title: str = title) -> types.CodeAction | None:
            found = await editor.text_document_code_action_async(ask)
            return next((one for one in found if one.title.startswith(title)), None)

        while (action := await offered()) is None:  # the other tag may still be under way
            await asyncio.wait_for(editor.news.wait(), 60)
            editor.news.clear()
        (change,) = action.edit.document_changes
        text = edited(text, change.edits)
        version += 1
        editor.edit(uri, version, types.TextDocumentContentChangeWholeDocument(text=text))
        await editor.until(
            uri,
            lambda newest, v=version, left=left: newest.version == v and set(codes(newest)) - AGED == left,
        )
    path.write_text(text)
    saved(editor, uri)
    again = types.ExecuteCommandParams("kscan.scanImage", [uri, "registry.example/shop:1.1"])
    assert await editor.workspace_execute_command_async(again) is True
    assert '    image: "registry.example/shop:1.1"  # the front\n' in text
    assert "privileged: false" in text
    assert set(codes(editor.published[uri][-1])) - AGED == set()
    assert said(editor) == []
    # a terminal says the same
    scan = [sys.executable, "-m", "kscan_lsp", "scan", "--scan-images", "--fail-on-cve", "low", "--control", "C-0057",
            "--control", "KS-0060", "."]  # fmt: skip
    done = await asyncio.to_thread(
        subprocess.run, scan, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


AGED = {"KS-0064", "KS-0065"}
"""What is found by the day: that Alpine 3.18 gets no updates any more, and that a report is old."""


def edited(text: str, edits: list[types.TextEdit]) -> str:
    """A text with edits made, each in one line."""
    lines = text.splitlines(keepends=True)
    for one in edits:
        number = one.range.start.line
        line = lines[number]
        lines[number] = line[: one.range.start.character] + one.new_text + line[one.range.end.character :]
    return "".join(lines)
