"""The readable rest of a document that does not parse.

While someone types, a document is broken at every other keystroke. The lines at fault are blanked, keeping
their length so that every offset stays true, and the rest is read. Blanking must not move what is left: a
dash stays, so that list items keep their index, and a key with lines below it is replaced by a stand-in, so
that those lines do not become part of something else; what the stand-in holds is then left out. A function of
the text alone.

Left out on purpose: guessing what the author meant. What is blanked is lost until the line is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.regex import regex
from kscan_lsp.text import LineIndex, Span
from kscan_lsp.yaml import parser, reader
from kscan_lsp.yaml.layout import blank
from kscan_lsp.yaml.tree import Alias, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from kscan_lsp.yaml.outcome import Fault, Read
    from kscan_lsp.yaml.tree import Entry, Node

MAX_ROUNDS: Final = 8
"""How many faults of one document may be repaired."""
MAX_EFFORT: Final = 20_000_000
"""How many characters libyaml may run through again, over all attempts: about half a second."""
_READING: Final = 8  # how much more than that it costs to build the tree

_STAND_IN: Final = "\ue001"
_NEXT_CONTENT: Final = regex(r"(?:[ \t]*+(?:#[^\r\n]*+)?+(?:\r\n?+|\n))*+([ ]*+)([^\s#])")
# indentation, dashes with the spaces behind them, and the content of a line that is not blank
_INDENTED: Final = regex(r"([ \t]*)(?=[^\s])((?:-[ \t]+)*(?:-(?=[\r\n]|\Z))?)([^\r\n]*)")
# what wants a block below it: a key without a value, and perhaps a word whose colon is missing
_OPENING: Final = regex(r"(?:[^#]|(?<!\s)#)*:\s*(?:#.*)?")
_KEY: Final = regex(r":(?:\s|\Z)")
_WORD: Final = regex(r"[\w./-]+\s*")
# one character too many, in front of the indentation
_STRAY: Final = regex(r"\W[ ]+(?=\w)")
_TABS: Final = regex(r"[ ]*\t[ \t]*")
_SPACE: Final = regex(r"\s*")
_DASHES: Final = regex(r"[ ]*(?:-[ ]+)*(?:-(?=[\t\r\n]|\Z))?")


def repaired(text: str, fault: Fault) -> tuple[Read, tuple[Span, ...]] | None:
    """Read what can be read of a broken document.

    Args:
        text: the document.
        fault: why it could not be read.

    Returns:
        The tree of the rest with the problems found in it, and the lines that were blanked, without line
        ends; None where nothing helped.
    """
    lines = LineIndex(text)
    current = text
    blanked: list[Span] = []
    effort = 0
    for _ in range(MAX_ROUNDS):
        best, furthest, gone = current, -1, blanked
        for attempt, taken, is_rough in _attempts(current, lines, fault):
            if is_rough and furthest > fault.noticed:
                break
            effort += len(text)
            if effort > MAX_EFFORT:
                return None
            error = parser.first_error(attempt)
            if error is None:
                best, furthest, gone = attempt, len(text), [*blanked, *taken]
                break
            if error > furthest:
                best, furthest, gone = attempt, error, [*blanked, *taken]
        if furthest < 0:
            return None
        current, blanked = best, gone
        effort += _READING * len(text)
        result = reader.read(current)
        if result.fault is None:
            return _finished(result, text, blanked)
        fault = result.fault
    return None


def _attempts(text: str, lines: LineIndex, fault: Fault) -> Iterator[tuple[str, list[Span], bool]]:
    """Texts with the suspects blanked, the likeliest first, each with the lines that are gone.

    The third value is true where all of a suspected stretch is gone, for want of a better idea.
    """
    tried = {text}
    for suspect in fault.suspects:
        numbers = range(lines.line_of(suspect.start), lines.line_of(max(suspect.start, suspect.end - 1)) + 1)
        suspected = [_line(lines, n) for n in numbers]
        if tabs := [span for span in suspected if _TABS.fullmatch(text, *span)]:
            # such a line says nothing, so nothing is lost with it
            cleared = blank(text, tabs)
            if cleared not in tried:
                tried.add(cleared)
                yield cleared, [], False
        spans = [span for span in suspected if text[span.start : span.end].strip()]
        in_flow = fault.bracket is not None and any(span.start > fault.bracket for span in spans)
        if len(spans) == 1 and not in_flow:
            options = _without_line(text, lines, spans[0])
        else:
            options = iter([(blank(text, spans), spans)])
        for option, gone in options:
            if option not in tried:
                tried.add(option)
                yield option, gone, len(spans) > 1


def _without_line(text: str, lines: LineIndex, line: Span) -> Iterator[tuple[str, list[Span]]]:
    """Texts without one line, the likeliest first.

    The line may stand at the wrong column, so columns that the lines above use are tried as well, the nearest
    first. A line that opens a block should have one below it, and a line that does not should have none.
    """
    found = _INDENTED.match(text, line.start, line.end)
    if found is None:
        return
    number = lines.line_of(line.start)
    indent, dashes, content = found[1], found[2].replace("\t", " "), found[3]
    own = len(indent)
    if stray := _STRAY.match(content):
        own += len(stray[0])
    columns, opened_above = _columns_above(text, lines, number)
    if opened_above or not columns:
        columns.add(own)
    last = number + 1 >= lines.line_count
    below = None if last else _NEXT_CONTENT.match(text, lines.starts[number + 1])
    next_column, next_first = (len(below[1]), below[2]) if below else (-1, "")

    def has_block(column: int) -> bool:
        return next_column > column or (next_column == column and next_first == "-")

    opens = bool(_OPENING.fullmatch(content) or _WORD.fullmatch(content)) or (
        own in columns and has_block(own) and not opened_above and ":" in content
    )
    nearest = sorted(columns, key=lambda c: (abs(c - own), -c))
    length = line.end - line.start
    for kept in (dashes, "") if dashes else ("",):
        ordered = sorted(nearest, key=lambda c: has_block(c + len(kept)) != opens)
        for column in ordered[:3]:
            filling = " " * column + kept
            if content and has_block(column + len(kept)):
                filling += _STAND_IN + ":" if len(filling) + 2 <= length else "?"
            if len(filling.rstrip()) <= length:
                yield text[: line.start] + filling[:length].ljust(length) + text[line.end :], [line]
    block = [line, *_lines_below(text, lines, number, own)]
    alone, together = (blank(text, [line]), [line]), (blank(text, block), block)
    yield from (together, alone) if ":" in content else (alone, together)


def _columns_above(text: str, lines: LineIndex, number: int) -> tuple[set[int], bool]:
    """The columns where a line may begin, and whether the line above wants a block."""
    columns: set[int] = set()
    opened: bool | None = None
    least = len(text)
    while number > 0 and least > 0:
        number -= 1
        found = _INDENTED.match(text, *_line(lines, number))
        if found is None or found[3].startswith(("#", "---")):
            continue
        if opened is None:
            opened = bool(_OPENING.fullmatch(found[3]))
        indent, dashes = len(found[1]), len(found[2])
        if indent < least:
            has_key = bool(_KEY.search(found[3]))
            if dashes or has_key:
                columns.add(indent)
            if dashes and has_key:
                columns.add(indent + dashes)
            least = indent
    return columns, bool(opened)


def _lines_below(text: str, lines: LineIndex, number: int, column: int) -> Iterator[Span]:
    """The lines below that are indented deeper than a column, up to the first that is not."""
    for below in range(number + 1, lines.line_count):
        line = _line(lines, below)
        found = _INDENTED.match(text, *line)
        if found is None:
            continue
        if len(found[1]) <= column:
            return
        yield line


def _line(lines: LineIndex, number: int) -> Span:
    return Span(lines.starts[number], lines.content_end(number))


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
    below = _match_end(_SPACE, text, line.end)
    for node in blocks:
        if node.end == above:
            node.end = line.end
        elif node.start == below < node.end:
            node.start = content


def _match_end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start
