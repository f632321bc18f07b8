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
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kscan_lsp.findings import Problem
from kscan_lsp.render.source_map import FoundWith, Rendered
from kscan_lsp.startup import NamedTuple
from kscan_lsp.text import LineIndex, Span
from kscan_lsp.workspace.images import of_images
from kscan_lsp.workspace.results import CheckedFile, place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.findings import Finding, ResourceId
    from kscan_lsp.paths import Path
    from kscan_lsp.render.rendering import RenderedTemplate
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedDocument, PlacedDocument


class RenderedFile(NamedTuple):
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


class JudgedChart(NamedTuple):
    """A chart judged in a project: its files as read by its defaults, and with what is found in all renderings."""

    read: tuple[CheckedFile, ...]
    files: tuple[CheckedFile, ...]

    @property
    def paths(self) -> frozenset[str]:
        """What its files are called in the project."""
        return frozenset([file.path for file in self.files])


def judge_chart(project: Project, renderings: Sequence[ValuesRendering]) -> JudgedChart:
    """A chart judged in a project as that is now; as for `with_renderings`."""
    read = tuple([read_rendered(project, file) for file in renderings[0].files])
    judged = with_renderings(project.with_read(read), renderings)
    return JudgedChart(read, tuple([judged.files[file.path] for file in read]))


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
            replace(placed, checked=_unfixable(placed.checked), source=before.source)
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


def with_renderings(project: Project, renderings: Sequence[ValuesRendering]) -> Project:
    """The project, which has what a chart renders to by default, with what else is found in it.

    Args:
        project: has the first of the renderings.
        renderings: the chart by its defaults, then with each further values file.
    """
    default = renderings[0]
    found_with = FoundWith(of_images=of_images(project.ruleset.policies))
    found: dict[str, dict[object, list[str]]] = {}
    faults: dict[str, set[object]] = defaultdict(set)
    extra: dict[str, list[PlacedDocument]] = defaultdict(list)
    limits: dict[str, Problem] = {}
    objects: dict[str, _Objects] = {}
    for file in default.files:
        if file.path in project.files:
            judged_by_default = project.files[file.path]
            objects[file.path] = _Objects(judged_by_default)
            found[file.path] = {found_with.key(one): [default.values] for one in _findings(judged_by_default)}
            for placed in judged_by_default.documents:
                faults[file.path].update(_faults(placed.checked))
    texts = {file.path: file.rendered.text for file in default.files if file.rendered}
    for values, files in renderings[1:]:
        changed = [file for file in files if file.rendered and file.rendered.text != texts.get(file.path)]
        other = project.with_read([read_rendered(project, file) for file in changed])
        for file in files:
            if file.rendered is None or file.path not in project.files:
                continue
            known, now = found.setdefault(file.path, {}), other.files[file.path]
            if (unread := _unread(now)) and not _unread(project.files[file.path]):
                why = f"{unread} (rendered with {values})"
                limits.setdefault(file.path, Problem(Span(0, 0), why, "limit", fatal=True))
            there = objects.setdefault(file.path, _Objects())
            there.add(now)
            so_far = _SoFar(replace(found_with, same=there.same), known, faults[file.path], there.counted)
            for placed in now.documents:
                new, failing = _new(placed.checked, so_far, values)
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


def _unread(file: CheckedFile) -> str:
    """Why nothing could be read of what a template renders to; empty where it could, or there is nothing."""
    if file.limit:
        return file.limit.message
    return "" if file.skipped in {"", "not-kubernetes"} else "what it renders to is a template itself"


def _faults(checked: CheckedDocument) -> Iterable[object]:
    """What is wrong with a document, and what could not be judged in it, apart from where it stands."""
    yield from ((problem.code, problem.message) for problem in checked.problems)
    for verdicts in checked.verdicts:
        yield from ((verdicts.resource.id, one) for one in verdicts.unevaluated)


class _Objects:
    """The objects of a template, and which of them are the same one that several values call differently.

    They are the same where the same place of the template makes them, the same in number, of one kind, and nobody has
    accepted a finding of one that is open in the other.
    """

    def __init__(self, default: CheckedFile | None = None) -> None:
        """With the objects that are there by default."""
        self.same: dict[ResourceId, ResourceId] = {}
        self.counted: set[ResourceId] = set()
        """Those that count in the scores."""
        self._first: dict[object, tuple[ResourceId, frozenset[object]]] = {}
        """The first object that was made at a place."""
        self._known: set[ResourceId] = set()
        if default is not None:
            self.add(default)
            self.counted.update(self._known)

    def add(self, file: CheckedFile) -> None:
        """Take in those that there are with other values."""
        objects = [(placed, one) for placed in file.documents for one in placed.checked.verdicts]
        here = {one.resource.id for _, one in objects}
        if self._known and here <= self._known:
            return
        numbers: dict[object, int] = defaultdict(int)
        for placed, one in objects:
            who, root = one.resource.id, placed.checked.document.root
            at = placed.locate(Span(root.start, root.start + 1)) if root is not None else None
            place = (at.file, at.span, who.api_version, who.kind, one.resource.root) if at else None
            numbers[place] += 1
            accepted = frozenset((f.control, f.stable_path) for f in one.findings if f.status == "accepted")
            first, also_accepted = self._first.setdefault((place, numbers[place]), (who, accepted))
            # one that has its own name among these is made at another place this time
            if who not in self._known and first not in here and accepted == also_accepted:
                self.same[who] = first
        self._known |= here


class _SoFar(NamedTuple):
    """What is known of a template by the values before."""

    found_with: FoundWith
    known: dict[object, list[str]]
    """What findings are found with, by what tells them apart."""
    faults: set[object]
    counted: set[ResourceId]
    """The objects that count in the scores."""


def _new(
    checked: CheckedDocument, so_far: _SoFar, values: str
) -> tuple[CheckedDocument | None, dict[Path, frozenset[str]]]:
    """What is said of a document that no values before had, None for nothing; all of it is known then.

    What they had is noted to be found with these, too. What could not be read or judged is no less said than what is
    found: with these values it would pass for clean.

    Returns:
        Also the controls that fail in it and are said of another object, by the root of the object.
    """
    parts = [_only_new(one, so_far, values) for one in checked.verdicts]
    problems = tuple(
        [
            replace(one, message=f"{one.message} (rendered with {values})")
            for one in checked.problems
            if (one.code, one.message) not in so_far.faults
        ]
    )
    kept = tuple(one for one, failing in parts if one.findings or one.unevaluated or failing)
    so_far.faults.update(_faults(checked))
    if not (kept or problems):
        return None, {}
    # the reason why it is not complete has to stay with it
    problems = problems or tuple(one for one in checked.problems if one.fatal)
    elsewhere = {one.resource.root: failing for one, failing in parts if failing}
    return replace(checked, verdicts=kept, problems=problems), elsewhere


def _only_new(verdicts: Verdicts, so_far: _SoFar, values: str) -> tuple[Verdicts, frozenset[str]]:
    """What is said of an object that no values before had; and what fails in one that counts, and is said already."""
    new = []
    failing: set[str] = set()
    who = verdicts.resource.id
    for finding in verdicts.findings:
        names = so_far.known.setdefault(so_far.found_with.key(finding), [])
        if not names:
            new.append(finding)
        elif who not in so_far.counted and finding.status != "accepted":
            failing.add(finding.control)
        names.append(values)
    unevaluated = tuple(one for one in verdicts.unevaluated if (who, one) not in so_far.faults)
    if new or unevaluated or failing:
        so_far.counted.add(who)
    return replace(verdicts, findings=tuple(new), unevaluated=unevaluated), frozenset(failing)


def _said(placed: PlacedDocument, found: FoundWith, *, extra: bool) -> PlacedDocument:
    source = placed.source
    if not isinstance(source, Rendered):
        return placed
    return replace(
        placed, checked=_unfixable(placed.checked), source=replace(source, found_with=found, extra=extra)
    )


def _unfixable(checked: CheckedDocument) -> CheckedDocument:
    if not any(finding.fixable for one in checked.verdicts for finding in one.findings):
        return checked  # as it was before an edit elsewhere in the chart
    verdicts = tuple(
        replace(one, findings=tuple(replace(finding, fixable=False) for finding in one.findings))
        for one in checked.verdicts
    )
    return replace(checked, verdicts=verdicts)


def _findings(file: CheckedFile) -> Iterable[Finding]:
    return (finding for _, finding in file.findings())
