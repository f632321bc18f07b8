"""A fleet as Parquet: a row for each project, with the columns of its JSON line. It needs pyarrow, an extra.

Scores, controls and findings are lists of records, as in JSON, so that a framework or a control more changes no column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from kscan_lsp.report.fleet.data import row_data
from kscan_lsp.report.fleet.model import SEVERITIES

if TYPE_CHECKING:
    from kscan_lsp.report.fleet.model import Fleet

_TEXTS: Final = ("project", "team", "path", "commit", "version")
_NUMBERS: Final = ("files", "resources", *SEVERITIES, "accepted", "baseline", "notScanned")


def _records(**fields: Any) -> Any:
    return pa.list_(pa.struct(list(fields.items())))


COLUMNS: Final = pa.schema([
    ("date", pa.date32()),
    *((name, pa.string()) for name in _TEXTS),
    ("status", pa.int32()),
    ("problem", pa.string()),
    *((name, pa.int64()) for name in _NUMBERS),
    ("scores", _records(framework=pa.string(), score=pa.float64(), scoreAccepted=pa.float64())),
    ("controls", _records(id=pa.string(), severity=pa.string(), findings=pa.int64())),
    ("worst", _records(
        control=pa.string(), severity=pa.string(), file=pa.string(), line=pa.int64(), message=pa.string(),
        fingerprint=pa.string(),
    )),
])  # fmt: skip
"""The columns and their types; they are the same whatever was found."""


def render(fleet: Fleet) -> bytes:
    """The bytes of the file."""
    rows = [{**row_data(row, fleet), "date": None} for row in fleet.rows]
    table = pa.Table.from_pylist(rows, schema=COLUMNS)
    days = pa.array([fleet.date] * len(rows), pa.string()).cast(pa.date32())
    buffer = pa.BufferOutputStream()
    pq.write_table(table.set_column(0, COLUMNS.field("date"), days), buffer, compression="zstd")
    return bytes(buffer.getvalue())
