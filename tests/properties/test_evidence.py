"""However a project came to its texts and to what is known besides, it says what a fresh one says."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.evidence import FINDS, POD, SERVICE, project_with

from kscan_lsp.evidence.model import Evidence, facts

if TYPE_CHECKING:
    from kscan_lsp.workspace.project import Project

RELATED = """\
id: KS-9002
title: Known to be vulnerable, and behind a service
score: 5.0
description: d
remediation: r
needs: a scan of images
evidence: images
checks:
- each: containers
  relations: {services: services}
  deny: services.size() > 0 && container.image in evidence.images
  related: services
  message: "{container.image}"
"""
PLAIN = """\
id: KS-9003
title: Any
score: 5.0
description: d
remediation: r
checks:
- {each: containers, deny: container.image == 'shop:2', message: m}
"""
IGNORED = POD.replace("    image", "    # kscan:ignore KS-9001, KS-9003 until=2026-01-15\n    image")
TEXTS = st.lists(
    st.sampled_from(
        [POD, POD.replace("shop:1", "shop:2"), IGNORED, SERVICE, SERVICE.replace("shop}}", "cart}}")]
    ),
    max_size=3,
).map("---\n".join)
FOUND = st.lists(st.just("CVE-2026-1"), max_size=1)
KINDS = st.dictionaries(
    st.sampled_from(["images", "hosts"]),
    st.dictionaries(st.sampled_from(["shop:1", "shop:2"]), FOUND).map(facts),
)
DAYS = st.sampled_from([date(2026, 1, 1), date(2026, 1, 15), date(2026, 1, 16)])
EVIDENCE = st.tuples(DAYS, KINDS).map(lambda given: Evidence(*given))
FILES = st.sampled_from(["a.yaml", "b.yaml"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("text"), FILES, TEXTS),
        st.tuples(st.just("read"), FILES, TEXTS),
        st.tuples(st.just("without"), FILES, st.none()),
        st.tuples(st.just("evidence"), st.none(), EVIDENCE),
        st.tuples(st.just("whole"), st.none(), st.none()),
    ),
    max_size=8,
)


def all_of(project: Project) -> dict[str, object]:
    return {
        path: (
            [(placed.offset, found) for placed, found in file.findings()],
            [problem for _, problem in file.problems()],
            [(sorted(v.passed), v.unevaluated) for checked in file.parts for v in checked.verdicts],
        )
        for path, file in sorted(project.files.items())
    }


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(first=EVIDENCE, steps=STEPS)
def test_a_project_says_what_a_fresh_one_says_whatever_was_known_before(first: Evidence, steps) -> None:
    controls = (FINDS, RELATED, PLAIN)
    project = replace(project_with(first, *controls), whole=False)
    texts: dict[str, str] = {}
    earlier = project
    for what, file, new in steps:
        if what == "evidence":
            earlier, project = project, project.with_evidence(new)
        elif what == "text":
            project, texts[file] = project.with_file(file, new), new
        elif what == "read":  # by another thread, before the last evidence came
            project, texts[file] = project.with_read([earlier.read(file, new)]), new
        elif what == "without":
            project = project.without_file(file)
            texts.pop(file, None)
        else:
            project = project.completed().with_relations(list(project.files))
    project = project.completed().with_relations(list(project.files))
    fresh = project_with(project.evidence, *controls)
    assert all_of(project) == all_of(
        fresh.with_files((file, text, False) for file, text in sorted(texts.items()))
    )
