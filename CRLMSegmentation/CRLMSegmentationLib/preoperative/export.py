"""What was found in a CT, written for other programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path

from ..files import write_surface, write_volume
from .dicom_seg import write_dicom_seg
from .lesion_table import write_lesion_table
from .result_folder import Result, surface_of
from .structures import VALUES

STL, NRRD, CSV, DICOM_SEG = "stl", "nrrd", "csv", "dicom-seg"
FILES = {
    STL: tuple(f"{name}.stl" for name in VALUES),
    NRRD: ("structures.nrrd",),
    CSV: ("lesions.csv",),
    DICOM_SEG: ("structures.dcm",),
}


def usual_kinds(has_dicom: bool) -> list[str]:
    """What a front end writes without asking: all that can be had, a DICOM segmentation of a CT from DICOM where
    highdicom is installed.
    """
    can_write = has_dicom and find_spec("highdicom") is not None
    return [STL, NRRD, CSV, *([DICOM_SEG] if can_write else [])]


def export_result(
    result: Result, folder: str | Path, kinds: Iterable[str], dicom: tuple[str | Path, int | None] | None = None
) -> tuple[list[Path], list[Path]]:
    """Write FILES of the wanted kinds into `folder`: (those that were written, those of which there is nothing).

    dicom  folder and series of the CT, for DICOM_SEG, which is left out without it
    An older file of what is not there is removed: it would be of other masks. Raises FileFormatError.
    """
    folder = Path(folder)
    written, missing = [], []
    for kind in kinds:
        for name in FILES[kind]:
            path = folder / name
            write = _writer(result, kind, path, dicom)
            if write is None:
                path.unlink(missing_ok=True)
                missing.append(path)
            else:
                write()
                written.append(path)
    return written, missing


def _writer(
    result: Result, kind: str, path: Path, dicom: tuple[str | Path, int | None] | None
) -> Callable[[], object] | None:
    """None of what there is not."""
    if kind == NRRD:
        return lambda: write_volume(result.structures.label_map, path)
    if kind == CSV:
        return lambda: write_lesion_table(result.measures, path)
    if kind == DICOM_SEG:
        return None if dicom is None else lambda: write_dicom_seg(result.structures, dicom[0], path, dicom[1])
    surface = surface_of(result.structures, path.stem)
    return None if surface is None else lambda: write_surface(surface, path)
