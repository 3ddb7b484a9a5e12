"""From a mask to what navigation needs of a tumor: surface, figures, and what measures the distance to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...navigation.distance import TumorDistance
from ...values import Volume
from ...words import tr

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

MOST_SMOOTHING_ITERATIONS = 60


@dataclass(frozen=True, eq=False)
class TumorShape:
    """A tumor as it is shown. Touches no node, so that it can be made in any thread.

    mask                 uint8 on the grid of the whole volume
    surface              vtkPolyData in RAS mm; None when the mask is empty
    distance             to the surface; None when there is none
    """

    mask: Volume
    surface: vtkPolyData | None
    distance: TumorDistance | None
    volume_ml: float
    largest_diameter_mm: float

    @property
    def text(self) -> str:
        """One line for people."""
        if self.surface is None:
            return tr("no tumor")
        return tr(
            "{volume_ml:.1f} mL, largest diameter {largest_diameter_mm:.0f} mm",
            volume_ml=self.volume_ml,
            largest_diameter_mm=self.largest_diameter_mm,
        )


def shape_of_mask(mask: Volume, smoothing: float) -> TumorShape:
    """Of a mask on the grid of the volume; smoothing from 0 (the voxels' stairs) to 1."""
    from ...segmentation.surface import largest_diameter_mm, surface_from_mask

    if not mask.voxels.any():
        return TumorShape(mask, None, None, 0.0, 0.0)
    surface = surface_from_mask(mask, round(smoothing * MOST_SMOOTHING_ITERATIONS))
    return TumorShape(mask, surface, TumorDistance(surface), mask_volume_ml(mask), largest_diameter_mm(surface))


def shape_of_surface(mask: Volume, surface: vtkPolyData | None) -> TumorShape:
    """Of a mask whose surface is there already. Raises GeometryError when it is open."""
    from ...segmentation.surface import largest_diameter_mm

    if surface is None:
        return TumorShape(mask, None, None, 0.0, 0.0)
    return TumorShape(mask, surface, TumorDistance(surface), mask_volume_ml(mask), largest_diameter_mm(surface))


def mask_volume_ml(mask: Volume) -> float:
    """mL of the nonzero voxels."""
    return float(np.count_nonzero(mask.voxels)) * mask.voxel_volume_mm3 / 1000
