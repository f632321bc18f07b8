"""Policies as files: those that come with the program, and those that settings name."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import MsgspecError, Struct, json
from msgspec.structs import replace

from kscan_lsp.files import encoding
from kscan_lsp.findings import Problem
from kscan_lsp.policy.model import Control, Framework, PolicySet
from kscan_lsp.text import Span
from kscan_lsp.yaml.document import Document, read_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


@functools.cache
def builtin_policies() -> PolicySet:
    """The controls and frameworks that come with the program, ready to judge.

    They are stored as `loading.load` makes them; their expressions are compiled when they are first needed, and their
    own tests are not there: most runs need a part of the controls, and all of them wait for this.
    """
    try:
        stored = json.decode(STORED.read_bytes(), type=StoredPolicies)
    except (OSError, MsgspecError):
        stored = None
    if stored is None or stored.of != builtin_digest():
        return complete_policies()
    controls = {control.id: control for control in stored.controls}
    return PolicySet(controls, {framework.id: framework for framework in stored.frameworks})


STORED: Final = Path(__file__).parent.parent / "policies.json"
"""The built-in policies, ready to judge (`pages.py` writes it). They count only for the texts they were made of."""


class StoredPolicies(Struct, frozen=True):
    """What is in STORED; `of` tells the texts that it was made of from all others."""

    of: str
    controls: tuple[Control, ...]
    frameworks: tuple[Framework, ...]


def builtin_digest() -> str:
    """What tells the texts of `builtin_files` from all others, whatever their tests and line ends."""
    texts = (path.read_bytes().replace(b"\r\n", b"\n").partition(b"\ntests:")[0] for path in builtin_files())
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


@functools.cache
def complete_policies() -> PolicySet:
    """The same with their tests, and everything about them checked."""
    from kscan_lsp.policy.load import load

    return load(_documents(list(builtin_files())))


@functools.cache
def builtin_files() -> tuple[Path, ...]:
    """The files of the controls and frameworks that come with the program."""
    package = Path(__file__).parent.parent
    folders = (package / "_policies", package.parent / "policies")
    return tuple(sorted(next(folder for folder in folders if folder.is_dir()).rglob("*.yaml")))


def load_policies(
    files: list[Path], buffers: Mapping[Path, str] | None = None, base: PolicySet | None = None
) -> PolicySet:
    """The built-in policies (or `base`), and those of a user's files over them."""
    base = base or builtin_policies()
    if not files:
        return base
    from kscan_lsp.policy.load import load

    return load(_documents(files, buffers), base)


def policy_files(names: Iterable[str], root: Path) -> list[Path]:
    """The files that settings name as policies: files as they are, of folders all `.yaml` and `.yml` files.

    Args:
        names: files or folders, relative to `root`.
        root: the folder of the settings that name them.
    """
    files: list[Path] = []
    for name in names:
        path = root / name
        files += (
            sorted(p for p in path.rglob("*") if p.suffix in (".yaml", ".yml")) if path.is_dir() else [path]
        )
    return files


def _documents(
    files: list[Path], buffers: Mapping[Path, str] | None = None
) -> Iterator[tuple[str, Document]]:
    for path in files:
        yield str(path), read_policy_file(path, "control", buffers)


def read_policy_file(path: Path, code: str, buffers: Mapping[Path, str] | None) -> Document:
    """A settings or policy file as a document; one that cannot be read is an empty one with a problem."""
    if buffers and path in buffers:
        return read_document(buffers[path], json=path.suffix == ".json")
    source = encoding.read(path)
    if isinstance(source, encoding.SourceText):
        return read_document(source.text, json=path.suffix == ".json")
    problem = Problem(Span(0, 0), f"this file is left out: {source.reason}", code, fatal=True)
    return replace(read_document(""), problems=(problem,), complete=False)
