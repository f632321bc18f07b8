"""Settings of a folder on top of those of the folders above it, made one.

A file in a folder below holds for that folder, on top of those above it. It may add and choose, but not weaken what
they lock: a locked control stays on and as severe as it is, and from a locked key nothing is taken away. What would is
a problem at its place, and has no effect.

Left out on purpose: what only the policies tell, such as which controls a framework has (`workspace/locks.py`), and an
editor's section and a command line, which lie over all of these (`workspace/configuration.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.findings import Problem
from kscan_lsp.settings.model import DEFAULT_FRAMEWORK, Settings, settings_of
from kscan_lsp.settings.shape import said, whole
from kscan_lsp.yaml.locate import span_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp import paths
    from kscan_lsp.yaml.document import Document


_AS_THEY_ARE: Final = ("inputs", "policies", "exceptions", "admission", "podSpecPaths", "kubernetesVersion")
LOCKABLE: Final = ("controls", "frameworks", "exclude", *_AS_THEY_ARE)
"""The keys that can be locked."""
OF_ALL: Final = ("extends", "signatures", "baseline", "gate", "images", "charts", "diagnostics")
"""The keys that no folder below has for itself."""


class Layer(Struct, frozen=True):
    """One settings file as read: `file` is its path, `settings` what it says itself."""

    file: str
    document: Document
    settings: Settings


class Counting(Struct, frozen=True):
    """The layers with what counts of each, and what is wrong with the rest."""

    layers: tuple[Layer, ...]
    problems: tuple[tuple[Layer, Problem], ...]
    locked: tuple[frozenset[str], ...]
    """For each layer, the keys and controls that those above it lock."""


def what_counts(layers: Iterable[Layer], packs: int = 0) -> Counting:
    """Take out of settings files what those above them do not allow; the outermost comes first.

    The first few may be `packs`: those above all files.
    """
    below: dict[str, Any] = {}
    counting: list[Layer] = []
    problems: list[tuple[Layer, Problem]] = []
    locked = [frozenset[str]()]
    for number, layer in enumerate(layers):
        own = said(layer.settings)
        refused = [*_refused(own, below, locked[-1], inner=number > packs)] if number else []
        for where, message in refused:
            problems.append((layer, Problem(span_at(layer.document, where), message, "setting")))
        own = _without(own, below, [where for where, _ in refused])
        counting.append(replace(layer, settings=settings_of(own)))
        below = _on_top(below, own)
        locked.append(locked[-1] | {*own.get("locked", ())})
    return Counting(tuple(counting), tuple(problems), tuple(locked[:-1]))


def on_top(below: Settings, own: Settings) -> Settings:
    """Settings over others, made one: choices replace those below, lists and tables add to them."""
    return settings_of(_on_top(said(below), said(own)))


def place_of(
    layers: Iterable[Layer], settings: Settings, path: paths.Path
) -> tuple[Layer, paths.Path] | None:
    """Where a setting was made: the last layer that says so, and its path there; None for what no file says.

    Args:
        layers: the files.
        settings: what holds, which may have more than the files say.
        path: of a value in `settings`, such as `("controls", "exclude", 3)`, or of one that is missing there.
    """
    *parents, last = path
    value = _at(whole(settings), path)
    for layer in reversed([*layers]):
        there = _at(said(layer.settings), parents)
        if isinstance(there, dict) and last in there and (value is None or there[last] == value or parents):
            return layer, path
        if isinstance(there, list | tuple) and value in there:
            return layer, (*parents, [*there].index(value))
    return None


def _refused(
    own: dict[str, Any], below: dict[str, Any], locked: frozenset[str], *, inner: bool
) -> Iterator[tuple[paths.Path, str]]:
    """What would weaken what is locked: where it stands, and why it has no effect."""
    all_controls = "controls" in locked
    controls = own.get("controls", {})
    for number, control in enumerate(controls.get("exclude", ())):
        if all_controls or control in locked:
            yield ("controls", "exclude", number), f"'{control}' stays on: settings above lock it"
    for control in controls.get("severity", {}):
        if all_controls or control in locked:
            yield ("controls", "severity", control), f"'{control}' keeps its severity: settings above lock it"
    if "frameworks" in locked and "frameworks" in own:
        missing = [name for name in _chosen(below) if name not in own["frameworks"]]
        if missing:
            named = ", ".join(f"'{name}'" for name in missing)
            yield ("frameworks",), f"{named} stays chosen, too: settings above lock frameworks"
    for number, pattern in enumerate(own.get("exclude", ())):
        if "exclude" in locked and not pattern.startswith("!"):
            yield ("exclude", number), f"'{pattern}' excludes nothing: settings above lock 'exclude'"
    for key in _AS_THEY_ARE:
        if key in locked and key in own:
            yield (key,), f"'{key}' has no effect here: settings above lock it"
    for key in OF_ALL if inner else ():
        if key in own:
            yield (key,), f"'{key}' holds for a whole workspace; set it in its outermost folder"


def _chosen(below: dict[str, Any]) -> tuple[str, ...]:
    """The frameworks that are on; the default, where nobody names any."""
    return tuple(below.get("frameworks", (DEFAULT_FRAMEWORK,)))


def _without(own: dict[str, Any], below: dict[str, Any], refused: list[paths.Path]) -> dict[str, Any]:
    """Settings without what was refused."""
    if ("frameworks",) in refused:
        kept = _chosen(below)
        own = {**own, "frameworks": (*kept, *(name for name in own["frameworks"] if name not in kept))}
    own = {key: value for key, value in own.items() if key == "frameworks" or (key,) not in refused}
    if "exclude" in own:
        patterns = enumerate(own["exclude"])
        own["exclude"] = tuple(one for number, one in patterns if ("exclude", number) not in refused)
    if "controls" in own:
        controls = own["controls"]
        own["controls"] = {
            **controls,
            "exclude": tuple(
                one
                for number, one in enumerate(controls.get("exclude", ()))
                if ("controls", "exclude", number) not in refused
            ),
            "severity": {
                control: label
                for control, label in controls.get("severity", {}).items()
                if ("controls", "severity", control) not in refused
            },
        }
    return own


def _on_top(below: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """`own` over what holds without it."""
    merged = {**below, **own}
    if "controls" in own and "controls" in below:
        one, other = below["controls"], own["controls"]
        included, excluded = other.get("include", ()), other.get("exclude", ())
        merged["controls"] = {
            "include": (*(i for i in one.get("include", ()) if i not in excluded), *included),
            "exclude": (*(i for i in one.get("exclude", ()) if i not in included), *excluded),
            "severity": {**one.get("severity", {}), **other.get("severity", {})},
        }
    lists = below.get("inputs"), own.get("inputs")
    if all(isinstance(one, dict) for one in lists):
        merged["inputs"] = {**below["inputs"], **own["inputs"]}
    if "exceptions" in below and "exceptions" in own:
        files = (*below["exceptions"].get("files", ()), *own["exceptions"].get("files", ()))
        merged["exceptions"] = {**below["exceptions"], **own["exceptions"], "files": files}
    for key in ("policies", "exclude", "podSpecPaths", "locked"):
        if key in below and key in own:
            merged[key] = (*below[key], *own[key])
    return merged


def _at(value: Any, path: Iterable[str | int]) -> Any:
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list | tuple) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value
