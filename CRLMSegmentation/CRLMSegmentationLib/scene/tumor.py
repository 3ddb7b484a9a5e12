"""The tumor in the scene: segmentation, surface and probability, shown and hidden together."""

from __future__ import annotations

from ..geometry import Volume
from . import names
from .conversion import mask_of, put_segment, put_surface, put_volume, surface_of, volume_of
from .nodes import find, get_or_create, is_stale, mark_stale

COLOR = (1.0, 0.8, 0.2)


class TumorNodes:
    """The nodes of one tumor. What is stale is hidden, is not saved, and is not given out."""

    def __init__(self, scene):
        self._scene = scene

    def put(self, mask: Volume, probability: Volume | None, surface, volume_node) -> None:
        """Show a tumor in place of an earlier one.

        surface      vtkPolyData, RAS mm
        volume_node  whose voxels the segmentation is edited on; None when there is no volume
        """
        segmentation = get_or_create(self._scene, "vtkMRMLSegmentationNode", names.SEGMENTATION, with_display=True)
        if volume_node is not None:
            segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
        put_segment(segmentation, names.SEGMENT, mask, surface, COLOR)
        model = get_or_create(self._scene, "vtkMRMLModelNode", names.SURFACE, with_display=True)
        put_surface(model, surface)
        model.GetDisplayNode().SetColor(*COLOR)
        model.GetDisplayNode().SetVisibility2D(True)
        mark_stale(segmentation, False)
        mark_stale(model, False)
        # The model already shows it in 3D; twice would hide the opacity that is set for it.
        segmentation.GetDisplayNode().SetVisibility3D(False)
        if probability is not None:
            put_volume(get_or_create(self._scene, "vtkMRMLScalarVolumeNode", names.PROBABILITY), probability)
        mark_stale(self._probability_node(), probability is None)

    def make_stale(self) -> bool:
        """Hide what is there; returns False when nothing is."""
        nodes = [self._segmentation_node(), self._surface_node(), self._probability_node()]
        for node in nodes:
            mark_stale(node, True)
        return any(node is not None for node in nodes)

    def mask(self, grid: Volume) -> Volume | None:
        """uint8 on the voxels of `grid`, corrections by hand included; None when there is no tumor."""
        node = self._segmentation_node()
        return None if is_stale(node) else mask_of(node, names.SEGMENT, grid)

    def surface(self):
        """vtkPolyData in RAS mm; None when there is no tumor."""
        node = self._surface_node()
        return None if is_stale(node) else surface_of(node)

    def probability(self) -> Volume | None:
        """float32 on the voxels of the crop; None when there is none."""
        node = self._probability_node()
        return None if is_stale(node) else volume_of(node)

    def _segmentation_node(self):
        return find(self._scene, "vtkMRMLSegmentationNode", names.SEGMENTATION)

    def _surface_node(self):
        return find(self._scene, "vtkMRMLModelNode", names.SURFACE)

    def _probability_node(self):
        return find(self._scene, "vtkMRMLScalarVolumeNode", names.PROBABILITY)
