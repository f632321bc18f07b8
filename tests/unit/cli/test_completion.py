"""What shells propose: names that there are, and nothing of a repository that a shell could take for a command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from kscan_lsp.cli import completion

if TYPE_CHECKING:
    from pathlib import Path

KSCAN = "import sys; sys.argv[0] = 'kscan'; from kscan_lsp.__main__ import main; main()"
ENV = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(shell: str, typed: str) -> list[str]:
    """The lines that a shell gets for a command line whose last word is being typed."""
    words = typed.split(" ")
    said = {
        "_KSCAN_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": typed,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    done = subprocess.run(
        [sys.executable, "-c", KSCAN], capture_output=True, text=True, env={**ENV, **said}, check=True
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_ids_frameworks_formats_and_commands() -> None:
    assert "C-0057" in asked("bash", "kscan scan --control C-00")
    assert "C-0012,C-0057" in asked("bash", "kscan scan --control C-0012,C-005")
    assert asked("bash", "kscan scan --framework pss-r") == ["pss-restricted"]
    assert asked("bash", "kscan scan --format g") == ["github", "gitlab", "gitlab-sast"]
    assert asked("bash", "kscan explain KS-0036") == ["KS-0036"]
    assert asked("bash", "kscan comp") == ["completion"]
    assert "C-0057\tPrivileged container" in asked("fish", "kscan fix --control C-005")
    assert '"C-0057":"Privileged container"' in asked("zsh", "kscan test --control C-005")


def test_what_is_there_already_is_not_proposed_again() -> None:
    assert completion.controls("C-0057,C-0057") == []
    assert completion.frameworks("nsa,ns") == []


def test_of_a_repository_only_ids_are_proposed(here: Path) -> None:
    hostile = 'a\\\\"$(touch ran)`touch ran`'
    control = (
        "id: {}\ntitle: '{}'\nscore: 5\ndescription: d\nremediation: r\n{}"
        "checks: [{{each: containers, deny: 'false', at: image, message: m}}]\n"
    )
    (here / "own.yaml").write_text(control.format("PAY-0001", hostile, ""))
    (here / "other.yaml").write_text(control.format("C-0057", hostile, "replaces: C-0057\n"))
    (here / "framework.yaml").write_text(f"id: pay\ntitle: '{hostile}'\ncontrols: [{{id: PAY-0001}}]\n")
    (here / ".kscan.yaml").write_text("policies: [own.yaml, other.yaml, framework.yaml]\n")
    assert completion.controls("PAY") == [("PAY-0001", "")]
    assert completion.controls("C-0057") == [("C-0057", "")]
    assert completion.frameworks("pay") == [("pay", "")]


@pytest.mark.skipif(os.name != "posix" or shutil.which("bash") is None, reason="runs bash")
def test_bash_takes_the_script(here: Path) -> None:
    (here / "kscan").write_text(f'#!/bin/sh\nexec {sys.executable} -c "{KSCAN}" "$@"\n')
    (here / "kscan").chmod(0o755)
    script = (
        f"PATH={here}:$PATH\n{completion.script('bash')}\n"
        'COMP_WORDS=(kscan scan --control C-0012,C-005); COMP_CWORD=3; _kscan_completion kscan; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, env=ENV, check=True
    )
    assert "C-0012,C-0057" in done.stdout.split()


def test_there_is_a_script_for_each_shell() -> None:
    for shell in completion.SHELLS:
        assert "_KSCAN_COMPLETE" in completion.script(shell)
    run = subprocess.run(
        [sys.executable, "-c", KSCAN, "completion", "tcsh"],
        capture_output=True,
        text=True,
        env=ENV,
        check=False,
    )
    assert run.returncode == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish', 'powershell'" in run.stderr


def test_it_costs_nothing_unless_a_shell_asks() -> None:
    run = "import sys; sys.argv = ['kscan', '--version']\n" + KSCAN.replace("; main()", "")
    code = f"{run}\ntry: main()\nexcept SystemExit: print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=ENV, check=True
    ).stdout.split()
    assert "kscan_lsp.cli.completion" in loaded
    # msgspec alone would take as long as all of the command line
    assert not {"kscan_lsp.workspace.configuration", "kscan_lsp.policy.model", "msgspec"} & {*loaded}
