"""A repository's life with a baseline: what is new fails, what was there does not, and what is gone is said."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import date
from typing import TYPE_CHECKING

import jsonschema
import pytest
from support.reporting import SCHEMA
from typer.testing import CliRunner

from kscan_lsp.cli.main import app

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  containers:
  - name: api
    image: registry.example/api:1.0
    securityContext:
      privileged: true
"""
ONLY = ("--control", "C-0057,C-0046")
CAPABILITY = "      capabilities: {add: [NET_ADMIN]}\n"
SETTINGS = "frameworks: []\ncontrols: {include: [C-0057, C-0046]}\n"
OWN = """\
id: KS-9001
title: Ours
score: 9
description: d
remediation: r
checks:
- match: workloads
  deny: "'%s' == 'owner'"
  at: metadata.name
  message: nobody's
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".kscan.yaml").write_text(SETTINGS)
    (tmp_path / "a.yaml").write_text(POD)
    return tmp_path


def kscan(*argv: str) -> Result:
    result = CliRunner().invoke(app, list(argv))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def drift() -> dict:
    """What became different, with lists as their lengths; what is nothing is left out."""
    result = kscan("baseline", "diff", "--format", "json")
    assert result.exit_code in {0, 1, 3}, result.output
    (said,) = json.loads(result.stdout)
    named = {
        key: said[key]
        for key in ("new", "fixed", "moved", "severityChanged", "accepted", "leftOut", "notJudged")
    }
    counted = {key: sum(one.get("count", 1) for one in value) for key, value in named.items()}
    return {**{key: n for key, n in counted.items() if n}, "unchanged": said["unchanged"]}


def scan(*argv: str) -> tuple[int, int, int]:
    """The status of a scan, how many findings count, and how many are in the baseline."""
    result = kscan("scan", "--format", "json", *argv)
    report = json.loads(result.stdout)
    jsonschema.validate(report, SCHEMA)
    summary = report["summary"]
    return result.exit_code, sum(summary["findings"].values()), summary["baseline"]


def test_the_life_of_a_repository(here: Path) -> None:
    assert scan() == (1, 1, 0)
    made = kscan("baseline", "create", "--owner", "payments", "--reason", "before the audit")
    assert made.exit_code == 0
    assert (here / ".kscan.yaml").read_text() == SETTINGS + 'baseline: ".kscan/baseline.json"\n'
    assert scan() == (0, 0, 1)

    # edited: lines move, containers and comments come, an API may be another
    file = here / "a.yaml"
    file.write_text(
        "# note\n" * 50 + POD.replace("  - name: api", "  - name: first\n    image: x/y:1\n  - name: api")
    )
    assert drift() == {"unchanged": 1}
    assert scan() == (0, 0, 1)

    # another fault in it
    file.write_text(POD + CAPABILITY)
    assert drift() == {"new": 1, "unchanged": 1}
    assert scan() == (1, 1, 1)
    assert scan("--fail-on", "none") == (0, 1, 1)

    # renamed
    file.write_text(POD)
    file = file.rename(here / "b.yaml")
    assert drift() == {"moved": 1, "unchanged": 0}
    assert scan() == (0, 0, 1)

    # a copy is one more
    shutil.copy(file, here / "c.yaml")
    assert drift() == {"new": 1, "moved": 1, "unchanged": 0}
    assert scan()[0] == 1
    (here / "c.yaml").unlink()

    # fixed
    file.write_text(POD.replace("privileged: true", "privileged: false"))
    assert drift() == {"fixed": 1, "unchanged": 0}

    # gone is not fixed where nobody looked
    file.write_text(POD)
    (here / ".kscan.yaml").write_text(
        "frameworks: []\ncontrols: {include: [C-0046]}\nbaseline: .kscan/baseline.json\n"
    )
    assert drift() == {"leftOut": 1, "unchanged": 0}
    (here / ".kscan.yaml").write_text(SETTINGS + "baseline: .kscan/baseline.json\nexclude: [a.yaml]\n")
    file = file.rename(here / "a.yaml")
    (here / "d.yaml").write_text(POD.replace("web", "other").replace("true", "false"))
    assert drift() == {"leftOut": 1, "unchanged": 0}
    (here / ".kscan.yaml").write_text(SETTINGS + "baseline: .kscan/baseline.json\n")
    file.unlink()
    assert "the file is gone" in kscan("baseline", "diff").stdout
    file.write_text(POD + "  - [")
    assert drift() == {"notJudged": 1, "unchanged": 0}

    # of another severity, accepted
    file.write_text(POD)
    (here / ".kscan.yaml").write_text(
        "frameworks: []\ncontrols: {include: [C-0057, C-0046], severity: {C-0057: critical}}\n"
        "baseline: .kscan/baseline.json\n"
    )
    assert drift() == {"severityChanged": 1, "unchanged": 0}
    (here / ".kscan.yaml").write_text(SETTINGS + "baseline: .kscan/baseline.json\n")
    file.write_text(POD.replace("privileged: true", "privileged: true # kscan:ignore C-0057 -- a driver"))
    assert drift() == {"accepted": 1, "unchanged": 0}

    # brought up to date: what is new is taken in with its day and owner, what was there keeps its own
    file.write_text(POD + CAPABILITY)
    assert kscan("baseline", "update", "--prune").exit_code == 0
    assert scan() == (1, 1, 1)
    assert kscan("baseline", "update", "--owner", "platform").exit_code == 0
    assert scan() == (0, 0, 2)
    entries = json.loads((here / ".kscan/baseline.json").read_text())["findings"]
    assert [(one["control"], one["file"], one["owner"]) for one in entries] == [
        ("C-0046", "a.yaml", "platform"),
        ("C-0057", "a.yaml", "payments"),
    ]


def test_the_life_of_an_exception_and_of_a_policy(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def on(day: str) -> None:
        for module in ("main", "scan_command", "baseline", "request"):
            monkeypatch.setattr(f"kscan_lsp.cli.{module}.today", lambda: date.fromisoformat(day))

    on("2026-06-01")
    own, exceptions = here / "own.yaml", here / ".kscan/exceptions.yaml"
    own.write_text(OWN % "label")
    (here / ".kscan.yaml").write_text(
        "frameworks: []\ncontrols: {include: [C-0057, C-0046, KS-9001]}\npolicies: own.yaml\nexclude: [own.yaml]\n"
    )
    assert kscan("baseline", "create").exit_code == 0
    assert scan() == (0, 0, 1)

    # another fault comes, and is accepted until the end of June
    (here / "a.yaml").write_text(POD + CAPABILITY)
    assert (scan(), drift()) == ((1, 1, 1), {"new": 1, "unchanged": 1})
    exceptions.write_text(
        "exceptions:\n- controls: [C-0046]\n  names: [web]\n  reason: a driver\n  owner: net\n  until: 2026-06-30\n"
    )
    assert (scan(), drift()) == ((0, 0, 1), {"unchanged": 1})
    assert "accepted" in kscan("scan").stdout

    # what is in the baseline is accepted, too
    exceptions.write_text(exceptions.read_text().replace("C-0046", "C-0046, C-0057"))
    assert (scan(), drift()) == ((0, 0, 0), {"accepted": 1, "unchanged": 0})
    assert "a driver, net until 2026-06-30 (.kscan/exceptions.yaml:2)" in kscan("baseline", "diff").stdout

    # it ends soon, which is said and fails nothing
    on("2026-06-30")
    assert scan() == (0, 0, 0)
    assert ".kscan/exceptions.yaml:6:10: this exception ends today, on 2026-06-30" in kscan("scan").stderr

    # it has expired: what was in the baseline is there again, what came since is new and fails
    on("2026-07-01")
    assert (scan(), drift()) == ((1, 1, 1), {"new": 1, "unchanged": 1})
    result = kscan("scan")
    assert "this exception expired on 2026-06-30" in result.stderr
    assert "C-0046 at a.yaml:" in result.stdout

    # it is given more time, then what it accepted is fixed: nothing needs it any more
    exceptions.write_text(exceptions.read_text().replace("2026-06-30", "2026-12-31").replace(", C-0057", ""))
    assert scan() == (0, 0, 1)
    (here / "a.yaml").write_text(POD)
    assert scan() == (0, 0, 1)
    assert "this exception accepts nothing" in kscan("scan").stderr
    exceptions.unlink()

    # a policy asks for more than it did: what it finds is new without anybody's edit, and the report says so
    own.write_text(OWN % "owner")
    assert (scan(), drift()) == ((1, 1, 1), {"new": 1, "unchanged": 1})
    (said,) = json.loads(kscan("baseline", "diff", "--format", "json").stdout)
    assert (said["otherPolicies"], said["otherSettings"], said["newControls"]) == (True, False, [])
    exceptions.write_text("exceptions: [{controls: [KS-9001], kinds: [Pod], reason: until all have one}]\n")
    assert (scan(), drift()) == ((0, 0, 1), {"unchanged": 1})
    exceptions.unlink()
    assert kscan("baseline", "update", "--owner", "platform").exit_code == 0
    assert (scan(), drift()) == ((0, 0, 2), {"unchanged": 2})


def test_the_life_of_a_repository_in_git(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commit by commit: what the baseline says, and what a pull request that begins at the commit before would."""

    def on(day: str) -> None:
        for module in ("main", "scan_command", "baseline", "request"):
            monkeypatch.setattr(f"kscan_lsp.cli.{module}.today", lambda: date.fromisoformat(day))

    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *words], cwd=here, check=True, capture_output=True)

    def committed() -> tuple[tuple[int, int, int], dict, int, int]:
        """Of the scan by the baseline its figures, and what drifted; against the last commit status and what is new."""
        git("add", "--all")
        git("commit", "--allow-empty", "-m", "next")
        since = kscan("scan", "--format", "json", "--new-since", "HEAD~1", "--new-only")
        return scan(), drift(), since.exit_code, sum(json.loads(since.stdout)["summary"]["findings"].values())

    file, exceptions = here / "a.yaml", here / ".kscan/exceptions.yaml"
    on("2026-06-01")
    git("init", "--quiet")
    git("add", "--all")
    git("commit", "-m", "first")
    assert kscan("baseline", "create").exit_code == 0
    assert committed() == ((0, 0, 1), {"unchanged": 1}, 0, 0)
    file.write_text("# moved down\n" * 50 + POD)
    assert committed() == ((0, 0, 1), {"unchanged": 1}, 0, 0)
    git("mv", "a.yaml", "b.yaml")
    assert committed() == ((0, 0, 1), {"moved": 1, "unchanged": 0}, 0, 0)
    shutil.copy(here / "b.yaml", file)
    assert committed() == ((1, 1, 1), {"new": 1, "unchanged": 1}, 1, 1)
    (here / "b.yaml").unlink()
    file.write_text(POD.replace("privileged: true", "privileged: false"))
    assert committed() == ((0, 0, 0), {"fixed": 1, "unchanged": 0}, 0, 0)
    assert kscan("baseline", "update", "--prune").exit_code == 0
    assert committed() == ((0, 0, 0), {"unchanged": 0}, 0, 0)
    file.write_text(POD)  # the fault is back
    assert committed() == ((1, 1, 0), {"new": 1, "unchanged": 0}, 1, 1)
    exceptions.write_text(
        "exceptions:\n- {controls: [C-0057], names: [web], reason: a driver, until: 2026-06-30}\n"
    )
    assert committed()[0] == (0, 0, 0)
    on("2026-07-01")  # nobody edits anything
    assert committed() == ((1, 1, 0), {"new": 1, "unchanged": 0}, 0, 0)


def test_two_copies_are_two(here: Path) -> None:
    shutil.copy(here / "a.yaml", here / "b.yaml")
    kscan("baseline", "create")
    (here / "a.yaml").unlink()
    (here / "c.yaml").write_text(POD)
    assert drift() == {"moved": 1, "unchanged": 1}
    (here / "b.yaml").unlink()
    assert drift() == {"fixed": 1, "moved": 1, "unchanged": 0}


def test_a_baseline_holds_for_what_is_scanned(here: Path) -> None:
    (here / "sub").mkdir()
    (here / "sub" / "b.yaml").write_text(POD.replace("web", "other"))
    kscan("baseline", "create")
    (here / "a.yaml").write_text(POD.replace("true", "false"))
    said = json.loads(kscan("baseline", "diff", "sub", "--format", "json").stdout)[0]
    assert (said["fixed"], said["unchanged"]) == ([], 1)
    kscan("baseline", "update", "sub")
    entries = json.loads((here / ".kscan/baseline.json").read_text())["findings"]
    assert [one["file"] for one in entries] == ["a.yaml", "sub/b.yaml"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "{",
            ".kscan/baseline.json:1:2: this baseline is left out, and everything counts as new: this is no JSON",
        ),
        ('{"version": 1,\n "tool": 3}', ".kscan/baseline.json:2:10: "),
        ("<<<<<<< a\n", "two versions of the baseline were not merged"),
    ],
)
def test_what_is_no_baseline_hides_nothing(here: Path, text: str, said: str) -> None:
    kscan("baseline", "create")
    (here / ".kscan/baseline.json").write_text(text)
    result = kscan("scan")
    assert result.exit_code == 2
    assert said in result.stderr
    assert scan()[1:] == (1, 0)
    assert kscan("baseline", "diff").exit_code == 2
    assert kscan("scan", "--baseline", ".kscan/baseline.json").exit_code == 2
    assert kscan("baseline", "update").exit_code == 2  # what is wrong with settings was said before
    assert scan() == (0, 0, 1)


def test_a_baseline_that_is_not_there_is_a_problem_of_the_settings(here: Path) -> None:
    (here / ".kscan.yaml").write_text(SETTINGS + "baseline: gone.json\n")
    result = kscan("scan")
    assert result.exit_code == 2
    assert (
        ".kscan.yaml:3:11: there is no baseline 'gone.json'; 'kscan baseline create' writes one"
        in result.stderr
    )
    (here / ".kscan.yaml").write_text(SETTINGS + "baseline: ../gone.json\n")
    (here.parent / "gone.json").write_text("{}")
    assert "outside of this workspace" in kscan("scan").stderr


def test_a_baseline_is_written_where_the_settings_say(here: Path) -> None:
    (here / ".kscan.yaml").write_text(SETTINGS + "baseline: known.json\n")
    assert kscan("baseline", "create").exit_code == 0
    assert (here / "known.json").is_file()
    assert (here / ".kscan.yaml").read_text() == SETTINGS + "baseline: known.json\n"
    assert scan() == (0, 0, 1)
    assert kscan("baseline", "create").exit_code == 2


def test_the_gate_of_the_settings(here: Path) -> None:
    gates = {
        "failOn: none": 0,
        "failOn: critical": 0,
        "failOn: high": 1,
        "{failOn: none, complianceThreshold: 80}": 0,
        "failOn: worst": 2,
        "complianceThreshold: 101": 2,
        "{failOn: none, complianceThreshold: {nsa: 100}}": 1,
    }
    for gate, status in gates.items():
        (here / ".kscan.yaml").write_text(SETTINGS + "gate:\n  " + gate + "\n")
        assert kscan("scan").exit_code == status, gate
    (here / ".kscan.yaml").write_text(
        "frameworks: [nsa]\ngate: {failOn: none, complianceThreshold: {NSA: 99}}\n"
    )
    result = kscan("scan")
    assert result.exit_code == 1
    assert "compliance with nsa is" in result.stdout
    assert kscan("scan", "--compliance-threshold", "nsa=1").exit_code == 0
    assert kscan("scan", "--compliance-threshold", "1", "--fail-on", "high").exit_code == 1
    assert kscan("scan", "--compliance-threshold", "nas=1").exit_code == 2
    assert kscan("scan", "--compliance-threshold", "x").exit_code == 2


def test_only_what_is_new(here: Path) -> None:
    assert kscan("scan", "--new-only").exit_code == 2
    kscan("baseline", "create")
    (here / "a.yaml").write_text(POD + CAPABILITY)
    found = json.loads(kscan("scan", "--new-only", "--format", "json").stdout)["findings"]
    assert [one["control"] for one in found] == ["C-0046"]


git = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")


def run_git(*argv: str) -> None:
    own = ["-c", "user.name=n", "-c", "user.email=n@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *own, *argv], check=True, capture_output=True)


@git
def test_what_is_new_since_a_revision(here: Path) -> None:
    run_git("init", "-q")
    run_git("add", "-A")
    run_git("commit", "-qm", "first")
    assert scan("--new-since", "HEAD") == (0, 0, 1)
    run_git("mv", "a.yaml", "b.yaml")
    (here / "b.yaml").write_text(POD + CAPABILITY)
    assert scan("--new-since", "HEAD") == (1, 1, 1)
    assert (here / "b.yaml").read_text() == POD + CAPABILITY
    run_git("commit", "-qam", "second")
    assert scan("--new-since", "HEAD") == (0, 0, 2)
    assert scan("--new-since", "HEAD~1") == (1, 1, 1)
    (here / "sub").mkdir()
    (here / "sub/c.yaml").write_text(POD.replace("web", "other"))
    assert scan("sub", "--new-since", "HEAD") == (1, 1, 0)


@git
def test_a_revision_that_is_none(here: Path) -> None:
    assert kscan("scan", "--new-since", "HEAD").exit_code == 2
    run_git("init", "-q")
    for name in ("HEAD", "--help", "-h", "x y", "HEAD:a.yaml"):
        result = kscan("scan", f"--new-since={name}")
        assert result.exit_code == 2
        assert f"there is no revision '{name}' here" in result.stderr


@git
def test_a_repository_has_nothing_run_when_a_revision_is_read(here: Path) -> None:
    run_git("init", "-q")
    run_git("add", "-A")
    run_git("commit", "-qm", "first")
    ran = here / "ran"
    script = here / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {ran}\n")
    script.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "filter.x.smudge",
        "diff.x.textconv",
    ):
        run_git("config", key, str(script))
    (here / ".gitattributes").write_text("*.yaml filter=x diff=x\n")
    for key, value in (
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", f"ext::{script}"),
        ("core.repositoryformatversion", "1"),
    ):
        run_git("config", key, value)
    for blob in (here / ".git/objects").glob("??/*"):
        if (
            b"kind: Pod"
            in subprocess.run(
                ["git", "cat-file", "-p", blob.parent.name + blob.name], capture_output=True, check=True
            ).stdout
        ):
            blob.chmod(0o600)
            blob.unlink()  # what is missing could be fetched
    ran.unlink(missing_ok=True)
    result = kscan("scan", "--new-since", "HEAD")
    assert result.exit_code == 2
    assert "cannot be read" in result.stderr
    assert not ran.exists()


def test_settings_keep_their_byte_order_mark_and_line_ends(here: Path) -> None:
    settings = here / ".kscan.yaml"
    before = b"\xef\xbb\xbf" + SETTINGS.replace("\n", "\r\n").encode()
    settings.write_bytes(before)
    assert kscan("baseline", "create").exit_code == 0
    assert settings.read_bytes() == before + b'baseline: ".kscan/baseline.json"\r\n'


def test_settings_that_cannot_be_edited_are_left_as_they_are(here: Path) -> None:
    (here / ".kscan.yaml").write_text("# only a comment\n")
    result = kscan("baseline", "create")
    assert "write 'baseline: .kscan/baseline.json' into .kscan.yaml" in result.stderr
    assert (here / ".kscan.yaml").read_text() == "# only a comment\n"
