"""What tells values from others without keeping them: a digest that is equal only where they are.

Answers are remembered by the digests of what they rest on, so no value of a manifest, which may be a secret, is kept
with them. Unlike a comparison, a digest tells 1 from true.
"""

from __future__ import annotations

import marshal
from hashlib import blake2b
from typing import Any, Final, TypeAlias

from msgspec.msgpack import Encoder

Digest: TypeAlias = "bytes | tuple[Digest, ...]"
"""Of one value, or of several."""

_COLLECTIONS: Final = (dict, list)
_NO_FIELD: Final = b""
"""Of a field that is not there, which most of those asked for are not."""
_NO_MAP: Final = b"!"
"""Before the digest of what a field was looked for in and has none. It is a whole value, so nothing else begins so."""
_NO_DATA: Final = b"\xc1"
"""Before what is written by `marshal`: no value of MessagePack begins so."""
_SHORT: Final = 12
"""Bytes from which a value is not its own digest."""
_SIZE: Final = 16
"""Bytes of a digest."""

_OUT_OF_DATA: Final = (OverflowError, TypeError, ValueError)
"""What is raised for values that MessagePack has not."""
_encoded: Final = Encoder().encode
"""Numbers, texts and truth values differ in it, as they do in CEL; it takes a quarter of what `marshal` does."""

MAX_DIGESTS: Final = 4096
MAX_DIGESTED: Final = 2_500_000
"""How many digests are remembered by identity, and of how many bytes: what they are of is kept for as long. It takes
some fifteen times the memory, but parts are counted again in what they are parts of."""


class Digests:
    """Digests of lists and maps by identity, with what they are of.

    An edited manifest shares most of them with the one before (`yaml/splice.py`).
    """

    __slots__ = ("_known", "digested")

    def __init__(self) -> None:
        self._known: dict[int, tuple[object, bytes]] = {}
        self.digested = 0
        """Bytes of what is remembered."""

    def __len__(self) -> int:
        return len(self._known)

    def of(self, value: Any, field: str | None = None) -> bytes:
        """The digest of plain data that nobody changes any more, or of one field of it.

        A variable without the field differs from one without a value, and both from one that has no fields.
        """
        if field is not None:
            if not isinstance(value, dict):
                return _NO_MAP + self.of(value)
            if field not in value:
                return _NO_FIELD
            value = value[field]
        # a tuple: to make a union of both at each call would take longer than the rest, as to call `digest_of` would
        if not isinstance(value, _COLLECTIONS):
            try:
                text = _encoded(value)
            except _OUT_OF_DATA:
                return digest_of(value)
            return text if len(text) < _SHORT else blake2b(text, digest_size=_SIZE).digest()
        known = self._known.get(id(value))
        if known is None or known[0] is not value:
            text = _serialized(value)
            self.digested += len(text)
            if len(self._known) >= MAX_DIGESTS or self.digested > MAX_DIGESTED:
                self._known.clear()
                self.digested = len(text)
            known = self._known[id(value)] = (value, _short(text))
        return known[1]


def digest_of(value: Any) -> bytes:
    """The digest of plain data that nobody will ask for again."""
    return _short(_serialized(value))


def _serialized(value: Any) -> bytes:
    """Bytes that no other plain data has."""
    try:
        return _encoded(value)
    except _OUT_OF_DATA:
        # half a surrogate pair in a name, or a number too large; version 2 is the last that does not look at identity
        return _NO_DATA + marshal.dumps(value, 2)


def _short(text: bytes) -> bytes:
    return text if len(text) < _SHORT else blake2b(text, digest_size=_SIZE).digest()
