"""What a pack achieves that means harm: one clear problem with a place, within the limits of the engine."""

from __future__ import annotations

import os
import sys
from datetime import date
from typing import TYPE_CHECKING

import pytest
from support.manifests import LABELLED_POD

from kscan_lsp import cel
from kscan_lsp.cli.options import UsageError
from kscan_lsp.cli.packs import updated
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.files import encoding
from kscan_lsp.files.named import MAX_FILES
from kscan_lsp.policy import load
from kscan_lsp.policy.environment import CONTROLS
from kscan_lsp.policy.schema import MAX_TEMPLATE
from kscan_lsp.workspace.configuration import Configuration, configure
from kscan_lsp.workspace.pack_locks import LOCK_NAME, Locked, lock_text
from kscan_lsp.workspace.packs import digest_of_pack
from kscan_lsp.workspace.policies import MAX_FILE
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import split

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PACK = "name: bank\nversion: 1.2.0\ncontrols: [controls]\nuse: bank\nframeworks: [bank.yaml]\n"
FRAMEWORK = "id: bank\ntitle: Bank\ncontrols: [{id: BANK-0001}]\n"
LIST = "[" + ", ".join(map(str, range(10))) + "]"
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


def control(deny: str = "true", *, id_: str = "BANK-0002", message: str = "nothing") -> str:
    return (
        f"id: {id_}\ntitle: T\nseverity: high\ndescription: D.\nremediation: R.\n"
        f"checks:\n- deny: >-\n    {deny}\n  at: metadata\n  message: {message}\n"
    )


def nested(depth: int, body: str = "true") -> str:
    """Loops in loops."""
    for number in range(depth):
        body = f"{LIST}.all(v{number}, {body})"
    return body


GROWING = f"{nested(4, LIST)} == []".replace(".all(", ".map(")
"""A list of lists, each in the loop of another."""


def made(tmp_path: Path, settings: str = "extends: ./pack\n", **files: str) -> Path:
    """A workspace with a pack, of which one control is as it should be."""
    texts = {"kscan-pack.yaml": PACK, "bank.yaml": FRAMEWORK, "controls/a.yaml": control(id_="BANK-0001")}
    for name, text in (texts | files).items():
        path = tmp_path / "pack" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".kscan.yaml").write_text(settings, encoding="utf-8")
    return tmp_path


def problem(found: Configuration) -> tuple[str, int, str]:
    """The file, line and words of the one thing that is wrong."""
    (one,) = found.problems
    return one.path.name, one.document.lines.position(one.problem.span.start).line + 1, one.problem.message


def found_by(found: Configuration, text: str = LABELLED_POD % ("a", "a")) -> set[str]:
    """The controls with findings in a manifest, after an edit of it."""
    empty = Project(Evaluator(found.ruleset, Evidence(date(2026, 1, 1))))
    project = empty.with_file("a.yaml", text).with_file("a.yaml", text + "# edited\n")
    return {one.finding.control for one in project.files["a.yaml"].findings()}


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (
            lambda: control(GROWING),
            ("b.yaml", 7),
            "too much work, even on a small object",
        ),
        (
            lambda: control(message="x" * 10_000_000),
            ("b.yaml", 1),
            f"too large to check: more than {MAX_FILE:,} bytes",
        ),
        (
            lambda: control(message="'" + "{objectName}" * 1_000 + "'"),
            ("b.yaml", 10),
            f"at most {MAX_TEMPLATE}",
        ),
        (lambda: BOMB + control(), ("b.yaml", 5), "aliases repeat more than"),
        (lambda: "---\n".join([control()] * 5_000), ("b.yaml", 11), "a file holds one document"),
        (lambda: control(id_="BANK-0001"), ("b.yaml", 1), "BANK-0001 is already defined in "),
        (lambda: control(id_="C-0057"), ("b.yaml", 1), "C-0057 comes with kscan"),
        (
            lambda: control("object.metadata.name.matches('(?=a)a')"),
            ("b.yaml", 8),
            "not a regular expression",
        ),
        (lambda: control("open('/etc/passwd') == ''"), ("b.yaml", 8), "undeclared reference to 'open'"),
        (
            lambda: "!!python/object/apply:os.system [id]\n",
            ("b.yaml", 1),
            "neither a control nor a framework",
        ),
    ],
    ids=[
        "nested",
        "message",
        "placeholders",
        "bomb",
        "documents",
        "collision",
        "builtin",
        "pattern",
        "function",
        "tag",
    ],
)
def test_a_hostile_control_is_one_problem_and_the_others_count(
    tmp_path: Path, text: Callable[[], str], place: tuple[str, int], words: str
) -> None:
    found, said = configure(made(tmp_path, **{"controls/b.yaml": text()}))
    *where, told = problem(found)
    assert (tuple(where), said) == (place, ())
    assert words in told
    assert found_by(found) == {"BANK-0001"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("controls: [../../x]\n", "leads out of the pack"),
        ("controls: [/etc]\n", "leads out of the pack"),
        ("controls: ['C:\\Windows']\n", "leads out of the pack"),
        ("controls: ['C:x']\n", "leads out of the pack"),
        ("controls: ['..\\x']\n", "leads out of the pack"),
        ("controls: [controls]\nextends: ./pack\n", "unknown key 'extends'"),
        ("controls: [controls]\n" + BOMB, "aliases repeat more than"),
        ("controls: [controls]\ndescription: long", "too large to check"),
    ],
)
def test_a_pack_that_leads_out_or_is_too_large_is_one_problem(tmp_path: Path, line: str, words: str) -> None:
    line = line.replace("long", "x" * MAX_FILE)  # no such text in what a failure prints
    here = made(tmp_path, **{"kscan-pack.yaml": "name: bank\nversion: 1.2.0\n" + line})
    found, _ = configure(here)
    name, _, message = problem(found)
    assert (name, found.packs) == ("kscan-pack.yaml", ())
    assert words in message


def _link(pack: Path) -> None:
    (pack / "controls/l.yaml").symlink_to("/etc/passwd")


def _folder_link(pack: Path) -> None:
    (pack / "controls/l").symlink_to("/")


def _itself(pack: Path) -> None:
    (pack / "kscan-pack.yaml").unlink()
    (pack / "kscan-pack.yaml").symlink_to("/etc/passwd")


def _pipe(pack: Path) -> None:
    os.mkfifo(pack / "controls/p.yaml")


def _device(pack: Path) -> None:
    (pack / "controls/nul.yaml").write_text(control())


def _stream(pack: Path) -> None:
    (pack / "a.yaml:hidden").write_text("")


def _folder(pack: Path) -> None:
    (pack / "COM1").mkdir()


def _many(pack: Path) -> None:
    for number in range(MAX_FILES):
        os.close(os.open(pack / f"controls/{number}.yaml", os.O_CREAT))


def _large(pack: Path) -> None:
    with (pack / "controls/large.bin").open("wb") as file:
        file.truncate(10**10)


@pytest.mark.skipif(sys.platform == "win32", reason="its file systems have no such names")
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_link, "'controls/l.yaml' is a link"),
        (_folder_link, "'controls/l' is a link"),
        (_itself, "'kscan-pack.yaml' is a link"),
        (_pipe, "'controls/p.yaml' is no regular file"),
        (_device, "'controls/nul.yaml' is a name that not every system has"),
        (_stream, "'a.yaml:hidden' is a name that not every system has"),
        (_folder, "'COM1' is a name that not every system has"),
        (_many, "has more than 1,000 files"),
        (_large, "has more than 1,000 files or 20,000,000 bytes"),
    ],
)
def test_files_that_are_none_leave_the_pack_out(
    tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    here = made(tmp_path)
    spoil(here / "pack")
    found, _ = configure(here)
    name, line, message = problem(found)
    assert (name, line, found.packs) == (".kscan.yaml", 1, ())
    assert words in message


@pytest.mark.parametrize(
    "name",
    [
        "../elsewhere",
        "/etc",
        "'C:\\x'",
        '"./a\\0b"',
        "./" + "a" * 300,
        "a" * 300,
        "./" + "a/" * 3_000,
        "pack/controls",
    ],
)
def test_whatever_is_called_a_pack_is_one_problem(tmp_path: Path, name: str) -> None:
    found, _ = configure(made(tmp_path, f"extends: {name}\n"))
    assert problem(found)[:2] == (".kscan.yaml", 1)
    assert found.packs == ()


def test_loops_of_all_files_have_one_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loops = nested(3)
    work = cel.work_of(CONTROLS, [_compiled(loops)])
    monkeypatch.setattr(load, "MAX_WORK", 3.5 * work)
    files = {f"controls/b{n}.yaml": control(f"{loops} || {n} < 0", id_=f"BANK-100{n}") for n in range(5)}
    found, _ = configure(made(tmp_path, **files))
    assert [one.path.name for one in found.problems] == ["b3.yaml", "b4.yaml"]
    assert {one.problem.message.partition(":")[0] for one in found.problems} == {"this file is left out"}
    assert found_by(found) == {"BANK-0001"}


def _compiled(source: str) -> cel.Expression:
    made = cel.compile_expression(CONTROLS, source)
    assert isinstance(made, cel.Expression)
    return made


def test_a_pattern_that_backtracks_elsewhere_is_asked_in_linear_time(tmp_path: Path) -> None:
    text = control("object.metadata.?annotations[?'a'].orValue('').matches('^(a+)+$')", id_="BANK-0001")
    found, _ = configure(made(tmp_path, **{"controls/a.yaml": text}))
    pod = LABELLED_POD.replace("metadata: {", "metadata: {annotations: {a: %s}, ")
    assert pod != LABELLED_POD
    assert found_by(found, pod % ("a" * 50_000, "a", "a")) == {"BANK-0001"}
    assert found_by(found, pod % ("a" * 50_000 + "b", "a", "a")) == set()


def test_a_changed_digest_and_another_version_in_the_lock_are_told(tmp_path: Path) -> None:
    here = made(tmp_path)
    digest = digest_of_pack(here / "pack")
    for locked, words in (
        (Locked("bank", "1.2.0", "sha256:" + "0" * 64), "is not what kscan.lock says"),
        (Locked("bank", "1.3.0", digest), "kscan.lock says bank 1.3.0 of './pack', which is bank 1.2.0"),
    ):
        (here / LOCK_NAME).write_text(lock_text({"./pack": locked}))
        found, _ = configure(here)
        name, line, message = problem(found)
        assert (name, line, found.packs) == (".kscan.yaml", 1, ())
        assert words in message


@pytest.mark.parametrize(
    "text", ["[", '{"version": 1, "packs": {"a": {"digest": "x"}}}', "[" * 100_000, "{}"]
)
def test_a_lock_that_is_none_counts_for_nothing_and_is_not_written_over(tmp_path: Path, text: str) -> None:
    here = made(tmp_path, "extends: [./pack, ./pack]\n")
    (here / LOCK_NAME).write_text(text)
    assert problem(configure(here)[0])[2].startswith("kscan.lock cannot be read")
    with pytest.raises(UsageError, match="say --force"):
        updated(here)


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such pipes")
def test_a_pipe_in_place_of_the_lock_keeps_nobody_waiting(tmp_path: Path) -> None:
    here = made(tmp_path)
    os.mkfifo(here / LOCK_NAME)
    assert problem(configure(here)[0])[2].startswith("kscan.lock cannot be read")


def test_what_an_editor_has_open_is_no_larger_than_a_file(tmp_path: Path) -> None:
    here = made(tmp_path)
    text = "# " + "x" * MAX_FILE
    found, _ = configure(here, buffers={here / "pack/controls/a.yaml": text})
    assert encoding.too_large(MAX_FILE).reason in found.problems[0].problem.message


def test_documents_are_split_without_looking_back_through_the_text() -> None:
    class Counting(str):
        looked = 0
        __slots__ = ()

        def rfind(self, part: str, start: int = 0, end: int = 0) -> int:  # type: ignore[override]
            Counting.looked += end - start
            return super().rfind(part, start, end)

    text = Counting("---\na: 1\n" * 2_000)
    assert len(split(text)) == 2_000
    assert Counting.looked < 3 * len(text)
