"""What the expressions of controls may name and call, in words: for completion, and for `docs/cel.md`."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Final

from msgspec import Struct, convert

from kscan_lsp.yaml.document import read_document

_DATA: Final = "cel_reference.yaml"


class Line(Struct, frozen=True):
    """One name or function: how it is written, what it gives, and an example that is true of the object, if any."""

    written: str
    gives: str
    example: str


class Section(Struct, frozen=True):
    """What belongs together."""

    title: str
    lines: tuple[Line, ...]


class CelReference(Struct, frozen=True):
    """All there is, and the object that the examples are about."""

    object: str
    sections: tuple[Section, ...]


@cache
def reference() -> CelReference:
    """All of it; the first section has the variables."""
    text = resources.files(__package__).joinpath(_DATA).read_text(encoding="utf-8")
    return convert(read_document(text).data, CelReference)
