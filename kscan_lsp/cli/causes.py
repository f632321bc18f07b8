"""The values that cause what a scan finds in charts, for the reports that show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from kscan_lsp.cli.charts import chart_maker
from kscan_lsp.workspace.chart_values import value_sources, with_sources, with_texts
from kscan_lsp.workspace.images import of_images

if TYPE_CHECKING:
    from kscan_lsp.cli.scan import Scan


def with_causes(scan: Scan) -> Scan:
    """A scan whose findings in charts name the lines of the values that cause them."""
    maker, files = chart_maker(), scan.files
    for chart in scan.charts if maker else ():
        names = {one.path for one in chart.renderings[0].files}
        own = {file.checked.path: file for file in files if file.checked.path in names}
        if maker is None or chart.chart is None or not own:
            continue
        project = next(iter(own.values())).project
        about_images = of_images(project.ruleset.policies)
        judged = [file.checked for file in own.values()]
        sources = value_sources(maker, chart.chart, judged, chart.prefix, of_images=about_images)
        known = with_texts(project, sources, chart.prefix)
        files = tuple(
            replace(
                file,
                project=known if file.project is project else file.project,
                checked=with_sources(file.checked, sources, chart.prefix)
                if file.checked.path in own
                else file.checked,
            )
            for file in files
        )
    return replace(scan, files=files)
