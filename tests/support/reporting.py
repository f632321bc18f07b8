"""A small framework of two controls, and reports on texts: what the tests of reports share."""

from __future__ import annotations

import functools
import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.policy import load as loading
from kscan_lsp.policy.ruleset import Ruleset, choose
from kscan_lsp.report.build import build
from kscan_lsp.report.circumstances import UNKNOWN
from kscan_lsp.report.formats import FixDetail
from kscan_lsp.report.model import NO_GATE, Gate
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from kscan_lsp.policy.model import PolicySet
    from kscan_lsp.report.circumstances import Circumstances
    from kscan_lsp.report.model import Report
    from kscan_lsp.workspace.results import CheckedFile

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "schemas" / "report.schema.json").read_text(encoding="utf-8")
)
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  hostNetwork: false
  containers:
  - name: api
    securityContext:
      privileged: true
"""

PRIVILEGED = """\
id: T-0001
title: Privileged
score: 8.0
description: d
remediation: r
checks:
- each: containers
  deny: container.?securityContext.?privileged.orValue(false)
  at: securityContext.privileged
  message: container '{container.name}' is privileged
  fix: {set: {securityContext.privileged: false}, safe: false}
"""

TAG = """\
id: T-0002
title: No tag
score: 5.0
description: d
remediation: r
inputs: {tags: ['1', '2']}
checks:
- each: containers
  deny: '!has(container.image)'
  at: image
  message: container '{container.name}' has no image
"""

NETWORK = """\
id: T-0003
title: Host network
score: 9.0
description: d
remediation: r
checks:
- each: pod
  deny: pod.?hostNetwork.orValue(false)
  at: hostNetwork
  message: the pod uses the network of its node
  fix: {remove: [hostNetwork], safe: true}
"""

CREDENTIAL = """\
id: T-0004
title: Credential
score: 7.0
category: Secrets
description: d
remediation: r
checks:
- each: containers.env[*]
  deny: item.name == 'PASSWORD'
  at: value
  message: environment variable '{item.name}' holds a credential
"""

FRAMEWORK = """\
id: test
title: Test
controls: [{id: T-0001}, {id: T-0002}, {id: T-0003}, {id: T-0004}]
"""


@functools.cache
def policy_set() -> PolicySet:
    texts = {
        "a.yaml": PRIVILEGED,
        "b.yaml": TAG,
        "c.yaml": NETWORK,
        "d.yaml": CREDENTIAL,
        "f.yaml": FRAMEWORK,
    }
    loaded = loading.load((name, read_document(text)) for name, text in texts.items())
    assert loaded.problems == ()
    return loaded


def rules(**settings: Any) -> Ruleset:
    ruleset, wrong = choose(policy_set(), Settings.of({"frameworks": ["test"], **settings}))
    assert wrong == ()
    return ruleset


def checked(name: str, text: str, ruleset: Ruleset | None = None) -> tuple[CheckedFile, Project]:
    project = Project(Evaluator(ruleset or rules(), Evidence(date(2026, 1, 1))))
    project = project.with_file(name, text, json=name.endswith(".json"))
    return project.files[name], project


def report_of(
    texts: dict[str, str],
    *,
    fixes: FixDetail = FixDetail.TITLES,
    gate: Gate = NO_GATE,
    circumstances: Circumstances = UNKNOWN,
    **settings: Any,
) -> Report:
    ruleset = rules(**settings)
    files = [checked(name, text, ruleset) for name, text in texts.items()]
    return build(files, fix_detail=fixes, gate=gate, requested=["."], circumstances=circumstances)
