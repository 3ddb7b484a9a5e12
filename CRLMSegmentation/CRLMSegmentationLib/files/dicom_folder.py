"""A CT as a folder of DICOM files, through SimpleITK (GDCM): every slice checked before the volume is made.

DICOM PS3.3 C.7.6.2 (image plane), C.8.2.1 (CT image). Nothing that names a patient leaves this file: of the tags only
the date of the study, the description and number of the series, whether a contrast agent was given, and its geometry
are given on.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import FileFormatError
from ..values import Volume
from ..words import tr
from .coordinates import ijk_to_ras_of
from .paths import name_for_library

CT_FRAME = "CT"
_MODALITY, _DATE, _DESCRIPTION, _SERIES_NUMBER = "0008|0060", "0008|0020", "0008|103e", "0020|0011"
_POSITION, _ORIENTATION, _TILT, _FRAMES = "0020|0032", "0020|0037", "0018|1120", "0028|0008"
_INTERCEPT, _SLOPE, _ROWS, _COLUMNS, _SPACING = "0028|1052", "0028|1053", "0028|0010", "0028|0011", "0028|0030"
_THICKNESS, _AGENT = "0018|0050", "0018|0010"
_LARGEST_TILT_DEGREES = 0.5
# Slices lie this evenly, as a share of their distance and in mm: positions are written with few digits.
_UNEVEN_SHARE, _UNEVEN_MM = 0.05, 0.05
_LEAST_SLICES = 3


@dataclass(frozen=True)
class SeriesSummary:
    """A series of a folder, for a person to choose from.

    number        from 1, in the order of the list
    description   as the scanner wrote it, such as 'portal venous'
    slices        how many images
    thickness_mm  of a slice; None where the file does not say
    has_contrast  whether a contrast agent was given, as far as the file says
    """

    number: int
    modality: str
    description: str
    date: str
    slices: int
    files: tuple[str, ...]
    thickness_mm: float | None = None
    has_contrast: bool = False

    def __str__(self) -> str:
        return f"{self.number}: {self.description or 'no description'} ({self.modality}, {self.slices} images)"


@dataclass(frozen=True, eq=False)
class DicomCt:
    """A CT in HU, in the frame 'CT'; date as YYYY-MM-DD, '' where there is none."""

    volume: Volume
    date: str
    description: str


def list_series(folder: str | Path) -> list[SeriesSummary]:
    """All image series in `folder` and the folders in it. Raises FileFormatError when there is none."""
    import SimpleITK

    folder = Path(folder)
    if not folder.is_dir():
        raise FileFormatError(tr("The DICOM folder {folder} does not exist; check the path.", folder=folder))
    found: dict[str, list[str]] = {}
    # ITK warns of every folder that holds other files alone.
    warns = SimpleITK.ProcessObject.GetGlobalWarningDisplay()
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        for here, _, files in sorted(os.walk(folder)):
            if not files:
                continue
            name = name_for_library(here)
            for identifier in SimpleITK.ImageSeriesReader.GetGDCMSeriesIDs(name):
                found.setdefault(identifier, []).extend(
                    SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(name, identifier)
                )
    finally:
        SimpleITK.ProcessObject.SetGlobalWarningDisplay(warns)
    if not found:
        raise FileFormatError(tr("{folder} holds no DICOM images: give the folder of the slices.", folder=folder))
    summaries = []
    for files in found.values():
        tags = _tags(files[0])
        summaries.append((tags.get(_SERIES_NUMBER, ""), tags, tuple(files)))
    summaries.sort(key=lambda one: (int(one[0]) if one[0].isdigit() else 0, one[2]))
    return [
        SeriesSummary(
            number,
            tags.get(_MODALITY, ""),
            tags.get(_DESCRIPTION, ""),
            _date(tags.get(_DATE, "")),
            len(files),
            files,
            _positive(tags.get(_THICKNESS, "")),
            bool(tags.get(_AGENT)),
        )
        for number, (_, tags, files) in enumerate(summaries, start=1)
    ]


def read_dicom_ct(folder: str | Path, series: int | None = None) -> DicomCt:
    """The CT in `folder`: its only series, or the one of that number in list_series().

    Raises FileFormatError, one sentence, for several series and none chosen, another modality, missing or repeated
    slices, gantry tilt, slices of different sizes, and lost rescale values.
    """
    summary, where = _chosen_ct(folder, series)
    files = _in_order([_tags(name) for name in summary.files], summary.files, where)
    return DicomCt(_volume_of(files, where), summary.date, summary.description)


def files_of_ct(folder: str | Path, series: int | None = None) -> list[str]:
    """Names of the files that read_dicom_ct() reads, slice by slice. Raises FileFormatError as it does."""
    summary, where = _chosen_ct(folder, series)
    return _in_order([_tags(name) for name in summary.files], summary.files, where)


def _chosen_ct(folder: str | Path, series: int | None) -> tuple[SeriesSummary, str]:
    """The series, and what it is called in errors."""
    summary = _chosen(list_series(folder), series, folder)
    if summary.modality != "CT":
        raise FileFormatError(
            tr("The series '{summary}' of {folder} is no CT: give the folder of a CT.", summary=summary, folder=folder)
        )
    return summary, f"The CT '{summary.description or summary.number}' in {folder}"


def _chosen(there: Sequence[SeriesSummary], number: int | None, folder: str | Path) -> SeriesSummary:
    listed = "; ".join(map(str, there))
    if number is None and len(there) > 1:
        raise FileFormatError(
            tr(
                "{folder} holds {there} series: say with --series which one is meant ({listed}).",
                folder=folder,
                there=len(there),
                listed=listed,
            )
        )
    chosen = [one for one in there if number is None or one.number == number]
    if not chosen:
        raise FileFormatError(
            tr("{folder} holds no series {number}: there is {listed}.", folder=folder, number=number, listed=listed)
        )
    return chosen[0]


def _in_order(tags: Sequence[dict[str, str]], files: Sequence[str], where: str) -> list[str]:
    """The files from the first slice to the last. Raises FileFormatError for what is no even stack of slices."""
    if any(int(one.get(_FRAMES, "1") or 1) > 1 for one in tags):
        raise FileFormatError(tr("{where} holds files of several frames: export it as one file a slice.", where=where))
    if len(files) < _LEAST_SLICES:
        raise FileFormatError(
            tr("{where} has only {files} slices: give the folder of the whole series.", where=where, files=len(files))
        )
    for what, keys in (("sizes", (_ROWS, _COLUMNS, _SPACING)), ("directions", (_ORIENTATION,))):
        if len({tuple(one.get(key, "").strip() for key in keys) for one in tags}) > 1:
            raise FileFormatError(
                tr(
                    "{where} has slices of different {what}, such as a localizer: export it without.",
                    where=where,
                    what=what,
                )
            )
    if any(not one.get(key, "").strip() for one in tags for key in (_INTERCEPT, _SLOPE)):
        raise FileFormatError(
            tr(
                "{where} does not say how its values become Hounsfield units (rescale slope and intercept).",
                where=where,
            )
        )
    try:
        positions = np.array([_numbers(one[_POSITION], 3) for one in tags])
        rows, columns = _numbers(tags[0][_ORIENTATION], 6).reshape(2, 3)
    except (KeyError, ValueError):
        raise FileFormatError(tr("{where} does not say where its slices lie: export it again.", where=where)) from None
    _check_tilt(tags, where)
    normal = np.cross(rows, columns)
    heights = positions @ normal
    order = np.argsort(heights, kind="stable")
    _check_stack(positions[order], heights[order], normal, where)
    return [files[number] for number in order]


def _check_tilt(tags: Sequence[dict[str, str]], where: str) -> None:
    for one in tags:
        try:
            tilt = float(one.get(_TILT, "0") or 0)
        except ValueError:
            tilt = 0.0
        if abs(tilt) > _LARGEST_TILT_DEGREES:
            raise FileFormatError(
                tr(
                    "{where} was taken with the gantry tilted by {tilt:g} degrees: resample it along its slices first.",
                    where=where,
                    tilt=tilt,
                )
            )


def _check_stack(positions: np.ndarray, heights: np.ndarray, normal: np.ndarray, where: str) -> None:
    """That slices lie behind each other, one at each height, and as far apart."""
    steps = np.diff(heights)
    usual = float(np.median(steps))
    repeated = int((steps < _UNEVEN_MM).sum())
    if repeated or usual <= 0:
        raise FileFormatError(
            tr(
                "{where} has {repeated} slices at places where there is another one, such as several "
                "times or phases in one series: export one of them.",
                where=where,
                repeated=repeated,
            )
        )
    uneven = np.flatnonzero(np.abs(steps - usual) > max(_UNEVEN_SHARE * usual, _UNEVEN_MM))
    if len(uneven):
        at = int(uneven[0])
        raise FileFormatError(
            tr(
                "{where} lacks slices, or is not evenly spaced: {heights:.1f} mm is followed by "
                "{heights_2:.1f} mm, and slices lie {usual:g} mm apart.",
                where=where,
                heights=heights[at],
                heights_2=heights[at + 1],
                usual=usual,
            )
        )
    aside = positions - positions[0] - np.outer(heights - heights[0], normal)
    if np.linalg.norm(aside, axis=1).max() > max(1.0, 0.01 * float(heights[-1] - heights[0])):
        raise FileFormatError(
            tr(
                "{where} has slices that do not lie straight behind each other (a tilted gantry): resample it first.",
                where=where,
            )
        )


def _volume_of(files: Sequence[str], where: str) -> Volume:
    import SimpleITK

    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(list(files))
    try:
        image = reader.Execute()
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise FileFormatError(tr("{where} cannot be read ({reason}).", where=where, reason=reason)) from None
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise FileFormatError(tr("{where} is in colour, and a CT has one value a voxel.", where=where))
    return Volume(SimpleITK.GetArrayFromImage(image), ijk_to_ras_of(image), frame=CT_FRAME)


def _tags(file: str) -> dict[str, str]:
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(file)
    reader.SetImageIO("GDCMImageIO")
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        raise FileFormatError(tr("{file} is a damaged DICOM file: export the series again.", file=file)) from None
    wanted = (_MODALITY, _DATE, _DESCRIPTION, _SERIES_NUMBER, _POSITION, _ORIENTATION, _TILT, _FRAMES, _INTERCEPT,
              _SLOPE, _ROWS, _COLUMNS, _SPACING, _THICKNESS, _AGENT)  # fmt: skip
    return {key: reader.GetMetaData(key).strip() for key in wanted if reader.HasMetaDataKey(key)}


def _numbers(text: str, count: int) -> np.ndarray:
    numbers = np.array([float(part) for part in text.split("\\")])
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise ValueError(text)
    return numbers


def _positive(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) and number > 0 else None


def _date(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if len(text) == 8 and text.isdigit() else ""
