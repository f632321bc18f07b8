"""The CEL runtime for some variables, with its extensions and all our functions.

Left out on purpose: who keeps it (`environment.py`), which imports this when an expression is first compiled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cel_expr_python import cel  # type: ignore[import-untyped]
from cel_expr_python.ext import (  # type: ignore[import-untyped]
    ext_bindings,
    ext_math,
    ext_optional,
    ext_strings,
)

from kscan_lsp.cel import admission as of_admission
from kscan_lsp.cel import library
from kscan_lsp.cel.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable


def made(variables: Iterable[tuple[str, Kind]], *, admission: bool) -> cel.Env:
    """A runtime that knows some variables, and with `admission` the functions of admission policies, too."""
    kind = cel.Type
    types = {
        Kind.ANY: kind.DYN,
        Kind.TEXT: kind.STRING,
        Kind.INT: kind.INT,
        Kind.DOUBLE: kind.DOUBLE,
        Kind.TEXT_LISTS: kind.Map(kind.STRING, kind.List(kind.STRING)),
        Kind.LISTS: kind.Map(kind.STRING, kind.List(kind.DYN)),
        Kind.MAP: kind.Map(kind.STRING, kind.DYN),
    }
    extensions = (
        ext_optional.ExtOptional,
        ext_bindings.ExtBindings,
        ext_strings.ExtStrings,
        ext_math.ExtMath,
    )
    return cel.NewEnv(
        variables={name: types[held] for name, held in variables},
        extensions=[extension() for extension in extensions],
        functions=[
            *(function.declared for function in library.all_functions()),
            *(of_admission.functions() if admission else ()),
        ],
    )
