"""A credential that stands in a manifest comes from a Secret: which one, how it is written, and what is said then."""

from __future__ import annotations

from datetime import date

import pytest

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.fixes.fix_all import fix_all
from kscan_lsp.fixes.secrets import MAX_CHOICES, PLACEHOLDER
from kscan_lsp.fixes.verify import Site, fixes_of
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.policies import complete_policies
from kscan_lsp.workspace.project import Project

POLICIES = complete_policies()
VALUE = "hunter2trout"
"""What must not be printed."""


def pod(env: str, name: str = "shop-api") -> str:
    return f"""\
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: shop}}
spec:
  containers:
  - name: api
    image: registry.example/api:1.0
    env:
{env}"""


def variable(name: str) -> str:
    return f"    - name: {name}\n      value: {VALUE}\n"


def secret(name: str, *keys: str, namespace: str = "shop", kind: str = "Secret", body: str = "") -> str:
    entries = ", ".join(f"{key}: ''" for key in keys)
    return (
        f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
        f"{body or f'data: {{{entries}}}'}\n"
    )


def project_of(text: str, *others: str, on: tuple[str, ...] = ("C-0012",), **given: object) -> Project:
    chosen = {"frameworks": [], "controls": {"include": [*on], **given}}
    rules, wrong = choose(POLICIES, Settings.of(chosen))
    assert wrong == ()
    files = [("a.yaml", text, text.startswith("{")), ("b.yaml", "---\n".join(others), False)]
    return Project(Evaluator(rules, Evidence(date(2026, 1, 1)))).with_files(files)


def fixes(project: Project):
    (finding, *_) = project.files["a.yaml"].parts[0].findings
    assert finding.control == "C-0012"
    return fixes_of(Site(project, "a.yaml", 0), finding)


def taken_from(name: str, *others: str, workload: str = "shop-api") -> list[tuple[str, str]]:
    """(Secret, key) of what is offered for a variable."""
    options, _ = fixes(project_of(pod(variable(name), workload), *others))
    made = [option.changes[1].value["secretKeyRef"] for option in options]
    return [(one["name"], one["key"]) for one in made]


@pytest.mark.parametrize(
    ("name", "others", "expected"),
    [
        ("DB_PASSWORD", [secret("any", "DB_PASSWORD")], [("any", "DB_PASSWORD")]),
        ("DB_PASSWORD", [secret("any", "db-password")], [("any", "db-password")]),
        ("dbPassword", [secret("any", "DB_PASSWORD")], [("any", "DB_PASSWORD")]),
        # the closer name first
        ("DB_PASSWORD", [secret("any", "db-password", "DB_PASSWORD")], [("any", "DB_PASSWORD")]),
        ("DB_PASSWORD", [secret("db", "password"), secret("x", "db.password")], [("x", "db.password")]),
        # by the last words in a Secret that has the others, or is the workload's
        ("DB_PASSWORD", [secret("shop-db", "password")], [("shop-db", "password")]),
        ("SMTP_PASSWORD", [secret("shop-api-credentials", "password")], [("shop-api-credentials", "password")]),
        (
            "DB_PASSWORD",
            [secret("shop-api", "password"), secret("shop-db", "password")],
            [("shop-db", "password")],
        ),
        # the password of something else
        ("SMTP_PASSWORD", [secret("shop-db", "password")], [("shop-api-credentials-todo", "SMTP_PASSWORD")]),
        ("SMTP_PASSWORD", [secret("secrets", "password")], [("shop-api-credentials-todo", "SMTP_PASSWORD")]),
        # another namespace
        (
            "DB_PASSWORD",
            [secret("shop-db", "DB_PASSWORD", namespace="other")],
            [("shop-api-credentials-todo", "DB_PASSWORD")],
        ),
        # as well as each other
        (
            "DB_PASSWORD",
            [secret("b", "DB_PASSWORD"), secret("a", "DB_PASSWORD")],
            [("a", "DB_PASSWORD"), ("b", "DB_PASSWORD")],
        ),
        # ... and too many
        ("DB_PASSWORD", [secret(f"s{n}", "DB_PASSWORD") for n in range(MAX_CHOICES + 1)], []),
        # those that operators make
        (
            "DB_PASSWORD",
            [
                secret(
                    "sealed",
                    kind="SealedSecret",
                    body="spec: {encryptedData: {password: x}, template: {metadata: {name: db}}}",
                )
            ],
            [("db", "password")],
        ),
        (
            "DB_PASSWORD",
            [secret("shop-db", kind="ExternalSecret", body="spec: {data: [{secretKey: password}, 3, {}]}")],
            [("shop-db", "password")],
        ),
        # what is nothing
        (
            "DB_PASSWORD",
            [secret("db", body="data: [password]"), secret("e", kind="ExternalSecret", body="spec: {data: 3}")],
            [("shop-api-credentials-todo", "DB_PASSWORD")],
        ),
    ],
)  # fmt: skip
def test_which_key(name: str, others: list[str], expected: list[tuple[str, str]]) -> None:
    assert taken_from(name, *others) == expected


def test_a_placeholder_has_a_name_that_a_secret_can_have() -> None:
    assert taken_from("DB_PASSWORD", workload='"${NAME}"') == [(PLACEHOLDER, "DB_PASSWORD")]
    assert taken_from("DB_PASSWORD", workload='""') == [(PLACEHOLDER, "DB_PASSWORD")]


def test_what_can_be_no_key_is_left_alone() -> None:
    options, reason = fixes(project_of(pod(variable("DB PASSWORD"))))
    assert (options, reason) == ([], "this control has no fix here")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "    - name: DB_PASSWORD\n      value: VALUE\n",
            (
                "    - name: DB_PASSWORD\n      valueFrom:\n        secretKeyRef:\n"
                "          name: db\n          key: password\n"
            ),
        ),
        (
            '    - name: DB_PASSWORD # one\n      # two\n      value: "VALUE"   # three\n      # four\n',
            (
                "    - name: DB_PASSWORD # one\n      # two\n"
                "      valueFrom: {secretKeyRef: {name: db, key: password}}   # three\n      # four\n"
            ),
        ),
        (
            "    - {value: 'VALUE', name: DB_PASSWORD}\n",
            "    - {valueFrom: {secretKeyRef: {name: db, key: password}}, name: DB_PASSWORD}\n",
        ),
        (
            '    - "value": "VALUE"\n      "name": DB_PASSWORD\n',
            (
                '    - "valueFrom":\n        secretKeyRef:\n          name: db\n          key: password\n'
                '      "name": DB_PASSWORD\n'
            ),
        ),
        (
            "    - {name: DB_PASSWORD, value: VALUE}\n    - {name: DB_PASS, value: VALUE}\n",
            (
                "    - {name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}\n"
                "    - {name: DB_PASS, value: VALUE}\n"
            ),
        ),
    ],
)
def test_how_it_is_written(before: str, after: str) -> None:
    project = project_of(pod(before.replace("VALUE", VALUE)), secret("db", "password"))
    (option,), _ = fixes(project)
    assert option.text == pod(after.replace("VALUE", VALUE))
    assert not option.safe
    assert VALUE not in option.title + "".join(edit.text for edit in option.edits)


def test_json() -> None:
    text = (
        '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "api"}, "spec": {"containers": [{"name": "a",\n'
        f'  "env": [{{"name": "DB_PASSWORD", "value": "{VALUE}"}}]}}]}}}}\n'
    )
    (option,), _ = fixes(project_of(text))
    reference = '{"secretKeyRef": {"name": "api-credentials-todo", "key": "DB_PASSWORD"}}'
    assert option.text == text.replace(f'"value": "{VALUE}"', f'"valueFrom": {reference}')


@pytest.mark.parametrize(
    ("env", "reason"),
    [
        (f"    - name: DB_PASSWORD\n      value: |\n        {VALUE}\n", "is a block of text"),
        (
            f"    - name: DB_PASSWORD\n      value: &a {VALUE}\n    - {{name: B, value: *a}}\n",
            "the anchor &a",
        ),
        (f"    - {{name: A, value: &a {VALUE}}}\n    - name: DB_PASSWORD\n      value: *a\n", "the alias *a"),
        (f"    - name: DB_PASSWORD\n      value: !!str {VALUE}\n", "the tag tag:yaml.org,2002:str"),
        (f"    - name: DB_PASSWORD\n      value: {VALUE}\n      valueFrom: {{}}\n", "is there already"),
    ],
)
def test_what_cannot_be_edited_is_told_and_not_quoted(env: str, reason: str) -> None:
    options, why = fixes(project_of(pod(env)))
    assert options == []
    assert reason in why
    assert why.endswith("by hand")
    assert VALUE not in why


def test_arguments_and_the_parameters_of_templates_are_left_alone() -> None:
    parameters = f"""\
apiVersion: template.openshift.io/v1
kind: Template
metadata: {{name: shop}}
parameters:
- {{name: DB_PASSWORD, value: {VALUE}}}
objects: []
"""
    arguments = pod("    - {name: A}\n") + f"    args: [--password={VALUE}]\n"
    for text in (parameters, arguments):
        (finding,) = project_of(text).files["a.yaml"].parts[0].findings
        assert not finding.fixable


BOTH = ("C-0012", "C-0207", "KS-0052")


def left(project: Project) -> tuple[list[tuple[str, ...]], str]:
    options, reason = fixes(project)
    return [option.leaves for option in options], reason


def test_a_fix_tells_what_it_leaves_to_be_done() -> None:
    text = pod(variable("DB_PASSWORD"))
    assert left(project_of(text, on=BOTH)) == ([("C-0207", "KS-0052")], "")
    assert left(project_of(text, on=("C-0012", "KS-0052"))) == ([("KS-0052",)], "")
    there = secret("shop-db", "password")
    assert left(project_of(text, there, on=("C-0012", "KS-0052"))) == ([()], "")
    # the placeholder counts as one until it is there, too
    made = secret("shop-api-credentials-todo", "DB_PASSWORD")
    assert left(project_of(text, made, on=("C-0012", "KS-0052"))) == ([()], "")


def test_what_it_leaves_is_less_severe_or_there_is_no_fix() -> None:
    project = project_of(pod(variable("DB_PASSWORD")), on=BOTH, severity={"KS-0052": "high"})
    assert left(project) == ([], "the fix would bring up KS-0052; change it by hand")


def test_the_placeholder_is_reported_until_it_is_there() -> None:
    project = project_of(pod(variable("DB_PASSWORD") + variable("API_TOKEN")), on=("C-0012", "KS-0052"))
    after, done = fix_all(Site(project, "a.yaml", 0), lambda _: True)
    assert len(done) == 2
    findings = after.files["a.yaml"].parts[0].findings
    assert [finding.control for finding in findings] == ["KS-0052", "KS-0052"]
    message = findings[0].message
    assert "Secret 'shop-api-credentials-todo' with the key 'DB_PASSWORD'" in message
    assert "kubectl create secret generic" in message
    there = after.with_file("b.yaml", secret("shop-api-credentials-todo", "DB_PASSWORD"))
    assert [f.message for f in there.files["a.yaml"].parts[0].findings] == [findings[1].message]
    whole = there.with_file("b.yaml", secret("shop-api-credentials-todo", "DB_PASSWORD", "API_TOKEN"))
    assert whole.files["a.yaml"].parts[0].findings == ()


def test_it_is_never_made_as_a_safe_one() -> None:
    project = project_of(pod(variable("DB_PASSWORD")))
    assert fix_all(Site(project, "a.yaml", 0), lambda fix: fix.safe) == (project, [])


def test_controls_that_a_fix_leaves_something_to_exist_and_are_less_severe() -> None:
    for control in POLICIES.controls.values():
        for check in control.checks:
            for other in check.fix.leaves if check.fix else ():
                assert POLICIES.controls[other].severity < control.severity
