"""What charts and overlays made at a revision, for policies that ask what objects were (`workspace/committed.py`).

A chart is rendered from its files at the revision, with each of the values that it is rendered with today, and overlays
are built from them, by the same programs. What of that does not work is said where a policy asks for it: what is not
known is never taken for new.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.admission.before import as_it_was, of_ways
from kscan_lsp.cli.options import STDIN
from kscan_lsp.cli.rendered_then import charts_then, configurations_of, overlays_then, wanted_then
from kscan_lsp.files.manifest import display_name
from kscan_lsp.files.partials import KUSTOMIZATION_NAMES, Partials
from kscan_lsp.files.revision import list_blobs, read_blobs
from kscan_lsp.workspace.committed import MAX_BYTES, CommittedFiles, MadeBefore, past_of, with_past
from kscan_lsp.workspace.objects import objects_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kscan_lsp.cli.asked import Past
    from kscan_lsp.cli.charts import RenderedChart
    from kscan_lsp.cli.overlays import BuiltOverlays
    from kscan_lsp.cli.to_judge import ChartToJudge, OverlayToJudge
    from kscan_lsp.graph.index import Object
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.workspace.charts import ValuesRendering
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.project import Project

_LINKS: Final = "it has links in it, or other repositories, which are not followed in a commit"
_MOVED: Final = "the chart is not there, and may be one of those that are there no more"
_PART: Final = "the overlay was not built by itself"


class _Then(Struct, frozen=True):
    """What there was at a revision, by absolute paths."""

    files: frozenset[Path]
    links: tuple[Path, ...]
    charts: Mapping[str, RenderedChart]
    overlays: BuiltOverlays | None

    def has_link(self, folder: Path) -> bool:
        """Whether not all of a folder was read, or nothing: it is behind a link."""
        return any(one.is_relative_to(folder) or folder.is_relative_to(one) for one in self.links)


class MakersBefore:
    """Renders and builds what a command came to as a revision has it: once, and only where a policy asks."""

    def __init__(
        self,
        past: Past,
        charts: Sequence[ChartToJudge],
        overlays: Sequence[OverlayToJudge],
        configurations: Sequence[Configuration],
    ) -> None:
        """As a command came to them.

        Args:
            past: the files and folders that are judged, and the revision.
            charts: the charts among them.
            overlays: the overlays among them.
            configurations: what holds for all.
        """
        self._past = past
        self._charts = charts
        self._overlays = overlays
        self._configurations = configurations
        self._then: _Then | None = None

    def told(self, project: Project, configuration: Configuration) -> Project:
        """A project with what its objects were, where some settings hold for its files."""
        paths = tuple(Path(os.path.abspath(path)) for path in self._past.paths)
        made = partial(self._made, configuration)
        files = CommittedFiles(paths, display_name, Partials(), self._past.revision, made)
        return with_past(project, past_of(project, files))

    def _made(self, configuration: Configuration, top: Path, commit: str) -> MadeBefore | None:
        """What those charts and overlays made that some settings hold for; None where there are none today."""
        charts = [one for one in self._charts if one.configuration is configuration]
        overlays = [one for one in self._overlays if one.configuration is configuration]
        if not charts and not overlays:
            return None
        if self._then is None:
            self._then = self._read(top, commit)
        then, ruleset = self._then, configuration.ruleset
        today = frozenset(one.build.path for one in overlays)
        objects: list[Object] = []
        ways: list[Object] = []
        looked, unmade = set(today), _unbuilt(today, then)
        for chart in charts:
            names = {file.path for rendering in chart.renderings for file in rendering.files}
            first, *others = [_of_way(chart, one, then, ruleset) for one in chart.renderings]
            looked |= names
            objects += first[0]
            unmade |= first[1]
            if others:
                labels = [one.values for one in chart.renderings]
                then_named = {one.file for there, _ in (first, *others) for one in there}
                ways.append(of_ways(names | then_named, dict(zip(labels, (first, *others), strict=True))))
        built = then.overlays
        holding = configurations_of(self._configurations)
        for folder, one in built.overlays.items() if built else ():
            if holding(Path(folder)) is configuration:
                objects += map(as_it_was, objects_of(one.path, one.built.text, ruleset))
        covered = built.covered.union(*built.concerned.values()) if built else frozenset[str]()
        return MadeBefore((*ways, *objects), frozenset(looked), unmade, today, covered)

    def _read(self, top: Path, commit: str) -> _Then:
        named = [Path(os.path.abspath(path)) for path in self._past.paths if path != STDIN]
        folders = [one.folder for one in self._charts]
        wanted = wanted_then(named, folders, self._overlays, self._configurations)
        links: list[str] = []
        blobs = list_blobs(top, commit, lambda _: True, links=links)
        paths = {top / PurePosixPath(name): one for name, one in blobs.items()}
        those = {path: one for path, one in paths.items() if wanted(path)}
        texts = dict(zip(those, read_blobs(top, those.values(), MAX_BYTES), strict=True))
        holding = configurations_of(self._configurations)
        there = [folder for folder in folders if folder / "Chart.yaml" in paths]
        return _Then(
            frozenset(paths),
            tuple([top / PurePosixPath(one) for one in links]),
            charts_then(there, texts, holding),
            overlays_then(self._past.paths, texts, holding) if self._overlays else None,
        )


_Way = tuple[tuple["Object", ...], dict[str, str]]
"""The objects that a chart made with some values, and by the names of files why it is not known what they made."""


def _of_way(chart: ChartToJudge, today: ValuesRendering, then: _Then, ruleset: Ruleset) -> _Way:
    """What a chart made with the values that it is rendered with today."""
    names = [file.path for file in today.files]
    if then.has_link(chart.folder):
        return (), dict.fromkeys(names, _LINKS)
    if chart.folder / "Chart.yaml" not in then.files:
        moved = any(path.name == "Chart.yaml" and not path.exists() for path in then.files)
        return (), dict.fromkeys(names, _MOVED) if moved else {}
    before = then.charts[str(chart.folder)]
    same = _way(today.values)
    found = next((one for one in before.renderings if _way(one.values) == same), None)
    if found is None or before.chart is None:  # values that are new, unless something else is wrong
        return (), dict.fromkeys(names, before.not_scanned[0].reason) if before.not_scanned else {}
    return tuple(_objects(before, found, ruleset)), _unrendered(before, found, names)


def _way(label: str) -> str:
    """What tells one rendering of a chart from others: the values file, or the name of the release."""
    return label.partition(": ")[0] if label.startswith("release ") else label


def _objects(chart: RenderedChart, rendering: ValuesRendering, ruleset: Ruleset) -> Iterator[Object]:
    """The objects of a rendering, and of templates that are judged as they stand, for want of any action."""
    rendered = {file.path for file in rendering.files}
    texts = [(file.path, file.rendered.text) for file in rendering.files if file.rendered]
    texts += [(name, source.text) for name, source in chart.sources.items() if name not in rendered]
    for name, text in texts:
        yield from map(as_it_was, objects_of(name, text, ruleset))


def _unrendered(chart: RenderedChart, rendering: ValuesRendering, names: Sequence[str]) -> dict[str, str]:
    """Why files of today are not known in a rendering: they could not be read, or belong to what was not there."""
    known = {file.path for file in rendering.files} | chart.sources.keys()
    reasons = {place.file: place.reason for place in chart.not_scanned}
    missing = reasons.get(f"{chart.prefix}Chart.yaml", "") if chart.chart and chart.chart.missing() else ""
    own = f"{chart.prefix}templates/"
    return {
        name: reasons.get(name, missing)
        for name in names
        if name not in known and (name in reasons or (missing and not name.startswith(own)))
    }


def _unbuilt(today: frozenset[str], then: _Then) -> dict[str, str]:
    """By the names of overlays, why it is not known what they built."""
    built = then.overlays
    made = {one.path for one in built.overlays.values()} if built else set()
    there = {display_name(path) for path in then.files if path.name in KUSTOMIZATION_NAMES}
    found = {}
    for name in sorted(today & there):
        path = os.path.realpath(name)
        concerned = built.concerned.items() if built else ()
        wrong = [place for place, files in concerned if path in files or place.file == name]
        if then.has_link(Path(path).parent):
            found[name] = _LINKS
        elif name not in made:
            found[name] = wrong[0].reason if wrong else _PART
    return found
