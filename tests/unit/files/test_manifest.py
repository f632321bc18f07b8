"""What is JSON, asked about alike for files, standard input and an editor's buffers."""

import os

import pytest

from kscan_lsp.files.manifest import FilePlaces, display_name, is_json


@pytest.mark.parametrize(
    ("name", "text", "is_one"),
    [
        ("a.json", "not yet", True),
        ("A.JSON", "", True),
        ("a.yaml", '{"kind": "Pod"}', False),  # YAML, which may have comments
        ("a.yml", '{"kind": "Pod"}', False),
        ("<stdin>", '\n {"kind": "Pod"}', True),
        ("<stdin>", "kind: Pod\n", False),
        ("untitled:Untitled-1", '{\n"kind": "Pod"}', True),
        ("untitled:Untitled-1", "{kind: Pod}", False),
        ("manifest", "{}", True),
        ("vscode-vfs://host/a/b.json", "{", True),
    ],
)
def test_the_name_tells_what_is_json_and_else_the_beginning(name: str, text: str, *, is_one: bool) -> None:
    assert is_json(name, text) is is_one


def test_where_a_file_really_lies_is_what_the_system_says_of_each(tmp_path):
    real = tmp_path / "real"
    real.mkdir()
    (real / "a.yaml").touch()
    (tmp_path / "folder").symlink_to(real)
    (real / "link.yaml").symlink_to(tmp_path / "other.yaml")
    (real / "loop").symlink_to(real / "loop")
    places = FilePlaces()
    names = [
        "real/a.yaml",
        "folder/a.yaml",
        "folder/link.yaml",
        "folder/gone.yaml",
        "folder/..",
        "folder",
        "real/loop",
    ]
    for name in [*names, *names]:
        path = tmp_path / name
        place = places.of(path)
        assert place.real == os.path.realpath(path)
        assert places.of(path, link=path.is_symlink()) == place
        assert place.shown == display_name(path)
        assert f"{place.folder}/{place.name}" == os.path.abspath(path)  # noqa: PTH100
