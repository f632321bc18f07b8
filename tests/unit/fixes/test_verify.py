"""A fix is what the control says, made on the text, and is offered only if it holds."""

from __future__ import annotations

import pytest
from support.judging import FILE, project_of

from kscan_lsp import paths
from kscan_lsp.fixes import verify
from kscan_lsp.fixes.verify import Site, fixes_of
from kscan_lsp.text import Span, TextEdit, apply_edits

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostNetwork: true
  containers:
  - name: api
    image: api:1
    args: [one, two, three]
  - name: proxy
    image: proxy:1
"""


def check(each: str, deny: str, fix: str, at: str = "") -> str:
    """A check with a fix."""
    keys = f"  at: {at}\n" if at else ""
    fix = f"  fix: {{{fix}}}\n" if fix else ""
    return f'- each: {each}\n  deny: "{deny}"\n{keys}  message: m\n{fix}'


def offered(
    checks: str | dict[str, str], text: str = POD, **others: str
) -> list[tuple[str, bool, str]] | str:
    """The fixes of the first finding of `T-0001`, as title, whether it is safe, and text; or why there is none."""
    project = project_of(checks, a=text, **others)
    for number, part in enumerate(project.files[FILE].parts):
        for finding in part.findings:
            if finding.control == "T-0001":
                options, reason = fixes_of(Site(project, FILE, number), finding)
                for option in options:
                    assert apply_edits(part.document.text, option.edits) == option.text
                assert bool(options) == (reason == "")
                return [(option.title, option.safe, option.text) for option in options] or reason
    raise AssertionError("there is no finding")


def fixed(checks: str | dict[str, str], text: str = POD, **others: str) -> str:
    """The text with the one fix of the first finding made."""
    options = offered(checks, text, **others)
    assert isinstance(options, list), options
    ((_, _, after),) = options
    return after


UNTAGGED = "container.image.endsWith(':1')"


@pytest.mark.parametrize(
    ("deny", "fix", "old", "new"),
    [
        ("container.image == 'api:1'", "set: {image: 'api:2'}", "api:1", "api:2"),
        (
            "!has(container.tty)",
            "set: {tty: false}",
            "three]\n",
            "three]\n    tty: false\n",
        ),
        (
            "!has(container.securityContext)",
            "set: {securityContext.capabilities.drop: [ALL]}",
            "three]\n",
            "three]\n    securityContext:\n      capabilities:\n        drop:\n        - ALL\n",
        ),
        ("!('four' in container.args)", "add: {args: four}", "three]", "three, four]"),
        (
            "!has(container.env)",
            "add: {env: {name: A, value: b}}",
            "three]\n",
            "three]\n    env:\n    - name: A\n      value: b\n",
        ),
        ("has(container.args)", "remove: [args]", "    args: [one, two, three]\n", ""),
        ("has(container.args)", "remove: [args, none]", "    args: [one, two, three]\n", ""),
        (
            "container.args.size() == 3",
            "remove: ['args[0]', 'args[2]']",
            "[one, two, three]",
            "[two]",
        ),
        (
            "container.args.size() == 3",
            "remove: ['args[2]', 'args[0]'], set: {'args[1]': four}",
            "[one, two, three]",
            "[four]",
        ),
        (
            "pod.hostNetwork",
            "set: {pod.hostNetwork: false, image: api}",
            "hostNetwork: true\n  containers:\n  - name: api\n    image: api:1\n",
            "hostNetwork: false\n  containers:\n  - name: api\n    image: api\n",
        ),
        (
            "container.name == 'api'",
            "set: {name: {expr: \"container.name + 's'\"}}",
            "name: api",
            "name: apis",
        ),
        (
            "!has(container.livenessProbe)",
            "set: {livenessProbe.periodSeconds: {expr: container.args.size() + 1}}",
            "three]\n",
            "three]\n    livenessProbe:\n      periodSeconds: 4\n",
        ),
        (
            "container.args.size() == 3",
            "set: {'args[{container.args.size() - 1}]': x}, remove: ['args[0]']",
            "[one, two, three]",
            "[two, x]",
        ),
    ],
)
def test_a_fix_does_what_its_operations_say(deny: str, fix: str, old: str, new: str) -> None:
    assert fixed(check("containers", deny, fix)) == POD.replace(old, new)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_fix_of_a_document_leaves_the_others(line_end: str) -> None:
    text = f"# first\n---\n{POD}---\n{POD}".replace("\n", line_end)
    fix = check("pod", "pod.hostNetwork", "set: {hostNetwork: false}")
    assert fixed(fix, text) == f"---\n{POD}".replace("true", "false").replace("\n", line_end)


def test_a_fix_in_a_list_of_objects() -> None:
    pod = "apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n  spec: {hostNetwork: true}\n"
    text = f"apiVersion: v1\nkind: List\nitems:\n- {pod}- {pod}"
    fix = check("pod", "pod.?hostNetwork.orValue(false)", "remove: [hostNetwork]", "hostNetwork")
    assert fixed(fix, text) == text.replace("{hostNetwork: true}", "{}", 1)


def test_a_fix_in_json() -> None:
    text = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"hostNetwork": true}}'
    project = project_of(check("pod", "pod.hostNetwork", "set: {hostNetwork: false}"), a=text)
    (finding,) = project.files[FILE].parts[0].findings
    ((option,), _) = fixes_of(Site(project, FILE, 0), finding)
    assert option.text == text.replace("true", "false")
    assert (option.title, option.safe) == ("Set spec.hostNetwork to false", False)


# Several checks behind one finding


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True), (False, False)])
def test_a_fix_is_safe_only_if_all_of_it_is(first: bool, second: bool) -> None:
    checks = "".join(
        check("containers", UNTAGGED, f"set: {{{what}}}, safe: {str(safe).lower()}", "pod.hostNetwork")
        for what, safe in (("tty: false", first), ("stdin: false", second))
    )
    checks = checks.replace(
        UNTAGGED, "container.name == 'api' && !(has(container.tty) && has(container.stdin))"
    )
    assert offered(checks) == [
        (
            "Set tty of container 'api' to false and set stdin of container 'api' to false",
            first and second,
            POD.replace("three]\n", "three]\n    tty: false\n    stdin: false\n"),
        )
    ]


def test_what_several_checks_want_alike_is_done_once() -> None:
    one = check("containers", "pod.hostNetwork", "set: {pod.hostNetwork: false}", "pod.hostNetwork")
    assert offered(one) == [("Set spec.hostNetwork to false", False, POD.replace("true", "false"))]


@pytest.mark.parametrize("fixes", [("", "set: {hostNetwork: false}"), ("set: {hostNetwork: false}", "")])
def test_where_one_check_has_no_fix_there_is_none(fixes: tuple[str, str]) -> None:
    checks = "".join(check("pod", "pod.hostNetwork", fix, "hostNetwork") for fix in fixes)
    assert offered(checks) == "this control has no fix here"


# Conditions and choices


def test_a_fix_may_have_a_condition() -> None:
    fix = check("pod", "pod.hostNetwork", "set: {hostNetwork: false}, when: WHEN")
    assert fixed(fix.replace("WHEN", "pod.hostNetwork")) == POD.replace("true", "false")
    for no in ("'!pod.hostNetwork'", "pod.missing", "'pod.containers[0].name'"):
        assert offered(fix.replace("WHEN", no)) == "this control has no fix here"


def test_a_value_may_be_chosen() -> None:
    fix = check("pod", "!has(pod.priorityClassName)", "choose: {priorityClassName: names}")
    assert offered(fix) == [
        (f"Set spec.priorityClassName to {name}", False, f"{POD}  priorityClassName: {name}\n")
        for name in ("one", "two")
    ]


def test_a_choice_of_a_whole_number_is_one() -> None:
    fix = check("pod", "!has(pod.securityContext)", "choose: {securityContext.runAsUser: count}")
    # the other choice, `x`, is none that Kubernetes takes there
    assert fixed(fix) == f"{POD}  securityContext:\n    runAsUser: 3\n"
    name = check("pod", "!has(pod.hostname)", "choose: {hostname: count}")
    assert [text for *_, text in offered(name)] == [f'{POD}  hostname: "3"\n', f"{POD}  hostname: x\n"]


def test_a_condition_may_look_at_the_choice() -> None:
    fix = check("pod", "!has(pod.hostname)", "choose: {hostname: names}, when: \"choice.startsWith('t')\"")
    assert fixed(fix) == f"{POD}  hostname: two\n"


def test_several_checks_are_fixed_by_a_choice_that_suits_all() -> None:
    checks = check(
        "containers", "!has(pod.hostname)", "choose: {pod.hostname: names}, when: WHEN", "pod.hostname"
    )
    either = checks.replace("WHEN", "\"(container.name == 'api') == (choice == 'one')\"")
    assert offered(either) == "this control has no fix here"
    both = checks.replace("WHEN", "\"container.name == 'api' || choice == 'one'\"")
    assert fixed(both) == f"{POD}  hostname: one\n"


def test_a_given_title_is_not_for_choices() -> None:
    fix = check("pod", "!has(pod.hostname)", "title: Name it, choose: {hostname: names}")
    assert [title for title, *_ in offered(fix)] == ["Set spec.hostname to one", "Set spec.hostname to two"]
    given = check("pod", "pod.hostNetwork", "title: Leave the node, set: {hostNetwork: false}")
    assert [title for title, *_ in offered(given)] == ["Leave the node"]


@pytest.mark.parametrize(
    "fix", ["set: {hostname: {expr: pod.missing}}", "set: {'containers[{pod.missing}].tty': true}"]
)
def test_an_expression_without_a_value_makes_no_fix(fix: str) -> None:
    assert offered(check("pod", "pod.hostNetwork", fix)) == "this control has no fix here"


# What does not hold


def test_a_document_that_is_broken_is_repaired_first() -> None:
    text = POD.replace("    image: api:1\n", "    image api:1\n")
    fix = check("pod", "pod.hostNetwork", "set: {hostNetwork: false}", "hostNetwork")
    assert offered(fix, text) == "repair the syntax of this document first"


def test_where_there_is_no_edit_the_reason_says_what_to_write() -> None:
    text = POD.replace("metadata: {", "metadata: {own: &yes true, ").replace(
        "hostNetwork: true", "hostNetwork: *yes"
    )
    fix = check("pod", "pod.hostNetwork", "set: {hostNetwork: false}")
    reason = offered(fix, text)
    assert isinstance(reason, str)
    assert reason.endswith("set spec.hostNetwork to false by hand")


@pytest.mark.parametrize(
    ("fix", "reason"),
    [
        ("set: {hostIPC: false}", "the fix would not remove this finding; change it by hand"),
        ("set: {hostNetwork: true}", "the fix would not remove this finding; change it by hand"),
        (
            "set: {hostNetwork: false, hostPID: true}",
            "the fix would bring up T-0002, T-0003; change it by hand",
        ),
        (
            "set: {hostNetwork: false, hostIPC: x}",
            "the fix would leave something that cannot be judged; change it by hand",
        ),
        ("remove: [object.kind]", "the edit would leave text that is no manifest; change it by hand"),
    ],
)
def test_a_fix_that_does_not_hold_is_not_offered(fix: str, reason: str) -> None:
    checks = {
        "T-0001": check("pod", "pod.hostNetwork", fix, "hostNetwork"),
        "T-0002": check("pod", "pod.?hostPID.orValue(false)", "", "hostPID"),
        "T-0003": check("containers", "pod.?hostPID.orValue(false)", "", "pod.hostPID"),
    }
    assert offered(checks) == reason


def test_a_finding_may_lose_others_along_with_it() -> None:
    checks = {
        "T-0001": check("pod", "pod.?hostNetwork.orValue(false)", "remove: [hostNetwork]", "hostNetwork"),
        "T-0002": check("pod", "pod.?hostNetwork.orValue(false)", "", "hostNetwork"),
    }
    assert fixed(checks) == POD.replace("  hostNetwork: true\n", "")


SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}}
"""


def test_a_fix_must_bring_up_nothing_in_another_file() -> None:
    checks = {
        "T-0001": check(
            "resource",
            "object.metadata.?labels.?app.hasValue()",
            "remove: [metadata.labels]",
            "metadata.labels",
        ),
        "T-0002": "- match: [{groups: [''], kinds: [Service]}]\n  relations: {pods: workloads}\n"
        "  deny: pods.size() == 0\n  message: m\n",
    }
    text = POD.replace("{name: web}", "{name: web, labels: {app: shop}}")
    assert fixed(checks, text) == text.replace(", labels: {app: shop}", "")
    reason = "the fix would bring up T-0002; change it by hand"
    assert offered(checks, text, service=SERVICE) == reason
    other = text.replace("name: web,", "name: other,")
    assert fixed(checks, text, service=SERVICE, other=other) == text.replace(", labels: {app: shop}", "")


def test_each_of_two_alike_is_fixed_by_itself() -> None:
    checks = check("containers", "container.image.endsWith(':1')", "set: {image: x}", "image")
    project = project_of(checks, a=POD)
    findings = project.files[FILE].parts[0].findings
    texts = [fixes_of(Site(project, FILE, 0), finding)[0][0].text for finding in findings]
    assert [paths.show(finding.path) for finding in findings] == [
        "spec.containers[0].image",
        "spec.containers[1].image",
    ]
    assert texts == [POD.replace("api:1", "x"), POD.replace("proxy:1", "x")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "hostNetwork: false\n  hostPID: false",
            "the edit would change more than the fix says; change it by hand",
        ),
        (
            "hostNetwork: false\n  hostNetwork: false",
            "the edit would leave text that does not parse; change it by hand",
        ),
        ("hostNetwork: [", "the edit would leave text that does not parse; change it by hand"),
    ],
)
def test_an_edit_that_is_not_what_the_fix_says_is_not_offered(
    monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    """No edit is known to be wrong; one that is must not reach anybody's file."""
    start = POD.index("hostNetwork")
    wrong = TextEdit(Span(start, start + len("hostNetwork: true")), text)
    monkeypatch.setattr(verify.edits, "set_value", lambda *_: wrong)
    checks = check("pod", "pod.hostNetwork", "set: {hostNetwork: false}", at="hostNetwork")
    assert offered(checks) == reason
