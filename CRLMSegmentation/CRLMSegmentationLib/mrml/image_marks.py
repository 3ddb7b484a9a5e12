"""Depth, a scale bar and the directions of Reference, drawn over a live image in the slice view that shows it."""

from __future__ import annotations

from typing import Any

import numpy as np
from vtkmodules.vtkCommonCore import vtkCommand, vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor2D, vtkPolyDataMapper2D, vtkTextActor

from ..values import ImagePlane
from ..values.image_scale import ImageScale, image_scale
from .conversion import array_of_matrix
from .observers import ObservedNode

_TEXT_PX, _LINE_PX, _HALO_PX = 13, 1.5, 4.0
_COLOR = (0.9, 0.93, 0.96)
# Pixels: of lines of the depth scale, of the arrows, and from the edges of the view.
_NAMED_PX, _SHORT_PX, _ARROW_PX, _EDGE_PX = 10.0, 5.0, 24.0, 12.0
# Room for the numbers of the depth scale, at the right edge of the view.
_NUMBERS_PX = 64.0
_Line = list[tuple[float, float]]
_Label = tuple[str, float, float, str]


class ImageMarks:
    """The marks over one view. They follow every zoom and every shift of it, also while no image comes."""

    def __init__(self) -> None:
        self._renderer: Any = None
        self._node = ObservedNode()
        self._plane: ImagePlane | None = None
        self._drawn: tuple[Any, ...] | None = None
        self._shape = vtkPolyData()
        self._lines = [_line_actor(self._shape, *look) for look in (((0, 0, 0), _HALO_PX), (_COLOR, _LINE_PX))]
        self._labels: list[vtkTextActor] = []

    @property
    def texts(self) -> tuple[str, ...]:
        """What is written over the view; empty while nothing is drawn."""
        return () if self._drawn is None else tuple(text for text, *_ in self._drawn[1])

    def put(self, plane: ImagePlane | None) -> None:
        """Where the image lies from now on, before the view is moved there; None while that is not known."""
        self._plane = plane

    def show(self, renderer: Any, node: Any, plane: ImagePlane | None) -> bool:
        """Draw over the view of `node` (vtkMRMLSliceNode), in `renderer` (vtkRenderer); True when that has changed.

        plane  of the image; None while its place, and so its size, is not known: then nothing is drawn
        """
        if renderer is not self._renderer:
            self.remove()
            self._renderer = renderer
        self._plane = plane
        self._node.observe(node, {vtkCommand.ModifiedEvent: self._update})
        return self._follow()

    def remove(self) -> None:
        """Take the marks away and observe nothing."""
        self._node.release()
        self._plane = None
        self._draw(None)
        self._renderer = None

    def _update(self) -> None:
        self._follow()

    def _follow(self) -> bool:
        node, plane = self._node.node, self._plane
        if node is None or plane is None:
            return self._draw(None)
        size = node.GetDimensions()[:2]
        if min(size) < 1:
            return self._draw(None)
        to_view = np.linalg.inv(array_of_matrix(node.GetXYToRAS()))
        scale = image_scale(plane, to_view, size)
        return self._draw(None if scale is None else _marks(scale, size))

    def _draw(self, marks: tuple[list[_Line], tuple[_Label, ...]] | None) -> bool:
        # A tenth of a pixel is not seen, and a pose that trembles need not be drawn anew.
        drawn = None if marks is None else (np.round(np.concatenate(marks[0]), 1).tobytes(), marks[1])
        if drawn == self._drawn:
            return False
        self._drawn = drawn
        for actor in (*self._lines, *self._labels):
            self._renderer.RemoveViewProp(actor)
        if marks is None:
            return True
        _fill(self._shape, marks[0])
        while len(self._labels) < len(marks[1]):
            self._labels.append(_text_actor())
        for actor, (text, x, y, justified) in zip(self._labels, marks[1]):
            actor.SetInput(text)
            actor.SetPosition(x, y)
            getattr(actor.GetTextProperty(), f"SetJustificationTo{justified}")()
        for actor in (*self._lines, *self._labels[: len(marks[1])]):
            self._renderer.AddViewProp(actor)
        return True


def _marks(scale: ImageScale, size: tuple[int, int]) -> tuple[list[_Line], tuple[_Label, ...]]:
    """Lines and labels in pixels of a view of `size`, from its lower left."""
    lines, labels = list[_Line](), list[_Label]()
    # Beside the image where there is room, else within it; never outside of the view.
    side = min(max((line.at_px[0] for line in scale.depth), default=0.0) + 4, size[0] - _NUMBERS_PX)
    heights = [line.at_px[1] for line in scale.depth]
    if heights:
        lines.append([(side, min(heights)), (side, max(heights))])
    unit = " mm"
    for line in scale.depth:
        y = line.at_px[1]
        lines.append([(side, y), (side + (_NAMED_PX if line.is_named else _SHORT_PX), y)])
        if line.is_named and _TEXT_PX / 2 < y < size[1] - _TEXT_PX / 2:
            labels.append((f"{line.depth_mm:g}{unit}", side + _NAMED_PX + 3, y, "Left"))
            unit = ""
    # At the upper right, which no read-out covers: beside the depth scale only where that begins as high up, for a view
    # may be no wider than the two.
    y = size[1] - _EDGE_PX - _ARROW_PX - 16
    low = y - 48
    is_beside = max(heights, default=0.0) > low - _TEXT_PX
    right = (min(side, size[0] - _NUMBERS_PX) if is_beside else size[0]) - _EDGE_PX
    x, left = right - _ARROW_PX - 14, right - scale.bar_px
    lines += [[(left, low + 5), (left, low), (right, low), (right, low + 5)]]
    labels.append((f"{scale.bar_mm:g} mm", (left + right) / 2, low + 13, "Centered"))
    for tip, across in (((x + _ARROW_PX, y), (0, 4)), ((x, y + _ARROW_PX), (4, 0))):
        back = (tip[0] - 6 * (across[0] == 0), tip[1] - 6 * (across[0] != 0))
        lines.append([(x, y), tip])
        lines.append([(back[0] + across[0], back[1] + across[1]), tip, (back[0] - across[0], back[1] - across[1])])
    labels += [
        (scale.right, x + _ARROW_PX + 4, y, "Left"), (scale.up, x, y + _ARROW_PX + 9, "Centered"),
        ("in Reference", right, y - 13, "Right"),
    ]  # fmt: skip
    return lines, tuple((text, round(x, 1), round(y, 1), justified) for text, x, y, justified in labels)


def _fill(shape: vtkPolyData, lines: list[_Line]) -> None:
    points, cells = vtkPoints(), vtkCellArray()
    for line in lines:
        cells.InsertNextCell(len(line))
        for x, y in line:
            cells.InsertCellPoint(points.InsertNextPoint(x, y, 0))
    shape.SetPoints(points)
    shape.SetLines(cells)


def _line_actor(shape: vtkPolyData, color: tuple[float, float, float], width_px: float) -> vtkActor2D:
    mapper = vtkPolyDataMapper2D()
    mapper.SetInputData(shape)
    actor = vtkActor2D()
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(*color)
    actor.GetProperty().SetLineWidth(width_px)
    actor.PickableOff()
    return actor


def _text_actor() -> vtkTextActor:
    actor = vtkTextActor()
    actor.PickableOff()
    look = actor.GetTextProperty()
    look.SetFontSize(_TEXT_PX)
    look.SetColor(*_COLOR)
    look.SetVerticalJustificationToCentered()
    look.ShadowOn()
    look.SetShadowOffset(1, -1)
    return actor
