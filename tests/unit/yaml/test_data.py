"""Data is what kubectl has, nothing explodes, and every path leads back to its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kscan_lsp.yaml.data import MAX_SHARED, Tables, data_of, find, key_of, nearest, start, step
from kscan_lsp.yaml.reader import read
from kscan_lsp.yaml.tree import Mapping, Scalar

if TYPE_CHECKING:
    from kscan_lsp.paths import Path

REFUSED = object()

# What sigs.k8s.io/yaml 1.4, which kubectl 1.32 reads with, makes of a text.
VECTORS: list[tuple[str, object]] = [
    # merges are applied in the order of the text, and override what comes before them
    ("<<: {a: 1}\na: 2", {"a": 2}),
    ("a: 2\n<<: {a: 1}", {"a": 1}),
    ("<<: [{a: 1}, {a: 2, b: 3}]", {"a": 1, "b": 3}),
    ("x: &x {a: 1, b: 2}\nz:\n  <<: *x\n  b: 3", {"x": {"a": 1, "b": 2}, "z": {"a": 1, "b": 3}}),
    ("x: &x {a: 1}\nz: &z {<<: *x, b: 2}\nw: {<<: *z}", {"x": {"a": 1}, "z": {"a": 1, "b": 2}, "w": {"a": 1, "b": 2}}),
    ("x: &x {a: 1}\nz: &z {b: 2}\nw: {<<: [*x, *z]}", {"x": {"a": 1}, "z": {"b": 2}, "w": {"a": 1, "b": 2}}),
    ("<<: {a: 1}\n<<: {b: 2}", {"a": 1, "b": 2}),
    ("<<: {a: 1}\n<<: {a: 2}", {"a": 2}),
    ("<<: []\na: 1", {"a": 1}),
    ("<<: [&x {a: 1}, *x]", {"a": 1}),
    ("x: &x {a: {b: 1}}\nz: {<<: *x, a: {c: 2}}", {"x": {"a": {"b": 1}}, "z": {"a": {"c": 2}}}),
    ("!!merge <<: {a: 1}", {"a": 1}),
    ('"<<": {a: 1}', {"<<": {"a": 1}}),
    ("<<: 1", REFUSED),
    ("<<: [1]", REFUSED),
    ("<<: ", REFUSED),
    ("x: &x [1]\n<<: *x", REFUSED),
    ("x: &x [{a: 1}]\n<<: *x", REFUSED),
    ("<<: [[{a: 1}]]", REFUSED),
    # aliases
    ("a: &a 1\nb: &a 2\nc: *a", {"a": 1, "b": 2, "c": 2}),
    ("a: &a {k: v}\nb: [*a, *a]", {"a": {"k": "v"}, "b": [{"k": "v"}, {"k": "v"}]}),
    ("a: &a\nb: *a", {"a": None, "b": None}),
    ("&a a: *a", {"a": "a"}),
    ("&k key: 1\nb: *k", {"key": 1, "b": "key"}),
    ("a: &k key\n*k : 1", {"a": "key", "key": 1}),
    ("a: &k 12\n*k : 1", {"a": 12, "12": 1}),
    ("a: &k yes\n*k : 1", {"a": True, "true": 1}),
    ("a: &k [1]\n*k : 1", REFUSED),
    ("a: &a {b: [*a]}", REFUSED),
    ("a: &a {<<: *a}", REFUSED),
    # keys
    ("1: a", {"1": "a"}),
    ("1.50: a", {"1.5": "a"}),
    ("on: a", {"true": "a"}),
    (".inf: a", {".inf": "a"}),
    ("~: a", REFUSED),
    ("? \n: a", REFUSED),
    ("? [a]\n: b", REFUSED),
    ("{{a: b}: c}", REFUSED),
    # JSON has no such numbers
    ("a: .inf", REFUSED),
    ("a: [-.INF, .nan]", REFUSED),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), VECTORS)
def test_data_is_what_kubectl_has(text: str, value: object):
    data = data_of(read(text).root)
    if value is REFUSED:
        assert any(problem.fatal for problem in data.problems)
    else:
        assert data.value == value
        assert not data.problems


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("a: 1\nb: 2\na: 3\n", [10]),
        ("a: 1\n'a': 2\na: 3\n", [5, 12]),
        ('1: x\n"1": y\n', [5]),
        ("on: x\ntrue: y\n", [6]),
        ("x: &x {a: 1}\n<<: *x\na: 2\n", []),
        ("<<: {a: 1}\n<<: {a: 2}\n", []),
        ("- a: 1\n- a: 2\n", []),
    ],
)
def test_duplicate_keys_are_problems_at_the_later_key(text: str, at: list[int]):
    data = data_of(read(text).root)
    assert [problem.span.start for problem in data.problems] == at
    assert {(problem.code, problem.fatal) for problem in data.problems} <= {("duplicate-key", False)}


def test_nothing_has_no_data():
    assert data_of(None) == (None, ())


def bomb(levels: int, width: int) -> str:
    lines = ["a0: &a0 [" + ",".join("x" * width) + "]"]
    lines += [f"a{n + 1}: &a{n + 1} [{','.join([f'*a{n}'] * width)}]" for n in range(levels)]
    return "\n".join(lines) + "\n"


def test_aliases_share_objects():
    value = data_of(read(bomb(3, 4)).root).value
    assert value["a3"][0] is value["a2"]
    assert value["a3"][0][1][2] is value["a0"]


@pytest.mark.parametrize(
    "text",
    [
        bomb(9, 9),
        bomb(99, 2),
        "a: &a {x: 1, y: 2}\n" + "".join(f"b{n}: {{<<: [{', '.join(['*a'] * 99)}]}}\n" for n in range(999)),
        "a: &a " + "[" * 60 + "]" * 60 + "\nb: &b " + "[" * 50 + "*a" + "]" * 50 + "\n",
    ],
    ids=["wide", "long", "merges", "deep"],
)
def test_a_bomb_is_one_problem_and_no_data(text: str):
    (problem,) = data_of(read(text).root).problems
    assert (problem.code, problem.fatal) == ("limit", True)
    assert data_of(read(text).root).value is None


def test_a_bomb_of_549_bytes():
    text = bomb(8, 9)
    text += "#" * (549 - len(text))
    assert len(text) == 549
    assert [problem.code for problem in data_of(read(text).root).problems] == ["limit"]


def test_a_chain_of_aliases_is_no_bomb():
    text = "a0: &a0 {k: v}\n" + "".join(f"a{n + 1}: &a{n + 1} {{k: *a{n}}}\n" for n in range(90))
    data = data_of(read(text).root)
    assert not data.problems
    many = "a: &a {k: v}\nb:\n" + "- *a\n" * (MAX_SHARED // 2 - 1)
    assert not data_of(read(many).root).problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: &x [*x]\nb: c\n", {"a": [None], "b": "c"}),
        ("&x a: 1\nb: &y {c: *y, d: *x}\n", {"a": 1, "b": {"c": None, "d": "a"}}),
        ("a: &x {<<: *x, b: 1}\n", {"a": {"b": 1}}),
    ],
)
def test_a_recursive_anchor_is_one_problem_and_cut(text: str, value: object):
    data = data_of(read(text).root)
    assert data.value == value
    assert [(problem.code, problem.fatal) for problem in data.problems] == [("limit", True)]


def test_a_part_of_a_tree_has_data_of_its_own():
    root = read("a: &a {k: &b [1]}\nb: {c: *a, d: *b}\n").root
    assert isinstance(root, Mapping)
    assert data_of(root.entries[1].value) == ({"c": {"k": [1]}, "d": [1]}, ())


# Paths

TEXT = """\
base: &base
  image: nginx
  ports: &ports [80, 443]
  deep: {x: 1}
one:
  <<: *base
  image: other
two: *base
three:
  <<: [{a: 1}, *base]
  list:
  - *ports
  - k: *base
twice: 1
twice: 2
'1': s
"""


def at(path: Path) -> tuple[str, str | None, str | None, int]:
    """Text of the found node, of the alias it was found through, of the entry that holds that; and the depth."""
    root = read(TEXT).root
    assert root is not None
    place = nearest(root, path)
    via = place.via and TEXT[place.via.start : place.via.end]
    via_entry = place.via_entry and key_of(place.via_entry)
    return TEXT[place.node.start : place.node.end], via, via_entry, place.depth


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (("base", "image"), ("nginx", None, None, 2)),
        (("one", "image"), ("other", None, None, 2)),
        (("one", "ports"), ("[80, 443]", "*base", "<<", 2)),
        (("one", "ports", 1), ("443", "*base", "<<", 3)),
        (("two",), ("*base", None, None, 1)),
        (("two", "image"), ("nginx", "*base", "two", 2)),
        (("two", "deep", "x"), ("1", "*base", "two", 3)),
        (("three", "a"), ("1", None, None, 2)),
        (("three", "image"), ("nginx", "*base", "<<", 2)),
        (("three", "list", 0), ("*ports", None, None, 3)),
        (("three", "list", 0, 0), ("80", "*ports", None, 4)),
        (("three", "list", 1, "k", "ports", 0), ("80", "*base", "k", 6)),
        (("twice",), ("2", None, None, 1)),
        (("1",), ("s", None, None, 1)),
        (("base", "none", "more"), (TEXT[TEXT.index("image") : TEXT.index("one:") - 1], None, None, 1)),
        (("two", "none"), ("*base", None, None, 1)),
        (("three", "list", 7), (TEXT[TEXT.index("- *ports") : TEXT.index("twice") - 1], None, None, 2)),
        (("base", "image", 0), ("nginx", None, None, 2)),
        (("base", 0), (TEXT[TEXT.index("image") : TEXT.index("one:") - 1], None, None, 1)),
    ],
)
def test_where_a_path_leads(path: Path, found: tuple[str, str | None, str | None, int]):
    assert at(path) == found


def test_a_place_knows_its_entry_and_parent():
    root = read("a:\n- b: 1\n").root
    assert root is not None
    place = find(root, ("a", 0, "b"))
    assert place is not None
    assert place.entry is not None
    assert isinstance(place.entry.key, Scalar)
    assert place.entry.key.value == "b"
    item = find(root, ("a", 0))
    assert item is not None
    assert item.entry is None
    assert place.parent is item.node
    assert find(root, ("a", 1)) is None
    assert find(root, ("a", -1)) is None
    whole = find(root, ())
    assert whole is not None
    assert (whole.node, whole.entry, whole.parent, whole.via, whole.depth) == (root, None, None, None, 0)


def test_paths_through_cycles_end():
    root = read("a: &a {b: *a, <<: *a, c: [*a]}\n").root
    assert root is not None
    assert nearest(root, ("a",) + ("b",) * 500).depth == 501
    assert find(root, ("a", "zzz")) is None
    merges = "a0: &a0 {k: v}\n" + "".join(
        f"a{n + 1}: &a{n + 1} {{<<: [{', '.join([f'*a{n}'] * 9)}]}}\n" for n in range(99)
    )
    root = read(merges).root
    assert root is not None
    assert find(root, ("a99", "zzz")) is None
    chain = "a0: &a0 {k: v}\n" + "".join(f"a{n + 1}: &a{n + 1} {{<<: *a{n}}}\n" for n in range(5000))
    root = read(chain).root
    assert root is not None
    assert find(root, ("a5000", "k")) is not None
    assert data_of(root).value["a5000"] == {"k": "v"}


@pytest.mark.parametrize(
    "more", ["", "k7: again\n", "1: x\n", "<<: {k7: merged, other: y}\n", "? [a]\n: b\n"]
)
def test_a_table_of_a_long_mapping_leads_where_the_mapping_does(more: str) -> None:
    root = read("".join(f"k{number}: v\n" for number in range(40)) + more).root
    assert root is not None
    tables: Tables = {}
    for key in ("k0", "k7", "k39", "1", "other", "<<", "none"):
        there, looked_up = step(start(root), key), step(start(root), key, tables)
        assert (there and (there.entry, there.node, there.via)) == (
            looked_up and (looked_up.entry, looked_up.node, looked_up.via)
        )
    assert len(tables) == 1
    assert (tables[id(root)] is None) == more.startswith(("<", "?"))
