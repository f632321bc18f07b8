"""What is said again of an object because it was said before, and what that is known by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from support.admitting import admitting_project, policy

from kscan_lsp.admission import judging, remembered
from kscan_lsp.admission.reads import ANY, ELEMENT, HERE, as_read, different, touches, tree_of
from kscan_lsp.engine.digests import digest_of

if TYPE_CHECKING:
    import pytest

    from kscan_lsp.workspace.project import Project

POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: a}}
spec:
  containers:
    - name: a
      image: shop/a:{image}
      securityContext:
        privileged: {privileged}
"""
ASKED = "object.spec.containers.all(c, !c.securityContext.privileged)"


def said(project: Project) -> list[tuple[str, str, str]]:
    (placed,) = project.files["pod.yaml"].documents
    text = placed.checked.document.text
    return [(f.printed_path, text[slice(*f.span)], f.message) for f in placed.checked.findings]


def test_what_is_taken_back_is_not_asked_about_again(monkeypatch: pytest.MonkeyPatch) -> None:
    remembered.forget()
    asked: list[object] = []
    places_of = judging.places_of
    monkeypatch.setattr(judging, "places_of", lambda *given: asked.append(given) or places_of(*given))
    project = admitting_project().with_file("policies.yaml", policy(ASKED, name="p"))

    def typed(privileged: str, image: str = "1") -> list[tuple[str, str, str]]:
        nonlocal project
        project = project.with_file("pod.yaml", POD.format(privileged=privileged, image=image))
        return said(project)

    first = [typed("false"), typed("true"), typed("false")]
    assert [len(found) for found in first] == [0, 1, 0]
    assert len(asked) == 1
    # what moved meanwhile is found where it stands now
    moved = typed("true", "a-longer-tag")
    assert (typed("false", "a-longer-tag"), len(asked)) == ([], 1)
    remembered.forget()
    assert typed("true", "a-longer-tag") == moved == first[1]
    assert len(asked) == 2


def test_a_truth_value_is_not_taken_for_a_text() -> None:
    remembered.forget()
    asked = policy("type(object.spec.containers[0].securityContext.privileged) == bool", name="p")
    project = admitting_project().with_file("policies.yaml", asked)
    found = []
    for privileged in ("true", "'true'", "true", "'true'", "1", "true"):
        project = project.with_file("pod.yaml", POD.format(privileged=privileged, image="1"))
        found.append(len(said(project)))
    assert found == [0, 1, 0, 1, 1, 0]


def test_what_is_filled_in_from_a_value_is_another_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    remembered.forget()
    pulled = policy("object.spec.containers.all(c, c.imagePullPolicy == 'IfNotPresent')", name="p")
    other = policy("object.spec.containers.all(c, has(c.livenessProbe))", name="q")
    project = admitting_project().with_file("policies.yaml", f"{pulled}\n---\n{other}")
    asked: list[str] = []
    read_policy = judging.read_policy
    monkeypatch.setattr(judging, "read_policy", lambda one: asked.append(one.id.name) or read_policy(one))
    found = []
    for image in ("1", "2", "latest", "1"):
        asked.clear()
        project = project.with_file("pod.yaml", POD.format(privileged="false", image=image))
        found.append((len(said(project)), *asked))
    assert found == [(1, "p", "q"), (1, "p"), (2, "p"), (1, "p")]


def test_what_is_remembered_has_a_bound() -> None:
    remembered.forget()
    project = admitting_project().with_file("policies.yaml", policy("object.metadata.name == 'b'", name="p"))
    for number in range(3 * remembered.MAX_READ):
        text = POD.format(privileged=str(number), image="1").replace("shop/a", f"shop/{number}")
        project = project.with_file("pod.yaml", text)
    project = project.with_file("policies.yaml", policy(ASKED, name="p"))
    for number in range(3 * remembered.MAX_READ):
        project = project.with_file("pod.yaml", POD.format(privileged=str(number), image="1"))
    kept = [len(known) for last in remembered._LAST.values() for known in last.read.values()]
    assert max(kept) == remembered.MAX_READ


KEYS = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 1.0, "", "a", "1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS, inner, max_size=3).map(lambda made: dict(sorted(made.items())))
    ),
    max_leaves=12,
)
WAYS = st.tuples(
    st.lists(st.sampled_from(["a", "b", ANY, ELEMENT]), max_size=4), st.sampled_from([(), (HERE,)])
).map(lambda parts: (*parts[0], *parts[1]))


@given(VALUES, VALUES, st.lists(WAYS, min_size=1, max_size=4))
def test_what_is_read_is_the_same_where_nothing_differs_that_is(
    one: Any, other: Any, ways: list[Any]
) -> None:
    tree = tree_of(ways)
    is_seen = any(touches(place, tree) for place in different(one, other))
    assert (digest_of(as_read(one, tree)) == digest_of(as_read(other, tree))) is not is_seen
