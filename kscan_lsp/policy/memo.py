"""What came of policy files before, by their text: a key typed in one of them must not have the others compiled again.

Whoever reads policies again and again keeps one of these, such as the server; a single scan needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.settings.validation import validate
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from kscan_lsp.findings import Problem
    from kscan_lsp.policy.model import Control
    from kscan_lsp.policy.schema import ControlFile, FrameworkFile
    from kscan_lsp.yaml.document import Document

MAX_DOCUMENTS: Final = 1_000
"""Files that are remembered; over that, all are forgotten."""


class PolicyMemo:
    """Documents of policy files, and what they were found to hold.

    `controls` is by the document and the names of all inputs that are declared: what a control may read depends on
    other files. One that takes over the checks of another is not in there.
    """

    def __init__(self) -> None:
        self.documents: dict[tuple[str, bool], Document] = {}
        self.models: dict[Document, tuple[ControlFile | FrameworkFile | None, tuple[Problem, ...]]] = {}
        self.controls: dict[tuple[Document, frozenset[str]], tuple[Control | None, tuple[Problem, ...]]] = {}

    def document(self, text: str, *, json: bool) -> Document:
        """A file as read."""
        known = self.documents.get((text, json))
        if known is None:
            if len(self.documents) >= MAX_DOCUMENTS:
                self.documents.clear()
                self.models.clear()
            known = self.documents[text, json] = read_document(text, json=json)
        return known

    def model(
        self, kind: type[ControlFile | FrameworkFile], document: Document, code: str
    ) -> tuple[ControlFile | FrameworkFile | None, tuple[Problem, ...]]:
        """A document in the shape that it is meant to have, and what is wrong with it."""
        known = self.models.get(document)
        if known is None:
            known = self.models[document] = validate(kind, document, code)
        return known

    def control(
        self,
        document: Document,
        declared: frozenset[str],
        compiled: Callable[[], tuple[Control | None, tuple[Problem, ...]]],
    ) -> tuple[Control | None, tuple[Problem, ...]]:
        """The control of a document, compiled where it is not known."""
        key = (document, declared)
        known = self.controls.get(key)
        if known is None:
            if len(self.controls) >= MAX_DOCUMENTS:
                self.controls.clear()
            known = self.controls[key] = compiled()
        return known

    def fill(self) -> dict[str, tuple[int, int]]:
        """How many entries each part has, and may have."""
        sizes = {"documents": len(self.documents), "models": len(self.models), "controls": len(self.controls)}
        return {name: (size, MAX_DOCUMENTS) for name, size in sizes.items()}
