"""A scanner of the machine, run on images: Trivy or Grype, with the database that it has.

Which program is run is never for a repository to say: it is on PATH, outside of what is scanned, or the user names it
in the environment. It works in an empty folder, so that no configuration of a repository is read, and without the
network unless the user allows that. What it writes is bounded, and so is its time.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp.files.programs import (
    Bounds,
    CannotRunError,
    Cut,
    installed,
    is_program,
    on_path,
    run,
    usual_folders,
)
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kscan_lsp.workspace.image_files import ImageFile

SCANNER: Final = "KSCAN_IMAGE_SCANNER"
"""The environment variable with the path of the program, where it is not on PATH."""
NETWORK: Final = "KSCAN_IMAGES_NETWORK"
"""The environment variable that allows the program to fetch images and databases, if it is `1`."""
TIMEOUT: Final = 300.0
"""Seconds for one image."""
MAX_OUTPUT: Final = 64_000_000
MAX_PATH: Final = 400
"""Characters of PATH that are shown."""
STOPPED: Final = "it was stopped"
"""Why there is no report of a scan that whoever asked for it does not want any more."""
_REFERENCE: Final = regex(r"[A-Za-z0-9][A-Za-z0-9._/:@+-]{0,500}")
_NAMES: Final = ("trivy", "grype")


class Scanner(NamedTuple):
    """A program that scans images: what it is, where it is, and what it says of itself and of its database."""

    name: str
    path: str
    version: str
    database: str
    network: bool = False
    """Whether the user allows it to fetch images and databases."""

    @property
    def identity(self) -> str:
        """What its answers depend on."""
        return f"{self.name} {self.version} {self.database}"


class ScannerOutput(NamedTuple):
    """The report of a scan, or why there is none."""

    report: bytes = b""
    problem: str = ""


def find_scanner(
    roots: Iterable[Path],
    named: tuple[str, str] = ("", SCANNER),
    *,
    network: bool = False,
    desktop: bool = False,
) -> Scanner | str:
    """The scanner of the machine, or why there is none.

    Args:
        roots: what is scanned; a program in there is not run.
        named: the whole path of the one that the user wants, and what says so; the environment, where it is empty.
        network: whether the user allows the network; so may the environment.
        desktop: whether who asks may have been started without the PATH of the user's shell, as editors are.
    """
    tops = [str(root) for root in roots]
    chosen, where = named if named[0] else (os.environ.get(SCANNER, ""), SCANNER)
    if chosen and not is_program(chosen):
        return f"{where} names no program: '{chosen}'; write the whole path"
    path = chosen or on_path(_NAMES, tops) or (installed(_NAMES, tops) if desktop else None)
    if not path:
        return _none_found(named[1], desktop=desktop)
    name = next((one for one in _NAMES if one in Path(path).name.lower()), "")
    if not name:
        return f"'{path}' is neither trivy nor grype"
    said = _run([path, "version", *(("-f", "json") if name == "trivy" else ("-o", "json"))], 30)
    if said.problem:
        return f"{name} does not work: {said.problem}"
    allowed = network or os.environ.get(NETWORK) == "1"
    return Scanner(name, path, *_versions(said.report, name, path), allowed)


def _none_found(where: str, *, desktop: bool) -> str:
    nothing = "there is no scanner: neither trivy nor grype is on PATH"
    if not desktop:
        return f"{nothing}; install one, or name it in {where}"
    path = os.environ.get("PATH", "") or "nothing"
    path = path if len(path) <= MAX_PATH else f"{path[:MAX_PATH]}\u2026"
    return (
        f"{nothing}, which for this editor is {path}, nor in {', '.join(usual_folders())}. An editor that was not "
        "started from a terminal may not have the PATH of your shell: install one of them, or write the whole path of "
        f"yours ('command -v trivy' prints it) into {where}"
    )


def _versions(said: bytes, name: str, path: str) -> tuple[str, str]:
    try:
        data: dict[str, Any] = json.loads(said)
    except ValueError:
        return "", ""
    if not isinstance(data, dict):
        return "", ""
    if name == "trivy":
        known = data.get("VulnerabilityDB")
        return str(data.get("Version", "")), str(known.get("UpdatedAt", "")) if isinstance(
            known, dict
        ) else ""
    status = _run([path, "db", "status", "-o", "json"], 30)
    try:
        built = json.loads(status.report or b"{}").get("built", "")
    except (ValueError, AttributeError):
        built = ""
    return str(data.get("version", "")), str(built)


def is_reference(image: str) -> bool:
    """Whether a scanner can be given what a manifest says of an image: it is no option, and no placeholder."""
    return _REFERENCE.fullmatch(image) is not None


def run_scanner(
    scanner: Scanner,
    image: str,
    file: ImageFile | None = None,
    stopped: Callable[[], bool] | None = None,
) -> ScannerOutput:
    """Have an image scanned.

    Args:
        scanner: the program.
        image: the reference; of an image that the machine has, or, where the user allows the network, any.
        file: where it is in the workspace, if it is there.
        stopped: asked every now and then by who scans in the background, where others work meanwhile.
    """
    if not is_reference(image):
        return ScannerOutput(problem="it is no reference that a scanner can be given")
    network = scanner.network
    if scanner.name == "trivy":
        arguments = [
            "image", "--format", "json", "--quiet", "--scanners", "vuln", "--cache-backend", "memory",
            "--skip-version-check", "--timeout", f"{int(TIMEOUT)}s",
        ]  # fmt: skip
        if not network:
            arguments += ["--skip-db-update", "--skip-java-db-update", "--offline-scan"]
        if file is not None:
            arguments += ["--input", str(file.path)]
        else:
            arguments += ([] if network else ["--image-src", "docker,containerd,podman"]) + ["--", image]
    else:
        source = f"{file.form}:{file.path}" if file else image if network else f"docker:{image}"
        arguments = ["--output", "json", "--quiet", "--", source]
    settings = {} if network else {"GRYPE_DB_AUTO_UPDATE": "false", "GRYPE_CHECK_FOR_APP_UPDATE": "false"}
    return _run([scanner.path, *arguments], TIMEOUT + 10, settings, stopped)


def _run(
    command: list[str],
    seconds: float,
    settings: dict[str, str] | None = None,
    stopped: Callable[[], bool] | None = None,
) -> ScannerOutput:
    """Run a program in an empty folder."""
    try:
        with tempfile.TemporaryDirectory(prefix="kscan-") as folder:
            bounds = Bounds(seconds, MAX_OUTPUT)
            ran = run(command, folder, {**os.environ, **(settings or {})}, bounds, stopped)
    except CannotRunError as error:
        return ScannerOutput(problem=f"it cannot be run: {error}")
    except OSError as error:  # the disk is full, above all
        return ScannerOutput(problem=f"there is no place for it to work in: {error.strerror or error}")
    match ran.cut:
        case Cut.ASKED:
            return ScannerOutput(problem=STOPPED)
        case Cut.TIME:
            return ScannerOutput(problem=f"it took more than {int(seconds)} seconds")
        case Cut.OUTPUT:
            return ScannerOutput(problem=f"it wrote more than {MAX_OUTPUT:,} bytes")
    return ScannerOutput(problem=ran.last_words[:300]) if ran.status else ScannerOutput(ran.output)
