"""Kyverno's functions of JMESPath, those that give the same for the same arguments.

What asks the clock, the network or chance has no value here: `NoValueHere`. Nothing makes a text of any length.

Source: pkg/engine/jmespath of kyverno/kyverno, and the descriptions in its documentation.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import posixpath
from collections.abc import Callable  # noqa: TC003 - a NamedTuple reads its types
from typing import Any, Final, NamedTuple, NoReturn
from urllib.parse import urlsplit

from jmespath.functions import Functions

from kscan_lsp.cel.patterns import compile_pattern, find_all
from kscan_lsp.kyverno.arithmetic import calculated, plain_number
from kscan_lsp.kyverno.images import image_of, text_of
from kscan_lsp.kyverno.scalars import Refused, as_text, is_number, wild_match
from kscan_lsp.kyverno.times import time_value
from kscan_lsp.kyverno.versions import version_in
from kscan_lsp.yaml.document import read_document

MAX_TEXT: Final = 200_000
"""Characters of a text that a function makes or reads."""
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class NoValueHere(Exception):  # noqa: N818 - an answer of its own, and nothing that is wrong
    """A function asks what no file says."""


class _Function(NamedTuple):
    """What a function takes, a letter for each argument, and what gives its value.

    `s` is a text, `n` a number, `a` a list, `o` a map, `t` any of these but a list or map, `v` a text or number, `c` a
    list or map, `*` anything.
    """

    takes: str
    value: Callable[..., Any]


class KyvernoFunctions(Functions):  # type: ignore[misc]
    """The functions of the standard, and those of Kyverno, which come first."""

    def call_function(self, function_name: str, resolved_args: list[Any]) -> Any:
        """The value of a function for some arguments.

        Raises:
            Refused: it cannot take them.
            NoValueHere: no file says what it asks.
        """
        found = _FUNCTIONS.get(function_name)
        if found is None:
            return super().call_function(function_name, resolved_args)
        if len(found.takes) != len(resolved_args):
            raise Refused(f"{function_name}() takes {len(found.takes)} arguments")
        for letter, given in zip(found.takes, resolved_args, strict=True):
            if not _TYPES[letter](given):
                raise Refused(f"{function_name}() cannot take a value of this type")
        return found.value(*resolved_args)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_TYPES: Final[dict[str, Callable[[Any], bool]]] = {
    "s": _is_text,
    "n": is_number,
    "a": lambda value: isinstance(value, list),
    "o": lambda value: isinstance(value, dict),
    "t": lambda value: isinstance(value, str | int | float),
    "v": lambda value: isinstance(value, str) or is_number(value),
    "c": lambda value: isinstance(value, list | dict),
    "*": lambda _: True,
}


def bounded_json(value: Any) -> str:
    """A value as JSON.

    Raises:
        Refused: that is too long.
    """
    parts: list[str] = []
    size = 0
    for part in _ENCODER.iterencode(value):
        parts.append(part)
        size += len(part)
        if size > MAX_TEXT:
            raise Refused(f"a text of more than {MAX_TEXT:,} characters")
    return "".join(parts)


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise Refused(f"a text of more than {MAX_TEXT:,} characters")
    return text


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _replace(text: str, old: str, new: str, count: float) -> str:
    if len(text) + len(new) * (text.count(old) if old else len(text) + 1) > MAX_TEXT:
        raise Refused(f"a text of more than {MAX_TEXT:,} characters")
    return text.replace(old, new, int(count))


def _regex_match(pattern: str, text: Any) -> bool:
    return bool(find_all(as_text(text), pattern, 1))


def _regex_replace(pattern: str, text: Any, new: Any) -> str:
    template = as_text(new)
    return _replaced(pattern, as_text(text), lambda match: _filled(template, match))


def _regex_replace_literal(pattern: str, text: Any, new: Any) -> str:
    return _replaced(pattern, as_text(text), lambda _: as_text(new))


def _replaced(pattern: str, text: str, made: Callable[[Any], str]) -> str:
    compiled = compile_pattern(pattern)
    find_all(_bounded(text), pattern)  # takes what the search costs from the budget
    out: list[str] = []
    size = at = 0
    for match in compiled.finditer(text):
        out += [text[at : match.start()], made(match)]
        size += len(out[-1]) + len(out[-2])
        at = match.end()
        if size > MAX_TEXT:
            raise Refused(f"a text of more than {MAX_TEXT:,} characters")
    return "".join([*out, text[at:]])


def _filled(template: str, match: Any) -> str:
    """A text with the groups of a match in place; Go names them `$1`, `$name` or `${name}`."""
    out: list[str] = []
    at = 0
    while (dollar := template.find("$", at)) >= 0:
        out.append(template[at:dollar])
        at, name = _group_name(template, dollar + 1)
        if name in {None, "$"}:
            out.append("$")
            continue
        try:
            out.append(match.group(int(name) if name.isdecimal() else name) or "")
        except (IndexError, KeyError):
            continue  # a group that is not there is empty
    return "".join([*out, template[at:]])


def _group_name(template: str, at: int) -> tuple[int, Any]:
    """What stands after a `$`, and where it ends; None where it names nothing."""
    if template[at : at + 1] == "$":
        return at + 1, "$"
    if template[at : at + 1] == "{" and (end := template.find("}", at)) > 0:
        return end + 1, template[at + 1 : end]
    end = at
    while end < len(template) and (template[end].isalnum() or template[end] == "_"):
        end += 1
    return (end, template[at:end]) if end > at else (at, None)


def _to_boolean(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise Refused("to_boolean() takes 'true' or 'false'")
    return text.lower() == "true"


def _sum(listed: list[Any]) -> Any:
    if not listed:
        raise Refused("sum() takes at least one")
    total = listed[0]
    for one in listed[1:]:
        total = calculated("add", total, one)
    return total


def _round(given: float, digits: float) -> Any:
    if not 0 <= digits <= 15 or int(digits) != digits or abs(given) > 1e15:
        raise Refused("round() takes a whole number of digits")
    shift = 10 ** int(digits)
    # away from zero, as Go rounds halves
    return plain_number(int(abs(given) * shift + 0.5) / shift * (-1 if given < 0 else 1))


def _canonical(path: str) -> str:
    found = posixpath.normpath(path) if path else ""
    return found[1:] if found.startswith("//") else found


def _parse_yaml(text: str) -> Any:
    document = read_document(_bounded(text))
    if not document.complete or document.root is None:
        raise Refused("parse_yaml() is given what is no YAML")
    return document.data


def _lookup(listed: Any, key: Any) -> Any:
    if isinstance(listed, dict):
        if not isinstance(key, str):
            raise Refused("lookup() in an object takes a text")
        return listed.get(key)
    if not is_number(key) or int(key) != key:
        raise Refused("lookup() in an array takes a whole number")
    return listed[int(key)] if 0 <= key < len(listed) else None


def _items(listed: Any, key: str, value: str) -> list[dict[str, Any]]:
    pairs = sorted(listed.items()) if isinstance(listed, dict) else enumerate(listed)
    return [{key: name, value: one} for name, one in pairs]


def _object(keys: list[Any], values: list[Any]) -> dict[str, Any]:
    return {as_text(key): values[n] if n < len(values) else None for n, key in enumerate(keys)}


def _image(text: str) -> str:
    found = image_of(text)
    if found is None:
        raise Refused("image_normalize() is given what names no image")
    return text_of(found)


def _is_external(text: str) -> bool:
    try:
        address = ipaddress.ip_address(urlsplit(text).hostname or "")
    except ValueError:
        raise NoValueHere("the address of a host (is_external_url)") from None
    return not (address.is_loopback or address.is_private)


def _time_since(layout: str, since: str, until: str) -> Any:
    if not until:
        raise NoValueHere("the present time (time_since)")
    if layout:
        raise NoValueHere("a layout of times, which is not read here")
    return time_value("time_diff", [since, until])


def _unknown(what: str) -> Callable[..., NoReturn]:
    def value(*_: Any) -> NoReturn:
        raise NoValueHere(what)

    return value


def _calculating(name: str) -> _Function:
    return _Function("vv", lambda one, other: calculated(name, one, other))


def _of_time(name: str, count: int) -> _Function:
    return _Function("s" * count, lambda *given: time_value(name, list(given)))


_FUNCTIONS: Final[dict[str, _Function]] = {
    "to_string": _Function("*", lambda value: value if isinstance(value, str) else bounded_json(value)),
    "compare": _Function("ss", lambda one, other: (one > other) - (one < other)),
    "equal_fold": _Function("ss", lambda one, other: one.casefold() == other.casefold()),
    "replace": _Function("sssn", _replace),
    "replace_all": _Function("sss", lambda text, old, new: _replace(text, old, new, -1)),
    "to_upper": _Function("s", lambda text: text.upper()),
    "to_lower": _Function("s", lambda text: text.lower()),
    "trim": _Function("ss", lambda text, characters: text.strip(characters) if characters else text),
    "trim_prefix": _Function("ss", lambda text, prefix: text.removeprefix(prefix)),
    "split": _Function("ss", lambda text, by: text.split(by) if by else list(text)),
    "regex_replace_all": _Function("stt", _regex_replace),
    "regex_replace_all_literal": _Function("stt", _regex_replace_literal),
    "regex_match": _Function("st", _regex_match),
    "pattern_match": _Function("st", lambda pattern, text: wild_match(pattern, as_text(text))),
    "label_match": _Function(
        "oo", lambda wanted, there: all(key in there and there[key] == one for key, one in wanted.items())
    ),
    "to_boolean": _Function("s", _to_boolean),
    "add": _calculating("add"),
    "subtract": _calculating("subtract"),
    "multiply": _calculating("multiply"),
    "divide": _calculating("divide"),
    "modulo": _calculating("modulo"),
    "sum": _Function("a", _sum),
    "round": _Function("nn", _round),
    "base64_decode": _Function(
        "s", lambda text: base64.b64decode("".join(text.split()), validate=True).decode("utf-8", "replace")
    ),
    "base64_encode": _Function("s", lambda text: base64.b64encode(_bytes(_bounded(text))).decode()),
    "path_canonicalize": _Function("s", _canonical),
    "truncate": _Function("sn", lambda text, length: text[: max(0, int(length))]),
    "semver_compare": _Function("ss", version_in),
    "parse_json": _Function("s", lambda text: json.loads(_bounded(text))),
    "parse_yaml": _Function("s", _parse_yaml),
    "lookup": _Function("cv", _lookup),
    "items": _Function("css", _items),
    "object_from_lists": _Function("aa", _object),
    "image_normalize": _Function("s", _image),
    "is_external_url": _Function("s", _is_external),
    "sha256": _Function("s", lambda text: hashlib.sha256(_bytes(text)).hexdigest()),
    "sha1": _Function("s", lambda text: hashlib.sha1(_bytes(text), usedforsecurity=False).hexdigest()),
    "md5": _Function("s", lambda text: hashlib.md5(_bytes(text), usedforsecurity=False).hexdigest()),
    "random": _Function("s", _unknown("chance (random)")),
    "x509_decode": _Function("s", _unknown("what a certificate says (x509_decode), which is not read here")),
    "time_now": _Function("", _unknown("the present time (time_now)")),
    "time_now_utc": _Function("", _unknown("the present time (time_now_utc)")),
    "time_since": _Function("sss", _time_since),
    "time_parse": _of_time("time_parse", 2),
    "time_add": _of_time("time_add", 2),
    "time_utc": _of_time("time_utc", 1),
    "time_to_cron": _of_time("time_to_cron", 1),
    "time_diff": _of_time("time_diff", 2),
    "time_before": _of_time("time_before", 2),
    "time_after": _of_time("time_after", 2),
    "time_between": _of_time("time_between", 3),
    "time_truncate": _of_time("time_truncate", 2),
}
