"""No control raises on a manifest with anything of any type anywhere, and none takes a wrong type for a pass.

For every manifest in a control's tests and every path in it, the value is taken away, made null, `{}`, `[]` and a
string. Where taking it away makes a finding vanish, the control reads that path: then a value of a type that
Kubernetes refuses there must not make the control pass either.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from kscan_lsp import ruleset
from kscan_lsp.configuration import complete_policies
from kscan_lsp.control_tests import read_marks
from kscan_lsp.documents import read_document, split
from kscan_lsp.engine import check_document
from kscan_lsp.settings import Settings

POLICIES = complete_policies()
ABSENT = object()
REPLACEMENTS = [ABSENT, None, {}, [], "x"]


def paths_in(value: Any, path: tuple[Any, ...] = ()):
    if path:
        yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from paths_in(child, (*path, key))


def replaced(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    data = copy.deepcopy(data)
    here = data
    for key in path[:-1]:
        here = here[key]
    if value is ABSENT:
        del here[path[-1]]
    else:
        here[path[-1]] = value
    return data


def verdict(control: str, rules: ruleset.Ruleset, data: Any) -> str:
    found = check_document(read_document(json.dumps(data), json=True), rules)
    states = set()
    for verdicts in found:
        states |= {"failed"} if control in verdicts.failed else set()
        states |= {"passed"} if control in verdicts.passed else set()
        states |= {"unevaluated"} if any(u.control == control for u in verdicts.unevaluated) else set()
    for state in ("failed", "unevaluated", "passed"):
        if state in states:
            return state
    return "not applicable"


@pytest.mark.parametrize("control", POLICIES.controls.values(), ids=lambda c: c.id)
def test_wrong_types(control) -> None:
    for test in control.tests:
        settings = Settings.model_validate({"inputs": test.inputs})
        rules, _ = ruleset.choose(POLICIES, settings, only=(control.id,))
        manifest, _ = read_marks(test.manifest)
        for piece in split(manifest):
            data = read_document(piece.text).data
            if not isinstance(data, dict):
                continue
            before = verdict(control.id, rules, data)
            for path in paths_in(data):
                if path in {("kind",), ("apiVersion",)}:
                    continue
                original = data
                for key in path:
                    original = original[key]
                states = {
                    json.dumps(None if value is ABSENT else value) + str(value is ABSENT): (
                        value, verdict(control.id, rules, replaced(data, path, value))
                    )
                    for value in REPLACEMENTS
                }  # fmt: skip
                missing = verdict(control.id, rules, replaced(data, path, ABSENT))
                if before != "failed" or missing != "passed":
                    continue
                for value, state in states.values():
                    if value in (ABSENT, None) or isinstance(value, type(original)):
                        continue
                    assert state != "passed", f"{test.name}: {path} = {value!r} turned a failure into a pass"
