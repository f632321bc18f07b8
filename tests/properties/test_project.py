"""A project that was edited is what a fresh one with the same texts is, however it came to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.objects import RULES, TEXTS, documents, empty_project, results

from kscan_lsp.cel import evaluating
from kscan_lsp.engine import related
from kscan_lsp.files.names import name_order
from kscan_lsp.graph.index import Object, key_of
from kscan_lsp.workspace.objects import objects_of

if TYPE_CHECKING:
    from kscan_lsp.workspace.project import Project

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


def described(objects):
    """Objects as plain data: two that were read apart are the same if they stand in the same place."""
    return [(one.file, one.document, one.root, one.id, one.keys) for one in objects]


@settings(max_examples=2 * settings.default.max_examples, suppress_health_check=list(HealthCheck))
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


@settings(suppress_health_check=list(HealthCheck))
@given(texts=st.lists(TEXTS, min_size=1, max_size=3))
def test_what_reads_long_lists_apart_says_the_same(texts) -> None:
    files = [(f"{number}.yaml", text, False) for number, text in enumerate(texts)]
    with pytest.MonkeyPatch.context() as patched:
        # apart there is less to be too much work for
        patched.setattr(evaluating, "_refused", lambda *_: None)
        together = empty_project().with_files(files)
        patched.setattr(related, "LONG", 0)
        apart = empty_project().with_files(files)
    assert results(apart) == results(together)
