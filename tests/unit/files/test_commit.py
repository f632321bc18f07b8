"""The commit that is checked out is read from git's files: as git has it, and nothing else, nowhere else."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from kscan_lsp.files.commit import Commit, commit_of

if TYPE_CHECKING:
    from pathlib import Path

ID = "72c3701f4ad3c81d2f3a8fd4cf6b3f2b7c6f0a11"
OTHER = "0" * 39 + "1"
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="compares with git itself")


def git(folder: Path, *words: str) -> str:
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always")
    done = subprocess.run(
        ["git", *who, *words],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **quiet},
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    (folder / "deploy").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / "deploy/a.yaml").write_text("a: 1\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A checkout as git writes it, by hand."""
    (tmp_path / "repo/.git/refs/heads").mkdir(parents=True)
    (tmp_path / "repo/.git/HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / "repo/.git/refs/heads/main").write_text(f"{ID}\n")
    return tmp_path / "repo"


@needs_git
def test_it_is_what_git_says(checkout: Path) -> None:
    first = git(checkout, "rev-parse", "HEAD")
    assert commit_of(checkout) == Commit(checkout, first, "main")
    assert commit_of(checkout / "deploy") == commit_of(checkout / "deploy/a.yaml") == commit_of(checkout)
    git(checkout, "switch", "-q", "-c", "team/fix.one")
    git(checkout, "commit", "-q", "--allow-empty", "-m", "second")
    second = git(checkout, "rev-parse", "HEAD")
    assert commit_of(checkout) == Commit(checkout, second, "team/fix.one")
    git(checkout, "pack-refs", "--all")
    assert not (checkout / ".git/refs/heads/team/fix.one").exists()
    assert commit_of(checkout) == Commit(checkout, second, "team/fix.one")
    git(checkout, "checkout", "-q", "--detach", first)
    assert commit_of(checkout) == Commit(checkout, first, "")


@needs_git
def test_worktrees_and_submodules_are_followed(checkout: Path, tmp_path: Path) -> None:
    first = git(checkout, "rev-parse", "HEAD")
    git(checkout, "worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
    assert commit_of(tmp_path / "linked") == Commit(tmp_path / "linked", first, "other")
    git(checkout, "pack-refs", "--all")
    assert commit_of(tmp_path / "linked") == Commit(tmp_path / "linked", first, "other")
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q")
    git(outer, "submodule", "add", "-q", str(checkout), "part")
    found = commit_of(outer / "part")
    assert found
    assert (found.folder, found.id) == (outer / "part", first)


def test_without_a_checkout_or_a_commit_there_is_none(tmp_path: Path, written: Path) -> None:
    assert commit_of(tmp_path) is None
    assert commit_of(written) == Commit(written, ID, "main")
    (written / ".git/refs/heads/main").unlink()
    assert commit_of(written) is None


@pytest.mark.parametrize(
    "head",
    [
        "ref: ../outside",
        "ref: refs/heads/../../../outside",
        "ref: refs/../../outside",
        "ref: /etc/passwd",
        "ref: refs/heads/linked",
        "ref: refs/heads/main\nref: refs/heads/main",
        "refs/heads/main",
        "no commit",
        ID[:-1],
        "",
        "\0" * 100,
        "x" * 10_000,
    ],
)
def test_what_git_does_not_write_is_no_commit(written: Path, head: str) -> None:
    (written.parent / "outside").write_text(f"{OTHER}\n")
    (written / ".git/refs/heads/linked").symlink_to(written.parent / "outside")
    (written / ".git/HEAD").write_text(head)
    assert commit_of(written) is None


def test_a_folder_of_git_elsewhere_has_to_belong_here(written: Path, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    (stranger / ".git").write_text(f"gitdir: {written / '.git'}\n")
    assert commit_of(stranger) is None
    (stranger / ".git").unlink()
    (stranger / ".git").symlink_to(written / ".git", target_is_directory=True)
    assert commit_of(stranger) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX's")
def test_nothing_waits_for_a_pipe_or_reads_what_is_endless(written: Path) -> None:
    (written / ".git/refs/heads/main").unlink()
    os.mkfifo(written / ".git/refs/heads/main")
    assert commit_of(written) is None
    with (written / ".git/packed-refs").open("wb") as file:
        file.truncate(1 << 40)
    assert commit_of(written) is None
