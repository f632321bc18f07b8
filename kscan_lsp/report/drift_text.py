"""Drift in words: in a line for the end of a scan's report, and one by one for `kscan baseline diff`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.report.drift import counted_by_severity
from kscan_lsp.report.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kscan_lsp.report.model import Drift, GoneFinding, KnownFinding, Reported, ScoreChange


def drift_lines(drifts: Iterable[Drift]) -> Iterator[str]:
    """What became different since each baseline, each in a line or two."""
    for one in drifts:
        since = f"{one.date} ({one.name})" if one.date else one.name
        yield f"since {since}: {brief_drift(one)}"
        yield from _remarks(one)


def brief_drift(one: Drift) -> str:
    """How much became different."""
    severities = ", ".join(f"{n} {severity.label}" for severity, n in counted_by_severity(one.new).items())
    counts = (
        (len(one.new), f"new ({severities})" if one.new else "new"),
        (_count(one.fixed), "fixed"),
        (len(one.moved), "moved to another file"),
        (len(one.severity), "of another severity"),
        (len(one.suppressed), "accepted since"),
        (_count(one.excluded), "left out since"),
        (_count(one.unjudged), "not judged this time"),
        (one.unchanged, "as they were"),
    )
    return ", ".join(f"{n} {what}" for n, what in counts if n or what == "new")


def _count(gone: Iterable[GoneFinding]) -> int:
    return sum(one.entry.count for one in gone)


def _remarks(one: Drift) -> Iterator[str]:
    if one.scores:
        yield "compliance since then: " + ", ".join(map(_score, one.scores))
    if one.other_settings:
        yield "the settings are others than those it was written by"
    if one.new_controls:
        ids = ", ".join(one.new_controls[:5]) + (
            f" and {len(one.new_controls) - 5} more" if len(one.new_controls) > 5 else ""
        )
        found = sum(new.finding.control in one.new_controls for new in one.new)
        yield f"controls that are on since then: {ids}; {found} of the new findings are theirs"
    elif one.other_policies:
        yield "the controls are others than those it was written by, or other versions of them"


def _score(change: ScoreChange) -> str:
    return f"{change.framework} {percent(change.before)} -> {percent(change.now)}"


def percent(score: float | None) -> str:
    """A score as text."""
    return "no score" if score is None else f"{score:.1f}%"


def full_text(drifts: Sequence[Drift]) -> str:
    """Everything that became different, a line for each."""
    lines: list[str] = []
    for number, one in enumerate(drifts):
        if number:
            lines.append("")
        lines += drift_lines([one])
        lines += _section("new", map(reported_line, one.new))
        lines += _section("fixed", map(_gone, one.fixed))
        lines += _section("moved", (f"{_known(k)}, was in {k.entry.file}" for k in one.moved))
        lines += _section(
            "of another severity", (f"{_known(k)}, was {k.entry.severity}" for k in one.severity)
        )
        lines += _section("accepted since", (f"{_known(k)}{_accepted(k)}" for k in one.suppressed))
        lines += _section("left out since", map(_gone, one.excluded))
        lines += _section("not judged this time", map(_gone, one.unjudged))
    return "".join(f"{printable(line)}\n" for line in lines)


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"  {line}" for line in lines]
    return ["", f"{title}:", *found] if found else []


def reported_line(one: Reported) -> str:
    """A finding in a line."""
    start = one.range.start
    place = f"{one.file}:{start.line}:{start.column}"
    return f"{place} {one.finding.severity.label} {one.finding.control} {one.finding.message}"


def _known(known: KnownFinding) -> str:
    return reported_line(known.reported)


def _accepted(known: KnownFinding) -> str:
    disposition = known.reported.finding.disposition
    if disposition is None:
        return ""
    who = f", {disposition.owner}" if disposition.owner else ""
    until = f" until {disposition.until}" if disposition.until else ""
    where = f" ({known.reported.accepted_file}:{known.reported.accepted_line})" if disposition.file else ""
    return f": {disposition.reason or 'no reason given'}{who}{until}{where}"


def _gone(gone: GoneFinding) -> str:
    entry = gone.entry
    times = f" ({entry.count} times)" if entry.count > 1 else ""
    why = f": {gone.why}" if gone.why else ""
    return f"{gone.file} {entry.severity} {entry.control} {entry.object} {entry.path}{times}{why}"
