"""One YAML document as a tree with the place of every node.

The tree is built from parser events, not from ruamel's own nodes: events keep the place of aliases, and
reading can stop at the first bracket too many. The parser is libyaml 0.1.7 in C, the ancestor of the go-yaml
that kubectl reads with. It refuses one thing that kubectl accepts, a colon inside a plain flow scalar
(`[http://x:80/y]`); there the text is read again with those colons hidden.

Three things events get wrong are put right here: block collections and block scalars run on over comments and
blank lines, an anchor or tag counts as content, and an empty value lies wherever the parser noticed that it
was empty.

Left out on purpose: what the tree means (`data.py`), several documents and repair (`documents.py`).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from _ruamel_yaml import CParser
from ruamel.yaml.error import YAMLError
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
from kscan_lsp.yaml import faults, scalars
from kscan_lsp.yaml.faults import Fault
from kscan_lsp.yaml.tree import Alias, Entry, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Callable

    from kscan_lsp.yaml.tree import Node

    _Event: TypeAlias = Any  # ruamel's events have no types
    _Events: TypeAlias = Callable[[], _Event]

MAX_DEPTH: Final = 100
"""How deep collections may nest."""
MAX_NODES: Final = 1_000_000
"""How many nodes one document may have."""

_BOM: Final = "\ufeff"
_NOTHING: Final = re.compile(r"(?:\s|#[^\r\n]*)*")
_COMMENT: Final = re.compile(r"#[^\r\n]*")
_LINE: Final = re.compile(r"[^\r\n]*")
_FILLER: Final = re.compile(r"(?:\s|#[^\r\n]*|(?<=[\r\n])\.\.\.(?=\s|$))*")
_PROPERTY: Final = re.compile(r"&[^\s,\[\]{}]+|!<[^>\s]*>|!\S*")
# What a colon hides behind; tags keep theirs.
_HIDING: Final = "\ue000"
_PLAIN_COLON: Final = re.compile(
    r"(![^\s,\[\]{}]+)"
    r"|(?<=[^\s\"'\]},\[{]):(?!\s|\Z)"
    r"|(?<=[^\s\"'\]},\[{:])([ \t]+):(?!\s|\Z)"
)


class Read(NamedTuple):
    """A document as read. `root` is None where there is nothing (comments only) or nothing could be read."""

    root: Node | None
    problems: tuple[Problem, ...]
    fault: Fault | None = None
    """The syntax error or exceeded limit because of which there is no tree; it is among the problems, too."""


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
        return _shifted(read(text[1:]), 1)
    try:
        return _Building(text, None).document()
    except _Stop as stop:
        fault = stop.fault
    except _ColonInFlow:
        try:
            return _Building(text, _PLAIN_COLON.sub(_hide, text)).document()
        except _Stop as stop:
            fault = stop.fault
    return Read(None, (Problem(fault.span, fault.message, fault.code, fatal=True),), fault)


def _hide(found: re.Match[str]) -> str:
    tag, space = found.groups()
    return tag or f"{space or ''}{_HIDING}"


class _Building:
    """One tree in the making."""

    __slots__ = ("anchors", "depth", "hiding", "last", "node", "problems", "text")

    def __init__(self, text: str, hiding: str | None) -> None:
        self.text = text
        self.hiding = hiding  # the text with hidden colons, to be parsed in its place
        self.problems: list[Problem] = []
        self.anchors: dict[str, Node] = {}
        self.last = 0  # where the content read so far ends
        self.depth = 0
        self.node: Node | None = None  # what was read last

    def document(self) -> Read:
        """Read the first document of the text, all of which should be that document."""
        try:
            root = self.root(CParser(self.text if self.hiding is None else self.hiding).get_event)
        except (YAMLError, UnicodeError) as error:
            stumbled = getattr(error, "problem", "") == "found unexpected ':'"
            if stumbled and self.hiding is None and _HIDING not in self.text:
                raise _ColonInFlow from None
            raise _Stop(faults.of_error(self.text, error, self.node)) from None
        if isinstance(root, Scalar) and root.start == root.end and root.props < 0:
            root = None
        return Read(root, tuple(self.problems))

    def root(self, next_event: _Events) -> Node | None:
        """Read events up to the end of the first document; None where there is none."""
        root: Node | None = None
        above: list[tuple[Mapping | Sequence | None, Node | None, bool]] = []
        top: Mapping | Sequence | None = None  # what is being read, and in it the key whose value comes next
        key: Node | None = None
        asked = False
        questions = "?" in self.text
        node: Node
        for _ in range(3 * MAX_NODES):
            event = next_event()
            kind = type(event)
            before = self.last
            if kind is ScalarEvent:
                node = self.scalar(event, key is None and type(top) is Mapping)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                node = opened = self.collection(event, kind is MappingStartEvent)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                if top is not None:
                    self.last = top.end = event.end_mark.index if top.flow else _last_end(top)
                top, key, asked = above.pop()
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
                    key, asked = node, questions and _asked(self.text, before, node)
                else:
                    top.entries.append(Entry(key, node, asked))
                    key = None
            elif type(top) is Sequence:
                top.items.append(node)
            else:
                root = node
            if kind is MappingStartEvent or kind is SequenceStartEvent:
                above.append((top, key, asked))
                top, key = opened, None
        raise _Stop(_limit(self.last, f"more than {MAX_NODES} values"))

    def scalar(self, event: _Event, as_key: bool) -> Scalar:
        text = self.text
        start, end = event.start_mark.index, event.end_mark.index
        value, style, tag, anchor = event.value, event.style, event.tag, event.anchor
        plain, props = event.implicit[0], -1
        if anchor is not None or tag is not None or text[start : start + 1] == "!":
            props = start
            start, end, bare = _after_properties(text, start, end)
            plain = plain and not bare
        elif start == end:
            start = end = _empty_place(text, self.last, start, as_key)
        if style == "|" or style == ">":
            end = _block_scalar_end(text, start, end)
        self.last = end
        if self.hiding is not None:
            value = value.replace(_HIDING, ":")
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

    def collection(self, event: _Event, is_mapping: bool) -> Mapping | Sequence:
        start, props = event.start_mark.index, -1
        if self.depth >= MAX_DEPTH:
            raise _Stop(_limit(start, f"nested more than {MAX_DEPTH} levels deep"))
        self.depth += 1
        flow, tag, anchor = event.flow_style, event.tag, event.anchor
        if anchor is not None or tag is not None:
            props = start
            # the event of a flow collection ends right behind its bracket
            start = (
                event.end_mark.index - 1 if flow else _after_properties(self.text, start, len(self.text))[0]
            )
        self.last = max(self.last, start)
        make = Mapping if is_mapping else Sequence
        node = make(start, start, flow, [], anchor, tag, props)
        if anchor is not None:
            self.anchors[anchor] = node
        return node

    def alias(self, event: _Event) -> Alias:
        start, self.last, name = event.start_mark.index, event.end_mark.index, event.anchor
        if name not in self.anchors:
            span = Span(start, self.last)
            message = (
                f"no anchor '&{name}' stands above this alias; define it first, or put the text into quotes"
            )
            raise _Stop(Fault(span, message, start, (span,)))
        return Alias(start, self.last, name, self.anchors[name])

    def after_document(self, event: _Event, next_event: _Events) -> None:
        """Complain about text behind the document: kubectl drops all of it."""
        text = self.text
        at = event.end_mark.index
        if event.explicit:
            at = _match_end(_FILLER, text, at, len(text))
        else:
            following = next_event()
            at = following.start_mark.index if type(following) is DocumentStartEvent else len(text)
        if at < len(text):
            message = "kubectl drops what follows the end of a document; begin a new document with '---'"
            span = Span(at, _match_end(_LINE, text, at, len(text)))
            self.problems.append(Problem(span, message, fatal=True))


def _limit(at: int, what: str) -> Fault:
    return Fault(Span(at, at + 1), f"{what}; this document is not read", code="limit")


def _after_properties(text: str, start: int, end: int) -> tuple[int, int, bool]:
    """Start and end of the content behind anchor and tag, and whether the tag is a bare `!`, which means a string.

    Empty content lies right behind the last property.
    """
    at, behind, bare = start, start, False
    while found := _PROPERTY.match(text, at, end):
        bare = bare or found[0] == "!"
        behind = found.end()
        at = _match_end(_NOTHING, text, behind, end)
    return (at, end, bare) if at < end else (behind, behind, bare)


def _empty_place(text: str, last: int, noticed: int, as_key: bool) -> int:
    """Where an empty value lies: right behind its colon, dash or question mark, else where the parser says."""
    at = _match_end(_NOTHING, text, last, noticed)
    if at < noticed and text[at] in ":-?":
        return at if as_key and text[at] == ":" else at + 1
    return noticed


def _block_scalar_end(text: str, start: int, end: int) -> int:
    """The end of the last line of a block scalar that is not blank; its header is never blank."""
    content = start + len(text[start:end].rstrip(" \t\r\n"))
    return _match_end(_LINE, text, content, end)


def _match_end(pattern: re.Pattern[str], text: str, start: int, end: int) -> int:
    found = pattern.match(text, start, end)
    return found.end() if found else start


def _last_end(block: Mapping | Sequence) -> int:
    if isinstance(block, Mapping):
        return block.entries[-1].value.end if block.entries else block.start
    return block.items[-1].end if block.items else block.start


def _asked(text: str, before: int, key: Node) -> bool:
    """Whether a `?` stands in front of a key."""
    props = -1 if isinstance(key, Alias) else key.props
    gap = text[before : props if props >= 0 else key.start]
    return "?" in gap and "?" in _COMMENT.sub("", gap)


def _shifted(result: Read, by: int) -> Read:
    """The same for a text that has `by` more characters in front."""
    seen: set[int] = set()
    waiting: list[Node] = [] if result.root is None else [result.root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        node.start += by
        node.end += by
        if isinstance(node, Mapping):
            waiting += (part for entry in node.entries for part in (entry.key, entry.value))
        elif isinstance(node, Sequence):
            waiting += node.items
        if not isinstance(node, Alias) and node.props >= 0:
            node.props += by
    fault = result.fault
    if fault is not None:
        suspects = tuple(_moved(span, by) for span in fault.suspects)
        fault = replace(fault, span=_moved(fault.span, by), noticed=fault.noticed + by, suspects=suspects)
    return Read(result.root, tuple(replace(p, span=_moved(p.span, by)) for p in result.problems), fault)


def _moved(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by)
