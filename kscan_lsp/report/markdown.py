"""The report as a comment on a pull request: whether it passes and why not, what became different, what there is.

A comment holds 65,536 characters, and whoever posts it may add some. So there is a budget: verdict, counts, scores and
what was not scanned come first, then files, the worst first, as long as there is room; a line says what is left out.

What a manifest says is text and nothing else here: it names nobody, refers to no issue, and loads nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp.findings import Severity
from kscan_lsp.report.drift_text import brief_drift, percent
from kscan_lsp.report.exchange import named, one_line, shortened, worst_first
from kscan_lsp.report.gates import exit_status, gate_failures
from kscan_lsp.report.printable import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kscan_lsp.report.image_model import ReportedImage
    from kscan_lsp.report.model import Drift, GoneFinding, KnownFinding, Report, Reported
    from kscan_lsp.report.standards import FrameworkScore

MAX_LENGTH: Final = 65_000
"""Characters of the whole comment."""
_MAX_ROWS: Final = 50
"""Findings listed of one file, and of what was accepted."""
_MAX_LISTED: Final = 20
"""Places and problems listed."""
_RESERVE: Final = 5_000
"""Characters kept for what was accepted, and for the line that says what is left out."""
_SHARE: Final = 8_000
"""Characters that one list above the files may take."""
_KEPT_FOR_FILES: Final = 30_000
"""Characters that the lists leave to the files."""
_MAX_LENGTH_OF_COUNTS: Final = 500
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


class _CommentText:
    """Lines that are written one after the other while there is room; a table or list has as many rows as fit."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.room = MAX_LENGTH - _RESERVE

    def say(self, *lines: str) -> None:
        self.lines += lines
        self.room -= _size(lines)

    def part(self, part: _CommentPart, most: int, share: int, keep: int = 0) -> int:
        """Write a part; nothing where not even one row fits.

        Args:
            part: the part.
            most: rows that it may have.
            share: characters that it may take.
            keep: characters that have to stay free for what comes later.

        Returns:
            How many of its rows are there.
        """
        share = min(share, self.room - keep)
        share -= _size((*part.before, *part.after)) + 100
        rows: list[str] = []
        for row in islice(part.rows, most):
            share -= _size((row,))
            if share < 0:
                break
            rows.append(row)
        if not rows:
            return 0
        left = part.number - len(rows)
        more = (*part.gap, f"{part.more} {left} more", "") if left else ("",)
        self.say(*part.before, *rows, *more, *part.after)
        return len(rows)


class _CommentPart(NamedTuple):
    """A list or a table: rows with what stands before and after them, and how many rows there would be."""

    before: tuple[str, ...]
    rows: Iterable[str]
    number: int
    after: tuple[str, ...] = ()
    gap: tuple[str, ...] = ()
    more: str = "- and"


def _size(lines: Iterable[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _fold(what: str, head: Sequence[str], rows: Iterable[str], number: int) -> _CommentPart:
    """A table that is unfolded by who wants to see it; `what` is HTML."""
    rule = ("---:" if cell == "line" else "---" for cell in head)
    before = (f"<details><summary>{what}</summary>", "", _row(head), _row(rule))
    return _CommentPart(before, rows, number, ("</details>", ""), ("",), "and")


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def render(report: Report) -> str:
    """The comment."""
    comment = _CommentText()
    _head(comment, report)
    for part in _lists(report):
        comment.part(part, _MAX_LISTED, _SHARE, _KEPT_FOR_FILES)
    for drift in report.drift:
        told = plain(brief_drift(drift), _MAX_LENGTH_OF_COUNTS)
        since = f"**Since {plain(drift.date or drift.name)}:** {told}"
        if comment.part(_CommentPart((), (since,), 1), 1, _SHARE, _KEPT_FOR_FILES):
            for part in _drift(drift):
                comment.part(part, _MAX_LISTED, _SHARE, _KEPT_FOR_FILES)
    comment.part(_images(report), _MAX_LISTED, _SHARE, _KEPT_FOR_FILES)
    comment.part(_scores(report), len(report.frameworks), _SHARE, _KEPT_FOR_FILES // 2)
    _files(comment, report)
    comment.room += _RESERVE
    comment.part(_accepted(report), _MAX_ROWS, _RESERVE)
    return "".join(f"{line}\n" for line in comment.lines)


def plain(text: str, most: int = _MAX_CELL) -> str:
    """Text as nothing but text, on one line of Markdown; shortened first, so that no escape is cut."""
    escaped = _SPECIAL.sub(r"\\\1", _quoted(shortened(one_line(text), most)))
    return _LINKED.sub(_NOTHING, _BEGINS_BLOCK.sub(r"\g<0>\\", escaped))


def _html(text: str) -> str:
    """The same inside of a block of HTML, where nothing is read as Markdown."""
    return _LINKED.sub(_NOTHING, _quoted(shortened(one_line(text), _MAX_CELL)))


def _quoted(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _head(comment: _CommentText, report: Report) -> None:
    comment.say(_MARK, f"## kscan: {_VERDICTS[exit_status(report)]}", "")
    for failure in gate_failures(report)[:_MAX_LISTED]:
        comment.say(f"- {plain(failure.why)}; {plain(failure.advice)}")
    comment.say("", _counts(report), "")
    if report.not_scanned:
        comment.say(f"**Not scanned, or not fully: {counted(len(report.not_scanned), 'place')}**", "")


def _lists(report: Report) -> Iterator[_CommentPart]:
    places = (f"- {plain(one.file)}:{one.line}: {plain(one.reason)}" for one in report.not_scanned)
    yield _CommentPart((), places, len(report.not_scanned))
    problems = (
        f"- {plain(one.file)}:{one.range.start.line}: {plain(one.message)}" for one in report.problems
    )
    title = f"**Problems in files: {len(report.problems)}**"
    yield _CommentPart((title, ""), problems, len(report.problems))


def _counts(report: Report) -> str:
    found = [f"**{count}** {severity.label}" for severity, count in report.by_severity().items() if count]
    statuses = Counter(entry.finding.status for entry in report.findings)
    found += [f"{statuses[one]} {one}" for one in ("accepted", "baseline") if statuses[one]]
    scanned = f"{counted(report.files, 'file')} and {counted(report.resources, 'object')} scanned"
    return f"{scanned}, found {', '.join(found) or 'nothing'}."


def _drift(drift: Drift) -> Iterator[_CommentPart]:
    """What became different since a baseline; what is new is listed with its file, as all that is open."""
    gone = (("fixed", drift.fixed), ("left out", drift.excluded), ("not judged this time", drift.unjudged))
    for what, entries in gone:
        head = ("file", "severity", "control", "what")
        yield _fold(f"{len(entries)} {what}", head, map(_gone_row, entries), len(entries))
    known = (
        ("moved to another file", drift.moved),
        ("of another severity", drift.severity),
        ("accepted since", drift.suppressed),
    )
    for what, found in known:
        head = ("place", "severity", "control", "before")
        yield _fold(f"{len(found)} {what}", head, map(_known_row, found), len(found))


def _gone_row(gone: GoneFinding) -> str:
    entry = gone.entry
    times = f" ({entry.count} times)" if entry.count > 1 else ""
    why = f": {gone.why}" if gone.why else ""
    what = plain(f"{entry.object} {entry.path}{times}{why}")
    return _row((plain(gone.file), plain(entry.severity), plain(entry.control), what))


def _known_row(known: KnownFinding) -> str:
    entry, found = known.entry, known.reported
    place = f"{plain(found.file)}:{found.range.start.line}"
    before = plain(f"{entry.severity}, in {entry.file}")
    return _row((place, found.finding.severity.label, plain(entry.control), before))


def _images(report: Report) -> _CommentPart:
    """What is known of images, the worst first; those of which nothing is, too, since nobody has looked."""

    def row(image: ReportedImage) -> str:
        counts = image.counts if image.source else "no report"
        reach = ", ".join(image.exposure)
        return _row((plain(image.reference), plain(counts), plain(reach), str(len(image.workloads))))

    head = "| image | vulnerabilities | reached from outside by | workloads |"
    return _CommentPart((head, "| --- | --- | --- | ---: |"), map(row, report.images), len(report.images))


def _scores(report: Report) -> _CommentPart:
    """Compliance; with what it was, where it is compared with a baseline."""
    before = {one.framework: one.before for drift in report.drift for one in drift.scores}

    def row(one: FrameworkScore) -> str:
        scores = (f"{one.score:.1f}%", f"{one.score_accepted:.1f}%") if one.judged else ("no score", "")
        was = f" (was {percent(before[one.id])})" if one.id in before else ""
        return _row((plain(one.title), f"{scores[0]}{was}", scores[1], f"{one.run} of {one.total}"))

    head = "| framework | compliance | with accepted risks | controls |"
    return _CommentPart(
        (head, "| --- | ---: | ---: | ---: |"), map(row, report.frameworks), len(report.frameworks)
    )


def _files(comment: _CommentText, report: Report) -> None:
    """Files with findings that count, each to be unfolded, the worst first, as long as there is room."""
    by_file: dict[str, list[Reported]] = {}
    for entry in worst_first(report.open()):
        by_file.setdefault(entry.file, []).append(entry)
    left: Counter[str] = Counter()
    for file, entries in sorted(by_file.items(), key=_worst_file):
        # the first that does not fit is the last: what follows is less severe
        if left or not comment.part(_file(file, entries), _MAX_ROWS, comment.room):
            left.update(files=1, findings=len(entries))
    if left:
        many = f"{counted(left['findings'], 'finding')} in {counted(left['files'], 'file')}"
        comment.say(f"{many} more, for which a comment has no room.", "")


def _worst_file(item: tuple[str, list[Reported]]) -> tuple[list[int], str]:
    counts = Counter(entry.finding.severity for entry in item[1])
    return [-counts[level] for level in sorted(Severity, reverse=True)], item[0]


def _file(file: str, entries: Sequence[Reported]) -> _CommentPart:
    counts = Counter(entry.finding.severity.label for entry in entries)
    told = ", ".join(f"{count} {label}" for label, count in counts.items())
    head = ("line", "severity", "control", "object", "what is wrong")
    return _fold(f"{_html(file)}: {told}", head, map(_finding_row, entries), len(entries))


def _finding_row(entry: Reported) -> str:
    finding = entry.finding
    return _row((
        str(entry.range.start.line),
        finding.severity.label,
        f"{plain(finding.control)} {plain(entry.rule.title)}",
        plain(named(finding.resource)),
        plain(finding.message) + _fix(entry),
    ))  # fmt: skip


def _fix(entry: Reported) -> str:
    if not entry.fixes:
        return ""
    return f"<br>{'safe fix' if entry.fixes[0].safe else 'fix to review'}: {plain(entry.fixes[0].title)}"


def _accepted(report: Report) -> _CommentPart:
    """What somebody accepted, with who says so and until when."""
    entries = [entry for entry in report.findings if entry.finding.status == "accepted"]
    head = ("place", "control", "reason", "owner", "until", "ticket", "approved by", "said in")
    return _fold(
        f"Accepted: {counted(len(entries), 'finding')}", head, map(_accepted_row, entries), len(entries)
    )


def _accepted_row(entry: Reported) -> str:
    said = entry.finding.disposition
    told = (
        (said.reason, said.owner, said.until, said.ticket, said.approved_by, said.by) if said else ("",) * 6
    )
    reason, owner, until, ticket, approved, by = map(plain, told)
    where = f"{plain(entry.accepted_file)}:" if entry.accepted_file != entry.file else "line "
    return _row((
        f"{plain(entry.file)}:{entry.range.start.line}",
        plain(entry.finding.control),
        reason or "no reason given",
        owner,
        until,
        ticket,
        approved,
        f"{by}, {where}{entry.accepted_line}",
    ))  # fmt: skip
