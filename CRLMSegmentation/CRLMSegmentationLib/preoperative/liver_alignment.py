"""One liver laid over the same liver of another date: a rigid registration of two masks by SimpleITK.

Both become signed distances to the surface, whose mean squares are minimised over rotation and translation: vessels,
contrast and tumors that grow play no part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import SegmentationError
from ..files.coordinates import image_on_grid
from ..geometry import LPS_TO_RAS, corners_of_extent, occupied_extent
from ..values import Volume
from ..words import tr

if TYPE_CHECKING:
    import SimpleITK

_SPACING_MM, _MARGIN_MM = 4.0, 24.0
_FARTHEST_MM = 20.0


def align_livers(moving: Volume, fixed: Volume) -> np.ndarray:
    """(4, 4) rigid, RAS mm: from the frame of the mask `moving` to that of `fixed`. Raises SegmentationError when one
    is empty.
    """
    import SimpleITK

    to, of = _distance_map(fixed), _distance_map(moving)
    begin = SimpleITK.CenteredTransformInitializer(
        SimpleITK.Cast(to < 0, SimpleITK.sitkFloat32), SimpleITK.Cast(of < 0, SimpleITK.sitkFloat32),
        SimpleITK.Euler3DTransform(), SimpleITK.CenteredTransformInitializerFilter.MOMENTS,
    )  # fmt: skip
    registration = SimpleITK.ImageRegistrationMethod()
    registration.SetMetricAsMeanSquares()
    registration.SetInterpolator(SimpleITK.sitkLinear)
    registration.SetOptimizerAsRegularStepGradientDescent(2.0, 1e-3, 150, relaxationFactor=0.6)
    registration.SetOptimizerScalesFromPhysicalShift()
    registration.SetInitialTransform(begin, inPlace=False)
    registration.SetGlobalDefaultNumberOfThreads(1)
    try:
        # From points of `fixed` to those of `moving`, LPS.
        found = registration.Execute(to, of)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise SegmentationError(
            tr("The two livers cannot be laid over each other ({reason}).", reason=reason)
        ) from None
    origin = np.array(found.TransformPoint((0.0, 0.0, 0.0)))
    matrix = np.eye(4)
    matrix[:3, :3] = np.column_stack([np.array(found.TransformPoint(axis.tolist())) - origin for axis in np.eye(3)])
    matrix[:3, 3] = origin
    fixed_to_moving = LPS_TO_RAS @ matrix @ LPS_TO_RAS
    return np.linalg.inv(fixed_to_moving)


def _distance_map(mask: Volume) -> SimpleITK.Image:
    """Signed mm to the surface, negative inside, bounded, on voxels of 4 mm around the liver."""
    import SimpleITK

    extent = occupied_extent(mask.voxels)
    if extent is None:
        raise SegmentationError(tr("There is no liver to be laid over another one."))
    image = image_on_grid((mask.voxels > 0).astype(np.float32), mask.ijk_to_ras)
    indices = corners_of_extent([part.start for part in extent[::-1]], [part.stop for part in extent[::-1]])
    corners = np.array([image.TransformContinuousIndexToPhysicalPoint(index.tolist()) for index in indices])
    first, last = corners.min(axis=0) - _MARGIN_MM, corners.max(axis=0) + _MARGIN_MM
    size = [int(n) for n in np.ceil((last - first) / _SPACING_MM)]
    smooth = SimpleITK.SmoothingRecursiveGaussian(image, _SPACING_MM / 2)
    coarse = SimpleITK.Resample(
        smooth, size, SimpleITK.Transform(), SimpleITK.sitkLinear, first.tolist(), [_SPACING_MM] * 3,
        np.eye(3).ravel().tolist(), 0.0, SimpleITK.sitkFloat32,
    )  # fmt: skip
    distance = SimpleITK.SignedMaurerDistanceMap(coarse > 0.5, squaredDistance=False, useImageSpacing=True)
    bounded: SimpleITK.Image = SimpleITK.Clamp(distance, SimpleITK.sitkFloat32, -_FARTHEST_MM, _FARTHEST_MM)
    return bounded
