"""What a template has in Rego, and what it is asked: Gatekeeper's input, with what files can answer.

Rego is evaluated elsewhere, by who has an engine for it. `data.inventory`, the objects of the cluster, stands in the
input here, under a name of its own: an engine compiles data into rules, and every edit would do that again.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from kscan_lsp.admission.matching import is_cluster_scoped
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.admission.matching import Request
    from kscan_lsp.graph.index import Object
    from kscan_lsp.paths import Path

_PACKAGE: Final = regex(r"(?m)^\s*package\s+([A-Za-z_][\w.]*)")
_INVENTORY: Final = regex(r"\bdata\s*\.\s*inventory\b")
_KIND: Final = regex(r"\b[A-Z][A-Za-z0-9]+\b")
_ASKS: Final = (
    (regex(r"\buserInfo\b"), "it asks who creates the object (userInfo)"),
    (regex(r"\bexternal_data\b"), "it asks a provider of external data"),
    (regex(r"\bhttp\s*\.\s*send\b|\bnet\s*\.\s*lookup_ip_addr\b"), "it asks the network"),
)
MAX_SOURCE: Final = 200_000
"""Characters of the Rego of one template."""


class RegoSource(NamedTuple):
    """The Rego of a template."""

    digest: str
    modules: tuple[str, ...]
    package: str
    kinds: frozenset[str] | None
    """What the objects of the cluster may be that it asks for, as far as it names kinds; None if it asks for none."""
    unsupported: str = ""
    """Why it is not evaluated; empty where it is."""


class RegoAnswer(NamedTuple):
    """The messages of violations, or why there is no answer, or that it comes later."""

    messages: tuple[str, ...] = ()
    why: str = ""
    later: bool = False


class RegoEngine(Protocol):
    """Who evaluates Rego."""

    def ask(self, source: RegoSource, given: dict[str, Any]) -> RegoAnswer:
        """What a template says of an input."""


NEEDS_ENGINE: Final = (
    "it is written in Rego, and 'regorus', which evaluates that, is not installed: docs/gatekeeper.md"
)


@lru_cache(maxsize=1)
def has_engine() -> bool:
    """Whether what evaluates Rego is installed."""
    return find_spec("regorus") is not None


def rego_of(source: dict[str, Any]) -> RegoSource:
    """The Rego in the `source` of a template, or in its target."""
    libraries = source.get("libs")
    given = [source.get("rego"), *(libraries if isinstance(libraries, list) else ())]
    texts = [one for one in given if isinstance(one, str)]
    everything = "\n".join(texts)
    package = _PACKAGE.search(texts[0]) if texts else None
    unsupported = next((why for pattern, why in _ASKS if pattern.search(everything)), "")
    if package is None:
        unsupported = "it has no package"
    elif len(everything) > MAX_SOURCE:
        unsupported = f"it is longer than {MAX_SOURCE:,} characters"
    asks = _INVENTORY.search(everything) is not None
    return RegoSource(
        digest=hashlib.sha256(repr(texts).encode()).hexdigest(),
        modules=tuple(_INVENTORY.sub("input.kscan_inventory", one) for one in texts),
        package=package[1] if package else "",
        kinds=frozenset(_KIND.findall(everything)) if asks else None,
        unsupported=unsupported,
    )


def input_of(
    data: dict[str, Any], request: Request, parameters: Any, inventory: Iterable[Object] | None
) -> dict[str, Any]:
    """What Gatekeeper gives to Rego.

    Args:
        data: the object with its defaults.
        request: what creates it.
        parameters: those of the constraint.
        inventory: the objects of the cluster; None where the template does not ask for them.
    """
    review = {
        "kind": {"group": request.group, "version": request.version, "kind": request.kind},
        "resource": {"group": request.group, "version": request.version, "resource": request.resource},
        "name": request.name, "operation": "CREATE", "object": data, "dryRun": False,
    }  # fmt: skip
    if request.namespace:
        review["namespace"] = request.namespace
    given = {"review": review, "parameters": {} if parameters is None else parameters}
    return given if inventory is None else {**given, "kscan_inventory": _inventory(inventory)}


def _inventory(objects: Iterable[Object]) -> dict[str, Any]:
    found: dict[str, Any] = {"cluster": {}, "namespace": {}}
    for one in objects:
        place = found["cluster"]
        if not is_cluster_scoped(one):
            place = found["namespace"].setdefault(one.namespace, {})
        data = one.data
        metadata = data.get("metadata")
        if not is_cluster_scoped(one) and isinstance(metadata, dict):
            data = {**data, "metadata": {**metadata, "namespace": one.namespace}}
        place.setdefault(one.id.api_version, {}).setdefault(one.id.kind, {})[one.id.name] = data
    return found


_NAMED: Final = regex(r"<([^<>\n]+)>|'([^'\n]+)'|\"([^\"\n]+)\"")
_LISTS: Final = regex(r"\[[^\[\]]*\]|\{[^{}]*\}")
_OWN: Final = frozenset({"apiVersion", "kind", "status"})
MAX_WALKED: Final = 20_000


def place_of(message: str, data: dict[str, Any]) -> Path:
    """Which field of an object a message is about, which is all that Rego says: a guess that has to be the only one.

    Of the container that the message names it is the field whose value it quotes, or else its name; where it names no
    container, the only field whose value it quotes. Everything else is about the object, which has its name marked.
    Lists in a message say what would be right, and do not count.

    Args:
        message: what is said.
        data: the object, as it is in its file.
    """
    plain = _LISTS.sub(" ", message)
    quoted = {next(filter(None, found)) for found in _NAMED.findall(plain)}
    words = {word.strip(".,:;()<>'\"") for word in plain.split()}
    containers: list[Path] = []
    fields: list[Path] = []
    for path, value in _walk(data):
        in_containers = len(path) >= 3 and path[-1] == "name" and str(path[-3]).endswith("ontainers")
        if in_containers and isinstance(value, str) and value in words:
            containers.append(path)
        elif str(value) in quoted and not isinstance(value, bool) and path[0] not in _OWN:
            fields.append(path)
    if len(containers) == 1:
        inside = [path for path in fields if path[: len(containers[0]) - 1] == containers[0][:-1]]
        return inside[0] if len(inside) == 1 else containers[0]
    return fields[0] if len(fields) == 1 and not containers else ("metadata", "name")


def _walk(data: dict[str, Any]) -> Iterable[tuple[Path, object]]:
    """All that is no map and no list, with its path."""
    left: list[tuple[Path, Any]] = [((), data)]
    walked = 0
    while left and walked < MAX_WALKED:
        path, value = left.pop()
        walked += 1
        if isinstance(value, dict):
            left += [((*path, key), one) for key, one in reversed(value.items())]
        elif isinstance(value, list):
            left += [((*path, number), one) for number, one in reversed([*enumerate(value)])]
        elif path and value is not None:
            yield path, value
