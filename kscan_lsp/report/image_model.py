"""What a report says of images: each once, with the workloads that run it.

Counts are of images, never of workloads: ten Deployments of one image have its vulnerabilities once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from datetime import date

    from kscan_lsp.evidence.images import Vulnerability
    from kscan_lsp.findings import ResourceId, Severity


class ImagePlace(Struct, frozen=True):
    """A container that runs an image: where that is written, from 1, and by what its pod is reached from outside."""

    file: str
    line: int
    column: int
    resource: ResourceId
    container: str
    exposure: tuple[str, ...]


class ReportedImage(Struct, frozen=True):
    """An image as manifests refer to it. Without a `source`, nothing is known of it."""

    reference: str
    """As it is written where it is come to first; other places may write the same image in another way."""
    places: tuple[ImagePlace, ...]
    digest: str = ""
    source: str = ""
    made: date | None = None
    age_days: int | None = None
    system: str = ""
    end_of_life: bool = False
    vulnerabilities: tuple[Vulnerability, ...] = ()
    """Those that count, the worst first."""
    settled: tuple[Vulnerability, ...] = ()
    """Those of which somebody has said that they do not matter, or that are left out for having no fix."""
    counts: str = ""
    """How many there are of each severity, in words."""

    @property
    def exposure(self) -> tuple[str, ...]:
        """By what any of its workloads is reached from outside."""
        return tuple(dict.fromkeys(one for place in self.places for one in place.exposure))

    @property
    def workloads(self) -> tuple[ResourceId, ...]:
        """The workloads that run it, each once."""
        return tuple(dict.fromkeys(place.resource for place in self.places))


class ImageGate(Struct, frozen=True):
    """Which vulnerabilities of images make a scan fail: from a severity on, and such that are exploited."""

    fail_on: Severity | None = None
    kev: bool = False
    only_fixable: bool = False
    """Of these, only such that have a fix."""
    only_new: bool = False
    """Of these, only such that a change adds, where there is something to compare with."""

    @property
    def asks(self) -> bool:
        """Whether it is about any."""
        return self.fail_on is not None or self.kev

    def fails(self, one: Vulnerability) -> bool:
        """Whether a vulnerability makes a scan fail."""
        severe = self.fail_on is not None and one.severity is not None and one.severity >= self.fail_on
        return (severe or (self.kev and one.kev)) and bool(one.fixed or not self.only_fixable)
