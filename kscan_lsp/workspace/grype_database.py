"""A vulnerability database of Grype, schema 6, that is on the machine: SQLite with JSON in it, read and never written.

Where it is, `workspace/sboms.py` finds out. Sources: `grype/db/v6` of Grype: `models.go` (tables), `blobs.go` (the
JSON), `operating_system_store.go` (which release is meant), `data.go` (other names). Records of CPEs are not read.
"""

from __future__ import annotations

import re
import sqlite3
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from msgspec import MsgspecError, Struct, json

from kscan_lsp.evidence.advisories import Advisory, AffectedRange, Record
from kscan_lsp.evidence.versions import is_within
from kscan_lsp.startup import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from kscan_lsp.evidence.inventory import System

_MODEL: Final = 6
_KNOWN: Final = "6.1.10"
"""The schema that this was written by; overrides may be for older readers alone."""


class _Version(Struct):
    type: str | None = None
    constraint: str | None = None


class _Fix(Struct):
    version: str | None = None
    state: str | None = None


class _BlobRange(Struct):
    version: _Version | None = None
    fix: _Fix | None = None


class _Qualifiers(Struct):
    rpm_modularity: str | None = None
    platform_cpes: list[str] | None = None
    architecture: str | None = None
    rootio: bool | None = None


class _PackageBlob(Struct):
    cves: list[str] | None = None
    qualifiers: _Qualifiers | None = None
    ranges: list[_BlobRange] | None = None


class _Link(Struct):
    url: str | None = None


class _Rating(Struct):
    value: Any = None


class _VulnerabilityBlob(Struct):
    description: str | None = None
    refs: list[_Link] | None = None
    aliases: list[str] | None = None
    severities: list[_Rating] | None = None


_PACKAGE, _VULNERABILITY = json.Decoder(_PackageBlob), json.Decoder(_VulnerabilityBlob)


class DatabaseError(Exception):
    """A database cannot be used; the text says why."""


class GrypeDatabase:
    """An open database. What it is asked is remembered for as long as it is open."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            DatabaseError: it is no database of Grype, or of another schema.
        """
        try:
            uri = f"{path.as_uri()}?mode=ro&immutable=1"
            self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
            rows = self._rows("SELECT build_timestamp, model, revision, addition FROM db_metadata")
            built, *schema = next(rows)
        except (sqlite3.Error, StopIteration, OSError) as error:
            raise DatabaseError(f"it is no vulnerability database of Grype ({error})") from error
        if schema[0] != _MODEL:
            raise DatabaseError(
                f"it has schema {schema[0]}, and {_MODEL} is read; 'grype db update' renews it"
            )
        self.version = ".".join(map(str, schema))
        self.built = _day(built)
        self._tables = {name for (name,) in self._rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
        self.systems = lru_cache(maxsize=64)(self._systems)
        self.advisory = lru_cache(maxsize=4_096)(self._advisory)
        self.nvd = lru_cache(maxsize=4_096)(self._nvd)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _rows(self, query: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        return iter(self._connection.execute(query, values).fetchall())

    def _systems(self, system: System, *, exactly: bool = False, channel: str = "") -> tuple[int, ...]:
        release = _Release(system.name, *_numbers(system.version), system.codename, channel)
        if not exactly:
            release = self._meant(release)
        return tuple(number for number, _ in self._releases(release, exactly=False))

    def ended(self, system: System, today: date) -> bool:
        """Whether a distribution gets no updates any more; by its own dates, not by those of what it is made from.

        Who has extended support gets them for longer.
        """
        release = _Release(system.name, *_numbers(system.version), system.codename, system.channel)
        try:
            ends = next((_day(end) for _, end in self._releases(release, exactly=True)), None)
        except sqlite3.Error:  # before schema 6.1.4
            return False
        return ends is not None and ends < today

    def _releases(self, release: _Release, *, exactly: bool) -> list[tuple[int, object]]:
        """Numbers and last days of releases, by the most that is known of the version."""
        end = "eol_date" if exactly else "NULL"
        query = f"SELECT id, {end} FROM operating_systems WHERE (name = ?1 COLLATE NOCASE OR release_id = ?1 COLLATE NOCASE)"  # noqa: E501, S608
        query += " AND COALESCE(channel, '') = ?2 COLLATE NOCASE"
        values: list[object] = [release.name, release.channel]
        if release.label:
            query += " AND (codename = ?3 COLLATE NOCASE OR label_version = ?3 COLLATE NOCASE)"
            values.append(release.label)
        if not release.major:
            return [*self._rows(query, values)]
        at = len(values) + 1
        versions = f" AND major_version = ?{at} AND minor_version = ?{at + 1}"
        found = [*self._rows(query + versions, [*values, release.major, release.minor])]
        if found or exactly:
            return found
        found = [*self._rows(query + versions, [*values, release.major, ""])]
        return found or [*self._rows(f"{query} AND major_version = ?{at}", [*values, release.major])]

    def _meant(self, release: _Release) -> _Release:
        """The release whose records hold for one: CentOS has those of Red Hat, what rolls has no version."""
        columns = (
            "version, version_pattern, codename, replacement, replacement_major_version, replacement_minor_version, "
            "replacement_label_version, rolling, applicable_client_db_schemas"
        )
        query = f"SELECT {columns} FROM operating_system_specifier_overrides WHERE alias = ? COLLATE NOCASE"  # noqa: S608
        for version, pattern, codename, name, major, minor, label, rolling, schemas in self._rows(
            query, (release.name,)
        ):
            if schemas and not is_within(_KNOWN, schemas, "semver", ""):
                continue
            if (codename and codename != release.label) or (version and version != release.version):
                continue
            if pattern and not any(re.search(pattern, text) for text in release.texts):
                continue
            if rolling:
                release = release._replace(major="", minor="")
            changes = {"name": name, "major": major, "minor": minor, "label": label}
            return release._replace(**{key: value for key, value in changes.items() if value is not None})
        return release

    def of_system(self, name: str, systems: Sequence[int], *, unaffected: bool = False) -> list[Record]:
        """What is said of a package of a distribution."""
        if not systems:
            return []
        marks = ",".join("?" * len(systems))
        return self._records(f"h.operating_system_id IN ({marks})", [name, *systems], unaffected=unaffected)

    def of_ecosystem(self, name: str, kind: str, *, unaffected: bool = False) -> list[Record]:
        """What is said of a package of an ecosystem."""
        where = "h.operating_system_id IS NULL AND p.ecosystem = ? COLLATE NOCASE"
        return self._records(where, [name, self._ecosystem(kind)], unaffected=unaffected)

    def _ecosystem(self, kind: str) -> str:
        """What the database calls the ecosystem of a type of package URL."""
        query = (
            "SELECT replacement_ecosystem FROM package_specifier_overrides WHERE ecosystem = ? COLLATE NOCASE"
        )
        return next((str(found) for (found,) in self._rows(query, (kind,)) if found), kind)

    def _records(self, where: str, values: list[object], *, unaffected: bool) -> list[Record]:
        table = "unaffected_package_handles" if unaffected else "affected_package_handles"
        if table not in self._tables:
            return []
        query = (
            f"SELECT h.vulnerability_id, b.value FROM packages p JOIN {table} h ON h.package_id = p.id "  # noqa: S608
            f"JOIN blobs b ON b.id = h.blob_id WHERE p.name = ? COLLATE NOCASE AND {where} ORDER BY h.id"
        )
        return [_record(number, blob) for number, blob in self._rows(query, values)]

    def _advisory(self, number: int) -> Advisory:
        query = (
            "SELECT v.name, v.provider_id, v.status, b.value FROM vulnerability_handles v "
            "JOIN blobs b ON b.id = v.blob_id WHERE v.id = ?"
        )
        for row in self._rows(query, (number,)):
            return self._made(*row)
        raise DatabaseError("it refers to a vulnerability that it does not have")

    def _nvd(self, cve: str) -> Advisory | None:
        query = (
            "SELECT v.name, v.provider_id, v.status, b.value FROM vulnerability_handles v "
            "JOIN blobs b ON b.id = v.blob_id WHERE v.name = ? COLLATE NOCASE AND v.provider_id = 'nvd'"
        )
        return next((self._made(*row) for row in self._rows(query, (cve,))), None)

    def _made(self, name: str, provider: str, status: str, blob: str) -> Advisory:
        said = _decoded(_VULNERABILITY, blob)
        aliases = tuple(said.aliases or ())
        cves = [one for one in dict.fromkeys((name, *aliases)) if one.upper().startswith("CVE-")]
        ratings = [rating.value for rating in said.severities or ()]
        return Advisory(
            name,
            provider,
            status in {"withdrawn", "rejected"},
            aliases,
            said.description or "",
            next((one.url for one in said.refs or () if one.url), ""),
            tuple(filter(None, map(_rating, ratings))),
            tuple(self._of_cves("SELECT cwe FROM cwe_handles", cves)),
            max(self._of_cves("SELECT epss FROM epss_handles", cves), default=None),
            bool(self._of_cves("SELECT 1 FROM known_exploited_vulnerability_handles", cves)),
        )

    def _of_cves(self, query: str, cves: list[str]) -> list[Any]:
        """A column of a table that older databases may not have."""
        if query.rpartition(" ")[2] not in self._tables:
            return []
        return [
            value
            for cve in cves[:50]
            for (value,) in self._rows(f"{query} WHERE cve = ? COLLATE NOCASE", (cve,))
        ]


class _Release(NamedTuple):
    name: str
    major: str
    minor: str
    rest: str
    label: str
    channel: str = ""
    """Of extended support; those of releases have records of their own."""

    @property
    def version(self) -> str:
        return ".".join(filter(None, (self.major, self.minor, self.rest))) or self.label

    @property
    def texts(self) -> tuple[str, ...]:
        """What a pattern may be about."""
        return (self.version, self.label) if self.label else (self.version,)


def _numbers(version: str) -> tuple[str, str, str]:
    """Major, minor and what remains of a version, without the zeros that they begin with."""
    plain = version.partition("+")[0].removeprefix("v")
    if not plain[:1].isdigit():
        return "", "", ""
    major, _, rest = plain.partition(".")
    minor, _, more = rest.partition(".")
    return _trimmed(major), _trimmed(minor), more


def _trimmed(number: str) -> str:
    return number.lstrip("0") or number[:1]


def _decoded(decoder: Any, blob: str) -> Any:
    try:
        return decoder.decode(blob)
    except (MsgspecError, UnicodeError, TypeError) as error:
        raise DatabaseError("what it says of a vulnerability is not as it has to be") from error


def _record(number: int, blob: str) -> Record:
    said: _PackageBlob = _decoded(_PACKAGE, blob)
    only = said.qualifiers or _Qualifiers()
    return Record(
        number,
        tuple([_range(one) for one in said.ranges or ()]),
        tuple(said.cves or ()),
        tuple(only.platform_cpes or ()),
        only.rpm_modularity,
        only.architecture or "",
        bool(only.rootio),
    )


def _range(one: _BlobRange) -> AffectedRange:
    versions, fix = one.version or _Version(), one.fix or _Fix()
    fixed = (fix.version or "") if fix.state == "fixed" else ""
    return AffectedRange(versions.constraint or "", versions.type or "", fixed)


def _rating(value: object) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, dict) or not isinstance(vector := value.get("vector"), str):
        return ""
    version = value.get("version")
    return vector if vector.upper().startswith("CVSS:") or version == "2.0" else f"CVSS:{version}/{vector}"


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None
