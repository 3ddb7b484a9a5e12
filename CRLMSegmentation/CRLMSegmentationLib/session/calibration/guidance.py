"""What a person sees while a calibration runs, and what is offered at its end."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...calibration.accuracy.calibrations import Calibrations, ImageCalibration, TipCalibration, today
from ...calibration.probe.probe_calibration import ProbeEstimate
from ...calibration.stylus.stylus_calibration import TipEstimate
from ...words import tr
from ..accuracy.known_errors import COARSE_MM


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
        return tr(
            "The tip of {tool} is known to {deviation_mm:.1f} mm",
            tool=self.tool,
            deviation_mm=self.estimate.deviation_mm,
        )

    @property
    def figures(self) -> tuple[tuple[str, str], ...]:
        """(what, how much) for people."""
        found = self.estimate
        return (
            (tr("Tip"), tr("{numbers} mm in {tool}", numbers=_numbers(found.tip_mm), tool=self.tool)),
            (
                tr("Known to"),
                tr("{deviation_mm:.2f} mm (standard deviation, worst direction)", deviation_mm=found.deviation_mm),
            ),
            (tr("Residual"), f"{found.residual_mm:.2f} mm"),
            (tr("Tilted by"), tr("{angle:.0f} degrees", angle=found.tilt_deg)),
            (
                tr("Poses"),
                tr(
                    "{poses_used} used, {poses_rejected} rejected",
                    poses_used=found.poses_used,
                    poses_rejected=found.poses_rejected,
                ),
            ),
        )

    @property
    def missing(self) -> tuple[str, ...]:
        """What would have made it better."""
        return tuple(self.estimate.missing)

    @property
    def is_coarse(self) -> bool:
        """Too little is known of it to rely on."""
        return self.estimate.deviation_mm > COARSE_MM

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
        return tr(
            "The corners of the image are known to {corner_deviation_mm:.1f} mm",
            corner_deviation_mm=float(self.estimate.corner_deviation_mm.max()),
        )

    @property
    def figures(self) -> tuple[tuple[str, str], ...]:
        """(what, how much) for people."""
        found = self.estimate
        sizes = np.linalg.norm(found.matrix[:3, :2], axis=0)
        return (
            (tr("Pixel"), tr("{sizes:.4f} x {sizes_2:.4f} mm", sizes=sizes[0], sizes_2=sizes[1])),
            (
                tr("Corners known to"),
                tr("{numbers} mm (standard deviation)", numbers=_numbers(found.corner_deviation_mm, 1)),
            ),
            (tr("Error of the wires"), f"{found.error_mm:.2f} mm"),
            (tr("Probe turned by"), tr("{angle:.0f} degrees", angle=found.turned_deg)),
            (
                tr("Images"),
                tr("{frames_used} used, {wires} wires in each", frames_used=found.frames_used, wires=found.wires),
            ),
            (
                tr("Phantom"),
                tr("how well it was registered is not known")
                if found.phantom_mm is None
                else tr("its wires known to {phantom_mm:.1f} mm", phantom_mm=found.phantom_mm),
            ),
        )

    @property
    def missing(self) -> tuple[str, ...]:
        """What would have made it better."""
        return tuple(self.estimate.missing)

    @property
    def is_coarse(self) -> bool:
        """Too little is known of it to rely on."""
        return float(self.estimate.corner_deviation_mm.max()) > COARSE_MM

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
