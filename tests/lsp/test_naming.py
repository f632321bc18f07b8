"""Controls, frameworks and inputs by name: definitions, references and renames over a workspace."""

from __future__ import annotations

from datetime import date

import pytest
from support.controls import place_of
from support.positions import covered, offset

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.features import naming
from kscan_lsp.lsp.session.snapshot import NamingSnapshot, OpenText, SettingsSources
from kscan_lsp.text import LineIndex
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.project import Project

CONTROL = """\
id: ORG-0001
title: a
score: 5
description: é😀
remediation: a
inputs: {allowed: [a], most: {type: number, default: 3}}
checks:
- each: containers
  relations: {others: services}
  let: {listed: "container.name in inputs.allowed"}
  when: others.size() >= 0
  deny: >-
    listed ||
    object.kind == 'inputs.allowed' || inputs[?'allowed'].orValue([]).exists(i, i == 'é')
  message: "{inputs.allowed.join(', ')} é {inputs.most}"
  allow: {allowed: container.name}
  fix: {choose: {image: allowed}, leaves: [ORG-0002]}
tests:
- name: a
  inputs: {"allowed": [b]}
  manifest: "a: b"
"""
OTHER = """\
id: ORG-0002
title: a
score: 5
description: a
remediation: a
checks:
- use: ORG-0001
- deny: inputs.allowed == []
  message: a
"""
SETTINGS = """\
policies: [policies]
frameworks: [bank, nsa]
controls:
  include: [ORG-0001, C-0057]
  severity: {ORG-0001: low}
inputs:
  allowed: [x]
"""
FRAMEWORK = "id: bank\ntitle: a\ncontrols: [{id: ORG-0001}, {id: ORG-0002}, {id: C-0057}]\n"
EXCEPTIONS = """\
exceptions:
- controls: [ORG-0001]
  reason: a
  owner: b
  until: 2027-01-01
"""
POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: a
  annotations: {kscan.dev/ignore: "ORG-0001 -- because"}
spec:
  # kscan:ignore ORG-0001, C-0057 -- because
  containers: [{name: a}]
"""
FILES = {
    ".kscan.yaml": SETTINGS,
    ".kscan/exceptions.yaml": EXCEPTIONS,
    "policies/one.yaml": CONTROL,
    "policies/two.yaml": OTHER,
    "policies/bank.yaml": FRAMEWORK,
    "pod.yaml": POD,
}


@pytest.fixture
def view(tmp_path):
    """A view of a file of a workspace."""

    def make(name, files=FILES, client=None):
        texts = {tmp_path / one: text for one, text in files.items()}
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        configuration, _ = configure(tmp_path, buffers=texts, today=date(2026, 1, 1))
        project = Project(Evaluator(configuration.ruleset, Evidence(None)))
        pod = (tmp_path / "pod.yaml").as_uri()
        project = project.with_file(pod, files["pod.yaml"])
        opened = {path: OpenText(path.as_uri(), 7, text) for path, text in texts.items()}
        documents = project.files[pod].documents if name == "pod.yaml" else ()
        return NamingSnapshot(
            (tmp_path / name).as_uri(),
            tmp_path / name,
            LineIndex(files[name]),
            tuple((one.offset, one.checked.document) for one in documents),
            (configuration,),
            (project,),
            SettingsSources(None, opened),
            {},
            (tmp_path,),
            client or Capabilities(),
        )

    return make


def told(places, files=FILES):
    """Places as (end of the file's name, line, text)."""
    found = []
    for place in places:
        name = next((name for name in files if place.uri.endswith(f"/{name}")), None)
        text = covered(files[name], place.range, "utf-16") if name else ""
        found.append((name or place.uri.rpartition("/")[2], place.range.start.line, text))
    return sorted(found)


def never():
    return False


@pytest.mark.parametrize(
    ("name", "mark", "where"),
    [
        ("policies/two.yaml", "ORG-0001", ("policies/one.yaml", 0, "ORG-0001")),
        ("policies/one.yaml", "ORG-0002", ("policies/two.yaml", 0, "ORG-0002")),
        ("policies/bank.yaml", "ORG-0002", ("policies/two.yaml", 0, "ORG-0002")),
        (".kscan.yaml", "ORG-0001,", ("policies/one.yaml", 0, "ORG-0001")),
        (".kscan.yaml", "ORG-0001: low", ("policies/one.yaml", 0, "ORG-0001")),
        (".kscan.yaml", "bank", ("policies/bank.yaml", 0, "bank")),
        (".kscan.yaml", "allowed", ("policies/one.yaml", 5, "allowed")),
        (".kscan/exceptions.yaml", "ORG-0001", ("policies/one.yaml", 0, "ORG-0001")),
        ("pod.yaml", "ORG-0001 -- b", ("policies/one.yaml", 0, "ORG-0001")),
        ("pod.yaml", "ORG-0001, C", ("policies/one.yaml", 0, "ORG-0001")),
        ("policies/one.yaml", "allowed.join", ("policies/one.yaml", 5, "allowed")),
        ("policies/one.yaml", "allowed'].or", ("policies/one.yaml", 5, "allowed")),
        ("policies/one.yaml", "listed ||", ("policies/one.yaml", 9, "listed")),
        ("policies/one.yaml", "others.size", ("policies/one.yaml", 8, "others")),
        (".kscan.yaml", "C-0057", ("C-0057-privileged-container.yaml", 0, "")),
        (".kscan.yaml", "nsa", ("nsa.yaml", 0, "")),
    ],
)
def test_a_name_leads_to_where_it_is_declared(view, name, mark, where):
    assert told(naming.definitions(view(name), place_of(FILES[name], mark, 1))) == [where]


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        (".kscan.yaml", "policies"),
        ("policies/one.yaml", "title"),
        ("policies/one.yaml", "containers"),
        ("pod.yaml", "name"),
    ],
)
def test_nothing_else_leads_anywhere(view, name, mark):
    one, at = view(name), place_of(FILES[name], mark)
    assert naming.definitions(one, at) == []
    assert naming.references(one, at, never, declaration=True) == []
    assert naming.prepared(one, at) is None


def test_who_names_a_control_is_found_in_all_files(view):
    places = naming.references(
        view("policies/one.yaml"), place_of(CONTROL, "ORG-0001"), never, declaration=True
    )
    assert told(places) == [
        (".kscan.yaml", 3, "ORG-0001"),
        (".kscan.yaml", 4, "ORG-0001"),
        (".kscan/exceptions.yaml", 1, "ORG-0001"),
        ("pod.yaml", 4, "ORG-0001"),
        ("pod.yaml", 6, "ORG-0001"),
        ("policies/bank.yaml", 2, "ORG-0001"),
        ("policies/one.yaml", 0, "ORG-0001"),
        ("policies/two.yaml", 6, "ORG-0001"),
    ]
    without = naming.references(view("pod.yaml"), place_of(POD, "ORG-0001,"), never, declaration=False)
    assert len(without) == 7


def test_an_input_is_renamed_wherever_it_is_named(view):
    for name, mark in (
        ("policies/one.yaml", "allowed: [a]"),
        (".kscan.yaml", "allowed"),
        ("policies/two.yaml", "allowed"),
    ):
        one, at = view(name, client=Capabilities(document_changes=True)), place_of(FILES[name], mark, 2)
        assert naming.prepared(one, at).placeholder == "allowed"
        edit = naming.renamed(one, at, "registries")
        after = dict(FILES)
        for change in edit.document_changes:
            path = next(name for name in FILES if change.text_document.uri.endswith(f"/{name}"))
            assert change.text_document.version == 7
            for part in sorted(
                change.edits, key=lambda e: (e.range.start.line, e.range.start.character), reverse=True
            ):
                start, end = (offset(after[path], p, "utf-16") for p in (part.range.start, part.range.end))
                after[path] = after[path][:start] + part.new_text + after[path][end:]
        assert after[".kscan.yaml"] == SETTINGS.replace("allowed", "registries")
        assert after["policies/two.yaml"] == OTHER.replace("allowed", "registries")
        kept = CONTROL.replace("allowed", "registries").replace("'inputs.registries'", "'inputs.allowed'")
        assert after["policies/one.yaml"] == kept
        assert after["pod.yaml"] == POD


def test_the_pack_that_a_control_lies_in_is_changed_with_it(view):
    pack = "name: a\nversion: 1.0.0\ninputs: {allowed: [z]}\ndefinitions: {few: size(inputs.allowed) < 2}\n"
    files = {**FILES, "policies/kscan-pack.yaml": pack}
    edit = naming.renamed(view("policies/one.yaml", files), place_of(CONTROL, "allowed: [a]"), "given")
    (uri,) = (uri for uri in edit.changes if uri.endswith("kscan-pack.yaml"))
    assert [covered(pack, one.range, "utf-16") for one in edit.changes[uri]] == ["allowed", "allowed"]


def test_a_list_of_inputs_in_a_file_is_renamed_too(view):
    files = {
        **FILES,
        ".kscan.yaml": "policies: [policies]\ninputs: lists.yaml\n",
        "lists.yaml": "allowed: [y]\n",
    }
    edit = naming.renamed(view("policies/one.yaml", files), place_of(CONTROL, "allowed: [a]"), "given")
    assert {uri.rpartition("/")[2] for uri in edit.changes} == {"one.yaml", "two.yaml", "lists.yaml"}


@pytest.mark.parametrize(
    ("change", "name", "why"),
    [
        ({}, "not-a-name", "letters, digits"),
        ({}, "most", "already"),
        ({}, "openDebuggers", None),
        ({"policies/two.yaml": OTHER.replace("inputs.allowed", "inputs[object.kind]")}, "x", "makes up"),
        ({"policies/two.yaml": OTHER.replace("inputs.allowed == []", '"inputs.\\x61llowed == []"')}, "x", "surely"),
    ],
)  # fmt: skip
def test_what_cannot_be_renamed_surely_is_refused(view, change, name, why):
    one, at = view("policies/one.yaml", {**FILES, **change}), place_of(CONTROL, "allowed: [a]")
    if why is None:
        assert naming.renamed(one, at, name)
        return
    with pytest.raises(naming.RefusedRenameError, match=why):
        naming.renamed(one, at, name)


def test_an_input_of_the_program_keeps_its_name(view):
    text = CONTROL.replace("inputs.most", "inputs.insecureCapabilities")
    one = view("policies/one.yaml", {**FILES, "policies/one.yaml": text})
    at = place_of(text, "insecureCapabilities", 2)
    with pytest.raises(naming.RefusedRenameError, match="comes with kscan"):
        naming.prepared(one, at)
    assert naming.definitions(one, at)


def test_texts_that_are_typed_never_raise(view):
    one = view("policies/one.yaml")
    for end in range(0, len(CONTROL), 9):
        typed = CONTROL[:end]
        now = one._replace(lines=LineIndex(typed))
        at = place_of(typed, typed, end)
        naming.definitions(now, at)
        naming.prepared(now, at)
