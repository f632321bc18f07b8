"""The diagnostics of checked documents as JSON text.

Diagnostics of a large file are many and hardly change: a file of a hundred documents has thousands, and a keystroke
touches those of one. So a document's diagnostics are turned into JSON text once, with holes for the line numbers, and
a notification is put together from such texts. Building protocol objects for all of them on each keystroke took ten
times as long as everything else together.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from kscan_lsp.findings import Severity
from kscan_lsp.lsp.convert import (
    DIMMED,
    HINT,
    LEVELS,
    START,
    about_control,
    about_problem,
    in_baseline,
    place_text,
    range_text,
)
from kscan_lsp.workspace.locations import first_line, index_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from kscan_lsp.findings import Disposition, Related
    from kscan_lsp.lsp.capabilities import Capabilities
    from kscan_lsp.lsp.convert import Diagnostics, RangeText
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.text import Encoding, LineIndex, Span
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedDocument, CheckedFile, PlacedDocument


class _Holes(NamedTuple):
    """The line numbers to fill in, and what is known of places by then."""

    lines: list[int]
    elsewhere: dict[Related, int]
    """The places in other files, each with the line there on which its document begins."""
    ranges: dict[Span, RangeText]
    """Those of the document itself: what is missing in one place is missing for many controls."""


class _Template(NamedTuple):
    """The diagnostics of a document, with holes for their line numbers.

    Text that is judged as it stands in its file moves by whole lines, so its source map is not asked for each place.
    Places in other files have their lines: those are seldom edited, and all keys would fill them in.
    """

    uri: str
    text: str
    lines: tuple[int, ...]
    """Counted from the start of the document."""
    elsewhere: dict[Related, int]
    """The places in other files, each with the line there on which its document began."""

    def holds(self, uri: str, project: Project) -> bool:
        """Whether it can be shown: what it names of other files stands where it stood."""
        return self.uri == uri and all(first_line(r, project) == line for r, line in self.elsewhere.items())


_About: TypeAlias = "Callable[[tuple[str, int, str], Disposition | None], str]"


class DiagnosticTexts:
    """Diagnostics of checked documents as JSON, remembered for as long as the document lives."""

    def __init__(self, capabilities: Capabilities) -> None:
        self._capabilities = capabilities
        self._templates: WeakKeyDictionary[CheckedDocument, _Template] = WeakKeyDictionary()
        self._texts: WeakKeyDictionary[CheckedDocument, tuple[int, bytes]] = WeakKeyDictionary()
        self._abouts: tuple[Ruleset, _About] | None = None
        """What diagnostics say under a ruleset, without their places: the same at every keystroke."""
        self._there = lru_cache(maxsize=1024)(partial(_there, capabilities.encoding))
        """The same of places in other files."""

    def points_elsewhere(self, checked: CheckedFile) -> bool:
        """Whether what was shown of a file names places in others, which move when those are edited."""
        known = (self._templates.get(placed.checked) for placed in checked.documents)
        return any(template is not None and bool(template.elsewhere) for template in known)

    def of_file(
        self, uri: str, checked: CheckedFile, project: Project, *, closed: bool = False
    ) -> Diagnostics:
        """All diagnostics of a file; those of a closed one are not remembered, since it seldom changes."""
        parts = []
        if checked.limit:
            parts.append((f'{{"range":{START},{about_problem(checked.limit)}}}' % ()).encode())
        text_of = self._text if closed else self._remembered
        parts += (text for placed in checked.documents if (text := text_of(uri, placed, project)))
        return tuple(parts)

    def _text(self, uri: str, placed: PlacedDocument, project: Project) -> bytes:
        return _filled(self._template(uri, placed.checked, project), placed)

    def _remembered(self, uri: str, placed: PlacedDocument, project: Project) -> bytes:
        checked = placed.checked
        template = self._templates.get(checked)
        if template is None or not template.holds(uri, project):
            template = self._templates[checked] = self._template(uri, checked, project)
            self._texts.pop(checked, None)
        known = self._texts.get(checked)
        if known is None or known[0] != placed.line:
            known = self._texts[checked] = (placed.line, _filled(template, placed))
        return known[1]

    def _template(self, uri: str, checked: CheckedDocument, project: Project) -> _Template:
        index, encoding = checked.document.lines, self._capabilities.encoding
        holes = _Holes([], {}, {})
        made = [
            f"{{{_noted(range_text(problem.span, index, encoding), holes.lines)},{about_problem(problem)}}}"
            for problem in checked.problems
        ]
        about, pointing = self._about_under(project.ruleset), self._capabilities.related_information
        for finding in checked.findings:
            disposition = finding.disposition
            if disposition is None or disposition.status != "accepted":
                at = holes.ranges.get(finding.span)
                if at is None:
                    at = holes.ranges[finding.span] = range_text(finding.span, index, encoding)
                holes.lines.extend((at.first, at.last))
                # as a number: what an enumeration hashes to is worked out anew each time
                said = about((finding.control, int(finding.severity), finding.message), disposition)
                if finding.related and pointing:
                    places = [self._related(r, uri, index, holes, project) for r in finding.related]
                    said = f'{said},"relatedInformation":[{",".join(places)}]'
                made.append(f"{{{at.text},{said}}}")
        return _Template(uri, ",".join(made), tuple(holes.lines), holes.elsewhere)

    def _about_under(self, ruleset: Ruleset) -> _About:
        """What says what a finding is about; it remembers that for one ruleset, as in another a link may differ."""
        if self._abouts is None or self._abouts[0] is not ruleset:
            self._abouts = ruleset, lru_cache(maxsize=8192)(partial(_about_of, ruleset, self._capabilities))
        return self._abouts[1]

    def _related(self, r: Related, uri: str, index: LineIndex, holes: _Holes, project: Project) -> str:
        if not r.file:
            at = _noted(range_text(r.span, index, self._capabilities.encoding), holes.lines)
            return place_text(uri, at, r.message)
        first = holes.elsewhere.get(r)
        if first is None:
            first = holes.elsewhere[r] = first_line(r, project)
        return self._there(r, first)


def _filled(template: _Template, placed: PlacedDocument) -> bytes:
    first = placed.line
    return (template.text % tuple([first + line for line in template.lines])).encode()


def _noted(at: RangeText, holes: list[int]) -> str:
    """A range as JSON, whose lines are to be filled in."""
    holes += at.first, at.last
    return at.text


def _there(encoding: Encoding, r: Related, first: int) -> str:
    """A place in another file as JSON, where its document begins on a line."""
    at = range_text(r.span, index_of(r.document), encoding)
    return place_text(r.file, at.text % (first + at.first, first + at.last), r.message)


def _about_of(
    ruleset: Ruleset, capabilities: Capabilities, about: tuple[str, int, str], known: Disposition | None
) -> str:
    """What a diagnostic says of a finding: of a control, as severe as a number says, with a message."""
    control, severity, message = about
    references = ruleset.control(control).references
    link = references[0] if references and capabilities.code_description else ""
    if known is None or known.status != "baseline":
        return about_control(control, LEVELS[Severity(severity)], message, link)
    said = about_control(control, HINT, in_baseline(message, Severity(severity), known), link)
    return said + DIMMED if capabilities.unnecessary else said
