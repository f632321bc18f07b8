"""Steps of the work on a folder, in any order that events can bring about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from lsprotocol import types

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.convert import DiagnosticTexts, array
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
from kscan_lsp.workspace.project import Project, check_file

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
