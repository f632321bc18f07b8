"""What is masked in texts and documents, and above all what stays readable."""

from __future__ import annotations

import pytest

from kscan_lsp.redaction import MASK, redact, redact_argument, secret_spans, shown
from kscan_lsp.redaction.texts import masked
from kscan_lsp.text import Span
from kscan_lsp.yaml.document import read_document


@pytest.mark.parametrize(
    "text",
    [
        "container 'api' runs 'registry.example.com:5000/shop/api:1.25@sha256:0123abcd', which can change",
        "container 'api' binds port 8080 of its node",
        "the value of db-password can be read by everybody who can read this file",
        "environment variable 'DB_PASSWORD' of container 'api' seems to hold a password in plain text",
        "container 'a' mounts Secret 'db-credentials'",
        "unknown key 'token'; did you mean 'tokens'?",
        "set automountServiceAccountToken of the pod to false",
        "Remove '--token-auth-file=' from command of container 'api'",
        "Remove '--use-service-account-credentials=false' from args of container 'api'",
        "see https://example.com/@me and https://example.com:8443/a",
        "write it as until=2027-01-31",
        "there is no Service 'web' in namespace 'shop'",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("runs 'me:hunter2@quay.io/shop:1'", "runs '********@quay.io/shop:1'"),
        ("runs 'hunter2@quay.io/shop'", "runs '********@quay.io/shop'"),
        ("asks me:hunter2@db.example.com, not", "asks ********@db.example.com, not"),
        ("at https://hunter2@example.com/x", "at https://********@example.com/x"),
        ("at amqp://me:hun/ter2@queue/", "at amqp://********@queue/"),
        ("DSN=me:hunter2@db/x", "DSN=********@db/x"),
        ("--token-auth-file=hunter2 --port=80", "--token-auth-file=******** --port=80"),
        ('PASSWORD="hunter 2" x', "PASSWORD=******** x"),
        ("Authorization: Bearer hunter2hunter2hunter2", "Authorization: Bearer ********"),
        ("a ghp_" + "a1" * 18 + " b", "a ******** b"),
        ("é me:hunter2@ö.example ghp_" + "a1" * 18, "é ********@ö.example ********"),
    ],
)
def test_a_secret_is_masked_and_nothing_else(text: str, expected: str) -> None:
    assert redact(text) == expected
    assert redact(expected) == expected


def test_an_argument_is_known_by_the_one_before_it() -> None:
    assert redact_argument("hunter2", "app", "--password") == MASK
    assert redact_argument("serve", "app", "--verbose") == "serve"
    assert redact_argument("-phunter2", "mysql", "-uroot") == MASK
    assert [redact_argument(one) for one in ("hunter2", "-phunter2", "--port=80", "-v", "/etc/x", "80")] == [
        MASK, MASK, "--port=80", "-v", "/etc/x", "80",
    ]  # fmt: skip


def test_masking_keeps_the_length_to_itself() -> None:
    assert masked("abcdef", [Span(0, 1), Span(2, 5)]) == f"{MASK}b{MASK}f"
    assert masked("abc", []) == "abc"


OF_SHOP = """\
# of the shop
apiVersion: v1
kind: Secret
metadata:
  name: db-password
  labels: {app: secret-store}
  annotations: {team: payments}
type: Opaque
immutable: true
data:
  password: aHVudGVyMg== # as it was
  text: |-
    hunter2
    more
  empty: ""
  nothing:
"""


def test_of_a_secret_only_values_are_masked() -> None:
    assert shown(OF_SHOP) == OF_SHOP.replace("aHVudGVyMg==", MASK).replace(
        "hunter2\n    more", f"{MASK}\n    {MASK}"
    ).replace("# as it was", f"# {MASK}").replace("# of the shop", f"# {MASK}")


POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {token: none}}
spec:
  serviceAccountName: token-reader
  automountServiceAccountToken: true
  imagePullSecrets: [{name: regcred}]
  containers:
  - name: api
    image: registry.example.com/shop/api:1.25@sha256:0123
    command: [app, --port=8080, --token-ttl=3600s, --log, debug]
    env:
    - {name: LOG_LEVEL, value: debug}
    - {name: DB_HOST, value: db.example.com}
    - {name: TOKEN_URL, value: "https://example.com/token"}
    - {name: PASSWORD_FILE, value: /run/secrets/password}
    - {name: PASSWORD, value: $(DB_PASSWORD)}
    - {name: KEY, valueFrom: {secretKeyRef: {name: db, key: password}}}
    livenessProbe: {httpGet: {host: example.com, port: 8080, path: /token}}
    volumeMounts: [{name: secret, mountPath: /run/secrets, readOnly: true}]
  tolerations: [{key: node-role, operator: Exists}]
  volumes: [{name: secret, secret: {secretName: db, items: [{key: password, path: password}]}}]
"""


def test_what_is_no_secret_of_a_pod_stays() -> None:
    masked_pod = shown(POD)
    assert masked_pod == POD.replace("--token-ttl=3600s", f"--token-ttl={MASK}")


@pytest.mark.parametrize(
    "text",
    [
        "kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\ndata: {colour: blue, app.yaml: 'a: b', mode: x}\n",
        "kind: Role\napiVersion: v1\nrules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]\n",
        "kind: SealedSecret\napiVersion: bitnami.com/v1alpha1\nspec: {template: {metadata: {name: s}}}\n",
        "a: 1\n--- # of the next\nkind: Pod\n",
    ],
)
def test_what_is_no_secret_of_other_objects_stays(text: str) -> None:
    assert shown(text) == text


BROKEN = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
  - name: api
    image: shop/api:1.0
    args: [--port=8080
    env:
    - name: PORT
      valueFrom: {fieldRef: {fieldPath: metadata.name}}
"""


def test_of_a_template_every_value_of_a_parameter_is_masked() -> None:
    text = (
        "kind: Template\napiVersion: template.openshift.io/v1\nparameters:\n- name: LOGIN\n  value: hunter2xyz\n"
        "  description: who\n- {name: FLAG, value: 'true'}\nobjects: []\n"
    )
    assert shown(text) == text.replace("hunter2xyz", MASK)


def test_broken_lines_that_hold_no_secret_stay() -> None:
    assert shown(BROKEN) == BROKEN


def test_of_a_broken_secret_names_of_fields_and_of_entries_stay() -> None:
    broken = (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  token: one\n  x y\n  user: [\n"
    )
    assert shown(broken) == (
        f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: {MASK}\nstringData:\n"
        f"  token: {MASK}\n  {MASK}\n  user: {MASK}\n"
    )


def test_lines_stay_lines() -> None:
    text = 'kind: Secret\r\nstringData: {a: "b\r\n  c", d: e}\r\n'
    assert shown(text) == f"kind: Secret\r\nstringData: {{a: {MASK}\r\n  {MASK}, d: {MASK}}}\r\n"
    spans = secret_spans(read_document(text))
    assert list(spans) == sorted(spans)
    assert all("\n" not in text[start:end] for start, end in spans)


def test_names_of_the_project_count() -> None:
    document = read_document("apiVersion: v1\nkind: ConfigMap\ndata: {parole: hunter2}\n")
    assert secret_spans(document) == ()
    (span,) = secret_spans(document, ["parole"])
    assert document.text[span.start : span.end] == "hunter2"


def test_json_is_masked_like_yaml() -> None:
    assert shown('{"kind": "Secret", "data": {"a": "eA=="}}', json=True) == (
        f'{{"kind": "Secret", "data": {{"a": {MASK}}}}}'
    )
