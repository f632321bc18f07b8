"""How inputs are written in control files, and in their tests.

The rest of such a file is `schema.py`; what inputs mean, `inputs.py`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Tag

from kscan_lsp.policy.inputs import Input, number_fits
from kscan_lsp.settings.values import input_shape, one_or_many


class Strict(BaseModel):
    """A part of a control file."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True, defer_build=True)


def _is_list(value: object) -> object:
    if not isinstance(value, list):
        raise ValueError(  # noqa: TRY004 - what pydantic takes
            "an input is a list of texts, or says what it is, as {type: number, default: 20} and "
            "{type: map, default: {name: [one, another]}} do"
        )
    return value


def _fits(value: float) -> float:
    if not number_fits(value):
        raise ValueError("must be a number within 64 bits")
    return value


InputTexts = Annotated[list[str], BeforeValidator(_is_list, json_schema_input_type=list[str])]
InputMap = dict[
    str, Annotated[list[str], BeforeValidator(one_or_many, json_schema_input_type=str | list[str])]
]
InputNumber = Annotated[int | float, AfterValidator(_fits)]
GivenInput = Annotated[
    Annotated[InputTexts, Tag("list")]
    | Annotated[InputMap, Tag("map")]
    | Annotated[InputNumber, Tag("number")],
    Discriminator(input_shape),
]


class _InputFile(Strict):
    type: Literal["list", "map", "number"]


class ListInputFile(_InputFile):
    """A list of texts."""

    default: InputTexts = []


class MapInputFile(_InputFile):
    """Names, each with a list of texts."""

    default: InputMap = {}


class NumberInputFile(_InputFile):
    """A number: a whole one, if the default is one."""

    default: InputNumber


def _declared_as(value: object) -> str:
    if not isinstance(value, dict):
        return "texts"
    return kind if (kind := value.get("type")) in ("map", "number") else "list"


DeclaredInput = Annotated[
    Annotated[InputTexts, Tag("texts")]
    | Annotated[ListInputFile, Tag("list")]
    | Annotated[MapInputFile, Tag("map")]
    | Annotated[NumberInputFile, Tag("number")],
    Discriminator(_declared_as),
]


def default_of(declared: list[str] | ListInputFile | MapInputFile | NumberInputFile) -> Input:
    """The default of an input."""
    value = declared if isinstance(declared, list) else declared.default
    if isinstance(value, dict):
        return {key: tuple(texts) for key, texts in value.items()}
    return value if isinstance(value, int | float) else tuple(value)
