"""Values of the wrong type: how many are told. Which are found is tested with the controls."""

from __future__ import annotations

import pytest

from kscan_lsp.kubernetes.schema import fields_of
from kscan_lsp.kubernetes.type_errors import MAX_MISFITS, misfits


@pytest.mark.parametrize("item", [None, 1, {"name": 1}])
def test_many_misfits_are_few(item: object) -> None:
    found = misfits(fields_of("", "Pod", ("spec",)), {"spec": {"containers": [item] * 500}})
    assert len(found) == MAX_MISFITS
