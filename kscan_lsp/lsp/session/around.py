"""Which folders a file lies in: of those of the workspace, of those with settings of their own, and of charts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from kscan_lsp.files.partials import outermost_chart

if TYPE_CHECKING:
    from collections.abc import Iterable


def innermost(path: Path, folders: Iterable[Path]) -> Path | None:
    """The innermost of some folders that a path lies in, or is."""
    around = [folder for folder in folders if path.is_relative_to(folder)]
    return max(around, key=lambda folder: len(folder.parts), default=None)


def folders_around(path: Path, folders: Iterable[Path]) -> list[Path]:
    """The folders that a file lies in below the innermost of some."""
    top = innermost(path, folders)
    return [folder for folder in path.parents if top and folder != top and folder.is_relative_to(top)]


SUFFIXES: Final = (".yaml", ".yml", ".json", ".tpl", ".txt")
"""How the files end that a chart is rendered from."""


def chart_of(path: Path | None) -> Path | None:
    """The folder of the chart that a file is part of; None for any other file."""
    if path is None or path.suffix.lower() not in SUFFIXES:
        return None
    for folder in path.absolute().parents:
        if (folder / "Chart.yaml").is_file():
            return Path(outermost_chart(str(folder)))
    return None
