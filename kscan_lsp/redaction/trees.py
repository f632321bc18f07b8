"""Secrets in a document that could be read: by the kind of object, the fields they stand in, and their looks.

Of a Secret all is masked that is not known to be harmless, since its values may be anywhere in it: under `data` that is
a list, under a field with a typo, behind an alias. Elsewhere a value counts by the name it stands under.

Left out on purpose: lines that could not be read (`lines.py`).
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.kubernetes.credentials import credential, credential_in_annotation
from kscan_lsp.redaction.arguments import is_secret_argument
from kscan_lsp.redaction.nodes import entries_of, first_text, image_name, items_of, last_text, text_of
from kscan_lsp.redaction.texts import hints_in, spans_in
from kscan_lsp.redaction.vocabulary import (
    COPY,
    OBJECT_META,
    OF_SECRETS,
    has_credential_word,
    is_harmless,
    is_secret_under,
    may_name_secret,
)
from kscan_lsp.text import Span
from kscan_lsp.yaml.tree import Alias, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from kscan_lsp.yaml.tree import Entry, Node

_SECRET_DATA: Final = frozenset(("data", "stringdata", "binarydata"))
_SPECIAL: Final = frozenset(("<<", "annotations", "args", "command", "literals"))
_SHORT: Final = 15
"""Characters of a value that is the base64 of nothing that is looked for."""
_SHOWN_OF_VARIABLES: Final = frozenset(("name", "valueFrom"))


class TreeSecrets(Struct, frozen=True):
    """What is found in the tree of one document."""

    spans: list[Span]
    """In no order, perhaps over several lines."""
    is_secret: bool
    """Whether an object in it is a Secret."""


def secrets_of(text: str, root: Node, entries: tuple[str, ...]) -> TreeSecrets:
    """Where in a document values are that may be secrets.

    Args:
        text: the document.
        root: its tree.
        entries: sensitiveKeyNames.
    """
    walk = _Walk(text, entries)
    walk.run(root)
    return TreeSecrets(walk.spans, walk.is_secret)


class _Walk:
    """One walk over a tree. What waits is kept in a list: a document may be nested deeper than Python's calls."""

    def __init__(self, text: str, entries: tuple[str, ...]) -> None:
        self.text = text
        self.entries = entries
        self.spans: list[Span] = []
        self.is_secret = False
        self.waiting: list[tuple[Node, str | None]] = []
        """Nodes with the name of the field they stand in; None where all of them is secret."""
        self.seen: set[tuple[int, str | None]] = set()
        self.hints = hints_in(text)
        """Where there is something that no secret by its looks is without."""
        self.ends = [hint.end for hint in self.hints]

    def run(self, root: Node) -> None:
        self.waiting.append((root, ""))
        while self.waiting:
            node, name = self.waiting.pop()
            if isinstance(node, Alias):
                if name is None:
                    self.spans.append(Span(node.start, node.end))
                node = node.target
                if (id(node), name) in self.seen:
                    continue
                self.seen.add((id(node), name))
            if isinstance(node, Scalar):
                if name is None:
                    self.hide(node)
                else:
                    self.scalar(node, name)
            elif isinstance(node, Sequence):
                self.waiting += ((item, name) for item in node.items)
            elif isinstance(node, Mapping):
                if name is None:
                    self.waiting += (
                        (part, None) for entry in node.entries for part in (entry.key, entry.value)
                    )
                else:
                    self.mapping(node, name)

    def hide(self, node: Node) -> None:
        """Mask a scalar, with its quotes, its tag and its anchor; all of anything else."""
        if not isinstance(node, Scalar):
            self.waiting.append((node, None))
            return
        start = node.props if node.props >= 0 else node.start
        if not is_harmless(self.text[start : node.end]):
            self.spans.append(Span(start, node.end))

    def scalar(self, node: Scalar, name: str) -> None:
        value = text_of(node)
        if value is None:
            return
        if is_secret_under(name, value, self.entries):
            self.hide(node)
        else:
            self.inside(node, value)

    def is_hinted(self, node: Scalar) -> bool:
        """Whether a scalar may be a secret by its looks: one search over the text is quicker than one for each."""
        after = bisect_right(self.ends, node.start)
        return after < len(self.hints) and self.hints[after].start < node.end

    def inside(self, node: Scalar, value: str) -> None:
        """Mask what is a secret by its looks: all of a text with several lines, since any of them may go with it."""
        if not self.is_hinted(node):
            return
        if "\n" in value and credential("", value, [*self.entries]):
            self.hide(node)
            return
        found = spans_in(self.text[node.start : node.end])
        self.spans += (Span(node.start + span.start, node.start + span.end) for span in found)

    def mapping(self, node: Mapping, name: str) -> None:
        entries = [*entries_of(node)]
        fields = {key: entry.value for key, entry in entries if key is not None}
        kind = fields.get("kind")
        kind_name = kind.value if isinstance(kind, Scalar) else None
        if isinstance(kind_name, str) and kind_name.lower() == "secret":
            self.is_secret = True
            self.secret(node)
            return
        if kind_name == "SecretList":
            self.is_secret = True
            for item in items_of(fields.get("items")):
                if isinstance(item, Mapping):
                    self.secret(item)
                else:
                    self.waiting.append((item, None))
            return
        config_map = kind_name == "ConfigMap"
        is_object = isinstance(kind, Scalar) or "apiVersion" in fields
        variable = name == "env" or ("name" in fields and "value" in fields)
        for key, entry in entries:
            value = entry.value
            if key is None:
                self.waiting += ((entry.key, ""), (value, ""))
            elif key == "parameters" and kind_name == "Template":
                self.parameters(value)
            elif variable and key not in _SHOWN_OF_VARIABLES:
                self.variable(fields.get("name"), key, value)
            elif key in _SPECIAL or key.lower() in _SECRET_DATA:
                self.special(key, value, fields, name, config_map=config_map, is_object=is_object)
            elif type(value) is Scalar:
                self.scalar(value, key)
            else:
                self.waiting.append((value, key))

    def parameters(self, node: Node) -> None:
        """Those of a Template: what their values are is known by where they are used, which is anywhere."""
        for item in items_of(node):
            for key, entry in entries_of(item) if isinstance(item, Mapping) else ():
                self.waiting.append((entry.value, None if key in (None, "value") else key))
            if not isinstance(item, Mapping):
                self.waiting.append((item, None))

    def special(
        self, key: str, value: Node, fields: dict[str, Node], name: str, *, config_map: bool, is_object: bool
    ) -> None:
        """A field that has rules of its own."""
        if key == "<<":
            self.waiting.append((value, name))
        elif key == "annotations":
            self.annotations(value)
        elif key in ("args", "command"):
            self.arguments(value, fields, key)
        elif key == "literals":
            self.literals(value)
        elif config_map:
            self.named_values(value)
        elif is_object or key.lower() == "stringdata":
            self.data(value)
        else:
            self.waiting.append((value, key))

    def secret(self, node: Mapping) -> None:
        """A Secret: all but what is known to be harmless."""
        for key, entry in entries_of(node):
            if key in OF_SECRETS:
                self.waiting.append((entry.value, ""))
            elif key == "metadata" and isinstance(entry.value, Mapping):
                self.metadata(entry.value)
            else:
                self.data(entry.value)
                self.lone_key(entry)

    def metadata(self, node: Mapping) -> None:
        for key, entry in entries_of(node):
            if key == "annotations":
                self.annotations(entry.value)
            elif key in OBJECT_META:
                self.waiting.append((entry.value, ""))
            else:
                self.data(entry.value)
                self.lone_key(entry)

    def data(self, node: Node) -> None:
        """The data of a Secret: names stay, and what they stand for does not."""
        node = node.target if isinstance(node, Alias) else node
        if not isinstance(node, Mapping):
            self.waiting.append((node, None))
            return
        for _, entry in entries_of(node):
            self.waiting.append((entry.value, None))
            self.lone_key(entry)

    def lone_key(self, entry: Entry) -> None:
        """A key without a colon is a value that lost its key."""
        key, value = entry.key, entry.value
        if not isinstance(key, Scalar):
            self.waiting.append((key, None))
        elif entry.explicit or (
            isinstance(value, Scalar)
            and value.start == value.end
            and ":" not in self.text[key.end : max(value.start, key.end)]
        ):
            self.hide(key)

    def annotations(self, node: Node) -> None:
        node = node.target if isinstance(node, Alias) else node
        if not isinstance(node, Mapping):
            self.waiting.append((node, None))
            return
        for key, entry in entries_of(node):
            value = text_of(entry.value)
            if key is None or value is None:
                self.waiting.append((entry.value, None))
            elif (
                COPY in key
                or credential_in_annotation(key, value, [*self.entries])
                or is_secret_under(key.rpartition("/")[2], value, self.entries)
            ):
                self.hide(entry.value)
            elif isinstance(entry.value, Scalar):
                self.inside(entry.value, value)

    def named_values(self, node: Node) -> None:
        """The data of a ConfigMap: values by their names, and by their looks."""
        node = node.target if isinstance(node, Alias) else node
        if not isinstance(node, Mapping):
            self.waiting.append((node, None))
            return
        for key, entry in entries_of(node):
            self.named(key, entry.value)

    def variable(self, name: Node | None, key: str, value: Node) -> None:
        """A field of a variable or header, which is `value` or one with a typo."""
        known = text_of(name) if name is not None else None
        if known is None or not isinstance(value, Scalar):
            self.waiting.append((value, None))
        elif key == "value" or may_name_secret(known, self.entries):
            self.named(known, value)
        else:
            self.waiting.append((value, key))

    def named(self, name: str | None, node: Node) -> None:
        value = text_of(node)
        if name is None or value is None:
            self.waiting.append((node, None))
        elif may_name_secret(name, self.entries):
            if not _is_reference(value):
                self.hide(node)
        elif isinstance(node, Scalar) and (self.is_hinted(node) or len(value) > _SHORT):
            if credential(name, value, [*self.entries]):
                self.hide(node)
            else:
                self.inside(node, value)

    def literals(self, node: Node) -> None:
        """`name=value` of a generator of Kustomize, for Secrets or ConfigMaps."""
        for item in node.items if isinstance(node, Sequence) else [node]:
            self.behind(item, "=")

    def behind(self, node: Node, sign: str) -> None:
        """Mask what follows a sign in a scalar; all of one that has none."""
        if not isinstance(node, Scalar):
            self.waiting.append((node, None))
            return
        at = self.text.find(sign, node.start, node.end)
        if at < 0:
            self.hide(node)
        elif not is_harmless(self.text[at + 1 : node.end]):
            quote = node.style in ("'", '"')
            self.spans.append(Span(at + 1, node.end - quote))

    def arguments(self, node: Node, fields: dict[str, Node], key: str) -> None:
        """The arguments of a program: what an option is given that is named like a credential, or known to take one."""
        items = items_of(node)
        words = [text_of(item) for item in items]
        run = (first_text(fields.get("command")), words[0] if words else None, image_name(fields))
        programs = dict.fromkeys(("", *filter(None, run)))
        before = "" if key == "command" else last_text(fields.get("command"))
        for item, word in zip(items, words, strict=True):
            if word is None or not isinstance(item, Scalar):
                self.waiting.append((item, ""))
            elif "=" in word and " " not in word and has_credential_word(word.partition("=")[0]):
                self.behind(item, "=")
            elif is_secret_argument(programs, before, word, self.entries):
                self.hide(item)
            else:
                self.inside(item, word)
            before = word or ""


def _is_reference(value: str) -> bool:
    """`$(NAME)`, `${NAME}`: what another variable holds."""
    name = value[2:-1]
    return value[:2] + value[-1:] in ("$()", "${}") and name.isidentifier()
