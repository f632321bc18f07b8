"""What is answered about controls and policies that are open. Few people write them: what it takes is imported then.

Every function here is run in the thread of answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lsprotocol import types

    from kscan_lsp.lsp.session.snapshot import ControlSnapshot, DocumentSnapshot, OpenManifest


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
