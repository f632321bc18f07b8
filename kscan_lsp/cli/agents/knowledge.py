"""What can be checked, which controls concern a field, what tests and the baseline say: answers to agents.

As in `answers`, what a workspace says is below a key `fromWorkspace`; that is the titles of its own controls, too.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

from kscan_lsp.cli.agents.answers import RENDERED
from kscan_lsp.cli.agents.asked import MOST, inside, quoted, scanned, some
from kscan_lsp.cli.agents.fields import controls_of
from kscan_lsp.cli.baselines import baseline_here
from kscan_lsp.cli.options import UsageError
from kscan_lsp.cli.test import run as run_policy_tests
from kscan_lsp.findings import Severity
from kscan_lsp.kubernetes.pod_templates import PLACES
from kscan_lsp.paths import parse_pattern
from kscan_lsp.policy.explain import standards
from kscan_lsp.policy.ruleset import members_of
from kscan_lsp.report.catalog import matching
from kscan_lsp.report.places import range_of
from kscan_lsp.settings.suggest import nearest_name
from kscan_lsp.workspace.policies import builtin_policies

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from kscan_lsp.cli.agents.asked import Question
    from kscan_lsp.policy.inputs import Bound
    from kscan_lsp.policy.ruleset import Ruleset


def explain(words: str, ruleset: Ruleset) -> dict[str, Any]:
    """What a control is about, or the controls whose titles have some words."""
    policies = ruleset.policies
    control = policies.controls.get(words.strip().upper())
    ids = [] if control else matching(words.split(), policies)
    if control is None and len(ids) == 1:
        control = policies.controls[ids[0]]
    if control is None and not ids:
        hint = nearest_name(words.strip().upper(), list(policies.controls))
        raise UsageError(f"there is no control '{quoted(words)}', and no title has that{hint}")
    if control is None:
        return {"controls": [_row(i, ruleset) for i in ids[:MOST]]}
    said = {
        "title": control.title,
        "description": control.description,
        "remediation": control.remediation,
        "unanswered": control.unanswered,
        "references": list(control.references),
    }
    chosen = {
        "frameworks": standards(control.id, policies)[:MOST],
        "inputs": {name: _first(ruleset.input(name, control.inputs[name])) for name in control.inputs},
    }
    own = _is_own(control.id, ruleset)
    return {
        "control": control.id,
        "severity": ruleset.severities.get(control.id, control.severity).label,
        "on": control.id in ruleset.controls,
        "hasFix": control.fixable,
        "safeFix": control.fixable and all(one.fix.safe for one in control.checks if one.fix),
        **({} if own else said),
        "fromWorkspace": {**chosen, **(said if own else {})},
    }


def _first(value: Bound) -> Bound:
    """The first entries of an input."""
    if isinstance(value, dict):
        return {key: texts[:50] for key, texts in islice(value.items(), 50)}
    return value[:50] if isinstance(value, list) else value


def controls(ruleset: Ruleset, framework: str, *, only_on: bool) -> dict[str, Any]:
    """The controls there are, or those of a framework."""
    policies = ruleset.policies
    ids: Sequence[str] = tuple(policies.controls)
    if framework:
        chosen = policies.framework(framework)
        if chosen is None:
            hint = nearest_name(framework, list(policies.frameworks))
            raise UsageError(f"there is no framework '{quoted(framework)}'{hint}")
        ids = members_of(chosen, policies)
    rows = [_row(i, ruleset) for i in ids if not only_on or i in ruleset.controls]
    return {"controls": rows, "count": len(rows)}


def _row(i: str, ruleset: Ruleset) -> dict[str, Any]:
    control = ruleset.policies.controls[i]
    row: dict[str, Any] = {
        "id": i,
        "severity": ruleset.severities.get(i, control.severity).label,
        "on": i in ruleset.controls,
    }
    title = quoted(control.title)
    return {**row, "fromWorkspace": {"title": title}} if _is_own(i, ruleset) else {**row, "title": title}


def _is_own(i: str, ruleset: Ruleset) -> bool:
    """Whether the workspace defines a control."""
    known = builtin_policies().controls
    return i not in known or i in ruleset.policies.replaced


def frameworks(ruleset: Ruleset) -> dict[str, Any]:
    """The frameworks there are."""
    known, policies = builtin_policies().frameworks, ruleset.policies
    rows: list[dict[str, Any]] = []
    for one in sorted(policies.frameworks.values(), key=lambda one: one.id):
        there = members_of(one, policies)
        own = one.id not in known or one.id in policies.replaced
        row = {"id": one.id, "controls": len(there), "on": sum(i in ruleset.controls for i in there)}
        rows.append({**row, "fromWorkspace": {"title": one.title}} if own else {**row, "title": one.title})
    return {"frameworks": rows}


def field(
    path: str, ruleset: Ruleset, today: date, *, kind: str, group: str, question: Question | None
) -> dict[str, Any]:
    """Which controls a field concerns, and what they found there where a file or text is named."""
    try:
        wanted = parse_pattern(path)
    except ValueError as error:
        raise UsageError(f"'{quoted(path)}' is no path of a field: {quoted(str(error))}") from None
    if not wanted:
        raise UsageError("name a field, such as spec.template.spec.containers[*].securityContext.privileged")
    if question is None:
        return {"controls": _concerned(wanted, group, kind, ruleset)}
    scan = scanned(question, today)
    rendered = [one for one in scan.skipped if one.reason in RENDERED]
    if rendered and all(file.checked.skipped for file in scan.files):
        return {
                "controls": _concerned(wanted, group, kind, ruleset),
                "rendered": False,
                "why": "this is part of a chart or an overlay that is not rendered here: what sets the field is "
                "not known; render it, and check the text",
                "fromWorkspace": {"render": quoted(rendered[0].hint)},
            }  # fmt: skip
    objects = []
    for file in scan.files:
        for placed in file.checked.documents:
            for verdicts in placed.checked.verdicts:
                who = verdicts.resource.id
                if kind and who.kind != kind:
                    continue
                here = [f for f in verdicts.findings if _overlaps(wanted, f.path)]
                objects.append({
                    "controls": _concerned(wanted, who.group, who.kind, file.project.ruleset),
                    "findings": [
                        {
                            "control": f.control,
                            "status": f.status,
                            "fromWorkspace": {
                                "line": range_of(placed.locate(f.span), file.project).start.line,
                                "path": quoted(f.printed_path),
                                "message": quoted(f.message),
                            },
                        }
                        for f in here[:MOST]
                    ],
                    "fromWorkspace": {
                        "file": quoted(file.checked.path), "object": quoted(f"{who.kind} {who.shown_name}")
                    },
                })  # fmt: skip
    return {"rendered": True, "objects": objects[:20], "left": max(len(objects) - 20, 0)}


def _overlaps(wanted: Sequence[object], path: Sequence[object]) -> bool:
    """Whether one lies in the other; None among what is wanted is any element."""
    pairs = list(zip(wanted, path, strict=False))
    return bool(pairs) and all(one is None or one == other for one, other in pairs)


def _concerned(wanted: Any, group: str, kind: str, ruleset: Ruleset) -> list[dict[str, Any]]:
    return [
        {
            **_row(one.control, ruleset),
            "reports": "at this field" if one.points else "elsewhere, having read it",
        }
        for one in islice(controls_of(wanted, group, kind, ruleset), MOST)
    ]


def group_of(kind: str, api_version: str) -> str:
    """The API group of a kind: that of an `apiVersion`, or of the only kind of that name that is known to run pods."""
    if api_version:
        return api_version.rpartition("/")[0]
    found = [group for group, name in PLACES if name == kind]
    return found[0] if found else ""


def policy_tests(path: str, only: Sequence[str]) -> dict[str, Any]:
    """What the tests inside control files say."""
    inside(path)
    tested = run_policy_tests([path], only)
    failures = [
        {
            "fromWorkspace": {
                "control": quoted(control.id),
                "test": quoted(outcome.name),
                "failure": outcome.failure[:1_000],
            }
        }
        for control, outcomes in tested.outcomes
        for outcome in outcomes
        if outcome.failure
    ]
    return {
        "passed": tested.status == 0,
        "controls": len(tested.outcomes),
        "tests": sum(len(outcomes) for _, outcomes in tested.outcomes),
        "failures": failures[:MOST],
        "problems": some(
            {
                "fromWorkspace": {
                    "file": quoted(one.source),
                    "line": one.document.lines.position(one.problem.span.start).line + 1,
                    "message": quoted(one.problem.message),
                }
            }
            for one in tested.problems
        ),
    }


def baseline(limit: int) -> dict[str, Any]:
    """What is in the baseline of the settings."""
    known, name = baseline_here(None, None)
    severities = Counter(one.severity for one in known.findings for _ in range(one.count))
    return {
        "date": quoted(known.date),
        "findings": sum(one.count for one in known.findings),
        "severities": {one.label: severities[one.label] for one in sorted(Severity, reverse=True)},
        "entries": [
            {
                "fingerprint": quoted(one.fingerprint),
                "count": one.count,
                "fromWorkspace": {
                    "control": quoted(one.control),
                    "file": quoted(one.file),
                    "object": quoted(one.object),
                    "path": quoted(one.path),
                    "since": quoted(one.since),
                    "owner": quoted(one.owner),
                    "reason": quoted(one.reason),
                },
            }
            for one in known.findings[:limit]
        ],
        "left": max(len(known.findings) - limit, 0),
        "fromWorkspace": {"file": quoted(name)},
    }
