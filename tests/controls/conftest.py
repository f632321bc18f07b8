"""Whatever these tests ask is asked twice: what is answered without the runtime is what the runtime says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.natives import answered_by_runtime, exactly

from kscan_lsp.cel.activation import Activation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp import cel


@pytest.fixture(autouse=True)
def _as_the_runtime_says(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    wrong: list[tuple[str, Any, Any]] = []
    answer = Activation.answer

    def compared(activation: Activation, expression: cel.Expression) -> Any:
        known = answer(activation, expression)
        if known is not None:
            said = answered_by_runtime(expression, activation)
            if exactly(said) != exactly(known):
                wrong.append((expression.source, known, said))
        return known

    monkeypatch.setattr(Activation, "answer", compared)
    yield
    assert not wrong
