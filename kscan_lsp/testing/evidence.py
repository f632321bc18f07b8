"""What a test of a control says is known besides its manifest.

Of images it is written as a scanner sees them, so that a test has all that controls see of them: counts, names and ages
are made as they are of a report.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from kscan_lsp.evidence.image_facts import image_facts
from kscan_lsp.evidence.images import ImageReport, Vulnerability, full_name
from kscan_lsp.evidence.model import IMAGES, Evidence, Known, facts
from kscan_lsp.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_AGE: Final = 30
"""Days that a report may be old, as in settings that say nothing."""


class TestVulnerability(Struct, forbid_unknown_fields=True, rename="camel"):
    """A vulnerability in a test."""

    id: str
    package: str
    severity: str = ""
    fixed: list[str] = []
    kev: bool = False
    rce: bool = False


class TestImage(Struct, forbid_unknown_fields=True, rename="camel"):
    """An image in a test."""

    name: str
    vulnerabilities: list[TestVulnerability] = []
    system: str = ""
    end_of_life: bool = False
    made: str = ""


def evidence_of(said: Mapping[str, Any], today: date) -> tuple[Evidence, str]:
    """What a test says is known, and what is wrong with that."""
    kinds: dict[str, Known] = {}
    try:
        for kind, data in said.items():
            kinds[kind] = facts(data)
            if kind == IMAGES:
                images = [_report(one) for one in msgspec.convert(data, list[TestImage])]
                kinds[kind] = image_facts(images, (), today, max_age_days=_MAX_AGE)
    except (KeyError, ValueError, msgspec.ValidationError) as error:
        return Evidence(today), f"the evidence of this test is not as it has to be: {error}"
    return Evidence(today, kinds), ""


def _report(image: TestImage) -> ImageReport:
    found = tuple(
        Vulnerability(
            one.id,
            one.package,
            fixed=tuple(one.fixed),
            severity=Severity[one.severity.upper()] if one.severity else None,
            kev=one.kev,
            rce=one.rce,
        )
        for one in image.vulnerabilities
    )
    made = msgspec.convert(image.made, date) if image.made else None
    return ImageReport(
        (full_name(image.name),),
        frozenset(),
        found,
        "a scanner",
        made=made,
        system=image.system,
        end_of_life=image.end_of_life,
    )
