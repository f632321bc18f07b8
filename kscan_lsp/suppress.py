"""Suppressions: `# kscan:ignore C-0057 -- reason` in a comment, `kscan.dev/ignore` in an annotation.

A comment speaks for the line it is on, or, alone on its line, for the next line that is not a comment. An annotation
speaks for its whole object, for formats that have no comments. Neither ever hides that it is there: what is unknown,
expired, misplaced or has nothing to suppress is a problem at its place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Final

from kscan_lsp.documents import comments
from kscan_lsp.findings import Problem, Suppression
from kscan_lsp.text import Span
from kscan_lsp.validate import nearest_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.documents import Document
    from kscan_lsp.engine import Verdicts
    from kscan_lsp.findings import Finding
    from kscan_lsp.ruleset import Ruleset

MARK: Final = "kscan:ignore"
ANNOTATION: Final = "kscan.dev/ignore"

_ID: Final = re.compile(r"[A-Za-z]+-\d+")
_UNTIL: Final = re.compile(r"\buntil=(\S+)")


@dataclass(slots=True)
class Directive:
    """One request to suppress. `line` is the line it speaks for; -1 for an object; None for no line at all."""

    span: Span
    controls: tuple[str, ...]
    suppression: Suppression
    line: int | None
    verdicts: Verdicts | None = None
    used: set[str] = field(default_factory=set)


def suppress(
    document: Document, verdicts: tuple[Verdicts, ...], ruleset: Ruleset, today: date
) -> tuple[tuple[Finding, ...], tuple[Problem, ...]]:
    """Mark the findings of a document that its comments and annotations suppress.

    Args:
        document: the document.
        verdicts: what the engine says about its resources.
        ruleset: the controls that are on; a suppression of another known control is left alone.
        today: the day that `until` is compared with.

    Returns:
        All findings, the suppressed ones marked; and what is wrong with the suppressions.
    """
    found = [finding for verdict in verdicts for finding in verdict.findings]
    if MARK not in document.text and ANNOTATION not in document.text:
        return tuple(found), ()
    problems: list[Problem] = []
    directives = [*_comments(document, problems), *_annotations(verdicts, problems)]
    directives = [d for d in directives if _holds(d, ruleset, today, problems)]
    marked: list[Finding] = []
    for verdict in verdicts:
        for finding in verdict.findings:
            line = document.lines.position(finding.span.start).line
            hit = next((d for d in directives if _speaks_for(d, finding, line, verdict)), None)
            if hit is not None:
                hit.used.add(finding.control)
                finding = replace(finding, suppression=hit.suppression)  # noqa: PLW2901
            marked.append(finding)
    if document.complete:
        problems += _unused(directives, ruleset)
    return tuple(marked), tuple(problems)


def _comments(document: Document, problems: list[Problem]) -> Iterable[Directive]:
    if MARK not in document.text:
        return
    lines = document.text.split("\n")  # comments of a YAML document end with their line, and so does a lone '\r' one
    for offset, comment in comments(document):
        at = comment.find(MARK)
        if at < 0:
            continue
        span = Span(offset + at, offset + len(comment.rstrip()))
        own = document.lines.position(offset).line
        alone = not document.text[document.lines.starts[own] : offset].strip()
        line: int | None = own
        if alone:
            following = range(own + 1, min(len(lines), document.lines.line_count))
            line = next((n for n in following if lines[n].strip() and not lines[n].lstrip().startswith("#")), None)
        yield from _directive(comment[at + len(MARK) :], span, "comment", line, problems)


def _annotations(verdicts: tuple[Verdicts, ...], problems: list[Problem]) -> Iterable[Directive]:
    for verdict in verdicts:
        metadata = verdict.resource.data.get("metadata")
        annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
        value = annotations.get(ANNOTATION) if isinstance(annotations, dict) else None
        if isinstance(value, str):
            span = verdict.resource.span(("metadata", "annotations", ANNOTATION)).span
            for directive in _directive(value, span, "annotation", -1, problems):
                directive.verdicts = verdict
                yield directive


def _directive(
    text: str, span: Span, kind: str, line: int | None, problems: list[Problem]
) -> Iterable[Directive]:
    head, _, reason = text.partition("--")
    until = _UNTIL.search(head)
    if until:
        head = head[: until.start()] + head[until.end() :]
    names = [name for name in re.split(r"[,\s]+", head) if name]
    wrong = [name for name in names if not _ID.fullmatch(name)]
    if wrong or not names:
        what = f"'{wrong[0]}' is no control id" if wrong else "no control is named"
        message = f"{what}; write '{MARK} C-0057 -- reason', several ids separated by commas"
        problems.append(Problem(span, message, "suppression"))
    ids = tuple(name.upper() for name in names if _ID.fullmatch(name))
    if ids:
        suppression = Suppression(
            "annotation" if kind == "annotation" else "comment", reason.strip(), until[1] if until else ""
        )
        yield Directive(span, ids, suppression, line)


def _holds(directive: Directive, ruleset: Ruleset, today: date, problems: list[Problem]) -> bool:
    """Whether a directive counts; says why where it does not."""
    known = ruleset.policies.controls
    for control in directive.controls:
        if control not in known:
            message = f"unknown control '{control}'{nearest_name(control, list(known))}"
            problems.append(Problem(directive.span, message, "suppression"))
    if directive.line is None:
        message = "this comment has no line to speak for; put it on the line of the finding, or on the line above"
        problems.append(Problem(directive.span, message, "suppression"))
        return False
    if until := directive.suppression.until:
        try:
            expired = date.fromisoformat(until) < today
        except ValueError:
            message = f"'until={until}' is no date; write it as until=2027-01-31"
            problems.append(Problem(directive.span, message, "suppression"))
            return False
        if expired:
            message = f"this suppression expired on {until}: fix the finding, or give it a new date"
            problems.append(Problem(directive.span, message, "suppression"))
            return False
    return True


def _speaks_for(directive: Directive, finding: Finding, line: int, verdict: Verdicts) -> bool:
    if finding.control not in directive.controls:
        return False
    if directive.verdicts is not None:
        return directive.verdicts is verdict
    return directive.line == line


def _unused(directives: list[Directive], ruleset: Ruleset) -> Iterable[Problem]:
    for directive in directives:
        if idle := [c for c in directive.controls if c in ruleset.controls and c not in directive.used]:
            named = ", ".join(idle)
            yield Problem(directive.span, f"nothing to suppress: {named} finds nothing here; remove it", "suppression")
