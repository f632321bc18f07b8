"""The overlays of a folder that the editor has files of open: what they build, and what is to be built next.

They are built from files on disk with the texts of open documents in place of theirs, all of a folder together: what
several take from one line of a base is one finding. As with charts (`charts.py`) that happens in a thread of its own on
a frozen request, and what comes of it becomes part of the project as a step of the work on the folder. What they are
judged with changes more often than what they build: then they are judged again, and nothing is built.

Left out on purpose: when that is done (`lsp/server/overlays.py`), and what is shown of it (`lsp/rendered.py`).
"""

from __future__ import annotations

from operator import is_
from typing import TYPE_CHECKING

from msgspec import Struct, field

from kscan_lsp.files.partials import KUSTOMIZATION_NAMES
from kscan_lsp.lsp.rendered import ChartView, faults_of, marks_of, moved, moved_related, uri_of
from kscan_lsp.lsp.session.overlay_builds import NOTHING_BUILT, OverlaysRequest, TakeOverlays
from kscan_lsp.lsp.session.renderings import STALE, RenderingToShow, folder_of, of_overlays
from kscan_lsp.render.kustomize.files import RememberedFiles
from kscan_lsp.text import LineIndex, Span

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Mapping
    from pathlib import Path

    from kscan_lsp.lsp.rendered import ChartMark
    from kscan_lsp.lsp.session.overlay_builds import OverlaysResult
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile


class OpenOverlays(Struct):
    """The overlays of a folder, and what is known of them."""

    root: Path
    """The folder whose settings hold for them."""
    top: Path
    revision: int = 0
    """Counts what may have changed what they build."""
    done: int = -1
    """The revision that was built last, whether that worked or not."""
    folders: frozenset[str] | None = None
    disk: RememberedFiles = field(default_factory=RememberedFiles)
    configuration: Configuration | None = None
    """What held when they were built."""
    everything: bool = False
    project: Project | None = None
    """What they were judged in last."""
    result: OverlaysResult | None = None
    """What came of that."""
    waiting: OverlaysResult | None = None
    """The same, until it is part of the project."""
    accepted: OverlaysResult | None = None
    """What became part of the project last."""
    texts: Mapping[str, str] = {}
    """What that was built from, by the keys of the files."""
    fault_marks: Mapping[str, tuple[ChartMark, ...]] = {}
    marks: Mapping[str, tuple[ChartMark, ...]] = {}
    """What is shown of them, by the keys of the files."""
    unpublished: bool = False
    published: set[str] = set()
    """The keys of their files without a buffer that have diagnostics shown."""
    seen: tuple[CheckedFile, ...] = ()
    """What they build as it was in the project when what is shown was put together."""

    def outdate(self, *, files: bool, folders: bool = False) -> None:
        """Something happened to them: to a text in the editor, to `files` on disk, or to which `folders` there are."""
        self.revision += 1
        if files or folders:
            self.disk = RememberedFiles()
        if folders:
            self.folders = None

    def is_outdated(self, configuration: Configuration, project: Project, *, everything: bool) -> bool:
        """Whether they are to be built or judged again, by what holds now."""
        before = self.project
        return (
            self.done != self.revision
            or self.configuration is not configuration
            or self.everything != everything
            or before is None
            or (
                self.result is not None
                and bool(self.result.judged.overlays)
                and not (
                    before.index is project.index
                    and before.evaluator is project.evaluator
                    and before.whole == project.whole
                )
            )
        )

    def request(
        self,
        program: str,
        texts: Collection[tuple[Path, str, Path | None]],
        configuration: Configuration,
        project: Project,
        *,
        everything: bool,
    ) -> OverlaysRequest:
        """What is needed to build them as they are now; `texts` has each open document's path, text and folder."""
        same = self.configuration is configuration
        return OverlaysRequest(
            root=self.root,
            top=self.top,
            revision=self.revision,
            program=program,
            folders=self.folders if same else None,
            disk=self.disk,
            buffers={str(path): text for path, text, _ in texts if path.is_relative_to(self.top)},
            own=frozenset(
                str(path.parent)
                for path, _, root in texts
                if root == self.root and path.name in KUSTOMIZATION_NAMES
            ),
            everything=everything,
            found=self.result.found if self.result else NOTHING_BUILT,
            build=not same or self.done != self.revision or self.everything != everything,
            judged=self.result.judged if self.result else None,
            configuration=configuration,
            project=project,
        )

    def is_settled(self) -> bool:
        """Whether what was built last is part of the project."""
        taken, last = self.accepted, self.result
        return taken is last or (
            taken is not None
            and last is not None
            and taken.found is last.found
            and taken.judged.files is last.judged.files
        )

    def keep(self, request: OverlaysRequest, result: OverlaysResult) -> None:
        """Keep what was built, until it is taken into the project."""
        before, self.result = self.result, result
        self.done, self.configuration = request.revision, request.configuration
        self.project, self.everything, self.folders = request.project, request.everything, result.folders
        if (
            before is None
            or result.found is not before.found
            or result.judged.files is not before.judged.files
            or self.waiting is not None
        ):
            self.waiting = result

    def step(self, configuration: Configuration, project: Project) -> TakeOverlays | None:
        """Take what was built, to have it become part of the project; None where there is nothing."""
        if self.waiting is None or self.configuration is not configuration:
            return None
        result, self.waiting = self.waiting, None
        return TakeOverlays(str(self.root), self.root, configuration, project, result)

    def accept(self, result: OverlaysResult) -> None:
        """It is part of the project now; what does not build is what it was."""
        self.accepted, self.unpublished, self.seen = result, True, ()
        self.texts = _texts(result)
        self.fault_marks = faults_of(result.found.not_scanned, result.fault_texts)

    def look(self, project: Project, _: frozenset[str]) -> bool:
        """See what is to be shown of it as the project is now; whether that may be different."""
        overlays = self.accepted.judged.overlays if self.accepted else ()
        files = tuple([project.files[one.path] for one in overlays if one.path in project.files])
        if len(files) != len(overlays):
            return False  # what was shown stays until it is judged under other settings
        if len(files) == len(self.seen) and all(map(is_, files, self.seen)):
            return False
        self.seen = files
        found: dict[str, dict[object, ChartMark]] = {}
        for overlay, file in zip(overlays, files, strict=True):
            for key, there in marks_of([file]).items():
                now = moved_related(there, overlay.texts, self.texts)
                for mark in moved(now, overlay.texts.get(key, ""), self.texts.get(key, "")):
                    control = mark.finding.control if mark.finding else ""
                    found.setdefault(key, {}).setdefault((mark.span, control, mark.message), mark)
        self.marks = {
            key: tuple(sorted(there.values(), key=lambda mark: mark.span)) for key, there in found.items()
        }
        return True

    def has(self, key: str) -> bool:
        """Whether anything of them may be shown in a file."""
        return key in self.texts or key in self.fault_marks

    def to_show(self, folder: Path) -> RenderingToShow | None:
        """What the overlay in a folder built last; None where there is none."""
        judged = self.accepted.judged if self.accepted else None
        build = next((one for one in judged.overlays if folder_of(one) == folder), None) if judged else None
        if judged is None or build is None:
            return None
        project = judged.alone[build.path]
        stale = any(key == build.path or key in build.texts for key in self.fault_marks)
        overlay = (build, project.files[build.path])
        return RenderingToShow(project, STALE if stale else "", build.texts, overlay=overlay)

    def text_of(self, uri: str) -> str:
        """What was built last of one of their files; empty where nothing was."""
        known = {**(self.accepted.fault_texts if self.accepted else {}), **self.texts}
        return next((text for key, text in known.items() if uri_of(key) == uri), "")

    def view(self, key: str, text: str, looked_at: Container[str] = ()) -> ChartView | None:
        """What is shown in a file with this text; None where it is of no overlay that was built.

        Args:
            key: the file.
            text: its text.
            looked_at: the files that are open. What is at fault in others is said in the files of an overlay, too.
        """
        if not self.has(key) or self.accepted is None:
            return None
        marks = moved(self.marks.get(key, ()), self.texts.get(key, text), text)
        faults = moved(self.fault_marks.get(key, ()), self.accepted.fault_texts.get(key, text), text)
        first = Span(0, LineIndex(text).content_end(0))
        for at, mark in self.accepted.concerned.get(key, ()) if looked_at else ():
            if at not in looked_at:
                faults += (mark._replace(span=first),)
        alone = self.accepted.judged.alone.get(key)
        return ChartView(
            (*faults, *marks),
            self.texts,
            built=True,
            renderings=of_overlays(self.accepted.judged.overlays, key),
            whole=(alone.files[key],) if alone else (),
            faulty=bool(faults),
        )


def _texts(result: OverlaysResult) -> dict[str, str]:
    """What overlays were built from, by the keys of the files: newer texts in place of those that do not build."""
    stale = {
        one.build.path
        for folder, one in result.found.known.items()
        if one.build is not None and (one.overlay is not one.tried or folder in result.found.unread)
    }
    found: dict[str, str] = {}
    for overlay in sorted(result.judged.overlays, key=lambda one: one.path not in stale):
        found |= overlay.texts
    return found
