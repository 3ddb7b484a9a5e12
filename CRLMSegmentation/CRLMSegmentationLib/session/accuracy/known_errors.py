"""What is known of the devices' errors, and what is not: one line for each source, for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...calibration.accuracy.calibrations import Calibrations, ImageCalibration
from ...calibration.accuracy.error_model import IMAGE, STYLUS, TIME, TRACKING
from ...calibration.probe.image_to_probe import image_corners
from ...words import tr

# A tip or an image that is known to more, as a standard deviation: twice that is most of a margin of 5 mm.
COARSE_MM = 2.0


@dataclass(frozen=True)
class KnownError:
    """source: what errs; text: by how much, or why nobody knows; is_known: False in the second case.

    is_coarse  known, and more than COARSE_MM
    """

    source: str
    text: str
    is_known: bool
    is_coarse: bool = False


def known_errors(
    known: Calibrations, tips: Mapping[str, np.ndarray], image_size: tuple[int, int] | None,
    pixel_mm: tuple[float, float] | None = None,
) -> list[KnownError]:  # fmt: skip
    """Of the tracker, each tool, the image and the delay of the images.

    tips        (4, 4) tip to tool, by tool, as they count now
    image_size  of the images that come; None while none does
    pixel_mm    of an image that the sender places itself; None while none comes
    """
    model = known.model("", np.eye(4), image_size, pixel_mm)
    why = model.why_unknown()
    lines = [
        _line(
            tr("Tracker"),
            why.get(TRACKING),
            tr(
                "{tracker_mm} mm, {tracker_deg} degrees (by its maker)",
                tracker_mm=known.tracker_mm,
                tracker_deg=known.tracker_deg,
            ),
        )
    ]
    for tool, tip_to_tool in tips.items():
        of_tool = known.model(tool, tip_to_tool)
        tip = known.tips.get(tool)
        text, worst_mm = "", 0.0
        if tip is not None:
            worst_mm = float(np.sqrt(np.linalg.eigvalsh(tip.covariance_mm2)[-1]))
            text = tr("tip known to {worst_mm:.1f} mm{of}", worst_mm=worst_mm, of=_of(tip.date))
        lines.append(_line(tool, of_tool.why_unknown().get(STYLUS), text, worst_mm))
    image, corner_mm = "", 0.0
    if known.image is not None:
        corner_mm = _corner_mm(known.image)
        image = tr("corners known to {corner_mm:.1f} mm{of}", corner_mm=corner_mm, of=_of(known.image.date))
    lines.append(_line(tr("Image"), why.get(IMAGE), image, corner_mm))
    delay = (
        ""
        if known.delay_s is None
        else tr("delay known to {delay_s:.0f} ms{of}", delay_s=1000 * known.delay_s, of=_of(known.delay_date))
    )
    return [*lines, _line(tr("Time"), why.get(TIME), delay)]


def _line(source: str, why_unknown: str | None, text: str, deviation_mm: float = 0.0) -> KnownError:
    if why_unknown is not None:
        return KnownError(source, why_unknown, is_known=False)
    return KnownError(source, text, is_known=True, is_coarse=deviation_mm > COARSE_MM)


def _corner_mm(image: ImageCalibration) -> float:
    """Standard deviation of the corner that is known worst, in its worst direction."""
    spreads = [np.kron(np.eye(3), [*corner, 1.0]) for corner in image_corners(image.image_size)]
    return max(float(np.sqrt(np.linalg.eigvalsh(spread @ image.covariance @ spread.T)[-1])) for spread in spreads)


def _of(date: str) -> str:
    return tr(", of {date}", date=date[:10]) if date else ""
