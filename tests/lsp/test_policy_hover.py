"""Hover in a ValidatingAdmissionPolicy: types and values of parts, for an object that it is about."""

from __future__ import annotations

import pytest
from lsprotocol import types
from support.controls import place_of
from support.positions import covered
from support.views import view_of

from kscan_lsp.lsp.features.policy_hover import policy_hover
from kscan_lsp.lsp.session.snapshot import OpenManifest

POLICY = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: replicas}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}
  variables:
  - name: most
    expression: "'5'"
  - name: high
    expression: object.spec.replicas > int(variables.most)
  validations:
  - expression: >-
      !variables.high &&
      object.spec.template.spec.containers.all(c, c.image.startsWith('shop/'))
    messageExpression: "'no more than ' + variables.most + ' é'"
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: replicas}
spec: {policyName: replicas, validationActions: [Deny]}
"""
SHOP = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 3
  template: {spec: {containers: [{name: a, image: shop/a}, {name: b, image: other/b}]}}
"""


@pytest.fixture
def said():
    def hover(mark, by=0, text=POLICY):
        view = view_of(text, "policy.yaml", others={"shop.yaml": SHOP})
        key = view.key.replace("policy", "shop")
        opened = [OpenManifest(key, key, "shop.yaml", view.project)]
        found = policy_hover(view, opened, place_of(text, mark, by))
        return found and (covered(text, found.range, "utf-16"), found.contents.value.split("\n"))

    return hover


MUTATING = """\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: hard}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}
  variables:
  - {name: many, expression: object.spec.replicas}
  mutations:
  - patchType: JSONPatch
    jsonPatch:
      expression: >-
        [JSONPatch{op: "replace", path: "/spec/replicas", value: variables.many + 2}]
"""


def test_a_part_of_a_mutation_has_a_value_too(said):
    covered_, (told, *more) = said("+ 2", 0, MUTATING)
    assert covered_ == "variables.many + 2"
    assert any("5" in line for line in [told, *more])
    assert said("JSONPatch{", 2, MUTATING) is None
    assert said("op:", 1, MUTATING) is None
    assert said("object.spec.replicas", 14, MUTATING) is not None


def test_a_part_has_a_type_a_value_and_what_made_it_false(said):
    of = "  Deployment 'shop', in shop.yaml"
    assert said("&&")[1][1:] == [
        "bool", "false", of,
        "  because of 'c.image.startsWith('shop/')' for c = entry 2",
    ]  # fmt: skip
    assert said("spec.replicas", 6) == ("object.spec.replicas", ["object.spec.replicas", "int", "3", of])
    assert said("c.image", 3)[1][1:4] == [
        "string",
        '"shop/a" (c: entry 1 of 2)',
        '"other/b" (c: entry 2 of 2)',
    ]


def test_variables_are_told_as_they_are_written(said):
    assert said("variables.high", 11)[1] == [
        "variables.high", "bool", "false", "  Deployment 'shop', in shop.yaml",
    ]  # fmt: skip
    assert said("variables.most + ", 12)[1][:3] == ["variables.most", "string", '"5"']


def test_elsewhere_nothing_is_said(said):
    assert said("replicas}") is None
    assert said("deployments") is None
    assert said("validations") is None


def test_what_is_typed_key_by_key_never_raises():
    view = view_of(POLICY, "policy.yaml", others={"shop.yaml": SHOP})
    start, end = POLICY.index("  validations"), POLICY.index("---")
    for at in range(start, end, 7):
        typed = view_of(POLICY[:at] + POLICY[end:], "policy.yaml", configuration=view.configuration)
        policy_hover(typed, [], types.Position(POLICY[:at].count("\n"), at - POLICY.rindex("\n", 0, at) - 1))
