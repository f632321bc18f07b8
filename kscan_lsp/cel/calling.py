"""How the runtime calls a function of ours: what it raises, and what it is handed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

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
