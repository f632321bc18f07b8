"""Values of the wrong type: how many are told. Which are found is tested with the controls."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import kscan_lsp
from kscan_lsp.kubernetes import schema
from kscan_lsp.kubernetes.pod_templates import PLACES, fields_of
from kscan_lsp.kubernetes.type_errors import MAX_TYPE_ERRORS, READ_INSIDE, type_errors


@pytest.mark.parametrize("item", [None, 1, {"name": 1}])
def test_of_many_type_errors_few_are_reported(item: object) -> None:
    found = type_errors(fields_of("", "Pod", PLACES["", "Pod"]), {"spec": {"containers": [item] * 500}})
    assert len(found) == MAX_TYPE_ERRORS


def test_the_fields_that_are_read_unseen_are_all_listed() -> None:
    names: set[str] = set()
    waiting: list[object] = [fields_of(*kind, places) for kind, places in PLACES.items()]
    waiting += [fields for _, fields in schema._KINDS.values()]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            names |= here.keys()
            waiting += here.values()
        elif isinstance(here, list | tuple):
            waiting += here
    package = Path(kscan_lsp.__file__).parent
    readers = (
        "selectors",
        "labels",
        "network_policies",
        "node_paths",
        "calico",
        "rbac",
        "builtin_roles",
        "runtime_labels",
        "resources",
    )
    modules = [
        *(package / "graph").glob("*.py"),
        *(package / "kubernetes" / f"{name}.py" for name in readers),
    ]
    used = {
        node.value
        for module in modules
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert names & used <= READ_INSIDE


def test_a_fault_names_the_field_that_kubernetes_has_there() -> None:
    data = {"metadata": {"labels": {"a": 1}}, "spec": {"containers": [{"command": ["a", 5]}, None]}}
    found = type_errors(fields_of("", "Pod", ()), data)
    assert [(fault.path, fault.field) for fault in found] == [
        (("metadata", "labels", "a"), "labels"),
        (("spec", "containers", 0, "command", 1), "command"),
        (("spec", "containers", 1), "containers"),
    ]
