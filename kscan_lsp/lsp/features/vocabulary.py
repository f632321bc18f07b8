"""The terms that settings and suppressions are made of: control, framework and input names, keys and their values.

Completion offers them, hovers explain them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from msgspec import Struct

from kscan_lsp.dispositions.entries import known_kinds
from kscan_lsp.policy.explain import explain
from kscan_lsp.policy.inputs import kinds_in, shown
from kscan_lsp.policy.ruleset import members_of
from kscan_lsp.settings.exceptions import FILE_NAME, ExceptionsFile
from kscan_lsp.settings.json_schema import shapes
from kscan_lsp.settings.model import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from kscan_lsp.paths import Path
    from kscan_lsp.policy.ruleset import Ruleset
    from kscan_lsp.settings.shape import Model

Kind = Literal["control", "framework", "input", "key", "value"]


class Term(Struct, frozen=True):
    """A term that may stand somewhere. `title` says in short what it is."""

    kind: Kind
    name: str
    title: str


Choices: TypeAlias = "Callable[[Ruleset, object], Iterable[Term]]"
"""What may stand somewhere, by the policies there are and the plain data of the file."""


class Grammar(Struct, frozen=True):
    """What may stand where in a kind of file: its model, and the sort of the keys and values that are no plain ones."""

    model: type[Model]
    keys: Mapping[Path, Kind]
    values: Mapping[Path, Kind]
    kinds: Path = ()
    """Where kinds of objects stand."""
    choices: Mapping[Path, Choices] = {}
    """What values are chosen from that are of no such sort, by where they stand."""
    inner: Mapping[Path, Choices] = {}
    """The same of the values of a map with keys of any name."""
    names: Mapping[Path, Choices] = {}
    """What such keys are chosen from."""

    def key_kind(self, path: Path) -> Kind:
        """What sort of terms the keys are at a path."""
        return self.keys.get(_named(path), "key")

    def value_kind(self, path: Path) -> Kind:
        """What sort of terms the values are at a path, in a list or not."""
        return self.values.get(_named(path), "value")


def _named(path: Path) -> Path:
    return tuple(step for step in path if isinstance(step, str))


_SETTINGS: Final = Grammar(
    Settings,
    {("controls", "severity"): "control", ("inputs",): "input"},
    {
        ("frameworks",): "framework",
        ("controls", "include"): "control",
        ("controls", "exclude"): "control",
    },
)
_EXCEPTIONS: Final = Grammar(
    ExceptionsFile,
    {},
    {("exceptions", "controls"): "control", ("exceptions", "frameworks"): "framework"},
    ("exceptions", "kinds"),
)


def grammar_of(uri: str) -> Grammar:
    """That of a settings file, or of one with exceptions."""
    return _EXCEPTIONS if uri.endswith(f"/{FILE_NAME}") else _SETTINGS


def controls(ruleset: Ruleset) -> Iterator[Term]:
    """Every control there is."""
    return (Term("control", control.id, control.title) for control in ruleset.policies.controls.values())


def inputs(ruleset: Ruleset) -> list[Term]:
    """Every input there is."""
    kinds = kinds_in(control.inputs for control in ruleset.policies.controls.values())
    return [
        Term("input", name, f"{kind}, read by {', '.join(_readers(name, ruleset))}")
        for name, kind in sorted(kinds.items())
    ]


def keys(grammar: Grammar, path: Path, ruleset: Ruleset, data: object = None) -> list[Term]:
    """The keys that a file with this data may have at a path."""
    if named := grammar.names.get(_named(path)):
        return list(named(ruleset, data))
    match grammar.key_kind(path):
        case "control":
            return list(controls(ruleset))
        case "input":
            return inputs(ruleset)
    if grammar is _SETTINGS and path[:1] == ("inputs",) and len(path) == 2:
        value = ruleset.input(str(path[1]))
        return [Term("key", name, "") for name in value] if isinstance(value, dict) else []
    names = dict.fromkeys(
        name for shape in shapes(grammar.model, path) for name in shape.get("properties", ())
    )
    return [Term("key", name, _description(grammar, (*path, name))) for name in names]


def values(grammar: Grammar, path: Path, ruleset: Ruleset, data: object = None) -> list[Term]:
    """The values that a file with this data may have at a path; none where anything may stand."""
    chosen = grammar.choices.get(_named(path)) or grammar.inner.get(_named(path)[:-1])
    if chosen:
        return list(chosen(ruleset, data))
    if grammar.kinds and _named(path) == grammar.kinds:
        return [Term("value", kind, "") for kind in sorted(known_kinds())]
    match grammar.value_kind(path):
        case "framework":
            return [Term("framework", f.id, f.title) for f in ruleset.policies.frameworks.values()]
        case "control":
            return list(controls(ruleset))
    names: list[str] = []
    for shape in shapes(grammar.model, path):
        fixed = [shape["const"]] if "const" in shape else []
        names += shape.get("enum", ["true", "false"] if shape.get("type") == "boolean" else fixed)
    return [Term("value", name, "") for name in names]


def explanation(kind: str, name: str, path: Path, ruleset: Ruleset, grammar: Grammar = _SETTINGS) -> str:
    """What a term means, as Markdown; empty where there is nothing to say.

    Args:
        kind: what sort of term it is.
        name: the term.
        path: of a key, where it stands in the settings.
        ruleset: the settings that hold.
        grammar: that of the file.
    """
    policies = ruleset.policies
    if kind == "control" and (control := policies.controls.get(name)):
        return explain(control, ruleset)
    if kind == "framework" and (framework := policies.framework(name)):
        size = len(members_of(framework, policies))
        return f"**{framework.title}** (`{framework.id}`, {size} controls)\n\n{framework.description}"
    if kind == "input" and (readers := _readers(name, ruleset)):
        listed = ", ".join(f"`{value}`" for value in shown(ruleset.input(name))) or "empty"
        return f"**{name}**, an input of {', '.join(readers)}\n\nValues that hold now: {listed}"
    if kind == "key" and path:
        about = _description(grammar, path)
        return f"**{name}**\n\n{about}" if about else ""
    return ""


def _description(grammar: Grammar, path: Path) -> str:
    found = (shape["description"] for shape in shapes(grammar.model, path) if "description" in shape)
    return next(found, "")


def _readers(name: str, ruleset: Ruleset) -> list[str]:
    return [control.id for control in ruleset.policies.controls.values() if name in control.inputs]
