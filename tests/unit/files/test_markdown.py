"""Fenced blocks: which are YAML, and that each is a stretch of its page."""

from __future__ import annotations

import pytest

from kscan_lsp.files.markdown import yaml_blocks


@pytest.mark.parametrize(
    ("page", "texts"),
    [
        ("```yaml\na: 1\n```\n", ["a: 1\n"]),
        ("# x\n\n```yml title=x\na: 1\n```\n```json\n{}\n```\n~~~ YAML\nb: 2\n~~~\n", ["a: 1\n", "b: 2\n"]),
        ("- item\n\n  ```yaml\n  a: 1\n  b: 2\n  ```\n", ["  a: 1\n  b: 2\n"]),
        ("````yaml\n```\na: 1\n````\n", ["```\na: 1\n"]),
        ("~~~yaml\n```\n~~~\n", ["```\n"]),
        ("````md\n```yaml\na: 1\n```\n````\n", []),
        ("```{.yaml}\na: 1\n```", ["a: 1\n"]),
        ("```yaml\r\na: 1\r\n```\r\n", ["a: 1\r\n"]),
        ("```yaml\na: 1\n", ["a: 1\n"]),
        ("```yaml\n```\n", []),
        ("```yaml", []),
        ("```yaml `code` ```\na: 1\n", []),
        ("text ```yaml\na: 1\n", []),
        ("> ```yaml\n> a: 1\n> ```\n", []),
        ("a: 1\n", []),
    ],
)
def test_blocks_of_a_page(page, texts):
    blocks = list(yaml_blocks(page))
    assert [block.text for block in blocks] == texts
    for block in blocks:
        assert page[block.offset :].startswith(block.text)
        before = page[: block.offset].replace("\r\n", "\n")
        assert block.line == before.count("\n")
