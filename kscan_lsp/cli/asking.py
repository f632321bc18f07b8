"""A fix at a time: what it would change is shown, and a person says whether it is made.

What is shown has been made and verified on all that was agreed to before, so the next fix rests on the last answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import typer
from msgspec.structs import replace

from kscan_lsp.cli.fix import FixedFile, FixResult, diff
from kscan_lsp.cli.terminal import print_error
from kscan_lsp.report.places import range_of
from kscan_lsp.report.printable import printable

if TYPE_CHECKING:
    from kscan_lsp.cli.judged import ScannedFile
    from kscan_lsp.findings import Finding
    from kscan_lsp.fixes.verify import Site, VerifiedFix
    from kscan_lsp.workspace.project import Project

_ANSWERS: Final = "[y]es, [n]o, [a]ll that is left, [q]uit"


class Questions:
    """What a person is asked, and has answered."""

    def __init__(self, *, values: bool, colour: bool) -> None:
        """Nothing was asked yet.

        Args:
            values: whether values are shown that may be secrets.
            colour: whether the terminal takes colours.
        """
        self.values = values
        self.colour = colour
        self.all = False
        self.ended = False
        self._declined: set[tuple[str, str, object, str]] = set()

    def stopped(self) -> bool:
        """Whether no more is to be asked."""
        return self.ended

    def agreed(
        self, scanned: ScannedFile, site: Site, finding: Finding, fix: VerifiedFix, after: Project
    ) -> bool:
        """Whether a fix is to be made.

        Args:
            scanned: the file as it was read.
            site: the document before the fix.
            finding: what it fixes.
            fix: what would be done.
            after: the project with it.
        """
        key = (site.file, finding.control, finding.resource, finding.stable_path)
        if self.all or self.ended or key in self._declined:
            return self.all
        before = site.project.files[site.file]
        place = before.documents[site.number].locate(finding.span)
        line = range_of(place, site.project).start.line
        print_error(printable(f"{site.file}:{line}: {finding.control} {finding.message}"))
        review = "" if fix.safe else " (this may change what the workload does)"
        print_error(printable(f"{fix.title}{review}"))
        change = FixResult((FixedFile(replace(scanned, checked=before), after.files[site.file], 1),), 0, 0)
        print_error(diff(change, values=self.values, terminal=True, colour=self.colour).text)
        answer = ""
        while answer[:1] not in {"y", "n", "a", "q"} or not answer:
            answer = typer.prompt(f"Make this fix? {_ANSWERS}", err=True, default="n").strip().lower()
        self.all, self.ended = answer[0] == "a", answer[0] == "q"
        if answer[0] == "n":
            self._declined.add(key)
        return answer[0] in {"y", "a"}
