"""Values of manifests as an editor shows them beside an expression: short, and without what may be a secret.

A text is shown by where the expression has it from, as a message shows it (`engine/quoting.py`); inside lists and maps,
each by the fields that it stands under.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.engine.quoting import all_sources, quoting_of
from kscan_lsp.redaction import MASK, redact, redact_argument
from kscan_lsp.redaction.vocabulary import (
    COPY,
    ENTRIES,
    OBJECT_META,
    OF_SECRETS,
    is_harmless,
    is_secret_under,
)
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kscan_lsp import cel
    from kscan_lsp.engine.quoting import Quoting
    from kscan_lsp.policy.definitions import Entries

MAX_SHOWN: Final = 300
"""Characters of one value."""
MAX_ITEMS: Final = 60
"""Entries of one list or map that are looked at."""
MAX_TEXT: Final = 80
"""Characters of a text inside a list or a map."""
_HIDDEN: Final = frozenset({"value", "data", "stringData", "binaryData"})
_ARGUMENTS: Final = frozenset({"args", "command"})
_LONGEST_ANNOTATION: Final = 100
_UNWRAPPED: Final = regex(r"\.value\(\)")
_VALUES: Final = regex(r"\b(?:value|data|stringData|binaryData)\b")


def shown(value: cel.Json, source: str, let: Entries, steps: Sequence[str], values: Mapping[str, Any]) -> str:
    """A value in one line, as JSON.

    Args:
        value: what an expression gave.
        source: the expression.
        let: the names bound around it.
        steps: the names of the fields that lead to the item judged.
        values: what the expression saw: the key of an item says what its value may be.
    """
    plain = _UNWRAPPED.sub("", source)
    bare = tuple((name, _UNWRAPPED.sub("", text)) for name, text in let)
    quoting = quoting_of(plain, bare, steps)
    hidden = bool(_VALUES.search(all_sources(plain, bare, steps)))
    made = _Showing(quoting, values, hidden=hidden).of(value, (), MAX_SHOWN)
    text = json.dumps(made, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


class _Showing:
    def __init__(self, quoting: Quoting, values: Mapping[str, Any], *, hidden: bool) -> None:
        self.quoting = quoting
        self.values = values
        self.hidden = hidden

    def of(self, value: cel.Json, names: tuple[str, ...], room: int, *, secret: bool = False) -> Any:
        """A value with its texts shortened and masked; what has no room is left out."""
        if isinstance(value, dict):
            secret = secret or (value.get("kind") == "Secret" and "metadata" in value)
            found: dict[str, Any] = {}
            for key, item in [*value.items()][:MAX_ITEMS]:
                if room <= 0:
                    found["…"] = "…"
                    break
                of_secret = secret and key not in OF_SECRETS and not (names and names[0] == "metadata")
                inside = of_secret and key != "metadata"
                name = MASK if inside and names else key
                found[name] = self.of(item, (*names, key), room, secret=secret)
                room -= len(json.dumps(found[name], default=str)) + len(key)
            return found
        if isinstance(value, list):
            items: list[Any] = []
            for item in value[:MAX_ITEMS]:
                if room <= 0:
                    items.append("…")
                    break
                items.append(self.of(item, names, room, secret=secret))
                room -= len(json.dumps(items[-1], default=str))
            return items
        if isinstance(value, bool) or value is None:
            return value
        text = self.text(str(value), names, secret=secret)
        return value if text == str(value) else text

    def text(self, text: str, names: tuple[str, ...], *, secret: bool) -> str:
        """One text, or number, by the fields that it stands under in the value."""
        if secret and names and names[0] not in OF_SECRETS:
            harmless = is_harmless(text) or (
                names[0] == "metadata" and len(names) > 1 and names[1] in OBJECT_META
            )
            return _short(text) if harmless else MASK
        if (self.hidden or not _HIDDEN.isdisjoint(names)) and not is_harmless(text):
            return MASK
        if not names:
            return _short(self.quoting(self.values, text), MAX_SHOWN)
        if "annotations" in names:
            hidden = len(text) > _LONGEST_ANNOTATION or COPY in names[-1] or self.secret_under(names, text)
            return MASK if hidden else _short(redact(text))
        if not _ARGUMENTS.isdisjoint(names):
            return _short(redact_argument(text))
        return MASK if self.secret_under(names, text) else _short(redact(text))

    def secret_under(self, names: tuple[str, ...], text: str) -> bool:
        """Whether a text is a secret for the field that it stands in."""
        return is_secret_under(names[-1].rpartition("/")[2], text, ENTRIES)


def _short(text: str, most: int = MAX_TEXT) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
