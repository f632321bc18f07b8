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
from typing import TYPE_CHECKING

import pytest

from kscan_lsp.__main__ import main
from kscan_lsp.workspace.policies import builtin_policies

if TYPE_CHECKING:
    from kscan_lsp.policy.model import Control

KNOWN_RESULTS = 392
"""A result for each case and control of it that is here: fewer, and something is no longer compared."""
KNOWN_PLACES = 255
"""Results that agree and say where."""
KNOWN_FRAMEWORKS = 16
KNOWN_CONTROLS = 122
KNOWN_INPUTS = 29

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
    assert len(results) >= KNOWN_RESULTS
    differing = {(rule, case): why for rule, _, case, ok, _, _, why in results if not ok}
    assert {key: why for key, why in differing.items() if key not in listed()} == {}
    ran = {(rule, case) for rule, _, case, *_ in results}
    stale = {key for key in listed() & ran if key not in differing}
    assert stale == set(), "these agree by now: take them off the list"
    assert listed() <= ran, "no such case is there"
    assert len(listed()) <= 12


def test_places_agree(results: list[tuple]) -> None:
    places = [located for _, _, _, ok, located, _, _ in results if located is not None and ok]
    assert len(places) >= KNOWN_PLACES
    assert sum(places) >= 0.98 * len(places)


def test_frameworks_have_the_controls_of_kubescapes(shared: Path) -> None:
    known = builtin_policies()
    wanted = json.loads((shared / "reference" / "frameworks.json").read_text())
    assert len(wanted) >= KNOWN_FRAMEWORKS
    for name, facts in wanted.items():
        framework = known.framework(name)
        assert framework is not None, name
        members = {control["id"]: control["name"] for control in facts["controls"]}
        if framework.whole:
            continue
        assert list(framework.members) == [i for i in members if i in known.controls], name
        for control, member in framework.members.items():
            shown = f"{member.section} {member.name or known.controls[control].title}"
            for word in re.findall(r"[\w.]+", members[control].replace("\\_", "_")):
                assert word.rstrip(".") in shown or word == "CIS", (name, control)


CLUSTER_ONLY = {"sensitiveInterfaces", "servicesNames", "wlKnownNames"}
"""Inputs that none of the controls on files reads."""


def test_inputs_have_kubescapes_names_and_defaults(shared: Path) -> None:
    wanted = json.loads((shared / "reference" / "control-inputs.json").read_text())
    assert len(wanted) >= KNOWN_INPUTS
    known = builtin_policies().controls.values()
    for name in wanted.keys() - CLUSTER_ONLY:
        defaults = {control.inputs[name] for control in known if name in control.inputs}
        assert defaults == {tuple(wanted[name])}, name


@pytest.fixture(scope="module")
def pairs(shared: Path) -> list[tuple[Control, dict]]:
    """Every control that both have, with what is known of Kubescape's."""
    known = builtin_policies().controls
    theirs = json.loads((shared / "reference" / "controls.json").read_text())
    found = [(known[facts["id"]], facts) for facts in theirs if facts["id"] in known]
    assert len(found) >= KNOWN_CONTROLS
    return found


def test_controls_read_the_inputs_that_kubescapes_read(pairs: list[tuple[Control, dict]]) -> None:
    for control, facts in pairs:
        assert set(facts["inputs"]) <= control.inputs.keys(), control.id


def test_controls_have_kubescapes_titles_and_scores(pairs: list[tuple[Control, dict]]) -> None:
    for control, facts in pairs:
        assert (control.title, control.score) == (facts["name"], facts["score"])
        assert control.severity.label == facts["severity"]
