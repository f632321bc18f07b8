"""What the documentation shows is what the program takes: examples are run, options and links exist."""

import html
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from datetime import date
from pathlib import Path

import pytest
import typer
from support.judging import check_file

from kscan_lsp.cli.main import app
from kscan_lsp.engine.evaluator import Evaluator
from kscan_lsp.evidence.model import Evidence
from kscan_lsp.policy import load as loading
from kscan_lsp.policy.ruleset import choose, members_of
from kscan_lsp.settings.model import Settings, read_settings
from kscan_lsp.settings.shape import types_of
from kscan_lsp.testing.run import run_tests
from kscan_lsp.workspace.configuration import configure
from kscan_lsp.workspace.policies import builtin_policies
from kscan_lsp.workspace.project import Project
from kscan_lsp.yaml.document import read_document

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
TODAY = date(2026, 1, 1)
NVIM = shutil.which("nvim", path=sysconfig.get_path("scripts")) or shutil.which("nvim")

BLOCK = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!`)\]\((?P<target>[^)\s]+)\)")


def read(path):
    return path.read_text(encoding="utf-8")


def named(path):
    return path.relative_to(ROOT).as_posix()


def blocks(info):
    return [
        pytest.param(match["text"], id=f"{named(page)}:{text[: match.start()].count(chr(10)) + 1}")
        for page in PAGES
        for text in [read(page)]
        for match in BLOCK.finditer(text)
        if match["info"] == info
    ]


def own_controls(*texts):
    """The built-in policies and controls from pages."""
    known = loading.load([("example.yaml", read_document(text)) for text in texts], builtin_policies())
    return known, [problem.problem.message for problem in known.problems]


def ruleset(*frameworks):
    chosen, wrong = choose(builtin_policies(), Settings.of({"frameworks": frameworks}))
    assert wrong == ()
    return chosen


# Examples


def test_every_yaml_example_says_what_it_is():
    kinds = {match["info"] for page in PAGES for match in BLOCK.finditer(read(page))}
    assert {kind for kind in kinds if kind.startswith("yaml")} == {
        "yaml settings",
        "yaml control",
        "yaml exceptions",
        "yaml framework",
        "yaml manifest",
    }


@pytest.mark.parametrize("text", blocks("yaml settings"))
def test_settings_are_valid(text):
    settings, problems = read_settings(read_document(text))
    assert problems == ()
    known, _ = own_controls(*(block.values[0] for block in blocks("yaml control")))
    assert choose(known, settings)[1] == ()


@pytest.mark.parametrize("text", blocks("yaml control"))
def test_controls_are_valid_and_pass_their_tests(text):
    known, problems = own_controls(text)
    assert problems == []
    outcomes = run_tests(known.controls[read_document(text).data["id"]], known)
    assert [outcome.failure for outcome in outcomes if outcome.failure] == []


@pytest.mark.parametrize("text", blocks("yaml framework"))
def test_frameworks_are_valid(text):
    known, problems = own_controls(text)
    assert problems == []
    assert known.frameworks[read_document(text).data["id"]].members


@pytest.mark.parametrize(
    ("name", "text"),
    [("exceptions.yaml", *one.values) for one in blocks("yaml exceptions")]
    + [("kubescape.json", *one.values) for one in blocks("json posture")],
)
def test_exceptions_hold(name, text, tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / ".kscan.yaml").write_text(f"exceptions: {name}\n", encoding="utf-8")
    configuration, wrong = configure(tmp_path, today=TODAY)
    assert (wrong, [one.problem.message for one in configuration.problems]) == ((), [])
    (file,) = configuration.exception_files
    data = file.document.data
    assert {number for number, _ in file.rules} == set(
        range(len(data if name.endswith("json") else data["exceptions"]))
    )


@pytest.mark.parametrize("text", blocks("yaml manifest"))
def test_suppressions_work(text):
    checked = check_file("example.yaml", text, ruleset("recommended"), TODAY)
    assert list(checked.problems()) == []
    assert {found.finding.status for found in checked.findings()} == {"accepted"}


@pytest.mark.skipif(NVIM is None, reason="needs Neovim: install the dev dependency group")
@pytest.mark.parametrize("text", blocks("lua"))
def test_neovim_takes_the_set_up(text, tmp_path):
    script = tmp_path / "init.lua"
    script.write_text(text, encoding="utf-8")
    homes = {f"XDG_{name}_HOME": str(tmp_path) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    command = [NVIM, "--clean", "--headless", "-l", script]
    done = subprocess.run(command, env={**os.environ, **homes}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_settings_page_has_every_key():
    headings = re.findall(r"^## (\w+)$", read(ROOT / "docs/settings.md"), re.MULTILINE)
    assert sorted(headings) == sorted(types_of(Settings))


# The command line


def options():
    """The options of every command; those before a command under ''."""
    command = typer.main.get_command(app)
    found = {"": {option for parameter in command.params for option in parameter.opts}}
    for name, sub in command.commands.items():
        inner = [sub, *getattr(sub, "commands", {}).values()]  # those of a command's own commands, too
        found[name] = {option for one in inner for parameter in one.params for option in parameter.opts}
    return {name: given | {"-h", "--help"} for name, given in found.items()}


def commands():
    """The words of every `kscan ...` in a shell example or in backquotes."""
    found = []
    for page in PAGES:
        text = read(page)
        lines = [
            line
            for match in BLOCK.finditer(text)
            if match["info"] == "sh"
            for line in match["text"].split("\n")
        ]
        lines += re.findall(r"^ {4}(.*)$", text, re.MULTILINE)
        lines += re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))
        for part in (part for line in lines for part in line.split("&&")):
            words = shlex.split(part, comments=True) if re.match(r"\s*(\S*/)?kscan\s", part) else []
            if words:
                found.append(pytest.param(words[1:], id=f"{named(page)}: {' '.join(words)}"))
    return found


@pytest.mark.parametrize("words", commands())
def test_commands_exist(words):
    known = options()
    name = next((word for word in words if not word.startswith("-")), "")
    assert name in known
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known[name] | known[""]


def test_options_exist():
    lines = read(ROOT / "README.md").splitlines()
    text = "\n".join(line for line in lines if "&& code " not in line)  # VS Code has options of its own
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
    assert named
    assert named <= {o for given in options().values() for o in given}


# Links and numbers


def anchors(page):
    text = BLOCK.sub("", read(page))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_relative_links_lead_somewhere(page):
    broken = []
    for match in LINK.finditer(BLOCK.sub("", read(page))):
        target, _, anchor = match["target"].partition("#")
        if "://" in target:
            continue
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or not path.is_relative_to(ROOT) or (anchor and anchor not in anchors(path)):
            broken.append(match["target"])
    assert broken == []


def test_readme_counts_right():
    text = read(ROOT / "README.md")
    known = builtin_policies()
    own = [control for control in known.controls if control.startswith("KS-")]
    assert int(re.search(r"(\d+) controls of Kubescape", text)[1]) == len(known.controls) - len(own)
    assert int(re.search(r"(\d+) of our own", text)[1]) == len(own)
    recommended = members_of(known.framework("recommended"), known)
    assert int(re.search(r"`recommended` is on,\s(\d+) controls", text)[1]) == len(recommended)


def test_coverage_names_every_own_control():
    named = set(re.findall(r"KS-\d{4}", read(ROOT / "docs/coverage.md")))
    own = {control for control in builtin_policies().controls if control.startswith("KS-")}
    assert own == named


def test_picture_needs_no_network():
    picture = read(ROOT / "docs/img/terminal.svg")
    assert set(re.findall(r"https?://[^\"')\s]+", picture)) == {"http://www.w3.org/2000/svg"}
    assert len(picture) < 60_000


def test_picture_shows_what_the_program_prints():
    picture = read(ROOT / "docs/img/terminal.svg")
    texts = re.findall(r'<text class="kscan-r\d+" x="([^"]*)" y="([^"]*)"[^>]*>([^<]*)<', picture)
    rows: dict[float, str] = {}
    for x, y, text in texts:
        rows[float(y)] = rows.get(float(y), "").ljust(round(float(x) / 12.2)) + html.unescape(text)
    command, *shown = (rows[y].replace("\xa0", " ").rstrip() for y in sorted(rows))
    done = subprocess.run(
        [sys.executable, "-m", "kscan_lsp", *command.split()[2:]],
        cwd=ROOT, env={**os.environ, "COLUMNS": "88"}, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    printed = [line.rstrip() for line in done.stdout.splitlines() if line.strip()]
    assert shown == printed, "run .ci/terminal-picture.py again"


# The example service


def findings_of(variant, framework):
    folder = ROOT / "examples/payments" / variant
    texts = [(path.name, read(path), path.suffix == ".json") for path in sorted(folder.iterdir())]
    for checked in Project(Evaluator(ruleset(framework), Evidence(TODAY))).with_files(texts).files.values():
        assert not checked.skipped
        assert list(checked.problems()) == []
        verdicts = [v for placed in checked.documents for v in placed.checked.verdicts]
        untold = {entry.control for v in verdicts for entry in v.unevaluated}
        assert all(builtin_policies().controls[control].needs for control in untold)
        yield from (found.finding for found in checked.findings())


@pytest.mark.parametrize("framework", ["recommended", "allcontrols"])
def test_hardened_example_has_no_open_finding(framework):
    found = list(findings_of("hardened", framework))
    assert [f"{f.control} {f.message}" for f in found if f.status == "open"] == []
    assert all(f.disposition.reason for f in found)
    assert len(found) < 13
    assert bool(found) == (framework == "allcontrols")


def test_insecure_example_breaks_most_recommended_controls():
    known = builtin_policies()
    # two know no registries by default, one is about kube-system, one about what no cluster takes
    silent = {"C-0001", "C-0078", "C-0253", "C-0296"}
    # programs and objects that a payment service does not have: ingress-nginx, Argo CD, Grafana, Kyverno, sandboxes
    silent |= {"C-0059", "C-0292", "C-0081", "C-0090", "C-0091", "C-0297", "C-0301", "C-0303", "C-0304"}
    # Windows, the edge's TLS, Helm 2, the control plane
    silent |= {"KS-0018", "KS-0021", "KS-0036", "KS-0037"}
    # nobody gives roles to strangers by accident
    silent.add("C-0262")
    # what would never reach the cluster, the node's whole disk, and a policy that allows everything
    silent |= {"KS-0044", "KS-0045", "KS-0050", "KS-0051"}
    # what a fix leaves behind
    silent.add("KS-0052")
    expected = set(members_of(known.framework("recommended"), known)) - silent
    found = list(findings_of("insecure", "recommended"))
    assert {f.control for f in found} == expected
    assert {f.status for f in found} == {"open"}


def threats():
    """The rows of the threat model."""
    model = read(ROOT / "docs/security.md").split("## Who may be hostile", 1)[1]
    rows = [line for line in model.splitlines() if line.startswith("| ") and "---" not in line]
    return [row for row in rows if not row.startswith("| what they can try")]


def test_there_is_a_threat_model():
    assert len(threats()) >= 20


@pytest.mark.parametrize("row", threats(), ids=lambda row: row.split(" | ")[0].strip("| ")[:40])
def test_a_threat_names_what_shows_that_it_is_met(row):
    named = re.findall(r"`([^`]+)`", row.rsplit(" | ", 1)[1])
    assert named
    for one in named:
        path, _, test = one.partition("::")
        assert (ROOT / path).exists(), one
        assert not test or re.search(rf"^(async )?def {test}\(", read(ROOT / path), re.MULTILINE), one
