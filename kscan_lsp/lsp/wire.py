"""What an editor says of each keystroke, read from the bytes of the message in one step.

lsprotocol's classes take four steps for that, half of what a keystroke spends in the protocol. Only
`textDocument/didChange` comes often enough to be worth classes of our own.
"""

from __future__ import annotations

from typing import Final

from lsprotocol import types
from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder


class WirePosition(Struct):
    """`Position` of the protocol: a line from 0, and units of the agreed encoding in it."""

    line: int
    character: int


class WireRange(Struct):
    """`Range` of the protocol."""

    start: WirePosition
    end: WirePosition


class ContentChange(Struct):
    """`TextDocumentContentChangeEvent` of the protocol: without a range, the text is all of the document."""

    text: str
    range: WireRange | None = None


class VersionedIdentifier(Struct):
    """`VersionedTextDocumentIdentifier` of the protocol."""

    uri: str
    version: int


class DidChange(Struct, rename="camel"):
    """`DidChangeTextDocumentParams` of the protocol."""

    text_document: VersionedIdentifier
    content_changes: list[ContentChange]


class _Message(Struct):
    """As much of a message as tells how to read the rest."""

    method: str = ""
    params: Raw = Raw()
    id: Raw = Raw()
    """Of a request, which an edit is not."""


_MESSAGE: Final = Decoder(_Message)
_DID_CHANGE: Final = Decoder(DidChange)


def did_change(body: bytes) -> DidChange | None:
    """What a `textDocument/didChange` says; None for another message, and for what must be read with more patience."""
    try:
        message = _MESSAGE.decode(body)
        edits = message.method == types.TEXT_DOCUMENT_DID_CHANGE and not message.id
        return _DID_CHANGE.decode(message.params) if edits else None
    except (DecodeError, ValueError, RecursionError):
        # half a surrogate pair, which is no Unicode, or no message at all
        return None
