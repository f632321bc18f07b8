"""A list of the inputs changes where it stands, in the style of the settings file."""

from __future__ import annotations

import pytest

from kscan_lsp.edits import Refusal
from kscan_lsp.settings.editing import with_input
from kscan_lsp.text import apply_edits
from kscan_lsp.yaml.document import read_document


def edited(text: str, *values: str, name: str = "names") -> str:
    edit = with_input(read_document(text), name, values)
    assert not isinstance(edit, Refusal), edit.message
    return apply_edits(text, [edit])


@pytest.mark.parametrize(
    ("before", "values", "after"),
    [
        ("", ["a"], "inputs:\n  names:\n  - a\n"),
        ("# nothing yet\r\n", ["a"], "# nothing yet\r\ninputs:\r\n  names:\r\n  - a\r\n"),
        ("# nothing yet", ["a"], "# nothing yet\ninputs:\n  names:\n  - a\n"),
        ("frameworks: [nsa]\n", ["a"], "frameworks: [nsa]\ninputs:\n  names:\n  - a\n"),
        ("inputs:\nexclude: b\n", ["a"], "inputs:\n  names:\n  - a\nexclude: b\n"),
        ("inputs:\n    other: b\n", ["a"], "inputs:\n    other: b\n    names:\n    - a\n"),
        ("inputs: {names: [a]}\n", ["a", "b"], "inputs: {names: [a, b]}\n"),
        (
            "inputs:\n  names:\n    # why\n    - a # x\n",
            ["a", "b c"],
            "inputs:\n  names:\n    # why\n    - a # x\n    - b c\n",
        ),
        ("inputs:\n  names:\n  - a\n  - b # x\n  - c\n", ["a", "c"], "inputs:\n  names:\n  - a\n  - c\n"),
        ("inputs:\n  names: [a]\n", [], "inputs:\n  names: []\n"),
        ("inputs:\n  names: []\n", ["a"], "inputs:\n  names:\n  - a\n"),
        ("inputs:\n  names: a\n", ["a", "b"], "inputs:\n  names:\n  - a\n  - b\n"),
        ("inputs:\n  names: a # x\n", ["a", "b"], "inputs:\n  names: [a, b] # x\n"),
    ],
)
def test_the_smallest_edit(before: str, values: list[str], after: str) -> None:
    assert edited(before, *values) == after


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("inputs: controls-inputs.json\n", "the inputs are in the file 'controls-inputs.json'"),
        ("inputs:\n  names: [x, y]\n", "'names' is another list than the one that holds"),
        ("inputs: &a {}\nother: *a\n", "the anchor &a"),
        ("inputs: 3\n", "is no mapping"),
        ("---\n", "nothing in it that could be edited"),
    ],
)
def test_what_is_not_edited(text: str, reason: str) -> None:
    edit = with_input(read_document(text), "names", ["a", "b"])
    assert isinstance(edit, Refusal)
    assert reason in edit.message
