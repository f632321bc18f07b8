"""Files judged in two steps: each alone, and then, when it is known what all of them declare, for what rests on others.

A file is judged in one process from beginning to end (`exchange.py`): others come to know what it declares, and the one
that began gets what is said of it. Files are known by their names, which differ.
"""

from __future__ import annotations

from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeAlias

    from kscan_lsp.cli.to_judge import FileToJudge
    from kscan_lsp.graph.index import Object
    from kscan_lsp.report.fixes import FileFixes
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile
    from kscan_lsp.workspace.transfer import Transfer

    Declared: TypeAlias = dict[int, dict[str, tuple[Object, ...]]]
    """What files declare, by the number of their project and their names."""
    NameFixes: TypeAlias = Callable[[Iterable[tuple[CheckedFile, Project]]], Iterable[FileFixes]]
    """What would fix the findings of files, by name, each with the project it is in (`report/fixes.py`)."""


class JudgedFile(Struct, frozen=True):
    """A file as judged, and what would fix its findings; None where that was not asked."""

    checked: CheckedFile
    fixes: FileFixes | None


class FileSteps:
    """The steps, and what a process knows on the way."""

    def __init__(
        self,
        projects: dict[int, Project],
        texts: Sequence[str],
        complete: Callable[[dict[int, Project]], None],
        name_fixes: NameFixes | None,
    ) -> None:
        """Begin.

        Args:
            projects: the project of each configuration, by its identity; none has any of the files yet.
            texts: those of the files.
            complete: given projects that know of all files, puts those that know the rest in their places.
            name_fixes: what is asked about fixes.
        """
        self.projects = projects
        self._complete = complete
        self._name_fixes = name_fixes
        self._texts = texts
        self._begun = tuple(projects.values())
        """The projects that all processes begin with."""
        self._besides: Declared = {}

    def first(self, items: Sequence[FileToJudge]) -> Iterator[CheckedFile]:
        """Each file as far as it can be judged without looking at others."""
        for file in items:
            yield self.projects[id(file.configuration)].read(file.name, file.source.text, json=file.json)

    def shown(self, items: Sequence[FileToJudge], made: Sequence[CheckedFile]) -> bytes:
        """What files declare."""
        declared: Declared = {}
        for file, checked in zip(items, made, strict=True):
            declared.setdefault(id(file.configuration), {})[file.name] = checked.objects
        return self._before.packed(declared)

    def know(self, items: Sequence[FileToJudge], made: Sequence[CheckedFile], shown: Iterable[bytes]) -> None:
        """Have files in the projects, and what others declare."""
        read: dict[int, list[CheckedFile]] = {}
        for file, checked in zip(items, made, strict=True):
            read.setdefault(id(file.configuration), []).append(checked)
        for number, some in read.items():
            self.projects[number] = self.projects[number].with_read(some)
        elsewhere: Declared = {}
        for declared in map(self._before.unpacked, shown):
            for number, objects in declared.items():
                elsewhere.setdefault(number, {}).update(objects)
        for number, objects in elsewhere.items():
            self.projects[number] = self.projects[number].with_declarations(objects)

    def complete(self) -> None:
        """Have all else in the projects that their files rest on."""
        before = {number: project.index.files for number, project in self.projects.items()}
        self._complete(self.projects)
        for number, project in self.projects.items():
            files = project.index.files
            new = {path: objects for path, objects in files.items() if before[number].get(path) != objects}
            if new:
                self._besides[number] = new

    def besides(self) -> bytes:
        """What that declares."""
        return self._before.packed(self._besides) if self._besides else b""

    def second(self, items: Sequence[FileToJudge], made: Sequence[CheckedFile]) -> Iterator[JudgedFile]:
        """Each file judged for what rests on others, and named what would fix its findings."""
        del made  # it is in the projects
        for number, some in groupby(items, key=lambda file: id(file.configuration)):
            paths = [file.name for file in some]
            project = self.projects[number].completed().with_relations(paths)
            judged = [project.files[path] for path in paths]
            if self._name_fixes is None:
                yield from (JudgedFile(file, None) for file in judged)
            else:
                fixes = self._name_fixes([(file, project) for file in judged])
                yield from map(JudgedFile, judged, fixes)

    def packed(self, results: Sequence[JudgedFile]) -> bytes:
        """Files for the process that began."""
        return self._in_the_end.packed(results)

    def unpacked(self, data: bytes) -> list[JudgedFile]:
        """The files."""
        found: list[JudgedFile] = self._in_the_end.unpacked(data)
        return found

    @cached_property
    def _before(self) -> Transfer:
        """For what processes know when they begin."""
        return self._transfer(self._begun)

    @cached_property
    def _in_the_end(self) -> Transfer:
        """For what they know when they know of all files."""
        return self._transfer(self.projects.values())

    def _transfer(self, projects: Iterable[Project]) -> Transfer:
        from kscan_lsp.workspace.transfer import Transfer  # most scans are of a few files, and not divided

        return Transfer([*(project.evidence for project in self._begun), *self._texts], projects)
