"""A compiled check: what it asks, of which objects, where it points, and what would make it right.

What comes with the program is stored as it is here. Annotations are no texts, as `from __future__ import annotations`
would have them: msgspec would compile each at every start.
"""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from kscan_lsp import cel
from kscan_lsp.policy import targets
from kscan_lsp.policy.matching import Kinds


class Operation(Struct, frozen=True, omit_defaults=True):
    """One step of a fix. `value` is plain data; if there is a `question`, its answer is the value."""

    verb: str
    """`set`, `add`, `remove`, `rename` to a value, `choose`, whose value is the name of the input to choose from, or
    `toSecret`, for which there is none."""
    target: targets.Target
    value: Any = None
    question: cel.Expression | None = None


class Fix(Struct, frozen=True, omit_defaults=True):
    """What makes a finding go away."""

    title: str
    operations: tuple[Operation, ...]
    when: cel.Expression | None = None
    safe: bool = False
    leaves: tuple[str, ...] = ()
    """Controls whose lesser findings in what it writes are no reason against it."""


class Check(Struct, frozen=True, eq=False, omit_defaults=True):
    """One question, compiled. `control` is the id of the control it is asked for."""

    control: str
    each: targets.Each
    deny: cel.Expression
    """`when` and `deny` in one, so that one evaluation answers: false where the check does not apply."""
    message: cel.Template
    at: tuple[targets.Target, ...]
    match: Kinds = None
    fix: Fix | None = None
    relations: tuple[str, ...] = ()
    """The relations it reads; what it says depends on other objects then."""
    related: cel.Expression | None = None
    """A list of what a finding rests on besides."""
    allow: tuple[tuple[str, cel.Expression], ...] = ()
    """Inputs, and what would have to be in them, or not in them, for the check to pass."""
    undeclared: bool = False
    """Whether it is asked of namespaces that no file declares, too."""

    @property
    def relational(self) -> bool:
        """Whether it asks for other objects, or its fix does."""
        operations = self.fix.operations if self.fix else ()
        return bool(self.relations) or self.undeclared or any(one.verb == "toSecret" for one in operations)

    def judging(self) -> Iterator[cel.Expression]:
        """All that is evaluated on what it judges to find out what is wrong with it."""
        parts = [
            self.deny,
            *self.message.parts,
            self.related,
            *(part for target in self.at for part in target.parts),
        ]
        yield from (part for part in parts if isinstance(part, cel.Expression))

    def expressions(self) -> Iterator[cel.Expression]:
        """All that is ever evaluated on what it judges: what it takes to make it right, besides."""
        yield from self.judging()
        yield from (question for _, question in self.allow)
        if self.fix is not None:
            operations = self.fix.operations
            parts = [
                self.fix.when,
                *(one.question for one in operations),
                *(p for one in operations for p in one.target.parts),
            ]
            yield from (part for part in parts if isinstance(part, cel.Expression))
