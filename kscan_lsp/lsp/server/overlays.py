"""When overlays are built: as soon as one of their files changes, in a thread that nothing else waits for.

Where the next edit comes first, what is under way is ended and nothing is kept of it. Which program builds them is for
the user's editor to say, or the environment, or PATH outside of the workspace: never for settings of a workspace.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Unpack

from kscan_lsp.files.discover import SUFFIXES
from kscan_lsp.files.partials import KUSTOMIZATION_NAMES
from kscan_lsp.lsp.features.overlay_fixes import OverlaysToFix
from kscan_lsp.lsp.server.renderer import Renderer
from kscan_lsp.lsp.session.overlay_builds import build_open_overlays
from kscan_lsp.lsp.session.overlays import OpenOverlays
from kscan_lsp.render.kustomize.maker import PROGRAM, kustomize
from kscan_lsp.render.makers import RenderError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kscan_lsp.lsp.server.renderer import RendererParts
    from kscan_lsp.lsp.session.document import OpenDocument
    from kscan_lsp.lsp.session.overlay_builds import OverlaysRequest
    from kscan_lsp.lsp.session.workspace import Workspace

logger: Final = logging.getLogger(__name__)

OPTION: Final = f"the initialization option 'kustomize', or {PROGRAM},"
"""Where the user names a program."""


class OverlayBuilder(Renderer):
    """Has overlays built that the editor has files of open."""

    def __init__(self, **parts: Unpack[RendererParts]) -> None:
        super().__init__(**parts)
        self._building: set[Path] = set()
        self._program: str | None = None
        """What builds overlays; empty where nothing does, None until somebody asks."""
        self._closed = False

    def document_changed(
        self, document: OpenDocument, work_on: Callable[[Path | None], None], *, closed: bool = False
    ) -> None:
        """Have the overlays built that a document is a file of; `work_on` takes in what comes of that."""
        path, root = document.path, document.root
        if path is None or root is None:
            return
        overlays = self._session.charts.overlays.get(root)
        named = path.name in KUSTOMIZATION_NAMES
        if overlays is None:
            if (named or path.suffix in SUFFIXES) and (overlays := self._known(root)) is not None:
                self._start(overlays, work_on)
            return
        read = overlays.result.files if overlays.result else frozenset[str]()
        if named or overlays.result is None or document.key in read:
            on_disk = closed or document.checked_revision < 0
            overlays.outdate(files=on_disk, folders=named and on_disk)
            self._start(overlays, work_on)

    def files_changed(self, path: Path, work_on: Callable[[Path | None], None]) -> None:
        """A file changed on disk."""
        for overlays in self._session.charts.overlays.values():
            named = path.name in KUSTOMIZATION_NAMES and path.is_relative_to(overlays.top)
            result = overlays.result
            # what is missing may have come
            if named or (result and (path.as_uri() in result.files or result.found.not_scanned)):
                overlays.outdate(files=True, folders=named)
                self._start(overlays, work_on)

    def look_again(self, root: Path | None, work_on: Callable[[Path | None], None]) -> None:
        """Have the overlays of a folder judged again where other things hold now, or stand around them."""
        overlays, workspace = self._session.charts.overlays.get(root), self._session.workspaces.get(root)
        if workspace is None or root is None:
            return
        if overlays is None and self._everything(workspace):
            overlays = self._known(root)
        if overlays is not None and self._is_outdated(overlays, workspace):
            self._start(overlays, work_on)

    def is_settled(self) -> bool:
        """Whether all is built and shown that is to be."""
        known = self._session.charts.overlays.values()
        return not self._building and all(one.is_settled() for one in known)

    async def to_fix(self, document: OpenDocument) -> OverlaysToFix | None:
        """The overlays of a document as they are built with all that is open; None where there are none."""
        session = self._session
        overlays = session.charts.overlays.get(document.root)
        if overlays is None or not overlays.has(document.key):
            return None
        while overlays.root in self._building or not overlays.is_settled():
            await self._changed.wait()
        workspace = session.workspaces.get(overlays.root)
        if workspace is None or self._is_outdated(overlays, workspace):
            return None
        return OverlaysToFix(self._request(overlays, workspace), self._opened())

    def close(self) -> None:
        """End what is being built."""
        self._closed = True

    def _known(self, root: Path) -> OpenOverlays | None:
        """The overlays of a folder, from now on; None where nothing builds them, or a single file is all there is."""
        session = self._session
        if not (root in session.folders or root in session.nested) or not self._finds_program():
            return None
        made = session.charts.overlays[root] = OpenOverlays(root, session.top_of(root) or root)
        return made

    def _finds_program(self) -> bool:
        if self._program is None:
            named = (self._session.capabilities.kustomize, OPTION)
            try:
                maker = kustomize(map(str, self._session.folders), named)
            except RenderError as error:
                self._program = ""
                self._warn(f"kscan: overlays are not built: {error}")
            else:
                self._program = maker.path if maker else ""
        return bool(self._program)

    def _everything(self, workspace: Workspace) -> bool:
        return self._session.judging or self._session.shows_all(workspace)

    def _is_outdated(self, overlays: OpenOverlays, workspace: Workspace) -> bool:
        return overlays.is_outdated(
            workspace.configuration, workspace.project, everything=self._everything(workspace)
        )

    def _request(self, overlays: OpenOverlays, workspace: Workspace) -> OverlaysRequest:
        return overlays.request(
            self._program or "",
            [(d.path, d.index.text, d.root) for d in self._session.documents.values() if d.path],
            workspace.configuration,
            workspace.project,
            everything=self._everything(workspace),
        )

    def _start(self, overlays: OpenOverlays, work_on: Callable[[Path | None], None]) -> None:
        if overlays.root not in self._building:
            self._building.add(overlays.root)
            self._background.start(self._work(overlays, work_on))

    async def _work(self, overlays: OpenOverlays, work_on: Callable[[Path | None], None]) -> None:
        session, root = self._session, overlays.root
        try:
            while session.is_used(root) and not self._closed:
                await self._settings.configuration(root)
                workspace = session.workspaces.get(root)
                if workspace is None or not self._is_outdated(overlays, workspace):
                    break
                request = self._request(overlays, workspace)

                def overtaken(revision: int = request.revision) -> bool:
                    return self._closed or overlays.revision != revision

                result = await self._executors.run_overlays(build_open_overlays, request, overtaken)
                if result is not None and not overtaken():
                    overlays.keep(request, result)
                    if any(
                        document.key in result.files
                        and document.path
                        and request.buffers.get(str(document.path)) != document.index.text
                        for document in session.documents.values()
                    ):  # nobody knew when it was edited that it is one of their files
                        overlays.outdate(files=False)
                    if overlays.waiting is not None:
                        work_on(root)
        except Exception:  # a defect of ours must not take everything else down with it
            logger.exception("the overlays in %s could not be built", root)
            overlays.done = overlays.revision
        finally:
            self._building.discard(root)
            self._changed.notify()
