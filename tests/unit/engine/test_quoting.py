"""What messages show of what they quote."""

from __future__ import annotations

import pytest

from kscan_lsp.engine.quoting import quoting
from kscan_lsp.policy import load as loading
from kscan_lsp.workspace.policies import builtin_policies
from kscan_lsp.yaml.document import read_document

CONTROL = """\
id: T-9001
title: t
score: 3.0
description: d
remediation: r
checks:
- match: [{{groups: ['*'], kinds: ['*']}}]
  each: {each}
  deny: "{deny}"
  message: "{message}"
"""


def shown(each: str, placeholder: str, text: str, *, deny: str = "true", key: str = "") -> str:
    source = CONTROL.format(each=each, deny=deny, message="{" + placeholder + "}")
    loaded = loading.load([("t.yaml", read_document(source))], builtin_policies())
    assert loaded.problems == ()
    made = quoting(loaded.controls["T-9001"].checks[0])
    return made[0]({"key": key}, text) if made else text


@pytest.mark.parametrize(
    ("each", "placeholder"),
    [
        ("data[*]", "item"),
        ("stringData[*]", "'a' + item"),
        ("resource", "object.stringData.password"),
        ("resource", "object.?data.orValue('')"),
        ("resource", "object.spec.containers.map(c, c.env)"),
        ("metadata.annotations[*]", "item"),
    ],
)
def test_what_may_be_a_secret_is_never_shown(each: str, placeholder: str) -> None:
    assert shown(each, placeholder, "hunter2") == "********"
    assert shown(each, placeholder, "true") == "true"


@pytest.mark.parametrize(
    ("each", "placeholder"),
    [
        ("data[*]", "key"),
        ("resource", "object.metadata.name"),
        ("resource", "object.?metadata.?namespace.orValue('default')"),
        ("spec.tls[*]", "item"),
        ("resource", "object.spec.containers[0].env.size()"),
        ("spec.rules[*]", "item.host"),
        ("data[*]", "credential(key, item, [''], [''])"),
    ],
)
def test_a_name_and_words_of_ours_are_shown(each: str, placeholder: str) -> None:
    assert shown(each, placeholder, "a password") == "a password"


def test_logins_are_masked_whatever_they_come_from() -> None:
    assert shown("resource", "object.spec.image", "me:hunter2@quay.io/x") == "********@quay.io/x"
    assert shown("resource", "object.spec", "{image: x}") == "********"


def test_an_annotation_is_shown_where_its_name_is_known_and_harmless() -> None:
    def annotation(key: str, text: str) -> str:
        return shown("metadata.annotations[*]", "item", text, deny="key != ''", key=key)

    assert annotation("example.com/policy", "TLS-1-0") == "TLS-1-0"
    assert annotation("example.com/db-password", "hunter2") == "********"
    assert annotation("example.com/copy", "x" * 101) == "********"
