"""Reports about images as files: where they lie, read once for as long as they stay as they are.

Without a word in the settings, they are in `.kscan/images` beside the settings, or are called after who wrote them
(`shop.trivy.json`). No folder is walked for them unless a pattern with `**` says so: that is done whenever settings are
read. A report that cannot be used is one problem, at its file. What reads reports is imported where there are some.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.evidence.model import IMAGES, Evidence
from kscan_lsp.files import encoding
from kscan_lsp.files.discover import UNVISITED, repository
from kscan_lsp.files.named import named_files, workspace_of
from kscan_lsp.findings import SUPPRESSION, UNUSED, Problem
from kscan_lsp.policy.ruleset import members_of
from kscan_lsp.text import Span
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from kscan_lsp.evidence.image_facts import ImageFacts
    from kscan_lsp.evidence.images import ImageReport
    from kscan_lsp.evidence.inventory import Inventory
    from kscan_lsp.evidence.sources.registry import Reading
    from kscan_lsp.evidence.vex import Statement
    from kscan_lsp.policy.model import PolicySet
    from kscan_lsp.settings.sections import ImageSettings

FOLDER: Final = ".kscan/images"
"""The folder beside the settings for reports and statements."""
ACCEPTED: Final = f"{FOLDER}/accepted.openvex.json"
"""Where an editor writes what is accepted. It counts, whatever settings say of reports."""
PLACES: Final = (
    f"{FOLDER}/*.json", "*.trivy.json", "*.grype.json", "*.kubescape.json", "*.cdx.json", "*.trivy.sarif",
    "*.grype.sarif", "*.openvex.json", "*.vex.json", "*.csaf.json", "*.syft.json", "*.spdx.json",
)  # fmt: skip
"""Where reports are looked for if the settings do not say."""
IGNORE_FILES: Final = (".trivyignore", ".grype.yaml")
"""Lists of what to ignore, beside the settings, whatever these say of reports."""
MAX_REPORTS: Final = 1_000
MAX_ALL: Final = 500_000_000
"""Bytes of all reports together."""
MAX_VISITED: Final = 20_000
"""Entries of folders that are looked at for a pattern."""


class ImageFiles(Struct, frozen=True):
    """What the files of a folder say of images."""

    reports: tuple[ImageReport, ...] = ()
    statements: tuple[Statement, ...] = ()
    settings: ImageSettings | None = None
    files: tuple[Path, ...] = ()
    problems: tuple[tuple[Path, Problem], ...] = ()
    """What is wrong with some, each at its file."""
    wrong: tuple[tuple[int, str], ...] = ()
    """Why patterns of the settings lead nowhere, by their number."""
    scanned: tuple[ImageReport, ...] | None = None
    """What scanners said of other images, where these are scanned as well; None where nobody does that."""


def folder_for(root: Path | None, settings: Sequence[Path]) -> Path | None:
    """Where reports are looked for: beside the outermost settings, or without any at the top of the checkout."""
    if settings:
        return settings[0].parent
    return None if root is None else Path(repository(str(root)) or root)


def of_images(policies: PolicySet) -> tuple[str, ...]:
    """The controls that are on where there are reports, without anybody choosing them."""
    framework = policies.framework(IMAGES)
    return () if framework is None else members_of(framework, policies)


def read_images(settings: ImageSettings, named_in: Path | None, folder: Path | None) -> ImageFiles:
    """Read what there is about images.

    Args:
        settings: what the user says of it.
        named_in: the folder of who names reports, if anybody does.
        folder: where they are looked for, if nobody does.
    """
    where = named_in if settings.reports else folder
    if where is None:
        return ImageFiles(settings=settings)
    paths, wrong = _paths(settings.reports or PLACES, where, told=bool(settings.reports))
    if settings.reports:
        accepted, _ = _paths((ACCEPTED,), folder or where, told=False)
        paths += [path for path in accepted if path not in paths]
    reports: list[ImageReport] = []
    statements: list[Statement] = []
    problems: list[tuple[Path, Problem]] = []
    waiting: list[tuple[Path, Inventory, str]] = []
    named = {_absolute(where, pattern) for pattern in settings.reports if not _is_pattern(pattern)}
    for path in paths:
        reading = _read(path)
        if reading.own and path not in named:
            continue  # a report that lies where others are looked for is no mistake
        reports += reading.contents.images
        statements += reading.contents.statements
        waiting += [(path, one, reading.problem) for one in reading.contents.inventories]
        # what is said of an inventory depends on whether it can be looked up
        if reading.problem and (reading.is_left_out or not reading.contents.inventories):
            problems.append((path, _problem(reading.problem)))
    if waiting:
        from kscan_lsp.workspace.sboms import matched

        for path, found in matched(waiting, tuple(reports)):
            if isinstance(found, str):
                problems.append((path, _problem(found)))
            else:
                reports.append(found)
    ignoring = [path for name in IGNORE_FILES if os.path.isfile(path := (folder or where) / name)]
    for path in ignoring:
        said, problem = _ignored(path)
        statements += said
        if problem is not None:
            problems.append((path, problem))
    return ImageFiles(
        tuple(reports), tuple(statements), settings, (*paths, *ignoring), tuple(problems), tuple(wrong)
    )


def _problem(text: str) -> Problem:
    # an inventory is no mistake, but whoever put it there waits for what it says
    code = UNUSED if text.startswith("nothing follows") else "setting"
    return Problem(Span(0, 0), text, code, fatal=code != UNUSED)


def evidence_of(images: ImageFiles, today: date) -> Evidence:
    """What is known besides manifests on a day."""
    settings, reports = images.settings, (*images.reports, *(images.scanned or ()))
    if settings is None or not (reports or images.scanned is not None):
        return Evidence(today)
    found = _facts(reports, images.statements, today, settings.max_age_days, settings.only_fixable)
    return Evidence(today, {IMAGES: found})


@lru_cache(maxsize=4)
def _facts(
    reports: tuple[ImageReport, ...],
    statements: tuple[Statement, ...],
    today: date,
    max_age_days: int,
    only_fixable: bool,
) -> ImageFacts:
    """What is known of images, once for the folders of a workspace that share it."""
    from kscan_lsp.evidence.image_facts import image_facts

    return image_facts(reports, statements, today, max_age_days=max_age_days, only_fixable=only_fixable)


def may_be_report(path: Path, named: bool = False) -> bool:
    """Whether a file that came, went or changed may be a report, a statement or a list of what to ignore.

    Args:
        path: the file.
        named: whether settings name reports, which can then be called anything.
    """
    name = path.name
    if named and path.suffix in {".json", ".sarif"}:
        return True
    in_folder = path.suffix == ".json" and "/".join(path.parts[-3:-1]) == FOLDER
    return in_folder or name in IGNORE_FILES or any(name.endswith(place[1:]) for place in PLACES[1:])


def _read(path: Path) -> Reading:
    try:
        known = os.stat(path)
    except OSError:
        return _read_as_it_is(str(path), 0, 0, 0)
    return _read_as_it_is(str(path), known.st_mtime_ns, known.st_size, known.st_ino)


@lru_cache(maxsize=256)
def _read_as_it_is(path: str, _changed: int, _size: int, _inode: int) -> Reading:
    from kscan_lsp.evidence.sources.registry import MAX_BYTES, read_report, unread

    raw = encoding.read_bytes(Path(path), MAX_BYTES)
    if isinstance(raw, encoding.Unreadable):
        return unread(raw.reason)
    reading = read_report(raw)
    images = tuple([replace(image, file=path) for image in reading.contents.images])
    return reading._replace(contents=reading.contents._replace(images=images))


def _ignored(path: Path) -> tuple[tuple[Statement, ...], Problem | None]:
    """What a list of what to ignore says, and what of it cannot be used."""
    from kscan_lsp.evidence.sources.ignored import read_grype_rules, read_trivyignore

    source = encoding.read(path)
    if isinstance(source, encoding.Unreadable):
        return (), _about_list(f"this list is left out: {source.reason}")
    if path.name == ".trivyignore":
        found = read_trivyignore(source.text)
    else:
        document = read_document(source.text)
        if document.problems:  # a rule that lost a line hides more than it was meant to
            return (), _about_list(f"this list is left out: {document.problems[0].message}")
        found = read_grype_rules(document.data)
    return found.statements, _about_list(found.left) if found.left else None


def _about_list(text: str) -> Problem:
    return Problem(Span(0, 0), text, SUPPRESSION)


def _paths(
    patterns: tuple[str, ...], folder: Path, *, told: bool
) -> tuple[list[Path], list[tuple[int, str]]]:
    """The files that patterns lead to, each once, and why others lead nowhere."""
    found: dict[Path, None] = {}
    wrong: list[tuple[int, str]] = []
    visited = 0
    listed: dict[Path, dict[str, list[str]]] = {}
    for number, pattern in enumerate(patterns):
        matching = []
        for path in _matching(pattern, folder, listed):
            visited += 1
            if path is not None:
                matching.append(os.path.relpath(path, folder))
            if visited > MAX_VISITED:
                wrong.append((number, f"'{pattern}' is looked for in too many files; name a smaller folder"))
                return list(found), wrong
        if matching:
            named = named_files(
                tuple(sorted(matching)), folder, (), inside=workspace_of(folder), most=MAX_ALL
            )
            found.update(dict.fromkeys(named.files))
            wrong += [(number, message) for _, message in named.wrong if told]
        elif told:
            wrong.append((number, f"no report is called '{pattern}'"))
    paths = [_absolute(folder, str(path)) for path in found]
    if len(paths) > MAX_REPORTS:
        wrong.append((0, f"there are {len(paths):,} reports; the first {MAX_REPORTS:,} are read"))
    return paths[:MAX_REPORTS], wrong


def _matching(pattern: str, folder: Path, listed: dict[Path, dict[str, list[str]]]) -> Iterator[Path | None]:
    """The files that a pattern matches, in no order, and None for each that was looked at below and is not one.

    A folder itself is listed once for all patterns, however much is in it: whoever scans it walks it, too.
    """
    if not _is_pattern(pattern):
        if os.path.lexists(folder / pattern):
            yield folder / pattern
        return
    parts = pattern.split("/")
    fixed = next(n for n, part in enumerate(parts) if "*" in part or "?" in part)
    start, rest = folder.joinpath(*parts[:fixed]), "/".join(parts[fixed:])
    if "/" not in rest and "**" not in rest:
        if start not in listed:
            listed[start] = _names_in(start)
        ending = re.split(r"[*?]", rest)[-1]
        _, dot, last = ending.rpartition(".")
        alike = listed[start].get(last, ()) if dot else chain.from_iterable(listed[start].values())
        if names := [name for name in alike if name.endswith(ending)]:
            names = [*filter(re.compile(_expression(rest)).fullmatch, names)]
        yield from (start / name for name in names if not (start / name).is_dir())
        return
    wanted = re.compile(_expression(rest))
    for here, folders, names in os.walk(start):
        below = Path(os.path.relpath(here, start)).as_posix()
        for name in names:
            path = name if below == "." else f"{below}/{name}"
            yield Path(here, name) if wanted.fullmatch(path) else None
        folders[:] = sorted(set(folders) - UNVISITED)


def _names_in(folder: Path) -> dict[str, list[str]]:
    """The names in a folder, by what stands behind the last dot of each; none where nobody may look at it."""
    found: dict[str, list[str]] = {}
    with suppress(OSError):
        for name in os.listdir(folder):
            found.setdefault(name.rpartition(".")[2], []).append(name)
    return found


def _is_pattern(text: str) -> bool:
    return "*" in text or "?" in text


def _absolute(folder: Path, name: str) -> Path:
    return Path(os.path.abspath(folder / name))


def _expression(pattern: str) -> str:
    """A pattern as a regular expression: `*` and `?` stay within a name, `**` goes on into folders."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    meaning: Mapping[str, str] = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(meaning.get(part) or re.escape(part) for part in parts)
