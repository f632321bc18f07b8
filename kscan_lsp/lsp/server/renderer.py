"""What the renderer of charts and the builder of overlays have in common: what they work with."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, Unpack

from kscan_lsp.lsp.session.snapshot import OpenText

if TYPE_CHECKING:
    from collections.abc import Callable

    from kscan_lsp.lsp.server.settings_reader import SettingsReader
    from kscan_lsp.lsp.server.tasks import BackgroundTasks, Executors, Signal
    from kscan_lsp.lsp.session.session import Session


class RendererParts(TypedDict):
    """What a renderer is made of."""

    session: Session
    settings: SettingsReader
    executors: Executors
    background: BackgroundTasks
    warn: Callable[[str], None]
    """Shows the user a warning."""
    changed: Signal


class Renderer:
    """Has something rendered that the editor has files of open, in a thread that nothing else waits for."""

    def __init__(self, **parts: Unpack[RendererParts]) -> None:
        self._session = parts["session"]
        self._settings = parts["settings"]
        self._executors = parts["executors"]
        self._background = parts["background"]
        self._warn = parts["warn"]
        self._changed = parts["changed"]

    def _opened(self) -> dict[str, OpenText]:
        """What the editor has open, by key."""
        return {d.key: OpenText(d.uri, d.version, d.index.text) for d in self._session.documents.values()}
