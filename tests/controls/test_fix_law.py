"""The fix law (docs/architecture.md) for every control that has a fix, in every style of YAML and JSON.

The manifests are those of the controls' own tests. What a fix should do to the data is worked out here by a few
lines of its own, and what the controls say of the result is asked of the engine, not of the fix.
"""

from __future__ import annotations

import copy
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kscan_lsp import edits, ruleset
from kscan_lsp.configuration import complete_policies
from kscan_lsp.control_tests import read_marks
from kscan_lsp.documents import read_document, split
from kscan_lsp.engine import check_document
from kscan_lsp.fixes import fixes_of
from kscan_lsp.settings import Settings
from kscan_lsp.text import apply_edits

sys.path.append(str(Path(__file__).parents[1] / "unit"))
from styles import law_three, render, styles  # beside the tests of edits, for which they were written

POLICIES = complete_policies()
FIXABLE = [control for control in POLICIES.controls.values() if control.fixable]


@cache
def rules_of(control_id: str, number: int) -> ruleset.Ruleset:
    """Every control on, with the inputs of one of the control's tests."""
    test = POLICIES.controls[control_id].tests[number]
    chosen = Settings.model_validate({"frameworks": ["allcontrols"], "inputs": test.inputs})
    return ruleset.choose(POLICIES, chosen)[0]


@cache
def manifests(control_id: str):
    """(number of the test, data) of every document that the control's tests hold and it finds something in."""
    found = []
    for number, test in enumerate(POLICIES.controls[control_id].tests):
        for piece in split(read_marks(test.manifest)[0]):
            document = read_document(piece.text)
            verdicts = check_document(document, rules_of(control_id, number))
            if any(f.control == control_id and f.fixable for v in verdicts for f in v.findings):
                found.append((number, document.data))
    return found


def applied(data, changes):
    data = copy.deepcopy(data)
    for change in changes:
        here = data
        *way, last = change.path
        for key in way:
            if isinstance(here, dict) and here.get(key) is None:
                here[key] = {}
            here = here[key]
        if change.verb == "remove":
            del here[last]
        elif change.verb == "add":
            here[last] = [*(here.get(last) or []), change.value]
        else:
            here[last] = change.value
    return data


def findings_of(document, rules):
    return Counter(
        (finding.control, finding.resource, tuple(part for part in finding.path if isinstance(part, str)))
        for verdicts in check_document(document, rules)
        for finding in verdicts.findings
    )


@pytest.mark.parametrize("control_id", [control.id for control in FIXABLE])
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data(), style=styles())
def test_fix_law(control_id, data, style) -> None:
    number, manifest = data.draw(st.sampled_from(manifests(control_id)))
    rules = rules_of(control_id, number)
    document = read_document(render(manifest, style), json=style.form != "block")
    assert document.complete
    assert document.data == manifest
    before = findings_of(document, rules)
    for verdicts in check_document(document, rules):
        for finding in verdicts.findings:
            if finding.control != control_id:
                continue
            options, reason = fixes_of(document, verdicts, finding, rules)
            # its condition is not met, or the place is not one to edit: an edit that was made and then failed is a bug
            assert options or reason == NONE_HERE or reason.endswith("by hand"), reason
            for option in options:
                holds(document, option, finding, rules, before)


NONE_HERE = "this control has no fix here"


def holds(document, option, finding, rules, before) -> None:
    text = apply_edits(document.text, option.edits)
    assert text == option.text
    result = read_document(text, json=document.json)
    # 1: it parses, and says what the operations say
    assert result.complete
    assert len(result.problems) <= len(document.problems)
    assert result.data == applied(document.data, option.changes)
    # 2: this finding has gone, and none has come
    after = findings_of(result, rules)
    identity = (finding.control, finding.resource, tuple(p for p in finding.path if isinstance(p, str)))
    assert after[identity] < before[identity]
    assert not after - before
    # 3: each operation is one edit of a kind that people would make
    here = document
    for change in option.changes:
        operate = {"set": edits.set_value, "add": edits.add_item}.get(change.verb)
        edit = operate(here, change.path, change.value) if operate else edits.remove(here, change.path)
        assert law_three(here, edit), f"{change}: {edit}"
        here = read_document(apply_edits(here.text, [edit]), json=here.json)
    assert here.text == text
    # 4: there is nothing left to fix at that place, unless what came after a list item has moved up to it
    if any(change.verb == "remove" and isinstance(change.path[-1], int) for change in option.changes):
        return
    for verdicts in check_document(result, rules):
        assert (finding.control, finding.path) not in {(f.control, f.path) for f in verdicts.findings}
