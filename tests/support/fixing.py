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


def as_renamed(found, resource, change):
    """What was found, with the paths of an object as they are when one of its keys has another name."""
    old = tuple(part for part in change.path if isinstance(part, str))
    renamed = Counter()
    for (control, who, path), count in found.items():
        moved = who == resource and path[: len(old)] == old
        renamed[control, who, (*old[:-1], change.value, *path[len(old) :]) if moved else path] += count
    return renamed


def findings_of(project):
    return Counter(
        (
            found.finding.control,
            found.finding.resource,
            tuple(part for part in found.finding.path if isinstance(part, str)),
        )
        for file in project.files.values()
        for found in file.findings()
    )


def judged(project):
    """The document of `this.yaml` that holds the object: a comment before a `---` is a document, too."""
    documents = project.files["this.yaml"].documents
    return next((n, placed) for n, placed in enumerate(documents) if placed.checked.verdicts)


def holds(project, option, finding, before) -> None:
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
    identity = (finding.control, finding.resource, tuple(p for p in finding.path if isinstance(p, str)))
    assert after[identity] < before[identity]
    for change in option.changes:
        if change.verb == "rename":
            before = as_renamed(before, finding.resource, change)
    assert not after - before
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
