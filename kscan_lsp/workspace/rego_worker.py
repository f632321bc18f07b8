"""The process in which Rego is evaluated, asked on standard input. It is run as a file, and imports nothing of ours.

A question is a line of JSON: `asked`, a list, and the `input`. Of each that is asked there is the `id`, the `package`,
what it `asks`, and its `modules` and `data` where they are not known here yet. An answer is a line, too: for each a map
with `messages` or `alerts`, or `error`, or `unknown` for what has to be sent. Memory is limited where the system can;
time is watched by who asks, and by an alarm should nobody be left who asks.
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
SECONDS = 15
"""After how many the process ends itself, whatever it does."""
MOST_SOURCES = 1_000
MOST_MESSAGES = 50
MOST_ALERTS = 5_000
MOST_PATHS = 50
"""Of one alert, and as many objects."""
MOST_CHARACTERS = 500
"""Of one message, or one path."""


class RegoSources:
    """The templates and rules that were read."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._known: dict[str, Any] = {}
        """An engine for each, or why there is none."""

    def answers(self, question: dict[str, Any]) -> list[dict[str, Any]]:
        """What each that is asked says of an input."""
        given = json.dumps(question["input"])
        return [self._answer(one, given) for one in question["asked"]]

    def _answer(self, asked: dict[str, Any], given: str) -> dict[str, Any]:
        engine = self._known.get(asked["id"])
        if engine is None:
            if "modules" not in asked:
                return {"unknown": True}
            while len(self._known) >= MOST_SOURCES:
                self._known.pop(next(iter(self._known)))
            engine = self._known[asked["id"]] = self._read(asked["modules"], asked.get("data", ""))
        if isinstance(engine, str):
            return {"error": engine}
        try:
            engine.set_input_json(given)
            if asked.get("asks") == "alerts":
                return _alerts(json.loads(engine.eval_query_as_json(f"data.{asked['package']}")))
            return _messages(json.loads(engine.eval_rule_as_json(f"data.{asked['package']}.violation")))
        except (RuntimeError, ValueError) as error:
            return {"error": f"its rule fails: {_short(error)}"}
        finally:
            engine.set_input_json("null")  # many engines would keep many objects

    def _read(self, modules: list[str], data: str) -> Any:
        engine = self._library.Engine()
        engine.set_rego_v0(True)
        try:
            for number, module in enumerate(modules):
                engine.add_policy(f"module{number}", module)
            if data:
                engine.add_data_json(data)
        except (RuntimeError, ValueError) as error:
            return f"it cannot be read: {_short(error)}"
        return engine


def _messages(found: Any) -> dict[str, Any]:
    """What Gatekeeper asks a template for."""
    if not isinstance(found, list) or not all(isinstance(one, dict) and "msg" in one for one in found):
        return {"error": "its rule 'violation' is no set of objects with 'msg'"}
    texts = sorted({one["msg"] if isinstance(one["msg"], str) else json.dumps(one["msg"]) for one in found})
    return {"messages": [one[:MOST_CHARACTERS] for one in texts[:MOST_MESSAGES]]}


def _alerts(found: Any) -> dict[str, Any]:
    """What Kubescape takes for alerts: all that any rule of the package lists, if it is an object."""
    results = found.get("result") if isinstance(found, dict) else None
    values = [one.get("value") for result in results or () for one in result.get("expressions", ())]
    lists = [one for value in values if isinstance(value, dict) for one in value.values()]
    # a list of texts, such as of names, is a part of a rule that has a name of its own
    alerts = [one for given in lists if isinstance(given, list) for one in given if _is_alert(one)]
    if len(alerts) > MOST_ALERTS:
        return {"error": f"it has more than {MOST_ALERTS:,} alerts"}
    return {"alerts": [_slim(one) for one in alerts]}


def _is_alert(one: Any) -> bool:
    return isinstance(one, dict) and any(name.lower() in ("alertmessage", "alertobject") for name in one)


def _slim(alert: dict[str, Any]) -> dict[str, Any]:
    """An alert as far as it matters: of the objects in it who they are. Names count in any case, as in Kubescape."""
    fields = {name.lower(): value for name, value in alert.items()}
    objects = fields.get("alertobject")
    inside = {name.lower(): value for name, value in objects.items()} if isinstance(objects, dict) else {}
    listed = [*_objects(inside.get("k8sapiobjects")), *_objects(inside.get("externalobjects"))]
    related: list[Any] = []
    failed = [
        one for name in ("failedpaths", "reviewpaths", "deletepaths") for one in _texts(fields.get(name))
    ]
    for one in listed:
        vector = [*_objects(one.get("relatedObjects"))]
        for number, other in enumerate(vector):
            start = f"relatedObjects[{number}]."
            there = [path.removeprefix(start) for path in failed if path.startswith(start)]
            related.append([_who(other), there])
    for one in _objects(fields.get("relatedobjects")):
        named = {name.lower(): value for name, value in one.items()}
        if isinstance(named.get("object"), dict):
            there = [
                p for name in ("failedpaths", "reviewpaths", "deletepaths") for p in _texts(named.get(name))
            ]
            related.append([_who(named["object"]), list(dict.fromkeys(there))])
    message = fields.get("alertmessage")
    fixes = fields.get("fixpaths")
    return {
        "message": (message if isinstance(message, str) else "")[:MOST_CHARACTERS],
        "failed": list(dict.fromkeys(failed))[:MOST_PATHS],
        "fixes": [
            [str(one.get("path"))[:MOST_CHARACTERS], _value(one.get("value"))]
            for one in _objects(fixes)[:MOST_PATHS]
        ],
        "objects": [_who(one) for one in listed[:MOST_PATHS]],
        "related": related[:MOST_PATHS],
    }


def _who(one: dict[str, Any]) -> list[str]:
    metadata = one.get("metadata")
    named = metadata if isinstance(metadata, dict) else one  # of a subject, its name stands at its top
    version = one.get("apiVersion") or one.get("apiGroup")
    return [_text(version), _text(one.get("kind")), _text(named.get("namespace")), _text(named.get("name"))]


def _value(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value))[:MOST_CHARACTERS]


def _text(value: Any) -> str:
    return value[:MOST_CHARACTERS] if isinstance(value, str) else ""


def _objects(value: Any) -> list[dict[str, Any]]:
    listed = value if isinstance(value, list) else [value]
    return [one for one in listed if isinstance(one, dict)]


def _texts(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else []
    return [one[:MOST_CHARACTERS] for one in listed if isinstance(one, str) and one]


def _short(error: Exception) -> str:
    """What an error says and where, without the picture and the stack that follow."""
    text = str(error).partition("Stack backtrace")[0]
    where = next((line.strip() for line in text.splitlines() if "-->" in line), "")
    said = text.rpartition("error:")[2]
    return " ".join(f"{said} {where.replace('-->', 'at')}".split())[:200]


def serve(library: Any, asked: BinaryIO, answers: BinaryIO) -> None:
    """Answer until nothing more is asked."""
    sources = RegoSources(library)
    while line := asked.readline():
        _alarm(SECONDS)
        answers.write(json.dumps(sources.answers(json.loads(line))).encode() + b"\n")
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
