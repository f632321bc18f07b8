"""Where a manifest has a value of the wrong type.

A control that reads `securityContext.privileged` must not call a manifest clean because the value is the
string "yes", or the parent a list. The API server refuses such a value: the engine reports the place, and counts what
would have passed as not evaluated for the controls that read it. One table (`schema.py`) says it for every control,
which keeps type tests out of the controls.

A text such as `${REPLICAS}` in place of a number is no mistake but a gap that something fills in before the manifest is
applied (envsubst, Flux, Kustomize's and Argo's variables): what will stand there is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from kscan_lsp.kubernetes.schema import BOOL, EVERY, INT, INT_OR_STR, QUANTITY, STR
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from kscan_lsp.kubernetes.schema import Fields
    from kscan_lsp.paths import Path

MAX_TYPE_ERRORS: Final = 20
"""How many of one object are reported."""

READ_INSIDE: Final = frozenset(
    {
        "accessModes", "aggregationRule", "apiGroups", "apiVersion", "backend", "backendRefs", "cidr", "claimName",
        "claimRef", "clusterRoleSelectors", "configMap", "configMapKeyRef", "configMapRef", "containers", "data",
        "defaultBackend", "egress", "enableDefaultDeny", "endpointSelector", "env", "envFrom", "ephemeralContainers",
        "except", "from", "generateName", "group", "hostPath", "http", "ingress", "initContainers", "ipBlock", "items",
        "jobTemplate", "key", "kind", "labels", "matchExpressions", "matchLabels", "metadata", "name", "namespace",
        "namespaceSelector", "namespaces", "nonResourceURLs", "operator", "ownerReferences", "parentRefs", "path",
        "paths", "persistentVolumeClaim", "podSelector", "policyTypes", "ports", "projected", "resourceNames",
        "resources", "roleRef", "rules", "scaleTargetRef", "secret", "secretKeyRef", "secretName", "secretRef",
        "selector", "service", "serviceAccount", "serviceAccountName", "serviceName", "sources", "spec", "specs",
        "storageClassName", "stringData", "subjects", "template", "to", "types", "valueFrom", "values", "verbs",
        "volumeName", "volumes",
    }
)  # fmt: skip
"""The fields that relations to other objects rest on, and functions that a control hands an object, or a part of one:
that a control reads them is not seen in its expressions. A test holds that none is missing."""

_TYPES: Final[dict[str, frozenset[type]]] = {
    STR: frozenset({str}),
    INT: frozenset({int}),
    BOOL: frozenset({bool}),
    QUANTITY: frozenset({str, int, float}),
    INT_OR_STR: frozenset({str, int}),
}
"""Of plain data, which has no other types."""
_OR_NOTHING: Final = {name: types | {type(None)} for name, types in _TYPES.items()}


_PLACEHOLDER: Final = regex(r"\$\{[^{}]+\}|\$\([^()]+\)|\A\$[A-Za-z_]\w*\Z")


class TypeFault(Struct, frozen=True):
    """A value whose type the API server refuses, or a placeholder for one."""

    path: Path
    message: str
    field: str
    """The name of the field that Kubernetes has there, or that the value is somewhere inside: of a label, `labels`."""
    placeholder: bool = False
    """Nothing is wrong with it, but nobody knows yet what will stand there."""


def type_errors(fields: Fields, data: dict[str, Any], only: Path = ()) -> list[TypeFault]:
    """Fields of an object whose value has a type that the API server refuses.

    Args:
        fields: what is known about its kind (`pod_templates.fields_of`).
        data: the object as plain values.
        only: where to look: at this value alone, and what it stands in.

    Returns: Them, outermost first: nothing is looked at inside a value of the wrong type.
        Null is never wrong: Kubernetes treats it as absent. At most `MAX_TYPE_ERRORS`.
    """
    found: list[TypeFault] = []
    if only or not _fits(data, fields):
        _compare(data, fields, (), "", found, only=only)
    return found


def _fits(value: Any, expected: Any) -> bool:
    """Whether no type in a value is wrong, as in nearly all: `_compare` without places, in half the time."""
    if type(expected) is str:
        return value is None or type(value) in _TYPES[expected]
    if type(value) is dict:
        if type(expected) is dict:
            for key, item in value.items():
                inner = expected.get(key)
                if inner is None:
                    continue
                if type(inner) is str:
                    if type(item) not in _OR_NOTHING[inner]:
                        return False
                elif item is not None and not _fits(item, inner):
                    return False
            return True
        every = expected[1] if type(expected) is tuple else None
        if type(every) is str:
            return _OR_NOTHING[every].issuperset(map(type, value.values()))
        return every is not None and all(item is None or _fits(item, every) for item in value.values())
    if type(value) is list and (
        isinstance(expected, list) or (isinstance(expected, tuple) and expected[0] == EVERY)
    ):
        of_items = expected[0] if isinstance(expected, list) else expected[1]
        return False not in [item is not None and _fits(item, of_items) for item in value]
    return value is None


def _compare(
    value: Any, expected: Any, path: Path, field: str, found: list[TypeFault], *, only: tuple[Any, ...]
) -> None:
    if value is None or len(found) >= MAX_TYPE_ERRORS:
        return
    if isinstance(expected, str):
        if type(value) not in _TYPES[expected]:
            found.append(_fault(path, expected, value, field))
        return
    inside = only[1:]
    if isinstance(expected, dict) and isinstance(value, dict):
        for key, item in value.items() if not only else [(only[0], value[only[0]])]:
            inner = expected.get(key)
            # a call only where it finds something or goes on, as for one value in five
            if inner is not None and (type(inner) is not str or type(item) not in _TYPES[inner]):
                _compare(item, inner, (*path, key), key, found, only=inside)
    elif isinstance(expected, tuple) and isinstance(value, dict):
        for key, item in value.items() if not only else [(only[0], value[only[0]])]:
            if type(expected[1]) is not str or type(item) not in _TYPES[expected[1]]:
                _compare(item, expected[1], (*path, key), field, found, only=inside)
    elif isinstance(value, list) and (
        isinstance(expected, list) or (isinstance(expected, tuple) and expected[0] == EVERY)
    ):
        of_items = expected[0] if isinstance(expected, list) else expected[1]
        for index, item in enumerate(value) if not only else [(only[0], value[only[0]])]:
            if item is not None:
                _compare(item, of_items, (*path, index), field, found, only=inside)
            elif len(found) < MAX_TYPE_ERRORS:
                found.append(_fault((*path, index), _noun(of_items), None, field))
    else:
        found.append(_fault(path, _noun(expected), value, field))


def _noun(expected: Any) -> str:
    if isinstance(expected, str):
        return expected
    return "a list" if isinstance(expected, list) else "a mapping"


def _fault(path: Path, expected: str, value: Any, field: str) -> TypeFault:
    names = [part for part in path if isinstance(part, str)]
    where = f"'{names[-1]}'" if names else "the object"
    if path and isinstance(path[-1], int):
        where = f"item {path[-1] + 1} of {where}"
    if isinstance(value, str) and _PLACEHOLDER.search(value):
        message = f"{where} is a placeholder to be filled in, where Kubernetes wants {expected}"
        return TypeFault(path, f"{message}; what rests on it is not judged", field, placeholder=True)
    hint = "; quote it" if expected == STR and isinstance(value, bool | int | float) else ""
    message = f"{where} must be {expected}, not {_kind_of(value)}, and Kubernetes refuses anything else{hint}"
    return TypeFault(path, message, field)


def _kind_of(value: Any) -> str:
    """Names the type only: the value itself may be a secret."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "a mapping"
