"""What packs are called that settings extend, and what came of them; where each is, `packs.py` finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from pathlib import Path

    from kscan_lsp.findings import Problem
    from kscan_lsp.policy.ruleset import SettingError
    from kscan_lsp.settings.layers import Layer
    from kscan_lsp.yaml.document import Document

FETCHED: Final = regex(
    r"git\+(?P<url>(?:https|ssh|file)://[^\s@#]+(?:@[^\s@#/]+/[^\s@#]+)?)@(?P<ref>\w[\w./-]*)(?:#(?P<folder>[\w./-]+))?"
)
"""A repository at a commit or tag, and the folder in it: `git+https://git.bank.example/policies@v1.4.0#packs/base`."""
ARTIFACT: Final = regex(
    r"oci://(?P<host>[A-Za-z0-9.-]+(?::\d{1,5})?)/(?P<name>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
    r"(?=[:@])(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
"""An artifact of a registry: `oci://registry.bank.example/policies/base:1.4.0`, `@sha256:...`, or both."""


def is_fetched(source: str) -> bool:
    """Whether a pack is one that `kscan pack update` fetches."""
    return bool(FETCHED.fullmatch(source) or ARTIFACT.fullmatch(source))


class Pack(Struct, frozen=True):
    """A pack that counts: what settings call it, what it is called itself, and what its files are to the byte."""

    source: str
    name: str
    version: str
    digest: str


class FoundPacks(Struct, frozen=True):
    """The packs that settings extend, as layers below them, and what is wrong with others."""

    packs: tuple[Pack, ...] = ()
    layers: tuple[Layer, ...] = ()
    problems: tuple[tuple[Path, Document, Problem], ...] = ()
    wrong: tuple[tuple[Layer | None, SettingError], ...] = ()
    """By the layer that names the pack; None for an editor's settings or a command line."""
    files: tuple[Path, ...] = ()


NO_PACKS: Final = FoundPacks()
