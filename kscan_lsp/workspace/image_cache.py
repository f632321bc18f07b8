"""What scanners said of images, kept on disk for who asks again: by image, scanner and version of its database.

One SQLite file of the user, readable by nobody else. Several processes may use it at once (WAL), and one that is killed
leaves it as it was. It is a cache: where it is broken, locked or the disk is full, everything works without it, and the
caller gets one sentence to say so.
"""

from __future__ import annotations

import os
import sqlite3
import time
import zlib
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ENTRIES: Final = 500
MAX_BYTES: Final = 200_000_000
"""Of all reports together, packed."""
MAX_REPORT: Final = 64_000_000
"""Of one report, unpacked."""
_PATIENCE: Final = 5.0
"""Seconds to wait for another process."""
_AGAIN: Final = 0.02
"""Seconds between two attempts, where SQLite does not wait by itself."""
_VERSION: Final = 1
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS reports (
  key TEXT PRIMARY KEY, used REAL NOT NULL, size INTEGER NOT NULL, data BLOB NOT NULL
)"""


def cache_path() -> Path:
    """Where the cache is: in the user's folder for what can be made again."""
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache"
    return Path(base) / "kscan" / "images.sqlite"


class ImageCache:
    """Reports by key. Nothing here raises; `notice` is told, once, why it does not work."""

    def __init__(self, path: Path, notice: Callable[[str], None]) -> None:
        self._path = path
        self._notice = notice
        self._told = False

    def get(self, key: str) -> bytes | None:
        """A report that was kept; None where there is none."""
        found: list[bytes] = []

        def look(connection: sqlite3.Connection) -> None:
            row = connection.execute("SELECT data FROM reports WHERE key = ?", (key,)).fetchone()
            if row is not None:
                unpacking = zlib.decompressobj()
                found.append(unpacking.decompress(row[0], MAX_REPORT))
                connection.execute("UPDATE reports SET used = ? WHERE key = ?", (time.time(), key))

        self._with(look)
        return found[0] if found else None

    def keep(self, key: str, data: bytes) -> None:
        """Keep a report, and let go of those that were used longest ago where there are too many."""
        packed = zlib.compress(data, 6)

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR REPLACE INTO reports VALUES (?, ?, ?, ?)", (key, time.time(), len(packed), packed)
            )
            number = total = 0
            for name, size in connection.execute(
                "SELECT key, size FROM reports ORDER BY used DESC"
            ).fetchall():
                number, total = number + 1, total + size
                if number > MAX_ENTRIES or total > MAX_BYTES:
                    connection.execute("DELETE FROM reports WHERE key = ?", (name,))

        self._with(write)

    def drop(self, key: str) -> None:
        """Forget a report."""
        self._with(lambda connection: connection.execute("DELETE FROM reports WHERE key = ?", (key,)))

    def keys(self, beginning: str, end: str, most: int) -> list[str]:
        """What was kept under keys with a beginning and an end: what was used last comes first."""
        found: list[str] = []

        def look(connection: sqlite3.Connection) -> None:
            question = (
                "SELECT key FROM reports WHERE substr(key, 1, ?) = ? AND substr(key, -?) = ? "
                "ORDER BY used DESC LIMIT ?"
            )
            rows = connection.execute(question, (len(beginning), beginning, len(end), end, most))
            found.extend(key for (key,) in rows)

        self._with(look)
        return found

    def _with(self, work: Callable[[sqlite3.Connection], object]) -> None:
        try:
            self._try(work)
        except (
            sqlite3.OperationalError,
            OSError,
        ) as error:  # locked, a full disk, no rights: it may work again
            self._tell(f"what is known of images cannot be kept in {self._path}: {error}")
        except (sqlite3.DatabaseError, zlib.error):
            self._tell(f"{self._path} was broken, and is made anew: images are scanned again")
            for end in ("", "-wal", "-shm"):
                with suppress(OSError):
                    self._path.with_name(self._path.name + end).unlink()
            with suppress(sqlite3.Error, OSError, zlib.error):
                self._try(work)

    def _try(self, work: Callable[[sqlite3.Connection], object]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._path.exists():
            # made by us, so that it is never readable by others, not even for a moment
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        with closing(sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)) as connection:
            _begin(connection)
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version not in {0, _VERSION}:
                raise sqlite3.DatabaseError
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            work(connection)
            connection.execute("COMMIT")

    def _tell(self, text: str) -> None:
        if not self._told:
            self._told = True
            self._notice(text)


def _begin(connection: sqlite3.Connection) -> None:
    """Be the only one who writes.

    SQLite waits for others by itself, but not where one of them turns the file into one with a WAL, or takes the WAL
    away as the last that closes it: there it says at once that the database is locked.
    """
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            # a machine that loses its power may lose the last report, and nobody waits for the disk
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(_AGAIN)
        else:
            return
