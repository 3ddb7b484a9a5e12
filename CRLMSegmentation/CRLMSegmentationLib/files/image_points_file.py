"""Points that somebody has marked in single images of a recording, as CSV or JSON."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FileFormatError
from ..words import tr

_TIME, _FRAME, _ACROSS, _DOWN = "time_s", "frame", "u", "v"


@dataclass(frozen=True, eq=False)
class ImagePoints:
    """One point in each of n images.

    pixels   (n, 2) u, v: from the middle of the first pixel, u towards the marked side, v away from the transducer
    times_s  (n,) timestamps of the images; NaN where the file numbers them
    frames   (n,) int, numbers of the images in the recording, from 0; None where the file has their times
    """

    pixels: np.ndarray
    times_s: np.ndarray
    frames: np.ndarray | None


def read_image_points(path: str | Path) -> ImagePoints:
    """From a CSV file with the columns time_s (or frame), u and v, or a JSON list of objects with these keys.

    Other columns are passed over. Raises FileFormatError.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
        is_json = path.suffix.lower() == ".json"
        rows: list[dict[str, Any]] = json.loads(text) if is_json else list(csv.DictReader(text.splitlines()))
        if not rows:
            raise FileFormatError(tr("{path} holds no points.", path=path))
        which = _TIME if _TIME in rows[0] else _FRAME
        numbers = np.array([[float(row[name]) for name in (which, _ACROSS, _DOWN)] for row in rows])
    except OSError as error:
        raise FileFormatError(
            tr(
                "The points {path} cannot be read ({reason}); check the path.",
                path=path,
                reason=error.strerror or error,
            )
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FileFormatError(
            tr(
                "{path} holds no points of images: it needs a number in each of the columns {time} (or "
                "{frame}), {across} and {down}, as CSV or as a JSON list of objects.",
                path=path,
                time=_TIME,
                frame=_FRAME,
                across=_ACROSS,
                down=_DOWN,
            )
        ) from None
    if not np.isfinite(numbers).all():
        raise FileFormatError(tr("{path} holds a number that is not finite.", path=path))
    if which == _TIME:
        return ImagePoints(numbers[:, 1:], numbers[:, 0], None)
    frames = numbers[:, 0].astype(int)
    if (frames != numbers[:, 0]).any() or (frames < 0).any():
        raise FileFormatError(tr("{path}: the numbers of the images are whole numbers from 0 on.", path=path))
    return ImagePoints(numbers[:, 1:], np.full(len(frames), np.nan), frames)
