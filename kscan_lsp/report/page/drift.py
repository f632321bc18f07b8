"""What became different since a baseline was written, and a baseline by itself, for who audits."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from kscan_lsp.dispositions.baseline import order_of
from kscan_lsp.report.drift_text import brief_drift, percent
from kscan_lsp.report.page.text import also, fold, heading, name, quiet, resource, table, text
from kscan_lsp.report.printable import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.dispositions.baseline import Baseline, BaselineEntry
    from kscan_lsp.report.model import Drift, GoneFinding, KnownFinding, Report, Reported
    from kscan_lsp.report.page.text import PlaceLinks


def drift(report: Report, places: PlaceLinks) -> Iterator[str]:
    """What became different since each baseline, what is new first."""
    for one in report.drift:
        since = one.date or one.name
        yield heading(f"Since {text(since)}", "drift")
        yield quiet(f"Compared with {text(one.name)}: {text(brief_drift(one))}.")
        yield from _scores(one)
        yield from _part("new", len(one.new), (_reported(entry, places) for entry in one.new), tone="high")
        yield from _part("fixed", _count(one.fixed), map(_gone, one.fixed), tone="good")
        yield from _part(
            "moved", len(one.moved), (_known(k, places, f"was in {k.entry.file}") for k in one.moved)
        )
        yield from _part(
            "of another severity",
            len(one.severity),
            (_known(k, places, f"was {k.entry.severity}") for k in one.severity),
        )
        yield from _part(
            "accepted since", len(one.suppressed), (_known(k, places, "") for k in one.suppressed)
        )
        yield from _part("left out since", _count(one.excluded), map(_gone, one.excluded), tone="medium")
        yield from _part(
            "not judged this time", _count(one.unjudged), map(_gone, one.unjudged), tone="medium"
        )


def _count(gone: Iterable[GoneFinding]) -> int:
    return sum(one.entry.count for one in gone)


def _scores(one: Drift) -> Iterator[str]:
    if one.scores:
        yield from table(
            (text(s.framework), f"{percent(s.before)} &rarr; <b>{percent(s.now)}</b>") for s in one.scores
        )
    if one.other_settings:
        yield quiet("The settings are others than those that the baseline was written by.")
    if one.new_controls:
        yield quiet(f"{counted(len(one.new_controls), 'control')} came on since then.")


def _part(title: str, count: int, rows: Iterable[tuple[str, ...]], *, tone: str = "") -> Iterator[str]:
    if count:
        yield from fold(f"<b>{counted(count, 'finding')} {title}</b>", table(rows), tone=tone)


def _reported(entry: Reported, places: PlaceLinks, note: str = "") -> tuple[str, str, str]:
    start = entry.range.start
    finding = entry.finding
    said = f"{text(finding.severity.label)} <code>{text(finding.control)}</code> {text(finding.message)}"
    return (
        places.place(entry.file, start.line, start.column),
        resource(finding.resource),
        f"{said}{also(note) if note else ''}",
    )


def _known(known: KnownFinding, places: PlaceLinks, note: str) -> tuple[str, str, str]:
    disposition = known.reported.finding.disposition
    return _reported(known.reported, places, note or (disposition.reason if disposition else ""))


def _gone(gone: GoneFinding) -> tuple[str, str, str]:
    return _entry(gone.entry, name(gone.file), gone.why)


def _entry(entry: BaselineEntry, where: str, note: str) -> tuple[str, str, str]:
    times = f" ({entry.count} times)" if entry.count > 1 else ""
    said = f"{text(entry.severity)} <code>{text(entry.control)}</code> {text(entry.path)}{times}"
    return where, text(entry.object), f"{said}{also(note) if note else ''}"


def baseline(one: Baseline) -> Iterator[str]:
    """All that a baseline says: how standards were met, and what was there, file by file, with who took it in."""
    if one.frameworks:
        yield heading("Compliance", "compliance")
        yield from table(
            (text(f.id), f"<b>{percent(f.score)}</b>, {percent(f.score_accepted)} with accepted risks")
            for f in one.frameworks
        )
    yield heading("Findings by file", "files")
    if not one.findings:
        yield quiet("Nothing was there.")
    for file, entries in groupby(sorted(one.findings, key=order_of), key=lambda entry: entry.file):
        found = list(entries)
        yield from fold(
            f'<b>{name(file)}</b><span class="tag">{counted(sum(e.count for e in found), "finding")}</span>',
            table(_entry(entry, text(entry.since), _why(entry)) for entry in found),
            unfolded=True,
        )
    yield heading("How this was made", "made")
    rows = [
        ("date", one.date),
        ("kscan", one.tool),
        ("settings", one.settings),
        ("policies", one.policies),
        ("controls that were on", ", ".join(one.controls)),
    ]
    yield from table((key, text(value)) for key, value in rows if value)


def _why(entry: BaselineEntry) -> str:
    return ", ".join(part for part in (entry.owner, entry.reason) if part)
