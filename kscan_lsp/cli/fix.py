"""Files with their fixes made: as a diff, or written back.

Each document is fixed one finding after the other, every step verified (`fixes.fix_all`); what is between
and around the documents stays byte for byte as it is.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from kscan_lsp.cli.scan import strays
from kscan_lsp.files import encoding as source_files
from kscan_lsp.files.manifest import display_name
from kscan_lsp.fixes.draft import drafts
from kscan_lsp.fixes.fix_all import fix_all, is_open
from kscan_lsp.fixes.verify import Site
from kscan_lsp.report.build import range_in
from kscan_lsp.report.printable import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kscan_lsp.cli.scan import Entry, Scan
    from kscan_lsp.workspace.project import Project

_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")
_COLOURS: Final = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}


class Rewritten(Struct, frozen=True):
    """One file with its new text, and the fixes made: control and what was done."""

    entry: Entry
    text: str
    made: tuple[tuple[str, str], ...]


class Outcome(NamedTuple):
    """Files that change, how many findings still have a fix (one to review, or one to choose), and failures."""

    files: tuple[Rewritten, ...]
    to_review: int
    to_choose: int
    failures: tuple[str, ...] = ()
    """Files that could not be written, and why."""


def rewrite(scanned: Scan, asked: Sequence[str], *, unsafe: bool) -> Outcome:
    """Make all safe fixes, or all fixes, on the texts as they were read.

    Args:
        scanned: what was found.
        asked: the files and folders that were named. What lies in none of them is not to be changed, although a link
            in one leads there.
        unsafe: all fixes.
    """
    files: list[Rewritten] = []
    failures: list[str] = []
    to_review = to_choose = 0
    projects: dict[int, Project] = {}
    for entry in scanned.entries:
        path = entry.checked.path
        made: list[tuple[str, str]] = []
        if stray := strays(entry, asked):
            if any(f.fixable and is_open(f) for checked in entry.checked.parts for f in checked.findings):
                failures.append(
                    f"{path}: it is a link to {stray}, which was not asked for; name that file to fix it"
                )
            continue
        # what was fixed in one file holds when the next one is fixed
        project = projects.get(id(entry.project), entry.project)
        for number, checked in enumerate(entry.checked.parts):
            if any(f.fixable and is_open(f) for f in checked.findings):
                project, done = fix_all(Site(project, path, number), lambda fix: unsafe or fix.safe)
                made += [(finding.control, fix.title) for finding, fix in done]
        projects[id(entry.project)] = project
        if made:
            files.append(Rewritten(entry, project.files[path].text, tuple(made)))
    for entry in scanned.entries:
        for number in _left(projects.get(id(entry.project), entry.project), entry.checked.path):
            to_review += number == 1
            to_choose += number > 1
    return Outcome(tuple(files), to_review, to_choose, tuple(failures))


def unread(scanned: Scan) -> list[str]:
    """What could not be read, or not fully, and is not fixed for that: its place, and why."""
    said = [f"{left.file}:{left.line}: {left.reason}" for left in scanned.not_scanned]
    for entry in scanned.entries:
        for placed, problem in entry.checked.problems():
            if problem.fatal:
                line = range_in(placed, problem.span).start.line
                said.append(f"{entry.checked.path}:{line}: {problem.message}")
    return said


def _left(project: Project, path: str) -> Iterator[int]:
    """For every open finding that has fixes, how many."""
    for checked in project.files[path].parts:
        for _, options in drafts(checked, project.evaluator, is_open):
            yield len(options)


def diff(outcome: Outcome, *, terminal: bool = False, colour: bool = True) -> str:
    """A unified diff of all files, one that `git apply` and `patch -p1` take.

    Names of files outside of the working directory count from the root of the file system.

    Args:
        outcome: what changes.
        terminal: with nothing in it that a terminal would act on, and then not to be applied.
        colour: colours on a terminal.
    """
    lines: list[str] = []
    for file in outcome.files:
        name = _name(file).lstrip("/")
        if " " in name:
            name += "\t"  # else `patch` takes the name to end there
        before, after = _LINE.findall(file.entry.checked.text), _LINE.findall(file.text)
        lines += difflib.unified_diff(before, after, f"a/{name}", f"b/{name}")
    said: list[str] = []
    for line in lines:
        content = line.removesuffix("\n")
        if terminal:
            content = printable(content.removesuffix("\r"))
            if colour and (paint := _COLOURS.get(content[:1])):
                content = f"{paint}{content}\x1b[0m"
        said.append(content + "\n")
        if not line.endswith("\n"):
            said.append("\\ No newline at end of file\n")
    return "".join(said)


def _name(file: Rewritten) -> str:
    """What a diff calls a file: a patch is for files, and changes none behind a link."""
    path = file.entry.path
    return display_name(source_files.target(path)) if path else file.entry.checked.path


def write(outcome: Outcome) -> Outcome:
    """Write every file that changes, each in one step; what could not be written is a failure of the new outcome."""
    made, failures = [], [*outcome.failures]
    for file in outcome.files:
        path = file.entry.path
        if path is not None and (reason := source_files.write(path, file.entry.source, file.text)):
            failures.append(f"{file.entry.checked.path}: {reason}")
        else:
            made.append(file)
    return outcome._replace(files=tuple(made), failures=tuple(failures))


def piped(outcome: Outcome, scanned: Scan) -> str | None:
    """Standard input as it is after the fixes; None where it was not read."""
    for file in outcome.files:
        if file.entry.path is None:
            return file.text
    return next((entry.checked.text for entry in scanned.entries if entry.path is None), None)


def summary(outcome: Outcome, *, write: bool, unsafe: bool) -> str:
    """What was done, and what is left to do."""
    made = sum(len(file.made) for file in outcome.files)
    safe = "" if unsafe else "safe "
    what = counted(made, f"{safe}fix", f"{safe}fixes")
    files = counted(len(outcome.files), "file")
    if not made and not outcome.failures:
        said = ["nothing to fix" if unsafe else "nothing to fix safely"]
    elif write:
        said = [f"{what} made in {files}"]
    else:
        said = [f"{what} in {files}; --write makes {'it' if made == 1 else 'them'}"]
        if any(_name(file).startswith("/") for file in outcome.files):
            said.append("to apply the diff, use 'patch -p1 -d /': not all files lie below this folder")
    if outcome.failures:
        said[0] += (
            f", {counted(len(outcome.failures), 'file')} could not be {'written' if write else 'fixed'}"
        )
    if outcome.to_review and not unsafe:
        said.append(f"{outcome.to_review} more to review with --unsafe")
    elif outcome.to_review:
        said.append(f"{outcome.to_review} to fix by hand")
    if outcome.to_choose:
        said.append(f"{outcome.to_choose} with a choice to make in your editor")
    return "; ".join(said)
