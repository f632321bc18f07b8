"""What a real scanner needs to work without a network: a vulnerability database in Trivy's form, and image archives.

Trivy's database is a file of BoltDB. Its form is written here as far as a few small buckets need it: two meta pages, an
empty list of free pages, and a leaf page for each bucket (https://pkg.go.dev/go.etcd.io/bbolt, file format version 2).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import struct
import sys
import sysconfig
import tarfile
from pathlib import Path
from typing import Any

import pytest

_PATH = os.environ.get("PATH")
"""As it was before a test changed it."""
_PAGE = 4096
_LEAF, _META, _FREELIST, _BUCKET = 2, 4, 16, 1


def trivy() -> Path:
    """The command; a test that needs it is skipped where it is not installed."""
    beside = Path(sysconfig.get_path("scripts")) / "trivy"
    found = str(beside) if beside.is_file() else shutil.which("trivy", path=_PATH)
    if found is None:
        reason = "there is no Trivy: .ci/install installs it on Linux"
        pytest.fail(reason) if os.environ.get("CI") and sys.platform == "linux" else pytest.skip(reason)
    return Path(found)


def installed(path: Path, cache: Path) -> Path:
    """The real Trivy as a program at a path, with a small database of its own in a folder that is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nTRIVY_CACHE_DIR='{database(cache)}' exec '{trivy()}' \"$@\"\n")
    path.chmod(0o700)
    return path


def fake_scanner(folder: Path, body: str) -> Path:
    """A program that calls itself Trivy, and on an image does what `body` (Python) says; it notes every run."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "trivy"
    path.write_text(f"""#!{sys.executable}
import json, os, sys, time
arguments = sys.argv[1:]
if arguments[0] == "version":
    print(json.dumps({{"Version": "9.9.9", "VulnerabilityDB": {{"UpdatedAt": os.environ.get("FAKE_DB", "today")}}}}))
    sys.exit()
with open({str(folder / "runs")!r}, "a") as runs:
    runs.write(json.dumps([arguments, os.getcwd(), sorted(os.listdir("."))]) + chr(10))
image = arguments[-1]
{body}
""")
    path.chmod(0o700)
    return path


def runs(folder: Path) -> list[tuple[list[str], str, list[str]]]:
    """What a fake scanner was asked: its arguments, and the folder that it worked in with what was there."""
    noted = folder / "runs"
    return [tuple(json.loads(line)) for line in noted.read_text().splitlines()] if noted.exists() else []


def _fnv1a(data: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


class _Bolt:
    def __init__(self) -> None:
        self.pages: list[bytes] = []
        """From the third page on."""

    def bucket(self, entries: dict[str, Any]) -> int:
        """Write a bucket and all inside; its page."""
        items: list[tuple[int, bytes, bytes]] = []
        for key, value in entries.items():
            if isinstance(value, dict):
                items.append((_BUCKET, key.encode(), struct.pack("<QQ", self.bucket(value), 0)))
            else:
                items.append((0, key.encode(), value))
        items.sort(key=lambda item: item[1])
        heads, bodies = [], b""
        for number, (flags, key, value) in enumerate(items):
            # counted from the element itself
            position = 16 * (len(items) - number) + len(bodies)
            heads.append(struct.pack("<IIII", flags, position, len(key), len(value)))
            bodies += key + value
        content = b"".join(heads) + bodies
        pages = -(-(16 + len(content)) // _PAGE)
        number = 3 + sum(len(page) // _PAGE for page in self.pages)
        head = struct.pack("<QHHI", number, _LEAF, len(items), pages - 1)
        self.pages.append((head + content).ljust(pages * _PAGE, b"\0"))
        return number


def bolt(buckets: dict[str, Any]) -> bytes:
    """A file of BoltDB: nested maps are buckets, bytes are values."""
    writer = _Bolt()
    root = writer.bucket(buckets)
    high = 3 + sum(len(page) // _PAGE for page in writer.pages)

    def meta(number: int) -> bytes:
        body = struct.pack("<IIII", 0xED0CDAED, 2, _PAGE, 0) + struct.pack("<QQQQQ", root, 0, 2, high, number)
        whole = struct.pack("<QHHI", number, _META, 0, 0) + body + struct.pack("<Q", _fnv1a(body))
        return whole.ljust(_PAGE, b"\0")

    free = struct.pack("<QHHI", 2, _FREELIST, 0, 0).ljust(_PAGE, b"\0")
    return meta(0) + meta(1) + free + b"".join(writer.pages)


def database(cache: Path) -> Path:
    """A database of Trivy that knows two vulnerabilities of Alpine 3.18, in a folder for `--cache-dir`."""
    folder = cache / "db"
    folder.mkdir(parents=True)

    def value(data: object) -> bytes:
        return json.dumps(data).encode()

    advisories = {
        "openssl": {"CVE-2026-0001": value({"FixedVersion": "3.1.5-r0"})},
        "busybox": {"CVE-2026-0002": value({"FixedVersion": "1.36.1-r9"})},
    }
    details = {
        "CVE-2026-0001": {
            "Title": "openssl: remote code execution",
            "Description": "A remote attacker can execute arbitrary code.",
            "Severity": "CRITICAL",
            "CweIDs": ["CWE-787"],
            "VendorSeverity": {"nvd": 4},
            "CVSS": {"nvd": {"V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "V3Score": 9.8}},
            "References": ["https://example.com/1"],
        },
        "CVE-2026-0002": {"Title": "busybox: crash", "Severity": "LOW"},
    }
    buckets = {
        "alpine 3.18": advisories,
        "data-source": {
            "alpine 3.18": value(
                {"ID": "alpine", "Name": "Alpine Secdb", "URL": "https://secdb.alpinelinux.org/"}
            )
        },
        "vulnerability": {name: value(one) for name, one in details.items()},
    }
    (folder / "trivy.db").write_bytes(bolt(buckets))
    times = {"NextUpdate": "2099-01-01T00:00:00Z", "UpdatedAt": "2026-01-01T00:00:00Z"}
    (folder / "metadata.json").write_text(
        json.dumps({"Version": 2, **times, "DownloadedAt": times["UpdatedAt"]})
    )
    return cache


def archive(path: Path, name: str, openssl: str = "3.1.4-r0", busybox: str = "1.36.1-r9") -> Path:
    """An image archive, as `docker save` writes it: Alpine with two packages."""
    config, layer = _image(openssl, busybox)
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    path.write_bytes(
        _tar({"config.json": config, "layer.tar": layer, "manifest.json": json.dumps(manifest).encode()})
    )
    return path


def layout(
    path: Path, annotations: dict[str, str], openssl: str = "3.1.4-r0", *, nested: bool = False
) -> tuple[Path, str]:
    """An OCI layout with the same image, as a folder or, by its name, as an archive; and the digest in its index."""
    config, layer = _image(openssl)
    files: dict[str, bytes] = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}

    def part(kind: str, data: bytes, **more: object) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        files[f"blobs/sha256/{digest}"] = data
        media = f"application/vnd.oci.image.{kind}"
        return {"mediaType": media, "digest": f"sha256:{digest}", "size": len(data), **more}

    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": part("config.v1+json", config),
        "layers": [part("layer.v1.tar", layer)],
    }
    platform = {"os": "linux", "architecture": "amd64"}
    top = part("manifest.v1+json", json.dumps(manifest).encode(), platform=platform)
    if nested:
        other = {"mediaType": top["mediaType"], "digest": "sha256:" + "0" * 64, "size": 7}
        inner = {
            "schemaVersion": 2,
            "manifests": [{**other, "platform": {"os": "linux", "architecture": "s390x"}}, top],
        }
        top = part("index.v1+json", json.dumps(inner).encode())
    index = {"schemaVersion": 2, "manifests": [{**top, "annotations": annotations}]}
    files["index.json"] = json.dumps(index).encode()
    if path.suffix == ".tar":
        path.write_bytes(_tar(files))
    else:
        for name, data in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    return path, str(top["digest"])


def _image(openssl: str, busybox: str = "1.36.1-r9") -> tuple[bytes, bytes]:
    """Configuration and layer of an image."""
    packages = [("openssl", openssl), ("busybox", busybox)]
    installed = "".join(
        f"P:{package}\nV:{version}\nA:x86_64\nL:MIT\no:{package}\nT:{package}\n\n"
        for package, version in packages
    )
    layer = _tar({
        "etc/alpine-release": b"3.18.4\n",
        "etc/os-release": b'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.18.4\n',
        "lib/apk/db/installed": installed.encode(),
    })  # fmt: skip
    diff = "sha256:" + hashlib.sha256(layer).hexdigest()
    config = json.dumps({
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-01-01T00:00:00Z",
        "config": {"Cmd": ["/bin/sh"]},
        "rootfs": {"type": "layers", "diff_ids": [diff]},
        "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "COPY . /"}],
    }).encode()  # fmt: skip
    return config, layer


def _tar(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return written.getvalue()
