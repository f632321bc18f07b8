"""Which objects a constraint is about (pkg/mutation/match/match.go of Gatekeeper)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.admission.matching import is_about

if TYPE_CHECKING:
    from kscan_lsp.admission.matching import Request
    from kscan_lsp.gatekeeper.model import ConstraintMatch


def fits_constraint(match: ConstraintMatch, request: Request) -> bool | None:
    """Whether a constraint is about an object; None where no file has the labels that decide it."""
    lives = request.name if _is_namespace(request) else request.namespace
    if match.generated or not _fits_kind(match, request):
        return False
    if match.scope in {"Cluster", "Namespaced"} and (match.scope == "Cluster") != (not request.namespace):
        return False
    if lives and (
        (match.namespaces and not any(glob(one, lives) for one in match.namespaces))
        or any(glob(one, lives) for one in match.excluded)
    ):
        return False
    if match.name and not glob(match.name, request.name):
        return False
    return match.selectors is None or is_about(match.selectors, request)


def _is_namespace(request: Request) -> bool:
    return request.kind == "Namespace" and not request.group


def _fits_kind(match: ConstraintMatch, request: Request) -> bool:
    return not match.kinds or any(
        (not groups or "*" in groups or request.group in groups)
        and (not kinds or "*" in kinds or request.kind in kinds)
        for groups, kinds in match.kinds
    )


def glob(pattern: str, text: str) -> bool:
    """Whether a text is as a pattern says, which may have a `*` as its first and its last character."""
    inner = pattern.removeprefix("*")
    before, inner = inner != pattern, inner.removesuffix("*")
    after = pattern.endswith("*") and pattern != "*"
    if before and after:
        return inner in text
    if before:
        return text.endswith(inner)
    return text.startswith(inner) if after else text == pattern
