"""What is known of a simulated case's errors, as a user would know it of his devices."""

from __future__ import annotations

import math

import numpy as np

from ...calibration.accuracy.calibrations import Calibrations, ImageCalibration, TipCalibration, today
from .case import SimulatedCase

# draw_tracking() draws the latency with this standard deviation.
_LATENCY_S = 0.015


def known_errors(case: SimulatedCase) -> Calibrations:
    """The tracker errs as it was simulated, the delay too; image and stylus are known exactly."""
    sweep = case.parameters["sweep"]
    image = ImageCalibration(
        np.array(case.parameters["image_to_probe"]), np.zeros((9, 9)), case.sweep.image_size, today()
    )
    # The settings are lengths over three axes.
    per_axis = 1 / math.sqrt(3)
    return Calibrations(
        float(sweep["tracking_noise_mm"]) * per_axis, float(sweep["tracking_noise_deg"]) * per_axis,
        {"Stylus": TipCalibration(np.eye(4), np.zeros((3, 3)), today())}, image, _LATENCY_S, today(),
    )  # fmt: skip
