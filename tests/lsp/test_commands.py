"""Commands: what they answer, and over the wire what they do to the editor's documents."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from support.servers import WITHOUT_HELM
from support.views import FOLDER, edited, never, settings, view_of

from kscan_lsp.lsp.features import fix_all, status
from kscan_lsp.lsp.features.report import report_page
from kscan_lsp.lsp.session.snapshot import WorkspaceSnapshot
from kscan_lsp.policy.explain import brief
from kscan_lsp.report.standards import percentage

if TYPE_CHECKING:
    from pathlib import Path

    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccount: web
      containers:
        - name: api
          image: shop/api:1.0
          securityContext:
            privileged: true
            allowPrivilegeEscalation: true # kscan:ignore C-0016 -- the debugger needs it
"""
SAFE = "C-0294"  # a field whose name has changed


def test_status_counts_what_is_open_and_scores_the_file():
    view = view_of(DEPLOYMENT, configuration=settings(frameworks=["nsa", "recommended"]))
    found = status.status(view)
    open_ones = [f for _, f in view.checked.findings() if f.status == "open"]
    assert sum(found[level] for level in ("critical", "high", "medium", "low")) == len(open_ones) > 0
    assert found["suppressed"] == 1
    assert [f["id"] for f in found["frameworks"]] == ["nsa", "recommended"]
    assert all(0 < f["score"] < 100 for f in found["frameworks"])


def test_nothing_is_said_of_what_nobody_takes_for_a_manifest():
    assert status.status(view_of("replicas: 2\n", "values.yaml")) is None


def test_the_words_are_the_same_everywhere():
    view = view_of(DEPLOYMENT, configuration=settings(frameworks=["nsa", "recommended"]))
    found = status.status(view)
    first, second = found["frameworks"]
    counts = found["text"].split(" \u00b7 ")[0]
    assert found["text"] == f"{counts} \u00b7 {first['name']} {first['score']:.1f}%"
    assert found["lines"] == [
        f"This file: {counts}, 1 accepted",
        f"{first['name']} {first['score']:.1f}%",
        f"{second['name']} {second['score']:.1f}%",
    ]


def test_a_score_is_rounded_and_less_than_all_is_never_all():
    assert [percentage(score) for score in (0.0, 66.67, 99.94, 99.96, 100.0)] == [
        "0.0%", "66.7%", "99.9%", "99.9%", "100.0%",
    ]  # fmt: skip


PATCH = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2}\n"
FIELD = {
    "web.yaml": DEPLOYMENT,
    "overlays/prod/kustomization.yaml": "patches: [{path: replicas.yaml}]\n",
    "overlays/prod/replicas.yaml": PATCH,
    "chart/Chart.yaml": "apiVersion: v2\nname: web\n",
    "chart/values.yaml": "replicas: 2\n",
    "chart/templates/web.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .Values.name }}}\n",
    "playbook.yaml": "{% if a %}\nkind: {{ x }}\n{% endif %}\n",
}


def lay_out(folder: Path) -> None:
    for name, text in FIELD.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("name", "words", "hint"),
    [
        ("overlays/prod/replicas.yaml", "Kustomize patch", "kustomize build overlays/prod | kscan scan -"),
        ("chart/templates/web.yaml", "Helm template", "helm template chart | kscan scan -"),
        ("playbook.yaml", "Jinja template", "jinja2 playbook.yaml variables.yaml | kscan scan -"),
    ],
)
@pytest.mark.asyncio
async def test_a_file_that_is_left_alone_says_why_and_how_it_is_judged(
    editor_without_helm, tmp_path, name, words, hint
):
    editor = editor_without_helm
    lay_out(tmp_path)
    await editor.start(tmp_path)
    uri = (tmp_path / name).as_uri()
    editor.open(uri, FIELD[name])
    found = await run(editor, "kscan.status", uri)
    assert found["text"] == f"not checked: {words}"
    assert found["lines"] == [f"This file is not checked: {words}", f"To have it checked, run: {hint}"]
    scan = [sys.executable, "-c", WITHOUT_HELM, "scan", "--list-skipped"]
    wide = {**os.environ, "COLUMNS": "200"}
    said = subprocess.run(scan, cwd=tmp_path, env=wide, capture_output=True, text=True, check=False)
    assert f"{name}: {words}; run: {hint}" in said.stdout


async def surveyed(editor: Any) -> Any:
    """What is said of the workspace when all of it has been read."""
    while True:
        editor.news.clear()
        found = await run(editor, "kscan.workspaceStatus")
        if found and "not all files read yet" not in found["lines"][0]:
            return found
        await editor.wait(editor.news.is_set)


@pytest.mark.asyncio
async def test_the_workspace_says_what_was_checked_and_what_was_not(editor, tmp_path):
    lay_out(tmp_path)

    @editor.feature("kscan/statusChanged")
    def tell(_: Any) -> None:
        editor.news.set()

    await editor.start(tmp_path, options={"status": True})
    found = await surveyed(editor)
    number = sum(found["findings"].values())
    assert found["text"] == f"{number} findings in 1 file, 3 not checked"
    assert found["skipped"] == {"helm-template": 1, "jinja-template": 1, "kustomize-patch": 1}
    assert found["lines"] == [
        f"Workspace: {number} findings in 1 file, 3 not checked",
        "Not checked, 1 Helm template:",
        "  chart/templates/web.yaml; run: helm template chart | kscan scan -",
        "Not checked, 1 Kustomize patch:",
        "  overlays/prod/replicas.yaml; run: kustomize build overlays/prod | kscan scan -",
        "Not checked, 1 Jinja template:",
        "  playbook.yaml; run: jinja2 playbook.yaml variables.yaml | kscan scan -",
    ]
    assert not any(
        editor.published.values()
    )  # what is wrong in files that are not open is counted, not shown
    uri = (tmp_path / "web.yaml").as_uri()
    editor.open(uri, DEPLOYMENT)
    one = await run(editor, "kscan.status", uri)
    assert one["lines"][-len(found["lines"]) :] == found["lines"]
    page = await run(editor, "kscan.report")
    assert "kustomize build overlays/prod | kscan scan -" in page["html"]
    # a template that was mended counts as one that is checked
    (tmp_path / "playbook.yaml").write_text(DEPLOYMENT)
    editor.open((tmp_path / "playbook.yaml").as_uri(), DEPLOYMENT)
    await editor.shown((tmp_path / "playbook.yaml").as_uri())
    assert "in 2 files, 2 not checked" in (await run(editor, "kscan.workspaceStatus"))["text"]


def test_a_workspace_without_manifests_says_nothing():
    assert status.workspace_status(WorkspaceSnapshot((FOLDER,), ()), True, never) is None


def test_frameworks_tell_which_are_chosen():
    found = status.frameworks(settings(frameworks="nsa"))
    assert {f["id"] for f in found if f["active"]} == {"nsa"}
    assert len(found) > 1
    assert all(f["name"] for f in found)


def judged(*views: DocumentSnapshot) -> tuple[Any, ...]:
    return tuple((view.checked, view.project) for view in views)


def test_the_report_names_files_from_their_folder_and_links_to_them():
    files = judged(view_of(DEPLOYMENT, "a b/web.yaml"), view_of(DEPLOYMENT, "<i>.yaml"))
    page = report_page(WorkspaceSnapshot((FOLDER,), files), never)
    assert 'href="kscan-place:file%3A%2F%2F%2Fshop%2Fa%2520b%2Fweb.yaml#L16,13"' in page
    assert "a b/<wbr>web.yaml" in page
    assert "<i>" not in page
    assert f"{FOLDER.as_posix()}/a" not in page
    several = report_page(WorkspaceSnapshot((FOLDER, FOLDER.with_name("other")), files), never)
    assert "shop/<wbr>a b/<wbr>web.yaml" in several


def test_a_report_that_is_stopped_is_no_report():
    assert report_page(WorkspaceSnapshot((FOLDER,), judged(view_of(DEPLOYMENT))), lambda: True) is None


def test_totals_count_manifests_and_what_is_open_in_them():
    view, values = view_of(DEPLOYMENT), view_of("replicas: 2\n", "values.yaml")
    found = status.totals([view.checked, view.checked, values.checked])
    one = status.status(view)
    assert found["files"] == 2
    assert found["findings"] == {level: 2 * one[level] for level in ("critical", "high", "medium", "low")}


def test_a_fix_of_everything_that_is_stopped_changes_nothing():
    view = view_of(DEPLOYMENT)
    assert fix_all.fix_everything(view, fix_all.FIX_SAFE, lambda: True) is None
    fixed = fix_all.fix_everything(view, fix_all.FIX_SAFE, never)
    assert fixed.number == 1
    assert "serviceAccountName: web" in edited(DEPLOYMENT, fixed.edit)


async def run(editor: Any, command: str, *arguments: Any, **more: Any) -> Any:
    params = types.ExecuteCommandParams(command=command, arguments=list(arguments), **more)
    return await editor.workspace_execute_command_async(params)


@pytest.mark.asyncio
async def test_fix_all_edits_the_document_and_says_how_much(editor, tmp_path):
    applied: asyncio.Queue[types.ApplyWorkspaceEditParams] = asyncio.Queue()

    @editor.feature(types.WORKSPACE_APPLY_EDIT)
    def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        applied.put_nowait(params)
        return types.ApplyWorkspaceEditResult(applied="applied" not in text, failure_reason="it is locked")

    await editor.start(tmp_path)
    uri, text = (tmp_path / "web.yaml").as_uri(), DEPLOYMENT
    editor.open(uri, text)
    assert await run(editor, "kscan.fixAll", uri) == 1
    params = applied.get_nowait()
    assert [c.text_document.version for c in params.edit.document_changes] == [1]
    text = edited(text, params.edit) + "# applied\n"
    editor.edit(uri, 2, types.TextDocumentContentChangeWholeDocument(text=text))
    assert await run(editor, "kscan.fixAll", uri) == 0
    assert applied.empty()

    editor.edit(uri, 3, types.TextDocumentContentChangeWholeDocument(text=DEPLOYMENT + "# applied\n"))
    with pytest.raises(JsonRpcException, match="it is locked"):
        await run(editor, "kscan.fixAll", uri)


@pytest.mark.asyncio
async def test_an_explanation_shown_is_short_and_one_answered_is_whole(editor, tmp_path):
    await editor.start(tmp_path)
    uri = (tmp_path / "web.yaml").as_uri()
    editor.open(uri, DEPLOYMENT)
    await editor.shown(uri)
    whole = await run(editor, "kscan.explain", "C-0057")
    title, why, how, more = editor.messages[-1].message.split("\n\n")
    assert title == "C-0057 Privileged container (high)"
    assert (
        f"**{title[:-7]}** (high)\n\n{why}\n\n**How to fix:** {how.removeprefix('How to fix: ')}\n\n" in whole
    )
    assert more == "'kscan explain C-0057' lists frameworks and references."
    assert "NSA/CISA" in whole
    assert "<https://" in whole


def test_every_explanation_shown_fits_a_message():
    ruleset = settings().ruleset
    for control in ruleset.policies.controls.values():
        lines = [
            line for part in brief(control, ruleset).split("\n") for line in textwrap.wrap(part, 100) or [""]
        ]
        assert len(lines) <= 14, control.id


@pytest.mark.asyncio
async def test_commands_about_what_is_not_there(editor, tmp_path):
    await editor.start(tmp_path)
    uri = (tmp_path / "web.yaml").as_uri()
    assert await run(editor, "kscan.status", uri) is None
    with pytest.raises(JsonRpcException, match="open it"):
        await run(editor, "kscan.fixAll", uri)
    page = await run(editor, "kscan.report")
    assert "nothing is known" in page["html"]
    assert {f["id"] for f in await run(editor, "kscan.frameworks") if f["active"]} == {"recommended"}


@pytest.mark.asyncio
async def test_the_report_is_about_every_file_as_it_is_in_the_editor(editor, tmp_path):
    (tmp_path / ".kscan.yaml").write_text("frameworks: [nsa, nsaa]\n")
    (tmp_path / "closed.yaml").write_text(DEPLOYMENT)
    (tmp_path / "open.yaml").write_text(DEPLOYMENT)
    await editor.start(tmp_path)
    editor.open((tmp_path / "open.yaml").as_uri(), DEPLOYMENT.replace("web", "other"))
    page = (await run(editor, "kscan.report"))["html"]
    for part in ("closed.yaml<span", "open.yaml<span", "<b>other</b>", ".kscan.yaml<span", "nsaa"):
        assert part in page
    # only what was asked for is shown
    assert not editor.published[(tmp_path / "closed.yaml").as_uri()]


@pytest.mark.asyncio
async def test_what_cannot_be_read_is_no_clean_file(editor, tmp_path):
    (tmp_path / "binary.yaml").write_bytes(b"kind: Pod\n# \xc3\x28\n")
    (tmp_path / "web.yaml").write_text(DEPLOYMENT)
    await editor.start(tmp_path)
    page = (await run(editor, "kscan.report"))["html"]
    assert "Not scanned" in page
    assert "binary.yaml" in page
    await run(editor, "kscan.scanWorkspace")
    (problem,) = await editor.until(
        (tmp_path / "binary.yaml").as_uri(), lambda newest: bool(newest.diagnostics)
    )
    assert problem.code == "limit"


@pytest.mark.asyncio
async def test_a_scan_shows_what_is_wrong_in_closed_files(editor, tmp_path):
    path = tmp_path / "closed.yaml"
    path.write_text(DEPLOYMENT)
    (tmp_path / "values.yaml").write_text("replicas: 2\n")
    await editor.start(tmp_path)
    found = await run(editor, "kscan.scanWorkspace")
    assert found["files"] == 1
    diagnostics = await editor.until(path.as_uri(), lambda newest: newest.version is None)
    assert len(diagnostics) == sum(found["findings"].values())

    path.write_text(DEPLOYMENT.replace("privileged: true", "privileged: false"))
    again = await run(editor, "kscan.scanWorkspace")
    assert again["findings"]["high"] < found["findings"]["high"]
    await editor.until(path.as_uri(), lambda newest: all(d.code != "C-0057" for d in newest.diagnostics))

    path.unlink()
    assert (await run(editor, "kscan.scanWorkspace"))["files"] == 0
    await editor.until(path.as_uri(), lambda newest: not newest.diagnostics)
