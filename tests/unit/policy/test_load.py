"""Control and framework files: what is read, and one problem at the right place for each mistake."""

from __future__ import annotations

import json

import pytest

from kscan_lsp import paths
from kscan_lsp.findings import Severity
from kscan_lsp.policy import load as loading
from kscan_lsp.policy import model as policies
from kscan_lsp.policy.explain import page
from kscan_lsp.policy.matching import includes
from kscan_lsp.policy.memo import MAX_AGE, PolicyMemo
from kscan_lsp.yaml.document import read_document

USE_ALONE = "a check with 'use' takes over another control's checks and has no other key but 'match'"
NO_KEY = """'.' cannot stand here; write an unusual key as ["key"] (column 3 of 'a..b')"""

CONTROL = """\
id: KS-0001
title: Title
score: 7.5
description: What it is.
remediation: What to do.
inputs:
  known: [a]
checks:
- each: containers
  let: {named: "container.name != ''"}
  deny: named
  at: image
  message: "container {container.name}"
  fix:
    set: {image: x}
"""

FRAMEWORK = """\
id: mine
title: Mine
aliases: [My-Own]
controls:
- id: KS-0001
  section: "1.1"
"""


def load(*texts: str, base: policies.PolicySet | None = None) -> policies.PolicySet:
    return loading.load([(f"{n}.yaml", read_document(text)) for n, text in enumerate(texts)], base)


def problems(*texts: str, base: policies.PolicySet | None = None) -> list[tuple[str, int, int, str, str]]:
    """(file, line, column, marked text, message) of every problem, line and column counted from 1."""
    known = base.problems if base else ()
    found = []
    for entry in load(*texts, base=base).problems[len(known) :]:
        at = entry.document.lines.position(entry.problem.span.start)
        marked = entry.document.text[slice(*entry.problem.span)]
        found.append((entry.source, at.line + 1, at.column + 1, marked, entry.problem.message))
    return found


def changed(old: str, new: str) -> str:
    assert CONTROL.count(old) == 1
    return CONTROL.replace(old, new)


def test_a_control() -> None:
    control = load(CONTROL).controls["KS-0001"]
    assert control.severity is Severity.HIGH
    assert control.fixable
    assert control.inputs == {"known": ("a",)}
    (check,) = control.checks
    assert check.control == "KS-0001"
    assert check.each.start == "containers"
    assert check.match is None
    assert [target.parts for target in check.at] == [("image",)]
    assert [(o.verb, o.value) for o in check.fix.operations] == [("set", "x")]
    assert not load(CONTROL).problems


def test_a_control_may_read_the_inputs_of_another() -> None:
    reader = changed("id: KS-0001", "id: KS-0002").replace("inputs:\n  known: [a]\n", "")
    reader = reader.replace("deny: named", "deny: size(inputs.known) > 0")
    assert problems(reader, CONTROL) == []
    assert problems(reader, base=load(CONTROL)) == []
    assert [found[4] for found in problems(reader)] == ["no control declares an input 'known'"]


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        # shape
        ("title: Title", "titel: Title", (2, 1, "titel"), "unknown key 'titel'; did you mean 'title'?"),
        ("checks:", "cheks:", (8, 1, "cheks"), "unknown key 'cheks'; did you mean 'checks'?"),
        ("description: What it is.\n", "", (1, 1, "id: KS-0001"), "'description' is missing"),
        (
            "id: KS-0001",
            "id: mine",
            (1, 5, "mine"),
            "'id' must be capital letters, a hyphen and four digits, such as ORG-0001",
        ),
        ("score: 7.5", "score: high", (3, 8, "high"), "'score' must be a number"),
        ("score: 7.5", "score: 11", (3, 8, "11"), "'score' must be less than or equal to 10"),
        (
            "  known: [a]",
            "  known: a",
            (7, 10, "a"),
            (
                "an input is a list of texts, or says what it is, as {type: number, default: 20} and "
                "{type: map, default: {name: [one, another]}} do"
            ),
        ),
        (
            "deny: named",
            "deny: file.startsWith('prod/')",
            (11, 9, "file"),
            (
                "undeclared reference to 'file'; a control sees objects, and of the file that one is in its 'path'"
                " alone (at 1:1 of the expression)"
            ),
        ),
        ("deny: named", "deny: true", (11, 9, "true"), "'deny' must be a string; quote it"),
        ("at: image", "at: 5", (12, 7, "5"), "'at' must be a string; quote it"),
        ("at: image", "at: [image, 5]", (12, 15, "5"), "each entry of 'at' must be a string; quote it"),
        ("at: image", "match: pods", (12, 10, "pods"), "'match' must be 'workloads', or a list"),
        (
            "at: image",
            "match: [{kinds: [Srevice]}]",
            (12, 20, "Srevice"),
            "no kind 'Srevice'; did you mean 'Service'?",
        ),
        (
            "at: image",
            "match: [{kinds: [pods]}]",
            (12, 20, "pods"),
            "'pods' is no kind: kinds begin with a capital letter and are singular, like 'Pod'",
        ),
        (
            "at: image",
            "match: [{groups: [apps/v1], kinds: [Deployment]}]",
            (12, 21, "apps/v1"),
            "'apps/v1' is a group with a version; write 'apps'",
        ),
        (
            "at: image",
            "match: [{groups: [v1], kinds: [Pod]}]",
            (12, 21, "v1"),
            "'v1' is a group with a version; write ''",
        ),
        (
            "deny: named",
            "deny: !named",
            (11, 9, "!named"),
            "what begins with '!' is a tag in YAML and means nothing here; put the text into quotes",
        ),
        ("at: image", "match: [{kinds: Pod}]", (12, 19, "Pod"), "'kinds' must be a list"),
        (
            "at: image",
            "match: [{kinds: [Pod], group: x}]",
            (12, 26, "group"),
            "unknown key 'group'; did you mean 'groups'?",
        ),
        (
            "  deny: named\n",
            "",
            (9, 3, "each: containers"),
            "a check needs 'deny': a CEL expression that is true where the control fails",
        ),
        (
            '  message: "container {container.name}"\n',
            "",
            (9, 3, "each: containers"),
            "a check needs 'message': what to tell the user at the place that fails",
        ),
        (
            "    set: {image: x}",
            "    sett: {image: x}",
            (15, 5, "sett"),
            "unknown key 'sett'; did you mean 'set'?",
        ),
        (
            "    set: {image: x}",
            "    safe: true",
            (15, 5, "safe: true"),
            "a fix needs at least one of set, add, remove, rename, choose and toSecret",
        ),
        (
            "    set: {image: x}",
            "    choose: {image: known, name: known}",
            (15, 5, "choose: {image: known, name: known}"),
            "a fix can choose one value only",
        ),
        ("each: containers", "use: C-0001", (9, 3, "use: C-0001"), USE_ALONE),
        # expressions
        (
            "deny: named",
            "deny: a b",
            (11, 11, "b"),
            "Syntax error: extraneous input 'b' expecting <EOF> (at 1:3 of the expression)",
        ),
        (
            "deny: named",
            "deny: contaner",
            (11, 9, "contaner"),
            "undeclared reference to 'contaner'; did you mean 'container'? (at 1:1 of the expression)",
        ),
        (
            "deny: named",
            "deny: \"'x'\"",
            (11, 9, "\"'x'\""),
            "gives text, not true or false (at 1:1 of the expression)",
        ),
        (
            "deny: named",
            "deny: size(inputs.knwon) > 0",
            (11, 21, "knwon"),
            "no control declares an input 'knwon'; did you mean 'known'?",
        ),
        (
            "at: image",
            "when: '5'",
            (12, 9, "'5'"),
            "gives a number, not true or false (at 1:1 of the expression)",
        ),
        (
            "{container.name}",
            "{container.name",
            (13, 23, "{"),
            "'{' is never closed: write '{{' for a brace (at 1:11 of the expression)",
        ),
        (
            "{container.name}",
            "{nobody}",
            (13, 24, "nobody"),
            "undeclared reference to 'nobody' (at 1:12 of the expression)",
        ),
        (
            "{container.name}",
            "{inputs.no}",
            (13, 31, "no"),
            "no control declares an input 'no'; known are known",
        ),
        (
            "let: {named:",
            "let: {pod:",
            (10, 9, "pod"),
            "'pod' cannot be the name of a let: it is taken, or not an identifier",
        ),
        (
            "let: {named:",
            "let: {a-b:",
            (10, 9, "a-b"),
            "'a-b' cannot be the name of a let: it is taken, or not an identifier",
        ),
        (
            "!= ''\"}",
            "= ''\"}",
            (10, 32, "="),
            "Syntax error: token recognition error at: '= '; '==' compares (at 1:16 of the expression)",
        ),
        (
            "\"container.name != ''\"}",
            "later, later: '1'}",
            (10, 16, "later"),
            "undeclared reference to 'later' (at 1:1 of the expression)",
        ),
        # paths
        (
            "each: containers",
            "each: 'volumes[*'",
            (9, 9, "'volumes[*'"),
            "in brackets stands an index, * or a \"quoted key\" (column 9 of 'volumes[*')",
        ),
        (
            "each: containers",
            "each: 'container.env[*]'",
            (9, 9, "'container.env[*]'"),
            "nothing has 'container' at its top; did you mean 'containers'?",
        ),
        (
            "each: containers",
            "each: resource.spec",
            (9, 9, "resource.spec"),
            "nothing has 'resource' at its top; did you mean 'object'?",
        ),
        ("at: image", "at: a..b", (12, 7, "a..b"), NO_KEY),
        (
            "at: image",
            "at: [image, 'env[*]']",
            (12, 15, "'env[*]'"),
            "'[*]' stands for many elements, and one is wanted: env[*]",
        ),
        (
            "at: image",
            "at: 'env[{nobody}]'",
            (12, 7, "'env[{nobody}]'"),
            "undeclared reference to 'nobody' (at 1:1 of the expression)",
        ),
        (
            "at: image",
            "at: 'env[{index]'",
            (12, 7, "'env[{index]'"),
            "'{' has no counterpart, or stands inside other braces: env[{index]",
        ),
        ("at: image", "at: item.name", (12, 7, "item.name"), "there is no item in what 'each' judges"),
        ("set: {image: x}", "set: {a..b: x}", (15, 11, "a..b"), NO_KEY),
        ("set: {image: x}", "add: {item.x: y}", (15, 11, "item.x"), "there is no item in what 'each' judges"),
        ("set: {image: x}", "remove: [a..b]", (15, 14, "a..b"), NO_KEY),
        (
            "set: {image: x}",
            "choose: {image: knwon}",
            (15, 21, "knwon"),
            "no control declares an input 'knwon'; did you mean 'known'?",
        ),
        ("set: {image: x}", "set: {image: {expr: 1 +}}", (15, 25, "1 +"), None),
        (
            "set: {image: x}",
            "set: {image: x}\n    when: 'null'",
            (16, 11, "'null'"),
            "gives null, not true or false (at 1:1 of the expression)",
        ),
        # use
        (
            "- each: containers",
            "- use: KS-0001\n- each: containers",
            (9, 8, "KS-0001"),
            "unknown control 'KS-0001'",
        ),
    ],
)
def test_a_mistake_is_one_problem_and_costs_the_control(
    old: str, new: str, place: tuple[int, int, str], message: str | None
) -> None:
    text = changed(old, new)
    found = problems(text)
    assert [entry[:4] for entry in found] == [("0.yaml", *place)]
    assert message is None or found[0][4] == message
    loaded = load(CONTROL.replace("KS-0001", "KS-0002"), text)
    assert list(loaded.controls) == ["KS-0002"]


@pytest.mark.parametrize("anchor", ["container", "effective"])
def test_only_containers_have_a_container(anchor: str) -> None:
    text = changed("each: containers", "each: pod").replace("at: image", f"at: {anchor}.image")
    text = text.replace("deny: named", "deny: has(pod.hostPID)")
    assert problems(text) == [
        ("0.yaml", 12, 7, f"{anchor}.image", f"there is no {anchor} in what 'each' judges")
    ]


@pytest.mark.parametrize("text", ["", "# nothing\n", "[]\n", "text\n"])
def test_a_file_with_neither(text: str) -> None:
    (problem,) = load(text).problems
    assert problem.problem.message == "this file holds neither a control nor a framework"
    assert problem.problem.fatal


def test_a_file_that_does_not_parse() -> None:
    loaded = load(CONTROL + "  bad: [\n", CONTROL.replace("KS-0001", "KS-0002"))
    assert [p.problem.code for p in loaded.problems] == ["syntax"]
    assert list(loaded.controls) == ["KS-0002"]


def test_the_first_of_two_with_one_id_counts() -> None:
    second = CONTROL.replace("Title", "Another")
    assert problems(CONTROL, second) == [
        ("1.yaml", 1, 5, "KS-0001", "KS-0001 is already defined in 0.yaml; give one of them another id")
    ]
    assert load(CONTROL, second).controls["KS-0001"].title == "Title"
    assert [p[:2] for p in problems(CONTROL, FRAMEWORK, FRAMEWORK)] == [("2.yaml", 1)]


def test_own_policies_replace_those_they_are_added_to() -> None:
    base = load(CONTROL, FRAMEWORK)
    loaded = load(CONTROL.replace("Title", "Another"), base=base)
    assert loaded.problems == ()
    assert loaded.controls["KS-0001"].title == "Another"
    assert list(loaded.frameworks) == ["mine"]
    assert load(CONTROL.replace("deny: named", "deny: 1 +"), base=base).controls["KS-0001"].title == "Title"


def using(name: str, number: int = 2) -> str:
    return CONTROL.replace("KS-0001", f"KS-000{number}").split("checks:")[0] + f"checks:\n- use: {name}\n"


def test_use_takes_over_the_checks_of_another_control() -> None:
    for texts in ([CONTROL, using("KS-0001")], [using("KS-0001"), CONTROL]):
        loaded = load(*texts)
        assert loaded.problems == ()
        (own,), (used,) = (loaded.controls[i].checks for i in ("KS-0001", "KS-0002"))
        assert (own.control, used.control) == ("KS-0001", "KS-0002")
        assert own.deny is used.deny
    loaded = load(using("KS-0001"), base=load(CONTROL))
    assert [check.control for check in loaded.controls["KS-0002"].checks] == ["KS-0002"]


def test_use_needs_a_control_that_is_right_and_has_checks_of_its_own() -> None:
    assert problems(CONTROL, using("KS-0003")) == [
        ("1.yaml", 9, 8, "KS-0003", "unknown control 'KS-0003'; did you mean 'KS-0001'?")
    ]
    assert problems(CONTROL, using("KS-0001"), using("KS-0002", 3)) == [
        ("2.yaml", 9, 8, "KS-0002", "control KS-0002 takes its checks from KS-0001; use that one directly")
    ]
    found = problems(changed("deny: named", "deny: 1 +"), using("KS-0001"))
    assert [(entry[0], entry[3]) for entry in found] == [("0.yaml", "1 +"), ("1.yaml", "KS-0001")]
    assert found[1][4] == "control KS-0001 is wrong itself, so its checks cannot be used"


def test_a_framework() -> None:
    loaded = load(FRAMEWORK, CONTROL)
    assert loaded.problems == ()
    framework = loaded.frameworks["mine"]
    assert framework.members["KS-0001"].section == "1.1"
    assert not framework.whole
    for name in ("mine", "MINE", "my-own"):
        assert loaded.framework(name) is framework
    assert loaded.framework("yours") is None
    whole = load("id: every\ntitle: Every\ncontrols: all\n").frameworks["every"]
    assert whole.whole
    assert not load("id: none\ntitle: None\ncontrols: []\n").frameworks["none"].whole


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (
            FRAMEWORK.replace("id: mine", "id: Mi ne"),
            (1, 5, "Mi ne"),
            "'id' must be lower-case letters and digits, with '.', '_' and '-' between them, such as bank-baseline",
        ),
        (
            FRAMEWORK.replace("controls:", "contrls:"),
            (4, 1, "contrls"),
            "unknown key 'contrls'; did you mean 'controls'?",
        ),
        (
            FRAMEWORK.replace("KS-0001", "KS-0011"),
            (5, 7, "KS-0011"),
            "unknown control 'KS-0011'; did you mean 'KS-0001'?",
        ),
        (
            FRAMEWORK + "excluded:\n- {id: KS-9999, reason: x}\n",
            (8, 8, "KS-9999"),
            "unknown control 'KS-9999'; known are KS-0001",
        ),
        ("id: a\ntitle: b\ncontrols: al\n", (3, 11, "al"), "'controls' must be 'all', or a list"),
        (
            "id: a\ntitle: b\ncontrols: [KS-0001]\n",
            (3, 12, "KS-0001"),
            "each entry of 'controls' must be a mapping",
        ),
    ],
)
def test_a_mistake_in_a_framework(text: str, place: tuple[int, int, str], message: str) -> None:
    assert problems(CONTROL, text) == [("1.yaml", *place, message)]


def test_a_file_with_two_documents_is_none() -> None:
    (problem,) = load(f"# first\n---\n{CONTROL}---\n{CONTROL}").problems
    assert problem.problem.message.startswith("a file holds one document")
    text = problem.document.text
    assert text[problem.problem.span.start :] == f"---\n{CONTROL}"
    assert load(f"# first\n---\n{CONTROL}").problems == ()


@pytest.mark.parametrize("kind", ["GlobalNetworkPolicy", "ServiceEntry", "IngressRoute", "Database"])
def test_kinds_of_others_can_be_matched(kind: str) -> None:
    assert load(changed("at: image", f"at: image\n  match: [{{kinds: [{kind}]}}]")).problems == ()
    assert (
        load(changed("at: image", "at: image\n  match: [{groups: [a.b], kinds: [Services]}]")).problems == ()
    )


def test_a_framework_with_an_unknown_control_keeps_the_others() -> None:
    loaded = load(CONTROL, FRAMEWORK + "- id: KS-9999\n")
    assert len(loaded.problems) == 1
    assert "KS-0001" in loaded.frameworks["mine"].members


def test_match() -> None:
    def check(match: str):
        text = changed("each: containers", f"each: resource\n  match: {match}").replace(
            "container.name", "object.kind"
        )
        return load(text).controls["KS-0001"].checks[0]

    workloads = check("workloads").match
    assert includes(workloads, "apps", "Deployment", workload=True)
    assert not includes(workloads, "", "Service", workload=False)
    roles = check("[{groups: [rbac.authorization.k8s.io], kinds: [Role, ClusterRole]}]").match
    assert includes(roles, "rbac.authorization.k8s.io", "Role", workload=False)
    assert not includes(roles, "", "Role", workload=False)
    assert includes(check("[{kinds: [Role]}]").match, "any.group", "Role", workload=False)
    assert includes(check("[{groups: [apps], kinds: ['*']}]").match, "apps", "Whatever", workload=False)


USER = """\
id: KS-0002
title: Title
score: 5
description: What it is.
remediation: What to do.
inputs:
  own: [b]
checks:
- use: KS-0001
"""


def test_the_checks_of_another_control_come_with_the_inputs_they_read() -> None:
    user = load(CONTROL, USER).controls["KS-0002"]
    assert user.inputs == {"known": ("a",), "own": ("b",)}
    assert [(check.control, check.match) for check in user.checks] == [("KS-0002", None)]


def test_the_checks_of_another_control_for_other_objects() -> None:
    user = load(CONTROL, USER + "  match: [{groups: [x.io], kinds: [Box]}]\n").controls["KS-0002"]
    (check,) = user.checks
    assert check.match == ((("x.io",), ("Box",)),)
    assert load(CONTROL).controls["KS-0001"].checks[0].match is None


NEEDS = """\
id: KS-0003
title: Title
score: 5
description: What it is.
remediation: What to do.
needs: a look at the sky
"""


def test_a_control_that_no_manifest_answers() -> None:
    control = load(NEEDS).controls["KS-0003"]
    assert control.unanswered == "no manifest says this; it takes a look at the sky"
    assert (control.checks, control.match, control.fixable) == ((), None, False)
    about = load(NEEDS + "match: [{kinds: [Node]}]\n").controls["KS-0003"].match
    assert includes(about, "", "Node", workload=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (NEEDS.replace("needs: a look at the sky\n", ""), "a control has either 'checks' or 'needs'"),
        (CONTROL + "needs: more\n", "a control has either 'checks' or 'needs'"),
        (CONTROL + "match: workloads\n", "'match' stands in a check, unless the control has 'needs'"),
    ],
)
def test_a_control_has_checks_or_says_what_it_needs(text: str, message: str) -> None:
    assert [problem[-1] for problem in problems(text)] == [message]


def test_paths_of_each_and_at() -> None:
    text = changed("each: containers", "each: 'containers.env[*].valueFrom'").replace(
        "at: image", "at: [container.x, '[\"a.b\"]']"
    )
    (check,) = load(text).controls["KS-0001"].checks
    assert (check.each.start, check.each.steps) == ("containers", ("env", paths.EACH, "valueFrom"))
    assert [(t.anchor, t.parts) for t in check.at] == [("container", ("x",)), ("", ("a.b",))]


@pytest.mark.parametrize(
    "deny",
    [
        "container.name == '' // inputs.nothing",
        "container.name == 'inputs.nothing'",
        "inputs['known'].size() > 1 && inputs[?'known'].hasValue()",
        "inputs.known.exists(inputs, inputs == 'nothing')",
    ],
)
def test_a_comment_or_a_text_reads_no_input(deny: str) -> None:
    assert problems(changed("deny: named", f"deny: {json.dumps(deny)}")) == []


@pytest.mark.parametrize(
    "read", ["inputs['knwon']", 'inputs["knwon"]', "inputs.knwon", "inputs.?knwon.orValue([])"]
)
def test_an_input_that_nobody_declares_is_found_however_it_is_read(read: str) -> None:
    found = problems(changed("deny: named", f"deny: {json.dumps(f'{read}.size() > 1')}"))
    assert [(line, message) for _, line, _, _, message in found] == [
        (11, "no control declares an input 'knwon'; did you mean 'known'?")
    ]


IMAGES = """\
id: KS-0002
title: Vulnerable
score: 9
description: What it is.
remediation: What to do.
needs: the vulnerabilities of its image
evidence: images
checks:
- each: containers
  deny: evidence.images.size() > 0
  message: "container {container.name}"
"""


def test_a_control_that_reads_evidence() -> None:
    found = load(IMAGES)
    assert found.problems == ()
    control = found.controls["KS-0002"]
    assert (control.evidence, control.needs) == ("images", "the vulnerabilities of its image")
    assert len(control.checks) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (IMAGES.replace("evidence: images\n", "").replace("needs: the vulnerabilities of its image\n", ""),
         "'evidence.images' is not there for this control; add 'evidence: images' to the control"),
        (IMAGES.replace("evidence: images", "evidence: signatures"),
         "'evidence.images' is not there for this control; this control says that it reads 'evidence.signatures'"),
        (IMAGES.replace("needs: the vulnerabilities of its image\n", ""),
         "a control with 'evidence' has 'checks' that read it, and says in 'needs' what it is"),
        (IMAGES[: IMAGES.index("checks:")],
         "a control with 'evidence' has 'checks' that read it, and says in 'needs' what it is"),
        (IMAGES.replace("evidence: images\n", ""), "a control has either 'checks' or 'needs'"),
        (IMAGES.replace("evidence: images\n", "evidence: images\nmatch: workloads\n"),
         "'match' stands in a check, unless it has none"),
        (IMAGES.replace("evidence.images.size()", "evidence[container.name].size()"),
         "'evidence' is not there for this control; this control says that it reads 'evidence.images'"),
    ],
)  # fmt: skip
def test_evidence_is_asked_for_by_name(text: str, message: str) -> None:
    assert [problem.problem.message for problem in load(text).problems] == [message]


EVIDENCE_USER = """\
id: KS-0003
title: Uses it
score: 9
description: What it is.
remediation: What to do.
checks:
- use: KS-0002
"""


def test_checks_that_read_evidence_are_taken_over_by_who_says_so() -> None:
    assert problems(IMAGES, EVIDENCE_USER) == [
        (
            "1.yaml",
            7,
            8,
            "KS-0002",
            "control KS-0002 reads 'evidence.images'; say 'evidence: images' here, too",
        )
    ]
    says = EVIDENCE_USER.replace("checks:", "needs: the same\nevidence: images\nchecks:")
    assert problems(IMAGES, says) == []
    assert problems(says, base=load(IMAGES)) == []
    assert len(load(IMAGES, says).controls["KS-0003"].checks) == 1


def test_a_control_that_reads_evidence_says_when_it_is_evaluated() -> None:
    control = load(IMAGES).controls["KS-0002"]
    expected = f"Evaluated only with evidence (images): no manifest says this; it takes {control.needs}."
    assert expected in page(control, control.severity, ()).replace("**", "")
    assert "valuated" not in page(load(CONTROL).controls["KS-0001"], control.severity, ())


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("at: image", "at: 'ports[{inputs.knwon.size()}]'", (12, 7)),
        ("    set: {image: x}", "    set: {'ports[{inputs.knwon.size()}]': x}", (15, 11)),
        ("    set: {image: x}", "    set: {image: {expr: 'inputs.knwon[0]'}}", (15, 33)),
        ("    set: {image: x}", "    set: {image: x}\n    when: inputs.knwon.size() > 0", (16, 18)),
        ('"container {container.name}"', '"container {inputs.knwon}"', (13, 31)),
    ],
)
def test_an_input_that_nobody_declares_is_found_wherever_it_is_read(old, new, place) -> None:
    (found,) = problems(changed(old, new))
    assert found[1:3] == place
    assert found[4] == "no control declares an input 'knwon'; did you mean 'known'?"


def test_a_key_in_one_of_many_files_compiles_one(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [CONTROL.replace("KS-0001", f"KS-{number:04}") for number in range(1, 31)]
    compiled: list[str] = []
    really = loading._compile

    def counted(draft, *rest):
        compiled.append(draft.file.id)
        return really(draft, *rest)

    monkeypatch.setattr(loading, "_compile", counted)
    memo = PolicyMemo()

    def read() -> policies.PolicySet:
        return loading.load(
            [(f"{number}.yaml", memo.document(text, json=False)) for number, text in enumerate(texts)],
            memo=memo,
        )

    first = read()
    assert len(compiled) == 30
    compiled.clear()
    assert read().controls == first.controls
    assert compiled == []
    texts[7] = texts[7].replace("Title", "Other")
    after = read()
    assert compiled == ["KS-0008"]
    assert after.controls["KS-0008"].title == "Other"
    assert after.controls["KS-0009"] is first.controls["KS-0009"]
    texts[3] = texts[3].replace("known: [a]", "known: [a]\n  more: [b]")
    compiled.clear()
    read()  # another input is no reason to compile those that do not name it
    assert compiled == ["KS-0004"]
    assert all(entries <= bound for entries, bound in memo.fill().values())


def test_a_control_is_compiled_again_when_an_input_it_names_is_no_longer_declared() -> None:
    reader = changed("id: KS-0001", "id: KS-0002").replace("inputs:\n  known: [a]\n", "")
    reader = reader.replace("deny: named", "deny: size(inputs.known) > 0")
    memo = PolicyMemo()

    def found(*texts: str) -> list[str]:
        sources = [(f"{n}.yaml", memo.document(text, json=False)) for n, text in enumerate(texts)]
        return [problem.problem.message for problem in loading.load(sources, memo=memo).problems]

    other = changed("known: [a]", "other: [a]")
    assert found(reader, CONTROL) == []
    assert found(reader, other) == ["no control declares an input 'known'; known are other"]
    assert found(reader, other.replace("other", "knwon")) == [
        "no control declares an input 'known'; did you mean 'knwon'?"
    ]
    assert found(reader, CONTROL) == []


def test_a_memo_forgets_the_texts_of_keys_typed_long_ago() -> None:
    memo = PolicyMemo()
    kept = [CONTROL.replace("KS-0001", f"KS-{number:04}") for number in range(2, 12)]
    for number in range(100):
        typed = changed("What it is.", f"What it is {number}.")
        loading.load(
            [(f"{n}.yaml", memo.document(text, json=False)) for n, text in enumerate([typed, *kept])],
            memo=memo,
        )
        entries, _ = memo.fill()["documents"]
        assert entries <= len(kept) + MAX_AGE + 1


def test_what_a_memo_gives_is_what_is_found_without_one() -> None:
    memo = PolicyMemo()
    for text in (CONTROL, CONTROL.replace("deny: named", "deny: nmaed"), IMAGES, "id: 5", CONTROL):
        document = memo.document(text, json=False)
        for _ in range(2):
            kept, fresh = loading.load([("a.yaml", document)], memo=memo), load(text)
            assert [p.problem for p in kept.problems] == [p.problem for p in fresh.problems]
            assert list(kept.controls) == list(fresh.controls)


A_LIST = "a list, and is judged as one thing; did you mean"


@pytest.mark.parametrize(
    ("each", "deny", "message"),
    [
        ("resource", "container.image == ''", "'container' has no value here; add 'each: containers'"),
        ("pod.volumes[*]", "role == 'init'", "'role' has no value here; add 'each: containers'"),
        ("resource", "item == 1", "'item' has no value here; 'each' names no items, as 'each: pod.volumes[*]' does"),
        ("pod.volumes", "key == 1", "'key' has no value here; 'each' names no items, as 'each: pod.volumes[*]' does"),
        ("spec.containers", "item.image == ''", f"'spec.containers' is {A_LIST} 'spec.containers[*]'?"),
        ("containers.env", "item.value == ''", f"'containers.env' is {A_LIST} 'containers.env[*]'?"),
        ("pod.hostAliases", "size(item) > 0", ""),
        ("pod.volumes[*]", "item.name == '' && index == 0", ""),
        ("metadata.labels[*]", "key == ''", ""),
        ("spec.unknown", "item.name == ''", ""),
    ],
)  # fmt: skip
def test_what_is_asked_must_be_about_what_is_judged(each: str, deny: str, message: str) -> None:
    text = f"""\
id: KS-0001
title: T
score: 5
category: x
description: d
remediation: r
references: []
checks:
- each: {each}
  deny: "{deny}"
  message: m
"""
    assert [found[4] for found in problems(text)] == ([message] if message else [])


def test_an_unknown_relation_is_told_which_there_are() -> None:
    (found,) = problems(changed("at: image", "at: image\n  relations: {x: externalSecrets}"))
    assert found[4].startswith("unknown relation 'externalSecrets'; there are workloads, networkPolicies, ")
    (found,) = problems(changed("at: image", "at: image\n  relations: {x: workload}"))
    assert found[4] == "unknown relation 'workload'; did you mean 'workloads'?"


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("low", Severity.LOW),
        ("medium", Severity.MEDIUM),
        ("high", Severity.HIGH),
        ("critical", Severity.CRITICAL),
    ],
)
def test_severity_by_word(word: str, severity: Severity) -> None:
    known = load(CONTROL.replace("score: 7.5", f"severity: {word}"))
    assert known.controls["KS-0001"].severity is severity


@pytest.mark.parametrize("said", ["severity: high\nscore: 7.5", "category: both are missing"])
def test_a_control_says_once_how_severe_it_is(said: str) -> None:
    [(*_, message)] = problems(CONTROL.replace("score: 7.5", said))
    assert message == "a control says how severe it is: a 'score' from 0 to 10, or a 'severity' by its name"


def test_relations_to_any_kind_have_to_name_one() -> None:
    asked = CONTROL.replace(
        "  deny: named", "  relations: {others: 'namespace:ResourceQuota'}\n  deny: others.size() > 0"
    )
    assert not problems(asked)
    [(*_, marked, message)] = problems(asked.replace("namespace:ResourceQuota", "namespace:quotas"))
    assert marked == "'namespace:quotas'"
    assert message.startswith("unknown relation 'namespace:quotas'")
