"""The wires that PLUS itself found, from the result of its probe calibration.

Format: what fCal and ProbeCalibration write: ProbeCalibrationResult, ErrorReport, CalibrationData and ValidationData,
of each Frame the SegmentedPoints (WireName, Position in pixels) and the TrackedFrame with its Timestamp.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ...errors import ConfigurationError
from ...sweep.plus_configuration import read_plus_xml
from ...words import tr


def read_plus_points(path: str | Path, names: list[str]) -> list[tuple[float, np.ndarray]]:
    """(time in seconds, (wires, 2) pixels) of each frame in which PLUS found all wires of these `names`.

    Raises ConfigurationError when the file is no such result, or of another phantom.
    """
    root = read_plus_xml(path)
    frames = [frame for data in ("CalibrationData", "ValidationData") for frame in root.iterfind(f".//{data}/Frame")]
    if not frames:
        raise ConfigurationError(
            tr(
                "{path} holds no segmented points; give the result of PLUS's probe calibration "
                "(ProbeCalibrationResult).",
                path=path,
            )
        )
    found, others = [], set()
    for frame in frames:
        points = {
            point.get("WireName", "?"): point.get("Position", "") for point in frame.iterfind("SegmentedPoints/Point")
        }
        time_s = _time_s(frame)
        if not set(names) <= points.keys():
            others |= points.keys() - set(names)
        elif time_s is not None:
            found.append((time_s, np.array([_pixel(points[name], path) for name in names])))
    if not found:
        seen = f" (it has {', '.join(sorted(others)[:3])}, ...)" if others else ""
        raise ConfigurationError(
            tr(
                "No frame of {path} holds all wires of the phantom ({names}, ...){seen}; give the "
                "phantom's own configuration.",
                path=path,
                names=", ".join(names[:3]),
                seen=seen,
            )
        )
    return found


def _time_s(frame: ElementTree.Element) -> float | None:
    """As exactly as the frame has it; None where it has none."""
    texts = [field.get("Value", "") for field in frame.iterfind(".//CustomFrameField[@Name='Timestamp']")]
    tracked = frame.find("TrackedFrame")
    if tracked is not None:
        texts.append(tracked.get("Timestamp", ""))
    for text in texts:
        try:
            return float(text)
        except ValueError:
            continue
    return None


def _pixel(text: str, path: str | Path) -> list[float]:
    try:
        values = [float(part) for part in text.split()[:2]]
    except ValueError:
        values = []
    if len(values) != 2 or not np.isfinite(values).all():
        raise ConfigurationError(
            tr("{path} holds a point that is not two numbers: '{text}'.", path=path, text=text[:40])
        )
    return values
