"""Lists of what to ignore: `.trivyignore`, and the rules in `.grype.yaml`.

Sources: https://trivy.dev/docs/latest/configuration/filtering/ (one id a line, `#` begins a comment, `exp:2027-01-31`
ends it); https://github.com/anchore/grype#specifying-matches-to-ignore. Of Grype's rules those are read that name a
vulnerability, a package by name or version, or a state of the fix; a rule with any other condition is left alone, since
taken without that it would hide more than it was meant to.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from kscan_lsp.evidence.sources.common import MAX_TEXT, clean
from kscan_lsp.evidence.vex import ANYTHING, Product, Statement
from kscan_lsp.regex import regex

_EXPIRES: Final = regex(r"\bexp:(\d{4}-\d{2}-\d{2})\b")
_MAX_LINES: Final = 10_000
_KNOWN: Final = frozenset({"vulnerability", "fix-state", "package", "reason", "include-aliases"})


def read_trivyignore(text: str) -> tuple[Statement, ...]:
    """What a `.trivyignore` says. The comment above an id, or behind it, is the reason."""
    found: list[Statement] = []
    comment = ""
    for line in text.splitlines()[:_MAX_LINES]:
        said, _, behind = line.partition("#")
        if not said.strip():
            comment = clean(behind.strip(), MAX_TEXT)
            continue
        name, *_ = said.split()
        until = None
        if match := _EXPIRES.search(said):
            try:  # the day that is named is the first on which it does not hold
                until = date.fromisoformat(match[1]) - timedelta(days=1)
            except (ValueError, OverflowError):
                continue
        reason = clean(behind.strip(), MAX_TEXT) or comment
        found.append(
            Statement(frozenset({name}), (Product(ANYTHING),), "ignored", reason, ".trivyignore", until)
        )
    return tuple(found)


def read_grype_rules(data: Any) -> tuple[Statement, ...]:
    """What the rules in the data of a `.grype.yaml` say."""
    rules = data.get("ignore") if isinstance(data, dict) else None
    found: list[Statement] = []
    for rule in rules[:_MAX_LINES] if isinstance(rules, list) else ():
        if not isinstance(rule, dict) or not rule.keys() <= _KNOWN:
            continue
        package = rule.get("package") or {}
        state, name = rule.get("fix-state"), rule.get("vulnerability")
        if not isinstance(package, dict) or not package.keys() <= {"name", "version", "type"}:
            continue
        if state not in {None, "not-fixed", "unknown"} or not (isinstance(name, str) or package or state):
            continue
        named = package.get("name")
        if package and (not isinstance(named, str) or "version" in package or "type" in package):
            continue
        reason = rule.get("reason")
        found.append(
            Statement(
                frozenset({name if isinstance(name, str) else ANYTHING}),
                (Product(clean(named) if named else ANYTHING),),
                "ignored",
                clean(reason, MAX_TEXT) if isinstance(reason, str) else "",
                ".grype.yaml",
                only_unfixed=state is not None,
            )
        )
    return tuple(found)
