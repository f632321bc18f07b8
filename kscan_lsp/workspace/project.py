"""Files and what is known about them: {path: checked file}, each version made from the one before.

A document is judged twice: alone, which depends on its text and nothing else, and for what rests on other objects,
which depends on what its relations lead to. An edit reads and judges the documents whose text is new, and evaluates
those again that depend on a key of the index under which something changed. All else is taken over as it was, wherever
in its file it now stands, which is why a keystroke in a workspace of a thousand files costs one document. Findings and
the order of files are those of a new project with the same texts, however it came to them.
"""

from __future__ import annotations

from operator import is_not
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from kscan_lsp.evidence.model import TODAY, key_for
from kscan_lsp.files.names import with_file_in_order, with_files_in_order
from kscan_lsp.findings import Problem
from kscan_lsp.graph.binding import any_of
from kscan_lsp.graph.dependents import Dependents
from kscan_lsp.graph.index import Index, Key, Object
from kscan_lsp.text import Span
from kscan_lsp.workspace.admissions import FollowedAndAsked
from kscan_lsp.workspace.admitting import COMES_LATER
from kscan_lsp.workspace.exceptions import NO_EXCEPTIONS, Exceptions, excepted
from kscan_lsp.workspace.judging import judge, judge_again, judge_edited, relate
from kscan_lsp.workspace.objects import MAX_CHARACTERS, objects_of
from kscan_lsp.workspace.results import (
    CheckedDocument,
    CheckedFile,
    file_of,
    replaced,
    without_other,
)
from kscan_lsp.yaml.document import read_document, split
from kscan_lsp.yaml.json_reader import split_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kscan_lsp.engine.evaluator import Evaluator
    from kscan_lsp.evidence.model import Evidence
    from kscan_lsp.graph.following import Keys
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.workspace.baselines import KnownFindings


class Project(Struct, frozen=True, eq=False):
    """The files of a workspace, judged by one ruleset and by what is known besides.

    Those in `files` are judged, and come in the order of their names. `index` may know of more: what stands in them
    counts for the others, but nobody wants to know what is wrong with it.
    """

    evaluator: Evaluator
    files: Mapping[str, CheckedFile] = {}
    index: Index = field(default_factory=Index)
    whole: bool = True
    """Whether all files are there; until then nothing is evaluated that rests on other objects."""
    dependents: Dependents = field(default_factory=Dependents)
    exceptions: Exceptions = NO_EXCEPTIONS
    """What may stay."""
    known: KnownFindings | None = None
    """The baseline that an editor shows; a scan matches its files with one when it has them all."""
    apart: frozenset[str] = frozenset()
    """Files that were judged elsewhere (`with_apart`): whatever changes, nothing here judges them again."""

    @property
    def ruleset(self) -> Ruleset:
        """What the files are judged by."""
        return self.evaluator.ruleset

    @property
    def evidence(self) -> Evidence:
        """What is known besides."""
        return self.evaluator.evidence

    def with_files(self, files: Iterable[tuple[str, str, bool]]) -> Project:
        """The project with new texts of many files: (path, text, whether it is JSON)."""
        return self.with_read([self.read(path, text, json=json) for path, text, json in files])

    def with_read(self, files: Iterable[CheckedFile]) -> Project:
        """The project with files that `read` gave, of this project or an earlier one."""
        read = {file.path: self._renewed(file) for file in files}
        index, changed = self.index.with_files({path: file.objects for path, file in read.items()})
        return self._updated(with_files_in_order(self.files, read), index, changed, read)

    def _renewed(self, file: CheckedFile) -> CheckedFile:
        """A file without what an earlier project found in it that rests on other objects or on other evidence."""
        there = self.files.get(file.path)
        known = set(there.parts) if there else set()
        before = file.parts
        now = [checked if checked in known else self._renewed_document(checked) for checked in before]
        return file.with_parts(now) if any(map(is_not, now, before)) else file

    def _renewed_document(self, checked: CheckedDocument) -> CheckedDocument:
        read = checked.read
        if read is not None and any_of(checked.dependencies, self.evidence.changed(read.evidence)):
            return judge_again(self.evaluator, checked)
        return replace(checked, bounds=None) if checked.bounds else checked

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
        checked = judge_edited(self.evaluator, path, before.documents[number].checked, text)
        file = replaced(before, number, checked)
        if not (checked.verdicts and checked.complete):  # the others were no reason to leave the file alone
            file = without_other(file)
        index, changed = self.index.with_file(path, file.objects)
        return self._updated({**self.files, path: file}, index, changed, {path})

    def with_objects(self, path: str, objects: tuple[Object, ...]) -> Project:
        """The project with what a file declares (`objects_of`), without judging it."""
        return self.with_declarations({path: objects})

    def with_declarations(self, objects: Mapping[str, tuple[Object, ...]]) -> Project:
        """The same for many files."""
        judged = {name: file for name, file in self.files.items() if name not in objects}
        index, changed = self.index.with_files(objects)
        return self._updated(judged, index, changed, objects)

    def with_apart(self, files: Mapping[str, CheckedFile]) -> Project:
        """The project with files as they were judged elsewhere, in place of all that came so before."""
        gone = self.apart - files.keys()
        now = {path: self._said(file) for path, file in files.items()}
        left = {path: file for path, file in self.files.items() if path not in gone}
        objects = {path: file.objects for path, file in files.items()}
        index, changed = self.index.with_files({**dict.fromkeys(gone, ()), **objects})
        made = self._updated(with_files_in_order(left, now), index, changed, ())
        dependents = made.dependents.updated(dict.fromkeys((*gone, *files), ()))
        return replace(made, dependents=dependents, apart=frozenset(files))

    def with_declared(self, files: Iterable[tuple[str, str, bool]]) -> Project:
        """The project with what many files declare, without judging them: (path, text, whether it is JSON)."""
        return self.with_declarations(
            {path: objects_of(path, text, self.ruleset, json=json) for path, text, json in files}
        )

    def with_evidence(self, evidence: Evidence) -> Project:
        """The project with other evidence: what rests on what is different in it is judged again."""
        project = self.told(evidence)
        return project.judged_again(
            filter(project.is_outdated, self.dependents.of(self.evidence.changed(evidence)))
        )

    def told(self, evidence: Evidence) -> Project:
        """The project with other evidence, while what rests on it is still as it was judged before."""
        return replace(self, evaluator=self.evaluator.with_evidence(evidence))

    def is_outdated(self, path: str) -> bool:
        """Whether anything in a file was judged by other evidence than there is, and would see the difference."""
        return path not in self.apart and any(map(self._sees_other_evidence, self.files[path].parts))

    def judged_again(self, paths: Iterable[str]) -> Project:
        """The project with what in some files was judged by other evidence judged again."""
        files, concerned = dict(self.files), list(paths)
        for path in concerned:
            parts = files[path].parts
            now = [
                judge_again(self.evaluator, part) if self._sees_other_evidence(part) else part
                for part in parts
            ]
            files[path] = files[path].with_parts(now)
        return self._updated(files, self.index, frozenset(), concerned)

    def _sees_other_evidence(self, checked: CheckedDocument) -> bool:
        read = checked.read
        if read is None or read.evidence is self.evidence:
            return False
        changed = self.evidence.changed(read.evidence)
        return any_of(checked.dependencies, changed) and (
            key_for(TODAY) in changed
            or not all(self.evaluator.is_told_the_same(one.resource, read.evidence) for one in read.verdicts)
        )

    def said_again(self, exceptions: Exceptions, known: KnownFindings | None) -> Project:
        """The project with other exceptions and another baseline; nothing is judged for that."""
        return replace(self, exceptions=exceptions, known=known).with_all_said()

    def with_all_said(self) -> Project:
        """The project with what is said elsewhere of the findings of all its files."""
        return replace(self, files={path: self._said(file) for path, file in self.files.items()})

    def completed(self) -> Project:
        """The project when no more files are to come; `with_relations` evaluates what rests on other objects."""
        return replace(self, whole=True)

    def with_relations(self, paths: Iterable[str], heard: frozenset[Key] = frozenset()) -> Project:
        """The project with all that rests on other objects in some files, which were read before it was whole.

        What waits for answers in them has those that have come; so has what depends on what is `heard`, in all files.
        """
        return self._updated(self.files, self.index, heard, paths)

    @property
    def waiting(self) -> set[str]:
        """The files of which something is said later (`rego_beside.py`)."""
        return self.dependents.of(COMES_LATER)

    def with_judged(self, files: Mapping[str, CheckedFile]) -> Project:
        """The project with files that it knows of as the same project judged them elsewhere."""
        said = {path: self._said(file) for path, file in files.items()}
        dependencies = {path: _dependencies(file.parts) for path, file in said.items()}
        dependents = self.dependents.updated(dependencies)
        return replace(self, files=with_files_in_order(self.files, said), dependents=dependents)

    def without_file(self, path: str) -> Project:
        """The project without one file."""
        return self.with_objects(path, ())

    def with_unreadable(self, path: str, reason: str, text: str = "", *, json: bool = False) -> Project:
        """The project with a file that is there, but nobody knows what stands in it; its text, if that can be read."""
        why = Problem(Span(0, 0), reason, "limit", fatal=True)
        without = self.without_file(path)
        file = CheckedFile(path, text, json, limit=why)
        return replace(without, files=with_file_in_order(without.files, path, file))

    def read(self, path: str, text: str, *, json: bool = False) -> CheckedFile:
        """A file as far as it can be judged without looking at others; unchanged documents as they were."""
        if len(text) > MAX_CHARACTERS:
            message = f"this file is too large to check: more than {MAX_CHARACTERS:,} characters"
            return CheckedFile(path, text, json, limit=Problem(Span(0, 0), message, "limit", fatal=True))
        previous = self.files.get(path)
        parts_before = previous.parts if previous and previous.json == json else ()
        unchanged = [checked.origin or checked for checked in parts_before]
        known = {checked.document.text: checked for checked in unchanged if checked.read}
        parts: list[CheckedDocument] = []
        for number, piece in enumerate(split_json(text) if json else split(text)):
            checked = known.get(piece)
            if checked is None:
                before = unchanged[number] if number < len(unchanged) else None
                checked = known[piece] = (
                    judge_edited(self.evaluator, path, before, piece)
                    if before
                    else judge(self.evaluator, path, read_document(piece, json=json))
                )
            parts.append(checked)
        return file_of(path, text, parts, previous, json=json)

    def _updated(
        self,
        files: Mapping[str, CheckedFile],
        index: Index,
        changed: frozenset[Key],
        touched: Iterable[str],
    ) -> Project:
        """The project with all findings that rest on other objects brought up to date.

        Args:
            files: the files as they are now.
            index: what they declare.
            changed: the keys under which anything is different.
            touched: the files that are new, or gone.
        """
        dependents, followed = self.dependents, FollowedAndAsked(index)
        relational = self.whole and self.ruleset.relational
        evaluated: dict[str, CheckedFile] = {}
        dependencies: dict[str, Sequence[Keys]] = dict.fromkeys(touched, ())
        for path in {*dependencies, *dependents.of(changed)} if relational else list(dependencies):
            file = files.get(path)
            if file is None or path in self.apart:
                continue
            now = before = file.parts
            if relational:
                depends = dependents.depends(path, changed)
                now = tuple(
                    [
                        relate(self.evaluator, part, followed, changed)
                        if part.bounds is None
                        or part.waits
                        or (depends and any_of(part.dependencies, changed))
                        else part
                        for part in before
                    ]
                )
            if any(map(is_not, now, before)):
                evaluated[path] = file.with_parts(now)
            if path in dependencies or any(
                one.dependencies != other.dependencies for one, other in zip(now, before, strict=True)
            ):
                dependencies[path] = _dependencies(now)
        files = {**files, **evaluated} if evaluated else files
        concerned = [path for path in {*dependencies, *evaluated} if path in files]
        said = {path: self._said(files[path]) for path in concerned}
        if any(now is not files[path] for path, now in said.items()):
            files = {**files, **said}
        return replace(self, files=files, index=index, dependents=dependents.updated(dependencies))

    def _said(self, file: CheckedFile) -> CheckedFile:
        """A file with what is said of its findings elsewhere: in exceptions, and in a baseline."""
        file = excepted(file, self.exceptions)
        return file if self.known is None else self.known.marked(file, self.evidence)


def _dependencies(parts: Iterable[CheckedDocument]) -> Sequence[Keys]:
    """The keys that some documents depend on."""
    return [one.dependencies for one in parts]
