"""Exceptions as people write them: `.kscan/exceptions.yaml`, and what settings ask of them.

An entry says which findings may stay, why, for whom and until when. All its conditions must hold, of each any of its
values. A condition that is there and empty would say nothing and so let everything through: it is refused, unlike an
empty key of the settings. One wrong key costs the whole entry, since what is wrong may be what was to narrow it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Annotated, Final

from kscan_lsp.findings import Problem
from kscan_lsp.regex import regex
from kscan_lsp.settings.sections import SettingsPart
from kscan_lsp.settings.shape import EMPTY, Model, Value, fitting
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

_DAY: Final = regex(r"\d{4}-\d{2}-\d{2}")

_Text = Annotated[str, Value(shortest=1, longest=_MAX_LENGTH)]
Some = Annotated[
    tuple[_Text, ...],
    Value(before=one_or_many, written=str | tuple[str, ...], shortest=1, longest=_MAX_VALUES),
]
"""A condition: any of these."""
Patterns = Annotated[
    tuple[Annotated[_Text, Value(after=as_pattern)], ...],
    Value(before=one_or_many, written=str | tuple[str, ...], shortest=1, longest=_MAX_VALUES),
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


class ExceptionEntry(Model):
    """One exception: findings that may stay."""

    controls: Annotated[
        Some, Value(description="Ids or titles of controls; * and ? stand for anything, as in KS-*.")
    ] = ()
    frameworks: Annotated[Some, Value(description="Frameworks of which one has the control.")] = ()
    paths: Annotated[
        Patterns, Value(description="Files, as patterns of .gitignore that begin at the folder above .kscan.")
    ] = ()
    namespaces: Annotated[Some, Value(description="Namespaces that objects name; * and ? as above.")] = ()
    kinds: Annotated[Some, Value(description="Kinds of objects, such as Deployment; * and ? as above.")] = ()
    names: Annotated[Some, Value(description="Names of objects; * and ? as above.")] = ()
    labels: Annotated[
        Mapping[str, Some],
        Value(
            shortest=1, description="Labels of objects, each with a value or several; all have to be there."
        ),
    ] = EMPTY
    reason: Annotated[str, Value(longest=5_000, description="Why it may stay.")] = ""
    owner: Annotated[str, Value(longest=_MAX_LENGTH, description="Who looks after it.")] = ""
    ticket: Annotated[str, Value(longest=_MAX_LENGTH, description="Where it is discussed.")] = ""
    approved_by: Annotated[str, Value(longest=_MAX_LENGTH, description="Who agreed to it.")] = ""
    until: Annotated[
        str,
        Value(after=_day, description="The last day on which it counts, such as 2027-01-31."),
    ] = ""


class ExceptionsFile(Model):
    """A file with exceptions."""

    exceptions: Annotated[tuple[ExceptionEntry, ...], Value(description="Findings that may stay.")] = ()


def _or_files(value: object) -> object:
    return {"files": value} if isinstance(value, str | list) else value


class ExceptionSettings(SettingsPart):
    """What settings say of exceptions."""

    files: Annotated[
        Names,
        Value(description="Further files with exceptions, or with Kubescape's posture exceptions (JSON)."),
    ] = ()
    require_reason: Annotated[bool, Value(description="Whether an exception counts only with a reason.")] = (
        False
    )
    max_days: Annotated[
        Annotated[int, Value(least=1, most=36_500)] | None,
        Value(
            description="How many days from today an exception may hold; without a day it does not count then.",
        ),
    ] = None


ExceptionChoice = Annotated[
    ExceptionSettings,
    Value(before=_or_files, written=str | tuple[str, ...] | ExceptionSettings),
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
        document = document.with_data({**document.data, "exceptions": written})
    read, wrong = validate(ExceptionsFile, document, "setting")
    if read is not None:
        return _sure(dict(enumerate(read.exceptions)), document), (*problems, *wrong)
    if not document.complete or any(problem.fatal for problem in wrong) or not isinstance(written, list):
        return {}, (*problems, *wrong)
    entries = {}
    for number, value in enumerate(written):
        entry, _ = fitting(ExceptionEntry, value)  # what is wrong is said above, at its place
        if entry is not None:
            entries[number] = entry
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
