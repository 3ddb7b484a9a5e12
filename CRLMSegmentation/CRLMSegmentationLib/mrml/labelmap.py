"""Masks to and from the segments of a segmentation node, which the Segment Editor works on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..geometry import transform_points
from ..values import Volume
from .conversion import array_of_image, array_of_matrix, image_data, node_to_world, vtk_matrix

BINARY_LABELMAP = "Binary labelmap"
CLOSED_SURFACE = "Closed surface"
_SAME_AXES = 1e-4
_SAME_PLACE_VOXELS = 1e-2


@dataclass(frozen=True, eq=False)
class Labelmap:
    """A copy of one segment's voxels; its mask can be made in any thread.

    image            vtkOrientedImageData, nonzero inside
    image_to_world   (4, 4) from the image's own index to Reference
    """

    image: Any
    image_to_world: np.ndarray

    def mask_on(self, grid: Volume) -> Volume:
        """uint8 on the voxels of `grid`: copied where both grids coincide, else from the nearest voxel."""
        if self.image.GetNumberOfPoints() == 0:
            return grid.on_grid(np.zeros(grid.voxels.shape, np.uint8))
        first = np.array(self.image.GetExtent()[::2])
        start = transform_points(grid.ras_to_ijk, transform_points(self.image_to_world, first))
        same_axes = np.allclose(self.image_to_world[:3, :3], grid.ijk_to_ras[:3, :3], atol=_SAME_AXES)
        if same_axes and np.abs(start - np.round(start)).max() < _SAME_PLACE_VOXELS:
            return grid.on_grid(self._pasted(grid, np.round(start).astype(int)))
        return grid.on_grid(self._resampled(grid))

    def _pasted(self, grid: Volume, start: np.ndarray) -> np.ndarray:
        block = array_of_image(self.image) > 0
        whole = np.zeros(grid.voxels.shape, np.uint8)
        lower, upper = np.maximum(start, 0), np.minimum(start + block.shape[::-1], grid.dimensions)
        if (lower < upper).all():
            (i, j, k), (to_i, to_j, to_k) = lower, upper
            from_i, from_j, from_k = lower - start
            whole[k:to_k, j:to_j, i:to_i] = block[
                from_k : from_k + to_k - k, from_j : from_j + to_j - j, from_i : from_i + to_i - i
            ]
        return whole

    def _resampled(self, grid: Volume) -> np.ndarray:
        from slicer import vtkOrientedImageData, vtkOrientedImageDataResample

        placed = vtkOrientedImageData()
        placed.ShallowCopy(self.image)
        placed.SetImageToWorldMatrix(vtk_matrix(self.image_to_world))
        reference = image_data(np.zeros(grid.voxels.shape, np.uint8), into=vtkOrientedImageData())
        reference.SetImageToWorldMatrix(vtk_matrix(grid.ijk_to_ras))
        resampled = vtkOrientedImageData()
        vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(placed, reference, resampled)
        return (array_of_image(resampled) > 0).astype(np.uint8)


def labelmap_of(node, name: str) -> Labelmap | None:
    """A copy of the segment called `name`; None when there is no such segment."""
    from slicer import vtkOrientedImageData

    segment = segment_of(node, name)
    image = segment.GetRepresentation(BINARY_LABELMAP) if segment is not None else None
    if image is None:
        return None
    selected = vtkOrientedImageData()
    selected.DeepCopy(image)
    if selected.GetNumberOfPoints():
        # Segments that do not overlap share one labelmap in which each has a value of its own.
        values = array_of_image(selected)
        values[:] = values == segment.GetLabelValue()
    matrix = vtk_matrix(np.eye(4))
    image.GetImageToWorldMatrix(matrix)
    return Labelmap(selected, node_to_world(node) @ array_of_matrix(matrix))


def mask_of(node, name: str, grid: Volume) -> Volume | None:
    """The segment called `name` as a uint8 mask on the voxels of `grid`; None when there is no such segment."""
    labelmap = labelmap_of(node, name) if node is not None else None
    return None if labelmap is None else labelmap.mask_on(grid)


def put_segment(node, name: str, mask: Volume, surface=None, color=(1.0, 0.85, 0.2)) -> None:
    """Make the segment called `name` hold the mask as its source and `surface` (RAS mm) as its 3D face.

    Other segments stay, and so does this one's place in an open Segment Editor.
    surface  vtkPolyData; None lets the segmentation make its own
    """
    from slicer import vtkSegment, vtkSlicerSegmentationsModuleLogic
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    segmentation = node.GetSegmentation()
    segment = segment_of(node, name)
    was_modifying = node.StartModify()
    if segment is None:
        segmentation.SetSourceRepresentationName(BINARY_LABELMAP)
        segment = vtkSegment()
        segment.SetName(name)
        segment.SetColor(*color)
        segment.AddRepresentation(BINARY_LABELMAP, oriented_image(mask))
        segmentation.AddSegment(segment, name)
    else:
        identifier = segmentation.GetSegmentIdBySegment(segment)
        vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(oriented_image(mask), node, identifier)
    if surface is not None:
        copy = vtkPolyData()
        copy.DeepCopy(surface)
        segment.RemoveRepresentation(CLOSED_SURFACE)
        segment.AddRepresentation(CLOSED_SURFACE, copy)
    node.EndModify(was_modifying)
    if surface is None and np.any(mask.voxels):
        node.CreateClosedSurfaceRepresentation()


def segment_of(node, name: str):
    """The vtkSegment called `name`; None when there is none."""
    if node is None or node.GetSegmentation() is None:
        return None
    segmentation = node.GetSegmentation()
    identifier = segmentation.GetSegmentIdBySegmentName(name)
    return segmentation.GetSegment(identifier) if identifier else None


def oriented_image(mask: Volume):
    """vtkOrientedImageData of a mask: uint8, nonzero becomes 1; no larger than what is inside and a voxel around it."""
    from slicer import vtkOrientedImageData

    inside = mask.voxels != 0
    first, end = _occupied(inside)
    block = inside[tuple(slice(lower, upper) for lower, upper in zip(first, end))].astype(np.uint8)
    image = image_data(block, into=vtkOrientedImageData())
    (k, j, i), (to_k, to_j, to_i) = first, end
    image.SetExtent(int(i), int(to_i) - 1, int(j), int(to_j) - 1, int(k), int(to_k) - 1)
    image.SetImageToWorldMatrix(vtk_matrix(mask.ijk_to_ras))
    return image


def _occupied(inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First index and end of the block with everything that is inside, a voxel around it kept where there is one."""
    first, end = np.zeros(3, int), np.ones(3, int)
    for axis in range(3):
        places = np.flatnonzero(inside.any(axis=tuple(other for other in range(3) if other != axis)))
        if len(places):
            first[axis], end[axis] = max(places[0] - 1, 0), min(places[-1] + 2, inside.shape[axis])
    return first, end
