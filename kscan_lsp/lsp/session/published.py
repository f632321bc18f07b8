"""What a client is to show that asks for diagnostics rather than have them pushed: what it would have been pushed."""

from __future__ import annotations

import hashlib
from typing import Final

from msgspec import Struct


class PublishedDiagnostics(Struct, frozen=True):
    """The diagnostics of a document, and of which version; None for one that is not open."""

    version: int | None
    diagnostics: str
    """The inside of a JSON array."""
    result: str
    """Their id: a hash, so whatever they depend on, a client that has this result has the right ones."""


def published(version: int | None, diagnostics: str) -> PublishedDiagnostics:
    """Diagnostics with the id that they get."""
    result = hashlib.blake2b(diagnostics.encode(), digest_size=12).hexdigest()
    return PublishedDiagnostics(version, diagnostics, result)


NOTHING: Final = published(None, "")
