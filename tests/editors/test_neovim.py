"""The real Neovim, headless: each scenario in `scenarios/` is one session with the language server."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from support import scanning

HERE = Path(__file__).parent
CHECKOUT = HERE.parent.parent
SCENARIOS = sorted((HERE / "scenarios").glob("*.lua"))
NVIM = shutil.which("nvim", path=sysconfig.get_path("scripts")) or shutil.which("nvim")


@pytest.mark.skipif(NVIM is None, reason="needs Neovim: install the dev dependency group")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.stem)
def test_neovim(scenario: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    programs = tmp_path / "bin"  # where the recipes of the documentation find kscan
    programs.mkdir()
    kscan = programs / "kscan"
    kscan.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kscan_lsp "$@"\n')
    kscan.chmod(0o755)
    if scenario.stem == "images":
        scanning.installed(programs / "trivy", tmp_path / "trivy")
        archives = workspace / ".kscan/images"
        archives.mkdir(parents=True)
        scanning.archive(archives / "shop.tar", "registry.example/shop:1.0")
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        **{f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")},
        "NVIM_LOG_FILE": str(tmp_path / "nvim.log"),
        "PYTHONPATH": str(CHECKOUT),
        "KSCAN_SCENARIO": str(scenario),
        "KSCAN_RECIPES": str(CHECKOUT / "docs/editors.md"),
        "KSCAN_COMMAND": json.dumps([sys.executable, "-m", "kscan_lsp", "lsp"]),
    }
    command = [NVIM, "--headless", "--clean", "-S", str(HERE / "neovim.lua")]
    done = subprocess.run(
        command, cwd=workspace, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    log = tmp_path / "state" / "nvim" / "lsp.log"
    said = log.read_text()[-4000:] if log.exists() else ""
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{said}"
