"""Rules that ask for a level of the Pod Security Standards: what the controls of that framework say of an object.

Source: pkg/pss of kyverno/kyverno; the levels are those of `policies/frameworks/pss-*.yaml`, whose sections are called
as Kyverno calls its controls.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.graph.binding import Followed, bind
from kscan_lsp.graph.index import Index
from kscan_lsp.kyverno.images import LISTS, image_of, text_of
from kscan_lsp.kyverno.rules import Verdict
from kscan_lsp.kyverno.scalars import wild_match
from kscan_lsp.policy.ruleset import choose
from kscan_lsp.settings.model import Settings

if TYPE_CHECKING:
    from kscan_lsp.findings import Finding
    from kscan_lsp.graph.index import Object
    from kscan_lsp.kubernetes.resources import Resource
    from kscan_lsp.kyverno.model import Excluded, PodSecurity
    from kscan_lsp.policy.model import Framework, PolicySet

MAX_EVALUATORS: Final = 4
_ANY_DAY: Final = date(1970, 1, 1)
"""None of these controls asks what day it is."""
_EVALUATORS: Final[OrderedDict[tuple[int, str], tuple[PolicySet, Evaluator]]] = OrderedDict()


def security_verdict(asked: PodSecurity, one: Object, resource: Resource, policies: PolicySet) -> Verdict:
    """What a level of the standards says of an object.

    Args:
        asked: the level, and what is excluded from it.
        one: the object as others see it.
        resource: the same in its document.
        policies: where the controls of the standards are.
    """
    if asked.level == "privileged":
        return Verdict("pass")
    framework = policies.framework(f"pss-{asked.level}")
    if framework is None:
        return Verdict("unknown", (), f"the framework 'pss-{asked.level}' is not there")
    evaluator = _evaluator(policies, asked.level)
    verdicts = evaluator.evaluate(resource)
    if relations := evaluator.relations_of(resource):
        # the standards ask for no other object
        verdicts = evaluator.evaluate_related(verdicts, bind(one, relations, Followed(Index())))
    failing: list[Finding] = []
    for finding in verdicts.findings:
        section = _section_of(framework, finding)
        excluded = [one for one in asked.exclude if one.control == section]
        if any(not one.partly and _covers(one, finding, resource.data) for one in excluded):
            continue
        if any(one.partly for one in excluded):
            return Verdict("unknown", (), "it excludes single values of fields, which are not read here")
        failing.append(finding)
    if failing:
        paths = tuple(dict.fromkeys(finding.path for finding in failing))
        return Verdict("fail", paths, "; ".join(dict.fromkeys(finding.message for finding in failing)))
    if verdicts.unevaluated:
        return Verdict("unknown", (), verdicts.unevaluated[0].reason)
    return Verdict("pass")


def _evaluator(policies: PolicySet, level: str) -> Evaluator:
    key = (id(policies), level)
    known = _EVALUATORS.get(key)
    if known is None or known[0] is not policies:
        ruleset, _ = choose(policies, Settings(frameworks=(f"pss-{level}",)))
        known = _EVALUATORS[key] = (policies, Evaluator(ruleset, Evidence(_ANY_DAY)))
        if len(_EVALUATORS) > MAX_EVALUATORS:
            with contextlib.suppress(KeyError):  # another thread may have taken it out
                _EVALUATORS.popitem(last=False)
    return known[1]


def _section_of(framework: Framework, finding: Finding) -> str:
    """The section of a framework that a finding belongs to, as Kyverno calls it."""
    if "capabilities" in finding.path:  # which C-0057 looks at, too
        return "Capabilities"
    member = framework.members.get(finding.control)
    return member.section.partition(" (")[0] if member is not None else ""


def _covers(excluded: Excluded, finding: Finding, data: Any) -> bool:
    """Whether an exclusion is about what a finding is: with images about containers of these, else about the pod."""
    image = _image(finding, data)
    if image is None:
        return not excluded.images
    info = image_of(image)
    names = [image, text_of(info)] if info else [image]
    return any(wild_match(pattern, name) for pattern in excluded.images for name in names)


def _image(finding: Finding, data: Any) -> str | None:
    """The image of the container that a finding is about; None for one about the pod."""
    for number, name in enumerate(finding.path):
        data = data[name] if isinstance(data, list) and isinstance(name, int) and name < len(data) else (
            data.get(name) if isinstance(data, dict) else None
        )  # fmt: skip
        if number and finding.path[number - 1] in LISTS and isinstance(data, dict):
            image = data.get("image")
            return image if isinstance(image, str) else ""
    return None
