"""What came of policy files before, by their text: a key typed in one of them must not have the others compiled again.

Whoever reads policies again and again keeps one of these, such as the editor's session; a single scan needs none. What
no load asked for of late is forgotten: every key typed in a policy file makes a text that nobody will read again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.settings.validation import validate
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kscan_lsp.findings import Problem
    from kscan_lsp.policy.definitions import Entries
    from kscan_lsp.policy.model import Control
    from kscan_lsp.policy.schema import ControlFile, FrameworkFile
    from kscan_lsp.yaml.document import Document

MAX_DOCUMENTS: Final = 1_000
"""Texts that are remembered, of some 40 KB each: those that were used longest ago are forgotten first."""
MAX_AGE: Final = 8
"""Loads for which a text is remembered that none of them has. A workspace loads once for each of its folders."""


class _Entry(Struct):
    """What came of one text."""

    document: Document
    used: int
    """The number of the load that asked for it last."""
    model: tuple[ControlFile | FrameworkFile | None, tuple[Problem, ...]] | None = None
    control: _CompiledControl | None = None


class _CompiledControl(Struct, frozen=True):
    """The control of a text, and the inputs that were declared when it was compiled, with what each was."""

    declared: Mapping[str, str]
    definitions: Entries
    control: Control | None
    problems: tuple[Problem, ...]

    def holds(self, declared: Mapping[str, str], definitions: Entries) -> bool:
        """Whether compiling would give the same where these inputs are declared, and its pack defines this."""
        if definitions != self.definitions:
            return False
        if declared == self.declared:
            return True
        if self.control is None:
            return False
        own = self.control.named_inputs() | self.control.inputs.keys()
        return all(name in declared and declared[name] == self.declared[name] for name in own)


class PolicyMemo:
    """Documents of policy files, and what they were found to hold; of controls that use no other."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, bool], _Entry] = {}
        """By text and whether it is JSON, those used last at the end."""
        self._load = 0

    def document(self, text: str, *, json: bool) -> Document:
        """A file as read."""
        return self._entry(text, json=json).document

    def model(
        self, kind: type[ControlFile | FrameworkFile], document: Document, code: str
    ) -> tuple[ControlFile | FrameworkFile | None, tuple[Problem, ...]]:
        """A document in the shape that it is meant to have, and what is wrong with it."""
        entry = self._entry(document.text, json=document.json)
        if entry.model is None:
            entry.model = validate(kind, document, code)
        return entry.model

    def control(
        self,
        document: Document,
        declared: Mapping[str, str],
        definitions: Entries,
        compiled: Callable[[], tuple[Control | None, tuple[Problem, ...]]],
    ) -> tuple[Control | None, tuple[Problem, ...]]:
        """The control of a document, compiled where it is not known.

        Args:
            document: its file.
            declared: what the inputs are that any control declares: what it may read depends on other files.
            definitions: those of its pack.
            compiled: compiles it.
        """
        entry = self._entry(document.text, json=document.json)
        if entry.control is None or not entry.control.holds(declared, definitions):
            entry.control = _CompiledControl(declared, definitions, *compiled())
        return entry.control.control, entry.control.problems

    def end_load(self) -> None:
        """Forget what none of the last loads asked for."""
        self._load += 1
        for key, entry in list(self._entries.items()):
            if self._load - entry.used <= MAX_AGE and len(self._entries) <= MAX_DOCUMENTS:
                break
            self._entries.pop(key, None)

    def fill(self) -> dict[str, tuple[int, int]]:
        """How many texts are remembered, and may be."""
        return {"documents": (len(self._entries), MAX_DOCUMENTS)}

    def _entry(self, text: str, *, json: bool) -> _Entry:
        entry = self._entries.pop((text, json), None)  # folders are loaded in several threads
        if entry is None:
            entry = _Entry(read_document(text, json=json), self._load)
        entry.used = self._load
        self._entries[text, json] = entry
        return entry
