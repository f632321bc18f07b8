"""Packs of policies: where they come from, what they may say, and what a hostile one achieves."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from kscan_lsp.cli.main import app
from kscan_lsp.cli.options import UsageError
from kscan_lsp.cli.packs import built, outcomes_of, updated
from kscan_lsp.lsp.session.steps import find_files
from kscan_lsp.workspace.configuration import Configuration, configure
from kscan_lsp.workspace.packs import digest_of_pack

if TYPE_CHECKING:
    from pathlib import Path

CONTROL = """\
id: BANK-0001
title: No names
severity: high
description: What it is.
remediation: What to do.
checks:
- deny: object.?metadata.?labels.?owner.orValue('') == ''
  at: metadata
  message: nobody owns this
tests:
- name: nobody
  manifest: |
    apiVersion: v1
    kind: Pod
    metadata:
    # <^^^^^^^^ BANK-0001
      name: a
    spec:
      containers: [{name: a, image: a}]
- name: somebody
  manifest: |
    apiVersion: v1
    kind: Pod
    metadata: {name: a, labels: {owner: me}}
    spec:
      containers: [{name: a, image: a}]
"""
FRAMEWORK = "id: bank\ntitle: Bank\ncontrols: [{id: BANK-0001}]\n"
PACK = "name: bank\nversion: 1.2.0\ncontrols: [controls]\nframeworks: [frameworks]\nuse: bank\nlocked: [BANK-0001]\n"


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def write(folder: Path, **files: str) -> Path:
    texts = {"kscan-pack.yaml": PACK, "controls/c.yaml": CONTROL, "frameworks/f.yaml": FRAMEWORK} | files
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def project(tmp_path: Path, settings: str = "extends: ./pack\n") -> Path:
    folder = tmp_path / "project"
    folder.mkdir(exist_ok=True)
    (folder / ".kscan.yaml").write_text(settings, encoding="utf-8")
    return folder


def messages(configuration: Configuration) -> list[str]:
    return [one.problem.message for one in configuration.problems]


def repository(tmp_path: Path, tag: str = "v1", **files: str) -> str:
    """A repository with a pack under a tag; its address without the tag."""
    folder = write(tmp_path / "origin", **files)

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)

    if not (folder / ".git").is_dir():
        git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--allow-empty", "--message", tag)
    git("tag", "--force", tag)
    return f"git+file://{folder}"


def test_a_pack_in_a_folder_lies_below_the_settings(tmp_path: Path) -> None:
    here = project(tmp_path)
    write(here / "pack")
    found, words = configure(here)
    assert (words, messages(found)) == ((), [])
    assert list(found.ruleset.controls) == ["BANK-0001"]
    (pack,) = found.packs
    assert (pack.name, pack.version) == ("bank", "1.2.0")
    assert pack.digest.startswith("sha256:")


def test_a_pack_by_its_name_comes_with_kscan(tmp_path: Path) -> None:
    found, _ = configure(project(tmp_path, "extends: fintech\nframeworks: fintech\n"))
    assert messages(found) == []
    assert "FIN-0001" in found.ruleset.controls
    assert "FIN-0001" not in configure(project(tmp_path, ""))[0].ruleset.policies.controls


def test_what_a_pack_locks_cannot_be_weakened_and_the_rest_is_told(tmp_path: Path) -> None:
    second = CONTROL.replace("BANK-0001", "BANK-0002")
    here = project(
        tmp_path,
        "extends: ./pack\ncontrols: {exclude: [BANK-0001, BANK-0002], severity: {BANK-0001: low}}\n",
    )
    write(here / "pack", **{"controls/d.yaml": second})
    found, _ = configure(here)
    assert sorted(messages(found))[:2] == [
        "'BANK-0001' keeps its severity: settings above lock it",
        "'BANK-0001' stays on: settings above lock it",
    ]
    assert "BANK-0001" in found.ruleset.controls
    assert [(change.what, change.id) for change in found.changes] == [("excluded", "BANK-0002")]


def test_ids_do_not_collide_silently(tmp_path: Path) -> None:
    here = project(tmp_path, "extends: ./pack\npolicies: own.yaml\n")
    write(here / "pack")
    (here / "own.yaml").write_text(CONTROL, encoding="utf-8")
    (message,) = messages(configure(here)[0])
    assert message.startswith("BANK-0001 is already defined in ")


def test_outermost_settings_that_extend_a_pack_still_have_a_gate(tmp_path: Path) -> None:
    here = project(tmp_path, "extends: ./pack\ngate: {failOn: low}\n")
    write(here / "pack")
    found, _ = configure(here)
    assert (messages(found), found.settings.gate.fail_on) == ([], "low")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"kscan-pack.yaml": PACK.replace("[controls]", "[../../..]")}, "leads out of the pack"),
        ({"kscan-pack.yaml": PACK.replace("[controls]", "[/etc]")}, "leads out of the pack"),
        ({"kscan-pack.yaml": PACK + "run: [sh]\n"}, "unknown key 'run'"),
        ({"kscan-pack.yaml": PACK.replace("1.2.0", "newest")}, "must be three numbers"),
        ({"kscan-pack.yaml": PACK + "exceptions: {files: all.yaml}\n"}, "accepts no findings"),
        (
            {
                "kscan-pack.yaml": "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
                + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
            },
            "",
        ),
    ],
)
def test_a_hostile_pack_is_one_clear_problem(tmp_path: Path, files: dict[str, str], message: str) -> None:
    here = project(tmp_path)
    write(here / "pack", **files)
    found, _ = configure(here)
    assert found.packs == ()
    assert any(message in one for one in messages(found)), messages(found)
    assert {one.path.name for one in found.problems} == {"kscan-pack.yaml"}
    assert "BANK-0001" not in found.ruleset.policies.controls


def test_links_and_what_is_outside_are_refused(tmp_path: Path) -> None:
    here = project(tmp_path)
    write(here / "pack")
    (here / "pack/controls/etc").symlink_to("/etc")
    (message,) = messages(configure(here)[0])
    assert message == "pack './pack' is left out: 'controls/etc' is a link; put a copy in its place"
    write(tmp_path / "elsewhere")
    (message,) = messages(configure(project(tmp_path, "extends: ../elsewhere\n"))[0])
    assert message.startswith("'../elsewhere' is outside of this workspace")


def test_a_pack_of_a_repository_counts_once_it_was_fetched(tmp_path: Path) -> None:
    source = f"{repository(tmp_path)}@v1"
    here = project(tmp_path, f"extends: {source}\n")
    assert messages(configure(here)[0]) == [
        f"'{source}' is not in kscan.lock; run 'kscan pack update', which fetches it"
    ]
    told = updated(here)
    found, _ = configure(here)
    assert messages(found) == []
    assert told == f"bank 1.2.0  {found.packs[0].digest}\n"
    cached = next((tmp_path / "cache/kscan/packs").iterdir())
    assert digest_of_pack(cached) == found.packs[0].digest
    (cached / "controls/c.yaml").write_text(CONTROL.replace("high", "low"), encoding="utf-8")
    found, _ = configure(here)
    assert found.packs == ()
    assert "is not what kscan.lock says" in messages(found)[0]
    lock = json.loads((here / "kscan.lock").read_text(encoding="utf-8"))
    lock["packs"][source]["digest"] = "sha256:" + "0" * 64
    (here / "kscan.lock").write_text(json.dumps(lock), encoding="utf-8")
    assert "was not fetched on this machine; run 'kscan pack update'" in messages(configure(here)[0])[0]
    (here / "kscan.lock").write_text("[", encoding="utf-8")
    assert messages(configure(here)[0]) == [
        "kscan.lock cannot be read, so no pack counts; run 'kscan pack update'"
    ]


def test_a_moved_tag_and_an_older_version_are_refused(tmp_path: Path) -> None:
    base = repository(tmp_path)
    here = project(tmp_path, f"extends: {base}@v1\n")
    updated(here)
    repository(tmp_path, **{"controls/c.yaml": CONTROL.replace("high", "low")})
    with pytest.raises(UsageError, match="somebody moved its tag"):
        updated(here)
    repository(tmp_path, "v0", **{"kscan-pack.yaml": PACK.replace("1.2.0", "1.1.9")})
    project(tmp_path, f"extends: {base}@v0\n")
    with pytest.raises(UsageError, match=r"older than the 1\.2\.0 that is locked"):
        updated(here)
    assert updated(here, force=True).startswith("bank 1.1.9")


def test_what_is_fetched_has_no_links_and_no_way_out(tmp_path: Path) -> None:
    folder = write(tmp_path / "origin")
    (folder / "controls/x.yaml").symlink_to("/etc/passwd")
    base = repository(tmp_path)
    with pytest.raises(UsageError, match=r"'controls/x\.yaml' is a link"):
        updated(project(tmp_path, f"extends: {base}@v1\n"))
    with pytest.raises(UsageError, match=r"leads out of its repository"):
        updated(project(tmp_path, f"extends: '{base}@v1#../..'\n"))
    with pytest.raises(UsageError, match="git could not fetch the pack"):
        updated(project(tmp_path, f"extends: {base}@missing\n"))


@pytest.mark.parametrize(
    "source", ["git+ext::sh@v1", "oci://registry.example/pack", "https://example.com/pack"]
)
def test_nothing_else_is_fetched(tmp_path: Path, source: str) -> None:
    (message,) = messages(configure(project(tmp_path, f"extends: '{source}'\n"))[0])
    assert "is no pack that can be fetched" in message


def test_a_pack_is_tested_and_built_alike_every_time(tmp_path: Path) -> None:
    folder = write(tmp_path / "pack")
    assert outcomes_of(folder).status == 0
    one, other = tmp_path / "one.tar.gz", tmp_path / "other.tar.gz"
    assert "bank 1.2.0" in built(folder, one)
    os.utime(folder / "controls/c.yaml", (1, 1))
    built(folder, other)
    assert one.read_bytes() == other.read_bytes()
    write(folder, **{"controls/c.yaml": CONTROL.replace("== ''", "!= ''")})
    with pytest.raises(UsageError, match="do not pass"):
        built(folder, one)


def test_reports_name_packs_with_version_and_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = project(tmp_path)
    write(here / "pack")
    (here / "pod.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}]}\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(here)
    digest = digest_of_pack(here / "pack")
    for form, expected in (("json", f'"bank 1.2.0 ({digest})"'), ("pretty", "bank 1.2.0"), ("html", digest)):
        with pytest.raises(SystemExit):
            app(["scan", "pod.yaml", "--format", form])
        assert expected in capsys.readouterr().out, form


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("locked", [False, True])
def test_what_a_pack_locks_is_excluded_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nested: bool, locked: bool
) -> None:
    for name in (".git", "apps/shop"):
        (tmp_path / name).mkdir(parents=True)
    write(
        tmp_path / "pack", **{"kscan-pack.yaml": PACK.replace("[BANK-0001]", "[exclude]" if locked else "[]")}
    )
    (tmp_path / "apps/shop/a.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}]}\n"
    )
    above, below = "extends: ./pack\n", "controls: {}\n"
    line = "exclude: ['a.yaml', '!b.yaml']\n"
    (tmp_path / ".kscan.yaml").write_text(above + line * (not nested))
    (tmp_path / "apps/.kscan.yaml").write_text(below + line * nested)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["scan", "--format", "json", "apps"])
    report = json.loads(result.stdout)
    seen = {finding["file"] for finding in report["findings"]}
    messages = [problem["message"] for problem in report["problems"]]
    assert seen == ({"apps/shop/a.yaml"} if locked else set())
    assert messages == ["'a.yaml' excludes nothing: settings above lock 'exclude'"] * locked
    if locked:
        assert result.exit_code == 2
        assert report["problems"][0]["file"] == ("apps/.kscan.yaml" if nested else ".kscan.yaml")
    # an editor finds the same files
    found, _ = find_files(tmp_path, configure(tmp_path)[0])
    assert (tmp_path / "apps/shop/a.yaml" in found.files) is locked
