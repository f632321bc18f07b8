"""Plain data -> YAML or JSON text in a random style, and the shape that an edit of such text may have.

`styles()` draws a `Style`; `render(data, style)` writes data in it: block and flow mixed, both list
indentations, 2 and 4 spaces, comments and blank lines everywhere, quoted keys and strings, block scalars,
the ways to write null, anchors nobody uses, CRLF, no final line end, `---` and `...`, and JSON compact and
pretty. Reading the text gives the data back. A style shrinks towards plain block YAML with no decoration.

`law_three(document, edit)` says whether an edit is of a kind that the fix law allows.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from kscan_lsp.yaml import scalars
from kscan_lsp.yaml.tree import Alias, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.text import TextEdit
    from kscan_lsp.yaml.document import Document
    from kscan_lsp.yaml.tree import Node

PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*")
PLAIN_WITH_COLON = re.compile(r"[A-Za-z/](?:[A-Za-z0-9_./-]|:(?=[0-9A-Za-z]))*")
TEXT_LINES = re.compile(
    r"(?:[!-~\u00a1-\u2027\U0001f300-\U0001f600][ -~\u00a1-\u2027\U0001f300-\U0001f600]*\n*)+"
)


@dataclass(frozen=True)
class Style:
    """How to write data. `choices` decides what is decided place by place; 0 is the plainest choice."""

    form: str = "block"
    """block, json (on one line), json-pretty."""
    step: int = 2
    dash: int = 0
    """Columns that a list stands to the right of its key."""
    line_end: str = "\n"
    final_line_end: bool = True
    start: str = ""
    """A line before the content, such as `---`."""
    end: str = ""
    """A line after it, such as `...`."""
    comments: bool = False
    flows: bool = False
    quotes: bool = False
    anchors: bool = False
    tight: bool = False
    """No space after colons and commas, where the format allows it."""
    choices: tuple[int, ...] = (0,)

    @property
    def json(self) -> bool:
        return self.form != "block"


@st.composite
def styles(draw: st.DrawFn) -> Style:
    """Any style."""
    step = draw(st.sampled_from([2, 4]))
    style = Style(
        form=draw(st.sampled_from(["block", "block", "block", "json", "json-pretty"])),
        step=step,
        dash=draw(st.sampled_from([0, step, 2])),
        line_end=draw(st.sampled_from(["\n", "\r\n"])),
        final_line_end=draw(st.sampled_from([True, False])),
    )
    flags = st.booleans()
    if style.json:
        return replace(style, tight=draw(flags))
    return replace(
        style,
        start=draw(st.sampled_from(["", "---", "--- # start", "# first\n---"])),
        end=draw(st.sampled_from(["", "", "..."])),
        comments=draw(flags),
        flows=draw(flags),
        quotes=draw(flags),
        anchors=draw(flags),
        choices=tuple(draw(st.lists(st.integers(0, 11), min_size=1, max_size=40))),
    )


def render(data: dict[str, Any], style: Style) -> str:
    """The text of one document that reads as `data`."""
    if style.json:
        return _render_json(data, style)
    pen = _Pen(style)
    if style.start:
        pen.lines += style.start.split("\n")
    pen.mapping(data, 0)
    if style.end:
        pen.lines.append(style.end)
        pen.after_text = False
    elif style.comments and pen.pick(3) == 1:
        pen.lines.append(f"# {pen.note()}")
        pen.after_text = False
    text = style.line_end.join(pen.lines)
    # without the last line end, a block scalar there would lose its own
    return text if not style.final_line_end and not pen.after_text else text + style.line_end


def _render_json(data: dict[str, Any], style: Style) -> str:
    colon, comma = (":", ",") if style.tight else (": ", ", ")
    indent = style.step if style.form == "json-pretty" else None
    text = json.dumps(
        data, indent=indent, separators=(comma if indent is None else ",", colon), ensure_ascii=False
    )
    return text.replace("\n", style.line_end) + (style.line_end if style.final_line_end else "")


class _Pen:
    """Writes block YAML line by line."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self.lines: list[str] = []
        self.after_text = False
        """The line before belongs to a block scalar, where blank lines and deep comments would count."""
        self._picks = 0
        self._notes = count(1)

    def pick(self, options: int) -> int:
        choices = self.style.choices
        self._picks += 1
        return choices[self._picks % len(choices)] % options

    def note(self) -> str:
        return f"note-{next(self._notes)}, {{[with]}}: 'signs\""

    def mapping(self, data: dict[str, Any], column: int, first: str = "") -> None:
        """Entries at a column; `first` stands before the first key instead of spaces."""
        for key, value in data.items():
            if not first:
                self.interlude(column)
            self.child(first or " " * column, f"{self.key(key)}:", value, column, self.style.dash)
            first = ""

    def sequence(self, items: list[Any], column: int, first: str = "") -> None:
        for item in items:
            if not first:
                self.interlude(column)
            before = first or " " * column
            first = ""
            gap = "-   " if self.pick(7) == 6 else "- "
            inner = column + len(gap)
            if isinstance(item, dict) and item and self.pick(5) < 4 and not self.flowing():
                self.mapping(item, inner, before + gap)
            elif isinstance(item, list) and item and self.pick(5) < 4 and not self.flowing():
                self.sequence(item, inner, before + gap)
            else:
                self.child(before, "-", item, column, 2)

    def child(self, before: str, head: str, value: Any, column: int, dash: int) -> None:
        """A key or dash with its value, on this line or below it."""
        anchor = f" &a{self._picks}" if self.style.anchors and value is not None and self.pick(5) == 4 else ""
        if isinstance(value, dict | list) and value and not self.flowing():
            self.line(before + head + anchor)
            if isinstance(value, dict):
                self.mapping(value, column + (2 if head == "-" else self.style.step))
            else:
                self.sequence(value, column + dash)
            return
        if isinstance(value, dict | list):
            self.flow_value(f"{before}{head}{anchor} ", value, column)
            return
        if isinstance(value, str) and TEXT_LINES.fullmatch(value) and self.pick(4) == 3:
            self.block_scalar(f"{before}{head}{anchor} ", value, column)
            return
        text = self.scalar(value, PLAIN_WITH_COLON)
        if text and self.style.quotes and self.pick(7) == 6:
            self.line(f"{before}{head}{anchor}")
            before, head, anchor = " " * (column + 2), "", ""
        parts = [text]
        if self.style.quotes and text[:1] in {'"', "'"} and self.pick(3) == 2:
            # a lone space inside quotes may be a line break as well
            parts = re.split(r"(?<=[\w.,:]) (?=[\w.,])", text)
        self.lines += [f"{before}{head}{anchor}{' ' * bool(head)}{parts[0]}"] if len(parts) > 1 else []
        self.lines += [" " * (column + 2) + part for part in parts[1:-1]]
        before = before + head + anchor + " " * bool(head and text) if len(parts) == 1 else " " * (column + 2)
        self.line(before + parts[-1])

    def flow_value(self, before: str, value: Any, column: int) -> None:
        several = bool(value) and self.pick(4) == 3
        if not several:
            self.line(before + self.flow(value))
            return
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        self.line(before + opening)
        parts = self.flow_parts(value)
        trailing = self.pick(2)
        inner = " " * (column + 2 + 2 * self.pick(2))
        for number, part in enumerate(parts):
            if self.style.comments and self.pick(6) == 5:
                self.lines.append(f"{inner}# {self.note()}")
            self.line(f"{inner}{part}{',' if trailing or number + 1 < len(parts) else ''}")
        self.line(" " * (column + 1) + closing)

    def flow(self, value: Any) -> str:
        if not isinstance(value, dict | list):
            return self.scalar(value, PLAIN) or "null"
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        pad = " " if self.pick(4) == 3 else ""
        trailing = "," if value and self.pick(6) == 5 else ""
        return f"{opening}{pad}{', '.join(self.flow_parts(value))}{trailing}{pad}{closing}"

    def flow_parts(self, value: Any) -> list[str]:
        if isinstance(value, dict):
            return [f"{self.key(key)}: {self.flow(item)}" for key, item in value.items()]
        return [self.flow(item) for item in value]

    def flowing(self) -> bool:
        return self.style.flows and self.pick(3) == 2

    def block_scalar(self, before: str, value: str, column: int) -> None:
        content = value.rstrip("\n")
        trailing = len(value) - len(content)
        chomping = "-" if trailing == 0 else "" if trailing == 1 else "+"
        self.line(f"{before}|{chomping}")
        inner = " " * (column + 2)
        self.lines += [inner + line if line else "" for line in content.split("\n")] + [""] * (trailing - 1)
        self.after_text = True

    def scalar(self, value: Any, plain: re.Pattern[str]) -> str:
        if value is None:
            return ("", "null", "~", "")[self.pick(4)]
        if not isinstance(value, str):
            return json.dumps(value)
        way = self.pick(4) if self.style.quotes else 0
        if way < 2 and plain.fullmatch(value) and scalars.plain(value) == value:
            return value
        if way == 2 and value.isprintable() and value.isascii():
            return "'" + value.replace("'", "''") + "'"
        return double_quoted(value)

    def key(self, key: str) -> str:
        return self.scalar(key, PLAIN) if self.style.quotes else _plainest(key)

    def line(self, text: str) -> None:
        if self.style.comments and self.pick(3) == 1:
            text += f"{' ' * (1 + self.pick(3))}# {self.note()}"
        elif self.pick(9) == 8 and not text.endswith(":"):
            text += "  "
        self.lines.append(text)
        self.after_text = False

    def interlude(self, column: int) -> None:
        """Comments and blank lines before an entry."""
        if not self.style.comments:
            return
        way = self.pick(7)
        if way == 1 and not self.after_text:
            self.lines.append("")
        elif way in {2, 3}:
            self.lines.append(f"{' ' * column}# {self.note()}")
        elif way == 4 and not self.after_text:
            self.lines += [f"{' ' * (column + 3)}# {self.note()}", "  "]
        elif way == 5:
            self.lines.append(f"# {self.note()}")


def double_quoted(text: str) -> str:
    """A JSON string in which nothing is left that YAML would take for a line break."""
    raw = json.dumps(text, ensure_ascii=False)
    return re.sub("[\x7f-\x9f\u2028\u2029\ufeff]", lambda match: f"\\u{ord(match[0]):04x}", raw)


def _plainest(key: str) -> str:
    return key if PLAIN.fullmatch(key) and scalars.plain(key) == key else double_quoted(key)


# The third law of a fix


def law_three(document: Document, edit: TextEdit) -> str:
    """What an edit does: a kind that the law allows, or an empty string."""
    text = document.text
    (start, end), new = edit
    if start == end and not new:
        return "nothing"
    nodes = list(_nodes(document.root))
    collections = [node for node in nodes if isinstance(node, Mapping | Sequence)]
    in_flow = any(node.flow and node.start < start and end < node.end for node in collections)
    if any(_replaces(node, document, edit) for node in nodes):
        return "replaces a token"
    if start == end:
        at_line, at_end = _line_start(text, start), start == len(text)
        if (at_line and new[-1] in "\r\n") or (at_end and new[0] in "\r\n"):
            return "inserts lines"
        return "inserts a flow entry" if in_flow and "," in new + text[start - 1] else ""
    if not new and in_flow:
        return "deletes a flow entry"
    if not new:
        before, after = _before(text, start), _before(text, end)
        if end == len(text) and (text[start] in "\r\n" or not before.strip(" ")):
            return "deletes lines"
        # from the first key of `- key: value` to the next one, or to the comment above it
        aligned = len(before) == len(after) or text[end] == "#"
        return "deletes lines" if aligned and not before.strip(" -") and not after.strip(" ") else ""
    if new.strip() in {"{}", "[]"} and any(_empties(node, text, start, end) for node in collections):
        return "empties a collection"
    return ""


def _replaces(node: Node, document: Document, edit: TextEdit) -> bool:
    """Whether an edit replaces a token; lines in its place take the blanks after the colon along."""
    (start, end), new = edit
    if not _is_token(node) or not new or node.end != end:
        return False
    blanks = document.text[start : node.start]
    below = document.text[start - 1 : start] == ":" and new[0] in "\r\n" and not blanks.strip(" \t")
    return start == node.start or below


def _empties(node: Mapping | Sequence, text: str, start: int, end: int) -> bool:
    """Whether a span is the content of a block collection, with blanks before and a comment behind."""
    if node.flow or start > _first(node) or text[start : _first(node)].strip():
        return False
    return node.end - 1 <= end and not re.search(r"[\r\n]", text[node.end : end])


def _is_token(node: Node) -> bool:
    if isinstance(node, Alias):
        return False
    return node.style not in {"|", ">"} if isinstance(node, Scalar) else node.flow


def _first(node: Mapping | Sequence) -> int:
    if isinstance(node, Sequence):
        return node.start
    key = node.entries[0].key
    return key.start if isinstance(key, Alias) or key.props < 0 else key.props


def _line_start(text: str, offset: int) -> bool:
    return offset == 0 or text[offset - 1] in "\r\n"


def _before(text: str, offset: int) -> str:
    return re.split(r"[\r\n]", text[:offset])[-1].lstrip("\ufeff")


def _nodes(node: Node | None) -> Iterator[Node]:
    if node is None:
        return
    yield node
    if isinstance(node, Mapping):
        for entry in node.entries:
            yield from _nodes(entry.key)
            yield from _nodes(entry.value)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _nodes(item)
