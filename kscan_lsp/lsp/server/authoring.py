"""What is answered about controls and policies that are open. Few people write them: what it takes is imported then.

Every function here is run in the thread of answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lsprotocol import types

    from kscan_lsp.lsp.session.snapshot import (
        ControlSnapshot,
        DocumentSnapshot,
        NamingSnapshot,
        OpenManifest,
    )


def hovered(snapshot: ControlSnapshot, position: types.Position) -> types.Hover | None:
    """What is said of an expression."""
    from kscan_lsp.lsp.features.control_hover import control_hover

    return control_hover(snapshot, position)


def hovered_in_policy(
    snapshot: DocumentSnapshot, manifests: Sequence[OpenManifest], position: types.Position
) -> types.Hover | None:
    """What is said of an expression of an admission policy."""
    from kscan_lsp.lsp.features.policy_hover import policy_hover

    return policy_hover(snapshot, manifests, position)


def completed(snapshot: ControlSnapshot, position: types.Position) -> list[types.CompletionItem]:
    """What may be written in an expression."""
    from kscan_lsp.lsp.features.control_completion import control_completion

    return control_completion(snapshot, position)


def actions(snapshot: ControlSnapshot, params: types.CodeActionParams) -> list[types.CodeAction]:
    """What can be done about a control."""
    from kscan_lsp.lsp.features.control_actions import control_actions

    return control_actions(snapshot, params)


def lenses(snapshot: ControlSnapshot) -> list[types.CodeLens]:
    """What became of its tests, and what its checks give for what is open."""
    from kscan_lsp.lsp.features.control_lens import control_lenses

    return control_lenses(snapshot)


def defined(snapshot: NamingSnapshot, position: types.Position) -> list[types.Location]:
    """Where a control, a framework or an input is declared."""
    from kscan_lsp.lsp.features.naming import definitions

    return definitions(snapshot, position)


def referred(
    snapshot: NamingSnapshot, position: types.Position, stopped: Callable[[], bool], *, declaration: bool
) -> list[types.Location]:
    """Who names a control, a framework or an input."""
    from kscan_lsp.lsp.features.naming import references

    return references(snapshot, position, stopped, declaration=declaration)


def renaming(
    snapshot: NamingSnapshot, position: types.Position, name: str | None
) -> types.PrepareRenamePlaceholder | types.WorkspaceEdit | str | None:
    """What renames a name, or, without a new one, what is renamed; a text says why it cannot be."""
    from kscan_lsp.lsp.features.renaming import RefusedRenameError, prepared, renamed

    try:
        return prepared(snapshot, position) if name is None else renamed(snapshot, position, name)
    except RefusedRenameError as error:
        return str(error)
