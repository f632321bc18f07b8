"""The report as a comment on a pull request: whether it passes and why not, what became different, what there is.

A comment holds 65,536 characters, and whoever posts it may add some. So there is a budget: verdict, counts, scores and
what was not scanned come first, then files, the worst first, as long as there is room; a line says what is left out.

What a manifest says is text and nothing else here: it names nobody, refers to no issue, and loads nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Final

from kscan_lsp.findings import Severity
from kscan_lsp.report.drift_text import brief_drift, percent
from kscan_lsp.report.exchange import named, one_line, shortened, worst_first
from kscan_lsp.report.gates import exit_status, gate_failures
from kscan_lsp.report.printable import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kscan_lsp.report.model import Drift, GoneFinding, KnownFinding, Report, Reported

MAX_LENGTH: Final = 65_000
"""Characters of the whole comment."""
_MAX_ROWS: Final = 50
"""Findings listed of one file, and of what was accepted."""
_MAX_LISTED: Final = 20
"""Places and problems listed."""
_MAX_LENGTH_OF_COUNTS: Final = 1_000
_MAX_CELL: Final = 300
"""Characters of a message or reason."""
_MARK: Final = "<!-- kscan -->"
"""By which a pipeline finds the comment again, to replace it."""

_SPECIAL: Final = re.compile(r"([\\`*_\[\]|~$])")
_BEGINS_BLOCK: Final = re.compile(r"^(?:\d+(?=[.)])|(?=[#+=-]))")
"""What would begin a heading, a quote or a list."""
_LINKED: Final = re.compile(
    r"(?<=@)(?=\w)|(?<=#)(?=\d)|(?<=\bGH-)(?=\d)|(?<=:)(?=//)|(?<=\bww)(?=w\b)", re.IGNORECASE
)
"""Where forges find somebody's name, the number of an issue, or an address."""
_NOTHING: Final = "<!-- -->"
"""Stands between two characters, and nobody sees it."""
_VERDICTS: Final = {
    0: "passed",
    1: "failed",
    2: "failed: settings or a policy are wrong",
    3: "failed: not everything was scanned",
}


def render(report: Report) -> str:
    """The comment."""
    lines = [*_head(report)]
    tail = [*_accepted(report)]
    room = MAX_LENGTH - sum(len(line) + 1 for line in (*lines, *tail)) - 200
    return "\n".join([*lines, *_files(report, room), *tail]) + "\n"


def plain(text: str, most: int = _MAX_CELL) -> str:
    """Text as nothing but text, on one line of Markdown; shortened first, so that no escape is cut."""
    escaped = _SPECIAL.sub(r"\\\1", _quoted(shortened(one_line(text), most)))
    return _LINKED.sub(_NOTHING, _BEGINS_BLOCK.sub(r"\g<0>\\", escaped))


def _html(text: str) -> str:
    """The same inside of a block of HTML, where nothing is read as Markdown."""
    return _LINKED.sub(_NOTHING, _quoted(one_line(text)))


def _quoted(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _head(report: Report) -> Iterator[str]:
    yield _MARK
    yield f"## kscan: {_VERDICTS[exit_status(report)]}"
    yield ""
    for failure in gate_failures(report):
        yield f"- {plain(failure.why)}; {plain(failure.advice)}"
    yield ""
    yield _counts(report)
    yield ""
    if report.not_scanned:
        yield f"**Not scanned, or not fully: {counted(len(report.not_scanned), 'place')}**"
        yield ""
        places = [f"{plain(one.file)}:{one.line}: {plain(one.reason)}" for one in report.not_scanned]
        yield from _listed(places)
    if report.problems:
        yield f"**Problems in files: {len(report.problems)}**"
        yield ""
        yield from _listed([
            f"{plain(one.file)}:{one.range.start.line}: {plain(one.message)}" for one in report.problems
        ])  # fmt: skip
    for drift in report.drift:
        yield from _drift(drift)
    yield from _scores(report)


def _counts(report: Report) -> str:
    found = [f"**{count}** {severity.label}" for severity, count in report.by_severity().items() if count]
    statuses = Counter(entry.finding.status for entry in report.findings)
    found += [f"{statuses[one]} {one}" for one in ("accepted", "baseline") if statuses[one]]
    scanned = f"{counted(report.files, 'file')} and {counted(report.resources, 'object')} scanned"
    return f"{scanned}, found {', '.join(found) or 'nothing'}."


def _listed(items: Sequence[str]) -> Iterator[str]:
    yield from (f"- {item}" for item in items[:_MAX_LISTED])
    if len(items) > _MAX_LISTED:
        yield f"- and {len(items) - _MAX_LISTED} more"
    yield ""


def _drift(drift: Drift) -> Iterator[str]:
    """What became different since a baseline; what is new is listed with its file, as all that is open."""
    yield f"**Since {plain(drift.date or drift.name)}:** {plain(brief_drift(drift), _MAX_LENGTH_OF_COUNTS)}"
    yield ""
    gone = (("fixed", drift.fixed), ("left out", drift.excluded), ("not judged this time", drift.unjudged))
    for what, entries in gone:
        yield from _fold(what, "| file | severity | control | what |", map(_gone_row, entries), len(entries))
    known = (
        ("moved to another file", drift.moved),
        ("of another severity", drift.severity),
        ("accepted since", drift.suppressed),
    )
    for what, found in known:
        yield from _fold(what, "| place | severity | control | before |", map(_known_row, found), len(found))


def _fold(what: str, head: str, rows: Iterable[str], number: int) -> Iterator[str]:
    if not number:
        return
    yield f"<details><summary>{number} {what}</summary>"
    yield ""
    yield head
    yield "| --- | --- | --- | --- |"
    yield from islice(rows, _MAX_LISTED)
    if number > _MAX_LISTED:
        yield ""
        yield f"and {number - _MAX_LISTED} more"
    yield ""
    yield "</details>"
    yield ""


def _gone_row(gone: GoneFinding) -> str:
    entry = gone.entry
    times = f" ({entry.count} times)" if entry.count > 1 else ""
    why = f": {gone.why}" if gone.why else ""
    what = plain(f"{entry.object} {entry.path}{times}{why}")
    return f"| {plain(gone.file)} | {plain(entry.severity)} | {plain(entry.control)} | {what} |"


def _known_row(known: KnownFinding) -> str:
    entry, found = known.entry, known.reported
    place = f"{plain(found.file)}:{found.range.start.line}"
    before = plain(f"{entry.severity}, in {entry.file}")
    return f"| {place} | {found.finding.severity.label} | {plain(entry.control)} | {before} |"


def _scores(report: Report) -> Iterator[str]:
    """Compliance; with what it was, where it is compared with a baseline."""
    if not report.frameworks:
        return
    before = {one.framework: one.before for drift in report.drift for one in drift.scores}
    yield "| framework | compliance | with accepted risks | controls |"
    yield "| --- | ---: | ---: | ---: |"
    for one in report.frameworks:
        scores = (f"{one.score:.1f}%", f"{one.score_accepted:.1f}%") if one.judged else ("no score", "")
        was = f" (was {percent(before[one.id])})" if one.id in before else ""
        yield f"| {plain(one.title)} | {scores[0]}{was} | {scores[1]} | {one.run} of {one.total} |"
    yield ""


def _files(report: Report, room: int) -> Iterator[str]:
    """Files with findings that count, each to be unfolded, as long as there is room."""
    by_file: dict[str, list[Reported]] = {}
    for entry in worst_first(report.open()):
        by_file.setdefault(entry.file, []).append(entry)
    left: Counter[str] = Counter()
    for file, entries in sorted(by_file.items(), key=_worst_file):
        lines = [*_file(file, entries)]
        size = sum(len(line) + 1 for line in lines)
        if size > room or left:  # the first that does not fit is the last: what follows is less severe
            left.update(files=1, findings=len(entries))
            continue
        room -= size
        yield from lines
    if left:
        many = f"{counted(left['findings'], 'finding')} in {counted(left['files'], 'file')}"
        yield f"{many} more, for which a comment has no room."
        yield ""


def _worst_file(item: tuple[str, list[Reported]]) -> tuple[list[int], str]:
    counts = Counter(entry.finding.severity for entry in item[1])
    return [-counts[level] for level in sorted(Severity, reverse=True)], item[0]


def _file(file: str, entries: Sequence[Reported]) -> Iterator[str]:
    counts = Counter(entry.finding.severity.label for entry in entries)
    told = ", ".join(f"{count} {label}" for label, count in counts.items())
    yield f"<details><summary>{_html(file)}: {told}</summary>"
    yield ""
    yield "| line | severity | control | object | what is wrong |"
    yield "| ---: | --- | --- | --- | --- |"
    for entry in entries[:_MAX_ROWS]:
        finding = entry.finding
        cells = (
            str(entry.range.start.line),
            finding.severity.label,
            f"{plain(finding.control)} {plain(entry.rule.title)}",
            plain(named(finding.resource)),
            plain(finding.message) + _fix(entry),
        )
        yield f"| {' | '.join(cells)} |"
    if len(entries) > _MAX_ROWS:
        yield ""
        yield f"and {len(entries) - _MAX_ROWS} more in this file"
    yield ""
    yield "</details>"
    yield ""


def _fix(entry: Reported) -> str:
    if not entry.fixes:
        return ""
    return f"<br>{'safe fix' if entry.fixes[0].safe else 'fix to review'}: {plain(entry.fixes[0].title)}"


def _accepted(report: Report) -> Iterator[str]:
    """What somebody accepted, with who says so and until when."""
    entries = [entry for entry in report.findings if entry.finding.status == "accepted"]
    if not entries:
        return
    yield f"<details><summary>Accepted: {counted(len(entries), 'finding')}</summary>"
    yield ""
    yield "| place | control | reason | owner | until | said in |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for entry in entries[:_MAX_ROWS]:
        said = entry.finding.disposition
        if said is not None:
            place = f"{plain(entry.file)}:{entry.range.start.line}"
            yield (
                f"| {place} | {plain(entry.finding.control)} | {plain(said.reason or 'no reason given')} "
                f"| {plain(said.owner)} | {plain(said.until)} | {said.by}, line {entry.accepted_line} |"
            )
    if len(entries) > _MAX_ROWS:
        yield ""
        yield f"and {len(entries) - _MAX_ROWS} more"
    yield ""
    yield "</details>"
    yield ""
