"""Packs that are artifacts of an OCI registry: only what the digest names, within limits, for who may have it."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest
from support.registries import Registry, registry

from kscan_lsp.cli import pack_artifacts, packs
from kscan_lsp.cli import registry as registries
from kscan_lsp.cli.options import UsageError
from kscan_lsp.cli.pack_artifacts import LAYER_TYPE, described, layout_of, unpack
from kscan_lsp.cli.packs import updated
from kscan_lsp.workspace.configuration import configure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACK = "name: bank\nversion: %s\nlocked: [BANK-0001]\n"
CONTROL = (
    "id: BANK-0001\ntitle: T\nseverity: high\ndescription: D.\nremediation: R.\n"
    "checks:\n- deny: 'true'\n  at: metadata\n  message: nothing\n"
)
NAME = "policies/bank"


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Registry]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with registry() as server:
        yield server


def archive(version: str = "1.2.0") -> bytes:
    return packed({"kscan-pack.yaml": (PACK % version).encode(), "controls/a.yaml": CONTROL.encode()})


def packed(files: dict[str, bytes], **said: object) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as made:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            for key, value in said.items():
                setattr(entry, key, value)
            made.addfile(entry, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=0)


def project(tmp_path: Path, source: str) -> Path:
    folder = tmp_path / "project"
    folder.mkdir(exist_ok=True)
    (folder / ".kscan.yaml").write_text(f"extends: '{source}'\ncontrols: {{include: [BANK-0001]}}\n")
    return folder


def messages(folder: Path) -> list[str]:
    return [one.problem.message for one in configure(folder)[0].problems]


def test_an_artifact_counts_once_it_was_fetched_and_nobody_else_asks_for_it(
    there: Registry, tmp_path: Path
) -> None:
    digest = there.serve(NAME, layout_of(archive(), "bank", "1.2.0"), "1.2.0")
    for reference in (":1.2.0", f"@{digest}", f":1.2.0@{digest}"):
        source = f"oci://{there.host}/{NAME}{reference}"
        here = project(tmp_path, source)
        assert (
            messages(here)[0] == f"'{source}' is not in kscan.lock; run 'kscan pack update', which fetches it"
        )
        before = len(there.asked)
        assert updated(here).startswith("bank 1.2.0  sha256:")
        assert len(there.asked) == before + 2
        assert messages(here) == []
        assert [one.name for one in configure(here)[0].packs] == ["bank"]
        assert len(there.asked) == before + 2
        assert {said for _, said in there.asked} == {None}


def test_a_moved_tag_and_an_older_version_are_refused(there: Registry, tmp_path: Path) -> None:
    there.serve(NAME, layout_of(archive(), "bank", "1.2.0"), "stable")
    here = project(tmp_path, f"oci://{there.host}/{NAME}:stable")
    updated(here)
    there.serve(NAME, layout_of(archive("1.3.0"), "bank", "1.3.0"), "stable")
    with pytest.raises(UsageError, match="somebody moved its tag"):
        updated(here)
    there.serve("else/bank", layout_of(archive("1.1.0"), "bank", "1.1.0"), "x")
    project(tmp_path, f"oci://{there.host}/else/bank:x")
    with pytest.raises(UsageError, match=r"older than the 1\.2\.0 that is locked"):
        updated(here)


def test_what_the_digests_do_not_name_is_refused(there: Registry, tmp_path: Path) -> None:
    files = layout_of(archive(), "bank", "1.2.0")
    digest = there.serve(NAME, files, "1.2.0")
    here = project(tmp_path, f"oci://{there.host}/{NAME}@{digest}")
    blob = next(path for path in there.answers if there.answers[path] == archive())
    there.answers[blob] = archive("6.6.6")
    with pytest.raises(UsageError, match="another archive than its manifest names"):
        updated(here)
    there.answers[f"/v2/{NAME}/manifests/{digest}"] = b"{}"
    with pytest.raises(UsageError, match="another manifest than the one with this digest"):
        updated(here)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (b"[" * 100_000, "no image manifest"),
        (b'{"manifests": []}', "no image manifest"),
        (b'{"config": {"mediaType": "", "digest": "", "size": 0}, "layers": []}', "is no pack"),
        (b" " * (registries.MAX_MANIFEST + 1), "more than 1,000,000 bytes"),
        (
            json.dumps(
                {
                    "config": {"mediaType": "", "digest": "", "size": 0},
                    "layers": [{"mediaType": LAYER_TYPE, "digest": "../../x", "size": 10**12}],
                }
            ).encode(),
            "more than 20,000,000 bytes",
        ),
        ((404, {}, b""), "is not at 127.0.0.1"),
        ((403, {}, b""), "does not let you have it"),
        ((500, {}, b""), "answered with status 500"),
        ((302, {"Location": "http://example.com/"}, b""), "leads on to where there is no https"),
        ((302, {"Location": "file:///etc/passwd"}, b""), "answered with status 302"),
        ((401, {"WWW-Authenticate": 'Bearer realm="http://example.com/"'}, b""), "sent without https"),
        ((401, {}, b""), "asks for credentials, and there are none"),
    ],
    ids=range(12),
)
def test_a_registry_that_answers_otherwise_is_one_sentence(
    there: Registry, tmp_path: Path, manifest: bytes | tuple[int, dict[str, str], bytes], message: str
) -> None:
    there.answers[f"/v2/{NAME}/manifests/1"] = manifest
    with pytest.raises(UsageError, match=message) as told:
        updated(project(tmp_path, f"oci://{there.host}/{NAME}:1"))
    assert len(str(told.value).splitlines()) == 1


def test_a_blob_that_goes_on_is_given_up(there: Registry, tmp_path: Path) -> None:
    there.serve(NAME, layout_of(archive(), "bank", "1.2.0"), "1")
    blob = next(path for path in there.answers if there.answers[path] == archive())
    there.answers[blob] = archive() + b"more"
    with pytest.raises(UsageError, match=r"more than [0-9,]+ bytes"):
        updated(project(tmp_path, f"oci://{there.host}/{NAME}:1"))


def test_who_has_logged_in_is_given_a_token_and_nobody_else_is_told_it(
    there: Registry, tmp_path: Path
) -> None:
    there.serve(NAME, layout_of(archive(), "bank", "1.2.0"), "1")
    there.token, there.answers["/token"] = "given", b'{"token": "given"}'
    said = base64.b64encode(b"me:secret").decode()
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/config.json").write_text(
        json.dumps(
            {"auths": {there.host: {"auth": said}}, "credsStore": "evil", "credHelpers": {there.host: "evil"}}
        )
    )
    with registry() as store:
        # as registries do, it keeps its blobs elsewhere
        blob = next(path for path in there.answers if there.answers[path] == archive())
        store.answers["/blob"] = archive()
        there.answers[blob] = (307, {"Location": f"http://{store.host}/blob"}, b"")
        assert updated(project(tmp_path, f"oci://{there.host}/{NAME}:1")).startswith("bank")
        assert store.asked == [("/blob", None)]
    assert [one for one in there.asked if one[0].startswith("/token")] == [
        ("/token?service=test&scope=repository%3Apolicies%2Fbank%3Apull", f"Basic {said}")
    ]


def test_a_token_that_is_not_taken_ends_it(there: Registry, tmp_path: Path) -> None:
    there.serve(NAME, layout_of(archive(), "bank", "1.2.0"), "1")
    there.token, there.answers["/token"] = "right", b'{"token": "wrong"}'
    with pytest.raises(UsageError, match="run 'docker login 127"):
        updated(project(tmp_path, f"oci://{there.host}/{NAME}:1"))
    assert len(there.asked) == 3


@pytest.mark.parametrize(
    ("files", "said", "message"),
    [
        ({"../x": b""}, {}, "leads elsewhere"),
        ({"/x": b""}, {}, "leads elsewhere"),
        ({"a/../../x": b""}, {}, "leads elsewhere"),
        ({"C:\\x": b""}, {}, "leads elsewhere"),
        ({"a\\..\\x": b""}, {}, "leads elsewhere"),
        ({"nul.yaml": b""}, {}, "not every system has"),
        ({"": b""}, {}, "leads elsewhere"),
        ({"link": b""}, {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "no regular file"),
        ({"link": b""}, {"type": tarfile.LNKTYPE, "linkname": "../x"}, "no regular file"),
        ({"device": b""}, {"type": tarfile.CHRTYPE}, "no regular file"),
        ({"folder": b""}, {"type": tarfile.DIRTYPE}, "no regular file"),
        ({f"{n}": b"" for n in range(1_001)}, {}, "more than 1,000 files"),
        ({"a": b"", "a/b": b""}, {}, "cannot be read"),
    ],
)
def test_what_leads_out_of_an_archive_is_not_taken_out(
    tmp_path: Path, files: dict[str, bytes], said: dict[str, object], message: str
) -> None:
    assert message in unpack(packed(files, **said), tmp_path / "made")
    assert {*tmp_path.iterdir()} <= {tmp_path / "made"}


def test_an_archive_that_grows_or_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_artifacts, "_UNPACKED", 100_000)
    assert "when it is unpacked" in unpack(gzip.compress(b"\0" * 200_000), tmp_path / "a")
    for data in (b"", b"PK", archive()[:-20], gzip.compress(b"x" * 1_024)):
        assert unpack(data, tmp_path / "b") == "the archive cannot be read"


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as made:
        for _ in range(2):
            made.addfile(tarfile.TarInfo("a"))
    assert "twice" in unpack(gzip.compress(plain.getvalue()), tmp_path / "a")


def test_a_layout_is_built_that_is_fetched_again(
    there: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pack"
    assert unpack(archive(), folder) == ""
    monkeypatch.setattr(packs, "outcomes_of", lambda _: packs.test.TestRun((), ()))
    told = packs.built(folder, None, layout=tmp_path / "layout")
    files = {
        path.relative_to(tmp_path / "layout").as_posix(): path.read_bytes()
        for path in (tmp_path / "layout").rglob("*")
        if path.is_file()
    }
    assert all(
        described(data, "").digest == f"sha256:{name.rpartition('/')[2]}"
        for name, data in files.items()
        if name.startswith("blobs/")
    )
    there.serve(NAME, files, "1.2.0")
    assert updated(project(tmp_path, f"oci://{there.host}/{NAME}:1.2.0")).split()[-1] == told.split()[-1]
    with pytest.raises(UsageError, match="is there already"):
        packs.built(folder, None, layout=tmp_path / "layout")
