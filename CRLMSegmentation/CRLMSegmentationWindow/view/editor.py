"""Correction by hand: Slicer's own Segment Editor inside the module, with the few tools that a correction needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import slicer

if TYPE_CHECKING:
    import qt

# Of strokes one by one; what lies further back is taken back by discard_corrections() of the session.
UNDO_STATES = 100
EFFECTS = ["Paint", "Erase", "Scissors"]
# There is one tumor on one volume here: what chooses among several would only mislead.
_HIDDEN = (
    "unorderedEffectsVisible",
    "segmentationNodeSelectorVisible",
    "sourceVolumeNodeSelectorVisible",
    "switchToSegmentationsButtonVisible",
    "specifyGeometryButtonVisible",
    "addRemoveSegmentButtonsVisible",
    "show3DButtonVisible",
    "maskingSectionVisible",
    "autoShowSourceVolumeNode",
)
_TAG = "CRLMSegmentationEditor"


class CorrectionEditor:
    """A qMRMLSegmentEditorWidget that is made when it is first needed and releases everything when it is closed.

    tag  of its node: two editors with one node would take each other's undo
    """

    def __init__(self, frame: qt.QFrame, tag: str = _TAG):
        self._frame, self._tag = frame, tag
        self._is_open = False
        self.widget = None

    @property
    def is_open(self) -> bool:
        """True between open() and close()."""
        return self._is_open

    def keep_overlaps(self) -> None:
        """What is drawn as one segment stays in the others: a tumor lies in the liver."""
        node = _editor_node(self._tag)
        node.SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteNone)

    def open(self, segmentation: slicer.vtkMRMLSegmentationNode, volume: slicer.vtkMRMLScalarVolumeNode) -> None:
        """Edit the tumor of `segmentation` on the voxels of `volume`."""
        if self.widget is None:
            self.widget = self._make()
        self.widget.setMRMLScene(slicer.mrmlScene)
        self.widget.setMRMLSegmentEditorNode(_editor_node(self._tag))
        self.widget.setSegmentationNode(segmentation)
        self.widget.setSourceVolumeNode(volume)
        if segmentation.GetSegmentation().GetNumberOfSegments():
            self.widget.setCurrentSegmentID(segmentation.GetSegmentation().GetNthSegmentID(0))
        self.widget.setupViewObservations()
        self.widget.installKeyboardShortcuts()
        self._frame.visible = self._is_open = True
        self.widget.setActiveEffectByName("Paint")

    def close(self) -> None:
        """Take the mouse away from the editor; no observer of it is left on the views."""
        if self.widget is not None and self.is_open:
            self.widget.setActiveEffect(None)
            self.widget.uninstallKeyboardShortcuts()
            self.widget.removeViewObservations()
        self._frame.visible = self._is_open = False

    def remove(self) -> None:
        """Take the editor out of the window, and its node out of the scene."""
        self.close()
        if self.widget is not None:
            self.widget.setMRMLSegmentEditorNode(None)
            self.widget.setMRMLScene(None)
            self.widget.setParent(None)
            self.widget.deleteLater()
            self.widget = None
        node = slicer.mrmlScene.GetSingletonNode(self._tag, "vtkMRMLSegmentEditorNode")
        if node is not None:
            slicer.mrmlScene.RemoveNode(node)

    def _make(self) -> slicer.qMRMLSegmentEditorWidget:
        widget = slicer.qMRMLSegmentEditorWidget()
        widget.setMaximumNumberOfUndoStates(UNDO_STATES)
        widget.setEffectNameOrder(EFFECTS)
        for part in _HIDDEN:
            setattr(widget, part, False)
        self._frame.layout().addWidget(widget)
        return widget


def _editor_node(tag: str) -> slicer.vtkMRMLSegmentEditorNode:
    node = slicer.mrmlScene.GetSingletonNode(tag, "vtkMRMLSegmentEditorNode")
    if node is None:
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
        node.UnRegister(None)
        node.SetSingletonTag(tag)
        node = slicer.mrmlScene.AddNode(node)
    return node
