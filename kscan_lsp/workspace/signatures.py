"""Signatures of packs, as far as scans and editors know of them: who has to have signed, and what the lock says.

What is signed is one line with a pack's name, version and digest (`pack_locks.py`), whatever its source. A signature
is a file in the pack that the digest leaves out. It is verified by `kscan pack update` alone, which writes down who
signed what; all others compare that with what settings ask for, and need neither network nor cryptography.

Settings speak for the packs that they extend themselves and for those that settings below them do: those of the machine
for all, and those of a workspace not for the machine's.

Left out on purpose: how a signature is verified (`cli/signatures.py`).
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import MsgspecError, Struct, json

from kscan_lsp.dispositions.names import of_globs
from kscan_lsp.files import encoding
from kscan_lsp.settings.signatures import SIGNATURE_NAME
from kscan_lsp.workspace.pack_locks import LOCK_NAME, UPDATE
from kscan_lsp.workspace.policies import MAX_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.settings.layers import Layer
    from kscan_lsp.settings.signatures import SignatureSettings
    from kscan_lsp.workspace.pack_locks import Locked


class Demand(Struct, frozen=True):
    """What settings ask of the signature of a pack."""

    by: SignatureSettings
    file: str
    """Where they stand; empty for an editor's."""

    def __str__(self) -> str:
        """Who has to have signed, and who says so."""
        who = " or ".join(f"'{one}'" for one in self.by.certificate_identity)
        said_in = f"'{Path(self.file).name}'" if self.file else "the editor"
        return f"{who} (issuer '{self.by.certificate_oidc_issuer}'), as {said_in} says"


def demands_on(source: str, layers: Iterable[Layer]) -> tuple[Demand, ...]:
    """What settings ask of a pack.

    Args:
        source: what settings call it.
        layers: those that extend it, and those above them.
    """
    found = (
        (entry, layer.file)
        for layer in layers
        if (entry := next((e for e in layer.settings.signatures if of_globs(e.packs).has(source)), None))
    )
    return tuple(Demand(*one) for one in found)


def unmet(source: str, locked: Locked | None, demands: Iterable[Demand]) -> str:
    """Why a pack is not signed as settings ask for; empty where it is.

    Args:
        source: what settings call it.
        locked: what the lock says of it.
        demands: what is asked.
    """
    signature = locked.signature if locked else None
    for demand in demands:
        has_to = f"'{source}' has to be signed by {demand}, and {LOCK_NAME}"
        if locked is None or signature is None:
            return f"{has_to} names no signature of it; {UPDATE}, which verifies it"
        if signature.signed != locked.statement_digest:
            return f"{has_to} names a signature of something else; {UPDATE}, which verifies it"
        if (
            not of_globs(demand.by.certificate_identity).has(signature.certificate_identity)
            or signature.certificate_oidc_issuer != demand.by.certificate_oidc_issuer
        ):
            who = f"'{signature.certificate_identity}' (issuer '{signature.certificate_oidc_issuer}')"
            return f"{has_to} names {who}; {UPDATE}, which verifies it anew"
    return ""


class _Digest(Struct, frozen=True):
    digest: str = ""


class _SignedFile(Struct, frozen=True, rename="camel"):
    message_digest: _Digest = _Digest()


class _Bundle(Struct, frozen=True, rename="camel"):
    media_type: str
    message_signature: _SignedFile | None = None


def read_bundle(folder: Path, locked: Locked) -> bytes | str:
    """The signature in the folder of a pack, or what is wrong with it at first sight: none of it is verified here.

    Args:
        folder: of the pack.
        locked: what the pack is.

    Returns:
        A Sigstore bundle (https://github.com/sigstore/protobuf-specs, `sigstore_bundle.proto`) as JSON.
    """
    path = folder / SIGNATURE_NAME
    if not path.is_file():
        return f"it is not signed: there is no {SIGNATURE_NAME} in it"
    raw = encoding.read_bytes(path, MAX_FILE)
    if isinstance(raw, encoding.Unreadable):
        return f"{SIGNATURE_NAME}: {raw.reason}"
    try:
        about = json.decode(raw, type=_Bundle)
    except (MsgspecError, ValueError, RecursionError):
        return f"{SIGNATURE_NAME} is no Sigstore bundle (cosign before version 3 writes one with --new-bundle-format)"
    if about.message_signature is None:
        return f"{SIGNATURE_NAME} is about no file, as what 'cosign sign-blob' and 'sigstore sign' write is"
    named = about.message_signature.message_digest.digest
    if named and named != base64.b64encode(hashlib.sha256(locked.statement).digest()).decode():
        return f"what {SIGNATURE_NAME} signs is another pack, or files of this one were changed since; sign it anew"
    return raw
