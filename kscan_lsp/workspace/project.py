"""Files and what is known about them: {path: checked file}, each version made from the one before.

A document is judged twice: alone, which depends on its text and nothing else, and for what rests on other objects,
which depends on what its relations lead to. An edit reads and judges the documents whose text is new, and asks again
about those that watch a key of the index under which something changed. All else is taken over as it was, wherever
in its file it now stands, which is why a keystroke in a workspace of a thousand files costs one document. The
findings are those of a new project with the same texts, however it came to them.
"""

from __future__ import annotations

from operator import is_not
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field
from msgspec.structs import replace

from kscan_lsp.dispositions.suppressions import suppress
from kscan_lsp.engine.check import check, check_related, relations_of
from kscan_lsp.findings import Problem
from kscan_lsp.graph.dependents import Watchers
from kscan_lsp.graph.index import Index, Key, Object
from kscan_lsp.graph.references import object_of
from kscan_lsp.graph.relations import Bound, bind
from kscan_lsp.kubernetes.resources import resources_of
from kscan_lsp.text import Span
from kscan_lsp.workspace.results import (
    CheckedDocument,
    CheckedFile,
    ReadDocument,
    file_of,
    has_template_at_fault,
)
from kscan_lsp.yaml.document import read_document, reread, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from kscan_lsp.engine.check import Verdicts
    from kscan_lsp.findings import Related
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.yaml.document import Document

MAX_CHARACTERS: Final = 20_000_000
"""A text longer than this is not read: it is data, not something a person maintains."""


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
        known = set(there.parts) if there else set()
        parts = tuple(
            replace(checked, bounds=None) if checked.bounds and checked not in known else checked
            for checked in file.parts
        )
        return file.with_parts(parts)

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
        checked = self._document(path, reread(before.parts[number].document, text))
        parts = (*before.parts[:number], checked, *before.parts[number + 1 :])
        whole = "".join([part.document.text for part in parts])
        if checked.verdicts and checked.complete:  # the others were no reason to leave the file alone
            file = CheckedFile(path, whole, before.json, parts)
        else:
            file = file_of(path, whole, parts, json=before.json)
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
        unchanged = previous.parts if previous and previous.json == json else ()
        known = {checked.document.text: checked for checked in unchanged if checked.read}
        parts: list[CheckedDocument] = []
        for number, piece in enumerate([text] if json else split(text)):
            checked = known.get(piece)
            if checked is None:
                before = unchanged[number].document if number < len(unchanged) else None
                document = reread(before, piece) if before else read_document(piece, json=json)
                checked = known[piece] = self._document(path, document)
            parts.append(checked)
        return file_of(path, text, parts, json=json)

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
                concerned = watchers.watches(path, changed)
                settled = tuple(
                    [
                        self._resettled(checked, index)
                        if checked.bounds is None or (concerned and not checked.watched.isdisjoint(changed))
                        else checked
                        for checked in file.parts
                    ]
                )
                if any(map(is_not, settled, file.parts)):
                    files[path] = file.with_parts(settled)
                watched[path] = frozenset[Key]().union(*{checked.watched for checked in settled})
            watchers = watchers.updated(watched)
        return replace(self, files=files, index=index, watchers=watchers)

    def _resettled(self, old: CheckedDocument, index: Index) -> CheckedDocument:
        if old.read is None:
            return old
        bounds = tuple(
            bind(one, names, index) if (names := relations_of(verdicts.resource, self.ruleset)) else None
            for verdicts, one in zip(old.read.verdicts, old.read.objects, strict=True)
        )
        if bounds == old.bounds:  # the same objects as before: what changed does not count here
            return old
        verdicts = tuple(
            alone if bound is None else check_related(alone, bound, self.ruleset)
            for alone, bound in zip(old.read.verdicts, bounds, strict=True)
        )
        return self._suppressed(old.read, verdicts, bounds)

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
    for piece in [text] if json else split(text):
        document = read_document(piece, json=json)
        if not document.complete and has_template_at_fault(document, document.problems):
            return ()
        resources, _ = resources_of(document, ruleset.pod_spec_paths)
        found += (object_of(path, resource, line) for resource in resources)
        line += document.lines.line_count - 1
    return tuple(found)


def _objects(file: CheckedFile) -> tuple[Object, ...]:
    return tuple([one for checked in file.parts if checked.read for one in checked.read.objects])
