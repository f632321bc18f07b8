"""The files of a folder of Kubescape's controls as they are handed over: whoever may touch files reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from kscan_lsp.yaml.document import Document


class RuleFiles(Struct, frozen=True):
    """What a rule is made of: its own file, and its Rego, if that can be read."""

    name: str
    document: Document
    raw: str | None
    counted: str | None = None
    """What says which objects it can fail at all (`filter.rego`)."""


class LibraryFiles(Struct, frozen=True):
    """The files of a folder of controls, each with its name."""

    controls: tuple[tuple[str, Document], ...] = ()
    frameworks: tuple[tuple[str, Document], ...] = ()
    rules: tuple[RuleFiles, ...] = ()
    inputs: tuple[str, Document] | None = None
