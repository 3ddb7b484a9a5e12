"""Several people drew the tumor of one case: their consensus is the truth, and how far they agree is reported beside.

Consensus: STAPLE (Warfield et al., IEEE Trans. Med. Imaging 23 (2004) 903-921), from SimpleITK, which weighs each by
how sensitive and specific it proves to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from ...errors import GeometryError
from ...geometry import occupied_extent
from ...values import Volume
from ..metrics import on_grid_of

# STAPLE's prior is the share of tumor: of a block around all that anybody marked, and not of the whole volume.
_AROUND_VOXELS = 5
_AGREED = 0.5


def consensus(masks: Sequence[Volume]) -> Volume:
    """uint8 0 and 1 on the grid of the first of `masks`: where tumor is more probable than not, by all of them.

    Raises GeometryError where somebody marked nothing, or nothing that lies on the first one's grid.
    """
    first = masks[0]
    drawn = [on_grid_of(mask, first).voxels > 0 for mask in masks]
    for number, one in enumerate(drawn, start=1):
        if not one.any():
            raise GeometryError(f"Observer {number} of {len(masks)} marked nothing within the first one's mask file.")
    extent = occupied_extent(np.any(drawn, axis=0))
    assert extent is not None, "somebody marked something"
    block = tuple(slice(max(0, part.start - _AROUND_VOXELS), part.stop + _AROUND_VOXELS) for part in extent)
    voxels = np.zeros(first.voxels.shape, np.uint8)
    voxels[block] = _staple([one[block] for one in drawn]) > _AGREED
    if not voxels.any():
        raise GeometryError(f"The {len(masks)} observers agree on no voxel of the tumor.")
    return first.with_voxels(voxels)


def agreement(masks: Sequence[Volume], truth: Volume) -> dict[str, Any]:
    """How far they agree: 'observers', 'volumes_ml' of each, 'dice_with_consensus' of each, and the 'pairwise_dice' of
    any two of them, 'mean' and 'least'.
    """
    first = masks[0]
    drawn = [on_grid_of(mask, first).voxels > 0 for mask in masks]
    agreed = on_grid_of(truth, first).voxels > 0
    pairs = [_dice(one, other) for one, other in combinations(drawn, 2)]
    return {
        "observers": len(masks),
        "volumes_ml": [float((mask.voxels > 0).sum()) * mask.voxel_volume_mm3 / 1000 for mask in masks],
        "dice_with_consensus": [_dice(one, agreed) for one in drawn],
        "pairwise_dice": {"mean": float(np.mean(pairs)), "least": min(pairs)},
    }


def _staple(drawn: Sequence[np.ndarray]) -> np.ndarray:
    import SimpleITK

    probability = SimpleITK.STAPLE([SimpleITK.GetImageFromArray(one.astype(np.uint8)) for one in drawn], 1.0)
    found: np.ndarray = SimpleITK.GetArrayFromImage(probability)
    return found


def _dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * int((one & other).sum()) / max(int(one.sum()) + int(other.sum()), 1)
