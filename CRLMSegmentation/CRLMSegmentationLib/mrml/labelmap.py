"""Masks to and from the segments of a segmentation node, which the Segment Editor works on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..session.tumor.labelmap import Labelmap
from ..values import Volume
from .conversion import array_of_image, array_of_matrix, image_data, node_to_world, vtk_matrix

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

BINARY_LABELMAP = "Binary labelmap"
CLOSED_SURFACE = "Closed surface"


def labelmap_of(node: Any, name: str) -> Labelmap | None:
    """A copy of the segment called `name`; None when there is no such segment."""
    segment = segment_of(node, name)
    image = None if segment is None else segment.GetRepresentation(BINARY_LABELMAP)
    if segment is None or image is None:
        return None
    if image.GetNumberOfPoints() == 0:
        return Labelmap(np.zeros((0, 0, 0), bool), np.eye(4))
    # Segments that do not overlap share one labelmap in which each has a value of its own.
    inside = array_of_image(image) == segment.GetLabelValue()
    matrix = vtk_matrix(np.eye(4))
    image.GetImageToWorldMatrix(matrix)
    first = np.eye(4)
    first[:3, 3] = image.GetExtent()[::2]
    return Labelmap(inside, node_to_world(node) @ array_of_matrix(matrix) @ first)


def mask_of(node: Any, name: str, grid: Volume) -> Volume | None:
    """The segment called `name` as a uint8 mask on the voxels of `grid`; None when there is no such segment."""
    labelmap = labelmap_of(node, name) if node is not None else None
    return None if labelmap is None else labelmap.mask_on(grid)


def put_segment(
    node: Any, name: str, mask: Volume, surface: vtkPolyData | None = None,
    color: tuple[float, float, float] = (1.0, 0.85, 0.2),
) -> None:  # fmt: skip
    """Make the segment called `name` hold the mask as its source and `surface` (RAS mm) as its 3D face.

    Other segments stay, and so does this one's place in an open Segment Editor.
    surface  None lets the segmentation make its own
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


def segment_of(node: Any, name: str) -> Any | None:
    """The vtkSegment called `name`; None when there is none."""
    if node is None or node.GetSegmentation() is None:
        return None
    segmentation = node.GetSegmentation()
    identifier = segmentation.GetSegmentIdBySegmentName(name)
    return segmentation.GetSegment(identifier) if identifier else None


def oriented_image(mask: Volume) -> Any:
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
