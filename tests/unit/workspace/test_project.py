"""A project that was edited is what a fresh one with the same texts is, however it came to them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.objects import RULES, TEXTS, documents, empty_project, listed

from kscan_lsp.files.names import name_order
from kscan_lsp.findings import Location
from kscan_lsp.graph.index import Object, key_of
from kscan_lsp.text import Span
from kscan_lsp.workspace.project import Project, objects_of

FILES = st.sampled_from(["a.yaml", "b/a.yaml", "b-c.yaml", "b/c d.yaml"])
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("text"), FILES, TEXTS),
        st.tuples(st.just("unjudged"), FILES, TEXTS),
        st.tuples(st.just("document"), FILES, documents()),
        st.tuples(st.just("unreadable"), FILES, st.just("it is a folder")),
        st.tuples(st.just("without"), FILES, st.just("")),
    ),
    max_size=8,
)


def results(project: Project):
    """All that a project says, in its order, as plain data."""
    return [
        (
            path,
            [(p.offset, p.line, p.locate(found.span), found) for p, found in file.findings()],
            list(file.problems()),
            [
                (sorted(v.passed), sorted(u.control for u in v.unevaluated))
                for placed in file.documents
                for v in placed.checked.verdicts
            ],
            file.skipped,
        )
        for path, file in project.files.items()
    ]


def described(objects):
    """Objects as plain data: two that were read apart are the same if they stand in the same place."""
    return [(one.file, one.document, one.root, one.id, one.keys) for one in objects]


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(edits=EDITS)
def test_an_edited_project_says_what_a_fresh_one_says(edits) -> None:
    edited = empty_project()
    texts: dict[str, tuple[str, str]] = {}
    keys = {key_of("kind", "Pod")}
    for what, file, text in edits:
        if what == "text":
            edited, texts[file] = edited.with_file(file, text), (what, text)
        elif what == "unjudged":
            edited = edited.with_objects(file, objects_of(file, text, RULES))
            texts[file] = (what, text)
        elif what == "unreadable":
            edited, texts[file] = edited.with_unreadable(file, text), (what, text)
        elif what == "without":
            edited = edited.without_file(file)
            texts.pop(file, None)
        elif file in edited.files and edited.files[file].documents:
            tail = edited.files[file].documents[-1]
            head = edited.files[file].text[: tail.offset]
            new = f"---\n{text}" if head else text
            edited = edited.with_document(file, len(edited.files[file].documents) - 1, new)
            texts[file] = ("text", head + new)
        keys |= {key for one in objects_of(file, text, RULES) for key in one.keys}
    fresh = empty_project()
    for file, (what, text) in texts.items():
        if what == "unjudged":
            fresh = fresh.with_objects(file, objects_of(file, text, RULES))
        elif what == "unreadable":
            fresh = fresh.with_unreadable(file, text)
    fresh = fresh.with_files((file, text, False) for file, (what, text) in texts.items() if what == "text")
    assert results(edited) == results(fresh)
    declared = {
        file: found
        for file in sorted(texts, key=name_order)
        if texts[file][0] != "unreadable" and (found := objects_of(file, texts[file][1], RULES))
    }
    check_index(edited, declared, keys)


def check_index(project: Project, declared: dict[str, tuple[Object, ...]], keys: set[str]) -> None:
    """The index of a project holds what its files declare, under the keys that they have and no other."""
    index = project.index
    assert {file: described(there) for file, there in index.files.items()} == {
        file: described(there) for file, there in declared.items()
    }
    assert list(index.files) == list(declared)
    every = [one for objects in declared.values() for one in objects]
    for key in keys:
        assert described(index.find(key)) == described(one for one in every if key in one.keys)


@pytest.mark.parametrize("how", ["judged", "declared", "unreadable"])
def test_files_come_in_the_order_of_their_names(how: str) -> None:
    project = empty_project()
    for name in ("b/c.yaml", "a-b.yaml", "a/c.yaml", "a/b/d.yaml", "A.yaml"):
        text = listed("ConfigMap", "a")
        if how == "judged":
            project = project.with_file(name, text)
        elif how == "declared":
            project = project.with_objects(name, objects_of(name, text, RULES))
        else:
            project = project.with_unreadable(name, "it is a folder")
    names = ["A.yaml", "a/b/d.yaml", "a/c.yaml", "a-b.yaml", "b/c.yaml"]
    assert list(project.files) == ([] if how == "declared" else names)
    assert list(project.index.files) == ([] if how == "unreadable" else names)
    found = [one.file for one in project.index.find(key_of("kind", "ConfigMap"))]
    assert found == list(project.index.files)


@pytest.mark.parametrize("edited", range(4))
def test_documents_stand_where_the_text_has_them(edited: int) -> None:
    pieces = [f"---\n{listed('ConfigMap', name)}" for name in "abcd"]
    project = empty_project().with_file("a.yaml", "".join(pieces))
    for text in (f"{pieces[edited]}# longer\n", pieces[edited], f"{pieces[edited]}---\n# one more\n", ""):
        now = "".join([*pieces[:edited], text, *pieces[edited + 1 :]])
        project = project.with_file("a.yaml", now)
        for placed in project.files["a.yaml"].documents:
            document = placed.checked.document.text
            assert now[placed.offset : placed.offset + len(document)] == document
            assert placed.line == now[: placed.offset].count("\n")
            assert placed.locate(Span(1, 2)) == Location("a.yaml", Span(placed.offset + 1, placed.offset + 2))


@pytest.mark.parametrize("copy", [1, 2])
def test_a_copy_of_a_document_is_edited(copy: int) -> None:
    # documents with one text are read once; what one of them becomes says nothing about the other
    policy = listed("NetworkPolicy", "p", api="networking.k8s.io/v1", rest="spec: {podSelector: {}}")
    pieces = [listed("Pod", "web", rest="spec: {containers: [{name: a}]}"), *[f"---\n{policy}"] * 2]
    before = empty_project().with_file("a.yaml", "".join(pieces))
    pieces[copy] = pieces[copy].replace("store", "elsewhere")
    text = "".join(pieces)
    fresh = empty_project().with_file("a.yaml", text)
    for edited in (before.with_file("a.yaml", text), before.with_document("a.yaml", copy, pieces[copy])):
        assert results(edited) == results(fresh)
        there = [one.namespace for one in edited.index.find(key_of("kind", "NetworkPolicy"))]
        assert there == [one.namespace for one in edited.index.files["a.yaml"][1:]]
