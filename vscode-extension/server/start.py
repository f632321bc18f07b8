"""Start the server that the extension carries, with the Python that runs this file.

    python -I -S start.py [--unpack-to=FOLDER] ARGUMENTS...

Run with `-I -S`, nothing else on the machine takes part, whatever is installed there. The server's packages lie beside
this file: those that are Python alone in `any`, the compiled ones of each version of Python in an archive such as
`cp311.tar.xz`, whose SHA-256 is in `archives.json`. The archive of the Python at hand is unpacked at the first start,
which takes a second, into FOLDER or beside the archives. The name of the result has the digest in it, so that another
version of the extension unpacks its own and removes this one. It gets that name when it is complete: neither a second
server that starts at the same time nor an end in the middle leaves half of one that is taken for the whole.

Only what the start needs is imported; the rest of the standard library waits until there is something to unpack.
"""

import json
import os
import re
import sys
from pathlib import Path
from time import sleep, time

HERE = Path(__file__).resolve().parent
TAG = f"cp{sys.version_info.major}{sys.version_info.minor}"
OPTION = "--unpack-to="
LEFT_BEHIND = 600  # seconds after which an unpacking that has not ended is no longer under way
ATTEMPTS = 20  # to rename what was unpacked: on Windows, a virus scanner may be reading it


def main() -> None:
    """Find or unpack the compiled packages, and hand over to the server."""
    digests = json.loads((HERE / "archives.json").read_text(encoding="ascii"))
    if TAG not in digests:
        known = ", ".join(f"3.{minor}" for minor in sorted(int(tag[3:]) for tag in digests))
        raise SystemExit(f"kscan carries its server for Python {known}; this is {sys.version.split()[0]}")
    store = _store()
    compiled = store / _name(TAG, digests[TAG])
    if not compiled.is_dir():
        _unpack(compiled, digests[TAG])
        _remove_others(store, keep={_name(tag, digest) for tag, digest in digests.items()})
    sys.path[:0] = [str(HERE / "any"), str(compiled)]

    from kscan_lsp.__main__ import main as serve  # noqa: PLC0415 - found only now

    serve()


def _name(tag: str, digest: str) -> str:
    return f"{tag}-{digest[:16]}"


def _store() -> Path:
    """The folder to unpack into; its option is taken out of the arguments."""
    if len(sys.argv) < 2 or not sys.argv[1].startswith(OPTION):
        return HERE
    store = Path(sys.argv.pop(1).removeprefix(OPTION))
    if not store.is_absolute():  # what is imported must not depend on the current folder
        raise SystemExit(f"{OPTION}{store}: give the full path of a folder")
    return store


def _unpack(target: Path, digest: str) -> None:
    """Make the target from the archive of this Python, in one step."""
    import hashlib  # noqa: PLC0415
    import io  # noqa: PLC0415
    import shutil  # noqa: PLC0415
    import tarfile  # noqa: PLC0415

    try:
        import lzma  # noqa: F401, PLC0415 - tarfile needs it, and says less clearly that it is missing
    except ImportError:
        raise SystemExit(
            f"{sys.executable} was built without lzma, which kscan needs to unpack its compiled packages: have another "
            "Python found first, or install kscan and name it in the setting kscan.server.path"
        ) from None
    archive = HERE / f"{TAG}.tar.xz"
    content = archive.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise SystemExit(f"{archive} is not the file that was packed: install the extension again")
    # The digest vouches for what is inside; 3.11.0 to 3.11.3, which some distributions have, know no filters.
    careful = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    partial = target.with_name(f"{target.name}.{os.getpid()}-{os.urandom(4).hex()}.partial")
    try:
        partial.mkdir(parents=True)
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:xz") as members:
            members.extractall(partial, **careful)  # noqa: S202
        _rename(partial, target)
    except OSError as error:
        raise SystemExit(
            f"kscan cannot unpack its compiled packages into {target.parent}: {error.strerror or error}. "
            f"Have 60 MB free there and the folder writable, or name another one with {OPTION}FOLDER"
        ) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _rename(partial: Path, target: Path) -> None:
    """Give what is complete its name, unless another server was faster."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            partial.rename(target)
        except OSError:
            if target.is_dir():
                return
            if attempt == ATTEMPTS or os.name != "nt":
                raise
            sleep(0.1)
        else:
            return


def _remove_others(store: Path, keep: set[str]) -> None:
    """Remove what other versions of the extension have unpacked, and what unpackings that were ended left behind."""
    import shutil  # noqa: PLC0415

    for path in store.iterdir():
        unpacked = re.fullmatch(r"cp3\d+-[0-9a-f]{16}(\.\S+\.partial)?", path.name)
        if not unpacked or path.name in keep:
            continue
        try:
            if unpacked[1] is None:
                path = path.rename(f"{path}.0-old.partial")  # noqa: PLW2901 - half of it must not be found
            elif time() - path.stat().st_mtime < LEFT_BEHIND:
                continue
        except OSError:
            continue  # in use, as Windows has it, or already removed
        shutil.rmtree(path, ignore_errors=True)


main()
