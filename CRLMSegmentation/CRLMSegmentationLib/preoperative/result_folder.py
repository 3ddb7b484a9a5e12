"""What was found in a CT as a folder: masks that a person can correct, surfaces, and measures.json.

liver.nrrd holds 0 and 1; vessels.nrrd 1 for a vessel of unknown kind, 2 portal, 3 hepatic; tumors.nrrd the number of
each lesion, so that one stays the same in table and picture; all on the voxels of the CT. ct.nrrd is the CT itself,
where it was kept. No name of a patient is kept: measures.json says the date of the CT, the model, and what it was
trained on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FileFormatError, SegmentationError
from ..files import read_volume, write_surface, write_volume
from ..files.whole_file import written_whole
from ..segmentation.surface import surface_from_mask
from ..values import Volume
from ..words import tr
from .measures import Measures, measure
from .remnant import CutPlane, Remnant, plane_of_plain, remnant_of
from .structures import KINDS, LIVER, TUMOR, VALUES, VESSELS, Structures, structures_of_map

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

MASKS = {LIVER: "liver.nrrd", VESSELS: "vessels.nrrd", TUMOR: "tumors.nrrd"}
SURFACES = {LIVER: "surfaces/liver.vtp", VESSELS: "surfaces/vessels.vtp", TUMOR: "surfaces/tumors.vtp"}
MEASURES = "measures.json"
REMNANT = "remnant"
CT_FILE = "ct.nrrd"
RESULT_FILES = (*MASKS.values(), *SURFACES.values(), MEASURES)


@dataclass(frozen=True, eq=False)
class Result:
    """Of one CT.

    about    plain values: 'date' (YYYY-MM-DD or ''), 'description', 'model', 'doubts', 'corrections' ... as
             measures.json has them
    remnant  what a resection along a drawn plane would leave; None without a plane
    """

    structures: Structures
    measures: Measures
    about: Mapping[str, Any]
    remnant: Remnant | None = None

    @property
    def date(self) -> str:
        return str(self.about.get("date", ""))


def write_result(
    structures: Structures, folder: str | Path, about: Mapping[str, Any], ct: Volume | None = None,
    plane: CutPlane | None = None,
) -> Result:  # fmt: skip
    """Write RESULT_FILES, but no surface of what was not found; with `ct` CT_FILE as well, in HU; with `plane` the
    remnant that it leaves.

    Raises FileFormatError when the disk refuses.
    """
    folder = Path(folder)
    for name, mask in masks_of(structures).items():
        write_volume(mask, folder / MASKS[name])
    if ct is not None:
        write_volume(ct, folder / CT_FILE)
    return write_measures(structures, folder, about, plane)


def write_measures(
    structures: Structures, folder: str | Path, about: Mapping[str, Any], plane: CutPlane | None = None
) -> Result:
    """Surfaces and measures.json alone, such as after a correction of the masks by hand; with `plane` the remnant."""
    folder = Path(folder)
    for name, file in SURFACES.items():
        surface = surface_of(structures, name)
        if surface is None:
            (folder / file).unlink(missing_ok=True)  # an older one is not of these masks
        else:
            write_surface(surface, folder / file)
    remnant = None if plane is None else remnant_of(structures, plane)
    result = Result(structures, measure(structures), dict(about), remnant)
    write_measures_file(result, folder)
    return result


def write_measures_file(result: Result, folder: str | Path) -> Path:
    """measures.json alone. Raises FileFormatError when the disk refuses."""
    path = Path(folder) / MEASURES
    remnant = {} if result.remnant is None else {REMNANT: result.remnant.as_plain()}
    text = json.dumps({**result.measures.as_plain(), **remnant, **result.about}, indent=1, allow_nan=False)
    with written_whole(path) as place:
        place.write_text(text + "\n", encoding="utf-8")
    return path


def surface_of(structures: Structures, name: str) -> vtkPolyData | None:
    """The closed surface of a structure, in RAS mm of the CT; None of what is not there."""
    try:
        return surface_from_mask(structures.mask(name))
    except SegmentationError:
        return None


def read_result(folder: str | Path) -> Result:
    """What is in a folder, measured anew from its masks.

    Raises FileFormatError when a mask is missing, or they do not lie on the same voxels.
    """
    folder = Path(folder)
    masks = {name: read_volume(folder / file) for name, file in MASKS.items()}
    grid = masks[LIVER]
    for name, mask in masks.items():
        if not mask.has_geometry_of(grid):
            raise FileFormatError(
                tr(
                    "{folder} does not lie on the voxels of {masks}: save it on the grid of the CT.",
                    folder=folder / MASKS[name],
                    masks=MASKS[LIVER],
                )
            )
    structures = structures_of_masks_kept(masks)
    about = _about(folder / MEASURES)
    drawn = about.pop(REMNANT, None)
    remnant = None if drawn is None else remnant_of(structures, plane_of_plain(drawn))
    return Result(structures, measure(structures), about, remnant)


def masks_of(structures: Structures) -> dict[str, Volume]:
    """As they are kept: the whole liver, vessels with their kinds, tumors with their numbers."""
    return {LIVER: structures.mask(LIVER), VESSELS: structures.vessel_map, TUMOR: structures.lesions}


def structures_of_masks_kept(masks: Mapping[str, Volume]) -> Structures:
    """The structures of masks_of(), all on the same voxels; lesions are told apart anew."""
    grid = masks[LIVER]
    label_map = np.zeros(grid.voxels.shape, dtype=np.uint8)
    for name, value in VALUES.items():
        label_map[masks[name].voxels > 0] = value
    vessels = masks[VESSELS].voxels
    kinds = np.where(np.isin(vessels, list(KINDS.values())), vessels, 0).astype(np.uint8)
    return structures_of_map(grid.on_grid(label_map), kinds)


def read_kept_ct(folder: str | Path, grid: Volume) -> Volume | None:
    """The CT that was kept in a folder, in HU; None where none was. Raises FileFormatError when it is not that of the
    masks, which lie on the voxels of `grid`.
    """
    path = Path(folder) / CT_FILE
    if not path.is_file():
        return None
    ct = replace(read_volume(path), frame=grid.frame)
    if not ct.has_geometry_of(grid, tolerance_mm=0.01):
        raise FileFormatError(
            tr("{path} does not lie on the voxels of the masks beside it: it is another CT.", path=path)
        )
    return ct


def _about(path: Path) -> dict[str, Any]:
    """What measures.json says beside the measures; nothing where it is not there."""
    if not path.is_file():
        return {}
    try:
        text = json.loads(path.read_text(encoding="utf-8"))
        measured = set(Measures.__dataclass_fields__)
        return {name: value for name, value in text.items() if name not in measured}
    except (OSError, ValueError, AttributeError):
        raise FileFormatError(
            tr("{path} cannot be read: write it anew with `crlm preop measure`.", path=path)
        ) from None
