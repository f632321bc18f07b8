"""Control files that are open in an editor, without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.positions import position
from support.views import view_of

from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.session.snapshot import ControlSnapshot, OpenManifest, OpenText, SettingsSources
from kscan_lsp.text import LineIndex
from kscan_lsp.workspace.configuration import configure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lsprotocol import types

    from kscan_lsp.workspace.configuration import Configuration


HEAD = "id: ORG-0001\ntitle: a\nscore: 5\ndescription: a\nremediation: a\n"
"""What a control says of itself, which its checks follow."""
WITH_INPUTS = HEAD + "inputs: {registries: [shop], most: {type: number, default: 3}}\n"


def configured(folder: Path, files: Mapping[str, str]) -> Configuration:
    """What holds in a folder with these policy files, open in an editor."""
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    texts = {folder / name: text for name, text in files.items()}
    configuration, wrong = configure(folder, section={"policies": [*files]}, buffers=texts)
    assert wrong == ()
    return configuration


def control_view(
    folder: Path,
    text: str,
    manifests: Mapping[str, str] | None = None,
    client: Capabilities | None = None,
    others: Mapping[str, str] | None = None,
) -> ControlSnapshot:
    """A view of a control's file that has this text, beside manifests that are open."""
    name = "control.yaml"
    files = {name: text, **(others or {})}
    configuration = configured(folder, files)
    opened = []
    for other, content in (manifests or {}).items():
        view = view_of(content, other, configuration=configuration)
        opened.append(OpenManifest(view.uri, view.key, other, view.project))
    texts = {folder / one: OpenText((folder / one).as_uri(), 1, content) for one, content in files.items()}
    return ControlSnapshot(
        (folder / name).as_uri(),
        folder / name,
        LineIndex(text),
        configuration,
        client or Capabilities(),
        SettingsSources(None, texts),
        tuple(opened),
        (folder,),
    )


def place_of(text: str, mark: str, by: int = 0) -> types.Position:
    """The position of a text in another."""
    return position(text, text.index(mark) + by, "utf-16")
