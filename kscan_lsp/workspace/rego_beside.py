"""Rego that is asked beside what somebody types: a key does not wait for it.

A template takes milliseconds for an object, so that a dozen would be felt at each key. What is judged `during` this
gets at once an answer that is known, and else hears that it comes later; the question is put by a thread of its own,
the newest first, and one that a newer one about the same object replaces is never put. Answers are known by their
question, word for word: none is ever taken for what an object was before. Who hears that there are answers judges
again what waits for them (`Project.with_relations`).
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import OrderedDict
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TypeVar

from msgspec import Struct

from kscan_lsp.policy.rego import NEEDS_ENGINE, RegoAnswer
from kscan_lsp.workspace import rego

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kscan_lsp.policy.rego import RegoEngine, RegoSource

T = TypeVar("T")

logger: Final = logging.getLogger(__name__)

MAX_KNOWN: Final = 8_192
"""Answers."""
MAX_WAITING: Final = 4_096
"""Questions, before who asks more has to wait for the answer."""
MAX_UNTOLD: Final = 1_000
"""Answers, before somebody hears of them although there are more to come."""
PAUSE: Final = 0.02
"""Seconds after a key before anything is asked: while somebody types fast, the next key replaces the question."""
LATER: Final = RegoAnswer(later=True)

_BESIDE: Final[ContextVar[RegoBeside | None]] = ContextVar("beside", default=None)


class _Question(Struct, frozen=True):
    """A question: which template, and the text of the input."""

    template: str
    text: str


class RegoBeside:
    """Questions that wait, and the answers that are known."""

    def __init__(self, answered: Callable[[], None]) -> None:
        """Nothing is asked yet.

        Args:
            answered: hears, in a thread of its own, that there are answers.
        """
        self._answered = answered
        self._known: OrderedDict[_Question, RegoAnswer] = OrderedDict()
        self._waiting: dict[_Question, tuple[RegoSource, dict[str, Any], tuple[object, ...]]] = {}
        """Each with what is asked, and what it is about: the one asked last at the end."""
        self._about: dict[tuple[object, ...], _Question] = {}
        self._review: tuple[Any, str] = (None, "")
        """The text of what was asked about last, which all templates are asked about."""
        self._changed = threading.Condition()
        self._since = 0.0
        """When a key was typed last (`time.monotonic`)."""
        self._thread: threading.Thread | None = None

    def typed(self) -> None:
        """Somebody types."""
        self._since = time.monotonic()

    def during(self, work: Callable[..., T], *args: Any) -> T:
        """Do something, with all Rego asked beside it."""
        token = _BESIDE.set(self)
        try:
            return work(*args)
        finally:
            _BESIDE.reset(token)
            self._put()

    def ask(self, sources: Sequence[RegoSource], given: Any) -> list[RegoAnswer]:
        """What templates say of an input, as far as that is known; else that it comes later."""
        return [self._said(one, given) for one in sources]

    def _said(self, source: RegoSource, given: dict[str, Any]) -> RegoAnswer:
        engine = rego.rego_engine()
        question = None if source.unsupported or engine is None else self._question(source, given)
        if question is not None:
            with self._changed:
                known = self._known.get(question)
                if known is not None:
                    self._known.move_to_end(question)
                    return known
                if len(self._waiting) < MAX_WAITING:
                    self._wait(question, source, given)
                    return LATER
        return _answer(source, given)

    def _question(self, source: RegoSource, given: dict[str, Any]) -> _Question | None:
        try:
            review = self._review  # two threads may ask at once
            if given["review"] is not review[0]:
                review = self._review = given["review"], json.dumps(given["review"])
            rest = json.dumps({name: value for name, value in given.items() if name != "review"})
        except (TypeError, ValueError, RecursionError):
            return None  # who evaluates says what is wrong with it
        return _Question(source.digest, f"{review[1]}{rest}")

    def _wait(self, question: _Question, source: RegoSource, given: dict[str, Any]) -> None:
        review = given["review"]
        kind = review["kind"]
        about = (source.digest, str(given["parameters"]), kind["group"], kind["kind"], review["name"],
                 review.get("namespace"), review["operation"])  # fmt: skip
        replaced = self._about.pop(about, None)
        if replaced is not None:
            self._waiting.pop(replaced, None)
        self._about[about] = question
        self._waiting[question] = source, given, about

    def _put(self) -> None:
        """Have what waits asked."""
        with self._changed:
            if self._waiting and self._thread is None:
                self._thread = threading.Thread(target=self._work, name="kscan-rego", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _work(self) -> None:
        untold = 0
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                while (left := self._since + PAUSE - time.monotonic()) > 0:
                    self._changed.wait(left)
                question, (source, given, about) = self._waiting.popitem()
                self._about.pop(about, None)
            answer = _answer(source, given)
            untold += 1
            with self._changed:
                self._known[question] = answer
                if len(self._known) > MAX_KNOWN:
                    self._known.popitem(last=False)
                told = not self._waiting or untold >= MAX_UNTOLD
            if told:
                untold = 0
                self._answered()


def _answer(source: RegoSource, given: dict[str, Any]) -> RegoAnswer:
    engine = rego.rego_engine()
    try:
        return engine.ask([source], given)[0] if engine else RegoAnswer(why=NEEDS_ENGINE)
    except Exception:  # a defect of ours must not leave everything else waiting
        logger.exception("a template could not be evaluated")
        return RegoAnswer(why="it could not be evaluated: please report what the log says about it")


def engine_now() -> RegoEngine | None:
    """Who evaluates Rego for what is being judged; None where nobody does."""
    engine = rego.rego_engine()
    return engine if engine is None else _BESIDE.get() or engine
