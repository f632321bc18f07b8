"""Packs of policies that settings extend: where each is, whether it is what was locked, and what it says.

Nothing here fetches anything or runs what a pack brings. A pack in the workspace, one that comes with kscan, and one of
a Python distribution are read where they are; any other only from the cache, where `kscan pack update` has put it, and
only if it is to the byte what `kscan.lock` says.

Left out on purpose: the lock itself (`pack_locks.py`), who has to have signed (`signatures.py`), fetching
(`cli/packs.py`), and what a pack's settings do (`configuration.py` lays them below all others).
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kscan_lsp.files.named import MAX_BYTES, MAX_FILES, workspace_of
from kscan_lsp.policy.ruleset import SettingError
from kscan_lsp.regex import regex
from kscan_lsp.settings.layers import Layer
from kscan_lsp.settings.signatures import NO_PARTS, SIGNATURE_NAME
from kscan_lsp.workspace.found_packs import NO_PACKS, FoundPacks, Pack, is_fetched
from kscan_lsp.workspace.pack_locks import LOCK_NAME, UPDATE, read_lock
from kscan_lsp.workspace.policies import PACK_NAME, builtin_folder, read_policy_file
from kscan_lsp.workspace.signatures import demands_on, unmet
from kscan_lsp.yaml.document import read_document

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from kscan_lsp.findings import Problem
    from kscan_lsp.settings.model import Settings
    from kscan_lsp.settings.pack import PackFile
    from kscan_lsp.workspace.pack_locks import Locked
    from kscan_lsp.yaml.document import Document

GROUP: Final = "kscan.packs"
"""The entry points of distributions that have a pack: the name of the pack, and its package."""
_WORD: Final = regex(r"[a-z0-9][a-z0-9-]*")
_UNPORTABLE: Final = regex(
    r'[<>:"/\\|?*\x00-\x1f\x7f]|[. ]$|^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:\.|$)',
    re.IGNORECASE,
)
"""What no name has on Windows, and its devices (Microsoft, "Naming Files, Paths, and Namespaces")."""


def find_packs(
    layers: Iterable[Layer], above: Settings, root: Path | None, kept: Container[str] = ()
) -> FoundPacks:
    """The packs that settings extend.

    Args:
        layers: the settings files.
        above: what an editor and a command line say; where they extend packs, those of the files do not count.
        root: where the names in `above` begin.
        kept: the files whose packs count all the same.
    """
    files_above = [*layers]
    naming: list[tuple[Layer | None, tuple[str, ...], Path, list[Layer]]] = [
        (one, one.settings.extends, Path(one.file).parent, files_above[: number + 1])
        for number, one in enumerate(files_above)
        if one.settings.extends
    ]
    if above.extends and root is not None:
        asking = [*files_above, Layer("", read_document(""), above)]
        naming = [one for one in naming if one[0] and one[0].file in kept]
        naming.append((None, above.extends, root, asking))
    if not naming:
        return NO_PACKS
    from kscan_lsp.settings.pack import read_pack  # a model takes a while, and most settings extend nothing

    packs: dict[str, Pack] = {}
    found: list[Layer] = []
    problems: list[tuple[Path, Document, Problem]] = []
    wrong: list[tuple[Layer | None, SettingError]] = []
    files: list[Path] = []
    for layer, names, folder, asking in naming:
        locked = read_lock(folder)
        files.append(folder / LOCK_NAME)
        for number, source in enumerate(names):

            def refuse(message: str, at: int = number, named_by: Layer | None = layer) -> None:
                wrong.append((named_by, SettingError(("extends", at), message)))

            if isinstance(locked, str):
                refuse(locked)  # once, however many packs there are
                break
            place = located(source, folder, locked)
            if isinstance(place, str):
                refuse(place)
                continue
            digest = digest_of_pack(place)
            if digest.startswith("'"):
                refuse(f"pack '{source}' is left out: {digest}")
                continue
            entry = locked.get(source)
            if entry and entry.digest != digest:
                refuse(
                    f"pack '{source}' is not what {LOCK_NAME} says: its files are others, and none of it counts; "
                    f"{UPDATE} and look at what is different"
                )
                continue
            if not comes_with_kscan(place) and (reason := unmet(source, entry, demands_on(source, asking))):
                refuse(reason)
                continue
            path = place / PACK_NAME
            document = read_policy_file(path, "setting", None)
            pack, mistakes = read_pack(document)
            problems += [(path, document, one) for one in mistakes]
            files.append(path)
            if pack is None:  # which is said there
                continue
            if entry and (entry.name, entry.version) != (pack.name, pack.version):
                refuse(
                    f"{LOCK_NAME} says {entry.name} {entry.version} of '{source}', which is {pack.name} {pack.version}"
                )
            elif (known := packs.get(pack.name)) is not None and known.digest != digest:
                refuse(f"'{source}' and '{known.source}' are both called {pack.name}; extend one of them")
            elif known is None:
                packs[pack.name] = Pack(source, pack.name, pack.version, digest)
                found.append(Layer(str(path), document, pack.settings()))
    return FoundPacks(tuple(packs.values()), tuple(found), tuple(problems), tuple(wrong), tuple(files))


def comes_with_kscan(place: Path) -> bool:
    """Whether the folder of a pack is one of those that come with kscan."""
    return place.is_relative_to(builtin_folder() / "packs")


def located(source: str, folder: Path, locked: Mapping[str, Locked]) -> Path | str:
    """The folder of a pack, or why there is none.

    Args:
        source: what settings call it.
        folder: where these are.
        locked: what the lock beside them says.
    """
    try:
        return _located(source, folder, locked)
    except (OSError, ValueError) as error:  # a name that is too long, or has a character that no name has
        why = getattr(error, "strerror", None) or str(error)
        return f"'{source[:80]}' cannot be the name of a pack: {why}"


def _located(source: str, folder: Path, locked: Mapping[str, Locked]) -> Path | str:
    if is_fetched(source):
        entry = locked.get(source)
        if entry is None:
            return f"'{source}' is not in {LOCK_NAME}; {UPDATE}, which fetches it"
        cached = cache_of(entry.digest)
        return cached if cached.is_dir() else f"'{source}' was not fetched on this machine; {UPDATE}"
    if source.startswith("git+") or "://" in source:
        return (
            f"'{source}' is no pack that can be fetched; write git+https://HOST/REPOSITORY@TAG#FOLDER, "
            "oci://HOST/REPOSITORY:TAG or oci://HOST/REPOSITORY@sha256:DIGEST"
        )
    path = folder / source
    if _WORD.fullmatch(source) and not path.is_dir():
        own = builtin_folder() / "packs" / source
        return (
            own
            if own.is_dir()
            else distributed(source)
            or (f"no pack '{source}' comes with kscan, is in this folder, or in an installed distribution")
        )
    inside = [os.path.realpath(top) for top in workspace_of(folder.resolve())]
    real = os.path.realpath(path)
    if not any(real == top or real.startswith(top.rstrip(os.sep) + os.sep) for top in inside):
        return f"'{source}' is outside of this workspace; extend a pack in it, or one of a repository"
    if not (Path(real) / PACK_NAME).is_file():
        return f"there is no {PACK_NAME} in '{source}'"
    return Path(real)


def distributed(name: str) -> Path | None:
    """The folder of a pack in an installed distribution; none of its code is run to find it.

    Its entry point names a package, as one that is imported would, and the package is looked for as files beside what
    says so. One that is installed so that its files are elsewhere (`pip install --editable`) is not found.
    """
    from importlib import metadata  # takes a while, and most settings extend nothing

    for point in metadata.entry_points(group=GROUP, name=name):
        parts = point.value.strip().split(".")
        if point.dist is not None and all(map(str.isidentifier, parts)):
            folder = Path(str(point.dist.locate_file("/".join(parts))))
            if (folder / PACK_NAME).is_file():
                return folder
    return None


def cache_of(digest: str) -> Path:
    """Where the files of a pack are kept: in the user's folder for what can be made again."""
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache"
    return Path(base) / "kscan" / "packs" / digest.removeprefix("sha256:")


def files_of_pack(folder: Path) -> Iterator[Path]:
    """All files of a pack in order, those of git and what Python compiled left out.

    Raises:
        ValueError: there is a link, a device, or more than is read.
    """
    count = total = 0
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - NO_PARTS)
        for name in (*folders, *sorted(names)):
            path = Path(here, name)
            status = path.lstat()
            if stat.S_ISLNK(status.st_mode):
                raise ValueError(f"'{path.relative_to(folder)}' is a link; put a copy in its place")
            if not is_portable(name):
                raise ValueError(
                    f"'{path.relative_to(folder)}' is a name that not every system has; rename it"
                )
            if stat.S_ISDIR(status.st_mode):
                continue
            if not stat.S_ISREG(status.st_mode):
                raise ValueError(f"'{path.relative_to(folder)}' is no regular file")
            count, total = count + 1, total + status.st_size
            if count > MAX_FILES or total > MAX_BYTES:
                raise ValueError(f"'{folder.name}' has more than {MAX_FILES:,} files or {MAX_BYTES:,} bytes")
            yield path


def is_portable(name: str) -> bool:
    """Whether a file or folder can have a name everywhere: on Windows `nul.yaml` is a device, and `a.` is `a`."""
    return not _UNPORTABLE.search(name)


def digest_of_pack(folder: Path) -> str:
    """What tells the files of a pack from all others, or in a sentence that begins with a name why it is not read.

    Its signature, which is about the digest, does not count.
    """
    whole = hashlib.sha256()
    try:
        entries = sorted((path.relative_to(folder).as_posix(), path) for path in files_of_pack(folder))
        entries = [one for one in entries if one[0] != SIGNATURE_NAME]
        for name, path in entries:
            whole.update(f"{len(name)}:{name}".encode() + hashlib.sha256(path.read_bytes()).digest())
    except ValueError as error:
        return str(error)
    except OSError as error:
        return f"'{folder.name}' cannot be read: {error.strerror}"
    return f"sha256:{whole.hexdigest()}"


def pack_at(folder: Path) -> PackFile | str:
    """The pack in a folder, or what is wrong with its own file."""
    from kscan_lsp.settings.pack import read_pack  # as above

    if not (folder / PACK_NAME).is_file():
        return f"there is no {PACK_NAME} in '{folder}'"
    document = read_policy_file(folder / PACK_NAME, "setting", None)
    pack, problems = read_pack(document)
    if pack is not None:
        return pack
    line = document.lines.position(problems[0].span.start).line + 1
    return f"{folder / PACK_NAME}:{line}: {problems[0].message}"
