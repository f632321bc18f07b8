"""A baseline and images: another image that is worse is news, one that is better or only known better is none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.git import git
from typer.testing import CliRunner

from kscan_lsp.cli.main import app

if TYPE_CHECKING:
    from pathlib import Path

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: %s
"""


def report(here: Path, tag: str, criticals: int) -> None:
    found = [
        {
            "VulnerabilityID": f"CVE-2026-{number:04}",
            "PkgName": "openssl",
            "InstalledVersion": "1",
            "Severity": "CRITICAL",
        }
        for number in range(criticals)
    ]
    made = {
        "SchemaVersion": 2,
        "ArtifactName": f"nginx:{tag}",
        "ArtifactType": "container_image",
        "Metadata": {"RepoTags": [f"nginx:{tag}"]},
        "Results": [{"Target": "x", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": found}],
    }
    (here / f"{tag}.trivy.json").write_text(json.dumps(made))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".kscan.yaml").write_text("frameworks: []\ncontrols: {include: [KS-0060]}\n")
    for tag, criticals in (("1.27", 2), ("1.28", 1), ("1.10", 40)):
        report(tmp_path, tag, criticals)
    (tmp_path / "pod.yaml").write_text(POD % "nginx:1.27")
    assert kscan("baseline", "create").exit_code == 0
    return tmp_path


def kscan(*arguments: str):
    return CliRunner().invoke(app, [*arguments])


def scan(*arguments: str) -> tuple[str, int, dict]:
    """What becomes of the finding, the exit status, and what became different."""
    result = kscan("scan", "-f", "json", *arguments)
    made = json.loads(result.stdout)
    (one,) = (one for one in made["findings"] if one["control"] == "KS-0060")
    return one["status"], result.exit_code, made["drift"][0]


def test_a_baseline_says_which_image_it_was(here: Path) -> None:
    baseline = json.loads((here / ".kscan/baseline.json").read_text())
    (one,) = (one for one in baseline["findings"] if one["control"] == "KS-0060")
    assert (one["image"], one["vulnerabilities"]) == ("docker.io/library/nginx:1.27", 2)
    assert scan()[:2] == ("baseline", 0)


@pytest.mark.parametrize(
    ("image", "status", "exit_status"),
    [
        ("docker.io/library/nginx:1.27  # the same", "baseline", 0),
        ("nginx:1.28", "baseline", 0),
        ("nginx:1.10", "open", 1),
    ],
)
def test_a_change_of_tag_is_news_where_it_is_for_the_worse(here, image, status, exit_status) -> None:
    (here / "pod.yaml").write_text("# moved\n" + POD % image)
    found, exited, drift = scan()
    assert (found, exited) == (status, exit_status)
    assert len(drift["new"]) == (status == "open")
    assert len(drift["fixed"]) == (status == "open")


def test_what_is_published_about_the_same_image_fails_no_pull_request(here: Path) -> None:
    report(here, "1.27", 3)
    assert scan()[:2] == ("baseline", 0)


def test_an_update_takes_the_image_that_is_there_now(here: Path) -> None:
    (here / "pod.yaml").write_text(POD % "nginx:1.28")
    assert kscan("baseline", "update").exit_code == 0
    (here / "pod.yaml").write_text(POD % "nginx:1.27")
    assert scan()[:2] == ("open", 1)


def test_a_gate_about_vulnerabilities_asks_about_new_ones_alone_if_it_is_told_to(here: Path) -> None:
    def gate(*arguments: str) -> int:
        return kscan("scan", "--fail-on", "none", "--fail-on-cve", "critical", *arguments).exit_code

    assert (gate(), gate("--new-only")) == (1, 0)
    # what is published about the same image is no change of whoever has this scanned
    report(here, "1.27", 3)
    assert (gate(), gate("--new-only")) == (1, 0)
    (here / "pod.yaml").write_text(POD % "nginx:1.10")
    assert gate("--new-only") == 1
    said = " ".join(kscan("scan", "--fail-on", "none", "--fail-on-cve", "low", "--new-only").stdout.split())
    assert "40 new vulnerabilities of 1 image are low or worse" in said


def test_a_gate_since_a_revision_counts_what_nothing_had_before(here: Path) -> None:
    (here / ".git").rmdir()
    git(here, "init", "-q")
    (here / "other.yaml").write_text(POD.replace("name: web", "name: other") % "other:1")
    git(here, "add", "-A")
    git(here, "commit", "-qm", "one")
    (here / "pod.yaml").write_text(POD % "nginx:1.28")

    def gate(*arguments: str) -> int:
        options = ["--fail-on", "none", "--fail-on-cve", "critical", "--new-since", "HEAD"]
        return kscan("scan", *options, *arguments).exit_code

    # of two images it is known what is in one, and no report is about the other, which was there before
    assert (gate(), gate("--new-only")) == (1, 0)
    (here / "pod.yaml").write_text(POD % "nginx:1.10")
    assert gate("--new-only") == 1
    (here / "pod.yaml").write_text(POD % "other:2")
    assert gate("--new-only") == 1


def test_a_baseline_without_images_knows_all_of_them(here: Path) -> None:
    path = here / ".kscan/baseline.json"
    baseline = json.loads(path.read_text())
    for one in baseline["findings"]:
        one.pop("image", None)
        one.pop("vulnerabilities", None)
    path.write_text(json.dumps(baseline))
    (here / "pod.yaml").write_text(POD % "nginx:1.10")
    assert scan()[:2] == ("baseline", 0)


def test_against_a_revision_a_worse_image_is_new(here: Path) -> None:
    (here / ".git").rmdir()
    (here / ".kscan.yaml").write_text("frameworks: []\ncontrols: {include: [KS-0060]}\n")
    git(here, "init", "-q")
    git(here, "add", "-A")
    git(here, "commit", "-qm", "one")
    (here / "pod.yaml").write_text(POD % "nginx:1.10")
    assert scan("--new-since", "HEAD")[:2] == ("open", 1)
    (here / "pod.yaml").write_text(POD % "nginx:1.28")
    assert scan("--new-since", "HEAD")[:2] == ("baseline", 0)
