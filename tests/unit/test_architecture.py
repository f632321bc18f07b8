"""The invariants of docs/architecture.md, held by walking the imports."""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import metadata
from pathlib import Path

import pytest

import kscan_lsp

PACKAGE = Path(kscan_lsp.__file__).parent

ROOMS = [
    "regex", "text", "paths", "findings", "yaml", "kubernetes", "redaction", "edits", "settings", "files", "render",
    "graph", "cel", "policy", "evidence", "engine", "admission", "kyverno", "gatekeeper", "kubescape", "dispositions",
    "workspace", "fixes", "report", "testing", "authoring", "cli", "devtools", "lsp", "__main__",
]  # fmt: skip
"""Every room, in the order in which they may import each other. `lsp` is imported by `cli` only to serve."""

FLOORS = {
    "engine": [
        "digests", "related", "scope", "elements", "locate", "quoting", "parts", "plan", "touched", "memo", "ask",
        "budget", "evaluate", "verdicts", "spaces", "edited", "causes", "evaluator",
    ],
    "lsp": [
        "capabilities", "uris", "wire", "convert", "diagnostic_texts", "rendered",
        "session.around", "session.published", "session.stale",
        "session.deployed", "session.renderings",
        "session.charts", "session.overlay_builds", "session.overlays", "session.steps", "session.snapshot",
        "session.scanned", "session.workspace", "session.reconfigured",
        "session.over_budget", "session.document", "session.all_charts",
        "session.session",
        "session.control_files",
        "features.control_names", "features.suppression_edit", "features.baseline_edit", "features.exception_edit",
        "features.vocabulary", "features.policy_vocabulary", "features.diagnostics",
        "features.workspace_edit", "features.images", "features.image_page", "features.vex_edit",
        "features.code_lens", "features.status", "features.report", "features.settings_file",
        "features.completion", "features.document_links", "features.fix_all",
        "features.explanation",
        "features.hover", "features.allow", "features.harden", "features.code_actions", "features.symbols",
        "features.folding", "features.selection",
        "features.places", "features.inlay_hints", "features.references",
        "features.naming", "features.renaming",
        "features.workspace_symbols", "features.call_hierarchy", "features.chart_fixes", "features.overlay_fixes",
        "features.rendered_text", "features.control_hover", "features.policy_hover", "features.control_lens",
        "features.control_completion", "features.control_actions",
        "server.authoring", "server.tasks", "server.protocol", "server.stdio",
        "server.progress", "server.publisher", "server.settings_reader", "server.renderer",
        "server.charts", "server.overlays",
        "server.scheduler",
        "server.image_scans",
        "server.server",
        "server.commands", "server.requests", "server.navigation", "server.notifications", "server.main",
    ],
}  # fmt: skip
"""Every file of the largest rooms, in the order in which they may import each other."""

MAX_LINES = 350

TOUCH_THE_WORLD = {"files", "render", "workspace", "cli", "devtools", "lsp", "__main__"}
WORLD = {"os", "shutil", "subprocess", "socket", "urllib.request", "http", "tempfile", "pathlib"}
LAZY = {
    "text", "redaction", "cel.environment", "yaml.document", "yaml.reader",
    "workspace.exception_files", "workspace.named", "workspace.policies", "workspace.images", "workspace.sboms",
    "workspace.packs", "workspace.admissions", "workspace.admitting", "admission.asking", "kyverno.asking",
    "gatekeeper.asking",
    "report.build", "report.fixes", "report.formats", "report.gates", "report.lines",
    "cli.completion", "cli.terminal", "cli.request", "cli.baseline", "cli.wide", "cli.main", "cli.overlays", "cli.pack",
    "cli.packs", "cli.policy", "cli.vap",
    "cli.scan", "cli.scan_command", "cli.file_steps", "cli.idle", "cli.judged", "cli.processes",
    "__main__",
}  # fmt: skip
"""Modules that import in functions what only some runs need, and that is slow to import."""

FILES = sorted(PACKAGE.rglob("*.py"))
ROOM_FILES = [path for path in FILES if path.parent != PACKAGE]


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def room_of(module: str) -> str:
    return module.partition(".")[0]


@cache
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
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module_of(path)}: name the whole module, this walk does not know '.'"
            found += [(f"{node.module}.{alias.name}", id(node) in inner) for alias in node.names]
    return found


MODULES = {module_of(path): path for path in FILES}


def imported_modules(path: Path) -> set[str]:
    """The modules of our own that a file imports, for types or inside a function, too."""
    found = set()
    for name, _ in imports(path):
        if name == "kscan_lsp" or name.startswith("kscan_lsp."):
            module = name.removeprefix("kscan_lsp").removeprefix(".")
            while module not in MODULES:  # the name of something in a module
                module = module.rpartition(".")[0]
            found.add(module)
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


@pytest.mark.parametrize("room", FLOORS)
def test_a_file_imports_only_earlier_files_of_its_room(room: str) -> None:
    order = FLOORS[room]
    files = [path for path in FILES if room_of(module_of(path)) == room and path.name != "__init__.py"]
    assert sorted(module_of(path).removeprefix(f"{room}.") for path in files) == sorted(order)
    wrong = [
        (module_of(path), target)
        for path in files
        for target in imported_modules(path)
        if (inner := target.removeprefix(f"{room}.")) in order
        and target != inner
        and order.index(inner) >= order.index(module_of(path).removeprefix(f"{room}."))
    ]
    assert wrong == []


def test_no_imports_go_round_in_a_circle() -> None:
    arrows = {module: imported_modules(path) for module, path in MODULES.items()}
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_a_class_has_a_name_of_its_own() -> None:
    places = defaultdict(set)
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].add(module_of(path))
    assert {name: sorted(modules) for name, modules in places.items() if len(modules) > 1} == {}


@pytest.mark.parametrize("path", FILES, ids=lambda p: module_of(p) or "kscan_lsp")
def test_a_module_can_be_read_in_one_go(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", [path for path in ROOM_FILES if path.name == "__init__.py"], ids=module_of)
def test_a_room_says_what_it_is_for(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    assert len(text.splitlines()) > 1, "say what the room is for, what it may import, and what holds in it"


def test_what_is_imported_is_installed_with_the_package() -> None:
    def normal(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    named = {name.split(".")[0] for path in FILES for name, _ in imports(path)}
    wanted = named - sys.stdlib_module_names - {"kscan_lsp"}
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
