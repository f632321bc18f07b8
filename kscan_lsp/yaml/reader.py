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
from typing import TYPE_CHECKING, Any, Final, NamedTuple

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
_PLAIN_COLON: Final = re.compile(r"(![^\s,\[\]{}]+)|(?<=[^\s\"'\]}]):(?!\s|$)")


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


def read(text: str) -> Read:
    """Read one YAML document.

    Args:
        text: the document; directives, `---`, comments and a byte order mark may come first.

    Returns:
        The tree and what is wrong, by offsets in `text`. A text that cannot be read has no root and a fatal problem.
    """
    if text.startswith(_BOM):
        return _shifted(read(text[1:]), 1)
    try:
        return _build(text, text)
    except (YAMLError, UnicodeError, _Stop) as error:
        stopped: Exception = error
    if getattr(stopped, "problem", "") == "found unexpected ':'" and _HIDING not in text:
        try:
            return _build(text, _PLAIN_COLON.sub(lambda found: found[1] or _HIDING, text))
        except (YAMLError, _Stop) as error:
            stopped = error
    fault = stopped.fault if isinstance(stopped, _Stop) else faults.from_error(text, stopped)
    return Read(None, (Problem(fault.span, fault.message, fault.code, fatal=True),), fault)


def _build(text: str, source: str) -> Read:
    """The tree of `text`, parsed from `source`, which is `text` but for hidden colons."""
    next_event = CParser(source).get_event
    problems: list[Problem] = []
    anchors: dict[str, Node] = {}
    root: Node | None = None
    above: list[tuple[Mapping | Sequence | None, Node | None, bool]] = []
    top: Mapping | Sequence | None = None  # the collection being read, and the key whose value comes next
    key: Node | None = None
    asked = False
    last = 0  # where the content read so far ends
    left = MAX_NODES
    questions = "?" in text
    while True:
        event = next_event()
        kind = type(event)
        before = last
        opened: Mapping | Sequence | None = None
        node: Node
        if kind is ScalarEvent:
            as_key = key is None and type(top) is Mapping
            node = _scalar(event, text, last, source is not text, as_key, problems)
            last = node.end
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            node = opened = _collection(event, text, len(above))
            last = max(last, node.start)
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            if top is not None:
                last = top.end = event.end_mark.index if top.flow else _last_end(top)
            top, key, asked = above.pop()
            continue
        elif kind is AliasEvent:
            node = _alias(event, anchors)
            last = node.end
        elif kind is DocumentEndEvent:
            problems += _after_document(text, event, next_event)
            break
        elif kind is StreamEndEvent:
            break
        else:
            continue
        left -= 1
        if not left:
            message = f"more than {MAX_NODES} values; this document is not read"
            raise _Stop(Fault(Span(node.start, node.end), message, (), "limit"))
        if kind is not AliasEvent and event.anchor is not None:
            anchors[event.anchor] = node
        if top is None:
            root = node
        elif type(top) is Sequence:
            top.items.append(node)
        elif key is None or not isinstance(top, Mapping):
            key, asked = node, questions and _asked(text, before, node)
        else:
            top.entries.append(Entry(key, node, asked))
            key = None
        if opened is not None:
            above.append((top, key, asked))
            top, key = opened, None
    if isinstance(root, Scalar) and root.start == root.end and root.props < 0:
        root = None
    return Read(root, tuple(problems))


def _scalar(event: Any, text: str, last: int, hidden: bool, as_key: bool, problems: list[Problem]) -> Scalar:
    start, end = event.start_mark.index, event.end_mark.index
    value, style, tag = event.value, event.style, event.tag
    plain, props = event.implicit[0], -1
    if tag is not None or event.anchor is not None or text[start : start + 1] == "!":
        props = start
        start, end, bare = _after_properties(text, start, end)
        plain = plain and not bare
    elif start == end:
        start = end = _empty_place(text, last, start, as_key)
    if style and style in "|>":
        end = _block_scalar_end(text, start, end)
    if hidden:
        value = value.replace(_HIDING, ":")
    if tag is not None:
        value, refused = scalars.tagged(value, tag)
        if refused:
            problems.append(Problem(Span(start, end), refused, "type", fatal=True))
    elif plain:
        value = scalars.key_text(value) if as_key else scalars.plain(value)
    return Scalar(start, end, value, style, event.anchor, tag, props)


def _collection(event: Any, text: str, depth: int) -> Mapping | Sequence:
    start, props = event.start_mark.index, -1
    if depth >= MAX_DEPTH:
        message = f"nested more than {MAX_DEPTH} levels deep; this document is not read"
        raise _Stop(Fault(Span(start, start + 1), message, (), "limit"))
    if event.anchor is not None or event.tag is not None:
        props = start
        start = event.end_mark.index - 1 if event.flow_style else _after_properties(text, start, len(text))[0]
    make = Mapping if type(event) is MappingStartEvent else Sequence
    return make(start, start, event.flow_style, [], event.anchor, event.tag, props)


def _alias(event: Any, anchors: dict[str, Node]) -> Alias:
    start, end = event.start_mark.index, event.end_mark.index
    if event.anchor not in anchors:
        message = f"no anchor '&{event.anchor}' stands above this alias; define it first, or quote the text"
        raise _Stop(Fault(Span(start, end), message, (start,)))
    return Alias(start, end, event.anchor, anchors[event.anchor])


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


def _after_document(text: str, event: Any, next_event: Callable[[], Any]) -> list[Problem]:
    """What is wrong with the text behind the document: kubectl drops all of it."""
    at = event.end_mark.index
    if event.explicit:
        at = _match_end(_FILLER, text, at, len(text))
    else:
        following = next_event()
        if type(following) is not DocumentStartEvent:
            return []
        at = following.start_mark.index
    if at >= len(text):
        return []
    message = "kubectl drops what follows the end of the document ('...'); start a new document with '---'"
    return [Problem(Span(at, _match_end(_LINE, text, at, len(text))), message, fatal=True)]


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
        fault = Fault(
            _moved(fault.span, by), fault.message, tuple(at + by for at in fault.suspects), fault.code
        )
    return Read(result.root, tuple(replace(p, span=_moved(p.span, by)) for p in result.problems), fault)


def _moved(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by)
