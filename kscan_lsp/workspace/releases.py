"""What charts are installed as, as settings say: names of files -> values that a chart is rendered with.

A values file has to be in the workspace: one that settings name from elsewhere is refused, as a policy is.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.files.encoding import Unreadable, read_bytes
from kscan_lsp.files.named import is_within, workspace_of
from kscan_lsp.policy.ruleset import SettingError
from kscan_lsp.render.chart import MAX_BYTES
from kscan_lsp.render.release import Release, ValuesSaid
from kscan_lsp.settings.charts import nested, parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kscan_lsp.render.chart import Chart
    from kscan_lsp.settings.charts import ChartSettings, ReleaseSettings
    from kscan_lsp.settings.layers import Layer


class NamedRelease(Struct, frozen=True):
    """A release of a chart that somebody names, with the real paths of its values files."""

    release: Release
    """Without files."""
    files: tuple[Path, ...] = ()


def releases_of(
    layers: Sequence[Layer],
    folder_of: Callable[[Layer], Path | None],
    wrong: list[tuple[Layer, SettingError]],
) -> dict[Path, tuple[NamedRelease, ...]]:
    """The releases that settings name, by the real paths of their charts; notes what is wrong with some.

    Args:
        layers: the settings; the last that names charts has the word.
        folder_of: what the names of files in a layer are relative to.
        wrong: gets what is wrong, by layer.
    """
    naming = next((one for one in reversed(layers) if one.settings.charts), None)
    if naming is None:
        return {}
    found, errors = _named(naming.settings.charts, folder_of(naming), Path(naming.file))
    wrong += [(naming, error) for error in errors]
    return found


def _named(
    charts: Sequence[ChartSettings], folder: Path | None, file: Path
) -> tuple[dict[Path, tuple[NamedRelease, ...]], list[SettingError]]:
    found: dict[Path, list[NamedRelease]] = defaultdict(list)
    wrong: list[SettingError] = []
    inside = workspace_of(folder) if folder else ()
    for number, chart in enumerate(charts):
        path = folder / chart.path if folder else None
        where = ("charts", number, "path")
        if path is None or not (path / "Chart.yaml").is_file():
            wrong.append(SettingError(where, f"there is no chart in '{chart.path}': it has no Chart.yaml"))
            continue
        if not is_within(path, inside):
            wrong.append(SettingError(where, f"'{chart.path}' is outside of this workspace"))
            continue
        of_chart = found[Path(os.path.realpath(path))]
        for n, release in enumerate(chart.releases):
            at = ("charts", number, "releases", n)
            if any(one.release.name == release.name for one in of_chart):
                message = f"another release of this chart is called '{release.name}', too"
                wrong.append(SettingError((*at, "name"), message))
            elif folder is not None:
                made, errors = _release(release, folder, file, at)
                wrong += errors
                of_chart += [] if errors else [made]
    return {path: tuple(some) for path, some in found.items() if some}, wrong


def _release(
    said: ReleaseSettings, folder: Path, file: Path, at: tuple[str | int, ...]
) -> tuple[NamedRelease, list[SettingError]]:
    files: list[Path] = []
    wrong: list[SettingError] = []
    inside = workspace_of(folder)
    for number, name in enumerate(said.values):
        path = folder / name
        if not path.is_file():
            message = f"there is no values file '{name}', so release '{said.name}' is not rendered"
        elif not is_within(path, inside):
            message = f"'{name}' is outside of this workspace, so release '{said.name}' is not rendered"
        else:
            files.append(Path(os.path.realpath(path)))
            continue
        wrong.append(SettingError((*at, "values", number), message))
    inline = json.dumps(nested(said.set), default=str) if said.set else ""
    places = (ValuesSaid(str(file), 0, (*at, "set", name), parts_of(name)) for name in said.set)
    stand = tuple(places) if file.is_file() else ()
    release = Release(said.name, (), inline, said.namespace, said.kube_version, stand)
    return NamedRelease(release, tuple(files)), wrong


def joined(said: Sequence[NamedRelease], others: Sequence[NamedRelease]) -> tuple[NamedRelease, ...]:
    """The releases that settings name, and those of manifests that are called otherwise."""
    names = {one.release.name for one in said}
    return (*said, *(one for one in others if one.release.name not in names))


def with_releases(
    chart: Chart,
    folder: Path,
    named: Sequence[NamedRelease],
    read: Callable[[Path], bytes | Unreadable] = lambda path: read_bytes(path, MAX_BYTES),
) -> Chart:
    """A chart with what it is installed as.

    Args:
        chart: its files.
        folder: where it is.
        named: its releases.
        read: where values files come from that are not in its folder; what cannot be read is left out, and said.
    """
    if not named:
        return chart
    top = os.path.realpath(folder)
    outside: dict[str, bytes] = {}
    left_out = list(chart.left_out)
    releases = []
    for one in named:
        paths: list[str] = []
        for file in one.files:
            path = PurePath(os.path.relpath(file, top)).as_posix()
            raw = chart.files.get(path, outside.get(path))
            if raw is None:
                content = read(file)
                if isinstance(content, Unreadable):
                    left_out.append((path, content.reason))
                    break
                outside[path] = content
            paths.append(path)
        else:
            said = []
            for place in one.release.said:
                path = PurePath(os.path.relpath(os.path.realpath(place.file), top)).as_posix()
                content = chart.files.get(path, outside.get(path)) or read(Path(os.path.realpath(place.file)))
                if not isinstance(content, Unreadable):
                    outside[path] = content
                    said.append(replace(place, file=path))
            releases.append(replace(one.release, files=tuple(paths), said=tuple(said)))
    return replace(chart, outside=outside, releases=tuple(releases), left_out=tuple(left_out))
