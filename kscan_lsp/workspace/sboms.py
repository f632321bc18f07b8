"""Inventories (SBOMs) matched against the vulnerability database of Grype that is on the machine, without any scanner.

Where the database is, the user says in the environment, or Grype has put it where it always does; no settings of a
repository name it. Matching needs univers, which comes with the extra `sbom`; without it, or without a database, an
inventory is one problem that says what to do. Nothing is matched of an image that a report is about.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp.evidence.images import ImageReport
    from kscan_lsp.evidence.inventory import Inventory
    from kscan_lsp.workspace.grype_database import GrypeDatabase

DATABASE: Final = "KSCAN_IMAGE_DATABASE"
"""The environment variable with the path of a database, or of the folder that it is in."""
_FILE: Final = "vulnerability.db"
_OR: Final = "or have a database of Grype on this machine ('grype db update', 'pip install kscan-lsp[sbom]')"
_NOTHING: Final = "nothing follows from this report: it lists packages and no vulnerabilities"
_UNUSABLE: Final = f"{_NOTHING}, and the database of Grype on this machine cannot be used"


def find_database() -> Path | str | None:
    """The database of the machine; why the one that the user names is none; None where there is none."""
    if named := os.environ.get(DATABASE, ""):
        found = os.path.join(named, _FILE) if os.path.isdir(named) else named
        if not os.path.isabs(named) or not os.path.isfile(found):
            return f"{DATABASE} names no database of Grype: '{named}'; write the whole path of a {_FILE}"
        return Path(found)
    found = os.path.join(_grypes_own(), "6", _FILE)
    return Path(found) if os.path.isfile(found) else None


def _grypes_own() -> Path:
    """Where Grype keeps its databases (its documentation, `db.cache-dir`)."""
    if own := os.environ.get("GRYPE_DB_CACHE_DIR"):
        return Path(own)
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "grype/db"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/grype/db"
    local = os.environ.get("LOCALAPPDATA")
    return Path(local) / "cache/grype/db" if local else Path.home() / ".cache/grype/db"


def matched(
    inventories: Sequence[tuple[Path, Inventory, str]], reports: Sequence[ImageReport]
) -> Iterator[tuple[Path, ImageReport | str]]:
    """Reports of those inventories that no report is about, or in one sentence why there is none.

    Args:
        inventories: each with the file that it is from, and with what is said where it is not matched.
        reports: what there is of images.
    """
    names = {name for one in reports for name in one.names}
    digests = frozenset().union(*(one.digests for one in reports))
    asked = [
        (path, one, problem)
        for path, one, problem in inventories
        if one.digests.isdisjoint(digests) and (one.digests or names.isdisjoint(one.names))
    ]
    if not asked:
        return
    database = find_database()
    if database is None:
        yield from ((path, f"{problem}; {_OR}") for path, _, problem in asked)
        return
    if isinstance(database, str):
        yield asked[0][0], f"{_NOTHING}; {database}"
        return
    today = datetime.now(UTC).date()
    for path, one, _ in asked:
        if not (one.names or one.digests):
            yield path, "this report is left out: it does not say which image it is about"
            continue
        try:
            changed = os.stat(database).st_mtime_ns
        except OSError as error:
            yield path, f"{_UNUSABLE}: {error.strerror or error}"
            return
        yield path, _matched(one, str(path), str(database), changed, today)


@lru_cache(maxsize=64)
def _matched(inventory: Inventory, file: str, database: str, changed: int, today: date) -> ImageReport | str:
    """What is known of an image by its packages; kept for as long as neither of the two is another."""
    try:
        from kscan_lsp.evidence.matching import TooLongError, report_of
        from kscan_lsp.workspace.grype_database import DatabaseError
    except ImportError:
        return f"{_NOTHING}; 'pip install kscan-lsp[sbom]' has them looked up in the database of Grype on this machine"
    try:
        return replace(report_of(inventory, _opened(database, changed), today), file=file)
    except (DatabaseError, sqlite3.Error) as error:
        return f"{_UNUSABLE}: {error}"
    except TooLongError:
        return f"{_NOTHING}, and to look up all {len(inventory.packages):,} of them takes too long"


@lru_cache(maxsize=1)
def _opened(database: str, _changed: int) -> GrypeDatabase:
    from kscan_lsp.workspace.grype_database import GrypeDatabase as Opened

    return Opened(Path(database))
