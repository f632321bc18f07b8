"""What is answered without the CEL runtime, and what the runtime says to the same."""

from __future__ import annotations

import json
from typing import Any

from cel_expr_python.cel import Type

from kscan_lsp import cel
from kscan_lsp.cel import patterns
from kscan_lsp.cel.compiling import program_of
from kscan_lsp.policy.environment import CONTROLS

FAILED = object()
"""In place of an answer: the runtime has none."""


def answered_by_runtime(expression: cel.Expression, activation: Any) -> Any:
    """What the runtime says, values of its own in it as plain data; FAILED for an error."""
    patterns.start_evaluation()
    try:
        value = program_of(activation.environment, expression).handle.eval(activation.handle)
        return FAILED if value.type() == Type.ERROR else value.plain_value()
    except Exception:  # noqa: BLE001 - whatever the runtime raises is an error
        return FAILED
    finally:
        patterns.start_evaluation()


def exactly(value: Any) -> str:
    """A value as text that tells 1 from true and 1.0; maps have no order."""
    return json.dumps(
        value, sort_keys=True, default=lambda other: repr(bytes(other) if other is not FAILED else None)
    )


def asked(source: str, values: dict[str, Any]) -> tuple[Any, Any]:
    """What is known of an expression without the runtime, None for nothing, and what the runtime says."""
    expression = cel.compile_expression(CONTROLS, source)
    assert isinstance(expression, cel.Expression), expression
    activation = cel.bind(CONTROLS, values)
    return activation.answer(expression), answered_by_runtime(expression, activation)
