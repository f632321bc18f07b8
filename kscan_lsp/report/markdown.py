"""The report as a comment on a pull request: whether it passes and why not, what became different, what there is.

A comment holds 65,536 characters, and whoever posts it may add some. So there is a budget: verdict, counts, scores and
what was not scanned come first, then files, the worst first, as long as there is room; a line says what is left out.

What a manifest says is text and nothing else here: it names nobody, refers to no issue, and loads nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from kscan_lsp.findings import Severity
from kscan_lsp.report.added import added_by
from kscan_lsp.report.added_text import added_parts
from kscan_lsp.report.comment import RESERVE, CommentPart, CommentText, escaped, fold, plain, row
from kscan_lsp.report.drift_text import brief_drift, percent
from kscan_lsp.report.exchange import named, worst_first
from kscan_lsp.report.gates import exit_status, gate_failures
from kscan_lsp.report.printable import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp.report.image_model import ReportedImage
    from kscan_lsp.report.model import Drift, GoneFinding, KnownFinding, Report, Reported
    from kscan_lsp.report.standards import FrameworkScore

_MAX_ROWS: Final = 50
"""Findings listed of one file, and of what was accepted."""
_MAX_LISTED: Final = 20
"""Places and problems listed."""
_SHARE: Final = 8_000
"""Characters that one list above the files may take."""
_KEPT_FOR_FILES: Final = 30_000
"""Characters that the lists leave to the files."""
_MAX_LENGTH_OF_COUNTS: Final = 500
_MARK: Final = "<!-- kscan -->"
"""By which a pipeline finds the comment again, to replace it."""

_VERDICTS: Final = {
    0: "passed",
    1: "failed",
    2: "failed: settings or a policy are wrong",
    3: "failed: not everything was scanned",
}


def render(report: Report) -> str:
    """The comment."""
    comment = CommentText()
    _head(comment, report)
    for part in _lists(report):
        comment.part(part, _MAX_LISTED, _SHARE, _KEPT_FOR_FILES)
    for drift in report.drift:
        told = plain(brief_drift(drift), _MAX_LENGTH_OF_COUNTS)
        since = f"**Since {plain(drift.date or drift.name)}:** {told}"
        if comment.part(CommentPart((), (since,), 1), 1, _SHARE, _KEPT_FOR_FILES):
            for part in _drift(drift):
                comment.part(part, _MAX_LISTED, _SHARE, _KEPT_FOR_FILES)
            for part in added_parts(added_by(drift, report.images)):
                comment.part(part, _MAX_ROWS, _SHARE, _KEPT_FOR_FILES)
    comment.part(_images(report), _MAX_LISTED, _SHARE, _KEPT_FOR_FILES)
    comment.part(_scores(report), len(report.frameworks), _SHARE, _KEPT_FOR_FILES // 2)
    _files(comment, report)
    comment.room += RESERVE
    comment.part(_accepted(report), _MAX_ROWS, RESERVE)
    return "".join(f"{line}\n" for line in comment.lines)


def _head(comment: CommentText, report: Report) -> None:
    comment.say(_MARK, f"## kscan: {_VERDICTS[exit_status(report)]}", "")
    for failure in gate_failures(report)[:_MAX_LISTED]:
        comment.say(f"- {plain(failure.why)}; {plain(failure.advice)}")
    comment.say("", _counts(report), "")
    if packs := report.circumstances.packs:
        comment.say(
            f"Packs of policies: {plain(', '.join(map(str, packs[:_MAX_LISTED])), _MAX_LENGTH_OF_COUNTS)}", ""
        )
    if report.not_scanned:
        comment.say(f"**Not scanned, or not fully: {counted(len(report.not_scanned), 'place')}**", "")


def _lists(report: Report) -> Iterator[CommentPart]:
    places = (f"- {plain(one.file)}:{one.line}: {plain(one.reason)}" for one in report.not_scanned)
    yield CommentPart((), places, len(report.not_scanned))
    problems = (
        f"- {plain(one.file)}:{one.range.start.line}: {plain(one.message)}" for one in report.problems
    )
    title = f"**Problems in files: {len(report.problems)}**"
    yield CommentPart((title, ""), problems, len(report.problems))


def _counts(report: Report) -> str:
    found = [f"**{count}** {severity.label}" for severity, count in report.by_severity().items() if count]
    statuses = Counter(entry.finding.status for entry in report.findings)
    found += [f"{statuses[one]} {one}" for one in ("accepted", "baseline") if statuses[one]]
    scanned = f"{counted(report.files, 'file')} and {counted(report.resources, 'object')} scanned"
    return f"{scanned}, found {', '.join(found) or 'nothing'}."


def _drift(drift: Drift) -> Iterator[CommentPart]:
    """What became different since a baseline; what is new is listed with its file, as all that is open."""
    gone = (("fixed", drift.fixed), ("left out", drift.excluded), ("not judged this time", drift.unjudged))
    for what, entries in gone:
        head = ("file", "severity", "control", "what")
        yield fold(f"{len(entries)} {what}", head, map(_gone_row, entries), len(entries))
    known = (
        ("moved to another file", drift.moved),
        ("of another severity", drift.severity),
        ("accepted since", drift.suppressed),
    )
    for what, found in known:
        head = ("place", "severity", "control", "before")
        yield fold(f"{len(found)} {what}", head, map(_known_row, found), len(found))


def _gone_row(gone: GoneFinding) -> str:
    entry = gone.entry
    times = f" ({entry.count} times)" if entry.count > 1 else ""
    why = f": {gone.why}" if gone.why else ""
    what = plain(f"{entry.object} {entry.path}{times}{why}")
    return row((plain(gone.file), plain(entry.severity), plain(entry.control), what))


def _known_row(known: KnownFinding) -> str:
    entry, found = known.entry, known.reported
    place = f"{plain(found.file)}:{found.range.start.line}"
    before = plain(f"{entry.severity}, in {entry.file}")
    return row((place, found.finding.severity.label, plain(entry.control), before))


def _images(report: Report) -> CommentPart:
    """What is known of images, the worst first; those of which nothing is, too, since nobody has looked."""

    def line(image: ReportedImage) -> str:
        counts = image.counts if image.source else "no report"
        reach = ", ".join(image.exposure)
        return row((plain(image.reference), plain(counts), plain(reach), str(len(image.workloads))))

    head = "| image | vulnerabilities | reached from outside by | workloads |"
    return CommentPart((head, "| --- | --- | --- | ---: |"), map(line, report.images), len(report.images))


def _scores(report: Report) -> CommentPart:
    """Compliance; with what it was, where it is compared with a baseline."""
    before = {one.framework: one.before for drift in report.drift for one in drift.scores}

    def line(one: FrameworkScore) -> str:
        scores = (f"{one.score:.1f}%", f"{one.score_accepted:.1f}%") if one.judged else ("no score", "")
        was = f" (was {percent(before[one.id])})" if one.id in before else ""
        return row((plain(one.title), f"{scores[0]}{was}", scores[1], f"{one.run} of {one.total}"))

    head = "| framework | compliance | with accepted risks | controls |"
    return CommentPart(
        (head, "| --- | ---: | ---: | ---: |"), map(line, report.frameworks), len(report.frameworks)
    )


def _files(comment: CommentText, report: Report) -> None:
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


def _file(file: str, entries: Sequence[Reported]) -> CommentPart:
    counts = Counter(entry.finding.severity.label for entry in entries)
    told = ", ".join(f"{count} {label}" for label, count in counts.items())
    head = ("line", "severity", "control", "object", "what is wrong")
    return fold(f"{escaped(file)}: {told}", head, map(_finding_row, entries), len(entries))


def _finding_row(entry: Reported) -> str:
    finding = entry.finding
    return row((
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


def _accepted(report: Report) -> CommentPart:
    """What somebody accepted, with who says so and until when."""
    entries = [entry for entry in report.findings if entry.finding.status == "accepted"]
    head = ("place", "control", "reason", "owner", "until", "ticket", "approved by", "said in")
    return fold(
        f"Accepted: {counted(len(entries), 'finding')}", head, map(_accepted_row, entries), len(entries)
    )


def _accepted_row(entry: Reported) -> str:
    said = entry.finding.disposition
    told = (
        (said.reason, said.owner, said.until, said.ticket, said.approved_by, said.by) if said else ("",) * 6
    )
    reason, owner, until, ticket, approved, by = map(plain, told)
    where = f"{plain(entry.accepted_file)}:" if entry.accepted_file != entry.file else "line "
    return row((
        f"{plain(entry.file)}:{entry.range.start.line}",
        plain(entry.finding.control),
        reason or "no reason given",
        owner,
        until,
        ticket,
        approved,
        f"{by}, {where}{entry.accepted_line}",
    ))  # fmt: skip
