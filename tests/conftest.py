"""What all tests share."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the reference cases and the corpus, which lies beside a developer's checkout only."""
    if not SHARED.is_dir():
        pytest.skip("needs the shared reference material beside the checkout")
    return SHARED
