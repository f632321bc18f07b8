"""Whatever is edited, an evaluator that has judged much says what a new one says."""

from __future__ import annotations

import copy
import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.evaluating import TODAY, fresh, judged

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.policy import model as policies
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings
from kscan_lsp.workspace.project import Project

EXAMPLES = [
    placed.checked.document.data
    for path in sorted((Path(__file__).parents[2] / "examples" / "payments").rglob("*.yaml"))
    for placed in Project(Evaluator(choose(policies.PolicySet(), Settings())[0], Evidence(TODAY)))
    .with_file(path.name, path.read_text(encoding="utf-8"))
    .files[path.name]
    .documents
]


ODD = (None, True, False, 0, 1, 1.0, "", "0", "root", "*", [], {}, [None], {"name": "x"})


def places(value: object, path: tuple = ()) -> list[tuple]:
    """The paths of everything inside of plain data."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in inside for place in ((*path, key), *places(item, (*path, key)))]


def at(value, path):
    for key in path:
        value = value[key]
    return value


@settings(max_examples=3 * settings.default.max_examples // 5, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_whatever_is_edited_is_judged_as_by_a_new_evaluator(data: st.DataObject) -> None:
    """What was said is found again by what it rests on, so nothing that it rests on may be missing there."""
    warm = fresh()
    subject = copy.deepcopy(data.draw(st.sampled_from(EXAMPLES)))
    for _ in range(data.draw(st.integers(2, 6))):
        *way, last = data.draw(st.sampled_from(places(subject)))
        holder = at(subject, way)
        edit = data.draw(st.sampled_from(("remove", "replace", "repeat", "copy")))
        if edit == "replace":
            holder[last] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
        elif edit == "repeat" and isinstance(holder, list):
            holder.insert(0, copy.deepcopy(holder[last]))
        elif edit == "copy" and isinstance(last, str):
            mappings = [place for place in places(subject) if isinstance(at(subject, place), dict)]
            if mappings:
                at(subject, data.draw(st.sampled_from(mappings)))[last] = copy.deepcopy(holder[last])
        else:
            del holder[last]
        text = json.dumps(subject)
        assert judged(text, warm) == judged(text, fresh())
        if not places(subject):
            break
