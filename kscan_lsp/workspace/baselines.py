"""The baseline of a workspace: read from its file, and said of the findings of judged files.

The files in a baseline are named from the folder that it is of: the one it lies in, or the one above `.kscan`. An
editor looks at a file at a time and does not know whether a finding went there from another that is still there; a
finding of a file that is gone counts wherever it turns up. A scan knows all, and says which ones moved.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from itertools import repeat
from operator import is_
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.dispositions.baseline import (
    Baseline,
    BaselineError,
    FoundImage,
    KnownBy,
    disposition_of,
    in_baseline,
    match,
)
from kscan_lsp.dispositions.baseline import read as read_text
from kscan_lsp.evidence.image_facts import counted_of, facts_in
from kscan_lsp.evidence.images import full_name
from kscan_lsp.files import encoding
from kscan_lsp.files.named import named_files, workspace_of
from kscan_lsp.findings import Problem, fingerprint
from kscan_lsp.kubernetes.images import image_ref
from kscan_lsp.paths import lookup
from kscan_lsp.render.kustomize.places import Overlaid
from kscan_lsp.settings.exceptions import FOLDER
from kscan_lsp.text import Span
from kscan_lsp.yaml.document import read_document
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from kscan_lsp.dispositions.baseline import BaselineEntry, BaselineMatch, Matching
    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.evidence.image_facts import ImageFacts
    from kscan_lsp.evidence.images import Vulnerability
    from kscan_lsp.evidence.model import Evidence
    from kscan_lsp.findings import Disposition, Finding
    from kscan_lsp.paths import Ways
    from kscan_lsp.workspace.results import CheckedDocument, CheckedFile
    from kscan_lsp.yaml.document import Document

DEFAULT_BASELINE: Final = f"{FOLDER}/baseline.json"
"""Where a baseline is written that nobody names."""


BY_VULNERABILITIES: Final = frozenset(
    ("KS-0060", "KS-0061", "KS-0062", "KS-0063", "C-0083", "C-0084", "C-0085")
)
"""The controls that are about vulnerabilities of an image, of which another image may have more."""

MAKES_ONE: Final = "'kscan baseline create' writes one"
"""How it ends what is said of a baseline that is not there."""


class KnownEntry(Struct, frozen=True):
    """A finding of a baseline, and what one has that it stands for."""

    entry: BaselineEntry
    disposition: Disposition


class KnownFindings(Struct, frozen=True, eq=False):
    """The findings of a baseline as an editor asks for them."""

    by_file: Mapping[str, Mapping[str, tuple[KnownEntry, ...]]] = {}
    """By the key of the file in its project and by fingerprint, what each has."""
    gone: Mapping[str, tuple[KnownEntry, ...]] = {}
    """By fingerprint, those of files that are not there any more."""
    missing: frozenset[str] = frozenset()
    """The keys of these files."""

    def depends_on(self, key: str) -> bool:
        """Whether it matters that a file comes or goes."""
        return key in self.by_file or key in self.missing

    def marked(self, file: CheckedFile, evidence: Evidence) -> CheckedFile:
        """A file with what the baseline says of its findings, whatever was said of them before.

        What is known of images tells whether another image is worse than the one that the baseline knows.

        Of several findings with one fingerprint the first are known, as many as the baseline has. A document that
        shares none with those before it is known by itself, and is taken over as it is: at a keystroke that is all but
        one.
        """
        return _marked(file, self, facts_in(evidence))


class BaselineFile(Struct, frozen=True):
    """A file with a baseline as read; None where it is none, and then its document has a problem."""

    path: Path
    baseline: Baseline | None
    document: Document
    problem: Problem | None
    text: str = ""

    @property
    def folder(self) -> Path:
        """The folder that it is of."""
        return folder_of(self.path)


def folder_of(path: Path) -> Path:
    """The folder that a baseline in a file is of."""
    here = Path(os.path.abspath(path)).parent
    return here.parent if here.name == FOLDER else here


def name_in(folder: Path, path: Path) -> str:
    """What a baseline of a folder calls a file."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive of Windows
        return Path(os.path.abspath(path)).as_posix()


def read_baseline(path: Path, buffers: Mapping[Path, str] | None = None) -> BaselineFile:
    """Read a baseline; what is wrong with it is a problem at its place, and then nothing is known of it."""
    text = buffers.get(path) if buffers else None
    nothing = read_document("")
    if text is None:
        source = encoding.read(path)
        if isinstance(source, encoding.Unreadable):
            problem = Problem(
                Span(0, 0), f"this baseline is left out: {source.reason}", "setting", fatal=True
            )
            return BaselineFile(path, None, nothing, problem)
        text = source.text
    try:
        return BaselineFile(path, read_text(text), nothing, None, text)
    except BaselineError as error:
        document = read_document(text, json=True)  # to have a place for what is wrong
        at = span_at(document, error.path) if error.path else Span(error.offset, error.offset)
        message = f"this baseline is left out, and everything counts as new: {error.message}"
        return BaselineFile(path, None, document, Problem(at, message, "setting", fatal=True))


def find_baseline(name: str, folder: Path, buffers: Mapping[Path, str] | None) -> BaselineFile | str:
    """The baseline that settings in a folder name, or why there is none."""
    files, wrong = named_files((name,), folder, (), inside=workspace_of(folder))
    if files:
        return read_baseline(Path(os.path.abspath(files[0])), buffers)
    why = wrong[0][1] if wrong and os.path.lexists(folder / name) else f"there is no baseline '{name}'"
    return f"{why}; {MAKES_ONE}"


def known_findings(file: BaselineFile) -> KnownFindings:
    """The findings of a baseline by the keys that an editor has for files (`Path.as_uri`)."""
    if file.baseline is None:
        return KnownFindings()
    by_name: dict[str, dict[str, tuple[KnownEntry, ...]]] = defaultdict(dict)
    for entry in file.baseline.findings:
        known = by_name[entry.file]
        known[entry.fingerprint] = (
            *known.get(entry.fingerprint, ()),
            *(KnownEntry(entry, disposition_of(entry)),) * entry.count,
        )
    by_file: dict[str, Mapping[str, tuple[KnownEntry, ...]]] = {}
    gone: dict[str, tuple[KnownEntry, ...]] = {}
    missing: set[str] = set()
    for name, found in by_name.items():
        path = Path(os.path.abspath(file.folder / name))
        if os.path.lexists(path):
            by_file[path.as_uri()] = found
        else:
            missing.add(path.as_uri())
            for one, there in found.items():
                gone[one] = (*gone.get(one, ()), *there)
    return KnownFindings(by_file, gone, frozenset(missing))


def _marked(file: CheckedFile, known: KnownFindings, facts: ImageFacts | None) -> CheckedFile:
    if any(isinstance(placed.source, Overlaid) for placed in file.documents):
        return _marked_where_written(file, known, facts)
    own = known.by_file.get(file.path, _NOTHING)
    seen: set[str] = set()
    used: Counter[str] = Counter()
    parts: list[CheckedDocument] = []
    for one in file.parts:
        fingerprints = one.fingerprints
        if fingerprints is None:
            fingerprints = fingerprints_of_all(one.verdicts)
        alone = seen.isdisjoint(fingerprints)
        if alone and one.baseline is known:
            parts.append(one)
        else:
            images = _images_of_all(one.verdicts, facts)
            found = [
                _known(number, own.get(name, ()) + known.gone.get(name, ()), image)
                for (name, number), image in zip(_numbered(fingerprints, used), images, strict=True)
            ]
            part = _with_dispositions(one, found)
            parts.append(replace(part, fingerprints=fingerprints, baseline=known if alone else None))
        seen.update(fingerprints)
        used.update(fingerprints)
    return file.with_parts(parts)


def _marked_where_written(file: CheckedFile, known: KnownFindings, facts: ImageFacts | None) -> CheckedFile:
    """The same for what an overlay builds: a baseline knows its findings by the files that they are written in."""
    used: dict[str, Counter[str]] = defaultdict(Counter)
    parts: list[CheckedDocument] = []
    for placed in file.documents:
        findings = [finding for verdict in placed.checked.verdicts for finding in verdict.findings]
        found: list[Disposition | None] = []
        names = fingerprints_of_all(placed.checked.verdicts)
        images = _images_of_all(placed.checked.verdicts, facts)
        for finding, name, image in zip(findings, names, images, strict=True):
            where = placed.locate(finding.span).file
            there = known.by_file.get(where, _NOTHING).get(name, ()) + known.gone.get(name, ())
            found.append(_known(used[where][name], there, image))
            used[where][name] += 1
        parts.append(_with_dispositions(placed.checked, found))
    return file.with_parts(parts)


_NOTHING: Final[Mapping[str, tuple[KnownEntry, ...]]] = {}


def _numbered(fingerprints: Iterable[str], used: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Fingerprints, each with how many of the same come before it."""
    here: Counter[str] = Counter()
    for name in fingerprints:
        yield name, used.get(name, 0) + here[name]
        here[name] += 1


def _known(number: int, there: Sequence[KnownEntry], image: FoundImage | None) -> Disposition | None:
    """What a finding has, of those that are known by its fingerprint, if so many of the same come before it."""
    covering = there if image is None else [one for one in there if one.entry.covers(image)]
    return covering[number].disposition if number < len(covering) else None


def _with_dispositions(checked: CheckedDocument, found: Iterable[Disposition | None]) -> CheckedDocument:
    """A document with what a baseline says of each of its findings."""
    known = iter(found)
    verdicts = []
    for verdict in checked.verdicts:
        findings = tuple([in_baseline(finding, next(known)) for finding in verdict.findings])
        same = all(map(is_, findings, verdict.findings))
        verdicts.append(verdict if same else replace(verdict, findings=findings))
    same = all(map(is_, verdicts, checked.verdicts))
    return checked if same else replace(checked, verdicts=tuple(verdicts))


def _known_by(file: CheckedFile, facts: ImageFacts | None) -> list[KnownBy]:
    """By what a baseline knows the findings of a file, in the order of the text."""
    found: list[KnownBy] = []
    for checked in file.parts:
        known = checked.fingerprints
        names = fingerprints_of_all(checked.verdicts) if known is None else known
        found += map(KnownBy, names, _images_of_all(checked.verdicts, facts))
    return found


def _images_of_all(verdicts: Iterable[Verdicts], facts: ImageFacts | None) -> Iterator[FoundImage | None]:
    """The images that findings are about, in order, where what is in them is what was found."""
    if facts is None:
        yield from repeat(None, sum(len(verdict.findings) for verdict in verdicts))
        return
    for verdict in verdicts:
        for finding in verdict.findings:
            yield found_image(finding, facts)


def found_image(finding: Finding, facts: ImageFacts | None) -> FoundImage | None:
    """The image that a finding is about, by what is known of images; None for one that is about anything else."""
    if facts is None or finding.control not in BY_VULNERABILITIES:
        return None
    image = lookup(finding.data, finding.path)
    report = facts.images.of(image) if isinstance(image, str) else None
    counted = counted_of(report, only_fixable=facts.only_fixable) if report else None
    return image_with(finding, counted)


def image_with(finding: Finding, counted: Sequence[Vulnerability] | None) -> FoundImage | None:
    """The image that a finding is about, by those of its vulnerabilities that count; None where nothing is known."""
    image = lookup(finding.data, finding.path)
    if counted is None or not isinstance(image, str) or finding.control not in BY_VULNERABILITIES:
        return None
    severe = sum(one.severity is not None and one.severity >= finding.severity for one in counted)
    digest = image_ref(image)["digest"]
    return FoundImage(full_name(image) + (f"@{digest}" if digest else ""), severe)


def fingerprints_of_all(verdicts: Iterable[Verdicts]) -> tuple[str, ...]:
    """By what a baseline knows the findings of some resources."""
    found: list[str] = []
    for verdict in verdicts:
        ways: Ways = {}
        found += [fingerprint(finding, 0, ways) for finding in verdict.findings]
    return tuple(found)


def with_claims(file: CheckedFile, claims: Mapping[int, BaselineMatch]) -> CheckedFile:
    """A file whose findings are in a baseline where they have a claim on one of its, by their number."""
    parts: list[CheckedDocument] = []
    number = 0
    for checked in file.parts:
        size = sum(len(verdict.findings) for verdict in checked.verdicts)
        found = [claims.get(n) for n in range(number, number + size)]
        number += size
        parts.append(
            _with_dispositions(checked, [disposition_of(one.entry) if one else None for one in found])
        )
    return file.with_parts(parts)


def match_files(baseline: Baseline, files: Mapping[str, tuple[CheckedFile, ImageFacts | None]]) -> Matching:
    """Match the findings of files with those in a baseline.

    Args:
        baseline: the baseline.
        files: by what it calls them, each with what is known of images.
    """
    return match(baseline.findings, {name: _known_by(*one) for name, one in files.items()})
