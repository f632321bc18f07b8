"""What is wrong in a policy, noted while it is read; and values that may have any type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from kscan_lsp.admission.reading import binding_of, policy_of
from kscan_lsp.kyverno.budget import MAX_DEPTH
from kscan_lsp.kyverno.context import expressions_in
from kscan_lsp.kyverno.expressions import QueryError, parsed
from kscan_lsp.kyverno.model import KyvernoFault
from kscan_lsp.regex import regex
from kscan_lsp.text import close_matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kscan_lsp.admission.model import Binding, Policy, PolicyFault
    from kscan_lsp.paths import Path

T = TypeVar("T")
MAX_EXPRESSIONS: Final = 2_000
"""Expressions of one policy that are looked at."""
_UNDECLARED: Final = regex(r"undeclared reference to '([A-Za-z_]+)'")
_ASKS: Final = frozenset(
    {"Get", "GetImageData", "GetMetadata", "List", "Post", "attestations", "attestors", "exceptions", "generator",
     "globalContext", "gzip", "hash", "http", "image", "imageData", "images", "json", "listObjToMap", "math", "md5",
     "parseImageReference", "parseServiceAccount", "random", "resource", "sha1", "sha256", "time", "transform", "user",
     "verifyImageSignatures", "x509", "yaml"}
)  # fmt: skip
"""Names that CEL has in Kyverno and nowhere else: they ask the cluster, a registry or the network, or are functions
that are not there."""


def as_map(value: object) -> dict[str, Any]:
    """A map, or an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def as_maps(value: object) -> list[dict[str, Any]]:
    """The maps of a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def as_text_of(value: object) -> str:
    """A text, or an empty one in place of anything else."""
    return value if isinstance(value, str) else ""


def as_texts(value: object) -> tuple[str, ...]:
    """The texts of a list."""
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


class PolicyReader:
    """What is found to be wrong, and what is not judged."""

    def __init__(self) -> None:
        self.faults: list[KyvernoFault] = []
        self.count = 0

    @property
    def errors(self) -> list[KyvernoFault]:
        """What is wrong, without what is only not judged."""
        return [fault for fault in self.faults if not fault.note]

    def fault(self, path: Path, message: str, known: Iterable[str] = ()) -> None:
        """Note what is wrong; with what could be meant, of what there is."""
        near = close_matches(message.rpartition("'")[0].rpartition("'")[2], list(known), n=1, cutoff=0.6)
        meant = f"; did you mean '{near[0]}'?" if near else ""
        self.faults.append(KyvernoFault(path, message + meant))

    def note(self, path: Path, message: str) -> None:
        """Note what is not judged."""
        self.faults.append(KyvernoFault(path, message, note=True))

    def maps(self, given: dict[str, Any], field: str, path: Path) -> list[tuple[Path, dict[str, Any]]]:
        """The maps of a list in a field, each with its path."""
        return list(self._maps(given, field, path))

    def _maps(self, given: dict[str, Any], field: str, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
        listed = given.get(field)
        if listed is not None and not isinstance(listed, list):
            self.fault((*path, field), f"'{field}' must be a list")
            return
        for number, one in enumerate(listed or ()):
            where = (*path, field, number)
            if isinstance(one, dict):
                yield where, one
            else:
                self.fault(where, f"an entry of '{field}' must be a map")

    def expression(self, source: str, path: Path, at: int = -1) -> None:
        """Look at the syntax of a JMESPath expression, which stands at an offset of the text at a path."""
        self.count += 1
        if self.count > MAX_EXPRESSIONS or "{{" in source:
            return  # one with variables in it is another one each time
        found = parsed(source.strip())
        if isinstance(found, QueryError):
            self.faults.append(KyvernoFault(path, f"not a JMESPath expression: {found}", at=at))

    def expressions(self, value: Any, path: Path, depth: int = 0) -> None:
        """Look at the syntax of all variables of a text, list or map."""
        if isinstance(value, str):
            at = 0
            for source in expressions_in(value):
                at = max(value.find(source, at), at)
                inner = source.removeprefix("-").strip()
                if inner != "@":
                    self.expression(inner, path, at)
        elif depth < MAX_DEPTH and isinstance(value, dict | list):
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            for key, one in pairs:
                if isinstance(key, str) and "{{" in key:
                    self.expressions(key, path, depth + 1)
                self.expressions(one, (*path, key), depth + 1)

    def cel(
        self, given: dict[str, Any], rule: dict[str, Any], path: Path
    ) -> tuple[Policy, Binding | None] | None:
        """A rule that is written in CEL, as an admission policy; None where it cannot be read.

        Args:
            given: what stands under `cel`.
            rule: the rule.
            path: that of `validate`.
        """
        message = as_text_of(as_map(rule.get("validate")).get("message"))
        spec = {
            "matchConditions": rule.get("celPreconditions"),
            "variables": given.get("variables"),
            "validations": [
                {**one, "message": one.get("message") or message} for one in as_maps(given.get("expressions"))
            ],
            "auditAnnotations": given.get("auditAnnotations"),
            "paramKind": given.get("paramKind"),
        }
        names = {
            "validations": (*path, "cel", "expressions"),
            "matchConditions": (*path[:-1], "celPreconditions"),
        }
        policy = policy_of("", {"spec": spec})
        if not policy.validations:
            self.fault((*path, "cel"), "'cel' needs 'expressions'")
            return None
        self.of_cel(
            policy.faults,
            lambda where: (*names.get(str(where[1]), (*path, "cel", where[1])), *where[2:]),
        )
        param = given.get("paramRef")
        return policy, binding_of("", {"spec": {"paramRef": param}}) if isinstance(param, dict) else None

    def of_cel(self, faults: Iterable[PolicyFault], place: Any) -> str:
        """Take over what is wrong with expressions of CEL.

        Args:
            faults: by their places as in an admission policy.
            place: from such a path to the one in this policy.

        Returns:
            What of Kyverno they use that is not evaluated here; empty where nothing is.
        """
        asks = ""
        for fault in faults:
            missing = _UNDECLARED.search(fault.message)
            name = missing[1] if missing else ""
            if name in _ASKS:
                asks = asks or f"'{name}'"
                message = f"not judged here: '{name}' is of Kyverno, and is not evaluated"
                self.faults.append(KyvernoFault(place(fault.path), message, note=True, at=fault.at))
            else:
                self.faults.append(KyvernoFault(place(fault.path), fault.message, fault.note, fault.at))
        return asks
