"""Random edits sent to the real server, in each encoding; what it shows is held against a fresh scan."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from fuzz_edits import (
    SECTION,
    STEPS,
    Failure,
    Fresh,
    change_of,
    difference,
    expected_diagnostics,
    possible,
    uri_of,
)
from support.fuzzing import Case, Step, step, texts
from support.processes import Server

from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.diagnostic_texts import DiagnosticTexts
from kscan_lsp.text import Encoding

if TYPE_CHECKING:
    from collections.abc import Iterable

DOCUMENT = {
    "publishDiagnostics": {"versionSupport": True, "relatedInformation": True, "codeDescriptionSupport": True}
}


class Stdio:
    """One server for each encoding, and documents that have no file."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.fresh = Fresh()
        self.servers: dict[Encoding, Server] = {}
        self.edits = self.comparisons = 0

    def case(self, seed: str) -> Failure | None:
        """Make the edits that a seed leads to."""
        dice = random.Random(seed)  # noqa: S311 - reproducible, not secret
        begun, steps = texts(dice), []
        now, before = list(begun), [[text] for text in begun]
        while len(steps) < STEPS:
            one = step(dice, now, before)
            if possible(one, now[one.file]):
                now[one.file] = one.applied(now[one.file])
                before[one.file].append(now[one.file])
                steps.append(one)
        case = Case(begun, tuple(steps))
        encoding = dice.choice(list(Encoding))
        found = self._run(encoding, case.texts, case.steps, self.every, dice)
        return Failure(*found, case) if found else None

    def fails(self, case: Case) -> tuple[str, str] | None:
        """What goes wrong in a case, compared after each step."""
        dice = random.Random(0)  # noqa: S311 - reproducible, not secret
        tries = (self._run(encoding, case.texts, case.steps, 1, dice) for encoding in Encoding)
        return next((found for found in tries if found), None)

    def _server(self, encoding: Encoding) -> Server:
        if encoding not in self.servers:
            able = {"general": {"positionEncodings": [encoding.value]}, "textDocument": DOCUMENT}
            self.servers[encoding] = Server(None, options={"kscan": SECTION}, capabilities=able)
        return self.servers[encoding]

    def _run(
        self,
        encoding: Encoding,
        begun: tuple[str, ...],
        steps: Iterable[Step],
        every: int,
        dice: random.Random,
    ) -> tuple[str, str] | None:
        server, now, found = self._server(encoding), list(begun), ""
        server.said.clear()
        try:
            for number, text in enumerate(begun):
                server.open(uri_of(number), text)
            for version, one in enumerate(steps, 2):
                if not possible(one, now[one.file]):
                    continue
                edit = change_of(one, now[one.file], encoding)
                document = {"uri": uri_of(one.file), "version": version}
                server.send("textDocument/didChange", {"textDocument": document, "contentChanges": [edit]})
                now[one.file] = one.applied(now[one.file])
                self.edits += 1
                if dice.randrange(every) == 0 and (found := self._compared(server, now, encoding)):
                    break
            found = found or self._compared(server, now, encoding)
            for number in range(len(begun)):
                server.close(uri_of(number))
        except (AssertionError, OSError):
            self.servers.pop(encoding).kill()
            return "crash", "the server has ended"
        return ("difference", f"{encoding.value}: {found}") if found else None

    def _compared(self, server: Server, now: list[str], encoding: Encoding) -> str:
        self.comparisons += 1
        uris = [uri_of(number) for number in range(len(now))]
        for uri in uris:  # each answer waits for the latest text, and comes after what that shows
            server.ask("workspace/executeCommand", {"command": "kscan.status", "arguments": [uri]})
        shown: dict[str, Any] = {}
        for message in server.said:
            if message.get("method") == "textDocument/publishDiagnostics":
                shown[message["params"]["uri"]] = message["params"]["diagnostics"]
        project = self.fresh.project(dict(zip(uris, now, strict=True)))
        said = DiagnosticTexts(Capabilities(encoding, related_information=True, code_description=True))
        for uri in uris:
            expected = expected_diagnostics(project, uri, said)
            if expected is not None and (found := difference(shown.get(uri), expected, uri)):
                return found
        return ""
