"""What fixes are called: in menus, reports and diffs."""

from __future__ import annotations

from datetime import date

import pytest

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.fixes.draft import drafts
from kscan_lsp.policy import load as loading
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document

CONTROL = """\
id: T-0001
title: t
score: 5.0
description: d
remediation: r
checks:
- each: {each}
  deny: 'true'
  message: m
  fix: {{{fix}}}
"""
PODS = """\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: web}
  spec:
    containers:
    - {name: api, args: [--log, -v, "a  long\\nline, that goes on and on and on and on"], ports: [{containerPort: 80}]}
    - {name: mesh, ports: [{containerPort: 80}, {containerPort: 81}]}
    - {image: nameless}
    initContainers:
    - {name: wait}
    volumes:
    - {name: data}
    - {name: same}
    - {name: same}
"""


def titles(each: str, fix: str) -> list[str]:
    """The titles of a control's fixes in `PODS`, in the order of its findings."""
    loaded = loading.load([("t.yaml", read_document(CONTROL.format(each=each, fix=fix)))])
    assert loaded.problems == ()
    chosen, _ = choose(loaded, Settings.of({"frameworks": [], "controls": {"include": ["T-0001"]}}))
    return offered("pods.yaml", PODS, chosen)


def offered(name: str, text: str, chosen) -> list[str]:
    project = Project(Evaluator(chosen, Evidence(date(2026, 1, 1)))).with_file(name, text)
    found = drafts(project.files[name].parts[0], project.evaluator, project.index, lambda _: True)
    return [option.title for _, options in found for option in options]


def test_a_title_names_the_container():
    assert titles("containers", "set: {imagePullPolicy: Always}") == [
        "Set imagePullPolicy of container 'api' to Always",
        "Set imagePullPolicy of container 'mesh' to Always",
        "Set imagePullPolicy of containers[2] to Always",
        "Set imagePullPolicy of container 'wait' to Always",
    ]
    assert titles("containers", "set: {securityContext.privileged: false, tty: false}")[0] == (
        "Set securityContext.privileged of container 'api' to false and set tty of container 'api' to false"
    )


def test_a_title_shows_values_briefly():
    assert titles("pod", "set: {dnsConfig: {searches: [a, b], options: [], own: {x: 1, z: false}}}") == [
        "Set spec.dnsConfig to {searches: [a, b], options: [], own: {x: 1, z: false}}"
    ]


def test_a_title_names_the_elements_of_other_lists_by_merge_key_or_index():
    assert titles("pod.volumes[*]", "remove: [item]") == [
        "Remove volumes[name=data]",
        "Remove volumes[1]",
        "Remove volumes[2]",
    ]
    assert titles("containers.ports[*]", "set: {hostPort: 1}") == [
        "Set hostPort of ports[containerPort=80,protocol=TCP] of container 'api' to 1",
        "Set hostPort of ports[containerPort=80,protocol=TCP] of container 'mesh' to 1",
        "Set hostPort of ports[containerPort=81,protocol=TCP] of container 'mesh' to 1",
    ]


def test_a_title_names_a_removed_value_and_keeps_it_short():
    assert titles("containers.args[*]", "remove: [item]") == [
        "Remove '--log' from args of container 'api'",
        "Remove '-v' from args of container 'api'",
        "Remove 'a long line, that goes on and on and on\u2026' from args of container 'api'",
    ]
    assert titles("containers.args[*]", "set: {item: x}")[0] == "Set args[0] of container 'api' to x"


@pytest.mark.parametrize(("each", "title"), [("containers", "Do it (container 'api')"), ("pod", "Do it")])
def test_a_title_of_the_controls_own_gets_the_element_too(each: str, title: str):
    assert titles(each, "title: Do it, set: {tty: false}")[0] == title


def test_what_is_in_no_list_is_named_by_the_end_of_its_path():
    assert titles("pod", "set: {securityContext.seccompProfile.type: RuntimeDefault}") == [
        "Set seccompProfile.type to RuntimeDefault"
    ]


def test_an_element_of_a_list_in_a_list_is_named_by_both_indices():
    control = CONTROL.format(each="'object.spec.matrix[*][*]'", fix="set: {item: 2}")
    loaded = loading.load(
        [
            (
                "t.yaml",
                read_document(control.replace("- each", "- match: [{groups: ['*'], kinds: ['*']}]\n  each")),
            )
        ]
    )
    assert loaded.problems == ()
    chosen, _ = choose(loaded, Settings.of({"frameworks": [], "controls": {"include": ["T-0001"]}}))
    text = "apiVersion: v1\nkind: Shop\nmetadata: {name: a}\nspec: {matrix: [[1, 3]]}\n"
    assert offered("shop.yaml", text, chosen) == [
        "Set matrix[0][0] to 2",
        "Set matrix[0][1] to 2",
    ]
