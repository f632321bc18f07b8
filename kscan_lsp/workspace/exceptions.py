"""The exceptions of a workspace: said of the findings of judged files, and found to be of use or not.

What they say of a file is worked out when it is first asked for, and of a document when it is judged or when they
change; nothing is judged for that.
"""

from __future__ import annotations

import os
from itertools import chain
from operator import is_
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct, field
from msgspec.structs import replace

from kscan_lsp.dispositions.exceptions import FileExceptions, PathFinder, RuleTable, table_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kscan_lsp.dispositions.exceptions import ExceptionRule
    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.findings import Disposition, Finding
    from kscan_lsp.workspace.results import CheckedDocument, CheckedFile

MAX_FILES: Final = 20_000
"""Files of which is remembered what is said about them."""


class RuleGroup:
    """The rules of one file, in its order, and the folder that its paths begin at.

    They are about files in that folder alone, unless the user named the file (`anywhere`).
    """

    __slots__ = ("_finder", "anywhere", "everywhere", "folder", "rules")

    def __init__(self, folder: str, rules: Sequence[ExceptionRule], *, anywhere: bool = False) -> None:
        self.folder = folder
        self.rules = rules
        self.anywhere = anywhere
        self.everywhere = table_of([rule for rule in rules if rule.paths is None])
        self._finder = PathFinder(rules)

    def about(self, path: str) -> tuple[int, ...] | None:
        """The numbers of the rules that are about a file for where it is; None where none can be about it."""
        try:
            where = os.path.relpath(path, self.folder).replace(os.sep, "/")
        except ValueError:  # another drive of Windows
            where = "../"
        if where.startswith("../"):
            return () if self.anywhere else None
        return self._finder.about(where)


class Exceptions(Struct, frozen=True, eq=False):
    """All rules that hold for a folder, by file. Two are the same only if they are one object."""

    groups: tuple[RuleGroup, ...] = ()
    _by_file: dict[str, FileExceptions | None] = field(default_factory=dict)
    _tables: dict[tuple[int, tuple[int, ...]], RuleTable] = field(default_factory=dict)
    _of_tables: dict[tuple[int, ...], FileExceptions] = field(default_factory=dict)

    def of_file(self, key: str) -> FileExceptions | None:
        """The rules that may be about a file, by its name in a project; None where there are none."""
        if not self.groups:
            return None
        if key not in self._by_file:
            if len(self._by_file) >= MAX_FILES:
                self._by_file.clear()
            self._by_file[key] = self._about(_path_of(key))
        return self._by_file[key]

    def _about(self, path: str) -> FileExceptions | None:
        tables: list[RuleTable] = []
        for number, group in enumerate(self.groups):
            numbers = group.about(path)
            if numbers:
                known = self._tables.get((number, numbers))
                if known is None:
                    known = table_of([group.rules[n] for n in numbers])
                    self._tables[number, numbers] = known
                tables.append(known)
            if numbers is not None and group.everywhere.rules:
                tables.append(group.everywhere)
        if not tables:
            return None
        return self._of_tables.setdefault(tuple(map(id, tables)), FileExceptions(tuple(tables)))


NO_EXCEPTIONS: Final = Exceptions()
"""Nothing is said."""


def _path_of(key: str) -> str:
    """The path of a file that a project knows by a name or a URI."""
    if not key.startswith("file:"):
        return os.path.abspath(key)
    path = unquote(urlsplit(key).path)
    return os.path.abspath(path[1:] if os.name == "nt" else path)


def excepted(file: CheckedFile, exceptions: Exceptions) -> CheckedFile:
    """A file with what exceptions say of its findings, whatever others said of them before.

    What a comment or an annotation accepts stays theirs: it stands nearer. What a baseline said is to be asked again.
    """
    about = exceptions.of_file(file.path)
    parts = file.parts
    if all(part.exceptions is about for part in parts):
        return file
    return file.with_parts([_excepted(part, about) for part in parts])


def _excepted(part: CheckedDocument, about: FileExceptions | None) -> CheckedDocument:
    if part.exceptions is about:
        return part
    verdicts = tuple([_with_exceptions(verdict, about) for verdict in part.verdicts])
    if all(map(is_, verdicts, part.verdicts)):
        return replace(part, exceptions=about)
    return replace(part, verdicts=verdicts, exceptions=about, baseline=None)


def _with_exceptions(verdict: Verdicts, about: FileExceptions | None) -> Verdicts:
    findings = verdict.findings
    if not findings:
        return verdict
    said = about.dispositions(verdict.resource, {one.control for one in findings}) if about else {}
    now = tuple([_accepted(finding, said.get(finding.control)) for finding in findings])
    return verdict if all(map(is_, now, findings)) else replace(verdict, findings=now)


def _accepted(finding: Finding, said: Disposition | None) -> Finding:
    before = finding.disposition
    if before is not None and before.by in {"comment", "annotation"}:
        return finding
    if said is None and before is not None and before.by == "baseline":
        return finding
    return finding if before is said else replace(finding, disposition=said)


def used_rules(exceptions: Exceptions, files: Iterable[CheckedFile]) -> set[int]:
    """The rules (by `id`) that are about a finding, be it accepted otherwise, or about a control without an answer."""
    used: set[int] = set()
    for file in files:
        about = exceptions.of_file(file.path)
        verdicts = chain.from_iterable(part.verdicts for part in file.parts) if about else ()
        for verdict in verdicts:
            asked: dict[int, bool] = {}
            unanswered = (one.control for one in verdict.unevaluated)
            for control in {*(one.control for one in verdict.findings), *unanswered}:
                if about is not None:
                    used.update(map(id, about.candidates(verdict.resource, control, asked)))
    return used
