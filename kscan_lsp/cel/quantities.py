"""Kubernetes quantities and semantic versions, as the Kubernetes CEL library treats them.

A value is text in canonical form, so that equal values are equal texts: a quantity is its number of
billionths, a version leaves out build metadata, which has no part in precedence.
"""

from __future__ import annotations

import re

from kscan_lsp.regex import regex

_QUANTITY = regex(r"([+-]?)([0-9]+\.?[0-9]*|\.[0-9]+)([KMGTPE]i|[numkMGTPE]?|[eE][+-]?[0-9]{1,9})", re.ASCII)
_BINARY = {f"{prefix}i": 2 ** (10 * power) for power, prefix in enumerate("KMGTPE", 1)}
_DECIMAL = dict(zip(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), range(-9, 19, 3), strict=True))
_NANO = 10**9
_LIMIT = (2**63 - 1) * _NANO
_LONGEST = 256
"""Characters of a quantity or version. Longer ones are refused: nobody writes them in earnest."""


def quantity(text: str) -> int:
    """Billionths of a quantity such as `100m` or `1.5Gi`.

    Grammar, rounding (away from zero, to billionths) and the cap at 2^63-1 are those of apimachinery's
    `resource.ParseQuantity`.

    Raises:
        ValueError: not a quantity.
    """
    match = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise ValueError("not a quantity")
    sign, digits, suffix = match.groups()
    whole, _, part = digits.partition(".")
    number, below = int(whole + part), 10 ** len(part)
    if suffix in _BINARY:
        number *= _BINARY[suffix]
    else:
        # Beyond a few hundred places every amount is at one of its limits.
        power = _DECIMAL[suffix] if suffix in _DECIMAL else max(-600, min(600, int(suffix[1:])))
        number *= 10 ** max(power, 0)
        below *= 10 ** max(-power, 0)
    nanos: int = min(_LIMIT, -(-number * _NANO // below))
    return -nanos if sign == "-" else nanos


def quantity_text(nanos: int) -> str:
    """A quantity as a plain decimal number."""
    whole, part = divmod(abs(nanos), _NANO)
    tail = f".{part:09d}".rstrip("0").rstrip(".") if part else ""
    return f"{'-' if nanos < 0 else ''}{whole}{tail}"


def is_integer(nanos: int) -> bool:
    """Whether a quantity has no fraction."""
    return nanos % _NANO == 0


def as_integer(nanos: int) -> int:
    """A quantity as an integer.

    Raises:
        ValueError: it has a fraction.
    """
    if nanos % _NANO:
        raise ValueError("the quantity is not an integer")
    return nanos // _NANO


def as_float(nanos: int) -> float:
    """A quantity as the nearest floating point number."""
    return nanos / _NANO


def plus(nanos: int, other: int) -> int:
    """The sum of two quantities."""
    return max(-_LIMIT, min(_LIMIT, nanos + other))


_VERSION = regex(
    r"(0|[1-9][0-9]{0,17})\.(0|[1-9][0-9]{0,17})\.(0|[1-9][0-9]{0,17})"
    r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?",
    re.ASCII,
)
_LOOSE = regex(r"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?([-+].*)?", re.ASCII | re.DOTALL)


def version(text: str) -> str:
    """A semantic version (2.0.0) without its build metadata.

    Raises:
        ValueError: not a semantic version.
    """
    match = _VERSION.fullmatch(text) if len(text) <= _LONGEST else None
    pre = match[4] if match else None
    if match is None or (pre and any(p.isdigit() and len(p) > 1 and p[0] == "0" for p in pre.split("."))):
        raise ValueError("not a semantic version")
    return ".".join(match.group(1, 2, 3)) + (f"-{pre}" if pre else "")


def loose_version(text: str) -> str:
    """The same, forgiving what Kubernetes normalises: a leading `v`, missing parts, leading zeros."""
    match = _LOOSE.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise ValueError("not a semantic version")
    parts = ".".join((part or "0").lstrip("0") or "0" for part in match.group(1, 2, 3))
    return version(parts + (match[4] or ""))


def version_numbers(text: str) -> tuple[int, int, int]:
    """Major, minor and patch of a canonical version."""
    major, minor, patch = text.partition("-")[0].split(".")
    return int(major), int(minor), int(patch)


def version_order(text: str) -> tuple[object, ...]:
    """A key that sorts canonical versions by precedence (section 11 of the specification)."""
    _, dash, pre = text.partition("-")
    marks = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in pre.split(".")) if dash else ()
    return (*version_numbers(text), not dash, marks)
