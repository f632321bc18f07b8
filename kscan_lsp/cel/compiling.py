"""From the source of an expression to a program of the runtime, or an error with its place."""

from __future__ import annotations

import re
from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from cel_expr_python import cel  # type: ignore[import-untyped]
from cel_expr_python.ext import (  # type: ignore[import-untyped]
    ext_bindings,
    ext_math,
    ext_optional,
    ext_strings,
)
from msgspec import Struct

from kscan_lsp.cel import guard, hints, library
from kscan_lsp.cel.syntax_tree import Node, read_tree

if TYPE_CHECKING:
    from collections.abc import Sequence

Result: TypeAlias = Literal["bool", "string", "list", "any"]
Let: TypeAlias = tuple[tuple[str, str], ...]

VARIABLES = (
    "object", "podTemplate", "pod", "container", "role", "effective",
    "item", "index", "key", "inputs", "choice", "relations", "kubernetesMinor", "evidence",
)  # fmt: skip
"""What every expression may name. `inputs` maps names to lists of text; `role` says which list a container is
in, `choice` is the value a user chose for a fix, `relations` maps names to lists of other objects, `kubernetesMinor`
is the Kubernetes version that manifests are for (33 for 1.33), `evidence` maps kinds of facts to what is known; the
others are whatever the manifest has."""

MAX_SOURCE = 8_000
"""Characters of one expression, its `let` included."""


class CelError(Struct, frozen=True):
    """Why a source does not compile. Line and column count from 1, in code points of that source.

    `name` says which `let` entry is at fault; empty for the expression itself.
    """

    message: str
    line: int
    column: int
    name: str = ""


class Program(Struct, frozen=True, eq=False):
    """What the runtime made of an expression and its `let`. Equal sources share one."""

    handle: cel.Expression
    tree: Node | None
    """What its work is reckoned from; `None` where that is harmless on any data."""
    names: tuple[str, ...]
    """The variables it may read."""


class Expression(Struct, eq=False, dict=True, omit_defaults=True):
    """A compiled expression. One that was compiled before it was stored is compiled again when first evaluated."""

    source: str
    let: Let = ()
    result: Result = "any"

    @cached_property
    def program(self) -> Program:
        """What the runtime evaluates."""
        return _stored(self.source, self.let)

    @property
    def reckoned(self) -> bool:
        """Whether it is refused on data too large for it, so that its answer depends on all that is bound."""
        return "program" in self.__dict__ and self.program.tree is not None


def compile_expression(
    source: str, *, let: Sequence[tuple[str, str]] = (), result: Result = "any"
) -> Expression | CelError:
    """Compile an expression once.

    Args:
        source: CEL. May name `VARIABLES` and the names of `let`.
        let: names bound around it, in order; each may use the earlier ones. Only those used are evaluated.
        result: what it must give. A type known to be another is an error here; one known only at run time is
            left to `evaluate` and `deny`.

    Returns:
        The expression, or the first error: of the first `let` entry that is wrong, else of the source.
    """
    bound = tuple((name, text) for name, text in let)
    program = _compile(source, bound)
    if isinstance(program, CelError):
        return program
    complaint = _unfit(str(program.handle.return_type()), result)
    if complaint:
        return CelError(complaint, 1, 1)
    # without what it does not use, it shares its program and its answers with all that are the same
    expression = Expression(source, _used(source, bound), result)
    expression.program = program
    return expression


@cache
def environment() -> cel.Env:
    """The runtime with our functions and `VARIABLES` declared."""
    kind = cel.Type
    declared = dict.fromkeys(VARIABLES, kind.DYN)
    declared["inputs"] = kind.Map(kind.STRING, kind.List(kind.STRING))
    declared["relations"] = kind.Map(kind.STRING, kind.List(kind.DYN))
    declared["kubernetesMinor"] = kind.INT
    extensions = (
        ext_optional.ExtOptional,
        ext_bindings.ExtBindings,
        ext_strings.ExtStrings,
        ext_math.ExtMath,
    )
    return cel.NewEnv(
        variables=declared,
        extensions=[extension() for extension in extensions],
        functions=[function.declared for function in library.all_functions()],
    )


_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_RESERVED = frozenset(
    ("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if",
     "import", "let", "loop", "package", "namespace", "return", "var", "void", "while")
)  # fmt: skip


@lru_cache(maxsize=4096)
def _compile(source: str, let: Let) -> Program | CelError:
    runtime = environment()
    for position, (name, text) in enumerate(let):
        if not _NAME.fullmatch(name) or name in _RESERVED or name in VARIABLES:
            return CelError(f"{name!r} cannot be the name of a let", 1, 1, name)
        found = _compile(text, let[:position])
        if isinstance(found, CelError):
            return found if found.name else CelError(found.message, found.line, found.column, name)
    used = _used(source, let)
    whole, skipped = _wrapped(source, used)
    if len(whole) > MAX_SOURCE:
        return CelError(f"longer than {MAX_SOURCE:,} characters", 1, 1)
    if "\0" in source or not _encodes(source):
        return CelError("a character that no text file can have", 1, 1)
    try:
        if used:
            # On its own first: `true) || (true` is wrong, whatever it stands between.
            runtime.compile(source, disable_check=True)
        handle = runtime.compile(whole)
        tree = None if guard.is_harmless(whole) else read_tree(handle.serialize())
    except Exception as error:  # noqa: BLE001 - a compiler in C++ has more than one way to say no
        return _error(str(error), source, skipped, [name for name, _ in let])
    if tree is not None and (complaint := guard.refusal(tree)):
        return CelError(complaint, 1, 1)
    mentioned = set(_NAME.findall(whole))
    return Program(handle, tree, tuple(name for name in VARIABLES if name in mentioned))


@lru_cache(maxsize=4096)
def _stored(source: str, let: Let) -> Program:
    """The program of an expression that is known to compile and to be harmless, as tests hold those that are stored."""
    whole, _ = _wrapped(source, _used(source, let))
    return Program(environment().compile(whole), None, ())


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _used(source: str, let: Let) -> Let:
    """The entries of `let` that a source may read, directly or through one another."""
    wanted = set(_NAME.findall(source))
    used: list[tuple[str, str]] = []
    for name, text in reversed(let):
        if name in wanted:
            used.append((name, text))
            wanted.update(_NAME.findall(text))
    return tuple(reversed(used))


def _wrapped(source: str, used: Let) -> tuple[str, int]:
    """The source inside its bindings, and how many lines come before it.

    Each text stands on lines of its own: columns hold, lines are off by a constant, a comment ends where it
    should.
    """
    if not used:
        return source, 0
    before = "".join(f"cel.bind({name}, (\n{text}\n),\n" for name, text in used) + "(\n"
    return f"{before}{source}\n)" + ")" * len(used), before.count("\n")


_ERROR = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_STATUS = re.compile(r"^[A-Z_]+: |\s*\[[A-Z_]+\]$")


def _error(message: str, source: str, skipped: int, bound: Sequence[str]) -> CelError:
    """The runtime's message with its place in the source, and what may have been meant."""
    if "recursion" in message.lower():
        return CelError("nested too deeply", 1, 1)
    match = _ERROR.search(message)
    if match is None:
        return CelError(_STATUS.sub("", message.partition("\n")[0]) or "does not compile", 1, 1)
    said = re.sub(r" \(in container ''\)$", "", _STATUS.sub("", match[3]))
    said = re.sub(r",? expecting \{.*", "", said).strip()
    lines = source.split("\n")
    # Syntax is complained about when the source stands alone, types when it stands inside its bindings.
    line = int(match[1]) - (0 if said.startswith("Syntax error") else skipped)
    known = (*VARIABLES, *bound, *hints.STANDARD, *(function.name for function in library.all_functions()))
    meant = said + hints.hint(said, source, known)
    if not 1 <= line <= len(lines):
        return CelError(meant, 1, 1)
    column = max(1, min(int(match[2]), len(lines[line - 1]) + 1))
    return CelError(meant, line, hints.column_of(said, lines[line - 1], column))


_FITS: dict[Result, tuple[tuple[str, ...], str]] = {
    "bool": (("BOOL", "DYN"), "true or false"),
    "string": (("STRING", "DYN"), "text"),
    "list": (("LIST", "DYN"), "a list"),
}
_WORDS = {"STRING": "text", "DOUBLE": "a number", "INT": "a number", "UINT": "a number", "NULL": "null",
          "BOOL": "true or false", "LIST": "a list", "MAP": "a map", "BYTES": "bytes or a Kubernetes value",
          "TYPE": "a type", "TIMESTAMP": "a time", "DURATION": "a duration", "DYN": "any value"}  # fmt: skip
OPTIONAL = "gives an optional value: end it with orValue(...) or hasValue()"


def said_of(kind: str) -> str:
    """A type of the runtime in words."""
    return _WORDS.get(kind.partition("<")[0].upper(), kind.lower())


def _unfit(got: str, wanted: Result) -> str:
    """Why a type known at compile time cannot be the wanted result; empty when it can be, or may."""
    if got.startswith("optional_type"):
        return OPTIONAL
    if wanted == "any":
        return ""
    kinds, said = _FITS[wanted]
    return "" if got.partition("<")[0].upper() in kinds else f"gives {said_of(got)}, not {said}"
