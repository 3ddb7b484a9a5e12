"""The window: five steps, one after the other, bound to one Session. It holds no medical logic."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import slicer
from CRLMSegmentationLib.session.state import Step

from . import remembered
from .binding import Binding
from .ct.ct_panel import CtPanel
from .fault_watch import FaultWatch
from .hands_free.hands_free_panel import HandsFreePanel
from .panels.box_panel import BoxPanel
from .panels.calibrate_panel import CalibratePanel
from .panels.case_panel import CasePanel
from .panels.connect_panel import ConnectPanel
from .panels.navigate_panel import NavigatePanel
from .panels.packages_panel import PackagesPanel
from .panels.record_panel import RecordPanel
from .panels.scope_panel import ScopePanel
from .panels.scrolling import bring_into_view, leave_its_place
from .panels.sections import Sections
from .panels.segment_panel import SegmentPanel
from .panels.source_panel import SourcePanel
from .panels.tumors_panel import TumorsPanel
from .process_timer import ProcessTimer
from .questions import Questions
from .scene_changes import SceneChanges
from .view.drawing import Drawing
from .view.layouts import Layouts
from .view.live_slice import LiveSlice
from .view.shown import Shown

if TYPE_CHECKING:
    from CRLMSegmentationLib.mrml.scene_view import SceneView
    from CRLMSegmentationLib.session.session import Session

    from .panels.step_panel import StepPanel
    from .parameters import Parameters

# Text and numbers change no faster than they can be read; what only counts on, such as frames, more slowly.
REFRESH_EVERY_S, COUNT_EVERY_S = 0.12, 0.4


class Window:
    """Binds the widgets of the .ui file to a session.

    ui                 namespace of the widgets by name
    open_session       makes the Session and its SceneView; raises ImportError while packages are missing
    requirements_path  Resources/requirements.txt
    """

    steps = Step

    def __init__(
        self, ui: SimpleNamespace, open_session: Callable[[], tuple[Session, SceneView]], requirements_path: Path
    ):
        self.ui = ui
        self.session: Session | None = None
        self.view: SceneView | None = None
        self.parameters: Parameters | None = None
        self._open_session = open_session
        self._binding = None
        self._gui_tag = self._parameters_tag = None
        self._is_entered = self._is_refreshing = False
        self._is_dirty = True
        self._next_refresh_s = self._next_count_s = 0.0
        self._faults, self._shown_fault = FaultWatch(), ""
        self.questions = Questions()
        self.scene = SceneChanges(self)
        self.shown = Shown(self)
        self.layouts, self.drawing = Layouts(self._on_layout), Drawing()
        self.live_slice = LiveSlice()
        self.packages = PackagesPanel(self, requirements_path)
        self.connect, self.record, self.box = ConnectPanel(self), RecordPanel(self), BoxPanel(self)
        self.segment, self.navigate, self.case = SegmentPanel(self), NavigatePanel(self), CasePanel(self)
        self.source, self.calibrate, self.ct = SourcePanel(self), CalibratePanel(self), CtPanel(self)
        self.tumors, self.scope, self.hands_free = TumorsPanel(self), ScopePanel(self), HandsFreePanel(self)
        names = "source tumors connect record box segment navigate calibrate ct scope case hands_free"
        self.panels = {name: getattr(self, name) for name in names.split()}
        self.numbered = [self.connect, self.record, self.box, self.segment, self.navigate]
        self.sections = Sections(self.numbered, self._may_navigate, bring_into_view)
        self.timer = ProcessTimer(self.tick, lambda: self._has_work, self.drawing.release)

    # When the module is shown, left, closed

    def enter(self, parameters: Parameters) -> None:
        """The module is on the screen; `parameters`: those of this scene."""
        self._is_entered = True
        self._bind(parameters)
        self.open_session()
        self.packages.refresh()

    def leave(self) -> None:
        """Another module is on the screen. What is live goes on; a click or a brush is waited for no more."""
        self._is_entered = False
        self.hands_free.leave()
        leave_its_place(self.ui.tumorsFrame)
        self.leave_views()
        if not self._has_work:
            self.timer.pause()

    def leave_views(self) -> None:
        """Ask for no click, and edit nothing, any more."""
        self.box.picker.cancel()
        self.segment.picker.cancel()
        self.segment.leave_editor()
        self.ct.leave()

    def open_session(self) -> None:
        """Begin, unless that was done or packages are missing."""
        if self.session is None:
            try:
                self.session, self.view = self._open_session()
                self.view.moving = self.drawing.moving
            except ImportError as error:
                logging.info("CRLM Segmentation: not ready yet (%s)", error)
        if self.session is not None and self._binding is None:
            self.session.add_listener(self._on_session)
            self._binding = Binding(self.session, self.parameters, self.panels)
            self._binding.apply()
            self.record.fill_engines()
            self._begin_case()
            self.session.engine.start()
        if self.session is not None:
            # Models may have been imported meanwhile.
            self.segment.fill_models()
            self.timer.start()
        for panel in self.panels.values():
            panel.set_enabled(self.session is not None)
        self.refresh()

    def close_session(self) -> None:
        """Release the scene: stream, worker process, timers, observers. The nodes stay."""
        self.timer.pause()
        self.leave_views()
        self.live_slice.release()
        for panel in self.panels.values():
            panel.release()
        session, self.session, self.view, self._binding = self.session, None, None, None
        if session is not None:
            session.close()
        self._unbind()

    def close(self) -> None:
        """Leave nothing behind."""
        self.close_session()
        self.timer.close()
        for panel in self.panels.values():
            panel.close()
        self.layouts.remove()

    # Parameters

    def _bind(self, parameters: Parameters) -> None:
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

    # The timer of the session

    def tick(self) -> None:
        """Let the session work, and show what has come of it; called by the timer."""
        with self.drawing.once():
            self._work()

    def _work(self) -> None:
        session = self.session
        if session is None or slicer.mrmlScene.IsBatchProcessing():
            # Half of a scene that is being loaded or closed is nothing to work on.
            return
        # Each part on its own: a fault in what is shown must not end what is recorded.
        with self._faults.caught():
            session.process()
        # The session has restored what was loaded.
        with self._faults.caught():
            self.scene.check_import()
        with self._faults.caught():
            if not self.fault:
                self.record.tick()
                self.navigate.tick()
                self.scope.tick()
        if self.fault:
            # Also where the fault is the window's own: a stylus in space beside a read-out that says LOST is believed.
            for show_lost in (self.navigate.show_lost, self.view.hide_live, self.scope.hide_live):
                with self._faults.caught():
                    show_lost()
            self.case.note_fault()
        now_s, fault = time.monotonic(), self.fault
        is_due = now_s >= self._next_refresh_s and (self._is_dirty or self._has_work or fault)
        if is_due or fault != self._shown_fault:
            is_news = self._is_dirty or bool(fault) or fault != self._shown_fault
            self._shown_fault = fault
            self._next_refresh_s = now_s + REFRESH_EVERY_S
            # An image that is old is told of at once.
            with self._faults.caught():
                self.shown.follow_live()
            if is_news or now_s >= self._next_count_s:
                self._next_count_s = now_s + COUNT_EVERY_S
                self._is_dirty = False
                with self._faults.caught():
                    self.refresh()
        if not self._is_entered and not self._has_work:
            self.timer.pause()

    @property
    def _has_work(self) -> bool:
        """True while the session has work, and while a distance is shown that goes with the clock and no other news."""
        return self.session is not None and (self.session.is_busy or self.navigate.shows_live)

    @property
    def fault(self) -> str:
        """Why nothing that is shown can be trusted at present; '' when it can."""
        if self.session is not None and self.session.fault:
            return self.session.fault
        return self._faults.sentence

    def _on_session(self, _state) -> None:
        self._is_dirty = True

    def _on_layout(self) -> None:
        """Somebody chose other views: nothing is painted or asked for where it is not seen."""
        if self.session is not None:
            self.segment.leave_hidden_editor()
            self.refresh()

    def refresh(self) -> None:
        """Bring every widget up to date, and open the step that follows one that is done."""
        if self._is_refreshing or self.session is None or self.parameters is None:
            return
        self._is_refreshing = True
        try:
            if self._binding is not None:
                self._binding.update_from_session()
            self.segment.leave_hidden_editor()
            errors = [error for error in map(self._refreshed, self.panels.values()) if error is not None]
            if errors:
                raise errors[0]
            self.sections.follow()
        finally:
            self._is_refreshing = False

    @staticmethod
    def _refreshed(panel: StepPanel | SourcePanel | TumorsPanel) -> Exception | None:
        """Bring one panel up to date. What it raises is kept for later, so that the others do not stand still."""
        try:
            panel.refresh()
        except Exception as error:
            panel.show_fault()
            return error
        return None

    @property
    def has_tumor(self) -> bool:
        """True while there is a tumor to navigate by."""
        return self.session.state.status(self.steps.NAVIGATE).name == "READY"

    def _may_navigate(self) -> bool:
        """True while a person may navigate by the chosen tumor, and no other one is just being found."""
        return self.session is not None and self.has_tumor and self.session.tumor.surface is not None

    def open_step(self, wanted: StepPanel) -> None:
        """Open one step and close the others, whose state stands beside their titles."""
        self.sections.open(wanted)

    # Another case in this session

    def show_case(self) -> None:
        """The session holds another case now: show it as it stands."""
        self.leave_views()
        self._begin_case()
        self.refresh()

    def show_tumor(self) -> None:
        """Another tumor is chosen: the threshold and the views are those of it. Who navigates stays at that."""
        self.show_threshold()
        if self.navigate.is_shown:
            self.shown.navigation()
        elif self.session.tumor.surface is not None:
            self.shown.tumor()
        elif self.view.volume_node() is not None:
            self.shown.volume()

    def _begin_case(self) -> None:
        self.show_threshold()
        self._binding.update_from_session()
        self.shown.case()
        self.sections.begin()

    def show_threshold(self) -> None:
        """A segmentation has come: its threshold stands at the slider."""
        if self._binding is not None:
            self._binding.show_threshold()
