"""The values that expressions are asked about: for the runtime, which converts them, and as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kscan_lsp.cel.compiling import native_of
from kscan_lsp.cel.extents import SMALL, Extent, extent, is_small
from kscan_lsp.cel.patterns import BUDGET, MAX_WORK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kscan_lsp.cel.environment import Environment
    from kscan_lsp.cel.expression import Expression
    from kscan_lsp.cel.reading import Reads


class Activation:
    """Values bound to names, ready to be read by any number of expressions. Opaque; made by `bind`."""

    __slots__ = (
        "_answers",
        "_bound",
        "_bounds",
        "_extents",
        "_given",
        "_handle",
        "_known",
        "_reads",
        "environment",
    )

    def __init__(self, environment: Environment, values: Mapping[str, Any], reads: Reads | None) -> None:
        self.environment = environment
        self._given = values
        self._reads = reads
        self._bound: Mapping[str, Any] | None = None
        self._handle: Any = None
        self._answers: dict[object, Any] = {}
        self._extents: dict[tuple[str, ...], tuple[Extent, ...] | None] = {}
        self._known: dict[str, Extent] = {}
        self._bounds: dict[str, Extent] = {}

    @property
    def _values(self) -> Mapping[str, Any]:
        """As much as is read, picked when somebody else than `native.py` is to see it."""
        if self._bound is None:
            self._bound = self._given if self._reads is None else parts_read(self._given, self._reads)
        return self._bound

    @property
    def handle(self) -> Any:
        """The same for the runtime, made when it is first asked."""
        if self._handle is None:
            self._handle = self.environment.runtime.Activation(self._values)
        return self._handle

    def answer(self, expression: Expression) -> Any:
        """What an expression gives, where that is known without the runtime; None where it is not."""
        environment = self.environment
        native = environment.natives.get(expression) or native_of(environment, expression)
        # two controls may have a check in common, and expressions that are the same share what answers them
        answers = self._answers
        if native in answers:
            return answers[native]
        BUDGET.left = MAX_WORK  # as `start_evaluation`
        try:
            step, rest = native
            answer = step([self._given, *rest])
        except Exception:  # noqa: BLE001 - whatever is wrong, the runtime has a word for it
            answer = None
        answers[native] = answer
        return answer

    def text(self, names: tuple[str, ...]) -> str | None:
        """The text in a field of a field ... of a variable; None where there is something else, or nothing."""
        value: Any = self._given
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return value if isinstance(value, str) else None

    def bounds(self, names: tuple[str, ...]) -> tuple[Extent, ...]:
        """The same of what may do more work: no less than they are, and quicker to say where they are small."""
        return tuple([self._bound_of(name) for name in names])

    def _bound_of(self, name: str) -> Extent:
        if name not in self._bounds:
            self._bounds[name] = SMALL if is_small([self._values.get(name)]) else self._extent(name)
        return self._bounds[name]

    def extents(self, names: tuple[str, ...]) -> tuple[Extent, ...] | None:
        """How large the values of some names are, rounded; `None` when they are small."""
        try:
            return self._extents[names]
        except KeyError:
            small = not self.environment.admission and is_small([self._values.get(name) for name in names])
            found = None if small else self.sizes(names)
            self._extents[names] = found
            return found

    def sizes(self, names: tuple[str, ...]) -> tuple[Extent, ...]:
        """How large the values of some names are, rounded."""
        return tuple([self._extent(name) for name in names])

    def _extent(self, name: str) -> Extent:
        if name not in self._known:
            self._known[name] = extent([self._values.get(name)]).rounded()
        return self._known[name]


def parts_read(values: Mapping[str, Any], reads: Reads) -> dict[str, Any]:
    """As much of some variables as is read."""
    bound: dict[str, Any] = {}
    for name, fields in reads.items():
        if name in values:
            value = values[name]
            if fields is not None and isinstance(value, dict):
                value = {field: value[field] for field in fields if field in value}
            bound[name] = value
    return bound


def bind(environment: Environment, values: Mapping[str, Any], reads: Reads | None = None) -> Activation:
    """Bind the variables of an environment to views (see `view`), which must not change from now on.

    A name left out fails only the expressions that read it. The runtime converts a value when an expression
    first reads its name, and keeps the result as long as the activation: expressions that read only small
    values are cheap, whatever else is bound. So only what expressions read of the values is bound, where that is said.
    """
    return Activation(environment, values, reads)
