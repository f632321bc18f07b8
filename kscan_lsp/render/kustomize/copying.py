"""The copy of an overlay that is built: its files, and kustomizations in which each name leads straight to its file."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from kscan_lsp.render.kustomize.kustomization import names_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kscan_lsp.render.kustomize.overlay import Overlay


def plain_files(overlay: Overlay) -> dict[str, bytes]:
    """The files that an overlay is built from, by their paths below its top."""
    files = {path: one.raw for path, one in overlay.inputs.items()}
    return below(overlay, files, copied(overlay))


def below(overlay: Overlay, files: Mapping[str, bytes], said: Mapping[str, Any]) -> dict[str, bytes]:
    """Files and what kustomizations say, by their paths below the top of an overlay, as they are built."""
    top = overlay.top
    texts = {
        os.path.join(folder, "kustomization.yaml"): json.dumps(data, ensure_ascii=False).encode(
            "utf-8", "replace"
        )
        for folder, data in said.items()
    }
    own = {one.file for one in overlay.kustomizations.values()}
    kept = {path: raw for path, raw in files.items() if path not in own}
    return {os.path.relpath(path, top).replace(os.sep, "/"): raw for path, raw in (kept | texts).items()}


def folder_below(overlay: Overlay) -> str:
    """The folder of an overlay's kustomization below its top."""
    return os.path.relpath(overlay.folder, overlay.top).replace(os.sep, "/")


def copied(overlay: Overlay, data: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The kustomizations of an overlay as they are built: by folder, each name led to its file by the shortest way.

    Generated objects keep their names without the hash that Kustomize appends: it is another one with each change, and
    whoever compares findings would take each for new. Objects come in the order in which they are named.

    Args:
        overlay: what is built.
        data: what kustomizations say, by folder, where that is not what stands in them.
    """
    made = {}
    for folder, one in overlay.kustomizations.items():
        said: Any = _copy((data or {}).get(folder, one.data))
        for name in names_in(one.data):
            holder = said
            for part in name.path[:-1]:
                holder = holder[part]
            before = name.before
            if name.kind == "text" and not before:
                before = f"{os.path.basename(name.name)}="  # the key is called as the link, not as the file
            relative = os.path.relpath(overlay.targets[folder, name.path], folder).replace(os.sep, "/")
            holder[name.path[-1]] = before + (relative if relative.startswith("..") else f"./{relative}")
        for key in ("configMapGenerator", "secretGenerator"):
            for entry in said.get(key) if isinstance(said.get(key), list) else ():
                if isinstance(entry, dict):
                    options = entry.get("options")
                    entry["options"] = {
                        **(options if isinstance(options, dict) else {}),
                        "disableNameSuffixHash": True,
                    }
        if folder == overlay.folder:
            said["sortOptions"] = {"order": "fifo"}
        made[folder] = said
    return made


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(child) for key, child in value.items()}
    return [_copy(child) for child in value] if isinstance(value, list) else value
