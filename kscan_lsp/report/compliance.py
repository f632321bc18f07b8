"""How controls and frameworks score, as Kubescape counts it.

A control scores 100 when nothing fails, else the passed of all resources it applies to; a framework scores the
unweighted mean of its controls. Accepted is not fixed, so there are two scores: as things are, and with what is
accepted counted as passed, as a resource with an exception is there ("passed with exceptions"). What could not be
evaluated is never a pass: it stays in the denominator. A framework whose controls have looked at nothing is not judged:
Kubescape gives it 100.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from kscan_lsp.policy.ruleset import members_of
from kscan_lsp.report.model import ControlResult
from kscan_lsp.report.standards import FrameworkMember, FrameworkScore

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.policy.model import Control, Framework
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.report.standards import StandardChange


def compliance(
    rulesets: Iterable[Ruleset],
    controls: Mapping[str, ControlResult],
    changes: Sequence[StandardChange] = (),
) -> tuple[FrameworkScore, ...]:
    """The scores of all frameworks that rulesets are made of, from what became of their controls.

    What the settings leave out, or nothing that is known answers, is in no framework's mean: nothing is known about it.
    A control that is on and not among `controls` applied to nothing.
    """
    members: dict[str, _Members] = {}
    for ruleset in rulesets:
        for framework in ruleset.frameworks:
            known = members.setdefault(framework.id, _Members(framework, {}, {}))
            ids = members_of(framework, ruleset.policies)
            known.all.update({i: ruleset.policies.controls[i] for i in ids})
            known.on.update({i: ruleset.controls[i] for i in ids if i in ruleset.controls})
    return tuple(_score(name, known, controls, changes) for name, known in members.items())


class _Members(Struct, frozen=True):
    """The controls of a framework, and those that are on under any settings."""

    framework: Framework
    all: dict[str, Control]
    on: dict[str, Control]

    def named(self) -> Iterator[FrameworkMember]:
        """Each control, as the framework has it."""
        for i, control in sorted(self.all.items()):
            member = self.framework.members.get(i)
            section, name = (member.section, member.name) if member else ("", "")
            yield FrameworkMember(i, section, name or control.title, i in self.on, control.needs)


def _score(
    name: str, members: _Members, controls: Mapping[str, ControlResult], changes: Iterable[StandardChange]
) -> FrameworkScore:
    results = {i: controls.get(i, ControlResult(i)) for i in members.on}
    run = [result for i, result in results.items() if result.evaluated or not members.on[i].unanswered]
    return FrameworkScore(
        name,
        members.framework.title,
        _mean([result.score for result in run]),
        _mean([result.score_accepted for result in run]),
        len(run),
        len(members.all),
        tuple(i for i in results if results[i] not in run),
        tuple(one for one in changes if one.id in members.all or one.id == name),
        tuple(members.named()),
        members.framework.unseen,
        judged=any(result.evaluated or result.not_evaluated for result in run),
    )


def _mean(scores: Sequence[float]) -> float:
    return round(sum(scores) / len(scores), 2) if scores else 100.0


def control_results(judged: Iterable[tuple[Verdicts, Container[str]]]) -> dict[str, ControlResult]:
    """What became of each control that looked at any of some resources.

    Args:
        judged: the verdicts of each resource, and the controls of its findings that are not accepted.
    """
    passed: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    not_evaluated: Counter[str] = Counter()
    for verdicts, failing in judged:
        passed.update(verdicts.passed)
        unevaluated = {entry.control for entry in verdicts.unevaluated if entry.control not in failing}
        not_evaluated.update(unevaluated)
        for control in verdicts.failed - unevaluated:
            (failed if control in failing else accepted)[control] += 1
    return {
        i: ControlResult(
            i,
            evaluated=passed[i] + failed[i] + accepted[i],
            failed=failed[i],
            accepted=accepted[i],
            not_evaluated=not_evaluated[i],
        )
        for i in passed | failed | accepted | not_evaluated
    }
