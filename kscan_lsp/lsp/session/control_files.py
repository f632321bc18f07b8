"""The files of policies among the open documents, and the manifests that are open beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.lsp.session.snapshot import ControlSnapshot, NamingSnapshot, OpenManifest
from kscan_lsp.settings.model import FILE_NAMES
from kscan_lsp.workspace.places import is_exceptions_file
from kscan_lsp.workspace.policies import PACK_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.lsp.session.document import OpenDocument
    from kscan_lsp.lsp.session.session import Session
    from kscan_lsp.workspace.configuration import Configuration


def control_snapshot(
    session: Session, document: OpenDocument, configuration: Configuration
) -> ControlSnapshot | None:
    """What an answer about a file of a control, a framework or a pack is made from; None for any other document."""
    path = document.path
    if path is None or path.name in FILE_NAMES or is_exceptions_file(path):
        return None
    # the pack that files of controls lie in counts for them, whether anybody extends it or not
    if path not in configuration.files and path.name != PACK_NAME:
        return None
    # what is said of a control is found out by running it and its tests, which waits for trust as it does
    if not configuration.trusted and str(path) not in {
        source.name for source in configuration.ruleset.policies.sources.values()
    }:
        return None
    return ControlSnapshot(
        document.uri,
        path,
        document.index,
        configuration,
        session.capabilities,
        session.settings_sources(),
        tuple(manifests(session)),
        tuple(session.folders),
    )


def naming_snapshot(session: Session, uri: str) -> NamingSnapshot | None:
    """What an answer about names in a document is made from; None where it is not open."""
    document = session.documents.get(uri)
    if document is None:
        return None
    policies = session.is_configuration_file(document.path)
    known = () if policies else ((one.offset, one.checked.document) for one in document.checked.documents)
    workspaces = session.workspaces.values()
    return NamingSnapshot(
        uri,
        document.path,
        document.index,
        tuple(known) if document.checked.text == document.index.text else (),
        tuple(workspace.configuration for workspace in workspaces),
        tuple(workspace.project for workspace in workspaces),
        session.settings_sources(),
        {one.key: one.uri for one in session.documents.values()},
        tuple(session.folders),
        session.capabilities,
    )


def manifests(session: Session) -> Iterator[OpenManifest]:
    """The manifests that are open and have been judged, the one edited last first."""
    for one in sorted(session.documents.values(), key=lambda document: -document.revision):
        workspace = session.workspaces.get(one.root)
        if (
            workspace is not None
            and one.checked_revision >= 0
            and not session.is_configuration_file(one.path)
        ):
            yield OpenManifest(one.uri, one.key, one.path.name if one.path else one.uri, workspace.project)


def has_control(session: Session) -> bool:
    """Whether a file of a control may be open, whose lenses rest on other documents."""
    return any(
        one.path is not None and one.path.name not in FILE_NAMES and session.is_configuration_file(one.path)
        for one in session.documents.values()
    )
