"""A file is split as kubectl splits it, and what does not parse costs as little as it can."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from kscan_lsp.text import Span
from kscan_lsp.yaml.data import find, nearest
from kscan_lsp.yaml.document import Document, comments, read_document, split
from kscan_lsp.yaml.layout import blank
from kscan_lsp.yaml.tree import Alias, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from kscan_lsp.paths import Path
    from kscan_lsp.yaml.tree import Node


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ledger
  namespace: payments
  labels:
    app.kubernetes.io/name: ledger
    tier: "backend"
spec:
  replicas: 2
  # keep in step with the canary
  selector:
    matchLabels:
      app.kubernetes.io/name: ledger
  template:
    metadata:
      labels:
        app.kubernetes.io/name: ledger
      annotations:
        checksum/config: 'e3b0c442'
    spec:
      serviceAccountName: ledger
      securityContext:
        runAsNonRoot: true
        fsGroup: 2000
      containers:
      - name: ledger
        image: registry.example.com/payments/ledger:1.14.2
        command: ["/bin/ledger", "--listen=:8080"]
        args:
        - --verbose
        - "--tls=on"
        ports:
        - containerPort: 8080
          name: http
        env:
        - name: DB_HOST
          value: postgres.payments.svc
        - name: DB_PASSWORD
          valueFrom:
            secretKeyRef:
              name: ledger-db
              key: password
        resources:
          requests: {cpu: 100m, memory: 128Mi}
          limits:
            memory: 256Mi
        securityContext:
          allowPrivilegeEscalation: false
          capabilities:
            drop: [ALL]
        livenessProbe:
          httpGet:
            path: /healthz
            port: http
      - name: proxy
        image: envoyproxy/envoy:v1.31.0
        volumeMounts:
        - name: config
          mountPath: /etc/envoy
      volumes:
      - name: config
        configMap:
          name: ledger-proxy
"""


def marked(document: Document) -> list[str]:
    return [document.text[p.span.start : p.span.end] for p in document.problems]


def gone(document: Document) -> list[str]:
    return [document.text[span.start : span.end] for span in document.blanked]


def scalars(document: Document) -> Iterator[Scalar]:
    waiting: list[Node] = [document.root] if document.root else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            waiting += [part for entry in node.entries for part in (entry.key, entry.value)]
        elif isinstance(node, Sequence):
            waiting += node.items
        elif isinstance(node, Scalar):
            yield node


# Splitting


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", [""]),
        ("a: b\n", ["a: b\n"]),
        ("---\na: b\n", ["---\na: b\n"]),
        ("a: b\n---\nc: d\n", ["a: b\n", "---\nc: d\n"]),
        ("a: b\n--- # c\nc: d\n---", ["a: b\n", "--- # c\nc: d\n", "---"]),
        ("a: b\r\n---\r\nc: d\r\n", ["a: b\r\n", "---\r\nc: d\r\n"]),
        ("a: b\r---\rc: d", ["a: b\r", "---\rc: d"]),
        ("a: b\n---x\n---- \n ---\nc\n", ["a: b\n---x\n---- \n ---\nc\n"]),
        ("a: b\n%YAML 1.1\n%TAG ! t:\n---\nc: d\n", ["a: b\n", "%YAML 1.1\n%TAG ! t:\n---\nc: d\n"]),
        ("%YAML 1.1\n---\na: b\n", ["%YAML 1.1\n---\na: b\n"]),
        ("a: 5\n%x\nb\n---\n", ["a: 5\n%x\nb\n", "---\n"]),
        ("a: |\n  ---\n  x\n---\n", ["a: |\n  ---\n  x\n", "---\n"]),
        ("a: b\u2028---\nc: d", ["a: b\u2028---\nc: d"]),
        ("\ufeff---\na: b\n---\n", ["\ufeff---\na: b\n", "---\n"]),
    ],
)
def test_where_a_file_is_split(text: str, pieces: list[str]):
    assert split(text) == pieces


# Reading


@pytest.mark.parametrize(
    "text", ["", "\n", "# c\n", "---\n# c\n", "\ufeff# c\n", "---\n...\n", "%YAML 1.1\n---\n"]
)
def test_a_document_of_comments_is_nothing(text: str):
    document = read_document(text)
    assert document.root is None
    assert document.data is None
    assert document.complete
    assert not document.blanked


def test_a_byte_order_mark_keeps_the_offsets_of_the_text():
    document = read_document("\ufeffa: b # c\nx: [\n")
    assert document.data == {"a": "b"}
    assert isinstance(document.root, Mapping)
    assert document.root.entries[0].key.start == 1
    assert marked(document) == ["["]
    assert gone(document) == ["x: ["]
    assert list(comments(document)) == [(6, "# c")]


@pytest.mark.parametrize(
    ("text", "data", "at", "complete"),
    [
        ("--- {a: 1}\n", {"a": 1}, "{a: 1}", True),
        ("# c\n--- &x # c\na: 1\n", {"a": 1}, "&x # c", True),
        ("---x\na: 1\n", {"a": 1}, "x", False),
        ("a: 1\n---x: y\nb: 2\n", {"a": 1, "b": 2}, "x: y", False),
        ("a: 1\r\n----\r\n", {"a": 1}, "-", False),
        ("---#c\na: 1\n", {"a": 1}, "#c", False),
        ("%YAML 1.1\n---\na: 1\n", {"a": 1}, "%YAML 1.1", True),
        ("a: 1\n...\nb: 2\n", {"a": 1}, "b: 2", False),
        ('{"a": 1}\nb: 2\n', {"a": 1}, "b: 2", False),
        ("--- # c\na: 1\n", {"a": 1}, None, True),
        ("---\ta: 1"[:3] + "\t\na: 1\n", {"a": 1}, None, True),
    ],
)
def test_what_kubectl_refuses_or_drops(text: str, data: object, at: str | None, complete: bool):
    document = read_document(text)
    assert document.data == data
    assert marked(document) == ([at] if at else [])
    assert document.complete is complete


def test_a_refused_value_is_uncertain():
    document = read_document("a: .inf\nb: !!int x\nc: 1\n")
    assert document.data == {"a": None, "b": "x", "c": 1}
    assert gone(document) == [".inf", "x"]
    assert not document.complete


def test_many_problems_are_few():
    document = read_document("a: 1\n" * 500 + "b: .inf\n" * 500)
    assert len(document.problems) == 100
    assert document.problems[0].fatal
    assert document.problems[-1].message == f"{499 + 500 + 499 - 99:,} more problems are not shown"
    assert len(document.blanked) == 1
    assert not document.complete


def test_a_duplicate_key_is_no_reason_not_to_scan():
    document = read_document("a: 1\na: 2\n")
    assert document.data == {"a": 2}
    assert [problem.code for problem in document.problems] == ["duplicate-key"]
    assert document.complete
    assert not document.blanked


@pytest.mark.parametrize(
    "text",
    [
        "a:\n\tb: c\n",
        "\x00\x01\x02" * 2000,
        "a: \x07b",
        "[" * 200_000,
        "&a [*a]",
        "x: {{ .Values.x }}\n",
        "\ud800",
    ],
    ids=["tab", "binary", "bell", "brackets", "cycle", "template", "surrogate"],
)
def test_hostile_texts_are_one_clear_problem(text: str):
    document = read_document(text)
    (problem,) = document.problems
    assert problem.fatal
    assert problem.message


# Comments


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# a\nb: c # d\n", ["# a", "# d"]),
        ("a: 'x # y' # z\n", ["# z"]),
        ('a: "x # y\n  # no\n  z" # z\n', ["# z"]),
        ("a: b#c\nd: '#'\n", []),
        ("a: |  # header\n  # no\n  x\n  # no\n# yes\nb: 1\n", ["# header", "# yes"]),
        ("a:\n  - >-\n    x\n\n    # no\n  # yes\n", ["# yes"]),
        ("--- # a\n#b\n...\n# c\n", ["# a", "#b", "# c"]),
        ("[a, # b\n c] # d\n", ["# b", "# d"]),
        ("a: [ # no\nb: c # yes\n", ["# yes"]),
        ("a: &x 'b # c'\nd: *x # e\r\n", ["# e"]),
    ],
)
def test_comments_are_real_comments(text: str, found: list[str]):
    document = read_document(text)
    assert [comment for _, comment in comments(document)] == found
    for offset, comment in comments(document):
        assert text[offset : offset + len(comment)] == comment


def test_comments_can_be_searched():
    document = read_document("a: b # one\nc: d # two # one\ne: 'one'\n")
    assert list(comments(document, "one")) == [(5, "# one"), (16, "# two # one")]
    assert not list(comments(document, "three"))


def test_json_has_no_comments():
    assert not list(comments(read_document('{"a": "# b"}', json=True)))


# JSON

POD = """\
{
  "apiVersion": "v1",
  "kind": "Pod",
  "spec": {
    "hostNetwork": true,
    "containers": [
      {"name": "a", "image": "b"},
      {"name": "c"}
    ]
  }
}
"""


def test_json_is_read_strictly():
    assert read_document(POD, json=True).complete
    for text in ("{a: 1}", '{"a": 1,}', "a: 1", '{"a": 1} [2]', "# c\n{}"):
        assert not read_document(text, json=True).complete


@pytest.mark.parametrize(
    ("old", "new", "line", "lost"),
    [
        ("true,", "tru,", '    "hostNetwork": tru,', {("spec", "hostNetwork")}),
        ("true,", "true", '    "hostNetwork": true', {("spec", "hostNetwork")}),
        ('"kind": "Pod"', '"kind": "Pod', '  "kind": "Pod,', {("kind",)}),
        ('"name": "c"', '"name": "c', '      {"name": "c}', {("spec", "containers", 1, "name")}),
        ('"name": "c"}', '"name": "c"},', '      {"name": "c"},', {("spec", "containers", 1, "name")}),
    ],
)
def test_broken_json_loses_a_line(old: str, new: str, line: str, lost: set[Path]):
    document = read_document(POD.replace(old, new), json=True)
    assert not document.complete
    assert gone(document) == [line]
    whole = dict(leaves(read_document(POD, json=True).data))
    assert dict(leaves(document.data)) == {path: whole[path] for path in whole.keys() - lost}


def test_broken_json_may_lose_a_list_item():
    document = read_document(POD.replace('"image": "b"', '"image" "b"'), json=True)
    assert not document.complete
    assert gone(document) == ['      {"name": "a", "image" "b"},']
    assert document.data["spec"] == {"hostNetwork": True, "containers": [{"name": "c"}]}


# Repair


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path, value


def without_indices(path: Path) -> Path:
    return tuple(element for element in path if isinstance(element, str))


WHOLE = dict(leaves(read_document(DEPLOYMENT).data))
KNOWN = {(without_indices(path), value) for path, value in WHOLE.items()}


def has_false_data(document: Document, first: int, last: int) -> bool:
    """Whether data has a value at a path that the author never wrote, but for what hangs on the changed lines."""
    for path, value in leaves(document.data):
        if value is None or (without_indices(path), value) in KNOWN:
            continue
        assert document.root is not None
        on_the_way = [find(document.root, path[:n]) for n in range(1, len(path) + 1)]
        nodes = [
            node
            for place in on_the_way
            if place
            for node in (place.node, place.entry and place.entry.key)
            if node
        ]
        if not any(first <= document.lines.line_of(node.start) <= last for node in nodes):
            return True
    return False


class Outcome(NamedTuple):
    """What became of broken texts: how many could not be repaired, have false data, and how many values were lost."""

    broken: int
    unrepaired: int
    false: int
    lost: int


def outcome(variants: Iterable[tuple[str, int, int]]) -> Outcome:
    """What becomes of texts, each with the first and last line that were changed."""
    broken = unrepaired = false = lost = 0
    for text, first, last in variants:
        document = read_document(text)
        if document.complete:
            continue
        broken += 1
        if document.root is None:
            unrepaired += 1
            continue
        false += has_false_data(document, first, last)
        lost += len(WHOLE.keys() - dict(leaves(document.data)).keys())
        for scalar in scalars(document):
            taken_out = any(b.start < scalar.end and scalar.start < b.end for b in document.blanked)
            assert not taken_out or scalar.value is None
    return Outcome(broken, unrepaired, false, lost)


def line_of(offset: int) -> int:
    return DEPLOYMENT.count("\n", 0, offset)


def deletions() -> Iterator[tuple[str, int, int]]:
    for at in range(0, len(DEPLOYMENT), 2):
        line = line_of(at)
        yield DEPLOYMENT[:at] + DEPLOYMENT[at + 1 :], line - (DEPLOYMENT[at] == "\n"), line


def insertions(token: str) -> Iterator[tuple[str, int, int]]:
    for at in range(len(token), len(DEPLOYMENT), 11):
        line = line_of(at)
        yield DEPLOYMENT[:at] + token + DEPLOYMENT[at:], line, line + token.count("\n")


def lines_being_typed() -> Iterator[tuple[str, int, int]]:
    lines = DEPLOYMENT.split("\n")
    for number, line in enumerate(lines):
        for length in range(len(line) - len(line.lstrip()), len(line), 3):
            yield "\n".join([*lines[:number], line[:length], *lines[number + 1 :]]), number, number


def lines_being_added() -> Iterator[tuple[str, int, int]]:
    lines = DEPLOYMENT.split("\n")
    typed = [
        "securityContext",
        "privileged: tru",
        "- name",
        'image: "foo',
        "args: [a",
        "x: y: z",
        "name:x",
        "v: *a",
        "- ",
    ]
    for number, line in enumerate(lines[:-1]):
        indent = len(line) - len(line.lstrip())
        for shift in (0, 2):
            new = " " * (indent + shift) + typed[(number + shift) % len(typed)]
            yield "\n".join([*lines[: number + 1], new, *lines[number + 1 :]]), number + 1, number + 1


@pytest.mark.parametrize(
    ("variants", "broken", "false", "lost"),
    [
        (deletions, 268, 0, 1045),
        (partial(insertions, ":"), 46, 0, 178),
        (partial(insertions, '"'), 63, 0, 177),
        (partial(insertions, "'"), 59, 0, 171),
        (partial(insertions, "{"), 59, 0, 172),
        (partial(insertions, "["), 59, 0, 172),
        (partial(insertions, "-"), 49, 0, 380),
        (partial(insertions, " "), 39, 0, 80),
        (partial(insertions, "\t"), 47, 0, 108),
        (partial(insertions, "&"), 54, 0, 163),
        (partial(insertions, "*"), 58, 0, 170),
        (partial(insertions, "!"), 49, 0, 251),
        (partial(insertions, "|"), 58, 0, 170),
        (partial(insertions, "}"), 59, 0, 172),
        (partial(insertions, "%"), 58, 0, 170),
        (partial(insertions, "a: "), 129, 0, 553),
        (partial(insertions, "\n"), 121, 0, 1362),
        (lines_being_typed, 180, 2, 1064),
        (lines_being_added, 103, 0, 224),
    ],
    ids=lambda _: "",
)
def test_broken_keystrokes_are_repaired_without_false_data(
    variants: Callable[[], Iterable[tuple[str, int, int]]], broken: int, false: int, lost: int
):
    """How many of the 38 values are lost, over all broken texts, is what it was when this was written, or better."""
    found = outcome(variants())
    assert (found.broken, found.unrepaired) == (broken, 0)
    assert found.false <= false
    assert found.lost <= lost


def test_what_is_missing_is_known_to_be_uncertain():
    """Where a repair loses a value, the nearest thing left reaches over a blanked line, so that no check trusts it."""
    trusted = broken = 0
    for text, _, _ in [*deletions(), *insertions('"'), *insertions("{"), *insertions("x")]:
        document = read_document(text)
        if document.complete or document.root is None:
            continue
        broken += 1
        found = dict(leaves(document.data))
        for path in WHOLE.keys() - found.keys():
            place = nearest(document.root, path)
            while place.entry is None and place.depth and not isinstance(place.parent, Sequence):
                place = nearest(document.root, path[: place.depth - 1])
            start = place.entry.key.start if place.entry else place.node.start
            if not any(b.start < place.node.end and start < b.end for b in document.blanked):
                trusted += 1
                break
    assert broken > 200
    assert trusted / broken <= 0.05


@pytest.mark.parametrize(
    ("text", "data", "lost"),
    [
        ("a: 1\nb c\nd: 2\n", {"a": 1, "d": 2}, ["b c"]),
        ("a:\n  b: 1\n c: 2\nd: 3\n", {"a": {"b": 1}, "d": 3}, [" c: 2"]),
        # what hangs on a broken key is left out, not given to its neighbour
        ("a:\n  x: 1\nb\n  y: 2\nc: 3\n", {"a": {"x": 1}, "c": 3}, ["b"]),
        ("a:\n  x: 1\n bb:\n    y: 2\nc: 3\n", {"a": {"x": 1}, "c": 3}, [" bb:"]),
        # a list item keeps its index
        ("- a: 1\n- b 2\n  c: 3\n- d: 4\n", [{"a": 1}, {"c": 3}, {"d": 4}], ["- b 2"]),
        ("- a: 1\n- 'b\n- d: 4\n", [{"a": 1}, None, {"d": 4}], ["- 'b"]),
        # the slip may be lines above the place where it is noticed
        ('a: "x\nb: "y"\nc: 1\n', {"b": "y", "c": 1}, ['a: "x']),
        ("a: [1,\nb: 2\nc: 3\n", {"b": 2, "c": 3}, ["a: [1,"]),
        ("a: [\n  1,\n  '2' 3,\n  5\n]\nb: 6\n", {"a": [1, 5], "b": 6}, ["  '2' 3,"]),
        # several faults
        ("a: 1\nb: {\nc: 2\nd: 'x\ne: 3\n", {"a": 1, "c": 2, "e": 3}, ["b: {", "d: 'x"]),
        ("a:\n\tb: 1\n\tc: 2\nd: 3\n", {"a": None, "d": 3}, ["\tb: 1", "\tc: 2"]),
        ("a: *x\nb: 1\n", {"b": 1}, ["a: *x"]),
        ("a: 1\r\nb c\r\nd: 2\r\n", {"a": 1, "d": 2}, ["b c"]),
    ],
)
def test_repair_takes_out_the_line_at_fault(text: str, data: object, lost: list[str]):
    document = read_document(text)
    assert document.data == data
    assert gone(document) == lost
    assert not document.complete
    assert document.problems[0].fatal
    assert document.problems[0].code == "syntax"


def test_what_is_beyond_repair_is_not_read():
    text = "\n".join(f"x{n}: 'a\ny{n}: [b, \"c" for n in range(40))
    document = read_document(text)
    assert not document.complete
    (problem,) = document.problems
    assert problem.fatal


def test_lines_are_those_of_the_text():
    document = read_document("a: [\nb: c\n")
    assert document.lines.text == document.text
    assert document.lines.position(document.blanked[0].end) == (0, 4)
    root = document.root
    assert isinstance(root, Mapping)
    assert not isinstance(root.entries[0].value, Alias)


@pytest.mark.parametrize("tabs", ["\t", "  \t", "\t \t"])
def test_a_line_of_nothing_but_tabs_loses_nothing_else(tabs: str) -> None:
    lines = ["apiVersion: v1", "kind: Pod", "spec:", "  containers:", "  - name: api", tabs, "    image: a"]
    document = read_document("\n".join(lines))
    assert document.data["spec"] == {"containers": [{"name": "api", "image": "a"}]}
    assert document.blanked == ()
    assert not document.complete  # kubectl refuses it
    assert [problem.message for problem in document.problems] == ["a tab cannot indent YAML; use spaces"]


class _Copied(str):
    """A text that counts how much of it is copied."""

    __slots__ = ("copied",)

    def __getitem__(self, part: Any) -> str:
        found = super().__getitem__(part)
        self.copied = getattr(self, "copied", 0) + len(found)
        return found


def test_many_lines_are_blanked_in_one_pass() -> None:
    text = _Copied("\tx\n" * 1000)
    lines = [Span(number * 3, number * 3 + 2) for number in range(1000)]
    assert blank(text, reversed(lines)) == "  \n" * 1000
    assert text.copied <= len(text)
    assert blank("abcdef", [Span(3, 5), Span(1, 4), Span(2, 3), Span(1, 4)]) == "a    f"
