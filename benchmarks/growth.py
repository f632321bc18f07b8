"""Measure how the time and memory of a scan grow with what there is to scan: no part may grow with its square.

    python benchmarks/growth.py                 the table
    python benchmarks/growth.py --write         also puts it into docs/performance.md
    python benchmarks/growth.py --check         ends with status 1 where doubling takes more than 2.3 times as much
    python benchmarks/growth.py --only WORD     only families with this word in their names (WORD|WORD for several);
                                                --write renews their rows and leaves the others

Every family of texts (`families.py`) is scanned at five sizes, each twice the one before, by a process of its own with
every control on. What counts is how many times more a doubling takes, above what a process takes that scans one
pod; differences too small to be told from noise do not count. Time is that of the processor, so that what else the
machine does matters little, and memory the most that the process ever held.
"""

from __future__ import annotations

import argparse
import compileall
import os
import platform
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from families import FAMILIES
from relation_families import POD, Family

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CHECKOUT = Path(__file__).resolve().parent.parent
PAGE = CHECKOUT / "docs" / "performance.md"
BEGIN, END = "<!-- growth: begin -->\n", "<!-- growth: end -->\n"
DOUBLINGS = 4
LIMIT = 2.3
"""How many times as much a doubling may take."""
LEAST_SECONDS, LEAST_MEGABYTES = 0.3, 30.0
"""What is less than this above start-up does not count."""
AGAIN = 1
"""Times that what grows too fast is measured again."""
STOP = 60
"""Seconds of the processor after which a scan is given up."""


class Used(NamedTuple):
    """What a process took: seconds of the processor, and megabytes at most."""

    seconds: float
    megabytes: float


class Row(NamedTuple):
    """What a family took at each size, above start-up."""

    family: Family
    used: tuple[Used, ...]

    @property
    def seconds(self) -> float:
        """How many times more time each doubling takes."""
        return _growth([used.seconds for used in self.used], LEAST_SECONDS)

    @property
    def megabytes(self) -> float:
        """How many times more memory each doubling takes."""
        return _growth([used.megabytes for used in self.used], LEAST_MEGABYTES)

    @property
    def missed(self) -> bool:
        """Whether any of it is more than it may be, or a scan was given up."""
        return max(self.seconds, self.megabytes) > LIMIT or len(self.used) <= DOUBLINGS

    def cells(self) -> list[str]:
        """The row as it is printed."""
        last = self.family.first * 2 ** (len(self.used) - 1)
        ratios = [f"{ratio:.1f}x" if ratio else "" for ratio in (self.seconds, self.megabytes)]
        return [
            self.family.name,
            f"{last:,}",
            *(f"{used.seconds:.2f}" for used in self.used),
            ratios[0],
            f"{self.used[-1].megabytes:.0f}" if self.used else "",
            ratios[1] + " missed" * self.missed,
        ]


HEADER = [
    "family",
    "largest",
    "s at 1/16",
    "1/8",
    "1/4",
    "1/2",
    "1",
    "s per doubling",
    "MB",
    "MB per doubling",
]


def _growth(amounts: Sequence[float], least: float) -> float:
    """How many times more each doubling takes, over all that count.

    It begins with the last size that does not, taken for the least that does. One doubling
    alone is mostly noise, and what grows with the square does so over all of them. 0 where none counts.
    """
    counted = [max(amount, least) for amount in amounts]
    while len(counted) > 2 and counted[1] == least:
        counted.pop(0)
    doublings = len(counted) - 1
    return (counted[-1] / counted[0]) ** (1 / doublings) if doublings > 0 and counted[-1] > least else 0.0


def scanned(path: Path) -> Used | None:
    """What a scan of a file takes; None where it is given up."""
    command = [
        sys.executable,
        "-m",
        "kscan_lsp",
        "scan",
        "--framework",
        "allcontrols",
        "--format",
        "json",
        path.name,
    ]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, cwd=path.parent, env=environment, stdout=subprocess.DEVNULL, stderr=errors
        )
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (STOP, STOP))
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        said = errors.read().decode()
    if process.returncode in (-signal.SIGKILL, -signal.SIGXCPU):
        return None
    if process.returncode not in (0, 1, 3) or "Traceback" in said:
        raise RuntimeError(f"{path.name}: status {process.returncode}\n{said}")
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10  # of ru_maxrss: bytes there, kilobytes elsewhere
    return Used(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit)


def measured(families: Iterable[Family], folder: Path) -> Iterable[Row]:
    """A row for each family, one after the other."""
    path = folder / "one.yaml"
    path.write_text(POD)
    scanned(path)  # which fills the caches of the disk
    once = [used for _ in range(3) if (used := scanned(path))]
    start = Used(min(used.seconds for used in once), min(used.megabytes for used in once))
    for family in families:
        row = Row(family, tuple(_above(start, family, folder)))
        for _ in range(AGAIN):
            if row.missed and len(row.used) > DOUBLINGS:  # which may be noise: the least of several says less
                used = zip(row.used, _above(start, family, folder), strict=False)
                row = Row(family, tuple(Used(*map(min, one, other)) for one, other in used))
        yield row


def _above(start: Used, family: Family, folder: Path) -> Iterable[Used]:
    """What a family takes at each size above start-up, as far as it is not given up."""
    for doubling in range(DOUBLINGS + 1):
        path = folder / f"scanned.{'json' if family.json else 'yaml'}"
        path.write_text(family.text(family.first << doubling))
        used = scanned(path)
        if used is None:
            return
        yield Used(max(0.0, used.seconds - start.seconds), max(0.0, used.megabytes - start.megabytes))


def rows_of(page: str) -> dict[str, list[str]]:
    """The cells of the table that a page has, by the name of the family."""
    inside = page.partition(BEGIN)[2].partition(END)[0].splitlines()
    rows = [
        [cell.strip() for cell in line.removeprefix("| ").removesuffix(" |").split(" | ")] for line in inside
    ]
    return {row[0]: row for row in rows if len(row) == len(HEADER)}


def table(rows: Iterable[Sequence[str]]) -> str:
    """Rows of cells as a Markdown table whose columns line up."""
    cells = [HEADER, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADER))]
    lines = []
    for row in cells:
        padded = [
            cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(f"| {' | '.join(padded)} |")
    rule = ["-" * (w - 1) + ":" if i else "-" * w for i, w in enumerate(widths)]
    lines.insert(1, f"| {' | '.join(rule)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure how a scan grows with what there is to scan.")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument(
        "--check", action="store_true", help="end with status 1 where anything grows too fast"
    )
    parser.add_argument(
        "--only",
        default="",
        metavar="WORD",
        help="only families with this word in their names, or one of WORD|WORD",
    )
    options = parser.parse_args()
    compileall.compile_dir(CHECKOUT / "kscan_lsp", quiet=1)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for row in measured(
            [f for f in FAMILIES if any(word in f.name for word in options.only.split("|"))], Path(folder)
        ):
            rows.append(row)
            print(" | ".join(row.cells()), file=sys.stderr, flush=True)
    measured_now = {row.family.name: row.cells() for row in rows}
    known = {**rows_of(PAGE.read_text()), **measured_now} if options.write else measured_now
    shown = table(known[family.name] for family in FAMILIES if family.name in known)
    shown += f"\nPython {platform.python_version()}, {platform.system()} {platform.machine()}.\n"
    print(shown)
    if options.write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}{shown}{END}{rest.partition(END)[2]}")
    return int(options.check and any(row.missed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
