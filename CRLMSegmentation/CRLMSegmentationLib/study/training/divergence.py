"""A training whose loss is no number any more has failed, and says so."""

from __future__ import annotations

import math

from ...errors import ConfigurationError


def refuse_divergence(loss: float, epoch: int) -> None:
    """Raises ConfigurationError when `loss`, of a batch in that epoch (from 0), is no finite number: its weights are
    none either, and what was kept of an earlier epoch stays.
    """
    if not math.isfinite(loss):
        raise ConfigurationError(
            f"The training failed in epoch {epoch + 1}: its loss is no finite number any more. Lower the learning "
            "rate, or set half_precision = false."
        )
