"""The readable rest of a document that does not parse.

While someone types, a document is broken at every other keystroke. The lines at fault are blanked, keeping their
length so that every offset stays true, and the rest is read. Blanking must not move what is left: a dash stays, so
that list items keep their index, and a key with lines below it is replaced by a stand-in, so that those lines do not
become part of something else; what the stand-in holds is then left out. A function of the text alone.

Left out on purpose: guessing what the author meant. What is blanked is lost until the line is right.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kscan_lsp.text import Span
from kscan_lsp.yaml import reader
from kscan_lsp.yaml.tree import Alias, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.yaml.faults import Fault
    from kscan_lsp.yaml.reader import Read
    from kscan_lsp.yaml.tree import Node

MAX_ROUNDS: Final = 8
"""How many faults of one document may be repaired."""
MAX_READ: Final = 1_000_000
"""How many characters may be read again, over all attempts: about half a second."""

_STAND_IN: Final = "\ue001"
_LINE_END: Final = re.compile(r"\r\n?|\n")
_NEXT_CONTENT: Final = re.compile(r"(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n?|\n))*([ ]*)([^\s#])")
_DASHES: Final = re.compile(r"[ ]*(?:-[ ]+)*(?:-(?=[ \t\r\n]|\Z))?")
_SPACES: Final = re.compile(r"[ \t]*")


def repaired(text: str, fault: Fault) -> tuple[Read, tuple[Span, ...]] | None:
    """Read what can be read of a broken document.

    Args:
        text: the document.
        fault: why it could not be read.

    Returns:
        The tree of the rest with the problems found in it, and the lines that were blanked, without line ends; None
        where nothing helped.
    """
    current = text
    blanked: list[Span] = []
    budget = MAX_READ
    for _ in range(MAX_ROUNDS):
        best: tuple[int, str, list[Span], Fault] | None = None
        for attempt, lines in _attempts(current, fault):
            budget -= len(text)
            if budget < 0:
                return None
            result = reader.read(attempt)
            if result.fault is None:
                return _finished(result, text, [*blanked, *lines])
            if best is None or result.fault.noticed > best[0]:
                best = result.fault.noticed, attempt, lines, result.fault
        if best is None:
            return None
        _, current, lines, fault = best
        blanked += lines
    return None


def _attempts(text: str, fault: Fault) -> Iterator[tuple[str, list[Span]]]:
    """Texts with the suspects blanked, the likeliest first, each with the lines that are gone."""
    tried = {text}
    for suspect in fault.suspects:
        lines = [line for line in _lines(text, suspect) if text[line.start : line.end].strip()]
        if len(lines) == 1:
            options = [_with_stand_in(text, lines[0]), _with_dash(text, lines[0])]
        else:
            options = []
        options.append(_without(text, lines))
        for option in options:
            if option not in tried:
                tried.add(option)
                yield option, lines


def _without(text: str, lines: list[Span]) -> str:
    for start, end in lines:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _with_dash(text: str, line: Span) -> str:
    """The text with a line blanked but for the dashes it begins with."""
    keep = _dashes(text, line)
    return text[:keep] + " " * (line.end - keep) + text[line.end :]


def _with_stand_in(text: str, line: Span) -> str:
    """The text with a line replaced by a key for the lines below it, where there are such lines."""
    keep = _dashes(text, line)
    below = _NEXT_CONTENT.match(text, _line_end(text, line))
    if below is None or keep + 2 > line.end:
        return text
    column, next_column = keep - line.start, len(below[1])
    if next_column < column or (next_column == column and below[2] != "-"):
        return text
    return text[:keep] + _STAND_IN + ":" + " " * (line.end - keep - 2) + text[line.end :]


def _dashes(text: str, line: Span) -> int:
    found = _DASHES.match(text, line.start, line.end)
    return found.end() if found else line.start


def _line_end(text: str, line: Span) -> int:
    found = _LINE_END.match(text, line.end)
    return found.end() if found else line.end


def _lines(text: str, span: Span) -> Iterator[Span]:
    start = span.start
    while start <= span.end:
        found = _LINE_END.search(text, start)
        end = found.start() if found else len(text)
        yield Span(start, end)
        if found is None:
            return
        start = found.end()


def _finished(result: Read, text: str, blanked: list[Span]) -> tuple[Read, tuple[Span, ...]]:
    lines = tuple(sorted(set(blanked)))
    if result.root is not None:
        blocks = list(_blocks(text, result.root))
        for line in lines:
            _stretch(text, blocks, line)
    return result, lines


def _blocks(text: str, root: Node) -> Iterator[tuple[int, Mapping | Sequence | Scalar]]:
    """Block collections and empty values, each with the least column of a line that would belong to it.

    On the way, what stands under a stand-in is left out of the tree.
    """
    waiting: list[tuple[int, Node]] = [(0, root)]
    while waiting:
        column, node = waiting.pop()
        if isinstance(node, Scalar) and node.start == node.end:
            yield column, node
        if isinstance(node, Alias | Scalar):
            continue
        if not node.flow:
            column = _column(text, node.start)
            yield column, node
        if isinstance(node, Sequence):
            waiting += ((column + 1, item) for item in node.items)
            continue
        node.entries[:] = [e for e in node.entries if not _is_stand_in(e.key)]
        waiting += ((column + 1, entry.value) for entry in node.entries)


def _is_stand_in(key: Node) -> bool:
    return isinstance(key, Scalar) and key.value == _STAND_IN


def _stretch(text: str, blocks: list[tuple[int, Mapping | Sequence | Scalar]], line: Span) -> None:
    """Let what a blanked line was part of reach over it, so that findings about it are known to be uncertain."""
    dash = _match_end(_SPACES, text, line.start)
    content = _dashes(text, line)
    above = max((node.end for _, node in blocks if node.end <= line.start), default=-1)
    below = min((node.start for _, node in blocks if node.start >= line.end), default=-1)
    for column, node in blocks:
        if node.end == above and column <= dash - line.start:
            node.end = line.end
        elif node.start == below and node.start != node.end and column <= content - line.start:
            node.start = content


def _column(text: str, at: int) -> int:
    return at - max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) - 1


def _match_end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start
