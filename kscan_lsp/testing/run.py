"""Runs the tests inside control files: manifests with the expected findings marked under the text (`marks.py`).

Marks are taken out before the manifest is read. A manifest without marks must be clean. A control that needs more than
a manifest says is tested for the objects that it is about: marks stand where it tells so. `fixed`, where given, is the
manifest after all of the control's fixes, byte for byte.
"""

from __future__ import annotations

import difflib
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.findings import fingerprint
from kscan_lsp.fixes.verify import Site, fixes_of
from kscan_lsp.policy import ruleset
from kscan_lsp.redaction import shown
from kscan_lsp.regex import regex
from kscan_lsp.report.file_text import FileText
from kscan_lsp.report.model import FileRange
from kscan_lsp.report.snippet import snippet
from kscan_lsp.settings.model import Settings
from kscan_lsp.testing.evidence import evidence_of
from kscan_lsp.testing.marks import Mark, read_marks
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.policy.model import Control, ControlSource, PolicySet
    from kscan_lsp.policy.schema import TestFile
    from kscan_lsp.text import Span
    from kscan_lsp.workspace.results import CheckedFile

_CARETS: Final = regex(r"^\s*#\s*<?\^+\s*(.*?)\s*$")
_ABSENT: Final = regex(r"a field is missing: (\w+)")
_FILE: Final = "manifest.yaml"
_WIDTH: Final = 200
"""Cells that a line of a manifest may take."""
_TODAY: Final = date(2026, 1, 1)
"""Tests of controls have no suppressions that could expire; any fixed day does."""


class Outcome(Struct, frozen=True):
    """One test of one control. An empty `failure` is a pass; `span` is the test's place in the control's file."""

    control: str
    name: str
    source: ControlSource
    failure: str
    span: Span


class _Case(NamedTuple):
    """A test with its manifest judged by the control alone; `error` is what is wrong with its settings."""

    test: TestFile
    manifest: str
    marks: list[Mark]
    project: Project
    error: str


def run_tests(control: Control, policies: PolicySet) -> list[Outcome]:
    """Run all tests of one control; a control that none of them shows at work fails, too."""
    source = policies.sources[control.id]
    cases = [_case(control, policies, test) for test in source.tests]
    outcomes = [
        Outcome(control.id, case.test.name, source, _failure(control, case, source),
                span_at(source.document, ("tests", index, "name")))
        for index, case in enumerate(cases)
    ]  # fmt: skip
    if not any(outcome.failure for outcome in outcomes) and (gap := _coverage_gap(control, cases)):
        outcomes.append(Outcome(control.id, "", source, gap, span_at(source.document, ("id",))))
    return outcomes


class FoundByTest(NamedTuple):
    """What a control finds in the manifest of a test, whatever is marked there."""

    manifest: str
    """Without marks."""
    marks: tuple[Mark, ...]
    """As they would have to be, in the order of the text."""
    checks: frozenset[int]
    """The numbers of the checks that found any of it."""


def found_by(control: Control, policies: PolicySet, test: TestFile) -> FoundByTest | None:
    """What a control finds in the manifest of a test; None where that cannot be judged, or not fully."""
    case = _case(control, policies, test)
    marks: list[Mark] = []
    checks: set[int] = set()
    for placed in _only(case.project).documents:
        document = placed.checked.document
        for verdicts in placed.checked.verdicts:
            reported = _reported(control, verdicts)
            if document.problems or reported is None:
                return None
            for span, messages in reported:
                start, end = document.lines.position(span.start), document.lines.position(span.end)
                place = placed.line + start.line, start.column, end.column
                marks += [Mark(*place, (control.id,))] * len(messages)
            checks |= {cause.check for finding in verdicts.findings for cause in finding.causes}
    return None if case.error else FoundByTest(case.manifest, tuple(_in_order(marks)), frozenset(checks))


def _in_order(marks: list[Mark]) -> list[Mark]:
    """Marks in the order of the text; those of one place are one, which says how many they are."""
    counts = Counter((mark.line, mark.start, mark.end, mark.controls) for mark in marks)
    return [Mark(*place, (times,) if times > 1 else ()) for place, times in sorted(counts.items())]


def _reported(control: Control, verdicts: Verdicts) -> list[tuple[Span, list[str]]] | None:
    """What a control says of a resource, each with its place; None where it could not be evaluated.

    A finding says its message as often as checks fail for it: those of one path are one finding.
    """
    reported = [
        (finding.span, [finding.message] * max(len(finding.causes), 1)) for finding in verdicts.findings
    ]
    if control.needs and not verdicts.problems:
        unevaluated = verdicts.unevaluated
        return reported + [(verdicts.resource.resolve(u.path).span, [u.reason]) for u in unevaluated]
    return None if verdicts.problems or verdicts.unevaluated else reported


def _case(control: Control, policies: PolicySet, test: TestFile) -> _Case:
    manifest, marks = read_marks(test.manifest)
    rules, wrong = ruleset.choose(policies, settings_of(test), only=(control.id,))
    evidence, unreadable = evidence_of(test.evidence, _TODAY)
    project = Project(Evaluator(rules, evidence)).with_file(test.path or _FILE, manifest)
    return _Case(test, manifest, marks, project, wrong[0].message if wrong else unreadable)


def _coverage_gap(control: Control, cases: Sequence[_Case]) -> str:
    """What no test of a control shows; empty where they show that it finds something, and that a fix of it holds."""
    if not cases:
        return "this control has no tests: add a manifest that fails and one that passes"
    if not any(case.marks for case in cases):
        return f"no test shows what this control finds: mark the place in a manifest that fails, '# ^^^ {control.id}'"
    refused = ""
    for case in cases:
        checked_file = _only(case.project)
        for number, checked in enumerate(checked_file.parts):
            for finding in checked.findings:
                if finding.fixable:
                    options, reason = fixes_of(Site(case.project, checked_file.path, number), finding)
                    if options:
                        return ""
                    refused = refused or reason
    return refused and f"no test shows a fix that holds: {refused}"


def _only(project: Project) -> CheckedFile:
    """The one file of a test."""
    return next(iter(project.files.values()))


def settings_of(test: TestFile) -> Settings:
    """The settings that a test asks for."""
    chosen = {"inputs": test.inputs, "kubernetesVersion": test.kubernetes_version or None}
    return Settings.of(chosen)


def _failure(control: Control, case: _Case, source: ControlSource) -> str:
    """Why a test fails; empty where it passes."""
    if error := _mark_error(case.manifest, case.marks, control.id) or case.error:
        return error
    expected = {
        (mark.line, mark.start, mark.end): mark.times_of(control.id)
        for mark in case.marks
        if control.id in mark.controls
    }
    found: dict[tuple[int, int, int], list[str]] = {}
    for placed in _only(case.project).documents:
        document = placed.checked.document
        if document.problems:
            return f"the manifest has a problem: {document.problems[0].message}"
        for verdicts in placed.checked.verdicts:
            reported = _reported(control, verdicts)
            if reported is None:
                reasons = [p.message for p in verdicts.problems] + [u.reason for u in verdicts.unevaluated]
                hint = _how_to_ask(reasons[0], control, source)
                return f"{verdicts.resource.id.kind} was not evaluated: {reasons[0]}{hint}"
            messages = [message for _, said in reported for message in said]
            if unfilled := [m for m in messages if _is_unfilled(m, control, case.manifest)]:
                return f"something in braces gives nothing, and is printed as '?': {unfilled[0]}"
            for span, said in reported:
                start, end = document.lines.position(span.start), document.lines.position(span.end)
                found.setdefault((placed.line + start.line, start.column, end.column), []).extend(said)
    if wrong := _difference(FileText(_only(case.project), case.project.ruleset), expected, found):
        return wrong
    if case.test.fixed is None:
        return ""
    fixed, reason = _all_fixed(case.project)
    if fixed == case.test.fixed:
        return ""
    lines = difflib.unified_diff(
        shown(case.test.fixed).splitlines(), shown(fixed).splitlines(), "expected", "fixed", lineterm="", n=1
    )
    differs = [*lines] or ["in values that may be secrets, and are not shown"]
    return "\n".join([f"the fixed manifest differs{f' ({reason})' if reason else ''}:", *differs])


def _how_to_ask(reason: str, control: Control, source: ControlSource) -> str:
    """How a sentence about a field that is missing goes on: how to ask for it, and where; empty for any other."""
    found = _ABSENT.fullmatch(reason)
    for number, check in enumerate(control.checks) if found else ():
        if found and found[1] in check.deny.reading.names:
            span = span_at(source.document, ("checks", number, "deny"))
            line = source.document.lines.position(span.start).line + 1
            return f"; where it may be, ask for '.?{found[1]}.orValue(...)' (line {line} of the control)"
    return ""


def _is_unfilled(message: str, control: Control, manifest: str) -> bool:
    """Whether a message shows that a part of it could not be filled in."""
    written = (part for check in control.checks for part in check.message.parts if isinstance(part, str))
    return "?" in message and "?" not in manifest and not any("?" in part for part in written)


def _mark_error(manifest: str, marks: list[Mark], control: str) -> str:
    """What is meant as a mark for a control and is none; empty where there is nothing of the kind."""
    for number, line in enumerate(manifest.splitlines(), start=1):
        if found := _CARETS.match(line):
            reason = f"'{found[1]}' is no control id" if found[1] else "no control is named"
            return f"a mark that means nothing, at line {number} of the manifest: {reason}; write '# ^^^ {control}'"
    for mark in marks:
        if control not in mark.controls:
            named = ", ".join(mark.controls)
            return (
                f"line {mark.line + 1} of the manifest is marked for {named}, and this is a test of {control}"
            )
    return ""


def _all_fixed(project: Project) -> tuple[str, str]:
    """Every fix made, where there is a choice the first; and why one was not made."""
    refused: set[str] = set()
    reason = ""
    while (made := _first_fix(project, refused)) is not None:
        if isinstance(made, str):
            reason = made
        else:
            project = made
            refused.clear()  # what could not be fixed may be possible now
    return _only(project).text, reason


def _first_fix(project: Project, refused: set[str]) -> Project | str | None:
    """The project with one more fix made, or why one cannot be made; None where there is nothing left to try."""
    file = _only(project)
    for number, placed in enumerate(file.documents):
        for finding in placed.checked.findings:
            if finding.fixable and fingerprint(finding, 0) not in refused:
                options, reason = fixes_of(Site(project, file.path, number), finding)
                if options:
                    return project.with_document(file.path, number, options[0].text)
                refused.add(fingerprint(finding, 0))
                return reason
    return None


def _difference(
    manifest: FileText,
    expected: dict[tuple[int, int, int], int],
    found: dict[tuple[int, int, int], list[str]],
) -> str:
    """What is not found as it is marked; empty where all is."""

    def described(mark: tuple[int, int, int], difference: str) -> str:
        line, start, end = mark
        place = FileRange(line + 1, start + 1, line + 1, end + 1)
        text, carets = snippet(manifest.line(line + 1), place, _WIDTH)
        return f"{difference} at line {line + 1} of the manifest, columns {start + 1} to {end}:\n  {text}\n  {carets}"

    missed = [described(mark, "nothing reported") for mark in sorted(expected.keys() - found.keys())]
    extra = [
        described(mark, f"unexpected '{found[mark][-1]}'") for mark in sorted(found.keys() - expected.keys())
    ]
    other = [
        described(mark, f"{len(found[mark])} reported, not {times}")
        for mark, times in sorted(expected.items())
        if times and mark in found and times != len(found[mark])
    ]
    return "\n".join(missed + extra + other)
