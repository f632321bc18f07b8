"""Charts while they are edited: findings at lines of templates and helpers, live, and faults where Helm sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lsprotocol import types

pytest.importorskip(
    "helm_python", reason="nothing renders charts here: the extra kscan-lsp[helm] is not installed"
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FILES = {
    "Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\n",
    "values.yaml": "image: nginx:1.27\nprivileged: true\nhost: false\n",
    "values-prod.yaml": "host: true\n",
    "templates/web.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  namespace: shop
spec:
  selector:
    matchLabels: {app: shop}
  template:
    metadata:
      labels: {app: shop}
    spec:
      hostNetwork: {{ .Values.host }}
      containers:
        - name: web
          image: "{{ .Values.image }}"
          securityContext:
            {{- include "shop.context" . | nindent 12 }}
""",
    "templates/_helpers.tpl": """\
{{- define "shop.context" -}}
privileged: {{ .Values.privileged }}
{{- end }}
""",
}
ONLY = {"controls": {"include": ["C-0057", "C-0041"]}, "frameworks": []}


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    for name, text in FILES.items():
        path = tmp_path / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "shop"


def found(published: types.PublishDiagnosticsParams) -> list[tuple[str, int]]:
    return places(published.diagnostics)


def places(diagnostics: Sequence[types.Diagnostic]) -> list[tuple[str, int]]:
    return sorted((str(one.code), one.range.start.line + 1) for one in diagnostics)


async def opened(editor, chart: Path, *names: str) -> list[str]:
    await editor.start(chart.parent, settings=ONLY)
    uris = []
    for name in names:
        uris.append((chart / name).as_uri())
        editor.open(uris[-1], (chart / name).read_text())
    return uris


def whole(text: str) -> types.TextDocumentContentChangeWholeDocument:
    return types.TextDocumentContentChangeWholeDocument(text)


@pytest.mark.asyncio
async def test_findings_stand_in_templates_and_in_helpers(editor, chart: Path) -> None:
    web, helpers = await opened(editor, chart, "templates/web.yaml", "templates/_helpers.tpl")
    shown = await editor.until(web, lambda newest: found(newest) == [("C-0041", 13)])
    assert "(rendered with values-prod.yaml)" in shown[0].message
    await editor.until(helpers, lambda newest: found(newest) == [("C-0057", 2)])


@pytest.mark.asyncio
async def test_values_that_are_not_saved_count(editor, chart: Path) -> None:
    web, helpers, values = await opened(
        editor, chart, "templates/web.yaml", "templates/_helpers.tpl", "values.yaml"
    )
    await editor.until(helpers, lambda newest: found(newest) == [("C-0057", 2)])
    editor.edit(values, 2, whole(FILES["values.yaml"].replace("true", "false")))
    await editor.until(helpers, lambda newest: found(newest) == [])
    editor.edit(values, 3, whole(FILES["values.yaml"].replace("false", "true")))
    await editor.until(helpers, lambda newest: found(newest) == [("C-0057", 2)])
    shown = await editor.until(web, lambda newest: found(newest) == [("C-0041", 13)])
    assert "rendered with" not in shown[0].message


@pytest.mark.asyncio
async def test_a_half_typed_template_keeps_what_was_found_in_the_lines_that_are_as_they_were(
    editor, chart: Path
) -> None:
    (web,) = await opened(editor, chart, "templates/web.yaml")
    await editor.until(web, lambda newest: found(newest) == [("C-0041", 13)])
    broken = "# a comment\n" + FILES["templates/web.yaml"].replace("{{ .Values.image }}", "{{ .Values.image ")
    editor.edit(web, 2, whole(broken))
    # above the edit, which begins in the first line, nothing is as it was; below it is the rest
    shown = await editor.until(web, lambda newest: ("render", 17) in found(newest))
    (fault,) = [one for one in shown if one.code == "render"]
    assert "does not render" in fault.message
    editor.edit(
        web, 3, whole(FILES["templates/web.yaml"].replace('"{{ .Values.image }}"', "{{ .Values.image "))
    )
    shown = await editor.until(web, lambda newest: ("render", 17) in found(newest) and newest.version == 3)
    assert ("C-0041", 13) in places(shown)
    editor.edit(web, 4, whole(FILES["templates/web.yaml"]))
    await editor.until(web, lambda newest: found(newest) == [("C-0041", 13)])


@pytest.mark.asyncio
async def test_a_fault_in_a_file_that_is_not_open_is_said_where_somebody_looks(editor, chart: Path) -> None:
    (chart / "templates" / "other.yaml").write_text("a: {{ .Values.x.y.z }}\n")
    (web,) = await opened(editor, chart, "templates/web.yaml")
    shown = await editor.until(web, lambda newest: bool(newest.diagnostics))
    assert places(shown) == [("render", 1)]
    (chart / "templates" / "other.yaml").write_text("a: 1\n")
    event = types.FileEvent((chart / "templates" / "other.yaml").as_uri(), types.FileChangeType.Changed)
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))
    await editor.until(web, lambda newest: found(newest) == [("C-0041", 13)])


@pytest.mark.asyncio
async def test_every_request_has_an_answer_for_a_template(editor, chart: Path) -> None:
    """What is judged is not what stands there: no answer may take one for the other."""
    (web,) = await opened(editor, chart, "templates/web.yaml")
    await editor.until(web, lambda newest: found(newest) == [("C-0041", 13)])
    document = types.TextDocumentIdentifier(web)
    at = types.Position(12, 10)
    hover = await editor.text_document_hover_async(types.HoverParams(document, at))
    assert hover is not None
    assert "C-0041" in hover.contents.value
    assert hover.range.start.line == 12
    everything = types.Range(types.Position(0, 0), types.Position(18, 0))
    actions = await editor.text_document_code_action_async(
        types.CodeActionParams(document, everything, types.CodeActionContext([]))
    )
    assert not [one for one in actions or () if one.edit]
    for ask in (
        editor.text_document_document_symbol_async(types.DocumentSymbolParams(document)),
        editor.text_document_folding_range_async(types.FoldingRangeParams(document)),
        editor.text_document_inlay_hint_async(types.InlayHintParams(document, everything)),
        editor.text_document_definition_async(types.DefinitionParams(document, at)),
        editor.text_document_selection_range_async(types.SelectionRangeParams(document, [at])),
        editor.text_document_document_link_async(types.DocumentLinkParams(document)),
        editor.text_document_completion_async(types.CompletionParams(document, at)),
        editor.text_document_references_async(
            types.ReferenceParams(types.ReferenceContext(include_declaration=True), document, at)
        ),
    ):
        await ask


@pytest.mark.asyncio
async def test_manifests_beside_a_chart_are_judged_as_before(editor, chart: Path) -> None:
    pod = chart.parent / "pod.yaml"
    pod.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
        "spec:\n  hostNetwork: true\n  containers: [{name: a, image: b}]\n"
    )
    (web,) = await opened(editor, chart, "templates/web.yaml")
    uri = pod.as_uri()
    editor.open(uri, pod.read_text())
    await editor.until(uri, lambda newest: found(newest) == [("C-0041", 5)])
    await editor.until(web, lambda newest: found(newest) == [("C-0041", 13)])
