"""The vulnerabilities that a change adds, for a comment on a pull request: a table of each image that is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.evidence.image_facts import counts_text
from kscan_lsp.report.comment import CommentPart, escaped, fold, plain, row
from kscan_lsp.report.printable import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp.evidence.images import Vulnerability
    from kscan_lsp.report.added import AddedImage

_HEAD = ("severity", "vulnerability", "package", "installed", "fixed in", "exploited")


def added_parts(images: Sequence[AddedImage]) -> Iterator[CommentPart]:
    """A line on what comes with new images, and a table for each that has something new."""
    if not images:
        return
    number = sum(len(one.added) for one in images)
    found = counted(number, "vulnerability", "vulnerabilities")
    total = f"**{counted(len(images), 'new image')}, {found} that nothing had before**"
    lines = [_line(one) for one in images]
    yield CommentPart((total, ""), lines, len(lines), ("",))
    for one in images:
        if one.added:
            summary = f"{escaped(one.image.reference)}: {len(one.added)} new"
            yield fold(summary, _HEAD, map(_row, one.added), len(one.added))


def _line(one: AddedImage) -> str:
    said = f"{len(one.added)} new ({counts_text(one.added)})" if one.added else "nothing new"
    if one.before:
        said += f", {one.gone} gone since {', '.join(one.before)}"
    if one.unknown:
        said += f"; no report is about {', '.join(one.unknown)}, so all of it counts as new"
    if one.added and one.image.exposure:
        said += f"; reachable from outside ({', '.join(one.image.exposure[:3])})"
    return f"- {plain(one.image.reference)}: {plain(said)}"


def _row(one: Vulnerability) -> str:
    return row((
        one.severity.label if one.severity else "not rated",
        plain(one.id),
        plain(one.package),
        plain(one.installed),
        plain(", ".join(one.fixed)),
        "yes" if one.kev else "",
    ))  # fmt: skip
