"""A pack as an OCI artifact: its manifest, the layout on disk that publishing tools copy, and its files again.

The artifact is an image manifest of the OCI image specification 1.1 with a type of its own and one layer, the archive
that `kscan pack build` writes. What is taken out of an archive that somebody else made are regular files, with names
that lead nowhere else, no more of them and no larger than a pack may be.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from typing import TYPE_CHECKING, Final

from msgspec import MsgspecError, Struct, json

from kscan_lsp.files.named import MAX_BYTES, MAX_FILES
from kscan_lsp.workspace.packs import is_portable

if TYPE_CHECKING:
    from pathlib import Path

ARTIFACT_TYPE: Final = "application/vnd.kscan.pack.v1"
LAYER_TYPE: Final = "application/vnd.kscan.pack.v1.tar+gzip"
MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
_EMPTY: Final = b"{}"
_UNPACKED: Final = MAX_BYTES + 4_096 * MAX_FILES
"""Bytes of an archive that is unpacked: the files, and what an archive says of each."""


class Descriptor(Struct, rename="camel", omit_defaults=True):
    """What names a blob."""

    media_type: str
    digest: str
    size: int
    annotations: dict[str, str] = {}


class _Manifest(Struct, rename="camel"):
    config: Descriptor
    layers: list[Descriptor]
    schema_version: int = 2
    media_type: str = ""
    artifact_type: str = ""
    annotations: dict[str, str] = {}


def described(data: bytes, media_type: str) -> Descriptor:
    """The descriptor of some bytes."""
    return Descriptor(media_type, f"sha256:{hashlib.sha256(data).hexdigest()}", len(data))


def layout_of(archive: bytes, name: str, version: str) -> dict[str, bytes]:
    """The files of an OCI image layout with a pack in it, by their paths.

    Args:
        archive: what `kscan pack build` makes of it.
        name: what it is called.
        version: its version, which is the tag in the layout.
    """
    layer, config = described(archive, LAYER_TYPE), described(_EMPTY, "application/vnd.oci.empty.v1+json")
    titles = {"org.opencontainers.image.title": name, "org.opencontainers.image.version": version}
    manifest = json.encode(_Manifest(config, [layer], 2, MANIFEST_TYPE, ARTIFACT_TYPE, titles))
    entry = described(manifest, MANIFEST_TYPE)
    entry.annotations = {"org.opencontainers.image.ref.name": version}
    return {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "index.json": json.encode({"schemaVersion": 2, "manifests": [entry]}),
        **{
            f"blobs/sha256/{described(blob, '').digest.removeprefix('sha256:')}": blob
            for blob in (archive, _EMPTY, manifest)
        },
    }


def layer_in(manifest: bytes) -> Descriptor | str:
    """The layer with the files of a pack, or why there is none."""
    try:
        about = json.decode(manifest, type=_Manifest)
    except (MsgspecError, ValueError, RecursionError):
        return "what is there is no image manifest of one artifact"
    layers = [one for one in about.layers if one.media_type == LAYER_TYPE]
    if len(layers) != 1 or len(about.layers) != 1:
        return f"what is there is no pack: it has not one layer, of the type {LAYER_TYPE}"
    if not 0 <= layers[0].size <= MAX_BYTES:
        return f"the archive has more than {MAX_BYTES:,} bytes"
    return layers[0]


def unpack(archive: bytes, folder: Path) -> str:
    """Write the files of an archive below a new folder; why they are not all there, or an empty text."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(archive)) as packed:
            plain = packed.read(_UNPACKED + 1)
        if len(plain) > _UNPACKED:
            return f"the archive has more than {MAX_BYTES:,} bytes when it is unpacked"
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as entries:
            return _take_out(entries, folder)
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error):
        return "the archive cannot be read"


def _take_out(entries: tarfile.TarFile, folder: Path) -> str:
    total = 0
    for number, entry in enumerate(entries):
        parts = entry.name.split("/")
        if not entry.isreg() or entry.issparse():
            return f"'{entry.name[:80]}' in the archive is no regular file"
        if not all(part and part.strip(".") and is_portable(part) for part in parts):
            return f"'{entry.name[:80]}' in the archive is a name that leads elsewhere, or that not every system has"
        total += entry.size
        if number >= MAX_FILES or total > MAX_BYTES:
            return f"the archive has more than {MAX_FILES:,} files or {MAX_BYTES:,} bytes"
        source, path = entries.extractfile(entry), folder.joinpath(*parts)
        if source is None or path.exists():
            return f"'{entry.name[:80]}' is in the archive twice"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.read())
    return ""
