"""What an expression gives for an element, evaluated as seldom as can be where it reads long lists of related objects.

The runtime converts a list anew for every element that is judged. So an expression that reads a long one is evaluated
on nothing but what it reads, and found again for all elements that are related to the same objects. And what its `let`
says of such a list alone is evaluated once for all of them, even where the rest is about each (`parts.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from kscan_lsp import cel

if TYPE_CHECKING:
    from collections.abc import Callable

    from kscan_lsp.engine.memo import Memo
    from kscan_lsp.engine.scope import Element

_T = TypeVar("_T")

MAX_PART: Final = 2_000
"""Values in what a `let` says of a list, for it to be handed on."""


def ask(
    expression: cel.Expression,
    element: Element,
    evaluate: Callable[[cel.Expression, cel.Activation], _T],
    memo: Memo,
) -> _T:
    """What an expression gives for an element."""
    if not element.scope.long:
        return evaluate(expression, element.activation)
    if not element.reads_long_list(expression):
        return evaluate(expression, element.without_long_lists)
    key = (evaluate, expression.source, expression.let, element.digests_of(expression))
    known: _T | None = memo.values.get(key)
    if known is None:
        known = _in_parts(expression, element, evaluate, memo)
        if known is None or isinstance(known, cel.Failed):
            # what the runtime makes of long lists on the way is large, and goes with the activation
            known = evaluate(expression, element.read_by(expression))
        memo.keep_value(key, known)
    return known


def _in_parts(
    expression: cel.Expression,
    element: Element,
    evaluate: Callable[[cel.Expression, cel.Activation], _T],
    memo: Memo,
) -> _T | None:
    parted = memo.parted(expression)
    if parted is None or element.reads_long_list(parted.rest):
        return None
    given: dict[str, list[cel.Json]] = {}
    for name, one in parted.parts:
        value = ask(one, element, _plain, memo)
        if isinstance(value, cel.Failed):
            return None
        given[name] = [value]
    return evaluate(parted.rest, element.read_by(parted.rest, {"relations": given}))


def _plain(expression: cel.Expression, activation: cel.Activation) -> cel.Json | cel.Failed:
    return cel.evaluate(expression, activation, MAX_PART, plain=True)
