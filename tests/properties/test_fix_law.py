"""The fix law (docs/architecture.md) for every control that has a fix, in every style of YAML and JSON.

The manifests are those of the controls' own tests. What a fix should do to the data is worked out here by a few
lines of its own, and what the controls say of the result is asked of the engine, not of the fix.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.fixing import findings_of, holds, judged
from support.styles import Style, render, styles

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.fixes.fix_all import containers_of, fix_all
from kscan_lsp.fixes.verify import Site, fixes_of
from kscan_lsp.policy import ruleset
from kscan_lsp.settings.model import replace_settings
from kscan_lsp.testing.marks import read_marks
from kscan_lsp.testing.run import settings_of
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
    key = repr(chosen)
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


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data(), style=styles())
def test_fix_law_of_a_container(data, style) -> None:
    """Hardening a container is many fixes, each of which the law holds for: so it does for all of them together."""
    control_id = data.draw(st.sampled_from(OF_CONTAINERS))
    _, manifest, others = data.draw(st.sampled_from(manifests(control_id)))
    project = others.with_file("this.yaml", render(manifest, style), json=style.form != "block")
    number, placed = judged(project)
    site = Site(project, "this.yaml", number)
    containers = [one for finding in placed.checked.findings for one in containers_of(site, finding)]
    if not containers:
        return
    container = data.draw(st.sampled_from(containers))
    before = findings_of(project)
    after, done = fix_all(site, lambda _: True, container=container)
    left = {control for _, fix in done for control in fix.leaves}
    renamed = [change for _, fix in done for change in fix.changes if change.verb == "rename"]
    gained = findings_of(after) - (findings_of(project, renamed) | before)
    assert {control for control, _, _ in gained} <= left
    # each was about that container
    for finding, _ in done:
        assert finding.resource == placed.checked.verdicts[container.resource].resource.id
    # and asking again finds nothing to do
    assert fix_all(replace(site, project=after), lambda _: True, container=container)[1] == []
    document = after.files["this.yaml"].documents[number].checked.document
    assert document.complete
    assert len(document.problems) <= len(placed.checked.document.problems)


OF_CONTAINERS = [
    control.id
    for control in FIXABLE
    if any(check.fix and check.each.binds("container") for check in control.checks)
]
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
