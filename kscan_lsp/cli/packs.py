"""What `kscan pack` does: fetching with git on a person's word, locking, testing, and archives.

A pack is fetched to a folder of its own, read as data there, and moved into the cache under its digest. Nothing of it
is run: no hook, no submodule, no filter. What is older than what was locked, or stands under a tag that was moved, is
refused unless the person says so.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kscan_lsp.cli import test
from kscan_lsp.cli.options import UsageError
from kscan_lsp.cli.pack_artifacts import layout_of, unpack
from kscan_lsp.cli.registry import pull
from kscan_lsp.files.writing import replace
from kscan_lsp.settings.pack import PackFile, numbers_of
from kscan_lsp.settings.signatures import SIGNATURE_NAME
from kscan_lsp.workspace.found_packs import ARTIFACT, FETCHED, is_fetched
from kscan_lsp.workspace.pack_locks import LOCK_NAME, Locked, lock_text, read_lock
from kscan_lsp.workspace.packs import (
    cache_of,
    comes_with_kscan,
    digest_of_pack,
    distributed,
    files_of_pack,
    located,
    pack_at,
)
from kscan_lsp.workspace.places import find_settings, settings_above
from kscan_lsp.workspace.policies import PACK_NAME
from kscan_lsp.workspace.signatures import demands_on, read_bundle
from kscan_lsp.workspace.trust import read_files

if TYPE_CHECKING:
    import re

    from kscan_lsp.settings.layers import Layer
    from kscan_lsp.workspace.signatures import Demand

_SECONDS: Final = 120
"""How long git may take."""


def updated(folder: Path, *, force: bool = False) -> str:
    """Fetch what the settings of a folder extend, and lock it.

    Args:
        folder: where the settings are, or below.
        force: whether a pack may be older than what is locked, or another under the same name.

    Returns:
        What there is now, for people.

    Raises:
        UsageError: there is nothing to extend, or a pack is not what it must be; then nothing is locked.
    """
    path = find_settings(folder.resolve())
    if path is None:
        raise UsageError(f"no settings hold for '{folder}': write .kscan.yaml with 'extends' first")
    asking = _settings_of(path)
    extends = asking[-1].settings.extends
    if not extends:
        raise UsageError(f"'{path}' extends no pack; name packs in 'extends'")
    before = read_lock(path.parent)
    if isinstance(before, str) and not force:
        raise UsageError(
            f"{LOCK_NAME} cannot be read, so nobody can tell whether a pack is older than what was locked; mend it, or "
            "say --force to write it anew"
        )
    known = {} if isinstance(before, str) else before
    locked: dict[str, Locked] = {}
    lines = []
    for source in extends:
        demands = demands_on(source, asking)
        if is_fetched(source):
            entry = _fetched(source, demands)
            if not force:
                _refuse_worse(source, entry, known)
            locked[source] = entry
        else:
            place = located(source, path.parent, {})
            if isinstance(place, str):
                raise UsageError(place)
            entry = _entry(source, place, demands)
            # what somebody else installs, and may do so again; and what has to stay as it was signed
            if entry.signature or place == distributed(source):
                if not force:
                    _refuse_worse(source, entry, known)
                locked[source] = entry
        signed = f"  signed by {entry.signature.certificate_identity}" if entry.signature else ""
        lines.append(f"{entry.name} {entry.version}  {entry.digest}{signed}\n")
    if (locked or before) and (reason := replace(path.parent / LOCK_NAME, lock_text(locked).encode())):
        raise UsageError(f"cannot write '{path.parent / LOCK_NAME}': {reason}")
    return "".join(lines)


def _settings_of(path: Path) -> list[Layer]:
    """The settings in a file, the last, and all above them, which may ask for signatures.

    Raises:
        UsageError: there is a mistake in them, so nobody can tell what they ask for.
    """
    read = read_files(settings_above(path))
    wrong = [*read.wrong]
    for layer, problem in read.problems:
        line = layer.document.lines.position(problem.span.start).line + 1
        wrong.append(f"{layer.file}:{line}: {problem.message}")
    if wrong:
        raise UsageError(f"{wrong[0]}; mend that first: it might be about what has to be signed")
    number = next(number for number, layer in enumerate(read.layers) if layer.file == str(path))
    return [*read.layers[: number + 1]]


def _refuse_worse(source: str, entry: Locked, known: dict[str, Locked]) -> None:
    """Refuse a pack that is older than the one of its name that was locked, or another under the same tag."""
    same = known.get(source)
    moved = same is not None and same.digest != entry.digest
    if same is not None and moved and (is_fetched(source) or same.version == entry.version):
        raise UsageError(
            f"'{source}' names other files than when it was locked: somebody moved its tag, or changed them and "
            "not the version; look at what is different, and say --force if you want it"
        )
    for locked in known.values():
        if locked.name == entry.name and numbers_of(entry.version) < numbers_of(locked.version):
            raise UsageError(
                f"'{source}' is {entry.name} {entry.version}, older than the {locked.version} that is locked; say "
                "--force if you want it"
            )


def _fetched(source: str, demands: tuple[Demand, ...]) -> Locked:
    """Fetch a pack into the cache, if it is signed as settings ask."""
    with tempfile.TemporaryDirectory(prefix="kscan-pack-") as temporary:
        if named := FETCHED.fullmatch(source):
            place = _checked_out(source, named, Path(temporary, "checkout"))
        else:
            place = _pulled(source, Path(temporary, "archive"))
        entry = _entry(source, place, demands)
        target = cache_of(entry.digest)
        if not target.is_dir():
            made = Path(temporary, "made")
            for path in files_of_pack(place):
                copy = made / path.relative_to(place)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(made, target)
        return entry


def _pulled(source: str, folder: Path) -> Path:
    """The files of a pack that a registry has, in a new folder."""
    named = ARTIFACT.fullmatch(source)
    assert named is not None, source  # noqa: S101 - who calls has looked
    if reason := unpack(pull(source, named), folder):
        raise UsageError(f"'{source}': {reason}")
    return folder


def _checked_out(source: str, named: re.Match[str], checkout: Path) -> Path:
    """The folder of a pack in a repository, which is fetched into a new folder."""
    _git("init", "--quiet", str(checkout))
    # line ends as they are: what is locked and signed on one system is the same on another
    same = ("-c", "core.symlinks=true", "-c", "core.autocrlf=false")
    at = ("-C", str(checkout), "-c", "core.hooksPath=/dev/null", *same)
    what = ("--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", named["url"], named["ref"])
    _git(*at, "fetch", *what)
    _git(*at, "checkout", "--quiet", "--detach", "FETCH_HEAD")
    place = checkout / (named["folder"] or "")
    if ".." in place.parts or not place.resolve().is_relative_to(checkout.resolve()):
        raise UsageError(f"'{source}' leads out of its repository")
    return place


def _entry(source: str, place: Path, demands: tuple[Demand, ...] = ()) -> Locked:
    """What a lock says of a pack, which is verified to be signed as settings ask."""
    digest = digest_of_pack(place)
    if not digest.startswith("sha256:"):
        raise UsageError(f"'{source}' is no pack: {digest}")
    pack = pack_at(place)
    if isinstance(pack, str):
        raise UsageError(f"'{source}' is no pack: {pack}")
    entry = Locked(pack.name, pack.version, digest)
    if not demands or comes_with_kscan(place):
        return entry
    try:
        from kscan_lsp.cli.signatures import signature_of
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "sigstore":
            raise
        raise UsageError(
            f"'{source}' has to be signed by {demands[0]}, and nothing is installed that verifies that; install it: "
            "pip install 'kscan-lsp[sigstore]'"
        ) from error
    return Locked(pack.name, pack.version, digest, signature_of(source, place, entry, demands))


def _git(*arguments: str) -> None:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "https:ssh:file"}
    try:
        done = subprocess.run(  # noqa: S603 - a list of arguments, of which the shape is checked
            ["git", *arguments],  # noqa: S607 - the git of who asks
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise UsageError("git is not installed, which fetches packs") from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(
            f"git took longer than {_SECONDS} seconds; is the repository reached from here?"
        ) from error
    if done.returncode:
        told = (done.stderr.strip().splitlines() or ["it did not say why"])[-1]
        raise UsageError(f"git could not fetch the pack: {told}")


def outcomes_of(folder: Path) -> test.TestRun:
    """Run the tests of all controls of a pack.

    Raises:
        UsageError: there is no pack.
    """
    pack = _pack(folder)
    return test.run([str(folder / name) for name in (*pack.controls, *pack.frameworks)])


def built(folder: Path, output: Path | None, *, layout: Path | None = None) -> str:
    """Test a pack and write it as an archive.

    Args:
        folder: where it is.
        output: the archive; named by the pack where it is not given.
        layout: a folder that is not there yet, for an OCI image layout in place of the archive.

    Returns:
        What was written, for people.

    Raises:
        UsageError: there is no pack, its tests fail, or it cannot be written.
    """
    pack = _pack(folder)
    run = outcomes_of(folder)
    if run.status:
        raise UsageError(f"the tests of {pack.name} do not pass; 'kscan pack test {folder}' says which")
    entry = _entry(str(folder), folder)
    path = layout or output or Path(f"{pack.name}-{pack.version}.tar.gz")
    if (folder / SIGNATURE_NAME).exists() and isinstance(wrong := read_bundle(folder, entry), str):
        raise UsageError(f"'{folder}': {wrong}, or take the file out")
    if layout is not None:
        _write_layout(layout, layout_of(_archive(folder), pack.name, pack.version))
    elif reason := replace(path, _archive(folder)):
        raise UsageError(f"cannot write '{path}': {reason}")
    return f"{path}: {pack.name} {pack.version}  {entry.digest}\n"


def stated(folder: Path, output: Path | None) -> str:
    """What is signed of a pack: a line, to the byte.

    Args:
        folder: where the pack is.
        output: the file to write, if it is not to be printed.

    Returns:
        The line, or what was written, for people.

    Raises:
        UsageError: there is no pack, or it cannot be written.
    """
    _pack(folder)
    statement = _entry(str(folder), folder).statement
    if output is None:
        return statement.decode()
    if output.resolve().is_relative_to(folder.resolve()):
        raise UsageError(
            f"'{output}' would be a file of the pack, which is signed; name one outside of '{folder}'"
        )
    if reason := replace(output, statement):
        raise UsageError(f"cannot write '{output}': {reason}")
    return f"{output}: {statement.decode()}"


def _write_layout(folder: Path, files: dict[str, bytes]) -> None:
    try:
        folder.mkdir(parents=True)
        (folder / "blobs/sha256").mkdir(parents=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
    except FileExistsError as error:
        raise UsageError(f"'{folder}' is there already; name a folder that is not") from error
    except OSError as error:
        raise UsageError(f"cannot write '{folder}': {error.strerror}") from error


def _archive(folder: Path) -> bytes:
    """The files of a pack without owners and days, in their order."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(files_of_pack(folder), key=lambda one: one.relative_to(folder).as_posix()):
            data = path.read_bytes()
            entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=0)


def _pack(folder: Path) -> PackFile:
    pack = pack_at(folder)
    if isinstance(pack, str):
        raise UsageError(f"{pack}; a pack has a {PACK_NAME} with name, version and controls")
    return pack
