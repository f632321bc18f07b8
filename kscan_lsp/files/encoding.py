"""Bytes of a manifest -> text, and back without changing anything else about the file.

Decoding follows kubectl, which honours a byte order mark of UTF-8 or UTF-16 and takes everything else for
UTF-8 (k8s.io/cli-runtime, `resource.FileVisitor`). What is neither is not guessed at: a wrong guess moves
columns and, once a fix is written, destroys text. The encoding is remembered, so that a fixed file keeps
it.

Left out on purpose: UTF-32, which kubectl does not read, and any heuristic.
"""

from __future__ import annotations

import codecs
import os
import stat
from pathlib import Path
from typing import Final

from msgspec import Struct

from kscan_lsp.files import writing

MAX_BYTES: Final = 50_000_000
"""A file larger than this is not read: the API server refuses objects of 1.5 MB, so it is data and no
manifest."""

_READ: Final = (
    os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)

_AT_LEAST: Final = 1 << 16
"""Bytes asked for at once of a file that has more than it said."""

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BEGIN_BOMS: Final = frozenset(bom[:1] for bom, _ in _BOMS)


class SourceText(Struct, frozen=True):
    """What a file says, and how it says it. `text` has no byte order mark; `bom` is the file's."""

    text: str
    encoding: str = "utf-8"
    bom: bytes = b""

    def encode(self, text: str) -> bytes:
        """Another text in this file's encoding."""
        return self.bom + text.encode(self.encoding)


class Unreadable(Struct, frozen=True):
    """Why there is no text, in words, and the line (from 1) where that shows."""

    reason: str
    line: int = 1


def decode(raw: bytes) -> SourceText | Unreadable:
    """The text in some bytes, or why there is none."""
    bom, encoding, body = b"", "utf-8", raw
    if raw[:1] in _BEGIN_BOMS:
        bom, encoding = next(((b, e) for b, e in _BOMS if raw.startswith(b)), (bom, encoding))
        body = raw[len(bom) :]
    if encoding == "utf-8" and (zero := body.find(b"\0")) >= 0:
        # UTF-16 without a mark is valid UTF-8 with every second character a zero
        reason = "it is binary data, or UTF-16 without a byte order mark; save it as UTF-8"
        return Unreadable(reason, body.count(b"\n", 0, zero) + 1)
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            return Unreadable("its byte order mark says UTF-16, but the rest is not; save it as UTF-8")
        byte = body[error.start]
        reason = f"it is not UTF-8: byte 0x{byte:02x} is no character there; save it as UTF-8"
        return Unreadable(reason, body.count(b"\n", 0, error.start) + 1)
    if encoding != "utf-8" and (at := text.find("\0")) >= 0:
        # the mark of UTF-32 begins with that of UTF-16, and its text is that with every second character a zero
        reason = "it is binary data, or UTF-32, which kubectl does not read; save it as UTF-8"
        return Unreadable(reason, text.count("\n", 0, at) + 1)
    return SourceText(text, encoding, bom)


def read(path: Path, most: int | None = None) -> SourceText | Unreadable:
    """The text of a regular file of at most that many bytes, `MAX_BYTES` by default, or why there is none."""
    raw = read_bytes(path, MAX_BYTES if most is None else most)
    return raw if isinstance(raw, Unreadable) else decode(raw)


def read_bytes(path: Path, most: int) -> bytes | Unreadable:
    """What stands in a regular file of a bounded size; what it is, is asked of what was opened, not of its name.

    A pipe or a device could keep the program waiting forever, so it is opened without waiting, and not read.
    """
    try:
        handle = os.open(path, _READ)
    except (OSError, ValueError) as error:
        return Unreadable(f"it cannot be read: {getattr(error, 'strerror', None) or error}")
    try:
        known = os.fstat(handle)
        if not stat.S_ISREG(known.st_mode):
            return Unreadable("it is no regular file; pipe what it holds into 'kscan scan -'")
        raw, size = b"", known.st_size
        # in room for what is there: room for the most that may be takes longer to get than a manifest to read
        room = max(size + 1, _AT_LEAST)
        while size <= most >= len(raw) and (piece := os.read(handle, room)):
            raw += piece
            if len(raw) == size:  # and there was room for more, so that this is the end
                break
    except OSError as error:
        return Unreadable(f"it cannot be read: {error.strerror or error}")
    finally:
        os.close(handle)
    if known.st_size > most or len(raw) > most:
        return too_large(most)
    return raw


def too_large(most: int) -> Unreadable:
    """What is said of a file with more bytes than that."""
    return Unreadable(f"it is too large to check: more than {most:,} bytes")


def resolve(path: Path | str) -> Path:
    """The file that a name leads to through all links."""
    return Path(os.path.realpath(path))


def write(path: Path, before: SourceText, text: str) -> str:
    """Replace a file's text in one step, keeping its encoding, byte order mark and all that `writing.replace` keeps.

    Args:
        path: the file.
        before: the file as it was read. A file that has changed since is left alone.
        text: the new text, with the line ends it shall have.

    Returns:
        Why nothing was written; empty when it was.
    """
    if read_bytes(path, MAX_BYTES) != before.encode(before.text):
        return "it has changed since it was read; run the command again"
    try:
        if path.lstat().st_nlink > 1:
            return "it has other names (hard links), which would keep the old text; change it by hand"
    except OSError as error:
        return f"it cannot be written: {error.strerror or error}"
    return writing.replace(path, before.encode(text))
