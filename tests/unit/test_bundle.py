"""What the extension carries: packed once, unpacked by the first start, for one range of Pythons that all name."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "vscode-extension"
PYTHONS = SpecifierSet(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"])
SUPPORTED = [f"3.{minor}" for minor in range(60) if PYTHONS.contains(f"3.{minor}.0")]
TAG = f"cp{sys.version_info.major}{sys.version_info.minor}"
MAIN = """\
import json, sys
def main():
    import compiled
    print(json.dumps({"where": compiled.__file__, "path": sys.path, "arguments": sys.argv[1:]}))
"""


def pack(bundle, text="x = 1\n"):
    """A bundle as `scripts/package.mjs` makes it, whose server tells how it was started."""
    package = bundle / "any/kscan_lsp"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__main__.py").write_text(MAIN)
    (bundle / TAG / "part").mkdir(parents=True)
    (bundle / TAG / "compiled.py").write_text(text)
    (bundle / TAG / "part/data.txt").write_text("data\n")
    subprocess.run([sys.executable, EXTENSION / "scripts/archive.py", bundle / TAG], check=True)
    shutil.copy(EXTENSION / "server/start.py", bundle)
    return bundle


@pytest.fixture
def bundle(tmp_path):
    return pack(tmp_path / "bundled")


def start(bundle, *arguments, **options):
    command = [sys.executable, "-I", "-S", str(bundle / "start.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def told(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(done):
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def test_the_first_start_unpacks_and_later_ones_find_it(bundle, tmp_path):
    store = tmp_path / "storage/kscan"
    first = told(start(bundle, f"--unpack-to={store}", "lsp"))
    assert first["arguments"] == ["lsp"]
    (unpacked,) = store.iterdir()
    digest = json.loads((bundle / "archives.json").read_text())[TAG]
    assert unpacked.name == f"{TAG}-{digest[:16]}"
    assert Path(first["where"]) == unpacked / "compiled.py"
    assert (unpacked / "part/data.txt").read_text() == "data\n"
    (bundle / f"{TAG}.tar.xz").unlink()  # no second start needs it
    assert told(start(bundle, f"--unpack-to={store}", "lsp")) == first


def test_nothing_but_the_standard_library_and_the_bundle_is_searched(bundle, tmp_path):
    store = tmp_path / "storage"
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    for name in ("compiled", "json", "lzma", "tarfile", "hashlib", "shutil", "kscan_lsp"):
        (workspace / f"{name}.py").write_text("raise SystemExit('imported')\n")
    environment = {**os.environ, "PYTHONPATH": str(workspace)}
    path = told(start(bundle, f"--unpack-to={store}", cwd=workspace, env=environment))["path"]
    (unpacked,) = store.iterdir()
    assert path[:2] == [str(bundle / "any"), str(unpacked)]
    assert all(Path(place).is_relative_to(sys.base_prefix) for place in path[2:])


def test_without_a_folder_it_unpacks_beside_the_archives(bundle):
    assert Path(told(start(bundle, "scan", "."))["where"]).parent.parent == bundle


def test_a_folder_that_depends_on_where_one_stands_is_refused(bundle, tmp_path):
    assert "full path" in refused(start(bundle, "--unpack-to=here", cwd=tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundled"]


def test_an_archive_that_is_another_than_was_packed_is_not_unpacked(bundle, tmp_path):
    archive = bundle / f"{TAG}.tar.xz"
    archive.write_bytes(archive.read_bytes() + b"\0\0\0\0")
    store = tmp_path / "storage"
    assert "install the extension again" in refused(start(bundle, f"--unpack-to={store}"))
    assert not store.exists()


def test_servers_that_start_at_once_share_what_one_unpacked(bundle, tmp_path):
    store = tmp_path / "storage"
    command = [sys.executable, "-I", "-S", str(bundle / "start.py"), f"--unpack-to={store}"]
    servers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    places = {json.loads(server.communicate()[0])["where"] for server in servers}
    assert {server.returncode for server in servers} == {0}
    assert len(places) == 1
    assert len(list(store.iterdir())) == 1


def test_an_update_unpacks_anew_and_removes_what_no_version_needs(bundle, tmp_path):
    store = tmp_path / "storage"
    before = Path(told(start(bundle, f"--unpack-to={store}"))["where"]).parent
    kept = store / "settings.json"
    kept.write_text("{}")
    left, under_way = store / f"{before.name}.12-ab.partial", store / f"{before.name}.34-cd.partial"
    for partial in (left, under_way):
        partial.mkdir()
        (partial / "compiled.py").write_text("half")
    long_ago = time.time() - 3600
    os.utime(left, (long_ago, long_ago))
    after = Path(told(start(pack(bundle, "x = 2\n"), f"--unpack-to={store}"))["where"]).parent
    assert after != before
    assert set(store.iterdir()) == {after, kept, under_way}


def test_what_an_ended_start_left_is_not_taken_for_the_whole(bundle, tmp_path):
    store = tmp_path / "storage"
    digest = json.loads((bundle / "archives.json").read_text())[TAG]
    (store / f"{TAG}-{digest[:16]}.99-ef.partial").mkdir(parents=True)
    where = Path(told(start(bundle, f"--unpack-to={store}"))["where"])
    assert where.parent.name == f"{TAG}-{digest[:16]}"


def test_where_nothing_can_be_written_it_says_what_to_do(bundle, tmp_path):
    store = tmp_path / "storage"
    store.write_text("a file")
    line = refused(start(bundle, f"--unpack-to={store}"))
    assert str(store) in line
    assert "--unpack-to=FOLDER" in line


def test_a_python_without_lzma_is_told_so(bundle):
    code = f"import sys, runpy; sys.modules['lzma'] = None; runpy.run_path({str(bundle / 'start.py')!r})"
    command = [sys.executable, "-I", "-S", "-c", code]
    line = refused(subprocess.run(command, capture_output=True, text=True, check=False))
    assert sys.executable in line
    assert "built without lzma" in line
    assert "kscan.server.path" in line


def test_another_python_is_told_which_ones_will_do(bundle):
    digests = bundle / "archives.json"
    digests.write_text(json.dumps({"cp39": "0" * 64, "cp310": "0" * 64}))
    assert "Python 3.9, 3.10; this is" in refused(start(bundle))


def test_the_same_files_make_the_same_archive(bundle, tmp_path):
    again = pack(tmp_path / "again")
    os.utime(again / "any", (1, 1))
    assert (again / f"{TAG}.tar.xz").read_bytes() == (bundle / f"{TAG}.tar.xz").read_bytes()


def test_one_range_of_pythons_is_named_everywhere():
    first, last = SUPPORTED[0], SUPPORTED[-1]
    assert SpecifierSet(f">={first},<3.{int(last[2:]) + 1}") == PYTHONS
    release = (ROOT / ".github/workflows/release.yml").read_text()
    assert re.findall(r'"(3\.\d+)"', re.search(r"python: (\[.*\])", release)[1]) == SUPPORTED
    pages = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *EXTENSION.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
    ]
    named = {
        (page.name, words)
        for page in pages
        for words in re.findall(r"Python (?:from )?(3\.\d+ (?:to|or|and) \S+)", page.read_text())
    }
    assert {name for name, _ in named} >= {"README.md", "CONTRIBUTING.md", "CHANGELOG.md"}
    assert {words.rstrip(".,:;") for _, words in named} == {f"{first} to {last}"}
    packaging = (EXTENSION / "scripts/package.mjs").read_text() + (EXTENSION / "src/server.ts").read_text()
    assert not set(re.findall(r"\b3\.1\d\b", re.sub(r"/\*\*.*?\*/", "", packaging, flags=re.DOTALL)))


def test_the_package_is_small_and_has_every_python():
    packages = list(EXTENSION.glob("*.vsix"))
    if not packages:
        pytest.skip("no VSIX here; npm run package makes it")
    for package in packages:
        assert package.stat().st_size < 45_000_000, package.name
    digests = json.loads((EXTENSION / "bundled/archives.json").read_text())
    assert sorted(digests) == [f"cp{version.replace('.', '')}" for version in SUPPORTED]


def test_what_is_left_out_of_wheels_is_imported_nowhere():
    left_out = re.findall(
        r'\["cel_expr_python/ext", "(\w+)"\]', (EXTENSION / "scripts/package.mjs").read_text()
    )
    assert left_out
    sources = "".join(path.read_text() for path in (ROOT / "kscan_lsp").rglob("*.py"))
    assert [name for name in left_out if name in sources] == []
