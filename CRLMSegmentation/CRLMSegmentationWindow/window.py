"""The window: five steps, one after the other, bound to one NavigationSession. It holds no medical logic."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager

import slicer
from CRLMSegmentationLib.scene.state import Step

from . import layouts, remembered, views
from .binding import Binding
from .box_panel import BoxPanel
from .case_panel import CasePanel
from .connect_panel import ConnectPanel
from .layouts import Layouts
from .live_slice import LiveSlice
from .navigate_panel import NavigatePanel
from .packages_panel import PackagesPanel
from .pulse import Pulse
from .record_panel import RecordPanel
from .segment_panel import SegmentPanel

# Words and numbers change no faster than they can be read.
REFRESH_EVERY_S = 0.12


class Window:
    """Binds the widgets of the .ui file to a session.

    ui                 namespace of the widgets by name
    open_session       makes the NavigationSession; raises ImportError while packages are missing
    requirements_path  Resources/requirements.txt
    """

    steps = Step

    def __init__(self, ui, open_session, requirements_path):
        self.ui = ui
        self.session = None
        self.parameters = None
        self._open_session = open_session
        self._binding = None
        self._gui_tag = self._parameters_tag = None
        self._is_entered = self._change_is_ours = self._is_refreshing = False
        self._is_dirty = True
        self._next_refresh_s = 0.0
        self._done = {}
        self.layouts = Layouts()
        self.live_slice = LiveSlice()
        self.packages = PackagesPanel(self, requirements_path)
        self.connect, self.record, self.box = ConnectPanel(self), RecordPanel(self), BoxPanel(self)
        self.segment, self.navigate, self.case = SegmentPanel(self), NavigatePanel(self), CasePanel(self)
        self.panels = {
            "connect": self.connect,
            "record": self.record,
            "box": self.box,
            "segment": self.segment,
            "navigate": self.navigate,
            "case": self.case,
        }
        self.numbered = [self.connect, self.record, self.box, self.segment, self.navigate]
        self.pulse = Pulse(self.beat, lambda: self.session is not None and self.session.is_busy)

    # When the module is shown, left, closed

    def enter(self, parameters) -> None:
        """The module is on the screen; `parameters`: the Parameters of this scene."""
        self._is_entered = True
        self._bind(parameters)
        self.open_session()
        self.packages.refresh()

    def leave(self) -> None:
        """Another module is on the screen. What is live goes on; a click or a brush is waited for no more."""
        self._is_entered = False
        self.leave_views()
        if self.session is None or not self.session.is_busy:
            self.pulse.pause()

    def leave_views(self) -> None:
        """Ask for no click, and edit nothing, any more."""
        self.box.picker.cancel()
        self.segment.picker.cancel()
        self.segment.leave_editor()

    def open_session(self) -> None:
        """Begin, unless that was done or packages are missing."""
        if self.session is None:
            try:
                self.session = self._open_session()
            except ImportError as error:
                logging.info("CRLM Segmentation: not ready yet (%s)", error)
        if self.session is not None and self._binding is None:
            self.session.add_listener(self._on_session)
            self._binding = Binding(self.session, self.parameters, self.panels)
            self._binding.apply()
            self.record.fill_engines()
            self.segment.fill_models()
            self._done = {panel: panel.is_done() for panel in self.numbered}
            self.session.start_engine()
        if self.session is not None:
            self.pulse.start()
        self._enable()
        self.refresh()

    def close_session(self) -> None:
        """Let go of the scene: stream, worker process, timers, observers. The nodes stay."""
        self.pulse.pause()
        self.leave_views()
        self.live_slice.release()
        for panel in self.panels.values():
            panel.let_go()
        session, self.session, self._binding = self.session, None, None
        if session is not None:
            session.close()
        self._unbind()

    def close(self) -> None:
        """Leave nothing behind."""
        self.close_session()
        self.pulse.close()
        for panel in self.panels.values():
            panel.close()
        self.layouts.remove()

    @contextmanager
    def scene_change_is_ours(self):
        """While the session itself replaces the scene, the window goes on with it."""
        self._change_is_ours = True
        try:
            yield
        finally:
            self._change_is_ours = False

    @property
    def is_changing_scene(self) -> bool:
        """True inside scene_change_is_ours()."""
        return self._change_is_ours

    # Parameters

    def _bind(self, parameters) -> None:
        if self.parameters is not None and parameters.parameterNode is self.parameters.parameterNode:
            return
        self._unbind()
        self.parameters = parameters
        remembered.recall(parameters)
        self._gui_tag = parameters.connectGui(self.ui)
        node = parameters.parameterNode
        self._parameters_tag = node.AddObserver("ModifiedEvent", self._on_parameters)
        if self.session is not None:
            self._binding = None

    def _unbind(self) -> None:
        parameters, self.parameters = self.parameters, None
        if parameters is None:
            return
        parameters.parameterNode.RemoveObserver(self._parameters_tag)
        parameters.disconnectGui(self._gui_tag)

    def _on_parameters(self, *_unused) -> None:
        if self._binding is not None:
            remembered.remember(self.parameters)
            self._binding.apply()

    # The pulse of the session

    def beat(self) -> None:
        """Let the session work, and show what has come of it; called by the pulse."""
        # Image, pose, tools and distances change one after the other, and a view that was asked to draw a while ago
        # draws at once when it is asked again (ctkVTKAbstractView::scheduleRender): several times a beat, and with
        # half of them in their new places. While paused it keeps the wish, and draws once at the end of the block.
        with slicer.util.RenderBlocker():
            self._work()

    def _work(self) -> None:
        if self.session is None:
            return
        try:
            self.session.process()
            self.navigate.tick()
        except Exception:
            # A fault here would come back thirty times a second: told once, and the live view goes no further.
            self.pulse.pause()
            logging.exception("CRLM Segmentation: the live view has stopped")
            self.case.tell_fault()
            return
        now_s = time.monotonic()
        if now_s >= self._next_refresh_s and (self._is_dirty or self.session.is_busy):
            self._next_refresh_s = now_s + REFRESH_EVERY_S
            self._is_dirty = False
            self.live_slice.follow(self.session, self.parameters.useSlicerIgt)
            self.refresh()
        if not self._is_entered and not self.session.is_busy:
            self.pulse.pause()

    def _on_session(self, _state) -> None:
        self._is_dirty = True

    def refresh(self) -> None:
        """Bring every widget up to date, and open the step that follows one that is done."""
        if self._is_refreshing or self.session is None or self.parameters is None:
            return
        self._is_refreshing = True
        try:
            for panel in self.panels.values():
                panel.refresh()
            self._go_on()
        finally:
            self._is_refreshing = False

    def _go_on(self) -> None:
        """What happens once, when a step is done: the next one opens, and the views show what it needs."""
        for number, panel in enumerate(self.numbered):
            is_done, was_done = panel.is_done(), self._done.get(panel, False)
            self._done[panel] = is_done
            if is_done and not was_done:
                panel.on_done()
                if number + 1 < len(self.numbered):
                    self.open_step(self.numbered[number + 1])

    def open_step(self, wanted) -> None:
        """Open one step and close the others, whose state stands beside their titles."""
        for panel in self.numbered:
            panel.section.collapsed = panel is not wanted
            panel.show_title()

    def _enable(self) -> None:
        for panel in self.panels.values():
            panel.set_enabled(self.session is not None)

    # What the views show

    def show_live(self) -> None:
        """The live image large, the 3D view and the growing volume beside it."""
        self.layouts.show(layouts.SWEEPING)
        self.live_slice.follow(self.session, self.parameters.useSlicerIgt)
        views.aim_camera(self.live_slice.center_ras, self.live_slice.image_to_ras)

    def show_volume(self) -> None:
        """The reconstructed volume in three slices, and the 3D view."""
        self.layouts.show(layouts.PLANNING)
        self._show_planning_aids(True)
        views.show_volume(self.session.volume_node())

    def show_tumor(self) -> None:
        """The planning view through the middle of the tumor."""
        self.layouts.show(layouts.PLANNING)
        self._show_planning_aids(True)
        self._look_at_tumor()

    def show_navigation(self) -> None:
        """The live image beside the tumor and the tools."""
        self.layouts.show(layouts.NAVIGATION)
        self._show_planning_aids(False)
        self.live_slice.follow(self.session, self.parameters.useSlicerIgt)
        self._look_at_tumor()

    def take_threshold(self) -> None:
        """A segmentation has come: its threshold stands at the slider."""
        if self._binding is not None:
            self._binding.take_threshold()

    def _show_planning_aids(self, wanted: bool) -> None:
        """The box, and the color that fills the tumor in the slices: in the live image only its outline is drawn."""
        if self.session.box is not None:
            self.session.box_node().SetDisplayVisibility(wanted)
        segmentation = self.session.segmentation_node()
        if segmentation is not None and segmentation.GetDisplayNode() is not None:
            segmentation.GetDisplayNode().SetVisibility2DFill(wanted)

    def _look_at_tumor(self) -> None:
        center = views.center_of(self.session.surface_node())
        if center is None:
            center = views.center_of(self.session.volume_node())
        if center is not None:
            views.center_slices(center)
            views.aim_camera(center, self.live_slice.image_to_ras)

