"""What was calibrated, when and how well: the session's own file of calibrations.

PLUS's configuration holds the matrices; this file beside it holds what a matrix does not say: covariances, dates, the
size of the image. Every calibration that is made adds its entry to the file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np

from ...errors import ConfigurationError, CRLMError
from ...geometry import as_affine
from ...words import tr
from ..probe.image_to_probe import tracker_covariance
from ..probe.phantom_registration import PhantomRegistration
from .error_model import IMAGE, STYLUS, TIME, TRACKING, ErrorModel

FORMAT = "CRLM calibrations"
OLD_DAYS = 90.0
PHANTOM = "phantom"
# Two matrices of one calibration differ by their rounding only.
_SAME_MM, _SAME_PIXEL = 0.05, 0.02


@dataclass(frozen=True, eq=False)
class TipCalibration:
    """tip_to_tool (4, 4); covariance_mm2 (3, 3) of the tip in the tool's frame; when it was made.

    residual_mm     how well the poses agreed; None where nobody wrote it down
    tracker_serial  of the tracker that it was made with; ''
    """

    tip_to_tool: np.ndarray
    covariance_mm2: np.ndarray
    date: str = ""
    residual_mm: float | None = None
    tracker_serial: str = ""


@dataclass(frozen=True, eq=False)
class ImageCalibration:
    """image_to_probe (4, 4); covariance (9, 9) as of ImageToProbe; image_size width and height; when it was made.

    residual_mm, tracker_serial  as of a tip
    """

    image_to_probe: np.ndarray
    covariance: np.ndarray
    image_size: tuple[int, int]
    date: str = ""
    residual_mm: float | None = None
    tracker_serial: str = ""

    def has_pixels_of(self, pixel_mm: tuple[float, float]) -> bool:
        """True when it was made at the depth of images with pixels of this width and height in mm."""
        return bool(np.allclose(np.linalg.norm(self.image_to_probe[:3, :2], axis=0), pixel_mm, rtol=_SAME_PIXEL))


@dataclass(frozen=True, eq=False)
class Calibrations:
    """All that is known of a set of devices; None or empty for what is not.

    tracker_mm, tracker_deg  standard deviation of a sensor's pose along and about each axis, as its maker says
    tracker_serial           its serial number; ''
    tips                     by tool
    delay_s                  standard deviation of the delay of the images that was set
    phantom                  where one stood when its landmarks were touched
    """

    tracker_mm: float | None = None
    tracker_deg: float | None = None
    tips: Mapping[str, TipCalibration] = field(default_factory=dict)
    image: ImageCalibration | None = None
    delay_s: float | None = None
    delay_date: str = ""
    phantom: PhantomRegistration | None = None
    tracker_serial: str = ""

    def with_tip(self, tool: str, tip: TipCalibration) -> Calibrations:
        """The same with another calibration of this tool, made with the tracker that is used."""
        return replace(self, tips={**self.tips, tool: replace(tip, tracker_serial=self.tracker_serial)})

    def with_image(self, image: ImageCalibration) -> Calibrations:
        """The same with another calibration of the image, made with the tracker that is used."""
        return replace(self, image=replace(image, tracker_serial=self.tracker_serial))

    def model(
        self, tool: str, tip_to_tool: np.ndarray, image_size: tuple[int, int] | None = None,
        pixel_mm: tuple[float, float] | None = None, now: datetime | None = None,
    ) -> ErrorModel:  # fmt: skip
        """The error model for a tool whose tip is where `tip_to_tool` (4, 4) has it, and images of this size.

        What was calibrated for another tip, size or depth counts as not calibrated; what is old counts, and is told.
        """
        unknown: dict[str, str] = {}
        tip = self.tips.get(tool)
        if tip is not None and np.abs(tip.tip_to_tool - tip_to_tool).max() > _SAME_MM:
            tip, unknown[STYLUS] = None, tr("the tip of {tool} lies elsewhere than its calibration has it", tool=tool)
        elif tip is None:
            unknown[STYLUS] = tr("{tool} was not calibrated here", tool=tool)
        image = self.image
        if image is not None and not _fits(image, image_size, pixel_mm):
            image, unknown[IMAGE] = None, tr("the image was calibrated at another size or depth")
        for source, made in ((STYLUS, tip), (IMAGE, image)):
            if made is not None and (days := _days_since(made.date, now)) > OLD_DAYS:
                unknown[source] = tr(
                    "the calibration of the {source} is {days:.0f} days old", source=tr(source), days=days
                )
            if made is not None and made.tracker_serial not in ("", self.tracker_serial):
                unknown[source] = tr(
                    "the {source} was calibrated with another tracker ({tracker_serial})",
                    source=tr(source),
                    tracker_serial=made.tracker_serial,
                )
        if self.delay_s is not None and (days := _days_since(self.delay_date, now)) > OLD_DAYS:
            unknown[TIME] = tr("the delay of the images was measured {days:.0f} days ago", days=days)
        return ErrorModel(
            self.tracker_mm, self.tracker_deg, None if tip is None else tip.covariance_mm2,
            None if image is None else self._image_covariance(image), self.delay_s, unknown=unknown,
        )  # fmt: skip

    def _image_covariance(self, image: ImageCalibration) -> np.ndarray:
        """(9, 9): its own, and what the tracker erred alike in all of its images."""
        if self.tracker_mm is None or self.tracker_deg is None:
            return image.covariance
        of_tracker = tracker_covariance(self.tracker_mm, self.tracker_deg, image.image_to_probe)
        return np.asarray(image.covariance + of_tracker)

    def to_plain(self) -> dict[str, Any]:
        """Plain values for a file."""
        text: dict[str, Any] = {"format": FORMAT, "version": 1}
        if self.tracker_mm is not None:
            text[TRACKING] = {
                "position_mm": self.tracker_mm, "rotation_deg": self.tracker_deg, **_told("serial", self.tracker_serial)
            }  # fmt: skip
        text["tools"] = {
            tool: {"tip_to_tool": tip.tip_to_tool.tolist(), "covariance_mm2": tip.covariance_mm2.tolist(),
                   "date": tip.date, **_made_of(tip)}
            for tool, tip in self.tips.items()
        }  # fmt: skip
        if self.image is not None:
            text[IMAGE] = {
                "image_to_probe": self.image.image_to_probe.tolist(), "covariance": self.image.covariance.tolist(),
                "image_size": list(self.image.image_size), "date": self.image.date, **_made_of(self.image),
            }  # fmt: skip
        if self.delay_s is not None:
            text[TIME] = {"uncertainty_s": self.delay_s, "date": self.delay_date}
        if self.phantom is not None:
            text[PHANTOM] = {
                "phantom_to_reference": self.phantom.phantom_to_reference.tolist(), "fre_mm": self.phantom.fre_mm,
                "covariance": self.phantom.covariance.tolist(), "middle_mm": self.phantom.middle_mm.tolist(),
                "date": self.phantom.date,
            }  # fmt: skip
        return text


def calibrations_of(text: object, where: str) -> Calibrations:
    """From plain values, as to_plain() gives them. Raises ConfigurationError, which names `where` they are from."""
    if not isinstance(text, dict) or text.get("format") != FORMAT:
        raise ConfigurationError(
            tr("{where} is no file of calibrations; give one that crlm calibrate has written.", where=where)
        )
    try:
        tracker, image, delay = (text.get(name) for name in (TRACKING, IMAGE, TIME))
        tips = {
            str(tool): TipCalibration(
                as_affine(one["tip_to_tool"]),
                _covariance(one["covariance_mm2"], 3),
                str(one.get("date", "")),
                _residual(one),
                str(one.get("tracker_serial", "")),
            )
            for tool, one in text.get("tools", {}).items()
        }
        made = None if image is None else ImageCalibration(
            as_affine(image["image_to_probe"]), _covariance(image["covariance"], 9),
            (int(image["image_size"][0]), int(image["image_size"][1])), str(image.get("date", "")),
            _residual(image), str(image.get("tracker_serial", "")),
        )  # fmt: skip
        return Calibrations(
            None if tracker is None else _amount(tracker["position_mm"]),
            None if tracker is None else _amount(tracker["rotation_deg"]), tips, made,
            None if delay is None else _amount(delay["uncertainty_s"]),
            "" if delay is None else str(delay.get("date", "")), _phantom(text.get(PHANTOM)),
            "" if tracker is None else str(tracker.get("serial", "")),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, CRLMError):
        raise ConfigurationError(
            tr("{where} holds a calibration that makes no sense; calibrate again, or take its entry out.", where=where)
        ) from None


def _phantom(text: Any) -> PhantomRegistration | None:
    if text is None:
        return None
    middle = np.array([float(value) for value in text["middle_mm"]])
    if middle.shape != (3,) or not np.isfinite(middle).all():
        raise ValueError
    return PhantomRegistration(
        as_affine(text["phantom_to_reference"]), _amount(text["fre_mm"]), _covariance(text["covariance"], 6), middle,
        str(text.get("date", "")),
    )  # fmt: skip


def _made_of(made: TipCalibration | ImageCalibration) -> dict[str, Any]:
    residual = {} if made.residual_mm is None else {"residual_mm": made.residual_mm}
    return {**residual, **_told("tracker_serial", made.tracker_serial)}


def _told(name: str, text: str) -> dict[str, str]:
    return {name: text} if text else {}


def _residual(text: Mapping[str, Any]) -> float | None:
    value = text.get("residual_mm")
    return None if value is None else _amount(value)


def today() -> str:
    """The date and time of a calibration that is made now."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _fits(image: ImageCalibration, size: tuple[int, int] | None, pixel_mm: tuple[float, float] | None) -> bool:
    same_size = size is None or tuple(size) == tuple(image.image_size)
    return same_size and (pixel_mm is None or image.has_pixels_of(pixel_mm))


def _days_since(date: str, now: datetime | None) -> float:
    """Days since then; 0 where the file does not say."""
    try:
        made = datetime.fromisoformat(date)
    except ValueError:
        return 0.0
    now = now or datetime.now().astimezone()
    return (now - (made if made.tzinfo else made.astimezone())).total_seconds() / 86400


def _covariance(rows: object, size: int) -> np.ndarray:
    matrix = np.asarray(rows, dtype=np.float64)
    if matrix.shape != (size, size) or not np.isfinite(matrix).all() or np.linalg.eigvalsh(matrix)[0] < -1e-6:
        raise ValueError
    return matrix


def _amount(value: object) -> float:
    number = float(str(value))
    if not math.isfinite(number) or number < 0:
        raise ValueError
    return number
