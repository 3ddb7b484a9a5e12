"""The landmarks' lines of pictures as JSON: ours, and the contours of the P2ILF challenge.

Ours: image_width, image_height, and frames, a list of {"frame": name, "polylines": [{"landmark", "points" [[u, v], ...]
in pixels, "confidence" 0 to 1, "closed"}]}. The challenge's: contour, a list of {"contourType", "imagePoints": {"x",
"y"}}, without a size.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from ...errors import FileFormatError, GeometryError
from ...values.landmarks import Polyline
from ...words import tr
from ..json_file import read_json
from ..whole_file import written_whole

_KIND = "landmark polylines"


def write_polylines(
    frames: Mapping[str, Sequence[Polyline]], image_size: tuple[int, int], path: str | PathLike[str]
) -> Path:
    """Write the lines of each frame, by its name, of pictures of image_size (width, height), whole or not at all.

    Raises FileFormatError when the disk refuses.
    """
    path = Path(path)
    content = {
        "type": _KIND,
        "image_width": image_size[0],
        "image_height": image_size[1],
        "frames": [{"frame": name, "polylines": [_plain(line) for line in lines]} for name, lines in frames.items()],
    }
    with written_whole(path) as place:
        place.write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")
    return path


def read_polylines(
    path: str | PathLike[str],
) -> tuple[dict[str, list[Polyline]], tuple[int, int] | None]:
    """The lines of each frame by its name, and the pictures' (width, height), None when the file does not say.

    Raises FileFormatError with the reason.
    """
    path = Path(path)
    content = read_json(path, "lines", ", and holds no lines of landmarks.")
    if not isinstance(content, dict) or content.get("type", _KIND) != _KIND:
        raise FileFormatError(tr("{path} holds no lines of landmarks.", path=path))
    try:
        if "contour" in content:
            return {path.stem: [_of_challenge(one) for one in content["contour"]]}, None
        frames = {
            str(frame["frame"]): [
                Polyline(line["landmark"], line["points"], float(line.get("confidence", 1.0)), bool(line.get("closed")))
                for line in frame["polylines"]
            ]
            for frame in content["frames"]
        }
        return frames, (int(content["image_width"]), int(content["image_height"]))
    except GeometryError as error:
        raise FileFormatError(f"{path}: {error}") from None
    except (AttributeError, KeyError, TypeError, ValueError):
        raise FileFormatError(
            tr("{path} holds no lines of landmarks: each needs a landmark and points (u, v) in pixels.", path=path)
        ) from None


def _plain(line: Polyline) -> dict[str, object]:
    return {
        "landmark": line.landmark,
        "points": line.points.round(3).tolist(),
        "confidence": round(line.confidence, 4),
        "closed": line.is_closed,
    }


def _of_challenge(contour: Mapping[str, Mapping[str, list[float]]]) -> Polyline:
    points = contour["imagePoints"]
    return Polyline(str(contour["contourType"]).lower(), np.column_stack([points["x"], points["y"]]))
