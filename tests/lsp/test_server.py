"""When what is done and shown: the server in this process, what it would send kept in a list."""

from __future__ import annotations

import asyncio
import threading
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types
from msgspec.structs import replace
from support.signed import BANK, GITHUB, entry, lock, pack, settings
from support.talking import PATIENCE, Talk

from kscan_lsp.lsp.server import scheduler, settings_reader
from kscan_lsp.lsp.server.notifications import WATCHED

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: api
    image: shop/api:1.0
    securityContext: {privileged: true}
"""
SAFE = POD.replace("privileged: true", "privileged: false")
POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: all, namespace: shop}
spec: {podSelector: {}}
"""


async def test_nothing_is_published_twice(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    uri = talk.open(tmp_path / "pod.yaml", POD)
    await talk.settled()
    before = len(talk.of(uri))
    params = types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(uri))
    talk.handle(types.TEXT_DOCUMENT_DID_SAVE, params)
    await talk.settled()
    talk.server.scheduler.reconfigure()
    await talk.settled()
    assert len(talk.of(uri)) == before
    talk.edit(uri, 2, POD)
    await talk.settled()
    assert [one["version"] for one in talk.of(uri)[before:]] == [2]


async def test_a_folder_outside_of_the_workspace_is_forgotten_with_its_last_document(tmp_path: Path) -> None:
    shop, other = tmp_path / "shop", tmp_path / "other"
    other.mkdir()
    shop.mkdir()
    settings = other / ".kscan.yaml"
    settings.write_text("frameworks: [nsaa]\n")
    talk = Talk(shop)
    first, second = (talk.open(other / name, POD) for name in ("one.yaml", "two.yaml"))
    await talk.settled()
    assert talk.codes(settings.as_uri()) == {"setting"}
    talk.close(first)
    await talk.settled()
    assert talk.of(first)[-1]["diagnostics"] == []
    assert other in talk.session.workspaces
    assert talk.codes(settings.as_uri()) == {"setting"}
    talk.close(second)
    await talk.settled()
    assert talk.codes(settings.as_uri()) == set()
    assert set(talk.session.workspaces) <= {shop}
    talk.happened(other / "one.yaml")  # an editor watches more than it has as folders
    await talk.settled()
    assert set(talk.session.workspaces) <= {shop}


async def test_a_pack_that_is_not_signed_is_told_where_it_is_extended_until_it_is_locked(
    tmp_path: Path,
) -> None:
    settings(tmp_path, "./pack")
    pack(tmp_path / "pack")
    text = (tmp_path / ".kscan.yaml").read_text()
    talk = Talk(tmp_path)
    uri = talk.open(tmp_path / ".kscan.yaml", text)
    pod = talk.open(tmp_path / "pod.yaml", POD)
    await talk.settled()
    found = next(one for one in talk.of(uri)[-1]["diagnostics"] if "has to be signed by" in one["message"])
    start, end = (found["range"][place]["character"] for place in ("start", "end"))
    assert text[start:end] == '"./pack"'
    assert "BANK-0001" not in talk.codes(pod)
    lock(tmp_path, "./pack", entry(tmp_path / "pack"), BANK, GITHUB)
    assert "**/kscan.lock" in WATCHED
    talk.happened(tmp_path / "kscan.lock")
    await talk.settled()
    assert talk.of(uri)[-1]["diagnostics"] == []
    assert "BANK-0001" in talk.codes(pod)


async def test_a_document_closed_while_settings_are_read_leaves_nothing_behind(tmp_path: Path) -> None:
    talk = Talk()
    uri = talk.open(tmp_path / "pod.yaml", POD)
    while not talk.server.settings.reading:
        await asyncio.sleep(0)
    talk.close(uri)
    await talk.settled()
    assert talk.session.workspaces == {}
    assert [one["diagnostics"] for one in talk.of(uri)] == [[]]


async def test_a_wrong_setting_of_the_editor_is_said_once(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    talk.session.section = {"frameworks": ["nsaa"]}
    for _ in range(2):
        talk.server.scheduler.reconfigure()
        await talk.settled()
    (warning,) = talk.warnings
    assert "nsaa" in warning
    talk.session.section = {"frameworks": ["nsab"]}
    talk.server.scheduler.reconfigure()
    await talk.settled()
    assert ["nsab" in warning for warning in talk.warnings] == [False, True]


async def test_a_policy_file_that_is_named_no_more_is_a_file_like_others(tmp_path: Path) -> None:
    settings, pod = tmp_path / ".kscan.yaml", tmp_path / "pod.yaml"
    settings.write_text("policies: [pod.yaml]\n")
    pod.write_text(POD)
    talk = Talk(tmp_path)
    uri = talk.open(pod, POD)
    await talk.settled()
    assert "C-0057" not in talk.codes(uri)
    settings.write_text("")
    talk.happened(settings)
    await talk.settled()
    assert "C-0057" in talk.codes(uri)


async def test_a_defect_costs_one_document_one_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, tries = scheduler.check, []

    def check(request: Any) -> Any:
        if "BROKEN" in request.text:
            tries.append(request)
            raise ValueError
        return real(request)

    monkeypatch.setattr(scheduler, "check", check)
    talk = Talk(tmp_path)
    broken, whole = (talk.open(tmp_path / f"{n}.yaml", f"{POD}# {n}\n") for n in ("BROKEN", "whole"))
    await talk.settled()
    assert "C-0057" in talk.codes(whole)
    assert len(tries) == 1
    assert caplog.text.count("could not be checked") == 1
    assert talk.codes(broken) == {"limit"}
    talk.edit(broken, 2, POD)
    await talk.settled()
    assert "C-0057" in talk.codes(broken)
    # what was found in the text before is neither shown for this one nor offered to be fixed in it
    talk.edit(broken, 3, f"# BROKEN\n{POD}")
    await talk.settled()
    assert talk.codes(broken) == {"limit"}
    snapshot = talk.session.snapshot(talk.session.documents[broken])
    assert snapshot is not None
    assert snapshot.checked.text.startswith("# BROKEN")


async def test_only_what_was_quick_is_checked_on_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, threads, taken = scheduler.check, [], {1: 0.0, 2: 1.0, 3: 0.0, 4: 0.0}

    def check(request: Any) -> Any:
        threads.append(threading.current_thread() is threading.main_thread())
        return replace(real(request), seconds=taken[talk.session.documents[request.uri].version])

    monkeypatch.setattr(scheduler, "check", check)
    talk = Talk(tmp_path)
    uri = talk.open(tmp_path / "pod.yaml", POD)
    await talk.settled()
    for version in (2, 3, 4):
        talk.edit(uri, version, POD)
        await talk.settled()
    assert threads == [False, True, False, True]


class Gate:
    """Files are read when it is open."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.real, self.began, self.opened = scheduler.read_file, threading.Event(), threading.Event()
        monkeypatch.setattr(scheduler, "read_file", self.read_file)

    def read_file(self, step: Any) -> Any:
        self.began.set()
        assert self.opened.wait(PATIENCE)
        return self.real(step)

    async def reached(self) -> None:
        assert await asyncio.to_thread(self.began.wait, PATIENCE)


@pytest.mark.parametrize("quick", [True, False])
async def test_a_quick_buffer_does_not_wait_for_a_file_that_is_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: bool
) -> None:
    gate = Gate(monkeypatch)
    (tmp_path / ".kscan.yaml").write_text("frameworks: [allcontrols]\n")
    (tmp_path / "other.yaml").write_text(SAFE.replace("web", "other"))
    talk = Talk(tmp_path)
    uri = talk.open(tmp_path / "pod.yaml", POD)
    await gate.reached()
    talk.session.documents[uri].quick = quick  # the first check compiles what is asked
    talk.edit(uri, 2, SAFE)
    if quick:
        await talk.until(lambda: talk.of(uri)[-1]["version"] == 2)
        assert "C-0057" not in talk.codes(uri)
    else:
        checked = asyncio.Event()
        asyncio.get_running_loop().call_soon(checked.set)  # after what the edit has had done
        await checked.wait()
        assert talk.of(uri)[-1]["version"] == 1
    gate.opened.set()
    await talk.settled()
    assert (tmp_path / "other.yaml").as_uri() in talk.session.workspaces[tmp_path].project.index.files
    assert "C-0057" not in talk.codes(uri)


async def test_a_file_that_is_read_while_settings_change_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    settings, policy = tmp_path / ".kscan.yaml", tmp_path / "policy.yaml"
    settings.write_text("frameworks: []\ncontrols: {include: [C-0260]}\n")
    policy.write_text(POLICY)
    talk = Talk(tmp_path)
    uri = talk.open(tmp_path / "pod.yaml", POD)
    await gate.reached()
    text = "frameworks: []\ncontrols: {include: [C-0260, C-0057]}\n"
    talk.open(settings, text)
    gate.opened.set()
    await talk.settled()
    assert talk.session.workspaces[tmp_path].configuration.settings.controls.include == ("C-0260", "C-0057")
    assert policy.as_uri() in talk.session.workspaces[tmp_path].project.index.files
    assert talk.codes(uri) == {"C-0057"}


async def test_settings_that_change_while_they_are_read_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, began, opened = settings_reader.configure, threading.Event(), threading.Event()

    def configure(*args: Any, **more: Any) -> Any:
        read = real(*args, **more)
        began.set()
        assert opened.wait(PATIENCE)
        return read

    monkeypatch.setattr(settings_reader, "configure", configure)
    talk = Talk(tmp_path)
    settings = tmp_path / ".kscan.yaml"
    settings.write_text("")
    pod = talk.open(tmp_path / "pod.yaml", POD)
    assert await asyncio.to_thread(began.wait, PATIENCE)
    talk.open(settings, "controls: {exclude: [C-0057]}\n")
    opened.set()
    await talk.settled()
    assert "C-0057" not in talk.codes(pod)


async def test_a_new_day_is_noticed_at_the_next_edit(tmp_path: Path) -> None:
    text = POD.replace("{privileged: true}", "{privileged: true} # kscan:ignore C-0057 until=2026-02-01")
    talk = Talk(tmp_path)
    uri = talk.open(tmp_path / "pod.yaml", text)
    await talk.settled()
    yesterday = talk.session.day
    talk.session.day = date(2020, 1, 1)
    talk.edit(uri, 2, text)
    await talk.settled()
    assert talk.session.day == yesterday


async def test_what_is_on_disk_is_looked_for_again_when_it_may_count_otherwise(tmp_path: Path) -> None:
    (tmp_path / ".kscan.yaml").write_text("frameworks: []\ncontrols: {include: [C-0260]}\n")
    kustomization = tmp_path / "kustomization.yaml"
    (tmp_path / "policy.yaml").write_text(POLICY)
    talk = Talk(tmp_path)
    uri = talk.open(tmp_path / "pod.yaml", POD)
    await talk.settled()
    assert talk.codes(uri) == set()
    kustomization.write_text("patches: [{path: policy.yaml}]\n")
    talk.happened(kustomization)
    await talk.settled()
    assert talk.codes(uri) == {"C-0260"}
