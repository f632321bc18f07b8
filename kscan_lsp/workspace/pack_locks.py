"""`kscan.lock`: what each pack that settings extend was when `kscan pack update` last looked, and who signed it."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta, MsgspecError, Struct, json

from kscan_lsp.files import encoding
from kscan_lsp.workspace.policies import MAX_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LOCK_NAME: Final = "kscan.lock"
UPDATE: Final = "run 'kscan pack update'"
"""What to do about a pack that is not as it was locked."""
_Sha256 = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]


class Signature(Struct, frozen=True, rename="camel"):
    """Who signed a pack, and the digest of the statement that was signed, as it was verified."""

    certificate_identity: str
    certificate_oidc_issuer: str
    signed: _Sha256


class Locked(Struct, frozen=True, omit_defaults=True):
    """What the lock says of a pack."""

    name: str
    version: str
    digest: _Sha256
    signature: Signature | None = None
    """Of a pack that has to be signed."""

    @property
    def statement(self) -> bytes:
        """What is signed of it: one line, which no other name, version or digest makes."""
        return f"kscan-pack-v1 {self.name} {self.version} {self.digest}\n".encode()

    @property
    def statement_digest(self) -> str:
        """What names that line in a signature."""
        return f"sha256:{hashlib.sha256(self.statement).hexdigest()}"


class _LockFile(Struct, frozen=True):
    """What stands in it; the keys are what settings call the packs."""

    version: Literal[1]
    packs: dict[str, Locked]


def read_lock(folder: Path) -> dict[str, Locked] | str:
    """What is locked for the settings of a folder, by what they call a pack; or what is wrong with the file."""
    path = folder / LOCK_NAME
    if not os.path.lexists(path):
        return {}
    raw = encoding.read_bytes(path, MAX_FILE)
    try:
        packs = json.decode(raw, type=_LockFile).packs if isinstance(raw, bytes) else None
    except (MsgspecError, ValueError, RecursionError):
        packs = None
    return f"{LOCK_NAME} cannot be read, so no pack counts; {UPDATE}" if packs is None else packs


def lock_text(locked: Mapping[str, Locked]) -> str:
    """The text of a lock."""
    return json.format(json.encode(_LockFile(1, dict(sorted(locked.items()))))).decode() + "\n"
