"""What expressions of admission policies have besides: the authorizer of the API server, whom only a cluster can ask.

And `had`, which stands for `has` of a variable of a policy: to the runtime that is no field. And `matchRE`, which is
`matches` with a pattern that is computed, by what counts what that takes. And what makes objects of the types `Object`
and `JSONPatch`, which this runtime has no values for: it only tells the compiler what a mutation gives.
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
        _had(),
        _made("kscan_object", "Object"),
        _made("kscan_patch", "JSONPatch"),
        cel.FunctionDecl(
            "jsonpatch.escapeKey",
            [cel.Overload("kscan_escape_key", string, [string], False, guarded(_escaped))],
        ),
        _declared("matchRE", bool_, [string, string], lambda text, one: patterns.matches_any(text, [one])),
    ]


def _made(name: str, made: str) -> cel.FunctionDecl:
    """Says of a map that it is an object of some type; nothing that calls it is ever evaluated."""
    kind = cel.Type
    fields = kind.Map(kind.STRING, kind.DYN)
    overload = cel.Overload(f"{name}_map", kind.AbstractType(made), [fields], False, guarded(_absent))
    return cel.FunctionDecl(name, [overload])


def _escaped(key: str) -> str:
    """A key as a JSON pointer has it (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def _had() -> cel.FunctionDecl:
    """True of whatever has a value; an error of its argument is one of it.

    There is an overload for each type: the runtime finds none for `dyn`.
    """
    kind = cel.Type
    types = {
        "bool": kind.BOOL, "int": kind.INT, "double": kind.DOUBLE, "string": kind.STRING, "bytes": kind.BYTES,
        "list": kind.List(kind.DYN), "map": kind.Map(kind.DYN, kind.DYN),
    }  # fmt: skip
    call = guarded(lambda _: True)
    return cel.FunctionDecl(
        "had",
        [cel.Overload(f"kscan_had_{name}", kind.BOOL, [held], False, call) for name, held in types.items()],
    )


def _absent(*_: object) -> object:
    raise ValueError("no cluster is here to authorize anything")


def _declared(
    name: str, result: cel.Type, parameters: list[cel.Type], call: Callable[..., Any]
) -> cel.FunctionDecl:
    return cel.FunctionDecl(
        name, [cel.Overload(f"kscan_admission_{name}", result, parameters, True, guarded(call))]
    )
