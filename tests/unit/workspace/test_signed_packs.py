"""Packs that have to be signed, as scans and editors see them: by the lock alone, wherever that may be from."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from support.signed import BANK, CONTROL, GITHUB, entry, lock, pack, settings

from kscan_lsp.cli import packs
from kscan_lsp.cli.options import UsageError
from kscan_lsp.cli.packs import built, stated, updated
from kscan_lsp.files.discover import UNVISITED
from kscan_lsp.settings.signatures import NO_PARTS, SIGNATURE_NAME
from kscan_lsp.workspace.configuration import Configuration, configure
from kscan_lsp.workspace.pack_locks import LOCK_NAME, read_lock
from kscan_lsp.workspace.packs import digest_of_pack
from kscan_lsp.workspace.trust import MACHINE

if TYPE_CHECKING:
    from pathlib import Path

HAS_TO = f"'./pack' has to be signed by '{BANK}' (issuer '{GITHUB}'), as '.kscan.yaml' says"


@pytest.fixture(autouse=True)
def _nothing_verifies(monkeypatch: pytest.MonkeyPatch) -> None:
    """What verifies is not installed: nothing but an update may miss it."""
    for name in ("sigstore", "sigstore.errors"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "kscan_lsp.cli.signatures", raising=False)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A workspace with a pack, whose settings want it signed."""
    folder = settings(tmp_path / "workspace", "./pack")
    (folder / ".git").mkdir()
    pack(folder / "pack")
    return folder


def said(found: Configuration) -> list[tuple[str, str]]:
    """What is wrong, and the characters that are marked."""
    return [
        (one.problem.message, one.document.text[one.problem.span.start : one.problem.span.end])
        for one in found.problems
    ]


def counts(found: Configuration) -> bool:
    return "BANK-0001" in found.ruleset.controls


def test_a_pack_counts_if_the_lock_names_who_has_to_have_signed(here: Path) -> None:
    lock(here, "./pack", entry(here / "pack"), BANK, GITHUB)
    found, words = configure(here)
    assert (said(found), words, counts(found)) == ([], (), True)


@pytest.mark.parametrize(
    ("who", "told"),
    [
        (None, "names no signature of it"),
        ((), "names no signature of it"),
        (("eve@example.com", GITHUB), f"names '********@example.com' (issuer '{GITHUB}')"),
        ((BANK, "https://issuer.example"), f"names '{BANK}' (issuer 'https://issuer.example')"),
        ((BANK.upper(), GITHUB), f"names '{BANK.upper()}'"),
        ((BANK + "x", GITHUB), f"names '{BANK}x'"),
    ],
    ids=["no lock", "unsigned", "identity", "issuer", "capitals", "longer"],
)
def test_any_other_is_left_out_with_a_problem_where_it_is_named(
    here: Path, who: tuple[str, ...] | None, told: str
) -> None:
    if who is not None:
        lock(here, "./pack", entry(here / "pack"), *who)
    found, _ = configure(here)
    (message, marked), *others = said(found)
    assert message.startswith(f"{HAS_TO}, and kscan.lock {told}")
    assert "run 'kscan pack update'" in message
    assert (marked, found.packs, counts(found)) == ('"./pack"', (), False)
    assert all("BANK-0001" in one for one, _ in others)


def test_a_signature_of_other_files_is_noticed(here: Path) -> None:
    lock(here, "./pack", entry(here / "pack"), BANK, GITHUB)
    text = json.loads((here / LOCK_NAME).read_text())
    text["packs"]["./pack"]["signature"]["signed"] = "sha256:" + "0" * 64
    (here / LOCK_NAME).write_text(json.dumps(text))
    assert f"{HAS_TO}, and kscan.lock names a signature of something else" in said(configure(here)[0])[0][0]
    lock(here, "./pack", entry(here / "pack"), BANK, GITHUB)
    (here / "pack/controls/a.yaml").write_text(CONTROL.replace("high", "low"))
    assert "is not what kscan.lock says" in said(configure(here)[0])[0][0]


@pytest.mark.parametrize("text", ["1", '"x"', '{"certificateIdentity": "a"}', "[]"])
def test_a_lock_whose_signature_is_none_counts_for_nothing(here: Path, text: str) -> None:
    lock(here, "./pack", entry(here / "pack"))
    told = json.loads((here / LOCK_NAME).read_text())
    told["packs"]["./pack"]["signature"] = json.loads(text)
    (here / LOCK_NAME).write_text(json.dumps(told))
    assert said(configure(here)[0])[0][0].startswith("kscan.lock cannot be read")


@pytest.mark.parametrize(
    ("packs", "wanted"),
    [
        ("*", True),
        ("./*", True),
        ("./pack", True),
        (["oci://*", "./p?ck"], True),
        ("pack", False),
        (["oci://*"], False),
        ("./pac", False),
    ],
)
def test_which_packs_have_to_be_signed_is_told_by_patterns(
    here: Path, packs: str | list[str], wanted: bool
) -> None:
    settings(here, "./pack", packs=packs)
    assert counts(configure(here)[0]) is not wanted


def test_the_first_entry_that_names_a_pack_decides_and_any_of_its_identities_will_do(here: Path) -> None:
    settings(here, "./pack", certificateIdentity=["old@bank.example", BANK])
    text = json.loads((here / ".kscan.yaml").read_text())
    other = {"certificateIdentity": "eve@example.com", "certificateOidcIssuer": GITHUB}
    text["signatures"].append(other)
    (here / ".kscan.yaml").write_text(json.dumps(text))
    for who, wanted in ((BANK, True), ("old@bank.example", True), ("eve@example.com", False)):
        lock(here, "./pack", entry(here / "pack"), who, GITHUB)
        assert counts(configure(here)[0]) is wanted, who


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("*@refs/heads/main", True),
        ("https://github.com/bank/*", True),
        (BANK[:-1], False),
        ("*@refs/tags/*", False),
    ],
)
def test_an_identity_can_be_a_pattern_of_the_whole(here: Path, pattern: str, wanted: bool) -> None:
    settings(here, "./pack", certificateIdentity=pattern)
    lock(here, "./pack", entry(here / "pack"), BANK, GITHUB)
    assert counts(configure(here)[0]) is wanted


def test_packs_that_come_with_kscan_are_kscan_s(here: Path) -> None:
    settings(here, "fintech")
    found, _ = configure(here)
    assert [one.name for one in found.packs] == ["fintech"]


def test_the_machine_s_settings_speak_for_all_and_a_workspace_not_for_the_machine(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = settings(tmp_path / "machine", "./theirs")
    pack(machine / "theirs")
    lock(machine, "./theirs", entry(machine / "theirs"), BANK, GITHUB)
    monkeypatch.setenv(MACHINE, str(machine / ".kscan.yaml"))
    # a workspace that asks for nothing is asked by the machine
    (here / ".kscan.yaml").write_text("extends: ./pack\n")
    (here / "pack/kscan-pack.yaml").write_text("name: team\nversion: 1.2.0\n")
    found, _ = configure(here)
    assert [one.name for one in found.packs] == ["bank"]
    assert said(found)[0][0].startswith("'./pack' has to be signed by")
    # and what it asks for takes nothing of the machine's away
    settings(here, "fintech", certificateIdentity="eve@example.com")
    found, _ = configure(here)
    assert [one.name for one in found.packs] == ["bank", "fintech"]


def test_what_an_editor_extends_has_to_be_signed_as_the_workspace_says(here: Path) -> None:
    found, words = configure(here, section={"extends": ["./pack"]})
    assert found.packs == ()
    assert any(one.startswith(HAS_TO) for one in words)


def test_a_folder_below_has_no_say(here: Path) -> None:
    lock(here, "./pack", entry(here / "pack"), BANK, GITHUB)
    settings(here / "below", "./pack", certificateIdentity="eve@example.com")
    (here / "below/.kscan.yaml").write_text(
        "signatures: [{certificateIdentity: a, certificateOidcIssuer: b}]\n"
    )
    found, _ = configure(here / "below")
    assert [one.name for one in found.packs] == ["bank"]
    assert said(found)[0][0].startswith("'signatures' holds for a whole workspace")


@pytest.mark.parametrize(
    ("demand", "message"),
    [
        ({"certificateIdentity": None}, "'certificateIdentity' is missing"),
        ({"certificateOidcIssuer": ""}, "'certificateOidcIssuer' must not be empty"),
        ({"certificateIdentity": []}, "'certificateIdentity' must not be empty"),
        ({"certificateIdentity": [""]}, "each entry of 'certificateIdentity' must not be empty"),
        ({"certificateIdentity": {"a": 1}}, "'certificateIdentity' must be a list"),
        ({"pakcs": "*"}, "unknown key 'pakcs'; did you mean 'packs'?"),
        ({"trustedRoot": 5}, "'trustedRoot' must be a string; quote it"),
    ],
)
def test_a_mistake_is_a_problem_and_nothing_is_updated_before_it_is_mended(
    here: Path, demand: dict[str, object], message: str
) -> None:
    settings(here, "./pack", **demand)
    assert message in [one for one, _ in said(configure(here)[0])]
    with pytest.raises(UsageError, match="mend that first") as told:
        updated(here)
    assert message in str(told.value)
    assert not (here / LOCK_NAME).exists()


def test_machine_settings_that_are_missing_end_an_update(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MACHINE, str(tmp_path / "none"))
    with pytest.raises(UsageError, match="which is no file"):
        updated(here)


def test_where_nothing_verifies_an_update_says_what_to_install(here: Path) -> None:
    with pytest.raises(UsageError, match=r"pip install 'kscan-lsp\[sigstore\]'"):
        updated(here)
    assert not (here / LOCK_NAME).exists()
    settings(here, "./pack", packs="oci://*")
    assert updated(here).startswith("bank 1.2.0")


def test_what_was_locked_because_it_had_to_be_signed_is_not_locked_for_ever(here: Path) -> None:
    lock(here, "./pack", entry(here / "pack"), BANK, GITHUB)
    settings(here, "./pack", packs="oci://*")
    updated(here)
    assert read_lock(here) == {}


def test_a_signature_is_no_part_of_what_it_signs(here: Path, tmp_path: Path) -> None:
    folder = here / "pack"
    before = digest_of_pack(folder)
    told = stated(folder, tmp_path / "statement")
    assert (tmp_path / "statement").read_bytes() == f"kscan-pack-v1 bank 1.2.0 {before}\n".encode()
    assert before in told
    assert stated(folder, None).encode() == (tmp_path / "statement").read_bytes()
    with pytest.raises(UsageError, match="would be a file of the pack"):
        stated(folder, folder / "statement")
    (folder / SIGNATURE_NAME).write_text("{}")
    assert digest_of_pack(folder) == before
    (folder / "controls" / SIGNATURE_NAME).write_text("{}")  # only beside the pack's own file
    assert digest_of_pack(folder) != before


def test_what_python_makes_of_modules_is_no_part_of_a_pack(here: Path) -> None:
    folder = here / "pack"
    before = digest_of_pack(folder)
    for place in ("__pycache__", "controls/__pycache__"):
        (folder / place).mkdir()
        (folder / place / "a.yaml").write_text(CONTROL.replace("BANK-0001", "BANK-0002"))
    assert digest_of_pack(folder) == before
    assert NO_PARTS <= UNVISITED  # else it would be read without being in the digest
    lock(here, "./pack", entry(folder), BANK, GITHUB)
    assert "BANK-0002" not in configure(here)[0].ruleset.policies.controls


@pytest.mark.parametrize(
    "name",
    [
        ".git/x.yaml",
        "__pycache__",
        "controls/__PYCACHE__",
        ".GIT",
        ".git.",
        SIGNATURE_NAME,
        f"./{SIGNATURE_NAME}",
    ],
)
def test_no_policies_are_read_from_what_no_digest_has(here: Path, name: str) -> None:
    (here / "pack/kscan-pack.yaml").write_text(f"name: bank\nversion: 1.2.0\ncontrols: ['{name}']\n")
    lock(here, "./pack", entry(here / "pack"), BANK, GITHUB)
    assert any("is no part of the pack" in one for one, _ in said(configure(here)[0]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no Sigstore bundle"),
        ("[" * 100_000, "is no Sigstore bundle"),
        ('{"base64Signature": "", "cert": "", "rekorBundle": {}}', "--new-bundle-format"),
        ('{"mediaType": "x", "dsseEnvelope": {}}', "is about no file"),
        ('{"mediaType": "x", "messageSignature": {"messageDigest": {"digest": "AAAA"}}}', "sign it anew"),
        ("x" * 1_000_001, "too large"),
    ],
)
def test_a_pack_is_not_built_with_a_signature_of_something_else(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.setattr(packs, "outcomes_of", lambda _: packs.test.TestRun((), ()))
    (here / "pack" / SIGNATURE_NAME).write_text(text)
    with pytest.raises(UsageError, match=message):
        built(here / "pack", tmp_path / "pack.tar.gz")
    assert not (tmp_path / "pack.tar.gz").exists()
