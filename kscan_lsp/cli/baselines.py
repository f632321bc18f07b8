"""Scans compared with baselines: which one is for which files, and what is new; where one is written, and named."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.cli.options import STDIN, UsageError
from kscan_lsp.dispositions.baseline import VERSION, Baseline
from kscan_lsp.edits import set_value
from kscan_lsp.files import encoding
from kscan_lsp.files.manifest import display_name
from kscan_lsp.files.writing import replace as replace_file
from kscan_lsp.report.drift import Compared, digest_of_policies, digest_of_settings, drift
from kscan_lsp.settings.model import FILE_NAMES
from kscan_lsp.text import TextEdit, apply_edits
from kscan_lsp.workspace.baselines import (
    DEFAULT_BASELINE,
    folder_of,
    match_files,
    name_in,
    read_baseline,
    with_claims,
)
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.image_uses import known_of
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kscan_lsp.cli.asked import ScanRequest
    from kscan_lsp.cli.judged import ScannedFile
    from kscan_lsp.cli.scan import Scan
    from kscan_lsp.report.model import Report
    from kscan_lsp.workspace.baselines import BaselineFile
    from kscan_lsp.workspace.results import CheckedFile


class ComparedScan(Struct, frozen=True):
    """A scan whose findings say whether they are in a baseline, and what each baseline was matched with."""

    scan: Scan
    baselines: tuple[Compared, ...]


_NOTHING: Final = Baseline(version=VERSION, tool="", date="")


def baselines_of(scan: Scan, named: Path | None) -> list[BaselineFile]:
    """The baselines of a scan: the one that the command names, else those of the settings.

    Raises:
        UsageError: what the command names is no baseline.
    """
    if named is None:
        return [*{one.baseline.path: one.baseline for one in scan.configurations if one.baseline}.values()]
    if not named.is_file():
        raise UsageError(
            f"there is no baseline '{named}'; 'kscan baseline create --baseline {named}' writes one"
        )
    return [read_baseline(named)]


def compare(scan: Scan, named: Path | None, *, anew: bool = False) -> ComparedScan:
    """Match the findings of a scan with those of the baselines that are for them.

    Args:
        scan: the files as judged.
        named: the baseline that the command names, for all files; else each has the one of its settings.
        anew: whether one that cannot be read is about to be written anew, and counts as empty.

    Raises:
        UsageError: what the command names is no baseline.
    """
    compared: list[Compared] = []
    for one in baselines_of(scan, named):
        known = _NOTHING if one.baseline is None and anew else one.baseline
        if known is None:
            if named is None or one.problem is None:
                continue  # a problem of the settings, and everything is new
            raise UsageError(f"{named}: {one.problem.message}")
        files = [file for file in scan.files if named or _is_for(one, file, scan)]
        scan, found = matched(scan, files, known, one.path)
        compared.append(found)
    return ComparedScan(scan, tuple(compared))


def _is_for(baseline: BaselineFile, file: ScannedFile, scan: Scan) -> bool:
    ruleset = file.project.ruleset
    return any(
        one.baseline is not None and one.baseline.path == baseline.path and one.ruleset is ruleset
        for one in scan.configurations
    )


def matched(
    scan: Scan, files: Sequence[ScannedFile], baseline: Baseline, path: Path
) -> tuple[Scan, Compared]:
    """A scan with what a baseline says of the findings in some of its files; `path` is where it lies."""
    folder = folder_of(path)
    names = {file.checked.path: name_in(folder, _path_of(file)) for file in files if not file.checked.skipped}
    checked: dict[str, CheckedFile] = {
        names[file.checked.path]: file.checked for file in files if not file.checked.skipped
    }
    facts = {names[file.checked.path]: known_of(file.project) for file in files if not file.checked.skipped}
    matching = match_files(baseline, {name: (one, facts[name]) for name, one in checked.items()})
    marked = {
        checked[name].path: with_claims(checked[name], claims) for name, claims in matching.claims.items()
    }
    now = [replace(file, checked=marked.get(file.checked.path, file.checked)) for file in scan.files]
    compared = Compared(
        display_name(path),
        baseline,
        matching,
        {name: file for file, name in names.items()},
        lambda name: display_name(folder / name),
        lambda file: _is_covered(file, scan.requested),
    )
    return replace(scan, files=tuple(now)), compared


def _path_of(file: ScannedFile) -> Path:
    return file.path or Path(file.checked.path)


def _is_covered(file: str, requested: Sequence[str]) -> bool:
    """Whether a file lies in what was to be scanned."""
    path = os.path.abspath(file)
    for one in requested:
        top = os.path.abspath(one)
        if one != STDIN and (path == top or path.startswith(top.rstrip(os.sep) + os.sep)):
            return True
    return False


def digests_of(scan: Scan) -> tuple[str, str]:
    """What tells the settings and the policies of a scan from others."""
    return (
        digest_of_settings(one.settings for one in scan.configurations),
        digest_of_policies(one.ruleset for one in scan.configurations),
    )


def with_drift(report: Report, compared: ComparedScan | None, *, new_only: bool = False) -> Report:
    """A report that says what became different since the baselines of its scan.

    Args:
        report: that of the scan.
        compared: the scan, if it was compared with any.
        new_only: whether it leaves out what is in a baseline, and gates about images do, too.
    """
    if compared and compared.baselines:
        digests = digests_of(compared.scan)
        report = replace(report, drift=tuple(drift(report, one, digests) for one in compared.baselines))
    if new_only:
        kept = tuple(one for one in report.findings if one.finding.status != "baseline")
        images = report.gate.images and replace(report.gate.images, only_new=True)
        report = replace(report, findings=kept, gate=replace(report.gate, images=images))
    return report


def place_for(scan: Scan, request: ScanRequest) -> Path:
    """Where a baseline is written that no option names: where the settings say, or beside them."""
    for one in scan.configurations:
        if one.settings_path is not None:
            return one.settings_path.parent / (one.settings.baseline or DEFAULT_BASELINE)
    first = Path(request.paths[0])
    return (first if first.is_dir() else Path()) / DEFAULT_BASELINE


def name_in_settings(scan: Scan, path: Path, config: Path | None) -> str:
    """Have settings name a baseline; says what was done, or has to be done by hand.

    Args:
        scan: what the baseline is of.
        path: the baseline.
        config: the settings file that the command names.
    """
    configuration = scan.configurations[0]
    if configuration.settings.baseline:
        return ""
    settings = config or configuration.settings_path or folder_of(path) / FILE_NAMES[0]
    line = f"baseline: {name_in(settings.parent, path)}"
    by_hand = f"write '{line}' into {display_name(settings)}, so that scans, editor and pipeline go by it"
    source = encoding.read(settings) if settings.exists() else encoding.SourceText("")
    if isinstance(source, encoding.Unreadable):
        return by_hand
    document = read_document(source.text)
    made = set_value(document, ("baseline",), name_in(settings.parent, path)) if document.root else None
    if made is None and not source.text.strip():
        text = f"{line}\n"
    elif isinstance(made, TextEdit):
        text = apply_edits(source.text, [made])
    else:
        return by_hand
    # as it was but for the line: its byte order mark, its line ends, its mode
    if reason := replace_file(settings, source.encode(text)):
        return f"{display_name(settings)}: {reason}; {by_hand}"
    return f"{display_name(settings)} names it now: '{line}'"


def baseline_here(named: Path | None, config: Path | None) -> tuple[Baseline, str]:
    """The baseline that a command names, or the settings of the working directory, and the name of its file.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    if named is None:
        configuration, _ = configure(Path.cwd(), settings_path=config)
        file = configuration.baseline
        if file is None:
            raise UsageError("there is no baseline: name one with --baseline, or 'kscan baseline create' one")
    elif not named.is_file():
        raise UsageError(f"there is no baseline '{named}'")
    else:
        file = read_baseline(named)
    if file.baseline is None:
        why = file.problem.message if file.problem else "this is no baseline"
        raise UsageError(f"{display_name(file.path)}: {why}")
    return file.baseline, display_name(file.path)
