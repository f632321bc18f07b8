"""Pack folders of compiled packages, one archive each, and write down their digests for `server/start.py`.

    archive.py FOLDER...

FOLDER becomes FOLDER.tar.xz in its place, and `archives.json` beside it gets the SHA-256 of each. The extensions of CEL
are one library linked several times over: xz with a dictionary that reaches back to the copy before makes 7 MB of the
50 MB of a Python version, where a zip file, as a VSIX is, needs 19. The same folder always gives the same archive.
"""

import hashlib
import json
import lzma
import os
import shutil
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# 16 MiB, which unpacking needs as memory, reach over the largest library. A filter for jumps of x86 would save 1 %.
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 16 << 20}]


def pack(folder: Path) -> str:
    """Put a folder's files into an archive in its place, and return the archive's digest."""
    target = folder.with_name(f"{folder.name}.tar.xz")
    with (
        lzma.open(target, "wb", filters=FILTERS) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).parts):
            if path.is_file():
                entry = tarfile.TarInfo(path.relative_to(folder).as_posix())  # no time, no owner, mode 0644
                entry.size = path.stat().st_size
                with path.open("rb") as content:
                    archive.addfile(entry, content)
    shutil.rmtree(folder)
    return hashlib.sha256(target.read_bytes()).hexdigest()


def main() -> None:
    """Pack the folders that the command line names."""
    folders = [Path(name) for name in sys.argv[1:]]
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # lzma lets other threads run
        digests = dict(zip((folder.name for folder in folders), threads.map(pack, folders), strict=True))
    written = json.dumps(digests, indent=2, sort_keys=True) + "\n"
    (folders[0].parent / "archives.json").write_text(written, encoding="ascii")


if __name__ == "__main__":
    main()
