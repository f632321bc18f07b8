"""Operations on data, as an edit of its text should do them, worked out by a few lines of their own."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from kscan_lsp import edits

if TYPE_CHECKING:
    from kscan_lsp.edits import Refusal
    from kscan_lsp.paths import Path
    from kscan_lsp.text import TextEdit
    from kscan_lsp.yaml.document import Document

TRICKY = [
    "on", "yes", "y", "N", "0777", "0o17", "1e3", "1.0", ".5", "~", "", "null", "2024-01-31", "12:30", "*x",
    "&x", "!x", "%x", "@x", "`x", "a: b", "a #b", "- a", "-", "---", "...", "=", "<<", "?", "{a}", "[a]",
    "a,b", "x\ny\n", "x\n\n", "\tx", " x", "x ", "it's", 'a"b', "\\", "nginx:1.25", "http://h:80/p",
    "10.0.0.0/8",
    "512Mi", "100m", "--flag=x", "-y", "é", "😀", "\u2028", "\x85", "\ufeff", "\x7f", "a\rb", "NET_RAW",
    "ALL", "inf", ".inf", "-.inf", "0x1F", "1_000", "+1", "::", "two words", "and three, words", "a:", ":a",
    "#a",
    "line one\nline two", "$(VAR)", "a  b", "_1", "0b1", "1.2.3", "5m", "1k", "12E", "x'y",
]  # fmt: skip


def at(data: Any, path: Path) -> Any:
    for element in path:
        data = data[element]
    return data


def with_set(data: Any, path: Path, value: Any) -> Any:
    if not path:
        return copy.deepcopy(value)
    data = copy.deepcopy(data) if data is not None else {}
    inner = data[path[0]] if isinstance(data, list) else data.get(path[0])
    data[path[0]] = with_set(inner, path[1:], value)
    return data


def with_removed(data: Any, path: Path) -> Any:
    data = copy.deepcopy(data)
    del at(data, path[:-1])[path[-1]]
    return data


def with_renamed(data: Any, path: Path, key: str) -> Any:
    data = copy.deepcopy(data)
    mapping = at(data, path[:-1])
    mapping[key] = mapping.pop(path[-1])
    return data


def edited_by(document: Document, operation: str, path: Path, value: Any) -> TextEdit | Refusal:
    if operation == "remove":
        return edits.remove(document, path)
    if operation == "rename":
        return edits.rename(document, path, value)
    return (edits.set_value if operation == "set" else edits.add_item)(document, path, value)
