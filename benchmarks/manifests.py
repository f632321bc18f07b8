"""Manifests to measure with: written for this project, realistic, and of an exact number of lines.

A document is a Deployment with a sidecar, a StatefulSet, a CronJob or a Service, as a team would write it
that has not hardened much yet; environment variables fill it up to the length asked for. Everything is ASCII,
so that a column means the same in every encoding, and nothing is random: two runs measure the same text.

    python benchmarks/manifests.py 400 > shop.yaml

"""

from __future__ import annotations

import sys

SERVICES = (
    "ledger",
    "quotes",
    "checkout",
    "refunds",
    "invoices",
    "payouts",
    "catalog",
    "search",
    "notify",
    "audit",
)
VARIABLES = (
    "LOG_LEVEL",
    "REGION",
    "CACHE_URL",
    "QUEUE",
    "TIMEOUT",
    "POOL_SIZE",
    "FEATURE_FLAGS",
    "TRACE_RATIO",
)

DEPLOYMENT = """\
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels:
    app: {name}
spec:
  replicas: 2
  selector:
    matchLabels:
      app: {name}
  template:
    metadata:
      labels:
        app: {name}
    spec:
      containers:
        - name: api
          image: shop/{name}:1.4
          ports:
            - containerPort: 8080
          securityContext:
            allowPrivilegeEscalation: false
          env:
{env}
        - name: proxy
          image: shop/proxy:latest
          securityContext:
            readOnlyRootFilesystem: true
            runAsNonRoot: true
          resources:
            requests: {{cpu: 50m, memory: 32Mi}}
            limits: {{cpu: 500m, memory: 64Mi}}
      volumes:
        - name: cache
          emptyDir: {{}}
"""

STATEFUL_SET = """\
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {name}-db
  namespace: shop
spec:
  serviceName: {name}-db
  replicas: 1
  selector:
    matchLabels:
      app: {name}-db
  template:
    metadata:
      labels:
        app: {name}-db
    spec:
      hostNetwork: true
      containers:
        - name: postgres
          image: postgres:16
          securityContext:
            privileged: true
            allowPrivilegeEscalation: true
          env:
{env}
          volumeMounts:
            - name: data
              mountPath: /var/lib/postgresql/data
      volumes:
        - name: data
          hostPath:
            path: /srv/{name}
"""

CRON_JOB = """\
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {name}-report
spec:
  schedule: "15 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: report
              image: shop/report
              args: ["--day", "yesterday"]
              env:
{env}
"""

SERVICE = """\
---
apiVersion: v1
kind: Service
metadata:
  name: {name}
  labels:
    app: {name}
spec:
  selector:
    app: {name}
  ports:
    - name: http
      port: 80
      targetPort: 8080
"""

# Ten documents that repeat: lines of each, 500 in all.
PATTERN = (
    (DEPLOYMENT, 60),
    (DEPLOYMENT, 56),
    (SERVICE, 14),
    (STATEFUL_SET, 62),
    (DEPLOYMENT, 60),
    (CRON_JOB, 44),
    (DEPLOYMENT, 58),
    (SERVICE, 14),
    (DEPLOYMENT, 66),
    (DEPLOYMENT, 66),
)


def document(template: str, name: str, lines: int) -> str:
    """`template` for a service called `name`, filled up to `lines` lines where it has variables to fill."""
    if "{env}" not in template:
        return template.format(name=name)
    indent = next(line for line in template.splitlines() if line.endswith("env:")).index("env") + 2
    room = lines - template.count("\n") + 1
    env = []
    for index in range(room // 2):
        variable = VARIABLES[index % len(VARIABLES)] + (f"_{index}" if index >= len(VARIABLES) else "")
        env += [f"- name: {variable}", f"  value: {name}-{variable.lower().replace('_', '-')}"]
    if room % 2:
        env.append("# tuned by hand, see the runbook")
    return template.format(name=name, env="\n".join(" " * indent + line for line in env))


def manifest(lines: int) -> str:
    """A manifest of exactly `lines` lines: 50 is one Deployment, a multiple of 500 has ten documents for each
    500.
    """
    documents: list[str] = []
    left = lines
    while left:
        template, size = PATTERN[len(documents) % len(PATTERN)]
        service = SERVICES[len(documents) % len(SERVICES)]
        name = f"{service}-{len(documents) // len(SERVICES)}" if len(documents) >= len(SERVICES) else service
        if left < size + 45:  # what is left is one last document, of a kind that can be filled up
            template, size = DEPLOYMENT, left
        documents.append(document(template, name, size))
        left -= documents[-1].count("\n")
    return "".join(documents)


if __name__ == "__main__":
    sys.stdout.write(manifest(int(sys.argv[1])))
