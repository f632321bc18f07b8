"""The fix law (docs/architecture.md) for every control that has a fix, in every style of YAML and JSON.

The manifests are those of the controls' own tests. What a fix should do to the data is worked out here by a few
lines of its own, and what the controls say of the result is asked of the engine, not of the fix.
"""

from __future__ import annotations

import copy
from collections import Counter
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.styles import Style, law_three, render, styles

from kscan_lsp import edits
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.fixes.verify import Site, fixes_of
from kscan_lsp.policy import ruleset
from kscan_lsp.settings.model import replace_settings
from kscan_lsp.testing.run import read_marks, settings_of
from kscan_lsp.text import apply_edits
from kscan_lsp.workspace.policies import complete_policies
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document, split

if TYPE_CHECKING:
    from kscan_lsp.policy.schema import TestFile

POLICIES = complete_policies()
FIXABLE = [control for control in POLICIES.controls.values() if control.fixable]
EVALUATORS: dict[str, Evaluator] = {}
"""By the settings that they are for."""


def evaluator_of(test: TestFile) -> Evaluator:
    """Every control on, with the inputs of a test."""
    chosen = replace_settings(settings_of(test), {"frameworks": ["allcontrols"]})
    key = chosen.model_dump_json()
    if key not in EVALUATORS:  # what it remembers of one manifest serves all that are judged alike
        EVALUATORS[key] = Evaluator(ruleset.choose(POLICIES, chosen)[0], Evidence(date(2026, 1, 1)))
    return EVALUATORS[key]


@cache
def manifests(control_id: str):
    """Every document that the control's tests hold and it finds something fixable in.

    Returns: (number of the test, data, a project of the test's other documents, in which it is judged).
    """
    found = []
    for number, test in enumerate(POLICIES.sources[control_id].tests):
        pieces = split(read_marks(test.manifest)[0])
        for n, piece in enumerate(pieces):
            others = Project(evaluator_of(test)).with_file(
                "others.yaml", "\n".join([*pieces[:n], *pieces[n + 1 :]])
            )
            whole = others.with_file("this.yaml", piece)
            if any(
                f.finding.control == control_id and f.finding.fixable
                for f in whole.files["this.yaml"].findings()
            ):
                found.append((number, read_document(piece).data, others))
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


def findings_of(project):
    return Counter(
        (
            found.finding.control,
            found.finding.resource,
            tuple(part for part in found.finding.path if isinstance(part, str)),
        )
        for file in project.files.values()
        for found in file.findings()
    )


@pytest.mark.parametrize("control_id", [control.id for control in FIXABLE])
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data(), style=styles())
def test_fix_law(control_id, data, style) -> None:
    _, manifest, others = data.draw(st.sampled_from(manifests(control_id)))
    json = style.form != "block"
    project = others.with_file("this.yaml", render(manifest, style), json=json)
    number, placed = judged(project)
    document = placed.checked.document
    assert document.complete
    assert document.data == manifest
    before = findings_of(project)
    for finding in placed.checked.findings:
        if finding.control != control_id:
            continue
        options, reason = fixes_of(Site(project, "this.yaml", number), finding)
        # its condition is not met, or the place is not one to edit: an edit that was made and then failed is a bug
        assert options or reason == NONE_HERE or reason.endswith("by hand"), reason
        for option in options:
            holds(project, option, finding, before)


NONE_HERE = "this control has no fix here"
BRINGS_UP = "the fix would bring up "
PLAIN = {"block": Style(), "json": Style(form="json-pretty")}
"""Styles in which every place can be edited."""
NEVER = {"KS-0002": "by the version that took over, the object is one that more controls look at"}
"""Controls whose fix holds for none of their tests' manifests when every control is on, and why."""


@pytest.mark.parametrize("control_id", [control.id for control in FIXABLE])
def test_a_fix_is_really_made(control_id: str) -> None:
    """The law holds of a program that refuses everything, too.

    In a plain style no place is a reason to refuse: only a condition that is not met, or what else the fix would bring
    up, and so it is the same in all of them.
    """
    reasons = {name: reasons_of(control_id, style) for name, style in PLAIN.items()}
    assert reasons["json"] == reasons["block"]
    refused = [reason for reason in reasons["block"] if reason]
    assert [r for r in refused if r != NONE_HERE and not r.startswith(BRINGS_UP)] == []
    if control_id in NEVER:
        assert len(refused) == len(reasons["block"])
    else:
        assert len(refused) < len(reasons["block"])


def reasons_of(control_id: str, style: Style) -> list[str]:
    """For every finding in a control's own manifests why it is not fixed; empty where it is."""
    found = []
    for _, manifest, others in manifests(control_id):
        project = others.with_file("this.yaml", render(manifest, style), json=style.form != "block")
        number, placed = judged(project)
        for finding in placed.checked.findings:
            if finding.control == control_id:
                options, reason = fixes_of(Site(project, "this.yaml", number), finding)
                assert bool(options) != bool(reason)
                found.append(reason)
    return found


def judged(project):
    """The document of `this.yaml` that holds the object: a comment before a `---` is a document, too."""
    documents = project.files["this.yaml"].documents
    return next((n, placed) for n, placed in enumerate(documents) if placed.checked.verdicts)


def holds(project, option, finding, before) -> None:
    _, placed = judged(project)
    document = placed.checked.document
    text = apply_edits(document.text, option.edits)
    assert text == option.text
    whole, start = project.files["this.yaml"].text, placed.offset
    whole = whole[:start] + text + whole[start + len(document.text) :]
    project = project.with_file("this.yaml", whole, json=document.json)
    _, placed = judged(project)
    result = placed.checked.document
    # 1: it parses, and says what the operations say
    assert result.complete
    assert len(result.problems) <= len(document.problems)
    assert result.data == applied(document.data, option.changes)
    # 2: this finding has gone, and none has come, here or elsewhere
    after = findings_of(project)
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
    assert (finding.control, finding.path) not in {(f.control, f.path) for f in placed.checked.findings}
