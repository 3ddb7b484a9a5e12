"""Where text is drawn over one of Slicer's views, in front of all that the view shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import slicer
    import vtk


def topmost_renderer(view: slicer.qMRMLSliceView | slicer.qMRMLThreeDView) -> vtk.vtkRenderer | None:
    """Of the view, so that no image lies over what is added to it; None before it has any.

    Slicer draws the orientation marker above all, by a renderer that takes no interaction and has, while the marker is
    shown, but a corner of the view: what is added to that one is seen there, as small as the marker.
    """
    window = view.renderWindow()
    renderers = window.GetRenderers() if window is not None else None
    chosen = None
    for number in range(renderers.GetNumberOfItems() if renderers is not None else 0):
        renderer = renderers.GetItemAsObject(number)
        if not renderer.GetInteractive():
            continue
        if chosen is None or renderer.GetLayer() >= chosen.GetLayer():
            chosen = renderer
    return chosen
