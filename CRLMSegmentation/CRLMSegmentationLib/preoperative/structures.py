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
from ..values import Label, LabelSet, Volume

LIVER, VESSELS, TUMOR = "liver", "vessels", "tumor"
# On a label map, in the order in which they are drawn over each other.
VALUES = {LIVER: 1, VESSELS: 2, TUMOR: 3}
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
    """

    label_map: Volume
    lesions: Volume

    def __post_init__(self) -> None:
        if not self.label_map.has_geometry_of(self.lesions):
            raise GeometryError("The lesions and the other structures do not lie on the same grid.")

    def mask(self, name: str) -> Volume:
        """uint8 0 and 1: 'liver' (whole), 'vessels' or 'tumor'."""
        found = LABELS.mask(self.label_map.voxels, name)
        assert found is not None  # all of LABELS are annotated
        return self.label_map.with_voxels(found.astype(np.uint8))

    @property
    def lesion_count(self) -> int:
        return int(self.lesions.voxels.max(initial=0))


def structures_of_masks(above: Mapping[str, np.ndarray], grid: Volume) -> Structures:
    """The map of boolean masks (k, j, i) of LIVER, VESSELS and TUMOR, which may overlap, on the voxels of `grid`.

    What is not in the largest piece of the liver, that of its vessels and tumors included, is dropped.
    """
    whole = largest_component(above[LIVER] | above[VESSELS] | above[TUMOR])
    label_map = whole.astype(np.uint8) * np.uint8(VALUES[LIVER])
    for name in (VESSELS, TUMOR):
        label_map[whole & above[name]] = VALUES[name]
    return structures_of_map(grid.on_grid(label_map))


def structures_of_map(label_map: Volume) -> Structures:
    """A label map, such as one corrected by hand, with its tumors told apart: voxels that touch by a corner belong
    together.
    """
    from scipy import ndimage

    found, count = ndimage.label(label_map.voxels == VALUES[TUMOR], structure=np.ones((3, 3, 3)))
    sizes = np.bincount(found.ravel(), minlength=count + 1)[1:]
    # Of two alike the first one stays the first.
    rank = np.zeros(count + 1, dtype=np.uint16)
    rank[1 + np.argsort(-sizes, kind="stable")] = np.arange(1, count + 1)
    return Structures(label_map, label_map.on_grid(rank[found]))


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
