"""Rego that is asked beside what somebody types: a key does not wait for it.

A template takes milliseconds for an object, and so do a dozen of Kubescape's rules: many would be felt at each key.
What is judged `during` this gets at once an answer that is known, and else hears that it comes later; the question is
put by a thread of its own, the newest first, and one that a newer one about the same object replaces is never put.
Answers are known by their question: none is ever taken for what an object was before. Who hears that there are answers
judges again what waits for them (`Project.with_relations`).

Rules that look at several objects come after all others, one at a time: each may take long, and what a key asks is not
to wait for more than one of them. Their question is told by the very objects that it is asked with: a workspace in
which one of them is another is another question, which takes the place of the older one.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections import OrderedDict
from contextvars import ContextVar
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from kscan_lsp.policy.rego import NEEDS_ENGINE, GivenTogether, RegoAnswer
from kscan_lsp.workspace import rego

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kscan_lsp.policy.rego import RegoEngine, RegoSource

T = TypeVar("T")

logger: Final = logging.getLogger(__name__)

MAX_KNOWN: Final = 8_192
"""Answers."""
MAX_SEVERAL: Final = 512
"""Answers of rules that look at several objects, and questions, before who asks more has to wait for the answer."""
MAX_WAITING: Final = 4_096
"""Questions, before who asks more has to wait for the answer."""
MAX_UNTOLD: Final = 1_000
"""Answers, before somebody hears of them although there are more to come."""
PAUSE: Final = 0.02
"""Seconds after a key before anything is asked: while somebody types fast, the next key replaces the question."""
LATER: Final = RegoAnswer(later=True)

_BESIDE: Final[ContextVar[RegoBeside | None]] = ContextVar("beside", default=None)


class _Question(NamedTuple):
    """A question: which template or rule, and what tells its input from all others."""

    source: str
    given: bytes


class _Asked(NamedTuple):
    """What is asked, and what it is about."""

    source: RegoSource
    given: Any
    about: tuple[object, ...]


class _OfSeveral(NamedTuple):
    """A rule that is asked with several objects, and the answer, if there is one."""

    source: RegoSource
    given: GivenTogether
    answer: RegoAnswer = LATER
    turn: int = 0
    """When the answer was of use last."""


class RegoBeside:
    """Questions that wait, and the answers that are known."""

    def __init__(self, answered: Callable[[], None]) -> None:
        """Nothing is asked yet.

        Args:
            answered: hears, in a thread of its own, that there are answers.
        """
        self._answered = answered
        self._known: OrderedDict[_Question, RegoAnswer] = OrderedDict()
        self._waiting: dict[_Question, _Asked] = {}
        """The one asked last at the end."""
        self._about: dict[tuple[object, ...], _Question] = {}
        self._open: dict[tuple[str, str], _OfSeveral] = {}
        """Rules to ask with several objects, by the digest of the rule and where these are; the last at the end."""
        self._being_asked: _OfSeveral | None = None
        self._several: OrderedDict[tuple[str, str], _OfSeveral] = OrderedDict()
        """The same with what they answered last, in the order of their use."""
        self._turn = 0
        """Counts what was done during this."""
        self._untold = False
        """Whether any of them has answered since somebody was told."""
        self._news = False
        """Whether somebody was told, and has not taken it."""
        self._review: tuple[Any, bytes] = (None, b"")
        """What was asked about last, which all templates are asked about."""
        self._changed = threading.Condition()
        self._since = 0.0
        """When a key was typed last (`time.monotonic`)."""
        self._thread: threading.Thread | None = None

    def typed(self) -> None:
        """Somebody types."""
        self._since = time.monotonic()

    def during(self, work: Callable[..., T], *args: Any) -> T:
        """Do something, with all Rego asked beside it."""
        self._turn += 1
        token = _BESIDE.set(self)
        try:
            return work(*args)
        finally:
            _BESIDE.reset(token)
            self._put()

    def ask(self, sources: Sequence[RegoSource], given: Any) -> list[RegoAnswer]:
        """What templates or rules say of an input, as far as that is known; else that it comes later."""
        if isinstance(given, GivenTogether):
            return self._of_several(sources, given)
        digest = None if rego.rego_engine() is None else self._digest(given)
        about = () if digest is None else _about(given)
        said = [
            None
            if digest is None or one.unsupported
            else self._said(_Question(one.digest, digest), one, given, about)
            for one in sources
        ]
        left = [one for one, answer in zip(sources, said, strict=True) if answer is None]
        at_once = iter(_answers(left, given) if left else ())
        return [answer or next(at_once) for answer in said]

    def _said(
        self, question: _Question, source: RegoSource, given: Any, about: tuple[object, ...]
    ) -> RegoAnswer | None:
        """The answer, if it is known, or that it comes later; None where whoever asks has to wait for it."""
        with self._changed:
            known = self._known.get(question)
            if known is not None:
                self._known.move_to_end(question)
                return known
            if len(self._waiting) >= MAX_WAITING:
                return None
            asked = _Asked(source, given, (source.digest, *about))
            replaced = self._about.pop(asked.about, None)
            if replaced is not None:
                self._waiting.pop(replaced, None)
            self._about[asked.about] = question
            self._waiting[question] = asked
            return LATER

    def _of_several(self, sources: Sequence[RegoSource], given: GivenTogether) -> list[RegoAnswer]:
        """What rules say of several objects together."""
        said = [self._said_of_several(one, given) for one in sources]
        left = [one for one, answer in zip(sources, said, strict=True) if answer is None]
        at_once = iter(_answers(left, given) if left else ())
        return [answer or next(at_once) for answer in said]

    def _said_of_several(self, source: RegoSource, given: GivenTogether) -> RegoAnswer | None:
        """The answer, if it is known, or that it comes later; None where whoever asks has to wait for it."""
        if source.unsupported or rego.rego_engine() is None:
            return None
        key = (source.digest, given.where)
        with self._changed:
            known = self._open.get(key)
            if known is not None and _are_same(known, given):
                return LATER
            if known is not None:  # it is replaced
                del self._open[key]
                known.given.asked_by.pop(source.digest, None)
            now = self._being_asked
            if now is not None and now.source.digest == source.digest and _are_same(now, given):
                return LATER
            known = self._several.get(key)
            if known is not None and _are_same(known, given):
                self._several[key] = known._replace(turn=self._turn)
                self._several.move_to_end(key)
                return known.answer
            if known is None and not self._has_room():
                return None
            self._open[key] = _OfSeveral(source, given)
            given.asked_by[source.digest] = self
            return LATER

    def _has_room(self) -> bool:
        """Whether the answer to one question more can be kept, for which one goes that is of no use any more.

        Answers that are all of use would put each other out, and be asked for again and again.
        """
        if len(self._several) + len(self._open) < MAX_SEVERAL:
            return True
        if not self._several or next(iter(self._several.values())).turn >= self._turn - 1:
            return False
        self._several.popitem(last=False)
        return True

    def take_news(self) -> bool:
        """Whether rules that look at several objects have answered, all that are asked, since somebody asked this."""
        with self._changed:
            news, self._news = self._news, False
            return news

    @property
    def is_asking(self) -> bool:
        """Whether such rules are being asked, or nobody has heard of their answers yet."""
        return bool(self._open) or self._being_asked is not None or self._untold or self._news

    def _digest(self, given: Any) -> bytes | None:
        """What tells an input from all others; None where who evaluates says what is wrong with it."""
        try:
            if isinstance(given, list):
                return _hashed(given)
            review = self._review  # two threads may ask at once
            if given["review"] is not review[0]:
                review = self._review = given["review"], _hashed(given["review"])
            return _hashed({**given, "review": review[1].hex()})
        except (TypeError, ValueError, RecursionError):
            return None

    def _put(self) -> None:
        """Have what waits asked."""
        with self._changed:
            if (self._waiting or self._open) and self._thread is None:
                self._thread = threading.Thread(target=self._work, name="kscan-rego", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _work(self) -> None:
        untold = 0
        while True:
            with self._changed:
                while not (self._waiting or self._open):
                    self._changed.wait()
                while (left := self._since + PAUSE - time.monotonic()) > 0:
                    self._changed.wait(left)
                asked = self._next() if self._waiting else {}
            if not asked:
                self._ask_of_several()
                continue
            some = [one.source for one in asked.values()]
            answers = _answers(some, next(iter(asked.values())).given)
            untold += len(answers)
            with self._changed:
                self._known.update(zip(asked, answers, strict=True))
                while len(self._known) > MAX_KNOWN:
                    self._known.popitem(last=False)
                told = not self._waiting or untold >= MAX_UNTOLD
            if told:
                untold = 0
                self._tell()

    def _ask_of_several(self) -> None:
        """Have the rule asked that came last of those that look at several objects."""
        with self._changed:
            key, one = self._open.popitem()
            self._being_asked = one
        (answer,) = _answers([one.source], one.given)
        with self._changed:
            self._being_asked = None
            one.given.asked_by.pop(one.source.digest, None)
            self._several.pop(key, None)
            self._several[key] = one._replace(answer=answer, turn=self._turn)
            self._untold = True
            told = not (self._open or self._waiting)
        if told:
            self._tell()

    def _tell(self) -> None:
        """Have somebody hear that there are answers; of rules that look at several objects when all have answered."""
        with self._changed:
            if self._untold and not self._open:
                self._untold, self._news = False, True
        self._answered()

    def _next(self) -> dict[_Question, _Asked]:
        """The questions that were put last, of one input: it is handed over once for all of them."""
        given = next(reversed(self._waiting.values())).given
        found = dict(takewhile(lambda one: one[1].given is given, reversed(self._waiting.items())))
        for question, asked in found.items():
            del self._waiting[question]
            self._about.pop(asked.about, None)
        return found


def _are_same(one: _OfSeveral, given: GivenTogether) -> bool:
    """Whether an answer is one to a question: it was asked with the very same objects, as the rule sees them."""
    objects = one.given.objects
    return objects is given.objects or objects == given.objects


def _about(given: Any) -> tuple[object, ...]:
    """Which object is asked about, and as what: a newer question about the same replaces an older one."""
    if isinstance(given, list):
        (one,) = given
        metadata = one.get("metadata")
        named = metadata if isinstance(metadata, dict) else {}
        return tuple(
            str(part)
            for part in (one.get("apiVersion"), one.get("kind"), named.get("namespace"), named.get("name"))
        )
    review = given["review"]
    kind = review["kind"]
    return (str(given["parameters"]), kind["group"], kind["kind"], review["name"], review.get("namespace"),
            review["operation"])  # fmt: skip


def _hashed(value: Any) -> bytes:
    return hashlib.sha256(json.dumps(value).encode()).digest()


def _answers(sources: Sequence[RegoSource], given: Any) -> Sequence[RegoAnswer]:
    engine = rego.rego_engine()
    try:
        return engine.ask(sources, given) if engine else [RegoAnswer(why=NEEDS_ENGINE)] * len(sources)
    except Exception:  # a defect of ours must not leave everything else waiting
        logger.exception("Rego could not be evaluated")
        why = "it could not be evaluated: please report what the log says about it"
        return [RegoAnswer(why=why)] * len(sources)


def engine_now() -> RegoEngine | None:
    """Who evaluates Rego for what is being judged; None where nobody does."""
    engine = rego.rego_engine()
    return engine if engine is None else _BESIDE.get() or engine
