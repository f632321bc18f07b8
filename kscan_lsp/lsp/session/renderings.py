"""What charts and overlays render to, as documents to be shown: which there are, and what each is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from msgspec import Struct

from kscan_lsp.lsp.rendered import RenderingName
from kscan_lsp.lsp.uris import path_of, rendered_uri
from kscan_lsp.render.kustomize.comments import with_comments
from kscan_lsp.workspace.charts import judge_rendering

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from kscan_lsp.workspace.charts import ValuesRendering
    from kscan_lsp.workspace.overlays import OverlayBuild
    from kscan_lsp.workspace.project import Project
    from kscan_lsp.workspace.results import CheckedFile

YAML: Final = (".yaml", ".yml")
STALE: Final = "what it is made from has faults now; this is the last that worked"


class RenderedPart(Struct, frozen=True):
    """What one file of a chart renders to, or all that an overlay builds, judged."""

    key: str
    name: str
    """The file, as a comment above the text has it."""
    text: str
    file: CheckedFile


class RenderingToShow(Struct, frozen=True):
    """All that showing a rendering needs."""

    project: Project
    note: str
    """What is to be said of it first, if anything."""
    texts: Mapping[str, str]
    """What it was rendered from, by the keys of the files."""
    prefix: str = ""
    """What stands before the names of a chart's files in their keys."""
    rendering: ValuesRendering | None = None
    overlay: tuple[OverlayBuild, CheckedFile] | None = None

    def parts(self) -> Iterator[RenderedPart]:
        """What it consists of, in order."""
        if self.overlay is not None:
            build, judged = self.overlay
            said, _ = with_comments(build.built, build.path, build.name)
            yield RenderedPart(build.path, build.title, said, judged)
        if self.rendering is not None:
            judged_alone = judge_rendering(self.project, self.rendering)
            for one, file in zip(self.rendering.files, judged_alone, strict=True):
                if one.rendered is not None:
                    name = unquote(one.path.removeprefix(self.prefix))
                    yield RenderedPart(one.path, name, one.rendered.text, file)


def of_chart(folder: Path, renderings: Sequence[ValuesRendering], key: str) -> tuple[RenderingName, ...]:
    """The renderings of a chart; if one of its files is a values file, what is rendered with that comes first."""
    named = key.removeprefix(f"{folder.as_uri()}/")
    first: list[RenderingName] = []
    rest: list[RenderingName] = []
    for number, one in enumerate(renderings):
        last = one.values.rpartition("/")[2]
        title = f"{folder.name} with {last}" if number else f"{folder.name} rendered"
        name = title if title.endswith(YAML) else f"{title}.yaml"
        shown = RenderingName(one.values if number else "", rendered_uri(folder, name, one.values))
        (first if number and named in one.values else rest).append(shown)
    return (*first, *rest)


def of_overlays(builds: Iterable[OverlayBuild], key: str) -> tuple[RenderingName, ...]:
    """The overlays that a file is part of; its own, if it is a kustomization, first."""
    found = []
    for build in sorted(builds, key=lambda one: one.path != key):
        folder = folder_of(build)
        if folder is not None and (build.path == key or key in build.texts):
            where = build.title.rpartition("/")[0] or folder.name
            found.append(RenderingName(where, rendered_uri(folder, f"{folder.name} as built.yaml")))
    return tuple(found)


def folder_of(build: OverlayBuild) -> Path | None:
    """Where an overlay is."""
    path = path_of(build.path)
    return path.parent if path else None
