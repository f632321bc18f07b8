"""Any text is split into documents and read, and every value is found where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import example, given
from hypothesis import strategies as st

from kscan_lsp.yaml.data import data_of, find, nearest
from kscan_lsp.yaml.document import comments, read_document, split
from kscan_lsp.yaml.reader import read
from kscan_lsp.yaml.tree import Alias, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.paths import Path

SEPARATING = [
    "---",
    "--- ",
    "---\n",
    "\n---\n",
    "\r\n---\r\n",
    "%YAML 1.1\n",
    "%TAG ! t:\n",
    "\n",
    "a: b\n",
    "# c\n",
    "...\n",
]


SEPARATING += [
    "---x",
    "--- x",
    '"',
    "'",
    "|\n ",
    "- ",
    " ",
    "\t",
    "\x00",
    "\ufeff",
    "{",
    "[",
    ": ",
    "#",
    "\ud800",
    "&a *a",
]


files = st.lists(st.sampled_from(SEPARATING), max_size=15).map("".join) | st.text(max_size=20)


@given(files)
def test_pieces_give_back_the_text(text: str):
    pieces = split(text)
    assert pieces
    assert "".join(pieces) == text
    assert all(split(piece) == [piece] for piece in pieces)


@given(files, st.booleans())
def test_any_text_is_a_document(text: str, json: bool):
    document = read_document(text, json=json)
    spans = [problem.span for problem in document.problems] + list(document.blanked)
    assert all(0 <= span.start <= span.end <= len(text) for span in spans)
    assert document.complete == (not any(problem.fatal for problem in document.problems))
    assert list(document.blanked) == sorted(set(document.blanked))
    again = read_document(text, json=json)
    assert (document.problems, document.blanked) == (again.problems, again.blanked)
    assert repr(document.data) == repr(again.data)
    for offset, comment in comments(document):
        assert text[offset:].startswith(comment)
        assert comment.startswith("#")


def paths(value: Any, path: Path = (), depth: int = 0) -> Iterator[tuple[Path, Any]]:
    yield path, value
    if depth > 6:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*path, key), depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*path, index), depth + 1)


ALIASING = [
    "&a ",
    "&b ",
    "*a",
    "*b",
    "<<: ",
    "<<: *a\n",
    "a: ",
    "b: ",
    "1",
    "\n",
    "\n  ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ", ",
]


aliasing = st.lists(st.sampled_from([*ALIASING, "k: v\n", "x: &a {k: v, l: [1]}\n", "y: *a\n"]), max_size=12)


@given(aliasing.map("".join))
@example("a: &a {<<: *a, k: *a}\nb: *a\n")
@example("x: &a {k: v}\nx: &b {<<: *a}\n<<: [*b, *a]\n<<: *b\nk: 1\n")
def test_every_value_is_found_where_it_comes_from(text: str):
    root = read(text).root
    if root is None:
        return
    data = data_of(root)
    assert nearest(root, ("no", 0, "such")).depth <= 1
    if any(problem.fatal for problem in data.problems):
        for path, _ in paths(data.value):
            nearest(root, path)
        return
    for path, value in paths(data.value):
        place = find(root, path)
        assert place is not None
        node = place.node.target if isinstance(place.node, Alias) else place.node
        if not isinstance(node, Scalar) or node.tag is None:
            assert data_of(node).value == value
        assert find(root, (*path, "no such key")) is None
