"""A stand-in for pandas with the one function that nnU-Net's augmentation calls."""

from __future__ import annotations

from typing import Any

import numpy as np
from inert_module import absent


def unique(values: np.ndarray) -> np.ndarray:
    """The values that there are, in the order in which they come."""
    found, first = np.unique(values, return_index=True)
    return found[np.argsort(first)]


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return absent(f"pandas.{name}")
