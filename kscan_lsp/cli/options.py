"""The options that several commands have, and what can be chosen."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from kscan_lsp.cli import completion
from kscan_lsp.report.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Sequence


STDIN: Final = "-"
"""The path that means standard input."""


class UsageError(Exception):
    """The command cannot be carried out; the text says what is wrong and what to do."""


class FailOn(StrEnum):
    """The least severity that fails the gate."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class ImageGateOptions(NamedTuple):
    """What a command line says of vulnerabilities of images."""

    fail_on: FailOn | None = None
    kev: bool = False
    only_fixable: bool = False


NO_IMAGE_OPTIONS: Final = ImageGateOptions()
"""Nothing is said: the settings decide."""


class TestForm(StrEnum):
    """How the outcome of tests of controls is written."""

    TEXT = "text"
    JUNIT = "junit"


class VapForm(StrEnum):
    """How what admission policies say is written."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"


class ValidationAction(StrEnum):
    """What a binding of an admission policy does about a violation."""

    DENY = "Deny"
    WARN = "Warn"
    AUDIT = "Audit"


class Subject(StrEnum):
    """What can be listed."""

    CONTROLS = "controls"
    FRAMEWORKS = "frameworks"
    KINDS = "kinds"


def split_names(values: Sequence[str]) -> tuple[str, ...]:
    """Names from options that may be repeated and may hold several, separated by commas."""
    names = (name.strip() for value in values for name in value.split(","))
    return tuple(dict.fromkeys(name for name in names if name))


Paths = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH", help="Files and folders; '-' is standard input.", show_default="."),
]


def _known_format(name: str | None) -> str | None:
    if name is not None and name not in FORMATS:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(map(repr, FORMATS))}.")
    return name


FormatName = Annotated[
    str | None,
    typer.Option(
        "--format",
        "-f",
        metavar=f"<{'|'.join(FORMATS)}>",
        callback=_known_format,
        autocompletion=completion.formats,
        help="Form of the report.",
        show_default=f"by the ending of --output, else {next(iter(FORMATS))}",
    ),
]
Outputs = Annotated[
    list[Path],
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write the report to a file and not to standard output, '-' means both; may be repeated.",
    ),
]
Fixes = Annotated[
    bool,
    typer.Option(
        "--fixes", help="Show only fixes that are verified to hold; JSON and SARIF have their edits."
    ),
]
SarifAccepted = Annotated[
    bool,
    typer.Option(
        "--sarif-accepted",
        help="Have accepted findings in SARIF, as suppressed; GitHub shows those as alerts.",
    ),
]


Staged = Annotated[
    bool,
    typer.Option(
        "--staged",
        help="Read what git has staged, and report what the next commit adds or changes, or the paths that are named.",
    ),
]


def _known_shell(name: str) -> str:
    if name not in completion.SHELLS:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(map(repr, completion.SHELLS))}.")
    return name


Shell = Annotated[
    str,
    typer.Argument(
        metavar="|".join(completion.SHELLS),
        callback=_known_shell,
        autocompletion=completion.shells,
        help="The shell that is to read it.",
    ),
]
Frameworks = Annotated[
    list[str],
    typer.Option(
        "--framework",
        metavar="ID[,ID]",
        help="Check the controls of these frameworks.",
        autocompletion=completion.frameworks,
    ),
]
Controls = Annotated[
    list[str],
    typer.Option(
        "--control",
        metavar="ID[,ID]",
        help="Check these controls and no others.",
        autocompletion=completion.controls,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings file to use in place of .kscan.yaml."),
]
ExceptionFiles = Annotated[
    list[Path],
    typer.Option(
        "--exceptions",
        metavar="FILE",
        help="File with exceptions, also Kubescape's, besides those of the settings; may be repeated.",
    ),
]
FailOnCve = Annotated[
    FailOn | None,
    typer.Option(
        "--fail-on-cve", help="The least severity of a vulnerability of an image that fails the scan."
    ),
]
Kev = Annotated[
    bool, typer.Option("--kev", help="Fail for vulnerabilities of images that are known to be exploited.")
]
OnlyFixable = Annotated[
    bool, typer.Option("--only-fixable", help="With --fail-on-cve and --kev: only such that have a fix.")
]
ScanImages = Annotated[
    bool,
    typer.Option(
        "--scan-images",
        help="Have Trivy or Grype scan images that no report is about, with the database there is.",
    ),
]
BaselineName = Annotated[
    Path | None,
    typer.Option(
        "--baseline", metavar="FILE", help="Baseline to compare with, in place of the one that settings name."
    ),
]
StdinName = Annotated[
    str,
    typer.Option(
        "--stdin-name",
        metavar="NAME",
        help="What to call standard input in reports; it counts in place of a file of this name.",
    ),
]
Jobs = Annotated[
    int,
    typer.Option("--jobs", "-j", metavar="N", min=0, help="Processes at most.", show_default="one a core"),
]
LogFile = Annotated[
    Path | None,
    typer.Option("--log-file", metavar="FILE", help="Write a log; it holds no text of manifests."),
]
Thresholds = Annotated[
    list[str],
    typer.Option(
        metavar="[FRAMEWORK=]N",
        help="Fail where compliance with a framework, or any, is below N percent; may be repeated.",
    ),
]
LeastSeverity = Annotated[
    FailOn | None,
    typer.Option(
        "--fail-on",
        help="The least severity that fails the scan.",
        show_default="high, or what the settings say",
    ),
]
NewSince = Annotated[
    str, typer.Option(metavar="REF", help="Compare with a revision of git in place of a baseline.")
]
AllowUnscanned = Annotated[
    bool, typer.Option("--allow-unscanned", help="Pass where something could not be scanned, or not fully.")
]
Coverage = Annotated[
    bool,
    typer.Option("--coverage", help="Say which conditions of a control no test needs to be true, or false."),
]
TestFormName = Annotated[TestForm, typer.Option("--format", help="How to write it.")]
