"""Compare what kscan says by rules that were written for Kubescape with what cases expect of these rules.

    python benchmarks/kubescape_cases.py LIBRARY CASES [--all]

LIBRARY is a folder of controls, such as a checkout of Kubescape's control library: its rules are loaded as settings
would load them, but for ids that come with kscan, which are not in the way here. CASES has a folder for each rule, with
one for each case in it: manifests and a `case.json` with `rule`, `inputs`, and `alerts`, each with `any_of` the objects
that have to be named, and the paths in them. A case agrees where each alert is found on one of its objects, and no
other object is named.
"""

from __future__ import annotations

import functools
import json
import re
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from agreement import Outcome, arguments, print_outcomes

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.files.named import workspace_of
from kscan_lsp.kubescape.reading import with_library
from kscan_lsp.paths import show
from kscan_lsp.policy.model import Control, PolicySet
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import settings_of
from kscan_lsp.workspace.kubescape_files import library_files, read_library, without_libraries
from kscan_lsp.workspace.policies import read_library_file
from kscan_lsp.workspace.project import Project

if TYPE_CHECKING:
    from kscan_lsp.findings import Finding
    from kscan_lsp.policy.rego import RegoRule

ID = "CASE-0001"


ALERTS = "each of its alerts and no other"


class Judged(NamedTuple):
    """What comes of a case, and whether its places are found; None where it has none, or is not compared."""

    outcome: Outcome
    located: bool | None = None


def rules_of(folder: Path) -> tuple[dict[str, RegoRule], PolicySet]:
    """The rules of a folder by the names of their folders, and all that is read of it."""
    files, wrong = library_files(folder.name, folder.parent, workspace_of(folder))
    for message in wrong:
        print(f"left out: {message}")
    (library,) = without_libraries(files)[1]
    read = read_library(library, functools.partial(read_library_file, buffers=None, memo=None))
    named = {one.document.data["name"]: Path(one.name).parent.name for one in read.rules}
    known = with_library(PolicySet(), read)
    rules = {rule.name: rule for control in known.controls.values() for rule in control.rego}
    return rules | {named[name]: rule for name, rule in rules.items() if name in named}, known


def segments(text: str) -> list[str]:
    """The steps of a path, however its keys are written."""
    return [
        key or step.strip("\"'")
        for key, step in re.findall(r"""([^.\[\]]+)|\[("[^"]*"|'[^']*'|[^\]]*)\]""", text)
    ]


def near(path: str, expected: str) -> bool:
    """Whether a path is the expected one, lies in it, or is at most two keys shorter within the same list element."""
    one, other = segments(path), segments(expected)
    shortest = max([number + 1 for number, step in enumerate(other) if step.isdigit()] + [len(other) - 2, 1])
    both = min(len(one), len(other))
    return len(one) >= shortest and one[:both] == other[:both]


def is_same(expected: dict[str, Any], kind: str, namespace: str, name: str) -> bool:
    """Whether an object is the one that a case expects."""
    if expected["kind"] != kind or (expected["name"] or "") != name:
        return False
    return not expected["namespace"] or not namespace or expected["namespace"] == namespace


def places(finding: Finding) -> list[tuple[str, str, str, str]]:
    """The objects that a finding names, each with the place in it."""
    there = [(finding.resource, finding.path), *((one.resource, one.path) for one in finding.related)]
    return [(who.kind, who.namespace, who.name, show(path)) for who, path in there]


def judged(rule: RegoRule, folder: Path, inputs: dict[str, Any]) -> tuple[list[Finding], list[str]]:
    """What a rule says of the manifests of a case, and why it is not evaluated."""
    control = Control(ID, "", 5.0, "", "", "", (), dict(rule.inputs), rego=(rule,))
    given = {name: value for name, value in inputs.items() if name in rule.inputs}
    ruleset, _ = choose(PolicySet({ID: control}), settings_of({"inputs": given}), only=[ID])
    texts = [(path.name, path.read_text(encoding="utf-8"), False) for path in sorted(folder.glob("*.yaml"))]
    project = Project(Evaluator(ruleset, Evidence(date(2026, 1, 1)))).with_files(texts)
    parts = [verdicts for file in project.files.values() for part in file.parts for verdicts in part.verdicts]
    return [one for part in parts for one in part.findings], [
        one.reason for part in parts for one in part.unevaluated
    ]


def compared(folder: Path, rules: dict[str, RegoRule]) -> Judged:
    """What comes of a case."""
    case = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    name = f"{case['rule']}/{folder.name}"
    rule = rules.get(folder.parent.name) or rules.get(case["rule"])
    if rule is None:
        return Judged(Outcome(name, ALERTS, "", "no rule of a control here has this name"))
    findings, reasons = judged(rule, folder, case["inputs"])
    if reasons and not findings:
        return Judged(Outcome(name, ALERTS, "", reasons[0]))
    found = [(finding, place) for finding in findings for place in places(finding)]
    missed, located = [], True if case["alerts"] else None
    for alert in case["alerts"]:
        hits = [(place[3], one) for _, place in found for one in alert["any_of"] if is_same(one, *place[:3])]
        if not hits:
            missed.append("/".join((alert["any_of"][0]["kind"], str(alert["any_of"][0]["name"]))))
        if any(one["paths"] for one in alert["any_of"]) and not any(
            near(path, wanted) for path, one in hits for wanted in one["paths"]
        ):
            located = False
    wanted = [one for alert in case["alerts"] for one in alert["any_of"]]
    extra = sorted(
        {
            f"{one.resource.kind}/{one.resource.name}"
            for one in findings
            if not any(
                is_same(w, one.resource.kind, one.resource.namespace, one.resource.name) for w in wanted
            )
        }
    )
    said = [*(f"missed {one}" for one in missed), *(f"extra {one}" for one in extra)]
    return Judged(Outcome(name, ALERTS, "; ".join(said) or ALERTS), located)


def main() -> int:
    """Run all cases and print what comes of them."""
    options = arguments(__doc__, "library", "cases")
    before = time.perf_counter()
    rules, known = rules_of(options.library.resolve())
    took = time.perf_counter() - before
    of_controls = {rule.name: rule for control in known.controls.values() for rule in control.rego}
    alone = sum(rule.alone for rule in of_controls.values())
    print(f"{len(known.controls)} controls and {len(known.frameworks)} frameworks read in {took:.2f} s; "
          f"{len(of_controls)} rules, {alone} of which look at one object at a time")  # fmt: skip
    reasons = Counter(
        re.sub(r"'[^']*'|\b[A-Z]+-\d+\b|\(.*\)$", "…", one.problem.message) for one in known.problems
    )
    for reason, count in reasons.most_common():
        print(f"  {count}: {reason}")
    found = [compared(path.parent, rules) for path in sorted(options.cases.rglob("case.json"))]
    print_outcomes(f"{len(of_controls)} rules", [one.outcome for one in found], every=options.all)
    agreed = [one for one in found if one.outcome.said == ALERTS and one.located is not None]
    print(f"places of {sum(bool(one.located) for one in agreed)} of {len(agreed)} that agree and have any")
    for one in agreed if options.all else ():
        if not one.located:
            print(f"another place: {one.outcome.case}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
