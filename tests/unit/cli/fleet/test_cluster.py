"""A fleet on a real Dask cluster of several processes, one of which is killed on the way."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

distributed = pytest.importorskip(
    "distributed", reason="needs the extra dask: install the dev dependency group"
)

from kscan_lsp.cli.fleet.cluster import judged_by
from kscan_lsp.cli.fleet.judging import FleetRequest
from kscan_lsp.cli.fleet.projects import projects_of
from kscan_lsp.cli.fleet.spreading import Progress, judged_here
from kscan_lsp.cli.options import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[4]
REQUEST = FleetRequest("2026-01-31")
POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: pod-{number}}}
spec: {{hostPID: true, containers: [{{name: a, image: 'registry.example/a:1'}}]}}
"""

# its own threads and sockets, which its processes close as they end
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    made = distributed.LocalCluster(
        n_workers=3,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        host="127.0.0.1",
        silence_logs=50,
    )
    yield made
    made.close()


@pytest.mark.skipif(
    os.name != "posix" or sys.platform == "darwin", reason="the processes are killed as on Linux"
)
def test_a_worker_that_is_killed_costs_nothing(cluster: object, tmp_path: Path) -> None:
    for number in range(40):
        folder = tmp_path / f"team-{number % 3}" / f"repo-{number:02}"
        (folder / ".git").mkdir(parents=True)
        text = "---\n".join(POD.format(number=one) for one in range(number % 5 + 1))
        (folder / "pods.yaml").write_text(text)
    projects = projects_of([str(tmp_path)])
    with distributed.Client(cluster, set_as_default=False) as client:
        workers = dict(client.run(os.getpid))
    assert len(set(workers.values())) == 3
    killed: list[int] = []

    class Killing(Progress):
        def done(self, number: int, of: int) -> None:
            if number == 4:
                killed.append(next(iter(workers.values())))
                os.kill(killed[0], signal.SIGKILL)

    found = judged_by(cluster.scheduler_address, projects, REQUEST, Killing())
    assert killed
    assert [row.project for row in found] == list(projects)  # none lost, none twice
    assert found == judged_here(projects, REQUEST, Progress(), jobs=1)


def test_nobody_there_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from kscan_lsp.cli.fleet import cluster

    monkeypatch.setattr(cluster, "_PATIENCE", 1)
    with pytest.raises(UsageError, match="no Dask scheduler answers at"):
        judged_by("tcp://127.0.0.1:9", (), REQUEST, Progress())
