"""No expression and no value makes the room for CEL raise, and what goes in comes out."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from support.expressions import value_of
from support.natives import asked, exactly

from kscan_lsp import cel
from kscan_lsp.cel.extents import SMALL, extent, is_small
from kscan_lsp.policy.environment import CONTROLS

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(st.text(max_size=40))
def test_compiling_never_raises(source):
    for let in ((), (("a", "1"),)):
        found = cel.compile_expression(CONTROLS, source, let=let)
        if isinstance(found, cel.CelError):
            lines = source.split("\n")
            assert 1 <= found.line <= len(lines)
            assert 1 <= found.column <= len(lines[found.line - 1]) + 1
        else:
            cel.evaluate(found, cel.bind(CONTROLS, {}))


@given(JSON)
def test_views_come_back_unchanged(data):
    shown = cel.view(data)
    assert value_of("item", item=shown.value) == shown.value


@given(
    st.recursive(
        st.sampled_from(["a", "b", "", 0, 1, -1, True, False, None, 1.0, 0.5]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
        max_leaves=8,
    ),
    st.sampled_from(
        [
            "item.?a.?b.orValue(item) == item.?b.orValue('a')",
            "item.exists(x, x == 'a' || x == item.?a.orValue(1)) && size(item) > 0",
            "item.filter(x, x in item).map(x, [x, item[0]])",
            "item.all(x, item[?x].hasValue() ? item[x] != true : x in ['a', 1])",
            "cel.bind(x, item.?a, x.hasValue() ? x.value() == item.b : !item)",
        ]
    ),
)
def test_what_is_answered_without_the_runtime_is_what_it_says(data, source):
    known, said = asked(source, {"item": cel.view(data).value})
    assert known is None or exactly(known) == exactly(said)


@given(
    st.recursive(
        st.none() | st.text() | st.integers() | st.floats() | st.binary(max_size=3) | st.dates(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers() | st.none(), inner),
        max_leaves=20,
    )
)
def test_a_view_is_json_and_stable(data):
    shown = cel.view(data)
    assert shown.complete
    json.dumps(shown.value, allow_nan=False).encode()
    assert cel.view(shown.value).value is shown.value
    assert not isinstance(value_of("item", item=shown.value), cel.Failed)


@given(st.text(alphabet="{}'\"a\\\n/r1 ", max_size=15))
def test_rendering_never_raises(text):
    message = cel.template(CONTROLS, text)
    if isinstance(message, cel.Template):
        cel.render(message, cel.bind(CONTROLS, {}))
    else:
        assert 1 <= message.line <= text.count("\n") + 1


@given(
    st.lists(
        st.recursive(
            st.text(max_size=300) | st.integers() | st.none(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        )
    )
)
def test_small_is_small(values):
    if is_small(values):
        assert all(one <= most for one, most in zip(extent(values), SMALL, strict=True))
