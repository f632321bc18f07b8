"""What charts render to, judged as part of a project: files named by their templates, places in these.

A chart is judged with its default values, together with all that is there; each further values file makes another
project, in which the chart's templates render to something else. What is found in that and not with the defaults is
taken over as a further document of the template, and so is what cannot be read or judged with them alone. So there is
one file for each template, and one finding for all values that it is found with. Such a document is declared by
nothing: no fingerprint and no score counts it again.

An object that is called after its release is another one in each, which counts for itself; what is found in it is one
finding all the same, where the same place of the template makes it.

Nothing in what is rendered is edited: a fix is one of a template or of values, proven by rendering (`fixes/charts.py`).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.admission.before import in_way
from kscan_lsp.findings import Problem
from kscan_lsp.graph.index import BEFORE
from kscan_lsp.render.source_map import FoundWith, Rendered
from kscan_lsp.text import LineIndex, Span
from kscan_lsp.workspace.images import of_images
from kscan_lsp.workspace.other_values import KnownSoFar, SameObjects, faults_of, only_new
from kscan_lsp.workspace.results import CheckedFile, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from kscan_lsp.findings import Finding
    from kscan_lsp.render.rendering import RenderedTemplate
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import PlacedDocument

    Check = Callable[[], None]


class RenderedFile(Struct, frozen=True):
    """A file of a chart: its name in the project, its text as written, and what it renders to; None for helpers."""

    path: str
    text: str
    rendered: RenderedTemplate | None


class ValuesRendering(NamedTuple):
    """What a chart renders to with some values, and what these are called: by their file, or their release."""

    values: str
    files: tuple[RenderedFile, ...]


def read_rendered(project: Project, file: RenderedFile) -> CheckedFile:
    """A file of a chart as far as it can be judged without looking at others.

    Args:
        project: the one that it is to be in.
        file: the file.
    """
    if file.rendered is None:
        return CheckedFile(file.path, file.text, json=False)
    read = project.read(file.path, file.rendered.text)
    if read.limit or read.skipped not in {"", "not-kubernetes"}:
        return replace(read, text=file.text)
    first_line = LineIndex(file.text).content_end(0)
    documents = tuple(
        replace(
            placed, source=Rendered(file.path, placed.offset, file.rendered.pieces, first_line, FoundWith())
        )
        for placed in place(file.path, read.parts)
    )
    return CheckedFile(file.path, file.text, json=False, documents=documents)


class JudgedChart(Struct, frozen=True):
    """A chart judged in a project: its files as read by its defaults, and with what only other values give."""

    read: tuple[CheckedFile, ...]
    files: tuple[CheckedFile, ...]
    """With what rests on other objects only where there are several renderings: `with_chart` looks for that anyway."""

    @property
    def paths(self) -> frozenset[str]:
        """What its files are called in the project."""
        return frozenset([file.path for file in self.files])


def judge_chart(
    project: Project, renderings: Sequence[ValuesRendering], check: Check = lambda: None
) -> JudgedChart:
    """A chart judged in a project as that is now; as for `with_renderings`."""
    read = tuple(_read(project, renderings[0].files, check))
    if len(renderings) == 1:
        found_with = _found_with(project, always=(renderings[0].values,))
        return JudgedChart(read, tuple([_with_source(file, found_with) for file in read]))
    judged = with_renderings(project.with_read(read), renderings, check)
    return JudgedChart(read, tuple([judged.files[file.path] for file in read]))


def judge_rendering(project: Project, rendering: ValuesRendering) -> tuple[CheckedFile, ...]:
    """The files of a chart as they render with some values, judged as part of a project as that is now."""
    read = [read_rendered(project, file) for file in rendering.files]
    judged = with_renderings(project.with_read(read), [rendering])
    return tuple([judged.files[file.path] for file in read])


def with_chart(project: Project, chart: JudgedChart, gone: Iterable[str] = ()) -> Project:
    """A project with a chart that was judged in an earlier version of it.

    What its defaults render to is held against what there is now. What only other values give is taken as it was then:
    it is declared by nothing, so nothing rests on it.

    Args:
        project: as it is now.
        chart: the chart.
        gone: what its files were called that it has no more.
    """
    known = project.files
    for path in gone:
        project = project.without_file(path)
    project = project.with_read(chart.read)
    files = dict(project.files)
    for judged in chart.files:
        now = files[judged.path]
        number = len(now.documents)
        own = [
            replace(placed, source=before.source)
            for placed, before in zip(now.documents, judged.documents[:number], strict=True)
        ]
        made = replace(now, documents=(*own, *judged.documents[number:]), limit=now.limit or judged.limit)
        before = known.get(judged.path)
        files[judged.path] = before if before is not None and _is_same(before, made) else made
    return replace(project, files=files)


def _is_same(before: CheckedFile, now: CheckedFile) -> bool:
    """Whether the same is said of a file as before, in the same places: an edit of another touched nothing in it."""
    return (
        before.text == now.text
        and before.limit == now.limit
        and len(before.documents) == len(now.documents)
        and all(
            one.checked is other.checked and one.offset == other.offset and one.source == other.source
            for one, other in zip(before.documents, now.documents, strict=True)
        )
    )


def _read(project: Project, files: Iterable[RenderedFile], check: Check) -> Iterator[CheckedFile]:
    for file in files:
        check()
        yield read_rendered(project, file)


def with_renderings(
    project: Project, renderings: Sequence[ValuesRendering], check: Check = lambda: None
) -> Project:
    """The project, which has what a chart renders to by default, with what else is found in it.

    Args:
        project: has the first of the renderings.
        renderings: the chart by its defaults, then with each further values file.
        check: called between files; what it raises ends the work.
    """
    default = renderings[0]
    if len(renderings) == 1:  # as most charts have it: nothing is to be held against anything
        found_with = _found_with(project, always=(default.values,))
        rendered = [project.files[file.path] for file in default.files if file.path in project.files]
        marked = {file.path: _with_source(file, found_with) for file in rendered}
        return replace(project, files={**project.files, **marked})
    found_with = _found_with(project)
    found: dict[str, dict[object, list[str]]] = {}
    faults: dict[str, set[object]] = defaultdict(set)
    extra: dict[str, list[PlacedDocument]] = defaultdict(list)
    limits: dict[str, Problem] = {}
    objects: dict[str, SameObjects] = {}
    for file in default.files:
        if file.path in project.files:
            judged_by_default = project.files[file.path]
            objects[file.path] = SameObjects(judged_by_default)
            found[file.path] = {found_with.key(one): [default.values] for one in _findings(judged_by_default)}
            for placed in judged_by_default.documents:
                faults[file.path].update(faults_of(placed.checked))
    texts = {file.path: file.rendered.text for file in default.files if file.rendered}
    for values, files in renderings[1:]:
        changed = [file for file in files if file.rendered and file.rendered.text != texts.get(file.path)]
        other = _with_past_of(project, default.files, values)
        other = other.with_read(_read(other, changed, check))
        for file in files:
            if file.rendered is None or file.path not in project.files:
                continue
            known, now = found.setdefault(file.path, {}), other.files[file.path]
            if (unread := _unread(now)) and not _unread(project.files[file.path]):
                why = f"{unread} (rendered with {values})"
                limits.setdefault(file.path, Problem(Span(0, 0), why, "limit", fatal=True))
            there = objects.setdefault(file.path, SameObjects())
            there.add(now)
            so_far = KnownSoFar(replace(found_with, same=there.same), known, faults[file.path], there.counted)
            for placed in now.documents:
                new, failing = only_new(placed.checked, so_far, values)
                if new is not None:
                    source = placed.source
                    if failing and isinstance(source, Rendered):
                        source = replace(source, failing=failing)
                    extra[file.path].append(replace(placed, checked=new, source=source))
    judged = dict(project.files)
    for path, known in found.items():
        names = {key: tuple(dict.fromkeys(some)) for key, some in known.items()}
        lists = replace(found_with, names=names, same=objects[path].same if path in objects else {})
        own = [_said(placed, lists, extra=False) for placed in judged[path].documents]
        more = [_said(placed, lists, extra=True) for placed in extra[path]]
        limit = judged[path].limit or limits.get(path)
        judged[path] = replace(judged[path], documents=(*own, *more), limit=limit)
    return replace(project, files=judged)


def _with_past_of(project: Project, files: Sequence[RenderedFile], values: str) -> Project:
    """The project with what a chart's objects were where it was rendered with some values."""
    if not files or BEFORE not in project.index.files:
        return project
    before = in_way(project.index, files[0].path, values)
    return project if before is project.index.files[BEFORE] else project.with_objects(BEFORE, before)


def _found_with(project: Project, always: tuple[str, ...] = ()) -> FoundWith:
    return FoundWith(of_images=of_images(project.ruleset.policies), always=always)


def _with_source(file: CheckedFile, found: FoundWith) -> CheckedFile:
    return replace(file, documents=tuple([_said(placed, found, extra=False) for placed in file.documents]))


def _unread(file: CheckedFile) -> str:
    """Why nothing could be read of what a template renders to; empty where it could, or there is nothing."""
    if file.limit:
        return file.limit.message
    return "" if file.skipped in {"", "not-kubernetes"} else "what it renders to is a template itself"


def _said(placed: PlacedDocument, found: FoundWith, *, extra: bool) -> PlacedDocument:
    source = placed.source
    if not isinstance(source, Rendered):
        return placed
    return replace(placed, source=replace(source, found_with=found, extra=extra))


def _findings(file: CheckedFile) -> Iterable[Finding]:
    return (finding for _, finding in file.findings())
