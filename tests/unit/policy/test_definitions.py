"""Definitions of a pack: what its controls use, what is wrong with one, and where that is said."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.policy.memo import PolicyMemo
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.policies import load_policies
from kscan_lsp.workspace.project import Project

if TYPE_CHECKING:
    from pathlib import Path

PACK = """\
name: bank
version: 1.0.0
controls: [controls]
definitions:
  team: object.?metadata.?labels.?team.orValue('')
  known: "team in inputs.teams"
"""
CONTROL = """\
id: BANK-0001
title: Team
severity: medium
description: d
remediation: r
inputs:
  teams: [shop]
checks:
- match: [{groups: [''], kinds: [ConfigMap]}]
  deny: "!known"
  at: metadata.name
  message: "'{team}' is no team"
"""
MANIFEST = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {team: %s}}\n"


def written(folder: Path, pack: str = PACK, control: str = CONTROL) -> Path:
    (folder / ".git").mkdir(exist_ok=True)
    (folder / "bank/controls").mkdir(parents=True, exist_ok=True)
    (folder / "bank/kscan-pack.yaml").write_text(pack)
    (folder / "bank/controls/c.yaml").write_text(control)
    chosen = "extends: ./bank\nframeworks: []\ncontrols: {include: [BANK-0001]}\n"
    (folder / ".kscan.yaml").write_text(chosen)
    return folder


def problems(folder: Path) -> list[tuple[str, str, str]]:
    configuration, _ = configure(folder)
    return [
        (one.path.name, one.document.text[one.problem.span.start : one.problem.span.end], one.problem.message)
        for one in configuration.problems
    ]


def messages(folder: Path, team: str) -> list[str]:
    project = Project(Evaluator(configure(folder)[0].ruleset, Evidence(date(2026, 1, 1))))
    file = project.with_file("a.yaml", MANIFEST % team).files["a.yaml"]
    return [one.finding.message for one in file.findings()]


def test_all_controls_of_the_pack_use_them(tmp_path: Path) -> None:
    written(tmp_path)
    assert problems(tmp_path) == []
    assert messages(tmp_path, "other") == ["'other' is no team"]
    assert messages(tmp_path, "shop") == []


def test_others_do_not(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "own.yaml").write_text(CONTROL.replace("BANK-0001", "ORG-0001"))
    (tmp_path / ".kscan.yaml").write_text(
        "extends: ./bank\npolicies: [own.yaml]\nframeworks: [recommended]\n"
    )
    said = [message for name, _, message in problems(tmp_path) if name == "own.yaml"]
    assert [message.partition(";")[0].partition(" (")[0] for message in said] == [
        "undeclared reference to 'known'",
        "undeclared reference to 'team'",
    ]


@pytest.mark.parametrize(
    ("line", "at", "message"),
    [
        ("  more: team + nme\n", "nme", "undeclared reference to 'nme'"),
        ("  more: 'team + nme'\n", "nme", "undeclared reference to 'nme'"),
        ("  more: 'team + ''x'' + nme'\n", "nme", "undeclared reference to 'nme'"),
        ('  more: "team + nme"\n', "nme", "undeclared reference to 'nme'"),
        ("  more: >-\n    team\n    + nme\n", "nme", "undeclared reference to 'nme'"),
        ("  more: |\n    team\n      + nme\n", "nme", "undeclared reference to 'nme'"),
        ("  more: team\n    + nme\n", "nme", "undeclared reference to 'nme'"),
        ('  more: "\\u0074eam + nme"\n', '"\\u0074eam + nme"', "undeclared reference to 'nme'"),
        ("  more: \U0001f4a5\n", "\U0001f4a5", "Syntax error"),
        ("  more: more == ''\n", "more", "'more' names itself; a definition may use those above it"),
        ("  more: last == ''\n  last: team\n", "last", "'last' is defined below; a definition may use those above it"),
        ("  more: ''\n", "''", "Syntax error"),
        ("  more: team in inputs.taems\n", "taems", "no control declares an input 'taems'; did you mean 'teams'?"),
        ("  more: 5\n", "5", "'more' must be a string; quote it"),
        ("  more: [a]\n", "[a]", "'more' must be a string"),
        ("  object: team\n", "object", "'object' cannot be the name of a definition"),
        ("  path: team\n", "path", "'path' cannot be the name of a definition"),
        ("  in: team\n", "in", "'in' cannot be the name of a definition"),
        ("  a-b: team\n", "a-b", "'a-b' cannot be the name of a definition"),
        ("  team: object.kind\n", "team", None),
        (
            "  more: object.a.map(a, object.a.map(b, object.a.map(c, object.a.map(d, [a, b, c, d]))))\n",
            "object",
            "too much work",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_said_at_its_characters(tmp_path: Path, line: str, at: str, message: str | None) -> None:
    found = [one for one in problems(written(tmp_path, PACK + line)) if one[0] == "kscan-pack.yaml"]
    assert found
    assert found[0][1] == at
    assert message is None or message in found[0][2]


def test_who_uses_a_wrong_one_is_told(tmp_path: Path) -> None:
    pack = PACK.replace("object.?metadata", "objct.?metadata")
    said = {(name, text): message for name, text, message in problems(written(tmp_path, pack))}
    assert said["kscan-pack.yaml", "objct"].startswith("undeclared reference to 'objct'")
    assert said["kscan-pack.yaml", "team"] == "'team' is wrong itself, so 'known' cannot use it"
    assert [name for name, _ in said if name == "c.yaml"]


@pytest.mark.parametrize(
    ("new", "at", "message"),
    [
        (
            "  let: {known: 'true'}\n  deny",
            "known",
            "'known' is a definition of the pack; give this let another name",
        ),
        (
            "  relations: {team: namespaces}\n  deny",
            "team",
            "'team' is a definition of the pack; give this relation another name",
        ),
    ],
)
def test_a_name_of_a_check_hides_none(tmp_path: Path, new: str, at: str, message: str) -> None:
    control = CONTROL.replace("  deny", new)
    assert ("c.yaml", at, message) in problems(written(tmp_path, control=control))


def test_a_let_may_use_them_and_typed_inputs(tmp_path: Path) -> None:
    pack = PACK + "  few: size(team) < inputs.most\n"
    control = CONTROL.replace("  teams: [shop]\n", "  teams: [shop]\n  most: {type: number, default: 4}\n")
    control = control.replace('  deny: "!known"', "  let: {wrong: '!known && few'}\n  deny: wrong")
    written(tmp_path, pack, control)
    assert problems(tmp_path) == []
    assert messages(tmp_path, "ab") == ["'ab' is no team"]
    assert messages(tmp_path, "abcd") == []


def test_a_control_is_compiled_again_when_its_pack_defines_something_else(tmp_path: Path) -> None:
    file = written(tmp_path) / "bank/controls/c.yaml"
    memo = PolicyMemo()
    pack = tmp_path / "bank/kscan-pack.yaml"

    def deny(text: str) -> object:
        return load_policies([file], {pack: text}, memo=memo).controls["BANK-0001"].checks[0].deny

    first = deny(PACK)
    assert deny(PACK) is first
    assert deny(PACK.replace("labels.?team", "labels.?squad")) is not first


def test_a_pack_that_is_no_pack_defines_nothing(tmp_path: Path) -> None:
    for text in (
        "definitions: [a]\n",
        "[]\n",
        "definitions: {a: &a [*a]}\n",
        "\0",
        "definitions:\n  a: 'x\n",
    ):
        found = load_policies([written(tmp_path, text) / "bank/controls/c.yaml"])
        assert "BANK-0001" not in found.controls
        assert found.problems


def test_there_may_be_many_but_not_any_number(tmp_path: Path) -> None:
    pack = PACK + "".join(f"  d{n}: team\n" for n in range(300))
    [(name, text, message)] = problems(written(tmp_path, pack))
    assert (name, text) == ("kscan-pack.yaml", "d198")
    assert message == "more than 200 definitions; these and those below are left out"
