"""Manifests in a page of Markdown, each block judged as a file of its own.

A page is a project by itself: its blocks are examples, which are no part of what the workspace deploys, and nothing is
said of them that rests on other objects. A block is left alone if it has no `apiVersion` and `kind`, as any file is, or
if it says that something is left out of it, which may be just what is missing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from kscan_lsp.files.markdown import yaml_blocks
from kscan_lsp.findings import Verbatim
from kscan_lsp.regex import regex
from kscan_lsp.workspace.project import Project
from kscan_lsp.workspace.results import CheckedFile, place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.engine.evaluator import Evaluator
    from kscan_lsp.workspace.results import CheckedDocument, PlacedDocument

_LEFT_OUT: Final = regex(r"^[ \t]*(?:#[ \t]*|-[ \t]+)?(?:\.\.\.|\u2026)[ \t]*$", re.MULTILINE)
"""A line that stands for others."""
_KEYS: Final = tuple(regex(rf"^\s*[\"']?{key}[\"']?[ \t]*:", re.MULTILINE) for key in ("apiVersion", "kind"))


def page_of(evaluator: Evaluator) -> Project:
    """A project for one page, in which nothing is there yet."""
    return Project(evaluator, whole=False)


def with_page(project: Project, path: str, text: str) -> Project:
    """The project of a page with its new text; blocks that are as they were are taken over.

    Args:
        project: that of the page.
        path: its name.
        text: its content.
    """
    documents = tuple(_placed(project, path, text))
    skipped = "" if documents else "not-kubernetes"
    return project.with_read([CheckedFile(path, text, json=False, documents=documents, skipped=skipped)])


def _placed(project: Project, path: str, text: str) -> Iterator[PlacedDocument]:
    for block in yaml_blocks(text):
        if _LEFT_OUT.search(block.text):
            continue
        for placed in place(path, project.read(path, block.text).parts):
            if _is_manifest(placed.checked):
                offset = block.offset + placed.offset
                source = Verbatim(path, offset)
                yield replace(placed, offset=offset, line=block.line + placed.line, source=source)


def _is_manifest(checked: CheckedDocument) -> bool:
    return bool(checked.verdicts) or all(key.search(checked.document.text) for key in _KEYS)
