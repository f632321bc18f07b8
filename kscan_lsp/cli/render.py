"""What a chart or an overlay renders to, as text, with the place that each line comes from if somebody wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.cli.options import UsageError
from kscan_lsp.cli.overlays import built_overlays
from kscan_lsp.files import encoding
from kscan_lsp.files.manifest import display_name
from kscan_lsp.files.partials import KUSTOMIZATION_NAMES
from kscan_lsp.redaction import shown
from kscan_lsp.render.chart import ChartFault, read_chart
from kscan_lsp.render.kustomize.places import DocumentPlaces
from kscan_lsp.render.makers import helm
from kscan_lsp.render.rendering import render
from kscan_lsp.render.source_map import Rendered
from kscan_lsp.report.left_alone import INSTALL, INSTALL_KUSTOMIZE
from kscan_lsp.report.printable import printable
from kscan_lsp.text import LineIndex, Span
from kscan_lsp.yaml.document import split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from kscan_lsp.findings import Location
    from kscan_lsp.render.chart import Chart
    from kscan_lsp.render.rendering import RenderedTemplate


def rendering(folder: Path, values: Sequence[Path], *, places: bool) -> str:
    """A chart or an overlay rendered, with what may be a secret masked.

    Args:
        folder: where it is.
        values: values files over its own; later ones win.
        places: whether each line begins with the file and the line that it is written on.

    Raises:
        UsageError: there is neither, nothing that renders it, or it does not render.
    """
    if any((folder / name).is_file() for name in KUSTOMIZATION_NAMES):
        if values:
            raise UsageError(f"'{folder}' is an overlay, which has no values")
        return printable("".join(_built(folder, places=places)))
    if not (folder / "Chart.yaml").is_file():
        raise UsageError(
            f"there is nothing to render in '{folder}': it has neither a Chart.yaml nor a kustomization"
        )
    chart = read_chart(folder)
    if isinstance(chart, encoding.Unreadable):
        raise UsageError(f"{folder}: {chart.reason}")
    texts = []
    for path in values:
        source = encoding.read(path)
        if isinstance(source, encoding.Unreadable):
            raise UsageError(f"{path}: {source.reason}")
        texts.append(source.text)
    maker = helm()
    if maker is None:
        raise UsageError(f"nothing here renders charts; {INSTALL}")
    try:
        found = render(maker, chart, texts)
    finally:
        maker.close()
    name = display_name(folder)
    prefix = "" if name == "." else f"{name}/"
    if isinstance(found, ChartFault):
        raise UsageError(f"{prefix}{found.file}:{found.line}: {found.message}")
    parts = []
    for name_in_chart, template in found.files.items():
        text = shown(template.text)
        if places:
            text = "\n".join(_with_places(chart, name_in_chart, template, text.split("\n"), prefix))
        parts.append(f"---\n# Source: {prefix}{name_in_chart}\n{text}" + "\n" * (not text.endswith("\n")))
    return printable("".join(parts))


def _built(folder: Path, *, places: bool) -> Iterator[str]:
    """What an overlay builds, document by document."""
    found = built_overlays([str(folder)], [str(folder)])
    if found is None:
        raise UsageError(f"nothing here builds overlays; {INSTALL_KUSTOMIZE}")
    if found.not_scanned:
        raise UsageError("\n".join(f"{one.file}:{one.line}: {one.reason}" for one in found.not_scanned))
    if not found.overlays:
        raise UsageError(f"'{folder}' is a component, which is built with an overlay that names it")
    (overlay,) = found.overlays.values()
    indexes = {name: LineIndex(text) for name, text in overlay.texts.items()}
    for number, text in enumerate(split(overlay.built.text)):
        lines = shown(text).split("\n")
        source = DocumentPlaces(overlay.built, number, text, overlay.path, overlay.name)
        if places:
            lines = [*_beside(text, lines, source.locate, indexes)]
        yield "\n".join(lines)


def _beside(
    text: str, lines: Sequence[str], locate: Callable[[Span], Location], indexes: Mapping[str, LineIndex]
) -> Iterator[str]:
    """Lines that are shown of a text, each with the file and line that it is written on."""
    found = []
    at = 0
    for line, written in zip(lines, text.split("\n"), strict=True):
        start = at + len(written) - len(written.lstrip(" -"))
        location = locate(Span(start, start + 1))
        place = ""
        if written.strip(" -") and location.span and location.file in indexes:
            number = indexes[location.file].position(location.span.start).line + 1
            place = f"{location.file}:{number}{'?' * bool(location.reason)}"
        found.append((place, line))
        at += len(written) + 1
    width = max(len(place) for place, _ in found)
    yield from (f"{place:<{width}} | {line}".rstrip() if line else line for place, line in found)


def _with_places(
    chart: Chart, path: str, template: RenderedTemplate, lines: Sequence[str], prefix: str
) -> Iterator[str]:
    source = Rendered(path, 0, template.pieces)
    indexes = {name: LineIndex(text) for name, text in chart.templates().items()}
    at = 0
    found = []
    for line, written in zip(lines, template.text.split("\n"), strict=True):
        start = at + len(written) - len(written.lstrip())
        location = source.locate(Span(start, start + 1))
        place = ""
        if written.strip() and location.span and location.file in indexes:
            number = indexes[location.file].position(location.span.start).line + 1
            place = f"{prefix}{location.file}:{'?' if location.reason else number}"
        found.append((place, line))
        at += len(written) + 1
    width = max(len(place) for place, _ in found)
    yield from (f"{place:<{width}} | {line}".rstrip() for place, line in found)
