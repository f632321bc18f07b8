"""The invariants of docs/architecture.md, held by walking the imports."""

from __future__ import annotations

import ast
import re
import sys
from importlib import metadata
from pathlib import Path

import pytest

import kscan_lsp

PACKAGE = Path(kscan_lsp.__file__).parent

ROOMS = [
    "text", "paths", "findings", "yaml", "kubernetes", "edits", "settings", "files", "graph", "cel", "policy",
    "evidence", "engine", "dispositions", "workspace", "fixes", "report", "testing", "cli", "devtools", "lsp",
    "__main__",
]  # fmt: skip
"""Every room, in the order in which they may import each other. `lsp` is imported by `cli` only to serve."""

TOUCH_THE_WORLD = {"files", "workspace", "cli", "devtools", "lsp", "__main__"}
WORLD = {"os", "shutil", "subprocess", "socket", "urllib.request", "http", "tempfile", "pathlib"}
LAZY = {"workspace.policies", "cli.terminal", "cli.main", "__main__"}
"""Modules that import in functions what only some runs need, and that is slow to import."""

FILES = sorted(PACKAGE.rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def room_of(module: str) -> str:
    return module.partition(".")[0]


def imports(path: Path) -> list[tuple[str, bool]]:
    """(module, whether inside a function) of every import."""
    found = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = {
        id(n)
        for f in ast.walk(tree)
        if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef)
        for n in ast.walk(f)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in inner) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(f"{node.module}.{alias.name}", id(node) in inner) for alias in node.names]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: module_of(p) or "kscan_lsp")
def test_a_module_imports_only_earlier_rooms(path: Path) -> None:
    room = room_of(module_of(path))
    if not room:
        return
    assert room in ROOMS, f"{room} is a new room: give it a place in the order"
    for name, _ in imports(path):
        if not name.startswith("kscan_lsp."):
            continue
        target = room_of(name.removeprefix("kscan_lsp."))
        if target in ROOMS and (room, target) != ("cli", "lsp"):
            assert ROOMS.index(target) <= ROOMS.index(room), f"{module_of(path)} imports {name}"


def test_what_is_imported_is_installed_with_the_package() -> None:
    def normal(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    named = {name.split(".")[0] for path in FILES for name, _ in imports(path)}
    wanted = named - sys.stdlib_module_names - {"kscan_lsp", "pydantic_core"}  # pydantic pins its core
    packages = metadata.packages_distributions()
    installed = {normal(re.split(r"[^\w.-]", line)[0]) for line in metadata.requires("kscan-lsp") or ()}
    assert [name for name in sorted(wanted) if not {normal(d) for d in packages[name]} & installed] == []


@pytest.mark.parametrize("path", FILES, ids=lambda p: module_of(p) or "kscan_lsp")
def test_no_import_hides_in_a_function(path: Path) -> None:
    if module_of(path) in LAZY or room_of(module_of(path)) == "lsp":
        return  # what is slow to import is imported by the command that needs it
    assert [name for name, inside in imports(path) if inside] == []


@pytest.mark.parametrize("path", FILES, ids=lambda p: module_of(p) or "kscan_lsp")
def test_only_the_server_knows_the_protocol_and_only_cel_the_runtime(path: Path) -> None:
    room = room_of(module_of(path))
    for name, _ in imports(path):
        top = name.split(".")[0]
        assert top not in {"pygls", "lsprotocol"} or room == "lsp"
        assert top != "cel_expr_python" or room == "cel"


@pytest.mark.parametrize("path", FILES, ids=lambda p: module_of(p) or "kscan_lsp")
def test_only_the_outer_rooms_touch_files_and_processes(path: Path) -> None:
    room = room_of(module_of(path))
    if room in TOUCH_THE_WORLD:
        return
    touched = [
        name for name, _ in imports(path) if any(f"{name}.".startswith(f"{module}.") for module in WORLD)
    ]
    assert touched == []
