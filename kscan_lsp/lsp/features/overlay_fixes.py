"""Quick fixes of findings in overlays: edits of patches and bases, proven by building before they are offered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from kscan_lsp.fixes.fix_all import is_open
from kscan_lsp.fixes.overlays import SourceEdits, are_as_wanted, are_gone, overlay_fixes
from kscan_lsp.lsp.features.chart_fixes import MAX_FINDINGS, action_of, edit_of, touched
from kscan_lsp.lsp.session.overlay_builds import built_with, text_of
from kscan_lsp.workspace.overlays import judge_overlays

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lsprotocol import types

    from kscan_lsp.fixes.overlays import OverlayFix
    from kscan_lsp.lsp.session.overlay_builds import OverlaysRequest
    from kscan_lsp.lsp.session.snapshot import DocumentSnapshot, OpenText


class OverlaysToFix(Struct, frozen=True):
    """The overlays of a folder as they are built with the texts that are open now."""

    request: OverlaysRequest
    opened: Mapping[str, OpenText]
    """What the editor has open, by key."""


def overlay_fix_actions(
    snapshot: DocumentSnapshot, overlays: OverlaysToFix, at: types.Range, stopped: Callable[[], bool]
) -> list[types.CodeAction]:
    """The fixes of what is shown on the lines of a range of a file of overlays, those under the cursor first."""
    request = overlays.request
    built = request.judged.overlays if request.judged else ()
    wanted = {id(mark.finding): mark for mark in touched(snapshot, at)[:MAX_FINDINGS]}
    if not wanted:
        return []
    found = [
        fix
        for one in built
        if (file := request.project.files.get(one.path))
        for fix in overlay_fixes(file, request.project, lambda one: id(one) in wanted and is_open(one))
    ]
    order = [*wanted]
    actions: list[types.CodeAction] = []
    for fix in sorted(found, key=lambda one: order.index(id(one.finding))):
        if stopped():
            break
        texts = _made(request, fix, stopped)
        if texts is None:
            continue
        names = ", ".join(sorted(key.rpartition("/")[2] for key in texts))
        title = f"{fix.draft.title} in {names}{'' if fix.draft.safe else ' (review)'}"
        edit = edit_of(snapshot, overlays.opened, texts)
        actions.append(action_of(snapshot, wanted[id(fix.finding)], title, edit, preferred=True))
    return actions


def _made(
    request: OverlaysRequest, fix: OverlayFix, stopped: Callable[[], bool]
) -> dict[str, tuple[str, str]] | None:
    """The files that a fix changes, by key as they were and as they are then; None where it does not hold."""
    judged, edited = request.judged, SourceEdits(lambda _: True)
    if judged is None or not edited.make(fix.places, fix.draft.changes):
        return None
    written, files = request.written, request.files()
    texts = edited.texts(written)
    if any(text_of(files.read(path)) != written[path] for path in texts):
        return None  # it does not build as it is now
    found = built_with(request, texts, stopped)
    now = [*found.overlays.values()]
    if found.not_scanned != request.found.not_scanned or [one.path for one in now] != [
        one.path for one in judged.overlays
    ]:
        return None
    if not are_as_wanted([*zip(judged.overlays, now, strict=True)], [fix]):
        return None
    after = request.project.with_apart(judge_overlays(request.project, now, judged).files)
    if not are_gone([fix], request.project.files.values(), after.files.values()):
        return None
    return {request.names.file(path): (written[path], text) for path, text in texts.items()}
