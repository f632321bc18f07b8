"""What keeps an expression from crashing or hanging the editor, decided once when it is compiled if possible.

Most expressions only look things up and compare; a glance at the source tells. The others are walked as
trees, by `cost` for their work, and here for optional values: the runtime crashes the process when an
optional sits inside a map that is handed to a Python function or out of the expression. An optional may be
asked, compared, chosen and unwrapped, but not stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.cel.cost import MAX_WORK, work
from kscan_lsp.cel.patterns import compile_pattern
from kscan_lsp.cel.placeholders import STRING
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kscan_lsp.cel.extents import Extent
    from kscan_lsp.cel.syntax_tree import Node

_LONG = 400
_WORDS = regex(
    r"\+|\b(?:all|exists|exists_one|existsOne|map|filter|replace|join|format|split|matches|contains|indexOf|lastIndexOf"
    r"|matchesAny|imageListed|selects|granted|builtinGrants|addedToBuiltin|isolates|opens|restricts|credential|nodePaths|nodePath"
    r"|credentialInAnnotation|credentialInArgument|isSecret|sets|isSorted|sort|sum|min|max|find|findAll)\s*\("
    r"|\bsets\s*\."
)


def is_harmless(source: str) -> bool:
    """Whether an expression needs no closer look: short, no loops, growing values or costly functions."""
    return len(source) <= _LONG and not _WORDS.search(STRING.sub(" ", source))


def refusal(tree: Node, at_worst: float) -> str:
    """Why an expression is not accepted at all; empty when it is.

    Args:
        tree: the expression.
        at_worst: its work on a small object, 0 where that is left to what it is evaluated on.
    """
    if complaint := _stored(tree) or _bad_pattern(tree):
        return complaint
    if at_worst > MAX_WORK:
        return "too much work, even on a small object: loops inside loops, or texts that grow"
    return ""


def bears(tree: Node, extents: Mapping[str, Extent], times: int = 1) -> bool:
    """Whether an expression may be evaluated when its variables have these extents, for some times the usual work."""
    return work(tree, extents) <= MAX_WORK * times


_ASKS = frozenset({"hasValue", "value", "or", "orValue", "_?._", "_[?_]", "_[_]"})


def _stored(node: Node) -> str:
    """A complaint about the first optional that is stored; empty when there is none."""
    for position, part in enumerate(node.parts):
        if part.holds_optional and not _unwraps(node, position):
            return "an optional value is stored or passed on: unwrap it with orValue(...) first"
        if complaint := _stored(part):
            return complaint
    return ""


def _unwraps(node: Node, position: int) -> bool:
    """Whether an optional may stand at this position of a node."""
    if node.parts[position].type != "optional":
        return False
    match node.kind:
        case "call":
            if node.name in {"_==_", "_!=_"}:
                return True
            if node.name == "_?_:_":
                return node.type == "optional"
            return node.name == "or" if position else node.name in _ASKS
        case "list" | "struct":
            return position in node.unwrapped
        case "loop":
            return not node.parts[0].parts and position in {1, 3, 4}
    return node.kind == "select"


def _bad_pattern(node: Node) -> str:
    """A complaint about the first `matches` without a usable constant pattern; empty when there is none."""
    if node.kind == "call" and node.name == "matches":
        pattern = node.parts[-1].text
        if pattern is None:
            return "matches() needs a pattern written out: use matchesAny(text, list) for others"
        try:
            compile_pattern(pattern)
        except ValueError as error:
            return str(error)
    return next(filter(None, map(_bad_pattern, node.parts)), "")
