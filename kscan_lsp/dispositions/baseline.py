"""A baseline: the findings that were there when somebody wrote them down, so that what came later stands out.

Its file is JSON with a line for each finding, sorted by file, object, control and path: a review shows what was taken
in and what was let go, and two branches merge line by line. Findings are known by file and fingerprint, and those of
one fingerprint are counted: where one copy of a fault becomes two, one of them is new. What is not in its file any
more but in another is a move, and no news either.

The fingerprint is the one of the first object of its identity, whatever file has it, so that another file with the same
object leaves those of the others as they are.

Left out on purpose: where the file lies and which files are still there (`workspace/baselines.py`), and what is said of
all that became different (`report/drift.py`).
"""

from __future__ import annotations

import re
from collections import Counter, deque
from itertools import chain, repeat
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from kscan_lsp.findings import Disposition, fingerprint
from kscan_lsp.redaction import redact
from kscan_lsp.regex import regex
from kscan_lsp.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kscan_lsp.findings import Finding

VERSION: Final = 1
"""The version of the file's form."""

MAX_ENTRIES: Final = 1_000_000
"""Lines of a baseline that are read."""

_CONFLICT: Final = regex(r"^(?:<{7}|={7}|>{7})", re.MULTILINE)
_BYTE: Final = regex(r"\(byte (\d+)\)")
_STEP: Final = regex(r"\.(\w+)|\[(\d+)\]")


class BaselineEntry(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Findings of one fingerprint in one file; `count` of them."""

    file: str
    """Relative to the folder that the baseline is of, with slashes."""
    object: str
    """`Deployment shop/api`, for who reads it; a fingerprint tells objects apart."""
    control: str
    path: str
    """With list elements by name (`Finding.stable_path`)."""
    severity: str
    fingerprint: str
    count: int = 1
    since: str = ""
    """The day on which it was written down."""
    owner: str = ""
    reason: str = ""
    image: str = ""
    """Of a finding about what is in an image, which one that was (`FoundImage`)."""
    vulnerabilities: int = 0
    """How many it had then."""

    def covers(self, now: FoundImage | None) -> bool:
        """Whether it may stand for a finding that is about an image: the same one, or another that is no worse."""
        if now is None or not self.image:
            return True
        return now.reference == self.image or now.vulnerabilities <= self.vulnerabilities


class FoundImage(Struct, frozen=True):
    """The image that a finding is about, its name in full, and how many vulnerabilities make it one as severe."""

    reference: str
    vulnerabilities: int


class BaselineScore(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How a framework stood; None where nothing was judged by it."""

    id: str
    score: float | None
    score_accepted: float | None = field(name="scoreAccepted")


class Baseline(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a project was like."""

    version: int
    tool: str
    """The version of the program that wrote it."""
    date: str
    settings: str = ""
    """A digest of what was chosen, and one of the controls that were on: who compares sees that other things were
    asked."""
    policies: str = ""
    frameworks: tuple[BaselineScore, ...] = ()
    controls: tuple[str, ...] = ()
    """The controls that were on."""
    findings: tuple[BaselineEntry, ...] = ()


class BaselineError(Exception):
    """A text is no baseline; `path` leads to what is wrong in it, and is empty where it is no JSON."""

    def __init__(self, message: str, path: tuple[str | int, ...] = (), offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.offset = offset


def order_of(entry: BaselineEntry) -> tuple[str, str, str, str, str]:
    """Where an entry stands among others."""
    return entry.file, entry.object, entry.control, entry.path, entry.fingerprint


def render(baseline: Baseline) -> str:
    """The text of a baseline: what is about all of it on top, then a line for each finding."""
    head = msgspec.to_builtins(baseline)
    head.pop("findings", None)
    lines = [f"  {_json(key)}: {_json(value)}," for key, value in head.items()]
    found = ",\n".join(f"    {_json(entry)}" for entry in sorted(baseline.findings, key=order_of))
    return "\n".join(
        ["{", *lines, f'  "findings": [\n{found}\n  ]' if found else '  "findings": []', "}", ""]
    )


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()


def read(text: str) -> Baseline:
    """Read the text of a baseline.

    Raises:
        BaselineError: it is none.
    """
    try:
        baseline = msgspec.json.decode(text, type=Baseline)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at ")
        raise BaselineError(message, _path_in(where)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        if found := _CONFLICT.search(text):
            message = "two versions of the baseline were not merged; 'kscan baseline update' writes it anew"
            raise BaselineError(message, offset=found.start()) from None
        at = _BYTE.search(str(error))
        offset = len(text.encode()[: int(at[1])].decode(errors="ignore")) if at else len(text)
        raise BaselineError("this is no JSON", offset=offset) from None
    if baseline.version != VERSION:
        message = (
            f"version {baseline.version} of a baseline is not known; this program reads version {VERSION}"
        )
        raise BaselineError(message, ("version",))
    if len(baseline.findings) > MAX_ENTRIES:
        raise BaselineError(f"more than {MAX_ENTRIES:,} findings are not read", ("findings",))
    if (number := next((n for n, one in enumerate(baseline.findings) if one.count < 1), None)) is not None:
        raise BaselineError("a finding is there at least once", ("findings", number, "count"))
    return baseline


def _path_in(where: str) -> tuple[str | int, ...]:
    """The path in what msgspec says, such as `$.findings[3].count`."""
    return tuple(int(index) if index else name for name, index in _STEP.findall(where))


class BaselineMatch(Struct, frozen=True):
    """A finding of a baseline that is still there; `moved` where it was in another file then."""

    entry: BaselineEntry
    moved: bool


class Matching(Struct, frozen=True):
    """Which findings were there when a baseline was written, and what is there no more."""

    claims: Mapping[str, Mapping[int, BaselineMatch]]
    """By file, then by the number of the finding among those of the file."""
    left: tuple[BaselineEntry, ...]
    """With the number of those that are not there any more as their count."""


class KnownBy(Struct, frozen=True):
    """By what a baseline knows a finding."""

    fingerprint: str
    image: FoundImage | None = None


def match(entries: Iterable[BaselineEntry], found: Mapping[str, Sequence[KnownBy]]) -> Matching:
    """Match findings with those of a baseline: in the same file first, then those that are in no file any more.

    Args:
        entries: the findings of the baseline.
        found: by file, by what its findings are known, in the order of the text.
    """
    own: dict[tuple[str, str], deque[BaselineEntry]] = {}
    for entry in entries:
        own.setdefault((entry.file, entry.fingerprint), deque()).extend(repeat(entry, entry.count))
    claims: dict[str, dict[int, BaselineMatch]] = {file: {} for file in found}
    unknown: list[tuple[str, int, KnownBy]] = []
    for file, those in found.items():
        for number, one in enumerate(those):
            if (claimed := _taken(own.get((file, one.fingerprint)), one.image)) is not None:
                claims[file][number] = BaselineMatch(claimed, moved=False)
            else:
                unknown.append((file, number, one))
    elsewhere: dict[str, deque[BaselineEntry]] = {}
    for (_, name), rest in own.items():
        elsewhere.setdefault(name, deque()).extend(rest)
    for file, number, one in unknown:
        if (claimed := _taken(elsewhere.get(one.fingerprint), one.image)) is not None:
            claims[file][number] = BaselineMatch(claimed, moved=True)
    left = Counter(chain.from_iterable(elsewhere.values()))
    return Matching(claims, tuple(replace(entry, count=count) for entry, count in left.items()))


def _taken(there: deque[BaselineEntry] | None, image: FoundImage | None) -> BaselineEntry | None:
    """The first of some that may stand for a finding, taken out: one of its very image before any other."""
    if not there:
        return None
    if image is None:
        return there.popleft()
    covering = [one for one in there if one.covers(image)]
    if not covering:
        return None
    entry = next((one for one in covering if one.image == image.reference), covering[0])
    there.remove(entry)
    return entry


def fingerprint_of(finding: Finding) -> str:
    """By what a baseline knows a finding."""
    return fingerprint(finding, 0)


def disposition_of(entry: BaselineEntry) -> Disposition:
    """What a finding has that is in a baseline."""
    reason, owner = redact(entry.reason), redact(entry.owner)
    return Disposition("baseline", "baseline", Span(0, 0), reason, owner, since=entry.since)


def in_baseline(finding: Finding, known: Disposition | None) -> Finding:
    """The finding with what a baseline says of it; what somebody accepted stays so."""
    before = finding.disposition
    if before is known or (before is not None and before.status == "accepted"):
        return finding
    return finding if before == known else replace(finding, disposition=known)
