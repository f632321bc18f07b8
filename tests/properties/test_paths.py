"""Any path can be printed and parsed, and what is named survives another order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kscan_lsp.paths import EACH, parse, parse_pattern, show, stable

keys = st.text(max_size=6) | st.sampled_from(
    ["", ".", "a.b", "a[0]", '"', "'", "\\", "*", "0", "a/b", "\n", "😀", "]"]
)


elements = keys | st.integers(0, 10**9 - 1)


@given(st.lists(elements, max_size=6).map(tuple))
def test_printing_and_parsing_are_inverse(path: tuple[str | int, ...]):
    assert parse(show(path)) == path


@given(st.lists(elements | st.just(EACH), max_size=6).map(tuple))
def test_patterns_too(pattern: tuple[object, ...]):
    assert parse_pattern(show(pattern)) == pattern  # type: ignore[arg-type]


@given(st.text(alphabet='ab.[]"*01 \\', max_size=12))
def test_any_text_is_a_path_or_a_value_error(text: str):
    try:
        path = parse_pattern(text)
    except ValueError:
        return
    assert parse_pattern(show(path)) == path


@given(st.permutations(range(4)))
def test_stable_paths_survive_reordering(order: list[int]):
    items = [{"name": f"n{number}"} for number in order]
    names = {stable(("containers", index), {"containers": items}) for index in range(4)}
    assert names == {f"containers[name=n{number}]" for number in range(4)}
