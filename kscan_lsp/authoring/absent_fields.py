"""Asking with `.?` for a field that may be absent, where a test shows that an expression fails for want of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kscan_lsp.authoring.control_text import data_of_check, expressions_of
from kscan_lsp.authoring.subjects import inputs_of, shape_of
from kscan_lsp.authoring.taken_apart import Focus, inner, taken_apart
from kscan_lsp.authoring.types import Types, roots_of
from kscan_lsp.kubernetes.schema import BOOL, INT, INT_OR_STR, QUANTITY, STR
from kscan_lsp.regex import regex
from kscan_lsp.text import TextEdit, apply_edits
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.admission.expressions import Part
    from kscan_lsp.authoring.control_text import WrittenExpression
    from kscan_lsp.authoring.trying import Trial
    from kscan_lsp.authoring.types import Tree
    from kscan_lsp.policy.definitions import Entries
    from kscan_lsp.yaml.document import Document

MAX_ROUNDS: Final = 4
"""Fields that are asked for safely in one go: behind one, the next may be absent, too."""
MISSING: Final = regex(r"was not evaluated: a field is missing: (\w+)")
_DEFAULTS: Final = {BOOL: "false", STR: "''", INT: "0", QUANTITY: "'0'", INT_OR_STR: "''"}
_ANY: Final = ("''", "[]", "{}", "false", "0")
_ASKED: Final = frozenset({"deny", "when", "let"})


def asked_safely(text: str, trial: Trial, definitions: Entries = ()) -> tuple[str, tuple[str, ...]] | None:
    """A control with `.?` where its tests fail for want of a field, and the fields; None where that mends no test.

    Args:
        text: the control's file.
        trial: what tries it.
        definitions: those of the pack that it is in.
    """
    before = trial.tried(text)
    made, now, names = text, before, []
    for _ in range(MAX_ROUNDS):
        name = _missing(now.outcomes) if now else ""
        if not name:
            break
        better = next(
            (one for one in _candidates(made, name, definitions) if _is_better(one, name, trial)), None
        )
        if better is None:
            return None
        made, now = better, trial.tried(better)
        names.append(name)
    if before is None or now is None or made == text or _missing(now.outcomes):
        return None
    return (made, tuple(names)) if now.failing < before.failing else None


def _missing(outcomes: tuple[object, ...]) -> str:
    """The field for want of which the first test fails that does for such a reason."""
    found = (MISSING.search(getattr(one, "failure", "")) for one in outcomes)
    return next((match[1] for match in found if match), "")


def _is_better(text: str, name: str, trial: Trial) -> bool:
    """Whether a text compiles, and its tests no more fail for want of the field."""
    found = trial.tried(text)
    return found is not None and _missing(found.outcomes) != name


def _candidates(text: str, name: str, definitions: Entries) -> Iterator[str]:
    """The control with one chain of fields that has the name asked for safely, the likeliest first."""
    document = read_document(text)
    for one in expressions_of(document, definitions):
        key = one.path[2] if len(one.path) > 2 else ""
        whole = taken_apart(one.source) if key in _ASKED else None
        if whole is None:
            continue
        for chain, selected in _chains(Focus(whole), name):
            for default in _defaults(chain, one, document):
                if edits := _edits(chain.part, selected, default, one, text):
                    yield apply_edits(text, edits)


def _chains(focus: Focus, name: str) -> Iterator[tuple[Focus, Part]]:
    """The longest chains of fields in which one is asked for by this name without `?`, each with that part."""
    part = focus.part
    here: Part | None = part
    while here is not None and here.kind in {"select", "index"}:
        if here.kind == "select" and here.name == name:
            yield focus, here
        here = here.parts[0]
    if part.kind == "call" and part.name == "has":
        return
    for one in inner(focus):
        # what is part of a chain is no chain of its own
        if part.kind in {"select", "index"} and one.part is part.parts[0]:
            yield from _below(one, name)
        else:
            yield from _chains(one, name)


def _below(focus: Focus, name: str) -> Iterator[tuple[Focus, Part]]:
    """The chains in what a chain begins with, or is indexed by."""
    if focus.part.kind not in {"select", "index"}:
        yield from _chains(focus, name)
        return
    for number, one in enumerate(inner(focus)):
        yield from _chains(one, name) if number else _below(one, name)


def _defaults(chain: Focus, one: WrittenExpression, document: Document) -> tuple[str, ...]:
    """What may stand for the value at the end of a chain where that is absent."""
    shape = shape_of(data_of_check(document, one.check))
    types = Types(roots_of(shape, inputs_of(document.data)), one.let)
    tree: Tree = types.of(chain.part, types.bound_to(chain.variables, one.source))
    if isinstance(tree, str):
        return (_DEFAULTS.get(tree, "''"),)
    if isinstance(tree, list):
        return ("[]",)
    return _ANY if tree is None else ("{}",)


def _edits(
    chain: Part, selected: Part, default: str, one: WrittenExpression, text: str
) -> tuple[TextEdit, ...]:
    """The edits that ask for a part of a chain with `?`, and say what stands for all of it."""
    source = one.source
    dot = source.rfind(".", selected.parts[0].end, selected.end)
    if dot < 0 or source[dot + 1 : selected.end].lstrip().startswith("?"):
        return ()
    closing = source[chain.end :]
    ended = "" if closing.startswith(".orValue(") else f".orValue({_quoted(default, one)})"
    at = one.span(text, dot, dot + 1)
    end = one.span(text, chain.end - 1, chain.end)
    if text[at.start : at.end] != "." or at.end > end.end:
        return ()
    return (
        TextEdit(at, ".?"),
        *((TextEdit(end._replace(start=end.end), ended),) if ended else ()),
    )


def _quoted(default: str, one: WrittenExpression) -> str:
    """A default as it is written in the style of its text."""
    return default.replace("'", "''") if one.scalar.style == "'" else default
