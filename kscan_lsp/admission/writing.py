"""Policies as YAML that people read: expressions as blocks of text, all else in a line where it fits.

What an expression says does not change: a text that a block could not hold as it is comes in quotes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PLAIN: Final = regex(r"[A-Za-z][A-Za-z0-9 /_.-]*[A-Za-z0-9]|[A-Za-z]")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_WIDTH: Final = 100
"""Characters from which a text is a block."""


def documents(objects: Iterable[dict[str, Any]]) -> str:
    """Objects as the documents of one file."""
    return "---\n".join("".join(f"{line}\n" for line in _lines(one)) for one in objects)


def _lines(value: Any) -> Iterator[str]:
    """A map or a list, without indentation."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _entry(f"{_scalar(key)}:", item)
        return
    for item in value:
        if isinstance(item, dict) and item:
            first, *others = _lines(item)
            yield f"- {first}"
            yield from (f"  {line}" if line else "" for line in others)
        else:
            yield f"- {_flow(item)}"


def _entry(key: str, item: Any) -> Iterator[str]:
    if isinstance(item, str) and _is_block(item):
        yield f"{key} |-"
        yield from (f"  {line}" if line else "" for line in item.split("\n"))
    elif isinstance(item, dict | list) and item and not _fits(item):
        yield key
        indent = "" if isinstance(item, list) else "  "
        yield from (f"{indent}{line}" if line else "" for line in _lines(item))
    else:
        yield f"{key} {_flow(item)}"


def _fits(item: Any) -> bool:
    """Whether a list of texts can stand in a line."""
    return isinstance(item, list) and all(isinstance(one, str) for one in item) and len(_flow(item)) < _WIDTH


def _flow(item: Any) -> str:
    if isinstance(item, list):
        return f"[{', '.join(map(_flow, item))}]"
    if isinstance(item, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(one)}" for key, one in item.items()) + "}"
    return _scalar(item)


def _scalar(item: Any) -> str:
    if not isinstance(item, str):
        return json.dumps(item)
    if _PLAIN.fullmatch(item) and item.lower() not in _WORDS and "  " not in item:
        return item
    return json.dumps(item, ensure_ascii=not item.isprintable())


def _is_block(text: str) -> bool:
    """Whether a text is long, or of several lines, and a block holds it as it is."""
    lines = text.split("\n")
    return (
        (len(text) > _WIDTH or len(lines) > 1 or ("'" in text and "\\" in text))
        and all(line.isprintable() and line.rstrip() == line for line in lines)
        and bool(lines[-1])
        and text[0] != " "
    )
