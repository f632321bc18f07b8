"""Patches of a pod that stand in a manifest as text: `podSpecPatch` of Argo's Workflows.

The controller merges such a text into the pod it has made, so a container can be privileged by it. It is read and
merged as the controller does it, as a strategic merge patch. What stands for a value until the workflow runs
(`{{inputs.parameters.memory}}`) is kept as it is written, with or without quotes, like one anywhere else.

A patch that nobody can read before it runs (all of it is a parameter), that is no mapping, or that has directives
(`$patch`, `$retainKeys`) is not merged: it says so, and what would have passed is not evaluated.

Sources: `PodSpecPatchMerge` and `ApplyPodSpecPatch` in workflow/util/util.go of argoproj/argo-workflows; the
`patchStrategy` and `patchMergeKey` tags of `PodSpec` and `Container` in core/v1/types.go of kubernetes/api; what null
and directives mean: contributors/devel/sig-api-machinery/strategic-merge-patch.md of kubernetes/community.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from kscan_lsp.kubernetes.schema import CONTAINER_LISTS
from kscan_lsp.regex import regex
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from kscan_lsp.paths import Path

MERGE_KEYS: Final = {
    "containers": "name", "initContainers": "name", "ephemeralContainers": "name", "env": "name", "volumes": "name",
    "imagePullSecrets": "name", "resourceClaims": "name", "schedulingGates": "name", "volumeMounts": "mountPath",
    "volumeDevices": "devicePath", "ports": "containerPort", "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
}  # fmt: skip
"""By list of a pod or a container that is merged item by item, what tells its items apart; other lists are replaced."""

_PARAMETER: Final = regex(r"\{\{.*?\}\}", re.DOTALL)
_STAND_IN: Final = regex("\ue000([0-9]+)\ue001")
MAX_PATCHES: Final = 64
"""Patches that are remembered: templates of one Workflow often have the same, and each is asked for several times."""

MAX_VALUES: Final = 2_000
"""Values in a patch, shared ones counted every time: it may be merged into each of a thousand templates."""


class Patch(Struct, frozen=True):
    """A patch as read: plain data, or the reason why it is not known."""

    data: dict[str, Any]
    reason: str = ""


@lru_cache(maxsize=MAX_PATCHES)
def read_patch(text: str) -> Patch:
    """The patch that a text is, in YAML or JSON. Nobody may change what it holds."""
    parameters = _PARAMETER.findall(text)
    numbers = iter(range(len(parameters)))
    document = read_document(_PARAMETER.sub(lambda _: f"\ue000{next(numbers)}\ue001", text))
    data = document.data
    if isinstance(data, str) and _STAND_IN.fullmatch(data.strip()):
        return Patch({}, "the patch is known when the workflow runs; what it changes is not judged")
    if not document.complete or not isinstance(data, dict):
        return Patch({}, "the patch cannot be read; what it changes is not judged")
    if not _is_small(data, [MAX_VALUES]):
        return Patch({}, f"the patch has more than {MAX_VALUES:,} values; what it changes is not judged")
    if _has_directive(data):
        return Patch({}, "the patch has directives ($patch or the like); what it changes is not judged")
    return Patch(_restored(data, parameters))


def _is_small(value: object, left: list[int]) -> bool:
    left[0] -= 1
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return left[0] >= 0 and all(_is_small(item, left) for item in inside)


def _has_directive(value: object) -> bool:
    if isinstance(value, dict):
        return any(str(key).startswith("$") or _has_directive(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_has_directive, value))


def _restored(value: Any, parameters: list[str]) -> Any:
    if isinstance(value, dict):
        return {_restored(key, parameters): _restored(item, parameters) for key, item in value.items()}
    if isinstance(value, list):
        return [_restored(item, parameters) for item in value]
    return _STAND_IN.sub(lambda found: parameters[int(found[1])], value) if isinstance(value, str) else value


class Patched(Struct, frozen=True):
    """What patches have changed so far."""

    places: dict[Path, Path]
    """By path in the pod, where the patch stands that sets what is there, or takes it away."""
    partial: set[Path]
    """Containers that are known by what a patch says of them alone: the controller makes them (`wait`, `init`)."""

    def merge(self, own: dict[str, Any], patch: dict[str, Any], here: Path, place: Path) -> dict[str, Any]:
        """A map of the pod at `here` with a patch at `place` merged into it."""
        made = dict(own)
        for key, value in patch.items():
            at, mine = (*here, key), made.get(key)
            if isinstance(value, dict) and (mine is None or isinstance(mine, dict)):
                # what the map lacks can still be written outside of the patch
                made[key] = self.merge(mine or {}, value, at, place)
            elif isinstance(value, list) and key in MERGE_KEYS and isinstance(mine, list):
                made[key] = self._items(mine, value, at, place)
            elif value != mine:
                self.places[at] = place
                made.pop(key, None)
                if isinstance(value, list) and key in CONTAINER_LISTS:
                    made[key] = self._items([], value, at, place)
                elif value is not None:
                    made[key] = value
        return made

    def _items(self, own: list[Any], patch: list[Any], here: Path, place: Path) -> list[Any]:
        made, name = list(own), MERGE_KEYS[str(here[-1])]
        at = {_named(item, name): n for n, item in enumerate(made)}
        for item in patch:
            known = at.get(wanted) if (wanted := _named(item, name)) is not None else None
            if known is not None:
                made[known] = self.merge(made[known], item, (*here, known), place)
                continue
            where = (*here, len(made))
            self.places[where] = place
            if here[-1] in CONTAINER_LISTS and isinstance(item, dict) and "image" not in item:
                self.partial.add(where)
            made.append(item)
        return made


def _named(item: object, name: str) -> str | int | None:
    value = item.get(name) if isinstance(item, dict) else None
    return value if isinstance(value, str | int) else None
