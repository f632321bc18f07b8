"""What the charts that a command came to are installed as: by settings, and by the manifests it came to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from kscan_lsp.files.manifest import display_name
from kscan_lsp.report.model import NotScanned
from kscan_lsp.workspace.deployments import deployments
from kscan_lsp.workspace.releases import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kscan_lsp.cli.charts import RenderedChart
    from kscan_lsp.cli.to_judge import FileToJudge
    from kscan_lsp.report.model import Skipped
    from kscan_lsp.workspace.configuration import Configuration
    from kscan_lsp.workspace.releases import NamedRelease


def releases_rendered(
    charts: Callable[..., Mapping[str, RenderedChart] | None] | None,
    templates: Mapping[str, Sequence[tuple[Skipped, Configuration]]],
    files: Iterable[FileToJudge],
) -> tuple[Mapping[str, RenderedChart], list[NotScanned]]:
    """Charts rendered with all that they are installed as, by folder; and which releases are not, and why.

    Args:
        charts: what renders them (`charts.rendered_charts`), if anything does.
        templates: those that were come to by the folder of their chart, with the settings that hold for them.
        files: the manifests that were read.
    """
    if charts is None or not templates:
        return {}, []
    folders = {folder: Path(os.path.realpath(folder)) for folder in templates}
    texts = [(Path.cwd() / one.path, one.source.text) for one in files if one.path]
    listed = {real for folder, real in folders.items() if templates[folder][0][1].releases.get(real)}
    named = deployments(texts, frozenset(folders.values()), listed)

    def releases(folder: str) -> Sequence[NamedRelease]:
        said = templates[folder][0][1].releases.get(folders[folder], ())
        return joined(said, named.by_chart.get(folders[folder], ()))

    found = charts(templates, releases=releases)
    if found is None:
        return {}, []
    return found, [NotScanned(display_name(one.path), one.line, one.reason) for one in named.undecided]
