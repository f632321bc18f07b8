"""From a field of what a chart renders to, to the values that it comes from: proven by changing them.

Each candidate (`reads.py`) is given another value and the chart rendered again. Those that change the field are
where it comes from; which file sets one is told by the texts: the last values file that has it, then the defaults.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp.render.makers import RenderError
from kscan_lsp.render.reads import Reads
from kscan_lsp.text import Span
from kscan_lsp.yaml.data import nearest
from kscan_lsp.yaml.document import read_document, split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from kscan_lsp.paths import Path
    from kscan_lsp.render.chart import Chart
    from kscan_lsp.render.makers import Helm
    from kscan_lsp.render.reads import ValuePath

MOST_RENDERINGS: Final = 60
"""How often a chart is rendered with one set of values to find where its fields come from."""
MOST_CANDIDATES: Final = 8
"""How many values are tried for one field."""
_NOTHING: Final = object()


class ValuesText(NamedTuple):
    """A values file: its path in the chart, and its text."""

    file: str
    text: str


class ValueSource(NamedTuple):
    """A value that a field comes from: its path, and where it is set; without a file nothing sets it."""

    path: ValuePath
    file: str = ""
    span: Span = Span(0, 0)
    """The key and the value."""


class RenderedField(NamedTuple):
    """A field of an object that a chart renders to."""

    template: str
    """The path of the template in the chart."""
    kind: str
    name: str
    path: Path


class Tracer:
    """Where the fields of a chart come from, with some values."""

    def __init__(
        self,
        maker: Helm,
        chart: Chart,
        values: Sequence[ValuesText] = (),
        overtaken: Callable[[], bool] = lambda: False,
    ) -> None:
        """Trace fields of a chart.

        Args:
            maker: what renders it.
            chart: its files.
            values: values files over its own; later ones win.
            overtaken: whether nobody wants to know any more.
        """
        self._maker, self._chart, self._values, self._overtaken = maker, chart, values, overtaken
        self._reads = Reads(chart.templates())
        self._left = MOST_RENDERINGS
        self._rendered: dict[ValuePath | None, Mapping[str, str] | None] = {}
        self._read: dict[tuple[ValuePath | None, str], list[Any]] = {}
        self._data: dict[str, Any] = {}

    def sources(self, field: RenderedField, file: str, span: Span) -> tuple[ValueSource, ...]:
        """The values that change a field, of those that are read where it is written.

        Args:
            field: the field.
            file: the template that it is written in, by its path in the chart.
            span: where in that.
        """
        before = self._value(field, None)
        if before is _NOTHING:
            return ()
        found = []
        for path in [*self._candidates(field, file, span)][:MOST_CANDIDATES]:
            after = self._value(field, path)
            if after is not _NOTHING and not _same(before, after):
                found.append(self._set_in(path))
        return tuple(found)

    def _candidates(self, field: RenderedField, file: str, span: Span) -> Iterator[ValuePath]:
        """Paths in the values of the outermost chart; of a map, what may be the field before all else in it."""
        above = _charts_of(file)
        seen: set[ValuePath] = set()
        for read in self._reads.of(file, span):
            path = read if read[0] == "global" else (*above, *read)
            value = self._merged(path)
            leaves = [path] if not isinstance(value, dict) or not value else [*_leaves(value, path)]
            tail = [leaf for leaf in leaves if leaf[len(path) :] == field.path[-(len(leaf) - len(path)) :]]
            for leaf in tail or leaves[:MOST_CANDIDATES]:
                if leaf not in seen:
                    seen.add(leaf)
                    yield leaf

    def _value(self, field: RenderedField, changed: ValuePath | None) -> Any:
        """What a field is where a value is changed: `_NOTHING` where its object is not there, None for no field."""
        rendered = self._rendering(changed)
        if rendered is None:
            return _NOTHING
        key = changed, field.template
        if key not in self._read:
            texts = [text for name, text in rendered.items() if self._chart.file_of(name) == field.template]
            self._read[key] = [read_document(piece).data for text in texts for piece in split(text)]
        for data in self._read[key]:
            if isinstance(data, dict) and data.get("kind") == field.kind and _name(data) == field.name:
                return _at(data, field.path)
        return _NOTHING

    def _rendering(self, changed: ValuePath | None) -> Mapping[str, str] | None:
        if changed in self._rendered:
            return self._rendered[changed]
        found: Mapping[str, str] | None = None
        if self._left and not self._overtaken():
            self._left -= 1
            texts = [one.text for one in self._values]
            if changed is not None:
                texts.append(json.dumps(_under(changed, _other(self._merged(changed)))))
            try:
                found = self._maker.rendered(self._chart.files, self._chart.release, texts)
            except RenderError:
                found = None  # a value that the chart does not take proves nothing
        self._rendered[changed] = found
        return found

    def _files(self, path: ValuePath) -> Iterator[tuple[ValuesText, ValuePath]]:
        """All files that may set a value, with its path in each; the one that wins first."""
        yield from ((one, path) for one in reversed(self._values))
        for depth in range(len(path)):
            file = "".join(f"charts/{name}/" for name in path[:depth]) + "values.yaml"
            if file in self._chart.files:
                yield ValuesText(file, self._text(file)), path[depth:]

    def _text(self, file: str) -> str:
        return self._chart.files[file].decode(errors="replace")

    def _set_in(self, path: ValuePath) -> ValueSource:
        for one, inside in self._files(path):
            root = read_document(one.text).root
            place = nearest(root, inside) if root is not None else None
            if place is not None and place.depth == len(inside):
                start = place.entry.key.start if place.entry is not None else place.node.start
                return ValueSource(path, one.file, Span(start, place.node.end))
        return ValueSource(path)

    def _merged(self, path: ValuePath) -> Any:
        """What a value is; maps of several files are put together."""
        found: Any = None
        for one, inside in self._files(path):
            if one.text not in self._data:
                self._data[one.text] = read_document(one.text).data
            value = _at(self._data[one.text], inside)
            if found is None:
                found = value
            elif isinstance(found, dict) and isinstance(value, dict):
                found = {**value, **found}
        return found


def _charts_of(file: str) -> ValuePath:
    """The subcharts that a template is in, from the outermost."""
    parts = file.split("/")
    names = []
    while len(parts) > 2 and parts[0] == "charts":
        names.append(parts[1])
        parts = parts[2:]
    return tuple(names)


def _leaves(value: dict[str, Any], path: ValuePath) -> Iterator[ValuePath]:
    for key, below in value.items():
        if isinstance(below, dict) and below:
            yield from _leaves(below, (*path, str(key)))
        else:
            yield (*path, str(key))


def _other(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 7
    if isinstance(value, str):
        # what is compared with "true" is as common as a boolean
        return {"true": "false", "false": "true"}.get(value, f"{value}zz")
    if isinstance(value, list):
        return [*value, "zz"]
    return {"zz": "zz"} if isinstance(value, dict) else "zz"


def _under(path: ValuePath, value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


def _at(data: Any, path: Iterable[str | int]) -> Any:
    for key in path:
        if isinstance(data, dict):
            data = data.get(key)
        elif isinstance(data, list) and isinstance(key, int) and 0 <= key < len(data):
            data = data[key]
        else:
            return None
    return data


def _name(data: dict[str, Any]) -> str:
    metadata = data.get("metadata")
    return str(metadata.get("name") or "") if isinstance(metadata, dict) else ""


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same, also in type: true is not 1."""
    return type(one) is type(other) and bool(one == other)
