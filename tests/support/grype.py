"""A small vulnerability database in the form of Grype's, schema 6.1, and inventories to match against it.

The tables are those that Grype 0.121.3 makes (`grype/db/v6`), with the columns and types that it writes.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any, NamedTuple

from kscan_lsp.evidence import vex

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


def purl_of(text: str) -> vex.Purl:
    found = vex.purl_of(text)
    assert found is not None
    return found


BUILT = "2026-01-09 06:00:00+00:00"
TABLES = """
CREATE TABLE `blobs` (`id` integer PRIMARY KEY AUTOINCREMENT,`value` text NOT NULL);
CREATE TABLE `db_metadata` (`build_timestamp` datetime NOT NULL,`model` integer NOT NULL,`revision` integer NOT NULL,
  `addition` integer NOT NULL);
CREATE TABLE `providers` (`id` text,`version` text,`processor` text,`date_captured` datetime,`input_digest` text,
  PRIMARY KEY (`id`));
CREATE TABLE `vulnerability_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`name` text NOT NULL,
  `status` text NOT NULL,`published_date` datetime,`modified_date` datetime,`withdrawn_date` datetime,
  `provider_id` text NOT NULL,`blob_id` integer,
  CONSTRAINT `fk_vulnerability_handles_provider` FOREIGN KEY (`provider_id`)
  REFERENCES `providers`(`id`));
CREATE TABLE `vulnerability_aliases` (`name` text,`alias` text NOT NULL,PRIMARY KEY (`name`,`alias`));
CREATE TABLE `operating_systems` (`id` integer PRIMARY KEY AUTOINCREMENT,`name` text,`release_id` text,
  `major_version` text,`minor_version` text,`label_version` text,`codename` text,`channel` text,`eol_date` datetime,
  `eoas_date` datetime);
CREATE TABLE `packages` (`id` integer PRIMARY KEY AUTOINCREMENT,`ecosystem` text,`name` text);
CREATE TABLE `affected_package_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`vulnerability_id` integer NOT NULL,
  `operating_system_id` integer,`package_id` integer,`blob_id` integer);
CREATE TABLE `unaffected_package_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`vulnerability_id` integer NOT NULL,
  `operating_system_id` integer,`package_id` integer,`blob_id` integer);
CREATE TABLE `operating_system_specifier_overrides` (`alias` text,`version` text,`version_pattern` text,`codename` text,
  `channel` text,`replacement` text,`replacement_major_version` text,`replacement_minor_version` text,
  `replacement_label_version` text,`replacement_channel` text,`rolling` numeric,`applicable_client_db_schemas` text);
CREATE TABLE `cpes` (`id` integer PRIMARY KEY AUTOINCREMENT,`part` text NOT NULL,`vendor` text,`product` text NOT NULL,
  `edition` text,`language` text,`software_edition` text,`target_hardware` text,`target_software` text,`other` text);
CREATE TABLE `package_cpes` (`cpe_id` integer,`package_id` integer,PRIMARY KEY (`cpe_id`,`package_id`));
CREATE TABLE `package_specifier_overrides` (`ecosystem` text,`replacement_ecosystem` text,
  PRIMARY KEY (`ecosystem`,`replacement_ecosystem`));
CREATE TABLE `architecture_aliases` (`alias` text,`canonical` text NOT NULL,PRIMARY KEY (`alias`));
CREATE TABLE `affected_cpe_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`vulnerability_id` integer NOT NULL,
  `cpe_id` integer,`blob_id` integer);
CREATE TABLE `unaffected_cpe_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`vulnerability_id` integer NOT NULL,
  `cpe_id` integer,`blob_id` integer);
CREATE TABLE `known_exploited_vulnerability_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`cve` text NOT NULL,
  `blob_id` integer);
CREATE TABLE `epss_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`cve` text NOT NULL,`epss` real NOT NULL,
  `percentile` real NOT NULL);
CREATE TABLE `epss_metadata` (`date` datetime NOT NULL);
CREATE TABLE `cwe_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`cve` text NOT NULL,`cwe` text NOT NULL,
  `source` text,`type` text);
"""
OTHER_NAMES = [
    # alias, pattern of versions, codename, replacement, minor version, label, rolling, schemas of readers
    ("centos", "", "", "rhel", None, None, 0, ""),
    ("rockylinux", "", "", "rhel", None, None, 0, ""),
    ("rocky", "", "", "rhel", None, None, 0, ""),
    ("almalinux", "", "", "rhel", None, None, 0, ""),
    ("rhel", r"^\d+\.\d+", "", None, "", None, 0, "< 6.0.3"),
    ("alpine", ".*_alpha.*", "", None, None, "edge", 1, ""),
    ("wolfi", "", "", None, None, None, 1, ""),
    ("oraclelinux", "", "", "ol", None, None, 0, ""),
    ("amazonlinux", "", "", "amzn", None, None, 0, ""),
    ("debian", "", "forky", None, None, "unstable", 1, ""),
]
ECOSYSTEMS = [
    ("pypi", "python"), ("golang", "go-module"), ("maven", "java-archive"), ("cargo", "rust-crate"),
    ("nuget", "dotnet"), ("composer", "php-composer"),
]  # fmt: skip
SYSTEMS = {
    # name, id in os-release, major, minor, label, codename, last day
    "debian12": ("debian", "debian", "12", "", "", "bookworm", "2028-06-30 00:00:00+00:00"),
    "debian10": ("debian", "debian", "10", "", "", "buster", "2024-06-30 00:00:00+00:00"),
    "sid": ("debian", "debian", "", "", "unstable", "sid", None),
    "ubuntu": ("ubuntu", "ubuntu", "22", "4", "", "jammy", None),
    "alpine317": ("alpine", "alpine", "3", "17", "", "", "2024-11-22 00:00:00+00:00"),
    "alpine318": ("alpine", "alpine", "3", "18", "", "", "2025-05-09 00:00:00+00:00"),
    "edge": ("alpine", "alpine", "", "", "edge", "", None),
    "rhel9": ("redhat", "rhel", "9", "", "", "", None),
    "alma9": ("almalinux", "almalinux", "9", "", "", "", None),
    "centos9": ("centos", "centos", "9", "", "", "", "2025-01-01 00:00:00+00:00"),
    "oracle8": ("oraclelinux", "ol", "8", "", "", "", None),
    "amazon2": ("amazonlinux", "amzn", "2", "", "", "", None),
    "wolfi": ("wolfi", "wolfi", "", "", "", "", None),
    "xenial": ("ubuntu", "ubuntu", "16", "4", "", "xenial", "2021-04-30 00:00:00+00:00"),
    "xenial+esm": ("ubuntu", "ubuntu", "16", "4", "", "xenial", None),
    "rhel9.4+eus": ("redhat", "rhel", "9", "4", "", "", None),
    "rhel9.6+eus": ("redhat", "rhel", "9", "6", "", "", None),
}


class Said(NamedTuple):
    """What a database says of a package and a vulnerability."""

    id: str
    where: str
    """A key of `SYSTEMS`, or an ecosystem."""
    package: str
    ranges: tuple[tuple[str, str, str], ...]
    """Constraint, version that fixes it, state of the fix."""
    aliases: tuple[str, ...] = ()
    ratings: tuple[object, ...] = ("high",)
    unaffected: bool = False
    qualifiers: dict[str, object] | None = None
    status: str = "active"
    provider: str = ""
    description: str = ""


FORMATS = {"xenial": "dpkg", "xenial+esm": "dpkg",
           "ubuntu": "dpkg", "sid": "dpkg", "wolfi": "apk", "edge": "apk", "npm": "semver", "python": "python",
           "go-module": "go", "java-archive": "maven", "gem": "gem"}  # fmt: skip
V31 = {"vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "version": "3.1"}


def _format(where: str) -> str:
    if where in FORMATS:
        return FORMATS[where]
    return next((f for k, f in (("debian", "dpkg"), ("alpine", "apk")) if where.startswith(k)), "") or (
        "rpm" if where in SYSTEMS else "semver"
    )


def database(path: Path, said: Iterable[Said], *, kev: Sequence[str] = (), epss: Sequence[tuple[str, float]] = (),
             schema: tuple[int, int, int] = (6, 1, 9)) -> Path:  # fmt: skip
    """Write a database."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as connection:
        connection.executescript(TABLES)
        connection.execute("INSERT INTO db_metadata VALUES (?, ?, ?, ?)", (BUILT, *schema))
        _names(connection)
        for one in said:
            _say(connection, one)
        for cve in kev:
            blob = _blob(connection, {"cve": cve, "date_added": "2026-01-02T00:00:00Z"})
            connection.execute(
                "INSERT INTO known_exploited_vulnerability_handles (cve, blob_id) VALUES (?, ?)", (cve, blob)
            )
        connection.execute("INSERT INTO epss_metadata VALUES (?)", (BUILT,))
        for cve, chance in epss:
            connection.execute(
                "INSERT INTO epss_handles (cve, epss, percentile) VALUES (?, ?, 0.5)", (cve, chance)
            )
    connection.close()
    return path


def _names(connection: sqlite3.Connection) -> None:
    for alias, pattern, codename, name, minor, label, rolling, schemas in OTHER_NAMES:
        connection.execute(
            "INSERT INTO operating_system_specifier_overrides VALUES (?, '', ?, ?, '', ?, NULL, ?, ?, NULL, ?, ?)",
            (alias, pattern, codename, name, minor, label, rolling, schemas),
        )
    connection.executemany("INSERT INTO package_specifier_overrides VALUES (?, ?)", ECOSYSTEMS)
    for number, (key, (name, release, major, minor, label, codename, end)) in enumerate(SYSTEMS.items(), 1):
        channel = key.partition("+")[2]
        connection.execute(
            "INSERT INTO operating_systems VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            (number, name, release, major, minor, label, codename, channel, end),
        )


def _blob(connection: sqlite3.Connection, value: object) -> int:
    return connection.execute("INSERT INTO blobs (value) VALUES (?)", (json.dumps(value),)).lastrowid or 0


def _say(connection: sqlite3.Connection, one: Said) -> None:
    provider = one.provider or (SYSTEMS[one.where][0] if one.where in SYSTEMS else "github")
    connection.execute(
        "INSERT OR IGNORE INTO providers VALUES (?, '1', 'vunnel', ?, 'xxh64:0')", (provider, BUILT)
    )
    advisory = {
        "id": one.id,
        "description": one.description,
        "refs": [{"url": f"https://example.com/{one.id}"}],
        "aliases": list(one.aliases),
        "severities": [
            {"scheme": "CVSS" if isinstance(rating, dict) else "CHML", "value": rating, "rank": number}
            for number, rating in enumerate(one.ratings, 1)
        ],
    }
    row = connection.execute(
        "INSERT INTO vulnerability_handles (name, status, provider_id, blob_id) VALUES (?, ?, ?, ?)",
        (one.id, one.status, provider, _blob(connection, advisory)),
    )
    if not one.package:
        return
    ecosystem = (
        one.where if one.where not in SYSTEMS else {"dpkg": "deb"}.get(_format(one.where), _format(one.where))
    )
    found = connection.execute(
        "SELECT id FROM packages WHERE ecosystem = ? AND name = ?", (ecosystem, one.package)
    ).fetchone()
    package = found[0] if found else connection.execute(
        "INSERT INTO packages (ecosystem, name) VALUES (?, ?)", (ecosystem, one.package)
    ).lastrowid  # fmt: skip
    about: dict[str, Any] = {
        "cves": [name for name in (one.id, *one.aliases) if name.startswith("CVE-")],
        "ranges": [
            {
                "version": {"type": _format(one.where), "constraint": constraint},
                "fix": {"version": fixed, "state": state},
            }
            for constraint, fixed, state in one.ranges
        ],
    }
    if one.qualifiers:
        about["qualifiers"] = one.qualifiers
    table = "unaffected_package_handles" if one.unaffected else "affected_package_handles"
    system = list(SYSTEMS).index(one.where) + 1 if one.where in SYSTEMS else None
    connection.execute(
        f"INSERT INTO {table} (vulnerability_id, operating_system_id, package_id, blob_id) "  # noqa: S608
        "VALUES (?, ?, ?, ?)",
        (row.lastrowid, system, package, _blob(connection, about)),
    )


def _named(purl: str) -> str:
    """What Syft calls a package."""
    found = purl_of(purl)
    whole = found.type in {"npm", "golang", "composer"}
    return found.written if whole else found.written.rpartition("/")[2]


def sbom(system: tuple[str, str] | None, purls: Sequence[str], name: str = "shop:1") -> dict[str, Any]:
    """A CycloneDX document as Syft writes it of an image."""
    components: list[dict[str, Any]] = [
        {"bom-ref": purl, "type": "library", "name": _named(purl), "version": purl_of(purl).version, "purl": purl}
        for purl in purls
    ]  # fmt: skip
    if system:
        components.append(
            {
                "bom-ref": "os",
                "type": "operating-system",
                "name": system[0],
                "version": system[1],
                "properties": [
                    {"name": "syft:distro:id", "value": system[0]},
                    {"name": "syft:distro:versionID", "value": system[1]},
                ],
            }
        )
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": "2026-01-05T00:00:00Z",
            "tools": {"components": [{"type": "application", "name": "syft", "version": "1.40.0"}]},
            "component": {
                "bom-ref": "image",
                "type": "container",
                "name": name,
                "version": "sha256:" + "ab" * 32,
            },
        },
        "components": components,
    }


def answers(
    grype: str, database: Path, folder: Path, document: dict[str, Any]
) -> dict[str, list[tuple[str, str]]]:
    """What Grype itself finds in an inventory by a database: ids and what fixes them, by package URL."""
    folder.mkdir(parents=True, exist_ok=True)
    cache = folder / "cache"
    quiet = {
        "GRYPE_DB_AUTO_UPDATE": "false",
        "GRYPE_CHECK_FOR_APP_UPDATE": "false",
        "GRYPE_DB_VALIDATE_AGE": "false",
    }
    environment = {**os.environ, **quiet, "GRYPE_DB_CACHE_DIR": str(cache)}
    if not cache.exists():
        shutil.copy(database, folder / "vulnerability.db")
        with tarfile.open(folder / "db.tar.gz", "w:gz") as tar:
            tar.add(folder / "vulnerability.db", "vulnerability.db")
        command = [grype, "db", "import", str(folder / "db.tar.gz")]
        subprocess.run(command, env=environment, check=True, capture_output=True)
    (folder / "sbom.json").write_text(json.dumps(document))
    command = [grype, f"sbom:{folder / 'sbom.json'}", "-o", "json", "-q"]
    done = subprocess.run(command, env=environment, check=True, capture_output=True)
    found: dict[str, list[tuple[str, str]]] = {}
    for match in json.loads(done.stdout)["matches"]:
        one = match["vulnerability"]
        fixed = ", ".join(sorted(one["fix"]["versions"] or []))
        found.setdefault(match["artifact"]["purl"], []).append((one["id"], fixed))
    return {purl: sorted(set(entries)) for purl, entries in found.items()}
