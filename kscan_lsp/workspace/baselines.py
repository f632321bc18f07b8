"""The baseline of a workspace: read from its file, and said of the findings of judged files.

The files in a baseline are named from the folder that it is of: the one it lies in, or the one above `.kscan`. An
editor looks at a file at a time and does not know whether a finding went there from another that is still there; a
finding of a file that is gone counts wherever it turns up. A scan knows all, and says which ones moved.
"""

from __future__ import annotations

import os
from collections import defaultdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.dispositions.baseline import (
    Baseline,
    BaselineError,
    fingerprint_of,
    in_baseline,
    match,
)
from kscan_lsp.dispositions.baseline import read as read_text
from kscan_lsp.files import encoding
from kscan_lsp.files.named import named_files, workspace_of
from kscan_lsp.findings import Problem
from kscan_lsp.text import Span
from kscan_lsp.yaml.document import read_document
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kscan_lsp.dispositions.baseline import BaselineEntry, BaselineMatch, Matching
    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.workspace.results import CheckedDocument, CheckedFile
    from kscan_lsp.yaml.document import Document

FOLDER: Final = ".kscan"
"""A folder beside the settings for what belongs to them."""
DEFAULT_BASELINE: Final = f"{FOLDER}/baseline.json"
"""Where a baseline is written that nobody names."""


MAKES_ONE: Final = "'kscan baseline create' writes one"
"""How it ends what is said of a baseline that is not there."""


class KnownFindings(Struct, frozen=True, eq=False):
    """The findings of a baseline as an editor asks for them."""

    by_file: Mapping[str, tuple[BaselineEntry, ...]] = {}
    """By the key of the file in its project."""
    gone: Mapping[str, tuple[BaselineEntry, ...]] = {}
    """By fingerprint, those of files that are not there any more."""
    missing: frozenset[str] = frozenset()
    """The keys of these files."""

    def depends_on(self, key: str) -> bool:
        """Whether it matters that a file comes or goes."""
        return key in self.by_file or key in self.missing


class BaselineFile(NamedTuple):
    """A file with a baseline as read; None where it is none, and then its document has a problem."""

    path: Path
    baseline: Baseline | None
    document: Document
    problem: Problem | None
    text: str = ""

    @property
    def folder(self) -> Path:
        """The folder that it is of."""
        return folder_of(self.path)


def folder_of(path: Path) -> Path:
    """The folder that a baseline in a file is of."""
    here = Path(os.path.abspath(path)).parent
    return here.parent if here.name == FOLDER else here


def name_in(folder: Path, path: Path) -> str:
    """What a baseline of a folder calls a file."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive of Windows
        return Path(os.path.abspath(path)).as_posix()


def read_baseline(path: Path, buffers: Mapping[Path, str] | None = None) -> BaselineFile:
    """Read a baseline; what is wrong with it is a problem at its place, and then nothing is known of it."""
    text = buffers.get(path) if buffers else None
    nothing = read_document("")
    if text is None:
        source = encoding.read(path)
        if isinstance(source, encoding.Unreadable):
            problem = Problem(
                Span(0, 0), f"this baseline is left out: {source.reason}", "setting", fatal=True
            )
            return BaselineFile(path, None, nothing, problem)
        text = source.text
    try:
        return BaselineFile(path, read_text(text), nothing, None, text)
    except BaselineError as error:
        document = read_document(text, json=True)  # to have a place for what is wrong
        at = span_at(document, error.path) if error.path else Span(error.offset, error.offset)
        message = f"this baseline is left out, and everything counts as new: {error.message}"
        return BaselineFile(path, None, document, Problem(at, message, "setting", fatal=True))


def find_baseline(name: str, folder: Path, buffers: Mapping[Path, str] | None) -> BaselineFile | str:
    """The baseline that settings in a folder name, or why there is none."""
    files, wrong = named_files((name,), folder, (), inside=workspace_of(folder))
    if files:
        return read_baseline(Path(os.path.abspath(files[0])), buffers)
    why = wrong[0][1] if wrong and os.path.lexists(folder / name) else f"there is no baseline '{name}'"
    return f"{why}; {MAKES_ONE}"


def known_findings(file: BaselineFile) -> KnownFindings:
    """The findings of a baseline by the keys that an editor has for files (`Path.as_uri`)."""
    if file.baseline is None:
        return KnownFindings()
    by_name: dict[str, list[BaselineEntry]] = defaultdict(list)
    for entry in file.baseline.findings:
        by_name[entry.file].append(entry)
    by_file: dict[str, tuple[BaselineEntry, ...]] = {}
    gone: dict[str, list[BaselineEntry]] = defaultdict(list)
    missing: set[str] = set()
    for name, entries in by_name.items():
        path = Path(os.path.abspath(file.folder / name))
        if os.path.lexists(path):
            by_file[path.as_uri()] = tuple(entries)
        else:
            missing.add(path.as_uri())
            for entry in entries:
                gone[entry.fingerprint].append(entry)
    return KnownFindings(by_file, {one: tuple(entries) for one, entries in gone.items()}, frozenset(missing))


def marked(file: CheckedFile, known: KnownFindings) -> CheckedFile:
    """A file with what a baseline says of its findings, whatever was said of them before."""
    own = known.by_file.get(file.path, ())
    if not own and not known.gone:
        return file
    found = fingerprints_of(file)
    elsewhere = chain.from_iterable([known.gone.get(one, ()) for one in dict.fromkeys(found)])
    return with_claims(file, match((*own, *elsewhere), {file.path: found}).claims[file.path])


def fingerprints_of(file: CheckedFile) -> list[str]:
    """By what a baseline knows the findings of a file, in the order of the text."""
    found: list[str] = []
    for checked in file.parts:
        known = checked.fingerprints
        found += fingerprints_of_all(checked.verdicts) if known is None else known
    return found


def fingerprints_of_all(verdicts: Iterable[Verdicts]) -> tuple[str, ...]:
    """By what a baseline knows the findings of some resources."""
    return tuple([fingerprint_of(finding) for verdict in verdicts for finding in verdict.findings])


def with_claims(file: CheckedFile, claims: Mapping[int, BaselineMatch]) -> CheckedFile:
    """A file whose findings are in a baseline where they have a claim on one of its, by their number."""
    parts: list[CheckedDocument] = []
    number = 0
    for checked in file.parts:
        verdicts = []
        for verdict in checked.verdicts:
            findings = tuple(
                [in_baseline(one, claims.get(n)) for n, one in enumerate(verdict.findings, number)]
            )
            number += len(findings)
            same = all(one is other for one, other in zip(findings, verdict.findings, strict=True))
            verdicts.append(verdict if same else replace(verdict, findings=findings))
        same = all(one is other for one, other in zip(verdicts, checked.verdicts, strict=True))
        parts.append(checked if same else replace(checked, verdicts=tuple(verdicts)))
    return file.with_parts(parts)


def match_files(baseline: Baseline, files: Mapping[str, CheckedFile]) -> Matching:
    """Match the findings of files, by what the baseline calls them, with those in it."""
    return match(baseline.findings, {name: fingerprints_of(file) for name, file in files.items()})
