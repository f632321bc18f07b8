"""What variables hold, as far as the compiler is to know it."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What a variable holds, as far as the compiler is to know it."""

    ANY = "any"
    TEXT = "text"
    INT = "int"
    DOUBLE = "double"
    TEXT_LISTS = "text lists"
    """A map of names to lists of text."""
    LISTS = "lists"
    """A map of names to lists of anything."""
    MAP = "map"
    """A map of names to anything."""
