"""Programs that are installed where an editor that was started from a desktop has no PATH to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from kscan_lsp.files import programs
from kscan_lsp.files.programs import installed, usual_folders

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="programs are stood in for by scripts")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(programs, "_USUAL", (str(tmp_path / "usr/local/bin"),))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", "")
    return tmp_path / "home"


def program(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("place", ["usr/local/bin", "home/.local/bin", "home/bin", "home/go/bin"])
def test_a_program_is_found_where_programs_are_installed(home: Path, tmp_path: Path, place: str) -> None:
    assert installed(["trivy", "grype"], []) is None
    path = program(tmp_path / place / "grype")
    assert installed(["trivy", "grype"], []) == path
    assert str(tmp_path / place) in usual_folders()


def test_a_program_inside_of_what_is_scanned_is_none(home: Path, tmp_path: Path) -> None:
    program(home / "bin/trivy")
    (home / ".git").mkdir()
    assert installed(["trivy"], [str(home / "shop")]) is None
    assert installed(["trivy"], [str(tmp_path / "elsewhere")]) is not None
    # a link that leads in there is no way around
    (home / "tools").mkdir()
    (tmp_path / "usr/local").mkdir(parents=True)
    (tmp_path / "usr/local/bin").symlink_to(home / "tools")
    program(home / "tools/trivy")
    assert installed(["trivy"], [str(home / "shop")]) is None


@pytest.mark.parametrize("what", ["home/bin", "home/bin/trivy", "home/real", "home/real/trivy"])
def test_a_program_that_others_can_write_is_none(home: Path, tmp_path: Path, what: str) -> None:
    program(home / "real/trivy")
    (home / "bin").mkdir()
    if what == "home/bin/trivy":
        program(home / "bin/trivy")
    else:
        (home / "bin/trivy").symlink_to(home / "real/trivy")
    assert installed(["trivy"], []) is not None
    path = tmp_path / what
    path.chmod(path.stat().st_mode | 0o002)
    assert installed(["trivy"], []) is None


def test_without_a_home_only_what_is_for_all_is_looked_at(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "bin")
    assert usual_folders() == [str(tmp_path / "usr/local/bin")]
