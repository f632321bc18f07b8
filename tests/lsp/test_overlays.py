"""Overlays in the editor: what they build is shown in patches and bases, while these are typed."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import pytest_lsp
from lsprotocol import types
from lsprotocol.types import TextDocumentContentChangeWholeDocument
from support.kustomize import found as maker

from .conftest import Editor

if TYPE_CHECKING:
    from pathlib import Path

MAKER = maker()

SETTINGS = "frameworks: []\ncontrols: {include: [C-0041, C-0057, C-0038, C-0260]}\n"
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      hostPID: true
      containers:
        - name: api
          image: nginx:1.0
"""
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: api
          securityContext:
            privileged: true
"""
POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: default}
spec:
  podSelector: {matchLabels: {app: web}}
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  hostPID: true
  containers:
    - {name: a, image: a:1}
"""
FILES = {
    ".kscan.yaml": SETTINGS,
    "base/kustomization.yaml": "resources: [web.yaml]\n",
    "base/web.yaml": WEB,
    "prod/kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}]\n",
    "prod/p.yaml": PATCH,
    "stage/kustomization.yaml": "resources: [../base]\nnameSuffix: -stage\n",
    "test/kustomization.yaml": "resources: [../base]\nnameSuffix: -test\n",
    "pod.yaml": POD,
}
ENVIRONMENT = {**os.environ, "KSCAN_KUSTOMIZE": MAKER.path}


@pytest_lsp.fixture(
    config=pytest_lsp.ClientServerConfig(
        server_command=[sys.executable, "-m", "kscan_lsp", "lsp"],
        client_factory=Editor,
        server_env=ENVIRONMENT,
    )
)
async def editor(lsp_client: Editor):
    """A client of a server that has something to build overlays with."""
    yield
    await lsp_client.shutdown_session()


@pytest_lsp.fixture(
    config=pytest_lsp.ClientServerConfig(
        server_command=[sys.executable, "-m", "kscan_lsp", "lsp"],
        client_factory=Editor,
        server_env={**os.environ, "KSCAN_KUSTOMIZE": "", "PATH": "/nowhere"},
    )
)
async def editor_without(lsp_client: Editor):
    """A client of a server for which nothing builds overlays on its machine."""
    yield
    await lsp_client.shutdown_session()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def found(diagnostics: list[types.Diagnostic]) -> list[tuple[str, int]]:
    return sorted((str(d.code), d.range.start.line) for d in diagnostics)


def now(*expected: tuple[str, int], version: int | None = None):
    return lambda newest: (
        (version is None or newest.version == version) and found(newest.diagnostics) == sorted(expected)
    )


PRIVILEGED, PID, NO_POLICY = ("C-0057", 9), ("C-0038", 9), ("C-0260", 7)


@pytest.mark.asyncio
async def test_findings_stand_where_they_are_caused(editor, here):
    """What a patch adds is shown there, with the base; what three overlays take from a base is one finding there."""
    patch, web = (here / "prod/p.yaml").as_uri(), (here / "base/web.yaml").as_uri()
    await editor.start(here)
    editor.open(patch, PATCH)
    editor.open(web, WEB)
    (shown,) = await editor.until(patch, now(PRIVILEGED))
    assert shown.related_information[0].location.uri == web
    assert shown.related_information[0].location.range.start.line == 11
    await editor.until(web, now(PID, NO_POLICY))


def whole(text: str) -> TextDocumentContentChangeWholeDocument:
    return TextDocumentContentChangeWholeDocument(text=text)


async def status(editor, uri: str) -> dict:
    asked = types.ExecuteCommandParams(command="kscan.status", arguments=[uri])
    return await editor.workspace_execute_command_async(asked)


@pytest.mark.asyncio
async def test_edits_of_all_kinds_of_files_are_built_before_they_are_saved(editor, here):
    patch, web = (here / "prod/p.yaml").as_uri(), (here / "base/web.yaml").as_uri()
    prod = (here / "prod/kustomization.yaml").as_uri()
    await editor.start(here)
    editor.open(patch, PATCH)
    editor.open(web, WEB)
    editor.open(prod, FILES["prod/kustomization.yaml"])
    await editor.until(patch, now(PRIVILEGED))
    editor.edit(patch, 2, whole(PATCH.replace("privileged: true", "privileged: false")))
    await editor.until(patch, now(version=2))
    # in the base, and from there in three overlays
    editor.edit(web, 2, whole(WEB.replace("hostPID: true", "hostNetwork: true")))
    await editor.until(web, now(("C-0041", 9), NO_POLICY, version=2))
    # a patch that stands in the kustomization
    inline = "resources: [../base]\npatches:\n- patch: |-\n"
    inline += "".join(f"    {line}\n" for line in PATCH.splitlines())
    editor.edit(prod, 2, whole(inline))
    await editor.until(prod, now(("C-0057", 12), version=2))
    # what is on disk holds again when nobody edits it
    editor.close(prod)
    editor.edit(patch, 3, whole(PATCH))
    await editor.until(patch, now(PRIVILEGED, version=3))


@pytest.mark.asyncio
async def test_findings_stay_in_unchanged_lines_while_something_is_broken(editor, here):
    patch, web = (here / "prod/p.yaml").as_uri(), (here / "base/web.yaml").as_uri()
    prod = (here / "prod/kustomization.yaml").as_uri()
    await editor.start(here)
    for uri, text in ((patch, PATCH), (web, WEB), (prod, FILES["prod/kustomization.yaml"])):
        editor.open(uri, text)
    await editor.until(patch, now(PRIVILEGED))
    await editor.until(web, now(PID, NO_POLICY))  # which takes the whole folder
    editor.edit(patch, 2, whole(PATCH.replace("kind: Deployment", "kind: Deployment\nextra: [")))
    shown = await editor.until(patch, lambda newest: newest.version == 2 and len(newest.diagnostics) == 2)
    assert [(d.code, d.range.start.line) for d in shown if d.code != "C-0057"] == [("render", 2)]
    assert ("C-0057", 10) in found(shown)
    assert found(editor.published[web][-1].diagnostics) == sorted([PID, NO_POLICY])
    editor.edit(patch, 3, whole(PATCH))
    await editor.until(patch, now(PRIVILEGED, version=3))
    # a kustomization that nobody can read
    editor.edit(prod, 2, whole("resources: [../base]\npatch: [{path: p.yaml}]\n"))
    (fault,) = await editor.until(prod, now(("render", 1), version=2))
    assert fault.message == "this overlay is not built: Kustomize has no field 'patch'"
    assert found(editor.published[patch][-1].diagnostics) == [PRIVILEGED]
    assert (await status(editor, patch))["whole"]
    editor.edit(prod, 3, whole("resources: [../base]\npatches: [{path: p.yaml}]\n"))
    await editor.until(prod, now(version=3))


@pytest.mark.asyncio
async def test_a_fault_in_a_file_that_is_not_open_is_said_where_somebody_looks(editor, here):
    web = (here / "base/web.yaml").as_uri()
    (here / "prod/p.yaml").write_text(PATCH.replace("metadata: {name: web}", "metadata: {name: wrong}"))
    await editor.start(here)
    editor.open(web, WEB)
    shown = await editor.until(web, now(("render", 0), PID, NO_POLICY))
    assert "no matches for Id" in next(d.message for d in shown if d.code == "render")
    (here / "prod/p.yaml").write_text(PATCH)
    event = types.FileEvent((here / "prod/p.yaml").as_uri(), types.FileChangeType.Changed)
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))
    await editor.until(web, now(PID, NO_POLICY))


@pytest.mark.asyncio
async def test_hover_and_status_say_which_overlays_it_is(editor, here):
    patch, web = (here / "prod/p.yaml").as_uri(), (here / "base/web.yaml").as_uri()
    await editor.start(here)
    editor.open(patch, PATCH)
    editor.open(web, WEB)
    await editor.until(patch, now(PRIVILEGED))
    params = types.HoverParams(types.TextDocumentIdentifier(web), types.Position(9, 8))
    hover = (await editor.text_document_hover_async(params)).contents.value
    overlays = "prod/kustomization.yaml, stage/kustomization.yaml, test/kustomization.yaml"
    assert f"Rendered with {overlays}:" in hover
    assert "hostPID: true" in hover
    said = await status(editor, patch)
    assert said["text"] == "1 high \u00b7 as overlays build it"
    assert "skipped" not in said


@pytest.mark.asyncio
async def test_an_overlay_says_what_it_comes_to_and_shows_what_it_builds(editor, here):
    web, prod, test = (
        (here / one).as_uri()
        for one in ("base/web.yaml", "prod/kustomization.yaml", "test/kustomization.yaml")
    )
    (here / ".kscan.yaml").write_text(SETTINGS.replace("[]", "[nsa]"))
    await editor.start(here, options={"codeLens": True}, renderings=True)
    editor.open(web, WEB)
    editor.open(prod, FILES["prod/kustomization.yaml"])
    editor.open(test, FILES["test/kustomization.yaml"])
    await editor.lens(web, "show rendered")
    assert [one.title for one in await editor.lenses(web)][1:] == [
        "show rendered: prod",
        "show rendered: stage",
        "show rendered: test",
    ]
    whole, shows, *_ = await editor.lenses(test)
    # the finding that it shares with another overlay is shown there, and is one of it all the same
    assert "high" in whole.title
    assert "nsa" in whole.title
    assert web in {one["uri"] for one in whole.arguments[1]}
    at = await editor.click(shows)
    text = await editor.content(at.uri)
    assert "name: web-test" in text
    shown = await editor.until(at.uri, lambda newest: bool(newest.diagnostics))
    (process,) = [one for one in shown if one.code == "C-0038"]
    line = text.split("\n")[process.range.start.line]
    assert line[process.range.start.character : process.range.end.character] == "hostPID: true"
    assert process.related_information[0].location.uri == web
    assert "C-0057" not in {one.code for one in shown}
    editor.edit(web, 2, TextDocumentContentChangeWholeDocument(WEB.replace("hostPID", "hostIPC")))
    await editor.wait(lambda: at.uri in editor.contents_refreshed)
    assert "hostIPC: true" in await editor.content(at.uri)


@pytest.mark.asyncio
async def test_what_stands_around_overlays_counts_without_building_again(editor, here):
    web, policy = (here / "base/web.yaml").as_uri(), (here / "policy.yaml").as_uri()
    await editor.start(here)
    editor.open(web, WEB)
    await editor.until(web, now(PID, NO_POLICY))
    editor.open(policy, POLICY)
    await editor.until(web, now(PID))
    editor.edit(policy, 2, whole(POLICY.replace("app: web", "app: other")))
    await editor.until(web, now(PID, NO_POLICY))
    editor.close(policy)  # it is not on disk


@pytest.mark.asyncio
async def test_what_is_accepted_is_not_shown(editor, here):
    patch, web = (here / "prod/p.yaml").as_uri(), (here / "base/web.yaml").as_uri()
    await editor.start(here)
    editor.open(patch, PATCH)
    editor.open(web, WEB)
    await editor.until(patch, now(PRIVILEGED))
    said = PATCH.replace("privileged: true", "privileged: true  # kscan:ignore C-0057 -- node agent")
    editor.edit(patch, 2, whole(said))
    await editor.until(patch, now(version=2))
    # exceptions are about the file that is judged: the kustomization
    exceptions = here / ".kscan/exceptions.yaml"
    exceptions.parent.mkdir()
    exceptions.write_text("exceptions: [{controls: [C-0038], paths: [prod/], reason: because}]\n")
    event = types.FileEvent(exceptions.as_uri(), types.FileChangeType.Created)
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))
    shown = await editor.until(
        web, lambda newest: any("(built by stage" in d.message for d in newest.diagnostics)
    )
    assert found(shown) == sorted([PID, NO_POLICY])


@pytest.mark.asyncio
async def test_what_is_in_a_baseline_is_a_hint(editor, here):
    patch, web = (here / "prod/p.yaml").as_uri(), (here / "base/web.yaml").as_uri()
    command = [sys.executable, "-m", "kscan_lsp", "baseline", "create", "."]
    subprocess.run(command, cwd=here, env=ENVIRONMENT, check=True, capture_output=True, timeout=60)
    await editor.start(here)
    editor.open(patch, PATCH)
    editor.open(web, WEB)
    shown = await editor.until(patch, now(PRIVILEGED))
    assert "(high, in the baseline since 2" in shown[0].message
    expected = sorted([PID, NO_POLICY])
    await editor.until(
        web,
        lambda newest: (
            found(newest.diagnostics) == expected
            and all("in the baseline" in d.message for d in newest.diagnostics)
        ),
    )
    editor.edit(
        patch, 2, whole(PATCH.replace("      containers", "      hostNetwork: true\n      containers"))
    )
    shown = await editor.until(patch, now(("C-0041", 6), ("C-0057", 10), version=2))
    assert {d.code: "in the baseline" in d.message for d in shown} == {"C-0041": False, "C-0057": True}


@pytest.mark.asyncio
async def test_a_kustomization_that_goes_leaves_manifests_as_they_stand(editor, here):
    web, patch = (here / "base/web.yaml").as_uri(), (here / "prod/p.yaml").as_uri()
    await editor.start(here)
    editor.open(web, WEB)
    editor.open(patch, PATCH)
    await editor.until(patch, now(PRIVILEGED))
    changes = []
    for name in ("prod", "stage", "test", "base"):
        (here / name / "kustomization.yaml").unlink()
        uri = (here / name / "kustomization.yaml").as_uri()
        changes.append(types.FileEvent(uri, types.FileChangeType.Deleted))
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes))
    await editor.until(web, lambda newest: ("C-0260", 7) in found(newest.diagnostics))
    await editor.wait(lambda: "C-0057" in [d.code for d in editor.published[patch][-1].diagnostics])
    # judged alone now: the patch is taken for an object
    assert "related_information" not in str(editor.published[patch][-1].diagnostics[0].related_information)


@pytest.mark.asyncio
async def test_names_that_lead_out_of_the_folder_are_refused(editor, here, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.yaml"
    outside.write_text(WEB)
    prod = (here / "prod/kustomization.yaml").as_uri()
    (here / "prod/link.yaml").symlink_to(outside)
    await editor.start(here)
    editor.open(prod, f"resources:\n- ../base\n- {os.path.relpath(outside, here / 'prod')}\n")
    (fault,) = await editor.until(prod, now(("render", 2)))
    assert "outside of this workspace" in fault.message
    editor.edit(prod, 2, whole("resources:\n- ../base\n- link.yaml\n"))
    (fault,) = await editor.until(prod, now(("render", 2), version=2))
    assert "outside of this workspace" in fault.message
    editor.edit(prod, 3, whole("resources:\n- ../base\n- https://example.com/x.yaml\n"))
    (fault,) = await editor.until(prod, now(("render", 2), version=3))
    assert "nothing is fetched" in fault.message


async def fixes(editor, uri: str, line: int) -> dict[str, dict[str, list[tuple[int, str]]]]:
    """What the actions on a line would write, by title and file: line and text."""
    at = types.Position(line, 4)
    params = types.CodeActionParams(
        types.TextDocumentIdentifier(uri), types.Range(at, at), types.CodeActionContext([])
    )
    actions = await editor.text_document_code_action_async(params)
    return {
        action.title: {
            "/".join(change.text_document.uri.split("/")[-2:]): [
                (e.range.start.line, e.new_text) for e in change.edits
            ]
            for change in action.edit.document_changes
        }
        for action in actions or ()
        if isinstance(action, types.CodeAction) and action.edit
    }


@pytest.mark.asyncio
async def test_a_fix_is_an_edit_of_the_patch_or_the_base(editor, here):
    patch, web = (here / "prod/p.yaml").as_uri(), (here / "base/web.yaml").as_uri()
    await editor.start(here)
    editor.open(patch, PATCH)
    editor.open(web, WEB)
    await editor.until(patch, now(PRIVILEGED))
    title = "Set securityContext.privileged of container 'api' to false in p.yaml (review) [C-0057]"
    assert await fixes(editor, patch, 9) == {title: {"prod/p.yaml": [(9, "fals")]}}
    # one edit of the base for all overlays
    title = "Set spec.hostPID to false in web.yaml (review) [C-0038]"
    assert await fixes(editor, web, 9) == {title: {"base/web.yaml": [(9, "fals")]}}
    assert await fixes(editor, web, 2) == {}
    # what is typed and not saved counts
    editor.edit(patch, 2, whole(f"# more\n{PATCH}"))
    await editor.until(patch, now(("C-0057", 10), version=2))
    assert [*(await fixes(editor, patch, 10)).values()] == [{"prod/p.yaml": [(10, "fals")]}]


@pytest.mark.asyncio
async def test_a_fix_that_another_file_undoes_is_not_offered(editor, here):
    """The base says it, and so does a patch: whichever is changed, the other one holds or is changed with it."""
    web = (here / "base/web.yaml").as_uri()
    (here / "stage/kustomization.yaml").write_text("""\
resources: [../base]
replacements:
- source: {kind: Deployment, name: web, fieldPath: spec.template.spec.hostPID}
  targets:
  - select: {kind: Deployment, name: web}
    fieldPaths: [spec.template.spec.hostIPC]
    options: {create: true}
""")
    await editor.start(here)
    editor.open(web, WEB)
    async with asyncio.timeout(20):
        while "as overlays" not in (await status(editor, web))["text"]:
            await asyncio.sleep(0.05)
    assert ("C-0038", 9) in found(editor.published[web][-1].diagnostics)
    assert await fixes(editor, web, 9) == {}


@pytest.mark.asyncio
async def test_settings_of_a_workspace_name_no_program(editor_without, here):
    """Without one all is as it was: patches are left alone, bases are judged as they stand."""
    editor = editor_without
    patch, web = (here / "prod/p.yaml").as_uri(), (here / "base/web.yaml").as_uri()
    (here / ".kscan.yaml").write_text(f"{SETTINGS}kustomize: {MAKER.path}\n")
    await editor.start(here, settings={"kustomize": MAKER.path})
    editor.open(patch, PATCH)
    editor.open(web, WEB)
    await editor.until(web, now(PID, NO_POLICY))
    await editor.shown(patch)
    await asyncio.sleep(2)
    said = await status(editor, patch)
    assert said["skipped"] == "kustomize-patch"
    assert found(editor.published[patch][-1].diagnostics) == []
    assert not any("overlay" in one.message for one in editor.messages)


@pytest.mark.asyncio
async def test_the_user_of_an_editor_names_the_program(editor_without, here):
    patch = (here / "prod/p.yaml").as_uri()
    await editor_without.start(here, options={"kustomize": MAKER.path})
    editor_without.open(patch, PATCH)
    await editor_without.until(patch, now(PRIVILEGED))


@pytest.mark.asyncio
async def test_a_program_that_is_none_is_said_once(editor_without, here):
    patch = (here / "prod/p.yaml").as_uri()
    await editor_without.start(here, options={"kustomize": "bin/kustomize"})
    editor_without.open(patch, PATCH)
    editor_without.edit(patch, 2, whole(PATCH + "# more\n"))
    await editor_without.shown(patch, 2)
    said = [one.message for one in editor_without.messages]
    (line,) = [one for one in said if "overlays are not built" in one]
    assert "'kustomize'" in line
    assert "names no program: 'bin/kustomize'; write the whole path" in line


@pytest.mark.asyncio
async def test_all_overlays_are_built_where_all_files_are_shown(editor, here):
    (here / ".kscan.yaml").write_text(f"{SETTINGS}diagnostics: workspace\n")
    await editor.start(here)
    pod = (here / "pod.yaml").as_uri()
    editor.open(pod, POD)
    await editor.until((here / "prod/p.yaml").as_uri(), now(PRIVILEGED))
    await editor.until((here / "base/web.yaml").as_uri(), now(PID, NO_POLICY))
    (here / "prod/p.yaml").write_text(PATCH.replace("true", "false"))
    event = types.FileEvent((here / "prod/p.yaml").as_uri(), types.FileChangeType.Changed)
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))
    await editor.until((here / "prod/p.yaml").as_uri(), now())


@pytest.mark.asyncio
async def test_the_report_of_the_workspace_has_what_overlays_build(editor, here):
    await editor.start(here)
    asked = types.ExecuteCommandParams(command="kscan.report", arguments=[])
    page = (await editor.workspace_execute_command_async(asked))["html"]
    text = re.sub(r"<[^>]*>|\\s", "", page)
    assert "prod/p.yaml:10:13" in text
    # each is one finding, wherever it is built
    asked = types.ExecuteCommandParams(command="kscan.workspaceStatus", arguments=[])
    assert (await editor.workspace_execute_command_async(asked))["findings"]["high"] == 3


@pytest.mark.asyncio
async def test_what_overlays_take_away_is_shown_no_more_in_files_that_are_not_open(editor, here):
    (here / ".kscan.yaml").write_text(f"{SETTINGS}diagnostics: workspace\n")
    for name in ("stage", "test"):
        (here / name / "kustomization.yaml").unlink()
    off = PATCH.replace("      containers", "      hostPID: false\n      containers")
    (here / "prod/p.yaml").write_text(off)
    await editor.start(here)
    editor.open((here / "pod.yaml").as_uri(), POD)
    await editor.until((here / "prod/p.yaml").as_uri(), now(("C-0057", 10)))
    await editor.until((here / "base/web.yaml").as_uri(), now(NO_POLICY))


@pytest.mark.asyncio
@pytest.mark.skipif(sys.platform == "win32", reason="the program is a script for a shell")
async def test_nothing_waits_for_a_build(editor_without, here):
    """An edit of another file is shown while a program builds that takes forever; it ends with the server."""
    editor, pod = editor_without, (here / "pod.yaml").as_uri()
    program = here.parent / "kustomize"
    program.write_text("#!/bin/sh\nexec /bin/sleep 50\n")
    program.chmod(0o755)
    await editor.start(here, options={"kustomize": str(program)})
    web = (here / "base/web.yaml").as_uri()
    editor.open(web, WEB)
    editor.open(pod, POD)
    await editor.until(pod, now(("C-0038", 4), ("C-0260", 2)))
    async with asyncio.timeout(5):
        editor.edit(pod, 2, whole(POD.replace("true", "false")))
        await editor.until(pod, now(("C-0260", 2), version=2))


VARIANTS = {
    "base/web.yaml": [
        WEB,
        WEB.replace("hostPID: true", "hostNetwork: true"),
        WEB.replace("hostPID", "hostPID: false\n      # more\n      hostIPC"),
        WEB + "---\n" + FILES["pod.yaml"],
    ],
    "base/kustomization.yaml": [
        FILES["base/kustomization.yaml"],
        "namespace: shop\nresources:\n- web.yaml\n",
    ],
    "prod/p.yaml": [
        PATCH,
        PATCH.replace("privileged: true", "privileged: false"),
        PATCH.replace("      containers", "      hostNetwork: true\n      containers"),
        PATCH + "          # kscan:ignore C-0057 -- node agent\n",
        PATCH.replace("privileged: true", "privileged: true # kscan:ignore C-0057 -- node agent"),
    ],
    "prod/kustomization.yaml": [
        FILES["prod/kustomization.yaml"],
        "namespace: prod\n" + FILES["prod/kustomization.yaml"],
        "resources: [../base, ../policy.yaml]\n",
    ],
    "stage/kustomization.yaml": [FILES["stage/kustomization.yaml"], "resources: [../test]\n"],
    "policy.yaml": [POLICY, POLICY.replace("app: web", "app: other"), "# nothing yet\n"],
    "pod.yaml": [FILES["pod.yaml"], FILES["pod.yaml"].replace("true", "false")],
}
"""Texts of files that build whatever the others are."""


def scanned(folder: Path) -> list[tuple]:
    """What the command line finds: file, control, place and message."""
    command = [sys.executable, "-m", "kscan_lsp", "scan", "--format", "json", "."]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, env=ENVIRONMENT, timeout=60
    )
    report = json.loads(done.stdout)
    assert report["notScanned"] == [], report["notScanned"]
    return sorted(
        (
            one["file"],
            one["control"],
            *((one["range"][end]["line"] - 1, one["range"][end]["column"] - 1) for end in ("start", "end")),
            one["message"],
        )
        for one in report["findings"]
        if one["status"] == "open"
    )


def told(editor, folder: Path) -> list[tuple]:
    """What the editor shows, likewise; what is no finding has its code."""
    return sorted(
        (
            name,
            d.code,
            (d.range.start.line, d.range.start.character),
            (d.range.end.line, d.range.end.character),
            d.message,
        )
        for name in VARIANTS
        for d in (editor.published[(folder / name).as_uri()] or [types.PublishDiagnosticsParams("", [])])[
            -1
        ].diagnostics
        if str(d.code).startswith("C-") or d.code == "render"
    )


@pytest.mark.asyncio
@pytest.mark.parametrize("seed", range(4))
async def test_after_any_edits_the_editor_shows_what_a_scan_says(editor, here, seed):
    choice = random.Random(seed)  # noqa: S311 - one walk for each test
    (here / "policy.yaml").write_text(POLICY)
    await editor.start(here, encodings=["utf-32"])
    texts, versions = {}, dict.fromkeys(VARIANTS, 1)
    for name in choice.sample(sorted(VARIANTS), len(VARIANTS)):
        texts[name] = (here / name).read_text()
        editor.open((here / name).as_uri(), texts[name])
    for _ in range(2):
        for _ in range(10):
            name = choice.choice(sorted(VARIANTS))
            texts[name] = choice.choice(VARIANTS[name])
            broken = choice.random() < 0.3
            for text in [texts[name] + "\n  x: [", texts[name]] if broken else [texts[name]]:
                versions[name] += 1
                editor.edit((here / name).as_uri(), versions[name], whole(text))
                await asyncio.sleep(choice.choice([0, 0.02, 0.3]))
        for name, text in texts.items():
            (here / name).write_text(text)
        # what is left alone as a patch is known from what is saved
        saved = [types.FileEvent((here / name).as_uri(), types.FileChangeType.Changed) for name in texts]
        editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(saved))
        expected = scanned(here)
        try:
            await editor.wait(lambda expected=expected: told(editor, here) == expected)
        except TimeoutError:
            assert told(editor, here) == expected
