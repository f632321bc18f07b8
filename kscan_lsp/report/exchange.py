"""What the formats for other programs share: names of files that those find, one id for each finding, texts that fit.

Forges show a finding in the source where the file's name counts from the root of the repository, whatever folder the
scan was started in. They also take two findings with one id for one finding, so a second one gets an id of its own.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections import Counter
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from kscan_lsp.report.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.findings import ResourceId
    from kscan_lsp.report.model import Report, Reported

_ELLIPSIS: Final = "\u2026"


def repository_name(report: Report, file: str) -> str:
    """A file's name from the root of the repository; as the report has it where it lies in none."""
    where = report.circumstances
    if posixpath.isabs(file):
        above = where.repository.rstrip("/") + "/"
        return file.removeprefix(above) if where.repository else file
    return posixpath.normpath(posixpath.join(where.inside, file)) if where.inside else file


def relative_uri(name: str) -> str:
    """A relative name as a URI reference: everything but slashes and what needs no quoting is percent-encoded."""
    return quote(name.encode("utf-8", "backslashreplace"), safe="/")


def file_uri(name: str) -> str:
    """An absolute name, such as `/srv/a b.yaml` or `C:/a.yaml`, as a URI."""
    drive, colon, rest = name.partition(":")
    if colon and len(drive) == 1:
        return f"file:///{drive}:{relative_uri(rest)}"
    return f"file://{relative_uri(name)}"


def is_absolute(name: str) -> bool:
    """Whether a file's name is one that counts from the root of a file system."""
    return posixpath.isabs(name) or name[1:3] == ":/"


def worst_first(entries: Iterable[Reported]) -> list[Reported]:
    """Findings by severity, the worst first, else in the report's order."""
    return sorted(entries, key=lambda entry: -entry.finding.severity)


def identified(entries: Iterable[Reported]) -> Iterator[tuple[str, Reported]]:
    """Each finding with an id that no other of them has: its fingerprint, and from the second on a hash of that.

    A fingerprint names a finding in its project, and a report may be about several: two folders with settings of their
    own may declare the same object.
    """
    seen: Counter[str] = Counter()
    for entry in entries:
        own = entry.fingerprint
        number = seen[own]
        seen[own] += 1
        if number:
            own = f"v1:{hashlib.sha256(f'{own} {number}'.encode()).hexdigest()[:32]}"
        yield own, entry


def named(who: ResourceId) -> str:
    """An object in words: `Deployment shop/web`."""
    return printable(f"{who.kind} {f'{who.namespace}/' if who.namespace else ''}{who.shown_name}")


def one_line(text: str) -> str:
    """Text as it may be shown anywhere, on one line."""
    return " ".join(printable(text).split())


def shortened(text: str, most: int) -> str:
    """Text of at most so many characters, cut at a word where that is near."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    at_word = cut.rfind(" ")
    return (cut[:at_word] if at_word > most * 3 // 4 else cut).rstrip() + _ELLIPSIS


def web_addresses(references: Iterable[str]) -> list[str]:
    """Those references that a browser opens."""
    return [address for address in references if address.startswith(("https://", "http://"))]
