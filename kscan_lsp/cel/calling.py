"""How a function of ours is called, by the runtime and without it: what it raises, and what it is handed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from cel_expr_python import cel  # type: ignore[import-untyped]

Overload: TypeAlias = "tuple[type | None, tuple[type | None, ...], Callable[..., Any]]"
"""What it gives, its parameters, and the function; None for values of any type."""

_IN_PYTHON = {
    "STRING": str,
    "BYTES": bytes,
    "BOOL": bool,
    "INT": int,
    "DOUBLE": float,
    "LIST": list,
    "MAP": dict,
}

MARK = "cel: "
"""Begins every error message of ours, so that it can be told from the runtime's."""


def guarded(call: Callable[..., Any]) -> Callable[..., Any]:
    """The function with every failure turned into one the runtime passes on as a CEL error."""

    def called(*arguments: Any) -> Any:
        try:
            return call(*arguments)
        except ValueError as error:
            # Ours are plain; what derives from it is Python's own, and quotes what it was given.
            reason = str(error) if type(error) is ValueError else "a function got what it cannot read"
            raise ValueError(f"{MARK}{reason}") from None
        except Exception as error:  # noqa: BLE001 - a broken function must not be a broken scan
            raise ValueError(f"{MARK}a function failed ({type(error).__name__})") from None
        finally:
            # the runtime never lets go of what it hands over (cel-expr-python 0.1.3), made for this call alone
            for one in arguments:
                if isinstance(one, list | dict):
                    one.clear()

    return called


class Function(Struct, frozen=True):
    """A function that expressions can call."""

    name: str
    declared: cel.FunctionDecl
    """As the runtime wants it."""
    overloads: tuple[Overload, ...] = ()
    """None where the runtime alone is to call it."""

    def with_values(self) -> Callable[..., Any]:
        """What calls it without the runtime, with values as they are: no function changes what it is handed.

        It raises where there is none for such values, and what the function itself raises.
        """
        if len(self.overloads) != 1:
            return self._chosen
        ((result, parameters, call),) = self.overloads
        if result is None or None in parameters:
            return self._chosen

        def called(*arguments: Any) -> Any:
            if tuple(map(type, arguments)) == parameters and type(found := call(*arguments)) is result:
                return found
            raise ValueError(_NONE)

        return called

    def _chosen(self, *arguments: Any) -> Any:
        given = tuple(map(type, arguments))
        for result, parameters, call in self.overloads:
            if len(given) == len(parameters) and all(map(_takes, parameters, given)):
                found = call(*arguments)
                if _takes(result, type(found)):
                    return found
        raise ValueError(_NONE)


_NONE = "no such overload"


def _takes(parameter: type | None, given: type) -> bool:
    return parameter is None or parameter is given


def in_python(kind: cel.Type) -> type | None:
    """A type of the runtime as that of Python's values; None for any other."""
    return _IN_PYTHON.get(str(kind).partition("<")[0])
