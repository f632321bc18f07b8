"""Lenses: one above each object, which counts what is in it and leads to it."""

from __future__ import annotations

import pytest
from lsprotocol import types
from support.positions import covered
from support.views import settings, view_of

from kscan_lsp.lsp.features import code_lens, status

POD = """\
# the first
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: api
    image: shop/api:1.0
    securityContext: {privileged: true}
"""
QUIET = """\
metadata: {name: web, namespace: shop}
apiVersion: v1
kind: Service
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
LIST = """\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: a}
  spec: {containers: [{name: a, image: 'shop/a:1.0'}], hostNetwork: true}
- {apiVersion: v1, kind: Pod, metadata: {name: b}, spec: {containers: [{name: b, image: 'shop/b:1.0'}], hostPID: true}}
"""


def titles(view):
    return [code_lens.command(view, one.data).title for one in code_lens.code_lenses(view)]


def test_each_object_has_a_lens_on_its_first_line():
    view = view_of(f"{POD}\n---\n{QUIET}\n---\n{LIST}")
    lines = view.checked.text.splitlines()
    assert [lines[one.range.start.line] for one in code_lens.code_lenses(view)] == [
        "apiVersion: v1",
        "metadata: {name: web, namespace: shop}",
        "- apiVersion: v1",
        LIST.splitlines()[-1],
    ]


def test_a_lens_counts_and_scores_its_object_alone():
    nsa = settings(frameworks=["nsa"])
    both = view_of(POD + "---\n" + QUIET, configuration=nsa)
    first, second = titles(both)
    assert second == "nothing found \u00b7 nsa 100.0%"
    alone = status.status(view_of(POD, configuration=nsa))
    counts = [f"{alone[level]} {level}" for level in ("critical", "high", "medium", "low") if alone[level]]
    assert first == f"{', '.join(counts)} \u00b7 nsa {alone['frameworks'][0]['score']:.1f}%"


def test_a_click_leads_to_every_open_finding_of_the_object():
    view = view_of(
        POD + "---\n" + POD.replace("{privileged: true}", "{privileged: true} # kscan:ignore C-0057")
    )
    lenses = code_lens.code_lenses(view)
    assert len(lenses) == 2
    for one in lenses:
        command = code_lens.command(view, one.data)
        uri, locations = command.arguments
        assert uri == view.uri
        assert {place.uri for place in locations} == {uri}
        marked = [covered(view.checked.text, place.range, "utf-16") for place in locations]
        assert ("privileged: true" in marked) == ("accepted" not in command.title)
        assert len(locations) == sum(
            int(part.split()[0])
            for part in command.title.split(" \u00b7 ")[0].split(", ")
            if "accepted" not in part
        )


def test_what_could_not_be_evaluated_is_said():
    view = view_of(POD.replace("containers:\n", "containers:\n  - 1\n"))
    (title,) = titles(view)
    assert "not evaluated" in title


def test_a_lens_of_a_text_that_has_moved_on_says_nothing():
    view = view_of(POD)
    (one,) = code_lens.code_lenses(view)
    assert code_lens.command(view, {**one.data, "version": 7}) is None
    assert code_lens.command(view, {**one.data, "object": 1}) is None


@pytest.mark.asyncio
@pytest.mark.parametrize("able", [True, False])
async def test_only_a_client_that_can_follow_them_gets_lenses(editor, tmp_path, able):
    capabilities = await editor.start(tmp_path, options={"codeLens": True} if able else None)
    assert (capabilities.code_lens_provider is not None) == able
    if able:
        uri = (tmp_path / "pod.yaml").as_uri()
        editor.open(uri, POD)
        document = types.TextDocumentIdentifier(uri=uri)
        (one,) = await editor.text_document_code_lens_async(types.CodeLensParams(document))
        resolved = await editor.code_lens_resolve_async(one)
        assert "high" in resolved.command.title
        assert resolved.command.command == "kscan.showFindings"


@pytest.mark.asyncio
async def test_lenses_are_asked_for_again_when_settings_change(editor, tmp_path):
    await editor.start(tmp_path, options={"codeLens": True})
    uri, settings = (tmp_path / "pod.yaml").as_uri(), tmp_path / ".kscan.yaml"
    editor.open(uri, POD)
    await editor.shown(uri)
    settings.write_text("frameworks: nsa\n", encoding="utf-8")
    event = types.FileEvent(uri=settings.as_uri(), type=types.FileChangeType.Created)
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))
    await editor.wait(lambda: editor.refreshed > 0)
    (one,) = await editor.text_document_code_lens_async(
        types.CodeLensParams(types.TextDocumentIdentifier(uri=uri))
    )
    assert "nsa" in (await editor.code_lens_resolve_async(one)).command.title


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: apps/v1\nkind: Deployment\n",  # nothing but a beginning
        POD.replace("{privileged: true}", "{privileged: fal}"),  # half a word
        POD + "  bad\n   : [\n",  # repaired to be judged
    ],
)
def test_what_is_not_wholly_judged_has_no_score(text):
    view = view_of(text)
    (title,) = titles(view)
    assert title.endswith(" \u00b7 not wholly judged")
    assert "%" not in title
    found = status.status(view)
    assert found["text"].endswith(" \u00b7 not wholly judged")
    assert "%" not in "".join(found["lines"])
    assert (found["whole"], found["frameworks"]) == (False, [])


def test_what_another_tool_fills_in_keeps_the_score_as_a_scan_does():
    text = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: ${REPLICAS}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: api, image: 'shop/api:1.0'}]}
"""
    assert "%" in titles(view_of(text))[0]


CONTROL = """\
id: ORG-0001
title: a
score: 5
description: a
remediation: a
checks:
  - match: [{groups: [""], kinds: [Pod]}]
    deny: object.metadata.name == 'a'
    at: metadata.name
    message: it is a
tests:
  - name: one that fails
    manifest: |
      apiVersion: v1
      kind: Pod
      metadata: {name: a}
      #          ^^^^^^^ ORG-0001
  - name: one that passes
    manifest: |
      apiVersion: v1
      kind: Pod
      metadata: {name: b}
"""


@pytest.mark.asyncio
async def test_tests_of_a_control_run_while_it_is_typed(editor, tmp_path):
    (tmp_path / ".kscan.yaml").write_text("policies: [control.yaml]\n")
    path = tmp_path / "control.yaml"
    path.write_text(CONTROL)
    await editor.start(tmp_path, options={"codeLens": True})
    uri = path.as_uri()
    editor.open(uri, CONTROL)

    async def shown() -> list[tuple[int, str]]:
        params = types.CodeLensParams(types.TextDocumentIdentifier(uri))
        found = await editor.text_document_code_lens_async(params)
        return [(one.range.start.line, one.command.title) for one in found]

    assert await shown() == [(11, "passes"), (17, "passes")]
    edited = CONTROL.replace("== 'a'", "== 'b'")
    editor.edit(uri, 2, types.TextDocumentContentChangeWholeDocument(edited))
    (first, one), (second, other) = await shown()
    assert (first, second) == (11, 17)
    assert one.startswith("fails: nothing reported at line 3")
    assert other.startswith("fails: unexpected 'it is a'")
    editor.edit(uri, 3, types.TextDocumentContentChangeWholeDocument(CONTROL.replace("== 'a'", "== ")))
    assert await shown() == []  # the mistake itself is underlined


SMALL = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"


@pytest.mark.asyncio
async def test_a_check_says_what_it_gives_for_open_manifests(editor, tmp_path):
    (tmp_path / ".kscan.yaml").write_text("policies: [control.yaml]\n")
    path, pod = tmp_path / "control.yaml", tmp_path / "pod.yaml"
    path.write_text(CONTROL)
    await editor.start(tmp_path, options={"codeLens": True})
    uri = path.as_uri()
    editor.open(uri, CONTROL)
    editor.open(pod.as_uri(), f"{SMALL}---\n{SMALL.replace('a}', 'b}')}")
    command = await editor.lens(uri, "open files")
    assert command.title == "open files: 2 judged, 1 fail in pod.yaml"
    assert command.command == "kscan.showFindings"
    of, (place,) = command.arguments
    assert of == uri
    assert (place["uri"], place["range"]["start"]) == (pod.as_uri(), {"line": 2, "character": 11})
    before = editor.refreshed
    editor.edit(pod.as_uri(), 2, types.TextDocumentContentChangeWholeDocument(SMALL.replace("a}", "c}")))
    await editor.wait(lambda: editor.refreshed > before)
    assert (await editor.lens(uri, "open files")).title == "open files: 1 judged, none fails"
    editor.edit(uri, 2, types.TextDocumentContentChangeWholeDocument(CONTROL.replace("== 'a'", "== 'c'")))
    assert (await editor.lens(uri, "open files")).title == "open files: 1 judged, 1 fail in pod.yaml"
