"""Hostile files, policies and settings, messages that no editor sends, and fixes held against the fix law."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import tempfile
import time
import traceback
from abc import ABC, abstractmethod
from datetime import date
from pathlib import Path
from typing import Any

from fuzz_edits import Failure
from support.fixing import findings_of, holds, judged
from support.fuzzing import Case, manifests, step
from support.manifests import DOCUMENTS
from support.stdio import framed, received
from support.styles import Style, render
from typer.testing import CliRunner

from kscan_lsp.cli.main import app
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.fixes.verify import Site, fixes_of
from kscan_lsp.lsp.server.main import create
from kscan_lsp.policy import ruleset
from kscan_lsp.report.formats import FORMATS
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.policies import builtin_policies
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document

SLOW = 20.0
"""Seconds of the processor that no input of a few thousand characters may take."""
SETTINGS = """\
frameworks: [recommended, nsa]
controls: {exclude: [C-0057], include: [C-0013], severity: {C-0016: low}}
inputs: {imageRepositoryAllowList: ["docker.io/*"]}
exclude: ["vendor/**", "*.tmpl"]
policies: [p.yaml]
kubernetesVersion: 1.30
podSpecPaths: {example.com/Shop: spec.template}
diagnostics: open
"""
HOSTILE = (
    "[" * 2_000, "{a: " * 1_000, "- " * 3_000, "a: &a [*a, *a]\n", "? " * 500, "\0" * 50, "\ufeff" * 5,
    "%YAML 9.9\n---\n", "".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9 if n else 'x'}]\n" for n in range(12)),
    "a: !!python/object:os.system x\n", "!!binary |\n  !!!\n", "a: " + "9" * 5_000 + "\n", "a: 1e999999\n",
    "x: " + "a" * 9_000 + "\n", "\u2028---\u2029kind: Pod\x85",
    "<<: [*a, *a]\n", "'" * 999, '"\\x' * 99, "\r" * 99, "\ud800", "#" * 4_000, "{{ range }}\n",
    "*a*a*a*a*a*a*a*a*a*a*a*a*ab\n",
)  # fmt: skip


class Inputs(ABC):
    """What one text leads to, whatever it is: nothing but an answer, soon."""

    def __init__(self, _: int) -> None:
        self.edits = self.comparisons = 0
        self.home = Path(tempfile.mkdtemp(prefix="kscan-fuzz-"))

    def case(self, seed: str) -> Failure | None:
        """Try the input that a seed leads to."""
        dice = random.Random(seed)  # noqa: S311 - reproducible, not secret
        case = Case((self.text(dice),), ())
        self.edits += 1
        found = self.fails(case)
        return Failure(*found, case) if found else None

    def fails(self, case: Case) -> tuple[str, str] | None:
        """What goes wrong with an input."""
        began = time.process_time()
        try:
            complaint = self.attempt(case.texts[0])
        except Exception:  # noqa: BLE001 - which is what is looked for
            return "crash", traceback.format_exc()
        seconds = time.process_time() - began
        if complaint:
            return "difference", complaint
        return ("crash", f"it took {seconds:.0f} s") if seconds > SLOW else None

    def text(self, dice: random.Random) -> str:
        """An input."""
        return mutated(dice.choice(self.seeds()), dice)

    def seeds(self) -> tuple[str, ...]:
        """What inputs are made from."""
        return manifests()

    @abstractmethod
    def attempt(self, text: str) -> str:
        """Try an input; what is wrong with what comes of it."""

    def run(self, *arguments: str) -> str:
        """A command in the folder of the case; what is wrong with its end."""
        before = Path.cwd()
        os.chdir(self.home)
        try:
            done = CliRunner().invoke(app, arguments)
        finally:
            os.chdir(before)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        if done.exit_code not in (0, 1, 2, 3):
            return f"status {done.exit_code}"
        return "a traceback was printed" if "Traceback" in done.output else ""

    def put(self, name: str, text: str) -> None:
        """Write a file of the case: bytes where that is what the text stands for."""
        path = self.home / name
        binary = not text.isascii() and all(ord(letter) < 256 for letter in text)
        path.write_bytes(text.encode("latin-1" if binary else "utf-8", "surrogatepass"))


def mutated(text: str, dice: random.Random) -> str:
    """A text after a few edits, with something hostile in it, or nothing but bytes."""
    if dice.random() < 0.05:
        return dice.randbytes(dice.randint(0, 300)).decode("latin-1")
    for _ in range(dice.choice([0, 1, 2, 5, 12])):
        text = step(dice, [text], [[text]]).applied(text)
    if dice.random() < 0.3:
        place = dice.randint(0, len(text))
        text = text[:place] + dice.choice(HOSTILE) + text[place:]
    return text


class Files(Inputs):
    """Manifests on disk, scanned and fixed, in every form of report."""

    def attempt(self, text: str) -> str:
        """Scan a file, as YAML or JSON, in one form of report."""
        for old in self.home.iterdir():
            old.unlink()
        name = "a.json" if text[:1] == "{" else "a.yaml"
        self.put(name, text)
        form = [*FORMATS][len(text) % len(FORMATS)]
        return self.run("scan", name, "--format", form, "--fixes") or self.run("fix", name, "--unsafe")


class Policies(Inputs):
    """Control and framework files of a project."""

    def seeds(self) -> tuple[str, ...]:
        """The built-in controls."""
        folder = Path(__file__).parents[1] / "policies"
        return tuple(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.yaml")))

    def attempt(self, text: str) -> str:
        """Judge a manifest by a control, and run the tests in it."""
        self.put("p.yaml", text.replace("id: C-", "id: X-", 1))
        self.put(".kscan.yaml", "policies: [p.yaml]\n")
        self.put("a.yaml", DOCUMENTS[0])
        return self.run("scan", "a.yaml") or self.run("test", "p.yaml")


class SettingsFiles(Inputs):
    """Settings files."""

    def seeds(self) -> tuple[str, ...]:
        """Settings of all keys."""
        return (SETTINGS, *(f"{line}\n" for line in SETTINGS.splitlines()))

    def attempt(self, text: str) -> str:
        """Scan a folder that has them."""
        self.put(".kscan.yaml", text)
        self.put("a.yaml", DOCUMENTS[0])
        return self.run("scan", ".")


class Fixes(Inputs):
    """Fixes of random manifests in random styles."""

    def __init__(self, every: int) -> None:
        super().__init__(every)
        rules = ruleset.choose(builtin_policies(), Settings.of({"frameworks": ["allcontrols"]}))[0]
        self.evaluator = Evaluator(rules, Evidence(date(2026, 1, 1)))

    def text(self, dice: random.Random) -> str:
        """A manifest rewritten in some style, then edited a little."""
        data = read_document(dice.choice(manifests())).data
        text = render(data, _style(dice)) if isinstance(data, dict) else dice.choice(manifests())
        for _ in range(dice.choice([0, 0, 1, 2])):
            text = step(dice, [text], [[text]]).applied(text)
        return text

    def attempt(self, text: str) -> str:
        """Hold every fix that is offered against the law."""
        project = Project(self.evaluator).with_file("this.yaml", text)
        documents = project.files["this.yaml"].documents
        if not any(placed.checked.verdicts for placed in documents):
            return ""
        number, placed = judged(project)
        if not placed.checked.document.complete or placed.checked.document.problems:
            return ""
        before = findings_of(project)
        for finding in placed.checked.findings:
            if not finding.fixable:
                continue
            for option in fixes_of(Site(project, "this.yaml", number), finding)[0]:
                self.comparisons += 1
                try:
                    holds(project, option, finding, before)
                except AssertionError:
                    return f"{finding.control} at {finding.path}: {option.edits}\n{traceback.format_exc()}"
        return ""


def _style(dice: random.Random) -> Style:
    flags = {
        name: dice.random() < 0.5 for name in ("comments", "flows", "quotes", "anchors", "final_line_end")
    }
    return Style(
        step=dice.choice([2, 4]),
        dash=dice.choice([0, 2]),
        line_end=dice.choice(["\n", "\n", "\r\n"]),
        start=dice.choice(["", "---", "# first\n---"]),
        choices=tuple(dice.randrange(12) for _ in range(dice.randint(1, 40))),
        **flags,
    )


# Messages

METHODS = (
    "initialize", "initialized", "textDocument/didOpen", "textDocument/didChange", "textDocument/didClose", "no/such",
    "textDocument/didSave", "textDocument/hover", "textDocument/completion", "textDocument/codeAction",
    "$/cancelRequest", "textDocument/documentLink", "codeAction/resolve", "completionItem/resolve",
    "workspace/executeCommand", "$/setTrace", "workspace/didChangeWatchedFiles", "workspace/didChangeConfiguration",
    "workspace/didChangeWorkspaceFolders",
)  # fmt: skip
ODD = (
    None,
    True,
    0,
    -1,
    1.5,
    2**70,
    "",
    "x",
    "untitled:a",
    "file:///%00",
    [],
    {},
    [None],
    {"uri": 1},
    "\ud800",
    1e400,
)


class Messages(Inputs):
    """Sessions with an editor that has lost its mind: every request has one answer, and nothing is a defect."""

    def text(self, dice: random.Random) -> str:
        """Messages, one on each line; a number before it that is no frame."""
        return "".join(
            f"{json.dumps(self._message(dice, number))}\n" for number in range(1, dice.randint(5, 60))
        )

    def _message(self, dice: random.Random, number: int) -> Any:
        if dice.random() < 0.04:
            return dice.choice(ODD)
        method = dice.choice(METHODS)
        uri = dice.choice(
            ["untitled:a", "untitled:b", "file:///no/such/a.yaml", "file:///no/such/.kscan.yaml"]
        )
        places = [{"line": dice.randint(-2, 30), "character": dice.randint(-2, 40)} for _ in range(2)]
        at = dict(zip(("start", "end"), places, strict=True))
        params: Any = {
            "textDocument": {"uri": uri, "version": dice.randint(-3, 9), "languageId": "yaml", "text": DOCUMENTS[0]},
            "position": places[0], "range": at, "context": {"diagnostics": []}, "id": dice.randint(0, number),
            "contentChanges": [{"range": at, "text": dice.choice(HOSTILE)}, {"text": dice.choice(manifests())}],
            "command": dice.choice(["kscan.status", "kscan.fixAll", "kscan.frameworks", "kscan.explain", "no"]),
            "arguments": [dice.choice([uri, "C-0057", 1])], "changes": [{"uri": uri, "type": dice.randint(1, 3)}],
            "settings": {"kscan": dice.choice(ODD)}, "event": {"added": [], "removed": [{"uri": uri, "name": "x"}]},
            "capabilities": {}, "processId": None, "rootUri": None, "label": "x", "title": "x", "value": "off",
            "data": {"uri": uri, "version": 1, "kind": dice.choice(ODD)},
        }  # fmt: skip
        if dice.random() < 0.2:
            params[dice.choice(list(params))] = dice.choice(ODD)
        if dice.random() < 0.05:
            params = dice.choice(ODD)
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        notified = method.startswith(("textDocument/did", "workspace/did", "$/", "initialized"))
        if notified == (dice.random() < 0.03):
            message["id"] = number
        if dice.random() < 0.03:
            message[dice.choice(list(message))] = dice.choice(ODD)
        return message

    def attempt(self, text: str) -> str:
        """Send them all to a server, and wait for what it has to say."""
        defects: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: defects.append(record.getMessage()) if record.exc_info else None  # type: ignore[method-assign]
        root = logging.getLogger()
        root.addHandler(handler)
        try:
            answers = asyncio.run(_talk([line.encode() for line in text.splitlines()]))
        finally:
            root.removeHandler(handler)
        asked = [json.loads(line) for line in text.splitlines()]
        ids = [
            m["id"]
            for m in asked
            if isinstance(m, dict) and type(m.get("id")) in (int, str) and "method" in m
        ]
        for one in {i for i in ids if ids.count(i) == 1}:
            if answers.count(one) != 1:
                return f"{answers.count(one)} answers to request {one}"
        return "\n".join(defects)


async def _talk(bodies: list[bytes]) -> list[Any]:
    server, sent = create(), []

    class Collected:
        """What the server sends."""

        def write(self, data: bytes) -> None:
            sent.append(json.loads(data.partition(b"\r\n\r\n")[2]))

        def close(self) -> None:
            """Nothing is to be closed."""

    server.protocol.set_writer(Collected())
    hello = {"processId": None, "rootUri": None, "capabilities": {}}
    first = json.dumps({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": hello}).encode()
    for body in received(b"".join(map(framed, [first, *bodies])), [1 << 16]):
        server.protocol.receive(body)
        await asyncio.sleep(0)
    ends = time.monotonic() + 10 * SLOW  # on a machine that others use
    while server.protocol._request_futures or server.scheduler.tasks:  # noqa: SLF001 - to know that it is done
        await asyncio.sleep(0.01)
        if time.monotonic() > ends:
            raise TimeoutError
    return [message.get("id") for message in sent if "method" not in message]
