"""What the editor can do, asked once when it says hello; what it does not mention it cannot."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types
from msgspec import Struct

from kscan_lsp.text import Encoding

if TYPE_CHECKING:
    from collections.abc import Iterable


NAVIGATION: Final = {
    types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: "document_symbol",
    types.TEXT_DOCUMENT_FOLDING_RANGE: "folding_range",
    types.TEXT_DOCUMENT_SELECTION_RANGE: "selection_range",
    types.TEXT_DOCUMENT_INLAY_HINT: "inlay_hint",
    types.TEXT_DOCUMENT_DEFINITION: "definition",
    types.TEXT_DOCUMENT_REFERENCES: "references",
    types.TEXT_DOCUMENT_PREPARE_CALL_HIERARCHY: "call_hierarchy",
    types.TEXT_DOCUMENT_RENAME: "rename",
    types.WORKSPACE_SYMBOL: "symbol",
}
"""Requests for the way around in manifests, and what a client calls its ability to make them."""


MAX_FOLDS: Final = 5_000
"""Ranges that are folded in a document where the client names no limit."""


class ImageScanning(Struct, frozen=True):
    """That images are to be scanned in the background, and how: only the user's own editor can say so."""

    scanner: str = ""
    """The whole path of the program; empty for the one on PATH, or in the environment."""
    network: bool = False
    """Whether it may fetch images and databases."""


class Capabilities(Struct, frozen=True):
    """Abilities of an editor, as far as they change what we send."""

    encoding: Encoding = Encoding.UTF16
    configuration: bool = False
    watched_files: bool = False
    related_information: bool = False
    code_description: bool = False
    unnecessary: bool = False
    """It dims what a diagnostic calls unnecessary."""
    document_changes: bool = False
    create_files: bool = False
    """An edit may create a file."""
    change_annotations: bool = False
    """It asks before it makes edits that say they need it."""
    resolve_edits: bool = False
    markup: types.MarkupKind = types.MarkupKind.PlainText
    """How explanations are written."""
    markdown_documentation: bool = False
    """Documentation of completions may be Markdown."""
    link_tooltips: bool = False
    apply_edit: bool = False
    code_lens: bool = False
    """It has the command that a click on a lens runs; it says so in its initialization options."""
    code_lens_refresh: bool = False
    reviews: bool = False
    """It has the command that lets the user choose among fixes; it says so in its initialization options."""
    pages: bool = False
    """It shows pages: it has the command that opens the explanation of a control; it says so there, too."""
    image_pages: bool = False
    """It has the command that shows what is known of an image; it says so there, too."""
    renderings: bool = False
    """It asks for texts that are in no file, and shows a document that we name."""
    register_content: bool = False
    """It wants to be told when it is up whose texts these are."""
    status: bool = False
    """It shows what the workspace comes to, and wants to hear when that may have changed; it says so there, too."""
    kustomize: str = ""
    """The whole path of the program that builds overlays; empty for the one on PATH, or in the environment."""
    image_scanning: ImageScanning | None = None
    """What it says there of images that are to be scanned; None where it does not ask for that."""
    pull: bool = False
    """It asks for diagnostics, and says in its initialization options that it would rather do that."""
    pull_refresh: bool = False
    progress: bool = False
    """It can show the progress of what the server starts by itself."""
    navigation: frozenset[str] = frozenset()
    """The requests of `NAVIGATION` that it makes: no other is answered."""
    fold_lines: bool = False
    """It folds whole lines only."""
    fold_limit: int = MAX_FOLDS
    """How many ranges it folds in one document."""
    inlay_hint_refresh: bool = False
    prepares_rename: bool = False
    """It asks what would be renamed before it asks the user for a name."""
    resolve_symbols: bool = False
    """It asks for the line of a symbol when it needs it."""


def capabilities_of(params: types.InitializeParams) -> Capabilities:
    """The abilities that a client's hello tells of."""
    given = params.capabilities
    general, workspace, document = given.general, given.workspace, given.text_document
    window, options = given.window, params.initialization_options
    pull = workspace.diagnostics if workspace else None
    links = document.document_link if document else None
    item = document.completion.completion_item if document and document.completion else None
    lens = workspace.code_lens if workspace else None
    published = document.publish_diagnostics if document else None
    tags = published.tag_support if published else None
    action = document.code_action if document else None
    resolve = action.resolve_support if action else None
    formats = document.hover.content_format if document and document.hover else None
    edit = workspace.workspace_edit if workspace else None
    watched = workspace.did_change_watched_files if workspace else None
    offered = general.position_encodings if general else None
    folding = document.folding_range if document else None
    later = workspace.symbol.resolve_support if workspace and workspace.symbol else None
    hints = workspace.inlay_hint if workspace else None
    content = workspace.text_document_content if workspace else None
    return Capabilities(
        encoding=_encoding(offered or []),
        configuration=bool(workspace and workspace.configuration),
        watched_files=bool(watched and watched.dynamic_registration),
        related_information=bool(published and published.related_information),
        code_description=bool(published and published.code_description_support),
        unnecessary=types.DiagnosticTag.Unnecessary in ((tags and tags.value_set) or []),
        document_changes=bool(edit and edit.document_changes),
        create_files=bool(
            edit
            and edit.document_changes
            and types.ResourceOperationKind.Create in (edit.resource_operations or [])
        ),
        change_annotations=bool(edit and edit.change_annotation_support),
        resolve_edits=bool(resolve and "edit" in resolve.properties),
        markdown_documentation=types.MarkupKind.Markdown in ((item and item.documentation_format) or []),
        link_tooltips=bool(links and links.tooltip_support),
        apply_edit=bool(workspace and workspace.apply_edit),
        code_lens=_is_chosen(options, "codeLens"),
        reviews=_is_chosen(options, "reviews"),
        pages=_is_chosen(options, "pages"),
        image_pages=_is_chosen(options, "imagePages"),
        renderings=bool(content and window and window.show_document and window.show_document.support),
        register_content=bool(content and content.dynamic_registration),
        status=_is_chosen(options, "status"),
        kustomize=_kustomize(options),
        image_scanning=_image_scanning(options),
        code_lens_refresh=bool(lens and lens.refresh_support),
        pull=bool(document and document.diagnostic) and _is_chosen(options, "pull"),
        pull_refresh=bool(pull and pull.refresh_support),
        progress=bool(window and window.work_done_progress),
        navigation=_navigation(workspace, document),
        fold_lines=bool(folding and folding.line_folding_only),
        fold_limit=(folding and folding.range_limit) or MAX_FOLDS,
        resolve_symbols=bool(later and "location.range" in later.properties),
        prepares_rename=bool(document and document.rename and document.rename.prepare_support),
        inlay_hint_refresh=bool(hints and hints.refresh_support),
        markup=types.MarkupKind.Markdown
        if types.MarkupKind.Markdown in (formats or [])
        else types.MarkupKind.PlainText,
    )


def _navigation(
    workspace: types.WorkspaceClientCapabilities | None, document: types.TextDocumentClientCapabilities | None
) -> frozenset[str]:
    named = {
        method: getattr(workspace if method == types.WORKSPACE_SYMBOL else document, ability, None)
        for method, ability in NAVIGATION.items()
    }
    symbols = named[types.TEXT_DOCUMENT_DOCUMENT_SYMBOL]
    if symbols is not None and not symbols.hierarchical_document_symbol_support:
        del named[types.TEXT_DOCUMENT_DOCUMENT_SYMBOL]  # one without levels would show containers as objects
    return frozenset(method for method, given in named.items() if given is not None)


def _is_chosen(options: Any, name: str) -> bool:
    return isinstance(options, dict) and options.get(name) is True


def _kustomize(options: Any) -> str:
    """`kustomize`: only the user's own editor can say which program is run."""
    said = options.get("kustomize") if isinstance(options, dict) else None
    return said if isinstance(said, str) else ""


def _image_scanning(options: Any) -> ImageScanning | None:
    """`imageScans`: true, or an object with `scanner` and `network`."""
    said = options.get("imageScans") if isinstance(options, dict) else None
    if said is True:
        return ImageScanning()
    if not isinstance(said, dict):
        return None
    scanner = said.get("scanner")
    return ImageScanning(scanner if isinstance(scanner, str) else "", said.get("network") is True)


def _encoding(offered: Iterable[Any]) -> Encoding:
    """The encoding that pygls will choose, too: the first that is offered and known, UTF-16 if none is."""
    for kind in offered:
        with contextlib.suppress(ValueError):
            return Encoding(str(getattr(kind, "value", kind)))
    return Encoding.UTF16
