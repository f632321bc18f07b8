"""Whose policies are loaded: the machine's always, a workspace's once it is trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kscan_lsp.findings import UNTRUSTED
from kscan_lsp.workspace.configuration import Configuration, configure, exclude_in
from kscan_lsp.workspace.trust import MACHINE

if TYPE_CHECKING:
    from pathlib import Path


def control(name: str) -> str:
    return (
        f"id: {name}\ntitle: T\nseverity: high\ndescription: D.\nremediation: R.\n"
        "checks:\n- deny: 'true'\n  at: metadata\n  message: nothing\n"
    )


def pack(folder: Path, name: str, id_: str) -> None:
    (folder / "controls").mkdir(parents=True)
    (folder / "controls/a.yaml").write_text(control(id_))
    (folder / "bank.yaml").write_text(f"id: {name}\ntitle: B\ncontrols: [{{id: {id_}}}]\n")
    (folder / "kscan-pack.yaml").write_text(
        f"name: {name}\nversion: 1.0.0\nframeworks: [bank.yaml]\nuse: {name}\nlocked: [{id_}]\n"
    )


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A workspace with a pack, a policy, and settings that speak of both."""
    folder = tmp_path / "workspace"
    pack(folder / "pack", "team", "TEAM-0001")
    (folder / ".git").mkdir()
    (folder / "own.yaml").write_text(control("OWN-0001"))
    (folder / ".kscan.yaml").write_text(
        "extends: ./pack\npolicies: own.yaml\nframeworks: [team]\nlocked: [TEAM-0001]\n"
        "controls: {include: [OWN-0001, C-0057], severity: {OWN-0001: low, C-0057: low}}\n"
    )
    return folder


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's settings, which extend a pack."""
    folder = tmp_path / "machine"
    pack(folder / "pack", "bank", "BANK-0001")
    path = folder / "settings.yaml"
    path.write_text("extends: ./pack\nlocked: [frameworks]\n")
    monkeypatch.setenv(MACHINE, str(path))
    return path


def own(found: Configuration) -> set[str]:
    """The controls that are on and do not come with kscan."""
    return {name for name in found.ruleset.controls if not name.startswith(("C-", "KS-"))}


def said(found: Configuration) -> list[tuple[str, str, str]]:
    return [
        (
            one.problem.code,
            one.document.text[one.problem.span.start : one.problem.span.end],
            one.problem.message,
        )
        for one in found.problems
    ]


def test_policies_of_a_workspace_are_not_loaded_before_it_is_trusted(here: Path) -> None:
    found, words = configure(here, trusted=False)
    assert (own(found), found.packs, words) == (set(), (), ())
    assert found.ruleset.severity("C-0057").name == "LOW"
    assert "C-0016" in found.ruleset.controls  # of `recommended`, since no other framework is known
    assert not found.ruleset.admission
    ((code, marked, message),) = said(found)
    assert (code, marked) == (UNTRUSTED, "extends")
    assert message.startswith("policies are not loaded, since this workspace is not trusted")
    trusted, _ = configure(here)
    assert own(trusted) == {"TEAM-0001", "OWN-0001"}
    assert (said(trusted), trusted.ruleset.admission) == ([], True)


def test_what_else_is_wrong_is_told_all_the_same(here: Path) -> None:
    (here / ".kscan.yaml").write_text("policies: own.yaml\nfail: 1\nbaseline: none.json\nlocked: [nothing]\n")
    found, _ = configure(here, trusted=False)
    assert {(code, marked) for code, marked, _ in said(found)} == {
        (UNTRUSTED, "policies"),
        ("setting", "fail"),
        ("setting", "none.json"),
    }


def test_a_workspace_that_loads_nothing_has_no_notice(here: Path) -> None:
    (here / ".kscan.yaml").write_text("frameworks: [nsa, team]\n")
    ((code, _, message),) = said(configure(here, trusted=False)[0])
    assert (code, message) == ("setting", "unknown framework 'team'")


@pytest.mark.parametrize(
    ("section", "why"),
    [
        (
            {"extends": "./pack"},
            "'./pack' under 'extends' of the editor's settings is not loaded: it lies in",
        ),
        ({"extends": "pack"}, "'pack' under 'extends' of the editor's settings is not loaded: it lies in"),
        (
            {"policies": ["own.yaml"]},
            "'own.yaml' under 'policies' of the editor's settings is not loaded: it",
        ),
        ({"policies": ["../workspace"]}, "'../workspace' under 'policies' of the editor's settings is not"),
        ({"extends": "oci://bank.example/a:1.0.0"}, "'oci://bank.example/a:1.0.0' under 'extends' of the"),
    ],
)
def test_an_editor_loads_nothing_of_the_workspace_either(
    here: Path, section: dict[str, object], why: str
) -> None:
    (here / ".kscan.yaml").unlink()
    found, (word,) = configure(here, section={**section, "frameworks": ["team"]}, trusted=False)
    assert own(found) == set()
    assert word.startswith(why)
    assert "not trusted" in word
    assert found.problems == ()


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's own, with a policy and a pack."""
    folder = tmp_path / "elsewhere"
    pack(folder / "pack", "mine", "MINE-0001")
    (folder / "one.yaml").write_text(control("MINE-0002"))
    monkeypatch.setenv("KSCAN_TRUSTED_FOLDERS", str(folder))
    return folder


def test_what_the_user_s_own_settings_name_elsewhere_is_loaded(here: Path, elsewhere: Path) -> None:
    section = {
        "extends": [str(elsewhere / "pack"), "fintech"],
        "policies": [str(elsewhere / "one.yaml"), "own.yaml"],
        "frameworks": ["mine"],
        "controls": {"include": ["MINE-0002", "OWN-0001"]},
    }
    found, (word,) = configure(here, section=section, trusted=False)
    assert own(found) >= {"MINE-0001", "MINE-0002"}
    assert own(found).isdisjoint({"OWN-0001", "TEAM-0001"})
    assert [one.name for one in found.packs] == ["mine", "fintech"]
    assert word.startswith("'own.yaml'")
    notice, kept = said(found)
    assert (notice[0], kept[2]) == (UNTRUSTED, "'MINE-0001' stays on: settings above lock it")
    assert configure(here, section=section)[1] == ()


def test_a_link_into_the_workspace_is_a_part_of_it(here: Path, elsewhere: Path) -> None:
    (elsewhere / "link.yaml").symlink_to(here / "own.yaml")
    section = {"policies": [str(elsewhere / "link.yaml")], "controls": {"include": ["OWN-0001"]}}
    found, words = configure(here, section=section, trusted=False)
    assert (own(found), len(words)) == (set(), 1)


def test_names_that_no_file_can_have_are_told_once(here: Path) -> None:
    (here / ".kscan.yaml").unlink()
    _, words = configure(here, section={"policies": ["a\0b"], "extends": ["a" * 300]}, trusted=False)
    assert len(words) == 2


def test_admission_policies_that_are_named_have_a_notice_too(here: Path) -> None:
    (here / ".kscan.yaml").write_text("admission: {policies: [own.yaml]}\n")
    ((code, marked, _),) = said(configure(here, trusted=False)[0])
    assert (code, marked) == (UNTRUSTED, "policies")


@pytest.mark.parametrize("trusted", [False, True])
def test_the_machine_s_settings_hold_above_all(here: Path, machine: Path, trusted: bool) -> None:
    (here / ".kscan.yaml").write_text("frameworks: [nsa]\ncontrols: {exclude: [BANK-0001]}\n")
    found, words = configure(here, trusted=trusted)
    assert (own(found), words) == ({"BANK-0001"}, ())
    assert sorted(message for _, _, message in said(found)) == [
        "'BANK-0001' stays on: settings above lock it",
        "'bank' stays chosen, too: settings above lock frameworks",
    ]
    assert machine in found.files


@pytest.mark.parametrize("trusted", [False, True])
def test_what_an_editor_extends_takes_the_place_of_no_pack_of_the_machine(
    here: Path, machine: Path, trusted: bool
) -> None:
    del machine
    found, _ = configure(here, section={"extends": "fintech"}, trusted=trusted)
    assert [one.name for one in found.packs] == ["bank", "fintech"]


def test_the_machine_s_settings_hold_where_there_are_no_others(tmp_path: Path, machine: Path) -> None:
    assert own(configure(tmp_path, trusted=False)[0]) == {"BANK-0001"}
    assert own(configure(machine.parent, settings_path=machine, trusted=False)[0]) == {"BANK-0001"}


def test_the_outermost_settings_of_a_workspace_still_have_a_gate(here: Path, machine: Path) -> None:
    del machine
    (here / ".kscan.yaml").write_text("gate: {failOn: low}\n")
    found, _ = configure(here)
    assert (said(found), found.settings.gate.fail_on) == ([], "low")


def test_settings_of_the_machine_that_are_not_there_are_told(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MACHINE, str(tmp_path / "none"))
    assert configure(here)[1] == (f"{MACHINE} names '{tmp_path / 'none'}', which is no file",)


def test_what_a_pack_locks_of_exclude_waits_for_trust_too(here: Path) -> None:
    (here / "pack/kscan-pack.yaml").write_text("name: team\nversion: 1.0.0\nlocked: [exclude]\n")
    (here / ".kscan.yaml").write_text("extends: ./pack\nexclude: [a.yaml]\n")
    assert (
        exclude_in(here, trusted=False) == ((here, ("a.yaml",)),) == configure(here, trusted=False)[0].exclude
    )
    assert exclude_in(here) == () == configure(here)[0].exclude
