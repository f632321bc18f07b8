"""Which conditions of a control its tests need."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from kscan_lsp.cli.test import junit, render, run

if TYPE_CHECKING:
    from pathlib import Path

CONTROL = """\
id: ORG-0001
title: A title & more
severity: low
description: a
remediation: b
checks:
  - match: [{groups: [""], kinds: [Service]}]
    when: object.?spec.?type.orValue('') != 'ExternalName'
    deny: >-
      !has(object.metadata.labels) ||
      ['owner', 'team'].all(name, !(name in object.metadata.labels) || name == 'other')
    at: metadata
    message: it has no owner
tests:
  - name: no label
    manifest: |
      apiVersion: v1
      kind: Service
      metadata: {name: a}
      # <^^^^^^^^^^^^^^^^^^^ ORG-0001
  - name: an owner
    manifest: |
      apiVersion: v1
      kind: Service
      metadata: {name: a, labels: {owner: b}}
"""


def untried(folder: Path, text: str) -> list[str]:
    (folder / "control.yaml").write_text(text)
    lines = render(run([str(folder / "control.yaml")], coverage=True)).splitlines()
    return [line.partition("notices if this is taken ")[2] for line in lines if "notices" in line] or lines[
        -1:
    ]


def test_a_condition_that_no_test_needs_is_named_with_its_value(tmp_path: Path) -> None:
    assert untried(tmp_path, CONTROL) == [
        "for true: object.?spec.?type.orValue('') != 'ExternalName'",
        "for true: name in object.metadata.labels",
        "for false: name == 'other'",
    ]


def test_tests_that_need_all_of_it_say_so(tmp_path: Path) -> None:
    more = """\
  - name: a name outside, and labels of others
    manifest: |
      apiVersion: v1
      kind: Service
      metadata: {name: a}
      spec: {type: ExternalName}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: a, labels: {other: b}}
      # <^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ ORG-0001
"""
    simpler = CONTROL.replace(" || name == 'other'", "")
    assert untried(tmp_path, simpler + more) == ["6 of 6 outcomes of conditions are needed by a test"]


def test_junit_has_tests_failures_and_what_is_wrong_with_files(tmp_path: Path) -> None:
    failing = CONTROL.replace("name: an owner", "name: <no> owner\\x").replace("{owner: b}", "{owned: b}")
    (tmp_path / "control.yaml").write_text(failing)
    (tmp_path / "wrong.yaml").write_text("id: ORG-0002\ntitle: a\n")
    ran = run([str(tmp_path)], coverage=True)
    suites = ET.fromstring(junit(ran))  # noqa: S314 - we made it
    first, wrong = suites
    assert (first.get("name"), first.get("tests"), first.get("failures")) == (
        "ORG-0001 A title & more",
        "2",
        "1",
    )
    failed = first.find("testcase/failure")
    assert failed is not None
    assert "unexpected" in (failed.text or "")
    assert wrong.get("errors") == str(len(ran.problems))
    assert ran.status == 2


@pytest.mark.parametrize("control", ["C-0057", "C-0002"])
def test_conditions_of_built_in_controls_are_found(control: str) -> None:
    mutations = run([], [control], coverage=True).mutations
    assert mutations[control].tried >= 4
