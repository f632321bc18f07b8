"""What all tests share."""

from pathlib import Path

import pytest
from hypothesis import Phase, settings

# A slow machine is not a failure, and a failure can be repeated from what is printed.
settings.register_profile("kscan", deadline=None, print_blob=True)
# For benchmarks/mutation.py, which runs the tests a thousand times: few examples, always the same, and the first that
# fails is enough. Tests that need more or fewer than others take a multiple of the profile's.
settings.register_profile(
    "mutation",
    settings.get_profile("kscan"),
    max_examples=20,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
)
settings.load_profile("kscan")

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the reference cases and the corpus, which lies beside a developer's checkout only."""
    if not SHARED.is_dir():
        pytest.skip("needs the shared reference material beside the checkout")
    return SHARED


@pytest.fixture
def without_kustomize(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is installed that builds overlays."""
    monkeypatch.setattr("kscan_lsp.cli.overlays.kustomize", lambda _: None)


@pytest.fixture
def without_helm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is installed that renders charts."""
    monkeypatch.setattr("kscan_lsp.render.makers.find_spec", lambda _: None)
