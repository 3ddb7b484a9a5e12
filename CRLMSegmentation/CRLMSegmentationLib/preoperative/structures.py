"""The structures of a liver in a CT, and how a network's answers become one map of them.

A voxel may be liver and tumor at once: each structure has a sigmoid of its own, and from a probability of 0.5 on it is
there. On the map, where a voxel has one value, a tumor lies over a vessel and a vessel over the liver; the liver is
whole, with all that lies in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import GeometryError
from ..geometry import occupied_extent
from ..values import Label, LabelSet, Volume
from ..words import tr

LIVER, VESSELS, TUMOR = "liver", "vessels", "tumor"
# On a label map, in the order in which they are drawn over each other.
VALUES = {LIVER: 1, VESSELS: 2, TUMOR: 3}
# Vessels whose kind is known, on a map of the vessels; 1 there is a vessel of unknown kind.
PORTAL, HEPATIC = "portal", "hepatic"
KINDS = {PORTAL: 2, HEPATIC: 3}
THRESHOLD = 0.5
# Overlapping: the liver is whole, with its vessels and tumors.
LABELS = LabelSet(
    (Label("background", 0), Label(LIVER, (1, 2, 3)), Label(VESSELS, 2), Label(TUMOR, 3)), regions_class_order=(1, 2, 3)
)


@dataclass(frozen=True, eq=False)
class Structures:
    """What was found in a CT.

    label_map  uint8 (VALUES), on the grid of the CT
    lesions    uint16 on the same grid: 1, 2 ... for each tumor, the largest first; 0 elsewhere
    kinds      uint8 (KINDS) on the same grid, 0 where it is not known; None where vessels are not told apart
    """

    label_map: Volume
    lesions: Volume
    kinds: Volume | None = None

    def __post_init__(self) -> None:
        for other in (self.lesions, self.kinds):
            if other is not None and not self.label_map.has_geometry_of(other):
                raise GeometryError(tr("The lesions and the other structures do not lie on the same grid."))

    def mask(self, name: str) -> Volume:
        """uint8 0 and 1: 'liver' (whole), 'vessels' (of every kind), 'tumor', 'portal' or 'hepatic'."""
        if name in KINDS:
            found = self.vessel_map.voxels == KINDS[name]
        else:
            of_label = LABELS.mask(self.label_map.voxels, name)
            assert of_label is not None  # all of LABELS are annotated
            found = of_label
        return self.label_map.with_voxels(found.astype(np.uint8))

    @property
    def vessel_map(self) -> Volume:
        """uint8: 1 a vessel of unknown kind, KINDS of the others, 0 elsewhere."""
        vessels = (self.label_map.voxels == VALUES[VESSELS]).astype(np.uint8)
        if self.kinds is not None:
            vessels *= np.maximum(self.kinds.voxels, 1)
        return self.label_map.with_voxels(vessels)

    @property
    def tells_vessels_apart(self) -> bool:
        return self.kinds is not None and bool(self.kinds.voxels.any())

    @property
    def lesion_count(self) -> int:
        return int(self.lesions.voxels.max(initial=0))


def structures_of_masks(
    above: Mapping[str, np.ndarray], grid: Volume, block: tuple[slice, ...] | None = None
) -> Structures:
    """The map of boolean masks (k, j, i) of LIVER, VESSELS and TUMOR, which may overlap, on the voxels of `grid`; those
    of PORTAL and HEPATIC may be there as well, and are vessels, too.

    block  of the voxels of `grid` that the masks are of, where there is nothing outside of it; None: of all

    What is not in the largest piece of the liver, that of its vessels and tumors included, is dropped.
    """
    kinds = [name for name in KINDS if name in above]
    vessels = np.logical_or.reduce([above[VESSELS], *(above[name] for name in kinds)])
    whole = largest_component(above[LIVER] | vessels | above[TUMOR])
    label_map = whole.astype(np.uint8) * np.uint8(VALUES[LIVER])
    label_map[whole & vessels] = VALUES[VESSELS]
    label_map[whole & above[TUMOR]] = VALUES[TUMOR]
    of_kind = np.zeros(label_map.shape, dtype=np.uint8) if kinds else None
    if of_kind is not None:
        for name in kinds:
            of_kind[whole & above[name]] = KINDS[name]
        of_kind = _within(grid, of_kind, block)
    return structures_of_map(grid.on_grid(_within(grid, label_map, block)), of_kind)


def _within(grid: Volume, part: np.ndarray, block: tuple[slice, ...] | None) -> np.ndarray:
    """`part` on all voxels of `grid`, 0 outside of the block."""
    if block is None:
        return part
    whole = np.zeros(grid.voxels.shape, dtype=part.dtype)
    whole[block] = part
    return whole


def structures_of_map(label_map: Volume, kinds: np.ndarray | None = None) -> Structures:
    """A label map, such as one corrected by hand, with its tumors told apart: voxels that touch by a corner belong
    together.

    kinds  uint8 (KINDS) of its vessels, where they are known
    """
    from scipy import ndimage

    lesions = np.zeros(label_map.voxels.shape, dtype=np.uint16)
    tumor = label_map.voxels == VALUES[TUMOR]
    block = occupied_extent(tumor)
    if block is not None:
        found, count = ndimage.label(tumor[block], structure=np.ones((3, 3, 3)))
        sizes = np.bincount(found.ravel(), minlength=count + 1)[1:]
        # Of two alike the first one stays the first.
        rank = np.zeros(count + 1, dtype=np.uint16)
        rank[1 + np.argsort(-sizes, kind="stable")] = np.arange(1, count + 1)
        lesions[block] = rank[found]
    of_kind = label_map.on_grid(kinds) if kinds is not None and kinds.any() else None
    return Structures(label_map, label_map.on_grid(lesions), of_kind)


def largest_component(mask: np.ndarray) -> np.ndarray:
    """Boolean (k, j, i): the largest piece of `mask`, whose voxels share faces; nothing of an empty one."""
    from scipy import ndimage

    found, count = ndimage.label(mask)
    if count == 0:
        return np.zeros(mask.shape, dtype=bool)
    sizes = np.bincount(found.ravel())
    sizes[0] = 0
    largest: np.ndarray = found == sizes.argmax()
    return largest
