"""Exceptions accept what they say, from where they stand until when they say, and nothing that they do not say."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.reporting import SCHEMA
from typer.testing import CliRunner

from kscan_lsp.cli import request
from kscan_lsp.cli.main import app
from kscan_lsp.dispositions.exceptions import ExceptionRule
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.settings.exceptions import ExceptionsFile
from kscan_lsp.settings.json_schema import schema_of
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.project import Project

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  labels: {team: payments, tier: web}
spec:
  containers:
  - name: api
    image: registry.example/api:1.0
    securityContext:
      privileged: true
"""
SETTINGS = "frameworks: [nsa]\ncontrols: {include: [C-0057]}\n"
ONLY = "frameworks: []\ncontrols: {include: [C-0057]}\n"
TODAY = date(2026, 6, 1)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(request, "today", lambda: TODAY)
    monkeypatch.setattr("kscan_lsp.cli.scan_command.today", lambda: TODAY)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".kscan").mkdir()
    (tmp_path / "apps/old").mkdir(parents=True)
    (tmp_path / ".kscan.yaml").write_text(ONLY)
    (tmp_path / "apps/web.yaml").write_text(POD)
    return tmp_path


def say(text: str, folder: Path = Path(), name: str = ".kscan/exceptions.yaml") -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def one(**entry: object) -> str:
    """A file with one exception."""
    return json.dumps({"exceptions": [entry]})


def report(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["scan", "--format", "json", *arguments])
    assert result.stdout, result.stderr
    made = json.loads(result.stdout)
    jsonschema.validate(made, SCHEMA)
    return {**made, "exit": result.exit_code}


def accepted(*arguments: str) -> list[str]:
    """The files of accepted findings of C-0057."""
    found = report(*arguments)["findings"]
    return [one["file"] for one in found if one["status"] == "accepted" and one["control"] == "C-0057"]


def said(*arguments: str) -> list[tuple[str, int, str]]:
    return [(one["file"], one["line"], one["message"]) for one in report(*arguments)["problems"]]


def messages() -> list[str]:
    """What is wrong with the exceptions, without a scan, which would also say what is of no use."""
    configuration, words = configure(Path.cwd(), today=TODAY)
    return [*words, *(problem.message for _, _, problem in configuration.problems)]


# What an entry is about


@pytest.mark.parametrize(
    "entry",
    [
        {"controls": ["C-0057"]},
        {"controls": "c-0057"},
        {"controls": ["Privileged container"]},
        {"controls": ["C-9999", "C-0057"]},
        {"controls": ["C-005?"], "names": ["web"]},
        {"controls": ["*privileged*"]},
        {"frameworks": ["nsa"], "names": ["w*"]},
        {"names": ["other", "web"]},
        {"names": ["w?b"]},
        {"namespaces": ["shop"]},
        {"namespaces": ["sh*"]},
        {"kinds": ["Pod"]},
        {"kinds": ["*od"]},
        {"labels": {"team": "payments"}},
        {"labels": {"team": ["other", "pay*"], "tier": "web"}},
        {"paths": ["apps/"]},
        {"paths": ["/apps/web.yaml"]},
        {"paths": ["web.yaml"]},
        {"paths": ["**/*.yaml", "!old/"], "kinds": ["Pod"]},
        {"paths": ["a*/w*.yaml"]},
        {
            "controls": ["C-0057"],
            "names": ["web"],
            "kinds": ["Pod"],
            "namespaces": ["shop"],
            "paths": ["apps"],
        },
    ],
    ids=str,
)
def test_an_entry_is_about_what_all_its_conditions_say(entry: dict[str, Any]) -> None:
    say(one(**entry, reason="known"))
    assert accepted(".") == ["apps/web.yaml"]


@pytest.mark.parametrize(
    "entry",
    [
        {"controls": ["C-0046"]},
        {"controls": ["C-9999"]},
        {"frameworks": ["mitre"], "controls": ["C-0046"], "names": ["web"]},
        {"frameworks": ["no-such"], "names": ["web"]},
        {"controls": ["C-0057"], "names": ["we"]},
        {"names": ["WEB"]},
        {"names": ["eb"]},
        {"namespaces": ["default"]},
        {"kinds": ["pod"]},
        {"labels": {"team": "payments", "tier": "db"}},
        {"labels": {"missing": "*"}},
        {"paths": ["old/"]},
        {"paths": ["/web.yaml"]},
        {"paths": ["apps/*", "!apps/web.yaml"]},
        {"paths": ["web.yaml/"]},
        {"names": ["web"], "namespaces": ["other"]},
    ],
    ids=str,
)
def test_an_entry_is_about_nothing_else(entry: dict[str, Any]) -> None:
    say(one(**entry, reason="known"))
    assert accepted(".") == []


def test_a_report_says_who_accepted_what_until_when_and_where() -> None:
    say(
        "# why\nexceptions:\n- controls: [C-0057]\n  names: [web]\n  reason: a driver\n  owner: platform\n"
        "  ticket: SEC-1\n  approvedBy: ciso\n  until: 2026-12-31\n"
    )
    made = report(".")
    assert made["exit"] == 0
    assert made["findings"][0]["accepted"] == {
        "by": "exception", "reason": "a driver", "owner": "platform", "until": "2026-12-31", "ticket": "SEC-1",
        "approvedBy": "ciso", "file": ".kscan/exceptions.yaml", "line": 3,
    }  # fmt: skip


@pytest.mark.parametrize("form", ["sarif", "markdown", "html", "csv", "policyreport"])
def test_every_form_that_has_accepted_findings_says_so(form: str) -> None:
    say(
        one(
            controls=["C-0057"],
            reason="a driver",
            owner="platform",
            approvedBy="ciso",
            ticket="SEC-1",
            until="2026-12-31",
        )
    )
    result = CliRunner().invoke(
        app, ["scan", "--format", form, *(["--sarif-accepted"] if form == "sarif" else []), "."]
    )
    for word in ("a driver", "platform", "ciso", "SEC-1", "2026-12-31", "exceptions.yaml"):
        assert word in result.stdout.replace("\\", ""), word


def test_what_stands_nearer_goes_before() -> None:
    say(one(controls=["C-0057"], reason="far"))
    Path("apps/web.yaml").write_text(
        POD.replace("privileged: true", "privileged: true # kscan:ignore C-0057 -- near")
    )
    assert [one["accepted"]["reason"] for one in report(".")["findings"]] == ["near"]


# What counts as nothing


@pytest.mark.parametrize("key", ["controls", "paths", "namespaces", "kinds", "names", "frameworks", "labels"])
@pytest.mark.parametrize("empty", ["[]", "", "{}", "['']", "''", "null", "[null]", "[3]", "3"])
def test_a_condition_that_says_nothing_is_no_condition_that_all_meet(key: str, empty: str) -> None:
    say(f"exceptions:\n- reason: x\n  {key}: {empty}\n")
    assert accepted(".") == []
    assert any(key in message or "accepts nothing" in message for message in messages())


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"reason": "all is well"},
        {"controls": ["*"]},
        {"controls": ["C-*", "KS-*"], "names": ["*"]},
        {"paths": ["**"]},
        {"paths": ["apps", "/*"]},
        {"kinds": ["*"], "namespaces": ["?*"]},
        {"frameworks": ["allcontrols"]},
    ],
    ids=str,
)
def test_an_entry_that_is_about_everything_is_about_nothing(entry: dict[str, Any]) -> None:
    say(one(**entry))
    assert accepted(".") == []
    assert [message for message in messages() if "it would accept every finding" in message]


def test_an_entry_for_all_of_the_chosen_framework_is_about_everything() -> None:
    Path(".kscan.yaml").write_text("frameworks: [nsa]\n")
    say(one(frameworks=["nsa"]))
    assert accepted(".") == []


def test_a_broken_entry_costs_itself_and_says_where() -> None:
    say(
        "exceptions:\n- names: [web]\n  namespace: shop\n- controls: [C-0057]\n  until: soon\n- kinds: [Pod]\n"
    )
    assert accepted(".") == ["apps/web.yaml"]
    assert report(".")["exit"] == 2
    assert said(".") == [
        (".kscan/exceptions.yaml", 3, "unknown key 'namespace'; did you mean 'namespaces'?"),
        (".kscan/exceptions.yaml", 5, "'until' must be a day, such as 2027-01-31"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "exceptions: [", "exceptions: {names: [web]}", "3", "- names: [web]", "exceptions: [[web]]",
        "exceptions:\n- names: [web]\n  names: [web]\n", "exceptions:\n- names: [web]\n---\nexceptions: []\n", "\0",
        "exceptions:\n- names: !x [web]\n", "exceptions:\n- <<: [*x]\n", "names: [web]",
        '{"exceptions": [{"names": "\\ud800*"}]}',
    ],
)  # fmt: skip
def test_what_is_no_list_of_exceptions_accepts_nothing_and_is_said(text: str) -> None:
    say(text)
    assert accepted(".") == []
    assert said(".")


@pytest.mark.parametrize("path", ["./apps", "../apps", "C:\\\\apps", "~/apps", "file:///apps"])
def test_a_path_that_can_match_nothing_is_said(path: str) -> None:
    say(one(paths=[path.replace("\\\\", "\\")]))
    assert ["matches no file" in message for message in messages()] == [True]


def test_of_too_many_entries_the_last_count_for_nothing() -> None:
    entries = [{"names": [f"n{number}"]} for number in range(10_000)]
    say(json.dumps({"exceptions": [*entries, {"controls": ["C-0057"]}]}))
    assert statuses(project_of(Path(".kscan/exceptions.yaml").read_text())) == [("open", "")]
    assert messages() == ["more than 10,000 exceptions are not read: from here on none counts"]
    say("#" * 5_000_001)
    assert "it has more than 5,000,000 characters" in messages()[0]


# Days


@pytest.mark.parametrize(
    ("until", "counts", "what"),
    [
        ("2026-05-31", False, "expired on 2026-05-31"),
        ("2026-06-01", True, "ends today"),
        ("2026-06-02", True, "ends tomorrow"),
        ("2026-06-15", True, "ends in 14 days"),
        ("2026-06-16", True, ""),
    ],
)
def test_an_exception_counts_to_the_end_of_its_last_day(until: str, counts: bool, what: str) -> None:
    say(one(controls=["C-0057"], until=until))
    made = report(".")
    assert made["exit"] == (0 if counts else 1), "an expired one leaves the rest to the finding"
    assert bool(accepted(".")) == counts
    assert [what in message for _, _, message in said(".")] == ([True] if what else [])


def test_settings_ask_for_a_reason_and_a_longest_time() -> None:
    Path(".kscan.yaml").write_text(f"{ONLY}exceptions: {{requireReason: true, maxDays: 90}}\n")
    for entry, why in (
        ({"reason": "x"}, "without a last day, at most 90 days"),
        ({"until": "2026-07-01"}, "without a reason"),
        ({"reason": "TODO: say why", "until": "2026-07-01"}, "has no reason yet"),
        ({"reason": " ", "until": "2026-07-01"}, "without a reason"),
        ({"reason": "x", "until": "2026-08-31"}, "2026-08-31 is more than 90 days away"),
    ):
        say(one(controls=["C-0057"], **entry))
        assert accepted(".") == [], entry
        assert [why in message for message in messages()] == [True], entry
    say(one(controls=["C-0057"], reason="x", until="2026-08-30"))
    assert accepted(".") == ["apps/web.yaml"]


def test_an_editor_that_names_files_leaves_what_is_asked(here: Path) -> None:
    Path(".kscan.yaml").write_text(f"{ONLY}exceptions: {{requireReason: true}}\n")
    say(one(controls=["C-0057"]), name="mine.yaml")
    configuration, _ = configure(here, section={"exceptions": ["mine.yaml"]}, today=TODAY)
    assert ["without a reason" in one.problem.message for one in configuration.problems] == [True]
    say(one(controls=["C-0057"], reason="x"), name="mine.yaml")
    configuration, wrong = configure(here, section={"exceptions": ["mine.yaml", "gone.yaml"]}, today=TODAY)
    assert [len(file.rules) for file in configuration.exception_files] == [1]
    assert wrong == ("there is no file or folder 'gone.yaml'",)


# What is of no use, or unknown


def test_an_exception_that_nothing_needs_is_said_after_a_scan_of_all() -> None:
    say("exceptions:\n- names: [gone]\n- controls: [C-0057]\n- controls: [C-0046]\n")
    idle = "this exception accepts nothing: nothing that was scanned has such a finding; remove it"
    assert said(".") == [(".kscan/exceptions.yaml", 2, idle)], "whether C-0046 finds anything was not asked"
    assert report(".")["exit"] == 0
    assert said("apps/web.yaml") == []
    assert said("apps") == []
    assert said("--control", "C-0057", ".") == []
    Path("apps/broken.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {\n")
    assert not [one for one in said(".") if one[0].startswith(".kscan")]


def test_unknown_names_are_said_with_what_was_meant() -> None:
    say(one(controls=["C-57"], frameworks=["nsaa"], kinds=["Deploymnet", "Certificate"]))
    assert messages() == [
        "unknown control 'C-57'; did you mean 'C-0057'?",
        "unknown framework 'nsaa'; did you mean 'nsa'?",
        "unknown kind 'Deploymnet'; did you mean 'Deployment'?",
    ]


# Which files hold where


def test_a_file_holds_for_its_folder_in_every_scan(here: Path) -> None:
    for name in ("apps/old/a.yaml", "apps/b.yaml"):
        Path(name).write_text(POD)
    say(one(controls=["C-0057"], reason="old"), here / "apps/old")
    for paths in ([".", "apps/old"], ["apps"], ["apps/old", "apps"], ["apps/old/a.yaml", "."]):
        assert accepted(*paths) == ["apps/old/a.yaml"], paths
    say(one(controls=["C-0057"], paths=["/a.yaml"]), here / "apps/old")
    assert accepted(".") == ["apps/old/a.yaml"], "paths begin at its folder"
    assert report("apps/old/.kscan")["findings"] == []


def test_settings_name_further_files_in_the_workspace(
    here: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    say(one(controls=["C-0057"]), name="policy/shared.yaml")
    Path(".kscan.yaml").write_text(f"{ONLY}exceptions: policy\n")
    assert accepted(".") == ["apps/web.yaml"]
    outside = tmp_path_factory.mktemp("else") / "x.yaml"
    outside.write_text(one(controls=["C-0057"]))
    for name, why in ((str(outside), "is outside of this workspace"), ("gone.yaml", "there is no file")):
        Path(".kscan.yaml").write_text(f"{ONLY}exceptions: {{files: ['{name}']}}\n")
        assert accepted(".") == []
        assert [(file, line, why in message) for file, line, message in said(".")] == [
            (".kscan.yaml", 3, True)
        ]
    (here / ".kscan/exceptions.yaml").symlink_to(outside)
    Path(".kscan.yaml").write_text(ONLY)
    assert accepted(".") == []
    assert "is outside of this workspace" in said(".")[0][2]


def test_what_is_locked_nothing_below_adds_to(here: Path) -> None:
    Path("apps/old/a.yaml").write_text(POD)
    Path(".kscan.yaml").write_text(f"{ONLY}locked: [exceptions]\nexceptions: {{requireReason: true}}\n")
    (here / "apps/old/.kscan.yaml").write_text("exceptions: {requireReason: false}\n")
    say(one(controls=["C-0057"], reason="mine"), here / "apps/old")
    assert accepted(".") == []
    assert [message for _, _, message in said(".")] == [
        "'exceptions' has no effect here: settings above lock it",
        "no exception here counts: settings above lock 'exceptions'",
    ]
    say(one(controls=["C-0057"], reason="ours"))
    assert accepted(".") == ["apps/old/a.yaml", "apps/web.yaml"]


def test_a_pipe_in_its_place_does_not_stop_a_scan(here: Path) -> None:
    os.mkfifo(here / ".kscan/exceptions.yaml")
    assert accepted(".") == []
    Path(".kscan.yaml").write_text(f"{ONLY}exceptions: .kscan/exceptions.yaml\n")
    assert "is no regular file" in said(".")[0][2]


def test_a_file_that_is_named_on_the_command_line(
    here: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("else") / "x.yaml"
    outside.write_text(one(controls=["C-0057"], paths=["apps/"]))
    assert accepted(".", "--exceptions", str(outside)) == ["apps/web.yaml"]
    result = CliRunner().invoke(app, ["scan", ".", "--exceptions", "gone.json"])
    assert (result.exit_code, "there is no file with exceptions 'gone.json'" in result.stderr) == (2, True)


# Said again, without judging


def project_of(exceptions_text: str, monkeypatch: pytest.MonkeyPatch | None = None) -> Project:
    say(exceptions_text)
    configuration, _ = configure(Path.cwd(), today=TODAY)
    project = Project(Evaluator(configuration.ruleset, Evidence(TODAY)), exceptions=configuration.exceptions)
    return project.with_file("apps/web.yaml", POD)


def statuses(project: Project) -> list[tuple[str, str]]:
    found = [placed.finding for file in project.files.values() for placed in file.findings()]
    return [(one.status, one.disposition.reason if one.disposition else "") for one in found]


def test_other_exceptions_are_said_without_judging_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    first = project_of(one(controls=["C-0057"], reason="first"))
    second = project_of(one(controls=["C-0057"], reason="second"))
    third = project_of(one(names=["x"]))
    monkeypatch.setattr(Evaluator, "evaluate", None)
    assert statuses(first) == [("accepted", "first")]
    assert statuses(first.said_again(second.exceptions, None)) == [("accepted", "second")]
    again = first.said_again(third.exceptions, None)
    assert statuses(again) == [("open", "")]
    assert statuses(again.said_again(first.exceptions, None)) == [("accepted", "first")]


def test_a_thousand_exceptions_cost_an_edit_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [{"controls": ["C-0057"], "names": [f"n{number}-*"]} for number in range(1_000)]
    project = project_of(
        json.dumps({"exceptions": [*entries, {"labels": {"team": "payments"}, "reason": "ours"}]})
    )
    assert statuses(project) == [("accepted", "ours")]
    asked: list[ExceptionRule] = []
    real = ExceptionRule.speaks_of
    monkeypatch.setattr(ExceptionRule, "speaks_of", lambda rule, one: asked.append(rule) or real(rule, one))
    project = project.with_document("apps/web.yaml", 0, POD.replace("1.0", "1.1"))
    assert (statuses(project), asked) == ([("accepted", "ours")], [])
    project = project.with_document("apps/web.yaml", 0, POD.replace("payments", "others"))
    assert statuses(project) == [("open", "")], "what it is asked of changed"
    assert len(asked) == 1_001
    project = project.with_document("apps/web.yaml", 0, POD.replace("name: web", "name: n7-x"))
    assert statuses(project) == [("accepted", "")]


@pytest.mark.parametrize("paths", [["apps/n%d/**/*.y?ml"], ["apps/n%d/"], ["n%d.yaml", "!x"]])
def test_which_of_a_thousand_are_about_a_file(paths: list[str]) -> None:
    entries = [
        {"paths": [path.replace("%d", str(n)) for path in paths], "reason": f"r{n}"} for n in range(1_000)
    ]
    project = project_of(json.dumps({"exceptions": entries}))
    project = project.with_file("apps/n500/n500.yaml", POD).with_file("apps/n7.yaml/x/n501.yaml", POD)
    found = {path: [f.finding.disposition for f in file.findings()] for path, file in project.files.items()}
    assert found["apps/web.yaml"] == [None]
    assert [one and one.reason for one in found["apps/n500/n500.yaml"]] == ["r500"]


def test_uris_name_files_too(here: Path) -> None:
    project = project_of(one(controls=["C-0057"], paths=["/apps/a b.yaml"]))
    project = project.with_file((here / "apps/a b.yaml").as_uri(), POD)
    assert [status for status, _ in statuses(project)] == ["open", "accepted"]


def test_the_schema_is_the_model() -> None:
    schema = json.loads(
        (Path(__file__).parents[3] / "docs/schemas/exceptions.schema.json").read_text(encoding="utf-8")
    )
    assert {
        **schema_of(ExceptionsFile),
        "title": schema["title"],
        "$schema": schema["$schema"],
    } == schema
