"""Volumes, boxes, surfaces and matrices to and from MRML nodes. The scene's world frame is Reference, RAS mm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import GeometryError
from ..values import Box, Volume
from ..words import tr
from .names import SEEN_ROLE, SEEN_SUFFIX
from .nodes import ROLE_ATTRIBUTE, remove_node, role_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from vtkmodules.vtkCommonDataModel import vtkImageData, vtkPolyData
    from vtkmodules.vtkCommonMath import vtkMatrix4x4


def vtk_matrix(matrix: ArrayLike) -> vtkMatrix4x4:
    """A vtkMatrix4x4 of a (4, 4) array."""
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    converted = vtkMatrix4x4()
    converted.DeepCopy(np.asarray(matrix, dtype=np.float64).ravel().tolist())
    return converted


def array_of_matrix(matrix: vtkMatrix4x4) -> np.ndarray:
    """(4, 4) float64 of a vtkMatrix4x4."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def set_transform(node: Any, matrix: ArrayLike) -> None:
    """Give a vtkMRMLLinearTransformNode its matrix to parent (4, 4), unless it has it already.

    What is under the transform is drawn again at every change; and who fills the same node from a stream must not
    take our own writing for news.
    """
    if np.array_equal(matrix_of_transform(node), matrix):
        return
    node.SetMatrixTransformToParent(vtk_matrix(matrix))


def matrix_of_transform(node: Any) -> np.ndarray:
    """(4, 4) matrix to parent of a linear transform node."""
    matrix = vtk_matrix(np.eye(4))
    node.GetMatrixTransformToParent(matrix)
    return array_of_matrix(matrix)


def node_to_world(node: Any) -> np.ndarray:
    """(4, 4) from the node's own frame to Reference. Raises GeometryError under a transform that is not linear."""
    parent = node.GetParentTransformNode()
    matrix = vtk_matrix(np.eye(4))
    if parent is not None and not parent.GetMatrixTransformToWorld(matrix):
        raise GeometryError(
            tr(
                "'{role_of}' lies under a transform that is not linear; harden or remove it first.",
                role_of=role_of(node),
            )
        )
    return array_of_matrix(matrix)


def image_data(voxels: np.ndarray, into: Any = None) -> Any:
    """vtkImageData (unit spacing, origin 0) with a copy of `voxels` [k, j, i]; boolean becomes uint8."""
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData

    voxels = np.ascontiguousarray(voxels, dtype=np.uint8 if voxels.dtype == bool else None)
    voxels = voxels.astype(voxels.dtype.newbyteorder("="), copy=False)
    image = vtkImageData() if into is None else into
    image.SetDimensions(*voxels.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(voxels.ravel(), deep=True))
    return image


def array_of_image(image: vtkImageData) -> np.ndarray:
    """[k, j, i] view of the scalars of a vtkImageData: valid as long as the image is."""
    from vtkmodules.util.numpy_support import vtk_to_numpy

    voxels: np.ndarray = vtk_to_numpy(image.GetPointData().GetScalars())
    return voxels.reshape(image.GetDimensions()[::-1])


def put_volume(node: Any, volume: Volume) -> None:
    """Give a scalar volume node a copy of the voxels, and the geometry, of `volume`.

    What was seen goes into a label map volume of the scene, hidden from lists, to which the node refers, so that it is
    saved and loaded with the node; a guess is not kept.
    """
    node.SetIJKToRASMatrix(vtk_matrix(volume.ijk_to_ras))
    node.SetAndObserveImageData(image_data(volume.voxels))
    seen_node = node.GetNodeReference(SEEN_ROLE)
    if volume.seen is None or volume.seen_is_guessed:
        if seen_node is not None:
            node.SetNodeReferenceID(SEEN_ROLE, None)
            remove_node(node.GetScene(), seen_node)
        return
    if seen_node is None:
        seen_node = node.GetScene().AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", f"{role_of(node)}{SEEN_SUFFIX}")
        seen_node.SetAttribute(ROLE_ATTRIBUTE, seen_node.GetName())
        seen_node.SetHideFromEditors(True)
        node.SetNodeReferenceID(SEEN_ROLE, seen_node.GetID())
    seen_node.SetIJKToRASMatrix(vtk_matrix(volume.ijk_to_ras))
    seen_node.SetAndObserveImageData(image_data(volume.seen))


def volume_of(node: Any, copy: bool = True) -> Volume | None:
    """What a scalar volume node holds, in Reference; None when it holds no voxels.

    copy  False for a view of the voxels, without what was seen, which is valid as long as the node is left alone
    """
    if node is None or node.GetImageData() is None or node.GetImageData().GetNumberOfPoints() == 0:
        return None
    ijk_to_node = vtk_matrix(np.eye(4))
    node.GetIJKToRASMatrix(ijk_to_node)
    voxels = array_of_image(node.GetImageData())
    ijk_to_ras = node_to_world(node) @ array_of_matrix(ijk_to_node)
    return Volume(voxels.copy(), ijk_to_ras, _seen_of(node, voxels.shape)) if copy else Volume(voxels, ijk_to_ras)


def _seen_of(node: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    """A copy of what was seen of a volume node; None when it does not refer to it, or has other voxels by now."""
    seen_node = node.GetNodeReference(SEEN_ROLE)
    if seen_node is None or seen_node.GetImageData() is None:
        return None
    if seen_node.GetImageData().GetDimensions()[::-1] != tuple(shape):
        return None
    seen: np.ndarray = array_of_image(seen_node.GetImageData()) != 0
    return seen


def put_box(node: Any, box: Box) -> None:
    """Give a Markups ROI the center, size and axes of `box`, in Reference, whatever transform it lies under."""
    to_node = np.linalg.inv(node_to_world(node))
    was_modifying = node.StartModify()
    node.SetROIType(node.ROITypeBox)
    node.SetAndObserveObjectToNodeMatrix(vtk_matrix(to_node @ box.box_to_ras))
    node.SetSize(*(box.size_mm * np.linalg.norm(to_node[:3, :3] @ box.axes_ras, axis=0)))
    node.EndModify(was_modifying)


def box_of(node: Any) -> Box | None:
    """The box of a Markups ROI in Reference; None when it has not been placed yet.

    Raises GeometryError when the transform above it makes its edges oblique.
    """
    if node is None or min(node.GetSize()) <= 0:
        return None
    object_to_node = vtk_matrix(np.eye(4))
    object_to_node.DeepCopy(node.GetObjectToNodeMatrix())
    object_to_world = node_to_world(node) @ array_of_matrix(object_to_node)
    scale = np.linalg.norm(object_to_world[:3, :3], axis=0)
    return Box(object_to_world[:3, 3], np.array(node.GetSize()) * scale, object_to_world[:3, :3] / scale)


def put_surface(node: Any, surface: vtkPolyData) -> None:
    """Give a model node a copy of `surface` (vtkPolyData, RAS mm)."""
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    copy = vtkPolyData()
    copy.DeepCopy(surface)
    node.SetAndObserveMesh(copy)


def surface_of(node: Any) -> vtkPolyData | None:
    """A copy of a model node's surface in Reference; None when it has none."""
    from vtkmodules.vtkCommonTransforms import vtkTransform
    from vtkmodules.vtkFiltersGeneral import vtkTransformPolyDataFilter

    if node is None or node.GetPolyData() is None or node.GetPolyData().GetNumberOfPoints() == 0:
        return None
    transform = vtkTransform()
    transform.SetMatrix(vtk_matrix(node_to_world(node)))
    apply = vtkTransformPolyDataFilter()
    apply.SetTransform(transform)
    apply.SetInputData(node.GetPolyData())
    apply.Update()
    surface: vtkPolyData = apply.GetOutput()
    return surface
