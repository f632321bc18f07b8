"""What a part of an expression gives for one subject, with its type: asked as an expression of its own.

The names that macros bind around the part are bound to what they stand for, one entry after the other. What is optional
is taken out of its wrapping, since CEL hands out no optional value.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp import cel
from kscan_lsp.authoring.taken_apart import Focus, as_key, bound_around, inner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kscan_lsp.admission.expressions import Part
    from kscan_lsp.authoring.taken_apart import MacroVariable
    from kscan_lsp.policy.definitions import Entries

MAX_ENTRIES: Final = 4
"""Entries of a list or map for which a part inside a macro is asked."""
MAX_ASKED: Final = 120
"""Expressions that are evaluated for one answer."""
MAX_SECONDS: Final = 0.2
"""How long they may take together: each has limits of its own, and many may come close to them."""


class Asking(NamedTuple):
    """What expressions are asked of: an element of a control, or a request of an admission policy."""

    environment: cel.Environment
    source: str
    let: Entries
    declared: cel.Declared
    activation: Callable[[cel.Expression], cel.Activation]


class PartAnswer(NamedTuple):
    """What a part gives."""

    type: str
    """As CEL writes it; empty where it does not compile."""
    value: cel.Json | cel.Failed
    entry: str = ""
    """For which entry of the innermost macro around it, as people say it; empty outside of macros."""
    absent: bool = False
    """It is optional, and has no value."""


class PartQuestions:
    """Asks parts of one expression, within a budget."""

    def __init__(self, asking: Asking) -> None:
        self.asking = asking
        self.left = MAX_ASKED
        self.until = monotonic() + MAX_SECONDS

    def type_of(self, focus: Focus) -> str:
        """The type of a part as far as the compiler knows it; empty where it does not compile."""
        return self._compiled(self._text(focus, ("0",) * len(focus.variables)))[1]

    def type_of_text(self, text: str) -> str:
        """The same of an expression that could stand anywhere in this one."""
        return self._compiled(text)[1]

    def of(self, focus: Focus) -> list[PartAnswer]:
        """What a part gives: once, or for the first entries of the innermost macro that it is in."""
        found = []
        for picked, told in self._entries(focus.variables):
            asked = self.text(self._text(focus, picked))
            found.append(asked._replace(entry=told))
        return found

    def text(self, text: str) -> PartAnswer:
        """What an expression gives that could stand anywhere in this one."""
        made, kind = self._compiled(text)
        if isinstance(made, cel.CelError):
            return PartAnswer("", cel.Failed(made.message))
        self.left -= 1
        if self.left < 0 or monotonic() > self.until:
            return PartAnswer(kind, cel.Failed("too much is asked at once"))
        value = cel.evaluate(made, self.asking.activation(made))
        if kind.startswith(_OPTIONAL) and isinstance(value, list):
            return PartAnswer(kind, value[0]) if value else PartAnswer(kind, None, absent=True)
        return PartAnswer(kind, value)

    def because(self, focus: Focus) -> list[tuple[Focus, tuple[str, ...]]]:
        """The parts that decided that a part is true or false, each with the entries it was asked for."""
        found: list[tuple[Focus, tuple[str, ...]]] = []
        first = next(self._entries(focus.variables), None)
        if first is not None:
            self._decided(focus, first[0], found)
        return [one for one in found if one[0].part != focus.part][:MAX_ENTRIES]

    def _decided(
        self, focus: Focus, picked: tuple[str, ...], found: list[tuple[Focus, tuple[str, ...]]]
    ) -> None:
        part = focus.part
        value = self.text(self._text(focus, picked)).value
        if not isinstance(value, bool) or len(found) >= MAX_ENTRIES:
            return
        inside = [*inner(focus)]
        if part.kind == "operator" and part.name in {"&&", "||"}:
            decisive = part.name == "||"
            for one in inside:
                if self.text(self._text(one, picked)).value is value:
                    self._decided(one, picked, found)
                    if value is decisive:
                        return
            return
        if part.kind == "operator" and part.name == "!":
            self._decided(inside[0], picked, found)
            return
        if part.kind == "condition":
            taken = 1 if self.text(self._text(inside[0], picked)).value is True else 2
            self._decided(inside[taken], picked, found)
            return
        if (
            part.kind == "call"
            and part.name in {"all", "exists"}
            and len(inside) == 3
            and value is (part.name == "exists")
        ):
            for entries, _ in self._entries(inside[2].variables, picked):
                if self.text(self._text(inside[2], entries)).value is value:
                    self._decided(inside[2], entries, found)
                    return
        found.append((focus, picked))

    def _text(self, focus: Focus, picked: tuple[str, ...]) -> str:
        source = self.asking.source
        return bound_around(source[focus.part.start : focus.part.end], source, focus.variables, picked)

    def _compiled(self, text: str) -> tuple[cel.Expression | cel.CelError, str]:
        """A text compiled, what is optional as a list of it; and its type."""
        environment, _, let, declared, _ = self.asking
        made = cel.compile_expression(environment, text, let=let, declared=declared)
        if isinstance(made, cel.CelError) and made.message == cel.OPTIONAL:
            unwrapped = f"cel.bind({_HELD}, ({text}\n), {_HELD}.hasValue() ? [{_HELD}.value()] : [])"
            made = cel.compile_expression(environment, unwrapped, let=let, declared=declared)
            if isinstance(made, cel.Expression):
                kind = cel.type_of(environment, made)
                return made, f"{_OPTIONAL}{kind.removeprefix('list')}"
        if isinstance(made, cel.CelError):
            return made, ""
        return made, cel.type_of(environment, made)

    def _entries(
        self, variables: tuple[MacroVariable, ...], outer: tuple[str, ...] | None = None
    ) -> Iterator[tuple[tuple[str, ...], str]]:
        """Which entries macros bind their names to: the first of each, and all of the innermost, up to a bound."""
        picked = outer or ()
        for number in range(len(picked), len(variables)):
            variable = variables[number]
            entries = (
                [("", "")]
                if variable.kind != "entry"
                else self._entries_of(variable, variables[:number], picked)
            )
            if number + 1 == len(variables) or not entries:
                for entry, told in entries[:MAX_ENTRIES]:
                    yield (*picked, entry), told and f"{variable.name}: {told}"
                return
            picked = (*picked, entries[0][0])
        yield picked, ""

    def _entries_of(
        self, variable: MacroVariable, around: tuple[MacroVariable, ...], picked: tuple[str, ...]
    ) -> list[tuple[str, str]]:
        source = self.asking.source
        whole = source[variable.start : variable.end]
        keys = f"type(({whole}\n)) == map ? dyn(({whole}\n)) : dyn([])"
        size = self.text(bound_around(f"size(({whole}\n))", source, around, picked)).value
        if not isinstance(size, int) or isinstance(size, bool):
            return []
        found = self.text(bound_around(keys, source, around, picked)).value if size else None
        if isinstance(found, dict):
            return [(as_key(key), f"'{key}'") for key in found]
        return [(str(number), f"entry {number + 1} of {size}") for number in range(min(size, MAX_ENTRIES))]


_OPTIONAL: Final = "optional"
_HELD: Final = "kscan_held"


def told_of(part: Part, source: str) -> str:
    """A part as it is written, in one line."""
    return " ".join(source[part.start : part.end].split())
