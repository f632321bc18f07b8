"""What is said of a part of an expression: its type, and what it gives for what is judged, with what decided that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kscan_lsp import cel
from kscan_lsp.authoring.asked import PartQuestions, told_of
from kscan_lsp.authoring.showing import shown
from kscan_lsp.authoring.types import Types, in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kscan_lsp.authoring.asked import Asking, PartAnswer
    from kscan_lsp.authoring.taken_apart import Focus
    from kscan_lsp.authoring.types import Tree
    from kscan_lsp.policy.definitions import Entries

MAX_SOURCE: Final = 120
"""Characters of an expression that are quoted."""
_VAGUE: Final = frozenset({"", "dyn", "optional(dyn)", "list(dyn)", "optional(list(dyn))"})


class AskedOf(NamedTuple):
    """Something that expressions can be asked of."""

    told: str
    """What it is called."""
    asking: Asking
    values: Mapping[str, Any]
    """What expressions see."""


class ExplainedValue(NamedTuple):
    """What a part gives for one thing that is judged."""

    told: str
    lines: tuple[tuple[str, str], ...]
    """Values as they are shown, or why there is none, each with the entry of a macro that it is for."""
    because: tuple[tuple[str, str], ...] = ()
    """The parts that decided it, each with the entries of macros that it was asked for, in words."""


class Explained(NamedTuple):
    """All that is said of a part."""

    source: str
    type: str
    values: tuple[ExplainedValue, ...]


def explained(
    focus: Focus,
    source: str,
    let: Entries,
    roots: Mapping[str, Tree],
    asked: Sequence[AskedOf],
    *,
    steps: Sequence[str] = (),
    written: Callable[[str], str] = str,
) -> Explained | None:
    """What there is to say of a part of an expression; None where that is nothing.

    Args:
        focus: the part.
        source: the expression.
        let: the names bound around it.
        roots: what Kubernetes has in the variables (`types.roots_of`).
        asked: what it is asked of.
        steps: the names of the fields that lead to the item judged.
        written: an expression as people write it, where the runtime's is another one.
    """
    kind = ""
    found: list[ExplainedValue] = []
    for one in asked:
        questions = PartQuestions(one.asking)
        kind = kind or questions.type_of(focus)
        answers = questions.of(focus)
        if not any(answer.type for answer in answers) and answers:
            return None
        because = questions.because(focus) if len(answers) == 1 else []
        bound = (*let, *((v.name, source[v.start : v.end]) for v in focus.variables))
        text = source[focus.part.start : focus.part.end]
        lines = [(_told(answer, text, bound, steps, one.values), answer.entry) for answer in answers]
        found.append(
            ExplainedValue(
                one.told,
                tuple(lines) or (("there is no entry that it could be asked for", ""),),
                tuple(_reason(other, entries, source, written) for other, entries in because),
            )
        )
    types = Types(roots, let)
    known = in_words(types.of(focus.part, types.bound_to(focus.variables, source)))
    if known and kind in _VAGUE:
        kind = f"optional({known})" if kind.startswith("optional") else known
    told = written(told_of(focus.part, source))
    return Explained(_short(told), kind, tuple(found)) if kind or found else None


def _told(
    answer: PartAnswer, source: str, let: Entries, steps: Sequence[str], values: Mapping[str, Any]
) -> str:
    if isinstance(answer.value, cel.Failed):
        return f"no value: {answer.value.reason}"
    if answer.absent:
        return "absent"
    return shown(answer.value, source, let, steps, values)


def _reason(
    focus: Focus, entries: tuple[str, ...], source: str, written: Callable[[str], str]
) -> tuple[str, str]:
    """A part that decided, with the entries it was asked for."""
    told = _short(written(told_of(focus.part, source)))
    numbers = [
        f"{variable.name} = {entry if entry.startswith(chr(34)) else f'entry {int(entry) + 1}'}"
        for variable, entry in zip(focus.variables, entries, strict=True)
        if variable.kind == "entry" and entry
    ]
    return told, f" for {', '.join(numbers)}" if numbers else ""


def _short(text: str) -> str:
    return text if len(text) <= MAX_SOURCE else f"{text[: MAX_SOURCE - 1]}…"
