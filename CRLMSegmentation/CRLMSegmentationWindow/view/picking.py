"""One click of the user on a point in a slice view."""

from __future__ import annotations

from collections.abc import Callable

import slicer

# R, A, S in mm.
Point = tuple[float, float, float]
OnPicked = Callable[[Point], None]


class PointPicker:
    """Asks for one point by Slicer's own placement of markups, and takes its point away again."""

    NAME = "CRLM picked point"

    def __init__(self) -> None:
        self._node = None
        self._tags = []
        self._on_picked = None

    @property
    def is_waiting(self) -> bool:
        """True until the click."""
        return self._node is not None

    def ask(self, prompt: str, on_picked: OnPicked) -> None:
        """Wait for a click in any view; then call `on_picked((R, A, S))`, in mm."""
        self.cancel()
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", self.NAME)
        node.SetSaveWithScene(False)
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetSaveWithScene(False)
        node.SetControlPointLabelFormat("")
        self._node, self._on_picked = node, on_picked
        self._tags = [node.AddObserver(node.PointPositionDefinedEvent, self._on_point)]
        selection = slicer.mrmlScene.GetNodeByID("vtkMRMLSelectionNodeSingleton")
        interaction = slicer.mrmlScene.GetNodeByID("vtkMRMLInteractionNodeSingleton")
        selection.SetReferenceActivePlaceNodeClassName("vtkMRMLMarkupsFiducialNode")
        selection.SetActivePlaceNodeID(node.GetID())
        interaction.SetPlaceModePersistence(0)
        interaction.SetCurrentInteractionMode(interaction.Place)
        slicer.util.showStatusMessage(prompt, 5000)

    def cancel(self) -> None:
        """Wait no more; nothing is left in the scene."""
        node, self._node, self._on_picked = self._node, None, None
        if node is None:
            return
        for tag in self._tags:
            node.RemoveObserver(tag)
        self._tags = []
        interaction = slicer.mrmlScene.GetNodeByID("vtkMRMLInteractionNodeSingleton")
        if interaction is not None and interaction.GetCurrentInteractionMode() == interaction.Place:
            interaction.SetCurrentInteractionMode(interaction.ViewTransform)
        if slicer.mrmlScene.IsNodePresent(node):
            slicer.mrmlScene.RemoveNode(node)

    def _on_point(self, node, _event) -> None:
        point = [0.0, 0.0, 0.0]
        node.GetNthControlPointPositionWorld(0, point)
        # The node is still in use by the view that was clicked on: what follows waits until it is done.
        import qt

        on_picked = self._on_picked
        qt.QTimer.singleShot(0, lambda: self._finish(on_picked, tuple(point)))

    def _finish(self, on_picked: OnPicked, point: tuple[float, float, float]) -> None:
        if self._on_picked is not on_picked or on_picked is None:
            return
        self.cancel()
        on_picked(point)
