"""The objects of an OpenShift Template, with the values that its parameters have where nobody says otherwise.

`${NAME}` stands for text inside a string, `${{NAME}}` as a whole value for whatever the parameter's text is as JSON.
One without a value is known only to whoever processes the template: it stays as it is written inside text, and is as
good as absent where it is a whole value or a part of an image, since nothing can be said of that.

A value that is a credential is judged where it stands, which is at the parameter: a Template is an object of its own,
whose parameters say what they are used as (`USED_AS`, `USED_IN_SECRETS`). In text of the objects it stays as it is
written, so that nobody is sent to all the places where it is used.

Source: the type Template of template.openshift.io/v1, and OpenShift's "Using templates", "Writing parameters".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from kscan_lsp.kubernetes.credentials import ENTRIES, credential, decoded, secret
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TEXT: Final = regex(r"\$\{([a-zA-Z0-9_]+)\}")
_VALUE: Final = regex(r"\$\{\{([a-zA-Z0-9_]+)\}\}")
_IMAGE: Final = "image"
USED_AS: Final = "usedAs"
"""Of a parameter, as controls see it: names of variables, of entries and of options whose whole value it is; one that
says that it is a credential comes first."""
USED_IN_SECRETS: Final = "usedInSecrets"
"""The same of entries of Secrets, where a value is a secret unless it cannot be one."""


class Parameters(Struct, frozen=True):
    """The parameters of a template that have a value by default."""

    values: Mapping[str, str]
    """Of those that are put into the objects."""
    listed: list[Any]
    """The parameters as they are written, each with what it is used as."""


def parameters_of(template: dict[str, Any]) -> Parameters:
    """What a template says about its parameters."""
    listed = template.get("parameters")
    listed = listed if isinstance(listed, list) else []
    given = {
        one["name"]: one["value"]
        for one in listed
        if isinstance(one, dict) and isinstance(one.get("name"), str) and isinstance(one.get("value"), str)
    }
    if not given:
        return Parameters({}, listed)
    uses: dict[str, _Uses] = {name: _Uses({}, {}) for name in given}
    for name, use, in_secret in _uses_in(template.get("objects")):
        if name in uses:
            (uses[name].in_secrets if in_secret else uses[name].names)[use] = None
    return Parameters(
        {name: value for name, value in given.items() if not _is_credential(name, value, uses[name])},
        [_with_uses(one, uses) for one in listed],
    )


class _Uses(Struct, frozen=True):
    """Names that a parameter is used under, in the order of the text."""

    names: dict[str, None]
    in_secrets: dict[str, None]


def _with_uses(parameter: Any, uses: Mapping[str, _Uses]) -> Any:
    name = parameter.get("name") if isinstance(parameter, dict) else None
    value = parameter.get("value") if isinstance(parameter, dict) else None
    if not isinstance(name, str) or name not in uses or not isinstance(value, str):
        return parameter
    used = uses[name]
    telling_first = sorted(used.names, key=lambda use: not credential(use, value, [*ENTRIES]))
    secrets_first = sorted(used.in_secrets, key=lambda key: not secret(key, decoded(value) or value))
    return {**parameter, USED_AS: telling_first, USED_IN_SECRETS: secrets_first}


def _is_credential(name: str, value: str, uses: _Uses) -> bool:
    names = (name, *uses.names)
    return any(credential(one, value, [*ENTRIES]) for one in names) or any(
        secret(key, decoded(value) or value) for key in uses.in_secrets
    )


def _uses_in(objects: Any) -> Iterator[tuple[str, str, bool]]:
    """Where a parameter is all of a text that has a name: its own name, the other, and whether that is in a Secret."""
    waiting = [(objects, False)]
    seen: set[int] = set()
    while waiting:
        data, in_secret = waiting.pop()
        if not isinstance(data, dict | list) or id(data) in seen:
            continue
        seen.add(id(data))
        if isinstance(data, dict):
            in_secret = data.get("kind") == "Secret" or (in_secret and "kind" not in data)
            yield from _named_uses(data, in_secret=in_secret)
            waiting += ((value, in_secret) for value in reversed(data.values()))
        else:
            yield from _options(data)
            waiting += ((value, in_secret) for value in reversed(data))


def _named_uses(data: dict[str, Any], *, in_secret: bool) -> Iterator[tuple[str, str, bool]]:
    """The uses as a variable, and as entries of a ConfigMap or a Secret."""
    if isinstance(data.get("name"), str) and (used := _whole(data.get("value"))):
        yield used, data["name"], False
    for field in ("data", "stringData"):
        entries = data.get(field)
        for key, value in entries.items() if isinstance(entries, dict) else ():
            if used := _whole(value):
                yield used, key, in_secret


def _options(words: list[Any]) -> Iterator[tuple[str, str, bool]]:
    """The uses of a list as what an option is given: `--password=${X}`, `--password ${X}`."""
    before = ""
    for word in words:
        if not isinstance(word, str):
            continue
        option, _, value = word.partition("=")
        if option.startswith("-") and (used := _whole(value)):
            yield used, option, False
        elif before.startswith("-") and (used := _whole(word)):
            yield used, before, False
        before = word


def _whole(text: Any) -> str:
    """The parameter that is all of a text; empty where none is."""
    found = _TEXT.fullmatch(text) if isinstance(text, str) else None
    return found[1] if found else ""


def with_parameters(data: Any, parameters: Mapping[str, str]) -> Any:
    """Plain data of an object of a template with the values of its parameters; what has none is the same object."""
    return _replaced(data, parameters, {})


def _replaced(data: Any, parameters: Mapping[str, str], seen: dict[int, Any]) -> Any:
    if isinstance(data, str):
        return _text(data, parameters) if "${" in data else data
    if not isinstance(data, dict | list):
        return data
    known = seen.get(id(data), seen)
    if known is not seen:
        return known
    seen[id(data)] = data  # an alias can stand inside what it names
    if isinstance(data, dict):
        fields = {key: _replaced(value, parameters, seen) for key, value in data.items()}
        if isinstance(image := fields.get(_IMAGE), str) and _TEXT.search(image):
            fields[_IMAGE] = None  # an image that nobody knows
        made: Any = fields if any(fields[key] is not data[key] for key in data) else data
    else:
        items = [_replaced(value, parameters, seen) for value in data]
        made = items if any(one is not other for one, other in zip(items, data, strict=True)) else data
    seen[id(data)] = made
    return made


def _text(text: str, parameters: Mapping[str, str]) -> Any:
    if whole := _VALUE.fullmatch(text):
        value = parameters.get(whole[1])
        if value is None:
            return None
        try:
            return json.loads(value)
        except ValueError:
            return value
    return _TEXT.sub(lambda found: parameters.get(found[1], found[0]), text)
