"""Suppressions: `# kscan:ignore C-0057 -- reason` in a comment, `kscan.dev/ignore` in an annotation.

A comment speaks for the line it is on, or, alone on its line, for the next line that is not a comment. An annotation
speaks for its whole object, for formats that have no comments. Neither ever hides that it is there: what is unknown,
expired, misplaced or has nothing to suppress is a problem at its place.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.findings import Problem, Suppression, fewer
from kscan_lsp.settings.suggest import nearest_name
from kscan_lsp.text import Span
from kscan_lsp.yaml.document import comments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.findings import Finding
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.yaml.document import Document

MARK: Final = "kscan:ignore"
ANNOTATION: Final = "kscan.dev/ignore"
EXAMPLE: Final = "C-0057"
"""What a message names as a control, where the user named none."""
_DOMAIN: Final = "kscan.dev/"

MAX_HINTS: Final = 20
"""Problems of one document that come with the nearest known name: comparing names is slow."""

_ALMOST: Final = re.compile(
    r"\bkscan(?:(?:\s*[:-]\s*|\.dev/)([a-z]+)|\s+([a-z]+)(?=\W+[a-z]+-\d))", re.IGNORECASE
)
"""What may have been meant as the mark; the word has to look like it, too."""

_ID: Final = re.compile(r"[A-Za-z]+-\d+")
_UNTIL: Final = re.compile(r"\buntil=(\S+)")


class Directive(Struct):
    """One request to suppress."""

    span: Span
    controls: tuple[str, ...]
    suppression: Suppression
    about: int | Verdicts | None
    """The line it speaks for, or the object; None where it stands before no line at all."""
    used: set[str] = set()


def may_suppress(document: Document) -> bool:
    """Whether a document can have directives at all: only of one that has does anything depend on the day."""
    return "kscan" in document.text.lower()


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
    if not may_suppress(document):
        return tuple(finding for verdict in verdicts for finding in verdict.findings), ()
    problems: list[Problem] = []
    directives = [*_comments(document, problems), *_annotations(verdicts, problems)]
    directives = [d for d in directives if _holds(d, ruleset, today, problems)]
    speaking: dict[tuple[int | Verdicts | None, str], list[Directive]] = {}
    for directive in directives:
        for control in directive.controls:
            speaking.setdefault((directive.about, control), []).append(directive)
    marked: list[Finding] = []
    for verdict in verdicts:
        for finding in verdict.findings:
            line = document.lines.position(finding.span.start).line
            heard = [d for about in (line, verdict) for d in speaking.get((about, finding.control), ())]
            for directive in heard:
                directive.used.add(finding.control)
            marked.append(replace(finding, suppression=heard[0].suppression) if heard else finding)
    if document.complete:
        problems += _unused(directives, verdicts, ruleset)
    return tuple(marked), fewer(tuple(problems))


def _comments(document: Document, problems: list[Problem]) -> Iterable[Directive]:
    index = document.lines
    saying = _lines_that_say_something(document) if MARK in document.text else []
    for offset, comment in comments(document):
        at = comment.find(MARK)
        if at < 0:
            problems += _misspelt(comment, offset)
            continue
        span = Span(offset + at, offset + len(comment.rstrip()))
        own = index.position(offset).line
        about: int | None = own
        if not document.text[index.starts[own] : offset].strip():
            following = bisect_right(saying, own)
            about = saying[following] if following < len(saying) else None
        yield from _directive(comment[at + len(MARK) :], span, "comment", about, problems)


def _misspelt(comment: str, offset: int) -> Iterable[Problem]:
    for almost in _ALMOST.finditer(comment):
        if get_close_matches((almost[1] or almost[2]).lower(), ["ignore"]):
            named = _ID.search(comment, almost.end())
            known = named[0].upper() if named else EXAMPLE
            message = f"'{almost[0]}' suppresses nothing; write '{MARK} {known} -- reason'"
            yield Problem(Span(offset + almost.start(), offset + almost.end()), message, "suppression")


def _lines_that_say_something(document: Document) -> list[int]:
    """The lines that are neither blank nor a comment."""
    text, index = document.text, document.lines
    contents = (text[index.starts[n] : index.content_end(n)].lstrip() for n in range(index.line_count))
    return [n for n, content in enumerate(contents) if content and not content.startswith("#")]


def _annotations(verdicts: tuple[Verdicts, ...], problems: list[Problem]) -> Iterable[Directive]:
    for verdict in verdicts:
        metadata = verdict.resource.data.get("metadata")
        annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
        for key, value in annotations.items() if isinstance(annotations, dict) else ():
            if not key.lower().startswith("kscan"):
                continue
            span = verdict.resource.span(("metadata", "annotations", key)).span
            if key != ANNOTATION:
                if key.lower().startswith(_DOMAIN) or get_close_matches(
                    key.lower(), [ANNOTATION], cutoff=0.8
                ):
                    message = f"'{key}' suppresses nothing; write '{ANNOTATION}: {EXAMPLE} -- reason'"
                    problems.append(Problem(span, message, "suppression"))
            elif isinstance(value, str):
                yield from _directive(value, span, "annotation", verdict, problems)


def _directive(
    text: str,
    span: Span,
    kind: Literal["comment", "annotation"],
    about: int | Verdicts | None,
    problems: list[Problem],
) -> Iterable[Directive]:
    head, _, reason = text.partition("--")
    day = _UNTIL.search(head)
    if day:
        head = head[: day.start()] + head[day.end() :]
    names = [name for name in re.split(r"[,\s]+", head) if name]
    wrong = [name for name in names if not _ID.fullmatch(name)]
    ids = tuple(name.upper() for name in names if _ID.fullmatch(name))
    if wrong or not ids:
        # what cannot be read may be the day from which it must not count any more
        what = f"'{wrong[0]}' is no control id" if wrong else "no control is named"
        known = ", ".join(ids) or EXAMPLE
        until = " until=2027-01-31" if any(name.lower().startswith("until") for name in wrong) else ""
        message = f"this suppresses nothing: {what}; write '{MARK} {known}{until} -- reason'"
        problems.append(Problem(span, message, "suppression"))
    else:
        yield Directive(span, ids, Suppression(kind, reason.strip(), day[1] if day else ""), about)


def _holds(directive: Directive, ruleset: Ruleset, today: date, problems: list[Problem]) -> bool:
    """Whether a directive counts; says why where it does not."""
    known = ruleset.policies.controls
    for control in directive.controls:
        if control not in known:
            hint = nearest_name(control, list(known)) if len(problems) < MAX_HINTS else ""
            message = f"unknown control '{control}'{hint}"
            problems.append(Problem(directive.span, message, "suppression"))
    if directive.about is None:
        message = (
            "this comment has no line to speak for; put it on the line of the finding, or on the line above"
        )
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


def _unused(
    directives: list[Directive], verdicts: tuple[Verdicts, ...], ruleset: Ruleset
) -> Iterable[Problem]:
    """Directives with nothing to suppress; nobody knows that of a control that could not be evaluated."""
    open_questions = {entry.control for verdict in verdicts for entry in verdict.unevaluated}
    for directive in directives:
        judged = [c for c in directive.controls if c in ruleset.controls and c not in open_questions]
        if idle := [control for control in judged if control not in directive.used]:
            message = f"nothing to suppress: {', '.join(idle)} finds nothing here; remove it"
            yield Problem(directive.span, message, "suppression")
