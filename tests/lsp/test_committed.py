"""What objects were at the last commit counts in the editor, for policies that ask, and follows what git does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types
from support.admitting import policy
from support.git import git, needs_git, repository
from support.talking import Talk
from typer.testing import CliRunner

from kscan_lsp.admission.before import was_of
from kscan_lsp.cli.main import app
from kscan_lsp.graph.index import BEFORE
from kscan_lsp.lsp.server import scheduler

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.asyncio, needs_git]

UPDATES = {
    "resourceRules": [
        {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": ["deployments"]}
    ]
}
SHRINK = policy(
    "object.spec.replicas * 2 >= oldObject.spec.replicas", name="shrink", matchConstraints=UPDATES
)


def deployment(replicas: int, name: str = "web") -> str:
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: shop}}\n"
        f"spec:\n  replicas: {replicas}\n  template: {{spec: {{containers: [{{name: a, image: a}}]}}}}\n"
    )


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return repository(
        tmp_path,
        {
            "web.yaml": deployment(6),
            "policy.yaml": SHRINK,
            ".kscan.yaml": "frameworks: []\ncontrols: {include: [C-0057]}\n",
        },
    )


def policies(talk: Talk, uri: str) -> list[str]:
    return [one["code"] for one in talk.of(uri)[-1]["diagnostics"] if one["code"].startswith("VAP/")]


def saved(talk: Talk, uri: str) -> None:
    talk.handle(
        types.TEXT_DOCUMENT_DID_SAVE, types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(uri))
    )


async def test_an_edit_is_held_against_what_is_committed(shop: Path) -> None:
    talk = Talk(shop)
    uri = talk.open(shop / "web.yaml", deployment(6))
    await talk.settled()
    assert policies(talk, uri) == []
    talk.edit(uri, 2, deployment(2))
    await talk.settled()
    assert policies(talk, uri) == ["VAP/shrink"]
    talk.edit(uri, 3, deployment(3))
    await talk.settled()
    assert policies(talk, uri) == []


@pytest.mark.parametrize("how", ["watched", "saved"])
async def test_what_is_committed_follows_git(shop: Path, how: str) -> None:
    talk = Talk(shop)
    (shop / "web.yaml").write_text(deployment(2))
    uri = talk.open(shop / "web.yaml", deployment(2))
    await talk.settled()
    assert policies(talk, uri) == ["VAP/shrink"]

    async def heard() -> None:
        if how == "saved":
            saved(talk, uri)
        else:
            talk.happened(shop / ".git/logs/HEAD")
        await talk.settled()

    git(shop, "commit", "--quiet", "--all", "--message=second")
    await heard()
    assert policies(talk, uri) == []
    git(shop, "reset", "--quiet", "--soft", "HEAD~1")
    await heard()
    assert policies(talk, uri) == ["VAP/shrink"]
    git(shop, "checkout", "--quiet", "--orphan", "none")  # a branch without commits
    await heard()
    assert policies(talk, uri) == []


async def test_git_is_not_asked_where_no_policy_asks(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    known = scheduler.read_past
    monkeypatch.setattr(scheduler, "read_past", lambda step: asked.append(step) or known(step))
    both = policy("object.spec.replicas > 0", name="some", binding={"matchResources": {}})
    (shop / "policy.yaml").write_text(both)
    talk = Talk(shop)
    uri = talk.open(shop / "web.yaml", deployment(0))
    await talk.settled()
    saved(talk, uri)
    talk.happened(shop / ".git/HEAD")
    await talk.settled()
    assert (policies(talk, uri), asked) == (["VAP/some"], [])
    other = talk.open(shop / "policy.yaml", SHRINK)
    await talk.settled()
    assert (policies(talk, uri), len(asked)) == (["VAP/shrink"], 1)
    talk.edit(other, 2, both)
    await talk.settled()
    assert policies(talk, uri) == ["VAP/some"]
    assert BEFORE not in talk.session.workspaces[shop].project.index.files


async def test_why_it_is_not_known_what_a_chart_made_is_said(shop: Path) -> None:
    for name, text in {"Chart.yaml": "name: c\n", "templates/web.yaml": deployment(6)}.items():
        (shop / "chart" / name).parent.mkdir(parents=True, exist_ok=True)
        (shop / "chart" / name).write_text(text)
    git(shop, "add", "--all")
    git(shop, "commit", "--quiet", "--message=second")
    talk = Talk(shop)
    talk.open(shop / "web.yaml", deployment(6))
    await talk.settled()
    index = talk.session.workspaces[shop].project.index
    (template,) = index.files[(shop / "chart/templates/web.yaml").as_uri()]
    why = "it is not known what 'web.yaml' made at HEAD: an editor does not render what is committed"
    assert was_of(template, index, set()).why.startswith(why)


async def test_the_same_commit_is_read_once(shop: Path) -> None:
    talk = Talk(shop)
    uri = talk.open(shop / "web.yaml", deployment(6))
    await talk.settled()
    known = talk.session.workspaces[shop].project.index.files[BEFORE]
    saved(talk, uri)
    await talk.settled()
    assert talk.session.workspaces[shop].project.index.files[BEFORE] is known
    (shop / "other.yaml").write_text(deployment(1, "other"))
    git(shop, "add", "--all")
    git(shop, "commit", "--quiet", "--message=second")
    saved(talk, uri)
    await talk.settled()
    now = talk.session.workspaces[shop].project.index.files[BEFORE]
    # of another commit only what differs is read
    assert {id(one) for one in known[1:]} <= {*map(id, now)}
    assert len(now) == len(known) + 2


async def test_git_is_not_run_where_nobody_trusts_the_folder(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("git was run")

    monkeypatch.setattr("kscan_lsp.files.revision.subprocess.run", refused)
    talk = Talk(shop)
    talk.session.trusted = False
    uri = talk.open(shop / "web.yaml", deployment(2))
    await talk.settled()
    assert policies(talk, uri) == []
    assert BEFORE not in talk.session.workspaces[shop].project.index.files


async def test_what_cannot_be_read_is_tried_once(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = 0

    def broken(_: object) -> None:
        nonlocal tried
        tried += 1
        raise RuntimeError("a defect")

    monkeypatch.setattr(scheduler, "read_past", broken)
    talk = Talk(shop)
    uri = talk.open(shop / "web.yaml", deployment(2))
    await talk.settled()
    talk.edit(uri, 2, deployment(3))
    await talk.settled()
    assert tried == 1


MOVES = {
    "as it was": {},
    "shrunk": {"web.yaml": deployment(2)},
    "moved": {"web.yaml": None, "apps/web.yaml": deployment(2)},
    "moved out of a file that stays": {"web.yaml": "# nothing\n", "apps/web.yaml": deployment(2)},
    "copied": {"apps/web.yaml": deployment(1)},
    "renamed": {"web.yaml": deployment(1, "other")},
    "left out": {
        ".kscan.yaml": "frameworks: []\ncontrols: {include: [C-0057]}\nexclude: [web.yaml]\n",
        "apps/web.yaml": deployment(1),
    },
    "two": {"web.yaml": deployment(2) + "---\n" + deployment(1, "other")},
    "gone": {"web.yaml": None, "other.yaml": deployment(1, "other")},
}


@pytest.mark.parametrize("how", MOVES)
async def test_scan_and_editor_say_the_same(shop: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk(shop)
    await talk.server.scheduler.explore()  # it has seen all files as they were committed
    for name, text in MOVES[how].items():
        path = shop / name
        path.parent.mkdir(exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
        talk.happened(path)
    await talk.settled()
    await talk.server.scheduler.judge_everything()
    await talk.settled()
    files = talk.session.workspaces[shop].project.files
    found = sorted(
        (key.removeprefix(f"{shop.as_uri()}/"), finding.control, finding.path)
        for key, file in files.items()
        for _, finding in file.findings()
        if finding.control.startswith("VAP/")
    )
    monkeypatch.chdir(shop)
    report = json.loads(CliRunner().invoke(app, ["scan", "--format", "json"]).stdout)
    scanned = [one for one in report["findings"] if one["control"].startswith("VAP/")]
    assert found == sorted((one["file"], one["control"], tuple(one["path"].split("."))) for one in scanned)
    expected = {"shrunk", "moved", "moved out of a file that stays", "two"}
    assert len(found) == (1 if how in expected else 0)
