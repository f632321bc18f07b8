"""Controls, frameworks and inputs by name: definitions, references and renames over a workspace."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace
from support.controls import place_of
from support.positions import covered, offset

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.features import naming, renaming
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
    assert renaming.prepared(one, at) is None


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


def after(edit, files=FILES):
    """The texts of a workspace after an edit of open documents."""
    texts = dict(files)
    for change in edit.document_changes:
        path = next(name for name in files if change.text_document.uri.endswith(f"/{name}"))
        assert change.text_document.version == 7
        for part in sorted(
            change.edits, key=lambda e: (e.range.start.line, e.range.start.character), reverse=True
        ):
            start, end = (offset(texts[path], p, "utf-16") for p in (part.range.start, part.range.end))
            texts[path] = texts[path][:start] + part.new_text + texts[path][end:]
    return texts


VERSIONED = Capabilities(document_changes=True)


def test_an_input_is_renamed_wherever_it_is_named(view):
    for name, mark in (
        ("policies/one.yaml", "allowed: [a]"),
        (".kscan.yaml", "allowed"),
        ("policies/two.yaml", "allowed"),
    ):
        one, at = view(name, client=VERSIONED), place_of(FILES[name], mark, 2)
        assert renaming.prepared(one, at).placeholder == "allowed"
        texts = after(renaming.renamed(one, at, "registries"))
        assert texts[".kscan.yaml"] == SETTINGS.replace("allowed", "registries")
        assert texts["policies/two.yaml"] == OTHER.replace("allowed", "registries")
        kept = CONTROL.replace("allowed", "registries").replace("'inputs.registries'", "'inputs.allowed'")
        assert texts["policies/one.yaml"] == kept
        assert texts["pod.yaml"] == POD


MARKED = (
    OTHER
    + """\
tests:
- name: é ORG-0001 in a name stays
  manifest: |
    kind: Pod
    # ^^^^^^^ ORG-0002, ORG-0001
    # kscan:ignore org-0001, ORG-0001 -- not ORG-0001
    metadata: {annotations: {kscan.dev/ignore: "ORG-0001 -- x"}, name: ORG-0001}
  fixed: |
    # kscan:ignore ORG-0001 -- x
    kind: Pod
"""
)


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("policies/one.yaml", "ORG-0001"),
        ("policies/two.yaml", "ORG-0001"),
        ("policies/two.yaml", "ORG-0001\n    # kscan"),
        ("policies/bank.yaml", "ORG-0001"),
        (".kscan.yaml", "ORG-0001: low"),
        (".kscan/exceptions.yaml", "ORG-0001"),
        ("pod.yaml", "ORG-0001, C"),
    ],
)
def test_a_control_is_renamed_wherever_it_is_named(view, name, mark):
    files = {
        **FILES,
        "policies/two.yaml": MARKED,
        ".kscan.yaml": f"locked: [ORG-0001, baseline]\n{SETTINGS}",
        "policies/kscan-pack.yaml": "name: a\nversion: 1.0.0\nlocked: [ORG-0001]\n",
    }
    one, at = view(name, files, VERSIONED), place_of(files[name], mark, 3)
    assert renaming.prepared(one, at).placeholder == "ORG-0001"
    texts = after(renaming.renamed(one, at, "PAY-0007"), files)
    everywhere = {path: text.replace("ORG-0001", "PAY-0007") for path, text in files.items()}
    kept = everywhere["policies/two.yaml"].replace("PAY-0007 in a name", "ORG-0001 in a name")
    kept = kept.replace("-- not PAY-0007", "-- not ORG-0001").replace("name: PAY-0007", "name: ORG-0001")
    assert texts == {**everywhere, "policies/two.yaml": kept}


@pytest.mark.parametrize(
    ("change", "name", "why"),
    [
        ({}, "ORG-1", "four digits"),
        ({}, "org-0009", "capital letters"),
        ({}, "ORG-0002", "already"),
        ({}, "C-0057", "already"),
        ({"policies/bank.yaml": FRAMEWORK.replace("ORG-0001", '"ORG-\\x30001"')}, "ORG-0009", "surely"),
        ({".kscan/exceptions.yaml": EXCEPTIONS + "  x: [\n"}, "ORG-0009", "no YAML"),
    ],
)  # fmt: skip
def test_a_control_is_not_renamed_where_that_is_not_sure(view, change, name, why):
    one, at = view("policies/one.yaml", {**FILES, **change}), place_of(CONTROL, "ORG-0001", 2)
    with pytest.raises(renaming.RefusedRenameError, match=why):
        renaming.renamed(one, at, name)


@pytest.mark.parametrize(
    ("name", "mark", "why"),
    [
        (".kscan.yaml", "C-0057", "comes with kscan"),
        ("pod.yaml", "C-0057", "comes with kscan"),
        (".kscan.yaml", "baseline", "no file of this workspace"),
    ],
)
def test_what_no_file_of_the_workspace_declares_keeps_its_id(view, name, mark, why):
    files = {**FILES, ".kscan.yaml": f"locked: [baseline]\n{SETTINGS}"}
    one, at = view(name, files), place_of(files[name], mark, 2)
    with pytest.raises(renaming.RefusedRenameError, match=why):
        renaming.prepared(one, at)


def test_lines_of_an_annotation_are_renamed(view):
    lines = (
        "annotations:\n    kscan.dev/ignore: |\n      C-0057 -- a\n      ORG-0001, ORG-0002 -- not ORG-0001\n"
    )
    files = {
        **FILES,
        "pod.yaml": POD.replace('annotations: {kscan.dev/ignore: "ORG-0001 -- because"}\n', lines),
    }
    one = view("policies/one.yaml", files, VERSIONED)
    texts = after(renaming.renamed(one, place_of(CONTROL, "ORG-0001", 2), "ORG-0009"), files)
    assert texts["pod.yaml"] == files["pod.yaml"].replace("ORG-0001,", "ORG-0009,")


def test_a_manifest_that_was_typed_in_meanwhile_is_not_changed(view):
    one = view("policies/one.yaml")
    pod = next(path for path in one.sources.documents if path.name == "pod.yaml")
    opened = {**one.sources.documents, pod: OpenText(pod.as_uri(), 8, "# new\n" + POD)}
    one = replace(one, sources=SettingsSources(None, opened))
    with pytest.raises(renaming.RefusedRenameError, match="is being edited"):
        renaming.renamed(one, place_of(CONTROL, "ORG-0001", 2), "ORG-0009")


NAMES = """\
id: ORG-0003
title: named
score: 5
description: a
remediation: a
checks:
- each: containers.env[*]
  relations: {others: services}
  let:
    first: "item.?named.orValue('named')"
    named: "first == 'named' || {'named': 1}.named == 1"
    last: named && others.size() > 0
  when: 'named || ["x"].exists(named, named == "named") || others.all(o, named)'
  deny: >-
    named &&
    item.?named.hasValue()
  at: "value[{named ? 0 : 1}]"
  message: "{named} named {{named}} é {last}"
  fix: {set: {value: {expr: "named ? 1 : 2"}}, when: named}
  allow: {}
- deny: "object.?named.hasValue()"
  let: {named: "true"}
  message: "{named}"
"""


@pytest.mark.parametrize(
    "mark", ['named: "first', "named && others", "named &&\n", "named} named", "named ? 1"]
)
def test_a_let_is_renamed_in_its_check_and_nowhere_else(view, mark):
    files = {**FILES, "policies/three.yaml": NAMES}
    one, at = view("policies/three.yaml", files, VERSIONED), place_of(NAMES, mark, 2)
    assert renaming.prepared(one, at).placeholder == "named"
    texts = after(renaming.renamed(one, at, "is_named"), files)
    assert texts["policies/three.yaml"] == (
        NAMES.replace('    named: "first', '    is_named: "first')
        .replace("last: named", "last: is_named")
        .replace("when: 'named", "when: 'is_named")
        .replace("(o, named)", "(o, is_named)")
        .replace("    named &&\n", "    is_named &&\n")
        .replace("{named ? 0", "{is_named ? 0")
        .replace('"{named} named', '"{is_named} named')
        .replace('"named ? 1', '"is_named ? 1')
        .replace("when: named}", "when: is_named}")
    )


def test_a_relation_is_renamed_likewise(view):
    files = {**FILES, "policies/three.yaml": NAMES}
    one, at = view("policies/three.yaml", files, VERSIONED), place_of(NAMES, "others.size", 2)
    texts = after(renaming.renamed(one, at, "rest"), files)
    assert texts["policies/three.yaml"] == NAMES.replace("others", "rest")


@pytest.mark.parametrize(
    ("text", "name", "why"),
    [
        (NAMES, "not-a-name", "letters, digits"),
        (NAMES, "object", "means"),
        (NAMES, "for", "means"),
        (NAMES, "last", "already"),
        (NAMES, "others", "already"),
        (NAMES, "o", "binds 'o' itself"),
        (NAMES.replace("named ? 0 : 1", "named ? 0 :"), "fine", "not right yet"),
        (NAMES.replace('"named ? 1 : 2"', '"\\x6eamed ? 1 : 2"'), "fine", "surely"),
    ],
)
def test_a_let_is_not_renamed_where_that_is_not_sure(view, text, name, why):
    one = view("policies/three.yaml", {**FILES, "policies/three.yaml": text})
    with pytest.raises(renaming.RefusedRenameError, match=why):
        renaming.renamed(one, place_of(text, 'named: "first', 2), name)


def test_what_a_macro_binds_is_no_name_of_the_check(view):
    one = view("policies/three.yaml", {**FILES, "policies/three.yaml": NAMES})
    assert renaming.prepared(one, place_of(NAMES, 'named == "named"', 2)) is None
    assert renaming.prepared(one, place_of(NAMES, "named.hasValue", 2)) is None


def test_the_pack_that_a_control_lies_in_is_changed_with_it(view):
    pack = "name: a\nversion: 1.0.0\ninputs: {allowed: [z]}\ndefinitions: {few: size(inputs.allowed) < 2}\n"
    files = {**FILES, "policies/kscan-pack.yaml": pack}
    edit = renaming.renamed(view("policies/one.yaml", files), place_of(CONTROL, "allowed: [a]"), "given")
    (uri,) = (uri for uri in edit.changes if uri.endswith("kscan-pack.yaml"))
    assert [covered(pack, one.range, "utf-16") for one in edit.changes[uri]] == ["allowed", "allowed"]


def test_a_list_of_inputs_in_a_file_is_renamed_too(view):
    files = {
        **FILES,
        ".kscan.yaml": "policies: [policies]\ninputs: lists.yaml\n",
        "lists.yaml": "allowed: [y]\n",
    }
    edit = renaming.renamed(view("policies/one.yaml", files), place_of(CONTROL, "allowed: [a]"), "given")
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
        assert renaming.renamed(one, at, name)
        return
    with pytest.raises(renaming.RefusedRenameError, match=why):
        renaming.renamed(one, at, name)


def test_an_input_of_the_program_keeps_its_name(view):
    text = CONTROL.replace("inputs.most", "inputs.insecureCapabilities")
    one = view("policies/one.yaml", {**FILES, "policies/one.yaml": text})
    at = place_of(text, "insecureCapabilities", 2)
    with pytest.raises(renaming.RefusedRenameError, match="comes with kscan"):
        renaming.prepared(one, at)
    assert naming.definitions(one, at)


def test_texts_that_are_typed_never_raise(view):
    one = view("policies/one.yaml")
    for end in range(0, len(CONTROL), 9):
        typed = CONTROL[:end]
        now = replace(one, lines=LineIndex(typed))
        at = place_of(typed, typed, end)
        naming.definitions(now, at)
        renaming.prepared(now, at)
