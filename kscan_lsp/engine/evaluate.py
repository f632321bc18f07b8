"""Evaluate the checks of a plan on a resource, with as little evaluated as can be.

A keystroke changes one field of one container, and most checks read others. So what a check found is remembered by what
it reads: of a whole resource, and of each element of it, for where only one of many has changed. Content is known by
its digest, so no value of a manifest is kept but in messages.

Left out on purpose: what the results mean for controls and texts (`verdicts.py`).
"""

from __future__ import annotations

from collections import deque
from functools import lru_cache, partial
from itertools import islice, repeat
from typing import TYPE_CHECKING, Final

from kscan_lsp import cel
from kscan_lsp.engine.ask import ask
from kscan_lsp.engine.elements import FEW, TooMuchError, elements, refuse_too_large
from kscan_lsp.engine.locate import first_there, is_written
from kscan_lsp.engine.memo import NOTHING, Answer, Failure, NoAnswer, Results
from kscan_lsp.engine.related import NO_REFERENCES, references
from kscan_lsp.engine.scope import NotThereError
from kscan_lsp.evidence.model import IMAGES, NO_REPORT
from kscan_lsp.findings import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp.engine.memo import Memo
    from kscan_lsp.engine.plan import Group, Plan, PlannedCheck
    from kscan_lsp.engine.related import References
    from kscan_lsp.engine.scope import Element, Scope
    from kscan_lsp.policy.compile_check import Check

MAX_VALUES: Final = 200_000
"""Values in one list of references to related objects, of which the first are kept, and the number of the others."""


def evaluate(
    plan: Plan, scope: Scope, memo: Memo, known: Sequence[Results | None] | None = None
) -> list[Results]:
    """Evaluate all checks of a plan on a resource, or on one of its pod templates.

    Args:
        plan: the checks.
        scope: the resource, or the template.
        memo: what was found before.
        known: what is known of each group of the plan, None for those to evaluate; None if that is all of them.

    Returns:
        What was found, by group; behind that, what no group is to blame for.
    """
    found: list[Results] = []
    digests = _digests(plan, scope, known)
    remaining = iter(known) if known else repeat(None)
    found_before = memo.results
    for round_ in plan.rounds:
        judged: list[Element] | None = None
        done = len(found)
        try:
            for group in round_.groups:
                results = next(remaining)
                if results is None:
                    if scope.template and not group.of_pods:
                        found.append(NOTHING)  # said of the first one
                        continue
                    key = group.key_of(digests)
                    results = found_before[group].get(key)
                    if results is None:
                        if judged is None:
                            judged = elements(round_.each, scope, round_.reads)
                            refuse_too_large(judged, round_.each)
                        results = _results(group, judged, memo)
                        # many may be too much for all checks of a round together, which is to be found again
                        if len(judged) <= FEW:
                            memo.keep_results(group, key, results)
                found.append(results)
        except NotThereError as error:  # met by the first group: nothing of such a round is remembered
            limit = isinstance(error, TooMuchError)
            no_answers = tuple(
                NoAnswer(check, scope.written_at(error.path), error.reason, limit) for check in round_.checks
            )
            left = done + len(round_.groups) - len(found) - 1
            found += [Results((), no_answers), *[NOTHING] * left]
            deque(islice(remaining, left), 0)
    if kept_open := tuple(_kept_open(plan, scope)):
        found.append(Results((), kept_open))
    scope.containers = None  # each holds the scope in turn, which would wait for the garbage collector
    return found


def _digests(plan: Plan, scope: Scope, known: Sequence[Results | None] | None) -> list[object]:
    """What the keys of groups are picked from, as far as any group is to be evaluated."""
    if known is None:
        return [scope.place, *[scope.digest(name, field) for name, field in plan.dependencies]]
    digests: list[object] = [scope.place, *[None] * len(plan.dependencies)]
    for number in {
        n for group, one in zip(plan.groups, known, strict=True) if one is None for n in group.reads
    }:
        digests[number] = scope.digest(*plan.dependencies[number - 1])
    return digests


def _kept_open(plan: Plan, scope: Scope) -> Iterator[NoAnswer]:
    """What patches that nobody can read leave open: they may set whatever a check looks for in a pod."""
    for path, reason in scope.composed.unread if scope.composed else ():
        for round_ in plan.rounds:
            for group in round_.groups:
                if group.of_pods:
                    yield from (NoAnswer(planned.check, path, reason) for planned in group.checks)


def _results(group: Group, judged: list[Element], memo: Memo) -> Results:
    failures: list[Failure] = []
    no_answers: list[NoAnswer] = []
    for planned in group.checks:
        check = planned.check
        for number, element in enumerate(judged):
            verdict, message = _answer(planned, element, memo)
            if verdict is False:
                continue
            path = verdict if isinstance(verdict, cel.Failed) else first_there(check.at, element)
            scope = element.scope
            if isinstance(path, cel.Failed):
                at = (*element.path, "image") if path.reason is NO_REPORT else element.path
                no_answers.append(NoAnswer(check, scope.written_at(at), path.reason))
            elif not scope.is_partial(element.anchors.get("container")) or is_written(path, element):
                related = _related(check, element, memo)
                causes = _causes(planned.index, number, scope.template)
                failures.append(Failure(check, scope.written_at(path), message, causes, related))
    return Results(tuple(failures), tuple(no_answers)) if failures or no_answers else NOTHING


@lru_cache(4_096)
def _causes(check: int, element: int, template: int) -> tuple[Cause]:
    """The one cause of a failure: the same few hundred, of which many objects would each have their own."""
    return (Cause(check, element, template),)


def _message(check: Check, element: Element, memo: Memo) -> str:
    shown = [partial(one, element.values) for one in memo.quoting_of(check)]
    return cel.render(
        check.message,
        element.without_long_lists,
        shown,
        lambda part, _: ask(part, element, cel.evaluate, memo),
    )


def _related(check: Check, element: Element, memo: Memo) -> References:
    if check.related is None:
        return NO_REFERENCES
    return element.related(check.related, lambda expression: ask(expression, element, _references, memo))


def _references(expression: cel.Expression, activation: cel.Activation) -> References:
    answer = cel.evaluate(expression, activation, most=MAX_VALUES)
    return NO_REFERENCES if isinstance(answer, cel.Failed) else references(answer)


def _answer(planned: PlannedCheck, element: Element, memo: Memo) -> Answer:
    # of each plan apart: what else is read with it decides whether it is too much work
    key = (planned.number, *[element.digest(name, field) for name, field in planned.decisive])
    known = memo.answers.get(key)
    if known is None and _unknown_image(planned, element):
        return Answer(cel.Failed(NO_REPORT), "")
    check = planned.check
    if known is None:
        verdict = ask(check.deny, element, cel.deny, memo)
        said = _message(check, element, memo) if verdict is True and not planned.shown else ""
        known = Answer(verdict, said)
        memo.keep_answer(key, known)
    if known.verdict is not True or not planned.shown:
        return known
    # most pass, and containers of any name do so alike
    whole = (*key, *[element.digest(name, field) for name, field in planned.shown])
    told = memo.answers.get(whole)
    if told is None:
        told = Answer(True, _message(check, element, memo))
        memo.keep_answer(whole, told)
    return told


def _unknown_image(planned: PlannedCheck, element: Element) -> bool:
    """Whether a check asks what is known of an image of which nothing is."""
    evidence, container = element.values.get("evidence"), element.values.get("container")
    if not evidence or container is None:
        return False
    known, image = evidence.get(IMAGES), container.get("image")
    return (
        isinstance(known, dict)
        and isinstance(image, str)
        and image not in known
        and any(name == "evidence" for name, _ in planned.decisive)
    )
