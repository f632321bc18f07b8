"""Patterns of `.gitignore` leave out what git leaves out."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kscan_lsp.files.discover import discover
from kscan_lsp.files.ignore import IgnorePatterns

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("a", "b", "ab", "a-b", "a b", "#a", "!a", "[a]", "a\\b", "]", "é", "A1.yaml")
FOLDERS = ("", "a", "b", "a/b", "a/b/a", "ab/b", "é")
ALPHABET = "ab*?[]!/\\#- :^.A1é"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("git") is None:
        pytest.skip("needs git")
    root = tmp_path_factory.mktemp("ignore")
    subprocess.run(["git", "init", "-q", root], check=True)
    for folder in FOLDERS:
        (root / folder).mkdir(exist_ok=True, parents=True)
        for name in NAMES:
            if not (root / folder / name).is_dir():
                (root / folder / f"{name}.yaml").write_text("")
    return root


PATTERNS = st.one_of(
    st.text(ALPHABET, max_size=7),
    st.lists(
        st.sampled_from(
            ["a", "b", "*", "**", "/", "?", "[a-b]", "[!a]", "\\*", ".yaml", " ", "[[:alpha:]]", "]"]
        ),
        max_size=6,
    ).map("".join),
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@example(["a**/b"])
@example(["[]a]*"])
@example(["[[:alpha:]"])
@example(["*.yaml", "!b.yaml"])
@example(["/**"])
@example(["a/**/b/"])
@example(["\\!a.yaml", "\\#a.yaml", "a\\ b.yaml"])
@example(["a.yaml ", "b.yaml\\ ", "ab.yaml\\\\ "])
@given(st.lists(PATTERNS, max_size=4))
def test_git_leaves_out_the_same(tree: Path, patterns: list[str]) -> None:
    (tree / ".gitignore").write_text("".join(f"{pattern}\n" for pattern in patterns), encoding="utf-8")
    files = sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*.yaml") if path.is_file())
    asked = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin", "-z"],
        cwd=tree,
        input="\0".join(files).encode(),
        capture_output=True,
        check=False,
    )
    ignored = {os.fsdecode(name) for name in asked.stdout.split(b"\0") if name}
    found = {path.relative_to(tree).as_posix() for path in discover(tree).files}
    assert found == set(files) - ignored


@given(st.lists(st.binary(max_size=12), max_size=5), st.binary(min_size=1, max_size=12), st.booleans())
def test_no_pattern_and_no_name_is_too_odd(lines: list[bytes], name: bytes, folder: bool) -> None:
    patterns = IgnorePatterns.of_text(b"\n".join(lines))
    assert patterns.verdict(os.fsdecode(name), folder=folder) in {True, False, None}
