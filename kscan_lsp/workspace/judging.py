"""One document judged: alone, which depends on its text, and then for what rests on others.

Whatever an evaluator says of it is put together here, and what comments and annotations make of that. An edit that
leaves most of a document as it was leaves most of what is said about it (`earlier.py`).

Left out on purpose: which documents are judged when (`project.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from kscan_lsp.admission.model import NOTHING
from kscan_lsp.dispositions.chain import directives_of, dispose
from kscan_lsp.evidence.model import TODAY, key_for
from kscan_lsp.findings import merged
from kscan_lsp.graph.binding import bind
from kscan_lsp.graph.spaces import also_by_namespace
from kscan_lsp.kubernetes.resources import resources_of
from kscan_lsp.redaction import redacted
from kscan_lsp.workspace.admissions import admissions, admissions_after
from kscan_lsp.workspace.admitting import (
    COMES_LATER,
    Admission,
    policy_faults,
    said_as_written,
)
from kscan_lsp.workspace.earlier import object_now
from kscan_lsp.workspace.places import path_in
from kscan_lsp.workspace.results import CheckedDocument, ReadDocument, earlier_of
from kscan_lsp.yaml.document import reread

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from kscan_lsp.admission.model import Admitted
    from kscan_lsp.engine.evaluator import Evaluator
    from kscan_lsp.engine.verdicts import Verdicts
    from kscan_lsp.graph.binding import Bound
    from kscan_lsp.graph.following import Keys
    from kscan_lsp.graph.index import Key, Object
    from kscan_lsp.workspace.admissions import FollowedAndAsked
    from kscan_lsp.yaml.document import Document
    from kscan_lsp.yaml.splice import TreeEdit

_ON_TODAY: Final = frozenset([key_for(TODAY)])


def judge(
    evaluator: Evaluator,
    path: str,
    document: Document,
    before: CheckedDocument | None = None,
    change: TreeEdit | None = None,
) -> CheckedDocument:
    """A document as far as it can be judged without looking at others.

    Args:
        evaluator: what judges it.
        path: the file that it is in.
        document: as read.
        before: what it was before an edit, judged by the same evaluator.
        change: what the edit changed, where that is next to nothing.
    """
    ruleset = evaluator.ruleset
    resources, missed = resources_of(document, ruleset.pod_spec_paths)
    if ruleset.root is not None:
        file = path_in(ruleset.root, path)
        resources = tuple([replace(one, file=file) for one in resources])
    earlier = earlier_of(before, change, resources) if before else (None,) * len(resources)
    pairs = [*zip(resources, earlier, strict=True)]
    objects = tuple([object_now(path, *pair) for pair in pairs]) if ruleset.relational else ()
    if ruleset.by_namespace:
        objects = tuple(map(also_by_namespace, objects))
    seen = zip(pairs, objects or (None,) * len(pairs), strict=True)
    verdicts = tuple(
        [evaluator.evaluate(one, was.alone if was else None, other) for (one, was), other in seen]
    )
    said, kept = directives_of(document, verdicts), earlier if objects else ()
    return _alone(
        evaluator, ReadDocument(document, verdicts, missed, objects, evaluator.evidence, said, kept)
    )


def judge_edited(evaluator: Evaluator, path: str, before: CheckedDocument, text: str) -> CheckedDocument:
    """The same with another text; most edits leave most of what is said about it as it was."""
    document, change = reread(before.document, text)
    same = before.read is not None and before.read.evidence is evaluator.evidence
    return judge(evaluator, path, document, before, change if same else None)


def judge_again(evaluator: Evaluator, checked: CheckedDocument) -> CheckedDocument:
    """The same with the text that it has, by other evidence."""
    read = checked.read
    if read is None:
        return checked
    verdicts = tuple(evaluator.evaluate(verdicts.resource) for verdicts in read.verdicts)
    return _alone(evaluator, replace(read, verdicts=verdicts, evidence=evaluator.evidence))


def judge_as_written(evaluator: Evaluator, checked: CheckedDocument, path: str) -> CheckedDocument:
    """A document that was made of others, by the file that it is written in, as far as any control asks for that."""
    read, root = checked.read, evaluator.ruleset.root
    if root is None or read is None or not read.verdicts:
        return checked
    file = path_in(root, path)
    if read.verdicts[0].resource.file == file:
        return checked
    resources = [replace(verdicts.resource, file=file) for verdicts in read.verdicts]
    verdicts = tuple([evaluator.evaluate(one) for one in resources])
    return _alone(evaluator, replace(read, verdicts=verdicts, earlier=()))


def relate(
    evaluator: Evaluator, old: CheckedDocument, followed: FollowedAndAsked, changed: AbstractSet[Key]
) -> CheckedDocument:
    """A document with what rests on other objects evaluated again.

    Args:
        evaluator: what judges it.
        old: the document, judged alone.
        followed: what relations lead to in the workspace as it is now.
        changed: the keys of its index under which anything is different.
    """
    read = old.read
    if read is None:
        return old
    if old.bounds is None and read.earlier:
        return _related_after(evaluator, read, followed, changed)
    admitted = admissions(evaluator, read, followed, old.admitted)
    if any(one.stored for one in (*admitted, *old.admitted)):
        return _stored(evaluator, read, followed, admitted)
    before = old.bounds or (None,) * len(read.objects)
    bounds = tuple(
        _bound(evaluator, one, verdicts, followed, bound)
        for verdicts, one, bound in zip(read.verdicts, read.objects, before, strict=True)
    )
    if (
        bounds == old.bounds and admitted == old.admitted
    ):  # the same objects as before: what changed does not count here
        return old
    if old.bounds and admitted == old.admitted and _sees_the_same(evaluator, old, old.bounds, bounds):
        keys = old.dependencies
        if any(
            one and other and one.dependencies != other.dependencies
            for one, other in zip(old.bounds, bounds, strict=True)
        ):
            keys = _keys(evaluator, read, bounds, admitted, dated=_ON_TODAY in keys)
        return replace(old, bounds=bounds, dependencies=keys)
    verdicts = tuple(
        alone if bound is None else evaluator.evaluate_related(alone, bound)
        for alone, bound in zip(read.verdicts, bounds, strict=True)
    )
    return _disposed(evaluator, read, verdicts, bounds, admitted)


def _alone(evaluator: Evaluator, read: ReadDocument) -> CheckedDocument:
    related = evaluator.ruleset.asks_policies and bool(read.verdicts)
    related = related or any(evaluator.relations_of(verdicts.resource) for verdicts in read.verdicts)
    return _disposed(evaluator, read, read.verdicts, None if related else ())


def _related_after(
    evaluator: Evaluator, read: ReadDocument, followed: FollowedAndAsked, changed: AbstractSet[Key]
) -> CheckedDocument:
    """What rests on other objects after an edit, where most of it can be what it was."""
    admitted = admissions_after(evaluator, read, followed, changed)
    if any(one.stored for one in admitted):
        return _stored(evaluator, replace(read, earlier=()), followed, admitted)
    bounds: list[Bound | None] = []
    judged: list[Verdicts] = []
    for alone, one, was in zip(read.verdicts, read.objects, read.earlier, strict=True):
        as_before = was and was.bound_as_before(one, changed)
        bound = as_before or _bound(evaluator, one, alone, followed)
        before = was.related if was and as_before else None
        bounds.append(bound)
        judged.append(evaluator.evaluate_related(alone, bound, before) if bound else alone)
    return _disposed(evaluator, replace(read, earlier=()), tuple(judged), tuple(bounds), admitted)


def _stored(
    evaluator: Evaluator, read: ReadDocument, followed: FollowedAndAsked, admitted: tuple[Admission, ...]
) -> CheckedDocument:
    """A document with resources that policies change before they are stored: they are judged as what they become."""
    bounds: list[Bound | None] = []
    judged: list[Verdicts] = []
    for number, (alone, one) in enumerate(zip(read.verdicts, read.objects, strict=True)):
        bound = _bound(evaluator, one, alone, followed)
        said = evaluator.evaluate_related(alone, bound) if bound else alone
        admission = admitted[number]
        stored = admission.stored
        if stored is None or admission.said_of_text is None:
            bounds.append(bound)
            judged.append(_with_admission(said, admission.said))
            continue
        text = _with_admission(said, admission.said_of_text)
        led = _bound(evaluator, stored.object, stored.alone, followed)
        raw = evaluator.evaluate_related(stored.alone, led) if led else stored.alone
        raw = _with_admission(raw, admission.said)
        admitted = (
            *admitted[:number], replace(admission, stored=stored._replace(raw=raw)), *admitted[number + 1 :]
        )  # fmt: skip
        judged.append(said_as_written(raw, stored, text))
        keys = bound.dependencies if bound else frozenset()
        bounds.append(replace(led, dependencies=led.dependencies | keys) if led else None)
    return _disposed(evaluator, read, tuple(judged), tuple(bounds), admitted, joined=True)


def _bound(
    evaluator: Evaluator,
    one: Object,
    verdicts: Verdicts,
    followed: FollowedAndAsked,
    before: Bound | None = None,
) -> Bound | None:
    names = evaluator.relations_of(verdicts.resource)
    return bind(one, names, followed, before) if names else None


def _disposed(
    evaluator: Evaluator,
    read: ReadDocument,
    verdicts: tuple[Verdicts, ...],
    bounds: tuple[Bound | None, ...] | None,
    admitted: tuple[Admission, ...] = (),
    *,
    joined: bool = False,
) -> CheckedDocument:
    if not joined and any(admission.said is not NOTHING for admission in admitted):
        verdicts = tuple(
            _with_admission(one, admission.said) for one, admission in zip(verdicts, admitted, strict=True)
        )
    disposed = dispose(read.document, read.said, verdicts, evaluator.ruleset, evaluator.evidence.today)
    judging = [problem for verdict in verdicts for problem in verdict.problems]
    policies = [
        problem for verdict in verdicts for problem in policy_faults(verdict.resource, evaluator.ruleset)
    ]
    problems = redacted((*read.document.problems, *read.missed, *judging, *policies, *disposed.problems))
    keys = _keys(evaluator, read, bounds, admitted, dated=disposed.dated)
    return CheckedDocument(read.document, disposed.verdicts, problems, read, bounds, admitted, keys)


def _with_admission(verdicts: Verdicts, said: Admitted) -> Verdicts:
    return replace(
        verdicts,
        findings=tuple(merged(verdicts.findings, said.findings)),
        failed=verdicts.failed | said.failed,
        passed=verdicts.passed | said.passed,
        unevaluated=verdicts.unevaluated + said.unevaluated,
        problems=verdicts.problems + said.problems,
    )


def _keys(
    evaluator: Evaluator,
    read: ReadDocument,
    bounds: tuple[Bound | None, ...] | None,
    admitted: tuple[Admission, ...],
    *,
    dated: bool,
) -> Keys:
    parts: list[Iterable[frozenset[Key]]] = [bound.dependencies for bound in bounds or () if bound]
    parts += [admission.asked.keys for admission in admitted]
    parts.append([keys for one in read.verdicts if (keys := evaluator.evidence_of(one.resource))])
    if dated:
        parts.append((_ON_TODAY,))
    if any(admission.said.later for admission in admitted):
        parts.append((COMES_LATER,))
    return frozenset[frozenset[str]]().union(*parts)


def _sees_the_same(
    evaluator: Evaluator,
    old: CheckedDocument,
    before: tuple[Bound | None, ...],
    now: tuple[Bound | None, ...],
) -> bool:
    """Whether all that checks read of related objects is as it was, and no finding names a place in them."""
    return not any(place.file for finding in old.findings for place in finding.related) and all(
        one == other or (one and other and evaluator.sees_the_same(verdicts.resource, one, other))
        for verdicts, one, other in zip(old.verdicts, before, now, strict=True)
    )
