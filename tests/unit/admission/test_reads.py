"""What expressions of policies read: what else is typed in an object changes nothing that they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kscan_lsp.admission.reading import policy_of
from kscan_lsp.admission.reads import HERE, different, touches, tree_of_policy

if TYPE_CHECKING:
    from kscan_lsp.paths import Path

CONTAINER: Path = ("spec", "template", "spec", "containers", 0)
POD = "object.kind == 'Pod' ? object.spec : object.spec.template.spec"


def read(*expressions: str, place: Path) -> bool:
    """Whether the last of some expressions, of which the others are variables `a`, `b` ..., reads a place."""
    variables = [{"name": "ab"[n], "expression": one} for n, one in enumerate(expressions[:-1])]
    spec = {"variables": variables, "validations": [{"expression": expressions[-1]}]}
    return touches(place, tree_of_policy(policy_of("p", {"spec": spec})))


@pytest.mark.parametrize(
    ("expression", "fields", "expected"),
    [
        ("object.spec.template.spec.containers.all(c, c.image != '')", ("image",), True),
        ("object.spec.template.spec.containers.all(c, c.image != '')", ("env", 0, "value"), False),
        ("object.spec.template.spec.containers.all(c, has(c.resources.limits))", ("resources", "limits", "cpu"), False),
        ("object.spec.template.spec.containers.all(c, has(c.resources.limits))", ("resources", "limits"), True),
        ("object.spec.template.spec.containers.exists(c, c == params.data)", ("env", 0, "value"), True),
        ("object.spec.template.spec.containers.filter(c, has(c.env)).size() == 0", ("env", 0, "value"), False),
        ("object.spec.template.spec.containers.map(c, c.image).exists(i, i == '')", ("image",), True),
        ("object.spec.template.spec.containers.map(c, c.env).all(e, e[0].name == '')", ("env", 0, "name"), True),
        ("object.spec.template.spec.containers[0].name == ''", ("name",), True),
        ("object.spec.template.spec.containers[0].name == ''", ("image",), False),
        ("object.spec.template.spec['containers'][0].name == ''", ("image",), False),
        ("object.spec.template.spec.containers[int(params.n)].name == ''", ("image",), True),
        ("object.spec.template.spec.containers.all(object, object.name != '')", ("image",), False),
        ("(object.spec.template.spec.containers + [{}]).all(c, !has(c.env))", ("image",), False),
        ("object.spec.template.spec.?containers.orValue([]).all(c, !has(c.env))", ("image",), False),
        ("object.spec.template.spec.?containers.orValue([]).all(c, c.?env.orValue(1) == 1)", ("env", 0, "name"), True),
        ("object == oldObject", ("image",), True),
        ("size(object.spec.template.spec.containers) < 3", ("image",), False),
        ("object.spec.template.spec.containers.all(i, c, c.image != '')", ("image",), True),
        ("not an expression (", ("image",), True),
    ],
)  # fmt: skip
def test_what_an_expression_reads_of_containers(expression: str, fields: Path, expected: bool) -> None:
    assert read(expression, place=(*CONTAINER, *fields)) is expected


def test_a_variable_is_followed_to_what_it_may_be() -> None:
    checked = f"({POD}).containers", "variables.a.all(c, has(c.image))"
    assert read(*checked, place=(*CONTAINER, "image"))
    assert read(*checked, place=("spec", "containers", 0, "image"))
    assert read(*checked, place=("kind",))
    assert not read(*checked, place=(*CONTAINER, "name"))
    assert read(POD, "variables.a.containers", "variables.b == []", place=(*CONTAINER, "name"))


def test_a_list_that_grows_is_read_by_who_goes_through_it() -> None:
    assert read("size(object.spec.template.spec.containers) < 3", place=CONTAINER[:-1])
    assert read("object.spec.template.spec.containers.all(c, true)", place=CONTAINER[:-1])
    assert not read(
        "object.spec.template.spec.containers.all(c, true)", place=("spec", "template", "spec", "volumes")
    )


def test_the_keys_of_a_map_are_read_by_who_goes_through_it() -> None:
    labels: Path = ("metadata", "labels")
    keys = "object.metadata.labels.all(k, k != '')"
    assert read(keys, place=(*labels, "tier"))
    assert read("size(object.metadata.labels) < 3", place=(*labels, "tier"))
    assert read(
        "object.metadata.labels.all(k, object.metadata.labels[k] != '')", place=(*labels, "tier", HERE)
    )
    assert not read(keys, place=("metadata", "annotations", "tier"))


def test_another_value_is_not_seen_by_who_asks_whether_there_is_one() -> None:
    asked = "has(object.spec.replicas)"
    assert [*different({"a": 1}, {"a": 2})] == [("a", HERE)]
    assert [*different({"a": 1}, {"a": "1"})] == [("a",)]
    assert not read(asked, place=("spec", "replicas", HERE))
    assert read(asked, place=("spec", "replicas"))
    assert read("object.spec.replicas > 1", place=("spec", "replicas", HERE))
