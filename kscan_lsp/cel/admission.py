"""What expressions of admission policies have besides: the authorizer of the API server, whom only a cluster can ask.

And `matchRE`, which is `matches` with a pattern that is computed, by what counts what that takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cel_expr_python import cel  # type: ignore[import-untyped]

from kscan_lsp.cel import patterns
from kscan_lsp.cel.calling import guarded

if TYPE_CHECKING:
    from collections.abc import Callable


def functions() -> list[cel.FunctionDecl]:
    """As the runtime wants them."""
    bool_, dyn, string = cel.Type.BOOL, cel.Type.DYN, cel.Type.STRING
    one_text = ("path", "group", "resource", "subresource", "namespace", "name", "check", "fieldSelector")
    return [
        *(_declared(name, dyn, [dyn, string], _absent) for name in (*one_text, "labelSelector")),
        _declared("serviceAccount", dyn, [dyn, string, string], _absent),
        *(_declared(name, bool_, [dyn], _absent) for name in ("allowed", "errored")),
        *(_declared(name, string, [dyn], _absent) for name in ("reason", "error")),
        _declared("matchRE", bool_, [string, string], lambda text, one: patterns.matches_any(text, [one])),
    ]


def _absent(*_: object) -> object:
    raise ValueError("no cluster is here to authorize anything")


def _declared(
    name: str, result: cel.Type, parameters: list[cel.Type], call: Callable[..., Any]
) -> cel.FunctionDecl:
    return cel.FunctionDecl(
        name, [cel.Overload(f"kscan_admission_{name}", result, parameters, True, guarded(call))]
    )
