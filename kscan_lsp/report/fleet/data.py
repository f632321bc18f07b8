"""A fleet as plain data: JSON for programs, and a line or a row for each project for whoever looks at trends.

`docs/schemas/fleet.schema.json` publishes both; a line of JSON lines is one of its `projects`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp import __version__
from kscan_lsp.report.fleet.model import SEVERITIES, added

if TYPE_CHECKING:
    from kscan_lsp.report.fleet.model import Fleet, FleetRow, Team

SCHEMA_VERSION: Final = 1
_COUNTS: Final = ("passed", "failed", "wrongSettings", "notAllScanned")
"""What projects are counted as, by their status."""


def render_json(fleet: Fleet) -> str:
    """The fleet as one JSON text, a line for each project."""
    statuses = [row.status for row in fleet.rows]
    data = {
        "schema": SCHEMA_VERSION,
        "tool": {"name": "kscan", "version": __version__},
        "date": fleet.date,
        "summary": {
            "projects": len(fleet.rows),
            **{name: statuses.count(status) for status, name in enumerate(_COUNTS)},
            "findings": dict(zip(SEVERITIES, added(fleet.rows), strict=True)),
        },
    }
    head = ",\n".join(f"  {_text(key)}: {_text(value)}" for key, value in data.items())
    teams = ",\n".join(f"    {_text(_team(team, fleet))}" for team in fleet.teams)
    rows = ",\n".join(f"    {_text(row_data(row, fleet))}" for row in fleet.rows)
    return f'{{\n{head},\n  "teams": [\n{teams}\n  ],\n  "projects": [\n{rows}\n  ]\n}}\n'


def render_lines(fleet: Fleet) -> str:
    """A line of JSON for each project; files of several days can be put together."""
    return "".join(f"{_text(row_data(row, fleet))}\n" for row in fleet.rows)


def row_data(row: FleetRow, fleet: Fleet) -> dict[str, Any]:
    """One project."""
    return {
        "date": fleet.date,
        "project": row.project.name,
        "team": row.project.team,
        "path": row.project.path,
        "commit": row.commit,
        "version": __version__,
        "status": row.status,
        "problem": row.problem,
        "files": row.files,
        "resources": row.resources,
        **dict(zip(SEVERITIES, row.open, strict=True)),
        "accepted": row.accepted,
        "baseline": row.baseline,
        "notScanned": row.not_scanned,
        "scores": [
            {"framework": one.framework, "score": one.score, "scoreAccepted": one.score_accepted}
            for one in row.scores
        ],
        "controls": [
            {"id": one.id, "severity": one.severity, "findings": one.findings} for one in row.controls
        ],
        "worst": [
            {
                "control": one.control,
                "severity": one.severity,
                "file": one.file,
                "line": one.line,
                "message": one.message,
                "fingerprint": one.fingerprint,
            }
            for one in row.worst
        ],
    }


def _team(team: Team, fleet: Fleet) -> dict[str, Any]:
    return {
        "team": team.name,
        "projects": len(team.rows),
        "passed": team.passed,
        **dict(zip(SEVERITIES, team.open, strict=True)),
        "scores": [
            {"framework": name, "score": score}
            for name in fleet.frameworks
            if (score := team.score(name)) is not None
        ],
    }


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
