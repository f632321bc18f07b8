"""What expressions may name, and the programs that the runtime has made for it.

Which variables there are is for those to say who write expressions for something: controls have an object and its
containers, an admission policy has a request. An environment is that choice, with all our functions, and it remembers
the programs of its expressions: equal sources share one.

Left out on purpose: compiling (`compiling.py`) and values (`evaluating.py`).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct

from kscan_lsp.cel.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cel_expr_python import cel  # type: ignore[import-untyped]

MAX_RUNTIMES: Final = 8
"""Runtimes with fields of their own that are kept, of some 2 ms each to make."""
MAX_SOURCES: Final = 8_192
"""Sources whose compilation is remembered, and expressions whose program is."""


Declared: TypeAlias = tuple[tuple[str, Kind], ...]
"""Fields of variables, as `variable.field`, with what each holds where that is something else than in the others."""


class Stored(Struct, frozen=True, array_like=True):
    """What was made of a source before."""

    program: bytes
    """As the runtime serialises it."""
    code: bytes
    """What of it can be answered without the runtime (`code.py`)."""


class Environment:
    """Variables, with the functions that every expression has.

    With `admission` there is what admission policies have besides, such as an authorizer that nobody can ask, and what
    an expression costs is reckoned from what it is evaluated on alone.

    Of the variables, those that came after people had written expressions may be `hidden` by a name of a `let`; the
    others are `taken`.

    `ready` has programs that are stored, by their whole source (`compiling.serialized`): to read one takes a tenth of
    what compiling it takes. `compiled`, `programs` and `natives` belong to `compiling.py`: what came of a source with
    its `let`, the program of an expression, and what answers it without the runtime. Each is emptied when it has
    `MAX_SOURCES` entries.
    """

    def __init__(
        self, variables: Mapping[str, Kind], *, admission: bool = False, hidden: Iterable[str] = ()
    ) -> None:
        self.variables = dict(variables)
        self.taken = self.variables.keys() - {*hidden}
        self.admission = admission
        self.compiled: dict[object, Any] = {}
        self.programs: dict[object, Any] = {}
        self.natives: dict[object, Any] = {}
        self.ready: Mapping[str, Stored] = {}
        self._runtimes: dict[Declared, cel.Env] = {}

    @cached_property
    def runtime(self) -> cel.Env:
        """The CEL runtime with all of it declared; made when the first expression is compiled."""
        return self._made(())

    def runtime_with(self, declared: Declared) -> cel.Env:
        """The same with fields whose types it is told apart.

        CEL takes the longest name that it knows for a variable, so such a field is one; an activation of `runtime` that
        binds its whole name serves the programs, too.
        """
        if not declared:
            return self.runtime
        known = self._runtimes.get(declared)
        if known is None:
            if len(self._runtimes) >= MAX_RUNTIMES:
                self._runtimes.clear()
            known = self._runtimes[declared] = self._made(declared)
        return known

    def _made(self, declared: Declared) -> cel.Env:
        from kscan_lsp.cel.runtime import made  # most questions of a small scan are answered without it

        return made((*self.variables.items(), *declared), admission=self.admission)

    def fill(self) -> dict[str, tuple[int, int]]:
        """How many entries each memo has, and may have."""
        return {
            "compiled": (len(self.compiled), MAX_SOURCES),
            "programs": (len(self.programs), MAX_SOURCES),
            "natives": (len(self.natives), MAX_SOURCES),
            "runtimes": (len(self._runtimes), MAX_RUNTIMES),
        }
