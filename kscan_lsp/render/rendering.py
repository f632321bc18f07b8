"""A chart rendered, and where each line of that was written: proven by rendering it with marks and without.

What the marks change is found by comparing: a template that hashes, cuts or compares what another prints gives
something else when that has marks. Where the syntax tells of it (`templates.py`), the marks are taken out before the
function sees them. Where a rendering is still different, or fails, those of the named template or the file at fault are
taken out, and it is tried again. A template whose output changes from one rendering to the next (random text, dates) is
judged by the marked rendering, if it is the same but for the lines that change anyway.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.regex import regex
from kscan_lsp.render.chart import ChartFault
from kscan_lsp.render.makers import RenderError
from kscan_lsp.render.marks import Marks
from kscan_lsp.render.release import Release
from kscan_lsp.render.templates import pieces as pieces_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from kscan_lsp.render.chart import Chart
    from kscan_lsp.render.makers import Helm
    from kscan_lsp.render.marks import Piece, Written

_TRIES: Final = 8
"""How often marks are taken out; then what still differs has no places."""
PLACE: Final = regex(r"((?:[\w.+-]+/)+[\w.+-]+):(\d+)")
"""Where Helm says that something is wrong: a template by its name, and a line."""
_SPACE: Final = regex(r"\s*\n\s*")
_WITHOUT_LINE_END: Final = regex(r"[^\n]\Z")


class RenderedTemplate(Struct, frozen=True):
    """What one template renders to, and what that comes from; without pieces nobody knows."""

    text: str
    pieces: tuple[Piece, ...] = ()


class Rendering(Struct, frozen=True):
    """What a chart renders to, by the path of each template, or of the archive that it is in, below its folder."""

    files: Mapping[str, RenderedTemplate]


def render(
    helm: Helm, chart: Chart, values: Sequence[str] = (), prefix: str = "", release: Release | None = None
) -> Rendering | ChartFault:
    """Render a chart.

    Args:
        helm: what renders it.
        chart: its files.
        values: the texts of values files, over its own; later ones win.
        prefix: what stands before the paths of its files in places.
        release: what it is installed as, if not by its own name; its values are over `values`.
    """

    def ask(files: Mapping[str, bytes]) -> dict[str, str]:
        return ask_for(helm, chart, release or Release(), files, below=values)

    try:
        plain = ask(chart.files)
    except RenderError as error:
        return fault(chart, str(error))
    plain = {name: text for name, text in plain.items() if not name.endswith("/NOTES.txt")}
    known = _with_places(ask, chart, prefix, plain)
    if chart.linked:
        known = {name: _renamed(one, chart, prefix) for name, one in known.items()}
    several = Counter(map(chart.file_of, plain))
    files = {path: RenderedTemplate(text) for path, text in by_file(chart, plain).items()}
    files |= {path: one for name, one in known.items() if several[path := chart.file_of(name)] == 1}
    return Rendering(files)


def _renamed(template: RenderedTemplate, chart: Chart, prefix: str) -> RenderedTemplate:
    """A template with places in libraries beside the chart where these are."""

    def written(one: Written) -> Written:
        path = one.file.removeprefix(prefix)
        return one._replace(file=chart.named(prefix, path)) if path.startswith("charts/") else one

    pieces = [
        piece._replace(line=piece.line and written(piece.line), actions=tuple(map(written, piece.actions)))
        for piece in template.pieces
    ]
    return RenderedTemplate(template.text, tuple(pieces))


def ask_for(
    helm: Helm,
    chart: Chart,
    release: Release,
    files: Mapping[str, bytes],
    *,
    below: Sequence[str] = (),
    over: str = "",
) -> dict[str, str]:
    """What the templates of a release of a chart render to, by the names that Helm has for them.

    Args:
        helm: what renders it.
        chart: whose release it is.
        release: what it is installed as.
        files: the files of the chart, which may have other templates.
        below: values under those of the release, as texts of values files.
        over: values over them.

    Raises:
        RenderError: it does not render.
    """
    texts = [*below, *chart.texts(release), *([over] if over else [])]
    name = release.name or chart.release
    return helm.rendered(files, name, texts, release.namespace, release.kube_version)


def by_file(chart: Chart, rendered: Mapping[str, str]) -> dict[str, str]:
    """What each file of a chart renders to, by its path below the chart's folder.

    Args:
        chart: the chart.
        rendered: what templates render to, by the names that Helm has for them.
    """
    merged: dict[str, str] = {}
    for name in sorted(rendered):
        if name.endswith("/NOTES.txt"):
            continue
        path = chart.file_of(name)
        # several templates of one archive, or of a chart that is there under two names
        merged[path] = f"{_ended(merged[path])}---\n{rendered[name]}" if path in merged else rendered[name]
    return merged


def _ended(text: str) -> str:
    return text + "\n" * bool(_WITHOUT_LINE_END.search(text))


def _with_places(
    ask: Callable[[Mapping[str, bytes]], dict[str, str]], chart: Chart, prefix: str, plain: Mapping[str, str]
) -> dict[str, RenderedTemplate]:
    templates = chart.templates()
    without: set[tuple[str, str]] = set()
    known: dict[str, RenderedTemplate] = {}
    changing: Mapping[str, str] | None = None
    for _ in range(_TRIES):
        marks, marked = _marked(tuple(templates.items()), prefix, frozenset(without))
        try:
            rendered = ask({**chart.files, **marked})
        except RenderError as error:
            if not _take_out_of_failing(str(error), chart, prefix, templates, without):
                return known
            continue
        differing: list[tuple[str, tuple[Piece, ...]]] = []
        for name, text in plain.items():
            read, pieces = marks.read(rendered.get(name, ""))
            if read == text:
                known[name] = RenderedTemplate(text, pieces)
                continue
            if changing is None:
                try:
                    changing = ask(chart.files)
                except RenderError:
                    changing = plain
            if _is_same_but(read, text, changing.get(name, "")):
                known[name] = RenderedTemplate(read, pieces)
            else:
                known.pop(name, None)
                at = next(
                    (n for n, (a, b) in enumerate(zip(read, text, strict=False)) if a != b),
                    min(len(read), len(text)),
                )
                differing.append((name, tuple(piece for piece in pieces if piece.at <= at)[-1:]))
        if not differing:
            return known
        before = len(without)
        for name, last in differing:
            units = _at_fault(last, templates, prefix)
            file = prefix + chart.file_of(name)
            without |= next((some for some in (*units, {(file, "")}) if not some <= without), set())
        if len(without) == before:
            return known
    return known


@lru_cache(maxsize=2)
def _marked(
    templates: tuple[tuple[str, str], ...], prefix: str, without: frozenset[tuple[str, str]]
) -> tuple[Marks, dict[str, bytes]]:
    """The templates of a chart with marks: the same for all of its values, and for each edit of these."""
    marks = Marks()
    return marks, {path: marks.marked(prefix + path, text, without).encode() for path, text in templates}


def _at_fault(
    last: tuple[Piece, ...], templates: Mapping[str, str], prefix: str
) -> Iterator[set[tuple[str, str]]]:
    """The marks that may be at fault for a difference, the likeliest first: those to take out before the file's own.

    Those of the named template that printed what is different, those that the action names that did, and those of all.
    """
    named = {
        (prefix + path, piece.inside)
        for path, text in templates.items()
        for piece in pieces_of(text)
        if piece.inside
    }
    for piece in last:
        for written in (*([piece.line] if piece.line else []), *reversed(piece.actions)):
            if written.inside:
                yield {(written.file, written.inside)}
            action = templates[written.file.removeprefix(prefix)][written.start : written.end]
            yield {unit for unit in named if unit[1] in action}
    yield named


def _take_out_of_failing(
    message: str, chart: Chart, prefix: str, templates: Mapping[str, str], without: set[tuple[str, str]]
) -> bool:
    """Take the marks out of what a marked chart fails in; whether there were any."""
    before = len(without)
    for place in PLACE.finditer(message):
        path = chart.file_of(place[1])
        if path in templates:
            without |= _units(prefix + path, templates[path])
    if len(without) == before:
        for path, text in templates.items():
            without |= _units(prefix + path, text)
    return len(without) > before


def _units(file: str, template: str) -> set[tuple[str, str]]:
    return {(file, piece.inside) for piece in pieces_of(template)} | {(file, "")}


def _is_same_but(read: str, plain: str, again: str) -> bool:
    """Whether two renderings are the same but for lines that are different in every rendering."""
    lines, others, changed = read.split("\n"), plain.split("\n"), again.split("\n")
    if plain == again or not len(lines) == len(others) == len(changed):
        return False
    return all(a == b or b != c for a, b, c in zip(lines, others, changed, strict=True))


def fault(chart: Chart, message: str) -> ChartFault:
    """Why a chart does not render, at the place that Helm's message names first and the chart has."""
    said = _SPACE.sub(" ", message.strip())
    if len(said) > 400:
        said = f"{said[:200]} ... {said[-150:]}"
    for place in PLACE.finditer(message):
        path = chart.file_of(place[1])
        if path in chart.files:
            return ChartFault(path, int(place[2]), said)
    named = next((path for path in ("values.yaml", "Chart.yaml") if path in message), "Chart.yaml")
    return ChartFault(named, 1, said)
