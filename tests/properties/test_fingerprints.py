"""Fingerprints over a project: no two findings have one, and the editor and the command line agree."""

from __future__ import annotations

from collections import Counter
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.objects import RULES, TEXTS, documents, empty_project, fingerprints

from kscan_lsp.workspace.objects import objects_of

NAMES = ["a/b.yaml", "a-b.yaml", "ä.yaml", "z.yaml"]


@settings(max_examples=3 * settings.default.max_examples // 5, suppress_health_check=list(HealthCheck))
@given(
    texts=st.lists(TEXTS | documents().map(lambda text: f"{text}---\n{text}"), min_size=4, max_size=4),
    order=st.permutations(range(4)),
    opened=st.sets(st.integers(0, 3), min_size=1),
)
def test_the_editor_and_the_command_line_agree(texts: list[str], order: list[int], opened: set[int]) -> None:
    """An editor knows files by URIs, in any order, and of those that are not open only what they declare."""
    command = empty_project().with_files((NAMES[n], texts[n], False) for n in range(4))
    editor = empty_project()
    for n in order:
        uri = f"file:///shop/{quote(NAMES[n])}"
        if n in opened:
            editor = editor.with_file(uri, texts[n])
        else:
            editor = editor.with_objects(uri, objects_of(uri, texts[n], RULES))
    for n in opened:
        uri = f"file:///shop/{quote(NAMES[n])}"
        assert fingerprints(editor, uri) == fingerprints(command, NAMES[n])
    every = Counter(found for name in NAMES for found in fingerprints(command, name))
    assert {found: n for found, n in every.items() if n > 1} == {}
