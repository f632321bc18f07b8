"""What every form of the report is checked by: schemas, readers that count open findings, and hostile texts."""

from __future__ import annotations

import csv
import functools
import io
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from lxml import etree
from markdown_it import MarkdownIt
from referencing import Registry, Resource
from ruamel.yaml import YAML
from support.reporting import SCHEMA

from kscan_lsp.report.page.images import SCRIPT

if TYPE_CHECKING:
    from collections.abc import Callable

OWN_SCHEMAS = Path(__file__).parents[1] / "schemas"
FETCHED = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kscan-tests" / "schemas-2"

HOSTILE = (
    "\x1b[31mred\x1b]0;title\x07",
    "<script>alert(1)</script><img src=x onerror=y>",
    "\U0001f600 \u202eevil\u202c \u2066x\u2069",
    "quo\"te's`back`",
    "line\nbreak\r\nand\ttab",
    "a,b;c|d",
    '=HYPERLINK("http://evil.example","x")',
    "+1-1@SUM(A1)",
    "::error file=x::y%0A##[error]z",
    "]]><!-- ${{ github.token }} -->&amp;&#x41;",
    "@octocat fixes #1, see https://evil.example/ and www.evil.example",
    "![x](http://evil.example/x.png) [y](javascript:z) *b* _i_ ~~s~~ $x$",
    "\ufeff\u2028\u2029\u0085\ufffe\x7f\x00",
    "- item: {x: y} # no comment",
    "{0} {{1}} %s %(x)s",
)
"""What somebody may call an object or a file, to break who shows it."""


def official(name: str) -> Path:
    """A schema that is fetched beforehand."""
    found = FETCHED / name
    if not found.is_file():
        reason = "the official schemas are not there; tests/schemas/fetch fetches them, as .ci/test does"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return found


@functools.cache
def _own(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((OWN_SCHEMAS / name).read_text(encoding="utf-8")))


@functools.cache
def _sarif() -> Draft7Validator:
    schema = json.loads(official("sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
    return Draft7Validator(schema, format_checker=Draft7Validator.FORMAT_CHECKER)


def _fits(validator: Draft7Validator | Draft202012Validator, data: Any) -> None:
    errors = validator.iter_errors(_thinned(data))
    wrong = [f"{[*error.absolute_path]}: {error.message[:300]}" for error in errors]
    assert wrong == []


def _thinned(data: Any) -> Any:
    """The data with some of the items of very long lists, which are all made alike: validating takes long."""
    if isinstance(data, dict):
        return {key: _thinned(item) for key, item in data.items()}
    if isinstance(data, list):
        return [_thinned(item) for item in (data if len(data) <= 500 else [*data[:100], *data[100::40]])]
    return data


def check_sarif(text: str) -> None:
    _fits(_sarif(), json.loads(text))


def check_json(text: str) -> None:
    _fits(Draft202012Validator(SCHEMA), json.loads(text))


def check_junit(text: str) -> None:
    tree = etree.fromstring(text.encode())
    for name in ("JUnit.xsd", "jenkins-junit.xsd"):
        schema = etree.XMLSchema(etree.parse(official(name)))
        assert schema.validate(tree), (name, str(schema.error_log)[:500])
    for suite in tree:
        for what, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
            assert int(suite.get(what)) == len(suite.findall(f".//{tag}"))


def check_gitlab(text: str) -> None:
    data = json.loads(text)
    _fits(_own("gitlab-code-quality.json"), data)
    prints = [issue["fingerprint"] for issue in data]
    assert len(prints) == len(set(prints)), "GitLab shows one of two with one fingerprint"


def check_gitlab_sast(text: str) -> None:
    data = json.loads(text)
    _fits(_own("gitlab-sast.json"), data)
    ids = [one["id"] for one in data["vulnerabilities"]]
    assert len(ids) == len(set(ids))


COMMAND = re.compile(r"::(error|warning|notice) ([^\r\n:]*)::[^\r\n]*")


def check_github(text: str) -> None:
    for line in text.splitlines():
        assert COMMAND.fullmatch(line) or (line.startswith("kscan: ") and "::" not in line), line
        assert line.isprintable()
    counted = re.findall(r"^::(\w+)", text, re.MULTILINE)
    assert all(counted.count(kind) <= 10 for kind in ("error", "warning", "notice"))


_SAFE = {
    "html_block",
    "html_inline",
    "table_open",
    "thead_open",
    "tbody_open",
    "tr_open",
    "th_open",
    "td_open",
}
_HTML = re.compile(r"<!-- (?:kscan )?-->|<br>|</?details>|<summary>(?:[^<>]|<!-- -->)*</summary>|<!-- -->")


def check_markdown(text: str) -> None:
    """Nothing but our own tables, lists and folds: no link, no image, no mention, no tag of a manifest."""
    assert len(text) <= 65_536
    bad = {
        "link_open",
        "image",
        "em_open",
        "strong_open_",
        "code_inline",
        "fence",
        "code_block",
        "blockquote_open",
    }
    for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(text):
        for one in (token, *(token.children or ())):
            assert one.type not in bad, (one.type, one.content, token.content[:300])
            if one.type.startswith("html"):
                assert _HTML.sub("", one.content).strip() == "", one.content
    shown = text.replace("<!-- -->", "\0")
    assert not re.search(r"@\w|(?<!&)#\d|://|www\.", shown)


def check_csv(text: str) -> None:
    rows = [*csv.reader(io.StringIO(text, newline=""))]
    assert {len(row) for row in rows} == {len(rows[0])}
    assert "status" in rows[0]
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell[:1] in {*"=+-@|%\t\r"}]
    assert all(cell.isprintable() for cell in cells)
    assert text.count("\r\n") == len(rows)


def check_images_csv(text: str) -> None:
    check_csv(text)


@functools.lru_cache(maxsize=1)
def reports_of(text: str) -> list[dict[str, Any]]:
    return [*YAML(typ="safe").load_all(text)]


def check_policyreport(text: str) -> None:
    for one in reports_of(text):
        _fits(_own("policyreport.json"), one)
        assert one["summary"]["fail"] == sum(result["result"] == "fail" for result in one["results"])


def check_pretty(text: str) -> None:
    assert "\x1b" not in text


@functools.cache
def _cyclonedx() -> Draft7Validator:
    names = ("bom-1.6.SNAPSHOT.schema.json", "spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json")
    bom, *others = (json.loads(official(name).read_text(encoding="utf-8")) for name in names)
    registry: Registry[Any] = Registry().with_resources(
        (one["$id"], Resource.from_contents(one)) for one in others
    )
    return Draft7Validator(bom, registry=registry, format_checker=Draft7Validator.FORMAT_CHECKER)


def check_cyclonedx(text: str) -> None:
    data = json.loads(text)
    _fits(_cyclonedx(), data)
    images = data["components"]
    packages = [package for image in images for package in image.get("components", ())]
    refs = [one["bom-ref"] for one in (*images, *packages, *data["vulnerabilities"])]
    assert len(refs) == len(set(refs)), "a reference has to be of one thing"
    assert {to["ref"] for one in data["vulnerabilities"] for to in one["affects"]} <= set(refs)


def check_html(text: str) -> None:
    assert text.startswith("<!doctype html>")
    # the one script that there may be is our own
    assert "<script" not in text.replace(f"<script>{SCRIPT}</script>", "")


CHECKS: dict[str, Callable[[str], None]] = {
    "pretty": check_pretty,
    "json": check_json,
    "html": check_html,
    "sarif": check_sarif,
    "junit": check_junit,
    "gitlab": check_gitlab,
    "gitlab-sast": check_gitlab_sast,
    "github": check_github,
    "markdown": check_markdown,
    "csv": check_csv,
    "images-csv": check_images_csv,
    "policyreport": check_policyreport,
    "cyclonedx": check_cyclonedx,
}
"""For every form by its name; a new form has to be added here."""


def _in_words(text: str) -> int:
    """The sum of numbers of severities in the first line that has any."""
    for line in text.splitlines():
        if re.search(r"\bfound\b", line):
            bare = re.sub(r"\*\*", "", line)
            return sum(int(n) for n in re.findall(r"(\d+) (?:critical|high|medium|low)", bare))
    raise AssertionError(text[-500:])


def _in_github(text: str) -> int:
    shown = sum(line.startswith("::") and "title=Not scanned" not in line for line in text.splitlines())
    more = re.search(r"^kscan: (.*?) more, which", text, re.MULTILINE)
    return shown + (sum(map(int, re.findall(r"(\d+) (?:error|warning|notice)", more[1]))) if more else 0)


OPEN: dict[str, Callable[[str], int]] = {
    "pretty": _in_words,
    "json": lambda text: sum(one["status"] == "open" for one in json.loads(text)["findings"]),
    "html": lambda text: sum(
        int(number) for _, number in re.findall(r'<td class="count (\w+)" data-label="\1">(\d+)', text)
    ),
    "sarif": lambda text: len(json.loads(text)["runs"][0]["results"]),
    "junit": lambda text: len(etree.fromstring(text.encode()).findall(".//failure")),
    "gitlab": lambda text: len(json.loads(text)),
    "gitlab-sast": lambda text: len(json.loads(text)["vulnerabilities"]),
    "github": _in_github,
    "markdown": _in_words,
    "csv": lambda text: sum(row["status"] == "open" for row in csv.DictReader(io.StringIO(text, newline=""))),
    "policyreport": lambda text: sum(one["summary"]["fail"] for one in reports_of(text)),
}
"""How many findings are open, as each form tells; CycloneDX knows no findings."""
