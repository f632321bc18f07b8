"""Files with exceptions: which hold for a folder, and what they say.

`.kscan/exceptions.yaml` holds for the folder that `.kscan` lies in and all below, whatever is scanned: those of a
folder and of the folders above it hold together, as settings do, and what is nearest is asked first. Settings name
further ones, also Kubescape's, and the command line may, too. No file of a folder counts where settings above it lock
them (`locked: [exceptions]`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.files import encoding
from kscan_lsp.files.named import named_files, workspace_of
from kscan_lsp.findings import SUPPRESSION, UNUSED, Problem, fewer
from kscan_lsp.policy.ruleset import SettingError
from kscan_lsp.settings.exceptions import read_entries
from kscan_lsp.text import Span
from kscan_lsp.workspace.exceptions import NO_EXCEPTIONS, Exceptions, RuleGroup, used_rules
from kscan_lsp.workspace.places import exceptions_above
from kscan_lsp.yaml.document import Document, read_document
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from kscan_lsp.dispositions.exceptions import Asked, ExceptionRule
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.settings.layers import Layer
    from kscan_lsp.workspace.results import CheckedFile

MAX_CHARACTERS: Final = 5_000_000
"""A file with more is not read."""
_SUFFIXES: Final = (".yaml", ".yml", ".json")


class ReadExceptions(Struct, frozen=True):
    """A file with exceptions as read."""

    path: Path
    document: Document
    rules: tuple[tuple[int, ExceptionRule], ...]
    """Those that hold, each with the number of its entry."""
    problems: tuple[Problem, ...]
    folder: str
    """What its paths begin at."""


class NamedExceptions(Struct, frozen=True):
    """Files with exceptions that an editor's settings or a command line name, from a folder.

    They have to be `inside` of some folders, unless the user named them, and are about files anywhere.
    """

    folder: Path
    files: Sequence[str]
    inside: tuple[Path, ...] | None = None


class FoundExceptions(Struct, frozen=True):
    """What holds for a folder."""

    files: tuple[ReadExceptions, ...]
    exceptions: Exceptions
    wrong: tuple[tuple[Layer | None, SettingError], ...]
    """Files that settings name and that cannot be read; without a layer, those of a command line."""

    def problems(self) -> Iterator[tuple[Path, Document, Problem]]:
        """What is wrong with the files."""
        return ((one.path, one.document, problem) for one in self.files for problem in one.problems)


def named_besides(
    folder: Path | None, by_editor: Sequence[str], by_command: Iterable[str]
) -> list[NamedExceptions]:
    """The files that are named in no settings file: those of an editor's settings, and of a command line."""
    named = [NamedExceptions(Path.cwd(), [*by_command])]
    return named if folder is None else [*named, NamedExceptions(folder, by_editor, workspace_of(folder))]


def find_exceptions(
    root: Path | None,
    layers: Sequence[tuple[Layer, frozenset[str]]],
    over: Iterable[NamedExceptions],
    asked: Asked | None,
    buffers: Mapping[Path, str] | None,
) -> FoundExceptions:
    """The exceptions that hold for a folder.

    Args:
        root: the folder.
        layers: the settings that hold for it, each with what those above it lock, the outermost first.
        over: what is named besides.
        asked: the controls that are on, what the settings ask of exceptions, and the day; None for who judges nothing.
        buffers: texts of files that an editor has open, over what is on disk.
    """
    if asked is None:
        return FoundExceptions((), NO_EXCEPTIONS, ())
    files: list[ReadExceptions] = []
    groups: list[RuleGroup] = []
    wrong: list[tuple[Layer | None, SettingError]] = []

    def take(path: Path, folder: Path, *, anywhere: bool = False) -> None:
        if any(one.path == path for one in files):
            return
        read = read_exceptions(path, str(folder), asked, buffers)
        files.append(read)
        if read.rules:
            groups.append(RuleGroup(str(folder), [rule for _, rule in read.rules], anywhere=anywhere))

    for named in over:
        found = named_files(tuple(named.files), named.folder, _SUFFIXES, inside=named.inside)
        wrong += [(None, SettingError(("exceptions", n), message)) for n, message in found.wrong]
        for path in found.files:
            take(_absolute(path), named.folder, anywhere=True)
    for path in exceptions_above(root) if root is not None else ():
        folder = path.parent.parent
        if refusal := _refusal(path, folder, layers):
            files.append(_refused(path, folder, refusal))
        else:
            take(path, folder)
    for layer, _ in reversed(layers):
        folder = Path(layer.file).parent
        found = named_files(layer.settings.exceptions.files, folder, _SUFFIXES, inside=workspace_of(folder))
        wrong += [(layer, SettingError(_place_of(n, layer), message)) for n, message in found.wrong]
        for path in found.files:
            take(_absolute(path), folder)
    return FoundExceptions(tuple(files), Exceptions(tuple(groups)), tuple(wrong))


def _refusal(path: Path, folder: Path, layers: Sequence[tuple[Layer, frozenset[str]]]) -> str:
    """Why a file in a folder does not count; empty where it does."""
    above = [
        layer
        for layer, _ in layers
        if folder != (own := Path(layer.file).parent) and folder.is_relative_to(own)
    ]
    if any("exceptions" in layer.settings.locked for layer in above):
        return "no exception here counts: settings above lock 'exceptions'"
    found = named_files((path.name,), path.parent, (), inside=workspace_of(folder))
    return found.wrong[0][1] if found.wrong else ""


def _refused(path: Path, folder: Path, why: str) -> ReadExceptions:
    return ReadExceptions(path, read_document(""), (), (Problem(Span(0, 0), why, "setting"),), str(folder))


def _place_of(number: int, layer: Layer) -> tuple[str | int, ...]:
    """Where settings name a file."""
    written = layer.document.data.get("exceptions") if isinstance(layer.document.data, dict) else None
    where = ("exceptions", "files") if isinstance(written, dict) else ("exceptions",)
    files = written.get("files") if isinstance(written, dict) else written
    return (*where, number) if isinstance(files, list) else where


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))


def read_exceptions(
    path: Path, folder: str, asked: Asked, buffers: Mapping[Path, str] | None
) -> ReadExceptions:
    """Read a file with exceptions: ours, which has a mapping at its top, or Kubescape's, which has a list."""
    document = _document(path, buffers)
    if any(problem.fatal for problem in document.problems) or not document.complete:
        why = Problem(Span(0, 0), "no exception of this file counts: it cannot be read", SUPPRESSION)
        return ReadExceptions(path, document, (), (*document.problems, why), folder)
    held = replace(asked, file=str(path))
    # most folders have no exceptions, and of those that have some few have Kubescape's
    if isinstance(document.data, list):
        from kscan_lsp.dispositions.posture import rules_of_posture

        found, wrong = rules_of_posture(document, held), document.problems
    else:
        from kscan_lsp.dispositions.entries import Rules, rules_of

        entries, wrong = read_entries(document)
        found = rules_of(document, entries, held) if entries else Rules((), ())
    return ReadExceptions(path, document, tuple(found.rules), fewer((*wrong, *found.problems)), folder)


def _document(path: Path, buffers: Mapping[Path, str] | None) -> Document:
    text = buffers.get(path) if buffers else None
    why = ""
    if text is None:
        source = encoding.read(path)
        text, why = ("", source.reason) if isinstance(source, encoding.Unreadable) else (source.text, "")
    if len(text) > MAX_CHARACTERS:
        text, why = "", f"it has more than {MAX_CHARACTERS:,} characters"
    document = read_document(text, json=path.suffix == ".json")
    if not why:
        return document
    problem = Problem(Span(0, 0), f"this file is left out: {why}", "setting", fatal=True)
    return replace(document, problems=(problem,), complete=False)


def unused_exceptions(
    held: Iterable[tuple[Exceptions, Sequence[ReadExceptions], Ruleset, Sequence[CheckedFile]]],
    tops: Sequence[str],
) -> Iterator[tuple[ReadExceptions, Problem]]:
    """Exceptions that no finding needs, after a scan of all that is in some folders.

    Whoever could not see all of what an exception may be about, or asked none of its controls, does not know.

    Args:
        held: what held where: the exceptions, their files, the controls that were on, and the files judged by them.
        tops: the folders that were scanned as a whole.
    """
    used: set[tuple[Path, int]] = set()
    idle: dict[tuple[Path, int], ReadExceptions] = {}
    for exceptions, files, ruleset, checked in held:
        rules = used_rules(exceptions, checked)
        for file in files:
            inside = any(os.path.commonpath([file.folder, top]) == top for top in tops)
            for number, rule in file.rules:
                # "not for all of its controls" is no answer for the rest
                asked = rule.controls is None or not rule.controls.isdisjoint(ruleset.controls)
                if id(rule) in rules or not inside or not asked:
                    used.add((file.path, number))
                else:
                    idle.setdefault((file.path, number), file)
    for (path, number), file in idle.items():
        if (path, number) not in used:
            here = ("exceptions", number) if isinstance(file.document.data, dict) else (number,)
            message = "this exception accepts nothing: nothing that was scanned has such a finding; remove it"
            yield file, Problem(span_at(file.document, here), message, UNUSED)
