"""Images of charts in the editor: what is known of them is said on the line of the values that gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lsprotocol import types
from support import images
from support.images import NGINX, as_bytes

pytest.importorskip("helm_python")

if TYPE_CHECKING:
    from pathlib import Path

NEXT, PROD = "nginx:1.27.3", "nginx:1.26.0"
TEMPLATE = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
"""
VALUES = """\
image:
  repository: nginx
  # what runs in the shop
  tag: "1.25.3"  # pinned by hand
"""
FOUND = ["KS-0060", "KS-0064", "KS-0065"]


def report(name: str, *, left: int) -> bytes:
    """A report of a tag, without some of the two vulnerabilities."""
    made = images.grype(name)
    made["matches"] = made["matches"][left:]
    target = made["source"]["target"]
    digest = f"sha256:{name.encode().hex():0<64}"
    target |= {"imageID": "", "manifestDigest": digest, "repoDigests": [f"nginx@{digest}"]}
    return as_bytes(made)


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    files = {
        ".kscan.yaml": "frameworks: []\ncontrols: {include: [KS-0060, KS-0061, KS-0065]}\n",
        "shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\nappVersion: 1.25.3\n",
        "shop/values.yaml": VALUES,
        "shop/values-prod.yaml": "image:\n  tag: 1.26.0\n",
        "shop/templates/web.yaml": TEMPLATE,
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "now.grype.json").write_bytes(report(NGINX, left=0))
    (tmp_path / "prod.grype.json").write_bytes(report(PROD, left=0))
    (tmp_path / "next.grype.json").write_bytes(report(NEXT, left=1))
    return tmp_path / "shop"


def on_line(newest, line: int) -> list[str]:
    return sorted({str(one.code) for one in newest.diagnostics if one.range.start.line == line})


async def opened(editor, chart: Path, name: str, line: int, **options: object) -> str:
    await editor.start(chart.parent, **options)
    uri = (chart / name).as_uri()
    editor.open(uri, (chart / name).read_text())
    await editor.until(uri, lambda newest: on_line(newest, line) == FOUND)
    return uri


async def hovered(editor, uri: str, line: int) -> str:
    at = types.HoverParams(types.TextDocumentIdentifier(uri), types.Position(line, 8))
    return (await editor.text_document_hover_async(at)).contents.value


async def actions(editor, uri: str, line: int) -> dict[str, types.CodeAction]:
    at = types.Range(types.Position(line, 4), types.Position(line, 4))
    found = await editor.text_document_code_action_async(
        types.CodeActionParams(types.TextDocumentIdentifier(uri), at, types.CodeActionContext(diagnostics=[]))
    )
    return {one.title: one for one in found}


def edited(chart: Path, action: types.CodeAction) -> dict[str, str]:
    """The lines that an action writes, by the name of the file."""
    made = {}
    for change in action.edit.document_changes:
        path = chart / change.text_document.uri.rpartition("/")[2]
        (one,) = change.edits
        line = path.read_text().splitlines()[one.range.start.line]
        made[path.name] = line[: one.range.start.character] + one.new_text + line[one.range.end.character :]
    return made


@pytest.mark.asyncio
async def test_the_tag_in_values_has_the_finding_and_the_table(editor, chart: Path) -> None:
    uri = await opened(editor, chart, "values.yaml", 3)
    assert {one.range.start.line for one in editor.published[uri][-1].diagnostics} == {3}
    text = await hovered(editor, uri, 3)
    assert text.startswith("nginx:1.25.3: 1 critical, 1 high; 1 has a fix")
    assert "critical CVE-2026-0001: libssl3 3.0.11-1~deb12u1, fixed in" in text
    assert "nginx:1.26.0" not in text


@pytest.mark.asyncio
async def test_another_values_file_has_what_is_known_of_its_own_tag(editor, chart: Path) -> None:
    uri = await opened(editor, chart, "values-prod.yaml", 1)
    text = await hovered(editor, uri, 1)
    assert text.startswith("nginx:1.26.0: 1 critical, 1 high; 1 has a fix")
    assert "nginx:1.25.3" not in text


@pytest.mark.asyncio
async def test_the_template_has_what_is_known_of_both(editor, chart: Path) -> None:
    uri = await opened(editor, chart, "templates/web.yaml", 7)
    text = await hovered(editor, uri, 7)
    assert "nginx:1.25.3: 1 critical" in text
    assert "nginx:1.26.0: 1 critical" in text


@pytest.mark.asyncio
async def test_a_tag_that_a_report_shows_to_be_better_is_written_into_the_values(editor, chart: Path) -> None:
    uri = await opened(editor, chart, "values.yaml", 3)
    offered = await actions(editor, uri, 3)
    change = offered["Change to nginx:1.27.3, which has 1 of these 2 fixed in values.yaml"]
    assert edited(chart, change) == {"values.yaml": '  tag: "1.27.3"  # pinned by hand'}
    (pin,) = (one for title, one in offered.items() if title.startswith("Pin this digest"))
    (line,) = edited(chart, pin).values()
    assert line.startswith('  tag: "1.25.3@sha256:')
    assert not any("1.26.0, which" in title for title in offered)


@pytest.mark.asyncio
async def test_only_the_values_file_that_gives_the_image_is_changed(editor, chart: Path) -> None:
    uri = await opened(editor, chart, "values-prod.yaml", 1)
    offered = await actions(editor, uri, 1)
    change = offered["Change to nginx:1.27.3, which has 1 of these 2 fixed in values-prod.yaml"]
    assert edited(chart, change) == {"values-prod.yaml": '  tag: "1.27.3"'}


@pytest.mark.asyncio
async def test_a_tag_that_a_label_is_made_of_too_is_left_alone(editor, chart: Path) -> None:
    template = TEMPLATE.replace(
        "  name: web\nspec", "  name: web\n  labels: {v: {{ .Values.image.tag | quote }}}\nspec"
    )
    (chart / "templates/web.yaml").write_text(template)
    uri = await opened(editor, chart, "values.yaml", 3)
    offered = await actions(editor, uri, 3)
    assert offered
    assert not any(title.startswith("Change to") for title in offered)


@pytest.mark.asyncio
async def test_an_empty_tag_is_where_the_version_of_the_chart_is_replaced(editor, chart: Path) -> None:
    (chart / "values.yaml").write_text('image:\n  repository: nginx\n  digest: ""\n  tag: ""\n')
    uri = await opened(editor, chart, "values.yaml", 3)
    offered = await actions(editor, uri, 3)
    change = offered["Change to nginx:1.27.3, which has 1 of these 2 fixed in values.yaml"]
    assert edited(chart, change) == {"values.yaml": '  tag: "1.27.3"'}


@pytest.mark.asyncio
async def test_a_line_above_the_tag_counts(editor, chart: Path) -> None:
    uri = await opened(editor, chart, "values.yaml", 3, options={"codeLens": True})
    of_chart, one = await editor.text_document_code_lens_async(
        types.CodeLensParams(types.TextDocumentIdentifier(uri))
    )
    assert (of_chart.range.start.line, one.range.start.line) == (0, 3)
    resolved = await editor.code_lens_resolve_async(one)
    assert resolved.command.title.startswith("1 critical, 1 high; 1 has a fix")


@pytest.mark.asyncio
async def test_a_report_that_comes_is_told_of_every_values_file(editor, chart: Path) -> None:
    (chart.parent / "prod.grype.json").unlink()
    uri = await opened(editor, chart, "values.yaml", 3)
    prod = (chart / "values-prod.yaml").as_uri()
    editor.open(prod, (chart / "values-prod.yaml").read_text())
    path = chart.parent / "prod.grype.json"
    path.write_bytes(report(PROD, left=1))
    editor.workspace_did_change_watched_files(
        types.DidChangeWatchedFilesParams([types.FileEvent(path.as_uri(), types.FileChangeType.Created)])
    )
    await editor.until(prod, lambda newest: "KS-0061" in on_line(newest, 1))
    assert "KS-0061" not in on_line(editor.published[uri][-1], 3)
