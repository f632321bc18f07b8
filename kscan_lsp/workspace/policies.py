"""Policies as files: those that come with the program, and those that settings name."""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import MsgspecError, Struct, json, msgpack
from msgspec.structs import replace

from kscan_lsp.cel import Stored
from kscan_lsp.files import encoding
from kscan_lsp.files.discover import repository
from kscan_lsp.files.named import NamedFiles, named_files, workspace_of
from kscan_lsp.findings import Problem
from kscan_lsp.policy.environment import CONTROLS
from kscan_lsp.policy.model import Control, Framework, PolicySet
from kscan_lsp.text import Span
from kscan_lsp.yaml.document import Document, read_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kscan_lsp.policy.definitions import Definitions
    from kscan_lsp.policy.memo import PolicyMemo


@functools.cache
def builtin_policies() -> PolicySet:
    """The controls and frameworks that come with the program, ready to judge.

    They are stored as `policy.load` makes them; their expressions are compiled when they are first needed, and their
    own tests are not there: most runs need a part of the controls, and all of them wait for this.
    """
    try:
        stored = json.decode(STORED.read_bytes(), type=StoredPolicies)
    except (OSError, MsgspecError):
        stored = None
    if stored is None or stored.of != digest_of(builtin_texts()):
        # of the texts that were read already; what comes with the program is told from other policies by this
        return replace(complete_policies(), sources={})
    builtin_texts.cache_clear()
    CONTROLS.ready = stored_programs()
    controls = {control.id: control for control in stored.controls}
    return PolicySet(controls, {framework.id: framework for framework in stored.frameworks})


POLICY_SUFFIXES: Final = (".yaml", ".yml")
"""How the names of control and framework files end in a folder that is named."""

MAX_FILE: Final = 1_000_000
"""Bytes of a file of settings or policies; the largest that comes with the program has 21,000."""

PACK_NAME: Final = "kscan-pack.yaml"
"""The file of a pack that says what it is."""

STORED: Final = Path(__file__).parent.parent / "policies.json"
"""The built-in policies, ready to judge (`devtools/docgen.py` writes it). They count for the texts they are made of."""


PROGRAMS: Final = STORED.with_name("programs.msgpack")
"""What CEL made of their expressions (`devtools/docgen.py` writes it), by the source of each: any other is compiled."""


def stored_programs() -> dict[str, Stored]:
    """What is in PROGRAMS."""
    try:
        return msgpack.decode(PROGRAMS.read_bytes(), type=dict[str, Stored])
    except (OSError, MsgspecError):
        return {}


class StoredPolicies(Struct, frozen=True):
    """What is in STORED; `of` tells the texts that it was made of from all others."""

    of: str
    controls: tuple[Control, ...]
    frameworks: tuple[Framework, ...]


def digest_of(texts: Mapping[str, bytes]) -> str:
    """What tells the texts of controls and frameworks from all others, whatever their tests and line ends."""
    untested = (text.partition(b"\ntests:")[0].removesuffix(b"\r") for text in texts.values())
    # every run waits for this: it is told from what is there by mistake, and BLAKE2 takes a fifth of what SHA-256 does
    whole = b"\0".join(untested).replace(b"\r\n", b"\n")
    return hashlib.blake2b(whole, digest_size=16).hexdigest()


@functools.cache
def complete_policies() -> PolicySet:
    """The same with their tests, and everything about them checked."""
    from kscan_lsp.policy.load import load

    sources = {path: encoding.decode(text) for path, text in builtin_texts().items()}
    builtin_texts.cache_clear()
    return load(
        (path, read_document(source.text))
        for path, source in sources.items()
        if isinstance(source, encoding.SourceText)
    )


@functools.cache
def builtin_texts() -> Mapping[str, bytes]:
    """The files of the controls and frameworks that come with the program, read once by whoever needs them first."""
    folder = builtin_folder()
    # packs lie beside them, and are read where settings name them; `Path` takes five times as long to read a file
    folders = [os.path.join(folder, kind) for kind in ("controls", "frameworks")]
    files = [os.path.join(below, name) for below in folders for name in os.listdir(below)]
    return {path: _bytes_of(path) for path in sorted(files) if path.endswith(".yaml")}


def _bytes_of(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read()


def builtin_folder() -> Path:
    """The folder of what comes with the program: controls, frameworks and packs."""
    package = Path(__file__).parent.parent
    folders = (package / "_policies", package.parent / "policies")
    return next(folder for folder in folders if folder.is_dir())


def policy_files(names: tuple[str, ...], root: Path | None) -> NamedFiles:
    """The policy files that settings name; what is relative to no folder is nowhere."""
    if root is None:
        return NamedFiles([], [(n, f"there is no file or folder '{name}'") for n, name in enumerate(names)])
    if not names:
        return NamedFiles([], [])
    from kscan_lsp.workspace.kubescape_files import (  # most settings name no policies
        is_library,
        library_files,
    )

    inside = workspace_of(root)
    libraries = {n for n, name in enumerate(names) if is_library(root / name, inside)}
    plain = [n for n in range(len(names)) if n not in libraries]
    found = named_files(tuple(names[n] for n in plain), root, POLICY_SUFFIXES, inside=inside)
    named = NamedFiles(found.files, [(plain[n], message) for n, message in found.wrong])
    for number in sorted(libraries):
        files, wrong = library_files(names[number], root, inside)
        named.files.extend(files)
        named.wrong.extend((number, message) for message in wrong)
    return named


def load_policies(
    files: list[Path],
    buffers: Mapping[Path, str] | None = None,
    base: PolicySet | None = None,
    memo: PolicyMemo | None = None,
) -> PolicySet:
    """The built-in policies, and those of a user's files, which may take the id of one only if they say so.

    Over another `base` the files count whatever they say: who tests a control means the one in the file. `memo` is as
    for `load`.
    """
    reserved = None
    if base is None:
        base = reserved = builtin_policies()
    if not files:
        return base
    from kscan_lsp.policy.load import load
    from kscan_lsp.workspace.kubescape_files import read_library, without_libraries

    files, libraries = without_libraries(files)
    documents = ((str(path), read_policy_file(path, "control", buffers, memo)) for path in files)
    known = load(documents, base, memo, reserved, packs=_packs_of(files, buffers))
    for library in libraries:
        from kscan_lsp.kubescape.reading import (
            with_library,  # few have controls that were written for Kubescape
        )

        known = with_library(
            known, read_library(library, functools.partial(read_library_file, buffers=buffers, memo=memo))
        )
    return known


def definitions_for(path: Path, buffers: Mapping[Path, str] | None) -> Definitions | None:
    """What the pack defines that a control's file is in; None where it is in none."""
    return _pack_around(path.parent, buffers)


def _packs_of(files: list[Path], buffers: Mapping[Path, str] | None) -> dict[str, Definitions]:
    """What the packs define that some files are in, by the names of the files."""
    packs = {folder: _pack_around(folder, buffers) for folder in {file.parent for file in files}}
    return {str(file): pack for file in files if (pack := packs[file.parent]) is not None}


def _pack_around(folder: Path, buffers: Mapping[Path, str] | None) -> Definitions | None:
    """What the innermost pack defines that a folder lies in, in the same checkout."""
    top = repository(str(folder))
    for one in (folder, *folder.parents):
        if (pack := _definitions_in(one / PACK_NAME, buffers)) is not None or str(one) == top:
            return pack
    return None


def _definitions_in(path: Path, buffers: Mapping[Path, str] | None) -> Definitions | None:
    """What the pack defines whose own file this is; None where there is none."""
    if not (buffers and path in buffers) and not path.is_file():
        return None
    from kscan_lsp.policy.definitions import Definitions
    from kscan_lsp.settings.pack import read_pack  # a model takes a while, and most policies are in no pack

    document = read_policy_file(path, "setting", buffers)
    pack, _ = read_pack(document)
    return Definitions(str(path), document, tuple(pack.definitions.items()) if pack else ())


def read_library_file(
    path: Path, buffers: Mapping[Path, str] | None, memo: PolicyMemo | None
) -> tuple[Document | None, str | None]:
    """A file of a folder of Kubescape's controls: JSON as a document, and Rego as a text if it can be read."""
    if path.suffix == ".json":
        return read_policy_file(path, "control", buffers, memo), None
    source = (
        encoding.SourceText(buffers[path]) if buffers and path in buffers else encoding.read(path, MAX_FILE)
    )
    return None, source.text if isinstance(source, encoding.SourceText) else None


def read_policy_file(
    path: Path, code: str, buffers: Mapping[Path, str] | None, memo: PolicyMemo | None = None
) -> Document:
    """A settings or policy file as a document; one that cannot be read is an empty one with a problem."""
    read = read_document if memo is None else memo.document
    if buffers and path in buffers:
        text = buffers[path]
        source = encoding.SourceText(text) if len(text) <= MAX_FILE else encoding.too_large(MAX_FILE)
    else:
        source = encoding.read(path, MAX_FILE)
    if isinstance(source, encoding.SourceText):
        return read(source.text, json=path.suffix == ".json")
    problem = Problem(Span(0, 0), f"this file is left out: {source.reason}", code, fatal=True)
    return replace(read_document(""), problems=(problem,), complete=False)
