"""Repositories of git, made for a test, that no setting of whoever runs it has a say in."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git, which is not installed")


def environment() -> dict[str, str]:
    """One without anybody's settings, and with a name and an address to commit under."""
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Somebody"), ("EMAIL", "somebody@example.com"))
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder; what it prints."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment(), capture_output=True, text=True, check=True
    )
    return done.stdout


def repository(folder: Path, files: dict[str, str]) -> Path:
    """A new repository with some files, which are committed; without any, nothing is."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if files:
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message=first")
    return folder
