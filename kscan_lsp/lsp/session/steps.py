"""The steps of the work on a folder: frozen input, a pure function that may run in any thread, frozen output.

Every step makes the next project from the last one: the check of a buffer the user is typing in, or one file read
from disk, whichever is more urgent. So nothing is ever lost between two results, and an edit waits for one file at
most. Which step is next, and whether its result still counts, is for `session.py` to say.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from kscan_lsp.files.discover import discover, is_excluded, is_found
from kscan_lsp.files.encoding import SourceText, Unreadable
from kscan_lsp.files.manifest import is_json, is_rendered, read_manifest
from kscan_lsp.files.partials import Partials
from kscan_lsp.lsp.session.charts import TakeChart
from kscan_lsp.lsp.session.overlay_builds import TakeOverlays
from kscan_lsp.lsp.session.stale import with_stale_findings
from kscan_lsp.workspace.admitting import ON_ANSWERS
from kscan_lsp.workspace.committed import CommittedFiles, past_of, with_past
from kscan_lsp.workspace.configuration import exclude_in
from kscan_lsp.workspace.objects import objects_of
from kscan_lsp.workspace.pages import page_of, with_page
from kscan_lsp.workspace.results import CheckedFile, without_earlier

if TYPE_CHECKING:
    from collections.abc import Callable

    from kscan_lsp.files.discover import Discovered, Exclude
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.project import Project


class CheckRequest(Struct, frozen=True):
    """All that checking a buffer needs."""

    uri: str
    path: Path | None
    key: str
    root: Path | None
    revision: int
    """Which text of which document it is; see `OpenDocument.revision`."""
    text: str
    json: bool
    configuration: Configuration
    project: Project
    partials: Partials
    previous: CheckedFile | None = None
    """What is shown of it now."""
    quick: bool = False
    """Whether it is expected to take next to no time."""
    skip_reason: str | None = None
    """Why the file is left alone for where it lies, "" for no reason; None where that is not known yet."""
    markdown: bool = False
    page: Project | None = None
    """What was known of a page of Markdown."""
    rendered: bool = False
    """Whether the project has what it renders to, as part of a chart."""
    built: bool = False
    """Whether overlays are built from it, and it is judged with these."""


class CheckResult(Struct, frozen=True):
    """A buffer judged: the project it is part of now, and what to show of it."""

    project: Project
    file: CheckedFile
    seconds: float
    """What it took of the processor."""
    skip_reason: str
    """Why the file is left alone for where it lies; "" for no reason."""
    page: Project | None = None
    """The project of a page of Markdown, of which the folder's knows nothing."""


class ReadFile(Struct, frozen=True):
    """All that reading a file from disk needs. Without a path, it is to be forgotten."""

    key: str
    path: Path | None
    root: Path | None
    top: Path | None
    """The folder that is walked for files."""
    configuration: Configuration
    project: Project
    partials: Partials
    owned: bool
    """Whether its settings are those of the folder; else it counts for what it declares."""
    judged: bool
    """Whether it is judged, too, and not only read for what it means to others."""
    unsure: bool
    """Whether it is yet to be found out if it belongs to the folder at all."""


class ReadPast(Struct, frozen=True):
    """What the objects of a folder were is to be read, as they are committed now."""

    root: Path | None
    top: Path
    """The folder of the workspace."""
    configuration: Configuration
    project: Project
    """Has read all files."""
    partials: Partials

    @property
    def key(self) -> str:
        """What to call it in a log."""
        return f"what was committed in '{self.top.name}'"


class SomeFiles(Struct, frozen=True):
    """Files of a folder that something is to be said of."""

    keys: tuple[str, ...]
    root: Path | None
    configuration: Configuration
    project: Project

    @property
    def key(self) -> str:
        """What to call it in a log."""
        return self.keys[0] if self.keys else str(self.root)


class SettleFiles(SomeFiles, frozen=True):
    """Some files of which it is to be said what rests on other objects."""

    heard: bool = False
    """Whether rules that look at several objects have said something new, which counts in all files."""


class JudgeAgain(SomeFiles, frozen=True):
    """Some files of which it is to be found out whether they see what is new besides manifests, and then judged.

    The project has been told what that is.
    """


Step: TypeAlias = CheckRequest | ReadFile | ReadPast | SettleFiles | JudgeAgain | TakeChart | TakeOverlays

BATCH: Final = 4
"""Files that are settled or judged again in one step, which an edit has to wait for."""


def check(request: CheckRequest) -> CheckResult:
    """Check a buffer: what the command line would say of a file with this text, and what typing still shows."""
    began = time.thread_time()
    key, text, json = request.key, request.text, request.json
    reason = _reason_to_skip(request) if request.skip_reason is None else request.skip_reason
    if request.built:
        file = CheckedFile(key, text, json)
        return CheckResult(request.project, file, time.thread_time() - began, reason)
    if request.markdown:
        page = None if reason else with_page(_page(request), key, text)
        file = page.files[key] if page else CheckedFile(key, text, json, skipped=reason)
        return CheckResult(request.project, file, time.thread_time() - began, reason, page)
    if reason and not (reason == "helm-template" and is_rendered(text)):
        file = CheckedFile(key, text, json, skipped=reason)
        # what a chart renders to stays until it is rendered again
        project = request.project if request.rendered else request.project.with_read([file])
    else:
        project = request.project.with_file(key, text, json=json)
        file = with_stale_findings(request.previous, project.files[key])
    return CheckResult(project, file, time.thread_time() - began, reason)


def read_file(step: ReadFile) -> Callable[[Project], Project]:
    """Take in one file as it is on disk now.

    Returns:
        What becomes of the project, whatever it is by then.
    """
    key = step.key
    source = _source(step)
    if isinstance(source, Unreadable) and step.judged and step.path and os.path.lexists(step.path):
        reason = source.reason
        return lambda project: project.with_unreadable(key, reason)
    if isinstance(source, str) and step.judged:
        left_alone = CheckedFile(key, "", json=False, skipped=source)
        return lambda project: project.with_read([left_alone])
    if not isinstance(source, SourceText) or step.path is None:
        return lambda project: project.without_file(key)
    json = is_json(step.path.name, source.text)
    if step.judged:
        file = step.project.read(key, source.text, json=json)
        read_for = step.project.index
        # what it was before the edit was said with what others declared then
        return lambda project: project.with_read(
            [file if project.index is read_for else without_earlier(file)]
        )
    objects = objects_of(key, source.text, step.configuration.ruleset, json=json)
    return lambda project: project.with_objects(key, objects)


_NOT_RENDERED: Final = "an editor does not render what is committed; 'kscan scan' does"


def read_past(step: ReadPast) -> Callable[[Project], Project]:
    """Take in what objects were; as for `read_file`. No policy asks that in a folder that its user does not trust."""
    files = CommittedFiles((step.top,), Path.as_uri, step.partials, unmade=_NOT_RENDERED)
    past = past_of(step.project, files)
    return lambda project: with_past(project, past)


def settle_files(step: SettleFiles) -> Project:
    """Say what rests on other objects."""
    return step.project.with_relations(step.keys, ON_ANSWERS if step.heard else frozenset())


def judge_again(step: JudgeAgain) -> tuple[Project, tuple[str, ...]]:
    """Judge a few files by what is known by now.

    Returns:
        The project, and the files that are left to look at.
    """
    outdated: list[str] = []
    for number, key in enumerate(step.keys):
        if len(outdated) == BATCH:
            return step.project.judged_again(outdated), step.keys[number:]
        if key in step.project.files and step.project.is_outdated(key):
            outdated.append(key)
    return step.project.judged_again(outdated), ()


def find_files(
    root: Path, configuration: Configuration, top: Path | None = None
) -> tuple[Discovered, Partials]:
    """Look for the files that count in a folder.

    Args:
        root: the folder.
        configuration: what holds there.
        top: the folder of the workspace that it lies in, if it is none: its files count, too.
    """
    top = top or root

    def exclude(folder: Path) -> Exclude:
        return configuration.exclude if folder == root else exclude_in(folder, trusted=configuration.trusted)

    partials = Partials()
    return discover(top, exclude=exclude(top), excluded_in=exclude, partials=partials), partials


def _source(step: ReadFile) -> SourceText | Unreadable | str | None:
    """The text of a file that counts, why it cannot be read, or why it is left alone; None where none is found."""
    path = step.path
    if path is None or step.top is None:
        return None
    exclude = step.configuration.exclude
    if step.unsure and not step.owned:
        exclude = exclude_in(path.parent, trusted=step.configuration.trusted)
    if step.unsure and not is_found(path, step.top, exclude):
        return None
    return read_manifest(path, step.partials, named=False)


def _page(request: CheckRequest) -> Project:
    """What a page of Markdown is judged in: the same as before, unless it is judged by something else now."""
    evaluator = request.project.evaluator
    known = request.page
    return known if known is not None and known.evaluator is evaluator else page_of(evaluator)


def _reason_to_skip(request: CheckRequest) -> str:
    """Why a file is left alone for where it lies: a third of a millisecond where the settings have patterns."""
    path, configuration = request.path, request.configuration
    if path is None:
        return ""
    if is_excluded(path, configuration.exclude):
        return "excluded"
    return request.partials.reason_to_skip(path)
