"""Files and what is known about them: {path: checked file}, each version made from the one before.

`check_file` is a function of a text and a ruleset alone. The file's previous version only saves work: a document
whose text is unchanged is taken over as it was, wherever in the file it now stands. That is all the incremental
checking there is, and why a keystroke in a file of a hundred documents costs one document.

Reading from disk happens here and in the command line, nowhere below.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp import policies
from kscan_lsp.documents import Document, Piece, read_document, split
from kscan_lsp.engine import Verdicts, check_document
from kscan_lsp.findings import Finding, Problem
from kscan_lsp.ruleset import choose
from kscan_lsp.settings import FILE_NAMES, Settings, overlay, read_settings, replace_settings
from kscan_lsp.suppress import suppress
from kscan_lsp.text import Span
from kscan_lsp.validate import place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from kscan_lsp.policies import PolicySet
    from kscan_lsp.ruleset import Ruleset

MAX_CHARACTERS: Final = 20_000_000
"""A text longer than this is not read: it is data, not something a person maintains."""

LOOKS_KUBERNETES: Final = re.compile(r"""^\s*\{?\s*["']?(?:apiVersion|kind)["']?[ \t]*:""", re.MULTILINE)
"""What tells a broken manifest from other broken text: one of its first keys at the start of a line."""

_TEMPLATE_ACTION: Final = re.compile(r"\{\{")


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class CheckedDocument:
    """One document, judged. All spans count from the document's start."""

    document: Document
    verdicts: tuple[Verdicts, ...]
    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]


class Placed(NamedTuple):
    """A checked document at its place in a file: offset of its text in code points, and its first line, from 0."""

    offset: int
    line: int
    checked: CheckedDocument


class PlacedFinding(NamedTuple):
    """A finding with the document it is in."""

    placed: Placed
    finding: Finding


@dataclass(frozen=True, slots=True, eq=False)
class CheckedFile:
    """One file, judged.

    `skipped` says why the file was left alone by design (`not-kubernetes`, `helm-template`, `kustomize-patch`); such
    a file has no documents. `limit` is why nothing could be read at all.
    """

    path: str
    text: str
    json: bool
    documents: tuple[Placed, ...] = ()
    skipped: str = ""
    limit: Problem | None = None

    def findings(self) -> Iterator[PlacedFinding]:
        """All findings in order of the text, with true duplicates numbered."""
        seen: dict[tuple[str, object, str], int] = {}
        for placed in self.documents:
            for finding in placed.checked.findings:
                key = (finding.control, finding.resource, finding.stable_path)
                ordinal = seen.get(key, 0)
                seen[key] = ordinal + 1
                yield PlacedFinding(placed, replace(finding, ordinal=ordinal) if ordinal else finding)

    def problems(self) -> Iterator[tuple[Placed | None, Problem]]:
        """All problems in order of the text."""
        if self.limit:
            yield None, self.limit
        for placed in self.documents:
            for problem in placed.checked.problems:
                yield placed, problem

    def placed_at(self, offset: int) -> Placed | None:
        """The document that a place in the file belongs to."""
        found = None
        for placed in self.documents:
            if placed.offset > offset:
                break
            found = placed
        return found

    @property
    def complete(self) -> bool:
        """Whether all that should have been judged was."""
        return self.limit is None and all(placed.checked.document.complete for placed in self.documents)


def check_file(
    path: str,
    text: str,
    ruleset: Ruleset,
    today: date,
    *,
    json: bool = False,
    previous: CheckedFile | None = None,
) -> CheckedFile:
    """Read and judge a file.

    Args:
        path: its name, for reports.
        text: its content.
        ruleset: the controls that are on.
        today: the day that suppressions are compared with.
        json: read it as JSON.
        previous: an earlier version judged by the same ruleset on the same day; only saves work.

    Returns:
        The file with its documents; none where the file is not about Kubernetes.
    """
    if len(text) > MAX_CHARACTERS:
        message = f"this file is too large to check: more than {MAX_CHARACTERS:,} characters"
        return CheckedFile(path, text, json, limit=Problem(Span(0, 0), message, "limit", fatal=True))
    known = {p.checked.document.text: p.checked for p in previous.documents} if previous else {}
    pieces = [Piece(0, text)] if json else split(text)
    placed: list[Placed] = []
    line = 0
    for piece in pieces:
        checked = known.get(piece.text)
        if checked is None:
            checked = _check(read_document(piece.text, json=json), ruleset, today)
        placed.append(Placed(piece.offset, line, checked))
        line += checked.document.lines.line_count - 1
    if skipped := _reason_to_skip(text, placed):
        return CheckedFile(path, text, json, skipped=skipped)
    return CheckedFile(path, text, json, tuple(placed))


def _check(document: Document, ruleset: Ruleset, today: date) -> CheckedDocument:
    verdicts = check_document(document, ruleset)
    findings, wrong = suppress(document, verdicts, ruleset, today)
    types = tuple(problem for verdict in verdicts for problem in verdict.problems)
    return CheckedDocument(document, verdicts, findings, (*document.problems, *types, *wrong))


def _reason_to_skip(text: str, placed: list[Placed]) -> str:
    broken = [p for p in placed if p.checked.document.problems]
    if broken and _TEMPLATE_ACTION.search(text) and any("{{" in p.checked.document.text for p in broken):
        return "helm-template"
    if any(p.checked.verdicts for p in placed):
        return ""
    # broken text may be a manifest that could not be read: never call that "not Kubernetes"
    if any(LOOKS_KUBERNETES.search(p.checked.document.text) for p in broken):
        return ""
    return "not-kubernetes"


@dataclass(frozen=True, slots=True, eq=False)
class Project:
    """Files judged by one ruleset on one day."""

    ruleset: Ruleset
    today: date
    files: Mapping[str, CheckedFile] = field(default_factory=dict)

    def with_file(self, path: str, text: str, *, json: bool = False) -> Project:
        """The project with one file's new text."""
        checked = check_file(path, text, self.ruleset, self.today, json=json, previous=self.files.get(path))
        return replace(self, files={**self.files, path: checked})

    def without_file(self, path: str) -> Project:
        """The project without one file."""
        return replace(self, files={p: file for p, file in self.files.items() if p != path})


@functools.cache
def builtin_policies() -> PolicySet:
    """The controls and frameworks that come with the program."""
    package = Path(__file__).parent
    for folder in (package / "_policies", package.parent / "policies"):
        if folder.is_dir():
            return policies.load(_documents(sorted(folder.rglob("*.yaml"))))
    return policies.PolicySet()


@dataclass(frozen=True, slots=True, eq=False)
class Configuration:
    """What holds for a folder: its settings, the controls they choose, and all that is wrong with either."""

    root: Path | None
    settings_path: Path | None
    settings: Settings
    ruleset: Ruleset
    problems: tuple[FileProblem, ...]
    files: frozenset[Path]
    """The settings and policy files that it was read from."""


class FileProblem(NamedTuple):
    """A problem in a settings or policy file, with the document it is placed in."""

    path: Path
    document: Document
    problem: Problem


def find_settings(start: Path) -> Path | None:
    """The settings file of a folder: in it or in the nearest folder above that has one."""
    for folder in (start, *start.parents):
        for name in FILE_NAMES:
            candidate = folder / name
            if candidate.is_file():
                return candidate
    return None


def configure(
    root: Path | None,
    *,
    settings_path: Path | None = None,
    section: object = None,
    changes: Mapping[str, object] | None = None,
    only: Iterable[str] = (),
    buffers: Mapping[Path, str] | None = None,
) -> tuple[Configuration, tuple[str, ...]]:
    """Read the settings that hold for a folder, and the policies they name.

    Args:
        root: the folder; None where there is none (an unsaved buffer).
        settings_path: the settings file; looked for at the root and above where it is not given.
        section: an editor's `kscan` section, over the file.
        changes: keys that a command line sets, over both.
        only: control ids that replace the choice of controls.
        buffers: texts of files that an editor has open, over what is on disk.

    Returns:
        The configuration, and in words what is wrong with `section`, `changes` and `only`.
    """
    path = settings_path or (find_settings(root) if root else None)
    document = read_document("")
    problems: list[FileProblem] = []
    settings = Settings()
    if path is not None:
        document = _read(path, "setting", buffers)
        settings, found = read_settings(document)
        problems += [FileProblem(path, document, problem) for problem in found]
    from_file = settings
    settings, wrong = overlay(settings, section)
    if changes:
        settings = replace_settings(settings, changes)
    policy_root = path.parent if path else root
    named = policy_files(settings.policies, policy_root) if policy_root else []
    known = load_policies(named, buffers)
    problems += [FileProblem(Path(p.source), p.document, p.problem) for p in known.problems]
    rules, misnomers = choose(known, settings, only=only)
    words = list(wrong)
    for misnomer in misnomers:
        if path is not None and not only and _same_place(from_file, settings, misnomer.path):
            problem = Problem(place(document, misnomer.path), misnomer.message, "setting")
            problems.append(FileProblem(path, document, problem))
        else:
            words.append(misnomer.message)
    files = frozenset([*named, *([path] if path else [])])
    return Configuration(root, path, settings, rules, tuple(problems), files), tuple(words)


def _same_place(from_file: Settings, settings: Settings, path: tuple[str | int, ...]) -> bool:
    """Whether a setting comes from the file: only then can a problem with it be placed there."""
    name = str(path[0])
    return getattr(from_file, name, None) == getattr(settings, name, None)


def load_policies(files: list[Path], buffers: Mapping[Path, str] | None = None) -> PolicySet:
    """The built-in policies, and those of a user's files over them."""
    return policies.load(_documents(files, buffers), builtin_policies()) if files else builtin_policies()


def policy_files(names: Iterable[str], root: Path) -> list[Path]:
    """The files that settings name as policies: files as they are, of folders all `.yaml` and `.yml` files.

    Args:
        names: files or folders, relative to `root`.
        root: the folder of the settings that name them.
    """
    files: list[Path] = []
    for name in names:
        path = root / name
        files += (
            sorted(p for p in path.rglob("*") if p.suffix in (".yaml", ".yml")) if path.is_dir() else [path]
        )
    return files


def _documents(
    files: list[Path], buffers: Mapping[Path, str] | None = None
) -> Iterator[tuple[str, Document]]:
    for path in files:
        yield str(path), _read(path, "control", buffers)


def _read(path: Path, code: str, buffers: Mapping[Path, str] | None) -> Document:
    """A settings or policy file as a document; one that cannot be read is an empty one with a problem."""
    if buffers and path in buffers:
        return read_document(buffers[path])
    try:
        return read_document(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text"
    problem = Problem(Span(0, 0), f"this file cannot be read: {reason}", code, fatal=True)
    return replace(read_document(""), problems=(problem,), complete=False)
