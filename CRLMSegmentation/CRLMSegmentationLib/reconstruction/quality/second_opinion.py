"""Two reconstructions of the same sweep, voxel by voxel: ours against that of IGSIO, or of other settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import ReconstructionError
from ...values import Volume
from ...words import tr

_SAME_PLACE_VOXELS = 0.05  # files round their geometry; a grid that lies this much elsewhere is another grid


@dataclass(frozen=True, eq=False)
class Difference:
    """How a first reconstruction differs from a second one on the same grid.

    volume        first minus second: int32 (k, j, i) for integer voxels, float64 for others; in grey levels
    voxels        number of voxels that are compared: those that are not 0 in one of the two
    same_share    part of them that are equal, 0 to 1; NaN when there are none
    mean, mean_absolute, largest    of the difference over them, grey levels
    only_first, only_second         number of them that are 0 in the other
    """

    volume: Volume
    voxels: int
    same_share: float
    mean: float
    mean_absolute: float
    largest: float
    only_first: int
    only_second: int

    def figures(self) -> dict[str, float]:
        """Everything but the volume, by name."""
        names = ("voxels", "same_share", "mean", "mean_absolute", "largest", "only_first", "only_second")
        return {name: getattr(self, name) for name in names}


def difference(first: Volume, second: Volume) -> Difference:
    """Compare two volumes voxel by voxel. Raises ReconstructionError when they do not lie on the same grid,
    GeometryError when not in the same frame.
    """
    first.check_frame_of(second)
    if first.voxels.shape != second.voxels.shape:
        raise ReconstructionError(
            tr(
                "The volumes have {by} and {by_2} voxels; only reconstructions on the same grid can be "
                "compared: give both the same region and spacing.",
                by=_by(first.dimensions),
                by_2=_by(second.dimensions),
            )
        )
    if not lie_on_the_same_grid(first, second):
        raise ReconstructionError(
            tr(
                "The volumes lie up to {apart_mm:.2f} mm apart; only reconstructions on the same grid can be compared.",
                apart_mm=_apart_mm(first, second),
            )
        )
    whole = first.voxels.dtype.kind in "iu" and second.voxels.dtype.kind in "iu"
    dtype = np.int32 if whole else np.float64
    changed = first.voxels.astype(dtype) - second.voxels.astype(dtype)
    in_first, in_second = first.voxels != 0, second.voxels != 0
    values = changed[in_first | in_second].astype(np.float64)
    none = values.size == 0
    return Difference(
        volume=first.on_grid(changed),
        voxels=int(values.size),
        same_share=float("nan") if none else float((values == 0).mean()),
        mean=float("nan") if none else float(values.mean()),
        mean_absolute=float("nan") if none else float(np.abs(values).mean()),
        largest=0.0 if none else float(np.abs(values).max()),
        only_first=int(np.count_nonzero(in_first & ~in_second)),
        only_second=int(np.count_nonzero(in_second & ~in_first)),
    )


def lie_on_the_same_grid(first: Volume, second: Volume) -> bool:
    """Whether every voxel of one has a voxel of the other at its place, but for the rounding of files."""
    if first.voxels.shape != second.voxels.shape:
        return False
    return _apart_mm(first, second) <= _SAME_PLACE_VOXELS * float(np.min(first.spacing_mm))


def _apart_mm(first: Volume, second: Volume) -> float:
    """The greatest distance between corners of two volumes of one size."""
    corners = np.array([(i, j, k, 1.0) for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    corners[:, :3] *= np.array(first.dimensions) - 1
    return float(np.linalg.norm((corners @ (first.ijk_to_ras - second.ijk_to_ras).T)[:, :3], axis=1).max())


def _by(dimensions: Sequence[int]) -> str:
    return " x ".join(map(str, dimensions))
