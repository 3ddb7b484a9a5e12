"""The seeds of the livers that the shipped models were trained and validated on."""

from __future__ import annotations

from .population import TRAINING_SEEDS, VALIDATION_SEEDS

__all__ = ["TRAINING_SEEDS", "VALIDATION_SEEDS"]
