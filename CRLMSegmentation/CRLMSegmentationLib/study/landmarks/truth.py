"""The true landmarks of a picture, in whatever form a data set has them."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ...errors import FileFormatError, GeometryError
from ...files.json_file import read_json
from ...files.laparoscope.landmark_mask_file import read_landmark_mask, read_picture
from ...files.laparoscope.polylines_file import read_polylines
from ...laparoscopy.network.landmark_finder import drawn
from ...laparoscopy.network.network_picture import lines_in
from ...values.landmarks import LANDMARKS, Polyline
from ..cases.case_table import CaseRow

# As some files of L3D have it.
_MISSPELT = {"rigde": "ridge"}


def read_truth(path: str | Path, image_size: tuple[int, int]) -> np.ndarray:
    """(3, v, u) boolean lines, in the order of LANDMARKS, of the picture of image_size (width, height).

    .nrrd    label map, sums of 1 ridge, 2 ligament, 4 silhouette
    .json    lines: labelme's as in L3D, the contours of P2ILF, or polylines.json of one picture
    .xml     the contours of P2ILF
    others   a mask of landmarks; see files.laparoscope.landmark_mask_file
    Lines are drawn 12 pixels wide in pictures that are 1920 wide, as the challenge does. Raises FileFormatError for a
    file that is none of these, or belongs to a picture of another size.
    """
    path = Path(path)
    if path.suffix.lower() in (".json", ".xml"):
        lines = _lines_of(path, image_size)
        each = [drawn([line for line in lines if line.landmark == name], image_size) > 0 for name in LANDMARKS]
        return np.stack(each)
    if path.suffix.lower() == ".nrrd":
        found = lines_in(read_picture(path))
    else:
        mask = read_landmark_mask(path)
        found = np.stack([mask == number for number in LANDMARKS.values()])
    if found.shape[:0:-1] != image_size:
        raise FileFormatError(
            f"{path} is of {found.shape[2]} x {found.shape[1]} pixels, and its picture of {image_size[0]} x "
            f"{image_size[1]}: they do not belong together."
        )
    return found


def read_case(row: CaseRow) -> tuple[np.ndarray, np.ndarray]:
    """The picture (v, u[, 3]) of a case and its true lines (3, v, u). Raises FileFormatError."""
    picture = read_picture(row.volume)
    return picture, read_truth(row.mask, (picture.shape[1], picture.shape[0]))


def _lines_of(path: Path, image_size: tuple[int, int]) -> list[Polyline]:
    if path.suffix.lower() == ".xml":
        return _lines_of_xml(path)
    content = read_json(path, "landmarks", ", and holds no landmarks.")
    if isinstance(content, dict) and "shapes" in content:
        return _lines_of_labelme(content, path, image_size)
    frames, size = read_polylines(path)
    if len(frames) != 1 or size not in (None, image_size):
        raise FileFormatError(f"{path} holds the lines of {len(frames)} pictures, or of one of another size.")
    return next(iter(frames.values()))


def _lines_of_labelme(content: dict[str, object], path: Path, image_size: tuple[int, int]) -> list[Polyline]:
    if (content.get("imageWidth"), content.get("imageHeight")) != image_size:
        raise FileFormatError(f"{path} belongs to a picture of another size than {image_size[0]} x {image_size[1]}.")
    shapes = content["shapes"]
    try:
        assert isinstance(shapes, list)
        return [_line(str(shape["label"]), shape["points"]) for shape in shapes if len(shape["points"]) > 1]
    except (AssertionError, GeometryError, KeyError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path} holds a shape that is no line of a landmark ({error}).") from None


def _lines_of_xml(path: Path) -> list[Polyline]:
    try:
        contours = ElementTree.parse(path).getroot().findall("contour")
        lines = [(one.findtext("contourType", ""), _numbers(one, "x"), _numbers(one, "y")) for one in contours]
        return [_line(kind, np.column_stack([x, y])) for kind, x, y in lines if len(x) > 1]
    except (ElementTree.ParseError, OSError, GeometryError, ValueError) as error:
        raise FileFormatError(f"{path} holds no contours as P2ILF has them ({error}).") from None


def _numbers(contour: ElementTree.Element, axis: str) -> list[float]:
    text = contour.findtext(f"imagePoints/{axis}", "")
    return [float(number) for number in text.split(",") if number.strip()]


def _line(landmark: str, points: object) -> Polyline:
    name = landmark.strip().lower()
    return Polyline(_MISSPELT.get(name, name), np.asarray(points, dtype=np.float64))
