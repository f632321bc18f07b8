"""Values of the wrong type: how many are told. Which are found is tested with the controls."""

from __future__ import annotations

import pytest

from kscan_lsp.kubernetes.pod_templates import PLACES, fields_of
from kscan_lsp.kubernetes.type_errors import MAX_TYPE_ERRORS, type_errors


@pytest.mark.parametrize("item", [None, 1, {"name": 1}])
def test_of_many_type_errors_few_are_reported(item: object) -> None:
    found = type_errors(fields_of("", "Pod", PLACES["", "Pod"]), {"spec": {"containers": [item] * 500}})
    assert len(found) == MAX_TYPE_ERRORS
