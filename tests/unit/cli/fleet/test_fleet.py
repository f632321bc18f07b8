"""`kscan fleet`: many projects in one report, whatever judges them and whatever happens on the way."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from typer.testing import CliRunner

from kscan_lsp.cli.fleet import judging, spreading
from kscan_lsp.cli.fleet.judging import FleetRequest, judge
from kscan_lsp.cli.fleet.projects import projects_of
from kscan_lsp.cli.fleet.spreading import Progress, judged_here, judged_on
from kscan_lsp.cli.main import app
from kscan_lsp.cli.options import UsageError
from kscan_lsp.report.fleet import data
from kscan_lsp.report.fleet.model import Fleet, FleetProject, FleetRow, FleetScore
from kscan_lsp.report.fleet.page import SCRIPT

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST = FleetRequest("2026-01-31")
SCHEMA = json.loads((Path(__file__).parents[4] / "docs/schemas/fleet.schema.json").read_text())


def manifest(name: str, *, privileged: bool) -> str:
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n  containers:\n"
        f"  - name: a\n    image: registry.example/a:1\n    resources: {{limits: {{memory: 1Mi}}}}\n"
        "    securityContext: {runAsNonRoot: true, runAsGroup: 1000, allowPrivilegeEscalation: "
        f"{str(privileged).lower()}, privileged: {str(privileged).lower()}}}\n"
    )


def project(folder: Path, *, bad: bool = False, mark: str = ".git") -> Path:
    (folder / mark).mkdir(parents=True) if mark == ".git" else folder.mkdir(parents=True)
    if mark != ".git":
        (folder / mark).write_text("frameworks: [recommended]\n")
    (folder / "pod.yaml").write_text(manifest(folder.name, privileged=bad))
    return folder


def generated(folder: Path, count: int) -> Path:
    """Repositories of ten teams, one of three with a privileged pod."""
    for number in range(count):
        project(folder / f"team-{number % 10}" / f"repo-{number:03}", bad=number % 3 == 0)
    return folder


def kscan(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["fleet", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def rows(folder: Path) -> list[FleetRow]:
    return judged_here(projects_of([str(folder)]), REQUEST, Progress(), jobs=1)


# Which projects there are


def test_a_folder_with_a_checkout_or_settings_is_a_project(tmp_path: Path) -> None:
    project(tmp_path / "alone")
    project(tmp_path / "payments/api", mark=".kscan.yaml")
    project(tmp_path / "payments/deep/er/web")
    project(tmp_path / "payments/api/inside", mark=".kscan.yaml")  # part of the project around it
    project(tmp_path / ".hidden/repo")
    project(tmp_path / "node_modules/repo")
    (tmp_path / "no-project").mkdir()
    found = projects_of([str(tmp_path)])
    assert [(one.name, one.team) for one in found] == [
        ("alone", ""), ("payments/api", "payments"), ("payments/deep/er/web", "payments")
    ]  # fmt: skip
    with pytest.raises(UsageError, match="no project was found below"):
        projects_of([str(tmp_path / "no-project")])
    with pytest.raises(UsageError, match="there is no folder or list"):
        projects_of([str(tmp_path / "nowhere")])


def test_lists_name_projects_from_where_they_lie(tmp_path: Path) -> None:
    project(tmp_path / "a")
    (tmp_path / "overlays/prod").mkdir(parents=True)
    text = tmp_path / "fleet.txt"
    text.write_text("# ours\na\n\noverlays/prod # the cluster\n")
    assert [(one.path, one.name) for one in projects_of([str(text)])] == [
        (str(tmp_path / "a"), "a"), (str(tmp_path / "overlays/prod"), "overlays/prod")
    ]  # fmt: skip
    for name, content in {
        "fleet.yaml": "projects:\n- a\n- {path: overlays/prod, name: prod, team: platform}\n- gone\n",
        "fleet.json": '[{"path": "a"}, {"path": "overlays/prod", "name": "prod", "team": "platform"}, "gone"]',
    }.items():
        (tmp_path / name).write_text(content)
        found = projects_of([str(tmp_path / name)])
        assert [(one.name, one.team) for one in found] == [("a", ""), ("prod", "platform"), ("gone", "")]
        assert found[2].problem == "there is no file or folder 'gone'"
    assert len(projects_of([str(text), str(tmp_path / "fleet.yaml"), str(tmp_path)])) == 3  # each once


@pytest.mark.parametrize(
    "content",
    [
        "",
        "a: 1\n",
        "[]",
        "- {name: x}\n",
        "- {path: a, nmae: x}\n",
        "- {path: [a]}\n",
        "- 1\n",
        "- {path: a, team: 1}\n",
    ],
)
def test_what_is_no_list_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "fleet.yaml").write_text(content)
    with pytest.raises(UsageError, match=r"fleet\.yaml"):
        projects_of([str(tmp_path / "fleet.yaml")])


# One project


def test_a_row_is_what_a_scan_of_the_project_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project(tmp_path / "shop", bad=True)
    row = judge(projects_of([str(tmp_path)])[0], FleetRequest(date.today().isoformat()))  # noqa: DTZ011
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(app, ["scan", "--format", "json"])
    report = json.loads(result.stdout)
    assert row.status == result.exit_code == 1
    assert (
        dict(zip(("critical", "high", "medium", "low"), row.open, strict=True))
        == report["summary"]["findings"]
    )
    assert [(one.framework, one.score) for one in row.scores] == [
        (one["id"], one["score"]) for one in report["summary"]["frameworks"]
    ]
    assert {one.fingerprint for one in row.worst} == {one["fingerprint"] for one in report["findings"]}
    assert {one.file for one in row.worst} == {"pod.yaml"}
    assert "C-0057" in {one.id for one in row.controls}


def test_settings_baselines_and_commits_are_those_of_the_project(tmp_path: Path) -> None:
    folder = project(tmp_path / "shop", bad=True)
    (folder / ".git/refs/heads").mkdir(parents=True)
    (folder / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (folder / ".git/refs/heads/main").write_text("0123456789" * 4 + "\n")
    (folder / ".kscan.yaml").write_text("gate: {failOn: none}\n")
    assert CliRunner().invoke(app, ["baseline", "create", str(folder)]).exit_code == 0
    (row,) = rows(tmp_path)
    assert (row.status, row.open, row.commit) == (0, (0, 0, 0, 0), "0123456789" * 4)
    assert row.baseline > 0


def test_a_project_that_fails_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path / "fine")
    project(tmp_path / "settings")
    (tmp_path / "settings/.kscan.yaml").write_text("frameworks: [nothing-like-it]\n")
    project(tmp_path / "broken")
    (tmp_path / "broken/pod.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: [\n")
    (tmp_path / "empty/.git").mkdir(parents=True)
    project(tmp_path / "crash")
    (tmp_path / "fleet.txt").write_text("fine\nsettings\nbroken\nempty\ncrash\ngone\n")
    real = judging.scan_paths

    def scan(request: Any, *arguments: Any, **more: Any) -> Any:
        if request.paths[0].endswith("crash"):
            raise RecursionError("too deep")
        return real(request, *arguments, **more)

    monkeypatch.setattr(judging, "scan_paths", scan)
    found = rows(tmp_path / "fleet.txt")
    assert [(row.project.name, row.status) for row in found] == [
        ("fine", 0), ("settings", 2), ("broken", 3), ("empty", 3), ("crash", 3), ("gone", 2)
    ]  # fmt: skip
    problems = [row.problem for row in found]
    assert problems[0] == ""
    assert problems[1].startswith(".kscan.yaml:1: ")
    assert problems[2].startswith("pod.yaml:3: ")
    assert "nothing was scanned" in problems[3]
    assert problems[4] == "it could not be judged: RecursionError: too deep"
    jsonschema.validate(json.loads(data.render_json(Fleet(tuple(found), REQUEST.day))), SCHEMA)
    assert Fleet(tuple(found), REQUEST.day).status == 3
    assert (
        judge(FleetProject(str(tmp_path / "fine"), "fine"), FleetRequest("2026-01-31", ("nas",))).status == 2
    )


# Who judges


class Broken(ThreadPoolExecutor):
    """An executor that loses every third answer, and takes no more work after a while."""

    def submit(self, call: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        self.submitted = getattr(self, "submitted", 0) + 1
        if self.submitted > 8:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future = super().submit(call, *arguments, **named)
        if self.submitted % 3 == 0:
            lost: Future[Any] = Future()
            lost.set_exception(ConnectionError("the worker died"))
            return lost
        return future


def test_any_executor_gives_the_same_rows(tmp_path: Path) -> None:
    generated(tmp_path, 12)
    projects = projects_of([str(tmp_path)])
    expected = rows(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        assert judged_on(pool, projects, REQUEST, Progress()) == expected


def test_what_an_executor_loses_is_a_row(tmp_path: Path) -> None:
    generated(tmp_path, 12)
    projects = projects_of([str(tmp_path)])
    with Broken(2) as pool:
        found = judged_on(pool, projects, REQUEST, Progress())
    assert [row.project for row in found] == list(projects)
    lost = {number for number, row in enumerate(found) if "died" in row.problem}
    assert lost == {2, 5, 8, 9, 10, 11}
    assert all(found[number].status == 3 for number in lost)
    assert [row for number, row in enumerate(found) if number not in lost] == [
        row for number, row in enumerate(rows(tmp_path)) if number not in lost
    ]


def test_processes_give_the_same_rows_and_one_that_dies_costs_one_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generated(tmp_path, 4)
    deadly = tmp_path / "team-3/repo-003/deadly.yaml"
    monkeypatch.setattr(spreading, "_FIRST_LOOK", 0)
    monkeypatch.setattr(spreading, "_PAYS_FROM", 0)
    before = dict(os.environ)
    told: list[tuple[int, int]] = []

    class Told(Progress):
        def done(self, number: int, of: int) -> None:
            told.append((number, of))

    projects = projects_of([str(tmp_path)])
    if os.name != "posix":
        assert judged_here(projects, REQUEST, Told(), jobs=2) == rows(tmp_path)
    else:
        # who judges it is killed: what becomes of a project that takes all memory
        monkeypatch.setattr(spreading, "judge", killed_by)
        deadly.write_text("a: 1\n")
        found = judged_here(projects, REQUEST, Told(), jobs=2)
        expected = rows(tmp_path / "team-0") + rows(tmp_path / "team-1")
        assert [row.open for row in found[:2]] == [row.open for row in expected]
        assert [row.project for row in found] == list(projects)
        assert [(row.project.name, row.status) for row in found if row.problem] == [("team-3/repo-003", 3)]
        assert "ended its process twice" in found[3].problem
    assert told == [(number, 4) for number in range(1, 5)]
    assert dict(os.environ) == before


def killed_by(one: FleetProject, request: FleetRequest) -> FleetRow:
    """Judge, and die of one project."""
    if os.path.exists(os.path.join(one.path, "deadly.yaml")):  # noqa: PTH110, PTH118
        os.kill(os.getpid(), signal.SIGKILL)
    return judge(one, request)


def test_processes_are_started_only_where_they_pay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generated(tmp_path, 6)
    monkeypatch.setattr(spreading, "_spread", lambda *_: pytest.fail("a process for six small projects"))
    assert len(judged_here(projects_of([str(tmp_path)]), REQUEST, Progress())) == 6


def test_who_stops_gets_what_was_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generated(tmp_path, 4)
    calls: list[str] = []

    def stopping(one: FleetProject, request: FleetRequest) -> FleetRow:
        calls.append(one.name)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return judge(one, request)

    monkeypatch.setattr(spreading, "judge", stopping)
    found = judged_here(projects_of([str(tmp_path)]), REQUEST, Progress())
    assert [row.problem for row in found] == ["", "", *["it was not judged: stopped before its turn"] * 2]


# The report


def test_two_hundred_repositories_in_one_page_and_one_table(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra parquet")
    generated(tmp_path / "fleet", 200)
    files = [tmp_path / f"out.{ending}" for ending in ("html", "parquet", "json", "jsonl", "txt")]
    words = [word for file in files for word in ("--output", str(file))]
    status, out, err = kscan(str(tmp_path / "fleet"), *words)
    assert (status, out) == (1, "")
    assert "200 projects: 133 passed, 67 failed" in err
    page, table, whole_file, lines, text = files
    html = page.read_text()
    assert html.count("<details") == 200
    assert len(html) < 2_000_000
    stored = parquet.read_table(table).to_pylist()
    listed = [json.loads(line) for line in lines.read_text().splitlines()]
    whole = json.loads(whole_file.read_text())
    jsonschema.validate(whole, SCHEMA)
    assert whole["projects"] == listed
    assert [{**row, "date": str(row["date"])} for row in stored] == listed
    assert len({row["project"] for row in listed}) == 200
    assert sum(row["status"] == 1 for row in listed) == 67
    assert whole["summary"]["projects"] == 200
    assert [team["projects"] for team in whole["teams"]] == [20] * 10
    assert text.read_text().count("team-") >= 210
    one = next(team for team in whole["teams"] if team["team"] == "team-0")
    scores = [row["scores"][0]["score"] for row in listed if row["team"] == "team-0"]
    assert one["scores"][0]["score"] == pytest.approx(sum(scores) / 20)


def test_an_empty_parquet_has_the_same_columns() -> None:
    pytest.importorskip("pyarrow", reason="needs the extra parquet")
    from kscan_lsp.report.fleet import parquet

    import_of = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    row = FleetRow(FleetProject("/a", "a"), 3, "x")
    for fleet in (Fleet((), "2026-01-31"), Fleet((row,), "2026-01-31")):
        assert import_of.read_table(pa.BufferReader(parquet.render(fleet))).schema.equals(parquet.COLUMNS)


def test_the_page_is_text_and_sorts_by_its_own_script_only(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    (tmp_path / "fleet.yaml").write_text(f"- {{path: a, name: '{evil}', team: '\"><b>'}}\n")
    project(tmp_path / "a", bad=True)
    status, html, _ = kscan(str(tmp_path / "fleet.yaml"), "--format", "html")
    assert status == 1
    assert evil not in html
    assert '"><b>' not in html
    assert re.findall(r"<script>(.*?)</script>", html, re.DOTALL) == [SCRIPT]
    policy = unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1])
    assert "script-src 'sha256-" in policy
    assert "unsafe" not in policy
    assert not re.search(r"\son\w+=|\sstyle=|https?:", html)


def test_the_table_has_every_column_for_every_row(tmp_path: Path) -> None:
    generated(tmp_path, 5)
    _, html, _ = kscan(str(tmp_path), "--format", "html")
    for table in re.findall(r'<table class="sortable">(.*?)</table>', html, re.DOTALL):
        columns = table.count("<th") - table.count("<thead")
        body = table.partition("<tbody>")[2]
        assert columns > 5
        assert [row.count("<td") for row in re.findall(r"<tr>(.*?)</tr>", body)] == [columns] * body.count(
            "<tr>"
        )
        assert body.count("data-key=") == body.count("<td")


def test_text_says_the_worst_first_and_what_was_wrong(tmp_path: Path) -> None:
    project(tmp_path / "one/fine")
    project(tmp_path / "one/bad", bad=True)
    project(tmp_path / "two/wrong")
    (tmp_path / "two/wrong/.kscan.yaml").write_text("nonsense: 1\n")
    status, out, _ = kscan(str(tmp_path))
    assert status == 2
    order = [line.split()[0] for line in out.partition("project ")[2].splitlines()[1:4]]
    assert order == ["two/wrong", "one/bad", "one/fine"]
    assert "two/wrong: .kscan.yaml:1: " in out
    assert out.splitlines()[0].split() == [
        "team", "projects", "passed", "critical", "high", "medium", "low", "recommended"
    ]  # fmt: skip


def test_options_hold_for_all_projects(tmp_path: Path) -> None:
    generated(tmp_path, 3)
    status, out, _ = kscan(str(tmp_path), "--control", "c-0057", "--fail-on", "critical", "--format", "json")
    assert status == 0
    assert [row["high"] for row in json.loads(out)["projects"]] == [1, 0, 0]
    assert kscan(str(tmp_path), "--framework", "nas")[0] == 2
    assert "is not one of text, json, jsonl, html" in kscan(str(tmp_path), "--format", "parquet")[2]
    assert kscan(str(tmp_path / "none"))[0] == 2


def test_a_team_has_the_mean_of_those_that_were_judged() -> None:
    def row(name: str, *scores: float) -> FleetRow:
        found = tuple(FleetScore("nsa", score, score) for score in scores)
        return FleetRow(FleetProject(f"/{name}", name, "a"), 0, open=(1, 0, 0, 0), scores=found)

    (team,) = Fleet((row("x", 100.0), row("y", 50.0), row("z")), "2026-01-31").teams
    assert (team.score("nsa"), team.score("cis"), team.open, team.passed) == (75.0, None, (3, 0, 0, 0), 3)
    assert Fleet((FleetRow(FleetProject("/a", "a"), 0),), "2026-01-31").teams == ()


@pytest.mark.parametrize(("module", "words", "extra"), [
    ("pyarrow", ["--output", "a.parquet"], "parquet"),
    ("distributed", ["--scheduler", "tcp://127.0.0.1:1"], "dask"),
])  # fmt: skip
def test_without_an_extra_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, words: list[str], extra: str
) -> None:
    project(tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    for name in [
        name
        for name in sys.modules
        if name.startswith(("kscan_lsp.report.fleet.parquet", "kscan_lsp.cli.fleet.cluster"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    import kscan_lsp.cli.fleet as cli_room
    import kscan_lsp.report.fleet as report_room

    monkeypatch.delattr(report_room, "parquet", raising=False)
    monkeypatch.delattr(cli_room, "cluster", raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    status, _, err = kscan(".", *words)
    assert (status, f"pip install 'kscan-lsp[{extra}]'" in err) == (2, True)


def test_a_process_imports_nothing_of_the_folder_it_is_started_in(tmp_path: Path) -> None:
    """`multiprocessing` starts Python with a command that would search that folder first."""
    generated(tmp_path / "fleet", 3)
    mark = tmp_path / "ran"
    for name in ("multiprocessing", "pickle", "concurrent", "msgspec", "sitecustomize"):
        (tmp_path / f"fleet/{name}.py").write_text(f"open({str(mark)!r}, 'a').write(__name__)\n")
    script = tmp_path / "programs/kscan.py"
    script.parent.mkdir()
    script.write_text(
        "from kscan_lsp.cli.fleet import spreading\n"
        "from kscan_lsp.__main__ import main\n"
        "spreading._FIRST_LOOK = spreading._PAYS_FROM = 0\n"
        "if __name__ == '__main__':\n    main()\n"
    )
    variables = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    done = subprocess.run(
        [sys.executable, str(script), "fleet", ".", "--jobs", "2", "--format", "jsonl"],
        cwd=tmp_path / "fleet", env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not mark.exists(), mark.read_text()
    assert [json.loads(line)["problem"] for line in done.stdout.splitlines()] == [""] * 3, done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as a terminal of POSIX does")
def test_ctrl_c_ends_all_processes_at_once_and_reports_what_was_done(tmp_path: Path) -> None:
    # so many that not all are done before anybody stops it, on a slow machine, too
    generated(tmp_path / "fleet", 150)
    script = tmp_path / "kscan.py"
    script.write_text(
        "import os, signal\n"
        # what a shell starts in the background ignores it, and so does what that starts
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from kscan_lsp.cli.fleet import spreading\n"
        "from kscan_lsp.__main__ import main\n"
        "def done(self, number, of):\n"
        "    if number == 2:\n"
        "        os.killpg(0, signal.SIGINT)\n"  # to all that were started, as a terminal does
        "spreading.Progress.done = done\n"
        "spreading._FIRST_LOOK = spreading._PAYS_FROM = 0\n"
        "if __name__ == '__main__':\n    main()\n"
    )
    variables = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    done = subprocess.run(
        [sys.executable, str(script), "fleet", "fleet", "--jobs", "2", "--format", "jsonl"],
        cwd=tmp_path, env=variables, capture_output=True, text=True, check=False, start_new_session=True, timeout=60,
    )  # fmt: skip
    problems = [json.loads(line)["problem"] for line in done.stdout.splitlines()]
    assert (done.returncode, len(problems)) == (3, 150), done.stderr
    assert 2 <= problems.count("") < 150
    assert set(problems) == {"", "it was not judged: stopped before its turn"}
    assert "Traceback" not in done.stderr
