"""Look for what goes wrong by chance: random edits, hostile files, policies, settings and messages, and fixes.

    .venv/bin/python benchmarks/fuzz.py --seconds 600                      # a bit of everything
    .venv/bin/python benchmarks/fuzz.py --what edits --edits 100000 --seed 7
    .venv/bin/python benchmarks/fuzz.py --what edits --case 7-412           # one case again

Prints how much was tried and what went wrong, each failure with the seed of its case and the fewest steps that show it.
The exit status is 1 if anything did. What is found here becomes a test; the figures of the longest run are in
docs/security.md.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from fuzz_edits import Edits
from fuzz_inputs import Files, Fixes, Messages, Policies, SettingsFiles
from fuzz_stdio import Stdio
from support.fuzzing import smallest

if TYPE_CHECKING:
    from fuzz_edits import Failure

KINDS = {
    "edits": Edits,
    "stdio": Stdio,
    "files": Files,
    "policies": Policies,
    "settings": SettingsFiles,
    "messages": Messages,
    "fixes": Fixes,
}
PATIENCE = 20  # seconds between two lines about how far it is


def main() -> int:
    """Try for as long as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--what", choices=[*KINDS, "all"], default="all")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--edits", type=int, default=0, help="stop after so many edits or inputs")
    parser.add_argument(
        "--every", type=int, default=8, help="edits from one comparison to the next, on average"
    )
    parser.add_argument("--seed", default=str(time.time_ns()))
    parser.add_argument("--case", help="only this case, as a failure names it")
    given = parser.parse_args()
    gc.set_threshold(100_000, 50, 20)  # as the server does
    kinds = list(KINDS) if given.what == "all" else [given.what]
    failures = 0
    for kind in kinds:
        failures += run(kind, given, given.seconds / len(kinds))
    return min(failures, 1)


def run(kind: str, given: argparse.Namespace, seconds: float) -> int:
    """Try one kind of input; how often something went wrong."""
    tried = KINDS[kind](given.every)
    began = shown = time.monotonic()
    failures: list[Failure] = []
    number = 0
    while time.monotonic() < began + seconds and not (given.edits and tried.edits >= given.edits):
        name = given.case or f"{given.seed}-{number}"
        number += 1
        failure = tried.case(name)
        if failure:
            failures.append(failure)
            report(kind, name, failure, tried)
        if given.case:
            break
        if time.monotonic() > shown + PATIENCE:
            shown = time.monotonic()
            print(figure(kind, tried, failures, shown - began), flush=True)
    print(figure(kind, tried, failures, time.monotonic() - began), flush=True)
    return len(failures)


def figure(kind: str, tried: Any, failures: list[Failure], seconds: float) -> str:
    """How much was tried, in a line."""
    count = {kind: sum(failure.kind == kind for failure in failures) for kind in ("difference", "crash")}
    return (
        f"{kind}: {tried.edits:,} tried, {tried.comparisons:,} compared with a fresh start, "
        f"{count['difference']} differences, {count['crash']} crashes, {tried.edits / max(seconds, 1e-9):,.0f} a second"
    )


def report(kind: str, name: str, failure: Failure, tried: Any) -> None:
    """Show a failure, and the smallest case of it if it can be had again."""
    print(f"\n{kind} {failure.kind} in case {name}\n{failure.what}", flush=True)
    again = tried.fails(failure.case)
    if again is None:
        print("  only after what was tried before; not made smaller\n", flush=True)
        return

    def fails(case: Any) -> bool:
        found = tried.fails(case)
        return found is not None and found[0] == again[0]

    case = smallest(failure.case, fails)
    print(
        f"  smallest: {tried.fails(case)}\n  texts = {case.texts!r}\n  steps = {case.steps!r}\n", flush=True
    )


if __name__ == "__main__":
    sys.exit(main())
