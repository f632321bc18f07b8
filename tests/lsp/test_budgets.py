"""A control that takes too much: said once, and set aside until its file changes."""

from __future__ import annotations

import pytest
from support.budgets import HEAVY, control, pod

SLOW = control("ORG-0001", HEAVY % "container.name != ''")
ASIDE = "is set aside until this file changes"


def controls(newest) -> set[str]:
    return {str(one.code) for one in newest.diagnostics}


@pytest.mark.asyncio
async def test_it_is_set_aside_in_the_editor_until_its_file_changes(editor, tmp_path):
    (tmp_path / "policies").mkdir()
    slow = tmp_path / "policies/slow.yaml"
    slow.write_text(SLOW)
    (tmp_path / "policies/quick.yaml").write_text(control("ORG-0002", "container.image.endsWith(':1')"))
    (tmp_path / ".kscan.yaml").write_text(
        "policies: policies\nframeworks: []\ncontrols: {include: [ORG-0001, ORG-0002]}\n"
    )
    await editor.start(tmp_path)
    small, big = (tmp_path / "small.yaml").as_uri(), (tmp_path / "big.yaml").as_uri()
    editor.open(small, pod(1))
    await editor.until(small, lambda newest: controls(newest) == {"ORG-0001", "ORG-0002"})
    editor.open(big, pod(24))
    (said,) = await editor.until(slow.as_uri(), lambda newest: bool(newest.diagnostics))
    assert ASIDE in said.message
    assert (said.severity, said.range.start.line) == (1, 0)
    await editor.until(small, lambda newest: controls(newest) == {"ORG-0002"})
    await editor.until(big, lambda newest: controls(newest) == {"ORG-0002"})
    editor.open(slow.as_uri(), control("ORG-0001", "container.name != ''"))
    await editor.until(slow.as_uri(), lambda newest: not newest.diagnostics)
    await editor.until(big, lambda newest: controls(newest) == {"ORG-0001", "ORG-0002"})
