"""OpenVEX documents, 0.0.1 to 0.2.0: which vulnerabilities do not matter, and why.

Source: https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field, json

from kscan_lsp.evidence.sources.common import MAX_TEXT, Contents, clean, moment_of, refuse_too_many
from kscan_lsp.evidence.vex import JUSTIFICATIONS, STATUSES, Product, Statement

if TYPE_CHECKING:
    from collections.abc import Iterator


class _OpenVexVulnerability(Struct):
    name: str | None = None
    id: str | None = field(default=None, name="@id")
    aliases: list[str] | None = None


class _OpenVexPart(Struct):
    id: str | None = field(default=None, name="@id")
    identifiers: dict[str, str] | None = None


class _OpenVexProduct(Struct):
    id: str | None = field(default=None, name="@id")
    identifiers: dict[str, str] | None = None
    hashes: dict[str, str] | None = None
    subcomponents: list[_OpenVexPart | str] | None = None


class _OpenVexStatement(Struct):
    vulnerability: _OpenVexVulnerability | str
    status: str
    products: list[_OpenVexProduct | str] | None = None
    subcomponents: list[_OpenVexPart | str] | None = None
    justification: str | None = None
    impact_statement: str | None = None
    status_notes: str | None = None
    timestamp: str | None = None
    last_updated: str | None = None


class _OpenVexDocument(Struct):
    statements: list[_OpenVexStatement]
    author: str | None = None
    timestamp: str | None = None


_DECODER = json.Decoder(_OpenVexDocument)


def read(data: bytes) -> Contents:
    """What an OpenVEX document states."""
    document = _DECODER.decode(data)
    refuse_too_many(len(document.statements))
    by, made = clean(document.author, 100), document.timestamp or ""
    return Contents(statements=tuple(_statement(one, by, made) for one in document.statements))


def _statement(one: _OpenVexStatement, by: str, made: str) -> Statement:
    about = (
        _OpenVexVulnerability(name=one.vulnerability)
        if isinstance(one.vulnerability, str)
        else one.vulnerability
    )
    names = (about.name, (about.id or "").rpartition("/")[2], *(about.aliases or ())[:50])
    said = one.impact_statement or one.status_notes or (one.justification or "").replace("_", " ")
    return Statement(
        frozenset(clean(name, 100) for name in names if name),
        tuple(product for item in one.products or () for product in _products(item, one.subcomponents)),
        one.status if one.status in STATUSES else "under_investigation",
        clean(said, MAX_TEXT),
        by,
        made=moment_of(one.last_updated or one.timestamp or made),
        justification=one.justification if one.justification in JUSTIFICATIONS else "",
    )


def _products(item: _OpenVexProduct | str, more: list[_OpenVexPart | str] | None) -> Iterator[Product]:
    product = _OpenVexProduct(id=item) if isinstance(item, str) else item
    parts = tuple(name for part in (*(product.subcomponents or ()), *(more or ())) if (name := _name(part)))
    names = [product.id, *(product.identifiers or {}).values()]
    names += [
        f"sha256:{value}" for kind, value in (product.hashes or {}).items() if kind.lower() == "sha-256"
    ]
    for name in dict.fromkeys(clean(name) for name in names if name):
        yield Product(name, parts)


def _name(part: _OpenVexPart | str) -> str:
    if isinstance(part, str):
        return clean(part)
    return clean((part.identifiers or {}).get("purl") or part.id)
