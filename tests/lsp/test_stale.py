"""What is shown of a document that can no longer be read at all: what was found in the lines it still shares."""

from __future__ import annotations

import pytest
from lsprotocol.types import TextDocumentContentChangeWholeDocument

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  hostNetwork: true
  containers:
  - name: api
    image: registry.example.com/api:1
    securityContext: {privileged: true}
  hostPID: true
"""
SETTINGS = "frameworks: []\ncontrols: {include: [C-0041, C-0057, C-0038]}\n"
BEYOND_REPAIR = "".join(f"x{n}: 'a\ny{n}: [b, \"c\n" for n in range(40))
LINES = BEYOND_REPAIR.count("\n")


def found(diagnostics) -> list[tuple[str, int]]:
    """Control and line of what was found, without the syntax problem."""
    return sorted((str(d.code), d.range.start.line) for d in diagnostics if str(d.code).startswith("C-"))


@pytest.mark.asyncio
@pytest.mark.parametrize("before", ["", "# another document\nkind: none\n---\n"])
async def test_old_findings_stay_in_lines_that_did_not_change(editor, tmp_path, before):
    (tmp_path / ".kscan.yaml").write_text(SETTINGS)
    uri = (tmp_path / "pod.yaml").as_uri()
    text = before + POD
    await editor.start(tmp_path)
    editor.open(uri, text)
    top = before.count("\n")
    assert found(await editor.shown(uri)) == [("C-0038", top + 9), ("C-0041", top + 4), ("C-0057", top + 8)]

    async def typed(version: int, new: str) -> list[tuple[str, int]]:
        editor.edit(uri, version, TextDocumentContentChangeWholeDocument(text=new))
        shown = await editor.shown(uri, version)
        assert ["syntax" in str(d.code) for d in shown].count(True) == 1
        return found(shown)

    # in place of a line: what was found there is gone, what lies below has moved
    line = "    securityContext: {privileged: true}\n"
    assert await typed(2, text.replace(line, BEYOND_REPAIR)) == [
        ("C-0038", top + 8 + LINES),
        ("C-0041", top + 4),
    ]
    # what is kept is kept again
    assert await typed(3, text.replace(line, f"# more\n{BEYOND_REPAIR}")) == [
        ("C-0038", top + 9 + LINES),
        ("C-0041", top + 4),
    ]
    editor.edit(uri, 4, TextDocumentContentChangeWholeDocument(text=text))
    assert len(found(await editor.shown(uri, 4))) == 3


@pytest.mark.asyncio
async def test_a_document_that_was_never_read_has_nothing_to_keep(editor, tmp_path):
    (tmp_path / ".kscan.yaml").write_text(SETTINGS)
    uri = (tmp_path / "pod.yaml").as_uri()
    await editor.start(tmp_path)
    editor.open(uri, POD + BEYOND_REPAIR)
    assert found(await editor.shown(uri)) == []
