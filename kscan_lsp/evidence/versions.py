"""Versions compared as their ecosystem does it, and the ranges in which Grype's database writes what is affected.

The comparing is done by univers (https://github.com/aboutcode-org/univers), which comes with the extra `sbom`; whoever
imports this needs it. Where it refuses a version or knows less than Grype does, that is made up for here.
Source: `grype/version` of Grype: `range_expression.go`, and the comparison of each format.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from univers import versions

from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Comparison: TypeAlias = Callable[[str, str], int]

FORMATS: Final = {
    **dict.fromkeys(("deb", "dpkg", "debian"), "deb"),
    **dict.fromkeys(("apk", "alpine"), "apk"),
    "rpm": "rpm",
    **dict.fromkeys(("python", "pypi", "pep440"), "python"),
    **dict.fromkeys(("go", "golang", "go-module"), "go"),
    **dict.fromkeys(("maven", "java-archive"), "maven"),
    "gem": "gem",
    **dict.fromkeys(("pacman", "alpm"), "pacman"),
    **dict.fromkeys(("semantic", "semver", "npm", "nuget", "composer", "hex", "pub", "swift", "conan", "cocoapods",
                     "hackage", "bitnami"), "semver"),
}  # fmt: skip
"""The formats of versions by what the database calls them (`ParseFormat` of Grype)."""
_OF_KINDS: Final = {"deb", "rpm", "apk", "pypi", "golang", "maven", "gem", "alpm"}
"""The types of packages with versions of their own; those of all others are compared as the range says."""
_MAX: Final = 300
"""Characters of a version."""


def is_within(version: str, constraint: str, range_format: str, kind: str) -> bool:
    """Whether a version is in a range such as `>= 1.0, < 1.2.3 || = 2.0`; not where they cannot be compared.

    Args:
        version: what is installed.
        constraint: the range; empty for all versions.
        range_format: what the database calls the format of its versions.
        kind: the type of the package (of its package URL).
    """
    if not constraint.strip():
        return True
    try:
        return any(
            all(_holds(version, unit, range_format, kind) for unit in group) for group in _parsed(constraint)
        )
    except (ValueError, TypeError, AttributeError, IndexError, OverflowError, RecursionError):
        return False  # whatever a version that nobody should write makes of a parser


def is_later(version: str, other: str, range_format: str, kind: str) -> bool:
    """Whether a version comes after another; not where they cannot be compared."""
    return is_within(version, f"> {other}", range_format, kind)


def _holds(version: str, unit: tuple[str, str], range_format: str, kind: str) -> bool:
    operator, limit = unit
    order = _compare(version, limit, range_format.lower(), kind)
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0, "=": order == 0}[operator]


@lru_cache(maxsize=4_096)
def _parsed(constraint: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    """The alternatives of a range, each with what must hold of it.

    Raises:
        ValueError: it is none.
    """
    return tuple(
        tuple(_unit(part) for part in group.split(",") if part.strip())
        for group in constraint.split("||")
        if group.strip()
    )


_UNIT: Final = regex(r"\s*(<=|>=|<|>|=|)\s*([^<>=\s][^<>=]*?)\s*")


def _unit(text: str) -> tuple[str, str]:
    found = _UNIT.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return found[1] or "=", found[2].strip("'\"").replace(" ", "")


@lru_cache(maxsize=65_536)
def _compare(version: str, other: str, range_format: str, kind: str) -> int:
    """Less than, equal to or greater than 0, as the format of the package has it, else that of the range.

    Raises:
        ValueError: neither has an answer.
    """
    if max(len(version), len(other)) > _MAX:
        raise ValueError
    own = FORMATS.get(kind, "") if kind in _OF_KINDS else ""
    names = dict.fromkeys(filter(None, (own, FORMATS.get(range_format, ""))))
    for name in names:
        try:
            return _FORMS[name](version, other)
        except (ValueError, TypeError, AttributeError, IndexError):
            continue
    if own:
        raise ValueError(version)
    return _anyhow(version, other)


def _by(scheme: type, prepared: Callable[[str], str] = str) -> Comparison:
    @lru_cache(maxsize=16_384)
    def read(text: str) -> Any:
        return scheme(prepared(text))

    def compare(version: str, other: str) -> int:
        one, two = read(version), read(other)
        return int(one > two) - int(one < two)

    return compare


def _rpm(version: str, other: str) -> int:
    """Epochs count where both have one: a source package is named without."""
    (epoch, one), (epoch_of_other, two) = _epoch(version), _epoch(other)
    if epoch and epoch_of_other and int(epoch) != int(epoch_of_other):
        return int(epoch) - int(epoch_of_other)
    return _plain_rpm(one, two)


def _epoch(version: str) -> tuple[str, str]:
    epoch, colon, rest = version.partition(":")
    return (epoch, rest) if colon else ("", version)


def _python(version: str, other: str) -> int:
    """Of a version with a local part (`1.0+abc`) that counts only where the range has one, too (PEP 440)."""
    return _plain_python(version if "+" in other else version.partition("+")[0], other)


_NUMBERS: Final = regex(r"[vV]?(\d+(?:\.\d+){3,})")


def _semver(version: str, other: str) -> int:
    """As semver, with more than three numbers where there are more."""
    one, two = _NUMBERS.fullmatch(version), _NUMBERS.fullmatch(other)
    if one or two:
        pairs = [tuple(map(int, text.lstrip("vV").split("."))) for text in (version, other) if _plain(text)]
        if len(pairs) == 2:
            most = max(map(len, pairs))
            first, second = (pair + (0,) * (most - len(pair)) for pair in pairs)
            return (first > second) - (first < second)
    return _plain_semver(version, other)


def _plain(text: str) -> bool:
    return re.fullmatch(r"[vV]?\d+(\.\d+)*", text) is not None


def _anyhow(version: str, other: str) -> int:
    """Numbers as numbers, words as words, for versions in no format that anybody knows."""
    one, two = (re.findall(r"\d+|[a-z]+", text.lower().lstrip("v")) for text in (version, other))
    for a, b in zip(one, two, strict=False):
        if a != b:
            if a.isdigit() and b.isdigit():
                if int(a) != int(b):
                    return int(a) - int(b)
            elif a.isdigit() != b.isdigit():
                return 1 if a.isdigit() else -1
            else:
                return 1 if a > b else -1
    return len(one) - len(two)


_plain_rpm = _by(versions.RpmVersion)
_plain_python = _by(versions.PypiVersion)
# rubygems that do not follow semver write `1.0.beta2`
_plain_semver = _by(versions.SemverVersion, lambda text: re.sub(r"\.(alpha|beta|rc)", r"-\1", text))

_FORMS: Final[dict[str, Comparison]] = {
    "deb": _by(versions.DebianVersion),
    # snapshots come after the version that they are of, as patches do
    "apk": _by(
        versions.AlpineLinuxVersion, lambda text: re.sub(r"_(?:cvs|svn|git|hg)(?=\d|-|$)", "_p", text)
    ),
    "rpm": _rpm,
    "python": _python,
    "go": _by(versions.GolangVersion, lambda text: text.removeprefix("go")),
    "maven": _by(versions.MavenVersion, lambda text: re.sub(r"(?i)\.(?:jre|jdk)\d+$", "", text)),
    "gem": _by(versions.RubygemsVersion),
    "pacman": _by(versions.ArchLinuxVersion),
    "semver": _semver,
}
