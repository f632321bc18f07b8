"""What a module says when it is imported and what is only made ready when it is first used.

A command imports some hundreds of modules, of which it uses little: to compile their regular expressions and to finish
their named tuples took a fifth of a scan of one file. Both look and behave like those of the standard library.

Left out on purpose: which modules are imported at all, which is up to those who import them.
"""

from __future__ import annotations

import re
from collections import namedtuple
from typing import TYPE_CHECKING, Any, AnyStr, Final, cast

__all__ = ["NamedTuple", "regex"]

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NamedTuple, Self
else:

    class _NamedTupleMeta(type):
        """Makes a class with annotations a named tuple; it does not look at what the annotations say."""

        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = tuple(body.get("__annotations__", ()))
            defaults = {field: body[field] for field in fields if field in body}
            places = {field: _getter(number, field) for number, field in enumerate(fields)}
            named = {"_fields": fields, "_field_defaults": defaults, "__match_args__": fields}
            return type(name, (_Named,), {"__slots__": (), "__new__": _made_first, **body, **named, **places})

    class NamedTuple(metaclass=_NamedTupleMeta):
        """`typing.NamedTuple`, for classes whose annotations are strings."""


_getter: Final[Any] = type(vars(namedtuple("_One", ["value"]))["value"])  # noqa: PYI024 - what there is to find


class _Named(tuple[Any, ...]):
    """What all named tuples share."""

    __slots__ = ()
    # who asks for the types of a named tuple means those of its fields
    _fields = cast("tuple[str, ...]", ())

    @classmethod
    def _make(cls, values: Iterable[Any]) -> Self:
        made = tuple.__new__(cls, values)
        if len(made) != len(cls._fields):
            raise TypeError(f"expected {len(cls._fields)} values, got {len(made)}")
        return made

    def _replace(self, /, **values: Any) -> Self:
        made = self._make(map(values.pop, self._fields, self))
        if values:
            raise TypeError(f"unexpected field names: {[*values]}")
        return made

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
        return f"{type(self).__name__}({values})"

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)


def _made_first(cls: type[_Named], /, *values: Any, **named: Any) -> Any:
    """The first instance of a class: from now on the class has a function with its fields as parameters for that."""
    owner: Any = next(one for one in cls.__mro__ if "_fields" in vars(one))
    fields = "".join(f"{field}, " for field in owner._fields)
    # of names in a class only, which are identifiers
    make = eval(f"lambda _cls, {fields}: _new(_cls, ({fields}))", {"_new": tuple.__new__})  # noqa: S307
    make.__name__, make.__defaults__ = "__new__", tuple(owner._field_defaults.values())
    owner.__new__ = make
    return make(cls, *values, **named)


class _Regex:
    """A regular expression that is compiled when something of it is first asked for."""

    def __init__(self, source: str | bytes, flags: int) -> None:
        self._source, self._flags = source, flags

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        compiled = re.compile(self._source, self._flags)
        found = getattr(compiled, name)
        # the next time it is there, and nothing stands between
        self.__dict__[name] = found
        return found


def regex(source: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """`re.compile` for the top of a module."""
    return cast("re.Pattern[AnyStr]", _Regex(source, flags))
