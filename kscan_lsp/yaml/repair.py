"""The readable rest of a document that does not parse.

While someone types, a document is broken at every other keystroke. The lines at fault are blanked, keeping
their length so that every offset stays true, and the rest is read. Blanking must not move what is left: a
dash stays, so that list items keep their index, and a key with lines below it is replaced by a stand-in, so
that those lines do not become part of something else; what the stand-in holds is then left out. A function of
the text alone.

Left out on purpose: guessing what the author meant. What is blanked is lost until the line is right.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kscan_lsp.text import Span
from kscan_lsp.yaml import parser, reader
from kscan_lsp.yaml.tree import Alias, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.yaml.faults import Fault
    from kscan_lsp.yaml.reader import Read
    from kscan_lsp.yaml.tree import Entry, Node

MAX_ROUNDS: Final = 8
"""How many faults of one document may be repaired."""
MAX_READ: Final = 1_000_000
"""How many characters may be read again, over all attempts: about half a second."""

_STAND_IN: Final = "\ue001"
_LINE_END: Final = re.compile(r"\r\n?|\n")
_NEXT_CONTENT: Final = re.compile(r"(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n?|\n))*([ ]*)([^\s#])")
# indentation, dashes with the spaces behind them, and the content of a line that is not blank
_INDENTED: Final = re.compile(r"([ \t]*)(?=[^\s])((?:-[ \t]+)*(?:-(?=[\r\n]|\Z))?)([^\r\n]*)")
# what wants a block below it: a key without a value, and perhaps a word whose colon is missing
_OPENING: Final = re.compile(r"(?:[^#]|(?<!\s)#)*:\s*(?:#.*)?")
_KEY: Final = re.compile(r":(?:\s|\Z)")
_WORD: Final = re.compile(r"[\w./-]+\s*")
# one character too many, in front of the indentation
_STRAY: Final = re.compile(r"\W[ ]+(?=\w)")
_DASHES: Final = re.compile(r"[ ]*(?:-[ ]+)*(?:-(?=[ \t\r\n]|\Z))?")


def repaired(text: str, fault: Fault) -> tuple[Read, tuple[Span, ...]] | None:
    """Read what can be read of a broken document.

    Args:
        text: the document.
        fault: why it could not be read.

    Returns:
        The tree of the rest with the problems found in it, and the lines that were blanked, without line
        ends; None where nothing helped.
    """
    current = text
    blanked: list[Span] = []
    budget = MAX_READ
    for _ in range(MAX_ROUNDS):
        best = current
        furthest, gone = -1, blanked
        for attempt, lines in _attempts(current, fault):
            budget -= len(text)
            if budget < 0:
                return None
            error = parser.first_error(attempt)
            if error is None:
                best, furthest, gone = attempt, len(text), [*blanked, *lines]
                break
            if error > furthest:
                best, furthest, gone = attempt, error, [*blanked, *lines]
        if furthest < 0:
            return None
        current, blanked = best, gone
        result = reader.read(current)
        if result.fault is None:
            return _finished(result, text, blanked)
        fault = result.fault
    return None


def blank(text: str, lines: Iterable[Span]) -> str:
    """The text with spaces in place of some lines; every offset stays true."""
    for start, end in lines:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _attempts(text: str, fault: Fault) -> Iterator[tuple[str, list[Span]]]:
    """Texts with the suspects blanked, the likeliest first, each with the lines that are gone."""
    tried = {text}
    for suspect in fault.suspects:
        lines = [line for line in _lines(text, suspect) if text[line.start : line.end].strip()]
        options = _without_line(text, lines[0]) if len(lines) == 1 else [(blank(text, lines), lines)]
        for option, gone in options:
            if option not in tried:
                tried.add(option)
                yield option, gone


def _without_line(text: str, line: Span) -> Iterator[tuple[str, list[Span]]]:
    """Texts without one line, the likeliest first.

    The line may stand at the wrong column, so columns that the lines above use are tried as well, the nearest
    first. A line that opens a block should have one below it, and a line that does not should have none.
    """
    found = _INDENTED.match(text, line.start, line.end)
    if found is None:
        return
    indent, dashes, content = found[1], found[2].replace("\t", " "), found[3]
    own, columns = len(indent), _columns_above(text, line)
    if stray := _STRAY.match(content):
        own += len(stray[0])
    below = _NEXT_CONTENT.match(text, _line_end(text, line))
    next_column, next_first = (len(below[1]), below[2]) if below else (-1, "")

    def has_block(column: int) -> bool:
        return next_column > column or (next_column == column and next_first == "-")

    opened_above = _opened_above(text, line)
    if opened_above or not columns:
        columns.add(own)
    opens = bool(_OPENING.fullmatch(content) or _WORD.fullmatch(content)) or (
        own in columns and has_block(own) and not opened_above and ":" in content
    )
    nearest = sorted(columns, key=lambda c: (abs(c - own), -c))
    length = line.end - line.start
    fillings: list[str] = []
    for kept in (dashes, "") if dashes else ("",):
        ordered = sorted(nearest, key=lambda c: has_block(c + len(kept)) != opens)
        for column in ordered[:3]:
            stand_in = _STAND_IN + ":" if content and has_block(column + len(kept)) else ""
            filling = " " * column + kept + stand_in
            if len(filling) > length and stand_in:
                filling = " " * column + kept + "?"
            fillings.append(filling)
    for filling in fillings:
        if len(filling.rstrip()) <= length:
            yield text[: line.start] + filling[:length].ljust(length) + text[line.end :], [line]
    block = [line, *_lines_below(text, line, own)]
    alone, together = (blank(text, [line]), [line]), (blank(text, block), block)
    yield from (together, alone) if ":" in content else (alone, together)


def _columns_above(text: str, line: Span) -> set[int]:
    """The columns where a line may begin, after the lines above it."""
    columns: set[int] = set()
    least = line.end
    start = line.start
    while start > 0 and least > 0:
        start = max(text.rfind("\n", 0, start - 1), text.rfind("\r", 0, start - 1)) + 1
        found = _INDENTED.match(text, start)
        if found is None or found[3].startswith(("#", "---")):
            continue
        indent, dashes = len(found[1]), len(found[2])
        if indent < least:
            columns.add(indent)
            if dashes and _KEY.search(found[3]):
                columns.add(indent + dashes)
            least = indent
    return columns


def _opened_above(text: str, line: Span) -> bool:
    """Whether the line above wants a block, so that the lines below may be that block."""
    end = line.start
    while end > 0:
        start = max(text.rfind("\n", 0, end - 1), text.rfind("\r", 0, end - 1)) + 1
        found = _INDENTED.match(text, start, end)
        if found is not None and not found[3].startswith("#"):
            return bool(_OPENING.fullmatch(found[3]))
        end = start
    return False


def _lines_below(text: str, line: Span, column: int) -> Iterator[Span]:
    """The lines that are indented deeper than a column, up to the first that is not."""
    after = Span(_line_end(text, line), len(text))
    for below in _lines(text, after):
        found = _INDENTED.match(text, below.start, below.end)
        if found is None:
            continue
        if len(found[1]) <= column:
            return
        yield below


def _line_end(text: str, line: Span) -> int:
    found = _LINE_END.match(text, line.end)
    return found.end() if found else line.end


def _lines(text: str, span: Span) -> Iterator[Span]:
    """The lines that a span touches, without their ends."""
    start = max(text.rfind("\n", 0, span.start), text.rfind("\r", 0, span.start)) + 1
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
        blocks = list(_blocks(result.root))
        for line in lines:
            _stretch(text, blocks, line)
    return result, lines


def _blocks(root: Node) -> Iterator[Mapping | Sequence | Scalar]:
    """Block collections and empty values; on the way, what is under a stand-in is left out of the tree."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Scalar) and node.start == node.end:
            yield node
        if isinstance(node, Alias | Scalar):
            continue
        if not node.flow:
            yield node
        if isinstance(node, Sequence):
            waiting += node.items
            continue
        node.entries[:] = [e for e in node.entries if not _is_stand_in(e)]
        waiting += (entry.value for entry in node.entries)


def _is_stand_in(entry: Entry) -> bool:
    key = entry.key
    # a collection as a key is nothing that kubectl would read
    return (
        key.value == _STAND_IN if isinstance(key, Scalar) else entry.explicit and not isinstance(key, Alias)
    )


def _stretch(text: str, blocks: list[Mapping | Sequence | Scalar], line: Span) -> None:
    """Let what a blanked line may have been part of reach over it: what is said about that is uncertain.

    That is all that ends above and all that begins below: the column of a broken line says little.
    """
    content = _match_end(_DASHES, text, line.start)
    above = max((node.end for node in blocks if node.end <= line.start), default=-1)
    for node in blocks:
        if node.end == above:
            node.end = line.end
        elif line.end <= node.start < node.end and not text[line.end : node.start].strip():
            node.start = content


def _match_end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start
