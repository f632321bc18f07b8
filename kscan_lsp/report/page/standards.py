"""How the frameworks score, and each of them section by section: what passed, failed, was accepted or not judged.

A score is a mean over what manifests show. So each framework also says what it has that they do not show, and a control
that the settings take out stays in its table, with the place that takes it out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.regex import regex
from kscan_lsp.report.page.text import also, code, fold, heading, ids, quiet, table, text
from kscan_lsp.report.printable import counted
from kscan_lsp.report.standards import percentage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kscan_lsp.report.model import ControlResult, Report
    from kscan_lsp.report.page.text import PlaceLinks
    from kscan_lsp.report.standards import FrameworkMember, FrameworkScore

_CHANGES: Final = {
    "excluded": "taken out",
    "lowered": "lowered from {}",
    "replaced": "defined by this project",
}
_COLUMNS: Final = ("passed", "failed", "accepted", "not judged")
_NUMBERS: Final = regex(r"\d+|\D+")
_GOOD_SCORE: Final = 90
_FAIR_SCORE: Final = 60


def scores(report: Report) -> Iterator[str]:
    """The score of each framework; nothing where nothing was judged, which is no compliance."""
    if not any(framework.judged for framework in report.frameworks):
        return
    yield heading("Compliance", "compliance")
    yield '<table class="scores"><tbody>'
    for framework in report.frameworks:
        score, shown = (framework.score, percentage(framework.score)) if framework.judged else (0, "no score")
        # a width in a style attribute would need a policy that allows it for everything
        yield (
            f'<tr class="{_tone(framework)}"><td><a href="#{_anchor(framework)}">{text(framework.title)}</a> '
            f'<code class="quiet">{text(framework.id)}</code></td>'
            '<td class="bar"><svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
            '<rect class="track" width="100" height="1"/>'
            f'<rect class="fill" width="{score:g}" height="1"/></svg></td>'
            f'<td class="number">{shown}{_of(framework)}</td></tr>'
        )
    yield "</tbody></table>"


def by_section(report: Report, places: PlaceLinks) -> Iterator[str]:
    """A fold for each framework: its sections and controls with what became of them, and what no manifest shows."""
    if not any(framework.judged for framework in report.frameworks):
        return
    results = {result.id: result for result in report.controls}
    yield heading("Standards by section", "standards")
    yield quiet("The numbers are objects.")
    for framework in report.frameworks:
        failing = sum(1 for m in framework.members if m.on and m.id in results and results[m.id].failed)
        summary = (
            f'<b>{text(framework.title)} <code class="quiet">{text(framework.id)}</code></b>'
            f'<span class="tag">{failing} of {counted(len(framework.members), "control")} failed</span>'
        )
        inside = (f'<div id="{_anchor(framework)}"></div>', *_framework(framework, results, places))
        yield from fold(summary, inside, tone=_tone(framework))


def _anchor(framework: FrameworkScore) -> str:
    """Inside of its fold, which then unfolds for who follows a link to it."""
    return f"standard-{text(framework.id)}"


def changes(report: Report, places: PlaceLinks) -> Iterator[str]:
    """What is no longer as the standards have it: a good score may be owed to that."""
    alike: dict[tuple[str, int, str, str], list[str]] = {}
    for one in report.changes:
        done = text(_CHANGES[one.what].format(one.detail))
        alike.setdefault((one.file, one.line, one.place, done), []).append(one.id)
    if alike:
        yield heading("Changed standards", "changes")
        yield from table(
            (places.place(file, line) if file else text(place), done, ids(names))
            for (file, line, place, done), names in alike.items()
        )


def _framework(
    framework: FrameworkScore, results: Mapping[str, ControlResult], places: PlaceLinks
) -> Iterator[str]:
    shown = [member for member in framework.members if not member.needs or _counted(results.get(member.id))]
    sectioned = any(member.section for member in framework.members)
    rows = [(section, member) for member in shown for section in member.section.split(", ")]
    idle = [] if sectioned else [m for m in shown if m.on and not _counted(results.get(m.id))]
    rows = sorted((row for row in rows if row[1] not in idle), key=lambda row: (_natural(row[0]), row[1].id))
    taken_out = {one.id: one for one in framework.changed("excluded")}
    heads = "".join(f'<th class="count" scope="col">{column}</th>' for column in _COLUMNS)
    heads = f'<th scope="col">control</th>{heads}'
    if sectioned:
        heads = f'<th scope="col">section</th>{heads}'
    if rows:
        yield f'<table class="counts"><thead><tr>{heads}</tr></thead><tbody>'
        before = ""
        for section, member in rows:
            again = section and section == before
            first = (
                f'<td class="section{" again" if again else ""}">{text(section)}</td>' if sectioned else ""
            )
            label = f"{code(member.id)} {text(member.title)}"
            out = taken_out.get(member.id)
            where = (places.place(out.file, out.line) if out.file else text(out.place)) if out else ""
            yield f"<tr>{first}<td>{label}</td>{_cells(member, results.get(member.id), where)}</tr>"
            before = section
        yield "</tbody></table>"
    if idle:
        yield quiet(
            f"{counted(len(idle), 'more control has', 'more controls have')} no object here to be about: "
            + ids(member.id for member in idle)
        )
    yield from _unseen(framework)


def _cells(member: FrameworkMember, result: ControlResult | None, where: str) -> str:
    if not member.on:
        return f'<td class="said quiet" colspan="4">excluded{f": {where}" if where else ""}</td>'
    if result is None or not _counted(result):
        return '<td class="said quiet" colspan="4">no object here that it is about</td>'
    passed = result.evaluated - result.failed - result.accepted
    tones = ("good", "high", "", "medium")
    numbers = (passed, result.failed, result.accepted, result.not_evaluated)
    return "".join(
        f'<td class="count {tone}" data-label="{column}">{number or ""}</td>'
        for column, tone, number in zip(_COLUMNS, tones, numbers, strict=True)
    )


def _unseen(framework: FrameworkScore) -> Iterator[str]:
    """What of the standard no manifest shows, by its sections."""
    needing = [
        (m.section, f"{code(m.id)} {text(m.title)}: it takes {text(m.needs)}")
        for m in framework.members
        if m.needs
    ]
    parts = [(part.section, text(part.about)) for part in framework.unseen] + needing
    if parts:
        yield f"<h3>No manifest shows this of {text(framework.title)}</h3>"
        if any(section for section, _ in parts):
            ordered = sorted(parts, key=lambda part: _natural(part[0]))
            yield from (
                '<table class="unseen"><tbody>',
                *(
                    f'<tr><td class="section">{text(section)}</td><td>{about}</td></tr>'
                    for section, about in ordered
                ),
                "</tbody></table>",
            )
        else:
            yield from ("<ul>", *(f"<li>{about}</li>" for _, about in parts), "</ul>")


def _counted(result: ControlResult | None) -> bool:
    return result is not None and bool(result.evaluated or result.not_evaluated)


def _natural(section: str) -> list[tuple[bool, int, str]]:
    """What to sort sections by: 5.2.10 comes after 5.2.9, and what has no section last."""
    parts = _NUMBERS.findall(section)
    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts] or [
        (True, 1, "\U0010ffff")
    ]


def _of(framework: FrameworkScore) -> str:
    """What a score is a mean of, where that is not the whole framework, and what it were with accepted risks passed."""
    notes = []
    if framework.score_accepted != framework.score:
        notes.append(f"{framework.score_accepted:.1f}% with accepted risks")
    if framework.changed("excluded"):
        notes.append(f"of {framework.run} of {framework.total} controls")
    if framework.replaced_by:
        notes.append("this project's own")
    return "".join(map(also, notes))


def _tone(framework: FrameworkScore) -> str:
    return _grade(framework.score) if framework.judged else "quiet"


def _grade(score: float) -> str:
    if score >= _GOOD_SCORE:
        return "good"
    return "medium" if score >= _FAIR_SCORE else "high"
