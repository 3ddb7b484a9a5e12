"""Where the tip of a tool is: from the file of calibrations, with its uncertainty, or from a PLUS configuration."""

from __future__ import annotations

import numpy as np

from ...calibration.accuracy.calibrations import Calibrations, TipCalibration
from ...errors import CalibrationError
from ...sweep.plus_configuration import PlusConfiguration


def known_tip(
    tool: str, calibrations: Calibrations, configuration: PlusConfiguration
) -> tuple[np.ndarray, TipCalibration | None]:
    """(4, 4) tip to tool, and its calibration; None where only the configuration has it.

    Raises CalibrationError when neither has it.
    """
    if tool in calibrations.tips:
        return calibrations.tips[tool].tip_to_tool, calibrations.tips[tool]
    name = f"{tool}TipTo{tool}"
    if name in configuration.transforms:
        return configuration.transforms[name], None
    raise CalibrationError(
        f"The tip of {tool} is not known: calibrate it first (crlm calibrate stylus, with the same --calibrations), or "
        f"give a --plus-config with {name}."
    )
