"""What becomes of the findings of a document: what links say of a line goes before what they say of a whole object.

A directive counts on the day of its `until` and not on the day after. What does not count, and what counts and has
nothing to accept, is a problem where it was said.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.dispositions.annotations import by_annotation
from kscan_lsp.dispositions.comments import by_comment
from kscan_lsp.dispositions.directives import NO_DIRECTIVES, NO_REASON_YET, Directives
from kscan_lsp.findings import Problem, fewer
from kscan_lsp.policy.admission import is_of_admission
from kscan_lsp.settings.suggest import nearest_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kscan_lsp.dispositions.directives import Directive, DispositionLink
    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.findings import Finding
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.yaml.document import Document

LINKS: Final[tuple[DispositionLink, ...]] = (by_comment, by_annotation)
"""In the order in which they are asked."""

MAX_HINTS: Final = 20
"""Problems of one document that come with the nearest known name: comparing names is slow."""


class Disposed(Struct, frozen=True):
    """What became of the findings of a document."""

    verdicts: tuple[Verdicts, ...]
    """With a disposition in each finding that is not open."""
    problems: tuple[Problem, ...]
    """What is wrong with the directives."""
    dated: bool
    """Whether any of it depends on the day."""


def directives_of(document: Document, verdicts: Sequence[Verdicts]) -> Directives:
    """What all links find in a document, whatever is said about its resources."""
    answers = [link(document, verdicts) for link in LINKS]
    found = [directive for answer in answers for directive in answer.found]
    problems = [problem for answer in answers for problem in answer.problems]
    return Directives(found, problems) if found or problems else NO_DIRECTIVES


def dispose(
    document: Document, said: Directives, verdicts: tuple[Verdicts, ...], ruleset: Ruleset, today: date
) -> Disposed:
    """Decide what becomes of the findings of a document.

    Args:
        document: the document.
        said: what is asked for in it.
        verdicts: what the engine says about its resources.
        ruleset: the controls that are on; a directive about another known control is left alone.
        today: the day that `until` is compared with.
    """
    if not (said.found or said.problems):  # as of most
        return Disposed(verdicts, (), dated=False)
    problems = list(said.problems)
    dated = any(directive.disposition.until for directive in said.found)
    directives = [directive for directive in said.found if _counts(directive, ruleset, today, problems)]
    if not directives:
        return Disposed(verdicts, fewer(tuple(problems)), dated)
    by_target: dict[tuple[int | Path | None, str], list[Directive]] = {}
    for directive in directives:
        for control in directive.controls:
            by_target.setdefault((directive.target, control), []).append(directive)
    used: set[tuple[int | Path | None, str]] = set()
    disposed: list[Verdicts] = []
    for verdict in verdicts:
        findings: list[Finding] = []
        for finding in verdict.findings:
            targets = _targets(document, verdict.resource, finding)
            applying = [key for target in targets if (key := (target, finding.control)) in by_target]
            used.update(applying)
            first = by_target[applying[0]][0].disposition if applying else None
            findings.append(replace(finding, disposition=first) if first else finding)
        disposed.append(replace(verdict, findings=tuple(findings)))
    if document.complete:
        problems += _unused(directives, used, verdicts, ruleset)
    return Disposed(tuple(disposed), fewer(tuple(problems)), dated)


def _targets(document: Document, resource: Resource, finding: Finding) -> Iterator[int | Path]:
    """What a directive about a finding may speak for, what is nearest first."""
    yield document.lines.line_of(finding.span.start)
    for template in resource.templates:
        if template.path and finding.path[: len(template.path)] == template.path:
            yield (*resource.root, *template.path)
    yield resource.root


def _counts(directive: Directive, ruleset: Ruleset, today: date, problems: list[Problem]) -> bool:
    """Whether a directive counts; notes a problem where it does not, or not wholly."""

    def wrong(message: str) -> None:
        problems.append(Problem(directive.disposition.span, message, "suppression"))

    known = ruleset.policies.controls
    for control in directive.controls:
        if control not in known and not is_of_admission(control):
            hint = nearest_name(control, list(known)) if len(problems) < MAX_HINTS else ""
            wrong(f"unknown control '{control}'{hint}")
    said = directive.disposition
    if said.by == "annotation" and not (said.reason or directive.unexplained):
        # it speaks for more than a line, far from what it is about
        named = ", ".join(directive.controls)
        wrong(f"this suppresses nothing without a reason; write '{named} -- reason'")
        return False
    if directive.disposition.reason == NO_REASON_YET:
        wrong(f"this suppression has no reason yet; put one in place of '{NO_REASON_YET}'")
    if directive.target is None:
        wrong(
            "this comment has no line to speak for; put it on the line of the finding, or on the line above"
        )
        return False
    if until := directive.disposition.until:
        try:
            expired = date.fromisoformat(until) < today
        except ValueError:
            wrong(f"'until={until}' is no date; write it as until=2027-01-31")
            return False
        if expired:
            wrong(f"this suppression expired on {until}: fix the finding, or give it a new date")
            return False
    return True


def _unused(
    directives: Iterable[Directive],
    used: set[tuple[int | Path | None, str]],
    verdicts: Iterable[Verdicts],
    ruleset: Ruleset,
) -> Iterable[Problem]:
    """Directives with nothing to accept; nobody knows that of a control that could not be evaluated."""
    unevaluated = {entry.control for verdict in verdicts for entry in verdict.unevaluated}
    for directive in directives:
        judged = [c for c in directive.controls if c in ruleset.controls and c not in unevaluated]
        if idle := [control for control in judged if (directive.target, control) not in used]:
            message = f"nothing to suppress: {', '.join(idle)} finds nothing here; remove it"
            yield Problem(directive.disposition.span, message, "suppression")
