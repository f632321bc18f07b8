"""A server that runs all day holds what it holds after an hour.

Measured on a process of its own, as the system counts it: memory of the CEL runtime and what the allocator keeps are
in there, too, and nothing that a test does.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.manifests import DOCUMENTS
from support.processes import STATUS, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 120  # seconds for a test; what does not come by then never will

pytestmark = pytest.mark.skipif(not Path(STATUS.format("self")).exists(), reason="only Linux tells this way")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "shop" / "controls").mkdir(parents=True)
    (tmp_path / "shop" / ".kscan.yaml").write_text("")
    server = Server(tmp_path / "shop")
    patience = threading.Timer(PATIENCE, server.process.kill)
    patience.start()
    yield server
    patience.cancel()
    server.kill()


class Day:
    """What somebody does with a server all day: edits, changes of the settings, files looked at."""

    def __init__(self, server: Server) -> None:
        self.server, self.looked_at = server, 0
        self.settings = server.open(server.folder / ".kscan.yaml", "")
        self.pod = server.open(server.folder / "pod.yaml", DOCUMENTS[0])
        server.until(self.pod, lambda shown: shown["diagnostics"])

    def edits(self, number: int) -> None:
        """A value and its comment typed again and again, the text broken at every third keystroke."""
        for _ in range(number):
            ending = ("# {}\n", "hostNet{}\n", "hostNetwork: true # {}\n")[self.server.version % 3]
            version = self.server.edit(self.pod, DOCUMENTS[0] + ending.format(self.server.version))
            self.server.until(self.pod, lambda shown: shown.get("version") == version)  # noqa: B023

    def readings(self, number: int) -> None:
        """A setting changed again and again, each time to the good of another finding."""
        for _ in range(number):
            turn = self.server.version
            excluded, other = ("C-0057", "C-0038")[:: 1 if turn % 2 else -1]
            self.server.edit(
                self.settings, f"frameworks: [allcontrols]\ncontrols: {{exclude: [{excluded}]}}\n# {turn}\n"
            )
            self.server.until(
                self.pod,
                lambda shown: {excluded, other} & {d["code"] for d in shown["diagnostics"]} == {other},  # noqa: B023
            )

    def looks(self, number: int) -> None:
        """Files opened and closed, every other one in a folder of its own outside of the workspace."""
        for turn in range(number):
            self.looked_at += 1
            name = f"{self.looked_at}.yaml"
            around = self.server.folder.parent / f"other-{self.looked_at}" if turn % 2 else self.server.folder
            uri = self.server.open(around / name, DOCUMENTS[2])
            self.server.until(uri, lambda shown: shown["diagnostics"])
            self.server.close(uri)
            self.server.until(uri, lambda shown: not shown["diagnostics"])


# Of `readings`, which take long, half as many may add half as much: 0.01 % of all for each.
@pytest.mark.parametrize(
    ("what", "first", "number", "growth"),
    [("edits", 500, 2_000, 1.05), ("readings", 125, 250, 1.025), ("looks", 125, 500, 1.05)],
)
def test_memory_stays_as_it_is(server: Server, what: str, first: int, number: int, growth: float) -> None:
    day = Day(server)
    if what != "edits":
        day.edits(100)
    do = getattr(day, what)
    do(first)  # until every cache is full
    before = server.memory()
    do(number)
    assert server.memory() < before * growth
