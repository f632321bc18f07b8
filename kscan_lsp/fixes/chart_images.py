"""Another image in what a chart renders to -> values files that give it: the part of its name that a value has.

Mostly that is the tag alone, which stands apart from the repository. Nothing here says that the chart renders to the
image then: whoever makes such a change renders again, and compares (`charts.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp import edits, paths
from kscan_lsp.text import apply_edits
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kscan_lsp.render.chart import Chart
    from kscan_lsp.workspace.chart_values import ValueSource

_DEFAULTS: Final = "values.yaml"


class ImageChange(Struct, frozen=True):
    """An image, and the one that is to be in its place, both as a manifest refers to them."""

    before: str
    after: str

    def value(self, value: object) -> str | None:
        """What a value has to become that gives a part of the image; None where it does not give what differs.

        An empty one gives the tag: its template takes another one in its place as long as it is empty.
        """
        if isinstance(value, bool | dict | list):
            return None
        text = "" if value is None else str(value)
        if not text:
            name, _, _ = self.before.rpartition(":")
            tag = self.after.removeprefix(f"{name}:")
            return tag if name and tag != self.after else None
        start = self.before.rfind(text)
        if start < 0:
            return None
        end = self.before[start + len(text) :]
        if not (self.after.startswith(self.before[:start]) and self.after.endswith(end)):
            return None
        return self.after[start : len(self.after) - len(end)]


def in_values(chart: Chart, image: ImageChange, sources: Sequence[ValueSource]) -> dict[str, str] | None:
    """The values files with another image; None where no value gives what differs.

    Args:
        chart: the chart.
        image: the image, and the other.
        sources: the values that it comes from.
    """
    found: dict[str, str] = {}
    for source in sources:
        # a subchart's own values are not of this chart: it says otherwise in its own
        file = source.file if not source.file.startswith("charts/") else _DEFAULTS
        text = found.get(file) or (chart.raw(file) or b"").decode(errors="replace")
        known = read_document(source.text).data if source.is_set else None
        value = image.value(paths.lookup(known, source.path))
        if value is None:
            continue
        edit = edits.set_value(read_document(text), source.path, value)
        if isinstance(edit, edits.Refusal):
            return None
        found[file] = apply_edits(text, [edit])
    return found or None
