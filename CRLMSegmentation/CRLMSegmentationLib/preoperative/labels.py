"""Labels that another program made of a CT, such as TotalSegmentator, as the structures of this one.

A folder holds one mask a file, as `TotalSegmentator -o FOLDER` writes them: liver.nii.gz,
portal_vein_and_splenic_vein.nii.gz (task total), liver_vessels.nii.gz and liver_tumor.nii.gz (task liver_vessels),
liver_lesions.nii.gz. A file is a `.seg.nrrd` with named segments, a label volume of 1 liver, 2 vessels, 3 tumor, or one
of TotalSegmentator's task `total` (`--ml`, version 2: 5 liver, 64 portal and splenic vein).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import FileFormatError
from ..files import VOLUME_ENDINGS, mask_names, read_mask, read_volume
from ..files.dicom_folder import CT_FRAME
from ..geometry import occupied_extent
from ..values import Volume
from ..words import tr
from .structures import HEPATIC, LIVER, PORTAL, TUMOR, VALUES, VESSELS, Structures, structures_of_masks

_NAMES = {
    LIVER: r"liver",
    PORTAL: r"portal(_veins?)?(_and_splenic_vein)?",
    HEPATIC: r"hepatic(_veins?)?",
    VESSELS: r"(liver_|hepatic_)?vessels?",
    TUMOR: r"(liver_)?(tumou?rs?|lesions?|metastas[ei]s)",
}
_TOTAL = {LIVER: 5, PORTAL: 64}
# Of classes of `total`, version 2.
_MOST_OF_TOTAL = 117
# A vein goes on outside of the liver: what is further from it than this is none of its structures.
_AROUND_LIVER_MM = 5.0


def read_labels(path: str | Path) -> Structures:
    """The structures in a folder of masks or a label file. Raises FileFormatError, one sentence, for what holds none,
    no liver, or masks that lie on different voxels.
    """
    path = Path(path)
    masks = _of_folder(path) if path.is_dir() else _of_file(path)
    if LIVER not in masks:
        there = (
            tr("it holds {masks}", masks=", ".join(sorted(masks)))
            if masks
            else tr("it holds no structure that is known here")
        )
        raise FileFormatError(
            tr(
                "{path} holds no mask of the liver ({there}): give the labels of the liver as well.",
                path=path,
                there=there,
            )
        )
    # Another program knows no frames; they are those of a CT.
    masks = {name: replace(mask, frame=CT_FRAME) for name, mask in masks.items()}
    grid = masks[LIVER]
    for name, mask in masks.items():
        if not mask.has_geometry_of(grid, tolerance_mm=0.01):
            raise FileFormatError(
                tr(
                    "The masks '{name}' and '{liver}' in {path} do not lie on the same voxels.",
                    name=name,
                    liver=LIVER,
                    path=path,
                )
            )
    none = np.zeros(grid.voxels.shape, dtype=bool)
    above = {name: masks[name].voxels > 0 if name in masks else none for name in (*VALUES, PORTAL, HEPATIC)}
    if not above[LIVER].any():
        raise FileFormatError(tr("The mask of the liver in {path} is empty.", path=path))
    return structures_of_masks(_near_the_liver(above, grid), grid)


def structure_named(name: str) -> str | None:
    """Which structure a mask of that name is, such as 'liver_tumor' or 'Portal vein'; None for another one."""
    plain = re.sub(r"[\s-]+", "_", name.strip().lower())
    return next((structure for structure, pattern in _NAMES.items() if re.fullmatch(pattern, plain)), None)


def _of_folder(folder: Path) -> dict[str, Volume]:
    found: dict[str, Volume] = {}
    for file in sorted(folder.iterdir()):
        ending = next((one for one in VOLUME_ENDINGS if file.name.lower().endswith(one)), None)
        structure = structure_named(file.name[: -len(ending)]) if ending else None
        if structure is not None:
            mask = read_volume(file)
            _join(found, structure, mask.with_voxels(mask.voxels > 0), folder)
    return found


def _of_file(path: Path) -> dict[str, Volume]:
    names = mask_names(path)
    found: dict[str, Volume] = {}
    for name in names:
        structure = structure_named(name)
        if structure is not None:
            _join(found, structure, read_mask(path, name), path)
    return found or _of_values(path, names)


def _of_values(path: Path, names: Iterable[str]) -> dict[str, Volume]:
    """Of labels without names."""
    try:
        values = {int(name) for name in names}
    except ValueError:
        return {}
    volume = read_volume(path)
    if values and values <= set(VALUES.values()):
        found = {name: volume.with_voxels(volume.voxels == value) for name, value in VALUES.items() if value in values}
        # A map, where a voxel has one value: the liver is whole, with what lies over it.
        return {**found, LIVER: volume.with_voxels(volume.voxels > 0)}
    if _TOTAL[LIVER] in values and max(values) <= _MOST_OF_TOTAL:
        return {name: volume.with_voxels(volume.voxels == value) for name, value in _TOTAL.items()}
    raise FileFormatError(
        tr(
            "The labels in {path} have no names, and their values ({str}) are neither 1 liver, 2 "
            "vessels, 3 tumor nor TotalSegmentator's: name them, as a .seg.nrrd does.",
            path=path,
            str=", ".join(map(str, sorted(values)[:12])) or "none",
        )
    )


def _join(found: dict[str, Volume], structure: str, mask: Volume, where: Path) -> None:
    """Take in a mask; several of one structure, such as lesions apart, are one."""
    if structure in found:
        if not mask.has_geometry_of(found[structure], tolerance_mm=0.01):
            raise FileFormatError(
                tr(
                    "The masks of '{structure}' in {where} do not lie on the same voxels.",
                    structure=structure,
                    where=where,
                )
            )
        mask = mask.with_voxels((mask.voxels > 0) | (found[structure].voxels > 0))
    found[structure] = mask


def _near_the_liver(above: dict[str, np.ndarray], grid: Volume) -> dict[str, np.ndarray]:
    """Vessels cut where they leave the liver."""
    from scipy import ndimage

    names = [name for name in (VESSELS, PORTAL, HEPATIC) if above[name].any()]
    if not names:
        return above
    spacing = [float(mm) for mm in grid.spacing_mm[::-1]]
    whole = above[LIVER] | above[TUMOR]
    extent = occupied_extent(whole)
    assert extent is not None  # there is a liver
    room = [int(np.ceil(_AROUND_LIVER_MM / mm)) for mm in spacing]
    block = tuple(slice(max(0, part.start - n), part.stop + n) for part, n in zip(extent, room))
    near = np.zeros(whole.shape, dtype=bool)
    near[block] = ndimage.distance_transform_edt(~whole[block], sampling=spacing) <= _AROUND_LIVER_MM
    return {**above, **{name: above[name] & near for name in names}}
