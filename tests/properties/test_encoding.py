"""Bytes to text and back, byte for byte."""

from __future__ import annotations

import codecs

from hypothesis import given
from hypothesis import strategies as st

from kscan_lsp.files import encoding
from kscan_lsp.files.encoding import SourceText, Unreadable

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"))


@given(TEXTS, st.sampled_from([("utf-8", b""), ("utf-8", codecs.BOM_UTF8), ("utf-16-le", codecs.BOM_UTF16_LE),
                               ("utf-16-be", codecs.BOM_UTF16_BE)]))  # fmt: skip
def test_what_kubectl_decodes_comes_back_byte_for_byte(text: str, form: tuple[str, bytes]) -> None:
    codec, bom = form
    raw = bom + text.encode(codec)
    source = encoding.decode(raw)
    assert isinstance(source, SourceText)
    assert source.text == text
    assert source.encode(source.text) == raw


@given(st.binary())
def test_any_bytes_are_a_text_or_have_one_reason(raw: bytes) -> None:
    source = encoding.decode(raw)
    if isinstance(source, Unreadable):
        assert source.reason
        assert source.line >= 1
    else:
        assert source.encode(source.text) == raw
