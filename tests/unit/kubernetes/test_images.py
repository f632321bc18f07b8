"""Lists of registries and repositories: which images they have, and entries that can have none."""

from __future__ import annotations

import itertools

import pytest

from kscan_lsp.kubernetes.images import entry_error, listed

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app"


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("quay.io/team/app", "quay.io"),
        ("quay.io/team/app", "quay.io/"),
        ("quay.io/team/app", "quay.io/team/"),
        ("quay.io/team/app", "quay.io/team/app"),
        ("quay.io/team/app:1@sha256:0", "quay.io/team/app"),
        ("quay.io:5000/team/app", "quay.io"),
        ("docker.io/library/nginx", "nginx"),
        ("docker.io/team/app", "team/app"),
        ("docker.io/team/app", "team/"),
        (ECR, "*.dkr.ecr.*.amazonaws.com"),
        (ECR, "*.dkr.ecr.eu-*.amazonaws.com"),
        (ECR, "*.dkr.ecr.*-west-*.amazonaws.com/"),
        (ECR, "*.dkr.ecr.*.amazonaws.com/app"),
        ("a.example:5000/team/app", "*.example"),
        ("a.example:5000/team/app", "*.example:5000"),
        ("a.example/team/app", "*.example/*/app"),
        ("a.example/team/app:1", "*.example/team/app"),
        ("a.example/team/app", "*.example/*"),
        ("a.example/team/app", "*.example/**"),
        ("quay.io/my.team/app", "quay.io/*/app"),
        ("quay.io/one-two-one/app", "quay.io/one*two*one"),
    ],
)
def test_an_image_is_listed(name: str, entry: str) -> None:
    assert listed(name, ["other.example", entry])
    assert entry_error(entry) == ""


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("quay.io.example/team/app", "quay.io"),
        ("quay.io/team-two/app", "quay.io/team"),
        ("quay.io", "quay.io/"),
        ("docker.io/team/nginx", "nginx"),
        ("quay.io/team/app", "team/app"),
        ("evil.test/a.example/app", "*.example"),
        ("a.b.example/app", "*.example"),
        ("example/app", "*.example"),
        (".example/app", "*.example"),
        ("a.notexample/app", "*.example"),
        ("a.example.evil.test/app", "*.example"),
        ("a.example:5001/app", "*.example:5000"),
        ("a.example/app", "*.example:5000"),
        ("a.example/team", "*.example/*/"),
        ("a.example/team/other", "*.example/team/app"),
        ("a.example", "*.example/*"),
        ("quay.io/onetwo/app", "quay.io/one*two*one"),
        ("quay.io/ab/app", "quay.io/ab*b"),
        ("quay.io/app", ""),
    ],
)
def test_an_image_is_not_listed(name: str, entry: str) -> None:
    assert not listed(name, [entry])


@pytest.mark.parametrize("entry", ["a.b", "a.b/", "a.b:5", "a.b/c", "a.b/c/", "a.b/c@", "c", "c/", "/", ":"])
def test_an_entry_without_a_star_is_the_start_of_a_name_up_to_the_end_of_a_part(entry: str) -> None:
    full = f"docker.io/{'' if '/' in entry else 'library/'}{entry}" if entry[0] in "c/" else entry
    parts = ["", "a.b", "docker.io", "library", "/", "//", ":", ":5", "@", "c", "cc"]
    for name in ["".join(three) for three in itertools.product(parts, repeat=3)]:
        begins = any(
            name.startswith(one) and (one.endswith("/") or name[len(one) : len(one) + 1] in ("", *"/:@"))
            for one in (entry, full)
        )
        assert listed(name, ["other.example", entry]) is begins, name


def test_a_long_entry_takes_no_longer_than_its_length() -> None:
    assert not listed(f"quay.io/{'a' * 50_000}b", [f"quay.io/{'a*' * 25_000}c"])
    assert not listed("/" * 1_000_000, ["quay.io/team"])


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("https://quay.io/team", "has no 'https://'; write 'quay.io/team'"),
        ("http://", "has no 'http://'; write 'quay.io'"),
        ("", "an empty entry matches no image"),
        (" ", "an empty entry matches no image"),
        ("quay.io ", "because of the space; write 'quay.io'"),
        ("^quay.io", "no regular expression"),
        (r"quay\.io", "no regular expression"),
        ("quay.io/(a|b)", "no regular expression"),
        ("quay.io/.*", "no regular expression"),
        ("quay.io/[a-z]+", "no regular expression"),
        (".*quay.io", "no regular expression"),
        ("quay.io$", "no regular expression"),
        ("quay..io", "no regular expression"),
        (".example.com", "no regular expression"),
    ],
)
def test_an_entry_that_can_match_nothing_is_told(entry: str, told: str) -> None:
    assert told in entry_error(entry)
    assert not listed("quay.io/team/app", [entry])


def test_an_address_and_a_port_are_no_regular_expression() -> None:
    assert entry_error("[fd00::1]:5000/team") == ""
    assert listed("[fd00::1]:5000/team/app", ["[fd00::1]:5000/team"])
