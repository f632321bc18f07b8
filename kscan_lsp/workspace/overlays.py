"""What overlays build, judged as part of a project: a file for each kustomization, places in bases and patches.

An overlay is judged with the manifests around it and without the other overlays: a policy that is there for one cluster
says nothing about another. The manifests see the objects of all. A finding that several overlays take from the same
line of a base is one finding, of the first of them, and the others are told with it; each object still counts as often
as it is built.

The files that it is built from are there with their texts and without documents: they are never judged alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from kscan_lsp.findings import SUPPRESSION
from kscan_lsp.render.kustomize.comments import with_comments
from kscan_lsp.render.kustomize.places import Overlaid
from kscan_lsp.render.source_map import FoundWith
from kscan_lsp.text import LineIndex
from kscan_lsp.workspace.project import Project
from kscan_lsp.workspace.results import CheckedFile, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from kscan_lsp.findings import Finding, Problem
    from kscan_lsp.paths import Path
    from kscan_lsp.render.kustomize.building import Built
    from kscan_lsp.workspace.results import PlacedDocument


MAX_NAMED: Final = 3
"""Overlays that a message names; a report has them all."""


class OverlayBuild(NamedTuple):
    """What one overlay builds: the name of its kustomization, and the texts of all that it is built from."""

    path: str
    built: Built
    texts: Mapping[str, str]
    """By the names of the files."""
    name: Callable[[str], str]
    """What a file is called, by its path."""


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
        documents.append(replace(placed, source=source))
    return CheckedFile(overlay.path, text, json=False, documents=tuple(documents))


def with_overlays(project: Project, overlays: Sequence[OverlayBuild]) -> Project:
    """A project with what overlays build.

    Args:
        project: has the manifests that are judged as they stand.
        overlays: in the order in which they are to be named.
    """
    if not overlays:
        return project
    around = Project(project.evaluator, index=project.index, exceptions=project.exceptions)
    alone: dict[str, CheckedFile] = {}
    for overlay in overlays:
        other = around.with_read([read_built(around, overlay)])
        alone[overlay.path] = other.files[overlay.path]
    together = project.with_read(alone.values())
    files = {**together.files, **_shared(alone, overlays)}
    for overlay in overlays:
        for name, text in overlay.texts.items():
            files.setdefault(name, CheckedFile(name, text, json=False))
    return replace(together, files=dict(sorted(files.items())))


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
    once = {
        path: replace(file, documents=tuple(_first_only(path, file, iter(keys[path]), found, users)))
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
    path: str,
    file: CheckedFile,
    keys: Iterator[_Key],
    found: Mapping[_Key, list[str]],
    users: Mapping[str, set[str]],
) -> Iterator[PlacedDocument]:
    for placed in file.documents:
        names: dict[object, tuple[str, ...]] = {}
        failing: dict[Path, frozenset[str]] = {}
        verdicts = []
        for one in placed.checked.verdicts:
            kept: list[Finding] = []
            for finding in one.findings:
                overlays = found[next(keys)]
                if overlays[0] == path:
                    others = users[placed.locate(finding.span).file] - {*overlays}
                    kept.append(_told(finding, overlays) if others else finding)
                    names[FoundWith().key(finding)] = tuple(overlays)
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
    more = f" and {len(overlays) - MAX_NAMED} more" if len(overlays) > MAX_NAMED else ""
    return replace(finding, message=f"{finding.message} (built by {', '.join(overlays[:MAX_NAMED])}{more})")
