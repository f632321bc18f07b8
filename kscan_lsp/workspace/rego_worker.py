"""The process in which Rego is evaluated, asked on standard input. It is run as a file, and imports nothing of ours.

A question is a line of JSON: `id` of a template, its `modules` where they are not known here yet, its `package`, and
the `input`. An answer is a line, too: `messages`, or `error`, or `unknown` for a template that has to be sent. Memory
is limited where the system can; time is watched by who asks, and by an alarm should nobody be left who asks.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from importlib import import_module
from typing import Any, BinaryIO

MEMORY = 1_000_000_000
"""How many bytes of address space it may take."""
SECONDS = 10
"""After how many the process ends itself, whatever it does."""
MOST_TEMPLATES = 200
MOST_MESSAGES = 50
MOST_CHARACTERS = 500
"""Of one message."""


class RegoTemplates:
    """The templates that were read."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._known: dict[str, Any] = {}
        """An engine for each, or why there is none."""

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """The messages that a template has for an input, or why it has none."""
        engine = self._known.get(question["id"])
        if engine is None:
            if "modules" not in question:
                return {"unknown": True}
            while len(self._known) >= MOST_TEMPLATES:
                self._known.pop(next(iter(self._known)))
            engine = self._known[question["id"]] = self._read(question["modules"])
        if isinstance(engine, str):
            return {"error": engine}
        try:
            engine.set_input_json(json.dumps(question["input"]))
            found = json.loads(engine.eval_rule_as_json(f"data.{question['package']}.violation"))
        except (RuntimeError, ValueError) as error:
            return {"error": f"its rule fails: {_short(error)}"}
        if not isinstance(found, list) or not all(isinstance(one, dict) and "msg" in one for one in found):
            return {"error": "its rule 'violation' is no set of objects with 'msg'"}
        texts = sorted(
            {one["msg"] if isinstance(one["msg"], str) else json.dumps(one["msg"]) for one in found}
        )
        return {"messages": [one[:MOST_CHARACTERS] for one in texts[:MOST_MESSAGES]]}

    def _read(self, modules: list[str]) -> Any:
        engine = self._library.Engine()
        engine.set_rego_v0(True)
        try:
            for number, module in enumerate(modules):
                engine.add_policy(f"module{number}", module)
        except (RuntimeError, ValueError) as error:
            return f"it cannot be read: {_short(error)}"
        return engine


def _short(error: Exception) -> str:
    """What an error says and where, without the picture and the stack that follow."""
    text = str(error).partition("Stack backtrace")[0]
    where = next((line.strip() for line in text.splitlines() if "-->" in line), "")
    said = text.rpartition("error:")[2]
    return " ".join(f"{said} {where.replace('-->', 'at')}".split())[:200]


def serve(library: Any, asked: BinaryIO, answers: BinaryIO) -> None:
    """Answer until nothing more is asked."""
    templates = RegoTemplates(library)
    while line := asked.readline():
        _alarm(SECONDS)
        answers.write(json.dumps(templates.answer(json.loads(line))).encode() + b"\n")
        answers.flush()
        _alarm(0)


def _alarm(seconds: int) -> None:
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)  # ends the process, also in the middle of a rule


def main() -> None:
    """Serve on standard input and output."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints gets between the answers
    if sys.platform != "win32":
        resource = import_module("resource")
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    serve(import_module("regorus"), sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
