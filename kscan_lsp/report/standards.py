"""Standards as a report has them: where they name a control, what a project changes about them, and how they score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from kscan_lsp.policy.model import Unseen


def percentage(score: float) -> str:
    """A score from 0 to 100 as people read it everywhere: less than all is never rounded to all."""
    return f"{min(score, 99.9) if score < 100 else score:.1f}%"


class FrameworkSection(Struct, frozen=True):
    """Where a framework names a control: the framework's id and title, its section, and its name for the control.

    Section and name are empty where the framework gives none.
    """

    framework: str
    title: str
    section: str
    name: str


class StandardChange(Struct, frozen=True):
    """What a project changes about a control or framework that comes with the program, and where it says so.

    `file` is empty where no file does. `detail` is that of `workspace.changes.Change`.
    """

    what: Literal["excluded", "lowered", "replaced"]
    id: str
    file: str
    line: int
    detail: str = ""

    @property
    def place(self) -> str:
        """Where it is said, in words."""
        return f"{self.file}:{self.line}" if self.file else "the editor's or the command's own settings"


class FrameworkMember(Struct, frozen=True):
    """A control of a framework: its section there, which may be none or several with commas, and its title there.

    `on` is false where the settings take it out; `needs` is what would answer it where no manifest does.
    """

    id: str
    section: str
    title: str
    on: bool = True
    needs: str = ""


class FrameworkScore(Struct, frozen=True):
    """Compliance with one framework, from 0 to 100, and what it is a mean of.

    `score` is as things are, `score_accepted` counts accepted risks as passed. Of its `total` controls `run` are in the
    mean; those of `not_evaluated` are on, and nothing that is known answers them.
    """

    id: str
    title: str
    score: float
    score_accepted: float
    run: int
    total: int
    not_evaluated: tuple[str, ...] = ()
    changes: tuple[StandardChange, ...] = ()
    """Those of its controls, and of itself."""
    members: tuple[FrameworkMember, ...] = ()
    """All its controls that there are, in the order of their ids."""
    unseen: tuple[Unseen, ...] = ()
    """What it asks for besides that no manifest shows."""
    judged: bool = True
    """Whether its controls have looked at anything: a score of nothing is no compliance."""

    def changed(self, what: str) -> tuple[StandardChange, ...]:
        """Those of its controls that are changed in this way."""
        return tuple(one for one in self.changes if one.what == what and one.id != self.id)

    @property
    def replaced_by(self) -> StandardChange | None:
        """Where the project defines the framework itself, if it does."""
        return next((one for one in self.changes if one.id == self.id), None)
