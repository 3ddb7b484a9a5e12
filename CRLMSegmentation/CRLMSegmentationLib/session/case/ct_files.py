"""The files of a case with a CT: its voxels and masks, and what is said of them in the index under 'ct'.

ct.nrrd                                    the CT in HU, where it is at hand
ct.liver.nrrd ct.vessels.nrrd ct.tumors.nrrd  as in a folder of `crlm preop segment`
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import FileFormatError
from ...files import read_volume, write_volume
from ...files.dicom_folder import CT_FRAME
from ...preoperative.structures import LIVER, TUMOR, VESSELS
from ...values import Volume
from ...words import tr

CT = "ct"
FOLLOW_UP = "follow_up"
VOLUME = "ct.nrrd"
MASKS = {LIVER: "ct.liver.nrrd", VESSELS: "ct.vessels.nrrd", TUMOR: "ct.tumors.nrrd"}
NAMES = (VOLUME, *MASKS.values())


@dataclass(frozen=True, eq=False)
class SavedCt:
    """The CT of a case, all on the same voxels, in the frame of the CT.

    volume  HU; None where only what was found is known
    masks   of liver, vessels (with their kinds) and tumors (with their numbers), see result_folder; empty without
    facts   plain values: date, description, about, remnant, registration, measures, follow_up; the last alone where
            dates were compared and no CT is open
    """

    volume: Volume | None
    masks: Mapping[str, Volume]
    facts: Mapping[str, Any]


def write_ct_files(saved: SavedCt, place: Path) -> None:
    """Raises OSError and FileFormatError."""
    if saved.volume is not None:
        write_volume(saved.volume, place / VOLUME)
    for name, mask in saved.masks.items():
        write_volume(mask, place / MASKS[name])


def read_ct_files(folder: Path, facts: Mapping[str, Any]) -> SavedCt | None:
    """What a case holds of a CT; None for a case without one.

    facts  of the case's index
    Raises FileFormatError when its parts do not fit together.
    """
    said = facts.get(CT)
    if said is None:
        return None
    paths = {name: folder / file for name, file in MASKS.items()}
    there = [name for name, path in paths.items() if path.is_file()]
    volume = read_volume(folder / VOLUME) if (folder / VOLUME).is_file() else None
    is_any = there or volume is not None or (isinstance(said, Mapping) and said.get(FOLLOW_UP) is not None)
    if not isinstance(said, Mapping) or (there and len(there) < len(MASKS)) or not is_any:
        raise FileFormatError(tr("what it says of a CT and the files of that CT do not fit together."))
    masks = {name: replace(read_volume(paths[name]), frame=CT_FRAME) for name in there}
    volume = None if volume is None else replace(volume, frame=CT_FRAME)
    grids = [*masks.values(), *([] if volume is None else [volume])]
    if not all(grid.has_geometry_of(grids[0], tolerance_mm=0.01) for grid in grids):
        raise FileFormatError(tr("the CT and its masks do not lie on the same voxels."))
    return SavedCt(volume, masks, said)
