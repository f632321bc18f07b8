"""Who signed a pack, verified by Sigstore's own library against a Sigstore of the test, without any network."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from support.registries import registry
from support.signed import BANK, CONTROL, GITHUB, entry, pack, settings, sign

from kscan_lsp.cli import packs
from kscan_lsp.cli.options import UsageError
from kscan_lsp.cli.packs import built, updated
from kscan_lsp.settings.signatures import SIGNATURE_NAME
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.pack_locks import LOCK_NAME, Signature, read_lock
from kscan_lsp.workspace.trust import MACHINE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.sigstores import Sigstore

pytest.importorskip(
    "sigstore", reason="Sigstore's library is not installed: pip install 'kscan-lsp[sigstore]'"
)


@pytest.fixture(scope="module")
def bank() -> Sigstore:
    """The instance that the trusted root of the tests is of."""
    from support.sigstores import Sigstore

    return Sigstore()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bank: Sigstore) -> Path:
    """A workspace with a pack that is signed, and settings that ask for that."""
    from sigstore.verify import Verifier

    def production(*_: object, **__: object) -> None:
        pytest.fail("the trust root of the public instance is asked for")

    monkeypatch.setattr(Verifier, "production", production)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = settings(tmp_path / "workspace", "./pack", trustedRoot="root.json")
    (folder / "root.json").write_text(bank.trusted_root(), encoding="utf-8")
    sign(pack(folder / "pack"), bank)
    return folder


def messages(folder: Path) -> list[str]:
    return [one.problem.message for one in configure(folder)[0].problems]


def refused(folder: Path) -> str:
    """Why an update refuses, with nothing locked and nothing kept."""
    with pytest.raises(UsageError) as told:
        updated(folder)
    assert not (folder / LOCK_NAME).exists()
    assert not (folder.parent / "cache").exists()
    assert len(str(told.value).splitlines()) == 1
    return str(told.value)


def test_what_was_verified_is_locked_and_counts(here: Path) -> None:
    told = updated(here)
    locked = entry(here / "pack")
    assert told == f"bank 1.2.0  {locked.digest}  signed by {BANK}\n"
    assert read_lock(here) == {
        "./pack": type(locked)(
            locked.name, locked.version, locked.digest, Signature(BANK, GITHUB, locked.statement_digest)
        )
    }
    assert messages(here) == []
    assert "BANK-0001" in configure(here)[0].ruleset.controls


def _of_repository(here: Path, folder: Path) -> str:
    for arguments in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "a"), ("tag", "v1")):
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)
    return f"git+file://{folder}@v1"


def _of_distribution(here: Path, folder: Path) -> str:
    site = here.parent / "site"
    (site / "bank-1.2.0.dist-info").mkdir(parents=True)
    (site / "bank-1.2.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: bank\nVersion: 1.2.0\n")
    (site / "bank-1.2.0.dist-info/entry_points.txt").write_text("[kscan.packs]\nbank-pack = bank_policies\n")
    folder.rename(site / "bank_policies")
    (site / "bank_policies/__pycache__").mkdir()  # as an installer leaves it
    (site / "bank_policies/__pycache__/__init__.cpython-311.pyc").write_bytes(b"\0")
    return "bank-pack"


@pytest.mark.parametrize("made", [_of_repository, _of_distribution])
@pytest.mark.parametrize("signed", [True, False])
def test_a_pack_of_any_source_has_to_be_signed(
    here: Path, monkeypatch: pytest.MonkeyPatch, made: Callable[[Path, Path], str], signed: bool
) -> None:
    monkeypatch.syspath_prepend(here.parent / "site")
    if not signed:
        (here / "pack" / SIGNATURE_NAME).unlink()
    source = made(here, here / "pack")
    settings(here, source, trustedRoot="root.json")
    if signed:
        assert updated(here).endswith(f"signed by {BANK}\n")
        assert messages(here) == []
    else:
        assert refused(here).endswith(f"it is not signed: there is no {SIGNATURE_NAME} in it")


@pytest.mark.parametrize("signed", [True, False])
def test_a_signature_comes_with_an_artifact_of_a_registry(
    here: Path, monkeypatch: pytest.MonkeyPatch, signed: bool
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(packs, "outcomes_of", lambda _: packs.test.TestRun((), ()))
    if not signed:
        (here / "pack" / SIGNATURE_NAME).unlink()
    layout = here / "layout"
    built(here / "pack", None, layout=layout)
    files = {
        one.relative_to(layout).as_posix(): one.read_bytes() for one in layout.rglob("*") if one.is_file()
    }
    with registry() as there:
        there.serve("policies/bank", files, "1.2.0")
        settings(here, f"oci://{there.host}/policies/bank:1.2.0", trustedRoot="root.json")
        if signed:
            assert updated(here).endswith(f"signed by {BANK}\n")
            assert messages(here) == []
        else:
            assert "it is not signed" in refused(here)


@pytest.mark.parametrize(
    ("who", "told"),
    [
        (("eve@example.com", GITHUB), "Certificate's SANs do not match"),
        (
            ("https://github.com/eve/policies/.github/workflows/release.yml@refs/heads/main", GITHUB),
            "/eve/policies/",
        ),
        ((BANK.replace("heads/main", "pull/1/merge"), GITHUB), "pull/1/merge"),
        ((BANK, "https://issuer.example"), "got 'https://issuer.example'"),
    ],
)
def test_somebody_else_s_signature_is_refused_and_named(
    here: Path, bank: Sigstore, who: tuple[str, str], told: str
) -> None:
    sign(here / "pack", bank, *who)
    message = refused(here)
    assert (
        f"'./pack' has to be signed by '{BANK}' (issuer '{GITHUB}'), as '.kscan.yaml' says: somebody else signed it"
        in (message)
    )
    assert told in message


@pytest.mark.parametrize(
    "identities",
    [
        ["old@bank.example", BANK, "new@bank.example"],
        ["old@bank.example", "https://github.com/bank/*@refs/heads/ma?n"],
    ],
)
def test_of_several_identities_the_one_that_signed_is_locked(here: Path, identities: list[str]) -> None:
    settings(here, "./pack", trustedRoot="root.json", certificateIdentity=identities)
    updated(here)
    locked = read_lock(here)
    assert isinstance(locked, dict)
    assert locked["./pack"].signature is not None
    assert locked["./pack"].signature.certificate_identity == BANK


@pytest.mark.parametrize("pattern", ["https://github.com/bank/*@refs/tags/*", BANK[:-1] + "??", "*x", "bank"])
def test_a_pattern_fits_the_whole_of_an_identity(here: Path, pattern: str) -> None:
    settings(here, "./pack", trustedRoot="root.json", certificateIdentity=pattern)
    assert f"do not match {pattern}" in refused(here)


def test_another_instance_s_certificate_is_refused(here: Path) -> None:
    from support.sigstores import Sigstore

    sign(here / "pack", Sigstore())
    assert f"{SIGNATURE_NAME} does not hold: failed to build timestamp certificate chain" in refused(here)


def test_a_signature_that_is_a_link_is_refused(here: Path) -> None:
    path = here / "pack" / SIGNATURE_NAME
    path.rename(here / SIGNATURE_NAME)
    path.symlink_to(here / SIGNATURE_NAME)
    assert f"'{SIGNATURE_NAME}' is a link" in refused(here)


def test_files_that_were_changed_since_are_refused(here: Path) -> None:
    (here / "pack/controls/a.yaml").write_text(CONTROL.replace("high", "low"))
    assert "files of this one were changed since; sign it anew" in refused(here)
    path = here / "pack" / SIGNATURE_NAME
    bundle = json.loads(path.read_text())
    del bundle["messageSignature"]["messageDigest"]  # which nobody has to write
    path.write_text(json.dumps(bundle))
    assert f"{SIGNATURE_NAME} does not hold: Signature is invalid for input" in refused(here)


def _of(bundle: dict[str, Any], *path: str | int) -> Any:
    for part in path:
        bundle = bundle[part]
    return bundle


ENTRY = ("verificationMaterial", "tlogEntries", 0)


@pytest.mark.parametrize(
    "path",
    [
        ("messageSignature", "signature"),
        ("verificationMaterial", "certificate", "rawBytes"),
        (*ENTRY, "logId", "keyId"),
        (*ENTRY, "canonicalizedBody"),
        (*ENTRY, "inclusionPromise", "signedEntryTimestamp"),
        (*ENTRY, "inclusionProof", "rootHash"),
        (*ENTRY, "integratedTime"),
        (*ENTRY, "inclusionProof", "checkpoint", "envelope"),
        (*ENTRY, "inclusionProof", "hashes"),
        (*ENTRY, "kindVersion", "version"),
        ENTRY,
        ("verificationMaterial",),
        ("mediaType",),
    ],
    ids=lambda path: str(path[-1]),
)
def test_no_part_of_a_signature_can_be_another_one(here: Path, path: tuple[str | int, ...]) -> None:
    """Each as base64 of the same length where it is such, and as several values of other types."""
    file = here / "pack" / SIGNATURE_NAME
    text = file.read_text()
    before = _of(json.loads(text), *path)
    others: list[Any] = [None, 5, [], {}, "", "\U0001f600", -1, [{}], "AAAA"]
    if isinstance(before, str) and len(before) > 30 and "\n" not in before:
        changed = bytearray(base64.b64decode(before))
        changed[len(changed) // 2] ^= 1
        others.append(base64.b64encode(changed).decode())
    if isinstance(before, str) and before.isdigit():
        others.append(str(int(before) + 3_600))
    for other in others:
        if other == before:
            continue
        bundle = json.loads(text)
        _of(bundle, *path[:-1])[path[-1]] = other
        file.write_text(json.dumps(bundle))
        message = refused(here)
        assert SIGNATURE_NAME in message, (other, message)


@pytest.mark.parametrize(
    ("root", "told"),
    [
        (None, "it cannot be read: No such file"),
        ("", "is no trusted root of Sigstore"),
        ("{}", "is no trusted root of Sigstore"),
        ("[" * 100_000, "is no trusted root of Sigstore"),
        ("x" * 1_000_001, "too large"),
    ],
)
def test_a_trusted_root_that_is_none_is_told(here: Path, root: str | None, told: str) -> None:
    (here / "root.json").unlink()
    if root is not None:
        (here / "root.json").write_text(root)
    message = refused(here)
    assert f"'trustedRoot' in '{here / '.kscan.yaml'}' names 'root.json'" in message
    assert told in message


def test_a_trusted_root_is_in_the_workspace_of_who_names_it(here: Path, bank: Sigstore) -> None:
    (here.parent / "root.json").write_text(bank.trusted_root())
    settings(here, "./pack", trustedRoot="../root.json")
    assert "outside of this workspace" in refused(here)
    if hasattr(os, "mkfifo"):
        os.mkfifo(here / "pipe")
        settings(here, "./pack", trustedRoot="pipe")
        assert "no regular file" in refused(here)


def test_a_root_without_a_log_verifies_nothing(here: Path, bank: Sigstore) -> None:
    for key in ("tlogs", "ctlogs", "certificateAuthorities"):
        (here / "root.json").write_text(json.dumps(json.loads(bank.trusted_root()) | {key: []}))
        assert "root" in refused(here)


def test_where_the_public_trust_root_cannot_be_fetched_nothing_is_verified(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sigstore.errors import TUFError
    from sigstore.verify import Verifier

    def unreachable() -> None:
        raise TUFError("Failed to refresh TUF metadata") from OSError("no route to host")

    monkeypatch.setattr(Verifier, "production", unreachable)
    settings(here, "./pack")
    message = refused(here)
    assert (
        "the trust root of Sigstore cannot be fetched: Failed to refresh TUF metadata (no route to host)"
        in message
    )
    assert "let 'trustedRoot' name a trusted_root.json" in message


def test_the_public_trust_root_is_not_asked_for_what_is_not_signed(here: Path) -> None:
    settings(here, "./pack")
    (here / "pack" / SIGNATURE_NAME).unlink()
    assert "it is not signed" in refused(here)


def test_the_machine_s_demand_is_verified_by_its_own_root(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from support.sigstores import Sigstore

    machine = settings(tmp_path / "machine", "fintech", trustedRoot="root.json")
    (machine / "root.json").write_text(Sigstore().trusted_root())
    monkeypatch.setenv(MACHINE, str(machine / ".kscan.yaml"))
    assert f"{SIGNATURE_NAME} does not hold" in refused(here)
    # the workspace cannot say it away
    (here / ".kscan.yaml").write_text("extends: ./pack\n")
    assert f"{SIGNATURE_NAME} does not hold" in refused(here)
    (machine / "root.json").write_text((here / "root.json").read_text())
    assert updated(here).endswith(f"signed by {BANK}\n")
