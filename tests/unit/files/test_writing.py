"""A file has its old bytes or its new ones, and keeps all else about it; nothing is written through a link."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from kscan_lsp.files import writing
from kscan_lsp.files.writing import behind_links, replace

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(os.name != "posix", reason="modes, owners and pipes are POSIX's")


def test_a_new_file_has_the_mode_of_new_files(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    assert replace(tmp_path / "report.html", b"new") == ""
    assert (tmp_path / "report.html").read_bytes() == b"new"
    assert (tmp_path / "report.html").stat().st_mode == (tmp_path / "usual").stat().st_mode


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o664, 0o4755])
def test_the_mode_stays(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"old")
    path.chmod(mode)
    assert replace(path, b"new") == ""
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"old")
    os.chown(path, 12345, 23456)
    path.chmod(0o2755)
    assert replace(path, b"new") == ""
    known = path.stat()
    assert (known.st_uid, known.st_gid, stat.S_IMODE(known.st_mode)) == (12345, 23456, 0o2755)


def test_a_file_whose_owner_cannot_be_kept_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"old")
    known = path.lstat()
    other = os.stat_result((*known[:4], known.st_uid + 1, *known[5:10]))
    monkeypatch.setattr(writing, "_status", lambda _: other)

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse, raising=False)
    assert "belongs to another user" in replace(path, b"new")
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["a.yaml"]


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="there are no extended attributes here")
def test_extended_attributes_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"old")
    try:
        os.setxattr(path, "user.kscan", b"kept")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    assert replace(path, b"new") == ""
    assert os.getxattr(path, "user.kscan") == b"kept"


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writing.os, call, full)
    assert replace(path, b"new") == "it cannot be written: No space left on device"
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["a.yaml"]


@posix
def test_who_is_stopped_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    """However a process ends: here at once, when all is written but has not got its name."""
    path = tmp_path / "a.yaml"
    path.write_bytes(b"old")
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from kscan_lsp.files import writing\n"
        "writing.os.replace = lambda *_: os._exit(9)\n"
        "writing.replace(Path(sys.argv[1]), b'new' * 1000)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert done.returncode == 9
    assert path.read_bytes() == b"old"


def test_a_link_is_refused_and_stays(tmp_path: Path) -> None:
    target, link = tmp_path / "target.yaml", tmp_path / "link.yaml"
    target.write_bytes(b"old")
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("there are no links here")
    assert (
        replace(link, b"new")
        == f"it is a link to '{target}', and nothing is written through links; name that file"
    )
    assert link.is_symlink()
    assert target.read_bytes() == b"old"
    target.unlink()
    assert "it is a link" in replace(link, b"new")
    assert not target.exists()


@posix
@pytest.mark.parametrize("what", ["read-only", "folder", "long", "nul", "no folder"])
def test_what_cannot_be_written_says_why(tmp_path: Path, what: str) -> None:
    path = tmp_path / "a"
    if what == "read-only":
        path.touch(0o444)
    elif what == "folder":
        path.mkdir()
    names = {"long": "x" * 300, "nul": "a\0b", "no folder": "b/c"}
    said = {
        "read-only": "it is read-only",
        "folder": "it is a folder; name a file in it",
        "long": "it cannot be written: File name too long",
        "nul": "it cannot be written: ",
        "no folder": "it cannot be written: No such file or directory",
    }
    assert replace(tmp_path / names.get(what, "a"), b"new").startswith(said[what])


@posix
def test_pipes_and_devices_are_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    assert replace(pipe, b"new") == ""
    reader.join()
    assert found == [b"new"]
    assert replace(tmp_path.__class__("/dev/null"), b"new") == ""


def test_what_lies_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.yaml").touch()
    (tmp_path / "out.yaml").touch()
    try:
        (tmp_path / "linked").symlink_to(tmp_path / "real", target_is_directory=True)
        (tmp_path / "real/b.yaml").symlink_to(tmp_path / "out.yaml")
        (tmp_path / "real/up").symlink_to(tmp_path, target_is_directory=True)
    except OSError:
        pytest.skip("there are no links here")
    named = [str(tmp_path / "real")]
    assert behind_links(tmp_path / "real/a.yaml", named) is None
    assert behind_links(tmp_path / "real/b.yaml", named) == tmp_path / "out.yaml"
    assert behind_links(tmp_path / "real/up/out.yaml", named) == tmp_path / "out.yaml"
    assert behind_links(tmp_path / "linked/a.yaml", [str(tmp_path / "linked")]) is None, (
        "the folder was named"
    )
    assert behind_links(tmp_path / "linked/a.yaml", [str(tmp_path)]) == tmp_path / "real/a.yaml"
    assert behind_links(tmp_path / "real/b.yaml", [str(tmp_path / "real/b.yaml")]) == tmp_path / "out.yaml"
    assert (
        behind_links(tmp_path / "out.yaml", [str(tmp_path / "real/b.yaml"), str(tmp_path / "out.yaml")])
        is None
    )
