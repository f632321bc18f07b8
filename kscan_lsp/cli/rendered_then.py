"""Charts and overlays as a revision has them: rendered and built from texts of git, by the settings of today."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kscan_lsp.cli.charts import rendered_charts
from kscan_lsp.cli.options import STDIN
from kscan_lsp.cli.overlays import built_overlays
from kscan_lsp.files.discover import is_excluded
from kscan_lsp.files.encoding import Unreadable
from kscan_lsp.files.partials import KUSTOMIZATION_NAMES, chart_around
from kscan_lsp.render.chart import chart_of
from kscan_lsp.render.kustomize.files import FilesOfRevision
from kscan_lsp.workspace.deployments import deployments
from kscan_lsp.workspace.places import exceptions_above, find_settings
from kscan_lsp.workspace.releases import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from kscan_lsp.cli.charts import RenderedChart
    from kscan_lsp.cli.overlays import BuiltOverlays
    from kscan_lsp.cli.to_judge import OverlayToJudge
    from kscan_lsp.render.chart import Chart
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.releases import NamedRelease

    Configurations: TypeAlias = Callable[[Path], Configuration]
    """What holds for a folder."""

MANIFESTS: Final = (".yaml", ".yml", ".json")
"""How the names of manifests end."""


def configurations_of(configurations: Sequence[Configuration]) -> Configurations:
    """What of some configurations holds for a folder: the first of them for one that none was read for."""
    by_settings = {
        (one.settings_path, exceptions_above(one.root) if one.root else ()): one for one in configurations
    }
    return lambda folder: by_settings.get(
        (find_settings(folder), exceptions_above(folder)), configurations[0]
    )


def wanted_then(
    named: Sequence[Path],
    charts: Sequence[Path],
    overlays: Iterable[OverlayToJudge],
    configurations: Iterable[Configuration],
) -> Callable[[Path], bool]:
    """Whether a file of a revision is to be read, by its absolute path.

    Args:
        named: the files and folders that are judged.
        charts: the folders of the charts among them.
        overlays: those that are built today: others are looked for where all that these are built from is.
        configurations: which name values files.
    """
    whole = [*charts, *(Path(os.path.commonpath(map(os.path.abspath, one.build.texts))) for one in overlays)]
    beside = {
        str(file)
        for configuration in configurations
        for releases in configuration.releases.values()
        for release in releases
        for file in release.files
    }
    return lambda path: (
        os.path.realpath(path) in beside
        or any(map(path.is_relative_to, whole))
        or (path.name.endswith(MANIFESTS) and any(map(path.is_relative_to, named)))
    )


def charts_then(
    folders: Iterable[Path], texts: Mapping[Path, bytes], configurations: Configurations
) -> Mapping[str, RenderedChart]:
    """Charts as a revision has them, by their folders; none where nothing is installed that renders them.

    Args:
        folders: where they are.
        texts: the files of the revision, by their absolute paths.
        configurations: what holds for a folder.
    """
    charts = {str(folder): Path(os.path.realpath(folder)) for folder in folders}
    if not charts:
        return {}
    real = {Path(os.path.realpath(path)): raw for path, raw in texts.items()}

    def read(folder: Path) -> Chart:
        below = {path: raw for path, raw in texts.items() if path.is_relative_to(folder)}
        return chart_of({path.relative_to(folder).as_posix(): raw for path, raw in below.items()})

    def values(path: Path) -> bytes | Unreadable:
        found = real.get(path)
        return Unreadable("it is not in this revision") if found is None else found

    def releases(folder: str) -> Sequence[NamedRelease]:
        said = configurations(Path(folder)).releases.get(charts[folder], ())
        return joined(said, named.by_chart.get(charts[folder], ()))

    manifests = [
        (path, raw.decode(errors="replace"))
        for path, raw in real.items()
        if path.name.endswith(MANIFESTS) and chart_around(path) is None
    ]
    named = deployments(manifests, frozenset(charts.values()))
    return rendered_charts(charts, read, releases=releases, values=values) or {}


def overlays_then(
    requested: Iterable[str], texts: Mapping[Path, bytes], configurations: Configurations
) -> BuiltOverlays | None:
    """Overlays as a revision has them; None where it has none, or nothing is installed that builds them.

    Args:
        requested: the files and folders that are judged.
        texts: the files of the revision, by their absolute paths.
        configurations: what holds for a folder.
    """
    files = {Path(os.path.realpath(path)): raw for path, raw in texts.items()}
    named = [os.path.realpath(path) for path in requested if path != STDIN]
    folders = [
        str(path.parent)
        for path in files
        if path.name in KUSTOMIZATION_NAMES
        and any(map(path.is_relative_to, named))
        and not is_excluded(path, configurations(path.parent).exclude)
    ]
    there = FilesOfRevision({str(path): raw for path, raw in files.items()})
    return built_overlays(folders, named, there) if folders else None
