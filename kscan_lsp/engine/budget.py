"""What one control may take for one object: all of its checks, for all that they judge, together.

Each expression has limits of its own, and so has each list of elements; yet a hundred checks of ten thousand entries
keep to both and take minutes. So what an organisation's own controls take is added up while they judge an object. It is
reckoned before it is done, and in units of work, so that every machine says the same of the same text. Where somebody
waits at a keyboard there is a clock besides, for what was reckoned too low.

A control that is over says nothing of the object, not even what it found until then: whoever holds all objects sets it
aside as a whole (`workspace/budgets.py`). Those that come with the program are measured by its own tests and
benchmarks; to count them, too, would let a hostile manifest turn them off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from kscan_lsp.engine.memo import NoAnswer, Results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from kscan_lsp.engine.plan import Plan
    from kscan_lsp.engine.scope import Element

MAX_WORK: Final = 20_000_000
"""In the units of `cel.cost`: three seconds as a rule. The controls that come with the program reach a twentieth."""
MAX_SECONDS: Final = 0.5
"""Of the processor, where there is a clock."""

TOO_MUCH: Final = "its checks together are too much work"
TOO_SLOW: Final = "its checks together take too long"


class Account:
    """What one control took so far."""

    __slots__ = ("clock", "counted", "over", "seconds", "work")

    def __init__(self, clock: Callable[[], float] | None) -> None:
        self.clock = clock
        self.work = 0.0
        self.counted: set[object] = set()
        """What is done once, however often it is asked for."""
        self.seconds = 0.0
        self.over = ""
        """Why it may take no more."""

    def allows(self, work: float) -> bool:
        """Whether that much more may be done; it is added."""
        self.work += work
        if self.work > MAX_WORK:
            self.over = self.over or TOO_MUCH
        return not self.over

    def allows_once(self, key: object, work: Callable[[], float]) -> bool:
        """The same for what is done once for an object, and known by a key."""
        if key in self.counted:
            return not self.over
        self.counted.add(key)
        return self.allows(work())

    def timed(self, elements: Iterable[Element]) -> Iterator[Element]:
        """Some elements, as long as it may take more, with the time from each to the next added."""
        for element in elements:
            if self.over:
                return
            began = self.clock() if self.clock else 0.0
            yield element
            if self.clock:
                self.seconds += self.clock() - began
                if self.seconds > MAX_SECONDS:
                    self.over = self.over or TOO_SLOW


class Spending:
    """What each control took for one object that has a limit."""

    __slots__ = ("_accounts", "_clock", "_limited")

    def __init__(self, limited: frozenset[str], clock: Callable[[], float] | None) -> None:
        self._limited = limited
        self._clock = clock
        self._accounts: dict[str, Account] = {}

    def of(self, control: str) -> Account | None:
        """What a control took; None for one without a limit."""
        if control not in self._limited:
            return None
        account = self._accounts.get(control)
        if account is None:
            account = self._accounts[control] = Account(self._clock)
        return account

    def add(self, results: Results) -> None:
        """Add what it took to find something that is remembered."""
        for control, work in results.work:
            if account := self.of(control):
                account.allows(work)

    @property
    def over(self) -> dict[str, str]:
        """The controls that took too much, and why."""
        return {control: one.over for control, one in self._accounts.items() if one.over}

    @property
    def work(self) -> dict[str, float]:
        """What each took."""
        return {control: one.work for control, one in self._accounts.items()}


UNLIMITED: Final = Spending(frozenset(), None)
"""Nothing is counted."""


def without(over: dict[str, str], found: Sequence[Results], plan: Plan) -> list[Results]:
    """What checks found, and of controls that took too much that they have no answer.

    Args:
        over: these controls, and why.
        found: by the groups of the plan.
        plan: the checks.
    """
    left = [
        replace(
            results,
            failures=tuple(one for one in results.failures if one.check.control not in over),
            no_answers=tuple(one for one in results.no_answers if one.check.control not in over),
        )
        for results in found
    ]
    first = {check.control: check for round_ in plan.rounds for check in reversed(round_.checks)}
    silent = [NoAnswer(check, (), over[name]) for name, check in first.items() if name in over]
    return [*left, Results((), tuple(silent))]
