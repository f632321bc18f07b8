"""Where in an object an alert points: paths as rules write them, which no schema holds to anything."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.paths import Path
    from kscan_lsp.policy.rego import RegoAlert

OF_OBJECT: Final[Path] = ("metadata", "name")
"""What is marked where an alert does not say surely where."""
_STEP: Final = regex(r"\.?([^.\[\]\s\"']+)|\[(?:\"([^\"]*)\"|'([^']*)'|([^\]\"']*))\]")
_TEXTS: Final = frozenset({"labels", "annotations", "matchLabels", "nodeSelector"})
"""Maps whose keys have dots, which rules do not always put in brackets."""
_MOST_STEPS: Final = 60


def path_of(text: str, data: dict[str, Any], *, fix: bool = False) -> Path | None:
    """The place that a rule names in an object; None where it is none, or not surely one.

    A key may be missing, for that is what many rules say; an entry of a list has to be there.

    Args:
        text: as the rule writes it, such as `spec.containers[0].image` or `metadata.annotations['a.b/c']`.
        data: the object.
        fix: whether the rule says that it has to be set there, and its first key may be missing, too.
    """
    steps = _steps(text.strip())
    if not steps or len(steps) > _MOST_STEPS:
        return None
    found: list[str | int] = []
    value: Any = data
    for number, (step, quoted) in enumerate(steps):
        if isinstance(value, list):
            if not step.isdecimal() or int(step) >= len(value):
                return None
            found.append(int(step))
            value = value[int(step)]
        elif isinstance(value, dict):
            if not quoted and step not in value and found and found[-1] in _TEXTS:
                return (*found, ".".join(one for one, _ in steps[number:]))
            if step not in value and not found and len(steps) > 1 and not fix:
                return None
            found.append(step)
            value = value.get(step)
        elif value is None:  # it is missing, and so is all that is in it
            found.append(int(step) if quoted and step.isdecimal() else step)
        else:
            return None
    return tuple(found)


@lru_cache(maxsize=2_048)
def _steps(text: str) -> tuple[tuple[str, bool], ...]:
    """The steps of a path, each with whether it stood in brackets; none where the text is no path."""
    steps: list[tuple[str, bool]] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None or (at == 0 and text[0] == "."):
            return ()
        bracketed = next((one for one in match.groups()[1:] if one is not None), None)
        steps.append((match[1], False) if bracketed is None else (bracketed, True))
        at = match.end()
    return tuple(steps) if all(step for step, _ in steps) else ()


def places_of(
    alert: RegoAlert, data: dict[str, Any], within: tuple[str, ...] | None = None
) -> Iterator[tuple[Path, str]]:
    """The places that an alert marks in an object, each with what has to be set there, if it says so.

    Paths that fail count; where there are none, those that have to be set; else the object has its name marked.

    Args:
        alert: what a rule says.
        data: the object.
        within: the paths that are in this object, where the alert tells several apart.
    """
    texts = alert.failed if within is None else within
    found = dict.fromkeys(path for text in texts if (path := path_of(text, data)) is not None)
    if found:
        for path in found:
            yield path, ""
        return
    fixes = {
        path: value for text, value in alert.fixes if (path := path_of(text, data, fix=True)) is not None
    }
    if fixes and within is None:
        yield from fixes.items()
    else:
        yield OF_OBJECT, ""
