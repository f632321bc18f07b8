"""What evaluates Rego: an engine in a process of its own, which is started when the first template is asked for.

The engine is a library that users install (`docs/gatekeeper.md`). It is not loaded into this process: a rule that never
ends, such as one with a regular expression that backtracks, cannot be stopped from outside, and what does not compile
may end the process. Its environment is empty, since a rule may ask for it. A template that takes too long, or that the
process does not survive, is not asked again until it changes.
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

from kscan_lsp.gatekeeper.rego import RegoAnswer, has_engine

if TYPE_CHECKING:
    from kscan_lsp.gatekeeper.rego import RegoSource

SECONDS: Final = 1.0
"""How long a template may take for an object; those of the public library take less than a millisecond."""
STARTING: Final = 10.0
"""How long the process may take to start, and to compile the first template."""
MOST_ANSWER: Final = 300_000
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

    def ask(self, source: RegoSource, given: dict[str, Any]) -> RegoAnswer:
        """What a template says of an input."""
        if source.unsupported:
            return RegoAnswer(why=source.unsupported)
        question = {"id": source.digest, "package": source.package, "input": given}
        try:
            text = json.dumps(question).encode()
        except (TypeError, ValueError, RecursionError):
            return RegoAnswer(why="the object has values that are not JSON, or is nested too deeply")
        with self._lock:
            if source.digest in self._aside:
                return RegoAnswer(why=self._aside[source.digest])
            answer = self._answer(text, self.seconds)
            if answer.get("unknown"):
                sent = json.dumps({**question, "modules": source.modules}).encode()
                answer = self._answer(sent, self.seconds)
            if "messages" in answer:
                return RegoAnswer(tuple(answer["messages"]))
            if "aside" in answer and len(self._aside) < MOST_SET_ASIDE:
                self._aside[source.digest] = answer["aside"]
        return RegoAnswer(why=str(answer.get("aside") or answer.get("error")))

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None and self._owner == os.getpid():
            process.kill()
            process.communicate()

    def _answer(self, question: bytes, seconds: float) -> dict[str, Any]:
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
                process.stdin.write(question + b"\n")
                process.stdin.flush()
                line = process.stdout.readline(MOST_ANSWER)
        except OSError:
            line = b""  # it has ended
        finally:
            timer.cancel()
        if line.endswith(b"\n"):
            found: dict[str, Any] = json.loads(line)
            return found
        self.close()
        if late.is_set():
            return {
                "aside": f"it took more than {seconds:g} s; it is not asked again until its template changes"
            }
        return {
            "aside": "the engine for Rego ended over it; it is not asked again until its template changes"
        }


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
