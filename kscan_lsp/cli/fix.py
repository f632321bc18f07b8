"""Files with their fixes made: as a diff, or written back.

Each document is fixed one finding after the other, every step verified (`fixes.verify.fix_all`); what is between
and around the documents stays byte for byte as it is.
"""

from __future__ import annotations

import difflib
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from msgspec import Struct

from kscan_lsp.files import encoding
from kscan_lsp.files.manifest import display_name
from kscan_lsp.files.writing import behind_links
from kscan_lsp.findings import Verbatim
from kscan_lsp.fixes.draft import drafts
from kscan_lsp.fixes.fix_all import fix_all, is_open
from kscan_lsp.fixes.verify import Site
from kscan_lsp.regex import regex
from kscan_lsp.report.places import range_of
from kscan_lsp.report.printable import counted, printable
from kscan_lsp.report.rendered import RenderedSources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from kscan_lsp.cli.judged import ScannedFile
    from kscan_lsp.cli.scan import Scan
    from kscan_lsp.findings import Finding
    from kscan_lsp.fixes.verify import VerifiedFix
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile

_LINE: Final = regex(r"[^\n]*\n|[^\n]+")
_HUNK: Final = regex(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
_COLOURS: Final = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}


class FixedFile(Struct, frozen=True):
    """One file with its new text, how many fixes were made in it, and the project that it is in then."""

    scanned: ScannedFile
    fixed: CheckedFile
    fixes: int
    project: Project | None = None
    """None where no other file says anything of its secrets."""

    @property
    def text(self) -> str:
        """Its new text."""
        return self.fixed.text


class FixResult(NamedTuple):
    """Files that change, how many findings still have a fix (one to review, or one to choose), and failures."""

    files: tuple[FixedFile, ...]
    to_review: int
    to_choose: int
    failures: tuple[str, ...] = ()
    """Files that could not be fixed or written, and why."""


Agreed: TypeAlias = "Callable[[ScannedFile, Site, Finding, VerifiedFix, Project], bool]"
"""Whether a fix is to be made: see `asking.Questions.agreed`."""


def fix_files(
    scan: Scan,
    requested: Sequence[str],
    *,
    unsafe: bool,
    agreed: Agreed = lambda *_: True,
    stopped: Callable[[], bool] = lambda: False,
) -> FixResult:
    """Make all safe fixes, or all fixes, on the texts as they were read.

    Args:
        scan: the files as judged.
        requested: the files and folders that were named. What a link in them leads to is not to be changed.
        unsafe: all fixes.
        agreed: asked of each fix that holds.
        stopped: asked between two fixes; true ends the work with what is done.
    """
    files: list[FixedFile] = []
    failures: list[str] = []
    to_review = to_choose = 0
    projects: dict[int, Project] = {}
    for scanned in scan.files:
        path = scanned.checked.path
        fixable = [
            isinstance(placed.source, Verbatim)
            and any(finding.fixable and is_open(finding) for finding in placed.checked.findings)
            for placed in scanned.checked.documents
        ]
        if not any(fixable):
            continue
        if scanned.path and (target := behind_links(scanned.path, requested)):
            failures.append(
                f"{path}: a link leads to it, and nothing is written through links; name {target} to fix it"
            )
            continue
        # what was fixed in one file holds when the next one is fixed
        project = projects.get(id(scanned.project), scanned.project)
        made = 0
        for number in (number for number, some in enumerate(fixable) if some):
            project, done = fix_all(
                Site(project, path, number),
                lambda fix: unsafe or fix.safe,
                stopped,
                agreed=partial(agreed, scanned),
            )
            made += len(done)
        projects[id(scanned.project)] = project
        if made:
            files.append(FixedFile(scanned, project.files[path], made))
    for scanned in scan.files:
        project = projects.get(id(scanned.project), scanned.project)
        for options in _remaining_options(project, scanned.checked.path):
            to_review += options == 1
            to_choose += options > 1
    return FixResult(tuple(files), to_review, to_choose, tuple(failures))


def unreadable(scan: Scan) -> list[str]:
    """What could not be read, or not fully, and is not fixed for that: its place, and why."""
    places = [f"{place.file}:{place.line}: {place.reason}" for place in scan.not_scanned]
    for scanned in scan.files:
        for location, problem in scanned.checked.problems():
            if problem.fatal:
                line = range_of(location, scanned.project).start.line
                places.append(f"{scanned.checked.path}:{line}: {problem.message}")
    return places


def _remaining_options(project: Project, path: str) -> Iterator[int]:
    """For every open finding that has fixes, how many."""
    for number, checked in enumerate(project.files[path].parts):
        if not Site(project, path, number).is_written:
            continue
        for _, options in drafts(checked, project.evaluator, project.index, is_open):
            yield len(options)


class Diff(NamedTuple):
    """A unified diff, and whether any value in it is masked, so that it cannot be applied."""

    text: str
    masked: bool


def diff(result: FixResult, *, values: bool = False, terminal: bool = False, colour: bool = True) -> Diff:
    """A unified diff of all files, one that `git apply` and `patch -p1` take unless something in it is masked.

    Names of files outside of the working directory count from the root of the file system.

    Args:
        result: what changes.
        values: also those that may be secrets.
        terminal: with nothing in it that a terminal would act on, and then not to be applied.
        colour: colours on a terminal.
    """
    shown: list[str] = []
    any_masked = False
    sources = RenderedSources()
    for file in result.files:
        name = _name(file).lstrip("/")
        if " " in name:
            name += "\t"  # else `patch` takes the name to end there
        before, after = _LINE.findall(file.scanned.checked.text), _LINE.findall(file.text)
        lines = [*difflib.unified_diff(before, after, f"a/{name}", f"b/{name}")]
        if not values:
            secret = lines
            lines = [*_without_secrets(secret, file, sources)]
            any_masked = any_masked or lines != secret
        for line in lines:
            content = line.removesuffix("\n")
            if terminal:
                content = printable(content.removesuffix("\r"))
                if colour and (paint := _COLOURS.get(content[:1])):
                    content = f"{paint}{content}\x1b[0m"
            shown.append(content + "\n")
            if not line.endswith("\n"):
                shown.append("\\ No newline at end of file\n")
    return Diff("".join(shown), any_masked)


def _without_secrets(lines: Iterable[str], file: FixedFile, sources: RenderedSources) -> Iterator[str]:
    """The lines of a diff of one file, with values masked that may be secrets."""
    project = file.scanned.project
    before = sources.text(file.scanned.checked, project).masked()
    after = sources.text(file.fixed, file.project or project).masked()
    texts = {"-": _LINE.findall(before), "+": _LINE.findall(after)}
    numbers = {"-": 0, "+": 0}
    for line in lines:
        sign = line[:1]
        if hunk := _HUNK.match(line):
            numbers = {"-": int(hunk[1]), "+": int(hunk[2])}
        elif not numbers["+"] and not numbers["-"]:
            yield line  # the names of the files
            continue
        elif sign in " +-":
            side = "+" if sign == "+" else "-"
            shown = texts[side][numbers[side] - 1]
            for moved in "+-" if sign == " " else sign:
                numbers[moved] += 1
            yield sign + shown
            continue
        yield line


def _name(file: FixedFile) -> str:
    """What a diff calls a file."""
    path = file.scanned.path
    return display_name(encoding.resolve(path)) if path else file.scanned.checked.path


def write(result: FixResult) -> FixResult:
    """Write every file that changes, each in one step; what could not be written is a failure of the new result."""
    written, failures = [], [*result.failures]
    for file in result.files:
        path = file.scanned.path
        if path is not None and (reason := encoding.write(path, file.scanned.source, file.text)):
            failures.append(f"{file.scanned.checked.path}: {reason}")
        else:
            written.append(file)
    return result._replace(files=tuple(written), failures=tuple(failures))


def fixed_stdin(result: FixResult, scan: Scan) -> str | None:
    """Standard input as it is after the fixes; None where it was not read."""
    for file in result.files:
        if file.scanned.path is None:
            return file.text
    return next((scanned.checked.text for scanned in scan.files if scanned.path is None), None)


def summary(result: FixResult, *, write: bool, unsafe: bool) -> str:
    """What was done, and what is left to do."""
    made = sum(file.fixes for file in result.files)
    safe = "" if unsafe else "safe "
    fixes = counted(made, f"{safe}fix", f"{safe}fixes")
    files = counted(len(result.files), "file")
    if not made and not result.failures:
        parts = ["nothing to fix" if unsafe else "nothing to fix safely"]
    elif write:
        parts = [f"{fixes} made in {files}"]
    else:
        parts = [f"{fixes} in {files}; --write makes {'it' if made == 1 else 'them'}"]
        if any(_name(file).startswith("/") for file in result.files):
            parts.append("to apply the diff, use 'patch -p1 -d /': not all files lie below this folder")
    if result.failures:
        parts[0] += (
            f", {counted(len(result.failures), 'file')} could not be {'written' if write else 'fixed'}"
        )
    if result.to_review and not unsafe:
        parts.append(f"{result.to_review} more to review with --unsafe")
    elif result.to_review:
        parts.append(f"{result.to_review} to fix by hand")
    if result.to_choose:
        parts.append(f"{result.to_choose} with a choice to make in your editor")
    return "; ".join(parts)
