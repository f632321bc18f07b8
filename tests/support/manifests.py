"""Manifests that several tests edit or scan."""

DOCUMENTS = [
    """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations: {note: "🚀é\u2028"}
    spec:
      hostPID: true
      containers:
        - name: api
          image: "shop/api:1.0"
          securityContext: {privileged: true, runAsUser: 7}
        - name: proxy
          image: shop/proxy
          securityContext:
            privileged: false
""",
    """\
# a comment\r
apiVersion: v1\r
kind: Pod\r
metadata: {name: "ümlaut"}\r
spec:\r
  hostNetwork: true\r
  containers:\r
    - {name: one, image: one}\r
    - {name: two, image: "two:latest", securityContext: {privileged: true}}\r
""",
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  password: hunter2\n",
]

LABELLED_POD = """\
apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: shop, labels: {app: %s}}
spec:
  hostPID: true
  containers:
  - {name: a, image: "registry.example.com/a:1", securityContext: {privileged: true}}
"""
"""Its name, and the value of its label `app`. C-0038 and C-0057 find something in it."""
