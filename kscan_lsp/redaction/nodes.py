"""Parts of a tree as the rules of redaction ask for them: texts, items and entries, behind aliases, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.kubernetes.images import image_ref
from kscan_lsp.yaml.data import key_of
from kscan_lsp.yaml.tree import Alias, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kscan_lsp.yaml.tree import Entry, Node


def text_of(node: Node | None) -> str | None:
    """A scalar as text; None for anything else."""
    node = node.target if isinstance(node, Alias) else node
    if not isinstance(node, Scalar):
        return None
    value = node.value
    return value if isinstance(value, str) else "" if isinstance(value, bool) or value is None else str(value)


def items_of(node: Node | None) -> list[Node]:
    """The items of a list; anything else as a list of one."""
    node = node.target if isinstance(node, Alias) else node
    if isinstance(node, Sequence):
        return [item.target if isinstance(item, Alias) else item for item in node.items]
    return [] if node is None else [node]


def first_text(node: Node | None) -> str | None:
    """The first item of a list, as text."""
    return next((text_of(item) for item in items_of(node)), None)


def last_text(node: Node | None) -> str:
    """The last item of a list, as text; empty where there is none."""
    items = items_of(node)
    return (text_of(items[-1]) or "") if items else ""


def image_name(fields: dict[str, Node]) -> str | None:
    """The last name of the image of a container."""
    image = text_of(fields.get("image"))
    return image_ref(image)["repository"].rpartition("/")[2] if image else None


def entries_of(node: Mapping) -> Iterator[tuple[str | None, Entry]]:
    """The entries of a mapping with their keys; None for a key that kubectl refuses."""
    for entry in node.entries:
        key = entry.key
        plain = type(key) is Scalar and type(key.value) is str
        yield (key.value if plain else key_of(entry)), entry  # type: ignore[union-attr,misc]
