"""Which files a walk finds, and why it leaves others alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kscan_lsp.files.discover import Discovered, discover

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def tree(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return root


def names(found: Discovered, root: Path) -> list[str]:
    return relative(found.files, root)


def relative(paths: list[Path], root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


def test_files_come_by_name_folder_by_folder(tmp_path: Path) -> None:
    tree(tmp_path, "b.yaml", "a.yml", "a/z.json", "a.b/c.yaml", "README.md", "x.YAML", "values.yaml.gotmpl")
    assert names(discover(tmp_path), tmp_path) == ["a/z.json", "a.b/c.yaml", "a.yml", "b.yaml", "x.YAML"]


def test_a_named_folder_is_always_entered(tmp_path: Path) -> None:
    tree(tmp_path, ".git/HEAD", "build/a.yaml", "build/b/c.yaml", ".hidden/d.yaml", "node_modules/e.yaml")
    (tmp_path / ".gitignore").write_text("build/\n")
    assert names(discover(tmp_path), tmp_path) == []
    assert names(discover(tmp_path / "build"), tmp_path) == ["build/a.yaml", "build/b/c.yaml"]
    assert names(discover(tmp_path / ".hidden"), tmp_path) == [".hidden/d.yaml"]
    assert names(discover(tmp_path / "node_modules"), tmp_path) == ["node_modules/e.yaml"]


def test_hidden_folders_and_node_modules_are_left_out_and_counted(tmp_path: Path) -> None:
    tree(
        tmp_path, ".git/a.yaml", ".github/b.yaml", "x/node_modules/c.yaml", "d.yaml", ".e.yaml", ".kscan.yaml"
    )
    found = discover(tmp_path)
    assert names(found, tmp_path) == [".e.yaml", "d.yaml"]
    assert relative(found.excluded, tmp_path) == [".github", "x/node_modules"]


def test_gitignore_files_nest_and_the_nearest_wins(tmp_path: Path) -> None:
    tree(tmp_path, "a.yaml", "sub/a.yaml", "sub/b.yaml", "sub/deep/b.yaml", "out/x.yaml")
    (tmp_path / ".gitignore").write_text("/a.yaml\nb.yaml\nout/\n")
    (tmp_path / "sub/.gitignore").write_text("!b.yaml\r\n")
    found = discover(tmp_path)
    assert names(found, tmp_path) == ["sub/a.yaml", "sub/b.yaml", "sub/deep/b.yaml"]
    assert relative(found.excluded, tmp_path) == ["a.yaml", "out"]


def test_gitignore_of_the_checkout_holds_below_a_named_folder(tmp_path: Path) -> None:
    tree(tmp_path, "repo/.git/HEAD", "repo/deploy/a.yaml", "repo/deploy/secret.yaml", "repo/deploy/b.yaml")
    (tmp_path / ".gitignore").write_text("*\n")
    (tmp_path / "repo/.gitignore").write_text("secret.yaml\n/deploy/b.yaml\n")
    assert names(discover(tmp_path / "repo/deploy"), tmp_path) == ["repo/deploy/a.yaml"]


def test_exclude_patterns_are_relative_to_the_settings(tmp_path: Path) -> None:
    tree(tmp_path, "deploy/a.yaml", "deploy/b.yaml", "deploy/test/c.yaml")
    found = discover(tmp_path / "deploy", exclude=[(tmp_path, ["/deploy/b.yaml", "test/"])])
    assert names(found, tmp_path) == ["deploy/a.yaml"]
    assert relative(found.excluded, tmp_path) == ["deploy/b.yaml", "deploy/test"]


def test_a_pattern_that_is_none_does_not_hide_the_others(tmp_path: Path) -> None:
    tree(tmp_path, "a.yaml", "b.yaml")
    (tmp_path / ".gitignore").write_bytes(b"!\n///\n[z-\n\xff\xfe\na.yaml\n")
    assert names(discover(tmp_path), tmp_path) == ["b.yaml"]


def test_links_that_loop_end(tmp_path: Path) -> None:
    tree(tmp_path, "a/b/c.yaml")
    (tmp_path / "a/b/up").symlink_to(tmp_path / "a", target_is_directory=True)
    (tmp_path / "a/self").symlink_to(tmp_path / "a/self")
    assert names(discover(tmp_path), tmp_path) == ["a/b/c.yaml"]


def test_a_file_is_found_once_by_its_own_name(tmp_path: Path) -> None:
    tree(tmp_path, "z/real.yaml")
    (tmp_path / "a.yaml").symlink_to(tmp_path / "z/real.yaml")
    (tmp_path / "b").symlink_to(tmp_path / "z", target_is_directory=True)
    assert names(discover(tmp_path), tmp_path) == ["z/real.yaml"]


def test_links_inside_the_checkout_are_followed_and_others_not(tmp_path: Path) -> None:
    tree(tmp_path, "repo/.git/HEAD", "repo/base/a.yaml", "repo/deploy/own.yaml", "outside/secret.yaml")
    deploy = tmp_path / "repo/deploy"
    (deploy / "base").symlink_to(tmp_path / "repo/base", target_is_directory=True)
    (deploy / "out").symlink_to(tmp_path / "outside", target_is_directory=True)
    (deploy / "secret.yaml").symlink_to(tmp_path / "outside/secret.yaml")
    found = discover(deploy)
    assert names(found, tmp_path) == ["repo/deploy/base/a.yaml", "repo/deploy/own.yaml"]
    assert relative(found.excluded, tmp_path) == ["repo/deploy/out", "repo/deploy/secret.yaml"]


def test_a_link_does_not_bring_in_what_is_hidden(tmp_path: Path) -> None:
    tree(tmp_path, ".git/config.yaml", ".hidden/a.yaml")
    (tmp_path / "shown").symlink_to(tmp_path / ".hidden", target_is_directory=True)
    (tmp_path / "git").symlink_to(tmp_path / ".git", target_is_directory=True)
    assert names(discover(tmp_path), tmp_path) == []


def test_a_link_that_leads_nowhere_is_no_silent_gap(tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nothing.yaml")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nothing.yaml")
    found = discover(tmp_path)
    assert [(path.name, reason) for path, reason in found.unreadable] == [
        ("gone.yaml", "this link leads nowhere")
    ]


def test_pipes_and_sockets_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert discover(tmp_path).files == []


def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "open/a.yaml", "shut/b.yaml")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = discover(tmp_path)
    assert names(found, tmp_path) == ["open/a.yaml"]
    assert [(path.name, "Permission denied" in reason) for path, reason in found.unreadable] == [
        ("shut", True)
    ]


def test_names_are_as_the_user_gave_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "deploy/sub/a.yaml")
    monkeypatch.chdir(tmp_path)
    found = discover(type(tmp_path)("deploy"))
    assert [path.as_posix() for path in found.files] == ["deploy/sub/a.yaml"]


def test_a_folder_with_settings_of_its_own_has_its_own_patterns(tmp_path: Path) -> None:
    tree(tmp_path, "a.yaml", "below/.kscan.yaml", "below/a.yaml", "below/b.yaml", "below/deep/b.yaml")
    asked: list[Path] = []

    def excluded_in(folder: Path) -> list[tuple[Path, list[str]]]:
        asked.append(folder)
        return [(tmp_path, ["a.yaml"]), (folder, ["!a.yaml", "b.yaml"])]

    found = discover(tmp_path, exclude=[(tmp_path, ["a.yaml"])], excluded_in=excluded_in)
    assert names(found, tmp_path) == ["below/a.yaml"]
    assert asked == found.settings == [tmp_path / "below"]
