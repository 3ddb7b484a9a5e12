"""What a user may fix about a simulated case. Everything left at None is drawn from the seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from ...errors import ConfigurationError

ECHOGENICITIES = ("hypoechoic", "hyperechoic", "mixed")
NEAR_ISOECHOIC_DB = 2.5


def _check_range(name: str, value: object, lowest: float, highest: float, unit: str) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ConfigurationError(f"{name} is {value!r}; it must be a number from {lowest:g} to {highest:g} {unit}.")
    if not lowest <= value <= highest:
        raise ConfigurationError(f"{name} is {value:g} {unit}; it must lie from {lowest:g} to {highest:g} {unit}.")


def _check_whole(name: str, value: Any, lowest: int, highest: int) -> None:
    if value is None:
        return
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or not lowest <= value <= highest:
        raise ConfigurationError(f"{name} is {value!r}; it must be a whole number from {lowest} to {highest}.")


@dataclass(frozen=True)
class LesionSettings:
    """The metastasis.

    echogenicity             'hypoechoic', 'hyperechoic' or 'mixed'
    equivalent_diameter_mm   diameter of the sphere of the same volume, 6 to 42
    contrast_db              mean echo of its core against parenchyma; its sign must fit the echogenicity
    halo                     a dark rim inside its border
    allow_near_isoechoic     also draw contrasts below 2.5 dB, which the study excludes (they are flagged)
    margin_mm                least distance of its surface to the border of the swept region, -20 to 20
    """

    echogenicity: str | None = None
    equivalent_diameter_mm: float | None = None
    contrast_db: float | None = None
    halo: bool | None = None
    allow_near_isoechoic: bool = False
    margin_mm: float = 4.0

    def __post_init__(self) -> None:
        if self.echogenicity is not None and self.echogenicity not in ECHOGENICITIES:
            raise ConfigurationError(
                f"The lesion's echogenicity is {self.echogenicity!r}; it must be one of {', '.join(ECHOGENICITIES)}."
            )
        _check_range("The lesion's equivalent diameter", self.equivalent_diameter_mm, 6, 42, "mm")
        _check_range("The lesion's contrast", self.contrast_db, -20, 15, "dB")
        _check_range("The lesion's margin", self.margin_mm, -20, 20, "mm")
        if self.contrast_db is None:
            return
        weak = abs(self.contrast_db) < NEAR_ISOECHOIC_DB and self.echogenicity != "mixed"
        if self.echogenicity == "hypoechoic" and self.contrast_db > 0:
            raise ConfigurationError("A hypoechoic lesion is darker than the liver: its contrast must be below 0 dB.")
        if self.echogenicity == "hyperechoic" and self.contrast_db < 0:
            raise ConfigurationError(
                "A hyperechoic lesion is brighter than the liver: its contrast must be above 0 dB."
            )
        if weak and not self.allow_near_isoechoic:
            raise ConfigurationError(
                f"A contrast of {self.contrast_db:g} dB is near-isoechoic (below {NEAR_ISOECHOIC_DB:g} dB); "
                "set allow_near_isoechoic to simulate it."
            )


@dataclass(frozen=True)
class ProbeSettings:
    """The curvilinear intraoperative transducer and its picture.

    Defaults follow the kind of probe that open liver surgery uses (T-shaped, convex, 5 to 14 MHz, about 30 mm of
    contact surface, transmit focus 25 to 65 mm).

    radius_mm           radius of curvature of the face
    field_of_view_deg   full opening angle of the fan
    depth_mm            range shown, from the face
    frequency_mhz       center frequency
    focus_mm            transmit focus
    lines               scan lines
    image_width_px, image_height_px   frame-grabber size
    dynamic_range_db    shown between black and white
    burned_in_marks     depth ticks, marker and grey bar outside the fan
    """

    radius_mm: float = 20.0
    field_of_view_deg: float = 80.0
    depth_mm: float | None = None
    frequency_mhz: float | None = None
    focus_mm: float | None = None
    lines: int = 192
    image_width_px: int = 640
    image_height_px: int = 480
    dynamic_range_db: float | None = None
    burned_in_marks: bool = True

    def __post_init__(self) -> None:
        _check_range("The probe's radius", self.radius_mm, 10, 80, "mm")
        _check_range("The probe's field of view", self.field_of_view_deg, 30, 110, "degrees")
        _check_range("The probe's depth", self.depth_mm, 30, 200, "mm")
        _check_range("The probe's frequency", self.frequency_mhz, 2, 14, "MHz")
        _check_range("The probe's focus", self.focus_mm, 10, 100, "mm")
        _check_range("The dynamic range", self.dynamic_range_db, 30, 90, "dB")
        _check_whole("The number of scan lines", self.lines, 32, 512)
        _check_whole("The image width", self.image_width_px, 64, 2048)
        _check_whole("The image height", self.image_height_px, 64, 2048)


@dataclass(frozen=True)
class SweepSettings:
    """The freehand motion and its tracking.

    frames                   38 to 95 when drawn; 5 to 500 when set
    swept_volume_ml          160 to 355 when drawn; 20 to 1000 when set
    tracking_noise_mm        root mean square length of the position error (electromagnetic tracking: 0.9)
    tracking_noise_deg       the same for the angle of the orientation error (0.3)
    lost_poses               number of frames without a measured pose; 0 to 4 when drawn
    latency_s                pose late (+) or early (-) against the image, after temporal calibration
    """

    frames: int | None = None
    swept_volume_ml: float | None = None
    tracking_noise_mm: float = 0.9
    tracking_noise_deg: float = 0.3
    lost_poses: int | None = None
    latency_s: float | None = None

    def __post_init__(self) -> None:
        _check_whole("The number of frames", self.frames, 5, 500)
        _check_range("The swept volume", self.swept_volume_ml, 20, 2000, "mL")
        _check_range("The tracking noise", self.tracking_noise_mm, 0, 10, "mm")
        _check_range("The tracking noise", self.tracking_noise_deg, 0, 10, "degrees")
        _check_whole("The number of lost poses", self.lost_poses, 0, 250)
        _check_range("The latency", self.latency_s, -0.5, 0.5, "s")
        if self.frames is not None and self.lost_poses is not None and self.lost_poses > self.frames // 2:
            raise ConfigurationError(
                f"{self.lost_poses} lost poses are too many for {self.frames} frames; at most half may be lost."
            )
