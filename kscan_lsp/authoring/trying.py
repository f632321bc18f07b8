"""A control's file with another text: whether it loads, and what becomes of its tests then.

Nothing is offered to somebody who writes a control that was not tried first. As many texts are tried as `MAX_TRIED`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp.policy.load import load
from kscan_lsp.policy.memo import PolicyMemo
from kscan_lsp.testing.run import run_tests
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from kscan_lsp.policy.definitions import Definitions
    from kscan_lsp.policy.model import Control, PolicySet
    from kscan_lsp.testing.run import Outcome

MAX_TRIED: Final = 24
"""Texts that are tried for one answer."""


class Tried(NamedTuple):
    """A control as it would be, with what becomes of each of its tests."""

    control: Control
    policies: PolicySet
    outcomes: tuple[Outcome, ...]

    @property
    def failing(self) -> int:
        """How many tests fail."""
        return sum(bool(one.failure) for one in self.outcomes)


class Trial:
    """Tries texts of one file of a control."""

    def __init__(self, name: str, policies: PolicySet, definitions: Definitions | None = None) -> None:
        """Try texts of a file.

        Args:
            name: of the file.
            policies: all there are; of this file, another text may be among them.
            definitions: those of the pack that it is in.
        """
        self.name = name
        self.policies = policies
        self.packs = {} if definitions is None else {name: definitions}
        self.memo = PolicyMemo()
        self.left = MAX_TRIED

    def loaded(self, text: str) -> tuple[Control, PolicySet] | None:
        """The control of a text, and all policies with it; None where it is wrong, or too much was tried."""
        self.left -= 1
        if self.left < 0:
            return None
        made = load([(self.name, read_document(text))], self.policies, self.memo, packs=self.packs)
        for control, source in made.sources.items():
            wrong = any(one.source == self.name for one in made.problems[len(self.policies.problems) :])
            if source.name == self.name and source.document.text == text and not wrong:
                return made.controls[control], made
        return None

    def tried(self, text: str) -> Tried | None:
        """What becomes of the tests of a text; None as above."""
        found = self.loaded(text)
        return None if found is None else Tried(*found, tuple(run_tests(*found)))
