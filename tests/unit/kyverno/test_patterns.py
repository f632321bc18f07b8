"""Objects against patterns: what fails, what is skipped, and which field it is."""

from __future__ import annotations

from typing import Any

import pytest

from kscan_lsp import paths
from kscan_lsp.kyverno.budget import Budget, OverBudget
from kscan_lsp.kyverno.leaves import leaf_matches
from kscan_lsp.kyverno.overlay import mismatch_of
from kscan_lsp.kyverno.scalars import duration, wild_match


@pytest.mark.parametrize(
    ("value", "pattern", "matches"),
    [
        ("nginx:1.2", "nginx:*", True),
        ("nginx", "?*", True),
        ("", "?*", False),
        (None, "?*", False),
        (None, "*", False),
        ("abc", "a?c", True),
        ("ac", "a?c", False),
        ("nginx:latest", "!*:latest", False),
        ("nginx:1", "!*:latest", True),
        ("a", "b | a", True),
        ("ab", "a* & *b", True),
        ("ac", "a* & *b", False),
        ("nginx", "!a* & !b*", True),
        (5, ">3", True),
        (5, "> 3 & < 5", False),
        (None, ">0", False),
        (None, "<=2", True),
        ("512Mi", "<=1Gi", True),
        ("2Gi", "<=1Gi", False),
        ("1500m", ">1", True),
        ("1Gi", "1024Mi", True),
        ("90s", ">1m", True),
        ("90s", "<1m", False),
        (7, "1-10", True),
        (11, "1-10", False),
        ("5Mi", "1Mi-10Mi", True),
        (7, "1!-10", False),
        (11, "1!-10", True),
        (-9, "-10--8", True),
        ("a-b", "a-b", True),
        ("text", ">3", False),
        (True, True, True),
        ("true", True, False),
        (True, "true", True),
        (3, 3, True),
        ("3", 3, True),
        (3.0, 3, True),
        ("x", 3, False),
        (1.5, 1.5, True),
        (None, None, True),
        (False, None, True),
        ("", None, True),
        ("x", None, False),
        ({}, None, False),
        ({"a": 1}, {}, True),
        ([], {}, False),
        (1, [], False),
    ],
)
def test_a_value_against_a_scalar(value: Any, pattern: Any, matches: bool) -> None:
    assert leaf_matches(value, pattern) is matches


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1h30m", 5400 * 10**9),
        ("1.5s", 15 * 10**8),
        ("-2ms", -2 * 10**6),
        ("0", 0),
        ("1d", None),
        ("", None),
        ("-", None),
        ("1", None),
        ("1s ", None),
    ],
)
def test_durations_are_those_of_go(text: str, nanoseconds: int | None) -> None:
    assert duration(text) == nanoseconds


def test_wildcards_take_time_that_grows_with_the_text_alone() -> None:
    assert not wild_match("*a" * 200 + "b", "a" * 4_000)
    with pytest.raises(OverBudget):
        wild_match("*a" * 5_000 + "b", "a" * 5_000)


POD = {
    "metadata": {"name": "p", "labels": {"app.kubernetes.io/name": "p"}},
    "spec": {
        "hostNetwork": False,
        "containers": [
            {"name": "good", "image": "reg/a:1", "resources": {"limits": {"memory": "1Gi"}}},
            {"name": "bad", "image": "b:latest"},
            {"name": "worse", "image": "c:latest", "securityContext": {"privileged": True}},
        ],
        "volumes": [{"name": "v", "hostPath": {"path": "/"}}, {"name": "w", "emptyDir": {}}],
    },
}


@pytest.mark.parametrize(
    ("pattern", "places"),
    [
        ({"metadata": {"labels": {"app.kubernetes.io/name": "?*"}}}, None),
        ({"metadata": {"labels": {"team": "?*"}}}, ["metadata.labels.team"]),
        ({"metadata": {"labels": {"*.io/name": "?*"}}}, None),
        ({"metadata": {"labels": {"*.io/team": "?*"}}}, ['metadata.labels["*.io/team"]']),
        (
            {"spec": {"containers": [{"image": "!*:latest"}]}},
            ["spec.containers[1].image", "spec.containers[2].image"],
        ),
        (
            {"spec": {"containers": [{"resources": {"limits": {"memory": "?*"}}}]}},
            ["spec.containers[1].resources", "spec.containers[2].resources"],
        ),
        (
            {"spec": {"=(containers)": [{"=(securityContext)": {"=(privileged)": "false"}}]}},
            ["spec.containers[2].securityContext.privileged"],
        ),
        ({"spec": {"=(initContainers)": [{"image": "x"}]}}, None),
        ({"spec": {"X(hostNetwork)": None}}, ["spec.hostNetwork"]),
        ({"spec": {"X(hostPID)": None}}, None),
        ({"spec": {"volumes": [{"X(hostPath)": None}]}}, ["spec.volumes[0].hostPath"]),
        ({"spec": {"^(containers)": [{"image": "reg/*"}]}}, None),
        ({"spec": {"^(containers)": [{"image": "other/*"}]}}, ["spec.containers"]),
        ({"spec": {"^(containers)": [{"image": "other/*"}, {"image": "reg/*"}]}}, ["spec.containers"]),
        ({"spec": {"containers": [{"(name)": "bad", "image": "!*:latest"}]}}, ["spec.containers[1].image"]),
        ({"spec": {"containers": [{"(name)": "none", "image": "!*:latest"}]}}, "skip"),
        ({"spec": {"(hostNetwork)": True, "containers": [{"image": "x"}]}}, "skip"),
        ({"spec": {"(hostNetwork)": False, "hostPID": False}}, ["spec.hostPID"]),
        ({"spec": {"containers": [{"<(image)": "*:latest", "name": "x"}]}}, ["spec.containers[1].name",
                                                                           "spec.containers[2].name"]),
        ({"spec": {"nodeSelector": "*"}}, ["spec.nodeSelector"]),
        ({"spec": {"hostNetwork": "*"}}, None),
        ({"spec": {"containers": {}}}, ["spec.containers"]),
        ({"spec": []}, ["spec"]),
        ({"spec": {"containers": []}}, ["spec.containers"]),
        ({"spec": {"containers": ["x"]}}, ["spec.containers[0]", "spec.containers[1]", "spec.containers[2]"]),
        ({"spec": {"containers": [{"name": None}]}}, ["spec.containers[0].name", "spec.containers[1].name",
                                                     "spec.containers[2].name"]),
        ("x", [""]),
    ],
)  # fmt: skip
def test_the_deepest_field_that_fails_is_named(pattern: Any, places: list[str] | str | None) -> None:
    found = mismatch_of(POD, pattern, Budget())
    if places is None or found is None:
        assert found is places
    elif places == "skip":
        assert found.skips
    else:
        assert (found.skips, [paths.show(path) for path in found.paths]) == (False, places)


def test_a_pattern_that_compares_too_much_is_given_up() -> None:
    value: Any = "x"
    pattern: Any = "x"
    for _ in range(20):
        value, pattern = [value] * 2, [pattern, pattern]
    with pytest.raises(OverBudget):
        mismatch_of(value, pattern, Budget(steps=1_000))


def test_a_pattern_that_is_deep_is_given_up() -> None:
    value: Any = "x"
    for _ in range(200):
        value = {"a": value}
    with pytest.raises(OverBudget):
        mismatch_of(value, value, Budget())
