"""What the models of settings and of exceptions share: lists of names, and how a mapping is read."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator, Discriminator, Tag


def one_or_many(value: object) -> object:
    """A value that stands for a list of one as that."""
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(one_or_many, json_schema_input_type=str | tuple[str, ...])]
"""A list of strings; one string stands for a list of one."""


def input_shape(value: object) -> str:
    """Which of the values that an input may have one is meant to be."""
    if isinstance(value, dict):
        return "map"
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else "list"


InputValue = Annotated[
    Annotated[Names, Tag("list")]
    | Annotated[dict[str, Names], Tag("map")]
    | Annotated[int | float, Tag("number")],
    Discriminator(input_shape),
]
"""What an input may be given; which of these it takes, the control says that declares it."""


def without_empty(value: object) -> object:
    """A key without a value (all its entries commented out, or about to be typed) says nothing."""
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value


_OF_A_MACHINE: Final = re.compile(r"!?(?:[A-Za-z]:[\\/]|~/|file://|\\\\)")
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
