"""Liver, vessels and tumors as a DICOM segmentation (PS3.3 A.51) of the CT that they were found in, by highdicom.

The file takes patient and study from the CT's own headers, so that an archive puts it beside the CT: it names the
patient, and is the only file of this program that does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..errors import FileFormatError
from ..files.dicom_folder import files_of_ct, read_dicom_ct
from ..files.whole_file import written_whole
from ..words import tr
from .structures import LIVER, TUMOR, VALUES, VESSELS, Structures

# SNOMED CT codes: property category and type (PS3.16, CID 7150 and its parts).
_CODES = {
    LIVER: (("123037004", "Anatomical Structure"), ("10200004", "Liver")),
    VESSELS: (("123037004", "Anatomical Structure"), ("59820001", "Blood vessel")),
    TUMOR: (("49755003", "Morphologically Abnormal Structure"), ("108369006", "Neoplasm")),
}


def write_dicom_seg(structures: Structures, folder: str | Path, path: str | Path, series: int | None = None) -> Path:
    """Write the segmentation of the CT in `folder`.

    Raises FileFormatError when highdicom is not installed, the structures are of another CT, or the disk refuses.
    """
    try:
        import highdicom
        import pydicom
    except ImportError:
        raise FileFormatError(
            tr("A DICOM segmentation is written by highdicom, which is not installed: pip install highdicom.")
        ) from None
    ct = read_dicom_ct(folder, series)
    if not ct.volume.has_geometry_of(structures.label_map, tolerance_mm=0.01):
        raise FileFormatError(
            tr("The structures do not lie on the voxels of the CT in {folder}: give their own CT.", folder=folder)
        )
    source = [pydicom.dcmread(file) for file in files_of_ct(folder, series)]
    there = [name for name in VALUES if structures.mask(name).voxels.any()]
    pixels = np.stack([structures.mask(name).voxels for name in there], axis=-1)
    segmentation = highdicom.seg.Segmentation(
        source_images=source,
        pixel_array=pixels,
        segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_description(highdicom, number, name) for number, name in enumerate(there, start=1)],
        series_instance_uid=highdicom.UID(),
        series_number=900,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="CRLM Navigation",
        manufacturer_model_name="crlm preop",
        software_versions=__version__,
        device_serial_number="0",
    )
    with written_whole(path) as place:
        segmentation.save_as(place)
    return Path(path)


def _description(highdicom: Any, number: int, name: str) -> Any:
    """For people and for programs."""
    category, kind = (highdicom.sr.CodedConcept(value, "SCT", meaning) for value, meaning in _CODES[name])
    return highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=name,
        segmented_property_category=category,
        segmented_property_type=kind,
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
        algorithm_identification=highdicom.AlgorithmIdentificationSequence(
            name="crlm preop segment",
            version=__version__,
            family=highdicom.sr.CodedConcept("123105", "DCM", "Artificial Intelligence"),
        ),
    )
