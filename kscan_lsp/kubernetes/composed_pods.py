"""A pod template put together from what a kind of another shape says of its pods, and the way back to its places.

Controls know pods as core/v1 has them. So what a Workflow or a Task says is put together as a pod template, and every
place in that is led back to where it is written: a finding points there, and a fix changes that.

What stands for a value until something runs (`$(params.image)`, `{{inputs.parameters.image}}`) is no image; nothing is
said of it. Where a container has defaults (`stepTemplate`), fields are merged as a strategic merge patch does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from kscan_lsp import paths
from kscan_lsp.kubernetes.pod_patches import Patched, read_patch
from kscan_lsp.kubernetes.pod_shapes import SHAPES, expanded, sources_of
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kscan_lsp.kubernetes.pod_shapes import Source
    from kscan_lsp.paths import Path

COMPOSED: Final = "\0pods"
"""The key under which a composed template stands beside the fields of its object; no manifest can have it."""
ROOT: Final[Path] = (COMPOSED,)
POD: Final[Path] = (COMPOSED, "spec")

_UNKNOWN: Final = regex(r"\$\(|\{\{")
"""What begins a parameter of Tekton or Argo."""
_MERGED_LISTS: Final = {"env": "name", "volumeMounts": "mountPath"}
"""Lists of a container that are merged with those of its defaults, with what tells their items apart (core/v1)."""


class Composed(Struct, frozen=True):
    """A pod template put together, and where its parts are written."""

    template: dict[str, Any]
    places: Mapping[Path, Path]
    """By path in the template, which starts with `COMPOSED`, where it is written in the object."""
    patched: Mapping[Path, Path] = {}
    """By path in the template, the text in which a patch sets it: that has no fields of its own."""
    partial: frozenset[Path] = frozenset()
    """Containers of which patches say no more than what shall be different."""
    unread: tuple[tuple[Path, str], ...] = ()
    """Patches that are not known, each with the reason."""

    def written_at(self, path: Path) -> Path:
        """Where something in the template is written; what its object has no field for is shown at the item."""
        patch = self._patch_of(path)
        if patch is not None:
            return patch
        known = self.settable_at(path)
        return self.places[ROOT] if known is None else known

    def _patch_of(self, path: Path) -> Path | None:
        for length in range(len(path), len(POD), -1) if self.patched else ():
            if path[:length] in self.patched:
                return self.patched[path[:length]]
        return None

    def settable_at(self, path: Path) -> Path | None:
        """Where something in the template is to be written; None where there is no field for it, or a patch sets it."""
        if path[:1] != ROOT:
            return path
        if self._patch_of(path) is not None:
            return None
        for length in range(len(path), 1, -1):
            place = self.places.get(path[:length])
            if place is not None:
                return (*place, *path[length:])
        return self.places[ROOT] if len(path) <= 2 else None


def composed(data: dict[str, Any], item: Path, shape: str) -> Composed:
    """The pod template that an item of an object describes.

    Args:
        data: the object as plain values.
        item: where the item stands in it.
        shape: the name of its shape.
    """
    composing = _composing(data, item, shape)
    pod = {**_fields(composing), **_lists(composing)}
    patched, unread = Patched({}, set()), []
    for sources in sources_of(shape).patches:
        for place, text in composing.texts(sources):
            patch = read_patch(text)
            pod = patched.merge(pod, patch.data, POD, place)
            if patch.reason:
                unread.append((place, patch.reason))
    if patched.places:
        pod = {field: _with_known_images(value) for field, value in pod.items()}
    template = {"metadata": _metadata(composing), "spec": pod}
    return Composed(template, composing.places, patched.places, frozenset(patched.partial), tuple(unread))


def metadata_of(data: dict[str, Any], item: Path, shape: str) -> dict[str, Any]:
    """As `composed`, no more than the metadata of the pods."""
    return _metadata(_composing(data, item, shape))


def _composing(data: dict[str, Any], item: Path, shape: str) -> _Composing:
    above = item[: len(item) - SHAPES[shape].up]
    here, around = paths.lookup(data, item), paths.lookup(data, above)
    return _Composing((here, around), (item, above), shape, {ROOT: item})


class _Composing(Struct, frozen=True):
    """What a template is made of, and the places of it that are known so far."""

    data: tuple[Any, Any]
    """The item, and what is around it."""
    bases: tuple[Path, Path]
    """Where they stand."""
    shape: str
    places: dict[Path, Path]

    def place(self, source: Source) -> Path:
        """Where a source is, or would be."""
        return (*self.bases[source.around], *source.path)

    def value(self, source: Source) -> Any:
        """What stands there; None if nothing does."""
        return paths.lookup(self.data[source.around], source.path)

    def texts(self, sources: Iterable[Source]) -> Iterator[tuple[Path, str]]:
        """The first text that is there, with its path in the object."""
        for source in sources:
            text = self.value(source)
            if text is not None:
                if isinstance(text, str) and text.strip():
                    yield self.place(source), text
                return

    def items(self, sources: Iterable[Source]) -> Iterator[tuple[Path, Any]]:
        """What stands at all places together, each with its path in the object."""
        for source in sources:
            inside, base = self.data[source.around], self.bases[source.around]
            for path in expanded(inside, source.pattern):
                yield (*base, *path), paths.lookup(inside, path)


def _fields(composing: _Composing) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for field, sources in sources_of(composing.shape).fields.items():
        there = sources[0]
        for source in sources:
            value = composing.value(source)
            if value is not None:
                there, fields[field] = source, value
                break
        composing.places[*POD, field] = composing.place(there)
    return fields


def _lists(composing: _Composing) -> dict[str, Any]:
    lists: dict[str, Any] = {}
    for field, sources in sources_of(composing.shape).lists.items():
        where = (*POD, field)
        if sources[0].pattern[-1] is paths.EACH:
            composing.places[where] = composing.place(sources[0])
        items: list[Any] = []
        for path, value in composing.items(sources):
            here = (*where, len(items))
            composing.places[here] = path
            container = field != "volumes" and isinstance(value, dict)
            items.append(_container(composing, value, path, here) if container else value)
        if items:
            lists[field] = items
    for source in sources_of(composing.shape).env:
        if isinstance(composing.value(source), list):
            # each container gets them, so they are judged once, as those of one more
            here = (*POD, "containers", len(lists.setdefault("containers", [])))
            lists["containers"].append({"name": "every step", "env": composing.value(source)})
            composing.places[here] = composing.place(source)[:-1]
            break
    return lists


def _metadata(composing: _Composing) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    here = (*ROOT, "metadata")
    for source in sources_of(composing.shape).metadata:
        base = composing.place(source)
        composing.places.setdefault(here, base)
        given = composing.value(source)
        if isinstance(given, dict):
            metadata = _merged(metadata, given, here, base, composing.places)
    return metadata


def _container(composing: _Composing, value: dict[str, Any], path: Path, here: Path) -> dict[str, Any]:
    """A container with its defaults, the names of fields that containers have, and a name."""
    shape, places = SHAPES[composing.shape], composing.places
    made = value
    key = str(path[len(composing.bases[0])])
    default = sources_of(composing.shape).defaults.get(key)
    if default is not None:
        given = composing.value(default)
        if isinstance(given, dict):
            made = _merged(made, given, here, composing.place(default), places)
    for theirs, ours in shape.renamed.items():
        if theirs in made or ours not in made:
            before, after = (*here, theirs), (*here, ours)
            moved = [place for place in places if place[: len(before)] == before]
            places.setdefault(before, (*path, theirs))
            for place in (*moved, before):
                if place in places:
                    places[*after, *place[len(before) :]] = places.pop(place)
            made = {ours if name == theirs else name: field for name, field in made.items()}
    made = _with_known_image(made)
    return made if made.get("name") else {**made, "name": shape.unnamed or key}


def _with_known_images(value: Any) -> Any:
    return [_with_known_image(one) for one in value] if isinstance(value, list) else value


def _with_known_image(container: Any) -> Any:
    """A container without an image that is not known."""
    image = container.get("image") if isinstance(container, dict) else None
    if not isinstance(image, str) or not _UNKNOWN.search(image):
        return container
    return {name: field for name, field in container.items() if name != "image"}


def _merged(
    own: dict[str, Any], given: dict[str, Any], here: Path, base: Path, places: dict[Path, Path]
) -> dict[str, Any]:
    """Own fields over given ones, maps inside each other; what is given is written at `base`."""
    made = dict(own)
    for key, value in given.items():
        if value is None:
            continue
        mine = made.get(key)
        if mine is None:
            made[key] = value
            places[*here, key] = (*base, key)
        elif isinstance(mine, dict) and isinstance(value, dict):
            made[key] = _merged(mine, value, (*here, key), (*base, key), places)
        elif key in _MERGED_LISTS and isinstance(mine, list) and isinstance(value, list):
            known = [one.get(_MERGED_LISTS[key]) for one in mine if isinstance(one, dict)]
            extended = list(mine)
            for index, one in enumerate(value):
                if isinstance(one, dict) and one.get(_MERGED_LISTS[key]) not in known:
                    places[*here, key, len(extended)] = (*base, key, index)
                    extended.append(one)
            made[key] = extended
    return made
