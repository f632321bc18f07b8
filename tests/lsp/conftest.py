"""A language client on the real server, over real standard input and output."""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest_lsp
from lsprotocol import types
from pygls.protocol import default_converter
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, register_lsp_features
from support.servers import WITHOUT_HELM

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PATIENCE = 20  # seconds until a message that does not come is a failure


NAVIGATION: dict[str, Any] = {
    "document_symbol": types.DocumentSymbolClientCapabilities(hierarchical_document_symbol_support=True),
    "folding_range": types.FoldingRangeClientCapabilities(line_folding_only=True),
    "selection_range": types.SelectionRangeClientCapabilities(),
    "inlay_hint": types.InlayHintClientCapabilities(),
    "definition": types.DefinitionClientCapabilities(),
    "references": types.ReferenceClientCapabilities(),
    "rename": types.RenameClientCapabilities(prepare_support=True),
    "call_hierarchy": types.CallHierarchyClientCapabilities(),
}


class Editor(pytest_lsp.LanguageClient):
    """pytest-lsp's client; it remembers all that was published, and sends what an editor sends."""

    def __init__(self) -> None:
        super().__init__(converter_factory=default_converter)
        self.published: defaultdict[str, list[types.PublishDiagnosticsParams]] = defaultdict(list)
        self.news = asyncio.Event()
        ours = {
            types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS: receive,
            types.PROGRESS: watch,
            types.WINDOW_SHOW_MESSAGE: hear,
            types.WORKSPACE_DIAGNOSTIC_REFRESH: asked_again,
            types.WORKSPACE_CODE_LENS_REFRESH: asked_again,
            types.WORKSPACE_TEXT_DOCUMENT_CONTENT_REFRESH: content_changed,
        }
        register_lsp_features(self, {**DEFAULT_CLIENT_FEATURES, **ours})
        self.refreshed = 0
        self.contents_refreshed: list[str] = []
        self.progress: list[tuple[types.ProgressToken, str]] = []

    async def shutdown_session(self) -> None:
        """End the session; a server that no test has started one with, as one that skips, is told to leave."""
        if self.capabilities is None and self.error is None:
            self.exit(None)
        else:
            await super().shutdown_session()

    async def start(
        self,
        root: Path | None = None,
        encodings: Sequence[str] | None = None,
        settings: Any = None,
        options: Any = None,
        *,
        navigation: bool = True,
        renderings: bool = False,
    ) -> types.ServerCapabilities:
        """Do the handshake; without a root the client has no folder, without encodings it names none.

        A client with `navigation` asks for symbols, folds, hints, definitions and what else leads around, and one with
        `renderings` for texts that are in no file.
        """
        if settings is not None:
            self.set_configuration(settings, section="kscan")
        folders = [types.WorkspaceFolder(uri=root.as_uri(), name=root.name)] if root else None
        general = types.GeneralClientCapabilities(position_encodings=encodings) if encodings else None
        capabilities = types.ClientCapabilities(
            general=general,
            window=types.WindowClientCapabilities(
                work_done_progress=True,
                show_document=types.ShowDocumentClientCapabilities(support=renderings),
            ),
            workspace=types.WorkspaceClientCapabilities(
                configuration=settings is not None,
                workspace_folders=root is not None,
                apply_edit=True,
                diagnostics=types.DiagnosticWorkspaceClientCapabilities(refresh_support=True),
                code_lens=types.CodeLensWorkspaceClientCapabilities(refresh_support=True),
                workspace_edit=types.WorkspaceEditClientCapabilities(document_changes=True),
                symbol=types.WorkspaceSymbolClientCapabilities() if navigation else None,
                text_document_content=types.TextDocumentContentClientCapabilities() if renderings else None,
            ),
            text_document=types.TextDocumentClientCapabilities(
                diagnostic=types.DiagnosticClientCapabilities(),
                publish_diagnostics=types.PublishDiagnosticsClientCapabilities(
                    version_support=True,
                    related_information=True,
                    code_description_support=True,
                    tag_support=types.ClientDiagnosticsTagOptions([types.DiagnosticTag.Unnecessary]),
                ),
                code_action=types.CodeActionClientCapabilities(
                    code_action_literal_support=types.ClientCodeActionLiteralOptions(
                        code_action_kind=types.ClientCodeActionKindOptions(value_set=["quickfix", "source"])
                    ),
                    is_preferred_support=True,
                    data_support=True,
                    resolve_support=types.ClientCodeActionResolveOptions(properties=["edit"]),
                ),
                **(NAVIGATION if navigation else {}),
            ),
        )
        params = types.InitializeParams(
            capabilities=capabilities,
            root_uri=root.as_uri() if root else None,
            workspace_folders=folders,
            initialization_options=options,
        )
        return (await self.initialize_session(params)).capabilities

    def open(self, uri: str, text: str, language: str = "yaml") -> None:
        item = types.TextDocumentItem(uri=uri, language_id=language, version=1, text=text)
        self.text_document_did_open(types.DidOpenTextDocumentParams(text_document=item))

    def edit(self, uri: str, version: int, *changes: types.TextDocumentContentChangeEvent) -> None:
        document = types.VersionedTextDocumentIdentifier(uri=uri, version=version)
        self.text_document_did_change(
            types.DidChangeTextDocumentParams(text_document=document, content_changes=list(changes))
        )

    def close(self, uri: str) -> None:
        document = types.TextDocumentIdentifier(uri=uri)
        self.text_document_did_close(types.DidCloseTextDocumentParams(text_document=document))

    async def shown(self, uri: str, version: int | None = 1) -> list[types.Diagnostic]:
        """Wait until the newest diagnostics of `uri` are those of `version` (of a closed document: None)."""
        return await self.until(uri, lambda newest: newest.version == version)

    async def until(
        self, uri: str, holds: Callable[[types.PublishDiagnosticsParams], bool]
    ) -> list[types.Diagnostic]:
        """Wait until something holds for the newest diagnostics of `uri`."""
        await self.wait(lambda: bool(self.published[uri]) and holds(self.published[uri][-1]))
        return list(self.published[uri][-1].diagnostics)

    async def wait(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds that messages of the server change."""
        while not holds():
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), PATIENCE)

    async def lenses(self, uri: str) -> list[types.Command]:
        """What the lenses of a document say and do."""
        params = types.CodeLensParams(types.TextDocumentIdentifier(uri))
        found = await self.text_document_code_lens_async(params)
        resolved = [await self.code_lens_resolve_async(one) for one in found or []]
        return [one.command for one in resolved if one.command]

    async def lens(self, uri: str, title: str) -> types.Command:
        """The lens of a document that says something, once there is one."""
        while True:
            before = self.refreshed
            found = [one for one in await self.lenses(uri) if title in one.title]
            if found:
                return found[0]
            await self.wait(lambda before=before: self.refreshed > before)  # type: ignore[misc]

    async def content(self, uri: str) -> str:
        """A text that is in no file."""
        return (await self.workspace_text_document_content_async(types.TextDocumentContentParams(uri))).text

    async def click(self, lens: types.Command) -> types.ShowDocumentParams:
        """What is shown by a click on a lens."""
        asked = types.ExecuteCommandParams(lens.command, arguments=lens.arguments)
        assert await self.workspace_execute_command_async(asked)
        return self.shown_documents[-1]

    def plain(self, diagnostics: Sequence[types.Diagnostic]) -> list[Any]:
        """Diagnostics as plain data in one order, to compare."""
        return sorted((self.protocol._converter.unstructure(d) for d in diagnostics), key=repr)


def receive(ls: Editor, params: types.PublishDiagnosticsParams) -> None:
    """Keep what was published."""
    ls.published[params.uri].append(params)
    ls.news.set()


def hear(ls: Editor, params: types.ShowMessageParams) -> None:
    """Keep what was shown as a message."""
    ls.messages.append(params)
    ls.news.set()


def watch(ls: Editor, params: types.ProgressParams) -> None:
    """Keep what was said about the progress of work."""
    ls.progress.append((params.token, params.value["kind"]))
    ls.news.set()


def asked_again(ls: Editor, _: None) -> None:
    """Count how often the server wanted to be asked again."""
    ls.refreshed += 1
    ls.news.set()


def content_changed(ls: Editor, params: types.TextDocumentContentRefreshParams) -> None:
    """Keep which text the server wanted to be asked for again."""
    ls.contents_refreshed.append(params.uri)
    ls.news.set()


SERVER = pytest_lsp.ClientServerConfig(
    server_command=[sys.executable, "-m", "kscan_lsp", "lsp"], client_factory=Editor
)


@pytest_lsp.fixture(config=SERVER)
async def editor(lsp_client: Editor):
    """A client whose session a test starts itself."""
    yield
    await lsp_client.shutdown_session()


@pytest_lsp.fixture(
    config=pytest_lsp.ClientServerConfig(
        server_command=[sys.executable, "-c", WITHOUT_HELM, "lsp"], client_factory=Editor
    )
)
async def editor_without_helm(lsp_client: Editor):
    """A client of a server that has nothing to render charts with."""
    yield
    await lsp_client.shutdown_session()


@pytest_lsp.fixture(config=SERVER)
async def other_editor(lsp_client: Editor):
    """A second client, with a server process of its own."""
    yield
    await lsp_client.shutdown_session()
