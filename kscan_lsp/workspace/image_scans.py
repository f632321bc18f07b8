"""Images scanned, or found where a scan before left what it saw: what a command and an editor share of it.

Which images there are, by what each is kept, and what becomes of a folder once more is known of its images. When that
is done, and what is said about it, is for who asks.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from kscan_lsp.evidence.images import full_name, images_of
from kscan_lsp.evidence.sources.registry import read_report
from kscan_lsp.files.named import workspace_of
from kscan_lsp.kubernetes.images import image_ref
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.workspace.image_files import FoundImages, ImageFileError, images_in, opened
from kscan_lsp.workspace.image_scanner import is_reference, run_scanner
from kscan_lsp.workspace.image_uses import images_run_by
from kscan_lsp.workspace.images import FOLDER, folder_for, of_images
from kscan_lsp.workspace.places import settings_above

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from kscan_lsp.evidence.images import ImageReport
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.image_cache import ImageCache
    from kscan_lsp.workspace.image_files import ImageFile
    from kscan_lsp.workspace.image_scanner import Scanner
    from kscan_lsp.workspace.results import CheckedFile


MAX_TAGS: Final = 10
"""Other tags of an image's repository that are taken into account."""


class KeyedScan(NamedTuple):
    """An image to scan."""

    image: str
    """How manifests refer to it."""
    file: ImageFile | None
    """Where it is in the workspace, if it is there."""
    key: str
    """By what its report is kept: other images, and other versions of scanner and database, have others."""


def keyed(
    images: Iterable[str],
    configurations: Iterable[Configuration],
    scanner: Scanner,
    files: FoundImages | None = None,
) -> dict[str, KeyedScan]:
    """The scans of some images; what is a placeholder is not among them.

    Args:
        images: how manifests refer to them.
        configurations: of the folders with images.
        scanner: what would scan them.
        files: those images, where they are known.
    """
    there = image_files_of(configurations) if files is None else files
    return {image: scan_of(image, there, scanner) for image in images if is_reference(image)}


def scan_of(image: str, files: FoundImages | None, scanner: Scanner) -> KeyedScan:
    """The scan of an image, which may be among some files."""
    file = files.of(image) if files else None
    what = image
    try:
        if file is not None:
            what = file.key
    except OSError:  # it has gone: whoever has the image may be asked
        file = None
    return KeyedScan(image, file, f"{what}|{scanner.identity}")


def wanted_images(
    files: Iterable[CheckedFile], configurations: Sequence[Configuration], scanner: Scanner
) -> dict[str, KeyedScan]:
    """The images of files that no report in a file is about, and other tags of theirs that are there as files."""
    known = images_of(report for one in configurations for report in one.images.reports)
    there = image_files_of(configurations)
    used: dict[str, None] = {}
    for file in files:
        used |= images_run_by(file)
    wanted = [image for image in used if known.of(image) is None]
    names = {full_name(image) for image in used}
    tags = dict.fromkeys((name.rpartition(":")[0] for name in names), 0)
    for name in sorted(there.by_name.keys() - names):
        repository = name.rpartition(":")[0]
        if tags.get(repository, MAX_TAGS) < MAX_TAGS and known.of(name) is None:
            tags[repository] += 1
            wanted.append(name)
    return keyed(wanted, configurations, scanner, there)


def image_files_of(configurations: Iterable[Configuration]) -> FoundImages:
    """The images that lie in some folders."""
    found = FoundImages({}, {}, [])
    for configuration in configurations:
        path = configuration.settings_path
        folder = folder_for(configuration.root, settings_above(path) if path else ())
        if folder is not None:
            more = images_in(folder / FOLDER, workspace_of(folder))
            found.by_name.update(more.by_name)
            found.by_digest.update(more.by_digest)
            found.problems.extend(one for one in more.problems if one not in found.problems)
    return found


def kept_report(one: KeyedScan, cache: ImageCache) -> tuple[ImageReport, ...]:
    """What a scan before said of an image; nothing where there was none, or nobody can read it any more."""
    data = cache.get(one.key)
    reports = None if data is None else _reports_in(one, data)
    return () if reports is None or isinstance(reports, str) else reports


def kept_reports(
    scans: Mapping[str, KeyedScan], scanner: Scanner, cache: ImageCache, known: Collection[str]
) -> dict[str, tuple[str, tuple[ImageReport, ...]]]:
    """What scans before said of images and of other tags of theirs, each with what it is kept by.

    Args:
        scans: the images.
        scanner: what would scan them today.
        cache: where it was kept.
        known: the images that nobody needs to look for.
    """
    found: dict[str, tuple[str, tuple[ImageReport, ...]]] = {}
    for image, scan in scans.items():
        if reports := kept_report(scan, cache):
            found[image] = scan.key, reports
        for tag in _tags_kept(image, scanner, cache):
            other = scan_of(tag, None, scanner)
            if not (tag in found or tag in known or tag in scans) and (reports := kept_report(other, cache)):
                found[tag] = other.key, reports
    return found


def scanned_report(
    one: KeyedScan, scanner: Scanner, cache: ImageCache, stopped: Callable[[], bool] | None = None
) -> tuple[ImageReport, ...] | str:
    """What a scanner says of an image, which is kept; or why it says nothing."""
    try:
        with opened(one.file) if one.file else nullcontext() as file:
            output = run_scanner(scanner, one.image, file, stopped)
    except (ImageFileError, OSError) as error:
        return f"{one.file.path.name if one.file else one.image}: {error}"
    if output.problem:
        return output.problem
    reports = _reports_in(one, output.report)
    if not isinstance(reports, str):
        cache.keep(one.key, output.report)
    return reports


def _tags_kept(image: str, scanner: Scanner, cache: ImageCache) -> list[str]:
    """Other images of the same repository that were scanned before, by tags."""
    written = image.partition("@")[0]
    if tag := image_ref(image)["tag"]:
        written = written.removesuffix(f":{tag}")
    beginning, end = f"{written}:", f"|{scanner.identity}"
    found = (key[: -len(end)] for key in cache.keys(beginning, end, MAX_TAGS))
    return [one for one in found if "/" not in one[len(beginning) :]]


def with_scanned(
    configuration: Configuration,
    reports: tuple[ImageReport, ...],
    *,
    only: Iterable[str] = (),
    besides: bool = True,
) -> Configuration:
    """What holds for a folder whose images are scanned.

    Args:
        configuration: what held.
        reports: what scanners said so far of images that no file is about.
        only: control ids that replace the choice of controls.
        besides: whether the controls about images are on without anybody choosing them.
    """
    policies = configuration.ruleset.policies
    more = of_images(policies) if besides else ()
    rules, _ = choose(
        policies, configuration.settings, only=only, besides=more, root=configuration.ruleset.root or ""
    )
    images = replace(configuration.images, scanned=reports, settings=configuration.settings.images)
    return replace(configuration, ruleset=rules, images=images)


def _reports_in(one: KeyedScan, data: bytes) -> tuple[ImageReport, ...] | str:
    reading = read_report(data)
    if reading.problem:
        return reading.problem
    # what was scanned by this name or digest is of that, whatever the report calls it
    digest = image_ref(one.image)["digest"]
    name = () if digest else (full_name(one.image),)
    digests = {digest, one.file.digest if one.file else ""} - {""}
    return tuple(
        replace(image, names=tuple(dict.fromkeys((*name, *image.names))), digests=image.digests | digests)
        for image in reading.contents.images
    )
