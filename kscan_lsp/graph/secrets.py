"""Which Secrets files declare, and with which keys: those of the kind itself, and those that an operator makes.

Sources: core/v1 Secret; bitnami.com SealedSecret; external-secrets.io ExternalSecret. Left out on purpose: any value.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class SecretKeys(Struct, frozen=True):
    """A Secret, and the keys that it is known to have."""

    name: str
    keys: tuple[str, ...]


def declared_secret(kind: str, name: str, data: dict[str, Any]) -> SecretKeys | None:
    """The Secret that an object is or becomes; None for what becomes none."""
    spec = _map(data.get("spec"))
    match kind:
        case "Secret":
            keys = (*_map(data.get("data")), *_map(data.get("stringData")))
        case "SealedSecret":
            name = _text(_map(_map(spec.get("template")).get("metadata")).get("name")) or name
            keys = (*_map(spec.get("encryptedData")),)
        case "ExternalSecret":
            name = _text(_map(spec.get("target")).get("name")) or name
            listed = spec.get("data")
            entries = listed if isinstance(listed, list) else []
            keys = tuple(_text(_map(one).get("secretKey")) for one in entries)
        case _:
            return None
    return SecretKeys(name, tuple(dict.fromkeys(key for key in keys if isinstance(key, str) and key)))


def as_letters(name: str) -> str:
    """What `DB_PASSWORD`, `db-password` and `dbPassword` have in common."""
    return "".join(filter(str.isalnum, name)).lower()


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
