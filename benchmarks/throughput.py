"""Whole runs over many files, beside the scanners that are installed: time, processor, memory, in one table.

    python benchmarks/throughput.py                     the table, of what is on PATH
    python benchmarks/throughput.py --also DIR          also looks for scanners in a folder
    python benchmarks/throughput.py --write             also puts it into docs/performance.md
    python benchmarks/throughput.py --growth            10 to 10,000 files, of ours alone

Every scanner gets the same folder of Deployments, one to a file, and writes its JSON where nobody reads it. They take
turns, and of several rounds the median counts. They do not look for the same: a linter of a dozen checks that names no
place is no slower for what it leaves out, so the table has how much each one says.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from manifests import manifest

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKOUT = Path(__file__).resolve().parent.parent
PAGE = CHECKOUT / "docs" / "performance.md"
BEGIN, END = "<!-- throughput: begin -->\n", "<!-- throughput: end -->\n"
GROWTH_BEGIN, GROWTH_END = "<!-- throughput growth: begin -->\n", "<!-- throughput growth: end -->\n"
LINES = 50


class Scanner(NamedTuple):
    """A command that scans the folder it is started in, and how to count what it says."""

    name: str
    program: str
    words: tuple[str, ...]
    count: Callable[[Any], int]
    files: bool = False
    """Whether it is given the names of files, and none of folders."""
    environment: tuple[tuple[str, str], ...] = ()


def _of_kscan(report: Any) -> int:
    return len(report["findings"])


def _of_kubescape(report: Any) -> int:
    return sum(
        control["status"]["status"] == "failed" for one in report["results"] for control in one["controls"]
    )


def _of_kube_score(report: Any) -> int:
    return sum(check["grade"] < 10 and not check["skipped"] for one in report for check in one["checks"])


def _of_polaris(report: Any) -> int:
    text = json.dumps(report)
    return text.count('"Success": false')


def _of_trivy(report: Any) -> int:
    return sum(len(one.get("Misconfigurations", ())) for one in report.get("Results", ()))


def _of_checkov(report: Any) -> int:
    reports = report if isinstance(report, list) else [report]
    return sum(one["summary"]["failed"] for one in reports if "summary" in one)


ONE = ("-m", "kscan_lsp", "scan", ".", "--format", "json")
SCANNERS = (
    Scanner("kscan, `recommended`", sys.executable, ONE, _of_kscan),
    Scanner("kscan, every control", sys.executable, (*ONE, "--framework", "allcontrols"), _of_kscan),
    Scanner("Kubescape", "kubescape", ("scan", ".", "--format", "json", "--keep-local"), _of_kubescape),
    Scanner(
        "kube-linter",
        "kube-linter",
        ("lint", ".", "--format", "json"),
        lambda found: len(found["Reports"] or ()),
    ),
    Scanner("kube-score", "kube-score", ("score", "-o", "json"), _of_kube_score, files=True),
    Scanner("Polaris", "polaris", ("audit", "--audit-path", ".", "--format", "json"), _of_polaris),
    Scanner(
        "Trivy",
        "trivy",
        ("config", ".", "--format", "json", "--quiet", "--skip-check-update"),
        _of_trivy,
    ),
    Scanner(
        "Checkov",
        "checkov",
        ("-d", ".", "--framework", "kubernetes", "-o", "json", "--quiet", "--compact", "--skip-download"),
        _of_checkov,
        environment=(("LOG_LEVEL", "ERROR"),),
    ),
)


class Run(NamedTuple):
    """One run: seconds by the clock, seconds of the processor, megabytes at most, and what was said."""

    seconds: float
    processor: float
    megabytes: float
    said: int


def main() -> int:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--also", type=Path, action="append", default=[], help="a folder with scanners in it")
    parser.add_argument("--growth", action="store_true", help="10 to 10,000 files, of ours alone")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    given = parser.parse_args()
    places = os.pathsep.join([*map(str, given.also), os.environ.get("PATH", "")])
    found = {one: path for one in SCANNERS if (path := shutil.which(one.program, path=places))}
    for one in SCANNERS:
        if one not in found:
            print(f"{one.name}: there is no '{one.program}' here", file=sys.stderr)
    if given.growth:
        table, begin, end = growth(), GROWTH_BEGIN, GROWTH_END
    else:
        table, begin, end = compared(found, given.files, given.rounds), BEGIN, END
    print(table)
    if given.write:
        page = PAGE.read_text(encoding="utf-8")
        before, rest = page.split(begin)
        PAGE.write_text(f"{before}{begin}{table}\n{end}{rest.split(end)[1]}", encoding="utf-8")
    return 0


def compared(found: dict[Scanner, str], files: int, rounds: int) -> str:
    """The table of all scanners on the same files."""
    runs: dict[Scanner, list[Run]] = {one: [] for one in found}
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), files)
        for number in range(rounds):
            for one in [*found] if number % 2 else [*reversed(found)]:
                runs[one].append(run(one, found[one], Path(folder)))
                print(f"{one.name}: {runs[one][-1]}", file=sys.stderr)
    base = statistics.median(one.seconds for one in runs[SCANNERS[0]])
    rows = [
        "| scanner                | seconds | of the processor |  MB | findings | beside `recommended` |",
        "| ---------------------- | ------: | ---------------: | --: | -------: | -------------------: |",
    ]
    for one, measured in runs.items():
        seconds, processor, megabytes = (
            statistics.median(part) for part in list(zip(*measured, strict=True))[:3]
        )
        rows.append(
            f"| {one.name:22} | {seconds:7.2f} | {processor:16.2f} | {megabytes:3.0f} | "
            f"{measured[-1].said:8,} | {seconds / base:19.1f}x |"
        )
    what = f"{files:,} files of {LINES} lines, a Deployment each; {os.cpu_count()} processors"
    return "\n".join([*rows, "", f"{what}; Python {platform.python_version()}, {platform.system()}."])


def growth() -> str:
    """The table of ours on more and more files."""
    rows = [
        "| files  | seconds | ms a file |  MB | seconds, every control |  MB |",
        "| -----: | ------: | --------: | --: | ---------------------: | --: |",
    ]
    for files in (10, 100, 1000, 10_000):
        with tempfile.TemporaryDirectory() as folder:
            write_files(Path(folder), files)
            one = run(SCANNERS[0], sys.executable, Path(folder))
            # 10,000 files have half a million findings, which takes minutes
            all_ = run(SCANNERS[1], sys.executable, Path(folder)) if files < 10_000 else None
        per = 1000 * one.seconds / files
        rest = f"{all_.seconds:22.2f} | {all_.megabytes:3.0f}" if all_ else " " * 22 + " |    "
        rows.append(f"| {files:6,} | {one.seconds:7.2f} | {per:9.1f} | {one.megabytes:3.0f} | {rest} |")
        print(rows[-1], file=sys.stderr)
    return "\n".join(rows)


def write_files(folder: Path, files: int) -> None:
    """So many Deployments, each with a name of its own, in a file of its own."""
    text = manifest(LINES)
    name = next(line.split()[1] for line in text.splitlines() if line.startswith("  name: "))
    for number in range(files):
        (folder / f"d{number:05}.yaml").write_text(text.replace(name, f"{name}-{number}"))


def run(one: Scanner, program: str, folder: Path) -> Run:
    """Run a scanner in a folder. That it finds something, and says so by its status, is what it is for."""
    names = sorted(path.name for path in folder.glob("*.yaml")) if one.files else []
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), **dict(one.environment)}
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            [program, *one.words, *names], cwd=folder, env=environment, stdout=output, stderr=errors
        )
        most = 0.0
        while not (waited := os.wait4(process.pid, os.WNOHANG))[0]:
            # what wait4 says of memory is that of one process, and of this one when it began the other
            most = max(most, _memory(process.pid))
            time.sleep(0.02)
        seconds = time.perf_counter() - began
        _, status, used = waited
        process.returncode = status  # it was waited for
        output.seek(0)
        raw = output.read()
    try:
        said = one.count(json.loads(raw))
    except (ValueError, KeyError, TypeError):
        raise SystemExit(f"{one.name} gave no report (status {status}): {raw[:300]!r}") from None
    return Run(seconds, used.ru_utime + used.ru_stime, most, said)


def _memory(process: int) -> float:
    """The megabytes that a process and those that it has started have now, each page once; 0 where nobody says."""
    found, waiting = 0.0, [process]
    while waiting:
        one = Path(f"/proc/{waiting.pop()}")
        try:
            rollup = (one / "smaps_rollup").read_text(encoding="utf-8")
            found += (
                next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024
            )
            for thread in (one / "task").iterdir():
                waiting += map(int, (thread / "children").read_text(encoding="utf-8").split())
        except (OSError, StopIteration):
            continue  # it has just ended
    return found


if __name__ == "__main__":
    sys.exit(main())
