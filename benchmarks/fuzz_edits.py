"""Random edits of manifests, each held against a fresh scan of the same texts."""

from __future__ import annotations

import json
import random
import traceback
from typing import TYPE_CHECKING, Any, NamedTuple

from lsprotocol import types
from support.fuzzing import Case, Step, step, texts

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.lsp import convert
from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.session.session import Session, today
from kscan_lsp.lsp.session.steps import CheckRequest, check, read_file
from kscan_lsp.policy.memo import PolicyMemo
from kscan_lsp.text import Encoding, LineIndex
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.workspace.results import CheckedFile

SECTION = {"frameworks": ["allcontrols"]}
STEPS = 80
"""Edits of a case."""


class Failure(NamedTuple):
    """What went wrong after the last step of a case."""

    kind: str
    """`difference` or `crash`."""
    what: str
    case: Case


class Fresh:
    """Judges texts by an evaluator that has seen no others; what is known of kinds stays, and of nothing else."""

    def __init__(self) -> None:
        configuration, _ = configure(None, section=SECTION, memo=PolicyMemo())
        self.configuration = configuration
        self._known = self._evaluator()

    def _evaluator(self) -> Evaluator:
        return Evaluator(self.configuration.ruleset, Evidence(today()))

    def project(self, files: dict[str, str]) -> Project:
        """A new project with some texts."""
        evaluator = self._evaluator()
        memo, known = evaluator._memo, self._known._memo  # noqa: SLF001 - nothing else needs to share parts of it
        memo.plans, memo.numbers = known.plans, known.numbers
        memo.names, memo.quoting = known.names, known.quoting
        return Project(evaluator).with_files((name, text, False) for name, text in files.items())


class Buffers:
    """An editor's session with some documents that have no file."""

    def __init__(self, fresh: Fresh, encoding: Encoding) -> None:
        self.session = Session(capabilities=Capabilities(encoding=encoding))
        self.session.day = today()
        self.session.configure(None, fresh.configuration)

    def open(self, texts_now: tuple[str, ...]) -> None:
        for number, text in enumerate(texts_now):
            self.session.open(types.TextDocumentItem(uri_of(number), "yaml", 1, text))
        self.work()

    def edit(self, one: Step, before: str, version: int) -> None:
        at = change_of(one, before, self.session.capabilities.encoding)
        event: Any = (
            types.TextDocumentContentChangeWholeDocument(text=at["text"])
            if "range" not in at
            else types.TextDocumentContentChangePartial(
                text=at["text"],
                range=types.Range(
                    types.Position(**at["range"]["start"]), types.Position(**at["range"]["end"])
                ),
            )
        )
        self.session.change(uri_of(one.file), version, [event])
        self.work()

    def close(self) -> None:
        for uri in list(self.session.documents):
            self.session.close(uri)
        self.work()

    def work(self) -> None:
        session = self.session
        while request := session.take_next_step(None):
            if isinstance(request, CheckRequest):
                session.accept(request, check(request))
            else:
                session.keep(request, read_file(request)(session.workspaces[None].project))
        session.update_documents(None)


def uri_of(number: int) -> str:
    """What a document is called."""
    return f"untitled:{'abc'[number]}.yaml"


def change_of(one: Step, text: str, encoding: Encoding) -> dict[str, Any]:
    """A step as an entry of `contentChanges`."""
    if one.start == 0 and one.end >= len(text):
        return {"text": one.text}
    index = LineIndex(text)
    ends = {}
    for name, offset in (("start", one.start), ("end", max(one.start, one.end))):
        position = index.encoded(min(offset, len(text)), encoding)
        ends[name] = {"line": position.line, "character": position.column}
    return {"range": ends, "text": one.text}


def possible(one: Step, text: str) -> bool:
    """Whether an editor can say a step: it has no place between the two characters of a line end."""
    return not any(
        0 < offset < len(text) and text[offset - 1 : offset + 1] == "\r\n"
        for offset in (one.start, max(one.start, one.end))
    )


def said(project: Project) -> list[Any]:
    """All that a project says, in its order, as plain data."""
    return [_of_file(path, file) for path, file in project.files.items()]


def _of_file(path: str, file: CheckedFile) -> Any:
    parts = [
        (
            placed.offset,
            placed.line,
            repr(placed.checked.document.data),
            placed.checked.problems,
            [
                (
                    [_of_finding(finding) for finding in verdicts.findings],
                    sorted(verdicts.passed),
                    verdicts.unevaluated,
                )
                for verdicts in placed.checked.verdicts
            ],
        )
        for placed in file.documents
    ]
    return path, file.skipped, file.limit, parts


def _of_finding(f: Any) -> tuple[Any, ...]:
    about = (f.control, f.severity, f.resource, f.path, f.message, f.span)
    return (*about, f.related, f.fixable, f.disposition, f.causes)


def difference(one: Any, other: Any, way: str = "") -> str:
    """Where two pieces of plain data differ first, in words."""
    if one == other:
        return ""
    if type(one) is type(other) and isinstance(one, tuple | list):
        if len(one) == len(other):
            for number, (a, b) in enumerate(zip(one, other, strict=True)):
                if found := difference(a, b, f"{way}[{number}]"):
                    return found
            return ""
        return f"{way}: {len(one)} and {len(other)} entries\n    {one!r}\n    {other!r}"
    return "" if one == other else f"{way}:\n    {one!r}\n    {other!r}"


class Edits:
    """Edits in process: a session, and now and then a fresh project beside it."""

    def __init__(self, every: int) -> None:
        self.fresh = Fresh()
        self.every = every
        self.buffers = {encoding: Buffers(self.fresh, encoding) for encoding in Encoding}
        self.edits = self.comparisons = 0

    def case(self, seed: str) -> Failure | None:
        """Make the edits that a seed leads to."""
        dice = random.Random(seed)  # noqa: S311 - reproducible, not secret
        begun = texts(dice)
        done: list[Step] = []
        made = self._steps(dice, begun, done)
        buffers = self.buffers[dice.choice(list(Encoding))]
        why = self._run(buffers, begun, made, dice)
        if why is None:
            return None
        # what an editor remembers of other cases may have been part of it
        self.buffers = {encoding: Buffers(self.fresh, encoding) for encoding in Encoding}
        return Failure(*why, Case(begun, tuple(done)))

    def fails(self, case: Case) -> tuple[str, str] | None:
        """What goes wrong in a case, compared after each step; by a session that knows nothing."""
        for encoding in Encoding:
            for _ in range(2):  # the runtime's order of keys is another each time
                found = self._run(Buffers(self.fresh, encoding), case.texts, iter(case.steps), None)
                if found:
                    return found
        return None

    def _steps(self, dice: random.Random, begun: tuple[str, ...], done: list[Step]) -> Iterator[Step]:
        now, before = list(begun), [[text] for text in begun]
        while len(done) < STEPS:
            one = step(dice, now, before)
            if not possible(one, now[one.file]):
                continue
            now[one.file] = one.applied(now[one.file])
            before[one.file].append(now[one.file])
            done.append(one)
            yield one

    def _run(
        self, buffers: Buffers, begun: tuple[str, ...], steps: Iterator[Step], dice: random.Random | None
    ) -> tuple[str, str] | None:
        now = list(begun)
        try:
            buffers.open(begun)
            version = 1
            for one in steps:
                if not possible(one, now[one.file]):
                    continue
                version += 1
                buffers.edit(one, now[one.file], version)
                now[one.file] = one.applied(now[one.file])
                self.edits += 1
                if (dice is None or dice.randrange(self.every) == 0) and (
                    found := self._compared(buffers, now)
                ):
                    return "difference", found
            found = self._compared(buffers, now)
            buffers.close()
            if not found and buffers.session.workspaces[None].project.files:
                found = "files of closed documents are still there"
        except Exception:  # noqa: BLE001 - which is what is looked for
            return "crash", traceback.format_exc()
        return ("difference", found) if found else None

    def _compared(self, buffers: Buffers, now: list[str]) -> str:
        self.comparisons += 1
        session = buffers.session
        files = {uri_of(number): text for number, text in enumerate(now)}
        for uri, text in files.items():
            if session.documents[uri].index.text != text:
                return f"the text of {uri} is another: {session.documents[uri].index.text!r}, not {text!r}"
        return difference(said(session.workspaces[None].project), said(self.fresh.project(files)))


def expected_diagnostics(project: Project, uri: str, texts_of: convert.DiagnosticTexts) -> list[Any] | None:
    """What an editor is to show of a document; None where that depends on what was typed before, as it may."""
    file = project.files[uri]
    if any(part.document.root is None and not part.document.complete for part in file.parts):
        return None
    found: list[Any] = json.loads(f"[{convert.array(texts_of.of_file(uri, file, project))}]")
    return found
