"""Every form of report by what marks it, and the one way to read a file.

What a file is called does not matter: it is told by the keys that its form must have. A form is imported when a file
has it. To add one: a module beside this with `read(bytes) -> Contents`, and its row.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import DecodeError, Raw, Struct, ValidationError, field, json

from kscan_lsp.evidence.sources.common import PROGRAM, Contents, OwnReportError, ReportError, clean

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BYTES: Final = 64_000_000
"""Of one file; the largest reports that were seen have some 20 MB."""
MAX_LISTED: Final = 500
"""Reports in one file."""


class _Head(Struct):
    """The keys that tell forms apart, their values unread."""

    ArtifactName: Raw = Raw()
    Results: Raw = Raw()
    SchemaVersion: Raw = Raw()
    matches: Raw = Raw()
    bomFormat: Raw = Raw()
    spdxVersion: Raw = Raw()
    runs: Raw = Raw()
    statements: Raw = Raw()
    context: Raw = field(default=Raw(), name="@context")
    document: Raw = Raw()
    kind: Any = None
    items: Raw = Raw()
    summaryDetails: Raw = Raw()
    tool: Raw = Raw()
    scan: Raw = Raw()
    artifacts: Raw = Raw()
    artifactRelationships: Raw = Raw()


class Form(NamedTuple):
    """One form: what marks it, the module that reads it, and the function there."""

    marks: Callable[[_Head], bool]
    module: str
    function: str = "read"


def _has(*keys: str) -> Callable[[_Head], bool]:
    """Whether a file has some keys; their values are not copied for that."""
    return lambda head: all(memoryview(getattr(head, key)).nbytes for key in keys)


FORMS: Final[dict[str, Form]] = {
    "Trivy": Form(_has("ArtifactName", "SchemaVersion"), "trivy"),
    "Grype": Form(_has("matches"), "grype"),
    "VulnerabilityManifest": Form(lambda h: h.kind == "VulnerabilityManifest", "kubescape", "read_manifest"),
    "VulnerabilityManifest list": Form(_has("items"), "kubescape", "read_list"),
    "Kubescape": Form(_has("summaryDetails"), "kubescape", "read_scan"),
    "CycloneDX": Form(_has("bomFormat"), "cyclonedx"),
    "SPDX": Form(lambda h: _has("spdxVersion")(h) or b"spdx.org" in bytes(h.context)[:200], "spdx"),
    "Syft": Form(_has("artifacts", "artifactRelationships"), "syft"),
    "SARIF": Form(_has("runs"), "sarif"),
    "OpenVEX": Form(_has("statements"), "openvex"),
    "CSAF": Form(_has("document"), "csaf"),
}
"""Every form by its name, in the order in which they are tried."""

_LEFT_OUT: Final = "this report is left out: "
_OWN: Final = f"{_LEFT_OUT}kscan wrote it, and reads what scanners write; name the reports of these"
_HEAD: Final = json.Decoder(_Head)
_LIST: Final = json.Decoder(list[Raw])
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")


class Reading(NamedTuple):
    """What came of a file: what it says, or one sentence on why it is left out or nothing follows from it."""

    contents: Contents
    problem: str = ""
    own: bool = False
    """Whether it was written by this program."""

    @property
    def is_left_out(self) -> bool:
        """Whether it, or one of several in a file, cannot be used."""
        return self.problem.startswith(_LEFT_OUT)


def read_report(data: bytes) -> Reading:
    """Read a report in any form that is known, or a list of some; never raises."""
    if len(data) > MAX_BYTES:
        return unread(f"it has {len(data):,} bytes, and no more than {MAX_BYTES:,} are read")
    try:
        # PowerShell writes what a command says in UTF-16
        data = data.decode("utf-16").encode() if data[:2] in _UTF_16 else data.removeprefix(b"\xef\xbb\xbf")
        # of several images Kubescape writes a list
        parts = _LIST.decode(data) if data[:100].lstrip().startswith(b"[") else [data]
    except (DecodeError, UnicodeDecodeError) as error:
        return unread(f"it is no JSON: {clean(str(error), 200)}")
    except RecursionError:
        return unread("it is nested too deeply")
    if not 0 < len(parts) <= MAX_LISTED:
        return unread(f"it is a list of {len(parts):,} reports, and from 1 to {MAX_LISTED} are read")
    readings = [_read(bytes(part)) for part in parts]
    return readings[0] if len(readings) == 1 else _together(readings)


def _together(readings: list[Reading]) -> Reading:
    """What several reports say in one file; of those that are left out the first says why."""
    contents = [one.contents for one in readings]
    return Reading(
        Contents(
            tuple(image for one in contents for image in one.images),
            tuple(statement for one in contents for statement in one.statements),
            inventories=tuple(inventory for one in contents for inventory in one.inventories),
        ),
        next(
            (one.problem for one in sorted(readings, key=lambda one: not one.is_left_out) if one.problem), ""
        ),
        all(one.own for one in readings),
    )


def _read(data: bytes) -> Reading:
    name = ""
    try:
        head = _HEAD.decode(data)
        if _is_own(head):
            return Reading(Contents(), _OWN, own=True)
        name, form = next(((n, one) for n, one in FORMS.items() if one.marks(head)), ("", None))
        if form is None:
            return unread(f"it is in none of the forms that are read: {', '.join(FORMS)}")
        module = import_module(f"kscan_lsp.evidence.sources.{form.module}")
        contents: Contents = getattr(module, form.function)(data)
    except OwnReportError:
        return Reading(Contents(), _OWN, own=True)
    except ReportError as error:
        return unread(str(error))
    except ValidationError as error:
        what = (
            f"it looks like {name} but is not as that has to be: "
            if name
            else "it is not the JSON of a report: "
        )
        return unread(what + clean(str(error), 200))
    except (DecodeError, UnicodeDecodeError) as error:
        return unread(f"it is no JSON: {clean(str(error), 200)}")
    except RecursionError:
        return unread("it is nested too deeply")
    if contents.note:
        return Reading(
            Contents(inventories=contents.inventories),
            f"nothing follows from this report: {contents.note}",
        )
    if not contents.images and not contents.statements:
        return Reading(
            Contents(), "nothing follows from this report: it is about no image, and states nothing"
        )
    if unnamed := sum(not (one.names or one.digests) for one in contents.images):
        named = tuple(one for one in contents.images if one.names or one.digests)
        why = f"it does not say which image it is about ({unnamed} of {len(contents.images)})"
        return Reading(contents._replace(images=named), f"{_LEFT_OUT}{why}")
    return Reading(contents)


def _is_own(head: _Head) -> bool:
    """Whether a file is a report of this program, as JSON or for GitLab; other forms tell when they are read."""
    return any(f'"{PROGRAM}"'.encode() in bytes(memoryview(part)[:200]) for part in (head.tool, head.scan))


def unread(why: str) -> Reading:
    """What came of a file that is left out, and why."""
    return Reading(Contents(), f"{_LEFT_OUT}{why}")
