"""Diagnostics for a client that asks for them rather than have them pushed.

What it would have been pushed is kept, and a request answered from it, as JSON text like everything about diagnostics
(see `convert.py`). The id of a result is a hash of the diagnostics themselves: whatever they depend on, a client that
has this result has the right ones.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping


class Shown(Struct, frozen=True):
    """What a client is to show of a document: its version, None for one that is not open, and its diagnostics."""

    version: int | None
    diagnostics: str
    """The inside of a JSON array."""
    result: str
    """The id of these diagnostics."""


def shown(version: int | None, diagnostics: str) -> Shown:
    """Diagnostics with the id that they get."""
    return Shown(version, diagnostics, hashlib.blake2b(diagnostics.encode(), digest_size=12).hexdigest())


NOTHING = shown(None, "")


def document_report(found: Shown, previous: str | None) -> str:
    """The answer to `textDocument/diagnostic`, as JSON."""
    if found.result == previous:
        return f'{{"kind":"unchanged","resultId":"{found.result}"}}'
    return f'{{"kind":"full","resultId":"{found.result}","items":[{found.diagnostics}]}}'


def workspace_report(found: Mapping[str, Shown], previous: Mapping[str, str]) -> str:
    """The answer to `workspace/diagnostic`, as JSON: what is not as it was; empty where all is.

    Args:
        found: what is to be shown, by URI.
        previous: the ids of the results that the client has, by URI.
    """
    gone = {uri: NOTHING for uri, result in previous.items() if uri not in found and result != NOTHING.result}
    changed = {uri: one for uri, one in found.items() if one.result != previous.get(uri, NOTHING.result)}
    items = (
        f'{{"kind":"full","uri":{json.dumps(uri)},"version":{json.dumps(one.version)},'
        f'"resultId":"{one.result}","items":[{one.diagnostics}]}}'
        for uri, one in {**changed, **gone}.items()
    )
    text = ",".join(items)
    return f'{{"items":[{text}]}}' if text else ""
