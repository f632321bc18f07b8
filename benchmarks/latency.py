"""Measure what the budgets are about, over real stdio, every server in the same run.

    python benchmarks/latency.py            the table
    python benchmarks/latency.py --write    also puts it into docs/performance.md
    python benchmarks/latency.py --check    ends with status 1 where a budget is missed
    python benchmarks/latency.py --against CHECKOUT     also measures another version, in the same turns

The servers take turns within a scenario, in changing order, so that what else the machine does meets all of
them; each edit waits for the diagnostics of the one before. Budgets are ratios against the floor (see
`floor_server.py`), never seconds. A scenario without a budget is there to be watched.
"""

from __future__ import annotations

import argparse
import compileall
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from busy import FILES, IMAGES, large_workspace, while_images_are_scanned, while_scanning
from keystrokes import Edit, half_typed, writing
from manifests import manifest
from servers import CHECKOUT, FLOOR, KSCAN, SETTINGS, Server, yaml_language_server

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from busy import Typed
    from client import Client

PAGE = CHECKOUT / "docs" / "performance.md"
BEGIN, END = "<!-- latency: begin -->\n", "<!-- latency: end -->\n"
IMPORTS = [sys.executable, "-c", "import ruamel.yaml, pydantic"]


class Scenario(NamedTuple):
    """A text, what is typed into it, and how many times the floor's p95 it may take."""

    name: str
    lines: int
    keystrokes: Callable[[str], list[Edit]]
    budget: float | None = None


SCENARIOS = (
    Scenario("50 lines", 50, writing, budget=3),
    Scenario("50 lines, a half-typed key", 50, half_typed),
    Scenario("400 lines, 8 documents", 400, writing),
    Scenario("5,000 lines, 100 documents", 5000, writing, budget=10),
    Scenario("5,000 lines, a half-typed key", 5000, half_typed),
)


class Row(NamedTuple):
    """Times of one server in one scenario, in seconds, and those of what it is compared with, if anything."""

    what: str
    who: str
    times: list[float]
    base: list[float] | None = None
    budget: float | None = None
    judged: float = 0.95
    """The quantile that the budget is about."""

    def ratio(self, q: float) -> float:
        """How many times slower than the base, at a quantile."""
        return quantile(self.times, q) / quantile(self.base or self.times, q)

    @property
    def missed(self) -> bool:
        """Whether a budget was set and not reached."""
        return self.budget is not None and self.ratio(self.judged) > self.budget

    def cells(self) -> list[str]:
        """The row as it is printed, times in milliseconds."""
        times = [f"{quantile(self.times, q) * 1000:.1f}" for q in (0.5, 0.95, 0.99, 1)]
        ratios = [f"{self.ratio(q):.1f}x" if self.base else "" for q in (0.5, 0.95)]
        budget = "" if self.budget is None else f"p{self.judged * 100:.0f} {self.budget:g}x"
        return [
            self.what,
            self.who,
            f"{len(self.times):,}",
            *times,
            *ratios,
            budget + " missed" * self.missed,
        ]


HEADER = ["what", "who", "times", "p50 ms", "p95 ms", "p99 ms", "max ms", "p50 ratio", "p95 ratio", "budget"]


def quantile(times: Sequence[float], q: float) -> float:
    """The value below or at which the share `q` of the times lies (nearest rank)."""
    return sorted(times)[max(0, math.ceil(q * len(times)) - 1)]


def edits(scenario: Scenario, clients: dict[Server, Client], root: Path, rounds: int) -> list[Row]:
    """Edit to diagnostics for every client, in turns of one cycle, after one that is not counted."""
    text = manifest(scenario.lines)
    path = root / f"{scenario.keystrokes.__name__}-{scenario.lines}.yaml"
    path.write_text(text)
    uri = path.as_uri()
    changes = [[edit.change()] for edit in scenario.keystrokes(text)]
    versions = dict.fromkeys(clients, 1)
    times: defaultdict[Server, list[float]] = defaultdict(list)

    def cycle(server: Server) -> tuple[list[float], int]:
        taken = []
        for change in changes:
            versions[server] += 1
            seconds, published = clients[server].change(uri, versions[server], change)
            taken.append(seconds)
        return taken, len(published["diagnostics"])

    for client in clients.values():
        client.open(uri, text)
    # what rests on other files is said once they have been read, which is done after the first cycle
    found = {server: cycle(server)[1] for server in clients}
    after = {server: cycle(server)[1] for server in clients}
    if after != found or not found[KSCAN]:
        counts = [f"{server.name} {found[server]}, then {after[server]}" for server in clients]
        msg = f"{scenario.name}: diagnostics of the same text before and after a cycle: {'; '.join(counts)}"
        raise RuntimeError(msg)
    for number in range(rounds):
        order = [server for server in clients if number % server.every == 0]
        for server in order if number % 2 else reversed(order):
            times[server] += cycle(server)[0]
    for client in clients.values():
        client.close(uri)
    return [
        Row(
            f"edit: {scenario.name}, {found[KSCAN]:,} findings" if server is KSCAN else "",
            server.name,
            times[server],
            None if server is FLOOR else times[FLOOR],
            scenario.budget if server is KSCAN else None,
        )
        for server in clients
    ]


MEMORY = 150
"""Megabytes that a server may hold which has a large workspace open."""


def beside(
    scenario: Scenario, measure: Callable[..., Typed], root: Path, scanned: str, budget: float
) -> list[Row]:
    """Edit to diagnostics while something is scanned, against the same edits when that is done."""
    text = manifest(scenario.lines)
    typed = measure(root, text, scenario.keystrokes(text))
    what = f"edit: {scenario.name}, while {scanned} are scanned"
    return [Row(what, "kscan", typed.busy, typed.idle, budget), Row("", "kscan, idle", typed.idle)]


def memory(root: Path) -> float:
    """Megabytes of a server that has read a whole workspace and has one file open."""
    (root / ".kscan.yaml").write_text(SETTINGS)
    client = KSCAN.start(root)
    try:
        client.initialize()
        uri = (root / "edited.yaml").as_uri()
        client.open(uri, manifest(50))
        client.until(uri, "C-0260")  # which rests on the other files, so they have all been read
        return client.memory()
    finally:
        client.stop()


def started(server: Server, root: Path) -> float:
    """Seconds from the start of the process to the first diagnostics."""
    client = server.start(root)
    client.initialize()
    client.open((root / "first.yaml").as_uri(), manifest(50))
    seconds = time.perf_counter() - client.started
    client.stop()
    return seconds


def ran(command: Sequence[str], root: Path) -> float:
    """Seconds that a command takes; status 1 is a gate that failed, as it should for these manifests."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    began = time.perf_counter()
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode > 1 or b"Traceback" in done.stderr:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode()}")
    return seconds


def compared(
    what: str, names: tuple[str, str], measures: Sequence[Callable[[], float]], times: int, budget: float
) -> list[Row]:
    """Two things that are measured in turns, the first against the second by their medians."""
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(times + 1):
        for series, measure in zip(taken, measures, strict=True):
            seconds = measure()
            if number:  # the first time fills the caches of the disk
                series.append(seconds)
    return [Row(what, names[0], *taken, budget, judged=0.5), Row("", names[1], taken[1])]


def measured(rounds: int, starts: int, against: Path | None) -> tuple[list[Row], float, str]:
    """All rows, the megabytes that a large workspace takes, and why any rows are missing."""
    other, reason = yaml_language_server()
    before = [] if against is None else [replace(KSCAN, name="kscan, the other", checkout=against.resolve())]
    servers = [KSCAN, *before, FLOOR, *([other] if other else [])]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        (root / ".kscan.yaml").write_text(SETTINGS)
        (root / "scanned.yaml").write_text(manifest(50))
        clients = {server: server.start(root) for server in servers}
        try:
            for client in clients.values():
                client.initialize()
            for scenario in SCENARIOS:
                rows += edits(scenario, clients, root, rounds)
        finally:
            for client in clients.values():
                client.stop()
        scan = [sys.executable, "-m", "kscan_lsp", "scan", "scanned.yaml"]
        first = (lambda: started(KSCAN, root), lambda: started(FLOOR, root))
        rows += compared("start to first diagnostics", ("kscan", "floor"), first, starts, 2)
        commands = (lambda: ran(scan, root), lambda: ran(IMPORTS, root))
        rows += compared("`kscan scan FILE`, 50 lines", ("kscan", "two imports"), commands, starts, 4)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        large_workspace(root)
        for scenario in (SCENARIOS[0], SCENARIOS[3]):
            rows += beside(scenario, while_scanning, root, f"{FILES:,} files", 2)
        taken = memory(root)
    for scenario in (SCENARIOS[0], SCENARIOS[3]):
        with tempfile.TemporaryDirectory() as folder:
            rows += beside(scenario, while_images_are_scanned, Path(folder).resolve(), f"{IMAGES} images", 4)
    return rows, taken, reason


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table whose columns line up."""
    cells = [HEADER, *(row.cells() for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADER))]
    lines = []
    for row in cells:
        padded = [
            cell.ljust(w) if i < 2 else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(f"| {' | '.join(padded)} |")
    rule = ["-" * w if i < 2 else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
    lines.insert(1, f"| {' | '.join(rule)} |")
    return "\n".join(lines) + "\n"


def machine() -> str:
    """What it was measured on, and how busy that was: other work blurs the floor most, and so flatters a p95 ratio."""
    system = f"{platform.system()} {platform.machine()}"
    load = os.getloadavg()[0]
    return f"Python {platform.python_version()}, {system}, {os.cpu_count()} cores, load average {load:.1f} at the end."


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure edit to diagnostics, start-up and a scan.")
    parser.add_argument(
        "--rounds", type=int, default=16, help="cycles of about 30 edits for each server and text"
    )
    parser.add_argument("--starts", type=int, default=10, help="how often a process is started")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--check", action="store_true", help="end with status 1 where a budget is missed")
    parser.add_argument(
        "--against",
        type=Path,
        metavar="CHECKOUT",
        help="a checkout of another version, whose edits are measured, too",
    )
    options = parser.parse_args()
    # as pip does for what it installs: everything it is compared with has been compiled, too
    for checkout in filter(None, (CHECKOUT, options.against)):
        compileall.compile_dir(checkout / "kscan_lsp", quiet=1)
    rows, taken, reason = measured(options.rounds, options.starts, options.against)
    shown = table(rows) + (f"\nNot measured: {reason}.\n" if reason else "")
    shown += f"\nMemory with a workspace of {FILES:,} files open: {taken:.0f} MB (budget {MEMORY}"
    shown += f"{', missed' if taken > MEMORY else ''}).\n\n{machine()}\n"
    print(shown)
    if options.write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}{shown}{END}{rest.partition(END)[2]}")
    return int(options.check and (taken > MEMORY or any(row.missed for row in rows)))


if __name__ == "__main__":
    sys.exit(main())
