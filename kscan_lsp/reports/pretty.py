"""The report for a person at a terminal: each finding under the line it is about.

Findings are grouped by file, object and place: a container with five problems is one line of YAML and five
reasons. The third place with the same set of problems in a file is shortened, since nothing new can be said
about it. Nothing from a manifest reaches the terminal raw (`plain.py`), and everything fits 80 columns and
works without colour.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple, TextIO

from rich.console import Console
from rich.text import Text

from kscan_lsp.reports.plain import printable
from kscan_lsp.reports.snippet import snippet
from kscan_lsp.reports.summary import STYLES, show_summary
from kscan_lsp.text import LineIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kscan_lsp.findings import ResourceId
    from kscan_lsp.report import FileProblem, FixOption, Gate, Range, Report, Reported

_PROBLEM: Final = "bold yellow"
_LABEL_WIDTH: Final = 9
_MAY_HOLD_SECRET: Final = re.compile(
    r"(?i)(?:passw|pwd|secret|token|credential|key|value)[\w.-]*[\"']?\s*[:=]"
)
"""A line with a problem has no control to say whether it holds a secret."""

_FULL_PLACES: Final = 2
"""Places with the same problems that are written out in one file."""

_SHOWN_PLACES: Final = 20
"""Places with the same problems that are shown at all; the lines of the others are listed."""

_LISTED_LINES: Final = 50


class _Place(NamedTuple):
    """What there is to say about one range of a file."""

    range: Range
    resource: ResourceId | None
    entries: tuple[Reported, ...] = ()
    problems: tuple[FileProblem, ...] = ()


def show(report: Report, texts: Mapping[str, str], gate: Gate, asked: Sequence[str], stream: TextIO) -> None:
    """Write a report.

    Args:
        report: what to write.
        texts: the text of every file in it, by the file's name in the report.
        gate: what makes the scan fail.
        asked: the paths that the user named, for the commands that are proposed.
        stream: where to; colours only where it is a terminal and NO_COLOR is not set.
    """
    _write(report, texts, gate, asked, _console(stream))


def render(
    report: Report, texts: Mapping[str, str], gate: Gate, asked: Sequence[str], width: int = 80
) -> str:
    """The report as text without colours."""
    stream = io.StringIO()
    _write(report, texts, gate, asked, _console(stream, width))
    return stream.getvalue()


def _console(stream: TextIO, width: int | None = None) -> Console:
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def _write(
    report: Report, texts: Mapping[str, str], gate: Gate, asked: Sequence[str], console: Console
) -> None:
    for file, places in _files(report, texts):
        console.print(
            Text(printable(file), style="bold underline"), no_wrap=True, overflow="ignore", crop=False
        )
        _File(console, texts[file], places).write()
    show_summary(console, report, gate, asked)


def _files(report: Report, texts: Mapping[str, str]) -> Iterable[tuple[str, list[_Place]]]:
    """Files with something to say, in the report's order, and their places in order of the text."""
    places: dict[str, list[_Place]] = {}
    for entry in report.open():
        places.setdefault(entry.file, []).append(_Place(entry.range, entry.finding.resource, (entry,)))
    for problem in report.problems:
        if problem.file in texts:
            places.setdefault(problem.file, []).append(_Place(problem.range, None, (), (problem,)))
    for file in (name for name in texts if name in places):
        merged = []
        ordered = sorted(places[file], key=lambda p: (p.range, bool(p.entries)))
        for span, group in groupby(ordered, key=lambda p: p.range):
            here = list(group)
            entries = sorted((e for p in here for e in p.entries), key=_worst_first)
            resource = entries[0].finding.resource if entries else None
            merged.append(_Place(span, resource, tuple(entries), tuple(q for p in here for q in p.problems)))
        yield file, merged


def _worst_first(entry: Reported) -> tuple[int, str]:
    return -entry.finding.severity, entry.finding.control


class _File:
    """Writes the places of one file."""

    def __init__(self, console: Console, text: str, places: Sequence[_Place]) -> None:
        self.console = console
        self.lines = LineIndex(text)
        self.places = places
        self.gutter = len(str(places[-1].range.start.line)) + 2
        self.bar = "\u2502" if console.encoding.lower().startswith("utf") else "|"
        self.shown: Counter[tuple[str, ...]] = Counter()
        self.unshown: dict[tuple[str, ...], list[_Place]] = {}
        self.resource: ResourceId | None = None

    def write(self) -> None:
        for place in self.places:
            same = tuple(entry.finding.control for entry in place.entries)
            self.shown[same] += 1
            if same and not place.problems and self.shown[same] > _SHOWN_PLACES:
                self.unshown.setdefault(same, []).append(place)
                continue
            if place.resource and place.resource != self.resource:
                self.resource = place.resource
                self.line(Text(f"  {_named(place.resource)}", style="bold"))
            self.snippet(place)
            for problem in place.problems:
                self.labelled("problem", _PROBLEM, Text(printable(problem.message)))
            if same and self.shown[same] > _FULL_PLACES:
                self.again("as above", place.entries)
            else:
                for control, entries in groupby(place.entries, key=lambda entry: entry.finding.control):
                    self.control(control, list(entries))
            self.line(Text())
        for places in self.unshown.values():
            numbers = [str(place.range.start.line) for place in places]
            more = ", ..." if len(numbers) > _LISTED_LINES else ""
            many = f"{len(numbers)} more place{'s' if len(numbers) > 1 else ''}"
            self.again(f"as above at {many}", places[0].entries)
            self.labelled("", "", Text(f"lines {', '.join(numbers[:_LISTED_LINES])}{more}"))
            self.line(Text())

    def snippet(self, place: _Place) -> None:
        """The line with a mark under the range."""
        number = place.range.start.line
        hidden = any(entry.sensitive for entry in place.entries) or bool(
            place.problems and _MAY_HOLD_SECRET.search(self.lines.text, *self.line_span(number))
        )
        text, mark = snippet(self.lines, place.range, self.console.width - self.gutter - 3, hidden=hidden)
        style = STYLES[place.entries[0].finding.severity] if place.entries else _PROBLEM
        self.line(Text.assemble((f"{number:>{self.gutter}} {self.bar} ", "dim"), text))
        self.line(self.margin().append(mark, style=style))

    def control(self, control: str, entries: Sequence[Reported]) -> None:
        """What one control says about a place; it may find several things there."""
        severity = entries[0].finding.severity
        title = Text.assemble((control, "bold"), " ", printable(entries[0].title))
        self.labelled(severity.label, STYLES[severity], title)
        for entry in entries:
            self.labelled("", "", Text(printable(entry.finding.message)))
            for place in entry.related:
                start = place.range.start
                where = f"{place.file}:{start.line}:{start.column}"
                self.labelled("", "", Text(printable(f"see {where}: {place.message}"), style="dim"))
            if entry.fixes:
                self.labelled("", "", Text(printable(_hint(entry.fixes)), style="green"))

    def again(self, said: str, entries: Sequence[Reported]) -> None:
        """Problems that have been explained above."""
        worst = entries[0].finding.severity
        ids = " ".join(entry.finding.control for entry in entries)
        self.labelled(worst.label, STYLES[worst], Text(f"{said}: {ids}"))

    def labelled(self, label: str, style: str, text: Text) -> None:
        """Text behind a label, wrapped at the screen's width."""
        width = max(self.console.width - self.gutter - 3 - _LABEL_WIDTH, 20)
        for number, line in enumerate(text.wrap(self.console, width)):
            shown = label if number == 0 else ""
            self.line(self.margin().append(f"{shown:<{_LABEL_WIDTH}}", style=style).append_text(line))

    def line_span(self, number: int) -> tuple[int, int]:
        """Where a line, counted from 1, starts and ends."""
        return self.lines.starts[number - 1], self.lines.content_end(number - 1)

    def margin(self) -> Text:
        return Text.assemble((f"{'':>{self.gutter}} {self.bar} ", "dim"))

    def line(self, text: Text) -> None:
        text.rstrip()
        self.console.print(text, no_wrap=True, overflow="ignore", crop=False)


def _named(resource: ResourceId) -> str:
    name = f"{resource.kind}/{resource.name}" if resource.name else resource.kind
    return printable(f"{name} in {resource.namespace}" if resource.namespace else name)


def _hint(options: Sequence[FixOption]) -> str:
    first = options[0].title
    if len(options) > 1:
        others = "another value" if len(options) == 2 else f"one of {len(options) - 1} other values"
        return f"fix: {first}, or {others}"
    return f"fix: {first} \u00b7 kscan fix" if options[0].safe else f"fix: {first}"
