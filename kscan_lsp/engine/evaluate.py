"""Evaluate the checks of a plan on a resource, with as little evaluated as can be.

A keystroke changes one field of one container, and most checks read others. So what a check found is remembered by what
it reads: of a whole resource, and of each element of it, for where only one of many has changed. Content is known by
its digest, so no value of a manifest is kept but in messages.

Left out on purpose: what the results mean for controls and texts (`verdicts.py`).
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

from kscan_lsp import cel
from kscan_lsp.engine.ask import ask
from kscan_lsp.engine.budget import UNLIMITED
from kscan_lsp.engine.elements import FEW, TooMuchError, elements, possibly_there, refuse_too_large
from kscan_lsp.engine.locate import first_there, is_written
from kscan_lsp.engine.memo import NOTHING, PASSED, Answer, Failure, NoAnswer, Results
from kscan_lsp.engine.related import NO_REFERENCES, references
from kscan_lsp.engine.scope import NotThereError
from kscan_lsp.evidence.model import IMAGES, NO_REPORT
from kscan_lsp.findings import Cause

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kscan_lsp.engine.budget import Account, Spending
    from kscan_lsp.engine.digests import Digest
    from kscan_lsp.engine.memo import Memo
    from kscan_lsp.engine.plan import Group, Plan, PlannedCheck
    from kscan_lsp.engine.related import References
    from kscan_lsp.engine.scope import Element, Scope
    from kscan_lsp.policy.check import Check

MAX_VALUES: Final = 200_000
"""Values in one list of references to related objects, of which the first are kept, and the number of the others."""


def evaluate(
    plan: Plan,
    scope: Scope,
    memo: Memo,
    known: Sequence[Results | None] | None = None,
    *,
    spending: Spending = UNLIMITED,
) -> list[Results]:
    """Evaluate all checks of a plan on a resource, or on one of its pod templates.

    Args:
        plan: the checks.
        scope: the resource, or the template.
        memo: what was found before.
        known: what is known of each group of the plan, None for those to evaluate; None if that is all of them.
        spending: what controls took for the resource so far; what they take here is added.

    Returns:
        What was found, by group; behind that, what no group is to blame for.
    """
    found: list[Results] = [NOTHING] * plan.size
    digests: list[object] = [scope.place, *[None] * len(plan.dependencies)]
    found_before = memo.results
    rounds = plan.rounds
    if known is None and spending is UNLIMITED:
        # most rounds are about what most objects do not have: nothing is looked up for them, or remembered
        rounds = tuple([rounds[number] for number in possibly_there(plan.trie, scope)])
    for round_ in rounds:
        judged: list[Element] | None = None
        number = round_.first
        try:
            for number, group in enumerate(round_.groups, start=round_.first):
                results = known[number] if known else None
                if results is None:
                    if scope.template and not group.of_pods:
                        continue  # said of the first one
                    for one in group.reads:
                        if digests[one] is None:
                            digests[one] = scope.digest(*plan.dependencies[one - 1])
                    key = group.key_of(digests)
                    results = found_before[group].get(key)
                    if results is None:
                        if judged is None:
                            judged = elements(round_.each, scope, round_.reads)
                            refuse_too_large(judged, round_.each)
                        results = found[number] = _results(group, judged, memo, spending)
                        # many may be too much for all checks of a round together, which is to be found again
                        if len(judged) <= FEW and not (spending is not UNLIMITED and spending.over):
                            memo.keep_results(group, key, results)
                        continue
                if results.work:
                    spending.add(results)
                found[number] = results
        except NotThereError as error:  # met by the first group: nothing of such a round is remembered
            limit = isinstance(error, TooMuchError)
            no_answers = tuple(
                NoAnswer(check, scope.written_at(error.path), error.reason, limit) for check in round_.checks
            )
            found[number] = Results((), no_answers)
    if kept_open := tuple(_kept_open(plan, scope)):
        found.append(Results((), kept_open))
    scope.containers = None  # each holds the scope in turn, which would wait for the garbage collector
    return found


def _kept_open(plan: Plan, scope: Scope) -> Iterator[NoAnswer]:
    """What patches that nobody can read leave open: they may set whatever a check looks for in a pod."""
    for path, reason in scope.composed.unread if scope.composed else ():
        for round_ in plan.rounds:
            for group in round_.groups:
                if group.of_pods:
                    yield from (NoAnswer(planned.check, path, reason) for planned in group.checks)


def _results(group: Group, judged: list[Element], memo: Memo, spending: Spending) -> Results:
    failures: list[Failure] = []
    no_answers: list[NoAnswer] = []
    before: dict[str, float] = {}
    keys: dict[int, list[tuple[Digest, ...]]] = {}
    long = asks_evidence = False
    if judged:
        shared = judged[0].scope
        long, asks_evidence = bool(shared.long), "evidence" in shared.values
    for planned in group.checks:
        check, decisive = planned.check, planned.decisive
        account = None if spending is UNLIMITED else spending.of(check.control)
        if account is not None:
            before.setdefault(check.control, account.work)
        of_elements = keys.get(id(decisive))
        if of_elements is None:
            of_elements = keys[id(decisive)] = [one.key(decisive) for one in judged]
        deny = check.deny
        quickly = account is None and not (deny.reckoned or long or asks_evidence)
        for number, element in enumerate(judged if account is None else account.timed(judged)):
            # of each plan apart: what else is read with it decides whether it is too much work
            key = (planned.number, of_elements[number])
            known = memo.answers.get(key)
            if known is PASSED:  # most do
                continue
            if quickly and known is None and element.activation.answer(deny) is False:
                # most of the others do, too, and to say so takes no more than that
                memo.keep_answer(key, PASSED)
                continue
            answer = _answer(planned, element, key, memo, account=account, known=known)
            verdict = answer.verdict
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
                failures.append(Failure(check, scope.written_at(path), answer.message, causes, related))
    if not (failures or no_answers or before):
        return NOTHING
    taken = spending.work if before else {}
    work = tuple((name, taken[name] - was) for name, was in before.items())
    return Results(tuple(failures), tuple(no_answers), work)


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


def _answer(
    planned: PlannedCheck,
    element: Element,
    key: tuple[object, ...],
    memo: Memo,
    *,
    account: Account | None,
    known: Answer | None,
) -> Answer:
    """What a check says of an element.

    Args:
        planned: the check.
        element: the element.
        key: what its answer is remembered by.
        memo: where.
        account: what its control took, where that is counted.
        known: what is remembered.
    """
    if known is None and "evidence" in element.values and _unknown_image(planned, element):
        return Answer(cel.Failed(NO_REPORT), "")
    check = planned.check
    if account is not None and (refused := _refused(check, element, known, account)):
        return refused
    if known is None:
        verdict = ask(check.deny, element, cel.deny, memo)
        if verdict is False and account is None:
            memo.keep_answer(key, PASSED)
            return PASSED
        if verdict is True and account is not None and not account.allows(_work(_saying(check), element)):
            return Answer(cel.Failed(account.over))
        said = _message(check, element, memo) if verdict is True and not planned.shown else ""
        work = (
            0.0
            if account is None
            else _work([*check.judging()] if verdict is True else [check.deny], element)
        )
        known = Answer(verdict, said, work)
        memo.keep_answer(key, known)
    if known.verdict is not True or not planned.shown:
        return known
    # most pass, and containers of any name do so alike
    whole = (*key, element.key(planned.shown))
    told = memo.answers.get(whole)
    if told is None:
        told = Answer(True, _message(check, element, memo))
        memo.keep_answer(whole, told)
    return told


def _refused(check: Check, element: Element, known: Answer | None, account: Account) -> Answer | None:
    """What is said in place of an answer where a control has no work left for it; what it takes is added."""
    allowed = account.allows(_work([check.deny], element) if known is None else known.work)
    # evaluated once for all that have the same lists (`ask`), whatever is remembered of this element
    for one in check.judging() if element.scope.long else ():
        if element.reads_long_list(one):
            key = (one.source, one.let, element.digests_of(one))
            allowed = account.allows_once(key, partial(cel.work_on, one, element.activation))
    return None if allowed else Answer(cel.Failed(account.over))


def _work(expressions: Iterable[cel.Expression], element: Element) -> float:
    """What asking some expressions of an element takes at worst, but for those that read long lists."""
    return sum(
        cel.work_on(one, element.without_long_lists)
        for one in expressions
        if not element.reads_long_list(one)
    )


def _saying(check: Check) -> Iterator[cel.Expression]:
    """What is evaluated besides where a check fails."""
    return (one for one in check.judging() if one is not check.deny)


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
