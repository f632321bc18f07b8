"""Calico's selectors."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kscan_lsp.kubernetes.calico import selects

LABELS = {"app": "web", "tier": "front-end", "kubernetes.io/os": "linux"}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("", True),
        ("all()", True),
        ("global()", False),
        ("app == 'web'", True),
        ('app == "web"', True),
        ("app=='db'", False),
        ("app != 'db'", True),
        ("zone != 'a'", True),
        ("has(app)", True),
        ("has( zone )", False),
        ("!has(zone)", True),
        ("! has(app)", False),
        ("app in {'web', 'api'}", True),
        ("app in {}", False),
        ("app not in {'web'}", False),
        ("zone not in {'a'}", True),
        ("zone in {'a'}", False),
        ("tier starts with 'front'", True),
        ("tier ends with 'end'", True),
        ("tier contains 't-e'", True),
        ("zone starts with ''", False),
        ("kubernetes.io/os == 'linux'", True),
        ("app == 'web' && has(tier)", True),
        ("app == 'db' || has(tier)", True),
        ("app == 'db' || has(zone) || all()", True),
        ("app == 'web' && !(has(tier) || has(zone))", False),
        ("(app == 'db' && has(zone)) || tier == 'front-end'", True),
        ("all() && app == 'db'", False),
    ],
)
def test_what_a_selector_selects(selector: str, selected: bool) -> None:
    assert selects(selector, LABELS) is selected


@pytest.mark.parametrize(
    "wrong",
    ["app", "app ==", "app == web", "== 'web'", "has(app", "has()", "app in {'web'", "app in 'web'", "app in {web}",
     "app == 'web' &&", "app == 'web' has(tier)", "(", ")", "!" * 100 + "all()", "app not 'x'", "app =! 'x'",
     "app == 'web", "app not like 'x'", "app starts on 'x'"],
)  # fmt: skip
def test_what_is_no_selector_says_so(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a selector of Calico's"):
        selects(wrong, LABELS)


@given(st.text(alphabet="ab 'has()all!&|=in{},not", max_size=30))
def test_any_text_is_a_selector_or_none(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert selects(text, LABELS) in (True, False)
