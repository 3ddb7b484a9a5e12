"""The tumor in the scene: segmentation, surface and probability, shown and hidden together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...session.tumor.labelmap import Labelmap
from ...session.tumors.case_tumor import color_of
from ...values import Volume
from .. import names
from ..conversion import put_surface, put_volume, surface_of, volume_of
from ..labelmap import labelmap_of, put_segment, segment_of
from ..nodes import find, get_or_create, is_stale, mark_stale, remove_node

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

_THRESHOLD = "CRLM.Threshold"


class TumorNodes:
    """The nodes of one tumor. What is stale is hidden, is not saved, and is not given out."""

    def __init__(self, scene: Any):
        self._scene = scene
        self._color = color_of(1)

    def set_color(self, color: tuple[float, float, float]) -> None:
        """Draw the tumor in that color. Who has colored a node otherwise keeps that until the color is another."""
        if color == self._color:
            return
        self._color = color
        surface, segment = self.surface_node(), segment_of(self.segmentation_node(), names.SEGMENT)
        if surface is not None and surface.GetDisplayNode() is not None:
            surface.GetDisplayNode().SetColor(*color)
        if segment is not None:
            segment.SetColor(*color)

    def put_mask(
        self, mask: Volume, surface: vtkPolyData | None, threshold: float | None, volume_node: Any | None
    ) -> None:
        """The segmentation, in place of an earlier one.

        threshold    of probability, that made it
        surface      RAS mm; None when the mask is empty
        volume_node  whose voxels the segmentation is edited on; None when there is no volume
        """
        node = self._make_segmentation(volume_node)
        put_segment(node, names.SEGMENT, mask, surface, self._color)
        node.SetAttribute(_THRESHOLD, None if threshold is None else repr(threshold))
        mark_stale(node, False)

    def put_probability(self, probability: Volume | None) -> None:
        """None hides it."""
        if probability is not None:
            node = get_or_create(self._scene, "vtkMRMLScalarVolumeNode", names.PROBABILITY)
            put_volume(node, probability)
            node.AddDefaultStorageNode()
            # Most of its digits are noise: compressing takes half the time of a save and spares a twentieth of it.
            node.GetStorageNode().SetUseCompression(False)
        mark_stale(self.probability_node(), probability is None)

    def put_surface(self, surface: vtkPolyData | None) -> None:
        """None hides it."""
        if surface is None:
            mark_stale(self.surface_node(), True)
            return
        is_new = self.surface_node() is None
        model = get_or_create(self._scene, "vtkMRMLModelNode", names.SURFACE, with_display=True)
        put_surface(model, surface)
        if is_new:
            model.GetDisplayNode().SetColor(*self._color)
            model.GetDisplayNode().SetVisibility2D(True)
        mark_stale(model, False)

    def make_editable(self, volume_node: Any | None, grid: Volume) -> Any:
        """The segmentation node with a segment of the tumor in it, be it an empty one."""
        node = self._make_segmentation(volume_node)
        if is_stale(node) or segment_of(node, names.SEGMENT) is None:
            put_segment(node, names.SEGMENT, grid.on_grid(np.zeros(grid.voxels.shape, np.uint8)), None, self._color)
            mark_stale(node, False)
        return node

    def make_stale(self) -> bool:
        """Hide what is there; returns False when nothing is."""
        nodes = [self.segmentation_node(), self.surface_node(), self.probability_node()]
        for node in nodes:
            mark_stale(node, True)
        return any(node is not None for node in nodes)

    def remove(self) -> None:
        """Take them out of the scene."""
        for node in (self.segmentation_node(), self.surface_node(), self.probability_node()):
            if node is not None:
                remove_node(self._scene, node)

    def labelmap(self) -> Labelmap | None:
        """A copy of the segment as it is now, corrections by hand included; None when there is no tumor."""
        node = self.segmentation_node()
        return None if is_stale(node) else labelmap_of(node, names.SEGMENT)

    def surface(self) -> vtkPolyData | None:
        """In RAS mm; None when there is no tumor."""
        node = self.surface_node()
        return None if is_stale(node) else surface_of(node)

    def threshold(self) -> float | None:
        """Of probability; None when it is unknown."""
        node = self.segmentation_node()
        text = None if node is None else node.GetAttribute(_THRESHOLD)
        try:
            return float(text) if text else None
        except ValueError:
            return None

    def probability(self) -> Volume | None:
        """float32 on the voxels of the crop; None when there is none."""
        node = self.probability_node()
        return None if is_stale(node) else volume_of(node)

    def segmentation_node(self) -> Any | None:
        """The segmentation; None when it is not in the scene."""
        return find(self._scene, "vtkMRMLSegmentationNode", names.SEGMENTATION)

    def surface_node(self) -> Any | None:
        """The model of the surface; None when it is not in the scene."""
        return find(self._scene, "vtkMRMLModelNode", names.SURFACE)

    def probability_node(self) -> Any | None:
        """The volume of the probability; None when it is not in the scene."""
        return find(self._scene, "vtkMRMLScalarVolumeNode", names.PROBABILITY)

    def _make_segmentation(self, volume_node: Any | None) -> Any:
        node = self.segmentation_node()
        if node is None:
            node = get_or_create(self._scene, "vtkMRMLSegmentationNode", names.SEGMENTATION, with_display=True)
            # The model already shows it in 3D; twice would hide the opacity that is set for it.
            node.GetDisplayNode().SetVisibility3D(False)
        if volume_node is not None:
            node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
        return node
