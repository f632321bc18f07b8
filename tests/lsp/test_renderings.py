"""What charts render to, shown as documents; and the lenses that lead there. Overlays are in `test_overlays.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lsprotocol.types import TextDocumentContentChangeWholeDocument

if TYPE_CHECKING:
    from pathlib import Path

    from lsprotocol import types

TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  template:
    spec:
      hostNetwork: {{ .Values.net }}
      hostPID: true
      containers:
        - name: web
          image: shop/web:1
          env:
            - {name: API_TOKEN, value: {{ .Values.token }}}
"""
CHART = {
    ".kscan.yaml": "frameworks: [nsa]\ncontrols: {exclude: [C-0012]}\n",
    "shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\n",
    "shop/values.yaml": "net: false\ntoken: hunter2hunter2\n",
    "shop/values-prod.yaml": "net: true\n",
    "shop/templates/account.yaml": "{{ if 1 }}\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n{{ end }}\n",
    "shop/templates/the web+.yaml": TEMPLATE,
}


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def line_under(text: str, at: types.Range) -> str:
    return text.split("\n")[at.start.line][at.start.character : at.end.character]


@pytest.mark.asyncio
async def test_a_chart_says_what_it_comes_to_and_shows_what_it_renders_to(editor, tmp_path):
    pytest.importorskip("helm_python")
    top = written(tmp_path, CHART)
    chart, web = (top / "shop/Chart.yaml").as_uri(), (top / "shop/templates/the web+.yaml").as_uri()
    await editor.start(top, options={"codeLens": True}, renderings=True)
    editor.open(web, TEMPLATE)
    editor.open(chart, CHART["shop/Chart.yaml"])
    shows = await editor.lens(web, "show rendered")

    whole, *more = await editor.lenses(chart)
    assert "high" in whole.title
    assert "nsa" in whole.title
    assert web in {one["uri"] for one in whole.arguments[1]}  # a click leads to the templates
    assert [one.title for one in more] == ["show rendered", "show rendered: values-prod.yaml"]

    at = await editor.click(shows)
    text = await editor.content(at.uri)
    assert text.split("\n")[at.selection.start.line] == "# Source: shop/templates/the web+.yaml"
    assert "hostNetwork: false" in text
    assert "name: shop" in text
    assert "hunter2" not in text
    news = await editor.until(at.uri, lambda newest: bool(newest.diagnostics))
    (process,) = [one for one in news if one.code == "C-0038"]
    assert line_under(text, process.range) == "hostPID: true"
    (place,) = process.related_information
    assert (place.location.uri, place.location.range.start.line) == (web, 8)
    assert "C-0041" not in {one.code for one in news}

    other = await editor.click(more[1])
    text = await editor.content(other.uri)
    assert "hostNetwork: true" in text
    found = await editor.until(other.uri, lambda newest: bool(newest.diagnostics))
    assert {"C-0041", "C-0038"} <= {
        one.code for one in found
    }  # all of it, and not only what the defaults lack

    # the editor sends what it shows as it sends any document
    editor.open(at.uri, text)
    editor.close(at.uri)
    await editor.until(at.uri, lambda newest: not newest.diagnostics)


@pytest.mark.asyncio
async def test_what_is_shown_follows_edits_and_stays_while_something_is_broken(editor, tmp_path):
    pytest.importorskip("helm_python")
    top = written(tmp_path, CHART)
    web = (top / "shop/templates/the web+.yaml").as_uri()
    await editor.start(top, options={"codeLens": True}, renderings=True)
    editor.open(web, TEMPLATE)
    at = await editor.click(await editor.lens(web, "show rendered"))
    await editor.content(at.uri)

    async def after(version: int, text: str, *expected: str) -> None:
        """Wait until an edit shows, asking again when the server says so."""
        editor.edit(web, version, TextDocumentContentChangeWholeDocument(text))
        while True:
            before = len(editor.contents_refreshed)
            now = await editor.content(at.uri)
            if all(one in now for one in expected):
                return
            await editor.wait(lambda before=before: len(editor.contents_refreshed) > before)  # type: ignore[misc]

    await after(2, TEMPLATE.replace("hostPID: true", "hostPID: false"), "hostPID: false")
    await editor.until(at.uri, lambda newest: "C-0038" not in {one.code for one in newest.diagnostics})
    await after(3, TEMPLATE.replace("hostPID: true", "hostPID: {{"), "the last that worked", "hostPID: false")
    await after(4, TEMPLATE.replace("hostPID", "hostIPC"), "hostIPC: true")
    assert at.uri in editor.contents_refreshed


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "uri",
    ["kscan-rendered:///nowhere/x.yaml?values.yaml", "kscan-rendered:", "kscan-rendered:%00?%ff", "x:y"],
)
async def test_what_nobody_knows_of_says_so(editor, tmp_path, uri: str) -> None:
    await editor.start(tmp_path, renderings=True)
    assert (await editor.content(uri)).startswith("# Nothing is rendered here")


@pytest.mark.asyncio
async def test_an_editor_that_shows_no_such_document_gets_no_lens_for_it(editor, tmp_path):
    pytest.importorskip("helm_python")
    top = written(tmp_path, CHART)
    web = (top / "shop/templates/the web+.yaml").as_uri()
    await editor.start(top, options={"codeLens": True})
    editor.open(web, TEMPLATE)
    await editor.lens(web, "high")
    assert not [one for one in await editor.lenses(web) if "rendered" in one.title]


@pytest.mark.asyncio
async def test_an_editor_that_closes_nothing_is_followed_in_so_many(editor, tmp_path):
    await editor.start(tmp_path, renderings=True)
    uris = [f"kscan-rendered:///nowhere/{number}.yaml?values.yaml" for number in range(51)]
    for uri in uris:
        await editor.content(uri)
    await editor.wait(
        lambda: len(editor.published[uris[0]]) == 2
    )  # what was shown of the first is taken back
    assert len(editor.published[uris[1]]) == 1
