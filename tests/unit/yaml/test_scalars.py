"""Scalars mean what they mean to kubectl.

The vectors come from running sigs.k8s.io/yaml 1.4 (as in kubectl 1.32) and reading its JSON as apimachinery does.
"""

from __future__ import annotations

import math

import pytest

from kscan_lsp.yaml import scalars
from kscan_lsp.yaml.data import data_of
from kscan_lsp.yaml.reader import read

# text, the value it is, the key it is (None: kubectl refuses it as a key)
VECTORS: list[tuple[str, object, str | None]] = [
    ("y", True, "true"),
    ("Y", True, "true"),
    ("yes", True, "true"),
    ("Yes", True, "true"),
    ("YES", True, "true"),
    ("yEs", "yEs", "yEs"),
    ("on", True, "true"),
    ("On", True, "true"),
    ("ON", True, "true"),
    ("oN", "oN", "oN"),
    ("true", True, "true"),
    ("True", True, "true"),
    ("TRUE", True, "true"),
    ("tRUE", "tRUE", "tRUE"),
    ("n", False, "false"),
    ("N", False, "false"),
    ("no", False, "false"),
    ("No", False, "false"),
    ("NO", False, "false"),
    ("off", False, "false"),
    ("Off", False, "false"),
    ("OFF", False, "false"),
    ("false", False, "false"),
    ("False", False, "false"),
    ("FALSE", False, "false"),
    ("~", None, None),
    ("null", None, None),
    ("Null", None, None),
    ("NULL", None, None),
    ("nULL", "nULL", "nULL"),
    ("0", 0, "0"),
    ("-0", 0, "0"),
    ("+0", 0, "0"),
    ("00", 0, "0"),
    ("7", 7, "7"),
    ("-7", -7, "-7"),
    ("+7", 7, "7"),
    ("0777", 511, "511"),
    ("0o777", 511, "511"),
    ("0O777", 511, "511"),
    ("0888", 888, "888"),
    ("-0777", -511, "-511"),
    ("+0777", 511, "511"),
    ("08", 8, "8"),
    ("0_7", 7, "7"),
    ("1_000", 1000, "1000"),
    ("_1", "_1", "_1"),
    ("1_", 1, "1"),
    ("1__0", 10, "10"),
    ("0x1F", 31, "31"),
    ("0X1f", 31, "31"),
    ("0xg", "0xg", "0xg"),
    ("-0x10", -16, "-16"),
    ("0x", "0x", "0x"),
    ("0b101", 5, "5"),
    ("0B11", 3, "3"),
    ("0b2", "0b2", "0b2"),
    ("-0b11", -3, "-3"),
    ("0b-1", -1, "-1"),
    ("0b", "0b", "0b"),
    ("9223372036854775807", 9223372036854775807, "9223372036854775807"),
    ("9223372036854775808", 9.223372036854776e18, None),
    ("-9223372036854775808", -9223372036854775808, "-9223372036854775808"),
    ("-9223372036854775809", -9.223372036854776e18, "-9.223372e+18"),
    ("18446744073709551615", 1.8446744073709552e19, None),
    ("18446744073709551616", 1.8446744073709552e19, "1.8446744e+19"),
    ("0xffffffffffffffff", 1.8446744073709552e19, None),
    ("0x10000000000000000", "0x10000000000000000", "0x10000000000000000"),
    ("12345678901234567890123", 1.2345678901234568e22, "1.2345679e+22"),
    ("0o2000000000000000000000", "0o2000000000000000000000", "0o2000000000000000000000"),
    ("1.5", 1.5, "1.5"),
    ("1.", 1, "1"),
    (".5", 0.5, "0.5"),
    ("-.5", -0.5, "-0.5"),
    ("+.5", 0.5, "0.5"),
    (".", ".", "."),
    (".e1", ".e1", ".e1"),
    ("1e3", 1000, "1000"),
    ("1E3", 1000, "1000"),
    ("1e+3", 1000, "1000"),
    ("1e-3", 0.001, "0.001"),
    ("1e", "1e", "1e"),
    ("1.e2", 100, "100"),
    ("1_0.5", 10.5, "10.5"),
    ("1.0", 1, "1"),
    ("-0.0", 0, "-0"),
    ("100.0", 100, "100"),
    ("1e18", 1000000000000000000, "1e+18"),
    ("1e19", 1e19, "1e+19"),
    ("1e21", 1e21, "1e+21"),
    ("1e400", "1e400", "1e400"),
    ("1e-400", 0, "0"),
    ("1.5e3", 1500, "1500"),
    ("0.1", 0.1, "0.1"),
    ("123456789012345678.0", 123456789012345680, "1.2345679e+17"),
    ("1e22", 1e22, "1e+22"),
    ("-1e3", -1000, "-1000"),
    (".inf", math.inf, ".inf"),
    (".Inf", math.inf, ".inf"),
    (".INF", math.inf, ".inf"),
    ("-.inf", -math.inf, "-.inf"),
    ("+.inf", math.inf, ".inf"),
    (".nan", math.nan, ".nan"),
    (".NaN", math.nan, ".nan"),
    ("inf", "inf", "inf"),
    ("nan", "nan", "nan"),
    ("Infinity", "Infinity", "Infinity"),
    (".infinity", ".infinity", ".infinity"),
    ("12:30", "12:30", "12:30"),
    ("12:30:45", "12:30:45", "12:30:45"),
    ("1:1", "1:1", "1:1"),
    ("2001-01-01", "2001-01-01", "2001-01-01"),
    ("2001-01-01T00:00:00Z", "2001-01-01T00:00:00Z", "2001-01-01T00:00:00Z"),
    ("2001-1-1", "2001-1-1", "2001-1-1"),
    ("1.2.3", "1.2.3", "1.2.3"),
    ("1.25Gi", "1.25Gi", "1.25Gi"),
    ("100m", "100m", "100m"),
    ("1k", "1k", "1k"),
    ("+", "+", "+"),
    ("--", "--", "--"),
    ("=", "=", "="),
    ("a/b", "a/b", "a/b"),
    ("1.0.0.0", "1.0.0.0", "1.0.0.0"),
    ("10.0.0.1", "10.0.0.1", "10.0.0.1"),
    ("1,000", "1,000", "1,000"),
    ("0x1p3", "0x1p3", "0x1p3"),
    ("٣", "٣", "٣"),
    ("1٣", "1٣", "1٣"),
    (".7_0", 0.7, "0.7"),
]

REFUSED = object()
# a tag and a text, quoted or not, and the value
TAGGED: list[tuple[str, object]] = [
    ("!!str 1", "1"),
    ("!!str ~", "~"),
    ("!!str", ""),
    ('!!int "3"', 3),
    ("!!int 0x1F", 31),
    ("!!int foo", REFUSED),
    ("!!int 1.5", REFUSED),
    ("!!float 1", 1),
    ("!!float 3.0", 3),
    ("!!float 2.5", 2.5),
    ('!!float "1.5"', 1.5),
    ("!!float x", REFUSED),
    ("!!bool yes", True),
    ("!!bool 'no'", False),
    ("!!bool 1", REFUSED),
    ("!!null ~", None),
    ('!!null ""', None),
    ("!!null x", REFUSED),
    ("!!binary aGk=", "hi"),
    ("!!binary aGk", REFUSED),
    ("!!timestamp 2001-01-01", "2001-01-01"),
    ("!!timestamp x", REFUSED),
    ("!foo 1", "1"),
    ("!!foo 1", "1"),
    ("! 1", "1"),
    ('! ""', ""),
    ("!!set x", "x"),
]


def same(a: object, b: object) -> bool:
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    return type(a) is type(b) and a == b


@pytest.mark.parametrize(("text", "value", "key"), VECTORS)
def test_plain_scalars(text: str, value: object, key: str | None):
    assert same(scalars.plain(text), value)
    assert scalars.key_text(text) == key


@pytest.mark.parametrize(("text", "value", "key"), VECTORS)
def test_the_reader_agrees(text: str, value: object, key: str | None):
    finite = not isinstance(value, float) or math.isfinite(value)
    assert same(data_of(read(f"k: {text}").root).value["k"], value if finite else None)
    if "," not in text:
        assert same(data_of(read(f"[{text}]\n").root).value[0], value if finite else None)
    assert data_of(read(f"{text}: k").root).value == ({} if key is None else {key: "k"})
    assert data_of(read(f'k: "{text}"').root).value == {"k": text}


def test_a_refused_value_is_not_named_since_it_may_be_a_secret() -> None:
    (problem,) = read("k: !!int hunter2\n").problems
    assert problem.message == "this value cannot be read as !!int; kubectl refuses this document"
    (problem,) = read("k: !!binary aGk\n").problems
    assert problem.message == "this is not valid base64, which the tag !!binary demands"


def test_binary_may_go_over_lines() -> None:
    assert scalars.tagged("aG\nk=\r\n", "tag:yaml.org,2002:binary") == ("hi", "")


@pytest.mark.parametrize(("text", "value"), TAGGED)
def test_tags(text: str, value: object):
    result = read(f"k: {text}\n")
    if value is REFUSED:
        assert [problem.code for problem in result.problems] == ["type"]
        assert result.problems[0].fatal
        return
    assert not result.problems
    assert same(data_of(result.root).value["k"], value)
