"""The five views of the page: the live image, three slices of the volume, and 3D."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from trame_slicer.rca_view import RemoteViewFactory
from trame_slicer.views import (
    AbstractView,
    NoScheduleRendering,
    SliceView,
    ThreeDView,
    ViewLayoutDefinition,
    ViewProps,
    ViewType,
)

from .picture_scheduler import Turns
from .remote_view import Gate, draw_by_turns, make_fit_for_several_tabs, take_presses

if TYPE_CHECKING:
    from trame_server.core import Server
    from trame_slicer.core import SlicerApp

LIVE = "Live"
SLICES = {"Red": "Axial", "Green": "Coronal", "Yellow": "Sagittal"}
THREE_D = "ThreeD"
VIEWS = (LIVE, *SLICES, THREE_D)
# Of one picture, whatever size and pixel ratio a tab asks for; larger ones are scaled by the browser.
MOST_PIXELS = 2_500_000
_COLORS = {"Red": "#F34A33", "Green": "#6DAD4A", "Yellow": "#EFD64D", LIVE: "#4FC3F7"}
_BACKGROUND = ("#0b1016", "#1d2732")


class Views:
    """The views on one scene. They render by themselves when something in them changes and a tab sees them, by turns.

    populate  called with (server, view id, view) to lay controls over a view
    on_press  called with (view, x, y) for a press of the left button, in pixels from the bottom left; True: it is
              taken, and the view itself does not see it
    frame_rate  pictures a second of a view at most
    first_seen  set from when a tab has seen a view on
    """

    def __init__(
        self, slicer_app: SlicerApp, server: Server, populate: Callable[[Server, str, AbstractView], None],
        on_press: Callable[[AbstractView, float, float], bool], frame_rate: float,
    ) -> None:  # fmt: skip
        options = {
            "target_fps": frame_rate,
            "rca_encoder": "jpeg",
            "rca_event_throttle_s": 0.03,
            "populate_view_ui_f": populate,
        }
        manager = slicer_app.view_manager
        kinds = ((SliceView, ViewType.SLICE_VIEW), (ThreeDView, ViewType.THREE_D_VIEW))
        factories = [RemoteViewFactory(server, partial(_unrendered, view), kind, **options) for view, kind in kinds]
        for factory in factories:
            manager.register_factory(factory)
        definitions = [
            ViewLayoutDefinition(tag, ViewType.SLICE_VIEW, ViewProps(orientation=orientation, label=tag, color=color))
            for tag, orientation, color in [
                (LIVE, "Axial", _COLORS[LIVE]),
                *((tag, orientation, _COLORS[tag]) for tag, orientation in SLICES.items()),
            ]
        ]
        definitions.append(ViewLayoutDefinition.threed_view(name=THREE_D, background_color=_BACKGROUND))
        turns = Turns()
        self._gates: dict[str, Gate] = {}
        self.first_seen = asyncio.Event()
        for definition in definitions:
            view = manager.create_view(definition)
            # Multisampling costs a third of the time in software.
            view.render_window().SetMultiSamples(0)
            remote = next(f for f in factories if f.has_view(definition.singleton_tag)).get_factory_view(
                definition.singleton_tag
            )
            # The last that is put around it sees an event first.
            take_presses(remote.view_adapter, partial(on_press, view))
            make_fit_for_several_tabs(remote.view_adapter)
            remote.view_adapter.max_pixel_count = MOST_PIXELS
            pictures = draw_by_turns(remote.view_adapter, frame_rate, turns)
            gate = self._gates[definition.singleton_tag] = Gate(pictures)
            view.set_scheduled_render(gate)
        manager.set_current_view_ids([definition.singleton_tag for definition in definitions])
        self.live: SliceView = manager.get_view(LIVE)
        self.slices: list[SliceView] = [manager.get_view(tag) for tag in SLICES]
        self.three_d: ThreeDView = manager.get_view(THREE_D)
        for view in (*self.slices, self.three_d):
            node = view.get_view_node()
            # The ruler is right at every zoom; in space, where near things are larger, there is none.
            view.set_ruler(node.RulerTypeThin if view is not self.three_d else node.RulerTypeNone)
            view.set_orientation_marker(node.OrientationMarkerTypeAxes, node.OrientationMarkerSizeSmall)
        self.three_d.renderer().SetUseFXAA(True)
        self.three_d.renderer().SetMaximumNumberOfPeels(4)

    @property
    def all(self) -> list[AbstractView]:
        return [self.live, *self.slices, self.three_d]

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Whatever changes inside is rendered once, at the end."""
        before = [(view, view.set_render_blocked(True)) for view in self.all]
        try:
            yield
        finally:
            for view, was_blocked in before:
                view.set_render_blocked(was_blocked)

    @contextmanager
    def slices_alone(self) -> Iterator[None]:
        """What changes inside is not seen in the three slices, which are not rendered for it."""
        before = [(self._gates[tag], self._gates[tag].is_shut) for tag in SLICES]
        for gate, _ in before:
            gate.is_shut = True
        try:
            yield
        finally:
            for gate, was_shut in before:
                gate.is_shut = was_shut

    def set_seen(self, name: str, is_seen: bool) -> None:
        """Whether any tab sees the view `name`, of VIEWS."""
        if is_seen:
            self.first_seen.set()
        self._gates[name].set_seen(is_seen)

    def show_volume(self, node: Any) -> None:
        """Three slices through the middle of a vtkMRMLScalarVolumeNode; None clears them."""
        with self.batch():
            for view in self.slices:
                view.set_background_volume_id(node.GetID() if node is not None else None)
                view.fit_view_to_content()

    def orient_slices(self, up: np.ndarray, across: np.ndarray) -> None:
        """Turn the three slices so that they lie along the axes of Reference and the probe is above.

        up, across  directions in RAS, as the ultrasound image lies: against its depth, and along its rows
        """
        up = _nearest_axis(up)
        across = _nearest_axis(across - up * (across @ up))
        through = np.cross(across, up)
        # As the image lies, along the sweep, and as the probe sees it from above.
        planes = [(across, up), (through, up), (across, -through)]
        for view, (right, upwards) in zip(self.slices, planes):
            node = view.get_view_node()
            was_modifying = node.StartModify()
            matrix = node.GetSliceToRAS()
            for column, direction in enumerate((right, upwards, np.cross(right, upwards))):
                for row in range(3):
                    matrix.SetElement(row, column, float(direction[row]))
            node.UpdateMatrices()
            node.EndModify(was_modifying)

    def go_to(self, point_ras: np.ndarray) -> None:
        """Move the three slices through a point, RAS mm."""
        with self.batch():
            for view in self.slices:
                view.get_view_node().JumpSliceByCentering(*(float(value) for value in point_ras))

    def look_at(self, points_ras: np.ndarray, up: np.ndarray, toward: np.ndarray) -> None:
        """See all `points_ras` (n, 3) in 3D; `up` is upwards, the camera stands in direction `toward`."""
        camera = self.three_d.get_camera_node()
        low, high = np.min(points_ras, axis=0), np.max(points_ras, axis=0)
        middle, size = (low + high) / 2, max(float(np.linalg.norm(high - low)), 20.0)
        toward = np.asarray(toward, dtype=float) / np.linalg.norm(toward)
        with self.batch():
            camera.GetCamera().SetViewAngle(26)
            camera.SetFocalPoint(*middle)
            camera.SetPosition(*(middle + toward * size * 2.15))
            camera.SetViewUp(*(float(value) for value in up))
            camera.ResetClippingRange()
            self.three_d.renderer().ResetCameraClippingRange()

    def ras_at(self, view: SliceView, x_px: float, y_px: float) -> np.ndarray:
        """RAS mm of a pixel (from the bottom left) of a slice view."""
        matrix = view.get_view_node().GetXYToRAS()
        return np.array(matrix.MultiplyPoint((float(x_px), float(y_px), 0.0, 1.0))[:3])

    def close(self) -> None:
        """Render no more."""
        for view in self.all:
            view.set_render_blocked(True)
            view.finalize()


def _unrendered(kind: type[AbstractView], **named: Any) -> AbstractView:
    """A view that renders nothing while it is put together; trame-slicer's own does so sixty times."""
    return kind(**named, scheduled_render_strategy=NoScheduleRendering())


def _nearest_axis(direction: np.ndarray) -> np.ndarray:
    """(3,) the axis, with its sign, that a direction is nearest to."""
    largest = int(np.argmax(np.abs(direction)))
    axis = np.zeros(3)
    axis[largest] = np.sign(direction[largest]) or 1.0
    return axis
