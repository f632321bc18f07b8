"""The fix law (docs/architecture.md), held against a fix that is offered for a finding in `this.yaml`."""

from __future__ import annotations

import copy
from collections import Counter

from support.styles import law_three

from kscan_lsp import edits
from kscan_lsp.text import apply_edits
from kscan_lsp.yaml.document import read_document


def applied(data, changes):
    data = copy.deepcopy(data)
    for change in changes:
        here = data
        *way, last = change.path
        for key in way:
            if isinstance(here, dict) and here.get(key) is None:
                here[key] = {}
            here = here[key]
        if change.verb == "remove":
            del here[last]
        elif change.verb == "rename":
            here[change.value] = here.pop(last)
        elif change.verb == "add":
            here[last] = [*(here.get(last) or []), change.value]
        else:
            here[last] = change.value
    return data


def findings_of(project, renamed=()):
    """What was found where, apart from indices; in `this.yaml` with the keys that some changes give other names."""
    return Counter(
        (found.finding.control, found.finding.resource, names(written(found, project, path, renamed)))
        for path, file in project.files.items()
        for found in file.findings()
    )


def written(found, project, path, renamed):
    where = found.finding.path
    for change in renamed if path == "this.yaml" else ():
        if where[: len(change.path)] == change.path:
            where = (*change.path[:-1], change.value, *where[len(change.path) :])
    return where


def names(path):
    return tuple(part for part in path if isinstance(part, str))


def judged(project):
    """The document of `this.yaml` that holds the object: a comment before a `---` is a document, too."""
    documents = project.files["this.yaml"].documents
    return next((n, placed) for n, placed in enumerate(documents) if placed.checked.verdicts)


def holds(project, option, finding, before) -> None:
    judged_before, ruleset = project, project.ruleset
    _, placed = judged(project)
    document = placed.checked.document
    text = apply_edits(document.text, option.edits)
    assert text == option.text
    whole, start = project.files["this.yaml"].text, placed.offset
    whole = whole[:start] + text + whole[start + len(document.text) :]
    project = project.with_file("this.yaml", whole, json=document.json)
    _, placed = judged(project)
    result = placed.checked.document
    # 1: it parses, and says what the operations say
    assert result.complete
    assert len(result.problems) <= len(document.problems)
    assert result.data == applied(document.data, option.changes)
    # 2: this finding has gone, and none has come, here or elsewhere
    after = findings_of(project)
    identity = (finding.control, finding.resource, names(finding.path))
    assert after[identity] < before[identity]
    # ... but for a lesser one that the control's file announces, in what the fix has written
    announced = {
        control
        for check in ruleset.controls[finding.control].checks
        if check.fix
        for control in check.fix.leaves
    }
    assert announced.issuperset(option.leaves)
    for one in placed.checked.findings:
        beside = one.path[: len(finding.path) - 1] == finding.path[:-1]
        if one.control in option.leaves and one.severity < finding.severity and beside:
            after[one.control, one.resource, names(one.path)] -= 1
    assert not after - findings_of(judged_before, [c for c in option.changes if c.verb == "rename"])
    # 3: each operation is one edit of a kind that people would make
    here = document
    for change in option.changes:
        operate = {"set": edits.set_value, "add": edits.add_item, "rename": edits.rename}.get(change.verb)
        edit = operate(here, change.path, change.value) if operate else edits.remove(here, change.path)
        assert law_three(here, edit), f"{change}: {edit}"
        here = read_document(apply_edits(here.text, [edit]), json=here.json)
    assert here.text == text
    # 4: there is nothing left to fix at that place, unless what came after a list item has moved up to it
    if any(change.verb == "remove" and isinstance(change.path[-1], int) for change in option.changes):
        return
    assert (finding.control, finding.path) not in {(f.control, f.path) for f in placed.checked.findings}
