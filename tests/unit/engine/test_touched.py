"""Which checks one value touches, by what they depend on."""

from __future__ import annotations

from operator import itemgetter

import pytest

from kscan_lsp import paths
from kscan_lsp.engine.plan import Group, Plan, Round
from kscan_lsp.engine.touched import touched
from kscan_lsp.policy.targets import Each

ANCHORS = {"object": (), "podTemplate": ("spec", "template"), "pod": ("spec", "template", "spec")}
IMAGE = "spec.template.spec.containers[0].image"


def is_touched(name: str, field: str | None, path: str, anchors=ANCHORS) -> bool:
    group = Group((), (1,), itemgetter(0, 1), True)
    round_ = Round(Each("object", ()), (group,), {}, {}, 0)
    plan = Plan((round_,), ((name, field),), (), frozenset(), frozenset(), {}, 1)
    return touched(plan, paths.parse(path), anchors) == {0}


@pytest.mark.parametrize(
    ("name", "field", "path", "expected"),
    [
        ("object", "spec", IMAGE, True),
        ("object", "metadata", IMAGE, False),
        ("object", None, IMAGE, True),
        ("podTemplate", "metadata", "spec.template.metadata.labels.app", True),
        ("podTemplate", "metadata", IMAGE, False),
        ("pod", "containers", IMAGE, True),
        ("pod", "hostPID", IMAGE, False),
        ("pod", "hostPID", "spec.template.spec.hostPID", True),
        ("pod", "hostPID", "metadata.name", False),
        ("container", "image", IMAGE, True),
        ("container", "env", IMAGE, False),
        ("container", None, IMAGE, True),
        ("container", "image", "spec.template.spec.hostPID", False),
        ("effective", "runAsUser", "spec.template.spec.securityContext.fsGroup", True),
        ("effective", "runAsUser", "spec.template.spec.containers[0].securityContext.privileged", True),
        ("effective", "runAsUser", IMAGE, False),
        ("role", None, "spec.template.spec.initContainers[0].restartPolicy", True),
        ("role", None, IMAGE, False),
        ("inputs", None, IMAGE, False),
        ("relations", "services", IMAGE, False),
        # told of the images of a pod
        ("evidence", "images", IMAGE, True),
        # a variable that came after this was written
        ("somethingNew", "field", "metadata.name", True),
    ],
)
def test_a_value_touches_what_reads_it(name: str, field: str | None, path: str, expected: bool) -> None:
    assert is_touched(name, field, path) == expected


def test_what_is_said_of_no_pod_is_not_taken_over_by_mistake() -> None:
    assert is_touched("pod", "hostPID", "rules[0]", {"object": ()})
    assert not is_touched("container", "image", "rules[0]", {"object": ()})
