"""Versions come in the order that their ecosystem gives them; of what cannot be compared nothing is claimed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("univers")
from kscan_lsp.evidence.cvss import base_score
from kscan_lsp.evidence.versions import is_later, is_within


@pytest.mark.parametrize(
    ("kind", "ordered"),
    [
        ("deb", ["1.0~rc1-1", "1.0-1", "1.0-1+b1", "1.0-1.1", "1.0-10", "1:0.1-1"]),
        ("rpm", ["1.0~rc1-1.el9", "1.0-1.el9", "1.0-1.el9_2", "1.0-10.el9", "1.10-1.el9"]),
        ("rpm", ["0:2.0-1", "1:1.0-1", "2:0.1-1"]),
        ("apk", ["1.2_alpha1", "1.2_rc2", "1.2-r0", "1.2-r10", "1.2_git20260101-r0", "1.2.1-r0", "1.10-r0"]),
        ("pypi", ["1.0.dev1", "1.0a1", "1.0rc1", "1.0", "1.0.post1", "1.1", "1.10"]),
        ("npm", ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta", "1.0.0", "1.0.1", "1.10.0"]),
        ("npm", ["1.2.3.3", "1.2.3.4", "1.2.3.10", "1.2.4"]),
        ("golang", ["v0.0.0-20200101000000-abcdef123456", "v0.1.0", "v1.2.3", "v1.10.0"]),
        ("golang", ["go1.20.1", "go1.20.12", "go1.21.0"]),
        ("maven", ["2.0-alpha1", "2.0-beta9", "2.0", "2.3.1", "2.17.1"]),
        ("gem", ["1.0.a", "1.0", "1.0.1", "1.2.0.1", "1.10"]),
        ("cargo", ["0.1.0", "0.1.10", "0.2.0-rc.1", "0.2.0"]),
        ("generic", ["1.0.2k", "1.0.2l", "1.0.10"]),
    ],
)
def test_versions_are_ordered(kind: str, ordered: list[str]) -> None:
    for place, version in enumerate(ordered):
        for other_place, other in enumerate(ordered):
            assert is_later(version, other, "semver" if kind in {"npm", "cargo"} else kind, kind) == (
                place > other_place
            ), (version, other)


@pytest.mark.parametrize(
    ("version", "constraint", "kind", "within"),
    [
        ("1.5", "", "npm", True),
        ("1.5", ">= 1.0, < 2.0", "npm", True),
        ("1.5", ">= 1.0, < 1.2 || >= 1.4, <= 1.5", "npm", True),
        ("1.5", "< 1.2 || > 1.5", "npm", False),
        ("1.5.0", "= 1.5.0", "npm", True),
        ("1.5.0", "1.5.0", "npm", True),
        ("1.5.0", "'1.5.0'", "npm", True),
        ("2.0.jre11", "<= 2.0", "maven", True),
        ("1.0+cu118", "<= 1.0", "pypi", True),
        ("1.0+cu118", "> 1.0+cu117", "pypi", True),
        # a source package is named without an epoch, and it is that of the range
        ("5.32-1", "< 4:5.32-1", "rpm", False),
        ("0:5.32-1", "< 4:5.32-1", "rpm", True),
        ("5.32-1", "< 4:5.32-1", "deb", True),
        ("1.5", ">= 1.0 < 2.0", "npm", False),
        ("1.5", "~> 1.0", "npm", False),
        ("1.5", "< 1.2 ||| > 1", "npm", False),
        ("x" * 1_000, "< 1.2", "npm", False),
        ("not a version", "< 1.2", "deb", False),
        ("bad", "< 1.2", "pypi", False),
        ("(devel)", "< 1.2", "golang", False),
    ],
)
def test_ranges(version: str, constraint: str, kind: str, within: bool) -> None:
    assert is_within(
        version, constraint, "rpm" if kind == "rpm" else "semver" if kind == "npm" else kind, kind
    ) == (within)


@given(st.text(max_size=40), st.text(max_size=40), st.sampled_from(["deb", "rpm", "apk", "pypi", "npm", "maven", "gem",
                                                                    "golang", "alpm", "?"]))  # fmt: skip
def test_nothing_that_is_written_raises(version: str, constraint: str, kind: str) -> None:
    assert is_within(version, f"< {constraint}", kind, kind) in {True, False}


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.0/AV:L/AC:H/PR:H/UI:N/S:C/C:H/I:L/A:N", 6.1),
        ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H/E:P", 7.8),
        ("CVSS:3.1/AV:P/AC:H/PR:L/UI:R/S:U/C:N/I:N/A:N", 0.0),
        ("AV:N/AC:L/Au:N/C:C/I:C/A:C", 10.0),
        ("AV:N/AC:M/Au:N/C:N/I:P/A:N", 4.3),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 0.0),
        ("CVSS:3.1/AV:N", 0.0),
        ("", 0.0),
    ],
)
def test_scores_of_vectors(vector: str, score: float) -> None:
    """The scores are those of FIRST's examples and calculator."""
    assert base_score(vector) == score
