"""What could be allowed: names that are in a list, or not, and findings that rest on it."""

from __future__ import annotations

from datetime import date

import pytest
from support.judging import FILE, project_of

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.fixes.allow import allowances, goes_away
from kscan_lsp.fixes.verify import Site
from kscan_lsp.policy import ruleset
from kscan_lsp.settings.model import Settings, replace_settings
from kscan_lsp.testing.marks import read_marks
from kscan_lsp.testing.run import settings_of
from kscan_lsp.workspace.policies import complete_policies
from kscan_lsp.workspace.project import Project

POLICIES = complete_policies()
ALLOWING = [
    control.id for control in POLICIES.controls.values() if any(check.allow for check in control.checks)
]


def rules_of(control: str, settings: Settings) -> ruleset.Ruleset:
    chosen = {"frameworks": [], "controls": {"include": [control]}}
    return ruleset.choose(POLICIES, replace_settings(settings, chosen))[0]


@pytest.mark.parametrize("control", ALLOWING)
def test_what_is_allowed_is_found_no_more(control: str) -> None:
    """Of every control that says what could be allowed, over the manifests of its own tests."""
    offered = 0
    for test in POLICIES.sources[control].tests:
        settings = settings_of(test)
        rules = rules_of(control, settings)
        text = read_marks(test.manifest)[0]
        project = Project(Evaluator(rules, Evidence(date(2026, 1, 1)))).with_file(FILE, text)
        for number, part in enumerate(project.files[FILE].parts):
            for finding in part.findings:
                site = Site(project, FILE, number)
                for one in allowances(site, finding):
                    offered += 1
                    given = replace_settings(settings, {"inputs": {**settings.inputs, one.input: one.values}})
                    changed = rules_of(control, given)
                    assert changed.inputs == {**rules.inputs, one.input: [*one.values]}
                    assert goes_away(site, finding, changed)
                    assert not goes_away(site, finding, rules)
    assert offered


POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - {name: one, image: a}
  - {name: three, image: "hunter2trout"}
"""


def offered(allow: str, deny: str = "!(container.name in inputs.names)") -> list[list[tuple[str, ...]]]:
    check = f"- each: containers\n  deny: {deny!r}\n  message: m\n  allow: {{{allow}}}\n"
    project = project_of(check, a=POD)
    site = Site(project, FILE, 0)
    return [[one.values for one in allowances(site, finding)] for finding in site.checked.findings]


def test_a_name_is_added_or_taken_out() -> None:
    assert offered("names: container.name") == [[("one", "two", "three")]]
    assert offered("names: container.name", "container.name in inputs.names") == [[("two",)]]


def test_several_names_are_a_choice() -> None:
    assert offered("names: '[container.name, container.name, \"other\"]'") == [[("one", "two", "three")]]


@pytest.mark.parametrize(
    "allow",
    [
        "count: container.name",  # nobody asks for that list
        "names: container.image",  # another name
        "names: size(container)",  # no name
        "names: container.nothing",  # no value
        "names: '\"\"'",
        "names: '[1, \"a\" + string(2)]'",
        "names: '\"three\\nfour\"'",
    ],
)
def test_what_changes_nothing_is_not_offered(allow: str) -> None:
    assert offered(allow) == [[]]


def test_what_looks_like_a_secret_is_no_name() -> None:
    token = "ghp_" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY2z4A"
    assert offered(f"names: \"['{token}', container.name]\"", "container.name == 'three'") == [[]]
    assert offered(
        f"names: \"['{token}']\"", f"!('{token}' in inputs.names) && container.name == 'three'"
    ) == [[]]


def test_a_finding_of_two_containers_needs_a_name_that_suits_both() -> None:
    check = (
        "- each: containers\n  deny: \"!(container.name in inputs.names) || container.name == 'one'\"\n"
        "  at: object.metadata.name\n  message: m\n  allow: {names: container.name}\n"
    )
    project = project_of(check, a=POD)
    site = Site(project, FILE, 0)
    assert [allowances(site, finding) for finding in site.checked.findings] == [[]]
