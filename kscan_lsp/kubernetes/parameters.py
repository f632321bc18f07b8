"""The objects of an OpenShift Template, with the values that its parameters have where nobody says otherwise.

`${NAME}` stands for text inside a string, `${{NAME}}` as a whole value for whatever the parameter's text is as JSON.
One without a value is known only to whoever processes the template: it stays as it is written inside text, and is as
good as absent where it is a whole value or a part of an image, since nothing can be said of that.

Source: the type Template of template.openshift.io/v1, and OpenShift's "Using templates", "Writing parameters".
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXT: Final = re.compile(r"\$\{([a-zA-Z0-9_]+)\}")
_VALUE: Final = re.compile(r"\$\{\{([a-zA-Z0-9_]+)\}\}")
_IMAGE: Final = "image"


def parameters_of(template: dict[str, Any]) -> dict[str, str]:
    """The parameters of a template that have a value by default."""
    listed = template.get("parameters")
    return {
        one["name"]: one["value"]
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict) and isinstance(one.get("name"), str) and isinstance(one.get("value"), str)
    }


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
