"""`kscan scan` takes what is committed for what a cluster has, where policies ask about updates."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from support import images
from support.admitting import policy
from support.git import git, needs_git, repository
from support.kyverno import about, cluster_policy, denying
from support.scanning import fake_scanner, runs
from typer.testing import CliRunner

from kscan_lsp.cli.main import app
from kscan_lsp.workspace import committed, image_scanner

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_git

UPDATES = {
    "resourceRules": [
        {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": ["deployments"]}
    ]
}
SHRINK = policy(
    "object.spec.replicas * 2 >= oldObject.spec.replicas", name="shrink", matchConstraints=UPDATES
)
NOT_KNOWN = "needs the object as it was before (oldObject): "
SETTINGS = "frameworks: []\ncontrols: {include: [C-0057]}\n"


def deployment(replicas: int, name: str = "web") -> str:
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: shop}}\n"
        f"spec:\n  replicas: {replicas}\n  template: {{spec: {{containers: [{{name: a, image: a}}]}}}}\n"
    )


FILES = {"web.yaml": deployment(6), "policy.yaml": SHRINK, ".kscan.yaml": SETTINGS}


def scan(*arguments: str) -> tuple[list[str], list[str]]:
    """The findings of policies, as `file:line control status`, and why any was not evaluated."""
    result = CliRunner().invoke(app, ["scan", "--format", "json", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    report: dict[str, Any] = json.loads(result.stdout)
    found = [
        f"{one['file']}:{one['range']['start']['line']} {one['control']} {one['status']}"
        for one in report["findings"]
        if one["control"].startswith(("VAP/", "Kyverno/"))
    ]
    return found, [one["reason"] for one in report["notScanned"]]


def test_what_is_committed_is_updated(here: Path) -> None:
    repository(here, FILES)
    assert scan() == ([], [])
    (here / "web.yaml").write_text(deployment(2))
    shrunk = (["web.yaml:5 VAP/shrink open"], [])
    assert scan() == shrunk
    assert scan("web.yaml", "policy.yaml") == shrunk
    git(here, "commit", "--quiet", "--all", "--message=second")
    assert scan() == ([], [])
    (here / "other.yaml").write_text(deployment(1, "other"))
    assert scan() == ([], [])


@pytest.mark.skipif(os.name == "nt", reason="scanners are stood in for by scripts")
def test_what_is_judged_again_with_scanned_images_is_still_updated(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_scanner(tmp_path / "bin", f"print(json.dumps({images.trivy('registry.example/a:1')!r}))")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(image_scanner.SCANNER, raising=False)

    def scanned(replicas: int) -> str:
        return deployment(replicas).replace("image: a", "image: registry.example/a:1")

    repository(here, {**FILES, "web.yaml": scanned(6)})
    (here / "web.yaml").write_text(scanned(2))
    assert scan("--scan-images") == (["web.yaml:5 VAP/shrink open"], [])
    assert len(runs(tmp_path / "bin")) == 1


def test_a_pull_request_is_held_against_its_base(here: Path) -> None:
    repository(here, FILES)
    git(here, "checkout", "--quiet", "-b", "change")
    (here / "web.yaml").write_text(deployment(2))
    git(here, "commit", "--quiet", "--all", "--message=second")
    assert scan() == ([], [])
    assert scan("--new-since", "main") == (["web.yaml:5 VAP/shrink open"], [])
    assert scan("--new-since", "change") == ([], [])


def test_a_commit_that_is_staged_is_held_against_the_last(here: Path) -> None:
    repository(here, {**FILES, "apps/one.yaml": deployment(6, "one")})
    (here / "apps/one.yaml").write_text(deployment(2, "one"))
    assert scan("--staged") == ([], [])
    git(here, "add", "--all")
    (here / "apps/one.yaml").write_text(deployment(6, "one"))
    assert scan("--staged") == (["apps/one.yaml:5 VAP/shrink open"], [])


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("no git", "these files are in no git repository"),
        ("unborn", "nothing is committed here, or the files of git do not say what"),
        ("elsewhere", "nothing is committed here, or the files of git do not say what"),
        ("no program", "git is not installed, and it can only be read with that"),
        ("broken", "the files of 'HEAD' cannot be read"),
        ("somebody else's", "the files of 'HEAD' cannot be read: fatal: detected dubious ownership"),
        ("too much", "the files of a revision cannot be read: they have more than 10 bytes"),
        ("too many", "'HEAD' has more than 1 manifests"),
    ],
)
def test_where_it_is_not_known_the_reason_is_said(
    here: Path, how: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how not in {"no git", "unborn"}:
        repository(here, FILES)
    for name, text in FILES.items():
        (here / name).write_text(text)
    if how == "elsewhere":
        (here / ".git").rename(here.parent / "other.git")
        (here / ".git").write_text("gitdir: ../other.git\n")
    elif how == "unborn":
        git(here, "init", "--quiet")
    elif how == "no program":
        monkeypatch.setenv("PATH", str(here))
    elif how == "somebody else's":
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    elif how == "broken":
        tree = git(here, "rev-parse", "HEAD^{tree}").strip()
        (here / ".git/objects" / tree[:2] / tree[2:]).unlink()
    elif how == "too much":
        monkeypatch.setattr(committed, "MAX_BYTES", 10)
    elif how == "too many":
        monkeypatch.setattr(committed, "MAX_FILES", 1)
    (one,) = scan()[1]
    assert f"{NOT_KNOWN}{why}" in one
    assert "\n" not in one
    assert scan()[0] == []


def test_a_checkout_of_another_repository_is_not_known(here: Path) -> None:
    repository(here, FILES)
    repository(here / "inner", {"one.yaml": deployment(2, "one")})
    git(here, "add", "--all")  # as a link to its commit
    git(here, "commit", "--quiet", "--message=second")
    found, (why,) = scan()
    assert found == []
    assert f"{NOT_KNOWN}it is not known what 'one.yaml' made at HEAD" in why


def test_a_linked_worktree_and_a_shallow_clone_are_read(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository(here, FILES)
    git(here, "worktree", "add", "--quiet", "../linked")
    git(here.parent, "clone", "--quiet", "--depth=1", f"file://{here}", "shallow")
    for name in ("linked", "shallow"):
        folder = here.parent / name
        (folder / "web.yaml").write_text(deployment(2))
        monkeypatch.chdir(folder)
        assert scan() == (["web.yaml:5 VAP/shrink open"], [])


def test_templates_and_patches_are_no_objects(here: Path) -> None:
    chart = {
        "chart/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n",
        "chart/templates/a.yaml": deployment(6),
    }
    overlay = {"o/kustomization.yaml": "patches: [{path: p.yaml}]\n", "o/p.yaml": deployment(6)}
    repository(here, {**FILES, "web.yaml": "# nothing\n", **chart, **overlay})
    (here / "chart/templates/a.yaml").unlink()
    (here / "o/p.yaml").write_text("")
    (here / "new.yaml").write_text(deployment(1))
    assert scan()[0] == []


def test_git_is_run_for_policies_that_ask_alone(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("git was run")

    repository(here, {**FILES, "policy.yaml": policy("object.spec.replicas > 9", name="many")})
    monkeypatch.setattr("kscan_lsp.files.revision.subprocess.run", refused)
    assert scan() == (["web.yaml:5 VAP/many open"], [])
    (here / "policy.yaml").write_text(SHRINK)
    (here / ".kscan.yaml").write_text(f"{SETTINGS}admission: {{evaluate: false}}\n")
    assert scan() == ([], [])


def test_a_repository_has_nothing_run(here: Path) -> None:
    repository(here, FILES)
    ran = here.parent / "ran"
    script = here.parent / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    settings = {
        name: str(script)
        for name in (
            "core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.gitProxy", "core.askPass",
            "filter.x.smudge", "filter.x.clean", "filter.x.process", "diff.x.textconv", "diff.x.command",
            "diff.external", "core.alternateRefsCommand", "credential.helper", "gpg.program", "alias.ls-tree",
            "uploadpack.packObjectsHook", "pager.ls-tree", "pager.cat-file",
        )
    }  # fmt: skip
    settings |= {
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": f"ext::{script}",
        "core.repositoryformatversion": "1",
        "core.hooksPath": str(here.parent),
    }
    for name, value in settings.items():
        git(here, "config", name, value)
    (here / ".gitattributes").write_text("*.yaml filter=x diff=x\n")
    for hook in ("post-checkout", "reference-transaction", "post-index-change", "fsmonitor-watchman"):
        (here.parent / hook).write_text(script.read_text())
        (here.parent / hook).chmod(0o755)
    (here / "web.yaml").write_text(deployment(2))
    assert scan() == (["web.yaml:5 VAP/shrink open"], [])
    blob = git(here, "rev-parse", "HEAD:web.yaml").strip()
    (here / ".git/objects" / blob[:2] / blob[2:]).unlink()  # what is missing could be fetched
    found, (why,) = scan()
    assert (found, ran.exists()) == ([], False)
    assert f"{NOT_KNOWN}the files of a revision cannot be read" in why
    done = subprocess.run([script], input="", text=True, check=True)
    assert (done.returncode, ran.exists()) == (0, True)  # it would have been seen


def test_kyverno_is_given_the_same(here: Path) -> None:
    fewer = denying(
        ("{{ request.object.spec.replicas }}", "LessThan", "{{ request.oldObject.spec.replicas }}")
    )
    rule = {"validate": fewer, "match": about("Deployment", operations=["UPDATE"])}
    repository(here, {**FILES, "policy.yaml": cluster_policy(rule)})
    assert scan() == ([], [])
    (here / "web.yaml").write_text(deployment(2))
    assert scan() == (["web.yaml:5 Kyverno/p/r0 open"], [])
