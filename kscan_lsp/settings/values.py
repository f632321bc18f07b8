"""What the models of settings and of exceptions share: lists of names, and patterns of files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from kscan_lsp.regex import regex
from kscan_lsp.settings.shape import Value


def one_or_many(value: object) -> object:
    """A value that stands for a list of one as that."""
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], Value(before=one_or_many, written=str | tuple[str, ...])]
"""A list of strings; one string stands for a list of one."""


InputValue = Names | Mapping[str, Names] | int | float
"""What an input may be given; which of these it takes, the control says that declares it."""

_OF_A_MACHINE: Final = regex(r"!?(?:[A-Za-z]:[\\/]|~/|file://|\\\\)")
"""How a path begins that is one of a whole machine; others begin with a slash, as patterns may, too."""


def as_pattern(value: str) -> str:
    """A pattern of `.gitignore` that can match anything; ValueError says what is wrong with any other."""
    if value.startswith(("./", "../", "!./")):
        raise ValueError(
            f"'{value}' matches no file: write '{value.removeprefix('.')}', which begins at the folder of the settings"
            if value.startswith("./")
            else f"'{value}' matches no file: patterns begin at the folder of the settings"
        )
    if _OF_A_MACHINE.match(value):
        raise ValueError(f"'{value}' matches no file: patterns begin at the folder of the settings, with '/'")
    return value
