"""Overlays judged again after edits are what a fresh project says of them, and so is what stands around them."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.objects import TEXTS, empty_project, results

from kscan_lsp.render.kustomize.building import Built
from kscan_lsp.workspace.overlays import OverlayBuild, judge_overlays, with_overlays

OVERLAYS = st.sampled_from(["dev/kustomization.yaml", "prod/kustomization.yaml"])
FILES = st.sampled_from(["a.yaml", "base/web.yaml", "z.yaml"])


def overlay(path: str, text: str) -> OverlayBuild:
    """What is built without anything known of its places; both overlays are built from one file of a base."""
    return OverlayBuild(path, Built(text), {path: "", "base/web.yaml": ""}, str, path)


EDITS = st.lists(
    st.tuples(
        st.one_of(
            st.tuples(st.just("built"), OVERLAYS, TEXTS),
            st.tuples(st.just("text"), FILES, TEXTS),
            st.tuples(st.just("gone"), st.one_of(OVERLAYS, FILES), st.just("")),
        ),
        st.booleans(),
    ),
    max_size=8,
)
"""Edits of what is built and of manifests, and whether overlays are judged again after each."""


@settings(max_examples=settings.default.max_examples, suppress_health_check=list(HealthCheck))
@given(edits=EDITS)
def test_overlays_after_edits_are_what_a_fresh_project_has(edits) -> None:
    project, judged = empty_project(), None
    texts: dict[str, str] = {}
    overlays: dict[str, OverlayBuild] = {}
    for (what, name, text), again in edits:
        overlays.pop(name, None)
        texts.pop(name, None)
        if what == "built":
            overlays[name] = overlay(name, text)
        elif what == "text":
            texts[name] = text
        if name not in project.apart and what != "built":
            project = project.with_file(name, text) if what == "text" else project.without_file(name)
        if again:
            project, judged = _judged_again(project, overlays, judged, texts)
            project = project.with_relations(project.files)  # as when all files of a folder have been read
    project, judged = _judged_again(project, overlays, judged, texts)
    covered = {key for one in overlays.values() for key in one.texts}
    fresh = empty_project().with_files(
        [(name, text, False) for name, text in texts.items() if name not in covered]
    )
    expected = with_overlays(fresh, [overlays[name] for name in sorted(overlays)])
    assert results(project) == results(expected)
    assert [*project.files] == [*expected.files]


def _judged_again(project, overlays, judged, texts):
    before = project.apart
    judged = judge_overlays(project, [overlays[name] for name in sorted(overlays)], judged)
    project = project.with_apart(judged.files)
    for name in before - project.apart:
        if name in texts:
            project = project.with_file(name, texts[name])
    if before != project.apart:  # what is judged as it stands again counts for overlays, too
        return _judged_again(project, overlays, judged, texts)
    return project, judged
