"""Inputs of controls: lists of texts, maps of names to such lists, and numbers.

What an input is, the control that declares it says by its default: every value that settings give it is of that kind,
and a number without a fraction stays one. So expressions are checked against it when they are compiled (`declared`),
and nobody has to ask at run time. An input is known by its name, whoever declares it, so it is of one kind only.

Left out on purpose: which settings hold (`settings/`), and what the entries of a list stand for (`ruleset.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from kscan_lsp import cel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.paths import Path

Input: TypeAlias = tuple[str, ...] | int | float | Mapping[str, tuple[str, ...]]
"""The value of an input."""
Bound: TypeAlias = list[str] | int | float | dict[str, list[str]]
"""The same as CEL is handed it."""
TEXTS: Final = "a list of texts"
MAP: Final = "a map of names to lists of texts"
_KINDS: Final = {TEXTS: cel.Kind.TEXT_LISTS, MAP: cel.Kind.TEXT_LISTS, "a whole number": cel.Kind.INT,
                 "a number": cel.Kind.DOUBLE}  # fmt: skip
_MOST: Final = 2**63 - 1


def kind_of(value: Input | Bound) -> str:
    """What an input is, in words, by a value of it."""
    if isinstance(value, Mapping):
        return MAP
    if isinstance(value, int):
        return "a whole number"
    return "a number" if isinstance(value, float) else TEXTS


def declared(kinds: Mapping[str, str]) -> cel.Declared:
    """The inputs that are no lists, as the compiler is to know them.

    Args:
        kinds: of inputs by name, in words (`kind_of`).
    """
    return tuple((f"inputs.{name}", _KINDS[kind]) for name, kind in sorted(kinds.items()) if kind != TEXTS)


def fitting(name: str, given: object, default: Input) -> Input | str:
    """What settings give an input, or what is wrong with it.

    Args:
        name: of the input.
        given: the value in the settings, in any shape that they allow.
        default: the one in the control, which says what it is.
    """
    kind = kind_of(default)
    if kind == TEXTS and isinstance(given, tuple | list):
        return tuple(given)
    if kind == MAP and isinstance(given, Mapping):
        return {key: tuple(values) for key, values in given.items()}
    if isinstance(given, int | float) and not isinstance(given, bool) and isinstance(default, int | float):
        whole = isinstance(default, int) and number_fits(given) and given == int(given)
        value: int | float = int(given) if whole else given
        if not number_fits(value):
            return f"input '{name}' is {kind}, and this one is out of range"
        if whole or isinstance(default, float):
            return value if whole else float(value)
    return f"input '{name}' is {kind}; {_WRITTEN[kind].format(name)}"


_WRITTEN: Final = {
    TEXTS: "write '{0}: [one, another]'",
    MAP: "write '{0}: {{name: [one, another]}}'",
    "a whole number": "write '{0}: 20', without quotes",
    "a number": "write '{0}: 0.5', without quotes",
}


def number_fits(value: float) -> bool:
    """Whether a number is one that CEL can have: within 64 bits if it is a whole one, else finite."""
    return -_MOST <= value <= _MOST if isinstance(value, int) else math.isfinite(value)


def bound(value: Input) -> Bound:
    """A value as CEL is handed it: lists rather than tuples, because it is this very object."""
    if isinstance(value, Mapping):
        return {key: list(texts) for key, texts in value.items()}
    return value if isinstance(value, int | float) else list(value)


def lists_in(name: str, value: Input) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """The lists in an input, each with its path in `inputs`."""
    if isinstance(value, Mapping):
        yield from (((name, key), texts) for key, texts in value.items())
    elif not isinstance(value, int | float):
        yield (name,), value


def shown(value: Input | Bound) -> tuple[str, ...]:
    """A value for people, a line for each entry."""
    if isinstance(value, Mapping):
        return tuple(f"{key}: {', '.join(texts) or 'empty'}" for key, texts in value.items())
    return (str(value),) if isinstance(value, int | float) else tuple(value)


def in_a_line(value: Input | Bound) -> str:
    """The same in one line; empty where there is nothing in it."""
    return ("; " if isinstance(value, Mapping) else ", ").join(shown(value))


def kinds_in(inputs: Iterable[Mapping[str, Input]]) -> dict[str, str]:
    """The kinds of inputs that controls declare, in words, by name; the first to declare one says."""
    found: dict[str, str] = {}
    for one in inputs:
        for name, value in one.items():
            found.setdefault(name, kind_of(value))
    return found
