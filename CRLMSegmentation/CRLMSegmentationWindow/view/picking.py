"""One click of the user on a point in a slice view."""

from __future__ import annotations

import slicer


class PointPicker:
    """Asks for one point by Slicer's own placement of markups, and takes its point away again."""

    NAME = "CRLM picked point"

    def __init__(self):
        self._node = None
        self._tags = []
        self._taken = None

    @property
    def is_waiting(self) -> bool:
        """True until the click."""
        return self._node is not None

    def ask(self, prompt: str, taken) -> None:
        """Wait for a click in any view; then call `taken((R, A, S))`, in mm."""
        self.cancel()
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", self.NAME)
        node.SetSaveWithScene(False)
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetSaveWithScene(False)
        node.SetControlPointLabelFormat("")
        self._node, self._taken = node, taken
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
        node, self._node, self._taken = self._node, None, None
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

        taken = self._taken
        qt.QTimer.singleShot(0, lambda: self._finish(taken, tuple(point)))

    def _finish(self, taken, point) -> None:
        if self._taken is not taken or taken is None:
            return
        self.cancel()
        taken(point)
