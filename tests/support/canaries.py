"""Places where a secret may stand, each with a canary of its own: a value that no output may show."""

from __future__ import annotations

import json
from textwrap import indent
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

C = "@C@"
"""Stands for the canary in the texts below."""

POLICY = """\
id: T-{number}
title: Points at values
score: 8.0
category: Other
description: d
remediation: r
checks:
- {each}
  deny: "true"
  at: {at}
  message: "{message}"
"""
ANY = "[{groups: ['*'], kinds: ['*']}]"
CONTROLS = (
    (
        f"match: {ANY}",
        "[stringData, data, spec.password, spec]",
        "all of {object} and {object.?stringData.orValue('')}",
    ),
    (f"match: {ANY}\n  each: data[*]", "''", "{key} is {item}, so {string(item) + '!'}"),
    (f"match: {ANY}\n  each: stringData[*]", "''", "{key} is {item}"),
    (f"match: {ANY}\n  each: metadata.annotations[*]", "''", "{key} is {item}"),
    ("each: containers.env[*]", "value", "{item.name} is {item.value} of {container.env}"),
    ("each: containers.args[*]", "''", "argument {item}"),
    ("each: containers.command[*]", "''", "word {item} of {container.command}"),
    ("each: containers", "image", "image {container.image} of {imageRef(container.image).name}"),
    ("each: containers", "livenessProbe", "{container.name} in {container}"),
)
"""Controls that point at what may be a secret, and quote it."""


def policies() -> dict[str, str]:
    """The control files, by name."""
    files = {
        f"T-{number}.yaml": POLICY.format(number=number, each=each, at=at, message=message)
        for number, (each, at, message) in enumerate(CONTROLS, start=1001)
    }
    files["fix.yaml"] = """\
id: T-2001
title: Says who owns it
score: 3.0
description: d
remediation: r
checks:
- match: [{groups: ['*'], kinds: ['*']}]
  deny: "!has(object.metadata) || !has(object.metadata.labels) || !('owner' in object.metadata.labels)"
  at: metadata
  message: nobody owns it
  fix: {set: {metadata.labels.owner: me}, safe: true}
"""
    return files


class Place(NamedTuple):
    """A text with a canary in it."""

    name: str
    text: str
    canary: str
    json: bool = False

    @property
    def file(self) -> str:
        """The name of a file that has it."""
        return f"{self.name}.{'json' if self.json else 'yaml'}"


def places() -> list[Place]:
    """All manifests with a canary."""
    found: list[Place] = []
    for number, (name, text, is_json) in enumerate(_texts()):
        # letters only, letters with a digit, and digits where the place wants a number
        canary = (
            f"Zq{'abcdefghij'[number // 100]}{'klmnopqrst'[number // 10 % 10]}{'uvwxyzabcd'[number % 10]}qZ"
        )
        canary = canary if number % 2 else f"hunter{number:03}X"
        canary = f"77{number:03}77" if "number" in name else canary
        found.append(Place(f"p{number:03}-{name}", text.replace(C, canary), canary, is_json))
    return found


def _texts() -> Iterator[tuple[str, str, bool]]:
    for name, text in (*_secrets(), *_broken(), *_variables(), *_arguments(), *_others(), *_kinds()):
        yield name, text, False
    for name, text in _json():
        yield name, text, True


MANIFEST = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n"
DATA = {
    "plain": "{f}:\n  a: @C@",
    "double": '{f}:\n  a: "@C@"',
    "single": "{f}:\n  a: '@C@'",
    "literal": "{f}:\n  a: |\n    first\n    @C@\n",
    "folded": "{f}:\n  a: >-\n    @C@\n    second\n",
    "lines": "{f}:\n  a: first\n    @C@",
    "quoted-lines": '{f}:\n  a: "first\n    @C@"',
    "number": "{f}:\n  a: @C@",
    "list": "{f}:\n  a: [one, @C@]",
    "block-list": "{f}:\n  a:\n  - @C@\n  - one",
    "map": "{f}:\n  a: {{b: @C@}}",
    "map-key": "{f}:\n  a: {{@C@: b}}",
    "flow": "{f}: {{a: @C@, b: c}}",
    "flow-lines": "{f}: {{a: one,\n  b: @C@}}",
    "whole": "{f}: @C@",
    "whole-list": "{f}: [@C@]",
    "whole-block-list": "{f}:\n- a: @C@\n- @C@",
    "whole-number": "{f}: @C@",
    "alias": "{f}:\n  a: &x @C@\n  b: *x",
    "alias-elsewhere": "x-values: &x\n  a: @C@\n{f}: *x",
    "merge": "x-values: &x\n  a: @C@\n{f}:\n  <<: *x",
    "tag": "{f}:\n  a: !!str @C@",
    "own-tag": "{f}:\n  a: !vault @C@",
    "explicit-key": "{f}:\n  ? a\n  : @C@",
    "duplicate": "{f}:\n  a: @C@\n  a: two",
    "duplicate-last": "{f}:\n  a: one\n  a: @C@",
    "duplicate-field": "{f}:\n  a: one\n{f}:\n  b: @C@",
    "comment": "{f}:\n  a: one # @C@",
    "comment-line": "{f}:\n  # a: @C@\n  b: one",
    "comment-of-old": "{f}:\n  # @C@\n  b: one",
    "lost-key": "{f}: {{@C@}}",
    "typo": "{f}s:\n  a: @C@",
    "lower": "X{f}:\n  a: @C@",
}


def _secrets() -> Iterator[tuple[str, str]]:
    for field in ("data", "stringData"):
        for name, text in DATA.items():
            yield f"secret-{field}-{name}", MANIFEST + text.format(f=field) + "\n"
    yield "secret-below-metadata", MANIFEST + "  stringData:\n    a: @C@\n"
    item = indent(MANIFEST + "stringData: {a: @C@}\n", "  ")
    yield "secret-in-list", f"apiVersion: v1\nkind: List\nitems:\n- {item[2:]}"
    yield "secret-list", "apiVersion: v1\nkind: SecretList\nitems:\n- metadata: {name: s}\n  data: {a: @C@}\n"
    copy = "kubectl.kubernetes.io/last-applied-configuration"
    yield "secret-last-applied", f'{MANIFEST}  annotations:\n    {copy}: \'{{"data": {{"a": "@C@"}}}}\'\n'
    yield "secret-of-another-case", MANIFEST.replace("kind: Secret", "kind: secret") + "data: {a: @C@}\n"


BREAKS = {
    "no-colon": "{k} @C@",
    "no-colon-later": "{k}: one\n{i}@C@",
    "open-double": '{k}: "@C@',
    "open-single": "{k}: '@C@",
    "open-above": '{k}: "one\n{i}@C@: two',
    "glued": "{k}:@C@",
    "two-colons": "{k}: @C@: one",
    "two-colons-behind": "{k}: one: @C@",
    "tab": "{k}: one\n\t@C@: two",
    "out-of-line": "{k}: one\n   @C@: two",
    "bracket": "{k}: [@C@",
    "brace": "{k}: {{a: @C@",
    "at": "{k}: @@C@",
    "backtick": "{k}: `@C@`",
    "percent": "{k}: %@C@",
    "alias": "{k}: *@C@",
    "anchor": "{k}: &@C@",
    "template": "{k}: {{{{ @C@ }}}}",
    "escape": '{k}: "\\q @C@"',
    "header": "{k}: | @C@\n{i}  one",
    "behind-quote": '{k}: "one" @C@',
    "item": "{k}: one\n{i}- @C@",
    "character": "{k}: \x07@C@",
    "wrong-tag": "{k}: !!int @C@",
    "above-end": "{k}: one\n---@C@",
}


def _broken() -> Iterator[tuple[str, str]]:
    for name, text in BREAKS.items():
        line = text.format(k="password", i="  ")
        yield f"broken-secret-{name}", f"{MANIFEST}stringData:\n  user: me\n  {line}\n  last: x\n"
        line = text.format(k="value", i="      ")
        after = "    - name: B\n      value: x\n"
        yield f"broken-env-{name}", f"{POD}    env:\n    - name: DB_PASSWORD\n      {line}\n{after}"
    for name in ("no-colon", "open-double", "two-colons", "bracket"):
        line = BREAKS[name].format(k="config", i="  ")
        yield f"broken-data-of-{name}", f"data:\n  a: @C@\n  {line}\nkind Secret\napiVersion: v1\n"
    yield "broken-kind", "apiVersion: v1\nkind: Secret: x\nstringData:\n  a: @C@\n"
    yield "broken-args", POD + '    args:\n    - --password\n    - @C@\n    - "x\n'
    yield "broken-args-flow", POD + '    args: ["--password", "@C@]\n'
    yield "broken-option", POD + '    args:\n    - "--password=@C@\n    - x\n'
    yield (
        "broken-container",
        POD[: POD.index("  - name: a")] + "  - {name: a, env: [{name: PASSWORD, value: @C@}\n",
    )
    yield (
        "broken-configmap",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  db.password: @C@: x\n",
    )
    yield "broken-image", POD.replace("image: shop:1", "image: user:@C@@quay.io/shop: x")


POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
  - name: a
    image: shop:1
"""
VALUES = {
    "plain": "@C@",
    "double": '"@C@"',
    "literal": "|\n        @C@\n",
    "map": "{a: @C@}",
    "list": "[@C@]",
    "number": "@C@",
    "tag": "!!str @C@",
    "comment": "x # value: @C@",
}


def _variables() -> Iterator[tuple[str, str]]:
    for name, value in VALUES.items():
        yield f"env-{name}", f"{POD}    env:\n    - name: DB_PASSWORD\n      value: {value}\n"
    for name in ("API_TOKEN", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "CLIENT_SECRET", "encryptionKey"):
        yield f"env-named-{name}", f"{POD}    env: [{{name: {name}, value: @C@}}]\n"
    container = "  - {name: a, image: shop:1, env: [{name: TOKEN, value: @C@}], securityContext: {privileged: true}}\n"
    yield "env-container-in-a-line", POD[: POD.index("  - name: a")] + container
    yield "env-typo", POD + "    env:\n    - name: DB_PASSWORD\n      vaule: @C@\n"
    yield (
        "env-alias",
        POD + "    env:\n    - {name: A, value: &v @C@}\n    - {name: DB_PASSWORD, value: *v}\n",
    )
    yield "env-commented-out", POD + "    # env:\n    # - name: DB_PASSWORD\n    #   value: @C@\n"
    yield "env-url", POD + "    env: [{name: DSN, value: 'postgres://shop:@C@@db/shop'}]\n"
    yield "env-without-name", POD + "    env: [{value: @C@}]\n"
    yield "env-hidden-in-text", POD + "    env: [{name: OPTIONS, value: 'a=b password=@C@ c=d'}]\n"


ARGUMENTS: dict[str, list[str]] = {
    "glued": ["app", "--password=@C@"],
    "apart": ["app", "--password", "@C@"],
    "single-dash": ["app", "-token", "@C@"],
    "file": ["kube-apiserver", "--token-auth-file=@C@"],
    "mysql": ["mysql", "-uroot", "-p@C@"],
    "redis": ["redis-cli", "-a", "@C@"],
    "curl": ["curl", "-u", "me:@C@", "https://example.com"],
    "assignment": ["env", "PASSWORD=@C@", "app"],
    "url": ["app", "--db=postgres://shop:@C@@db/shop"],
    "shell": ["sh", "-c", "export PASSWORD=@C@; run"],
    "script": ["sh", "-c", "set -e\nmysql -uroot -p@C@ shop\n"],
    "header": ["curl", "-H", "Authorization: Bearer @C@0123456789abcdef"],
}


def _arguments() -> Iterator[tuple[str, str]]:
    for name, words in ARGUMENTS.items():
        for field in ("args", "command"):
            written = "".join(f"    - {json.dumps(word)}\n" for word in words)
            yield f"{field}-{name}", f"{POD}    {field}:\n{written}"
        flow = ", ".join(map(json.dumps, words))
        yield (
            f"command-in-a-line-{name}",
            POD.replace("image: shop:1", f"image: shop:1\n    command: [{flow}]"),
        )
    yield "probe-command", POD + "    livenessProbe: {exec: {command: [app, --password=@C@]}}\n"
    yield "args-by-image", POD.replace("shop:1", "mysql:8") + '    args: ["-p@C@"]\n'


def _others() -> Iterator[tuple[str, str]]:
    yield "image-login", POD.replace("shop:1", "shop:@C@@quay.io/shop:1")
    yield "image-token", POD.replace("shop:1", "@C@@quay.io/shop:1")
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        yield f"host-{probe}", POD + f"    {probe}: {{httpGet: {{host: 'me:@C@@example.com', port: 80}}}}\n"
        yield (
            f"tcp-host-{probe}",
            POD + f"    {probe}: {{tcpSocket: {{host: '@C@@example.com', port: 80}}}}\n",
        )
    header = "httpHeaders: [{name: Authorization, value: '@C@'}]"
    yield "header", POD + f"    livenessProbe: {{httpGet: {{port: 80, {header}}}}}\n"
    config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n"
    for name, data in {
        "entry": "  db.password: @C@",
        "flow": "  {db.password: @C@, a: b}",
        "env": "  .env: |\n    A=b\n    DB_PASSWORD=@C@\n",
        "yaml": "  app.yaml: |\n    db:\n      password: @C@\n",
        "properties": "  app.properties: |\n    spring.datasource.password=@C@\n",
        "url": "  url: amqp://shop:@C@@queue/\n",
        "json": '  config.json: \'{"auths": {"quay.io": {"password": "@C@"}}}\'',
        "list": "  passwords: [@C@]",
        "comment": "  a: b # password: @C@",
    }.items():
        yield f"configmap-{name}", config_map + data + "\n"
    annotated = POD.replace("  name: web", "  name: web\n  annotations:\n    {}: '{}'")
    copy = '{"spec": {"containers": [{"env": [{"name": "A", "value": "@C@"}]}]}}'
    yield "annotation-copy", annotated.format("kubectl.kubernetes.io/last-applied-configuration", copy)
    yield "annotation-password", annotated.format("example.com/db-password", "@C@")
    yield "annotation-url", annotated.format("example.com/hook", "https://me:@C@@example.com/")
    yield (
        "custom",
        "apiVersion: example.com/v1\nkind: Database\nmetadata: {name: d}\nspec:\n  password: @C@\n",
    )
    yield (
        "custom-deep",
        "apiVersion: example.com/v1\nkind: Database\nspec: {auth: {x: {y: 1}, apiKey: @C@}}\n",
    )
    yield "kubeconfig", "apiVersion: v1\nkind: Config\nusers:\n- name: me\n  user: {token: @C@}\n"
    generated = "secretGenerator: [{name: s, literals: [user=@C@]}]\n"
    yield "generator", f"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n{generated}"
    yield "unknown-anchor", POD + "    env: [{name: TOKEN, value: *@C@}]\n"
    yield (
        "reason",
        POD + "    # kscan:ignore C-0057 -- password=@C@\n    securityContext: {privileged: true}\n",
    )
    yield (
        "expired",
        POD + "    securityContext: {privileged: true} # kscan:ignore C-0057 until=password=@C@ -- x\n",
    )


KINDS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Job": "batch/v1",
}


def _kinds() -> Iterator[tuple[str, str]]:
    container = (
        "- name: a\n        image: shop:1\n        env:\n        - name: TOKEN\n          value: @C@\n"
    )
    for lists in ("containers", "initContainers"):
        also = "" if lists == "containers" else "      containers: [{name: b, image: 'shop:1'}]\n"
        for kind, version in KINDS.items():
            head = f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: web}}\nspec:\n  template:\n    spec:\n"
            yield f"{kind}-{lists}", f"{head}      {lists}:\n      {container}{also}"


def _json() -> Iterator[tuple[str, str]]:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": C}}
    yield "json-secret", json.dumps(secret)
    yield "json-secret-lines", json.dumps(secret, indent=2)
    yield "json-broken-comma", json.dumps(secret, indent=2).replace('"metadata"', '"x" "metadata"')
    yield "json-broken-quote", json.dumps(secret, indent=2).replace(f'"{C}"', f'"{C}')
    yield "json-broken-word", json.dumps(secret, indent=2).replace(f'"{C}"', C)
    yield "json-no-colon", json.dumps(secret, indent=2).replace('"a": ', '"a" ')
    env = [{"name": "TOKEN", "value": C}]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "a", "image": "shop:1", "env": env}]},
    }
    yield "json-env", json.dumps(pod)
    yield "json-env-lines", json.dumps(pod, indent=2)
    yield "json-env-broken", json.dumps(pod, indent=2).replace(f'"{C}"', C)


SETTINGS = {
    "token": "token: @C@\n",
    "no-colon": "frameworks: [nsa]\ntoken @C@\n",
    "open": 'frameworks: ["nsa]\ntoken: @C@: x\n',
    "alias": "frameworks: *@C@\n",
    "policy": "policies: ['https://me:@C@@example.com/x']\n",
    "control": "controls: {exclude: ['password=@C@']}\n",
    "framework": "frameworks: ['https://me:@C@@example.com']\n",
    "pattern": "inputs: {sensitiveValuesAllowed: ['@C@(']}\n",
    "file": "inputs: 'https://me:@C@@example.com/x'\n",
    "version": "kubernetesVersion: 'token=@C@'\n",
    "tag": "frameworks: !@C@ x\n",
    "twice": "frameworks: [nsa]\nframeworks: [nsa]\n# @C@\n",
}
"""Settings files with a canary."""
DRAFT = "id: T-9001\ntitle: t\nscore: 3.0\ndescription: d\nremediation: r\n"
POLICIES = {
    "no-colon": "id: T-9001\ntoken @C@\n",
    "alias": "id: T-9001\ntitle: *@C@\n",
    "unknown": DRAFT + "token: @C@\n",
    "number": DRAFT.replace("3.0", "@C@"),
    "login": DRAFT + "replaces: 'https://me:@C@@example.com'\n",
    "option": DRAFT + "checks: [{deny: \"object.kind == '--password=@C@'(\", message: m}]\n",
}
"""Control files with a canary in what is wrong."""
TESTED = """\
id: T-9001
title: Privileged
score: 8.0
description: d
remediation: r
checks:
- each: containers
  deny: container.?securityContext.?privileged.orValue(false)
  at: securityContext.privileged
  message: container '{container.name}' is privileged
  fix: {set: {securityContext.privileged: false}}
tests:
- name: a test that fails
  manifest: |
    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - {name: a, env: [{name: TOKEN, value: @C@}], securityContext: {privileged: true}}
- name: another
  manifest: |
    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: a
        env: [{name: TOKEN, value: @C@}]
        securityContext: {privileged: true}
                        # ^^^^^^^^^^^^^^^^ T-9001
  fixed: |
    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: b
        env: [{name: TOKEN, value: @C@}]
        securityContext: {privileged: false}
"""
"""A control whose tests fail on manifests with a canary."""
