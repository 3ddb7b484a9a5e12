"""A simulated CT as a DICOM series (CT Image Storage, DICOM PS3.3 A.3), written by GDCM through SimpleITK.

It says in every field that people read that it is simulated. Identifiers follow from the seed (UUID-derived, PS3.5
B.2), so that the same patient is the same patient again.
"""

from __future__ import annotations

import datetime
import locale
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ...errors import FileFormatError
from ...values import Volume
from .tissues import DELAY_S

_CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
FIRST_DATE = "20200101"
_WINDOW_CENTER, _WINDOW_WIDTH = 60, 400


def write_dicom_series(ct: Volume, folder: str | Path, seed: int, phase: str, date: str = FIRST_DATE) -> Path:
    """Write int16 HU (k, j, i) along R, A, S as one file a slice, 0001.dcm ..., into `folder`, made when it is not
    there.

    date  YYYYMMDD of the study; each date has a frame of reference of its own, in which the patient lies otherwise
    Raises FileFormatError when the disk refuses.
    """
    import SimpleITK

    folder = Path(folder)
    series = f"{seed}/{date}/{phase}"
    common = {
        "0008|0008": "DERIVED\\SECONDARY\\AXIAL", "0008|0016": _CT_IMAGE_STORAGE, "0008|0020": date, "0008|0021": date,
        "0008|0030": "120000", "0008|0060": "CT", "0008|0070": "CRLM Navigation, simulated",
        "0008|1030": "Simulated patient, not clinical", "0008|103e": f"{phase} phase, simulated",
        "0010|0010": f"Simulated^{seed}", "0010|0020": f"SIMULATED-{seed}", "0010|0040": "O",
        "0018|0015": "ABDOMEN", "0018|0050": f"{ct.spacing_mm[2]:.4f}", "0018|0060": "120", "0018|5100": "HFS",
        "0020|000d": _identifier(f"{seed}/{date}"), "0020|000e": _identifier(series),
        "0020|0052": _identifier(f"{seed}/frame" if date == FIRST_DATE else f"{seed}/{date}/frame"),
        "0020|0011": str(1 + list(DELAY_S).index(phase)), "0020|0037": "1\\0\\0\\0\\1\\0",
        "0028|0301": "NO", "0028|1050": str(_WINDOW_CENTER), "0028|1051": str(_WINDOW_WIDTH),
        "0028|1052": "-1024", "0028|1053": "1", "0028|1054": "HU",
    }  # fmt: skip
    if DELAY_S[phase] is not None:
        common["0018|0010"] = "simulated"
    x_mm, y_mm, _ = ct.spacing_mm
    # Rows run to the left and columns to the back, as in all axial series; the first pixel is the most right and front
    # one.
    right, front = (
        ct.ijk_to_ras[0, 3] + x_mm * (ct.dimensions[0] - 1),
        ct.ijk_to_ras[1, 3] + y_mm * (ct.dimensions[1] - 1),
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, slice_ in enumerate(ct.voxels):
            height = ct.ijk_to_ras[2, 3] + ct.spacing_mm[2] * number
            image = SimpleITK.GetImageFromArray(np.ascontiguousarray(slice_[::-1, ::-1])[None])
            image.SetSpacing((x_mm, y_mm, ct.spacing_mm[2]))
            image.SetOrigin((-right, -front, height))
            for tag, value in common.items():
                image.SetMetaData(tag, value)
            image.SetMetaData("0008|0018", _identifier(f"{series}/{number}"))
            image.SetMetaData("0020|0013", str(number + 1))
            image.SetMetaData("0020|0032", f"{-right:.4f}\\{-front:.4f}\\{height:.4f}")
            image.SetMetaData("0020|1041", f"{height:.4f}")
            writer = SimpleITK.ImageFileWriter()
            writer.KeepOriginalImageUIDOn()
            writer.SetFileName(str(folder / f"{number + 1:04d}.dcm"))
            with _locale_kept():
                writer.Execute(image)
    except (OSError, RuntimeError) as error:
        raise FileFormatError(f"The DICOM series cannot be written into {folder} ({error}).") from None
    return folder


def date_after(days: int) -> str:
    """YYYYMMDD so many days after the first date."""
    first = datetime.date(int(FIRST_DATE[:4]), int(FIRST_DATE[4:6]), int(FIRST_DATE[6:]))
    return f"{first + datetime.timedelta(days=days):%Y%m%d}"


@contextmanager
def _locale_kept() -> Iterator[None]:
    """GDCM leaves the whole process in the C locale when it has written a slice with a rescale: files and children
    would be read as ASCII from then on.
    """
    before = locale.setlocale(locale.LC_ALL)
    try:
        yield
    finally:
        locale.setlocale(locale.LC_ALL, before)


def _identifier(name: str) -> str:
    """A unique identifier that follows from a name."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_URL, 'crlm-navigation/simulated/' + name).int}"
