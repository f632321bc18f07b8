"""What a check reports: findings and problems, as frozen data.

A finding is about the user's manifest; a problem is about something that kept us from judging it (broken YAML,
a wrong setting, a broken control file). Both carry spans relative to the document they were found in, so a
cached result stays right when the document moves; `project.py` places them in the file.
"""

from __future__ import annotations

import hashlib
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from msgspec import Struct

from kscan_lsp import paths

if TYPE_CHECKING:
    from kscan_lsp.paths import Path
    from kscan_lsp.text import Span

MAX_PROBLEMS: Final = 100
"""How many problems of one document are told, of each part of the program that finds any."""


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
        return self.name.lower()


class ResourceId(NamedTuple):
    """What a Kubernetes object is called. Empty strings where the manifest is silent."""

    api_version: str
    kind: str
    namespace: str
    name: str

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


def fewer(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Problems of one document, those that kept text from being read first if they are too many to tell.

    The last then says how many are left out.
    """
    if len(problems) <= MAX_PROBLEMS:
        return problems
    ordered = sorted(problems, key=lambda problem: not problem.fatal)
    told, rest = ordered[: MAX_PROBLEMS - 1], ordered[MAX_PROBLEMS - 1 :]
    message = f"{len(rest):,} more problems are not shown"
    return (*told, Problem(rest[0].span, message, rest[0].code, rest[0].fatal))


class Related(Struct, frozen=True):
    """Another place a finding rests on.

    An empty `file` is the finding's own document. Else `document` is the text of the document in that file that the
    span counts from, and `line` where it began when it was read (`Project.line_of` knows where it does now).
    """

    resource: ResourceId
    path: Path
    span: Span
    message: str
    file: str = ""
    document: str = ""
    line: int = 0


class Suppression(Struct, frozen=True):
    """Why a finding is not open: how it was suppressed, and the reason given (may be empty)."""

    kind: Literal["comment", "annotation"]
    reason: str = ""
    until: str = ""


class Cause(NamedTuple):
    """What made a finding: enough to bind its element again, so that nothing is judged twice to name a fix."""

    check: int
    """Its number among the checks of the control."""
    element: int
    """Its number among the elements that the check judges in the resource."""


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
    ordinal: int = 0
    """Tells true duplicates in one file apart."""
    fixable: bool = False
    """The control has a fix. Whether it can be made here is known when it is asked for."""
    suppression: Suppression | None = None
    causes: tuple[Cause, ...] = ()
    """The checks that failed at its path, each on one element."""

    @property
    def status(self) -> Literal["open", "baseline", "suppressed"]:
        """`open` unless something says otherwise."""
        return "suppressed" if self.suppression else "open"

    @property
    def stable_path(self) -> str:
        """The path with list elements named by their merge key: `spec.containers[name=api].image`."""
        return paths.stable(self.path, self.data)

    @property
    def fingerprint(self) -> str:
        """Identity that survives moved lines, reordered lists, renames of files and API upgrades."""
        who = self.resource
        parts = (self.control, who.group, who.kind, who.namespace, who.name, self.stable_path)
        tail = (str(self.ordinal),) if self.ordinal else ()
        return "v1:" + hashlib.sha256("\0".join(parts + tail).encode()).hexdigest()[:32]

    @property
    def printed_path(self) -> str:
        """The path as reports print it."""
        return paths.show(self.path)
