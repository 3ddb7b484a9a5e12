"""The sweep of the campaign: that of the reconstruction's benchmark."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "Benchmarks"))

from CRLMSegmentationLib.sweep import Sweep
from reconstruction import made_up_sweep


def campaign_sweep(quick: bool) -> Sweep:
    """95 frames of 640 x 480 pixels; when `quick` a few small ones."""
    return made_up_sweep(6, (48, 40), 0.4, 4.0) if quick else made_up_sweep()
