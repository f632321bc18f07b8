"""What evaluates Rego: an engine in a process of its own, which is started when the first template is asked for.

The engine is a library that users install (`docs/gatekeeper.md`). It is not loaded into this process: a rule that never
ends, such as one with a regular expression that backtracks, cannot be stopped from outside, and what does not compile
may end the process. Its environment is empty, since a rule may ask for it. A template or a rule that takes too long, or
that the process does not survive, is not asked again until it changes. Several are asked of one input together, since
telling the process of it costs more than most answers; where that does not work out, each is asked by itself.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.policy.rego import AlertedObject, RegoAlert, RegoAnswer, has_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kscan_lsp.policy.rego import RegoSource

SECONDS: Final = 1.0
"""How long a template may take for an object; those of the public library take less than a millisecond."""
LARGE: Final = 200_000
"""Characters of an input for which there is as much time once more, at most MOST_TIMES in all."""
MOST_TIMES: Final = 5
MOST_INPUT: Final = 5_000_000
"""Characters of an input."""
STARTING: Final = 10.0
"""How long the process may take to start, and to compile the first template."""
MOST_ANSWER: Final = 4_000_000
"""Bytes of an answer."""
MOST_SET_ASIDE: Final = 1_000


class RegoProcess:
    """The engine in a process of its own. One question at a time; others wait."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._aside: dict[str, str] = {}
        """Why a template is not asked any more, by its digest."""

    def ask(self, sources: Sequence[RegoSource], given: Any) -> list[RegoAnswer]:
        """What templates or rules say of an input, each in its turn."""
        known = [RegoAnswer(why=one.unsupported) if one.unsupported else None for one in sources]
        try:
            text = json.dumps(given) if None in known else ""
        except (TypeError, ValueError, RecursionError):
            unfit = RegoAnswer(why="the object has values that are not JSON, or is nested too deeply")
            return [one or unfit for one in known]
        if len(text) > MOST_INPUT:
            large = RegoAnswer(why=f"what it would be asked about has more than {MOST_INPUT:,} characters")
            return [one or large for one in known]
        with self._lock:
            left = [
                one
                for one, answer in zip(sources, known, strict=True)
                if answer is None and one.digest not in self._aside
            ]
            found = dict(zip((one.digest for one in left), self._asked(left, text), strict=True))
            return [
                answer or found.get(one.digest) or RegoAnswer(why=self._aside[one.digest])
                for one, answer in zip(sources, known, strict=True)
            ]

    def _asked(self, sources: list[RegoSource], text: str) -> list[RegoAnswer]:
        if not sources:
            return []
        questions: list[dict[str, Any]] = [
            {"id": one.digest, "package": one.package, "asks": one.asks} for one in sources
        ]
        answers = self._answers(questions, text)
        if isinstance(answers, list) and any("unknown" in one for one in answers):
            for question, source, answer in zip(questions, sources, answers, strict=True):
                if "unknown" in answer:
                    question |= {"modules": source.modules, "data": source.data}
            answers = self._answers(questions, text)
        if isinstance(answers, list):
            return [*map(_answer_of, answers)]
        if len(sources) > 1:
            return [answer for one in sources for answer in self._asked([one], text)]
        if len(self._aside) < MOST_SET_ASIDE:
            self._aside[sources[0].digest] = answers
        return [RegoAnswer(why=answers)]

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None and self._owner == os.getpid():
            process.kill()
            process.communicate()

    def _answers(self, questions: list[dict[str, Any]], text: str) -> list[dict[str, Any]] | str:
        """The answer to each question about an input, or why there is none to any."""
        times = min(1 + len(text) // LARGE, MOST_TIMES)
        # of many that are asked together each takes little; one that never ends is found when each is asked by itself
        seconds = self.seconds * min(times * len(questions), MOST_TIMES)
        if (
            self._owner != os.getpid()
        ):  # a copy of who started it (`cli/processes.py`), which goes on asking it
            self._owner, self._process = os.getpid(), None
        process = self._process
        if process is None or process.poll() is not None:
            self.close()
            process = self._process = _started()
            seconds = STARTING
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(seconds, stop)
        timer.start()
        line = b""
        try:
            if process.stdin and process.stdout:
                process.stdin.write(f'{{"asked": {json.dumps(questions)}, "input": {text}}}\n'.encode())
                process.stdin.flush()
                line = process.stdout.readline(MOST_ANSWER)
        except OSError:
            line = b""  # it has ended
        finally:
            timer.cancel()
        if line.endswith(b"\n"):
            found: list[dict[str, Any]] = json.loads(line)
            return found
        self.close()
        if late.is_set():
            return f"it took more than {seconds:g} s; it is not asked again until its Rego changes"
        if len(line) >= MOST_ANSWER:
            return f"it says more than {MOST_ANSWER:,} bytes; it is not asked again until its Rego changes"
        return "the engine for Rego ended over it; it is not asked again until its Rego changes"


def _answer_of(found: dict[str, Any]) -> RegoAnswer:
    if "alerts" in found:
        return RegoAnswer(alerts=tuple(map(_alert_of, found["alerts"])))
    if "messages" in found:
        return RegoAnswer(tuple(found["messages"]))
    return RegoAnswer(why=str(found.get("error")))


def _alert_of(found: dict[str, Any]) -> RegoAlert:
    return RegoAlert(
        found["message"],
        tuple(found["failed"]),
        tuple((path, value) for path, value in found["fixes"]),
        tuple(AlertedObject(*one) for one in found["objects"]),
        tuple((AlertedObject(*one), tuple(paths)) for one, paths in found["related"]),
    )


def _started() -> subprocess.Popen[bytes]:
    needed = {
        name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ
    }  # Windows starts nothing without
    return subprocess.Popen(  # noqa: S603 - this Python, and a file of ours
        [sys.executable, "-I", str(Path(__file__).with_name("rego_worker.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=needed,
    )


@lru_cache(maxsize=1)
def rego_engine() -> RegoProcess | None:
    """What evaluates Rego here, ended with this process; None where nothing does."""
    if not has_engine():
        return None
    engine = RegoProcess()
    atexit.register(engine.close)
    return engine
