"""What overlays build, judged as part of a project: a file for each kustomization, places in bases and patches.

An overlay is judged with the manifests around it and without the other overlays: a policy that is there for one cluster
says nothing about another. The manifests see the objects of all. A finding that several overlays take from the same
line of a base is one finding, of the first of them, and the others are told with it; each object still counts as often
as it is built.

The files that it is built from are there with their texts and without documents: they are never judged alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.findings import SUPPRESSION
from kscan_lsp.render.kustomize.comments import with_comments
from kscan_lsp.render.kustomize.places import Overlaid
from kscan_lsp.render.source_map import FoundWith, few
from kscan_lsp.text import LineIndex, Span
from kscan_lsp.workspace.judging import judge_as_written
from kscan_lsp.workspace.project import Project
from kscan_lsp.workspace.results import CheckedFile, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from kscan_lsp.findings import Finding, Problem
    from kscan_lsp.graph.index import Index, Object
    from kscan_lsp.paths import Path
    from kscan_lsp.render.kustomize.building import Built
    from kscan_lsp.workspace.results import PlacedDocument


class OverlayBuild(Struct, frozen=True):
    """What one overlay builds: the name of its kustomization, and the texts of all that it is built from."""

    path: str
    built: Built
    texts: Mapping[str, str]
    """By the names of the files."""
    name: Callable[[str], str]
    """What a file is called, by its path."""
    title: str
    """What messages call it."""


def read_built(project: Project, overlay: OverlayBuild) -> CheckedFile:
    """What an overlay builds, as far as it can be judged without looking at others.

    Args:
        project: the one that it is to be in.
        overlay: the overlay.
    """
    text = overlay.texts.get(overlay.path, "")
    said, found = with_comments(overlay.built, overlay.path, overlay.name)
    read = project.read(overlay.path, said)
    if read.limit or read.skipped:  # too large, or nothing that Kubernetes knows
        return CheckedFile(overlay.path, text, json=False, limit=read.limit)
    first_line = LineIndex(text).content_end(0)
    documents = []
    for placed, places in zip(place(overlay.path, read.parts), found, strict=True):
        source = Overlaid(overlay.path, placed.offset, (), first_line, places=places)
        checked = placed.checked
        if project.ruleset.root is not None and (top := checked.document.root) is not None:
            written = source.locate(Span(top.start, top.start + 1)).file
            checked = judge_as_written(project.evaluator, checked, written)
        documents.append(replace(placed, checked=checked, source=source))
    return CheckedFile(overlay.path, text, json=False, documents=tuple(documents))


class JudgedOverlays(Struct, frozen=True, eq=False):
    """Overlays judged in a project: each with what it builds alone, and all of them together."""

    overlays: tuple[OverlayBuild, ...]
    files: Mapping[str, CheckedFile]
    """What is found in them, each finding once, and the texts of all that they are built from."""
    around: Index
    """What the manifests around them declare."""
    alone: Mapping[str, Project]
    """By name, each of them as it is judged with these."""

    @property
    def paths(self) -> frozenset[str]:
        """What all the files are called."""
        return frozenset(self.files)


def judge_overlays(
    project: Project, overlays: Sequence[OverlayBuild], before: JudgedOverlays | None = None
) -> JudgedOverlays:
    """Overlays judged in a project as that is now.

    Args:
        project: has the manifests that are judged as they stand, and may have overlays as they were judged before.
        overlays: in the order in which they are to be named.
        before: as they were judged before; it is given back where nothing is different.
    """
    covered = {name for overlay in overlays for name in (overlay.path, *overlay.texts)}
    around, _ = project.index.with_files(dict.fromkeys((*covered, *project.apart), ()))
    alone: dict[str, Project] = {}
    same = before is not None and [*map(id, before.overlays)] == [*map(id, overlays)]
    old = {one.path: one for one in before.overlays} if before else {}
    changes = _changes(before.around, around) if before else {}
    for overlay in overlays:
        known = before.alone.get(overlay.path) if before else None
        if known is None or not _is_judged_alike(known, project):
            fresh = Project(
                project.evaluator, index=around, whole=project.whole, exceptions=project.exceptions
            )
            alone[overlay.path] = fresh.with_read([read_built(fresh, overlay)])
        else:
            now = known.with_declarations(changes)
            if old[overlay.path] is not overlay:
                now = now.with_read([read_built(now, overlay)])
            alone[overlay.path] = now
        same = same and known is not None and alone[overlay.path].files == known.files
    if same and before is not None:
        return before if not changes else replace(before, around=around, alone=alone)
    files = _shared({path: one.files[path] for path, one in alone.items()}, overlays)
    for overlay in overlays:
        for name, text in overlay.texts.items():
            files.setdefault(name, CheckedFile(name, text, json=False))
    return JudgedOverlays(tuple(overlays), files, around, alone)


def _is_judged_alike(one: Project, other: Project) -> bool:
    return (
        one.evaluator is other.evaluator and one.exceptions is other.exceptions and one.whole == other.whole
    )


def _changes(before: Index, now: Index) -> dict[str, tuple[Object, ...]]:
    """What files declare now that declared something else."""
    names = {**before.files, **now.files}
    return {name: there for name in names if (there := now.files.get(name, ())) is not before.files.get(name)}


def with_overlays(project: Project, overlays: Sequence[OverlayBuild]) -> Project:
    """A project with what overlays build.

    Args:
        project: has the manifests that are judged as they stand.
        overlays: in the order in which they are to be named.
    """
    return project.with_apart(judge_overlays(project, overlays).files) if overlays else project


_Key = tuple[object, ...]


def _shared(files: Mapping[str, CheckedFile], overlays: Sequence[OverlayBuild]) -> dict[str, CheckedFile]:
    """The files of overlays, each finding in the first that has it."""
    found: dict[_Key, list[str]] = defaultdict(list)
    keys: dict[str, list[_Key]] = {}
    for path, file in files.items():
        keys[path] = [*_keys(file)]
        for key in keys[path]:
            found[key].append(path)
    users: dict[str, set[str]] = defaultdict(set)
    for overlay in overlays:
        for name in overlay.texts:
            users[name].add(overlay.path)
    titles = {overlay.path: overlay.title for overlay in overlays}
    once = {
        path: replace(file, documents=tuple(_first_only(file, iter(keys[path]), found, users, titles)))
        for path, file in files.items()
    }
    return _without_needed(once, users)


def _without_needed(
    files: Mapping[str, CheckedFile], users: Mapping[str, set[str]]
) -> dict[str, CheckedFile]:
    """The files of overlays without what is said of comments that have nothing to accept in some of them only."""
    saying: dict[tuple[str, object, str], set[str]] = defaultdict(set)
    for path, file in files.items():
        for location, problem in file.problems():
            saying[location.file, location.span, problem.message].add(path)

    def is_said(placed: PlacedDocument, problem: Problem) -> bool:
        location = placed.locate(problem.span)
        said = saying[location.file, location.span, problem.message]
        return problem.code != SUPPRESSION or users[location.file] <= said

    return {
        path: replace(
            file,
            documents=tuple(
                replace(
                    placed,
                    checked=replace(
                        placed.checked,
                        problems=tuple(one for one in placed.checked.problems if is_said(placed, one)),
                    ),
                )
                for placed in file.documents
            ),
        )
        for path, file in files.items()
    }


def _keys(file: CheckedFile) -> Iterator[_Key]:
    """What makes each finding of a file the same in another overlay, in the order of documents and resources."""
    seen: Counter[_Key] = Counter()
    for placed in file.documents:
        for verdicts in placed.checked.verdicts:
            for finding in verdicts.findings:
                location = placed.locate(finding.span)
                known = () if not location.reason else (finding.resource,)
                key = (
                    finding.control, location.file, location.span, finding.resource.kind, finding.stable_path,
                    finding.status, *known,
                )  # fmt: skip
                seen[key] += 1  # a base that is built twice in one overlay
                yield *key, seen[key]


def _first_only(
    file: CheckedFile,
    keys: Iterator[_Key],
    found: Mapping[_Key, list[str]],
    users: Mapping[str, set[str]],
    titles: Mapping[str, str],
) -> Iterator[PlacedDocument]:
    for placed in file.documents:
        names: dict[object, tuple[str, ...]] = {}
        failing: dict[Path, frozenset[str]] = {}
        verdicts = []
        for one in placed.checked.verdicts:
            kept: list[Finding] = []
            for finding in one.findings:
                overlays = found[next(keys)]
                if overlays[0] == file.path:
                    others = users[placed.locate(finding.span).file] - {*overlays}
                    called = [titles[one] for one in overlays]
                    kept.append(_told(finding, called) if others else finding)
                    names[FoundWith().key(finding)] = tuple(called)
                elif finding.status != "accepted":
                    root = one.resource.root
                    failing[root] = failing.get(root, frozenset()) | {finding.control}
            verdicts.append(replace(one, findings=tuple(kept)))
        source = placed.source
        if isinstance(source, Overlaid):
            source = replace(source, found_with=FoundWith(names), failing=failing)
        yield replace(placed, checked=replace(placed.checked, verdicts=tuple(verdicts)), source=source)


def _told(finding: Finding, overlays: Sequence[str]) -> Finding:
    """A finding in what others build on, too, that does not stand in all that these build: it says in which."""
    return replace(finding, message=f"{finding.message} (built by {few(overlays)})")
