"""Fixtures shared by all rooms."""

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings and reference volumes, which lies beside the repository."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not (folder / "SpinePhantomFreehand.igs.mha").is_file():
        pytest.skip(f"the real recordings are not there ({folder})")
    return folder
