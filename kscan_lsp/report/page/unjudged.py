"""What nothing is known about, grouped by the reason: what was not scanned, not evaluated, not known, or left alone.

What should have been scanned comes first on the page; what was left alone by design last, with what has it judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.report.page.text import code, fold, heading, ids, name, quiet, table, text
from kscan_lsp.report.printable import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.report.model import ControlResult, NotEvaluated, NotScanned, Report, Skipped
    from kscan_lsp.report.page.text import PlaceLinks

_UNFOLDED: Final = 10
"""Up to so many places of one reason, they are to be seen at once."""

_SKIPPED: Final = {
    "excluded": "left out by the settings or by .gitignore",
    "helm-template": "templates of a Helm chart, which can only be judged as they are rendered",
    "jinja-template": "templates of Jinja, which can only be judged as they are rendered",
    "kustomize-patch": "patches of Kustomize, which can only be judged with what they change",
    "not-kubernetes": "files that are no Kubernetes manifest",
}


def not_scanned(report: Report, places: PlaceLinks) -> Iterator[str]:
    """What is not in the counts: it must not be overlooked."""
    if not report.not_scanned:
        return
    yield heading("Not scanned, or not fully", "not-scanned")
    yield quiet("A clean report says nothing about these.")
    alike: dict[str, list[NotScanned]] = {}
    for entry in report.not_scanned:
        alike.setdefault(entry.reason, []).append(entry)
    for reason, entries in alike.items():
        where = [places.place(entry.file, entry.line) for entry in entries]
        yield from _group(text(reason), where, "place", tone="medium")


def not_judged(report: Report, places: PlaceLinks) -> Iterator[str]:
    """Objects that were scanned, and what could not be said about them."""
    missing = [result for result in report.controls if result.not_evaluated]
    if not (missing or report.kinds_not_judged):
        return
    yield heading("Not judged", "not-judged")
    if report.kinds_not_judged:
        yield "<h3>Kinds that no control knows</h3>"
        yield from table(
            (
                f"{text(one.kind)} <code>{text(one.api_version)}</code>",
                counted(one.objects, "object"),
                f"did you mean {text(one.meant)}?" if one.meant else "",
            )
            for one in report.kinds_not_judged
        )
    if missing:
        yield "<h3>Could not be evaluated</h3>"
        yield quiet("Nobody knows whether these pass, so for the scores they do not.")
        yield from _by_reason([one for one in missing if not report.rules[one.id].needs], places)
        if needing := [one for one in missing if report.rules[one.id].needs]:
            yield from fold(
                f'<b>no manifest says this</b><span class="tag">{counted(len(needing), "control")}</span>',
                table(
                    (
                        f"{code(one.id)} {text(report.rules[one.id].title)}",
                        counted(one.not_evaluated, "object"),
                        f"it takes {text(report.rules[one.id].needs)}",
                    )
                    for one in needing
                ),
            )


def _by_reason(missing: list[ControlResult], places: PlaceLinks) -> Iterator[str]:
    """PlaceLinks of one reason together; at each, all controls that it keeps from an answer."""
    alike: dict[str, dict[NotEvaluated, list[str]]] = {}
    for result in missing:
        for one in result.reasons:
            alike.setdefault(one.reason, {}).setdefault(one, []).append(result.id)
    for reason, at in alike.items():
        yield from fold(
            f'<b>{text(reason)}</b><span class="tag">{counted(len(at), "place")}</span>',
            table(
                (places.place(one.file, one.line), code(one.path), ids(names)) for one, names in at.items()
            ),
            unfolded=len(at) <= _UNFOLDED,
            tone="medium",
        )
    rest = [(one.id, left) for one in missing if (left := one.not_evaluated - len(one.reasons)) > 0]
    if rest:
        yield quiet(
            "Besides, " + ", ".join(f"{code(i)} at {counted(left, 'more object')}" for i, left in rest) + "."
        )


def skipped(report: Report, places: PlaceLinks) -> Iterator[str]:
    """What was left alone by design, by name."""
    if not report.skipped:
        return
    yield heading("Left alone", "left-alone")
    for reason, about in _SKIPPED.items():
        entries = [entry for entry in report.skipped if entry.reason == reason]
        if entries:
            summary = (
                f'<b>{text(reason)} <span class="also quiet">{about}</span></b>'
                f'<span class="tag">{counted(len(entries), "entry", "entries")}</span>'
            )
            yield from fold(summary, _commands(entries, places))


def _commands(entries: list[Skipped], places: PlaceLinks) -> Iterator[str]:
    """Files by the command that has them judged."""
    alike: dict[str, list[str]] = {}
    for entry in entries:
        alike.setdefault(entry.hint, []).append(entry.file)
    for hint, files in alike.items():
        if hint:
            yield f"<p>to have it judged: {code(hint)}</p>"
        yield from _list([places.link(file, name(file), (1, 1)) for file in files])


def _group(reason: str, where: list[str], what: str, tone: str) -> Iterator[str]:
    summary = f'<b>{reason}</b><span class="tag">{counted(len(where), what)}</span>'
    yield from fold(summary, _list(where), unfolded=len(where) <= _UNFOLDED, tone=tone)


def _list(entries: list[str]) -> Iterator[str]:
    yield '<ul class="names">'
    yield from (f"<li>{entry}</li>" for entry in entries)
    yield "</ul>"
