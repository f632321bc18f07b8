"""How inputs are written in control files, and in their tests.

The rest of such a file is `schema.py`; what inputs mean, `inputs.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from kscan_lsp.policy.inputs import Input, number_fits
from kscan_lsp.settings.shape import Model, Value
from kscan_lsp.settings.values import Names


def _is_list(value: object) -> object:
    if not isinstance(value, list):
        raise ValueError(  # noqa: TRY004 - what models take
            "an input is a list of texts, or says what it is, as {type: number, default: 20} and "
            "{type: map, default: {name: [one, another]}} do"
        )
    return value


def _is_value(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, list | dict | int | float | None):
        raise ValueError(  # noqa: TRY004 - what models take
            "the 'default' is a list of texts, a map of names to such lists, or a number, as 'type' says"
        )
    return value


def _fits(value: float) -> float:
    if not number_fits(value):
        raise ValueError("must be a number within 64 bits")
    return value


InputTexts = Annotated[tuple[str, ...], Value(before=_is_list)]
GivenInput = (
    InputTexts
    | Mapping[str, Names]
    | Annotated[int, Value(after=_fits)]
    | Annotated[float, Value(after=_fits)]
)


class InputFile(Model):
    """An input that says what it is: a list of texts, a map of names to lists of texts, or a number."""

    type: Annotated[Literal["list", "map", "number"], Value(description="What it is.")]
    default: Annotated[
        GivenInput | None,
        Value(
            description="Its value where settings give none. A number is a whole one, if this is one.",
            before=_is_value,
        ),
    ] = None

    def agree(self) -> None:
        """A default is of the type that it is said to be."""
        value = self.default
        if self.type == "number" and not isinstance(value, int | float):
            raise ValueError("a number has a 'default', which is a number")
        if self.type == "map" and value is not None and not isinstance(value, Mapping):
            raise ValueError("the 'default' of a map is a map, such as {name: [one, another]}")
        if self.type == "list" and value is not None and not isinstance(value, tuple):
            raise ValueError("the 'default' of a list is a list of texts")


DeclaredInput = InputTexts | InputFile


def default_of(declared: tuple[str, ...] | InputFile) -> Input:
    """The default of an input."""
    if isinstance(declared, tuple):
        return declared
    if declared.default is None:
        return {} if declared.type == "map" else ()
    return declared.default
