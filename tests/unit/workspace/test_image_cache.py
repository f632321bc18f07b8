"""What scanners said is kept for the user alone, by several processes at once, and never in anybody's way."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from kscan_lsp.workspace import image_cache
from kscan_lsp.workspace.image_cache import ImageCache

if TYPE_CHECKING:
    from pathlib import Path


def cache(path: Path) -> tuple[ImageCache, list[str]]:
    told: list[str] = []
    return ImageCache(path, told.append), told


def test_what_is_kept_is_found_by_another(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "images.sqlite"
    first, told = cache(path)
    assert first.get("a") is None
    first.keep("a", b"x" * 100_000)
    first.keep("a", b"y")
    second, _ = cache(path)
    assert (second.get("a"), second.get("b")) == (b"y", None)
    assert told == []
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    assert sqlite3.connect(path).execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_was_used_longest_ago_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(1_000))
    monkeypatch.setattr(image_cache.time, "time", lambda: float(next(now)))
    monkeypatch.setattr(image_cache, "MAX_ENTRIES", 3)
    kept, _ = cache(tmp_path / "c")
    for name in "abc":
        kept.keep(name, name.encode())
    assert kept.get("a") == b"a"
    kept.keep("d", b"d")
    assert [name for name in "abcd" if kept.get(name)] == ["a", "c", "d"]
    monkeypatch.setattr(image_cache, "MAX_BYTES", 5_000)
    kept.keep("e", os.urandom(4_000))
    kept.keep("f", os.urandom(4_000))
    assert [name for name in "acdef" if kept.get(name)] == ["f"]


@pytest.mark.parametrize("broken", [b"", b"this is no database", b"SQLite format 3\0" + b"\xff" * 5_000])
def test_a_broken_cache_is_made_anew_with_one_notice(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "c"
    path.write_bytes(broken)
    kept, told = cache(path)
    assert kept.get("a") is None
    kept.keep("a", b"x")
    assert kept.get("a") == b"x"
    assert len(told) == bool(broken)
    assert path.stat().st_mode & 0o077 == 0 or not broken


def test_a_broken_entry_is_none(tmp_path: Path) -> None:
    kept, told = cache(tmp_path / "c")
    kept.keep("a", b"x")
    with sqlite3.connect(tmp_path / "c") as connection:
        connection.execute("UPDATE reports SET data = ?", (b"not packed",))
    assert kept.get("a") is None
    assert "was broken" in told[0]


def test_a_cache_of_another_version_is_made_anew(tmp_path: Path) -> None:
    kept, _ = cache(tmp_path / "c")
    kept.keep("a", b"x")
    with sqlite3.connect(tmp_path / "c") as connection:
        connection.execute("PRAGMA user_version = 99")
    assert kept.get("a") is None
    kept.keep("a", b"y")
    assert kept.get("a") == b"y"


def test_where_nothing_can_be_written_everything_works_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kept, told = cache(tmp_path / "file" / "images.sqlite")
    kept.keep("a", b"x")
    assert kept.get("a") is None
    assert len(told) == 1
    assert "cannot be kept" in told[0]


def test_a_full_disk_is_one_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, told = cache(tmp_path / "c")
    kept.keep("a", b"x")

    def full(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(image_cache.sqlite3, "connect", full)
    for _ in range(3):
        kept.keep("b", b"y")
    assert told == [f"what is known of images cannot be kept in {tmp_path / 'c'}: database or disk is full"]
    monkeypatch.undo()
    assert kept.get("a") == b"x"


def test_several_processes_write_at_once_and_one_may_be_killed(tmp_path: Path) -> None:
    path = tmp_path / "c"
    program = (
        "import sys; from pathlib import Path; from kscan_lsp.workspace.image_cache import ImageCache\n"
        "cache = ImageCache(Path(sys.argv[1]), print)\n"
        "for n in range(int(sys.argv[3])): cache.keep(f'{sys.argv[2]}-{n}', b'x' * 10_000)\n"
        "print('ready', flush=True)\n"
        "while sys.argv[2] == 'killed': cache.keep('killed', b'x' * 100_000)"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", program, path, name, "20"], stdout=subprocess.PIPE)
        for name in ("one", "two", "killed")
    ]
    outputs = []
    for writer in writers:
        assert writer.stdout is not None
        outputs.append(writer.stdout.readline())
    writers[2].kill()
    for writer in writers:
        writer.wait()
        assert writer.stdout is not None
        writer.stdout.close()
    assert outputs == [b"ready\n"] * 3
    kept, told = cache(path)
    assert all(
        kept.get(f"{name}-{n}") == b"x" * 10_000 for name in ("one", "two", "killed") for n in range(20)
    )
    assert told == []
