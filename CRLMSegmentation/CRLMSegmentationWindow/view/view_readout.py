"""The distance, drawn in one view, with a frame around the view in the color of its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import vtk

from .. import style
from .overlay import topmost_renderer

if TYPE_CHECKING:
    import slicer

_NUMBER_PX, _FRAME_PX = 34, 10
# Of letters, the larger where the view has room beside the marks at its upper right; width of one, bold, by its size.
_SIZES_PX, _WIDTH, _MARKS_PX = (15, 13, 11), 0.55, 100
# Parts of the view.
_LEFT, _TOP = 0.03, 0.97
# Kinds that the frame is drawn for: what is clear or idle needs none.
_FRAMED = ("warn", "bad", "lost")


class ViewReadout:
    """Text at the upper left of a view: a large number, and lines below it."""

    def __init__(self) -> None:
        self._view: slicer.qMRMLSliceView | slicer.qMRMLThreeDView | None = None
        self._number, self._text = _text_actor(_NUMBER_PX), _text_actor(_SIZES_PX[0])
        self._number.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
        self._number.SetPosition(_LEFT, _TOP)
        # The lines hang below the number, whatever the size of the view.
        self._text.GetPositionCoordinate().SetReferenceCoordinate(self._number.GetPositionCoordinate())
        self._text.SetPosition(0, -1.35 * _NUMBER_PX)
        self._frame = _frame_actor()
        self._shown: tuple[str, str, str] | None = None

    @property
    def text(self) -> str:
        """What is shown, number and lines; '' when nothing is."""
        return " ".join(self._shown[1:]) if self._shown is not None else ""

    def show(
        self, view: slicer.qMRMLSliceView | slicer.qMRMLThreeDView | None, kind: str, number: str, text: str
    ) -> None:  # fmt: skip
        """Show that in `view`, where it is not None.

        kind  of style.COLORS
        """
        if view is not self._view:
            self.remove()
        if view is None or self._shown == (kind, number, text):
            return
        if self._view is None:
            renderer = topmost_renderer(view)
            if renderer is None:
                return
            self._view = view
            for actor in (self._frame, self._number, self._text):
                renderer.AddViewProp(actor)
        self._shown = kind, number, text
        background, color = (_rgb(one) for one in style.COLORS[kind])
        for actor, words in ((self._number, number), (self._text, text)):
            actor.SetInput(words)
            actor.GetTextProperty().SetColor(*color)
            actor.GetTextProperty().SetBackgroundColor(*background)
        self._text.GetTextProperty().SetFontSize(letters_px(text, view.width))
        self._frame.SetVisibility(kind in _FRAMED)
        self._frame.GetProperty().SetColor(*background)
        view.scheduleRender()

    def remove(self) -> None:
        """Take it away."""
        view, self._view, self._shown = self._view, None, None
        renderer = topmost_renderer(view) if view is not None else None
        if view is not None and renderer is not None:
            for actor in (self._frame, self._number, self._text):
                renderer.RemoveViewProp(actor)
            view.scheduleRender()


def letters_px(text: str, width_px: int) -> int:
    """The size of letters at which these lines stay clear of the marks in a view of that width, or the smallest."""
    longest = max(map(len, text.splitlines()), default=0)
    room_px = (1 - _LEFT) * width_px - _MARKS_PX
    return next((size for size in _SIZES_PX if longest * _WIDTH * size <= room_px), _SIZES_PX[-1])


def _text_actor(size_px: int) -> vtk.vtkTextActor:
    actor = vtk.vtkTextActor()
    look = actor.GetTextProperty()
    look.SetVerticalJustificationToTop()
    look.SetFontSize(size_px)
    look.BoldOn()
    look.SetBackgroundOpacity(0.9)
    return actor


def _frame_actor() -> vtk.vtkActor2D:
    points, lines = vtk.vtkPoints(), vtk.vtkCellArray()
    lines.InsertNextCell(5)
    for number, corner in enumerate(((0, 0), (1, 0), (1, 1), (0, 1))):
        points.InsertNextPoint(*corner, 0)
        lines.InsertCellPoint(number)
    lines.InsertCellPoint(0)
    edge = vtk.vtkPolyData()
    edge.SetPoints(points)
    edge.SetLines(lines)
    place = vtk.vtkCoordinate()
    place.SetCoordinateSystemToNormalizedViewport()
    mapper = vtk.vtkPolyDataMapper2D()
    mapper.SetInputData(edge)
    mapper.SetTransformCoordinate(place)
    actor = vtk.vtkActor2D()
    actor.SetMapper(mapper)
    actor.GetProperty().SetLineWidth(_FRAME_PX)
    actor.SetVisibility(False)
    return actor


def _rgb(color: str) -> tuple[float, float, float]:
    """Of '#rrggbb', 0 to 1."""
    red, green, blue = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue
