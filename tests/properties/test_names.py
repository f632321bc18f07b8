"""The order of files is that of their names, however they are written and whenever they come."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from kscan_lsp.files.names import name_order, with_file_in_order

NAMES = st.lists(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1), min_size=1
)


@given(names=st.lists(NAMES.map("/".join), unique=True))
def test_a_file_comes_where_its_name_puts_it(names: list[str]) -> None:
    files: dict[str, int] = {}
    for number, name in enumerate(names):
        files = with_file_in_order(files, name, number)
    assert list(files) == sorted(names, key=name_order)
    assert {names[number]: number for number in range(len(names))} == files


@given(names=st.lists(NAMES.map("/".join), unique=True))
def test_uris_come_in_the_order_of_the_names_they_stand_for(names: list[str]) -> None:
    uris = {f"file:///shop/{quote(name)}": name for name in names}
    assert [uris[uri] for uri in sorted(uris, key=name_order)] == sorted(names, key=name_order)
