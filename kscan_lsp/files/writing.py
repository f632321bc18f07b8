"""Replace what stands in a file, in one step: who looks at it, or pulls the plug, finds the old bytes or the new ones.

The bytes go into a new file beside the old one, which then takes its name: within one folder that is a single step. The
new file has the old one's mode, owner, group and extended attributes (access lists among them), or it takes nothing's
place. Nothing is written through a link, which may lead anywhere: in a repository, somebody else made it.

Left out on purpose: `fsync` of the folder. After a loss of power the old bytes may be back, but never half of anything.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_STREAMS: Final = ("/dev/", "/proc/")
"""What lies below is no file that could be replaced: names of open files, terminals, pipes."""


def replace(path: Path, data: bytes | Iterable[bytes]) -> str:
    """Have a file consist of these bytes; one that is not there yet is made, with the mode that new files have.

    Args:
        path: the file. A link is refused; a pipe or a device is written to as it is.
        data: all of it, at once or in pieces.

    Returns:
        Why nothing was written; empty when it was.
    """
    if reason := refusal(path):
        return reason
    pieces = (data,) if isinstance(data, bytes) else data
    try:
        known = _status(path)
        if _is_stream(path, known):
            with path.open("wb") as out:
                out.writelines(pieces)
            return ""
        with _beside(path) as (name, handle):
            if known is not None and (reason := _become_like(name, path, known)):
                os.close(handle)
                return reason
            with os.fdopen(handle, "wb") as out:
                out.writelines(pieces)
                out.flush()
                os.fsync(handle)
            os.replace(name, path)
    except (OSError, ValueError) as error:
        return _cannot(error)
    return ""


def refusal(path: Path) -> str:
    """Why nothing is to be written under a name, or ""."""
    try:
        known = _status(path)
        if known is None or _is_stream(path, known):
            return ""
        if stat.S_ISLNK(known.st_mode):
            return f"it is a link to '{os.path.realpath(path)}', and nothing is written through links; name that file"
    except (OSError, ValueError) as error:
        return _cannot(error)
    if stat.S_ISDIR(known.st_mode):
        return "it is a folder; name a file in it"
    if not stat.S_ISREG(known.st_mode):
        return "it is no regular file"
    return "" if known.st_mode & 0o222 else "it is read-only"


def behind_links(path: Path, names: Iterable[str]) -> Path | None:
    """Where a file really lies that none of some names leads to but through a link; None for one that is there.

    A folder that was named may itself be, or lie behind, a link: whoever named it meant where it leads.

    Args:
        path: the file, as it was found below one of the names.
        names: the files and folders that were named.
    """
    real, own = Path(os.path.realpath(path)), os.path.abspath(path)
    for name in names:
        named = Path(os.path.abspath(name))
        if own == str(named) or own.startswith(os.path.join(named, "")):
            # of a file that was named, its own last name counts
            folder, last = (named, "") if named.is_dir() else (named.parent, named.name)
            start = os.path.join(os.path.realpath(folder), last)
            if Path(os.path.normpath(os.path.join(start, os.path.relpath(own, named)))) == real:
                return None
    return real


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


def _is_stream(path: Path, known: os.stat_result | None) -> bool:
    if os.name == "posix" and os.path.abspath(path).startswith(_STREAMS):
        return True
    return known is not None and any(
        kind(known.st_mode) for kind in (stat.S_ISFIFO, stat.S_ISCHR, stat.S_ISSOCK)
    )


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[tuple[str, int]]:
    """A new, empty file in the same folder and its handle; it is gone afterwards if it has not got another name."""
    name = os.path.join(path.parent, f".{path.name[:64]}.{os.urandom(6).hex()}")
    handle = os.open(name, _NEW, 0o666)  # the mode that new files have: the system takes its mask off
    try:
        yield name, handle
    finally:
        Path(name).unlink(missing_ok=True)


def _become_like(name: str, path: Path, known: os.stat_result) -> str:
    """Give a new file what belongs to the old one besides its bytes; why that cannot be done, or ""."""
    made = Path(name).stat()
    if (made.st_uid, made.st_gid) != (known.st_uid, known.st_gid):
        try:
            os.chown(name, known.st_uid, known.st_gid)
        except (OSError, AttributeError):
            return "it belongs to another user or group, who would lose it; have them write it, or change it by hand"
    if hasattr(os, "listxattr"):
        with contextlib.suppress(OSError):  # a file system without them
            for attribute in os.listxattr(path):
                with contextlib.suppress(OSError):  # those that only the system sets, and has set
                    os.setxattr(name, attribute, os.getxattr(path, attribute))
    Path(name).chmod(stat.S_IMODE(known.st_mode))  # last: a change of owner takes bits away
    return ""


def _cannot(error: OSError | ValueError) -> str:
    return f"it cannot be written: {getattr(error, 'strerror', None) or error}"
