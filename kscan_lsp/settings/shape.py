"""Models: classes that say which keys a mapping may have, and what their values are.

A model is a class with annotations. What is read into one is strict, as the published schema is, and all that is wrong
is told at once, each thing at its path. No library does that without being imported by every scan, which costs more
than all settings together: here annotations are only looked at when somebody wrote something (`fitting`), and the
defaults are attributes of the class. So an instance has no more in it than what was said, which is what settings that
lie over others need to know.

What JSON schemas say of models is in `json_schema.py`, what people are told of errors in `validation.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Final,
    Literal,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from kscan_lsp.paths import Path

EMPTY: Final[Mapping[str, Any]] = {}
"""The default of a mapping."""


class Value(Struct, frozen=True, kw_only=True):
    """What is said of a value besides its type: the second part of `Annotated`."""

    description: str = ""
    before: Callable[[Any], object] | None = None
    """What was written into what it stands for; its ValueError says what is wrong."""
    written: Any = None
    """The type of what `before` takes, where that is another one."""
    after: Callable[[Any], object] | None = None
    """Takes a value that fits; its ValueError says what is wrong with it all the same."""
    least: int | None = None
    most: int | None = None
    shortest: int = 0
    longest: int | None = None
    pattern: str = ""
    """A regular expression that the whole string must fit."""
    meaning: str = ""
    """The pattern in words: what the string must be."""

    def complaint(self, value: Any) -> str:
        """What is wrong with a value of the right type; empty where nothing is."""
        if self.least is not None and not value >= self.least:
            return f"must be greater than or equal to {self.least}"
        if self.most is not None and not value <= self.most:
            return f"must be less than or equal to {self.most}"
        if self.shortest and len(value) < self.shortest:
            return "must not be empty"
        if self.longest is not None and len(value) > self.longest:
            unit = "characters" if isinstance(value, str) else "entries"
            return f"must have at most {self.longest} {unit}"
        if self.pattern and not re.fullmatch(self.pattern, value):
            return f"must be {self.meaning}"
        return ""


class Misfit(Struct, frozen=True):
    """One thing that is wrong with data."""

    path: Path
    """Of the value, or of the key that is unknown; of a key that is missing, that of the mapping that lacks it."""
    text: str
    """What is wrong, in words; of a key that is missing or unknown, the key."""
    value: object = None
    kind: Literal["value", "said", "missing", "unknown"] = "value"
    """`said` are the words of a function of the model, which may be a sentence of their own."""
    known: tuple[str, ...] = ()
    """Beside a key that is unknown, those that are known."""


class MisfitError(ValueError):
    """Data that does not fit."""


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Model:  # noqa: PLW1641 - there are mappings in it
    """A mapping with these keys. In files they are in camelCase: `max_days` is `maxDays`.

    `Model(...)` takes what fits as it is; `of` finds out.
    """

    others: ClassVar[Any] = None
    """The type of what stands at any other key; without it, other keys are wrong."""
    empty_is_absent: ClassVar[bool] = False
    """Whether a key without a value (all its entries commented out, or about to be typed) says nothing."""

    def __init__(self, /, **values: Any) -> None:
        self.__dict__.update(values)

    @classmethod
    def of(cls, data: object) -> Self:
        """Data as an instance.

        Raises:
            MisfitError: it does not fit.
        """
        found, misfits = fitting(cls, data)
        if found is None:
            raise MisfitError("; ".join(f"{'.'.join(map(str, one.path))}: {one.text}" for one in misfits))
        return found

    def agree(self) -> None:
        """Whether values go together that are right by themselves; ValueError says why they do not."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and whole(self) == whole(other)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"
        )


M = TypeVar("M", bound=Model)


_TYPES: Final[dict[type[Model], Mapping[str, tuple[str, Any]]]] = {}
"""What annotations of models say, once they were looked at: as many as there are models."""


def types_of(model: type[Model]) -> Mapping[str, tuple[str, Any]]:
    """The keys of a model as files have them, each with the name of its attribute and its type."""
    if model not in _TYPES:
        hints = get_type_hints(model, include_extras=True).items()
        _TYPES[model] = {
            key_of(name): (name, kind) for name, kind in hints if get_origin(kind) is not ClassVar
        }
    return _TYPES[model]


def key_of(name: str) -> str:
    """The key of an attribute."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def said(model: Model) -> dict[str, Any]:
    """What was said, as plain data: only keys that somebody wrote."""
    return _plain(model, vars)


def whole(model: Model) -> dict[str, Any]:
    """All values as plain data, with those that are as they are by default."""
    return _plain(model, lambda one: {name: getattr(one, name) for name, _ in types_of(type(one)).values()})


def chosen(model: Model) -> dict[str, Any]:
    """What is not as it is by default, as plain data in the order of the model."""
    return _plain(
        model,
        lambda one: {
            name: value
            for name, _ in types_of(type(one)).values()
            if (value := getattr(one, name)) != getattr(type(one), name, one)
        },
    )


_ValuesOf = Callable[["Model"], Mapping[str, Any]]


def _plain(model: Model, values_of: _ValuesOf) -> dict[str, Any]:
    return {key_of(name): _plain_value(value, values_of) for name, value in values_of(model).items()}


def _plain_value(value: Any, values_of: _ValuesOf) -> Any:
    if isinstance(value, Model):
        return _plain(value, values_of)
    if isinstance(value, Mapping):
        return {key: _plain_value(part, values_of) for key, part in value.items()}
    return tuple([_plain_value(part, values_of) for part in value]) if isinstance(value, tuple) else value


def fitting(model: type[M], data: object) -> tuple[M | None, tuple[Misfit, ...]]:
    """Data as an instance of a model, or all that is wrong with it.

    Args:
        model: the model.
        data: plain data, as YAML or JSON has it; instances of models in it are taken as they are.
    """
    misfits: list[Misfit] = []
    found = _read(model, data, (), misfits)
    return (None if misfits else found), tuple(misfits)


def _read(kind: Any, value: Any, path: Path, misfits: list[Misfit]) -> Any:
    """A value as its type has it; what is wrong with it is added to `misfits`."""
    written, wrong = value, len(misfits)
    kind, notes = parts_of_type(kind)
    try:
        for note in notes:
            if note.before:
                value = note.before(value)
        value = _of_type(kind, value, path, misfits)
        for note in notes if len(misfits) == wrong else ():
            if text := note.complaint(value):
                misfits.append(Misfit(path, text, written))
                break
            if note.after:
                value = note.after(value)
    except ValueError as error:  # what a function of the model says, `agree` included
        misfits.append(Misfit(path, str(error), written, "said"))
    return value


def parts_of_type(kind: Any) -> tuple[Any, tuple[Value, ...]]:
    """A type without what is said besides, and that."""
    if get_origin(kind) is not Annotated:
        return kind, ()
    inner, *notes = get_args(kind)
    return inner, tuple(notes)


def _of_type(kind: Any, value: Any, path: Path, misfits: list[Misfit]) -> Any:
    if isinstance(kind, type) and issubclass(kind, Model):
        return _model(kind, value, path, misfits)
    match get_origin(kind):
        case origin if origin in {Union, UnionType}:
            return _choice(get_args(kind), value, path, misfits)
        case origin if origin is Literal:
            names = get_args(kind)
            if not isinstance(value, str) or value not in names:
                misfits.append(Misfit(path, f"must be {_either(names)}", value))
        case origin if origin is tuple:
            if not isinstance(value, list | tuple):
                misfits.append(Misfit(path, "must be a list", value))
                return ()
            of_each = get_args(kind)[0]
            return tuple([_read(of_each, part, (*path, n), misfits) for n, part in enumerate(value)])
        case origin if origin is Mapping:
            if not isinstance(value, dict):
                misfits.append(Misfit(path, "must be a mapping", value))
                return EMPTY
            of_each = get_args(kind)[1]
            return {key: _read(of_each, part, (*path, key), misfits) for key, part in value.items()}
        case _ if kind is not Any:
            return _scalar(kind, value, path, misfits)
    return value


_NAMES: Final[Mapping[type, str]] = {
    str: "a string", bool: "true or false", int: "a whole number", float: "a number", NoneType: "empty",
}  # fmt: skip


def _scalar(kind: type, value: Any, path: Path, misfits: list[Misfit]) -> Any:
    if kind is float and type(value) is int:
        try:
            return float(value)
        except OverflowError:
            pass
    if type(value) is kind:
        return value
    quote = "; quote it" if kind is str and isinstance(value, bool | int | float) else ""
    misfits.append(Misfit(path, f"must be {_NAMES[kind]}{quote}", value))
    return value


def _either(names: Iterable[str]) -> str:
    *others, last = (f"'{name}'" for name in names)
    return f"{', '.join(others)}{' or ' * bool(others)}{last}"


def _choice(kinds: tuple[Any, ...], value: Any, path: Path, misfits: list[Misfit]) -> Any:
    """A value as the type that it is meant to have, which its own tells: the first one, where none takes such."""
    meant, wrong = next((kind for kind in kinds if isinstance(value, _taken(kind))), kinds[0]), len(misfits)
    found = _read(meant, value, path, misfits)
    if len(misfits) > wrong and get_origin(meant) is Literal and any(_taken(kind) is _LIST for kind in kinds):
        misfits[-1] = Misfit(path, f"{misfits[-1].text}, or a list", value)
    return found


_LIST: Final = (list, tuple)
_CLASSES: Final[Mapping[Any, Any]] = {Literal: str, tuple: _LIST, Mapping: dict}


def _taken(kind: Any) -> Any:
    """The class, or classes, of data that is meant to be of a type."""
    kind, _ = parts_of_type(kind)
    if isinstance(kind, type) and issubclass(kind, Model):
        return (dict, kind)
    return _CLASSES.get(get_origin(kind), kind)


def _model(model: type[M], data: Any, path: Path, misfits: list[Misfit]) -> M | None:
    if isinstance(data, model):
        return data
    if not isinstance(data, dict):
        misfits.append(Misfit(path, "must be a mapping", data))
        return None
    if model.empty_is_absent:
        data = {key: value for key, value in data.items() if value is not None}
    types, wrong = types_of(model), len(misfits)
    values = {}
    for key, (name, kind) in types.items():
        if key in data:
            values[name] = _read(kind, data[key], (*path, key), misfits)
        elif not hasattr(model, name):
            misfits.append(Misfit(path, key, data, "missing"))
    for key in data:
        if key in types:
            continue
        if model.others is None:
            misfits.append(Misfit((*path, key), key, data[key], "unknown", tuple(sorted(types))))
        else:
            values[key] = _read(model.others, data[key], (*path, key), misfits)
    if len(misfits) > wrong:
        return None
    made = model(**values)
    model.agree(made)
    return made
