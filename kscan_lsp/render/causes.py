"""From a field of what a chart renders to, to the value that it comes from: changed, and rendered again, it shows.

Each of the values that may be meant (`candidates.py`) gets a text of its own, all in one rendering: the field that then
has that text comes from that value. Where some value does not bear that (a number that is calculated with, a word that
is compared), the rendering fails, and is tried again without those that the failing line names, or with half of them.
What is left is tried one by one, as a user would change it: true for false, another number. A value that decides
whether a field is there is its cause, too, if the object and what the field is in are there either way.

Left out on purpose: fields that several values make together. The first that changes it is its cause.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from msgspec import Struct

from kscan_lsp import paths
from kscan_lsp.render.candidates import Candidates
from kscan_lsp.render.makers import RenderError
from kscan_lsp.render.rendering import PLACE, ask_for, by_file
from kscan_lsp.yaml.document import read_document, split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from kscan_lsp.paths import Path
    from kscan_lsp.render.candidates import Field
    from kscan_lsp.render.chart import Chart
    from kscan_lsp.render.makers import Helm
    from kscan_lsp.render.reads import Templates
    from kscan_lsp.render.release import Release
    from kscan_lsp.render.values import ChartValues

K = TypeVar("K")

MOST: Final = 16
"""Renderings for one choice of values at most; a chart with one finding for each value of hundreds keeps to it."""
_TEXT: Final = "kscan{}probe"


class ValueCause(Struct, frozen=True):
    """A value that a field comes from, by its path in the values of the whole chart."""

    path: Path
    prints: bool
    """Whether the field has the value, or what is made of it; else the value decides whether the field is there."""


class Probe(Struct, frozen=True):
    """What causes are looked for in: a chart, what it is rendered with, and its templates taken apart."""

    maker: Helm
    chart: Chart
    release: Release
    """What it is installed as, with values over its own."""
    values: ChartValues
    templates: Templates
    prefix: str = ""
    """What stands before the paths of its files in the map."""

    def rendered(self, overlay: Mapping[str, Any]) -> dict[str, str] | str:
        """What each file renders to with more values, by its name in the map; why not, where the chart does not."""
        try:
            found = ask_for(self.maker, self.chart, self.release, self.chart.files, over=json.dumps(overlay))
        except RenderError as error:
            return str(error)
        return {self.prefix + path: text for path, text in by_file(self.chart, found).items()}


def causes(
    probe: Probe,
    fields: Mapping[K, Field],
    stopped: Callable[[], bool] = lambda: False,
    most: int = MOST,
) -> dict[K, ValueCause]:
    """The values that fields come from, as far as that can be proven.

    Args:
        probe: the chart.
        fields: those to look for, by whatever they are known by.
        stopped: asked between renderings; true ends the work with what is known.
        most: how many renderings it may take.
    """
    return _CauseSearch(probe, fields, stopped, most).run()


class _CauseSearch(Generic[K]):
    """The search of one call."""

    def __init__(
        self, probe: Probe, fields: Mapping[K, Field], stopped: Callable[[], bool], most: int
    ) -> None:
        self.probe = probe
        self.fields = fields
        self.stopped = stopped
        self.left = most
        self.found: dict[K, ValueCause] = {}
        self.names: dict[K, ValueCause] = {}
        """What gives the name of images, as long as nothing is found that gives their version."""
        self.tried: set[Path] = set()
        """What was changed alone, and what a field that is missing would have shown if it came from there."""
        candidates = Candidates(probe.chart, probe.values, probe.templates, probe.prefix)
        self.options: dict[K, list[Path]] = {}
        for key, field in fields.items():
            if not stopped():
                self.options[key] = candidates.of(field)

    def run(self) -> dict[K, ValueCause]:
        """All that can be proven."""
        wanted = dict.fromkeys(
            path for options in self.options.values() for path in options if self._bears_text(path)
        )
        self._together([*wanted])
        for key, options in self.options.items():
            for path in options:
                if key in self.found or self.left <= 0 or self.stopped():
                    break
                # of an image with a name, what is empty may give the version in place of the chart's own
                if path not in self.tried and (key not in self.names or self._is_empty(path)):
                    self.tried.add(path)
                    self._alone(path)
        return self.names | self.found

    def _is_empty(self, path: Path) -> bool:
        """Whether a value is there for somebody to fill in."""
        values = self.probe.values
        return values.sets(path) and values.lookup(path) in ("", None)

    def _bears_text(self, path: Path) -> bool:
        """Whether a value can be any text without being something else to what asks whether it is there."""
        known = self.probe.values.lookup(path)
        return bool(known) or not self.probe.values.sets(path)

    def _together(self, wanted: list[Path]) -> None:
        """Give many values a text of their own at once."""
        if not wanted or self.left <= 0 or self.stopped():
            return
        overlay = self.probe.values.overlay()
        tokens = {path: _TEXT.format(number) for number, path in enumerate(wanted)}
        accepted = {path: token for path, token in tokens.items() if overlay.set(path, token)}
        rest = [path for path in wanted if path not in accepted]
        if not accepted:
            return
        self.left -= 1
        rendered = self.probe.rendered(overlay.data)
        if isinstance(rendered, str):
            if blamed := [path for path in accepted if self._is_blamed(path, rendered)]:
                self._together([path for path in accepted if path not in blamed])
            elif len(half := [*accepted]) > 1:
                self._together(half[: len(half) // 2])
                self._together(half[len(half) // 2 :])
        else:
            self.tried.update(path for path in accepted if not self.probe.values.sets(path))
            for key, field, value in self._looked_up(rendered, accepted.keys()):
                known = [one for one in self.options[key] if one in accepted and _has(value, accepted[one])]
                if not known:
                    continue
                if field.is_image and value != accepted[known[0]]:
                    # with a digest, that is what counts
                    tail = _version(value)
                    there = [one for one in known if self.probe.values.sets(one)] or known
                    path = max(there, key=lambda one: tail.rfind(accepted[one]))
                    found = self.found if accepted[path] in tail else self.names
                    found.setdefault(key, ValueCause(path, prints=True))
                else:
                    self.found.setdefault(key, ValueCause(known[0], prints=True))
        self._together(rest)

    def _is_blamed(self, path: Path, message: str) -> bool:
        """Whether a rendering failed at an action that names a value."""
        names = [re.escape(part) for part in path[-2:] if isinstance(part, str)]
        name = re.compile(rf"\b({'|'.join(names)})\b")
        for place in PLACE.finditer(message):
            file = self.probe.prefix + self.probe.chart.file_of(place[1])
            if name.search(self.probe.templates.line(file, int(place[2]))):
                return True
        return False

    def _alone(self, path: Path) -> None:
        """Change one value as a user would, for all fields that it may be the cause of."""
        known = self.probe.values.lookup(path)
        concerned = [
            key for key, options in self.options.items() if path in options and key not in self.found
        ]
        for key in concerned[:1]:
            before = _value(self.fields[key])
            new = _other(known, None if key in self.names else before)
            overlay = self.probe.values.overlay()
            if not overlay.set(path, new):
                return
            self.left -= 1
            rendered = self.probe.rendered(overlay.data)
            if isinstance(rendered, str):
                return
            for other, field, value in self._looked_up(rendered, {path}):
                was = _value(field)
                if other in self.names and f":{new}" not in _version(value):
                    continue
                if value != was or type(value) is not type(was):
                    prints = not isinstance(new, bool) or (isinstance(value, bool) and value == new)
                    self.found[other] = ValueCause(path, prints)

    def _looked_up(
        self, rendered: Mapping[str, str], changed: AbstractSet[Path]
    ) -> Iterator[tuple[K, Field, Any]]:
        """The fields that may come from what was changed, as it renders now, if what they are in is still there."""
        documents: dict[tuple[str, int], Any] = {}
        for key, field in self.fields.items():
            if key in self.found or changed.isdisjoint(self.options.get(key, ())):
                continue
            if self.stopped():
                return
            place = field.file, field.number
            if place not in documents:
                documents[place] = _data(rendered.get(field.file, ""), field)
            data = documents[place]
            if data is field.document.data:
                continue
            parent = paths.lookup(data, field.path[:-1]) if len(field.path) > 1 else data
            if parent is not None or (data is not None and field.is_missing):
                yield key, field, paths.lookup(data, field.path)


def _value(field: Field) -> Any:
    return paths.lookup(field.document.data, field.path)


def _other(known: Any, before: Any) -> Any:
    """Another value, of the kind that a value is, or that the field has that it may make."""
    for one in (known, before):
        match one:
            case bool():
                return not one
            case int() | float():
                return one + 7
            case str() if one:
                return f"{one}7"
    return _TEXT.format(0) if not isinstance(known, dict | list) else type(known)()


def _data(text: str, field: Field) -> Any:
    """The data of the object that a field was in, in what its template renders to now; None where it is not there."""
    pieces: Sequence[str] = split(text)
    here = pieces[field.number] if field.number < len(pieces) else ""
    if here == field.document.text:
        return field.document.data
    identity, there = _identity(field.document.data), read_document(here).data
    if _identity(there) == identity:
        return there
    others = (read_document(piece).data for piece in pieces if piece is not here)
    moved = next((data for data in others if _identity(data) == identity), None)
    # a value may be in its name, too
    renamed = _identity(there)[0] == identity[0] and field.several == len(pieces)
    return there if moved is None and renamed else moved


def _identity(data: Any) -> tuple[Any, Any, Any]:
    name, namespace = (paths.lookup(data, ("metadata", key)) for key in ("name", "namespace"))
    return paths.lookup(data, ("kind",)), name, namespace


def _version(image: Any) -> str:
    """What tells the version in the name of an image: `:1.27`, with a digest behind it if it has one."""
    last = image.rpartition("/")[2] if isinstance(image, str) else ""
    return last[min((at for at in map(last.find, ":@") if at >= 0), default=len(last)) :]


def _has(value: Any, token: str) -> bool:
    """Whether a value has a text in it, as it is or in base64."""
    if not isinstance(value, str):
        return False
    if token in value:
        return True
    with contextlib.suppress(ValueError):
        return token.encode() in base64.b64decode(value, validate=True)
    return False
