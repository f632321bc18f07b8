"""The report for a person at a terminal: each finding under the line it is about.

Findings are grouped by file, object and place: a container with five problems is one line of YAML and five
reasons. The third place with the same set of problems in a file is shortened, since nothing new can be said
about it. Nothing from a manifest reaches the terminal raw (`printable.py`), and everything fits 80 columns and
works without colour.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.report.lines import Screen, StyledText, plain_text, wrapped
from kscan_lsp.report.printable import printable
from kscan_lsp.report.snippet import snippet
from kscan_lsp.report.summary import STYLES, summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kscan_lsp.findings import ResourceId
    from kscan_lsp.report.file_text import FileText
    from kscan_lsp.report.lines import Line
    from kscan_lsp.report.model import FileProblem, FileRange, FixOption, Report, Reported

_PROBLEM: Final = "bold yellow"
_LABEL_WIDTH: Final = 9
_FULL_PLACES: Final = 2
"""PlaceLinks with the same problems that are written out in one file."""

_SHOWN_PLACES: Final = 20
"""PlaceLinks with the same problems that are shown at all; the lines of the others are listed."""

_LISTED_LINES: Final = 50


class _Place(Struct, frozen=True):
    """What there is to say about one range of a file."""

    range: FileRange
    resource: ResourceId | None
    entries: tuple[Reported, ...] = ()
    problems: tuple[FileProblem, ...] = ()


def render(report: Report) -> str:
    """The report as plain text of the usual width."""
    return plain_text(lines(report, Screen()))


def lines(report: Report, screen: Screen) -> Iterator[Line]:
    """The report as styled lines that fit a screen."""
    bar = "\u2502" if screen.encoding.lower().startswith("utf") else "|"
    for file, places in _files(report):
        yield [StyledText(printable(file), "bold underline")]
        yield from _Excerpts(report.texts[file], places, screen.width, bar).lines()
    yield from summary(report, screen.width)


def _files(report: Report) -> Iterable[tuple[str, list[_Place]]]:
    """Files with something to say, in the report's order, and their places in order of the text."""
    places: dict[str, list[_Place]] = {}
    for entry in report.open():
        places.setdefault(entry.file, []).append(_Place(entry.range, entry.finding.resource, (entry,)))
    for problem in report.problems:
        if problem.file in report.texts:
            places.setdefault(problem.file, []).append(_Place(problem.range, None, (), (problem,)))
    for file in (name for name in report.texts if name in places):
        merged = []
        ordered = sorted(places[file], key=lambda p: (p.range, bool(p.entries)))
        for span, group in groupby(ordered, key=lambda p: p.range):
            same = list(group)
            entries = sorted((e for p in same for e in p.entries), key=_worst_first)
            resource = entries[0].finding.resource if entries else None
            merged.append(_Place(span, resource, tuple(entries), tuple(q for p in same for q in p.problems)))
        yield file, merged


def _worst_first(entry: Reported) -> tuple[int, str]:
    return -entry.finding.severity, entry.finding.control


class _Excerpts:
    """The places of one file, each under the line it is about."""

    def __init__(self, text: FileText, places: Sequence[_Place], width: int, bar: str) -> None:
        self.text = text
        self.places = places
        number = len(str(places[-1].range.start.line)) + 2
        self.gutter = number
        self.bar = f" {bar} "
        self.margin = StyledText(f"{'':>{number}}{self.bar}", "dim")
        self.room = width - number - 3
        self.counted: Counter[tuple[str, ...]] = Counter()
        self.left_out: dict[tuple[str, ...], list[_Place]] = {}
        self.resource: ResourceId | None = None

    def lines(self) -> Iterator[Line]:
        for place in self.places:
            same = tuple(entry.finding.control for entry in place.entries)
            self.counted[same] += 1
            if same and not place.problems and self.counted[same] > _SHOWN_PLACES:
                self.left_out.setdefault(same, []).append(place)
                continue
            if place.resource and place.resource != self.resource:
                self.resource = place.resource
                yield [StyledText(f"  {_named(place.resource)}", "bold")]
            yield from self.snippet(place)
            for problem in place.problems:
                yield from self.labelled("problem", _PROBLEM, StyledText(printable(problem.message)))
            if same and self.counted[same] > _FULL_PLACES:
                yield from self.repeated("as above", place.entries)
            else:
                for control, entries in groupby(place.entries, key=lambda entry: entry.finding.control):
                    yield from self.control(control, list(entries))
            yield []
        for places in self.left_out.values():
            numbers = [str(place.range.start.line) for place in places]
            more = ", ..." if len(numbers) > _LISTED_LINES else ""
            many = f"{len(numbers)} more place{'s' if len(numbers) > 1 else ''}"
            yield from self.repeated(f"as above at {many}", places[0].entries)
            yield from self.labelled("", "", StyledText(f"lines {', '.join(numbers[:_LISTED_LINES])}{more}"))
            yield []

    def snippet(self, place: _Place) -> Iterator[Line]:
        """The line with a mark under the range."""
        number = place.range.start.line
        text, mark = snippet(self.text.line(number), place.range, self.room)
        style = STYLES[place.entries[0].finding.severity] if place.entries else _PROBLEM
        yield [StyledText(f"{number:>{self.gutter}}{self.bar}", "dim"), StyledText(text)]
        yield [self.margin, StyledText(mark, style)]

    def control(self, control: str, entries: Sequence[Reported]) -> Iterator[Line]:
        """What one control says about a place; it may find several things there."""
        severity = entries[0].finding.severity
        title = StyledText(f" {printable(entries[0].rule.title)}")
        yield from self.labelled(severity.label, STYLES[severity], StyledText(control, "bold"), title)
        for entry in entries:
            yield from self.labelled("", "", StyledText(printable(entry.finding.message)))
            for place in entry.related:
                start = place.range.start
                seen = f"see {place.file}:{start.line}:{start.column}: {place.message}"
                yield from self.labelled("", "", StyledText(printable(seen), "dim"))
            if entry.fixes:
                yield from self.labelled("", "", StyledText(printable(_hint(entry.fixes)), "green"))

    def repeated(self, label: str, entries: Sequence[Reported]) -> Iterator[Line]:
        """Problems that have been explained above."""
        worst = entries[0].finding.severity
        ids = " ".join(entry.finding.control for entry in entries)
        yield from self.labelled(worst.label, STYLES[worst], StyledText(f"{label}: {ids}"))

    def labelled(self, label: str, style: str, *text: StyledText) -> Iterator[Line]:
        """Text behind a label, wrapped at the screen's width."""
        for line in wrapped(text, max(self.room - _LABEL_WIDTH, 20)):
            yield [self.margin, StyledText(f"{label:<{_LABEL_WIDTH}}", style), *line]
            label = ""


def _named(resource: ResourceId) -> str:
    name = f"{resource.kind}/{resource.shown_name}"
    return printable(f"{name} in {resource.namespace}" if resource.namespace else name)


def _hint(options: Sequence[FixOption]) -> str:
    first = options[0].title
    if len(options) > 1:
        others = "another value" if len(options) == 2 else f"one of {len(options) - 1} other values"
        return f"fix: {first}, or {others}"
    return f"fix: {first} \u00b7 kscan fix" if options[0].safe else f"fix: {first}"
