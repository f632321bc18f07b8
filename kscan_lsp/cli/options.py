"""The options that several commands have, and what can be chosen."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """What a report can look like."""

    PRETTY = "pretty"
    JSON = "json"
    HTML = "html"


class FailOn(StrEnum):
    """The least severity that fails the gate."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Subject(StrEnum):
    """What can be listed."""

    CONTROLS = "controls"
    FRAMEWORKS = "frameworks"


Paths = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH", help="Files and folders; '-' is standard input.", show_default="."),
]
Frameworks = Annotated[
    list[str], typer.Option("--framework", metavar="ID[,ID]", help="Check the controls of these frameworks.")
]
Controls = Annotated[
    list[str],
    typer.Option("--control", metavar="ID[,ID]", help="Check these controls and no others."),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings file to use in place of .kscan.yaml."),
]
StdinName = Annotated[
    str, typer.Option("--stdin-name", metavar="NAME", help="What to call standard input in reports.")
]
LogFile = Annotated[
    Path | None,
    typer.Option("--log-file", metavar="FILE", help="Write a log; it holds no text of manifests."),
]
