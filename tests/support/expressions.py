"""Evaluating one expression."""

from __future__ import annotations

from typing import Any

from kscan_lsp import cel
from kscan_lsp.policy.environment import CONTROLS


def value_of(source: str, *, let: Any = (), **values: Any) -> Any:
    expression = cel.compile_expression(CONTROLS, source, let=let)
    assert isinstance(expression, cel.Expression), expression
    return cel.evaluate(expression, cel.bind(CONTROLS, values))
