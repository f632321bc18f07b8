"""The settings of folders, read again whenever anything that they depend on has changed.

What was judged by old settings stays shown until the new ones are there.
"""

from __future__ import annotations

import asyncio
import gc
from functools import partial
from typing import TYPE_CHECKING, Any

from kscan_lsp.policy.memo import PolicyMemo
from kscan_lsp.workspace.budgets import set_aside
from kscan_lsp.workspace.configuration import Configuration, configure
from kscan_lsp.workspace.images import evidence_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from kscan_lsp.evidence.images import ImageReport
    from kscan_lsp.lsp.server.publisher import Publisher
    from kscan_lsp.lsp.server.tasks import Executors
    from kscan_lsp.lsp.session.session import Session
    from kscan_lsp.workspace.budgets import Key, SetAside


class SettingsReader:
    """Reads what holds in each folder, once for all who wait for it."""

    def __init__(
        self, session: Session, executors: Executors, publisher: Publisher, warn: Callable[[str], None]
    ) -> None:
        self._session = session
        self._executors = executors
        self._publisher = publisher
        self._warn = warn
        self.reading: dict[Path | None, asyncio.Task[Configuration]] = {}
        self._policies = PolicyMemo()
        """What came of policy files before: a key typed in one of them leaves the others alone."""

    async def configuration(self, root: Path | None) -> Configuration:
        """What holds in a folder; it is read where that is not known."""
        known = self._session.configuration(root)
        if known is not None:
            return known
        if root not in self.reading:
            self.reading[root] = asyncio.create_task(self._read(root))
        return await asyncio.shield(self.reading[root])

    async def _read(self, root: Path | None) -> Configuration:
        session = self._session
        try:
            while True:
                revision, scanned = session.settings_revision, session.scanned
                known = dict(session.set_aside)
                configuration, warnings = await self._executors.run_check(
                    partial(
                        _configure,
                        memo=self._policies,
                        today=session.day,
                        scanned=scanned,
                        trusted=session.trusted,
                        known=known,
                    ),
                    root,
                    session.section,
                    session.settings_sources().texts,
                )
                if revision == session.settings_revision and scanned is session.scanned:
                    break  # else they changed while they were read
        finally:
            del self.reading[root]
        if not session.is_used(root):  # its last document was closed while they were read
            return configuration
        # not again at every keystroke in a settings file
        given = frozenset[str]().union(*(workspace.warnings for workspace in session.workspaces.values()))
        session.configure(root, configuration).warnings = frozenset(warnings)
        if not gc.get_freeze_count():
            # what the program starts with stays: looking through it takes 30 to 70 ms now and then
            gc.freeze()
        self._publisher.publish_settings_problems()
        for warning in set(warnings) - given:
            self._warn(f"kscan settings: {warning}")
        return configuration


def _configure(
    root: Path | None,
    section: Any,
    buffers: dict[Path, str],
    *,
    memo: PolicyMemo,
    today: date,
    scanned: tuple[ImageReport, ...] | None,
    trusted: bool,
    known: dict[Key, SetAside],
) -> tuple[Configuration, tuple[str, ...]]:
    configuration, wrong = configure(
        root, section=section, buffers=buffers, memo=memo, today=today, trusted=trusted
    )
    if scanned is not None:
        from kscan_lsp.workspace.image_scans import with_scanned

        configuration = with_scanned(configuration, scanned)
    configuration = set_aside(configuration, known)
    evidence_of(configuration.images, today)  # it is remembered: making it can take long
    return configuration, wrong
