"""Fixes of what overlays build, made in bases and patches, and proven by building again.

All fixes of one overlay are made together, and what comes of them is built and judged once: each document that it
builds has to be what it was with the changes of the fixes and nothing else, other overlays may change at the same paths
only, what was fixed has to be gone, and nothing may be new. Where that does not hold, half of them are tried, and so
on.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from kscan_lsp.cli.asked import Past
from kscan_lsp.cli.fix import FixedFile
from kscan_lsp.cli.judged import judged, to_judge_again
from kscan_lsp.cli.overlays import built_overlays
from kscan_lsp.files import encoding
from kscan_lsp.files.writing import behind_links
from kscan_lsp.fixes.fix_all import is_open
from kscan_lsp.fixes.overlays import OverlayFix, SourceEdits, are_as_wanted, are_gone, overlay_fixes
from kscan_lsp.render.kustomize.files import EditedFiles
from kscan_lsp.workspace.results import CheckedFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from kscan_lsp.cli.fix import FixResult
    from kscan_lsp.cli.judged import ScannedFile
    from kscan_lsp.cli.scan import Scan
    from kscan_lsp.cli.to_judge import OverlayToJudge

MOST_BUILDS: Final = 40
"""How often overlays are built again to find out which fixes hold."""


class _Made(NamedTuple):
    """A fix that holds, and the files that it changes, by their real paths."""

    fix: OverlayFix
    files: frozenset[str]


@dataclass
class _Attempt:
    """What is known to hold so far."""

    scan: Scan
    today: date
    builds: int = 0
    held: list[_Made] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    overlays: tuple[OverlayToJudge, ...] = ()
    files: tuple[ScannedFile, ...] = ()


def fix_overlays(scan: Scan, result: FixResult, today: date, *, unsafe: bool) -> tuple[FixResult, Scan]:
    """Make what can be fixed in what overlays build, in files below what was named.

    Args:
        scan: the files as judged.
        result: what is fixed in manifests.
        today: the day that they are judged on.
        unsafe: all fixes, and not only the safe ones.

    Returns:
        The result with these, and the scan with what overlays build then.
    """
    attempt = _Attempt(scan, today, overlays=scan.overlays, files=scan.files)
    wanted = [*_fixes(scan)]
    for overlay in dict.fromkeys(fix.overlay for fix in wanted):
        _try(attempt, [one for one in wanted if one.overlay == overlay and (unsafe or one.draft.safe)])
    known = {os.path.realpath(one.checked.path): one for one in scan.files}
    after = {one.checked.path: one for one in attempt.files}
    files, failures = [], [*result.failures]
    for path, text in attempt.texts.items():
        scanned = known[path]
        source = encoding.read(Path(path))
        if isinstance(source, encoding.Unreadable) or source.text != scanned.checked.text:
            failures.append(
                f"{scanned.checked.path}: it has changed since it was read; run the command again"
            )
            continue
        if scanned.path and (target := behind_links(scanned.path, scan.requested)):
            failures.append(f"{scanned.checked.path}: a link leads to it; name {target} to fix it")
            continue
        now = after[scanned.checked.path]
        made = sum(path in one.files for one in attempt.held)
        fixed = CheckedFile(scanned.checked.path, text, json=False)
        files.append(FixedFile(replace(scanned, source=source), fixed, made, now.project))
    done = {id(one.fix.finding) for one in attempt.held}
    left = sum(id(one.finding) not in done for one in wanted)
    return (
        result._replace(
            files=(*result.files, *files), to_review=result.to_review + left, failures=tuple(failures)
        ),
        replace(scan, overlays=attempt.overlays),
    )


def _fixes(scan: Scan) -> Iterator[OverlayFix]:
    """The findings of overlays that have one fix each."""
    for file in scan.files:
        yield from overlay_fixes(file.checked, file.project, is_open)


def _try(attempt: _Attempt, fixes: Sequence[OverlayFix]) -> None:
    """Make some fixes on top of what holds, or as many of them as hold."""
    if not fixes or attempt.builds >= MOST_BUILDS:
        return
    if _holds(attempt, fixes) or len(fixes) == 1:
        return
    half = len(fixes) // 2
    _try(attempt, fixes[:half])
    _try(attempt, fixes[half:])


def _holds(attempt: _Attempt, fixes: Sequence[OverlayFix]) -> bool:
    """Whether fixes hold with those that do; if so, they are made."""
    edited = SourceEdits(lambda path: _is_named(path, attempt.scan.requested))
    written = {
        os.path.realpath(name): text
        for one in attempt.scan.overlays
        for name, text in one.build.texts.items()
    }
    held = {id(one.fix.finding) for one in attempt.held}
    made = []
    for one in (*(one.fix for one in attempt.held), *fixes):
        before = edited.texts(written)
        if edited.make(one.places, one.draft.changes):
            now = edited.texts(written)
            made.append(_Made(one, frozenset(path for path in now if now[path] != before.get(path))))
    new = [one.fix for one in made if id(one.fix.finding) not in held]
    texts = edited.texts(written)
    if not new:
        return False
    attempt.builds += 1
    overlays = _built_again(attempt.scan, texts)
    if overlays is None:
        return False
    pairs = zip(attempt.scan.overlays, overlays, strict=True)
    fixed = [one.fix for one in made]
    if not are_as_wanted([(old.build, now.build) for old, now in pairs], fixed):
        return False
    configurations = {id(one.ruleset): one for one in attempt.scan.configurations}
    files, charts, again = to_judge_again(attempt.scan.files, attempt.scan.charts, overlays, configurations)
    past = Past(attempt.scan.requested)
    after = judged(
        files, attempt.scan.configurations, attempt.today, charts=charts, overlays=again, past=past
    )
    if not are_gone(new, [one.checked for one in attempt.files], [one.checked for one in after]):
        return False
    attempt.held = made
    attempt.texts, attempt.overlays, attempt.files = texts, overlays, after
    return True


def _built_again(scan: Scan, texts: Mapping[str, str]) -> tuple[OverlayToJudge, ...] | None:
    """All overlays with some files as they are then; None where one does not build."""
    changed = [
        one for one in scan.overlays if not texts.keys().isdisjoint(map(os.path.realpath, one.build.texts))
    ]
    folders = [os.path.dirname(os.path.realpath(one.build.path)) for one in changed]
    found = built_overlays(folders, scan.requested, EditedFiles(texts))
    if found is None or found.not_scanned or len(found.overlays) != len(changed):
        return None
    builds = {one.path: one for one in found.overlays.values()}
    return tuple(replace(one, build=builds.get(one.build.path, one.build)) for one in scan.overlays)


def _is_named(path: str, named: Iterable[str]) -> bool:
    """Whether a file is, or lies below, what somebody named."""
    tops = [os.path.realpath(one) for one in named]
    return any(path == top or path.startswith(top.rstrip(os.sep) + os.sep) for top in tops)
