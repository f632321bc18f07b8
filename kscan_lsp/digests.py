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

_known: Final[dict[int, tuple[object, bytes]]] = {}
"""Digests of lists and maps by identity, with what they are of: an edited manifest shares most of them with the one
before (`yaml/splice.py`)."""
MAX_KNOWN: Final = 4096


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
    if not isinstance(value, dict | list):
        return written(value)
    known = _known.get(id(value))
    if known is None or known[0] is not value:
        if len(_known) >= MAX_KNOWN:
            _known.clear()
        known = _known[id(value)] = (value, written(value))
    return known[1]


def written(value: Any) -> bytes:
    """The digest of data that nobody will ask for again."""
    # version 2 is the last that does not look at identity
    text = marshal.dumps(value, 2)
    return text if len(text) < _SHORT else hashlib.blake2b(text, digest_size=_SHORT).digest()
