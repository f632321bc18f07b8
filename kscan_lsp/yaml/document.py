"""A text as YAML or JSON documents: split, read, and repaired where they do not parse.

While someone types, a document is broken at every other keystroke, so one that does not parse is repaired:
the line at fault is blanked, keeping its length, and the rest is read. What comes of it is a function of the
text alone: the editor and the command line see the same. Findings that touch a blanked line are dropped by
`engine/verdicts.py`.

Left out on purpose: caching (callers key it by text), files and encodings (`files/`).
"""

from __future__ import annotations

import marshal
import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import force_setattr, replace

from kscan_lsp.findings import MAX_PROBLEMS, Problem, fewer
from kscan_lsp.regex import regex
from kscan_lsp.text import LineIndex, Span
from kscan_lsp.yaml import layout, reader
from kscan_lsp.yaml.block_reader import read_block
from kscan_lsp.yaml.data import data_of
from kscan_lsp.yaml.json_reader import is_stream, read_json, split_json
from kscan_lsp.yaml.outcome import Read
from kscan_lsp.yaml.tree import Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.yaml.splice import TreeEdit
    from kscan_lsp.yaml.tree import Node

_SEPARATOR: Final = regex(r"---(?=[ \t\r\n]|\Z)")
_BRACE: Final = regex(r"\ufeff?[ \t\r\n]*\{")
_DIRECTIVE: Final = regex(r"^%[^\r\n]*", re.MULTILINE)
_COMMENT: Final = regex(r"(?<![^\s])#[^\r\n]*")


class Content(Struct, frozen=True):
    """What a document has in it."""

    root: Node | None
    data: Any
    plain: bool = False
    """Whether the values surely are what whoever reads JSON takes as they are: no null, no NUL, no half of a surrogate
    pair, integers of 64 bits, less than 100,000 of all together, nothing shared. Nothing is said where it is False."""


class Document(Struct, frozen=True, eq=False):
    """One document as read. All spans are relative to its own text."""

    text: str
    json: bool
    problems: tuple[Problem, ...]
    blanked: tuple[Span, ...]
    """What `data` does not show as it stands in the text: lines taken out to read the rest, without their
    line ends, and values that kubectl refuses. Nothing can be said about what they touch."""
    complete: bool
    """Whether all of the text was read: not so after a repair, over a limit, or where kubectl refuses it."""
    lines: LineIndex
    content: Content | None = None
    """None for what another process has read, until it is asked for."""

    @property
    def root(self) -> Node | None:
        """None for a document of comments, and for one that cannot be read."""
        return self.read().root

    @property
    def data(self) -> Any:
        """Plain values, as kubectl reads them."""
        return self.read().data

    def read(self) -> Content:
        """What is in it."""
        content = self.content
        if content is None:
            content = read_document(self.text, json=self.json).read()
            # as if it had been there from the start: a text has one content, whoever reads it first
            force_setattr(self, "content", content)
        return content

    def with_data(self, data: Any) -> Document:
        """The same with other values."""
        return replace(self, content=Content(self.root, data))

    @property
    def is_stream(self) -> bool:
        """Whether it has several JSON values, which stand on one line; `data` is the list of them."""
        return is_stream(self.text, self.root)


def split(text: str) -> list[str]:
    """The texts of a file's documents, which, concatenated, give back the text. Never empty.

    What begins with a brace may be a stream of JSON values whatever its name, as for kubectl.
    """
    starts = [0]
    if text.find("---", 1) >= 0:  # mostly not, which is seen in a quarter of the time
        for found in _SEPARATOR.finditer(text):
            start = found.start()
            if start == 0 or text[start - 1] not in "\r\n":
                continue
            while (directive := _directive_above(text, start, starts[-1])) is not None:
                start = directive
            if start > starts[-1]:
                starts.append(start)
    if len(starts) == 1:
        return split_json(text) if _BRACE.match(text) else [text]
    return [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]


def read_document(text: str, *, json: bool = False) -> Document:
    """Read one document. Never raises; the same text always gives the same document.

    Args:
        text: the document's own text, from its `---` to the next.
        json: read it as JSON.
    """
    block = None if json else read_block(text)
    if block is not None and block.data is not None:  # which has no problem, and so do nearly all
        content = Content(block.root, block.data.value, block.plain)
        return Document(text, False, (), (), True, LineIndex(text, block.starts), content)
    refused, cut = ((), ()) if json else _separators(text)
    source = layout.blank(text, cut) if cut else text
    if json:
        result = read_json(text)
    elif block is None:
        result = reader.read_other(source)
    else:
        result = Read(block.root, ())
    if result.fault is not None and not json and _BRACE.match(text):
        stream = read_json(text)
        result = stream if is_stream(text, stream.root) else result
    problems = refused + result.problems
    blanked: tuple[Span, ...] = cut
    fault = result.fault
    if fault is not None:
        # the rest of broken JSON is read as YAML, which forgives the comma that a blanked line leaves behind
        from kscan_lsp.yaml.repair import repaired  # with the parser, which most documents do without

        rest = repaired(source, fault)
        if rest is not None:
            result, blanked = rest[0], tuple(sorted({*cut, *rest[1]}))
            problems += result.problems
    values = result.data or data_of(result.root)
    problems += values.problems
    if result.root is not None:
        unsure = {problem.span for problem in (*result.problems, *values.problems) if problem.fatal}
        blanked = _bounded(sorted({*blanked, *unsure}))
    complete = fault is None and not any(problem.fatal for problem in problems)
    content = Content(result.root, values.value)
    return Document(text, json, fewer(problems), blanked, complete, LineIndex(text), content)


def reread(before: Document, text: str) -> tuple[Document, TreeEdit | None]:
    """Read the text that a document has after an edit: as `read_document` does, but sooner where little changed.

    Returns:
        The document, and what is different in it; None for that where it is not known to be next to nothing.
    """
    from kscan_lsp.yaml.splice import TreeEdit, splice  # nothing is edited in a scan

    if (
        before.complete
        and not before.problems
        and before.root is not None
        and not (before.json or before.is_stream)
    ):
        spliced = splice(before.root, before.data, before.text, text)
        if spliced is not None:
            content = Content(spliced.root, spliced.data)
            return Document(text, False, (), (), True, LineIndex(text), content), spliced.edit
    anew = read_document(text, json=before.json)
    # half a key is blanked, and leaves the values that were there when it was half as long; 1 is not true
    if marshal.dumps(anew.data, 2) == marshal.dumps(before.data, 2):
        return anew.with_data(before.data), TreeEdit(None, None)
    return anew, None


def _bounded(spans: list[Span]) -> tuple[Span, ...]:
    """Spans in order, or one around them all where they are too many to ask for each."""
    return tuple(spans) if len(spans) <= MAX_PROBLEMS else (Span(spans[0].start, max(s.end for s in spans)),)


def comments(document: Document, containing: str = "#") -> Iterator[tuple[int, str]]:
    """The comments of a YAML document, in the order of the text.

    Args:
        document: a document as read. One that could not be read at all has none, and so has JSON.
        containing: only comments with this text in them; looking for a rare word costs next to nothing.

    Yields:
        Offset of the `#`, and the comment from there to the end of its line. A `#` inside a value or on a
        blanked line is no comment.
    """
    text = document.text
    if document.json or containing not in text or (document.root is None and document.problems):
        return
    inside = sorted([*_literal_spans(document), *document.blanked])
    at = 0
    while found := _COMMENT.search(text, at):
        at = found.end()
        around = bisect_right(inside, (found.start(), len(text))) - 1
        if around >= 0 and found.start() < inside[around].end:
            at = inside[around].end
        elif containing in found[0]:
            yield found.start(), found[0]


def _literal_spans(document: Document) -> Iterator[Span]:
    """Where a `#` means nothing: quoted scalars, and block scalars behind their header line."""
    waiting: list[Node] = [] if document.root is None else [document.root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            waiting += (part for entry in node.entries for part in (entry.key, entry.value))
        elif isinstance(node, Sequence):
            waiting += node.items
        elif isinstance(node, Scalar) and node.style:
            start = node.start
            if node.style in "|>":
                lines = document.lines
                start = lines.content_end(lines.position(start).line)
            yield Span(start, max(start, node.end))


def _separators(text: str) -> tuple[tuple[Problem, ...], tuple[Span, ...]]:
    """What kubectl says about `--- {a: 1}`, `---x` and `%YAML`, and the lines that must not be read.

    kubectl cuts a file at every line that begins with three dashes and allows only a comment behind them. So
    it never sees directives together with their document.
    """
    problems: list[Problem] = []
    lines: list[Span] = []
    at = 0 if text.startswith("---") else text.find("\n---") + 1 or -1
    if at > 0 and (directive := _DIRECTIVE.search(text, 0, at)):
        message = "kubectl refuses a file with directives; remove this line"
        problems.append(Problem(Span(*directive.span()), message))
    while at >= 0:
        end = layout.line_end(text, at)
        behind = text[at + 3 : end].strip()
        glued = bool(behind) and not text[at + 3].isspace()
        if glued or (behind and not behind.startswith("#")):
            start = text.index(behind, at + 3)
            message = "kubectl refuses anything but a comment behind '---'; put it on the next line"
            if behind.startswith("#"):
                message = "a space is missing between '---' and the comment"
            problems.append(Problem(Span(start, start + len(behind)), message, fatal=glued))
            if glued:
                lines.append(Span(at, end))
        at = text.find("\n---", end) + 1 or -1
    return tuple(problems), tuple(lines)


def _directive_above(text: str, start: int, top: int) -> int | None:
    """Start of the line above the one at `start`, if it is a directive (`%YAML 1.1`) and not above the one at `top`."""
    end = start - 2 if text.endswith("\r\n", 0, start) else start - 1
    if end < top:
        return None
    # no further than to `top`: looking through the whole text for each of 100,000 documents takes a minute
    line = max(text.rfind("\n", top, end) + 1, text.rfind("\r", top, end) + 1, top)
    return line if text.startswith("%", line) else None
