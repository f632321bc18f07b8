"""Our own CEL functions, and those on lists and sets: plain Python over plain data.

They are total over their argument types but for `ValueError`, whose message becomes the reason of a failed
evaluation and therefore quotes no value. Nothing here takes more than linear time in its arguments.
"""

from __future__ import annotations

import base64
import binascii
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

from kscan_lsp.cel.patterns import matches_any
from kscan_lsp.kubernetes.exposure import exposure

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

Data: TypeAlias = Any
"""Plain data: maps, lists and scalars."""
Scalar: TypeAlias = str | int | float | bool | None


def decode_base64(text: str) -> str:
    """Text from standard base64, read as the API server does (line breaks ignored); empty when it is not."""
    try:
        found = base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return found.replace("\0", "�")


def encode_base64(text: str) -> str:
    """Text as standard base64."""
    return base64.b64encode(text.encode()).decode()


def exposed(
    host_network: bool, ports: list[Data], services: list[Data], routes: list[Data], internal: list[str]
) -> list[str]:
    """By what a container is reached from outside of its cluster (`kubernetes/exposure.py`).

    Args:
        host_network: `hostNetwork` of its pod.
        ports: its `ports`.
        services: the Services that select the pod, as a relation gives them.
        routes: the Ingresses and routes that lead to these.
        internal: patterns of annotations, as `key=value`, that keep a load balancer inside.
    """
    selecting, leading = ([entry["object"] for entry in entries] for entries in (services, routes))
    return exposure(host_network, ports, selecting, leading, lambda note: matches_any(note, internal))


def sets_contains(whole: list[Any], part: list[Any]) -> bool:
    """Whether every value of `part` is in `whole`."""
    return _members(part) <= _members(whole)


def sets_equivalent(one: list[Any], other: list[Any]) -> bool:
    """Whether two lists hold the same values, whatever their order and number."""
    return _members(one) == _members(other)


def sets_intersects(one: list[Any], other: list[Any]) -> bool:
    """Whether two lists have a value in common."""
    return not _members(one).isdisjoint(_members(other))


def _members(values: Iterable[Any]) -> frozenset[Hashable]:
    return frozenset(map(_frozen, values))


def _frozen(value: Data) -> Hashable:
    """A value as something hashable that is equal when CEL calls the values equal: 1 is 1.0 but not true."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, dict):
        return ("map", frozenset((_frozen(key), _frozen(item)) for key, item in value.items()))
    if isinstance(value, list):
        return ("list", tuple(map(_frozen, value)))
    if isinstance(value, bytearray):
        return bytes(value)
    return value  # type: ignore[no-any-return]


def is_sorted(values: list[Any]) -> bool:
    """Whether numbers, or texts, never decrease."""
    _comparable(values)
    return all(not later < earlier for earlier, later in pairwise(values))


def in_order(values: list[Any]) -> list[Any]:
    """Numbers, or texts, from the least to the greatest."""
    _comparable(values)
    return sorted(values)


def smallest(values: list[Any]) -> Scalar:
    """The least of numbers or texts."""
    _comparable(values, empty=False)
    return min(values)  # type: ignore[no-any-return]


def largest(values: list[Any]) -> Scalar:
    """The greatest of numbers or texts."""
    _comparable(values, empty=False)
    return max(values)  # type: ignore[no-any-return]


def total(values: list[Any]) -> int | float:
    """The sum of numbers; 0 of none."""
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        raise ValueError("sum() needs a list of numbers")
    found: int | float = sum(values)
    if isinstance(found, int) and not -(2**63) <= found < 2**63:
        raise ValueError("the sum is out of range")
    return found


def _comparable(values: list[Any], *, empty: bool = True) -> None:
    if not values and not empty:
        raise ValueError("min() and max() need a list that is not empty")
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if not numbers and not all(isinstance(value, str) for value in values):
        raise ValueError("only numbers, or only texts, can be ordered")
