"""Files and what is known about them: {path: checked file}, each version made from the one before.

A document is judged twice: alone, which depends on its text and nothing else, and for what rests on other objects,
which depends on what its relations lead to. An edit reads and judges the documents whose text is new, and asks again
about those that watch a key of the index under which something changed. All else is taken over as it was, wherever
in its file it now stands, which is why a keystroke in a workspace of a thousand files costs one document. The
findings are those of a new project with the same texts, however it came to them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from kscan_lsp.documents import Document, Piece, read_document, reread, split
from kscan_lsp.engine import Verdicts, check, check_related, relations_of
from kscan_lsp.findings import Finding, Problem
from kscan_lsp.index import Index, Key, Object, object_of
from kscan_lsp.relations import Bound, bind
from kscan_lsp.resources import resources_of
from kscan_lsp.suppress import suppress
from kscan_lsp.text import Span
from kscan_lsp.watchers import Watchers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from kscan_lsp.findings import Related
    from kscan_lsp.ruleset import Ruleset

MAX_CHARACTERS: Final = 20_000_000
"""A text longer than this is not read: it is data, not something a person maintains."""

LOOKS_KUBERNETES: Final = re.compile(r"""^\s*\{?\s*["']?(?:apiVersion|kind)["']?[ \t]*:""", re.MULTILINE)
"""What tells a broken manifest from other broken text: one of its first keys at the start of a line."""

_TEMPLATE_LINE: Final = re.compile(r"^\{\{", re.MULTILINE)
"""A line that no YAML has: no block scalar reaches the first column, and a mapping is no key."""


class ReadDocument(Struct, frozen=True, eq=False):
    """One document of one file, with what can be said about it without looking at others."""

    document: Document
    verdicts: tuple[Verdicts, ...]
    missed: tuple[Problem, ...]
    objects: tuple[Object, ...]
    """The same resources as the others in the workspace see them."""


class CheckedDocument(Struct, frozen=True, eq=False, weakref=True):
    """One document, judged. All spans count from the document's start."""

    document: Document
    verdicts: tuple[Verdicts, ...]
    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    read: ReadDocument | None = None
    """What it was made of; None for what only an editor shows (`lsp/carry.py`)."""
    bounds: tuple[Bound | None, ...] | None = ()
    """What the relations of each resource lead to, as far as any control asks; None where that is not known yet."""
    watched: frozenset[Key] = frozenset()
    """The keys of the index that its findings depend on."""

    @property
    def complete(self) -> bool:
        """Whether all that should have been judged was."""
        return self.document.complete and not any(problem.fatal for problem in self.problems)


class Placed(NamedTuple):
    """A checked document at its place in a file: offset of its text in code points, and its first line, from 0."""

    offset: int
    line: int
    checked: CheckedDocument


class PlacedFinding(NamedTuple):
    """A finding with the document it is in."""

    placed: Placed
    finding: Finding


class CheckedFile(Struct, frozen=True, eq=False):
    """One file, judged.

    `skipped` says why the file was left alone by design (`not-kubernetes`, `helm-template`,
    `kustomize-patch`); such a file has no documents. `limit` is why nothing could be read at all.
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
        return self.limit is None and all(placed.checked.complete for placed in self.documents)


def check_file(path: str, text: str, ruleset: Ruleset, today: date, *, json: bool = False) -> CheckedFile:
    """Judge a file as if it were all there is; see `Project.with_file`."""
    return Project(ruleset, today).with_file(path, text, json=json).files[path]


class Project(Struct, frozen=True, eq=False):
    """The files of a workspace, judged by one ruleset on one day.

    Those in `files` are judged. `index` may know of more: what stands in them counts for the others, but nobody wants
    to know what is wrong with it.
    """

    ruleset: Ruleset
    today: date
    files: Mapping[str, CheckedFile] = {}
    index: Index = field(default_factory=Index)
    whole: bool = True
    """Whether all files are there; until then nothing is said that rests on other objects."""
    watchers: Watchers = field(default_factory=Watchers)

    def with_files(self, files: Iterable[tuple[str, str, bool]]) -> Project:
        """The project with new texts of many files: (path, text, whether it is JSON)."""
        return self.with_read([self.read(path, text, json=json) for path, text, json in files])

    def with_read(self, files: Iterable[CheckedFile]) -> Project:
        """The project with files that `read` gave, of this project or an earlier one."""
        judged, index = dict(self.files), self.index
        changed: set[Key] = set()
        read: set[str] = set()
        for read_before in files:
            file = self._as_known(read_before)
            judged[file.path] = file
            index, keys = index.with_file(file.path, _objects(file))
            changed |= keys
            read.add(file.path)
        return self._settled(judged, index, changed, read)

    def _as_known(self, file: CheckedFile) -> CheckedFile:
        """A file without what an earlier project said of it that rests on other objects."""
        there = self.files.get(file.path)
        known = {placed.checked for placed in there.documents} if there else set()
        documents = tuple(
            placed._replace(checked=replace(placed.checked, bounds=None))
            if placed.checked.bounds and placed.checked not in known
            else placed
            for placed in file.documents
        )
        return replace(file, documents=documents)

    def with_file(self, path: str, text: str, *, json: bool = False) -> Project:
        """The project with one file's new text.

        Args:
            path: its name, for reports.
            text: its content.
            json: read it as JSON.
        """
        return self.with_files([(path, text, json)])

    def with_document(self, path: str, number: int, text: str) -> Project:
        """The project with the text of one document of a file replaced, as by an edit inside it."""
        before = self.files[path]
        old = before.documents[number]
        checked = self._document(path, reread(old.checked.document, text))
        moved = len(text) - len(old.checked.document.text)
        lines = checked.document.lines.line_count - old.checked.document.lines.line_count
        documents = [
            *before.documents[:number],
            old._replace(checked=checked),
            *(
                p._replace(offset=p.offset + moved, line=p.line + lines)
                for p in before.documents[number + 1 :]
            ),
        ]
        whole = "".join(placed.checked.document.text for placed in documents)
        file = _file(path, whole, documents, json=before.json)
        index, changed = self.index.with_file(path, _objects(file))
        return self._settled({**self.files, path: file}, index, changed, {path})

    def with_objects(self, path: str, objects: tuple[Object, ...]) -> Project:
        """The project with what a file declares (`objects_of`), without judging it."""
        judged = {name: file for name, file in self.files.items() if name != path}
        index, changed = self.index.with_file(path, objects)
        return self._settled(judged, index, changed, {path})

    def completed(self) -> Project:
        """The project when no more files are to come; it is for `settled` to say what rests on other objects."""
        return replace(self, whole=True)

    def settled(self, paths: Iterable[str]) -> Project:
        """The project with all that can be said about some files, which were read before it was whole."""
        return self._settled(dict(self.files), self.index, frozenset(), paths)

    def without_file(self, path: str) -> Project:
        """The project without one file."""
        return self.with_objects(path, ())

    def with_unreadable(self, path: str, reason: str) -> Project:
        """The project with a file that is there, but nobody knows what stands in it."""
        why = Problem(Span(0, 0), reason, "limit", fatal=True)
        without = self.without_file(path)
        return replace(without, files={**without.files, path: CheckedFile(path, "", json=False, limit=why)})

    def line_of(self, related: Related) -> int:
        """The line of its file, from 0, at which the document of another place begins now."""
        file = self.files.get(related.file)
        for placed in file.documents if file else ():
            if placed.checked.document.text == related.document:
                return placed.line
        return related.line

    def read(self, path: str, text: str, *, json: bool = False) -> CheckedFile:
        """A file as far as it can be judged without looking at others; unchanged documents as they were."""
        if len(text) > MAX_CHARACTERS:
            message = f"this file is too large to check: more than {MAX_CHARACTERS:,} characters"
            return CheckedFile(path, text, json, limit=Problem(Span(0, 0), message, "limit", fatal=True))
        previous = self.files.get(path)
        unchanged = previous.documents if previous and previous.json == json else ()
        known = {placed.checked.document.text: placed.checked for placed in unchanged if placed.checked.read}
        placed: list[Placed] = []
        line = 0
        for number, piece in enumerate([Piece(0, text)] if json else split(text)):
            checked = known.get(piece.text)
            if checked is None:
                before = unchanged[number].checked.document if number < len(unchanged) else None
                document = reread(before, piece.text) if before else read_document(piece.text, json=json)
                checked = known[piece.text] = self._document(path, document)
            placed.append(Placed(piece.offset, line, checked))
            line += checked.document.lines.line_count - 1
        return _file(path, text, placed, json=json)

    def _document(self, path: str, document: Document) -> CheckedDocument:
        resources, missed = resources_of(document, self.ruleset.pod_spec_paths)
        verdicts = tuple(check(resource, self.ruleset) for resource in resources)
        objects = (
            tuple(object_of(path, resource) for resource in resources) if self.ruleset.relational else ()
        )
        related = any(relations_of(resource, self.ruleset) for resource in resources)
        return self._suppressed(
            ReadDocument(document, verdicts, missed, objects), verdicts, None if related else ()
        )

    def _settled(
        self,
        files: dict[str, CheckedFile],
        index: Index,
        changed: set[Key] | frozenset[Key],
        touched: Iterable[str],
    ) -> Project:
        """The project with all findings that rest on other objects brought up to date.

        Args:
            files: the files as they are now.
            index: what they declare.
            changed: the keys under which anything is different.
            touched: the files that are new, or gone.
        """
        watchers = self.watchers
        if self.whole and self.ruleset.relational:
            watched: dict[str, frozenset[Key]] = dict.fromkeys(touched, frozenset())
            for path in {*watched, *watchers.of(changed)}:
                file = files.get(path)
                if file is None:
                    continue
                settled = tuple(self._resettled(placed, index, changed) for placed in file.documents)
                if any(new is not old for new, old in zip(settled, file.documents, strict=True)):
                    files[path] = replace(file, documents=settled)
                watched[path] = frozenset[Key]().union(*(placed.checked.watched for placed in settled))
            watchers = watchers.updated(watched)
        return replace(self, files=files, index=index, watchers=watchers)

    def _resettled(self, placed: Placed, index: Index, changed: set[Key] | frozenset[Key]) -> Placed:
        old = placed.checked
        if old.read is None or (old.bounds is not None and old.watched.isdisjoint(changed)):
            return placed
        bounds = tuple(
            bind(one, names, index) if (names := relations_of(verdicts.resource, self.ruleset)) else None
            for verdicts, one in zip(old.read.verdicts, old.read.objects, strict=True)
        )
        if bounds == old.bounds:  # the same objects as before: what changed does not count here
            return placed
        verdicts = tuple(
            alone if bound is None else check_related(alone, bound, self.ruleset)
            for alone, bound in zip(old.read.verdicts, bounds, strict=True)
        )
        return placed._replace(checked=self._suppressed(old.read, verdicts, bounds))

    def _suppressed(
        self, read: ReadDocument, verdicts: tuple[Verdicts, ...], bounds: tuple[Bound | None, ...] | None
    ) -> CheckedDocument:
        findings, wrong = suppress(read.document, verdicts, self.ruleset, self.today)
        told = tuple(problem for verdict in verdicts for problem in verdict.problems)
        problems = (*read.document.problems, *read.missed, *told, *wrong)
        watched = frozenset[Key]().union(*(bound.watched for bound in bounds or () if bound))
        return CheckedDocument(read.document, verdicts, findings, problems, read, bounds, watched)


def objects_of(path: str, text: str, ruleset: Ruleset, *, json: bool = False) -> tuple[Object, ...]:
    """What a file declares for the others in its workspace, without judging it; nothing for a template."""
    if len(text) > MAX_CHARACTERS:
        return ()
    found: list[Object] = []
    line = 0
    for piece in [Piece(0, text)] if json else split(text):
        document = read_document(piece.text, json=json)
        if not document.complete and _has_template_at_fault(document, document.problems):
            return ()
        resources, _ = resources_of(document, ruleset.pod_spec_paths)
        found += (object_of(path, resource, line) for resource in resources)
        line += document.lines.line_count - 1
    return tuple(found)


def _objects(file: CheckedFile) -> tuple[Object, ...]:
    return tuple(
        one for placed in file.documents if placed.checked.read for one in placed.checked.read.objects
    )


def _file(path: str, text: str, placed: list[Placed], *, json: bool) -> CheckedFile:
    if skipped := _reason_to_skip(placed):
        return CheckedFile(path, text, json, skipped=skipped)
    return CheckedFile(path, text, json, tuple(placed))


def _reason_to_skip(placed: list[Placed]) -> str:
    broken = [p.checked for p in placed if not p.checked.complete]
    if any(_has_template_at_fault(checked.document, checked.problems) for checked in broken):
        return "helm-template"
    if any(p.checked.verdicts for p in placed):
        return ""
    # broken text may be a manifest that could not be read: never call that "not Kubernetes"
    if any(LOOKS_KUBERNETES.search(checked.document.text) for checked in broken):
        return ""
    return "not-kubernetes"


def _has_template_at_fault(document: Document, problems: Iterable[Problem]) -> bool:
    """Whether template language is at fault. Inside of what can be read braces are text: alerts are full of them."""
    text, lines = document.text, document.lines
    if _TEMPLATE_LINE.search(text):
        return True
    faults = {lines.position(problem.span.start).line for problem in problems if problem.fatal}
    return any("{{" in text[lines.starts[line] : lines.content_end(line)] for line in faults)
