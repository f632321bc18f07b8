"""How much work policies may take: one count for expressions, patterns and texts with variables."""

from __future__ import annotations

from typing import Final

MAX_STEPS: Final = 200_000
"""Parts of expressions and patterns that are evaluated, and values that are looked through, for one rule and object."""
MAX_STEPS_OF_OBJECT: Final = 1_000_000
"""The same for all rules together."""
MAX_DEPTH: Final = 100


class OverBudget(Exception):  # noqa: N818 - a limit, and nothing that is wrong
    """Judging takes too much work; the text says of what."""


class Budget:
    """Steps that are left, of a rule and of all that are judged for an object."""

    def __init__(self, whole: Budget | None = None, steps: int = MAX_STEPS) -> None:
        self.left = steps
        self.whole = whole

    def spend(self, steps: int = 1) -> None:
        """Take steps.

        Raises:
            OverBudget: there are none left.
        """
        self.left -= steps
        if self.left < 0:
            raise OverBudget("it takes too much work")
        if self.whole is not None:
            self.whole.left -= steps
            if self.whole.left < 0:
                raise OverBudget("the policies about this object take too much work together")
