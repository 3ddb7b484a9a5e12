"""Fixtures shared by all rooms."""

import os
from pathlib import Path

import pytest

# OpenMP's waiting threads otherwise spin, and take the time of those that compute where other programs are busy. Read
# when torch is imported, so that it stands before any test.
for name, value in {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}.items():
    os.environ.setdefault(name, value)

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings and reference volumes, which lies beside the repository."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not (folder / "SpinePhantomFreehand.igs.mha").is_file():
        pytest.skip(f"the real recordings are not there ({folder})")
    return folder
