"""What is no text says so, and a file is written as it was."""

from __future__ import annotations

import codecs
import sys
from pathlib import Path

import pytest

from kscan_lsp.files import encoding
from kscan_lsp.files.encoding import SourceText, Unreadable


@pytest.mark.parametrize(
    ("raw", "line", "said"),
    [
        ("a: 1\nb: caf\xe9\n".encode("latin-1"), 2, "not UTF-8"),
        (bytes(range(256)), 1, "binary"),
        ("a: 1\n".encode("utf-16-le"), 1, "UTF-16 without a byte order mark"),
        (codecs.BOM_UTF16_LE + b"abc", 1, "byte order mark"),
        (codecs.BOM_UTF16_LE + "a: 1\nb: \0\n".encode("utf-16-le"), 2, "binary"),
        ("a: 1\n".encode("utf-32"), 1, "UTF-32"),
    ],
)
def test_what_is_no_text_says_so(raw: bytes, line: int, said: str) -> None:
    source = encoding.decode(raw)
    assert isinstance(source, Unreadable)
    assert said in source.reason
    assert source.line == line


def test_a_file_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "MAX_BYTES", 10)
    path = tmp_path / "a.yaml"
    path.write_bytes(b"x" * 11)
    assert isinstance(source := encoding.read(path), Unreadable)
    assert "too large" in source.reason
    path.write_bytes(b"x" * 10)
    assert read(path).text == "x" * 10


@pytest.mark.skipif(sys.platform != "linux", reason="a file that does not say how large it is, as in /proc")
def test_a_file_of_unknown_size_is_read_as_far_as_it_goes() -> None:
    path = Path("/proc/self/status")
    whole = encoding.read_bytes(path, 100_000)
    assert isinstance(whole, bytes)
    assert whole.startswith(b"Name:")
    assert whole.endswith(b"\n")
    assert isinstance(encoding.read_bytes(path, 100), Unreadable)


def read(path: Path) -> SourceText:
    source = encoding.read(path)
    assert isinstance(source, SourceText)
    return source


def test_writing_keeps_mode_mark_and_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(codecs.BOM_UTF16_LE + "a: 1\r\n".encode("utf-16-le"))
    path.chmod(0o640)
    assert encoding.write(path, read(path), "a: 2\r\n") == ""
    assert path.read_bytes() == codecs.BOM_UTF16_LE + "a: 2\r\n".encode("utf-16-le")
    assert path.stat().st_mode & 0o777 == 0o640
    assert [found.name for found in tmp_path.iterdir()] == ["a.yaml"]


def test_a_file_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\n")
    before = read(path)
    path.write_text("a: 3\n")
    assert "has changed" in encoding.write(path, before, "a: 2\n")
    assert path.read_text() == "a: 3\n"
