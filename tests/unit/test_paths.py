"""Paths print and parse exactly, and name list elements as Kubernetes does."""

from __future__ import annotations

import pytest

from kscan_lsp import paths
from kscan_lsp.paths import EACH, merge_key, parse, parse_pattern, show, stable


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("spec", "containers", 0, "image"), "spec.containers[0].image"),
        (("metadata", "annotations", "a.b/c"), 'metadata.annotations["a.b/c"]'),
        (("a.b", "c"), '["a.b"].c'),
        ((0, "a"), "[0].a"),
        (("a", 'q"uote'), 'a["q\\"uote"]'),
        (("a", ""), 'a[""]'),
        (("a", EACH, "b"), "a[*].b"),
    ],
)
def test_notation(path: tuple[str | int, ...], text: str):
    assert show(path) == text
    assert parse_pattern(text) == path


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("a..b", 3, "cannot stand here"),
        ("a.", 3, "a key is missing"),
        (".a", 1, "cannot stand here"),
        ("a[", 3, "in brackets"),
        ("a[01]", 3, "in brackets"),
        ("a[-1]", 3, "in brackets"),
        ('a["b"', 6, "']' is missing"),
        ('a["b', 3, "does not end"),
        ("a[0]b", 5, "'.' or '['"),
        ("a b", 2, "'.' or '['"),
    ],
)
def test_faults_say_what_and_where(text: str, column: int, reason: str):
    with pytest.raises(ValueError, match=f"column {column} of") as caught:
        parse(text)
    assert reason in str(caught.value)


def test_a_path_has_no_star():
    with pytest.raises(ValueError, match="many elements"):
        parse("a[*].b")


POD = {
    "spec": {
        "containers": [
            {"name": "db"},
            {
                "name": "api",
                "ports": [
                    {"containerPort": 80, "name": "web"},
                    {"containerPort": 80, "protocol": "UDP"},
                    {"containerPort": 90},
                    {"containerPort": 90, "protocol": "TCP"},
                ],
                "volumeMounts": [{"name": "data", "mountPath": "/var/my data"}],
                "args": ["-v"],
            },
            {"name": "api2"},
            {"name": "api2"},
            None,
        ],
    },
    "subjects": [{"kind": "User", "name": "a"}, {"kind": "Group", "name": "a", "namespace": "n"}],
}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("spec.containers[1].image", "spec.containers[name=api].image"),
        (
            "spec.containers[1].ports[0].hostPort",
            "spec.containers[name=api].ports[containerPort=80,protocol=TCP].hostPort",
        ),
        ("spec.containers[1].ports[1]", "spec.containers[name=api].ports[containerPort=80,protocol=UDP]"),
        ("spec.containers[1].ports[2]", "spec.containers[name=api].ports[2]"),
        (
            "spec.containers[1].volumeMounts[0]",
            'spec.containers[name=api].volumeMounts[mountPath="/var/my data"]',
        ),
        ("spec.containers[1].args[0]", "spec.containers[name=api].args[0]"),
        ("spec.containers[2].image", "spec.containers[2].image"),
        ("spec.containers[4].image", "spec.containers[4].image"),
        ("spec.containers[9].x[3]", "spec.containers[9].x[3]"),
        ("subjects[0].name", "subjects[kind=User,name=a].name"),
        ("subjects[1]", "subjects[kind=Group,name=a,namespace=n]"),
        ('spec["a.b"].c', 'spec["a.b"].c'),
        ("missing[0].a.b", "missing[0].a.b"),
    ],
)
def test_stable_paths(path: str, text: str):
    assert stable(parse(path), POD) == text


def test_merge_key_refuses_odd_values():
    assert merge_key("containers", [{"name": True}], 0) is None
    assert merge_key("containers", [{"name": ""}], 0) is None
    assert merge_key("containers", [{"name": ["a"]}], 0) is None
    assert merge_key("containers", [], 0) is None
    assert merge_key("ports", [{"port": 80}], 0) == (("port", 80), ("protocol", "TCP"))


def test_the_elements_of_a_long_list_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    identity = paths._identity

    def counting(item: object, keys: tuple[str, ...]) -> tuple[str | int, ...] | None:
        nonlocal asked
        asked += 1
        return identity(item, keys)

    monkeypatch.setattr(paths, "_identity", counting)
    items = [{"name": f"a{number // 2 if number < 4 else number}"} for number in range(200)]
    named = [merge_key("containers", items, number) for number in range(200)]
    assert named == [None] * 4 + [(("name", f"a{number}"),) for number in range(4, 200)]
    assert asked < 3 * len(items)
    assert merge_key("containers", [*items, {"name": "a9"}], 9) is None


def test_long_lists_that_are_remembered_are_few() -> None:
    for number in range(2 * paths.MAX_COUNTED):
        merge_key("containers", [{"name": f"a{n}"} for n in range(100 + number)], 0)
    assert len(paths._COUNTED) <= paths.MAX_COUNTED


def test_paths_that_are_remembered_are_few_and_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "MAX_KNOWN", 2)
    paths._KNOWN.clear()
    items = [{"name": f"a{number}"} for number in range(5)]
    for _ in range(2):
        shown = [show(("items", number, "x")) for number in range(5)]
        assert shown == [f"items[{number}].x" for number in range(5)]
        named = [stable(("items", number, "x"), {"items": items}) for number in range(5)]
        assert named == [f"items[name=a{number}].x" for number in range(5)]
        assert len(paths._KNOWN) <= 2
    long = "k" * 10_000
    assert show((long, 0)) == f"{long}[0]"
    assert (long, 0) not in paths._KNOWN
