"""A pack, its signature by a test's own Sigstore, and settings that want it signed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kscan_lsp.settings.signatures import SIGNATURE_NAME
from kscan_lsp.workspace.pack_locks import LOCK_NAME, Locked, Signature, lock_text
from kscan_lsp.workspace.packs import digest_of_pack

if TYPE_CHECKING:
    from pathlib import Path

    from support.sigstores import Sigstore

BANK = "https://github.com/bank/policies/.github/workflows/release.yml@refs/heads/main"
GITHUB = "https://token.actions.githubusercontent.com"
PACK = "name: bank\nversion: 1.2.0\nlocked: [BANK-0001]\n"
CONTROL = (
    "id: BANK-0001\ntitle: T\nseverity: high\ndescription: D.\nremediation: R.\n"
    "checks:\n- deny: 'true'\n  at: metadata\n  message: nothing\n"
    "tests:\n- name: any\n  manifest: |\n    apiVersion: v1\n    kind: Pod\n    metadata:\n    # <^^^^^^^^ BANK-0001\n"
    "      name: a\n    spec:\n      containers: [{name: a, image: a}]\n"
)


def pack(folder: Path, version: str = "1.2.0") -> Path:
    """A pack that nobody has signed."""
    (folder / "controls").mkdir(parents=True, exist_ok=True)
    (folder / "kscan-pack.yaml").write_bytes(PACK.replace("1.2.0", version).encode())
    (folder / "controls/a.yaml").write_bytes(CONTROL.encode())
    return folder


def entry(folder: Path) -> Locked:
    """What a lock says of a pack in a folder."""
    return Locked("bank", "1.2.0", digest_of_pack(folder))


def sign(folder: Path, by: Sigstore, *who: str) -> Path:
    """Put a signature beside a pack's own file, by somebody and who vouches for him."""
    (folder / SIGNATURE_NAME).write_text(by.sign(entry(folder).statement, *who), encoding="utf-8")
    return folder


def settings(folder: Path, source: str, **demand: object) -> Path:
    """Settings in a folder that extend a pack and want it signed by the bank."""
    folder.mkdir(exist_ok=True)
    asked = {"certificateIdentity": BANK, "certificateOidcIssuer": GITHUB} | demand
    said = {"extends": [source], "controls": {"include": ["BANK-0001"]}, "signatures": [asked]}
    (folder / ".kscan.yaml").write_text(json.dumps(said), encoding="utf-8")
    return folder


def lock(folder: Path, source: str, locked: Locked, *who: str) -> None:
    """A lock beside settings, by which somebody has signed a pack, or nobody."""
    signature = Signature(*who, locked.statement_digest) if who else None
    made = Locked(locked.name, locked.version, locked.digest, signature)
    (folder / LOCK_NAME).write_text(lock_text({source: made}), encoding="utf-8")
