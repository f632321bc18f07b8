"""Rego as data: what is asked of whom evaluates it, and what comes back.

Gatekeeper's templates and Kubescape's rules are both written in Rego. It is evaluated elsewhere, by who has an engine
for it (`workspace/rego.py`); here is what either hands to that, and what no rule gets: the network.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.machinery import PathFinder
from typing import Any, Final, Literal, NamedTuple, Protocol

from msgspec import Struct

from kscan_lsp.regex import regex

PACKAGE: Final = regex(r"(?m)^\s*package\s+([A-Za-z_][\w.]*)")
_ASKS: Final = (
    (regex(r"\bhttp\s*\.\s*send\b|\bnet\s*\.\s*lookup_ip_addr\b"), "it asks the network"),
    (regex(r"\bopa\s*\.\s*runtime\b"), "it asks for the environment that it runs in (opa.runtime)"),
)
MAX_SOURCE: Final = 200_000
"""Characters of the Rego of one template, or one rule."""
NEEDS_ENGINE: Final = (
    "it is written in Rego, and 'regorus', which evaluates that, is not installed: docs/gatekeeper.md"
)

BEING_EVALUATED: Final = "it is being evaluated"
"""Why there is no answer yet where none is waited for."""


class RegoSource(Struct, frozen=True):
    """The Rego of a template or a rule, and which part of it is asked for."""

    digest: str
    modules: tuple[str, ...]
    package: str
    unsupported: str = ""
    """Why it is not evaluated; empty where it is."""
    asks: Literal["messages", "alerts"] = "messages"
    """The messages of its `violation`, as Gatekeeper asks, or the alerts of all its rules, as Kubescape does."""
    data: str = ""
    """What it finds under `data` besides, as JSON."""


class AlertedObject(NamedTuple):
    """An object as an alert names it."""

    api_version: str
    kind: str
    namespace: str
    name: str


class RegoAlert(Struct, frozen=True):
    """What a rule of Kubescape's says of objects."""

    message: str
    failed: tuple[str, ...]
    """Paths in them, as the rule writes them."""
    fixes: tuple[tuple[str, str], ...]
    """Paths that would have to have a value, and that."""
    objects: tuple[AlertedObject, ...]
    related: tuple[tuple[AlertedObject, tuple[str, ...]], ...] = ()
    """Other objects that it names, with paths in them."""


class RegoAnswer(Struct, frozen=True):
    """The messages or the alerts, or why there is no answer, or that it comes later."""

    messages: tuple[str, ...] = ()
    why: str = ""
    alerts: tuple[RegoAlert, ...] = ()
    later: bool = False


class GivenTogether(list[dict[str, Any]]):
    """What a rule that looks at several objects is asked with, and what it was made from.

    An answer to it is one to another only if that was made from the very same objects.
    """

    def __init__(self, given: Iterable[dict[str, Any]], objects: tuple[object, ...], where: str) -> None:
        """What a rule sees of some objects.

        Args:
            given: that.
            objects: the objects.
            where: which part of a workspace they are all of.
        """
        super().__init__(given)
        self.objects = objects
        self.where = where
        self.asked_by: dict[str, object] = {}
        """Who is about to ask a rule with it, by the digest of the rule, where nobody waits for the answer."""


class RegoEngine(Protocol):
    """Who evaluates Rego."""

    def ask(self, sources: Sequence[RegoSource], given: Any) -> Sequence[RegoAnswer]:
        """What templates or rules say of an input, each in its turn."""


@lru_cache(maxsize=1)
def has_engine() -> bool:
    """Whether what evaluates Rego is installed."""
    return PathFinder.find_spec("regorus") is not None


def source_of(
    modules: Sequence[str],
    *,
    asks: Literal["messages", "alerts"] = "messages",
    unsupported: str = "",
    data: str = "",
) -> RegoSource:
    """Rego to be evaluated.

    Args:
        modules: the texts, of which the first is asked.
        asks: what of it.
        unsupported: why it is not evaluated, if anything else says so.
        data: what it finds under `data` besides.
    """
    everything = "\n".join(modules)
    package = PACKAGE.search(modules[0]) if modules else None
    why = unsupported or next((why for pattern, why in _ASKS if pattern.search(everything)), "")
    if package is None:
        why = "it has no package"
    elif len(everything) > MAX_SOURCE:
        why = f"it is longer than {MAX_SOURCE:,} characters"
    return RegoSource(
        hashlib.sha256(repr((*modules, asks, data, why)).encode(errors="surrogatepass")).hexdigest(),
        tuple(modules),
        package[1] if package else "",
        why,
        asks,
        data,
    )


class RegoRule(Struct, frozen=True, eq=False):
    """A rule of a control that is written for Kubescape."""

    name: str
    source: RegoSource
    kinds: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...]
    """Groups, versions and kinds of the objects that it is about; `*` stands for any."""
    alone: bool
    """Whether it looks at one object at a time, and so can be asked for each by itself."""
    sees: str = ""
    """What it sees in place of objects, such as who is bound to which role; empty for them."""
    counted: RegoSource | None = None
    """What says which objects it can fail at all; None where that is all it is about."""
    inputs: Mapping[str, tuple[str, ...]] = {}
    """The lists that it reads, by what they are where no settings give them."""

    def is_about(self, api_version: str, kind: str) -> bool:
        """Whether it is about objects of a kind."""
        group, _, version = api_version.rpartition("/")
        return any(
            (group in groups or "*" in groups)
            and (version in versions or "*" in versions)
            and (kind in kinds or "*" in kinds)
            for groups, versions, kinds in self.kinds
        )

    def given(self, inputs: Mapping[str, Sequence[str]]) -> "RegoRule":
        """The rule with other lists where it reads them."""
        chosen = {name: tuple(inputs.get(name, value)) for name, value in self.inputs.items()}
        return self if chosen == self.inputs else _with_inputs(self, tuple(chosen.items()))


@lru_cache(maxsize=1_024)
def _with_inputs(rule: RegoRule, inputs: tuple[tuple[str, tuple[str, ...]], ...]) -> RegoRule:
    """Made once for each choice: what was found is known by the source."""
    data = data_of(dict(inputs))
    counted = rule.counted and source_of(
        rule.counted.modules, asks="alerts", unsupported=rule.counted.unsupported, data=data
    )
    return RegoRule(
        rule.name,
        source_of(rule.source.modules, asks="alerts", unsupported=rule.source.unsupported, data=data),
        rule.kinds,
        rule.alone,
        rule.sees,
        counted,
        dict(inputs),
    )


def data_of(inputs: Mapping[str, Sequence[str]]) -> str:
    """The lists that rules of Kubescape's read, as they find them."""
    lists = {name: [*texts] for name, texts in inputs.items()}
    return json.dumps({"postureControlInputs": lists})
