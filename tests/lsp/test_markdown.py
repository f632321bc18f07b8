"""Manifests in Markdown: judged as files of their own, and shown, explained and fixed where they stand in the page."""

from __future__ import annotations

import json

import pytest
from lsprotocol import types
from support.judging import check_file
from support.positions import covered, position, span
from support.views import edited, never, settings, view_of

from kscan_lsp.files.partials import Partials
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.diagnostic_texts import DiagnosticTexts
from kscan_lsp.lsp.features.code_actions import code_actions
from kscan_lsp.lsp.features.fix_all import FIX_REVIEW, fix_everything
from kscan_lsp.lsp.features.hover import hover
from kscan_lsp.lsp.features.symbols import document_symbols
from kscan_lsp.lsp.session.steps import CheckRequest, check
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.pages import page_of, with_page

ONLY = settings(frameworks=[], controls={"include": ["C-0057", "C-0038", "C-0016"]})
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: é🚀}
spec:
  containers:
  - name: a
    image: shop/a:1.0
    securityContext:
      privileged: true
"""
HOST = "apiVersion: v1\nkind: Pod\nmetadata: {name: b}\nspec:\n  hostPID: true\n  containers: []\n"
INDENTED = "".join(f"  {line}\n" for line in HOST.splitlines())
PAGE = f"""\
# é🚀 A page

```yaml
{POD}---
{HOST}```

Settings are no manifest:

```yaml
frameworks: [nsa]
```

- in a list

  ```yaml
{INDENTED}  ```

Some are cut short:

```yaml
apiVersion: v1
kind: Pod
spec:
  hostPID: true
  # ...
```
"""
PRIVILEGED = PAGE.index("privileged")
LISTED = PAGE.index("hostPID", PAGE.index("in a list"))


def view(text=PAGE, configuration=ONLY):
    return view_of(text, "README.md", configuration=configuration)


def marked(there, text=PAGE):
    """What is published, as (code, line, marked text)."""
    texts = DiagnosticTexts(Capabilities()).of_file(there.uri, there.checked, there.project)
    found = json.loads(f"[{convert.array(texts)}]")
    shown = []
    for one in found:
        start, end = (types.Position(p["line"], p["character"]) for p in one["range"].values())
        shown.append((one["code"], start.line + 1, covered(text, types.Range(start, end), "utf-16")))
    return shown


def test_findings_stand_where_they_are_in_the_page():
    lines = PAGE.splitlines()
    assert marked(view()) == [
        ("C-0016", lines.index("    securityContext:") + 1, "securityContext"),
        ("C-0057", lines.index("      privileged: true") + 1, "privileged: true"),
        ("C-0038", lines.index("  hostPID: true") + 1, "hostPID: true"),
        ("C-0038", lines.index("    hostPID: true") + 1, "hostPID: true"),
    ]


def test_a_block_is_judged_as_a_file_of_its_own():
    day = view().project.evidence.today
    alone = check_file("a.yaml", f"{POD}---\n{HOST}", ONLY.ruleset, day)
    page = [(one.control, one.span, one.message) for _, one in view().checked.findings()]
    assert page[:3] == [(one.control, one.span, one.message) for _, one in alone.findings()]
    everything = settings(frameworks=["allcontrols"])
    relational = {c.id for c in everything.ruleset.controls.values() if any(k.relations for k in c.checks)}
    found = {one.control for _, one in view(configuration=everything).checked.findings()}
    assert len(found) > 10
    assert not found & relational


def test_what_is_no_manifest_is_left_alone():
    for text in (
        "```yaml\nkind: Pod\n```\n",
        "```yaml\nkind: Pod\nspec: [\n```\n",
        f"```json\n{POD}```\n",
        f"```\n{POD}```\n",
        f"```yaml\n{HOST}  ...\n```\n",
        "",
    ):
        there = view(text)
        assert there.checked.skipped == "not-kubernetes"
        assert marked(there, text) == []


def test_a_manifest_that_cannot_be_read_is_said_to_be():
    text = f"# page\n\n```yaml\n{HOST}metadata: [\n```\n"
    assert "syntax" in {code for code, *_ in marked(view(text), text)}


def test_a_finding_is_explained_in_the_page():
    there = view()
    found = hover(there, position(PAGE, LISTED, "utf-16"))
    assert "C-0038" in found.contents.value
    assert covered(PAGE, found.range, "utf-16") == "hostPID: true"
    assert hover(there, position(PAGE, PAGE.index("in a list"), "utf-16")) is None


@pytest.mark.parametrize(("at", "control"), [(PRIVILEGED, "C-0057"), (LISTED, "C-0038")])
def test_a_quick_fix_changes_its_block_and_nothing_else(at, control):
    place = span(PAGE, at, at, "utf-16")
    wanted = types.CodeActionContext(diagnostics=[], only=[types.CodeActionKind.QuickFix])
    params = types.CodeActionParams(types.TextDocumentIdentifier("x"), place, wanted)
    actions = code_actions(view(), params, never)
    fix = next(one for one in actions if control in one.title and "Ignore" not in one.title and one.edit)
    fixed = edited(PAGE, fix.edit)
    start, end = PAGE.rindex("\n", 0, at), PAGE.index("\n", at)
    assert fixed.startswith(PAGE[:start])
    assert fixed.endswith(PAGE[end:])
    assert len(view(fixed).checked.parts[0].findings) <= 2
    ignore = next(one for one in actions if one.title.startswith(f"Ignore {control}"))
    ignored = edited(PAGE, ignore.edit)
    indent = "    " if at == LISTED else "      "
    assert f"\n{indent}# kscan:ignore {control}\n{indent}{PAGE[at : at + 5]}" in ignored


def test_all_blocks_are_fixed_at_once():
    fixed = fix_everything(view(), FIX_REVIEW, never)
    text = edited(PAGE, fixed.edit)
    assert fixed.number >= 3
    assert not [one for _, one in view(text).checked.findings() if one.fixable]
    assert text.splitlines()[-1] == "```"


def test_an_outline_has_the_objects_of_all_blocks():
    names = [one.name for one in document_symbols(view())]
    assert names == ["Pod é🚀", "Pod b", "Pod b"]


def test_blocks_are_taken_over_when_the_page_changes_elsewhere():
    evaluator = view().project.evaluator
    before = with_page(page_of(evaluator), "README.md", PAGE)
    after = with_page(before, "README.md", f"# more\n{PAGE}")
    assert after.files["README.md"].parts == before.files["README.md"].parts
    lines = [[placed.line for placed in page.files["README.md"].documents] for page in (before, after)]
    assert [now - then for then, now in zip(*lines, strict=True)] == [1, 1, 1]


def test_a_document_that_changes_moves_those_behind_it():
    page = with_page(page_of(view().project.evaluator), "README.md", PAGE)
    document = page.files["README.md"].parts[0].document.text
    changed = document.replace("privileged: true\n", "privileged: false\n      x: 1\n")
    after = page.with_document("README.md", 0, changed).files["README.md"]
    again = with_page(page_of(page.evaluator), "README.md", after.text).files["README.md"]
    assert [(d.offset, d.line, d.source) for d in after.documents] == [
        (d.offset, d.line, d.source) for d in again.documents
    ]
    assert after.text == PAGE.replace(document, changed)


def test_what_the_settings_exclude_is_not_checked(tmp_path):
    (tmp_path / ".kscan.yaml").write_text("exclude: ['docs/']\n", encoding="utf-8")
    configuration, _ = configure(tmp_path)
    for name, skipped in (("docs/a.md", "excluded"), ("a.md", "")):
        request = CheckRequest(
            uri=name,
            path=tmp_path / name,
            key=name,
            root=tmp_path,
            revision=1,
            text=PAGE,
            json=False,
            configuration=configuration,
            project=view().project,
            partials=Partials(),
            markdown=True,
        )
        assert check(request).file.skipped == skipped


@pytest.mark.asyncio
async def test_a_page_over_the_wire(editor, tmp_path):
    await editor.start(tmp_path)
    uri = (tmp_path / "README.md").as_uri()
    editor.open(uri, PAGE, "markdown")
    shown = await editor.shown(uri)
    assert "hostPID: true" in {covered(PAGE, one.range, "utf-16") for one in shown}
    at = position(PAGE, 0, "utf-16")
    editor.edit(uri, 2, types.TextDocumentContentChangePartial(range=types.Range(at, at), text="\n\n"))
    moved = await editor.shown(uri, 2)
    assert [one.range.start.line for one in moved] == [one.range.start.line + 2 for one in shown]
    manifests = (tmp_path / "pod.yaml").as_uri()
    editor.open(manifests, POD)
    await editor.shown(manifests)
    found = await editor.workspace_symbol_async(types.WorkspaceSymbolParams(""))
    assert [one.location.uri for one in found] == [manifests]
    editor.close(uri)
    assert await editor.shown(uri, None) == []
