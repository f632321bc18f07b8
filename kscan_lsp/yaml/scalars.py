"""What a scalar means to kubectl.

kubectl reads YAML with sigs.k8s.io/yaml, that is go-yaml v2 (YAML 1.1 without base 60) followed by a
conversion to JSON, and then reads the JSON's numbers as int64 where they fit and as float64 where they do
not. This module is that whole way as one function per question, taken from the rules in `resolve.go` and
`decode.go` of go-yaml 2.4, `yaml.go` of sigs.k8s.io/yaml 1.4 and `util/json` of apimachinery 0.32; the
vectors in the tests come from running them.

Surprises worth knowing: `y`, `on` and `no` are booleans, `0777` is 511 but `0888` is 888, `1.0` and `1e3` are
integers, `12:30` and dates are strings, a number too large for float64 is a string.

Left out on purpose: writing scalars (`edits.py`).
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
from decimal import Decimal
from typing import Final, TypeAlias

from kscan_lsp.regex import regex

Value: TypeAlias = str | int | float | bool | None

_TAGS: Final = "tag:yaml.org,2002:"

WORDS: Final[dict[str, Value]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(
        ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"),
        False,
    ),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
"""Plain scalars that are neither numbers nor strings."""
_WORD_STARTS: Final = frozenset("yYnNtTfFoO~")
_NUMBER_STARTS: Final = frozenset("+-.0123456789")
_NUMBER_ENDS: Final = frozenset("0123456789abcdefABCDEF._nN")  # .nan and .NAN among them

_INTEGER: Final = regex(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[oO]?([0-7]+)|0[bB]([01]+)|(0|[1-9][0-9]*))")
_FLOAT: Final = regex(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_UNDERSCORE: Final = regex(r"(?<=[0-9])_(?=[0-9])")
_SIGNED_BINARY: Final = regex(r"0b([-+][01]{1,64})")
_TIMESTAMP: Final = regex(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"(?:[Tt][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})"
    r"| [0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?)?"
)
# More digits than any 64-bit number has in any base: such a text is a float or a string.
_MAX_DIGITS: Final = 80


def plain(text: str) -> Value:
    """What a plain scalar (not quoted, no tag) is read as; the empty text is None.

    Infinity and not-a-number come back as floats although kubectl then refuses the document: JSON has no such
    numbers. `data.py` says so.
    """
    first = text[:1]
    if first in _WORD_STARTS:
        return WORDS.get(text, text)
    if first not in _NUMBER_STARTS:
        return text or None
    # 512Mi and 8080, which most are, without four expressions
    if text[-1] not in _NUMBER_ENDS:
        return text
    if first != "0" and len(text) < 19 and text.isascii() and text.isdigit():
        return int(text)
    number = _raw_number(text)
    return text if number is None else json_number(number)


def tagged(text: str, tag: str) -> tuple[Value, str]:
    """What a scalar with a tag is read as, quoted or not.

    Args:
        text: the scalar's content.
        tag: the tag, resolved: `tag:yaml.org,2002:int` or `!custom`.

    Returns:
        The value, and why kubectl refuses it; an empty string where it does not. A refused value is its text.
    """
    kind = tag[len(_TAGS) :] if tag.startswith(_TAGS) else ""
    if kind == "binary":
        try:
            decoded = base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
        except (binascii.Error, ValueError):
            return text, "this is not valid base64, which the tag !!binary demands"
        return decoded.decode("utf-8", "replace"), ""
    if kind not in {"bool", "int", "float", "null", "timestamp"}:
        return text, ""
    if kind == "timestamp":
        return text, "" if _TIMESTAMP.fullmatch(text) else _refused(kind)
    value = WORDS[text] if text in WORDS else _raw_number(text)
    found = _kind(value) if value is not None or text in WORDS else "str"
    if found == kind or (kind == "float" and found == "int"):
        return json_number(value) if found in {"int", "float"} else value, ""
    return text, _refused(kind)


def key_text(text: str) -> str | None:
    """The string that a plain key becomes; None for one that kubectl refuses (null, or above int64)."""
    value = plain(text)
    if type(value) is str:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = _raw_number(text)
    return value_as_key(value)


def value_as_key(value: Value) -> str | None:
    """The string that a value becomes as a key, where its text is out of reach (an alias as a key)."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_key(value)
    return str(value) if value < 1 << 63 else None


def json_number(number: Value) -> Value:
    """A number after its way through JSON: an int where it fits int64, else a float; all else unchanged."""
    if isinstance(number, bool) or number is None or isinstance(number, str):
        return number
    if isinstance(number, int):
        return number if -(1 << 63) <= number < 1 << 63 else float(number)
    # JSON prints a float below 1e21 without exponent, so a whole one comes back as an integer, made of the
    # shortest digits that name the float.
    if number.is_integer() and abs(number) < 1e19:
        whole = int(Decimal(repr(number)))
        return whole if -(1 << 63) <= whole < 1 << 63 else number
    return number


def _raw_number(text: str) -> int | float | None:
    """The number a text is to go-yaml, before JSON; None where it is none."""
    if text[:1] == ".":
        if text in WORDS:
            return math.nan if text[1] in "nN" else math.inf
        # goes straight to Go's ParseFloat, which wants a digit on both sides of an underscore
        return _float(_UNDERSCORE.sub("", text))
    if text[:1] not in _NUMBER_STARTS:
        return None
    if text in WORDS:
        return -math.inf if text[0] == "-" else math.inf
    digits = text.replace("_", "")
    whole = _INTEGER.fullmatch(digits) if len(digits) <= _MAX_DIGITS else None
    if whole:
        sign, hexadecimal, octal, binary, decimal = whole.groups()
        if hexadecimal:
            number = int(hexadecimal, 16)
        elif octal:
            number = int(octal, 8)
        else:
            number = int(binary, 2) if binary else int(decimal)
        # int64 with a sign, uint64 without one; what is larger is a float if it is written like one
        if number < 1 << 63 or (not sign and number < 1 << 64) or (sign == "-" and number == 1 << 63):
            return -number if sign == "-" else number
    elif signed := _SIGNED_BINARY.fullmatch(digits):
        return int(signed[1], 2)
    return _float(digits)


def _float(text: str) -> float | None:
    if not _FLOAT.fullmatch(text):
        return None
    number = float(text)
    return None if math.isinf(number) else number


def _kind(value: Value) -> str:
    return {bool: "bool", int: "int", float: "float", type(None): "null"}.get(type(value), "str")


def _refused(kind: str) -> str:
    return f"this value cannot be read as !!{kind}; kubectl refuses this document"


def _float_key(number: float) -> str:
    """A float as sigs.k8s.io/yaml prints it into a key: the shortest digits of a float32, in C's %g style."""
    if math.isnan(number):
        return ".nan"
    single = _single(number)
    if math.isinf(single):
        return ".inf" if single > 0 else "-.inf"
    if single == 0:
        return "-0" if math.copysign(1, number) < 0 else "0"
    short = next(s for s in (f"{single:.{n}g}" for n in range(1, 18)) if _single(float(s)) == single)
    sign, figures, exponent = Decimal(short).normalize().as_tuple()
    digits = "".join(map(str, figures))
    power = len(digits) + int(exponent) - 1
    if -4 <= power < 6:
        return f"{Decimal(short).normalize():f}"
    mantissa = digits[0] + ("." + digits[1:] if digits[1:] else "")
    return f"{'-' if sign else ''}{mantissa}e{power:+03d}"


def _single(number: float) -> float:
    """Rounded to float32."""
    try:
        rounded: float = struct.unpack("f", struct.pack("f", number))[0]
    except OverflowError:
        return math.copysign(math.inf, number)
    return rounded
