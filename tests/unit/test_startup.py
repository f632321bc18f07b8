"""What is made ready late behaves like what the standard library makes at once."""

from __future__ import annotations

import copy
import pickle
import re
import sys
import typing
from pathlib import Path

import pytest

from kscan_lsp.startup import NamedTuple, regex


class Late(NamedTuple):
    """Has a place and a name."""

    place: int
    name: str = "x"
    other: typing.Any = ()

    @property
    def twice(self) -> int:
        return 2 * self.place


class Early(typing.NamedTuple):
    """Has a place and a name."""

    place: int
    name: str = "x"
    other: typing.Any = ()

    @property
    def twice(self) -> int:
        return 2 * self.place


class Below(Late):
    """Of a class of its own."""


class Nothing(NamedTuple):
    """Has no fields."""


@pytest.mark.parametrize(
    "ask",
    [
        lambda kind: kind(1) == (1, "x", ()),
        lambda kind: kind(name="y", place=2).twice,
        lambda kind: repr(kind(1, other=[2])).partition("(")[2],
        lambda kind: kind(1)._replace(name="z")._asdict(),
        lambda kind: kind._make([1, 2, 3]),
        lambda kind: (kind._fields, kind._field_defaults, kind.__match_args__, kind.__doc__),
        lambda kind: [copy.copy(kind(1)), copy.deepcopy(kind(1)), pickle.loads(pickle.dumps(kind(1)))],  # noqa: S301
        lambda kind: hash(kind(1)) == hash((1, "x", ())),
        typing.get_type_hints,
        lambda kind: [*kind(1), kind(3)[0], kind(1) < kind(2), len(kind(1)), isinstance(kind(1), kind)],
    ],
)
def test_a_named_tuple_is_one(ask) -> None:
    assert ask(Late) == ask(Early)


@pytest.mark.parametrize(
    "ask",
    [
        lambda kind: kind(),
        lambda kind: kind(1, 2, 3, 4),
        lambda kind: kind(1, place=1),
        lambda kind: kind(1, size=2),
        lambda kind: kind._make([1]),
        lambda kind: kind(1)._replace(size=2),
    ],
)
def test_a_named_tuple_takes_its_fields_and_no_others(ask) -> None:
    for kind in (Early, Late):
        with pytest.raises((TypeError, ValueError)):
            ask(kind)


def test_a_field_of_a_named_tuple_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Late(1).place = 2
    with pytest.raises(AttributeError):
        Late(1).more = 2


def test_a_class_below_may_be_the_first_to_be_made() -> None:
    assert isinstance(Below(1), Below)
    assert Below(1, "y") == Late(1, "y") == (1, "y", ())
    assert Nothing() == ()
    match Late(5):
        case Late(place, name):
            assert (place, name) == (5, "x")


def test_a_regex_is_the_compiled_one() -> None:
    found = regex(r"(?P<word>[a-z]+)", re.IGNORECASE)
    assert found.fullmatch("Word")["word"] == "Word"
    assert found.sub("-", "a1b") == "-1-"
    assert (found.pattern, found.groups) == (r"(?P<word>[a-z]+)", 1)
    assert regex(rb"[0-9]").search(b"a1")[0] == b"1"
    with pytest.raises(AttributeError):
        found.nothing  # noqa: B018


def test_every_regex_of_the_program_can_be_compiled() -> None:
    """A mistake in one is found here, and not by who is the first to need it."""
    import kscan_lsp.cli.main
    import kscan_lsp.lsp.server.main  # noqa: F401

    kind = type(regex(""))
    found = 0
    for name, module in sorted(sys.modules.items()):
        if name.startswith("kscan_lsp.") and Path(module.__file__ or "").exists():
            for value in vars(module).values():
                for one in value.values() if isinstance(value, dict) else [value]:
                    if isinstance(one, kind):
                        one.pattern  # noqa: B018
                        found += 1
    assert found > 50
