"""What is judged one by one, where a finding points, and why something could not be judged."""

from __future__ import annotations

from collections import Counter

import pytest
from support.judging import FILE, Found, Missed, found, judged, problems, project_of, unevaluated

from kscan_lsp import cel, paths
from kscan_lsp.engine import related as related_objects

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web, tier: front}}
spec:
  hostNetwork: true
  securityContext: {runAsUser: 0, fsGroup: 1}
  containers:
  - name: api
    image: api:1
    securityContext: {runAsUser: 1, privileged: true}
    env:
    - {name: A, value: x}
    - {name: B}
  - name: proxy
    ports: [{containerPort: 80}]
  initContainers:
  - {name: wait}
  - {name: mesh, restartPolicy: Always}
  ephemeralContainers:
  - {name: debug}
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\n"
CRON_JOB = """\
apiVersion: batch/v1
kind: CronJob
metadata: {name: night}
spec: {jobTemplate: {spec: {template: TEMPLATE}}}
"""
ANYTHING = "match: [{groups: ['*'], kinds: ['*']}], "


def every(each: str, message: str = "m", **more: str) -> str:
    """A check that finds fault with all it looks at."""
    keys = "".join(f"{key}: {value}, " for key, value in more.items())
    return f"- {{{ANYTHING}each: '{each}', deny: 'true', {keys}message: \"{message}\"}}\n"


# What is judged one by one


@pytest.mark.parametrize(
    ("each", "message", "expected"),
    [
        ("resource", "{object.kind}", ["Pod"]),
        ("podTemplate", "{podTemplate.metadata.name}", ["web"]),
        ("pod", "{pod.hostNetwork}", ["true"]),
        (
            "containers",
            "{role} {container.name}",
            ["container api", "container proxy", "init wait", "sidecar mesh", "ephemeral debug"],
        ),
        ("containers.env[*]", "{container.name} {index} {item.name}", ["api 0 A", "api 1 B"]),
        ("object.metadata.labels[*]", "{key} {item}", ["app web", "tier front"]),
        ("pod.containers[1].ports[0]", "{item.containerPort}", ["80"]),
        ("pod.containers[2].ports[0]", "{item}", []),
        ("pod.containers[*].ports[*]", "{index} {item.containerPort}", ["0 80"]),
        ("containers.none[*]", "{item}", []),
        ("resource", "{inputs.names}", ["one, two"]),
        (
            "containers",
            "{effective.runAsUser} {effective.?fsGroup.hasValue()}",
            ["1 false", *["0 false"] * 4],
        ),
        ("containers", "{effective.?privileged.orValue(false)}", ["true", *["false"] * 4]),
    ],
)
def test_each_binds_what_it_names(each: str, message: str, expected: list[str]) -> None:
    assert [finding.message for finding in found(every(each, message), POD)] == expected


@pytest.mark.parametrize(
    ("each", "path"),
    [
        ("podTemplate", "spec.jobTemplate.spec.template"),
        ("pod", "spec.jobTemplate.spec.template.spec"),
        ("containers", "spec.jobTemplate.spec.template.spec.containers[0]"),
    ],
)
def test_a_pod_may_lie_deep_in_an_object(each: str, path: str) -> None:
    text = CRON_JOB.replace("TEMPLATE", "{spec: {containers: [{name: x}]}}")
    assert [finding.path for finding in found(every(each), text)] == [path]


# Where a finding points


@pytest.mark.parametrize(
    ("each", "at", "expected"),
    [
        ("pod", "[hostPID, hostNetwork]", [("spec.hostNetwork", "hostNetwork: true")]),
        ("pod", "[hostNetwork, securityContext]", [("spec.hostNetwork", "hostNetwork: true")]),
        ("pod", "[hostPID, hostIPC]", [("spec.hostIPC", "spec")]),
        ("pod", "object.metadata.labels.app", [("metadata.labels.app", "app: web")]),
        ("pod", "podTemplate.metadata.labels.tier", [("metadata.labels.tier", "tier: front")]),
        (
            "containers",
            "effective.runAsUser",
            [
                ("spec.securityContext.runAsUser", "runAsUser: 0"),
                ("spec.containers[0].securityContext.runAsUser", "runAsUser: 1"),
            ],
        ),
        (
            "containers",
            "effective.fsGroup",  # which holds for no container
            [
                (
                    "spec.containers[0].securityContext.fsGroup",
                    "securityContext: {runAsUser: 1, privileged: true}",
                ),
                ("spec.containers[1].securityContext.fsGroup", "name: proxy"),
                ("spec.initContainers[0].securityContext.fsGroup", "name: wait"),
                ("spec.initContainers[1].securityContext.fsGroup", "name: mesh"),
                ("spec.ephemeralContainers[0].securityContext.fsGroup", "name: debug"),
            ],
        ),
        ("containers.env[*]", "container.image", [("spec.containers[0].image", "image: api:1")]),
        (
            "containers.env[*]",
            "value",
            [
                ("spec.containers[0].env[0].value", "value: x"),
                ("spec.containers[0].env[1].value", "name: B"),
            ],
        ),
        (
            "containers.env[*]",
            "item.name",
            [("spec.containers[0].env[0].name", "name: A"), ("spec.containers[0].env[1].name", "name: B")],
        ),
        (
            "containers.env[*]",
            "'pod.containers[{index}]'",
            [("spec.containers[0]", "name: api"), ("spec.containers[1]", "name: proxy")],
        ),
    ],
)
def test_at_is_the_first_that_is_there_or_else_the_last(
    each: str, at: str, expected: list[tuple[str, str]]
) -> None:
    assert [(path, marked) for path, marked, _ in found(every(each, at=at), POD)] == expected


def test_findings_of_one_control_at_one_path_are_one() -> None:
    checks = every("pod", "one", at="hostNetwork") + every("pod", "two", at="hostNetwork")
    checks += every("resource", "one", at="spec.hostNetwork") + every("pod", "three", at="hostPID")
    assert found(checks, POD) == [
        Found("spec.hostPID", "spec", "three"),
        Found("spec.hostNetwork", "hostNetwork: true", "one; two"),
    ]


def test_findings_come_in_the_order_of_the_text_and_of_controls() -> None:
    checks = {
        "T-0001": every("pod", "one", at="hostNetwork"),
        "T-0003": every("resource", "two", at="metadata"),
        "T-0002": every("resource", "three", at="metadata"),
        "T-0004": "- {relations: {spaces: namespaces}, deny: 'true', at: metadata, message: four}\n",
        "T-0000": "- {relations: {spaces: namespaces}, deny: 'true', at: spec.hostNetwork, message: five}\n",
    }
    (part,) = judged(checks, POD).parts
    assert [(f.control, f.message) for f in part.findings] == [
        ("T-0002", "three"),
        ("T-0003", "two"),
        ("T-0004", "four"),
        ("T-0000", "five"),
        ("T-0001", "one"),
    ]


@pytest.mark.parametrize(
    ("fixes", "fixable"),
    [(("set: {tty: false}",), True), (("",), False), (("set: {tty: false}", "set: {tty: true}"), True),
     (("set: {tty: false}", ""), False), (("", "set: {tty: false}"), False)],
)  # fmt: skip
def test_a_finding_has_a_fix_where_all_that_is_behind_it_has_one(
    fixes: tuple[str, ...], fixable: bool
) -> None:
    checks = "".join(
        every("pod", f"m{n}", **({"fix": f"{{{fix}}}"} if fix else {})) for n, fix in enumerate(fixes)
    )
    (part,) = judged(checks, POD).parts
    assert [finding.fixable for finding in part.findings] == [fixable]


def test_what_comes_through_an_alias_is_shown_where_it_is_written_too() -> None:
    text = POD.replace("hostNetwork: true", "hostNetwork: *yes").replace(
        "metadata: {", "metadata: {own: &yes true, "
    )
    (finding,) = judged(every("pod", at="hostNetwork"), text).parts[0].findings
    assert text[finding.span.start : finding.span.end] == "hostNetwork: *yes"
    (related,) = finding.related
    assert (related.message, related.path) == ("the value comes from here", ("spec", "hostNetwork"))
    assert text[related.span.start : related.span.end] in {"&yes true", "true", "own: &yes true"}


# What could not be judged


@pytest.mark.parametrize(
    ("each", "old", "new", "missed"),
    [
        ("containers", POD[POD.index("spec:") :], "", Missed("spec", "there is no pod at spec")),
        ("pod", POD[POD.index("spec:") :], "spec: nothing\n", Missed("spec", "there is no pod at spec")),
        ("containers", "  containers:", "  others:", Missed("spec.containers", "the pod has no containers")),
        (
            "containers",
            "initContainers:\n",
            "initContainers: {}\n  others:\n",
            Missed("spec.initContainers", "initContainers is not a list"),
        ),
        (
            "containers",
            "- {name: wait}",
            "- wait",
            Missed("spec.initContainers[0]", "a container must be a mapping"),
        ),
        (
            "pod.hostNetwork.x",
            "",
            "",
            Missed("spec.hostNetwork", "spec.hostNetwork is not a mapping"),
        ),
        (
            "pod.hostNetwork[*]",
            "",
            "",
            Missed("spec.hostNetwork", "spec.hostNetwork is neither a list nor a mapping"),
        ),
        (
            "containers.env[*].name.x",
            "    - {name: B}\n",
            "",
            Missed("spec.containers[0].env[0].name", "spec.containers[0].env[0].name is not a mapping"),
        ),
    ],
)
def test_what_is_not_there_cannot_be_judged(each: str, old: str, new: str, missed: Missed) -> None:
    text = POD.replace(old, new) if old else POD
    assert unevaluated(every(each), text) == [missed]
    assert found(every(each), text) == []


def test_what_runs_no_pods_has_no_containers() -> None:
    assert unevaluated(every("containers"), SERVICE) == [Missed("", "it runs no pods")]
    assert unevaluated(every("pod"), CRON_JOB.replace("TEMPLATE", "{}")) == [
        Missed(
            "spec.jobTemplate.spec.template.spec", "there is no pod at spec.jobTemplate.spec.template.spec"
        )
    ]
    assert found(every("resource"), SERVICE) == [Found("", "kind: Service", "m")]


def test_a_question_without_an_answer_costs_its_element_only() -> None:
    check = "- {each: containers, deny: \"container.image.endsWith(':1')\", message: m}"
    assert found(check, POD) == [Found("spec.containers[0]", "name: api", "m")]
    # the first place is told for all
    assert unevaluated(check, POD) == [
        Missed(
            "spec.containers[1]",
            "a field is missing: image",
        )
    ]
    (verdicts,) = judged(check, POD).parts[0].verdicts
    assert (verdicts.failed, verdicts.passed) == ({"T-0001"}, frozenset())


def test_a_place_without_an_answer_is_no_finding() -> None:
    check = every("containers", at="'env[{container.ports.size()}]'")
    assert unevaluated(check, POD) == [
        Missed(
            "spec.containers[0]",
            "a field is missing: ports",
        )
    ]
    assert [finding.path for finding in found(check, POD)] == ["spec.containers[1].env[1]"]


@pytest.mark.parametrize("deny", ["pod.hostNetwork", "!pod.hostNetwork"])
def test_a_control_fails_or_passes(deny: str) -> None:
    (verdicts,) = judged(f"- {{each: pod, deny: '{deny}', message: m}}", POD).parts[0].verdicts
    fails = deny == "pod.hostNetwork"
    assert verdicts.failed == ({"T-0001"} if fails else set())
    assert verdicts.passed == (set() if fails else {"T-0001"})
    assert verdicts.unevaluated == ()


WRONG = "must be true or false, not a string, and Kubernetes refuses anything else"


def test_a_field_of_a_wrong_type_is_a_problem_and_no_pass() -> None:
    text = POD.replace("privileged: true", "privileged: 'no'")
    checks = {
        "T-0001": "- {each: containers, deny: 'container.?securityContext.?privileged.orValue(false)', message: m}",
        "T-0002": "- {each: pod, deny: 'false', message: m}",
        "T-0003": every("pod", at="hostNetwork"),
    }
    where = "spec.containers[0].securityContext.privileged"
    (part,) = judged(checks, text).parts
    (verdicts,) = part.verdicts
    assert verdicts.passed == {"T-0002"}
    assert verdicts.failed == {"T-0003"}
    assert [(u.control, paths.show(u.path), u.reason) for u in verdicts.unevaluated] == [
        ("T-0001", where, f"'privileged' {WRONG}")
    ]
    assert problems(checks, text) == [("type", "privileged: 'no'", f"'privileged' {WRONG}", False)]


@pytest.mark.parametrize(
    ("check", "old", "new"),
    [
        (
            "- {each: pod, deny: \"selects(object.spec, {'a': 'b'})\", message: m}",
            "app: web",
            "app: 1",
        ),
        (
            "- {each: pod, deny: size(relations.x) > 1, relations: {x: services}, message: m}",
            "app: web",
            "app: 1",
        ),
        (
            "- {each: containers, deny: \"role == 'sidecar'\", message: m}",
            "- name: api",
            "- restartPolicy: 1",
        ),
        (
            "- {each: containers, deny: has(effective.privileged), message: m}",
            "runAsUser: 0",
            "runAsUser: 0, privileged: x",
        ),
    ],
)
def test_what_is_read_unseen_counts_as_read(check: str, old: str, new: str) -> None:
    assert old in POD
    (verdicts,) = judged(check, POD.replace(old, new, 1)).parts[0].verdicts
    assert verdicts.passed == frozenset()


def test_of_more_faults_than_are_listed_any_may_be_read() -> None:
    check = "- {each: pod, deny: 'false', message: m}"
    few, many = (
        POD.replace(
            "metadata:", f"metadata: {{annotations: {{{', '.join(f'a{n}: 1' for n in range(count))}}}}}\n#"
        )
        for count in (19, 20)
    )
    assert judged(check, few).parts[0].verdicts[0].passed == {"T-0001"}
    assert judged(check, many).parts[0].verdicts[0].passed == frozenset()


@pytest.mark.parametrize("written", ["'${PRIVILEGED}'", "$(PRIVILEGED)", "$PRIVILEGED", "'${A}${B:-x}'"])
def test_a_placeholder_is_no_mistake_but_nobody_knows_what_will_stand_there(written: str) -> None:
    text = POD.replace("privileged: true", f"privileged: {written}")
    checks = {
        "T-0001": "- {each: containers, deny: 'container.?securityContext.?privileged.orValue(false)', message: m}",
        "T-0002": "- {each: pod, deny: 'false', message: m}",
    }
    told = (
        "'privileged' is a placeholder to be filled in, where Kubernetes wants true or false; "
        "what rests on it is not judged"
    )
    (verdicts,) = judged(checks, text).parts[0].verdicts
    assert verdicts.passed == {"T-0002"}
    assert [(u.control, u.reason) for u in verdicts.unevaluated] == [("T-0001", told)]
    assert [(code, message) for code, _, message, _ in problems(checks, text)] == [("placeholder", told)]


@pytest.mark.parametrize("written", ["$", "'$1'", "'a$B'", "'${}'", "PRIVILEGED", "'{{x}}'"])
def test_what_is_no_placeholder(written: str) -> None:
    text = POD.replace("privileged: true", f"privileged: {written}")
    assert [code for code, *_ in problems("- {each: pod, deny: 'false', message: m}", text)] == ["type"]


def test_the_field_a_question_is_about_is_told_and_not_another() -> None:
    """Of two fields of a wrong type, the one that the check reads; of an inherited one, the pod's."""
    text = POD.replace("privileged: true", "privileged: 'no', stdin: 'no'").replace(
        "runAsUser: 0", "runAsUser: x"
    )
    privileged = "- {each: containers, deny: effective.privileged, message: m}"
    assert unevaluated(privileged, text) == [
        Missed("spec.containers[0].securityContext.privileged", f"'privileged' {WRONG}")
    ]
    user = "- {each: containers, deny: effective.runAsUser == 0 && effective.runAsUser > 1, message: m}"
    (missed,) = unevaluated(user, text)
    assert missed.path == "spec.securityContext.runAsUser"


def test_a_wrong_field_of_another_element_is_not_told() -> None:
    text = POD.replace("    ports:", "    securityContext: {privileged: 'no'}\n    ports:")
    check = "- {each: containers, deny: container.workingDir == 'x' || effective.privileged, message: m}"
    assert unevaluated(check, text)[0] == Missed(
        "spec.containers[1].securityContext.privileged", f"'privileged' {WRONG}"
    )
    only_first = text.replace("privileged: true", "runAsGroup: 1")
    assert unevaluated(check, only_first)[0].path == "spec.containers[0]"


def test_a_list_may_be_too_long_to_be_judged() -> None:
    check = "- {each: 'containers.env[*]', deny: \"item.name == 'nobody'\", message: m}"
    many = "".join(f"    - {{name: A{n}}}\n" for n in range(9_998))
    text = POD.replace("    - {name: A", f"{many}    - {{name: A", 1)
    assert unevaluated(check, text) == []
    longer = text.replace("    - {name: B}\n", "    - {name: B}\n    - {name: C}\n")
    reason = (
        "more than 10,000 entries are too many to judge; shorten the list, or split it over several objects"
    )
    assert [missed.reason for missed in unevaluated(check, longer)] == [reason]
    assert [(code, message, fatal) for code, _, message, fatal in problems(check, longer)] == [
        ("limit", reason, True)
    ]


def test_what_a_repair_took_out_is_no_reason_for_a_finding() -> None:
    text = POD.replace("    image: api:1\n", "    image api:1\n")
    check = "- {each: containers, deny: '!has(container.image)', at: image, message: m}"
    assert [finding.path for finding in found(check, text)] == [
        "spec.containers[1].image",
        "spec.initContainers[0].image",
        "spec.initContainers[1].image",
        "spec.ephemeralContainers[0].image",
    ]
    assert unevaluated(check, text) == [Missed("spec.containers[0].image", "a line there cannot be read")]


# Other objects

RELATED = """\
- each: resource
  relations: {maps: configMaps}
  deny: maps.size() > 0
  related: "%s"
  message: m
"""


def related(expression: str, count: int = 2) -> list[tuple[str, str, str]]:
    """Name, path and message of the places that a finding names beside its own."""
    uses = ", ".join(f"{{configMapRef: {{name: m{n}}}}}" for n in range(count))
    pod = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [{{name: a, envFrom: [{uses}]}}]}}\n"
    maps = "---\n".join(
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m{n}}}\ndata: {{k: v}}\n" for n in range(count)
    )
    project = project_of(RELATED % expression, a=pod, maps=maps)
    (finding,) = project.files[FILE].parts[0].findings
    return [(place.resource.name, paths.show(place.path), place.message) for place in finding.related]


@pytest.mark.parametrize(
    ("expression", "places"),
    [
        ("maps", [("m0", "", "ConfigMap 'm0'"), ("m1", "", "ConfigMap 'm1'")]),
        ("[maps[1].ref, maps[0].ref, maps[1].ref]", [("m1", "", "ConfigMap 'm1'"), ("m0", "", "ConfigMap 'm0'")]),
        (
            "maps.map(m, {'ref': m.ref, 'path': 'data.k', 'message': 'in ' + m.object.metadata.name})",
            [("m0", "data.k", "in m0"), ("m1", "data.k", "in m1")],
        ),
        ("[{'ref': maps[0].ref, 'path': 'data..k'}]", [("m0", "", "ConfigMap 'm0'")]),
        ("[1, 'a', {'ref': 3}, {'index': 0}]", []),
        ("[{'relation': 'configMaps', 'index': '0'}, {'relation': 'secrets', 'index': 0}]", []),
        ("[99, 2, -1, 0].map(n, {'relation': 'configMaps', 'index': n})", [("m0", "", "ConfigMap 'm0'")]),
        ("maps[0].ref", []),
        ("maps[9].ref", []),
    ],
)  # fmt: skip
def test_related_objects_are_named(expression: str, places: list[tuple[str, str, str]]) -> None:
    assert related(expression) == places


def test_a_reference_says_which_object_it_is() -> None:
    expression = (
        "maps.map(m, {'ref': m.ref, 'message': "
        "[m.ref.apiVersion, m.ref.kind, m.ref.namespace, m.ref.name, string(m.ref.index)].join(' ')})"
    )
    assert [message for *_, message in related(expression)] == [
        "v1 ConfigMap default m0 0",
        "v1 ConfigMap default m1 1",
    ]


def test_a_related_place_is_in_its_own_file() -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, envFrom: [USE]}]}\n"
    pod = pod.replace("USE", "{configMapRef: {name: m}}")
    for maps in (
        "# first\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {k: v}\n",
        '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {\t"k":"v"}}',
    ):
        expression = "maps.map(m, {'ref': m.ref, 'path': 'data.k'})"
        project = project_of(RELATED % expression, a=pod, maps=maps)
        (finding,) = project.files[FILE].parts[0].findings
        (place,) = finding.related
        assert (place.file, place.path) == ("maps.yaml", ("data", "k"))
        assert place.document[place.span.start : place.span.end] in {"k: v", '"k":"v"'}
        assert maps.endswith(place.document)


def test_many_related_objects_are_few() -> None:
    assert [message for *_, message in related("maps", 20)] == [f"ConfigMap 'm{n}'" for n in range(20)]
    assert [message for *_, message in related("maps", 23)] == [
        *(f"ConfigMap 'm{n}'" for n in range(19)),
        "ConfigMap 'm19'; 3 more like this are not shown",
    ]


def test_what_several_checks_name_is_cut_together() -> None:
    uses = ", ".join(f"{{configMapRef: {{name: m{n}}}}}" for n in range(15))
    volumes = ", ".join(f"{{name: v{n}, secret: {{secretName: s{n}}}}}" for n in range(15))
    spec = f"spec: {{containers: [{{name: a, envFrom: [{uses}]}}], volumes: [{volumes}]}}\n"
    pod = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\n{spec}"
    others = "---\n".join(
        f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: {kind[0].lower().replace('c', 'm')}{n}}}\n"
        for kind in ("ConfigMap", "Secret")
        for n in range(15)
    )
    secrets = RELATED.replace("configMaps", "secrets").replace("maps", "keys") % "keys"
    project = project_of(RELATED % "maps" + secrets, a=pod, others=others)
    (finding,) = project.files[FILE].parts[0].findings
    assert len(finding.related) == 20
    assert finding.related[-1].message == "Secret 's4'; 10 more like this are not shown"


SHARED = """\
- each: resource
  relations: {maps: configMaps}
  let: {named: "maps.filter(m, m.object.metadata.name != '')"}
  deny: object.kind == 'Pod' && named.size() > 0
  related: "named.map(m, m.ref)"
  message: "{object.metadata.name} uses {named[0].ref.name}"
"""


def evaluated(monkeypatch: pytest.MonkeyPatch, pods: int) -> tuple[Counter[str], list[str]]:
    """How often an expression was evaluated that reads related objects, and what was found."""
    uses = ", ".join(f"{{configMapRef: {{name: m{n}}}}}" for n in range(related_objects.LONG))
    text = "---\n".join(
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a{n}}}\nspec: {{containers: [{{name: a, envFrom: [{uses}]}}]}}\n"
        for n in range(pods)
    )
    maps = "---\n".join(
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m{n}}}\n" for n in range(related_objects.LONG)
    )
    counted: Counter[str] = Counter()

    def counting(evaluate):
        def counted_evaluate(expression, *arguments, **options):
            counted[expression.source] += "relations" in cel.fields_read([expression])
            return evaluate(expression, *arguments, **options)

        return counted_evaluate

    with monkeypatch.context() as patched:
        patched.setattr(cel, "deny", counting(cel.deny))
        patched.setattr(cel, "evaluate", counting(cel.evaluate))
        project = project_of(SHARED, a=text, maps=maps)
    findings = [finding for part in project.files[FILE].parts for finding in part.findings]
    assert all(len(finding.related) == related_objects.LONG for finding in findings)
    return counted, [finding.message for finding in findings]


def test_objects_that_are_related_to_the_same_share_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    few, _ = evaluated(monkeypatch, 2)
    many, messages = evaluated(monkeypatch, 9)
    assert many == few
    assert few == dict.fromkeys(few, 1), "each expression once, and what its `let` says of the list"
    assert messages == [f"a{n} uses m0" for n in range(9)]


GUARDED = """\
- match: [{groups: [''], kinds: [Pod]}]
  relations: {maps: configMaps}
  let:
    names: maps.filter(m, m.object.metadata.name != 'm1').map(m, m.ref.name)
    first: names[0]
  deny: object.metadata.name + first in names.map(name, object.metadata.name + name)
  message: "{object.metadata.name} uses {first}"
"""


def counted_over_lists(
    monkeypatch: pytest.MonkeyPatch, checks: str, pods: int
) -> tuple[list[str], list[str]]:
    """Sources that were evaluated on a long list of ConfigMaps, and what was found."""
    count = related_objects.LONG
    uses = ", ".join(f"{{configMapRef: {{name: m{n}}}}}" for n in range(count))
    text = "---\n".join(
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a{n}}}\nspec: {{containers: [{{name: a, envFrom: [{uses}]}}]}}\n"
        for n in range(pods)
    )
    maps = "---\n".join(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m{n}}}\n" for n in range(count))
    sources: list[str] = []

    def counting(evaluate):
        def counted_evaluate(expression, activation, *arguments, **options):
            if "relations.configMaps" in expression.reading.fields:
                sources.append(expression.source)
            return evaluate(expression, activation, *arguments, **options)

        return counted_evaluate

    with monkeypatch.context() as patched:
        patched.setattr(cel, "deny", counting(cel.deny))
        patched.setattr(cel, "evaluate", counting(cel.evaluate))
        project = project_of(checks, a=text, maps=maps)
    return sources, [finding.message for part in project.files[FILE].parts for finding in part.findings]


def test_what_a_let_says_of_a_list_is_found_out_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    sources, messages = counted_over_lists(monkeypatch, GUARDED, 7)
    assert messages == [f"a{n} uses m0" for n in range(7)]
    assert sources == ["maps.filter(m, m.object.metadata.name != 'm1').map(m, m.ref.name)"]


def test_a_let_that_gives_no_plain_data_is_not_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = (
        GUARDED.replace("m.ref.name)", "quantity('1'))")
        .replace(
            "object.metadata.name + first in names.map(name, object.metadata.name + name)",
            "object.kind == 'Pod' && names.exists(q, q.isGreaterThan(quantity('0')))",
        )
        .replace(" uses {first}", "")
    )
    sources, messages = counted_over_lists(monkeypatch, checks, 2)
    assert messages == ["a0", "a1"]
    assert [source for source in sources if source.startswith("object.kind")]


def test_a_place_is_in_an_object_that_its_own_pod_template_is_related_to() -> None:
    pod = "template: {spec: {template: {spec: {serviceAccountName: NAME, containers: [{name: a}]}}}}"
    jobs = [f"  - {{name: {name}, {pod.replace('NAME', name)}}}\n" for name in ("one", "two")]
    text = (
        "apiVersion: jobset.x-k8s.io/v1alpha2\nkind: JobSet\nmetadata: {name: set}\nspec:\n  replicatedJobs:\n"
        + "".join(jobs)
    )
    checks = """\
- each: containers
  relations: {accounts: serviceAccounts}
  deny: accounts.size() == 1
  message: "{accounts[0].ref.name}"
  related: accounts.map(a, a.ref)
"""
    accounts = "---\n".join(
        f"apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {name}}}\n" for name in ("one", "two")
    )
    project = project_of(checks, a=text, accounts=accounts)
    findings = [finding for part in project.files[FILE].parts for finding in part.findings]
    assert [(one.message, [place.resource.name for place in one.related]) for one in findings] == [
        ("one", ["one"]),
        ("two", ["two"]),
    ]


@pytest.mark.parametrize("number", [0, 10, 20, 21, 29])
def test_an_object_is_not_named_beside_itself(number: int) -> None:
    policies = "---\n".join(
        f"apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {{name: p{n:02}}}\n"
        for n in range(30)
    )
    checks = """\
- match: [{groups: [policy], kinds: [PodSecurityPolicy]}]
  relations: {policies: podSecurityPolicies}
  deny: policies.size() > 0
  message: "{object.metadata.name}"
  related: policies.map(p, p.ref)
"""
    (file,) = project_of(checks, a=policies).files.values()
    finding = [finding for part in file.parts for finding in part.findings][number]
    others = [name for name in (f"p{n:02}" for n in range(30)) if name != finding.message]
    assert [place.resource.name for place in finding.related] == others[:20]
    assert finding.related[-1].message.endswith("; 9 more like this are not shown")
