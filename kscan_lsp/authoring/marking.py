"""The marks in the manifest of a test, as the control that is tested would set them."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from kscan_lsp.testing.run import found_by
from kscan_lsp.text import Span, TextEdit
from kscan_lsp.yaml.data import find
from kscan_lsp.yaml.tree import Scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kscan_lsp.policy.model import Control, PolicySet
    from kscan_lsp.testing.marks import Mark
    from kscan_lsp.yaml.document import Document


def marked(manifest: str, marks: Iterable[Mark], control: str) -> str | None:
    """A manifest with lines of carets for what is found in it; None where a place cannot be marked.

    Args:
        manifest: without marks.
        marks: what is found.
        control: the id that the marks name.
    """
    by_line: dict[int, list[str]] = {}
    for mark in marks:
        carets = "^" * (mark.end - mark.start)
        if not carets or mark.start == 1:
            return None
        written = f"{' ' * (mark.start - 2)}# {carets}" if mark.start else f"# <{carets}"
        times = f" x{mark.times_of(control)}" if mark.times else ""
        by_line.setdefault(mark.line, []).append(f"{written} {control}{times}\n")
    lines = manifest.splitlines(keepends=True)
    made = [part for number, line in enumerate(lines) for part in (_ended(line), *by_line.get(number, ()))]
    return "".join(made)


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n"


def actual_marks(
    document: Document, number: int, control: Control, policies: PolicySet
) -> tuple[TextEdit, ...]:
    """The edits that make the marks of a test what its control finds; none where nobody can say, or nothing differs.

    Args:
        document: the control's file.
        number: which of its tests.
        control: as the file has it.
        policies: all there are, with this control.
    """
    tests = policies.sources[control.id].tests
    found = found_by(control, policies, tests[number]) if number < len(tests) else None
    wanted = None if found is None else marked(found.manifest, found.marks, control.id)
    return () if wanted is None else rewritten(document, ("tests", number, "manifest"), wanted)


def rewritten(document: Document, path: tuple[str | int, ...], text: str) -> tuple[TextEdit, ...]:
    """The edits of whole lines that make a block of text another; none where it is written otherwise."""
    target = find(document.root, path) if document.root else None
    node = target.node if target else None
    if not isinstance(node, Scalar) or node.style != "|" or not isinstance(node.value, str):
        return ()
    whole = document.text
    first = whole.find("\n", node.start) + 1
    old = node.value.splitlines(keepends=True)
    new = text.splitlines(keepends=True)
    starts = [first]
    for _ in old:
        end = whole.find("\n", starts[-1])
        starts.append(len(whole) if end < 0 else end + 1)
    indent = _indent(whole, starts, old)
    if indent is None:
        return ()
    line_end = "\r\n" if "\r\n" in whole else "\n"
    edits = []
    for what, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what != "equal":
            lines = "".join(f"{indent}{line.rstrip()}{line_end}" for line in new[k:m])
            edits.append(TextEdit(Span(starts[i], starts[j]), lines))
    return tuple(edits)


def _indent(text: str, starts: Sequence[int], lines: Sequence[str]) -> str | None:
    """How deep the lines of a block stand in a text; None where they are not written there as they are read."""
    found: str | None = None
    for start, end, line in zip(starts, starts[1:], lines, strict=False):
        content = line.rstrip("\r\n")
        written = text[start:end].rstrip("\r\n")
        if not content.strip():
            continue
        if not written.endswith(content):
            return None
        found = found if found is not None else written[: len(written) - len(content)]
        if written != f"{found}{content}" or found.strip(" "):
            return None
    return found
