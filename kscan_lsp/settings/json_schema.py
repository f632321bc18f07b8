"""JSON schemas of models: for editors that know no more of kscan, and for what is proposed while somebody types."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin

from kscan_lsp.settings.shape import Model, parts_of_type, types_of, whole

if TYPE_CHECKING:
    from kscan_lsp.paths import Path
    from kscan_lsp.settings.shape import Value

_TYPES: Final[Mapping[Any, str]] = {
    str: "string", bool: "boolean", int: "integer", float: "number", NoneType: "null",
}  # fmt: skip


def schema_of(model: type[Model]) -> dict[str, Any]:
    """The JSON schema of a model, with those of the models that it is made of as `$defs`."""
    definitions: dict[str, Any] = {}
    schema = _of_model(model, definitions)
    return {"$defs": dict(sorted(definitions.items())), **schema} if definitions else schema


def _of_model(model: type[Model], definitions: dict[str, Any]) -> dict[str, Any]:
    properties = {}
    for key, (name, kind) in types_of(model).items():
        properties[key] = _of_type(kind, definitions)
        if hasattr(model, name):
            properties[key]["default"] = _as_json(getattr(model, name))
    required = [key for key, (name, _) in types_of(model).items() if not hasattr(model, name)]
    return {
        "type": "object",
        "description": model.__doc__,
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": False if model.others is None else _of_type(model.others, definitions),
    }


def _as_json(value: Any) -> Any:
    if isinstance(value, Model):
        return _as_json(whole(value))
    if isinstance(value, Mapping):
        return {key: _as_json(part) for key, part in value.items()}
    return [_as_json(part) for part in value] if isinstance(value, tuple) else value


def _of_type(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    kind, notes = parts_of_type(kind)
    written = next((note.written for note in notes if note.written is not None), kind)
    schema = _of_plain_type(written, definitions)
    for note in notes:
        schema |= _of_note(note, schema)
    return schema


def _of_plain_type(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if kind in _TYPES:
        return {"type": _TYPES[kind]}
    if isinstance(kind, type) and issubclass(kind, Model):
        if kind.__name__ not in definitions:
            definitions[kind.__name__] = {}  # in case it is made of itself
            definitions[kind.__name__] = _of_model(kind, definitions)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    origin, parts = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return {"anyOf": [_of_type(part, definitions) for part in parts]}
    if origin is Literal:
        return {"type": "string", **({"enum": [*parts]} if len(parts) > 1 else {"const": parts[0]})}
    if origin is tuple:
        return {"type": "array", "items": _of_type(parts[0], definitions)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _of_type(parts[1], definitions) or True}
    return {}


def _of_note(note: Value, schema: dict[str, Any]) -> dict[str, Any]:
    size = {"array": "Items", "object": "Properties"}.get(schema.get("type", ""), "Length")
    said = {
        "description": note.description or None,
        "minimum": note.least,
        "maximum": note.most,
        f"min{size}": note.shortest or None,
        f"max{size}": note.longest,
        "pattern": note.pattern or None,
    }
    if "anyOf" in schema:  # one of many, or many
        for part in schema["anyOf"]:
            part |= {k: v for k, v in _of_note(note, part).items() if k.endswith("Items")}
        said = {"description": said["description"]}
    return {key: value for key, value in said.items() if value is not None}


def shapes(model: type[Model], path: Path) -> list[dict[str, Any]]:
    """What a model allows at a path, as JSON schemas: several where there is a choice.

    A step that leads nowhere is passed over.
    """
    schema = schema_of(model)
    found = _choices(schema, schema)
    for step in path:
        inner = [choice for part in _inside(found, step) for choice in _choices(part, schema)]
        found = inner or found
    return found


def _choices(part: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    reference = part.get("$ref")
    defined = schema["$defs"][reference.rpartition("/")[2]] if reference else part
    return [defined, *(choice for option in defined.get("anyOf", ()) for choice in _choices(option, schema))]


def _inside(found: list[dict[str, Any]], step: str | int) -> list[dict[str, Any]]:
    if isinstance(step, int):
        return [shape["items"] for shape in found if "items" in shape]
    values = (shape.get("properties", {}).get(step, shape.get("additionalProperties")) for shape in found)
    return [value for value in values if isinstance(value, dict)]
