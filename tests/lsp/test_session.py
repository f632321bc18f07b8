"""Steps of the work on a folder, in any order that events can bring about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from lsprotocol import types
from support.admitting import policy
from support.judging import check_file

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.convert import array
from kscan_lsp.lsp.diagnostic_texts import DiagnosticTexts
from kscan_lsp.lsp.session.session import Session
from kscan_lsp.lsp.session.steps import (
    CheckRequest,
    ReadFile,
    SettleFiles,
    Step,
    check,
    find_files,
    read_file,
    settle_files,
)
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.objects import objects_of
from kscan_lsp.workspace.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: {name}
  labels: {{app: {name}}}
spec:
  containers:
  - name: main
    image: shop/{name}:1.0
    securityContext:
      privileged: {privileged}
"""
POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: shut}}
spec: {{podSelector: {{matchLabels: {{app: {app}}}}}}}
"""
SETTINGS = "frameworks: [allcontrols]\ndiagnostics: workspace\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".kscan.yaml").write_text(SETTINGS)
    for number in range(12):
        (tmp_path / f"pod-{number:02}.yaml").write_text(POD.format(name=f"p{number}", privileged="true"))
    (tmp_path / "policy.yaml").write_text(POLICY.format(app="p3"))
    return tmp_path


def session_of(folder: Path) -> Session:
    session = Session()
    session.set_folders([folder])
    session.configure(folder, configure(folder)[0])
    searched(session, folder)
    return session


def searched(session: Session, folder: Path) -> None:
    workspace = session.workspaces[folder]
    workspace.set_files(*find_files(folder, workspace.configuration))


def opened(session: Session, path: Path, text: str, version: int = 1) -> None:
    session.open(types.TextDocumentItem(path.as_uri(), "yaml", version, text))


def done(session: Session, step: Step) -> None:
    if isinstance(step, CheckRequest):
        session.accept(step, check(step))
    elif isinstance(step, ReadFile):
        outcome = read_file(step)
        project = session.project_for(step)
        assert project is not None
        session.keep(step, outcome(project))
    else:
        session.keep(step, settle_files(step))


def finished(session: Session, folder: Path) -> Project:
    while step := session.take_next_step(folder):
        done(session, step)
    assert session.is_settled(folder)
    return session.workspaces[folder].project


def said(project: Project) -> dict[str, list[tuple[str, str]]]:
    return {
        key: [(entry.finding.control, entry.finding.message) for entry in file.findings()]
        for key, file in sorted(project.files.items())
    }


def fresh(folder: Path, texts: dict[Path, str]) -> dict[str, list[tuple[str, str]]]:
    """What is found in texts at once, by whoever has all of them."""
    project = Project(Evaluator(configure(folder)[0].ruleset, Evidence(session_of(folder).day)))
    return said(project.with_files((path.as_uri(), text, False) for path, text in texts.items()))


def texts_of(folder: Path) -> dict[Path, str]:
    return {path: path.read_text() for path in sorted(folder.glob("p*.yaml"))}


def both_count(
    session: Session,
    folder: Path,
    reading: ReadFile,
    outcome: Callable[[Project], Project],
    edited: dict[Path, str],
) -> None:
    """A buffer that was edited while a file was read is checked, then the file is taken in."""
    step = session.buffer_to_check(folder)
    assert step is not None
    done(session, step)
    project = session.project_for(reading)
    assert project is not None
    session.keep(reading, outcome(project))
    assert said(finished(session, folder)) == fresh(folder, {**texts_of(folder), **edited})


def test_read_file_by_file_a_folder_is_what_it_is_at_once(folder: Path) -> None:
    found = said(finished(session_of(folder), folder))
    assert found == fresh(folder, texts_of(folder))
    without = [key for key, entries in found.items() if "C-0260" in {code for code, _ in entries}]
    assert len(without) == 11  # all pods but the one that the policy is about


def test_a_buffer_edited_while_a_file_is_read_counts_and_so_does_the_file(folder: Path) -> None:
    session = session_of(folder)
    path = folder / "pod-05.yaml"
    opened(session, path, path.read_text())
    finished(session, folder)
    (folder / "policy.yaml").write_text(POLICY.format(app="p5"))
    session.reread((folder / "policy.yaml").as_uri(), folder / "policy.yaml")
    reading = session.take_next_step(folder)
    assert isinstance(reading, ReadFile)
    outcome = read_file(reading)
    edited = POD.format(name="p5", privileged="false")
    session.change(path.as_uri(), 2, [types.TextDocumentContentChangeWholeDocument(edited)])
    both_count(session, folder, reading, outcome, {path: edited})


def test_a_file_read_by_settings_that_hold_no_more_is_read_again(folder: Path) -> None:
    session = session_of(folder)
    reading = session.take_next_step(folder)
    assert isinstance(reading, ReadFile)
    outcome = read_file(reading)
    (folder / ".kscan.yaml").write_text(SETTINGS + "controls: {exclude: [C-0057]}\n")
    session.configure(folder, configure(folder)[0])
    assert session.project_for(reading) is None
    session.keep(reading, outcome(reading.project))
    assert session.workspaces[folder].project.files == {}
    assert reading.key in session.workspaces[folder].waiting
    searched(session, folder)
    found = said(finished(session, folder))
    assert found == fresh(folder, texts_of(folder))
    assert not any(code == "C-0057" for entries in found.values() for code, _ in entries)


def test_an_edit_while_others_are_yet_to_be_settled_settles_what_it_concerns(folder: Path) -> None:
    session = session_of(folder)
    path = folder / "pod-07.yaml"
    opened(session, path, path.read_text())
    steps = 0
    while not isinstance(step := session.take_next_step(folder), SettleFiles):
        assert step is not None
        done(session, step)
    assert path.as_uri() in step.keys  # what the user looks at comes first
    policy = folder / "policy.yaml"
    opened(session, policy, POLICY.format(app="p7"))
    done(session, step)
    while step := session.take_next_step(folder):
        steps += isinstance(step, SettleFiles)
        done(session, step)
    assert steps >= 2
    expected = fresh(folder, {**texts_of(folder), policy: POLICY.format(app="p7")})
    assert said(session.workspaces[folder].project) == expected


def test_a_file_that_new_settings_exclude_while_it_is_read_is_left_out(folder: Path) -> None:
    session = session_of(folder)
    reading = session.take_next_step(folder)
    assert isinstance(reading, ReadFile)
    assert reading.path is not None
    outcome = read_file(reading)
    (folder / ".kscan.yaml").write_text(f"{SETTINGS}exclude: [{reading.path.name}]\n")
    session.configure(folder, configure(folder)[0])
    session.keep(reading, outcome(reading.project))
    searched(session, folder)
    texts = {path: text for path, text in texts_of(folder).items() if path != reading.path}
    assert said(finished(session, folder)) == fresh(folder, texts)


def test_a_file_is_judged_by_what_was_edited_while_it_was_read(folder: Path) -> None:
    session = session_of(folder)
    policy, pod = folder / "policy.yaml", folder / "pod-05.yaml"
    opened(session, policy, policy.read_text())
    finished(session, folder)
    session.reread(pod.as_uri(), pod)  # saved as it was
    reading = session.take_next_step(folder)
    assert isinstance(reading, ReadFile)
    outcome = read_file(reading)
    edited = POLICY.format(app="p5")
    session.change(policy.as_uri(), 2, [types.TextDocumentContentChangeWholeDocument(edited)])
    both_count(session, folder, reading, outcome, {policy: edited})


def test_a_buffer_whose_folder_goes_while_it_is_checked_is_checked_again(folder: Path) -> None:
    session = session_of(folder)
    path = folder / "pod-05.yaml"
    opened(session, path, path.read_text())
    step = session.take_next_step(folder)
    assert isinstance(step, CheckRequest)
    checked = check(step)
    session.set_folders([])
    assert folder not in session.workspaces
    session.accept(step, checked)
    assert not session.is_current(session.documents[path.as_uri()])


def test_a_document_shown_under_two_names_points_into_the_right_one(folder: Path) -> None:
    """An editor may write the name of a file in its own way, and what is on disk is shown in ours."""
    text = "x: &yes true\n" + POD.format(name="a", privileged="*yes")
    file = check_file("pod.yaml", text, configure(folder)[0].ruleset, Session().day)
    project = Project(Evaluator(configure(folder)[0].ruleset, Evidence(Session().day)))
    texts = DiagnosticTexts(Capabilities(related_information=True))
    for uri in ("file:///c%3A/pod.yaml", "file:///c:/pod.yaml"):
        shown = json.loads(f"[{array(texts.of_file(uri, file, project))}]")
        places = {r["location"]["uri"] for one in shown for r in one.get("relatedInformation", ())}
        assert places == {uri}


def test_what_policies_say_points_to_where_they_stand_now(folder: Path) -> None:
    """Of places in other files the lines are known until those are edited, whether they are judged or not."""
    ruleset = configure(folder)[0].ruleset
    project = Project(Evaluator(ruleset, Evidence(Session().day)))
    texts = DiagnosticTexts(Capabilities(related_information=True))
    says = policy("object.metadata.name == 'b'", name="p")

    def lines(project: Project) -> set[int]:
        shown = json.loads(
            f"[{array(texts.of_file('file:///pod.yaml', project.files['pod.yaml'], project))}]"
        )
        places = [r for one in shown for r in one.get("relatedInformation", ())]
        return {r["location"]["range"]["start"]["line"] for r in places if r["location"]["uri"] == "p.yaml"}

    project = project.with_file("p.yaml", says)
    project = project.with_file("pod.yaml", POD.format(name="a", privileged="false"))
    assert lines(project) == {0}
    moved = f"# 100%\n---\n{says}"
    assert lines(project.with_file("p.yaml", moved)) == {2}
    declared = project.with_objects("p.yaml", objects_of("p.yaml", moved, ruleset))
    assert lines(declared) == {2}
    assert lines(project.with_objects("p.yaml", objects_of("p.yaml", says, ruleset))) == {0}


def excluding(session: Session, folder: Path, control: str) -> None:
    """Read settings of a folder that leave one control out."""
    (folder / ".kscan.yaml").write_text(f"{SETTINGS}controls: {{exclude: [{control}]}}\n")
    session.configure(folder, configure(folder)[0])


def test_a_buffer_checked_by_settings_that_hold_no_more_is_checked_again(folder: Path) -> None:
    session = session_of(folder)
    path = folder / "pod-05.yaml"
    opened(session, path, path.read_text())
    request = session.take_next_step(folder)
    assert isinstance(request, CheckRequest)
    result = check(request)
    excluding(session, folder, "C-0057")
    session.accept(request, result)
    document = session.documents[path.as_uri()]
    assert not session.is_current(document)
    assert document.checked.parts == ()
    assert session.workspaces[folder].project.files == {}
    searched(session, folder)
    finished(session, folder)
    assert document.checked.parts
    assert not any(finding.control == "C-0057" for _, finding in document.checked.findings())


def test_files_settled_by_settings_that_hold_no_more_are_not_kept(folder: Path) -> None:
    session = session_of(folder)
    while not isinstance(step := session.take_next_step(folder), SettleFiles):
        assert step is not None
        done(session, step)
    excluding(session, folder, "C-0260")
    session.keep(step, settle_files(step))
    assert session.workspaces[folder].project.files == {}
    assert session.workspaces[folder].waiting == {}


def test_a_check_of_a_document_that_was_closed_is_none_of_one_opened_in_its_place(folder: Path) -> None:
    session = session_of(folder)
    path = folder / "pod-05.yaml"
    opened(session, path, POD.format(name="p5", privileged="true"))
    request = session.take_next_step(folder)
    assert isinstance(request, CheckRequest)
    session.close(path.as_uri())
    opened(session, path, POD.format(name="p5", privileged="false"))  # with the same version
    session.accept(request, check(request))
    document = session.documents[path.as_uri()]
    assert not session.is_current(document)
    finished(session, folder)
    assert session.is_current(document)
    assert not any(finding.control == "C-0057" for _, finding in document.checked.findings())


def test_a_check_for_a_folder_that_a_document_is_no_longer_of_is_not_kept(folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    session = session_of(folder)
    path = inner / "pod.yaml"
    opened(session, path, POD.format(name="p", privileged="true"))
    request = session.take_next_step(folder)
    assert isinstance(request, CheckRequest)
    session.set_folders([folder, inner])
    session.configure(inner, configure(inner)[0])
    session.accept(request, check(request))
    assert session.documents[path.as_uri()].checked_revision == -1
    assert session.workspaces[folder].project.files == {}
    request = session.take_next_step(inner)
    assert isinstance(request, CheckRequest)
    done(session, request)
    assert path.as_uri() in session.workspaces[inner].project.files


def test_the_folder_of_a_single_file_is_searched_when_it_becomes_one_of_the_workspace(folder: Path) -> None:
    session = Session()
    path = folder / "pod-05.yaml"
    opened(session, path, path.read_text())
    session.configure(folder, configure(folder)[0])
    while step := session.take_next_step(folder):
        done(session, step)
    assert not session.workspaces[folder].wants_search()
    forgotten = session.set_folders([folder])
    assert [workspace.root for workspace in forgotten] == [folder]
    session.configure(folder, configure(folder)[0])
    assert session.workspaces[folder].wants_search()
    session.workspaces[folder].searching = True
    assert not session.workspaces[folder].wants_search()


def test_what_is_known_of_a_folder_goes_when_another_takes_its_documents(folder: Path) -> None:
    session = Session()
    path = folder / "pod-05.yaml"
    opened(session, path, path.read_text())
    session.configure(folder, configure(folder)[0])
    session.set_folders([folder.parent])
    assert session.documents[path.as_uri()].root == folder.parent
    assert session.workspaces == {}


def test_files_are_looked_for_only_where_they_matter(folder: Path) -> None:
    session = Session()
    session.set_folders([folder])
    for settings, wanted in (
        ("frameworks: []\ncontrols: {include: [C-0057]}\nadmission: {evaluate: false}\n", False),
        ("frameworks: []\ncontrols: {include: [C-0057]}\n", True),  # there may be admission policies
        ("frameworks: []\ncontrols: {include: [C-0260]}\nadmission: {evaluate: false}\n", True),
        ("frameworks: []\ncontrols: {include: [C-0057]}\ndiagnostics: workspace\n", True),
    ):
        (folder / ".kscan.yaml").write_text(settings)
        session.configure(folder, configure(folder)[0])
        assert session.workspaces[folder].wants_search() == wanted


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ("controls: {exclude: [C-0057]}\n", True),
        ("exclude: [pod-05.yaml]\n", False),
        ("podSpecPaths: [{kind: Rollout, group: argoproj.io, path: spec.template}]\n", False),
        ("diagnostics: workspace\n", False),
        # nothing in it asks for other objects
        ("frameworks: []\ncontrols: {include: [C-0057]}\nadmission: {evaluate: false}\n", False),
        (None, False),  # what is excluded is so from the folder of the settings
    ],
)
def test_what_was_read_of_files_counts_under_settings_that_read_the_same(
    folder: Path, settings: str | None, kept: bool
) -> None:
    every = "frameworks: [allcontrols]\n"
    (folder / ".kscan.yaml").write_text(every)
    session = session_of(folder)
    index = finished(session, folder).index
    assert len(index.files) == 13
    if settings is None:
        (folder / ".kscan.yaml").unlink()
        session.configure(folder, configure(folder, section={"frameworks": ["allcontrols"]})[0])
    else:
        (folder / ".kscan.yaml").write_text((every if "frameworks" not in settings else "") + settings)
        session.configure(folder, configure(folder)[0])
    workspace = session.workspaces[folder]
    assert (workspace.project.index is index) == kept
    assert workspace.searched == kept
    if kept:
        workspace.outdated = True
        session.configure(folder, configure(folder)[0])
        assert not session.workspaces[folder].searched


def test_the_buffer_edited_last_is_checked_first(folder: Path) -> None:
    session = session_of(folder)
    first, second = folder / "pod-01.yaml", folder / "pod-02.yaml"
    opened(session, first, first.read_text())
    opened(session, second, second.read_text())
    request = session.buffer_to_check(folder)
    assert request is not None
    assert request.path == second
    session.change(first.as_uri(), 2, [types.TextDocumentContentChangeWholeDocument(first.read_text())])
    request = session.buffer_to_check(folder)
    assert request is not None
    assert request.path == first


def test_a_document_follows_what_rests_on_others(folder: Path) -> None:
    session = session_of(folder)
    path = folder / "pod-05.yaml"
    opened(session, path, path.read_text())
    document = session.documents[path.as_uri()]

    def follows() -> tuple[bool, bool]:
        """Whether there is anything to publish, and whether no policy selects it."""
        document.unpublished = False
        session.update_documents(folder)
        return document.unpublished, any(f.control == "C-0260" for _, f in document.checked.findings())

    step = session.take_next_step(folder)
    assert step is not None
    done(session, step)
    assert document.unpublished
    assert follows() == (False, False), "not known yet"
    finished(session, folder)
    assert follows() == (True, True)
    assert follows() == (False, True)
    policy = folder / "policy.yaml"
    opened(session, policy, POLICY.format(app="p5"))
    finished(session, folder)
    assert follows() == (True, False)


def test_a_file_that_is_open_is_not_read_from_disk(folder: Path) -> None:
    session = session_of(folder)
    path = folder / "pod-05.yaml"
    opened(session, path, "kind: of other text\n")
    finished(session, folder)
    session.reread(path.as_uri(), path)
    assert session.take_next_step(folder) is None
    session.close(path.as_uri())
    reading = session.take_next_step(folder)
    assert isinstance(reading, ReadFile)
    assert reading.path == path


def test_policies_are_no_manifests(folder: Path) -> None:
    (folder / ".kscan.yaml").write_text(f"{SETTINGS}policies: [pod-05.yaml]\n")
    session = session_of(folder)
    assert (folder / "pod-05.yaml").as_uri() in session.workspaces[folder].waiting
    project = finished(session, folder)
    assert len(project.files) == 12
    assert (folder / "pod-05.yaml").as_uri() not in project.files


@pytest.mark.parametrize("judging", [True, False])
def test_what_cannot_be_read_is_a_problem_where_all_files_are_judged(folder: Path, judging: bool) -> None:
    (folder / ".kscan.yaml").write_text(
        SETTINGS if judging else SETTINGS.replace("diagnostics: workspace\n", "")
    )
    (folder / "binary.yaml").write_bytes(b"kind: Pod\n# \xc3\x28\n")
    project = finished(session_of(folder), folder)
    assert ((folder / "binary.yaml").as_uri() in project.files) == judging


def test_questions_change_nothing(folder: Path) -> None:
    session = session_of(folder)
    path = folder / "pod-05.yaml"
    opened(session, path, path.read_text())
    assert session.buffer_to_check(folder) == session.buffer_to_check(folder)
    step = session.take_next_step(folder)
    assert isinstance(step, CheckRequest)
    done(session, step)
    assert session.buffer_to_check(folder) is None
    reading = session.take_next_step(folder)
    assert isinstance(reading, ReadFile)
    assert session.project_for(reading) is session.project_for(reading) is not None
    following = session.take_next_step(folder)
    assert following is not None
    assert following.key != reading.key, "what was taken is not taken again"


def test_what_is_taken_as_unpublished_is_published(folder: Path) -> None:
    session = session_of(folder)
    path = folder / "pod-05.yaml"
    opened(session, path, path.read_text())
    workspace = session.workspaces[folder]
    finished(session, folder)
    keys = {key for key, _ in workspace.take_unpublished(session.open_keys())}
    assert len(keys) == 11
    assert path.as_uri() not in keys, "an open document is published apart"
    assert workspace.take_unpublished(session.open_keys()) == []
    other = folder / "pod-06.yaml"
    other.write_text(POD.format(name="p6", privileged="false"))
    session.reread(other.as_uri(), other)
    finished(session, folder)
    assert [key for key, _ in workspace.take_unpublished(session.open_keys())] == [other.as_uri()]
    cleared = workspace.take_unpublished(session.open_keys(), shown=False)
    assert {key for key, _ in cleared} == keys
    assert {file for _, file in cleared} == {None}


def test_what_is_yet_to_be_read_stays_shown_as_it_was(folder: Path) -> None:
    session = session_of(folder)
    finished(session, folder)
    assert session.workspaces[folder].take_unpublished(set())
    excluding(session, folder, "C-0057")
    workspace = session.workspaces[folder]
    assert workspace.take_unpublished(set()) == [], "nothing is known yet of what there is to show"
    searched(session, folder)
    gone = folder / "pod-05.yaml"
    del workspace.waiting[gone.as_uri()]
    assert workspace.take_unpublished(set()) == [(gone.as_uri(), None)]


def test_a_folder_whose_reading_was_stopped_is_settled_but_not_complete(folder: Path) -> None:
    session = session_of(folder)
    workspace = session.workspaces[folder]
    step = session.take_next_step(folder)
    assert step is not None
    done(session, step)
    assert not session.is_settled(folder)
    workspace.stop()
    assert session.take_next_step(folder) is None
    assert session.is_settled(folder)
    assert not workspace.is_complete()
    assert not workspace.project.whole, "nothing is said that rests on others"


def test_why_a_file_is_left_alone_is_asked_once_for_what_it_depends_on(folder: Path) -> None:
    (folder / ".kscan.yaml").write_text(f"{SETTINGS}exclude: [pod-05.yaml]\n")
    session = session_of(folder)
    path = folder / "pod-05.yaml"
    opened(session, path, path.read_text())

    def edited(version: int) -> CheckRequest:
        text = types.TextDocumentContentChangeWholeDocument(path.read_text() + f"# {version}\n")
        session.change(path.as_uri(), version, [text])
        request = session.buffer_to_check(folder)
        assert request is not None
        session.accept(request, check(request))
        return request

    assert edited(2).skip_reason is None
    assert edited(3).skip_reason == "excluded"
    assert session.documents[path.as_uri()].checked.skipped == "excluded"
    searched(session, folder)  # there may be other kustomizations now
    assert edited(4).skip_reason is None
    assert edited(5).skip_reason == "excluded"
    session.configure(folder, configure(folder)[0])
    assert edited(6).skip_reason == "excluded", "it is excluded by what is as it was"
    (folder / ".kscan.yaml").write_text(f"{SETTINGS}exclude: [pod-05.yaml, other.yaml]\n")
    session.configure(folder, configure(folder)[0])
    assert edited(7).skip_reason is None


def test_what_was_found_by_other_settings_does_not_stay_in_what_cannot_be_read(folder: Path) -> None:
    session = session_of(folder)
    path = folder / "pod-05.yaml"
    opened(session, path, path.read_text())
    finished(session, folder)
    request = session.documents[path.as_uri()].request(session.workspaces[folder])
    assert request.previous is session.documents[path.as_uri()].checked
    assert session.is_current(session.documents[path.as_uri()])
    excluding(session, folder, "C-0057")
    assert session.documents[path.as_uri()].request(session.workspaces[folder]).previous is None
    assert not session.is_current(session.documents[path.as_uri()])
