"""Exceptions as people write them: `.kscan/exceptions.yaml`, and what settings ask of them.

An entry says which findings may stay, why, for whom and until when. All its conditions must hold, of each any of its
values. A condition that is there and empty would say nothing and so let everything through: it is refused, unlike an
empty key of the settings. One wrong key costs the whole entry, since what is wrong may be what was to narrow it.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Annotated, Final

from msgspec.structs import replace
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from kscan_lsp.findings import Problem
from kscan_lsp.settings.sections import Frozen
from kscan_lsp.settings.validation import validate
from kscan_lsp.settings.values import Names, as_pattern, one_or_many
from kscan_lsp.yaml.data import nearest
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.paths import Path
    from kscan_lsp.yaml.document import Document

FOLDER: Final = ".kscan"
"""A folder beside the settings for what belongs to them."""
FILE_NAME: Final = "exceptions.yaml"
"""What the file with exceptions of a folder is called, in FOLDER."""
MAX_ENTRIES: Final = 10_000
"""Entries of a file that are read."""
_MAX_VALUES: Final = 200
_MAX_LENGTH: Final = 500

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")

_Value = Annotated[str, Field(min_length=1, max_length=_MAX_LENGTH)]
Some = Annotated[
    tuple[_Value, ...],
    BeforeValidator(one_or_many, json_schema_input_type=str | tuple[str, ...]),
    Field(min_length=1, max_length=_MAX_VALUES),
]
"""A condition: any of these."""
Patterns = Annotated[
    tuple[Annotated[_Value, AfterValidator(as_pattern)], ...],
    BeforeValidator(one_or_many, json_schema_input_type=str | tuple[str, ...]),
    Field(min_length=1, max_length=_MAX_VALUES),
]


def _day(value: str) -> str:
    if _DAY.fullmatch(value):
        try:
            date.fromisoformat(value)
        except ValueError:
            pass
        else:
            return value
    raise ValueError("must be a day, such as 2027-01-31")


class ExceptionEntry(BaseModel):
    """One exception: findings that may stay."""

    # most folders have no such file
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    controls: Annotated[
        Some, Field(description="Ids or titles of controls; * and ? stand for anything, as in KS-*.")
    ] = ()
    frameworks: Annotated[Some, Field(description="Frameworks of which one has the control.")] = ()
    paths: Annotated[
        Patterns, Field(description="Files, as patterns of .gitignore that begin at the folder above .kscan.")
    ] = ()
    namespaces: Annotated[Some, Field(description="Namespaces that objects name; * and ? as above.")] = ()
    kinds: Annotated[Some, Field(description="Kinds of objects, such as Deployment; * and ? as above.")] = ()
    names: Annotated[Some, Field(description="Names of objects; * and ? as above.")] = ()
    labels: Annotated[
        dict[str, Some],
        Field(
            min_length=1, description="Labels of objects, each with a value or several; all have to be there."
        ),
    ] = {}
    reason: Annotated[str, Field(max_length=5_000, description="Why it may stay.")] = ""
    owner: Annotated[str, Field(max_length=_MAX_LENGTH, description="Who looks after it.")] = ""
    ticket: Annotated[str, Field(max_length=_MAX_LENGTH, description="Where it is discussed.")] = ""
    approved_by: Annotated[
        str, Field(alias="approvedBy", max_length=_MAX_LENGTH, description="Who agreed to it.")
    ] = ""
    until: Annotated[
        str,
        AfterValidator(_day),
        Field(description="The last day on which it counts, such as 2027-01-31."),
    ] = ""


class ExceptionsFile(BaseModel):
    """A file with exceptions."""

    # most folders have no such file
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    exceptions: Annotated[tuple[ExceptionEntry, ...], Field(description="Findings that may stay.")] = ()


def _or_files(value: object) -> object:
    return {"files": value} if isinstance(value, str | list) else value


class ExceptionSettings(Frozen):
    """What settings say of exceptions."""

    files: Annotated[
        Names,
        Field(description="Further files with exceptions, or with Kubescape's posture exceptions (JSON)."),
    ] = ()
    require_reason: Annotated[
        bool, Field(alias="requireReason", description="Whether an exception counts only with a reason.")
    ] = False
    max_days: Annotated[
        int | None,
        Field(
            alias="maxDays",
            ge=1,
            le=36_500,
            strict=True,
            description="How many days from today an exception may hold; without a day it does not count then.",
        ),
    ] = None


ExceptionChoice = Annotated[
    ExceptionSettings, BeforeValidator(_or_files, json_schema_input_type=str | list[str] | ExceptionSettings)
]
"""The same, or just the files."""


def read_entries(document: Document) -> tuple[dict[int, ExceptionEntry], tuple[Problem, ...]]:
    """The entries of a file by their numbers, without those with anything wrong in them, and what is wrong.

    Args:
        document: the file, which has a mapping at its top.
    """
    problems: tuple[Problem, ...] = ()
    written = document.data.get("exceptions") if isinstance(document.data, dict) else None
    if isinstance(written, list) and len(written) > MAX_ENTRIES:
        span = span_at(document, ("exceptions", MAX_ENTRIES))
        message = f"more than {MAX_ENTRIES:,} exceptions are not read: from here on none counts"
        problems = (Problem(span, message, "setting"),)
        written = written[:MAX_ENTRIES]
        document = replace(document, data={**document.data, "exceptions": written})
    read, wrong = validate(ExceptionsFile, document, "setting")
    if read is not None:
        return _sure(dict(enumerate(read.exceptions)), document), (*problems, *wrong)
    if not document.complete or any(problem.fatal for problem in wrong) or not isinstance(written, list):
        return {}, (*problems, *wrong)
    entries = {}
    for number, value in enumerate(written):
        try:
            entries[number] = ExceptionEntry.model_validate(value)
        except ValidationError:
            continue  # said above, at its place
    return _sure(entries, document), (*problems, *wrong)


def _sure(entries: dict[int, ExceptionEntry], document: Document) -> dict[int, ExceptionEntry]:
    sure = undoubted(entries, document, ("exceptions",))
    return {number: entry for number, entry in entries.items() if number in sure}


def undoubted(numbers: Iterable[int], document: Document, where: Path) -> frozenset[int]:
    """Of the entries of a list those that no problem of the text lies in, such as a key that is there twice.

    Args:
        numbers: of the entries.
        document: the file.
        where: the path of the list.
    """
    if not document.problems or document.root is None:
        return frozenset(numbers)
    places = [problem.span.start for problem in document.problems]
    spans = {number: nearest(document.root, (*where, number)).node for number in numbers}
    return frozenset(
        number
        for number, node in spans.items()
        if not any(node.start <= place < node.end for place in places)
    )
