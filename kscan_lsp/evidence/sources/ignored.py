"""Lists of what to ignore: `.trivyignore`, and the rules in `.grype.yaml`.

Sources: https://trivy.dev/docs/latest/configuration/filtering/ (one id a line, `#` begins a comment, `exp:2027-01-31`
ends it); https://github.com/anchore/grype#specifying-matches-to-ignore. Of Grype's rules those are read that name a
vulnerability, a package by name and version, or a state of the fix; a rule with any other condition is left alone,
since taken without that it would hide more than it was meant to. What is left alone is said.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from kscan_lsp.evidence.sources.common import MAX_TEXT, clean
from kscan_lsp.evidence.vex import ANYTHING, Product, Statement
from kscan_lsp.regex import regex

_EXPIRES: Final = regex(r"exp:(\d{4}-\d{2}-\d{2})")
_EXPRESSION: Final = regex(r"[\^$*?()\[\]{}|\\]")
"""What Grype takes the name of a package for an expression by, but for `+`, which many names have."""
_MAX_LINES: Final = 10_000
_KNOWN: Final = frozenset({"vulnerability", "fix-state", "package", "reason", "include-aliases"})
_NOT_SAID: Final = ("", None)


class IgnoreList(NamedTuple):
    """What a list says, and in one sentence what of it is left alone."""

    statements: tuple[Statement, ...] = ()
    left: str = ""


def read_trivyignore(text: str) -> IgnoreList:
    """What a `.trivyignore` says. The comment above an id, or behind it, is the reason."""
    found: list[Statement] = []
    wrong: list[int] = []
    comment = ""
    for number, line in enumerate(text.splitlines()[:_MAX_LINES], start=1):
        said, _, behind = line.partition("#")
        if not said.strip():
            comment = clean(behind.strip(), MAX_TEXT)
            continue
        name, *more = said.split()
        try:
            until = next((_last_day(word) for word in more if word.startswith("exp:")), None)
        except (ValueError, OverflowError):
            wrong.append(number)
            continue
        reason = clean(behind.strip(), MAX_TEXT) or comment
        found.append(
            Statement(frozenset({name}), (Product(ANYTHING),), "ignored", reason, ".trivyignore", until)
        )
    left = f"line {wrong[0]} is left alone: it does not end on a day; write 'exp:2027-01-31'" if wrong else ""
    return IgnoreList(tuple(found), left)


def _last_day(word: str) -> date:
    """The last day on which a line holds: the one that it names is the first on which it does not.

    Raises:
        ValueError: it names none.
        OverflowError: there is none before it.
    """
    match = _EXPIRES.fullmatch(word)
    return date.fromisoformat(match[1] if match else "") - timedelta(days=1)


def read_grype_rules(data: Any) -> IgnoreList:
    """What the rules in the data of a `.grype.yaml` say."""
    rules = data.get("ignore") if isinstance(data, dict) else None
    listed = rules[:_MAX_LINES] if isinstance(rules, list) else []
    found = [(number, _rule(rule)) for number, rule in enumerate(listed, start=1)]
    wrong = [number for number, statement in found if statement is None]
    left = (
        f"rule {wrong[0]} is left alone: it has to have conditions, and of these 'vulnerability', 'package.name', "
        "'package.version' and 'fix-state: not-fixed' or 'unknown' are read, and no others"
        if wrong
        else ""
    )
    return IgnoreList(tuple(statement for _, statement in found if statement), left)


def _rule(rule: Any) -> Statement | None:
    """What a rule says; None where it is not read."""
    if not isinstance(rule, dict) or not rule.keys() <= _KNOWN:
        return None
    package = rule.get("package") or {}
    if not isinstance(package, dict) or not package.keys() <= {"name", "version"}:
        return None
    name, state = rule.get("vulnerability"), rule.get("fix-state")
    named, version = package.get("name"), package.get("version")
    conditions = [one for one in (name, state, named, version) if one not in _NOT_SAID]
    if not conditions or not all(isinstance(one, str) for one in conditions):
        return None
    if state not in {*_NOT_SAID, "not-fixed", "unknown"} or (named and _EXPRESSION.search(named)):
        return None
    reason = rule.get("reason")
    return Statement(
        frozenset({name or ANYTHING}),
        (Product(clean(named) if named else ANYTHING),),
        "ignored",
        clean(reason, MAX_TEXT) if isinstance(reason, str) else "",
        ".grype.yaml",
        only_unfixed=bool(state),
        installed=clean(version, 200) if version else "",
    )
