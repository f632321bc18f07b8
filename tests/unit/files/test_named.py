"""What settings name is read only if it is there, regular, inside of the workspace, and not too much."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from kscan_lsp.files import encoding, named
from kscan_lsp.files.named import named_files, workspace_of

SUFFIXES = (".yaml",)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "work/rules/deep").mkdir(parents=True)
    for name in ("work/a.yaml", "work/rules/b.yaml", "work/rules/deep/c.yaml", "work/rules/d.md", "out.yaml"):
        (tmp_path / name).write_text("a: 1\n")
    return tmp_path / "work"


def of(root: Path, *names: str) -> tuple[list[str], list[str]]:
    found = named_files(names, root, SUFFIXES, inside=workspace_of(root))
    files = [path.resolve().relative_to(root.parent.resolve()).as_posix() for path in found.files]
    return files, [message for _, message in found.wrong]


def test_files_as_they_are_and_folders_by_the_ending(root: Path) -> None:
    files = ["work/rules/b.yaml", "work/rules/deep/c.yaml", "work/a.yaml"]
    assert of(root, "rules", "a.yaml") == (files, [])


@pytest.mark.parametrize("name", ["../out.yaml", "..", "/", "link.yaml", "linked"])
def test_what_is_outside_is_not_read(root: Path, name: str) -> None:
    (root / "link.yaml").symlink_to(root.parent / "out.yaml")
    (root / "linked").symlink_to(root.parent, target_is_directory=True)
    files, (message,) = of(root, name)
    assert files == []
    assert message.startswith(f"'{name}' is outside of this workspace")


@pytest.mark.parametrize("user", [False, True], ids=["settings", "command line"])
def test_a_link_in_a_folder_leads_nowhere_else(root: Path, *, user: bool) -> None:
    (root / "rules/inside.yaml").symlink_to(root / "rules/b.yaml")
    (root / "rules/out.yaml").symlink_to(root.parent / "out.yaml")
    found = named.named_files(("rules",), root, (".yaml",), inside=None if user else named.workspace_of(root))
    assert {path.name for path in found.files} == {"b.yaml", "inside.yaml", "c.yaml"}
    out_of = "'rules'" if user else "this workspace"
    assert [message for _, message in found.wrong] == [
        f"'{Path('rules/out.yaml')}' is a link out of {out_of}; put a copy in its place"
    ]


def test_a_checkout_is_one_workspace_and_the_user_may_trust_more(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(named.TRUSTED, str(root.parent))
    assert of(root, "../out.yaml") == (["out.yaml"], [])
    monkeypatch.delenv(named.TRUSTED)
    (root.parent / ".git").mkdir()
    assert of(root, "../out.yaml") == (["out.yaml"], [])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_pipes_are_neither_read_nor_waited_for(root: Path) -> None:
    os.mkfifo(root / "pipe.yaml")
    os.mkfifo(root / "rules/pipe.yaml")
    assert of(root, "pipe.yaml") == ([], ["'pipe.yaml' is no regular file"])
    assert "work/rules/pipe.yaml" not in of(root, "rules")[0]
    unread = encoding.read(root / "pipe.yaml")
    assert isinstance(unread, encoding.Unreadable)
    assert unread.reason.startswith("it is no regular file")


@pytest.mark.parametrize(
    ("name", "said"), [("n" * 300, "cannot be read: "), ("a\0b", "null byte"), ("x", "there is no file")]
)
def test_a_name_that_leads_nowhere_is_a_problem(root: Path, name: str, said: str) -> None:
    files, (message,) = of(root, name)
    assert files == []
    assert said in message
    assert len(message) < 200


def test_no_more_is_read_than_is_bearable(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named, "MAX_BYTES", 10)
    assert of(root, "a.yaml", "rules")[0] == []
    assert "more than 10 bytes" in of(root, "a.yaml", "rules")[1][0]
    assert of(root, "a.yaml") == (["work/a.yaml"], [])
    monkeypatch.setattr(named, "MAX_FILES", 1)
    assert "too many files" in of(root, "rules")[1][0]
    monkeypatch.setattr(named, "MAX_FILES", 1000)
    monkeypatch.setattr(named, "MAX_ENTRIES", 2)
    assert "too many files" in of(root, "rules")[1][0]


def test_what_is_too_large_is_not_read(root: Path) -> None:
    large = root / "large.yaml"
    with large.open("wb") as file:
        file.truncate(encoding.MAX_BYTES + 1)
    unread = encoding.read(large)
    assert isinstance(unread, encoding.Unreadable)
    assert "too large" in unread.reason
