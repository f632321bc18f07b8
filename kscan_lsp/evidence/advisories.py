"""What a vulnerability database says, as matching asks for it (`matching.py`): of packages, and of vulnerabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from kscan_lsp.evidence.inventory import System


class AffectedRange(Struct, frozen=True):
    """Versions that are affected, and what fixes them."""

    constraint: str
    format: str
    fixed: str = ""
    """Empty where there is no fix, or none will come."""


class Record(Struct, frozen=True):
    """What the database says of one package and one vulnerability."""

    vulnerability: int
    """Its number in the database."""
    ranges: tuple[AffectedRange, ...]
    cves: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    """CPEs of what it must run on."""
    module: str | None = None
    arch: str = ""
    only_rootio: bool = False


class Advisory(Struct, frozen=True):
    """What the database says of one vulnerability."""

    id: str
    provider: str
    rejected: bool = False
    aliases: tuple[str, ...] = ()
    description: str = ""
    url: str = ""
    ratings: tuple[str, ...] = ()
    """Words or CVSS vectors, the one that counts first."""
    weaknesses: tuple[str, ...] = ()
    epss: float | None = None
    kev: bool = False


class Database(Protocol):
    """What matching asks of a database."""

    version: str
    built: date | None

    def systems(self, system: System, *, exactly: bool = False, channel: str = "") -> tuple[int, ...]:
        """The numbers of the releases whose records hold for a distribution; `exactly` its own, or of a `channel`."""

    def ended(self, system: System, today: date) -> bool:
        """Whether a distribution gets no updates any more."""

    def of_system(self, name: str, systems: Sequence[int], *, unaffected: bool = False) -> Iterable[Record]:
        """What is said of a package of a distribution."""

    def of_ecosystem(self, name: str, kind: str, *, unaffected: bool = False) -> Iterable[Record]:
        """What is said of a package of an ecosystem, by the type of its package URL."""

    def advisory(self, number: int) -> Advisory:
        """What is said of a vulnerability."""

    def nvd(self, cve: str) -> Advisory | None:
        """What the National Vulnerability Database says of one."""
