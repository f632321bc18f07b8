"""Parameters of a Template: which are put into its objects, and what controls are told of the others."""

from __future__ import annotations

from typing import Any

import pytest

from kscan_lsp.kubernetes.parameters import USED_AS, USED_IN_SECRETS, parameters_of, with_parameters


def template(parameters: Any, *objects: Any) -> dict[str, Any]:
    return {"kind": "Template", "parameters": parameters, "objects": [*objects]}


def test_a_value_that_is_a_credential_stays_where_it_is_written() -> None:
    env = [{"name": "DATABASE_URL", "value": "postgres://app:${DB_PASSWORD}@db/${NAME}"}]
    made = template(
        [{"name": "DB_PASSWORD", "value": "hunter2xyz"}, {"name": "NAME", "value": "shop"}], {"env": env}
    )
    (one,) = with_parameters(made["objects"], parameters_of(made).values)
    assert one == {"env": [{"name": "DATABASE_URL", "value": "postgres://app:${DB_PASSWORD}@db/shop"}]}


@pytest.mark.parametrize(
    ("used", "name"),
    [
        ({"env": [{"name": "MYSQL_PASSWORD", "value": "${X}"}]}, "MYSQL_PASSWORD"),
        ({"kind": "ConfigMap", "data": {"password": "${X}"}}, "password"),
        ({"args": ["--password=${X}"]}, "--password"),
        ({"args": ["--password", "${X}"]}, "--password"),
        ({"spec": [{"deep": {"env": [{"name": "PGPASSWORD", "value": "${X}"}]}}]}, "PGPASSWORD"),
    ],
)
def test_a_parameter_is_known_by_what_it_is_used_as(used: dict[str, Any], name: str) -> None:
    harmless = {"env": [{"name": "GREETING", "value": "${X}"}]}
    parameters = parameters_of(template([{"name": "X", "value": "hunter2xyz"}], harmless, used))
    assert parameters.values == {}
    assert parameters.listed[0][USED_AS] == [name, "GREETING"]
    assert parameters.listed[0][USED_IN_SECRETS] == []


def test_in_a_secret_everything_is_one_that_can_be() -> None:
    secret = {"kind": "Secret", "stringData": {"user": "${USER}", "insecure": "${FLAG}"}}
    listed = [{"name": "USER", "value": "shop"}, {"name": "FLAG", "value": "true"}]
    parameters = parameters_of(template(listed, secret))
    assert parameters.values == {"FLAG": "true"}
    assert [one[USED_IN_SECRETS] for one in parameters.listed] == [["user"], ["insecure"]]


def test_parts_of_a_text_and_other_fields_are_no_names() -> None:
    used = {"secretName": "${X}", "env": [{"name": "DB_PASSWORD", "value": "a ${X}"}], "args": ["${X}"]}
    parameters = parameters_of(template([{"name": "X", "value": "hunter2xyz"}], used))
    assert parameters.values == {"X": "hunter2xyz"}
    assert parameters.listed[0][USED_AS] == []


@pytest.mark.parametrize(
    "parameters",
    [None, 1, "a", {}, [1, None, "a", []], [{"name": 1, "value": "x"}], [{"value": "x"}], [{"name": "X", "value": 1}],
     [{"name": "X", "value": "hunter2"}, {"name": "X"}]],
)  # fmt: skip
def test_anything_may_stand_there(parameters: Any) -> None:
    env: dict[str, Any] = {"name": 1, "value": "${X}"}
    env["self"] = env
    made = template(parameters, {"env": [env], "data": [1], "args": [1, "--a", None, "${X}"]})
    assert isinstance(parameters_of(made).listed, list)
