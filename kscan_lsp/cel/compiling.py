"""From the source of an expression to a program of the runtime, or an error with its place."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from msgspec import Struct

from kscan_lsp.cel import guard, hints, library
from kscan_lsp.cel.code import code_of
from kscan_lsp.cel.cost import work
from kscan_lsp.cel.environment import MAX_SOURCES, Declared, Environment, Stored
from kscan_lsp.cel.expression import Expression, Let, Program
from kscan_lsp.cel.kinds import Kind
from kscan_lsp.cel.native import Native, native
from kscan_lsp.cel.reading import ReadSet, free_names, looked_for, reading_of
from kscan_lsp.cel.syntax_tree import Node, in_order, read_tree
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cel_expr_python import cel  # type: ignore[import-untyped]

Result: TypeAlias = Literal["bool", "string", "list", "any", "surely bool", "surely string"]
"""What an expression has to give; `surely` where what it gives may not depend on what it is evaluated on."""

MAX_SOURCE: Final = 8_000
"""Characters of one expression, its `let` included."""


class CelError(Struct, frozen=True):
    """Why a source does not compile. Line and column count from 1, in code points of that source.

    `name` says which `let` entry is at fault; empty for the expression itself.
    """

    message: str
    line: int
    column: int
    name: str = ""

    def offset_in(self, source: str) -> int:
        """Where in the source it is; -1 for one that is about all of it, or about a `let` entry."""
        if self.name or self.message.startswith(_OF_ALL):
            return -1
        return sum(len(line) + 1 for line in source.split("\n")[: self.line - 1]) + self.column - 1


_OF_ALL: Final = ("gives ", "too much ", "longer than ", "nested too deeply")


class _Compiled(Struct, frozen=True):
    """What came of a source."""

    program: Program
    used: Let
    reading: ReadSet


def compile_expression(
    environment: Environment,
    source: str,
    *,
    let: Sequence[tuple[str, str]] = (),
    result: Result = "any",
    reckon: bool = True,
    declared: Declared = (),
) -> Expression | CelError:
    """Compile an expression once.

    Args:
        environment: what it may name.
        source: CEL. May name the variables of the environment and the names of `let`.
        let: names bound around it, in order; each may use the earlier ones. Only those used are evaluated.
        result: what it must give. A type known to be another is an error here; one known only at run time is
            left to `evaluate` and `deny`.
        reckon: whether its work is reckoned before it is done; not that of a part of what is known to be harmless.
        declared: fields of variables with types of their own.

    Returns:
        The expression, or the first error: of the first `let` entry that is wrong, else of the source.
    """
    let = tuple((name, text) for name, text in let)
    made = _compile(environment, source, let, _named(declared, source, let))
    if isinstance(made, CelError):
        return made
    complaint = _unfit(str(made.program.handle.return_type()), result)
    if complaint:
        return CelError(complaint, 1, 1)
    # without what it does not use, it shares its program and its answers with all that are the same
    program = made.program if reckon else Program(made.program.handle, None, (), code=made.program.code)
    read = tuple(one for one in declared if one[0] in made.program.names) if declared else ()
    expression = Expression(source, made.used, made.reading, program.tree is not None, read)
    _keep(environment.programs, expression, program)
    return expression


def program_of(environment: Environment, expression: Expression) -> Program:
    """What the runtime evaluates. One that was stored is known to compile and to be harmless, as tests hold."""
    program = environment.programs.get(expression)
    if program is None:
        key = (expression.source, expression.let, expression.declared)
        # what was reckoned is never evaluated without that
        made = _compile(environment, *key) if expression.reckoned else environment.compiled.get(key)
        if isinstance(made, _Compiled):
            program = made.program
        else:
            whole, _ = _wrapped(expression.source, expression.let)
            program = Program(_handle(environment, whole, expression.declared), None, ())
        _keep(environment.programs, expression, program)
    return program


def native_of(environment: Environment, expression: Expression) -> Native:
    """What answers an expression without the runtime, where that can be. Equal sources share one, too."""
    found: Native | None = environment.natives.get(expression)
    if found is None:
        key = (expression.source, expression.let, expression.declared)
        found = environment.natives.get(key)
        if found is None:
            found = native(_code_of(environment, expression))
            _keep(environment.natives, key, found)
        _keep(environment.natives, expression, found)
    return found


def _code_of(environment: Environment, expression: Expression) -> bytes:
    """What is known of an expression for that: stored, kept with its program, or made of it."""
    if not expression.declared:
        stored = environment.ready.get(_wrapped(expression.source, expression.let)[0])
        if stored is not None:
            return stored.code
    program = program_of(environment, expression)
    return program.code or code_of(read_tree(program.handle.serialize()))


def type_of(environment: Environment, expression: Expression) -> str:
    """What an expression gives as CEL writes types: `list(string)`, `map(string, dyn)`, `dyn` where it can be any."""
    written = str(program_of(environment, expression).handle.return_type()).lower()
    return written.replace("<", "(").replace(">", ")")


def work_of(environment: Environment, expressions: Iterable[Expression]) -> float:
    """What the work of some expressions is at worst on a small object, in the units of `cost`."""
    return sum(program_of(environment, one).work for one in expressions if one.reckoned)


def _handle(environment: Environment, whole: str, declared: Declared) -> cel.Expression:
    stored = None if declared else environment.ready.get(whole)
    if stored is not None:
        # another version of the runtime might not read what the one here wrote
        with suppress(Exception):
            return environment.runtime.deserialize(stored.program)
    return environment.runtime_with(declared).compile(whole)


def serialized(environment: Environment, expressions: Iterable[Expression]) -> dict[str, Stored]:
    """The programs of expressions by their whole source, as `Environment.ready` has them; always the same bytes."""
    programs = {
        _wrapped(one.source, one.let)[0]: program_of(environment, one).handle.serialize()
        for one in expressions
        if not one.declared  # the same source may be of other types
    }
    return {whole: Stored(in_order(made), code_of(read_tree(made))) for whole, made in programs.items()}


def _keep(memo: dict[object, object], key: object, value: object) -> None:
    if len(memo) >= MAX_SOURCES:
        memo.clear()
    memo[key] = value


_NAME = regex(r"[_a-zA-Z][_a-zA-Z0-9]*")
_RESERVED = frozenset(
    ("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if",
     "import", "let", "loop", "package", "namespace", "return", "var", "void", "while")
)  # fmt: skip


def _named(declared: Declared, source: str, let: Let) -> Declared:
    """All of the fields where any of them may be meant: what names none shares its program with all others."""
    texts = (source, *(text for _, text in let))
    named = any(name.rpartition(".")[2] in text for name, _ in declared for text in texts)
    return declared if named else ()


def _compile(
    environment: Environment, source: str, let: Let, declared: Declared = ()
) -> _Compiled | CelError:
    key = (source, let, declared)
    known = environment.compiled.get(key)
    if known is None:
        known = _made(environment, source, let, declared)
        _keep(environment.compiled, key, known)
    return known


def _made(environment: Environment, source: str, let: Let, declared: Declared) -> _Compiled | CelError:
    for position, (name, text) in enumerate(let):
        if not _NAME.fullmatch(name) or name in _RESERVED or name in environment.taken:
            return CelError(f"{name!r} cannot be the name of a let", 1, 1, name)
        found = _compile(environment, text, let[:position], declared)
        if isinstance(found, CelError):
            return found if found.name else CelError(found.message, found.line, found.column, name)
    if len(source) > MAX_SOURCE:
        return CelError(f"longer than {MAX_SOURCE:,} characters", 1, 1)
    if "\0" in source or not _encodes(source):
        return CelError("a character that no text file can have", 1, 1)
    runtime, skipped = environment.runtime_with(declared), 0
    try:
        # On its own first: `true) || (true` is wrong, whatever it stands between.
        used = _used(environment, free_names(_parsed(environment, source)), let) if let else ()
        whole, skipped = _wrapped(source, used)
        if len(whole) > MAX_SOURCE:
            return CelError(f"longer than {MAX_SOURCE:,} characters", 1, 1)
        handle = runtime.compile(whole)
        tree = read_tree(handle.serialize())
    except Exception as error:  # noqa: BLE001 - a compiler in C++ has more than one way to say no
        return _error(str(error), source, skipped, environment, [name for name, _ in let])
    harmless = guard.is_harmless(whole)
    # admission policies are reckoned on what they are evaluated on
    at_worst = 0.0 if harmless or environment.admission else work(tree, {})
    if not harmless and (complaint := guard.refusal(tree, at_worst)):
        return CelError(complaint, 1, 1)
    entries = [name for name, kind in environment.variables.items() if kind is Kind.LISTS]
    qualified = frozenset(name for name, _ in declared)
    reading = reading_of(tree, environment.variables, entries, qualified)
    if astray := sorted(qualified & looked_for(tree)):
        return CelError(f"'{astray[0]}' is read by this name alone, without '?', brackets or has()", 1, 1)
    read = {field.partition(".")[0] for field in reading.fields}
    names = (
        *(name for name in environment.variables if name in read),
        *(name for name, _ in declared if name in reading.fields),
    )
    program = Program(handle, None if harmless else tree, names, at_worst, code_of(tree))
    return _Compiled(program, used, reading)


def _parsed(environment: Environment, source: str) -> Node:
    return read_tree(environment.runtime.compile(source, disable_check=True).serialize())


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _used(environment: Environment, free: frozenset[str], let: Let) -> Let:
    """The entries of `let` that are used, directly or through one another; they are known to compile."""
    wanted = set(free)
    used: list[tuple[str, str]] = []
    for name, text in reversed(let):
        if name in wanted:
            used.append((name, text))
            wanted.discard(name)
            wanted |= free_names(_parsed(environment, text))
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


_ERROR = regex(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_STATUS = regex(r"^[A-Z_]+: |\s*\[[A-Z_]+\]$")


def _error(
    message: str, source: str, skipped: int, environment: Environment, bound: Sequence[str]
) -> CelError:
    """The runtime's message with its place in the source, and what may have been meant."""
    if "recursion" in message.lower():
        return CelError("nested too deeply", 1, 1)
    match = _ERROR.search(message)
    if match is None:
        return CelError(_STATUS.sub("", message.partition("\n")[0]) or "does not compile", 1, 1)
    complaint = re.sub(r" \(in container ''\)$", "", _STATUS.sub("", match[3]))
    complaint = re.sub(r",? expecting \{.*", "", complaint).strip()
    lines = source.split("\n")
    # Syntax is complained about when the source stands alone, types when it stands inside its bindings.
    line = int(match[1]) - (0 if complaint.startswith("Syntax error") else skipped)
    known = (
        *environment.variables,
        *bound,
        *hints.STANDARD,
        *(function.name for function in library.all_functions()),
    )
    message_with_hint = complaint + hints.hint(complaint, source, known)
    if not 1 <= line <= len(lines):
        return CelError(message_with_hint, 1, 1)
    column = max(1, min(int(match[2]), len(lines[line - 1]) + 1))
    return CelError(message_with_hint, line, hints.column_of(complaint, lines[line - 1], column))


_FITS: dict[Result, tuple[tuple[str, ...], str]] = {
    "bool": (("BOOL", "DYN"), "true or false"),
    "string": (("STRING", "DYN"), "text"),
    "list": (("LIST", "DYN"), "a list"),
    "surely bool": (("BOOL",), "true or false"),
    "surely string": (("STRING",), "text"),
}
_WORDS = {"STRING": "text", "DOUBLE": "a number", "INT": "a number", "UINT": "a number", "NULL": "null",
          "BOOL": "true or false", "LIST": "a list", "MAP": "a map", "BYTES": "bytes or a Kubernetes value",
          "TYPE": "a type", "TIMESTAMP": "a time", "DURATION": "a duration", "DYN": "any value"}  # fmt: skip
OPTIONAL = "gives an optional value: end it with orValue(...) or hasValue()"
"""What is said of one that is all of an expression."""


def type_in_words(kind: str) -> str:
    """A type of the runtime in words."""
    return _WORDS.get(kind.partition("<")[0].upper(), kind.lower())


def _unfit(got: str, wanted: Result) -> str:
    """Why a type known at compile time cannot be the wanted result; empty when it can be, or may."""
    if got.startswith("optional_type"):
        return OPTIONAL
    if wanted == "any":
        return ""
    kinds, fitting = _FITS[wanted]
    return "" if got.partition("<")[0].upper() in kinds else f"gives {type_in_words(got)}, not {fitting}"
