"""What a person sees while a calibration runs, and what is offered at its end."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...calibration.accuracy.calibrations import Calibrations, ImageCalibration, TipCalibration, today
from ...calibration.probe.probe_calibration import ProbeEstimate
from ...calibration.stylus.stylus_calibration import TipEstimate


@dataclass(frozen=True)
class Guidance:
    """How far a calibration is.

    figures  (what, how much) for people: poses used, wires seen in this image, ...
    missing  what more would make it better, or why there is no result yet; () when it is as good as it should be
    share    0 to 1: how much of what is wanted is there
    wires    (u, v) of the wires in the newest image, each 0 to 1 of its width and height; () where not all are seen
    """

    figures: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
    share: float = 0.0
    wires: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, eq=False)
class TipResult:
    """A tip that was found; `estimate` has it with its covariance."""

    tool: str
    estimate: TipEstimate
    date: str = field(default_factory=today)
    is_of_image, is_calibration = False, True

    @property
    def text(self) -> str:
        """One line for people, with the uncertainty."""
        return f"The tip of {self.tool} is known to {self.estimate.deviation_mm:.1f} mm"

    @property
    def figures(self) -> tuple[tuple[str, str], ...]:
        """(what, how much) for people."""
        found = self.estimate
        return (
            ("Tip", f"{_numbers(found.tip_mm)} mm in {self.tool}"),
            ("Known to", f"{found.deviation_mm:.2f} mm (standard deviation, worst direction)"),
            ("Residual", f"{found.residual_mm:.2f} mm"),
            ("Tilted by", f"{found.tilt_deg:.0f} degrees"),
            ("Poses", f"{found.poses_used} used, {found.poses_rejected} rejected"),
        )

    @property
    def missing(self) -> tuple[str, ...]:
        """What would have made it better."""
        return tuple(self.estimate.missing)

    def added_to(self, known: Calibrations) -> Calibrations:
        """The calibrations with this one in place of an earlier one of the same tool."""
        found = self.estimate
        return known.with_tip(
            self.tool, TipCalibration(found.tip_to_tool, found.covariance_mm2, self.date, found.residual_mm)
        )


@dataclass(frozen=True, eq=False)
class ImageResult:
    """A place of the image on its probe that was found; `estimate` has it with its covariance."""

    estimate: ProbeEstimate
    date: str = field(default_factory=today)
    is_of_image, is_calibration = True, True

    @property
    def text(self) -> str:
        """One line for people, with the uncertainty."""
        return f"The corners of the image are known to {float(self.estimate.corner_deviation_mm.max()):.1f} mm"

    @property
    def figures(self) -> tuple[tuple[str, str], ...]:
        """(what, how much) for people."""
        found = self.estimate
        sizes = np.linalg.norm(found.matrix[:3, :2], axis=0)
        return (
            ("Pixel", f"{sizes[0]:.4f} x {sizes[1]:.4f} mm"),
            ("Corners known to", f"{_numbers(found.corner_deviation_mm, 1)} mm (standard deviation)"),
            ("Error of the wires", f"{found.error_mm:.2f} mm"),
            ("Probe turned by", f"{found.turned_deg:.0f} degrees"),
            ("Images", f"{found.frames_used} used, {found.wires} wires in each"),
            (
                "Phantom",
                "how well it was registered is not known"
                if found.phantom_mm is None
                else f"its wires known to {found.phantom_mm:.1f} mm",
            ),
        )

    @property
    def missing(self) -> tuple[str, ...]:
        """What would have made it better."""
        return tuple(self.estimate.missing)

    def added_to(self, known: Calibrations) -> Calibrations:
        """The calibrations with this one in place of an earlier one of the image."""
        found = self.estimate
        made = ImageCalibration(
            found.matrix, found.image_to_probe.covariance, found.image_size, self.date, found.error_mm
        )  # fmt: skip
        return known.with_image(made)


CalibrationResult = TipResult | ImageResult


def _numbers(values: np.ndarray, digits: int = 2) -> str:
    return " ".join(f"{value:.{digits}f}" for value in values)
