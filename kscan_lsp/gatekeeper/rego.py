"""What a template has in Rego, and what it is asked: Gatekeeper's input, with what files can answer.

Rego is evaluated elsewhere, by who has an engine for it. `data.inventory`, the objects of the cluster, stands in the
input here, under a name of its own: an engine compiles data into rules, and every edit would do that again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.admission.matching import is_cluster_scoped
from kscan_lsp.policy.rego import source_of
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.admission.matching import Request
    from kscan_lsp.graph.index import Object
    from kscan_lsp.paths import Path
    from kscan_lsp.policy.rego import RegoSource

_INVENTORY: Final = regex(r"\bdata\s*\.\s*inventory\b")
_KIND: Final = regex(r"\b[A-Z][A-Za-z0-9]+\b")
_ASKS: Final = (
    (regex(r"\buserInfo\b"), "it asks who creates the object (userInfo)"),
    (regex(r"\bexternal_data\b"), "it asks a provider of external data"),
)


def rego_of(source: dict[str, Any]) -> RegoSource:
    """The Rego in the `source` of a template, or in its target."""
    texts = _texts(source)
    everything = "\n".join(texts)
    unsupported = next((why for pattern, why in _ASKS if pattern.search(everything)), "")
    return source_of([_INVENTORY.sub("input.kscan_inventory", one) for one in texts], unsupported=unsupported)


def kinds_asked(source: dict[str, Any]) -> frozenset[str] | None:
    """What the objects of the cluster may be that the same asks for, as far as it names kinds; None if for none."""
    everything = "\n".join(_texts(source))
    return frozenset(_KIND.findall(everything)) if _INVENTORY.search(everything) else None


def _texts(source: dict[str, Any]) -> list[str]:
    libraries = source.get("libs")
    given = [source.get("rego"), *(libraries if isinstance(libraries, list) else ())]
    return [one for one in given if isinstance(one, str)]


def input_of(
    data: dict[str, Any], request: Request, parameters: Any, inventory: Iterable[Object] | None
) -> dict[str, Any]:
    """What Gatekeeper gives to Rego.

    Args:
        data: the object with its defaults.
        request: what creates or updates it.
        parameters: those of the constraint.
        inventory: the objects of the cluster; None where the template does not ask for them.
    """
    review = {
        "kind": {"group": request.group, "version": request.version, "kind": request.kind},
        "resource": {"group": request.group, "version": request.version, "resource": request.resource},
        "name": request.name, "operation": request.operations[0], "object": data, "dryRun": False,
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
