"""The proof of a fix: all files judged anew as they would be, by an evaluator that knows nothing of before.

Every fix was verified in the project that it was made in. This is the same question asked once more, of the outcome,
for who is about to change many files at once.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from kscan_lsp.cli.asked import Past
from kscan_lsp.cli.judged import judged, to_judge_again
from kscan_lsp.report.printable import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from kscan_lsp.cli.fix import FixResult
    from kscan_lsp.cli.judged import ScannedFile
    from kscan_lsp.cli.scan import Scan
    from kscan_lsp.findings import ResourceId

_Key: TypeAlias = "tuple[str, str, ResourceId, str]"
"""What a finding is, before and after: file, control, object and path with entries by name."""


class Proof(NamedTuple):
    """What became of findings."""

    fixed: int
    """How many are gone."""
    left: tuple[str, ...]
    """Those that a fix leaves for the user to do, and says so."""
    new: tuple[str, ...]
    """Those that are new although no fix may have any."""

    def text(self) -> str:
        """In words."""
        lines = [f"verified: {counted(self.fixed, 'finding')} gone, {len(self.new) or 'nothing'} new"]
        if self.left:
            lines[0] += f", {counted(len(self.left), 'finding')} left to do"
        lines += [f"  left to do: {printable(one)}" for one in self.left]
        lines += [f"  new, and nothing was written: {printable(one)}" for one in self.new]
        return "\n".join(lines)


def prove(scan: Scan, result: FixResult, today: date, fixed: Scan | None = None) -> Proof:
    """Judge all files of a scan anew, those with fixes by their new texts.

    Args:
        scan: the files as they are.
        result: the fixes.
        today: the day.
        fixed: the scan with what charts and overlays come to with the fixes.
    """
    texts = {file.scanned.checked.path: file.text for file in result.files}
    unchanged = {id(one.ruleset): one for one in scan.configurations}
    rendered = fixed or scan
    files, charts, built = to_judge_again(scan.files, rendered.charts, rendered.overlays, unchanged, texts)
    before = Counter(_keys(scan.files))
    again = judged(
        files, scan.configurations, today, charts=charts, overlays=built, past=Past(scan.requested)
    )
    after = Counter(_keys(again))
    gone, come = before - after, after - before
    leaves = {
        control: {i for check in ruleset.controls[control].checks if check.fix for i in check.fix.leaves}
        for one in scan.files
        for ruleset in (one.project.ruleset,)
        for control in {key[1] for key in gone} & ruleset.controls.keys()
    }
    expected = {(key[0], left) for key in gone for left in leaves.get(key[1], ())}
    said = [(_said(key), (key[0], key[1]) in expected) for key in come.elements()]
    return Proof(
        sum(gone.values()),
        tuple(text for text, allowed in said if allowed),
        tuple(text for text, allowed in said if not allowed),
    )


def _keys(files: Iterable[ScannedFile]) -> Iterator[_Key]:
    for file in files:
        for _, finding in file.checked.findings():
            if finding.status != "accepted":
                yield file.checked.path, finding.control, finding.resource, finding.stable_path


def _said(key: _Key) -> str:
    file, control, who, path = key
    return f"{file}: {control} of {who.kind} {who.name}, {path}"
