"""Plain values -> YAML or JSON text, for what an edit puts into somebody's manifest.

Everything written here must be read back as the same value by every reader of the manifest: kubectl (YAML
1.1 with its own ideas), the C parser and YAML 1.2 tools. So a string is written plain only where all of
them agree that it is one; whatever else looks like a number, a boolean, a date or an indicator stands in
double quotes.

Left out on purpose: block scalars, anchors, tags and line folding. An edit writes small values on short
lines.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.regex import regex

if TYPE_CHECKING:
    import re

# Letters that mean nothing to YAML at any place in a plain scalar, also between brackets.
_SAFE: Final = r"A-Za-z0-9_./@+=%$()~^-"
_START: Final = r"(?:[A-Za-z/]|--?[A-Za-z]|\.\.?/)"
_PLAIN_IN_FLOW: Final = regex(rf"{_START}(?:[{_SAFE}]|[ ](?=[{_SAFE}]))*")
_PLAIN_IN_BLOCK: Final = regex(rf"{_START}(?:[{_SAFE}]|:(?=[A-Za-z0-9_/])|[ ](?=[{_SAFE}]))*")
_PLAIN_KEY: Final = regex(rf"[A-Za-z/][{_SAFE}]{{0,200}}")
# 512Mi and 100m are strings to every reader. An E could be an exponent.
_QUANTITY: Final = regex(r"[0-9]+(?:\.[0-9]+)?(?:m|k|[KMGTP]i|[MGTP]|Ei)")
_WORDS: Final = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"))
# Raw, these would break a line of YAML, be refused, or vanish.
_UNPRINTABLE: Final = regex("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


class FlowStyle(Struct, frozen=True):
    """How a flow collection is laid out.

    `json` quotes every key and string. `colon` and `comma` are what stands between key and value and between
    two entries on one line. Where `step` is not empty, nested collections go over several lines, each level
    indented by it; `indent` is where the line stands that the text is put on, `line_end` what ends a line.
    """

    json: bool = False
    colon: str = ": "
    comma: str = ", "
    step: str = ""
    inline_lists: bool = False
    indent: str = ""
    line_end: str = "\n"


class BlockStyle(Struct, frozen=True):
    """How block collections are indented, in spaces: a mapping, and a list, under the column of its key."""

    step: int = 2
    dash: int = 0


def flow(value: object, style: FlowStyle) -> str:
    """A value as flow text; over several lines only where the style says so."""
    if isinstance(value, dict) and value:
        inner = replace(style, indent=style.indent + style.step)
        pairs = [f"{flow_key(key, style)}{style.colon}{flow(item, inner)}" for key, item in value.items()]
        return _bracketed("{", pairs, "}", style)
    if isinstance(value, list) and value:
        if style.inline_lists and not any(isinstance(item, dict | list) for item in value):
            style = replace(style, step="")
        inner = replace(style, indent=style.indent + style.step)
        return _bracketed("[", [flow(item, inner) for item in value], "]", style)
    return _scalar(value, _PLAIN_IN_FLOW, style.json)


def flow_key(key: str, style: FlowStyle) -> str:
    """The key of a flow mapping."""
    return quoted(key) if style.json else block_key(key)


def block(value: object, style: BlockStyle) -> list[str]:
    """A value as lines of block text, the first at column 0; one line for a scalar or an empty collection."""
    if isinstance(value, dict) and value:
        return [line for key, item in value.items() for line in _entry(key, item, style)]
    if isinstance(value, list) and value:
        return [line for item in value for line in _item(item, style)]
    return [_scalar(value, _PLAIN_IN_BLOCK, False)]


def block_key(key: str) -> str:
    """The key of a mapping, quoted where it needs to be."""
    return key if _PLAIN_KEY.fullmatch(key) and key.lower() not in _WORDS else quoted(key)


def quoted(text: str) -> str:
    """A string in double quotes, the same in YAML and in JSON."""
    raw = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", raw)


def brief(value: object) -> str:
    """A value on one line, for messages."""
    return flow(value, FlowStyle())


def _scalar(value: object, plain: re.Pattern[str], as_json: bool) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    if as_json or value.lstrip("-").lower() in _WORDS:
        return quoted(value)
    return value if plain.fullmatch(value) or _QUANTITY.fullmatch(value) else quoted(value)


def _bracketed(opening: str, parts: list[str], closing: str, style: FlowStyle) -> str:
    if not style.step:
        return f"{opening}{style.comma.join(parts)}{closing}"
    line = style.line_end + style.indent
    return f"{opening}{line}{style.step}{f',{line}{style.step}'.join(parts)}{line}{closing}"


def _entry(key: str, value: object, style: BlockStyle) -> list[str]:
    lines = block(value, style)
    if not isinstance(value, dict | list) or not value:
        return [f"{block_key(key)}: {lines[0]}"]
    indent = " " * (style.step if isinstance(value, dict) else style.dash)
    return [f"{block_key(key)}:", *(indent + line for line in lines)]


def _item(value: object, style: BlockStyle) -> list[str]:
    first, *rest = block(value, style)
    return [f"- {first}", *(f"  {line}" for line in rest)]
