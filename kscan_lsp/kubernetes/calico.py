"""Calico's selectors: text such as `app == 'web' && has(tier)`, read into a question about labels.

Source: Calico's reference, "Selectors" of NetworkPolicy. An empty text selects everything, as does `all()`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_Question: TypeAlias = "Callable[[Mapping[str, str]], bool]"

_TOKEN: Final = regex(
    r"""\s*(?:(?P<text>"[^"]*"|'[^']*')|(?P<sign>&&|\|\||==|!=|!|[(){},])|(?P<word>[^\s"'!=(){},&|]+))"""
)
MAX_DEPTH: Final = 50
"""Parentheses and negations inside each other."""


def selects(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether a selector of Calico's selects something with these labels.

    Raises:
        ValueError: it is none.
    """
    return _parsed(selector)(labels)


@lru_cache(maxsize=512)
def _parsed(selector: str) -> _Question:
    tokens = _Tokens(_tokens(selector))
    if tokens.next is None:
        return lambda _: True
    question = _any(tokens, 0)
    if tokens.next is not None:
        raise _no_selector()
    return question


def _no_selector() -> ValueError:
    return ValueError("not a selector of Calico's")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _no_selector()
        yield match.lastgroup, match[match.lastgroup]
        at = match.end()


class _Tokens:
    """What is left of a selector."""

    def __init__(self, tokens: Iterator[tuple[str, str]]) -> None:
        self._tokens = tokens
        self.next = next(tokens, None)

    def take(self, kind: str = "", text: str = "") -> str:
        """The next token, which must be of this kind and text."""
        if self.next is None or (kind and self.next[0] != kind) or (text and self.next[1] != text):
            raise _no_selector()
        taken = self.next[1]
        self.next = next(self._tokens, None)
        return taken

    def is_next(self, text: str) -> bool:
        return self.next in {("sign", text), ("word", text)}


def _any(tokens: _Tokens, depth: int) -> _Question:
    parts = [_all(tokens, depth)]
    while tokens.is_next("||"):
        tokens.take()
        parts.append(_all(tokens, depth))
    return lambda labels: any(part(labels) for part in parts)


def _all(tokens: _Tokens, depth: int) -> _Question:
    parts = [_one(tokens, depth)]
    while tokens.is_next("&&"):
        tokens.take()
        parts.append(_one(tokens, depth))
    return lambda labels: all(part(labels) for part in parts)


def _one(tokens: _Tokens, depth: int) -> _Question:
    if depth > MAX_DEPTH:
        raise _no_selector()
    if tokens.is_next("!"):
        tokens.take()
        denied = _one(tokens, depth + 1)
        return lambda labels: not denied(labels)
    if tokens.is_next("("):
        tokens.take()
        inner = _any(tokens, depth + 1)
        tokens.take("sign", ")")
        return inner
    name = tokens.take("word")
    if name in {"all", "global", "has"} and tokens.is_next("("):
        return _called(name, tokens)
    return _compared(name, tokens)


def _called(name: str, tokens: _Tokens) -> _Question:
    tokens.take("sign", "(")
    label = tokens.take("word") if name == "has" else ""
    tokens.take("sign", ")")
    if name == "has":
        return lambda labels: label in labels
    return lambda _: name == "all"  # what is global is in no namespace, as no pod is


def _compared(name: str, tokens: _Tokens) -> _Question:
    operator = tokens.take()
    if operator in {"not", "starts", "ends"}:
        operator = f"{operator} {tokens.take('word')}"
    if operator in {"in", "not in"}:
        values = _values(tokens)
        wanted = operator == "in"
        return lambda labels: (labels.get(name) in values) is wanted
    value = tokens.take("text")[1:-1]
    match operator:
        case "==":
            return lambda labels: labels.get(name) == value
        case "!=":
            return lambda labels: labels.get(name) != value
        case "contains":
            return lambda labels: value in labels.get(name, "")
        case "starts with":
            return lambda labels: name in labels and labels[name].startswith(value)
        case "ends with":
            return lambda labels: name in labels and labels[name].endswith(value)
    raise _no_selector()


def _values(tokens: _Tokens) -> frozenset[str]:
    tokens.take("sign", "{")
    values = []
    while not tokens.is_next("}"):
        values.append(tokens.take("text")[1:-1])
        if not tokens.is_next("}"):
            tokens.take("sign", ",")
    tokens.take("sign", "}")
    return frozenset(values)
