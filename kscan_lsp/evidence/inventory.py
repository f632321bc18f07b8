"""What an image consists of: its packages and its distribution, as a software bill of materials (SBOM) lists them.

An inventory says nothing of vulnerabilities. `evidence/matching.py` makes a report of it, where there is a database.
Sources: the purl specification, and what Syft and Trivy write besides (`upstream`, `SrcName`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.evidence.vex import purl_of
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

_MAX: Final = 300
"""Characters of a name or a version; longer ones are no package's."""


CHANNELS: Final = {"rhel": "eus", "ubuntu": "esm"}
"""The extended support of distributions (`DefaultFixChannels` in `grype/distro/fix_channel.go`)."""


class System(Struct, frozen=True):
    """A distribution, as its os-release names it: `debian`, `12.5`, `bookworm`.

    The version of one whose packages are from an extended support says so, as Grype writes that: `9.4+eus`.
    """

    name: str
    version: str = ""
    codename: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version or self.codename}".rstrip()

    @property
    def channel(self) -> str:
        """The extended support that its packages are from: `eus` of Red Hat, `esm` of Ubuntu; mostly empty."""
        own = CHANNELS.get(self.name, "")
        said = re.split(r"[+,]", self.version.lower())[1:]
        return own if own in said else ""


class Package(Struct, frozen=True):
    """A package that is installed."""

    kind: str
    """The type of its package URL: `deb`, `npm`, ..."""
    name: str
    """As its ecosystem calls it: `libssl3`, `@angular/core`, `org.slf4j:slf4j-api`."""
    version: str
    purl: str
    upstreams: tuple[tuple[str, str], ...] = ()
    """Name and version of what it was built from; the version is empty where that is its own."""
    arch: str = ""
    module: str | None = None
    """The module stream of an rpm; None where the inventory does not say."""
    system: System | None = None
    """Of its package URL."""


class Inventory(Struct, frozen=True, eq=False):
    """The packages of one image."""

    names: tuple[str, ...]
    digests: frozenset[str]
    packages: tuple[Package, ...]
    system: System | None = None
    pinned: str = ""
    made: date | None = None


_IDS: Final = {
    "redhat": "rhel", "amazon": "amzn", "oracle": "ol", "suse linux enterprise server": "sles", "alma": "almalinux",
    "opensuse.leap": "opensuse-leap", "cbl-mariner": "mariner",
}  # fmt: skip
"""What Trivy calls distributions that call themselves something else."""


def system_of(
    name: str | None, version: str | None, codename: str | None = None, *, extended: bool = False
) -> System | None:
    """A distribution by what an inventory says of it, `extended` of its support; None where that is nothing."""
    plain = (name or "").strip().lower()
    said = (version or "").strip()
    if not plain or len(plain) + len(said) > _MAX:
        return None
    if said and not any(character.isdigit() for character in said):
        return System(_IDS.get(plain, plain), "", codename or said)
    found = System(_IDS.get(plain, plain), said, codename or "")
    if extended and not found.channel and (channel := CHANNELS.get(found.name)):
        return System(found.name, f"{said}+{channel}", found.codename)
    return found


def package_of(
    purl: str | None,
    *,
    upstreams: Iterable[tuple[str | None, str | None]] = (),
    source_rpm: str | None = None,
    module: str | None = None,
) -> Package | None:
    """A package by its package URL; None where there is none, or none that anybody could match.

    Args:
        purl: the package URL.
        upstreams: name and version of what it was built from, besides what its package URL says.
        source_rpm: the file name of the source package of an rpm.
        module: the module stream of an rpm.
    """
    found = purl_of(purl or "")
    if purl is None or found is None or not found.version or len(purl) > 4 * _MAX:
        return None
    said = dict(found.qualifiers)
    version = found.version
    epoch = said.get("epoch", "")
    if found.type in {"deb", "rpm"} and epoch.isdigit() and ":" not in version:
        version = f"{epoch}:{version}"
    name = _name(found.type, found.written)
    built = [*upstreams, *_upstream(found.type, said.get("upstream", ""))]
    if source_rpm:
        built += _upstream("rpm", source_rpm)
    namespace = found.name.rpartition("/")[0]
    return Package(
        found.type,
        name[:_MAX],
        version[:_MAX],
        purl,
        tuple(
            dict.fromkeys(
                (one[:_MAX], (of or "")[:_MAX])
                for one, of in built
                # what is built from itself is looked up by its own name
                if one and (one != name or (found.type == "deb" and of not in {None, "", version}))
            )
        ),
        said.get("arch", "")[:40],
        module,
        _system(said.get("distro", ""), namespace),
    )


def _name(kind: str, written: str) -> str:
    """What a package of a type is called in its ecosystem."""
    space, _, name = written.rpartition("/")
    if kind == "maven":
        return f"{space}:{name}"
    if kind == "pypi":
        return re.sub(r"[-_.]+", "-", name)
    return written if kind in {"npm", "golang", "composer", "swift", "github", "hex"} else name


_SOURCE_RPM: Final = regex(r"(?P<name>.+)-(?P<version>[^-]+)-(?P<release>[^-]+?)(?:\.src)?(?:\.rpm)?")


def _upstream(kind: str, text: str) -> list[tuple[str, str]]:
    """What a package was built from, as Syft writes it into package URLs."""
    if not text or len(text) > _MAX:
        return []
    if kind != "rpm":
        name, _, version = text.partition("@")
        return [(name, version)]
    found = _SOURCE_RPM.fullmatch(text)
    return [(found["name"], f"{found['version']}-{found['release']}")] if found else []


def _system(text: str, namespace: str) -> System | None:
    """The distribution that a package URL names: `debian-12.2`, and from Trivy of Alpine only `3.18.4`."""
    if not text:
        return None
    if text[0].isdigit():
        return system_of(namespace, text)
    cut = re.match(r"(opensuse-leap|[^-:@]+)[-:@]?(.*)", text)
    return system_of(cut[1], cut[2]) if cut else None
