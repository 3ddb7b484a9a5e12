"""SlicerIGT's Breach Warning, set up for each tool where that extension is installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import slicer

if TYPE_CHECKING:
    from CRLMSegmentationLib.mrml.scene_view import SceneView
    from CRLMSegmentationLib.session.tools import ToolReading

_CLASS = "vtkMRMLBreachWarningNode"


class BreachWarnings:
    """One Breach Warning node for each live tool: it colors the tumor red while a tip is within the margin.

    Breach Warning measures from a transform wherever that was left. A tool that is lost is therefore taken off its
    node, so that it never warns from its last place.
    """

    def __init__(self) -> None:
        self._nodes: dict[str, slicer.vtkMRMLNode] = {}

    def update(self, view: SceneView, readings: Mapping[str, ToolReading], margin_mm: float, wanted: bool) -> None:
        """`view` shows the session; `readings`: by the tool's name."""
        module = getattr(slicer.modules, "breachwarning", None)
        surface = view.surface_node()
        if module is None or not wanted or surface is None:
            self.remove()
            return
        for name, reading in readings.items():
            node = self._node(name)
            tip = view.tool_tip_node(name) if reading.signed_distance_mm is not None else None
            if node.GetWatchedModelNode() is not surface:
                module.logic().SetWatchedModelNode(surface, node)
            if node.GetWarningDistanceMM() != margin_mm:
                node.SetWarningDistanceMM(margin_mm)
            if node.GetToolTransformNode() is not tip:
                node.SetAndObserveToolTransformNodeId(tip.GetID() if tip is not None else None)
                if tip is None:
                    surface.GetDisplayNode().SetColor(*node.GetOriginalColor())

    def remove(self) -> None:
        """Take the nodes out of the scene; the tumor has its own color again."""
        module = getattr(slicer.modules, "breachwarning", None)
        for node in self._nodes.values():
            if slicer.mrmlScene.IsNodePresent(node):
                if module is not None:
                    module.logic().SetWatchedModelNode(None, node)
                slicer.mrmlScene.RemoveNode(node)
        self._nodes.clear()

    def _node(self, tool: str) -> slicer.vtkMRMLNode:
        node = self._nodes.get(tool)
        if node is None or not slicer.mrmlScene.IsNodePresent(node):
            node = slicer.mrmlScene.AddNewNodeByClass(_CLASS, f"{tool} breach warning")
            node.SetSaveWithScene(False)
            node.SetPlayWarningSound(False)
            node.SetWarningColor(0.95, 0.25, 0.2)
            self._nodes[tool] = node
        return node
