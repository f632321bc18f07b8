"""What is known of a fleet: a row for each project, and what follows for teams.

The score of a team is the unweighted mean of its projects' scores, as that of a framework is of its controls: a large
project does not speak for a small one. A project that was not judged by a framework has no score, and counts for none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SEVERITIES: Final = tuple(severity.label for severity in sorted(Severity, reverse=True))
"""The worst first."""
VERDICTS: Final = {0: "passed", 1: "failed", 2: "wrong settings", 3: "not all scanned"}
"""What a status stands for."""


class FleetProject(Struct, frozen=True):
    """A project that is to be judged: an absolute path, and what to call it and whose it is."""

    path: str
    name: str
    team: str = ""
    problem: str = ""
    """Why it cannot be, where that is known already."""


class FleetScore(Struct, frozen=True):
    """How a project stands by a framework, from 0 to 100: as things are, and with what is accepted as passed."""

    framework: str
    score: float
    score_accepted: float


class FleetControl(Struct, frozen=True):
    """A control with open findings in a project."""

    id: str
    title: str
    severity: str
    findings: int


class FleetFinding(Struct, frozen=True):
    """One of the worst findings of a project; `file` is relative to it."""

    control: str
    severity: str
    file: str
    line: int
    message: str
    fingerprint: str


class FleetRow(Struct, frozen=True):
    """What became of a project; `status` is the exit status of its scan."""

    project: FleetProject
    status: int
    problem: str = ""
    """The first thing that kept it from being judged, wholly or rightly."""
    commit: str = ""
    files: int = 0
    resources: int = 0
    open: tuple[int, ...] = (0,) * len(SEVERITIES)
    """Open findings, as `SEVERITIES` are ordered."""
    accepted: int = 0
    baseline: int = 0
    not_scanned: int = 0
    scores: tuple[FleetScore, ...] = ()
    controls: tuple[FleetControl, ...] = ()
    worst: tuple[FleetFinding, ...] = ()

    def score(self, framework: str) -> float | None:
        """How it stands by a framework; None where that judged nothing."""
        return next((one.score for one in self.scores if one.framework == framework), None)


class Team(Struct, frozen=True):
    """What follows from the rows of one team; `name` is empty for projects of none."""

    name: str
    rows: tuple[FleetRow, ...]

    @property
    def passed(self) -> int:
        """How many of its projects passed."""
        return sum(row.status == 0 for row in self.rows)

    @property
    def open(self) -> tuple[int, ...]:
        """Open findings of all its projects."""
        return added(self.rows)

    def score(self, framework: str) -> float | None:
        """The mean of its projects' scores."""
        known = [score for row in self.rows if (score := row.score(framework)) is not None]
        return sum(known) / len(known) if known else None


class Fleet(Struct, frozen=True):
    """All rows, in the order in which the projects were named; `date` is a day, as in 2026-01-31."""

    rows: tuple[FleetRow, ...]
    date: str

    @property
    def frameworks(self) -> tuple[str, ...]:
        """All that any project was judged by, those of most projects first."""
        counted: dict[str, int] = {}
        for row in self.rows:
            for one in row.scores:
                counted[one.framework] = counted.get(one.framework, 0) + 1
        return tuple(sorted(counted, key=lambda name: (-counted[name], name)))

    @property
    def teams(self) -> tuple[Team, ...]:
        """The teams by name, those without one last; none where no project has one."""
        names = {row.project.team for row in self.rows}
        return tuple(self._teams(names)) if names - {""} else ()

    def _teams(self, names: Iterable[str]) -> Iterator[Team]:
        for name in sorted(names, key=lambda name: (not name, name)):
            yield Team(name, tuple(row for row in self.rows if row.project.team == name))

    @property
    def status(self) -> int:
        """The highest of all projects."""
        return max((row.status for row in self.rows), default=0)


def added(rows: Iterable[FleetRow]) -> tuple[int, ...]:
    """Open findings of several projects, as `SEVERITIES` are ordered."""
    return tuple(map(sum, zip((0,) * len(SEVERITIES), *(row.open for row in rows), strict=True)))
