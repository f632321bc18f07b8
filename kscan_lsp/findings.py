"""The vocabulary of results: findings, problems, and the places they are about, as frozen data.

A finding is about the user's manifest; a problem is about something that kept us from judging it (broken YAML,
a wrong setting, a broken control file). Both carry spans relative to the document they were found in, so that they stay
right when the document moves. The document's source map makes a Location of a span, which counts in the file that a
person wrote; `workspace/locations.py` makes lines of that.
"""

from __future__ import annotations

import hashlib
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol

from msgspec import Struct

from kscan_lsp import paths
from kscan_lsp.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.paths import Path

MAX_PROBLEMS: Final = 100
"""How many problems of one document are listed, of each part of the program that finds any."""


NAMELESS: Final = "(no name)"
"""What stands in place of the name of an object that has none."""


class Severity(IntEnum):
    """Ordered, so that a gate can compare."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @classmethod
    def of_score(cls, score: float) -> Severity:
        """Severity of a control's base score (0 to 10), in Kubescape's bands."""
        if score >= 9:
            return cls.CRITICAL
        if score >= 7:
            return cls.HIGH
        return cls.MEDIUM if score >= 4 else cls.LOW

    @property
    def label(self) -> str:
        """The lower-case name used in settings and reports."""
        return _LABELS[self]


_LABELS: Final = {severity: severity.name.lower() for severity in Severity}


class ResourceId(NamedTuple):
    """What a Kubernetes object is called. Empty strings where the manifest is silent."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @property
    def shown_name(self) -> str:
        """The name as everything that people read prints it."""
        return self.name or NAMELESS

    @property
    def group(self) -> str:
        """The API group without its version; empty for the core group."""
        return self.api_version.rpartition("/")[0]


class Problem(Struct, frozen=True):
    """Something that kept a text from being judged, and where.

    `code` is a stable short word (`syntax`, `duplicate-key`, `limit`, `type`, `setting`, `control`,
    `suppression`, ...). `fatal` means that text was left unscanned because of it.
    """

    span: Span
    message: str
    code: str = "syntax"
    fatal: bool = False


UNUSED: Final = "unused"
"""The code of a problem with a setting that does nothing: it is shown, and fails nothing."""
UNTRUSTED: Final = "untrusted"
"""The code of a note that policies are not loaded, since the editor says that the workspace is not trusted."""
SUPPRESSION: Final = "suppression"
"""The code of a problem with what is to accept a finding and does not, or not for long: the finding tells by itself."""


def fewer(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Problems of one document, those that kept text from being read first if they are too many to list.

    The last then says how many are left out.
    """
    if len(problems) <= MAX_PROBLEMS:
        return problems
    ordered = sorted(problems, key=lambda problem: not problem.fatal)
    first, rest = ordered[: MAX_PROBLEMS - 1], ordered[MAX_PROBLEMS - 1 :]
    message = f"{len(rest):,} more problems are not shown"
    return (*first, Problem(rest[0].span, message, rest[0].code, rest[0].fatal))


class Location(Struct, frozen=True):
    """A place in text that a person wrote; the span counts in code points of the whole file's text.

    Without a span there is a reason: what is meant stands in no text, or nobody knows where. With a reason, a span is
    the nearest that is known.
    """

    file: str
    span: Span | None
    reason: str = ""


class SourceMap(Protocol):
    """From a span of text that was judged to the place in text that a person wrote."""

    def locate(self, span: Span) -> Location:
        """The place that a span comes from."""


class Verbatim(Struct, frozen=True):
    """The source map of text that stands in a file just as it is judged, from an offset on."""

    file: str
    offset: int

    def locate(self, span: Span) -> Location:
        """The place that a span comes from."""
        return Location(self.file, Span(span.start + self.offset, span.end + self.offset))


class Related(Struct, frozen=True, cache_hash=True):
    """Another place a finding rests on.

    An empty `file` is the finding's own document. Else `document` is the text of the document in that file that the
    span counts from: it is known by its text, so that edits elsewhere in its file change nothing here.
    """

    resource: ResourceId
    path: Path
    span: Span
    message: str
    file: str = ""
    document: str = ""


class Disposition(Struct, frozen=True):
    """What became of a finding that is not open.

    `by` is how that was said, and `span` where in the finding's document, or in `file`. The reason, the owner, the last
    day on which it counts (`2027-01-31`), the ticket and who approved it are empty where nobody named them.
    """

    status: Literal["accepted", "baseline"]
    by: Literal["comment", "annotation", "exception", "baseline"]
    span: Span
    reason: str = ""
    owner: str = ""
    until: str = ""
    since: str = ""
    """The day on which it came into a baseline."""
    ticket: str = ""
    approved_by: str = ""
    file: str = ""
    """The path of the file with exceptions that says it; empty where the finding's own document does."""
    line: int = 0
    """The line of that file, from 1."""


class Cause(Struct, frozen=True, order=True):
    """What made a finding: enough to bind its element again, so that nothing is judged twice to name a fix."""

    check: int
    """Its number among the checks of the control."""
    element: int
    """Its number among the elements that the check judges in the resource, or in one of its pod templates."""
    template: int = 0
    """The number of that."""


class Finding(Struct, frozen=True):
    """One control failing at one path of one resource."""

    control: str
    severity: Severity
    resource: ResourceId
    path: Path
    """Inside the resource, with list indices."""
    message: str
    span: Span
    """In code points of the finding's document."""
    data: Any
    """The resource as plain values, from which list elements get their names."""
    related: tuple[Related, ...] = ()
    fixable: bool = False
    """The control has a fix. Whether it can be made here is known when it is asked for."""
    disposition: Disposition | None = None
    causes: tuple[Cause, ...] = ()
    """The checks that failed at its path, each on one element."""

    @property
    def status(self) -> Literal["open", "accepted", "baseline"]:
        """`open` unless something says otherwise."""
        return self.disposition.status if self.disposition else "open"

    @property
    def stable_path(self) -> str:
        """The path with list elements named by their merge key: `spec.containers[name=api].image`."""
        return paths.stable(self.path, self.data)

    @property
    def printed_path(self) -> str:
        """The path as reports print it."""
        return paths.show(self.path)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Findings of one object in the order in which all that lists any has them, however they were come by.

    By place and control; of one control as its checks come and what they judge, then by path and message. The documents
    of a file come as they stand in it, the objects of a document as it lists them. Whoever shows the worst first, or a
    control at a time, leaves the rest as it is here.
    """
    # most findings are alone at their place: every key typed has some put in order, and comparing all they have took
    # a tenth of an edit
    places: dict[tuple[int, int, str], list[Finding]] = {}
    for finding in findings:
        span = finding.span
        places.setdefault((span.start, span.end, finding.control), []).append(finding)
    ordered: list[Finding] = []
    for place in sorted(places):
        there = places[place]
        ordered += there if len(there) == 1 else sorted(there, key=_total_order)
    return ordered


def merged(one: Iterable[Finding], other: Iterable[Finding]) -> list[Finding]:
    """Findings in the order of `in_order`, of two lists that are in it and have no control in common."""
    return sorted((*one, *other), key=_place)


def _place(finding: Finding) -> tuple[int, int, str]:
    start, end = finding.span
    return start, end, finding.control


def _total_order(finding: Finding) -> tuple[object, ...]:
    path = [(isinstance(part, str), part) for part in finding.path]  # a number and a text do not compare
    return finding.causes, path, finding.message


def fingerprint(finding: Finding, ordinal: int, ways: paths.Ways | None = None) -> str:
    """Identity that survives moved lines, reordered lists, renames of files and API upgrades.

    Args:
        finding: the finding.
        ordinal: how many objects of the same identity its project has before this one.
        ways: as for `paths.stable`, for who asks for many findings of one object.
    """
    path = paths.stable(finding.path, finding.data, ways)
    said = f"{finding.control}\0{_identity(finding.resource)}\0{path}"
    if ordinal:
        said += f"\0{ordinal}"
    return "v1:" + hashlib.sha256(said.encode()).hexdigest()[:32]


@lru_cache(64)
def _identity(who: ResourceId) -> str:
    """What a fingerprint has of an object: one after the other, all findings of one are asked for theirs."""
    return f"{who.group}\0{who.kind}\0{who.namespace}\0{who.name}"
