"""ask(...) -> what every check of a plan says of a resource, with as little evaluated as can be.

A keystroke changes one field of one container, and most checks read others. So what a check said is remembered by what
it read: of a whole resource, and of each element of it, for where only one of many has changed. Content is known by its
digest, so no value of a manifest is kept but in messages.

Left out on purpose: what the answers mean for controls and texts (`engine.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from kscan_lsp import cel
from kscan_lsp.engine.locate import first_there
from kscan_lsp.engine.scope import FEW, NotThereError, TooMuchError, elements
from kscan_lsp.policy.ruleset import Answer, Failure, Said

if TYPE_CHECKING:
    from kscan_lsp.engine.scope import Element, Scope
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.compile_check import Check
    from kscan_lsp.policy.ruleset import Plan, Question, Ruleset

MAX_ANSWERS: Final = 50_000
"""Answers remembered, in some 20 MB: enough for a thousand workloads that have little in common."""
MAX_SAID: Final = 200
"""What is remembered of each group of checks. There are some hundred for each kind that runs pods."""


class Failed(Struct, frozen=True, eq=False):
    """A check that failed."""

    check: Check
    failure: Failure
    element: Element | None
    """None where it was not asked anew."""


class Untold(NamedTuple):
    """A check that could not be evaluated, where, and why."""

    check: Check
    path: Path
    reason: str
    limit: bool = False
    """Because it is too much."""


class Answers(NamedTuple):
    """What the checks of a plan say of a resource."""

    failed: list[Failed]
    untold: list[Untold]


def ask(plan: Plan, scope: Scope, ruleset: Ruleset, *, anew: bool = False) -> Answers:
    """Ask all checks of a plan about a resource.

    Args:
        plan: the checks.
        scope: the resource.
        ruleset: what the plan is of.
        anew: find the element of every check that fails.
    """
    failed: list[Failed] = []
    untold: list[Untold] = []
    # what no pod is in, has no place, so that what was said of one that is there is not taken for it
    place = scope.anchors.get("pod") if scope.pod_problem is None else None
    grounds = [place, *[scope.digest(name, part) for name, part in plan.grounds]]
    for round_ in plan.rounds:
        judged: list[Element] | None = None
        try:
            for group in round_.groups:
                key = group.grounds(grounds)
                told = None if anew else group.said.get(key)
                if told is None:
                    if judged is None:
                        judged = elements(round_.each, scope, round_.reads)
                    asked = [_ask(question, judged, ruleset.answers) for question in group.questions]
                    told = tuple(said for said in asked if said.failed or said.untold)
                    # many may be too much for all checks of a round together, which is to be found again
                    if not anew and len(judged) <= FEW:
                        if len(group.said) >= MAX_SAID:
                            group.said.clear()
                        group.said[key] = told
                for said in told:
                    check = said.check
                    failed += [
                        Failed(check, f, judged[f.element] if anew and judged else None) for f in said.failed
                    ]
                    untold += [Untold(check, path, reason) for path, reason in said.untold]
        except NotThereError as error:  # met by the first group: nothing of such a round is remembered
            limit = isinstance(error, TooMuchError)
            untold += [Untold(check, error.path, error.reason, limit) for check in round_.checks]
    if not anew:  # else they are handed out
        scope.containers = None  # each holds the scope in turn, which would wait for the garbage collector
    return Answers(failed, untold)


def _ask(question: Question, judged: list[Element], answers: dict[tuple[object, ...], Answer]) -> Said:
    failed: list[Failure] = []
    untold: list[tuple[Path, str]] = []
    check = question.check
    for index, element in enumerate(judged):
        verdict, message = _answer(question, element, answers)
        if verdict is False:
            continue
        path = verdict if isinstance(verdict, cel.Failed) else first_there(check.at, element)
        if isinstance(path, cel.Failed):
            untold.append((element.path, path.reason))
        else:
            named = None if check.related is None else element.named(check.related)
            failed.append(Failure(path, message, index, named))
    return Said(check, tuple(failed), tuple(untold))


def _answer(question: Question, element: Element, answers: dict[tuple[object, ...], Answer]) -> Answer:
    check = question.check
    # of each plan apart: what else is read with it decides whether it is too much work
    key = (id(question), *[element.digest(name, part) for name, part in question.contents])
    known = answers.get(key)
    if known is None:
        verdict = cel.deny(check.deny, element.activation)
        known = Answer(verdict, cel.render(check.message, element.activation) if verdict is True else "")
        if len(answers) >= MAX_ANSWERS:
            answers.clear()
        answers[key] = known
    return known
