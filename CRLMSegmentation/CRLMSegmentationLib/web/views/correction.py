"""Correcting the tumor by hand: trame-slicer's brush, eraser and undo on the session's segmentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame_slicer.segmentation import (
    BrushDiameterMode,
    SegmentationEffectErase,
    SegmentationEffectNoTool,
    SegmentationEffectPaint,
)
from undo_stack import UndoStack

from ...session import actions

if TYPE_CHECKING:
    from trame_slicer.core import SlicerApp

    from ...mrml.scene_view import SceneView

_EFFECTS = {"paint": SegmentationEffectPaint, "erase": SegmentationEffectErase}
_UNDO_STEPS = 20


class Correction:
    """The editor, begun with the first tool that is chosen; the session keeps surface and distances up to date."""

    def __init__(self, slicer_app: SlicerApp, view: SceneView) -> None:
        self._editor = slicer_app.segmentation_editor
        self._view, self._session = view, view.session
        self._undo = UndoStack(undo_limit=_UNDO_STEPS)
        self._editor.set_undo_stack(self._undo)
        self._node = None
        self.tool = ""

    @property
    def is_on(self) -> bool:
        return bool(self.tool)

    @property
    def can_undo(self) -> bool:
        return bool(self._undo.can_undo())

    @property
    def can_redo(self) -> bool:
        return bool(self._undo.can_redo())

    def choose(self, tool: str, brush_mm: float) -> None:
        """'paint' or 'erase'; '' or the same again puts the tool away."""
        if tool not in _EFFECTS or tool == self.tool:
            self.end()
            return
        node = self._view.segmentation_node()
        if not self.is_on:
            actions.CORRECT.run(self._session)
        if node is not self._node:
            self._editor.set_active_segmentation(node, self._view.volume_node())
            self._node = node
        self.tool = tool
        self._editor.set_active_effect_type(_EFFECTS[tool])
        self.set_brush(brush_mm)

    def set_brush(self, diameter_mm: float) -> None:
        """Diameter of the brush, a sphere."""
        for effect in _EFFECTS.values():
            effect = self._editor.get_effect(effect)
            effect.set_use_sphere_brush(True)
            effect.set_brush_diameter(float(diameter_mm), BrushDiameterMode.Absolute)

    def undo(self) -> None:
        if self.can_undo:
            self._undo.undo()
            self._report_edited()

    def redo(self) -> None:
        if self.can_redo:
            self._undo.redo()
            self._report_edited()

    def _report_edited(self) -> None:
        """Undoing takes the segments out and puts others in, which is no edit to who watches their voxels."""
        segmentation = self._view.segmentation_node().GetSegmentation()
        segmentation.InvokeEvent(segmentation.SourceRepresentationModified)

    def end(self) -> None:
        """Put the tool away; what was corrected stays."""
        if self.is_on:
            self.tool = ""
            self._editor.set_active_effect_type(SegmentationEffectNoTool)
            self._session.tumor.end_correction()

    def forget_strokes(self) -> None:
        """The mask was made anew: an earlier one must not come back by undoing."""
        self._undo.clear()

    def forget(self) -> None:
        """The tumor was replaced."""
        self.end()
        self.forget_strokes()
        self._node = None
