"""What is known of images: their vulnerabilities, as some scanner saw them, found by digest or by name.

An image that a manifest pins by a digest is matched by the digest, whatever it is called, because that is the content.
Any other is matched by its full name, as a container runtime reads it. A report of a tag says nothing of a digest
unless it names no digest at all: the tag may have moved.

Left out on purpose: the forms that reports have (`sources/`), where their files lie (`workspace/images.py`), and what
of this is a finding (controls).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.kubernetes.images import image_ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from kscan_lsp.findings import Severity

SETTLED: Final = frozenset({"not_affected", "fixed", "ignored"})
"""The statuses of what counts no more."""


class Vulnerability(Struct, frozen=True, gc=False):
    """One known vulnerability of one package of an image."""

    id: str
    package: str
    installed: str = ""
    fixed: tuple[str, ...] = ()
    """The versions that have it no more; empty where nobody has said of one."""
    severity: Severity | None = None
    """None where the source has none for it."""
    aliases: tuple[str, ...] = ()
    purl: str = ""
    vector: str = ""
    """CVSS, version 3 or 4, as it is usually written."""
    score: float = 0.0
    epss: float | None = None
    """The probability, from 0 to 1, that it is exploited within 30 days (FIRST's EPSS)."""
    kev: bool = False
    """Whether CISA's catalogue of known exploited vulnerabilities has it."""
    rce: bool = False
    """Whether it lets somebody on the network run code."""
    title: str = ""
    url: str = ""
    status: str = ""
    """Of a VEX statement: affected, not_affected, fixed, under_investigation; or ignored, or empty."""
    reason: str = ""
    """Why, in the words of who said so, and who that is."""
    justification: str = ""
    """Why it does not matter, as one of OpenVEX's words; empty where nobody has used one."""

    @property
    def counts(self) -> bool:
        """Whether it is to be dealt with: nobody has said that it does not matter here."""
        return self.status not in SETTLED

    @property
    def ids(self) -> frozenset[str]:
        """All that it is called."""
        return frozenset((self.id, *self.aliases))

    @property
    def rank(self) -> tuple[bool, bool, int, float, float, bool]:
        """What is worse than something else is greater."""
        return (
            self.counts,
            self.kev,
            self.severity or 0,
            self.epss or 0.0,
            self.score,
            bool(self.fixed),
        )


class ImageReport(Struct, frozen=True, eq=False):
    """What one source says of one image."""

    names: tuple[str, ...]
    """What it is called, in full (`full_name`)."""
    digests: frozenset[str]
    """Of its manifests, indexes and configuration: `sha256:` and so on."""
    vulnerabilities: tuple[Vulnerability, ...]
    tool: str
    version: str = ""
    made: date | None = None
    system: str = ""
    """The distribution that it is built on, such as `debian 12.5`; empty where it is not known."""
    end_of_life: bool = False
    """Whether that gets no updates any more."""
    file: str = ""
    """Where it was read."""
    pinned: str = ""
    """The digest under which a registry has it; empty where the source does not say."""

    @property
    def source(self) -> str:
        """Who says so."""
        return f"{self.tool} {self.version}".rstrip()


def full_name(text: str) -> str:
    """An image reference with everything that is left out filled in, but a digest: `docker.io/library/nginx:latest`."""
    ref = image_ref(text)
    return f"{ref['name']}:{ref['tag'] or 'latest'}" if ref["name"] else ""


def identity(text: str) -> str:
    """What is the same for references of the same image: its full name with its digest, or with its tag."""
    ref = image_ref(text)
    if not ref["name"]:
        return text
    return f"{ref['name']}@{ref['digest']}" if ref["digest"] else f"{ref['name']}:{ref['tag'] or 'latest'}"


class Images(Struct, frozen=True, eq=False):
    """What all sources say of images; made by `images_of`."""

    by_digest: Mapping[str, ImageReport] = {}
    by_name: Mapping[str, ImageReport] = {}
    reports: tuple[ImageReport, ...] = ()
    """Each image once, in the order in which they were come to."""

    def of(self, image: str) -> ImageReport | None:
        """What is known of an image, by how a manifest refers to it."""
        ref = image_ref(image)
        if not ref["digest"]:
            return self.by_name.get(f"{ref['name']}:{ref['tag'] or 'latest'}")
        found = self.by_digest.get(ref["digest"])
        if found is None and ref["tag"]:
            named = self.by_name.get(f"{ref['name']}:{ref['tag']}")
            found = named if named is not None and not named.digests else None
        return found


def images_of(reports: Iterable[ImageReport]) -> Images:
    """Reports by what they are about.

    Those of one image by several tools are made one; of one tool the newest counts.
    """
    by_digest: dict[str, list[ImageReport]] = {}
    by_name: dict[str, list[ImageReport]] = {}
    for report in reports:
        for digest in report.digests:
            by_digest.setdefault(digest, []).append(report)
        for name in report.names:
            by_name.setdefault(name, []).append(report)
    made: dict[tuple[int, ...], ImageReport] = {}

    def one_of(found: list[ImageReport]) -> ImageReport:
        chosen = _newest(found)
        key = tuple(map(id, chosen))
        if key not in made:
            made[key] = _merged(chosen)
        return made[key]

    digests = {digest: one_of(found) for digest, found in by_digest.items()}
    names = {name: one_of(found) for name, found in by_name.items()}
    return Images(digests, names, tuple(made.values()))


def _newest(reports: list[ImageReport]) -> list[ImageReport]:
    """The newest report of each tool, the newest of all first."""
    newest: dict[str, ImageReport] = {}
    for report in reports:
        known = newest.get(report.tool)
        if known is None or _day(report) > _day(known):
            newest[report.tool] = report
    return sorted(newest.values(), key=_day, reverse=True)


def _day(report: ImageReport) -> int:
    return report.made.toordinal() if report.made else 0


def _merged(reports: list[ImageReport]) -> ImageReport:
    first, *others = reports
    if not others:
        return first
    found = list(first.vulnerabilities)
    for other in others:
        places = {(name, one.package): n for n, one in enumerate(found) for name in one.ids}
        for more in other.vulnerabilities:
            at = next(
                (places[name, more.package] for name in more.ids if (name, more.package) in places), None
            )
            if at is None:
                found.append(more)
            else:
                found[at] = _completed(found[at], more)
    return ImageReport(
        tuple(dict.fromkeys(name for one in reports for name in one.names)),
        frozenset().union(*(one.digests for one in reports)),
        tuple(found),
        " and ".join(one.source for one in reports),
        made=first.made,
        system=next((one.system for one in reports if one.system), ""),
        end_of_life=any(one.end_of_life for one in reports),
        file=first.file,
        pinned=next((one.pinned for one in reports if one.pinned), ""),
    )


def _completed(one: Vulnerability, other: Vulnerability) -> Vulnerability:
    """A vulnerability with what another source knows of it besides."""
    return replace(
        one,
        fixed=one.fixed or other.fixed,
        severity=other.severity if one.severity is None else one.severity,
        aliases=tuple(dict.fromkeys((*one.aliases, *sorted(other.ids - one.ids)))),
        purl=one.purl or other.purl,
        vector=one.vector or other.vector,
        score=one.score or other.score,
        epss=other.epss if one.epss is None else one.epss,
        kev=one.kev or other.kev,
        rce=one.rce or other.rce,
        status=one.status or other.status,
        reason=one.reason or other.reason,
        justification=one.justification or other.justification,
    )
