"""What a comment or an annotation speaks for, from when to when, and what is said of one that speaks for nothing."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import pytest
from support.reporting import checked, rules

from kscan_lsp.evidence.model import Evidence

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostNetwork: true
  containers:
  - name: api
    image: api
    securityContext:
      privileged: true
  - name: proxy
    image: proxy
    securityContext:
      privileged: true
"""
API = "  - name: api\n    image: api\n    securityContext:\n      privileged: true"
KNOWN = "; known are T-0001, T-0002, T-0003, T-0004"
TODAY = "2026-01-01"
"""The day of `support.reporting`."""


class Said(NamedTuple):
    """A finding that is not open, or a problem with what should have made it so."""

    what: str
    where: str


def suppressed(text: str, name: str = "pod.yaml") -> list[Said]:
    """Control and value of every finding that is not open."""
    file, _ = checked(name, text)
    found = [f for part in file.parts for f in part.findings]
    return [Said(f.control, text[f.span.start : f.span.end]) for f in found if f.status != "open"]


def problems(text: str, **settings: object) -> list[Said]:
    """Message and text of every problem with a suppression."""
    file, _ = checked("pod.yaml", text, rules(**settings))
    found = [p for part in file.parts for p in part.problems if p.code == "suppression"]
    assert not any(problem.fatal for problem in found)
    return [Said(problem.message, text[problem.span.start : problem.span.end]) for problem in found]


def on_api(comment: str) -> str:
    """The pod with a comment behind the first container's fault."""
    return POD.replace(API, f"{API} {comment}")


def above_api(*lines: str) -> str:
    """The pod with lines above the first container's fault."""
    indent = " " * 6
    inserted = "".join(f"{indent}{line}".rstrip() + "\n" for line in lines)
    return POD.replace(API, API.replace(f"{indent}privileged", f"{inserted}{indent}privileged"))


ONE = [Said("T-0001", "privileged: true")]


@pytest.mark.parametrize(
    "text",
    [
        on_api("# kscan:ignore T-0001"),
        on_api("# kscan:ignore t-0001 -- needed"),
        on_api("# see TICKET-1, kscan:ignore T-0001 -- needed"),
        on_api("# kscan:ignore T-0002, T-0001"),
        on_api("#kscan:ignore T-0001,T-0003"),
        above_api("# kscan:ignore T-0001"),
        above_api("# kscan:ignore T-0001", "# and why"),
        above_api("# kscan:ignore T-0001", "", "# and why", ""),
        above_api("# kscan:ignore T-0001").replace("\n", "\r\n"),
    ],
)
def test_a_comment_speaks_for_its_line_or_the_next(text: str) -> None:
    assert suppressed(text) == ONE


@pytest.mark.parametrize(
    "text",
    [
        POD,
        POD.replace(API, f"{API}\n      # kscan:ignore T-0001"),
        POD.replace("securityContext:\n", "securityContext: # kscan:ignore T-0001\n"),
        on_api("# kscan:ignore T-0002"),
        on_api("# kscan:ignore -- T-0001"),
        on_api("# ignore T-0001"),
        POD.replace("image: api", "image: 'api # kscan:ignore T-0001'"),
    ],
)
def test_a_comment_speaks_for_nothing_else(text: str) -> None:
    assert suppressed(text) == []


def test_every_finding_of_the_line_is_meant() -> None:
    line = "  - {name: api, image: api, securityContext: {privileged: true}}\n"
    text = f"{POD[: POD.index('  - name')]}{line[:-1]} # kscan:ignore T-0001\n{line.replace('api', 'b')}"
    assert suppressed(text) == ONE
    assert problems(text) == []


@pytest.mark.parametrize(
    ("until", "holds"), [(TODAY, True), ("2026-01-02", True), ("2025-12-31", False), ("2027-01-31", True)]
)
def test_a_day_is_the_last_on_which_it_counts(until: str, holds: bool) -> None:
    text = on_api(f"# kscan:ignore T-0001 until={until} -- needed")
    assert suppressed(text) == (ONE if holds else [])
    expired = f"this suppression expired on {until}: fix the finding, or give it a new date"
    told = [] if holds else [Said(expired, f"kscan:ignore T-0001 until={until} -- needed")]
    assert problems(text) == told


def test_a_day_that_passes_opens_the_finding() -> None:
    _, project = checked("pod.yaml", on_api(f"# kscan:ignore T-0001 until={TODAY}"))
    for day, accepted in ((date(2026, 1, 1), 1), (date(2026, 1, 2), 0), (date(2025, 12, 31), 1)):
        project = project.with_evidence(Evidence(day))
        (part,) = project.files["pod.yaml"].parts
        assert [finding.status for finding in part.findings].count("accepted") == accepted
        assert len(part.problems) == 1 - accepted


@pytest.mark.parametrize(
    "order", ["until=2027-01-31 T-0001", "T-0001 until=2027-01-31", "T-0002, until=2027-01-31 T-0001"]
)
def test_a_day_may_stand_anywhere_before_the_reason(order: str) -> None:
    assert suppressed(on_api(f"# kscan:ignore {order} -- needed")) == ONE


@pytest.mark.parametrize("until", ["soon", "2026-13-01", "2026-01-32", "01/31/2027"])
def test_what_is_no_day_suppresses_nothing(until: str) -> None:
    text = on_api(f"# kscan:ignore T-0001 until={until}")
    assert suppressed(text) == []
    assert [said.what for said in problems(text)] == [
        f"'until={until}' is no date; write it as until=2027-01-31"
    ]


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        (
            "kscan:ignore",
            "this suppresses nothing: no control is named; write 'kscan:ignore C-0057 -- reason'",
        ),
        (
            "kscan:ignore -- T-0001",
            "this suppresses nothing: no control is named; write 'kscan:ignore C-0057 -- reason'",
        ),
        (
            "kscan:ignore T-0001 because we must",
            "this suppresses nothing: 'because' is no control id; write 'kscan:ignore T-0001 -- reason'",
        ),
        (
            "kscan:ignore privileged, t-0001, T-0002",
            "this suppresses nothing: 'privileged' is no control id; write 'kscan:ignore T-0001, T-0002 -- reason'",
        ),
        (
            "kscan:ignore T-1 untill=x",
            "this suppresses nothing: 'untill=x' is no control id; write 'kscan:ignore T-1 until=2027-01-31 -- reason'",
        ),
        ("kscan:ignore T-0009", f"unknown control 'T-0009'{KNOWN}"),
        ("kscan:ignore TT-0001", "unknown control 'TT-0001'; did you mean 'T-0001'?"),
        ("kscan:ignore T-0002 -- x", "nothing to suppress: T-0002 finds nothing here; remove it"),
        (
            "kscan:ignore T-0003, T-0001, T-0002",
            "nothing to suppress: T-0003, T-0002 finds nothing here; remove it",
        ),
    ],
)
def test_what_is_wrong_with_a_comment_is_said_at_its_place(comment: str, message: str) -> None:
    text = on_api(f"# see also {comment}  ")
    assert problems(text) == [Said(message, comment)]


def test_an_unknown_control_leaves_the_known_ones_in_force() -> None:
    text = on_api("# kscan:ignore Q-9876, T-0001")
    assert suppressed(text) == ONE
    assert [said.what for said in problems(text)] == [f"unknown control 'Q-9876'{KNOWN}"]


def test_only_the_first_unknown_controls_are_compared_with_the_known_ones() -> None:
    told = [said.what for said in problems("# kscan:ignore T-0009\n" * 25 + POD)]
    assert told == [f"unknown control 'T-0009'{KNOWN}"] * 20 + ["unknown control 'T-0009'"] * 5


@pytest.mark.parametrize(
    ("comment", "almost", "named"),
    [
        ("# kscan:ignroe T-0001", "kscan:ignroe", "T-0001"),
        ("# kscan: ignore t-0001", "kscan: ignore", "T-0001"),
        ("# kscan-ignore", "kscan-ignore", "C-0057"),
        ("# kscan:ignite T-0001", "kscan:ignite", "T-0001"),
        ("# of T-0002: kscan:ignroe T-0001", "kscan:ignroe", "T-0001"),
        ("# see KSCAN.dev/ignore: it", "KSCAN.dev/ignore", "C-0057"),
        ("# kscan ignroe: T-0001", "kscan ignroe", "T-0001"),
    ],
)
def test_what_is_almost_the_mark_is_said_to_be_none(comment: str, almost: str, named: str) -> None:
    message = f"'{almost}' suppresses nothing; write 'kscan:ignore {named} -- reason'"
    assert problems(on_api(comment)) == [Said(message, almost)]


def test_every_problem_is_told() -> None:
    text = above_api("# kscan:ignore this", "# kscan:ignroe T-0001", "# kscan-ignore")
    told = ["kscan:ignore this", "kscan:ignroe", "kscan-ignore"]
    assert [said.where for said in problems(text)] == told


@pytest.mark.parametrize("comment", ["# kscan: found T-0001", "# kscan skips T-0001", "# kscan.dev/rules"])
def test_another_word_about_kscan_is_no_mark(comment: str) -> None:
    assert problems(on_api(comment)) == []


def test_a_comment_at_the_end_speaks_for_no_line() -> None:
    message = "this comment has no line to speak for; put it on the line of the finding, or on the line above"
    assert problems(f"{POD}# kscan:ignore T-0001\n\n# more\n") == [Said(message, "kscan:ignore T-0001")]


def test_nothing_is_called_idle_that_nobody_knows_of() -> None:
    comment = on_api("# kscan:ignore T-0002")
    assert len(problems(comment)) == 1
    # the control is off
    assert problems(comment, controls={"exclude": ["T-0002"]}) == []
    # what could not be judged may be what is meant
    assert problems(on_api("# kscan:ignore T-0001").replace("privileged: true #", "privileged: [1] #")) == []
    # a part of the document is missing
    file, _ = checked("pod.yaml", f"{comment}  broken\n")
    assert [problem.code for part in file.parts for problem in part.problems] == ["syntax"]


def annotated(value: str, key: str = "kscan.dev/ignore") -> str:
    return POD.replace("  name: web\n", f"  name: web\n  annotations:\n    {key}: {value}\n")


def test_an_annotation_speaks_for_its_object() -> None:
    both = annotated("T-0001 -- needed")
    assert suppressed(both) == ONE * 2
    assert problems(both) == []
    items = "".join(f"- {pod.strip()}\n".replace("\n", "\n  ").rstrip(" ") for pod in (both, POD))
    assert len(suppressed(f"apiVersion: v1\nkind: List\nitems:\n{items}")) == 2


def test_an_annotation_speaks_among_others() -> None:
    assert suppressed(annotated("T-0001 -- why", "owner: shop\n    kscan.dev/ignore")) == ONE * 2


def test_an_annotation_in_json() -> None:
    text = (
        '{"apiVersion": "v1", "kind": "Pod",'
        ' "metadata": {"name": "a", "annotations": {"kscan.dev/ignore": "T-0003 -- x"}},'
        ' "spec": {"hostNetwork": true, "containers": []}}'
    )
    assert suppressed(text, "pod.json") == [Said("T-0003", '"hostNetwork": true')]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("T-0002 -- x", "nothing to suppress: T-0002 finds nothing here; remove it"),
        ("''", "this suppresses nothing: no control is named; write 'kscan.dev/ignore: C-0057 -- reason'"),
        (
            "T-0001 until=2020-01-01 -- x",
            "this suppression expired on 2020-01-01: fix the finding, or give it a new date",
        ),
        ("T-0001", "this suppresses nothing without a reason; write 'T-0001 -- reason'"),
        ("T-0001 -- a; T-0003", "this suppresses nothing without a reason; write 'T-0003 -- reason'"),
        (
            "T-0001, T-0003",
            "this suppresses nothing without a reason; write 'T-0001, T-0003 -- reason'",
        ),
        ("[T-0001]", "this suppresses nothing: 'kscan.dev/ignore' must be a string, 'C-0057 -- reason'"),
    ],
)
def test_what_is_wrong_with_an_annotation_is_said_at_its_place(value: str, message: str) -> None:
    assert problems(annotated(value)) == [Said(message, f"kscan.dev/ignore: {value}")]


@pytest.mark.parametrize(
    "key", ["kscan.dev/ignroe", "kscan.dev/Ignore", "kscan.dev/skip", "kscan/ignore", "KSCAN.dev/ignore"]
)
def test_an_annotation_that_is_almost_the_mark(key: str) -> None:
    message = f"'{key}' suppresses nothing; write 'kscan.dev/ignore: C-0057 -- reason'"
    assert problems(annotated("T-0001", key)) == [Said(message, f"{key}: T-0001")]
    assert suppressed(annotated("T-0001", key)) == []


@pytest.mark.parametrize(
    "key", ["kscan", "kscan/notes", "kscandata.example/owner", "example.com/kscan.dev", "ignore"]
)
def test_an_annotation_of_others(key: str) -> None:
    assert problems(annotated("T-0001", key)) == []


@pytest.mark.parametrize(
    "metadata", ["[kscan]", "kscan", "{annotations: [kscan.dev/ignore]}", "{annotations: kscan}"]
)
def test_metadata_of_a_wrong_type_says_nothing(metadata: str) -> None:
    text = POD.replace("metadata:\n  name: web\n", f"metadata: {metadata}\n")
    assert [control for control, _ in suppressed(text)] == []


def test_the_reason_is_kept() -> None:
    for text in (
        on_api("# kscan:ignore T-0001 until=2027-01-31 --  a -- b  "),
        annotated("T-0001 until=2027-01-31 -- a -- b"),
    ):
        file, _ = checked("pod.yaml", text)
        marks = [f.disposition for part in file.parts for f in part.findings if f.disposition]
        assert {(mark.reason, mark.until) for mark in marks} == {("a -- b", "2027-01-31")}
        assert {mark.by for mark in marks} == {"annotation" if "annotations" in text else "comment"}


def reasons(text: str) -> list[tuple[str, str, str]]:
    """Control, reason and last day of all that is suppressed, in the order of the text."""
    file, _ = checked("pod.yaml", text)
    found = [finding for part in file.parts for finding in part.findings]
    return [(f.control, f.disposition.reason, f.disposition.until) for f in found if f.disposition]


@pytest.mark.parametrize(
    ("value", "network", "privileged"),
    [
        ("T-0003 -- a; T-0001 until=2027-01-31 -- b", ("a", ""), ("b", "2027-01-31")),
        ("T-0003 until=2027-01-31 -- a ;T-0001 -- b", ("a", "2027-01-31"), ("b", "")),
        ("T-0003, T-0001 -- a; then b; see T-1", *[("a; then b; see T-1", "")] * 2),
        ("T-0003, T-0001 -- a; JIRA-1234 says so", *[("a; JIRA-1234 says so", "")] * 2),
        ("|\n      T-0003 -- a\n        and more\n\n      T-0001 -- b\n", ("a\n  and more", ""), ("b", "")),
    ],
)
def test_each_control_may_have_a_reason_of_its_own(
    value: str, network: tuple[str, str], privileged: tuple[str, str]
) -> None:
    text = annotated(value)
    assert reasons(text) == [("T-0003", *network), *[("T-0001", *privileged)] * 2]
    assert problems(text) == []


def test_a_comment_may_have_several_reasons_too() -> None:
    text = on_api("# kscan:ignore T-0002 -- a; T-0001 -- b")
    assert reasons(text) == [("T-0001", "b", "")]
    assert [said.what for said in problems(text)] == [
        "nothing to suppress: T-0002 finds nothing here; remove it"
    ]


def test_one_that_cannot_be_read_leaves_the_others_in_force() -> None:
    text = annotated("T-0003 -- a; T-0001 until=soon -- b")
    assert reasons(text) == [("T-0003", "a", "")]
    assert [said.what for said in problems(text)] == ["'until=soon' is no date; write it as until=2027-01-31"]


def test_a_long_text_of_almost_directives_is_read_at_once() -> None:
    assert reasons(annotated("'" + "; until=x" * 20_000 + " !'")) == []


def deployment(template: str, more: str = "") -> str:
    pod = "".join(f"    {line}\n" for line in POD[POD.index("spec:") :].splitlines())
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n{more}spec:\n  template:\n"
        f"    metadata:\n      annotations: {{{template}}}\n{pod}"
    )


def test_an_annotation_of_a_pod_template_speaks_for_the_template() -> None:
    text = deployment("kscan.dev/ignore: T-0001 -- gpu")
    assert reasons(text) == [("T-0001", "gpu", "")] * 2
    assert problems(text) == []
    listed = "".join(f"- {text.strip()}\n".replace("\n", "\n  ").rstrip(" ") for _ in range(2))
    assert len(reasons(f"apiVersion: v1\nkind: List\nitems:\n{listed}")) == 4
    wrong = deployment("kscan.dev/ignroe: T-0001")
    assert [said.where for said in problems(wrong)] == ["kscan.dev/ignroe: T-0001"]
    assert problems(deployment("kscan.dev/ignore: T-0002 -- x")) == [
        Said("nothing to suppress: T-0002 finds nothing here; remove it", "kscan.dev/ignore: T-0002 -- x")
    ]


def test_the_template_speaks_before_its_object() -> None:
    text = deployment(
        "kscan.dev/ignore: T-0001 -- near", "  annotations: {kscan.dev/ignore: T-0001 -- far}\n"
    )
    assert reasons(text) == [("T-0001", "near", "")] * 2
    assert problems(text) == []


HERE = "this suppresses nothing here; put it into metadata.annotations of the object, or of its pod template"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  name: web\n", "  name: web\n  labels: {kscan.dev/ignore: T-0001}\n"),
        ("  name: web\n", "  name: web\n  kscan.dev/ignore: T-0001\n"),
        ("spec:\n", "kscan.dev/ignore: T-0001\nspec:\n"),
        ("spec:\n", "spec:\n  annotations: {kscan.dev/ignore: T-0001}\n"),
    ],
)
def test_an_annotation_anywhere_else_is_said_to_do_nothing(old: str, new: str) -> None:
    text = POD.replace(old, new, 1)
    assert suppressed(text) == []
    assert problems(text) == [Said(HERE, "kscan.dev/ignore")]


def test_the_template_of_a_custom_kind_is_told_from_values_for_others() -> None:
    rollout = deployment("kscan.dev/ignore: T-0001").replace("apps/v1", "example.com/v1")
    assert problems(rollout) == [Said(HERE, "kscan.dev/ignore")]
    release = "apiVersion: example.com/v1\nkind: Release\nspec: {values: {annotations: {kscan.dev/ignore: T-0001}}}\n"
    assert problems(release) == []


SKIP = "kubescape.io/skip-controls"


def skipping(**more: str) -> str:
    lines = {"controls": "T-0001, T-0002", **more}
    written = "".join(f'    kubescape.io/skip-{name}: "{value}"\n' for name, value in lines.items())
    return POD.replace("metadata:\n", f"metadata:\n  annotations:\n{written}", 1)


def test_the_annotations_of_kubescape_count_as_there() -> None:
    text = skipping(reason="ticket FOO-1", expiry="2026-12-31T23:59:59Z")
    assert "T-0001" in {one.what for one in suppressed(text)}
    placed = [one.finding for one in checked("pod.yaml", text)[0].findings()]
    found = [finding.disposition for finding in placed if finding.disposition]
    assert {(one.by, one.reason, one.until) for one in found} == {
        ("annotation", "ticket FOO-1", "2026-12-31")
    }
    assert suppressed(skipping()) == suppressed(text), "a reason need not be there"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"controls": "all of them"}, "'all of them' is no control id"),
        ({"controls": ","}, "no control is named"),
        ({"controls": "C-00.*"}, "'C-00.*' is no control id"),
        ({"expiry": "tomorrow"}, "'kubescape.io/skip-expiry' must be a time"),
        ({"expiry": "2026-13-31T00:00:00Z"}, "'kubescape.io/skip-expiry' must be a time"),
    ],
)
def test_an_annotation_of_kubescape_that_is_wrong_skips_nothing(more: dict[str, str], why: str) -> None:
    text = skipping(**more)
    assert suppressed(text) == []
    (said,) = [one.what for one in problems(text) if SKIP in one.what]
    assert why in said


def test_an_annotation_of_kubescape_ends_before_its_time() -> None:
    assert suppressed(skipping(expiry="2020-01-01T00:00:00Z")) == []
    assert any(
        "expired on 2019-12-31" in one.what for one in problems(skipping(expiry="2020-01-01T00:00:00Z"))
    )


def test_an_annotation_by_alias_counts_where_it_is_used() -> None:
    text = POD.replace(
        "metadata:\n  name: web\n",
        "x: &a {kscan.dev/ignore: T-0001 -- a}\nmetadata: {name: web, annotations: *a}\n",
    )
    assert suppressed(text) == ONE * 2
    assert problems(text) == []


@pytest.mark.parametrize(
    "said",
    ["owner=payments ticket=SEC-12 until=2027-01-31", "ticket=SEC-12, until=2027-01-31 owner=payments"],
)
def test_a_suppression_says_who_answers_for_it_and_where_it_is_followed_up(said: str) -> None:
    for text in (
        on_api(f"# kscan:ignore T-0001 {said} -- why"),
        annotated(f"T-0001 {said} -- why; T-0002 owner=x -- other"),
    ):
        file, _ = checked("pod.yaml", text)
        found = [f.disposition for part in file.parts for f in part.findings if f.control == "T-0001"]
        known = next(one for one in found if one)
        assert (known.reason, known.owner, known.ticket, known.until) == (
            "why",
            "payments",
            "SEC-12",
            "2027-01-31",
        )


def test_a_token_is_no_ticket() -> None:
    secret = "ghp_" + "a1B2c3D4e5" * 4
    file, _ = checked("pod.yaml", on_api(f"# kscan:ignore T-0001 ticket={secret} -- why"))
    found = [f.disposition for part in file.parts for f in part.findings if f.disposition]
    assert found
    assert all(secret not in one.ticket for one in found)
