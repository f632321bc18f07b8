"""Mutation testing: change one thing in a room, run the room's tests, and see whether one of them fails.

    .venv/bin/python -m pip install --group mutation               # pip 25.1 or newer
    .venv/bin/python benchmarks/mutation.py                        # every room, 40 changes a file: an hour or two
    .venv/bin/python benchmarks/mutation.py yaml                   # one room
    .venv/bin/python benchmarks/mutation.py edits/block.py --all   # every change of one file

mutmut makes the changes, and forks for each from a process that has imported the tests, but run none, so that nothing
is cached. Which changes are tried is drawn with a fixed seed: the same code gives the same score. A change counts as
noticed where a test fails, crashes, or does not end. What is left is printed as a diff: it is a missing test, or it
changes nothing (a default given once more, an order that does not matter).

Left out on purpose: constants of modules, which mutmut does not change; and rooms whose work is to talk to the world.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.utils.format_utils import get_mutant_name

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "kscan_lsp"

ROOMS = {
    "yaml": [
        "tests/unit/yaml",
        "tests/properties/test_document.py",
        "tests/properties/test_reader.py",
        "tests/properties/test_splice.py",
    ],
    "edits": ["tests/unit/edits", "tests/properties/test_edits.py"],
    "engine": [
        "tests/unit/engine",
        "tests/unit/evidence",
        "tests/unit/fixes",
        "tests/properties/test_evaluator.py",
    ],
    "dispositions": ["tests/unit/dispositions"],
    "fixes": ["tests/unit/fixes"],
}
"""The tests that have to notice what changes in a room."""

SAMPLE = 40
SECONDS = 30
"""What one test may take; a change that makes a loop endless is noticed then."""
OUTCOMES = {
    0: "not noticed",
    1: "failed",
    3: "failed",
    33: "no test",
    -24: "no end",
    -9: "no end",
    -11: "crashed",
}
"""What the exit status of a change's tests means. Any other is a mistake in how they were run, and stops the script."""
LEFT = {"not noticed", "no test"}

SETTINGS = """
[tool.mutmut]
source_paths = ["{package}"]
only_mutate = {files}
also_copy = ["policies", "docs", "examples"]
pytest_add_cli_args = [
    "--hypothesis-profile=mutation", "-p", "no:cacheprovider", "-p", "no:xdist",
    "-o", "faulthandler_timeout={seconds}", "-o", "faulthandler_exit_on_timeout=true",
]
pytest_add_cli_args_test_selection = {tests}
process_isolation = "forkserver"
track_dependencies = false
use_git_change_detection = false
timeout_constant = {seconds}
timeout_multiplier = 3.0
"""


def main() -> int:
    """Run mutation testing of the rooms and files that are named; 1 where one has a score below `--at-least`."""
    parser = argparse.ArgumentParser(description="mutation testing of rooms")
    parser.add_argument("what", nargs="*", default=list(ROOMS), help="rooms, or files such as edits/block.py")
    parser.add_argument("--sample", type=int, default=SAMPLE, metavar="N", help="changes tried in a file")
    parser.add_argument("--all", action="store_true", help="try every change")
    parser.add_argument("--seed", default="kscan", help="of the draw")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes at a time")
    parser.add_argument("--at-least", type=float, default=85.0, metavar="PERCENT")
    options = parser.parse_args()
    scores = {}
    for room in ROOMS:
        files = [file for what in options.what for file in files_of(what) if file.parts[1] == room]
        if files:
            chosen = None if options.all else options.sample
            scores[room] = tested(room, sorted(set(files)), chosen, options.seed, options.jobs)
    print()
    for room, score in scores.items():
        print(f"{room:15} {score:5.1f}% noticed")
    return int(not scores or min(scores.values()) < options.at_least)


def files_of(what: str) -> list[Path]:
    """The files of a room, or one file, from the root of the checkout."""
    place = ROOT / PACKAGE / what
    found = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    if place.relative_to(ROOT / PACKAGE).parts[0] not in ROOMS or not place.exists():
        raise SystemExit(f"no room or file to test: {what} (rooms are {', '.join(ROOMS)})")
    return [file.relative_to(ROOT) for file in found]


def mutants(file: Path, sample: int | None, seed: str) -> list[str]:
    """The names of the changes to try in a file, in the order of the text."""
    names = mutate_file_contents(str(file), (ROOT / file).read_text(encoding="utf-8")).mutant_names
    found = [get_mutant_name(file, name) for name in names]
    if sample is None or sample >= len(found):
        return found
    drawn = random.Random(f"{seed} {file}").sample(range(len(found)), sample)  # noqa: S311 - no secret
    return [found[n] for n in sorted(drawn)]


def tested(room: str, files: list[Path], sample: int | None, seed: str, jobs: int) -> float:
    """Try changes in some files of a room, print what nobody noticed, and give the share that was."""
    with tempfile.TemporaryDirectory(prefix="kscan-mutation-") as folder:
        work = Path(folder)
        for part in (PACKAGE, "policies", "tests", "docs", "examples"):
            shutil.copytree(ROOT / part, work / part, ignore=shutil.ignore_patterns("__pycache__"))
        tests = [test for test in ROOMS[room] if (ROOT / test).exists()]
        settings = SETTINGS.format(
            package=PACKAGE, seconds=SECONDS, files=[str(file) for file in files], tests=tests
        )
        project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        (work / "pyproject.toml").write_text(project + settings, encoding="utf-8")
        with contextlib.chdir(work):  # mutmut looks for its settings here even to list changes
            names = {file: mutants(file, sample, seed) for file in files}
        tried = [name for found in names.values() for name in found]
        print(f"== {room}: {len(tried)} changes", flush=True)
        mutmut(work, "run", "--max-children", str(jobs), *tried)
        outcomes = {}
        for file, found in names.items():
            status = json.loads((work / "mutants" / f"{file}.meta").read_text())["exit_code_by_key"]
            outcomes |= {name: OUTCOMES[status[name]] for name in found}
            counted = Counter(outcomes[name] for name in found)
            noticed = len(found) - sum(counted[what] for what in LEFT)
            print(f"{file!s:40} {noticed:4} of {len(found):4} noticed  {dict(counted)}")
        left = [name for name in tried if outcomes[name] in LEFT]
        for name in left:
            print(mutmut(work, "show", name))
    return 100 * (1 - len(left) / len(tried)) if tried else 100.0


def mutmut(work: Path, *arguments: str) -> str:
    """What a command of mutmut prints; the end of the script where it fails."""
    command = [sys.executable, "-m", "mutmut", *arguments]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{done.stdout[-3000:]}{done.stderr}mutmut {arguments[0]} failed, see above")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
