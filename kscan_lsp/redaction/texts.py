"""Secrets inside one text: a message, a value, a comment. What is known of it are its words alone.

Masked are passwords and all else in front of an `@` of an address, values of options and settings whose names are about
credentials, and what is a credential by its looks. An image with a tag or a digest, a port and the name of a field
stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.kubernetes.credentials import commands, texts, tokens
from kscan_lsp.kubernetes.credentials.searches import lazy
from kscan_lsp.kubernetes.images import begins_digest
from kscan_lsp.redaction.vocabulary import ENTRIES, has_credential_word, is_harmless
from kscan_lsp.regex import regex
from kscan_lsp.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MASK: Final = "********"
"""What stands for a secret, be it long or short."""

_HINT: Final = lazy(rb"@|" + tokens.HINT)
"""What no text is without that has anything to mask; most are done with after this one search."""
_WORD_WITH_AT: Final = regex(r"[^\s\"'<>`]+@(?=[^\s\"'<>`@,;)])")
_BEFORE: Final = "=([{,;|&"
"""What stands in front of an address that is part of a longer word."""
_SETTING: Final = regex(r"(?<![\w./-])(-{0,2}[A-Za-z_][\w.-]*)=(\"[^\"\n]*\"?|'[^'\n]*'?|[^\s\"'`,;&|]+)")
_END: Final = regex(r"[\s\"'`,;<>(){}\[\]]|$")


def redact(text: str) -> str:
    """A text, such as a message that quotes values, with what may be a secret in it masked."""
    return masked(text, spans_in(text))


def masked(text: str, spans: Iterable[Span]) -> str:
    """A text with some spans of it masked, which are in order and do not overlap."""
    parts: list[str] = []
    at = 0
    for start, end in spans:
        parts += text[at:start], MASK
        at = end
    return "".join([*parts, text[at:]]) if parts else text


def spans_in(text: str) -> list[Span]:
    """What in a text may be a secret, in order, without overlaps."""
    if len(text) < commands.SHORTEST:
        return []
    raw = text.encode(errors="replace")
    if _HINT().search(raw) is None:
        return []
    found = [*_userinfo(text), *_settings(text)]
    places = [
        *tokens.places(raw),
        *((at, 0) for what, at in texts.others(raw, ENTRIES) if what != texts.IN_URL),
    ]
    places += ((at, 0) for _, at in commands.scripts(raw, ENTRIES))
    for start, end in places:
        first = start if text.isascii() else len(raw[:start].decode(errors="replace"))
        last = first + end - start if end and text.isascii() else _end_of(text, first)
        found.append(Span(first, last))
    return united(found)


def hints_in(text: str) -> list[Span]:
    """The hints in a text without which nothing is masked for its looks, in order."""
    raw = text.encode(errors="replace")
    spans = [Span(*match.span()) for match in _HINT().finditer(raw)]
    if len(raw) == len(text):
        return spans
    at = index = 0
    found = []
    for start, end in spans:
        first = index + len(raw[at:start].decode(errors="replace"))
        index = first + len(raw[start:end].decode(errors="replace"))
        at = end
        found.append(Span(first, index))
    return found


def united(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that overlap or touch as one, without empty ones."""
    result: list[Span] = []
    for span in sorted(spans):
        if span.start >= span.end:
            continue
        if result and span.start <= result[-1].end:
            result[-1] = Span(result[-1].start, max(result[-1].end, span.end))
        else:
            result.append(span)
    return result


def _userinfo(text: str) -> Iterator[Span]:
    """What stands between the start of an address and its `@`."""
    if "@" not in text:
        return
    for word in _WORD_WITH_AT.finditer(text):
        start, end = word.start(), word.end() - 1
        if begins_digest(text, word.end()):
            continue
        scheme = text.find("://", start, end)
        if scheme >= 0:
            start = scheme + 3
            login, slash, _ = text[start:end].partition("/")
            host, colon, port = login.partition(":")
            if slash and (not colon or port.isdigit() or not host):
                continue  # of a path: https://example.com/@me
        else:
            sign = text.find(":", start, end)
            before = max(text.rfind(mark, start, end if sign < 0 else sign) for mark in _BEFORE)
            start = max(start, before + 1)
            if sign < 0:
                start = max(start, text.rfind("/", start, end) + 1)
        yield Span(start, end)


def _settings(text: str) -> Iterator[Span]:
    """Values of what is set by a name about credentials: `--token-auth-file=x`, `PASSWORD=x`."""
    if "=" not in text:
        return
    for match in _SETTING.finditer(text):
        around = text[match.start() - 1 : match.start()]
        if around and around in "\"'" and match[2].startswith(around):
            continue  # nothing follows, and the quote belongs to what stands around it
        if not is_harmless(match[2]) and has_credential_word(match[1]):
            yield Span(match.start(2), match.end(2))


def _end_of(text: str, start: int) -> int:
    """Where a credential ends of which only the start is known: with its quotes, or its word."""
    quote = text[start - 1 : start]
    if quote and quote in "\"'":
        end = text.find(quote, start)
        if end >= 0:
            return end
    found = _END.search(text, start)
    return max(found.start() if found else len(text), min(start + 1, len(text)))
