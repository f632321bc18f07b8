"""What the models of settings and of exceptions share: lists of names, and how a mapping is read."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator


def one_or_many(value: object) -> object:
    """A value that stands for a list of one as that."""
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(one_or_many, json_schema_input_type=str | tuple[str, ...])]
"""A list of strings; one string stands for a list of one."""


def without_empty(value: object) -> object:
    """A key without a value (all its entries commented out, or about to be typed) says nothing."""
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value
