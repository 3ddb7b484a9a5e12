"""Text over the live ultrasound view, when what it shows is not live or its place is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import vtk

from .overlay import topmost_renderer

if TYPE_CHECKING:
    import slicer


class LiveBanner:
    """Large text in the middle of one view."""

    def __init__(self) -> None:
        self._view = None
        self._actor = vtk.vtkTextActor()
        self._actor.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
        self._actor.SetPosition(0.5, 0.5)
        look = self._actor.GetTextProperty()
        look.SetJustificationToCentered()
        look.SetVerticalJustificationToTop()
        look.SetFontSize(26)
        look.BoldOn()
        look.SetColor(1.0, 1.0, 1.0)
        look.SetBackgroundColor(0.78, 0.16, 0.16)
        look.SetBackgroundOpacity(1.0)

    @property
    def text(self) -> str:
        """What is shown; '' when nothing is."""
        return self._actor.GetInput() or "" if self._view is not None else ""

    def show(self, view: slicer.qMRMLSliceView, text: str) -> None:
        """Show `text` over `view` (qMRMLSliceView); '' shows nothing."""
        if not text:
            self.remove()
            return
        if view is not self._view:
            self.remove()
            self._view = view
            topmost_renderer(view).AddViewProp(self._actor)
        if self._actor.GetInput() != text:
            self._actor.SetInput(text)
            view.scheduleRender()

    def remove(self) -> None:
        """Take the text away."""
        view, self._view = self._view, None
        if view is not None:
            renderer = topmost_renderer(view)
            if renderer is not None:
                renderer.RemoveViewProp(self._actor)
            view.scheduleRender()
        self._actor.SetInput("")
