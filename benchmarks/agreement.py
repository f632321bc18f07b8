"""What comes of the test cases of others, as their benchmarks print it: how many agree, which do not, and why not."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Outcome(NamedTuple):
    """What a case expects, and what is said; `why` is set where it is not judged."""

    case: str
    expected: str
    said: str
    why: str = ""


def arguments(about: str, *folders: str) -> argparse.Namespace:
    """What a benchmark is called with: some folders by these names, and `--all`."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawTextHelpFormatter)
    for name in folders:
        parser.add_argument(name, type=Path)
    parser.add_argument("--all", action="store_true")
    return parser.parse_args()


def print_outcomes(suites: str, found: Sequence[Outcome], *, every: bool) -> None:
    """Print what comes of cases.

    Args:
        suites: how many of what they are from, in words.
        found: what came of each.
        every: whether those that are not compared are named one by one.
    """
    compared = [one for one in found if not one.why]
    agreed = [one for one in compared if one.said == one.expected]
    share = 100 * len(agreed) / max(len(compared), 1)
    print(f"{suites}, {len(found)} cases; {len(compared)} compared, {len(agreed)} agree ({share:.2f} %)")
    for one in compared:
        if one.said != one.expected:
            print(f"differs: {one.case}: expected {one.expected}, said {one.said}")
    for why, count in Counter(one.why for one in found if one.why).most_common():
        print(f"not compared, {count}: {why}")
    for one in found if every else ():
        if one.why:
            print(f"not compared: {one.case}: {one.why}")
