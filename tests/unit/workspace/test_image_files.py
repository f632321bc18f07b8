"""Images that lie in the workspace are found and handed to a scanner one at a time, and nothing else is."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from typing import TYPE_CHECKING

import pytest
from support import scanning

from kscan_lsp.workspace import image_files
from kscan_lsp.workspace.image_files import FoundImages, ImageFile, ImageFileError, images_in, opened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHOP = "registry.example/shop:1.0"
REF, CONTAINERD = "org.opencontainers.image.ref.name", "io.containerd.image.name"


def found(folder: Path) -> FoundImages:
    return images_in(folder, (folder,))


@pytest.mark.parametrize("name", ["shop", "shop.tar"])
@pytest.mark.parametrize("nested", [False, True])
def test_a_layout_is_found_by_name_and_by_digest_and_taken_apart(
    tmp_path: Path, name: str, nested: bool
) -> None:
    path, digest = scanning.layout(tmp_path / name, {CONTAINERD: SHOP, REF: "1.0"}, nested=nested)
    images = found(tmp_path)
    assert images.problems == []
    (file,) = images.by_name.values()
    assert (file.path, file.digest, images.of(SHOP), images.of(f"mirror.example/x@{digest}")) == (
        path,
        digest,
        file,
        file,
    )
    assert images.of("registry.example/shop:2.0") is None
    assert images.of(f"registry.example/shop:1.0@sha256:{'0' * 64}") is None
    with opened(file) as given:
        assert given.form == "oci-dir"
        (inside,) = json.loads((given.path / "index.json").read_text())["manifests"]
        parts = [one.name for one in (given.path / "blobs/sha256").iterdir()]
        assert len(parts) == 3
        assert inside["digest"].removeprefix("sha256:") in parts
        made = given.path
    # what has nothing else in it needs no copy
    assert (made == path, made.exists()) == (
        (True, True) if name == "shop" and not nested else (False, False)
    )


@pytest.mark.parametrize(
    ("annotations", "name"),
    [
        ({CONTAINERD: "docker.io/library/nginx:1.25"}, "nginx:1.25"),
        ({REF: "nginx:1.25"}, "nginx:1.25"),
        ({REF: "registry.example/shop"}, "registry.example/shop:latest"),
        ({REF: "1.25"}, ""),
        ({REF: ""}, ""),
        ({}, ""),
    ],
)
def test_what_an_image_is_called(tmp_path: Path, annotations: dict[str, str], name: str) -> None:
    scanning.layout(tmp_path / "shop", annotations)
    images = found(tmp_path)
    assert (images.of(name) is not None) == bool(name)
    assert len(images.by_digest) == 1


def test_an_archive_of_docker_is_given_as_it_is_and_by_its_name_alone(tmp_path: Path) -> None:
    path = scanning.archive(tmp_path / "shop.tar", "nginx:latest")
    images = found(tmp_path)
    assert images.of("nginx") == ImageFile(path, "docker-archive")
    # nobody has said that the tag is that digest
    assert images.of(f"nginx@sha256:{'0' * 64}") is None
    with opened(ImageFile(path, "docker-archive")) as given:
        assert given.path == path


@pytest.mark.parametrize("content", [b"", b"no archive", b"\0" * 2_000])
def test_what_is_no_archive_is_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    (tmp_path / "folder").mkdir()
    (tmp_path / "report.json").write_text("{}")
    assert found(tmp_path) == FoundImages({}, {}, [])
    assert found(tmp_path / "nothing") == FoundImages({}, {}, [])


def index(path: Path, data: object) -> None:
    (path / "index.json").write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())


def link_out(path: Path) -> None:
    shutil.move(path / "index.json", path.parent.parent / "outside.json")
    (path / "index.json").symlink_to(path.parent.parent / "outside.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: index(path, b"{"), "its index.json is not as it has to be: "),
        (lambda path: index(path, b"[" * 100_000), "its index.json is not as it has to be: "),
        (lambda path: index(path, {"manifests": 7}), "its index.json is not as it has to be: Expected `array | null`"),
        (lambda path: index(path, {"manifests": [{"digest": "sha256:../../../etc/passwd"}]}), "a digest that is none"),
        (lambda path: index(path, {"manifests": [{"digest": "md5:" + "0" * 32}]}), "a digest that is none"),
        (lambda path: index(path, b" " * 5_000_000), "its index.json has more than 4,000,000 bytes"),
        (link_out, "it leads out of this workspace; put a copy in its place"),
        (lambda path: (path / "index.json").unlink(), "its index.json is no file"),
    ],
)  # fmt: skip
def test_an_index_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, change: Callable[[Path], None], said: str
) -> None:
    folder = tmp_path / "images"
    path, _ = scanning.layout(folder / "shop", {REF: SHOP})
    scanning.archive(folder / "other.tar", "other:1")
    change(path)
    images = found(folder)
    (problem,) = images.problems
    assert problem.startswith("shop: ")
    assert said in problem
    assert list(images.by_name) == ["docker.io/library/other:1"]


def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    path, _ = scanning.layout(tmp_path / "shop", {REF: SHOP})
    (path / "index.json").unlink()
    os.mkfifo(path / "index.json")
    os.mkfifo(tmp_path / "a.tar")
    assert found(tmp_path).problems == ["shop: its index.json is no file"]


def test_a_layout_or_archive_outside_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    scanning.layout(tmp_path / "there/shop", {REF: SHOP})
    scanning.archive(tmp_path / "there/a.tar", "a:1")
    (tmp_path / "here/shop").symlink_to(tmp_path / "there/shop")
    (tmp_path / "here/a.tar").symlink_to(tmp_path / "there/a.tar")
    images = found(tmp_path / "here")
    assert images.by_name == {}
    assert [one.partition(":")[0] for one in images.problems] == ["a.tar", "shop"]


def biggest(path: Path) -> Path:
    """The layer."""
    return max((path / "blobs/sha256").iterdir(), key=lambda one: one.stat().st_size)


def replaced_by_link(path: Path) -> None:
    part = biggest(path)
    shutil.move(part, path.parent / "elsewhere")
    part.symlink_to(path.parent / "elsewhere")


def folder_of_parts_is_link(path: Path) -> None:
    shutil.move(path / "blobs", path.parent / "elsewhere")
    (path / "blobs").symlink_to(path.parent / "elsewhere")


def made_index(path: Path, data: object) -> None:
    """The manifest that the index names is something else, and the digest is right."""
    import hashlib

    raw = json.dumps(data).encode()
    digest = hashlib.sha256(raw).hexdigest()
    (path / "blobs/sha256" / digest).write_bytes(raw)
    index(path, {"manifests": [{"digest": f"sha256:{digest}", "annotations": {REF: SHOP}}]})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: biggest(path).write_bytes(b"other"), "is not what its digest says"),
        (lambda path: biggest(path).unlink(), "is not there"),
        (replaced_by_link, "is a link, or no file"),
        (folder_of_parts_is_link, "is a link, or no file"),
        (lambda path: made_index(path, {"manifests": []}), "its index leads to no image"),
        (lambda path: made_index(path, {"layers": []}), "what its index names is no image"),
        (lambda path: made_index(path, {"config": 7}), "its manifest is not as it has to be"),
        (lambda path: made_index(path, {"config": {"digest": "sha256:/etc/passwd"}}), "a digest that is none"),
        (
            lambda path: made_index(path, {"config": {"digest": "x"}, "layers": [{"digest": ""}] * 501}),
            "what its index names is no image",
        ),
    ],
)  # fmt: skip
def test_a_part_that_is_not_what_it_says_is_one_sentence(
    tmp_path: Path, change: Callable[[Path], None], said: str
) -> None:
    path, _ = scanning.layout(tmp_path / "shop", {REF: SHOP})
    change(path)
    images = found(tmp_path)
    assert images.problems == []
    file = images.of(SHOP)
    assert file is not None
    with pytest.raises(ImageFileError, match=said), opened(file):
        pytest.fail("it was opened")


def test_an_index_that_leads_to_itself_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, _ = scanning.layout(tmp_path / "shop", {REF: SHOP})
    digest = f"sha256:{biggest(path).name}"
    biggest(path).write_bytes(json.dumps({"manifests": [{"digest": digest}]}).encode())
    index(path, {"manifests": [{"digest": digest, "annotations": {REF: SHOP}}]})
    monkeypatch.setattr(image_files, "_verify", lambda *_: 0)
    file = found(tmp_path).of(SHOP)
    assert file is not None
    with pytest.raises(ImageFileError, match="its index leads to no image"), opened(file):
        pytest.fail("it was opened")


def test_an_archive_with_more_than_can_be_read_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = scanning.layout(tmp_path / "shop.tar", {REF: SHOP})
    file = found(tmp_path).of(SHOP)
    assert file is not None
    monkeypatch.setattr(image_files, "MAX_IMAGE", 1_000)
    with pytest.raises(ImageFileError, match="more than 1,000 bytes"), opened(file):
        pytest.fail("it was opened")
    monkeypatch.undo()
    monkeypatch.setattr(image_files, "MAX_ENTRIES", 2)
    with pytest.raises(ImageFileError, match="more than 2 entries"), opened(file):
        pytest.fail("it was opened")
    monkeypatch.undo()
    with tarfile.open(path, "w") as tar:  # names and links that lead elsewhere
        for name in ("../../out", "/etc/x", "blobs/sha256/../../../out", "index.json"):
            entry = tarfile.TarInfo(name)
            entry.type = tarfile.SYMTYPE
            entry.linkname = "/etc/passwd"
            tar.addfile(entry)
    assert found(tmp_path) == FoundImages({}, {}, [])
    with pytest.raises(ImageFileError, match="is not there"), opened(file):
        pytest.fail("it was opened")


def test_a_tar_of_which_the_names_are_huge_is_one_sentence(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "shop.tar", "w") as tar:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = 5_000_000
        import io

        tar.addfile(entry, io.BytesIO(b" " * 5_000_000))
    assert found(tmp_path).problems == ["shop.tar: its manifest.json has more than 4,000,000 bytes"]
    scanning.archive(tmp_path / "shop.tar", 7)  # type: ignore[arg-type]
    assert "its manifest.json is not as it has to be" in found(tmp_path).problems[0]
