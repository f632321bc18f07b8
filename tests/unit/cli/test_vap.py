"""`kscan vap test`: what admission policies say of manifests, and whether that is expected."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from support.admitting import policy
from typer.testing import CliRunner

from kscan_lsp.cli.main import app

if TYPE_CHECKING:
    from pathlib import Path

OWNER = "has(object.metadata.labels) && 'owner' in object.metadata.labels"
WEB = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostNetwork: true
  containers: [{name: web, image: web}]
"""
MARKED = WEB.replace("hostNetwork: true\n", "hostNetwork: true\n# ^^^^^^^^^^^^^^^^^ VAP/host\n")
HOST = "!object.spec.?hostNetwork.orValue(false)"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def alone(text: str) -> str:
    """A policy without its binding."""
    return text.partition("\n---\n")[0]


def vap_test(here: Path, *arguments: str, **files: str) -> tuple[int, str, str]:
    for name, text in files.items():
        (here / f"{name}.yaml").write_text(text)
    result = CliRunner().invoke(app, ["vap", "test", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def verdicts(here: Path, *arguments: str, **files: str) -> dict[tuple[str, str], dict[str, Any]]:
    _, out, _ = vap_test(here, "--format", "json", *arguments, **files)
    return {(one["policy"], one["resource"]["name"]): one for one in json.loads(out)["verdicts"]}


def test_each_policy_says_of_each_object_what_it_says(here: Path) -> None:
    status, out, errors = vap_test(
        here,
        host=policy(HOST, name="host"),
        owner=policy(OWNER, name="owner", binding={"validationActions": ["Warn"]}),
        sees=policy("object.spec.hostNetwork == true", name="sees"),
        idle=policy("true", name="idle", matchConstraints={"resourceRules": []}),
        asks=policy("authorizer.group('').resource('pods').check('get').allowed()", name="asks"),
        web=WEB,
    )
    assert out.splitlines() == [
        "asks (asks.yaml:1)",
        "  not evaluated  Pod web (web.yaml:4)",
        "      'authorizer.group('').resource('pods').check('get').allowed()' needs the cluster's authorizer",
        "host (host.yaml:1)",
        "  denied         Pod web (web.yaml:4)",
        "      web.yaml:6:3: failed expression: !object.spec.?hostNetwork.orValue(false)",
        "          hostNetwork: true",
        "          ^^^^^^^^^^^^^^^^^",
        "idle (idle.yaml:1)",
        "  is about none of these objects",
        "owner (owner.yaml:1)",
        "  warned         Pod web (web.yaml:4)",
        f"      web.yaml:3:1: failed expression: {OWNER}",
        "        metadata:",
        "        ^^^^^^^^",
        "sees (sees.yaml:1)",
        "  admitted       Pod web (web.yaml:4)",
        "5 policies, 4 verdicts: 1 admitted, 1 warned, 1 denied, 1 not evaluated",
    ]
    assert (status, errors) == (3, "")
    assert vap_test(here, "--allow-unscanned")[0] == 1
    (here / "asks.yaml").unlink()
    assert vap_test(here)[0] == 1
    (here / "host.yaml").unlink()
    assert vap_test(here)[0] == 0  # a warning refuses nothing


def test_a_policy_without_a_binding_is_taken_for_bound(here: Path) -> None:
    status, out, _ = vap_test(here, host=alone(policy(HOST, name="host")), web=WEB)
    assert status == 1
    assert "host (host.yaml:1), taken for bound with Deny: no binding here binds it" in out
    assert verdicts(here)["host", "web"]["answer"] == "denied"


def test_without_a_binding_all_params_of_its_kind_count(here: Path) -> None:
    text = policy(
        "object.metadata.name in params.data",
        name="named",
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
        matchConstraints={
            "resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["pods"]}
            ]
        },
    )
    files = {"named": alone(text), "web": WEB}
    assert verdicts(here, **files)["named", "web"]["reason"] == (
        "no file has the ConfigMap that binding 'named' selects, which has the params"
    )
    names = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: names}\ndata: {web: ''}\n"
    assert verdicts(here, names=names)["named", "web"]["answer"] == "admitted"
    assert verdicts(here, names=names.replace("web", "db"))["named", "web"]["answer"] == "denied"


@pytest.mark.parametrize(
    ("manifest", "status", "said"),
    [
        (MARKED, 0, "(as marked)"),
        (MARKED.replace("true", "false"), 1, "marked, and 'host' objects to nothing there"),
        (MARKED.replace("# ^", "#  "), 1, "(not marked)"),
        (MARKED.replace("VAP/host", "VAP/other"), 1, "marked, and 'other' objects to nothing there"),
        (MARKED.replace("VAP/host", "C-0041"), 1, "denied"),
        (WEB, 1, "denied"),
        (WEB.replace("true", "false"), 0, "admitted"),
    ],
)
def test_marks_say_what_is_expected(here: Path, manifest: str, status: int, said: str) -> None:
    found, out, _ = vap_test(here, host=policy(HOST, name="host"), web=manifest)
    assert found == status
    assert said in out


def test_in_a_file_with_marks_a_warning_has_to_be_marked_too(here: Path) -> None:
    owner = policy(OWNER, name="owner", binding={"validationActions": ["Warn"]})
    files = {"host": policy(HOST, name="host"), "owner": owner}
    status, out, _ = vap_test(here, **files, web=MARKED)
    assert (status, out.count("(not marked)")) == (1, 1)
    both = MARKED.replace("metadata:\n", "metadata:\n# <^^^^^^^^ VAP/owner\n")
    status, out, _ = vap_test(here, web=both)
    assert (status, out.count("(as marked)")) == (0, 2)
    assert out.endswith("1 warned, 1 denied, 2 of 2 marks met\n")


def test_what_kscan_accepts_counts_for_nothing(here: Path) -> None:
    accepted = WEB.replace("hostNetwork: true", "hostNetwork: true # kscan:ignore VAP/host -- agreed")
    (here / ".kscan.yaml").write_text("controls: {exclude: [VAP/host]}\nadmission: {evaluate: false}\n")
    assert vap_test(here, host=policy(HOST, name="host"), web=accepted)[0] == 1


UPDATES = {
    "resourceRules": [
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["pods"]}
    ]
}


def test_what_was_there_before_is_updated(here: Path) -> None:
    same = policy(
        "object.spec.hostNetwork == oldObject.spec.hostNetwork", name="same", matchConstraints=UPDATES
    )
    files = {"same": same, "web": WEB, "db": WEB.replace("web", "db")}
    unknown = "'object.spec.hostNetwork == oldObject.spec.hostNetwork' needs the object as it was before (oldObject)"
    assert {one["reason"] for one in verdicts(here, **files).values()} == {unknown}
    old = here / "old" / "web.yaml"
    old.parent.mkdir()
    old.write_text(WEB.replace("true", "false"))
    found = verdicts(here, "--old", str(old), "same.yaml", "web.yaml", "db.yaml")
    assert found["same", "web"]["answer"] == "denied"
    assert found["same", "web"]["objections"][0]["path"] == "spec.hostNetwork"
    assert found["same", "db"]["reason"] == unknown
    old.write_text(WEB)
    found = verdicts(here, "--old", str(old), "same.yaml", "web.yaml")
    assert found["same", "web"]["answer"] == "admitted"


def test_an_update_is_no_creation(here: Path) -> None:
    create = {"resourceRules": [{**UPDATES["resourceRules"][0], "operations": ["CREATE"]}]}
    (here / "old").write_text(WEB)
    files = {"host": policy(HOST, name="host", matchConstraints=create), "web": WEB}
    assert ("host", "web") in verdicts(here, "host.yaml", "web.yaml", **files)
    assert verdicts(here, "--old", "old", "host.yaml", "web.yaml") == {}


def about(*operations: str) -> dict[str, Any]:
    return {"resourceRules": [{**UPDATES["resourceRules"][0], "operations": [*operations]}]}


def test_what_is_there_no_more_is_deleted(here: Path) -> None:
    keep = policy(
        "object == null && request.operation == 'DELETE' && request.name == oldObject.metadata.name"
        " && oldObject.metadata.?labels.keep.orValue('') != 'yes'",
        name="keep",
        matchConstraints=about("DELETE"),
    )
    kept = WEB.replace("name: web\n", "name: kept\n  labels: {keep: 'yes'}\n", 1)
    (here / "old").write_text("\n---\n".join([WEB, kept, WEB.replace("web", "free")]))
    files = {"keep": keep, "web": WEB}
    found = verdicts(here, "--old", "old", "keep.yaml", "web.yaml", **files)
    assert {name: one["answer"] for (_, name), one in found.items()} == {"kept": "denied", "free": "admitted"}
    (one,) = found["keep", "kept"]["objections"]
    assert (one["file"], one["range"]["start"], one["path"]) == (
        "old",
        {"line": 13, "column": 3},
        "metadata.name",
    )
    assert found["keep", "kept"]["operation"] == "DELETE"
    status, out, _ = vap_test(here, "--old", "old", "keep.yaml", "web.yaml")
    assert status == 1
    assert "denied         Pod kept (deleted; old:13)" in out
    assert (
        'name="Pod kept (deleted; old:13)"'
        in vap_test(here, "--format", "junit", "--old", "old", "keep.yaml", "web.yaml")[1]
    )
    assert verdicts(here, "keep.yaml", "web.yaml") == {}


@pytest.mark.parametrize(
    ("operations", "expression", "answer"),
    [
        (["CREATE", "UPDATE"], "false", None),
        (["*"], "object != null", "denied"),
        (["*"], "oldObject != null", "admitted"),
        # as in a cluster, where that is an error
        (["DELETE"], "object.spec.hostNetwork == true", "denied"),
        (["DELETE"], "request.userInfo.username == 'a'", "not evaluated"),
    ],
)
def test_a_deletion_is_asked_about_as_such(
    here: Path, operations: list[str], expression: str, answer: str | None
) -> None:
    (here / "old").write_text(WEB)
    one = policy(expression, name="p", matchConstraints=about(*operations))
    found = verdicts(here, "--old", "old", "p.yaml", "db.yaml", p=one, db=WEB.replace("web", "db"))
    assert found.get(("p", "web"), {}).get("answer") == answer


@pytest.mark.parametrize("broken", ["kind: [", "\0"])
def test_what_may_be_in_a_file_that_cannot_be_read_is_not_known_to_be_deleted(
    here: Path, broken: str
) -> None:
    (here / "old").write_text(WEB)
    files = {"p": policy("false", name="p", matchConstraints=about("DELETE")), "broken": broken}
    status, out, _ = vap_test(here, "--old", "old", "p.yaml", "broken.yaml", **files)
    assert status == 3
    assert "not evaluated  Pod web (deleted; old:4)" in out
    assert "it is not known whether it is deleted: not all files could be read or rendered" in out


def test_selectors_select_what_is_deleted_by_the_labels_that_it_had(here: Path) -> None:
    matching = {**about("DELETE"), "objectSelector": {"matchLabels": {"app": "web"}}}
    (here / "old").write_text(
        WEB.replace("name: web\n", "name: a\n  labels: {app: web}\n", 1) + "---\n" + WEB
    )
    one = policy("false", name="p", matchConstraints=matching)
    assert [*verdicts(here, "--old", "old", "p.yaml", "db.yaml", p=one, db=WEB.replace("web", "db"))] == [
        ("p", "a")
    ]


@pytest.mark.parametrize("text", ["", "a: b\n", "\0", "apiVersion: v1\nkind: {"])
def test_a_file_that_says_nothing_of_before_is_refused(here: Path, text: str) -> None:
    (here / "old").write_text(text)
    status, _, errors = vap_test(here, "--old", "old", "host.yaml", host=policy(HOST), web=WEB)
    assert status == 2
    assert "'old' cannot say what objects were before" in errors
    assert vap_test(here, "--old", "none", "host.yaml")[0] == 2


def test_without_a_policy_there_is_nothing_to_test(here: Path) -> None:
    status, out, errors = vap_test(here, "web.yaml", web=WEB)
    assert (status, out) == (2, "")
    assert "there is no ValidatingAdmissionPolicy in web.yaml" in errors


def test_a_policy_that_is_wrong_fails(here: Path) -> None:
    status, _, errors = vap_test(here, "--allow-unscanned", host=policy("object.spec.", name="host"), web=WEB)
    assert status == 2
    assert "host.yaml:1:" in errors
    assert "Syntax error" in errors


def test_what_cannot_be_read_is_no_pass(here: Path) -> None:
    files = {"host": policy(HOST, name="host"), "web": "apiVersion: v1\nkind: Pod\nspec: {a: [}\n---\n" + WEB}
    status, _, errors = vap_test(here, **files)
    assert status == 3
    assert "web.yaml:" in errors


def test_junit_has_a_case_for_each_object(here: Path) -> None:
    asks = policy("authorizer.path('/').check('get').allowed()", name="asks")
    _, out, _ = vap_test(
        here,
        "--format",
        "junit",
        asks=asks,
        host=policy([{"expression": HOST, "message": "a<b & \x1b"}], name="host"),
        web=MARKED.replace("# ^", "#  "),
    )
    suites = {suite.get("name"): suite for suite in ET.fromstring(out)}  # noqa: S314
    assert [suites["asks"].get(name) for name in ("tests", "failures", "skipped")] == ["1", "0", "1"]
    assert [suites["host"].get(name) for name in ("tests", "failures", "skipped")] == ["1", "1", "0"]
    (failure,) = suites["host"].iter("failure")
    assert failure.text == "web.yaml:6:3: a<b & \u241b"
    assert suites["marks"].get("failures") == "1"
