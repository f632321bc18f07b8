"""Symbolic paths: where something is inside a resource, without knowing any text.

A path is a tuple of keys and list indices. Printed, keys are joined by dots, indices stand in brackets, and a
key that would be ambiguous stands in brackets as a JSON string: `spec.containers[0].image`,
`metadata.annotations["a.b/c"]`. Printing and parsing are exact inverses; reports, control files and the
identity of findings use this one notation.

Left out on purpose: following a path through a document (`yaml/data.py`, `resources.py`).
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Final, TypeAlias, cast

from msgspec import Struct

from kscan_lsp.regex import regex

Path: TypeAlias = tuple[str | int, ...]


EACH: Final = None
"""In a pattern: every element of a list, or every value of a mapping."""

Pattern: TypeAlias = tuple[str | int | None, ...]

# What may stand without quotes: nothing that ends a key, opens a bracket, or hides in a message.
_PLAIN_KEY = regex(r"[^\s.\[\]\"'\\\x00-\x1f\x7f-\x9f]+")
_INDEX = regex(r"(0|[1-9][0-9]{0,8})\]")
_PLAIN_VALUE = regex(r"[^\s\[\]\"',=\\\x00-\x1f\x7f-\x9f]+")
_STRING = json.JSONDecoder(strict=False)

# How Kubernetes tells the elements of a list apart: `patchMergeKey` and `x-kubernetes-list-map-keys` of its
# API types. A list not named here is tried against the keys of _ANY_LIST. The `ports` of containers and of
# services have different keys.
_LIST_KEYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "volumeMounts": (("mountPath",),),
    "volumeDevices": (("devicePath",),),
    "hostAliases": (("ip",),),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"), ("topologyKey",)),
    "subjects": (("kind", "name", "namespace"), ("kind", "name")),
    "ownerReferences": (("uid",), ("kind", "name")),
}
_ANY_LIST: tuple[tuple[str, ...], ...] = (
    ("name",),
    ("kind", "name"),
    ("mountPath",),
    ("devicePath",),
    ("containerPort", "protocol"),
    ("port", "protocol"),
    ("ip",),
    ("topologyKey",),
    ("key",),
)
# a tuple: to make a union of both at each call would take longer than the rest
_NAMING = (str, int)
# The API server fills these in before it compares.
_DEFAULTS = {"protocol": "TCP"}


def show(path: Pattern) -> str:
    """A path or pattern as text; `parse` and `parse_pattern` read it back. The empty path is ''."""
    return (_KNOWN.get(path) or _taken_apart(path)).shown


class _Parts(Struct, frozen=True):
    """A path as text, and what `stable` puts together."""

    shown: str
    elements: tuple[tuple[str, Path], ...]
    """Each element of a list on the way: the text before it, from the one before, and its path."""
    rest: str
    """The text behind the last of them."""


MAX_KNOWN: Final = 4_096
"""Paths of which it is remembered how they are printed. All are forgotten when it is full."""
_SHORT: Final = 512
"""Characters that a path which is remembered has at most."""
_KNOWN: Final[dict[Pattern, _Parts]] = {}
"""Objects of one kind have findings at the same paths."""


def _taken_apart(path: Pattern) -> _Parts:
    """A path that is not known yet, in parts."""
    shown: list[str] = []
    elements: list[tuple[str, Path]] = []
    done = 0
    for number, part in enumerate(path):
        if not isinstance(part, str):
            if part is not EACH:
                elements.append(("".join(shown[done:]), cast("Path", path[: number + 1])))
                done = number + 1
            shown.append("[*]" if part is EACH else f"[{part}]")
        elif _PLAIN_KEY.fullmatch(part):
            shown.append(f".{part}" if number else part)
        else:
            shown.append(f"[{json.dumps(part, ensure_ascii=False)}]")
    parts = _Parts("".join(shown), tuple(elements), "".join(shown[done:]))
    if len(parts.shown) <= _SHORT:
        if len(_KNOWN) >= MAX_KNOWN:
            _KNOWN.clear()
        _KNOWN[path] = parts
    return parts


def parse(text: str) -> Path:
    """The path that `text` prints.

    Raises:
        ValueError: `text` is no path; the message names the fault and its column, counted from 1.
    """
    path: list[str | int] = []
    for element in parse_pattern(text):
        if element is EACH:
            raise ValueError(f"'[*]' stands for many elements, and one is wanted: {text}")
        path.append(element)
    return tuple(path)


def parse_pattern(text: str) -> Pattern:
    """The pattern that `text` prints: a path that may contain `[*]`, which becomes `EACH`.

    Raises:
        ValueError: as in `parse`.
    """
    elements: list[str | int | None] = []
    at = 0
    while at < len(text):
        if text[at] == "[":
            element, at = _bracket(text, at + 1)
            elements.append(element)
            continue
        if elements:
            if text[at] != ".":
                raise _fault(text, at, "a '.' or '[' is missing")
            at += 1
        key = _PLAIN_KEY.match(text, at)
        if not key:
            wrong = f"{text[at]!r} cannot stand here" if at < len(text) else "a key is missing"
            raise _fault(text, at, f'{wrong}; write an unusual key as ["key"]')
        elements.append(key[0])
        at = key.end()
    return tuple(elements)


_MANY: Final = 30
MAX_COUNTED: Final = 32
"""Long lists whose identities are remembered, of plain data that nobody changes any more."""
_COUNTED: Final[dict[tuple[int, tuple[str, ...]], tuple[list[Any], Counter[tuple[str | int, ...]]]]] = {}
"""By the identity of a list, which is kept with it, and the keys that name its elements."""


def lookup(value: object, path: Path) -> Any:
    """The value at a path in plain data; None where there is none."""
    here: Any = value
    for part in path:
        if isinstance(here, dict):
            here = here.get(part)
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        else:
            return None
    return here


Ways: TypeAlias = "dict[Path, str]"
"""What is known of the elements of lists in one object, by their paths: how `stable` has each."""


def stable(path: Path, root_data: object, ways: Ways | None = None) -> str:
    """A path as text that survives reordered lists: `spec.containers[name=api].image`.

    Args:
        path: keys and indices, relative to `root_data`. Elements that do not exist there print as in `show`.
        root_data: plain values (dict, list, scalars), as kubectl reads the document.
        ways: for who asks for many paths into the same values, which are in the same few elements.

    Returns:
        The path, each list element named by its merge key where that key is there and unique in its list,
        else by its index.
    """
    parts = _KNOWN.get(path) or _taken_apart(path)
    text = ""
    for before, element in parts.elements:
        named = None if ways is None else ways.get(element)
        if named is None:
            named = _named(element, root_data)
            if ways is not None:
                ways[element] = named
        text += before + named
    return text + parts.rest


def _named(path: Path, root_data: object) -> str:
    """The element of a list that a path leads to, as `stable` has it."""
    *above, index = path
    items = lookup(root_data, tuple(above))
    field = next((part for part in reversed(above) if isinstance(part, str)), "")
    return bracket(field, items if isinstance(items, list) else [], cast("int", index))


def bracket(field: str, items: list[Any], index: int) -> str:
    """What stands in `stable` for one element of a list: `[name=api]`, or `[0]`. Arguments as of `merge_key`."""
    named = merge_key(field, items, index)
    if named is None:
        return f"[{index}]"
    return "[" + ",".join(f"{key}={_show_value(part)}" for key, part in named) + "]"


def merge_key(field: str, items: list[Any], index: int) -> tuple[tuple[str, str | int], ...] | None:
    """What names one element of a list to Kubernetes.

    Args:
        field: key the list stands under, such as `volumeMounts`; decides which merge keys are tried.
        items: the list, plain values.
        index: which element; may be out of range.

    Returns:
        Pairs of key and value, `(("name", "api"),)`, or None where the element has no merge key or shares it.
    """
    if not 0 <= index < len(items):
        return None
    for keys in _LIST_KEYS.get(field, _ANY_LIST):
        identity = _identity(items[index], keys)
        if identity and _count(items, keys, identity) == 1:
            return tuple(zip(keys, identity, strict=True))
    return None


def _count(items: list[Any], keys: tuple[str, ...], identity: tuple[str | int, ...]) -> int:
    """How many elements of a list have an identity. One with many elements is gone through once for all of them."""
    if len(items) < _MANY:
        first, value = keys[0], identity[0]
        alike = [item for item in items if isinstance(item, dict) and item.get(first) == value]
        return len(alike) if len(alike) == 1 else sum([_identity(item, keys) == identity for item in alike])
    known = _COUNTED.get((id(items), keys))
    if known is None or known[0] is not items:
        if len(_COUNTED) >= MAX_COUNTED:
            _COUNTED.clear()
        counted = Counter(found for item in items if (found := _identity(item, keys)) is not None)
        known = _COUNTED[id(items), keys] = (items, counted)
    return known[1][identity]


def _identity(item: object, keys: tuple[str, ...]) -> tuple[str | int, ...] | None:
    if not isinstance(item, dict):
        return None
    values: list[str | int] = []
    for key in keys:
        value = item.get(key)
        if value is None:
            value = _DEFAULTS.get(key)
        if isinstance(value, bool) or not isinstance(value, _NAMING) or value == "":
            return None
        values.append(value)
    return tuple(values)


def _show_value(value: str | int) -> str:
    text = str(value)
    return text if _PLAIN_VALUE.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _bracket(text: str, at: int) -> tuple[str | int | None, int]:
    """What stands in a bracket whose inside begins at `at`, and the offset after the closing bracket."""
    if text.startswith("*]", at):
        return EACH, at + 2
    index = _INDEX.match(text, at)
    if index:
        return int(index[1]), index.end()
    if not text.startswith('"', at):
        raise _fault(text, at, 'in brackets stands an index, * or a "quoted key"')
    try:
        key, end = _STRING.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise _fault(text, error.pos, "the quoted key does not end, or has a wrong escape") from None
    if not text.startswith("]", end):
        raise _fault(text, end, "a ']' is missing")
    return str(key), end + 1


def _fault(text: str, at: int, what: str) -> ValueError:
    return ValueError(f"{what} (column {at + 1} of {text!r})")
