"""What `vap test` found out, as text for people, as JSON and as JUnit XML."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from kscan_lsp.report.printable import counted, printable
from kscan_lsp.testing.policies import PolicyAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kscan_lsp.report.model import FileRange
    from kscan_lsp.testing.policies import Judgement, Objection, PolicyVerdict, UnmetMark

_WIDTH: Final = max(map(len, PolicyAnswer))


class TestedPolicy(NamedTuple):
    """A policy that was asked. `assumed` is whether it was taken for bound, because no binding here binds it."""

    name: str
    file: str
    line: int
    bound: bool
    assumed: bool


class VapReport(NamedTuple):
    """The policies, in the order of their files, and what they say."""

    policies: tuple[TestedPolicy, ...]
    judgement: Judgement

    def of(self, policy: str) -> list[PolicyVerdict]:
        """What a policy says, in the order of the manifests."""
        return [verdict for verdict in self.judgement.verdicts if verdict.policy == policy]


def text(report: VapReport) -> str:
    """For people: a policy, and below it what it says of each object that it is about."""
    lines: list[str] = []
    for policy in report.policies:
        note = ", taken for bound with Deny: no binding here binds it" if policy.assumed else ""
        lines.append(f"{policy.name} ({policy.file}:{policy.line}){note}")
        verdicts = report.of(policy.name)
        for verdict in verdicts:
            lines += _said(verdict, report.judgement)
        if not verdicts:
            lines.append("  is about none of these objects" if policy.bound else "  is bound by nothing")
    for mark in report.judgement.unmet:
        lines.append(f"{_at(mark.file, mark.range)}: marked, and '{mark.policy}' objects to nothing there")
        lines += [f"  {part}" for part in mark.excerpt]
    return printable("\n".join([*lines, _summary(report)]) + "\n")


def _said(verdict: PolicyVerdict, judgement: Judgement) -> Iterator[str]:
    where = f"{verdict.file}:{verdict.line}"
    yield f"  {verdict.answer:<{_WIDTH}}  {_named(verdict)} ({'deleted; ' * verdict.deleted}{where})"
    if verdict.reason:
        yield f"      {verdict.reason}"
    for one in verdict.objections:
        expected = " (as marked)" if one.marked else ""
        if not one.marked and one.file in judgement.with_marks:
            expected = " (not marked)"
        yield f"      {_at(one.file, one.range)}: {one.message}{expected}"
        yield from (f"        {part}" for part in one.excerpt)


def _summary(report: VapReport) -> str:
    judgement = report.judgement
    answers = Counter(verdict.answer for verdict in judgement.verdicts)
    said = [f"{answers[answer]} {answer}" for answer in PolicyAnswer if answers[answer]]
    if judgement.with_marks:
        met = sum(one.marked for verdict in judgement.verdicts for one in verdict.objections)
        said.append(f"{met} of {counted(met + len(judgement.unmet), 'mark')} met")
    policies = counted(len(report.policies), "policy", "policies")
    return f"{policies}, {counted(len(judgement.verdicts), 'verdict')}: {', '.join(said) or 'nothing to say'}"


def as_json(report: VapReport) -> str:
    """As JSON: `policies`, their `verdicts`, and the marks that are `unmet`; lines and columns count from 1."""
    judgement = report.judgement
    made = {
        "schema": 1,
        "policies": [
            {"name": one.name, "file": one.file, "line": one.line, "bound": one.bound and not one.assumed}
            for one in report.policies
        ],
        "verdicts": [
            {
                "policy": one.policy,
                "resource": _resource(one),
                "file": one.file,
                "line": one.line,
                "operation": "DELETE" if one.deleted else None,
                "answer": one.answer.value,
                "expected": not judgement.is_unexpected(one),
                "reason": one.reason or None,
                "objections": [_objection(objection) for objection in one.objections],
            }
            for one in judgement.verdicts
        ],
        "unmet": [
            {"policy": mark.policy, "file": mark.file, "range": _range(mark.range)}
            for mark in judgement.unmet
        ],
    }
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _resource(verdict: PolicyVerdict) -> dict[str, str]:
    who = verdict.resource
    return {"apiVersion": who.api_version, "kind": who.kind, "namespace": who.namespace, "name": who.name}


def _objection(one: Objection) -> dict[str, Any]:
    return {
        "message": one.message,
        "file": one.file,
        "range": _range(one.range),
        "path": one.path,
        "marked": one.marked,
    }


def _range(where: FileRange) -> dict[str, dict[str, int]]:
    return {"start": where.start._asdict(), "end": where.end._asdict()}


def junit(report: VapReport) -> str:
    """As JUnit XML: a suite for each policy, a case for each object, and one with marks that are not met."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for policy in report.policies:
        cases = [(verdict, _outcome(verdict, report.judgement)) for verdict in report.of(policy.name)]
        failed = sum(outcome.startswith("<failure") for _, outcome in cases)
        skipped = sum(outcome.startswith("<skipped") for _, outcome in cases)
        lines.append(
            f'<testsuite name={_attribute(policy.name)} tests="{len(cases)}" failures="{failed}" '
            f'errors="0" skipped="{skipped}">'
        )
        for verdict, outcome in cases:
            name = f"{_named(verdict)} ({'deleted; ' * verdict.deleted}{verdict.file}:{verdict.line})"
            case = f"<testcase classname={_attribute(policy.name)} name={_attribute(name)}"
            lines.append(f"{case}>{outcome}</testcase>" if outcome else f"{case}/>")
        lines.append("</testsuite>")
    if unmet := report.judgement.unmet:
        lines.append(f'<testsuite name="marks" tests="{len(unmet)}" failures="{len(unmet)}" errors="0">')
        lines += map(_unmet_case, unmet)
        lines.append("</testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _outcome(verdict: PolicyVerdict, judgement: Judgement) -> str:
    if verdict.answer is PolicyAnswer.NOT_EVALUATED:
        return f"<skipped message={_attribute(verdict.reason)}/>"
    if not judgement.is_unexpected(verdict):
        return ""
    told = "\n".join(f"{_at(one.file, one.range)}: {one.message}" for one in verdict.objections)
    return f"<failure message={_attribute(verdict.answer)}>{escape(printable(told))}</failure>"


def _unmet_case(mark: UnmetMark) -> str:
    name = f"{mark.policy} at {_at(mark.file, mark.range)}"
    failure = '<failure message="the policy objects to nothing there"/>'
    return f'<testcase classname="marks" name={_attribute(name)}>{failure}</testcase>'


def _attribute(value: str) -> str:
    return quoteattr(printable(" ".join(value.split())))


def _named(verdict: PolicyVerdict) -> str:
    who = verdict.resource
    return f"{who.kind} {who.namespace}/{who.shown_name}" if who.namespace else f"{who.kind} {who.shown_name}"


def _at(file: str, where: FileRange) -> str:
    return f"{file}:{where.start.line}:{where.start.column}"


FORMS: Final[Mapping[str, Callable[[VapReport], str]]] = {"text": text, "json": as_json, "junit": junit}
"""By the names of the forms."""
