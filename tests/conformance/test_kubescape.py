"""Verdicts and places agree with Kubescape's own cases, or are a difference that docs/kubescape-differences.md lists.

The cases and the script that compares live beside the checkout; the command is run in this process, through its real
entry point, because 300 starts of Python would take most of the time of all tests.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from kscan_lsp.cli import main
from kscan_lsp.configuration import builtin_policies

DIFFERENCES = Path(__file__).parents[2] / "docs" / "kubescape-differences.md"


def run_here(argv: list[str], **_: object) -> SimpleNamespace:
    out, err = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, argv
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            contextlib.suppress(SystemExit),
        ):
            main()
    finally:
        sys.argv = before
    return SimpleNamespace(stdout=out.getvalue(), stderr=err.getvalue())


def load(file: io.TextIOBase) -> object:
    with file:
        return json.load(file)


@pytest.fixture(scope="module")
def results(shared: Path) -> list[tuple]:
    script = shared / "conformance" / "check.py"
    spec = importlib.util.spec_from_file_location("check", script)
    check = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(check)
    check.json = SimpleNamespace(load=load, loads=json.loads, dump=json.dump)
    check.subprocess = SimpleNamespace(run=run_here, TimeoutExpired=subprocess.TimeoutExpired)
    known = builtin_policies().controls
    found = []
    for folder in sorted(path.parent for path in (shared / "conformance" / "cases").rglob("case.json")):
        case = json.loads((folder / "case.json").read_text())
        for control in case["controls"]:
            if control in known:
                found += check.run_case(["kscan"], str(folder), control)
    return found


def listed() -> set[tuple[str, str]]:
    """(rule, case) of every difference in the document: `rule/case` in backquotes."""
    return set(re.findall(r"`([\w-]+)/([\w-]+)`", DIFFERENCES.read_text(encoding="utf-8")))


def test_every_verdict_agrees_or_is_a_listed_difference(results: list[tuple]) -> None:
    differing = {(rule, case): why for rule, _, case, ok, _, _, why in results if not ok}
    assert {key: why for key, why in differing.items() if key not in listed()} == {}
    ran = {(rule, case) for rule, _, case, *_ in results}
    stale = {key for key in listed() & ran if key not in differing}
    assert stale == set(), "these agree by now: take them off the list"
    assert len(listed()) <= 12


def test_places_agree(results: list[tuple]) -> None:
    places = [located for _, _, _, ok, located, _, _ in results if located is not None and ok]
    assert sum(places) >= 0.98 * len(places)
