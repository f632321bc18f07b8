"""Packs of installed Python distributions: found by their entry points, and nothing of them run."""

from __future__ import annotations

import shutil
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from kscan_lsp.cli.options import UsageError
from kscan_lsp.cli.packs import updated
from kscan_lsp.workspace.configuration import Configuration, configure
from kscan_lsp.workspace.pack_locks import LOCK_NAME

if TYPE_CHECKING:
    from pathlib import Path

CONTROL = (
    "id: BANK-0001\ntitle: T\nseverity: high\ndescription: D.\nremediation: R.\n"
    "checks:\n- deny: 'true'\n  at: metadata\n  message: nothing\n"
)
CODE = "import pathlib\npathlib.Path(r'%s').write_text('ran')\n"


def wheel(folder: Path, version: str = "1.0.0", *, package: str = "bank_policies.pack") -> Path:
    """A wheel with a pack, whose code leaves a file behind if any of it is run."""
    code = CODE % (folder / "ran")
    about = f"bank_policies-{version}.dist-info"
    files = {
        "bank_policies/__init__.py": code,
        "bank_policies/pack/__init__.py": code,
        "bank_policies/pack/kscan-pack.yaml": f"name: bank\nversion: {version}\nlocked: [BANK-0001]\n",
        "bank_policies/pack/controls/a.yaml": CONTROL,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: bank-policies\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": f"[kscan.packs]\nbank-baseline = {package}\n",
    }
    files[f"{about}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{about}/RECORD"))
    path = folder / f"bank_policies-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace that extends a pack of a distribution, which is unpacked as an installer does."""
    monkeypatch.syspath_prepend(tmp_path / "site")
    install(tmp_path)
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / ".kscan.yaml").write_text("extends: bank-baseline\ncontrols: {include: [BANK-0001]}\n")
    return folder


def install(folder: Path, version: str = "1.0.0", **said: str) -> None:
    for path in (folder / "site").glob("*.dist-info"):
        shutil.rmtree(path)
    with zipfile.ZipFile(wheel(folder, version, **said)) as archive:
        archive.extractall(folder / "site")


def messages(found: Configuration) -> list[str]:
    return [one.problem.message for one in found.problems]


def test_a_pack_of_a_distribution_judges_and_none_of_its_code_is_run(here: Path, tmp_path: Path) -> None:
    before = {*sys.modules}
    found, words = configure(here)
    assert (messages(found), words) == ([], ())
    assert "BANK-0001" in found.ruleset.controls
    assert [(one.source, one.name, one.version) for one in found.packs] == [
        ("bank-baseline", "bank", "1.0.0")
    ]
    assert not (tmp_path / "ran").exists()
    assert not any(name.startswith("bank") for name in {*sys.modules} - before)


@pytest.mark.parametrize("package", ["/etc", "..", "bank_policies/pack", "os:path", "bank_policies", "none"])
def test_an_entry_point_that_names_no_pack_finds_none(here: Path, tmp_path: Path, package: str) -> None:
    install(tmp_path, package=package)
    (message,) = messages(configure(here)[0])[:1]
    assert message.startswith("no pack 'bank-baseline' comes with kscan")


def test_another_version_than_was_locked_is_noticed_and_an_older_one_refused(
    here: Path, tmp_path: Path
) -> None:
    told = updated(here)
    assert told.startswith("bank 1.0.0  sha256:")
    assert messages(configure(here)[0]) == []
    install(tmp_path, "1.1.0")
    assert "'bank-baseline' is not what kscan.lock says" in messages(configure(here)[0])[0]
    assert updated(here).startswith("bank 1.1.0")
    install(tmp_path, "1.0.0")
    with pytest.raises(UsageError, match=r"older than the 1\.1\.0 that is locked"):
        updated(here)
    assert '"1.1.0"' in (here / LOCK_NAME).read_text()
