"""Compile and evaluate CEL: the only room that knows the CEL runtime (cel-expr-python, the C++ one).

Nothing here raises on what a control or a manifest contains. Compiling gives an `Expression` or a `CelError` with a
place in the source; evaluating gives JSON data or `Failed` with a reason that names no value of the manifest, so
that reasons may be shown and logged.

Decisions behind it:

* `let` names become nested `cel.bind` calls around the expression, so that one activation per judged element
  serves every control. An activation converts a variable when an expression first reads it and keeps the result:
  expressions that read only the innermost variables stay cheap.
* An optional value never leaves an expression, and a runtime crash is never risked for one: see `guard`.
* The runtime offers abstract types only in name, so quantities, addresses, URLs and versions are tagged byte
  strings in canonical form: equality works, and a manifest (which has no bytes) cannot forge one.

Left out of the Kubernetes CEL library, because this runtime cannot express it: `format.named` and its validators
(functions cannot return optionals), the authorizer (there is no cluster), `string(ip)`, and two-variable
comprehensions. `+` does not add quantities in Kubernetes either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_math, ext_optional, ext_strings

from kscan_lsp.cel import library
from kscan_lsp.cel.guard import refusal
from kscan_lsp.cel.placeholders import pieces
from kscan_lsp.cel.views import MAX_DEPTH, MAX_NODES, View, view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "MAX_DEPTH",
    "MAX_NODES",
    "VARIABLES",
    "Activation",
    "CelError",
    "Expression",
    "Failed",
    "Json",
    "Template",
    "View",
    "bind",
    "check_patterns",
    "compile_expression",
    "deny",
    "evaluate",
    "render",
    "template",
    "view",
]

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
Result: TypeAlias = Literal["bool", "string", "list", "any"]
Let: TypeAlias = tuple[tuple[str, str], ...]

VARIABLES = (
    "object", "podTemplate", "pod", "container", "role", "effective", "item", "index", "key", "inputs", "choice",
)  # fmt: skip
"""What every expression may name. `inputs` maps names to lists of text; `role` says which list a container is in,
`choice` is the value a user chose for a fix; the others are whatever the manifest has."""

MAX_SOURCE = 8_000
"""Characters of one expression, its `let` included."""
MAX_RESULT = 10_000
"""Values in one result."""
MAX_MESSAGE = 2_000
"""Characters of one rendered message."""


@dataclass(frozen=True, slots=True)
class CelError:
    """Why a source does not compile. Line and column count from 1, in code points of that source.

    `name` says which `let` entry is at fault; empty for the expression itself.
    """

    message: str
    line: int
    column: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """An evaluation without a usable result. The reason quotes the control at most, never the manifest."""

    reason: str


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. Equal sources with equal `let` share one program."""

    source: str
    let: Let
    result: Result
    program: cel.Expression = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled message: literal text and expressions in turn."""

    text: str
    parts: tuple[str | Expression, ...]


class Activation:
    """Values bound to names, ready to be read by any number of expressions. Opaque; made by `bind`."""

    __slots__ = ("handle",)

    def __init__(self, handle: cel.Activation) -> None:
        self.handle = handle


def compile_expression(
    source: str,
    *,
    let: Sequence[tuple[str, str]] = (),
    result: Result = "any",
    variables: Sequence[str] = (),
) -> Expression | CelError:
    """Compile an expression once.

    Args:
        source: CEL. May name `VARIABLES`, `variables` and the names of `let`.
        let: names bound around it, in order; each may use the earlier ones. Only those used are evaluated.
        result: what it must give. A type known to be another is an error here; one known only at run time is
            left to `evaluate` and `deny`.
        variables: further names that `bind` will be given (relations).

    Returns:
        The expression, or the first error: of the first `let` entry that is wrong, else of the source.
    """
    names = tuple(sorted(set(variables) - set(VARIABLES)))
    program = _compile(source, tuple((name, text) for name, text in let), names)
    if isinstance(program, CelError):
        return program
    got = str(program.return_type())
    if complaint := _unfit(got, result):
        return CelError(complaint, 1, 1)
    return Expression(source, tuple((name, text) for name, text in let), result, program)


def bind(values: Mapping[str, Any]) -> Activation:
    """Bind names to views (see `view`). Names left out fail only the expressions that read them."""
    return Activation(_environment(()).Activation(values))


def deny(expression: Expression, activation: Activation) -> bool | Failed:
    """The answer of an expression that must say true or false."""
    try:
        value = expression.program.eval(activation.handle)
        answer = value.value()
    except Exception as error:  # noqa: BLE001 - the runtime raises whatever it likes; a scan goes on
        return Failed(_reason(str(error), expression))
    if answer is True or answer is False:
        return answer
    if value.type() == cel.Type.ERROR:
        return Failed(_reason(str(answer), expression))
    return Failed(f"gives {_a(str(value.type()))}, not true or false")


def evaluate(expression: Expression, activation: Activation) -> Json | Failed:
    """The value of an expression as JSON data: fresh lists and maps, keys always text.

    Kubernetes values (quantities, addresses ...) come as their text, times in RFC 3339, durations in seconds.
    """
    try:
        value = expression.program.eval(activation.handle)
        answer = value.value()
        if answer is True or answer is False:
            return bool(answer)
        if isinstance(answer, str):
            return Failed(_reason(answer, expression)) if value.type() == cel.Type.ERROR else answer
        return _Unpacking().json(answer)
    except _TooLargeError:
        return Failed(f"the result has more than {MAX_RESULT:,} values")
    except Exception as error:  # noqa: BLE001 - as in `deny`
        return Failed(_reason(str(error), expression))


def template(
    text: str, *, let: Sequence[tuple[str, str]] = (), variables: Sequence[str] = ()
) -> Template | CelError:
    """Compile a message with `{CEL}` placeholders; `{{` and `}}` stand for braces. Errors are placed in `text`."""
    parts: list[str | Expression] = []
    for piece in pieces(text):
        if piece.error:
            return CelError(piece.error, *_place(text, piece.offset))
        if not piece.code:
            parts.append(piece.text)
            continue
        compiled = compile_expression(piece.text, let=let, variables=variables)
        if isinstance(compiled, CelError):
            if compiled.name:
                return compiled
            line, column = _place(text, piece.offset)
            inner = compiled.line - 1
            column = compiled.column if inner else column + compiled.column - 1
            return CelError(compiled.message, line + inner, column)
        parts.append(compiled)
    return Template(text, tuple(parts))


def render(message: Template, activation: Activation) -> str:
    """The message with its placeholders filled in; one that fails prints as `?`. At most 2,000 characters."""
    return "".join(
        part if isinstance(part, str) else _printed(evaluate(part, activation)) for part in message.parts
    )[:MAX_MESSAGE]


def check_patterns(patterns: Sequence[str]) -> str:
    """What is wrong with the first bad regular expression (RE2 syntax) of a list from settings; empty if nothing."""
    for pattern in patterns:
        if complaint := library.pattern_error(pattern):
            return complaint
    return ""


# Compiling


@lru_cache(maxsize=64)
def _environment(variables: tuple[str, ...]) -> cel.Env:
    kind = cel.Type
    declared = dict.fromkeys((*VARIABLES, *variables), kind.DYN)
    declared["inputs"] = kind.Map(kind.STRING, kind.List(kind.STRING))
    return cel.NewEnv(
        variables=declared,
        extensions=[
            ext_optional.ExtOptional(),
            ext_bindings.ExtBindings(),
            ext_strings.ExtStrings(),
            ext_math.ExtMath(),
        ],
        functions=library.declarations(),
    )


_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_RESERVED = frozenset("true false null in as break const continue else for function if import let loop package "
                      "namespace return var void while".split())  # fmt: skip
_ERROR = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")


@lru_cache(maxsize=4096)
def _compile(source: str, let: Let, variables: tuple[str, ...]) -> cel.Expression | CelError:
    environment = _environment(variables)
    for position, (name, text) in enumerate(let):
        if not _NAME.fullmatch(name) or name in _RESERVED or name in VARIABLES or name in variables:
            return CelError(f"{name!r} cannot be the name of a let", 1, 1, name)
        found = _compile(text, let[:position], variables)
        if isinstance(found, CelError):
            return found if found.name else CelError(found.message, found.line, found.column, name)
    used = _used(source, let)
    if sum(len(text) for _, text in used) + len(source) > MAX_SOURCE:
        return CelError(f"longer than {MAX_SOURCE:,} characters", 1, 1)
    # Each source stands on lines of its own, so that columns hold and lines are off by a constant.
    before = "".join(f"cel.bind({name}, (\n{text}\n),\n" for name, text in used)
    whole = f"{before}(\n{source}\n)" + ")" * len(used) if used else source
    skipped = before.count("\n") + 1 if used else 0
    try:
        if used:
            environment.compile(source, disable_check=True)
        if complaint := refusal(whole):
            return CelError(complaint, 1, 1)
        return environment.compile(whole)
    except Exception as error:  # noqa: BLE001 - a compiler of C++ has more than one way to say no
        return _compile_error(str(error), source, 0 if "Syntax error" in str(error) else skipped)


def _used(source: str, let: Let) -> Let:
    """The entries of `let` that a source may read, directly or through one another."""
    wanted = set(_NAME.findall(source))
    used: list[tuple[str, str]] = []
    for name, text in reversed(let):
        if name in wanted:
            used.append((name, text))
            wanted.update(_NAME.findall(text))
    return tuple(reversed(used))


def _compile_error(message: str, source: str, skipped: int) -> CelError:
    lines = source.split("\n")
    if match := _ERROR.search(message):
        line, column = int(match[1]) - skipped, int(match[2])
        text = re.sub(r" \(in container ''\)$|\s*\[[A-Z_]+\]$", "", match[3])
        text = re.sub(r", expecting \{.*|expecting \{.*", "", text).strip()
        if 1 <= line <= len(lines):
            return CelError(text, line, max(1, min(column, len(lines[line - 1]) + 1)))
        return CelError(text, 1, 1)
    if "recursion" in message.lower():
        return CelError("nested too deeply", 1, 1)
    return CelError(re.sub(r"^[A-Z_]+: |\s*\[[A-Z_]+\]$", "", message).split("\n")[0], 1, 1)


def _unfit(got: str, wanted: Result) -> str:
    """Why a static type cannot be the wanted result; empty when it can, or may."""
    if got.startswith("optional_type"):
        return "gives an optional value: end it with orValue(...) or hasValue()"
    kind = got.split("<")[0]
    fits = {"any": (kind,), "bool": ("BOOL", "DYN"), "string": ("STRING", "DYN"), "list": ("LIST", "DYN")}
    said = {"any": "", "bool": "true or false", "string": "text", "list": "a list"}
    return "" if kind in fits[wanted] else f"gives {_a(got)}, not {said[wanted]}"


def _a(kind: str) -> str:
    """A type of the runtime in words."""
    word = {
        "STRING": "text",
        "DOUBLE": "number",
        "INT": "number",
        "UINT": "number",
        "NULL": "null",
        "BOOL": "boolean",
    }
    return {"text": "text", "null": "null"}.get(
        said := word.get(kind, kind.split("<")[0].lower().replace("_", " ")),
        f"an {said}" if said[:1] in "aeio" else f"a {said}",
    )


def _place(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


# Results


class _TooLargeError(Exception):
    pass


class _Unpacking:
    """Turns runtime values into JSON data, counting them. (The runtime's own `plain_value` crashes on optionals.)"""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_RESULT

    def json(self, answer: Any) -> Json:
        self.left -= 1
        if self.left < 0:
            raise _TooLargeError
        if isinstance(answer, list):
            return [self.json(item.value()) for item in answer]
        if isinstance(answer, dict):
            return {_key(key): self.json(item.value()) for key, item in answer.items()}
        if isinstance(answer, bytes | bytearray):
            return library.text_of(bytes(answer))
        value = view(answer).value
        return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _key(key: object) -> str:
    return key if isinstance(key, str) else _printed(key)  # type: ignore[arg-type]


def _printed(value: Json | Failed) -> str:
    if isinstance(value, Failed):
        return "?"
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if value is None:
        return "null"
    if isinstance(value, list):
        return ", ".join(_printed(item) for item in value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_printed(item)}" for key, item in value.items()) + "}"
    return str(value)


_MISSING = re.compile(r'Key not found in map : "(.*)"', re.DOTALL)
_CODE = re.compile(r"^([A-Z_]+): |\s*\[[A-Z_]+\]$")


def _reason(message: str, expression: Expression) -> str:
    """A failure in words that quote nothing but the control."""
    plain = _CODE.sub("", message)
    if match := _MISSING.search(message):
        known = match[1] in _NAME.findall(
            expression.source + " " + " ".join(text for _, text in expression.let)
        )
        return f"a field is missing: {match[1]}" if known else "a field is missing"
    if "Iteration budget exceeded" in message:
        return "more than 10,000 iterations"
    if "convert function return value" in message:
        return "gives an optional value: end it with orValue(...) or hasValue()"
    if "No matching overload" in message:
        return "wrong types: " + plain.split(":", 1)[-1].strip()
    if match := re.search(r'No value with name "(\w+)"', message):
        return f"{match[1]} has no value here"
    if message.startswith("OUT_OF_RANGE: " + library.MARK):
        return message.removeprefix("OUT_OF_RANGE: " + library.MARK)
    for known, said in _SAID.items():
        if known in message:
            return said
    return "the expression failed" + (
        f" ({code[1].lower().replace('_', ' ')})" if (code := _CODE.match(message)) else ""
    )


_SAID = {
    "invalid regular expression": "a regular expression is wrong",
    "Index error": "a list index is out of range",
    "divide by zero": "division by zero",
    "modulus by zero": "division by zero",
    "overflow": "a number is out of range",
    "non-message type": "a field of something that is not a map",
    "Invalid map key": "a map key is neither text nor an integer",
}
