"""Our own CEL functions, and those on lists and sets: plain Python over plain data.

They are total over their argument types but for `ValueError`, whose message becomes the reason of a failed
evaluation and therefore quotes no value. Nothing here takes more than linear time in its arguments.
"""

from __future__ import annotations

import base64
import binascii
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

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


def image_ref(text: str) -> dict[str, str]:
    """An image reference as a container runtime resolves it.

    `docker.io` and `library/` are filled in, `index.docker.io` is `docker.io`, and what stands before the
    first slash is a registry when it has a dot, a colon or an upper-case letter, or is `localhost`. A
    reference that no runtime would accept is taken apart as far as it goes. Rules: the reference package of
    CNCF Distribution.

    Returns: `registry`, `repository` (without the registry), `name` (both), and `tag` and `digest`, empty
        when absent.
    """
    rest, _, digest = text.strip().partition("@")
    slash = rest.rfind("/")
    colon = rest.find(":", slash + 1)
    tag = ""
    if colon >= 0:
        rest, tag = rest[:colon], rest[colon + 1 :]
    first, found, remainder = rest.partition("/")
    if found and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        registry, repository = first, remainder
    else:
        registry, repository = "docker.io", rest
    if registry == "index.docker.io":
        registry = "docker.io"
    if registry == "docker.io" and repository and "/" not in repository:
        repository = f"library/{repository}"
    name = f"{registry}/{repository}" if repository else ""
    return {"registry": registry, "repository": repository, "name": name, "tag": tag, "digest": digest}


def selects(selector: dict[str, Any], labels: dict[str, Any]) -> bool:
    """Whether a Kubernetes LabelSelector selects these labels; an empty one selects everything.

    Raises:
        ValueError: it is no LabelSelector (an unknown field or operator, a wrong type).
    """
    if selector.keys() - {"matchLabels", "matchExpressions"}:
        raise _no_selector("only matchLabels and matchExpressions are known")
    wanted = selector.get("matchLabels", {})
    rules = selector.get("matchExpressions", [])
    if not isinstance(wanted, dict) or not isinstance(rules, list):
        raise _no_selector("matchLabels must be a map, matchExpressions a list")
    for key, value in wanted.items():
        if not isinstance(value, str):
            raise _no_selector("a value of matchLabels is not text")
        if key not in labels or labels[key] != value:
            return False
    # Every rule is read even after one says no, so that a broken selector is broken for all labels alike.
    verdicts = [_holds(rule, labels) for rule in rules]
    return all(verdicts)


def _no_selector(reason: str) -> ValueError:
    return ValueError(f"not a label selector: {reason}")


def _holds(rule: object, labels: dict[str, Any]) -> bool:
    if not isinstance(rule, dict) or not isinstance(key := rule.get("key"), str):
        raise _no_selector("an entry of matchExpressions has no key")
    values = rule.get("values", [])
    if not isinstance(values, list):
        raise _no_selector("values must be a list")
    match rule.get("operator"):
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return key not in labels or labels[key] not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    raise _no_selector("operator must be In, NotIn, Exists or DoesNotExist")


def granted(rule: dict[str, Any], groups: list[Any], resources: list[Any], verbs: list[Any]) -> list[int]:
    """Where an RBAC rule grants one of some verbs on one of some resources of one of some API groups.

    `*` is everything, and `*/log` the subresource of everything, as in Kubernetes (rbac/v1 PolicyRule).

    Returns: positions in the rule's `resources`; none where nothing is granted.

    Raises:
        ValueError: the rule has something else than lists where Kubernetes has lists.
    """
    parts = [rule.get(name, []) for name in ("apiGroups", "verbs", "resources")]
    if not all(isinstance(part, list) for part in parts):
        raise ValueError("not an RBAC rule: apiGroups, verbs and resources must be lists")
    given_groups, given_verbs, given = parts
    if not (_any_of(given_groups, groups) and _any_of(given_verbs, verbs)):
        return []
    wanted = ["*", *resources, *(f"*/{name.partition('/')[2]}" for name in resources if "/" in name)]
    return [position for position, name in enumerate(given) if name in wanted]


def _any_of(given: list[Any], wanted: list[Any]) -> bool:
    return any(name == "*" or name in wanted for name in given)


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
