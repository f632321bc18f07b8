"""What answers are made from: frozen versions of a document, of a settings file, of all that is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import Struct

from kscan_lsp.files.partials import Partials
from kscan_lsp.fixes.verify import Site
from kscan_lsp.lsp import convert
from kscan_lsp.workspace.locations import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from lsprotocol import types

    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.findings import Finding
    from kscan_lsp.lsp.capabilities import Capabilities
    from kscan_lsp.lsp.rendered import ChartView
    from kscan_lsp.text import LineIndex, Span
    from kscan_lsp.workspace.changes import Change
    from kscan_lsp.workspace.configuration import Configuration, ConfigurationProblem
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile, PlacedDocument
    from kscan_lsp.yaml.document import Document


SCANNING: Final = "being scanned \u2026"
"""What is said of an image that is being scanned."""


class OpenText(Struct, frozen=True):
    """A text that the editor has open: what it calls it, which version that is, and the text."""

    uri: str
    version: int
    text: str


class SettingsSources(Struct, frozen=True):
    """What settings are read from before files on disk."""

    section: Any = None
    """The editor's `kscan` section."""
    documents: Mapping[Path, OpenText] = {}
    """Open files that may hold settings or policies."""

    @property
    def texts(self) -> dict[Path, str]:
        """The texts of those files."""
        return {path: one.text for path, one in self.documents.items()}


class DocumentSnapshot(NamedTuple):
    """A checked version of an open document, and what is needed to talk about it.

    `key` is what it is called in `project`, which has all that is judged in its folder.
    """

    uri: str
    path: Path | None
    version: int
    key: str
    project: Project
    configuration: Configuration
    checked: CheckedFile
    lines: LineIndex
    capabilities: Capabilities
    partials: Partials = Partials()
    """What is known of charts and overlays around it."""
    folders: tuple[Path, ...] = ()
    """The folders of the workspace, by which files are named."""
    sources: SettingsSources = SettingsSources()
    scans: Mapping[str, str] = {}
    """What is to be said of images that are being scanned, or could not be; see `Session.scans`."""
    chart: ChartView | None = None
    """What is shown in it as a file of a chart; None where it is of none that was rendered."""

    def range_of(self, placed: PlacedDocument, span: Span) -> types.Range:
        """A span of one of its documents as the protocol has it."""
        lines = lines_of(placed.locate(span), self.project)
        return convert.range_of_lines(lines, self.capabilities.encoding)

    def site(self, placed: PlacedDocument) -> Site:
        """Where one of its documents is in the project."""
        return Site(self.project, self.key, self.checked.documents.index(placed))

    def objects(self) -> Iterator[JudgedObject]:
        """What is said about each object, in the order of the text."""
        for placed in self.checked.documents:
            for verdicts in placed.checked.verdicts:
                yield JudgedObject(placed, verdicts)


class JudgedObject(Struct, frozen=True):
    """One object of a document, with its findings as dispositions leave them."""

    placed: PlacedDocument
    verdicts: Verdicts

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found in it."""
        return self.verdicts.findings

    def failing(self) -> set[str]:
        """The controls that have a finding that is not accepted."""
        return {finding.control for finding in self.findings if finding.status != "accepted"}


class SettingsSnapshot(Struct, frozen=True):
    """An open settings file, and the settings that hold by it."""

    uri: str
    lines: LineIndex
    configuration: Configuration
    capabilities: Capabilities


class OpenManifest(Struct, frozen=True):
    """An open document that is judged, as others see it."""

    uri: str
    key: str
    name: str
    """What people call it."""
    project: Project


class ControlSnapshot(Struct, frozen=True):
    """An open file of a control, a framework or a pack, as it is typed, and what holds around it."""

    uri: str
    path: Path
    lines: LineIndex
    configuration: Configuration
    capabilities: Capabilities
    sources: SettingsSources
    manifests: tuple[OpenManifest, ...] = ()
    """The manifests that are open, the one edited last first."""
    folders: tuple[Path, ...] = ()
    """The folders of the workspace."""


class NamingSnapshot(Struct, frozen=True):
    """An open document of any kind, and all that names controls, frameworks and inputs."""

    uri: str
    path: Path | None
    lines: LineIndex
    documents: tuple[tuple[int, Document], ...]
    """The documents of a manifest, each with where it begins."""
    configurations: tuple[Configuration, ...]
    projects: tuple[Project, ...]
    sources: SettingsSources
    uris: Mapping[str, str]
    """What the editor calls the files that it has open, by key."""
    folders: tuple[Path, ...]
    capabilities: Capabilities


class ProjectsSnapshot(Struct, frozen=True):
    """What all folders declare, judged or not."""

    projects: tuple[Project, ...]
    uris: Mapping[str, str]
    """What the editor calls the files that it has open, by key."""
    capabilities: Capabilities


class WorkspaceSnapshot(Struct, frozen=True):
    """All that is judged, open or not, and what is wrong with files that say what is to be judged."""

    folders: tuple[Path, ...]
    files: tuple[tuple[CheckedFile, Project], ...]
    """Each with the project it is in, in the order of their names."""
    unreadable: tuple[tuple[Path, str], ...] = ()
    """Folders that could not be looked at, and why."""
    problems: tuple[ConfigurationProblem, ...] = ()
    """What is wrong with settings and policies."""
    changes: tuple[Change, ...] = ()
    """What they change about the standards that come with the program."""
    partials: Mapping[Project, Partials] = {}
    """What is known of charts and overlays in the folder that a project is of."""
