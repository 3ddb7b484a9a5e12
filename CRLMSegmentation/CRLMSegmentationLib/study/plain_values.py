"""Results as values that JSON holds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def without_nan(value: Any) -> Any:
    """For JSON, which has no NaN: None for what is not defined, six digits of what is."""
    if isinstance(value, dict):
        return {name: without_nan(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
