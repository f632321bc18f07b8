"""How controls and frameworks score, as Kubescape counts it.

A control scores 100 when nothing fails, else the passed of all resources it applies to; a framework scores the
unweighted mean of its controls. What is accepted counts as passed, as a resource with an exception does there
("passed with exceptions"). What could not be evaluated is never a pass: it stays in the denominator.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kscan_lsp.policy.ruleset import members_of
from kscan_lsp.report.model import ControlResult, FrameworkScore

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.policy.ruleset import Ruleset


def compliance(
    rulesets: Iterable[Ruleset], controls: Mapping[str, ControlResult]
) -> tuple[FrameworkScore, ...]:
    """The scores of all frameworks that rulesets are made of, from what became of their controls.

    What the settings leave out, or no manifest answers, is in no framework's mean: nothing is known about it. A control
    that is on and not among `controls` applied to nothing.
    """
    members: dict[str, tuple[str, dict[str, None]]] = {}
    for ruleset in rulesets:
        for framework in ruleset.frameworks:
            _, known = members.setdefault(framework.id, (framework.title, {}))
            on = (ruleset.controls.get(i) for i in members_of(framework, ruleset.policies))
            known.update(dict.fromkeys(control.id for control in on if control and not control.needs))
    scores = []
    for name, (title, ids) in members.items():
        mean = sum(controls[i].score if i in controls else 100.0 for i in ids) / len(ids) if ids else 100.0
        scores.append(FrameworkScore(name, title, round(mean, 2)))
    return tuple(scores)


def control_results(judged: Iterable[tuple[Verdicts, Container[str]]]) -> dict[str, ControlResult]:
    """What became of each control that looked at any of some resources.

    Args:
        judged: the verdicts of each resource, and the controls of its findings that are not accepted: one whose
            findings all are has passed where it could be evaluated.
    """
    passed: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    not_evaluated: Counter[str] = Counter()
    for verdicts, failing in judged:
        passed.update(verdicts.passed)
        unevaluated = {entry.control for entry in verdicts.unevaluated if entry.control not in failing}
        not_evaluated.update(unevaluated)
        for control in verdicts.failed - unevaluated:
            (failed if control in failing else passed)[control] += 1
    return {
        i: ControlResult(i, evaluated=passed[i] + failed[i], failed=failed[i], not_evaluated=not_evaluated[i])
        for i in passed | failed | not_evaluated
    }
