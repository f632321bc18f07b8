"""What the forms of reports share: bounds, texts made harmless, and words that all of them use."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp.evidence.images import full_name
from kscan_lsp.findings import Severity
from kscan_lsp.kubernetes.images import begins_digest, image_ref
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.evidence.images import ImageReport
    from kscan_lsp.evidence.inventory import Inventory
    from kscan_lsp.evidence.vex import Statement

MAX_VULNERABILITIES: Final = 50_000
"""Of one image; the largest that were seen have some 5,000."""
MAX_TEXT: Final = 300
"""Characters of a title or a reason."""
MAX_NAME: Final = 500
"""Characters of a name, a version or an address."""


class ReportError(Exception):
    """A file is not what it looks like; the text says why it is left out."""


class OwnReportError(ReportError):
    """A file was written by this program: it says nothing that was not known, and would keep alive what is not."""


PROGRAM: Final = "kscan"
"""What the reports of this program name as their tool."""


class Contents(NamedTuple):
    """What a file says: of images, and of vulnerabilities that do not matter, or do."""

    images: tuple[ImageReport, ...] = ()
    statements: tuple[Statement, ...] = ()
    note: str = ""
    """Why nothing follows from it although it is well-formed."""
    inventories: tuple[Inventory, ...] = ()
    """The packages of images, of which nobody has said yet what is wrong with them."""


def clean(text: str | None, most: int = MAX_NAME) -> str:
    """A text on one line, without what does not print, and not longer than anybody reads."""
    if not text:
        return ""
    if len(text) > most:
        text = f"{text[: most - 3]}..."
    if text.isprintable():
        return text
    spaced = " ".join(text.split())
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in spaced)


def first_line(text: str | None) -> str:
    """What a long text begins with."""
    return clean(text[: 4 * MAX_TEXT].strip(), MAX_TEXT) if text else ""


def link(text: str | None) -> str:
    """An address of the web; empty where it is anything else."""
    found = clean(text)
    return found if found.startswith(("https://", "http://")) and " " not in found else ""


_DIGEST: Final = regex(r"(?:sha256|blake3):[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_SEVERITIES: Final = {
    "critical": Severity.CRITICAL, "high": Severity.HIGH, "important": Severity.HIGH, "medium": Severity.MEDIUM,
    "moderate": Severity.MEDIUM, "low": Severity.LOW, "negligible": Severity.LOW, "none": Severity.LOW,
    "info": Severity.LOW,
}  # fmt: skip


def severity_of(text: str | None) -> Severity | None:
    """A severity by any of the words for it; None where it is not rated."""
    return _SEVERITIES.get((text or "").lower())


def severity_of_score(score: float) -> Severity | None:
    """The severity that a CVSS score stands for (FIRST's qualitative rating scale); None for 0."""
    return Severity.of_score(score) if score > 0 else None


def score_of(number: float | None) -> float:
    """A CVSS score; 0 where it is none."""
    return float(number) if number is not None and 0 <= number <= 10 else 0.0


def chance_of(number: float | None) -> float | None:
    """A probability; None where it is none."""
    return float(number) if number is not None and 0 <= number <= 1 else None


def day_of(text: str | None) -> date | None:
    """The day of a time in RFC 3339; None where it is none, or before there were reports."""
    try:
        found = date.fromisoformat((text or "")[:10])
    except ValueError:
        return None
    return found if found.year >= 2000 else None


def moment_of(text: str | None) -> str:
    """A time in RFC 3339 as a text that sorts, whatever zone it was written in; empty where it is none."""
    try:
        found = datetime.fromisoformat(clean(text, 40))
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        return found.astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError):
        return ""


def names_in(references: Iterable[str | None]) -> tuple[str, ...]:
    """The full names among some references; those by digest alone have none."""
    found: dict[str, None] = {}
    for text in references:
        reference = clean(text)
        ref = image_ref(reference)
        if ref["name"] and (ref["tag"] or not ref["digest"]) and not begins_digest(reference):
            found[full_name(reference)] = None
    return tuple(found)


def digests_in(references: Iterable[str | None]) -> frozenset[str]:
    """The digests among some references and digests."""
    texts = (clean(text) for text in references)
    found = (text if begins_digest(text) else image_ref(text)["digest"] for text in texts if text)
    return frozenset(one for one in found if _DIGEST.fullmatch(one))


def first_digest(references: Iterable[str | None]) -> str:
    """The digest of the first reference that has one; empty where none has."""
    return next((digest for one in references if one for digest in digests_in((one,))), "")


def is_archive(name: str) -> bool:
    """Whether what was scanned is called like a file; the image in it has tags of its own."""
    return name.startswith("/") or name.endswith((".tar", ".tar.gz", ".tgz"))


NOT_LOOKED: Final = (
    "it lists packages and no vulnerabilities: have a scanner read it ('grype sbom:FILE -o json', 'trivy sbom FILE "
    "-f json'), and keep what that writes"
)
"""What is to be said of an inventory."""


def refuse_too_many(number: int) -> None:
    """Stop at what no image has.

    Raises:
        ReportError: there are more vulnerabilities than are read.
    """
    if number > MAX_VULNERABILITIES:
        raise ReportError(
            f"it lists {number:,} vulnerabilities of one image, and no more than {MAX_VULNERABILITIES:,} are read"
        )


_CODE: Final = regex(
    r"remote code execution|\brce\b|(?:execute|run|executing|running) (?:arbitrary|malicious|shell) (?:code|commands?)"
    r"|(?:arbitrary|remote) (?:code|command) execution|(?:code|command) injection",
    re.IGNORECASE,
)
_CODE_WEAKNESSES: Final = frozenset(
    {"CWE-77", "CWE-78", "CWE-94", "CWE-95", "CWE-502", "CWE-917", "CWE-1336"}
)
"""Injection of commands, code and expressions, and deserialization of what is not trusted (MITRE's CWE)."""


def runs_code(texts: Iterable[str | None], weaknesses: Iterable[str], vector: str) -> bool:
    """Whether a vulnerability lets somebody run code who is not on the machine, as far as its description tells."""
    if "/AV:L" in vector or "/AV:P" in vector:
        return False
    return not _CODE_WEAKNESSES.isdisjoint(weaknesses) or any(
        _CODE.search(text[:4_000]) for text in texts if text
    )
