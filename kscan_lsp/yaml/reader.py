"""One YAML document as a tree with the place of every node.

The tree is built from parser events, not from ruamel's own nodes: events keep the place of aliases, and
reading can stop at the first bracket too many.

Left out on purpose: what the tree means (`data.py`), several documents (`document.py`) and repair
(`repair.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from kscan_lsp.findings import Problem
from kscan_lsp.text import Span
from kscan_lsp.yaml import faults, layout, parser, scalars
from kscan_lsp.yaml.block_reader import read_block
from kscan_lsp.yaml.faults import Fault
from kscan_lsp.yaml.parser import MAX_DEPTH, MAX_NODES
from kscan_lsp.yaml.tree import Alias, Entry, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from kscan_lsp.yaml.data import Data
    from kscan_lsp.yaml.parser import Event, Events
    from kscan_lsp.yaml.tree import Node

_BOM: Final = "\ufeff"


class Read(NamedTuple):
    """A document as read. `root` is None where there is nothing (comments only) or nothing could be read."""

    root: Node | None
    problems: tuple[Problem, ...]
    fault: Fault | None = None
    """The syntax error or exceeded limit because of which there is no tree; it is among the problems, too."""
    data: Data | None = None
    """What the tree means, where that is known by now; None where it is not."""


class _Stop(Exception):  # noqa: N818 - it ends the reading and never leaves this module
    """Reading ends early."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault


class _ColonInFlow(Exception):  # noqa: N818 - as above
    """libyaml stumbles over a colon that kubectl accepts."""


def read(text: str) -> Read:
    """Read one YAML document.

    Args:
        text: the document; directives, `---`, comments and a byte order mark may come first.

    Returns:
        The tree and what is wrong, by offsets in `text`. What cannot be read has no root and a fatal problem.
    """
    if text.startswith(_BOM):
        content = text.lstrip(_BOM)
        return _shifted(read(content), len(text) - len(content))
    block = read_block(text)
    return read_events(text) if block is None else Read(block.root, (), data=block.data)


def read_events(text: str) -> Read:
    """The same from the parser's events alone, for all of YAML; a byte order mark in front is an error here."""
    try:
        return _TreeBuilder(text, None).document()
    except _Stop as stop:
        fault = stop.fault
    except _ColonInFlow:
        try:
            return _TreeBuilder(text, parser.hide_colons(text)).document()
        except _Stop as stop:
            fault = stop.fault
    return unreadable(fault)


def unreadable(fault: Fault) -> Read:
    """The result of reading nothing because of a fault."""
    return Read(None, (Problem(fault.span, fault.message, fault.code, fatal=True),), fault)


class _TreeBuilder:
    """One tree in the making."""

    __slots__ = ("anchors", "depth", "hiding", "last", "node", "problems", "text", "top")

    def __init__(self, text: str, hiding: str | None) -> None:
        self.text = text
        self.hiding = hiding  # the text with hidden colons, to be parsed in its place
        self.problems: list[Problem] = []
        self.anchors: dict[str, Node] = {}
        self.last = 0  # where the content read so far ends
        self.depth = 0
        self.node: Node | None = None  # what was read last
        self.top: Mapping | Sequence | None = None  # what is being read

    def document(self) -> Read:
        """Read the first document of the text, all of which should be that document."""
        try:
            root = self.root(parser.events(self.text if self.hiding is None else self.hiding))
        except parser.ERRORS as error:
            if self.hiding is None and parser.stumbles_over_colon(error) and parser.hide_colons(self.text):
                raise _ColonInFlow from None
            fault = faults.of_error(self.text, error, self.node, self.top)
            if self.top is not None and self.top.flow:
                fault = replace(fault, bracket=self.top.start)
            raise _Stop(fault) from None
        if isinstance(root, Scalar) and root.start == root.end and root.props < 0:
            root = None
        return Read(root, tuple(self.problems))

    def root(self, next_event: Events) -> Node | None:  # noqa: PLR0915 - one loop, for speed
        """Read events up to the end of the first document; None where there is none."""
        root: Node | None = None
        above: list[tuple[Mapping | Sequence | None, Node | None, bool]] = []
        top: Mapping | Sequence | None = None  # what is being read, and in it the key whose value comes next
        key: Node | None = None
        explicit = False
        text, hiding, words = self.text, self.hiding, scalars.WORDS
        has_question_mark = "?" in text
        node: Node
        for _ in range(2 * MAX_NODES):
            event = next_event()
            kind = type(event)
            before = self.last
            if kind is ScalarEvent:
                value = event.value
                start = event.start_mark.index
                if (
                    event.style == ""
                    and value not in words
                    and value[0] not in "+-.0123456789"
                    and event.anchor is None
                    and event.ctag is None
                    and text[start] == value[0]
                    and hiding is None
                ):
                    # an ordinary string, key or value: nine of ten scalars
                    self.last = event.end_mark.index
                    node = Scalar(start, self.last, value, "")
                else:
                    node = self.scalar(event, as_key=key is None and type(top) is Mapping)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                node = opened = self.collection(event)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                if top is not None:
                    self.last = top.end = event.end_mark.index if top.flow else layout.block_end(top)
                top, key, explicit = above.pop()
                self.top = top
                self.depth -= 1
                continue
            elif kind is AliasEvent:
                node = self.alias(event)
            elif kind is DocumentEndEvent:
                self.after_document(event, next_event)
                return root
            elif kind is StreamEndEvent:
                return root
            else:
                continue
            self.node = node
            if type(top) is Mapping:
                if key is None:
                    key, explicit = node, has_question_mark and layout.is_explicit(text, before, node)
                    if node.start < top.start:  # an empty key with an anchor
                        top.start = layout.with_properties(node)
                else:
                    top.entries.append(Entry(key, node, explicit))
                    key = None
            elif type(top) is Sequence:
                top.items.append(node)
            else:
                root = node
            if kind is MappingStartEvent or kind is SequenceStartEvent:
                above.append((top, key, explicit))
                self.top = top = opened
                key = None
        raise _Stop(_limit(self.last, f"more than {MAX_NODES} values"))

    def scalar(self, event: Event, *, as_key: bool) -> Scalar:
        text = self.text
        start, end = event.start_mark.index, event.end_mark.index
        value, style, tag, anchor = event.value, event.style, event.ctag, event.anchor
        plain, props = event.implicit[0], -1
        if anchor is not None or tag is not None or text[start : start + 1] == "!":
            props = start
            start, end, bare = layout.after_properties(text, start, end)
            plain = plain and not bare
        elif start == end:
            start = end = layout.empty_place(text, self.last, start, as_key=as_key)
        if style in {"|", ">"}:
            end = layout.block_scalar_end(text, start, end)
        self.last = end
        if self.hiding is not None:
            value = parser.show_colons(value)
        if tag is not None:
            value, refused = scalars.tagged(value, tag)
            if refused:
                self.problems.append(Problem(Span(start, end), refused, "type", fatal=True))
        elif plain:
            value = scalars.key_text(value) if as_key else scalars.plain(value)
        node = Scalar(start, end, value, style, anchor, tag, props)
        if anchor is not None:
            self.anchors[anchor] = node
        return node

    def collection(self, event: Event) -> Mapping | Sequence:
        text = self.text
        start, props = event.start_mark.index, -1
        if self.depth >= MAX_DEPTH:
            raise _Stop(_limit(start, f"nested more than {MAX_DEPTH} levels deep"))
        self.depth += 1
        flow, tag, anchor = event.flow_style, event.ctag, event.anchor
        if anchor is not None or tag is not None:
            props = start
            # the event of a flow collection ends right behind its bracket
            start = event.end_mark.index - 1 if flow else layout.after_properties(text, start, len(text))[0]
        self.last = max(self.last, start)
        make = Mapping if type(event) is MappingStartEvent else Sequence
        node = make(start, start, flow, [], anchor, tag, props)
        if anchor is not None:
            self.anchors[anchor] = node
        return node

    def alias(self, event: Event) -> Alias:
        start, end, name = event.start_mark.index, event.end_mark.index, event.anchor
        if name not in self.anchors:
            # the name may be a secret that begins with '*', so it is not quoted
            message = (
                "no anchor of this name stands above this alias; define it first, or put the text into quotes"
            )
            raise _Stop(Fault(Span(start, end), message, start, (Span(start, end),)))
        self.last = end
        return Alias(start, end, name, self.anchors[name])

    def after_document(self, event: Event, next_event: Events) -> None:
        """Complain about text behind the document: kubectl drops all of it."""
        if event.explicit:
            at = layout.next_content(self.text, event.end_mark.index)
        else:
            following = next_event()
            explicit = type(following) is DocumentStartEvent
            at = following.start_mark.index if explicit else len(self.text)
        if at < len(self.text):
            message = "kubectl drops what follows the end of a document; begin a new document with '---'"
            self.problems.append(Problem(Span(at, layout.line_end(self.text, at)), message, fatal=True))


def _limit(at: int, what: str) -> Fault:
    return Fault(Span(at, at + 1), f"{what}; this document is not read", at, code="limit")


def _shifted(result: Read, by: int) -> Read:
    """The same for a text that has `by` more characters in front."""
    if result.root is not None:
        layout.shift(result.root, by)
    fault = result.fault
    if fault is not None:
        suspects = tuple(_moved(span, by) for span in fault.suspects)
        bracket = None if fault.bracket is None else fault.bracket + by
        fault = Fault(
            _moved(fault.span, by), fault.message, fault.noticed + by, suspects, fault.code, bracket
        )
    return Read(result.root, tuple(replace(p, span=_moved(p.span, by)) for p in result.problems), fault)


def _moved(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by)
