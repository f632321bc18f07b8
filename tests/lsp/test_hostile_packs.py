"""Whatever a pack holds, edits of manifests have their diagnostics, and what is wrong is shown once."""

from __future__ import annotations

import pytest
from lsprotocol.types import TextDocumentContentChangeWholeDocument
from support.manifests import LABELLED_POD

CONTROL = (
    "id: BANK-0001\ntitle: T\nseverity: high\ndescription: D.\nremediation: R.\nchecks:\n"
    "- deny: %s\n  at: metadata\n  message: %s\n"
)
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


@pytest.mark.asyncio
async def test_edits_go_on_beside_a_hostile_pack_and_each_problem_is_shown_once(editor, tmp_path):
    loop = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(x, %s)"
    for _ in range(5):
        loop %= "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(x, %s)"
    hostile = {
        "nested.yaml": CONTROL % (f'"{loop % 1} == []"', "nothing"),
        "bomb.yaml": BOMB,
        "long.yaml": CONTROL % ("'true'", "x" * 10_000_000),
        "many.yaml": "---\n".join([CONTROL % ("'true'", "nothing")] * 10_000),
    }
    controls = tmp_path / "pack/controls"
    controls.mkdir(parents=True)
    (tmp_path / "pack/kscan-pack.yaml").write_text("name: bank\nversion: 1.0.0\n")
    for name, text in hostile.items():
        (controls / name).write_text(text)
    (tmp_path / ".kscan.yaml").write_text("extends: [./pack, ./none, '../elsewhere']\n")
    await editor.start(tmp_path)
    uri = (tmp_path / "pod.yaml").as_uri()
    pod = LABELLED_POD % ("a", "a")
    editor.open(uri, pod)
    for version in range(2, 12):
        text = pod.replace("hostPID: true", f"hostPID: {'true' if version % 2 else 'false'}")
        editor.edit(uri, version, TextDocumentContentChangeWholeDocument(text=text))
        codes = {one.code for one in await editor.shown(uri, version)}
        assert ("C-0038" in codes) == bool(version % 2)
    for name in hostile:
        shown = editor.published[(controls / name).as_uri()]
        assert [len(one.diagnostics) for one in shown] == [1], name
    (settings,) = editor.published[(tmp_path / ".kscan.yaml").as_uri()]
    assert [one.message.partition(";")[0] for one in settings.diagnostics] == [
        "there is no kscan-pack.yaml in './none'",
        "'../elsewhere' is outside of this workspace",
    ]
    assert [one.range.start.character for one in settings.diagnostics] == [18, 26]
