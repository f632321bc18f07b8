"""Images as files of a workspace: archives (`docker save`) and OCI layouts, as folders or as archives of these.

What is in them comes with the repository, so nothing is believed: no link leads out of the workspace, what is read is
bounded, and a scanner is given of a layout one image alone, each part of which is what its digest says.
Sources: OCI Image Format 1.1, `image-layout.md`; `org.opencontainers.image.ref.name` and containerd's
`io.containerd.image.name` say what an image is called, the first of them only where it has a repository.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import MsgspecError, Struct, field, json

from kscan_lsp.evidence.images import full_name
from kscan_lsp.files.named import is_within
from kscan_lsp.kubernetes.images import image_ref
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_FILES: Final = 1_000
"""Archives and layouts of a folder."""
MAX_ENTRIES: Final = 10_000
"""Entries of an archive."""
MAX_DOCUMENT: Final = 4_000_000
"""Bytes of an index, a manifest or a configuration."""
MAX_IMAGE: Final = 10_000_000_000
"""Bytes of an image."""
_MAX_LAYERS: Final = 500
_MAX_DEPTH: Final = 4
"""Indexes inside one another."""
_DIGEST: Final = regex(r"(sha256):([0-9a-f]{64})|(sha512):([0-9a-f]{128})")
_NAMES: Final = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


class ImageFileError(Exception):
    """An image cannot be used; the text says why."""


class ImageFile(NamedTuple):
    """Where an image is."""

    path: Path
    form: str
    """`docker-archive`, `oci-dir` or `oci-archive`, as Grype calls them."""
    digest: str = ""
    """Of its manifest or index, in a layout."""

    @property
    def key(self) -> str:
        """What is in it, as far as that can be told without reading it.

        Raises:
            OSError: it has gone.
        """
        known = self.path.stat()
        return self.digest or f"{self.path}:{known.st_size}:{known.st_mtime_ns}"


class FoundImages(NamedTuple):
    """The images of some folders, and why others are left alone."""

    by_name: dict[str, ImageFile]
    """By their full names."""
    by_digest: dict[str, ImageFile]
    problems: list[str]

    def of(self, image: str) -> ImageFile | None:
        """Where an image is that a manifest refers to: by its digest, if it has one."""
        digest = image_ref(image)["digest"]
        return self.by_digest.get(digest) if digest else self.by_name.get(full_name(image))


class _OciDescriptor(Struct):
    digest: str
    size: int = 0
    mediaType: str = ""
    annotations: dict[str, str] | None = None
    platform: dict[str, Any] | None = None


class _OciDocument(Struct):
    """An index or a manifest."""

    manifests: list[_OciDescriptor] | None = None
    layers: list[_OciDescriptor] | None = None
    config: _OciDescriptor | None = None


class _DockerImage(Struct):
    tags: list[str] | None = field(default=None, name="RepoTags")


_DOCUMENT, _DOCKER = json.Decoder(_OciDocument), json.Decoder(list[_DockerImage])


def images_in(folder: Path, inside: tuple[Path, ...]) -> FoundImages:
    """The images in a folder.

    Args:
        folder: the folder.
        inside: the folders that they have to be in.
    """
    found = FoundImages({}, {}, [])
    try:
        entries = sorted(folder.iterdir())[:MAX_FILES]
    except OSError:  # there is no such folder
        return found
    for path in entries:
        try:
            if path.suffix == ".tar" and path.is_file():
                _refuse_outside(path, inside)
                _note_archive(path, found)
            elif path.is_dir() and (path / "oci-layout").is_file():
                _refuse_outside(path, inside)
                _refuse_outside(path / "index.json", inside)
                _note(path, "oci-dir", _bounded(path / "index.json"), found)
        except ImageFileError as error:
            found.problems.append(f"{path.name}: {error}")
        except (OSError, ValueError, tarfile.TarError) as error:
            found.problems.append(f"{path.name}: it cannot be read: {_why(error)}")
    return found


def _refuse_outside(path: Path, inside: tuple[Path, ...]) -> None:
    if not is_within(path, inside):
        raise ImageFileError("it leads out of this workspace; put a copy in its place")


def _bounded(path: Path) -> bytes:
    if not path.is_file():  # a pipe keeps whoever opens it waiting
        raise ImageFileError(f"its {path.name[:80]} is no file")
    with path.open("rb") as part:
        data = part.read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT:
        raise ImageFileError(f"its {path.name[:80]} has more than {MAX_DOCUMENT:,} bytes")
    return data


def _note_archive(path: Path, found: FoundImages) -> None:
    """The images in an archive; one that is of something else is left alone."""
    documents: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:") as tar:
            for _ in range(MAX_ENTRIES):
                entry = tar.next()
                if entry is None or "manifest.json" in documents:
                    break
                name = entry.name.removeprefix("./")
                if name in {"manifest.json", "index.json", "oci-layout"} and entry.isfile():
                    if entry.size > MAX_DOCUMENT:
                        raise ImageFileError(f"its {name} has more than {MAX_DOCUMENT:,} bytes")
                    read = tar.extractfile(entry)
                    documents[name] = read.read() if read else b""
    except tarfile.ReadError:
        return
    if "manifest.json" in documents:
        for image in _decoded(_DOCKER, documents["manifest.json"], "manifest.json"):
            for tag in image.tags or ():
                found.by_name[full_name(tag)] = ImageFile(path, "docker-archive")
    elif {"index.json", "oci-layout"} <= documents.keys():
        _note(path, "oci-archive", documents["index.json"], found)


def _note(path: Path, form: str, index: bytes, found: FoundImages) -> None:
    """The images in a layout, by its index."""
    for one in (_decoded(_DOCUMENT, index, "index.json").manifests or [])[:MAX_FILES]:
        if not _DIGEST.fullmatch(one.digest):
            raise ImageFileError("its index.json has a digest that is none")
        file = ImageFile(path, form, one.digest)
        found.by_digest.setdefault(one.digest, file)
        for name in filter(None, ((one.annotations or {}).get(key) for key in _NAMES)):
            if "/" in name or ":" in name:  # else it is a tag, and nobody says of what
                found.by_name[full_name(name)] = file


def _decoded(decoder: json.Decoder[Any], data: bytes, name: str) -> Any:
    try:
        return decoder.decode(data)
    except (MsgspecError, UnicodeError, RecursionError) as error:
        raise ImageFileError(f"its {name} is not as it has to be: {str(error)[:150]}") from error


@contextmanager
def opened(file: ImageFile) -> Iterator[ImageFile]:
    """An image as a scanner may be given it: of a layout with others, a copy that has nothing else in it.

    Raises:
        ImageFileError: it is not what it says it is, or there is no place for it.
    """
    if file.form == "docker-archive":
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="kscan-") as made:
        try:
            layout = file.path
            if file.form == "oci-archive":
                layout = Path(made, "all")
                _unpack(file.path, layout)
            image = _alone(layout, file.digest, Path(made, "image"))
        except (OSError, ValueError, tarfile.TarError) as error:
            raise ImageFileError(f"it cannot be read: {_why(error)}") from error
        yield ImageFile(image, "oci-dir", file.digest)


def _unpack(path: Path, into: Path) -> None:
    """The parts of a layout in an archive; whatever else is in it stays there."""
    total = 0
    with tarfile.open(path, "r:") as tar:
        for _ in range(MAX_ENTRIES):
            entry = tar.next()
            if entry is None:
                return
            kind, _, rest = entry.name.removeprefix("./").removeprefix("blobs/").partition("/")
            read = tar.extractfile(entry) if entry.isfile() and _DIGEST.fullmatch(f"{kind}:{rest}") else None
            if read is None:
                continue
            total += entry.size
            if total > MAX_IMAGE:
                raise ImageFileError(f"it has more than {MAX_IMAGE:,} bytes")
            part = into / "blobs" / kind / rest
            part.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as written:
                shutil.copyfileobj(read, written)
    raise ImageFileError(f"it has more than {MAX_ENTRIES:,} entries")


def _alone(layout: Path, digest: str, into: Path) -> Path:
    """A layout with one image of another, each part of it as its digest says; the same, if that is all there is."""
    manifest, parts = _parts(layout, digest, _MAX_DEPTH)
    if sum(size for _, size in parts) > MAX_IMAGE:
        raise ImageFileError(f"it has more than {MAX_IMAGE:,} bytes")
    index = layout / "index.json"
    if index.is_file() and not index.is_symlink():
        listed = _decoded(_DOCUMENT, _bounded(index), "index.json").manifests or []
        if [one.digest for one in listed] == [manifest]:
            return layout
    into.mkdir()
    for part, _ in parts:
        kind, _, rest = part.partition(":")
        source, place = layout / "blobs" / kind / rest, into / "blobs" / kind / rest
        place.parent.mkdir(parents=True, exist_ok=True)
        try:  # scanners follow no symbolic link
            os.link(source, place)
        except OSError:  # it is on another disk
            shutil.copyfile(source, place)
    kind, _, rest = manifest.partition(":")
    size = (layout / "blobs" / kind / rest).stat().st_size
    media = "application/vnd.oci.image.manifest.v1+json"
    only = {"schemaVersion": 2, "manifests": [{"mediaType": media, "digest": manifest, "size": size}]}
    (into / "index.json").write_bytes(json.encode(only))
    (into / "oci-layout").write_bytes(b'{"imageLayoutVersion":"1.0.0"}')
    return into


def _parts(layout: Path, digest: str, depth: int) -> tuple[str, list[tuple[str, int]]]:
    """The manifest of an image, and all that it consists of with their sizes; of an index, one of its images."""
    document = _decoded(_DOCUMENT, _bounded(_part(layout, digest)), "manifest")
    _verify(layout, digest)
    if document.manifests is not None:
        if not depth or not document.manifests:
            raise ImageFileError("its index leads to no image")
        return _parts(layout, _for_this(document.manifests).digest, depth - 1)
    layers = document.layers or []
    if document.config is None or len(layers) > _MAX_LAYERS:
        raise ImageFileError("what its index names is no image")
    parts = [(one.digest, _verify(layout, one.digest)) for one in (document.config, *layers)]
    return digest, [(digest, 0), *parts]


def _for_this(manifests: Iterable[_OciDescriptor]) -> _OciDescriptor:
    """The image for Linux on amd64, or else the first: what is vulnerable is rarely another."""
    listed = list(manifests)
    wanted = ("linux", "amd64")
    return next(
        (
            m
            for m in listed
            if m.platform and (m.platform.get("os"), m.platform.get("architecture")) == wanted
        ),
        listed[0],
    )


def _part(layout: Path, digest: str) -> Path:
    """Where a part is: a file, reached through no link."""
    if not _DIGEST.fullmatch(digest):
        raise ImageFileError("it has a digest that is none")
    kind, _, rest = digest.partition(":")
    path = layout / "blobs" / kind / rest
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        raise ImageFileError(f"its part {digest[:19]}... is not there") from None
    if not stat.S_ISREG(mode) or os.path.realpath(path) != os.path.join(
        os.path.realpath(layout), "blobs", kind, rest
    ):
        raise ImageFileError(f"its part {digest[:19]}... is a link, or no file")
    return path


def _verify(layout: Path, digest: str) -> int:
    """The size of a part that is what its digest says."""
    path = _part(layout, digest)
    size = path.stat().st_size
    if size > MAX_IMAGE:
        raise ImageFileError(f"it has more than {MAX_IMAGE:,} bytes")
    with path.open("rb") as part:
        found = hashlib.file_digest(part, digest.partition(":")[0]).hexdigest()
    if found != digest.partition(":")[2]:
        raise ImageFileError(f"its part {digest[:19]}... is not what its digest says")
    return size


def _why(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error))[:150]
