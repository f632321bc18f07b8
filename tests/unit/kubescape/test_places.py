"""Where alerts point."""

from __future__ import annotations

from typing import Any

import pytest

from kscan_lsp.kubescape.places import path_of, places_of
from kscan_lsp.policy.rego import RegoAlert

DATA: dict[str, Any] = {
    "metadata": {"name": "a", "labels": {"a.b/c": "x"}},
    "spec": {"containers": [{"name": "one", "image": "x"}], "empty": None, "text": "x"},
}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("spec.containers[0].image", ("spec", "containers", 0, "image")),
        (
            "spec.containers[0].securityContext.privileged",
            ("spec", "containers", 0, "securityContext", "privileged"),
        ),
        ("spec.empty.x[0]", ("spec", "empty", "x", 0)),
        ("metadata.labels.a.b/c", ("metadata", "labels", "a.b/c")),
        ("metadata.labels['a.b/c']", ("metadata", "labels", "a.b/c")),
        ('metadata.annotations["x.y"]', ("metadata", "annotations", "x.y")),
        ("metadata.labels[a.b/c]", ("metadata", "labels", "a.b/c")),
        (" spec.text ", ("spec", "text")),
        ("spec.containers[1].image", None),
        ("spec.containers.image", None),
        ("spec.text.more", None),
        ("data.cmdLine", None),
        (".spec", None),
        ("spec..text", None),
        ("spec.[", None),
        ("a pod", None),
        ("", None),
        ("spec" + ".a" * 100, None),
    ],
)
def test_a_path_as_rules_write_it(text: str, path: tuple[str | int, ...] | None) -> None:
    assert path_of(text, DATA) == path


def test_what_has_to_be_set_may_be_missing_at_the_top() -> None:
    assert path_of("data.a", DATA, fix=True) == ("data", "a")


@pytest.mark.parametrize(
    ("failed", "fixes", "places"),
    [
        (("spec.text", "spec.text", "nowhere.at.all"), (("spec.a", "1"),), [(("spec", "text"), "")]),
        ((), (("spec.a", "1"),), [(("spec", "a"), "1")]),
        (("no path",), (), [(("metadata", "name"), "")]),
        ((), (), [(("metadata", "name"), "")]),
    ],
)
def test_what_an_alert_marks(
    failed: tuple[str, ...], fixes: tuple[tuple[str, str], ...], places: list[tuple[tuple[str, ...], str]]
) -> None:
    assert [*places_of(RegoAlert("m", failed, fixes, ()), DATA)] == places


def test_where_an_alert_tells_objects_apart_each_has_its_own_paths() -> None:
    alert = RegoAlert("m", ("spec.text",), (("spec.a", "1"),), ())
    assert [*places_of(alert, DATA, ("metadata.name",))] == [(("metadata", "name"), "")]
    assert [*places_of(alert, DATA, ())] == [(("metadata", "name"), "")]
