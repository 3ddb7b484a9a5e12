"""What the views show in each part of a case: the layout, the slices, the camera, the box and the tumor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import layouts, views
from .planning_axes import planning_axes

if TYPE_CHECKING:
    from CRLMSegmentationLib.session.tumors.case_tumor import Scan

    from ..window import Window


class Shown:
    """Arranges Slicer's views for the window's session."""

    def __init__(self, window: Window):
        self._window = window
        # The scan whose volume fills the planning slices.
        self._fitted: Scan | None = None

    def live(self) -> None:
        """The live image large, the 3D view and the growing volume beside it."""
        window = self._window
        window.layouts.show(layouts.SWEEPING)
        self.follow_live()
        views.aim_camera(window.live_slice.center_ras, window.live_slice.image_to_ras)

    def volume(self) -> None:
        """The reconstructed volume in three slices, and the 3D view."""
        self._planning()
        self.lay_slices()
        self._fit_volume()

    def tumor(self) -> None:
        """The planning view through the middle of the tumor."""
        self._planning()
        self.lay_slices()
        if self._window.session.tumors.scan is not self._fitted:
            self._fit_volume()
        self._center_on_tumor()

    def navigation(self) -> None:
        """The live image beside the tumor and the tools."""
        self._window.layouts.show(layouts.NAVIGATION)
        self._show_planning_aids(False)
        self.follow_live()
        self._center_on_tumor()

    def case(self) -> None:
        """What was loaded or opened, as far as it goes; nothing when there is nothing.

        Slicer itself may have put the live image into the planning slices, where it would stay when it is not live.
        """
        self._window.layouts.apply_style()
        if self._window.has_tumor:
            self.tumor()
        elif self._window.view.volume_node() is not None:
            self.volume()
        else:
            views.clear_slices(self._window.view.live_image_node())

    def planning_of_ct(self) -> None:
        """Three slices along the axes of the patient, for a CT in a case that is empty."""
        self._window.layouts.show(layouts.PLANNING)
        views.lay_slices_anatomically()

    def follow_live(self) -> None:
        """Have the live view in the plane of the image, with text over it when it is not live."""
        window = self._window
        window.live_slice.follow(window.view, window.parameters.useSlicerIgt, window.fault)

    def lay_slices(self) -> None:
        """Have the planning slices lie as the sweep lies."""
        session = self._window.session
        sweep = session.recording.sweep
        poses = [] if sweep is None else [frame.image_to_reference for frame in sweep.valid_frames]
        axes = planning_axes(poses)
        if axes is None and self._window.live_slice.image_to_ras is not None:
            axes = planning_axes([self._window.live_slice.image_to_ras])
        if axes is not None:
            views.turn_slices(axes)

    def _fit_volume(self) -> None:
        views.show_volume(self._window.view.volume_node())
        self._fitted = self._window.session.tumors.scan

    def _planning(self) -> None:
        self._window.layouts.show(layouts.PLANNING)
        self._show_planning_aids(True)

    def _show_planning_aids(self, wanted: bool) -> None:
        """The box, and the color that fills the tumor in the slices: in the live image only its outline is drawn."""
        session = self._window.session
        # While it is asked whether this is the same patient, the session hides them.
        if session.box.value is not None and session.case.question is None:
            self._window.view.box_node().SetDisplayVisibility(wanted)
        segmentation = self._window.view.segmentation_node()
        if segmentation is not None and segmentation.GetDisplayNode() is not None:
            segmentation.GetDisplayNode().SetVisibility2DFill(wanted)

    def _center_on_tumor(self) -> None:
        center = views.center_of(self._window.view.surface_node())
        if center is None:
            center = views.center_of(self._window.view.volume_node())
        if center is not None:
            views.center_slices(center)
            views.aim_camera(center, self._window.live_slice.image_to_ras)
