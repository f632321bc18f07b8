"""One control explained on a page: what it is, what to do, where it fails in a file, and who asks for it.

The facts are those of the hover (`policy/explain.py`) and of a terminal's page (`report/catalog.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from kscan_lsp.policy.inputs import in_a_line
from kscan_lsp.policy.ruleset import members_of
from kscan_lsp.report.page.shell import page
from kscan_lsp.report.page.text import PlaceLinks, code, heading, name, prose, quiet, table, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kscan_lsp.policy.model import Control
    from kscan_lsp.policy.ruleset import Ruleset


class FailingPlace(Struct, frozen=True):
    """A place in a file where a control fails: line and column from 1, what was found, and what became of it."""

    line: int
    column: int
    message: str
    status: str


def explanation(
    control: Control, ruleset: Ruleset, file: str, uri: str | None, failures: Sequence[FailingPlace]
) -> str:
    """A page about a control.

    Args:
        control: the control.
        ruleset: what holds for the file.
        file: the name of the file in which it is looked at; empty for none.
        uri: its URI; None where there is nowhere to go.
        failures: where it fails in that file, in the order of the text.
    """
    return page(f"{control.id} {control.title}", _body(control, ruleset, file, uri, failures))


def _body(
    control: Control, ruleset: Ruleset, file: str, uri: str | None, failures: Sequence[FailingPlace]
) -> Iterator[str]:
    severity = ruleset.severities.get(control.id, control.severity)
    yield f'<h1 class="{severity.label}">{code(control.id)} {text(control.title)}</h1>'
    own = ", defined by this project" if control.id in ruleset.policies.replaced else ""
    yield (
        f'<p class="quiet"><span class="{severity.label} tone">{severity.label}</span> '
        f"&middot; score {control.score:g} &middot; {text(control.category)}{own}</p>"
    )
    yield heading("What it is, and what an attacker gains", "why")
    yield f"<p>{prose(control.description)}</p>"
    if control.condition:
        yield f"<p><b>{text(control.condition)}:</b> {text(control.unanswered)}.</p>"
    yield heading("How to fix it", "fix")
    yield f"<p>{prose(control.remediation)}</p>"
    if control.fixable:
        safe = all(check.fix.safe for check in control.checks if check.fix)
        how = (
            "a workload that runs keeps running as it does" if safe else "it may change how the workload runs"
        )
        yield quiet(f"The lightbulb on a finding makes this change, tried before it is offered; {how}.")
    if file:
        yield heading(f"In {name(file)}", "here")
        yield from _failures(file, uri, failures)
    yield from _standards(control, ruleset)
    yield from _inputs(control, ruleset)
    if not control.needs:
        yield heading("To accept a finding", "accept")
        yield f"<p>{code(f'# kscan:ignore {control.id} -- the reason')}</p>"
        yield quiet("on its line or the line above; the reason is shown in every report.")
    if control.references:
        yield heading("Read more", "references")
        yield "<ul>"
        yield from (f'<li><a href="{text(link)}">{text(link)}</a></li>' for link in control.references)
        yield "</ul>"


def _failures(file: str, uri: str | None, failures: Sequence[FailingPlace]) -> Iterator[str]:
    if not failures:
        yield quiet("It finds nothing here.")
        return
    places = PlaceLinks(lambda _: uri)
    rows: Iterable[Sequence[str]] = (
        (
            places.link(file, f"line {one.line}, column {one.column}", (one.line, one.column)),
            text(one.message)
            + ("" if one.status == "open" else f' <span class="quiet">({one.status})</span>'),
        )
        for one in failures
    )
    yield from table(rows)


def _standards(control: Control, ruleset: Ruleset) -> Iterator[str]:
    rows = []
    chosen = {framework.id for framework in ruleset.frameworks}
    for framework in ruleset.policies.frameworks.values():
        if control.id in members_of(framework, ruleset.policies):
            member = framework.members.get(control.id)
            section = f"section {text(member.section)}" if member and member.section else ""
            title = text(member.name) if member and member.name else ""
            mark = ' <span class="quiet">(checked here)</span>' if framework.id in chosen else ""
            rows.append((f"{text(framework.title)}{mark}", section, title))
    if rows:
        yield heading("Who asks for it", "standards")
        yield from table(rows)


def _inputs(control: Control, ruleset: Ruleset) -> Iterator[str]:
    if control.inputs:
        yield heading("What can be set for it in .kscan.yaml", "inputs")
        yield from table(
            (code(f"inputs.{one}"), text(in_a_line(ruleset.input(one, control.inputs[one]))) or "empty")
            for one in control.inputs
        )
