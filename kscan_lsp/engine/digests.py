"""What tells values from others without keeping them: a digest that is equal only where they are.

Answers are remembered by the digests of what they rest on, so no value of a manifest, which may be a secret, is kept
with them. Unlike a comparison, a digest tells 1 from true.
"""

from __future__ import annotations

import hashlib
import marshal
from typing import Any, Final, TypeAlias

Digest: TypeAlias = bytes | tuple[bytes, ...]
"""Of one value, or of several."""

_NO_FIELD: Final = b"-"
"""Of a field that is not there, which most of those asked for are not."""
_SHORT: Final = 16
"""Bytes of a digest, and those from which a value is not its own digest."""

MAX_KNOWN: Final = 4096
MAX_WRITTEN: Final = 4_000_000
"""How many digests are remembered by identity, and of how many bytes: what they are of is kept for as long. It takes
some ten times the memory, but parts are counted again in what they are parts of."""


class _Known:
    """Digests of lists and maps by identity, with what they are of.

    An edited manifest shares most of them with the one before (`yaml/splice.py`).
    """

    def __init__(self) -> None:
        self.found: dict[int, tuple[object, bytes]] = {}
        self.written = 0

    def digest(self, value: Any) -> bytes:
        known = self.found.get(id(value))
        if known is None or known[0] is not value:
            text = _text(value)
            self.written += len(text)
            if len(self.found) >= MAX_KNOWN or self.written > MAX_WRITTEN:
                self.found.clear()
                self.written = len(text)
            known = self.found[id(value)] = (value, _short(text))
        return known[1]


known: Final = _Known()


def digest_of(value: Any, part: str | None = None) -> bytes:
    """The digest of plain data that nobody changes any more, or of one field of it.

    A variable without the field differs from one without a value, and both from one that has no fields.
    """
    if part is not None:
        if not isinstance(value, dict):
            return b"!" + digest_of(value)
        if part not in value:
            return _NO_FIELD
        value = value[part]
    return known.digest(value) if isinstance(value, dict | list) else written(value)


def written(value: Any) -> bytes:
    """The digest of data that nobody will ask for again."""
    return _short(_text(value))


def _text(value: Any) -> bytes:
    # version 2 is the last that does not look at identity
    return marshal.dumps(value, 2)


def _short(text: bytes) -> bytes:
    return text if len(text) < _SHORT else hashlib.blake2b(text, digest_size=_SHORT).digest()
