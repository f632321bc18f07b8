"""Where things really begin and end in the text of a YAML document.

Parser events get three things wrong for edits and squiggles: block collections and block scalars run on over
comments and blank lines, an anchor or tag counts as content, and an empty value lies wherever the parser
noticed that it was empty. The functions here look at the text and put that right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.regex import regex
from kscan_lsp.yaml.tree import Alias, Mapping, Sequence

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

    from kscan_lsp.text import Span
    from kscan_lsp.yaml.tree import Node

_NOTHING: Final = regex(r"(?:\s|#[^\r\n]*)*")
_LINE: Final = regex(r"[^\r\n]*")
_COMMENT: Final = regex(r"#[^\r\n]*")
_PROPERTY: Final = regex(r"&[^\s,\[\]{}]+|!<[^>\s]*>|!\S*")
_AFTER_DOCUMENT: Final = regex(r"(?:\s|#[^\r\n]*|(?<=[\r\n])\.\.\.(?=\s|\Z))*")


def after_properties(text: str, start: int, end: int) -> tuple[int, int, bool]:
    """The content behind anchor and tag, within a stretch of text.

    Returns:
        Its start and end, and whether the tag is a bare `!`, which means a string. Empty content lies right
        behind the last property.
    """
    at, behind, bare = start, start, False
    while found := _PROPERTY.match(text, at, end):
        bare = bare or found[0] == "!"
        behind = found.end()
        at = match_end(_NOTHING, text, behind, end)
    return (at, end, bare) if at < end else (behind, behind, bare)


def empty_place(text: str, last: int, noticed: int, *, as_key: bool) -> int:
    """Where an empty value lies: right behind its colon, dash or question mark.

    Args:
        text: the document.
        last: end of the content before it.
        noticed: where the parser says it is. Where there is no indicator in between, that is the place of a key; a
            value is right behind its key.
        as_key: it is a key, so that a colon stands behind it.
    """
    at = match_end(_NOTHING, text, last, noticed)
    if at < noticed and text[at] in ":-?":
        return at if as_key and text[at] == ":" else at + 1
    return noticed if as_key else last


def block_scalar_end(text: str, start: int, end: int) -> int:
    """The end of the last line of a block scalar that is not blank; its header never is."""
    content = start + len(text[start:end].rstrip(" \t\r\n"))
    return match_end(_LINE, text, content, end)


def block_end(block: Mapping | Sequence) -> int:
    """The end of the last child of a block collection."""
    if isinstance(block, Mapping):
        return block.entries[-1].value.end if block.entries else block.start
    return block.items[-1].end if block.items else block.start


def is_explicit(text: str, before: int, key: Node) -> bool:
    """Whether a `?` stands in front of a key; `before` is the end of the content before it."""
    gap = text[before : with_properties(key)]
    return "?" in gap and "?" in _COMMENT.sub("", gap)


def with_properties(node: Node) -> int:
    """Where a node begins if its anchor and tag are counted."""
    return node.start if isinstance(node, Alias) or node.props < 0 else node.props


def line_end(text: str, at: int) -> int:
    """The end of the line around an offset, before its line break."""
    return match_end(_LINE, text, at, len(text))


def next_content(text: str, at: int) -> int:
    """Where something other than space, comments and `...` comes next, or the end of the text."""
    return match_end(_AFTER_DOCUMENT, text, at, len(text))


def match_end(pattern: re.Pattern[str], text: str, start: int, end: int) -> int:
    """The end of what a pattern matches at `start`, or `start`."""
    found = pattern.match(text, start, end)
    return found.end() if found else start


def shift(root: Node, by: int) -> None:
    """Move a whole tree, for a text with `by` more characters in front."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        node.start += by
        node.end += by
        if isinstance(node, Alias):
            continue
        if node.props >= 0:
            node.props += by
        if isinstance(node, Mapping):
            waiting += (part for entry in node.entries for part in (entry.key, entry.value))
        elif isinstance(node, Sequence):
            waiting += node.items


def blank(text: str, lines: Iterable[Span]) -> str:
    """The text with spaces in place of some lines; every offset stays true."""
    parts: list[str] = []
    done = 0
    for start, end in sorted(lines):
        if end > done:
            first = max(start, done)
            parts += text[done:first], " " * (end - first)
            done = end
    return "".join((*parts, text[done:]))
