"""What the page's buttons and clicks do in the steps from recording on. What a tab asks for is checked here, before the
session sees them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ConfigurationError, CRLMError
from ...session import actions
from ...session.state import Step
from ...values import Box
from ...words import tr
from ..controller import Controller
from .ct_actions import LANDMARK
from .questions import Choice, Questions
from .reported import ReportingActions, number_of, reported
from .settable import BOX_MM, BRUSH_MM, MARGIN_MM, THRESHOLDS
from .source_actions import SourceActions

if TYPE_CHECKING:
    from trame_slicer.views import AbstractView


class Actions(ReportingActions):
    """Bound to the page's buttons by page.Page, to its sliders by bind()."""

    def __init__(self, controller: Controller, source: SourceActions, questions: Questions) -> None:
        super().__init__(controller)
        self._source, self._questions = source, questions

    def bind(self) -> None:
        """Sliders and choices that work while they are moved."""
        state = self._state
        state.change("threshold")(self._on_threshold)
        state.change("box_edge_mm")(self._on_box_edge)
        state.change("margin_mm")(self._on_margin)
        state.change("brush_mm")(self._on_brush)
        state.change("model")(self._on_model)
        state.change("device")(self._on_device)
        state.change("open_step")(self._on_open_step)

    # 2 Record

    @reported
    def start_recording(self) -> None:
        actions.RECORD.run(self._session)
        self._controller.open_step.start(Step.RECONSTRUCT)

    @reported
    def stop_recording(self) -> None:
        self._controller.open_step.start(Step.RECONSTRUCT)
        actions.STOP.run(self._session)

    @reported
    def reconstruct(self) -> None:
        actions.RECONSTRUCT.run(self._session)
        self._controller.open_step.start(Step.RECONSTRUCT)

    @reported
    def switch_outlines(self) -> None:
        """Outline live images, or no more."""
        actions.OUTLINE.run(self._session, not self._session.live.is_on)

    # For other programs

    @reported
    def publish(self, port: object) -> None:
        """Send tumor and distances to those that connect to a port of this computer."""
        chosen = int(number_of(port))
        if not 0 < chosen < 65536:
            raise ConfigurationError(tr("Give a port from 1 to 65535 at which other programs connect."))
        actions.PUBLISH.run(self._session, chosen)

    @reported
    def stop_publishing(self) -> None:
        """Send no more."""
        actions.STOP_PUBLISHING.run(self._session)

    # 3 Box

    @reported
    def accept_box(self) -> None:
        """Take what the live outlines propose."""
        actions.ACCEPT_BOX.run(self._session)
        box = self._session.box.value
        if box is not None:
            self._controller.views.go_to(box.center_ras)
        with self._state as state:
            state.placing = ""

    @reported
    def place_box(self) -> None:
        """The next click in a slice places the box."""
        actions.PLACE_BOX.check(self._session)
        self._state.placing = "box"

    @reported
    def place_box_at_truth(self) -> None:
        """Around the simulator's own tumor."""
        if self._state.truth_known and self._source.truth is not None:
            self._put_box(Box.around_mask(self._source.truth), tight=True)

    def click_in_view(self, view: AbstractView, x_px: float, y_px: float) -> bool:
        """A press of the left button; True when it placed something."""
        placing = self._state.placing
        if not placing or view not in self._controller.views.slices:
            return False
        point = self._controller.views.ras_at(view, x_px, y_px)
        with self._state as state:
            state.placing = ""
        if placing == "seed":
            # The event loop holds a task weakly only.
            self._growing = asyncio.ensure_future(self._grow(point))
        elif placing == LANDMARK:
            self._growing = asyncio.ensure_future(self._find_landmark(point))
        else:
            edge_mm = float(np.clip(number_of(self._state.box_edge_mm), *BOX_MM))
            try:
                self._put_box(Box(point, np.full(3, edge_mm)), tight=False)
            except CRLMError as error:
                self.report_error(str(error))
            self.after_action()
        return True

    @reported
    def _find_landmark(self, point: np.ndarray) -> None:
        actions.FIND_LANDMARK.run(self._session, point)

    def _put_box(self, box: Box, tight: bool) -> None:
        actions.PLACE_BOX.run(self._session, box, tight)
        self._controller.views.go_to(box.center_ras)
        with self._state as state:
            state.placing = ""

    # 4 Segment

    @reported
    def segment(self) -> None:
        """Find the tumor in the box with the chosen model."""
        actions.FIND.check(self._session)
        self._unless_corrected(self._start_segment)

    def _start_segment(self) -> None:
        self._controller.correction.end()
        self._controller.open_step.open_from("box", "segment")
        actions.FIND.run(self._session)

    def _unless_corrected(self, then: Callable[[], None]) -> None:
        """Do `then`, which makes another tumor, when no hand has worked on this one, else ask first."""
        if not self._session.tumor.has_hand_corrections:
            then()
            return
        self._questions.ask(
            tr("The tumor was corrected by hand. Finding it anew takes that away."),
            Choice(tr("Find it anew"), then, "error"), Choice(tr("Cancel")),
        )  # fmt: skip

    @reported
    def add_tumor(self) -> None:
        """Keep this tumor; the next click in a slice places the box around another one."""
        self._controller.correction.end()
        actions.ADD_TUMOR.run(self._session)
        self._controller.open_step.open("box")
        self._state.placing = "box"

    @reported
    def choose_tumor(self, number: object) -> None:
        """The steps work on that tumor, and the slices go through it."""
        actions.CHOOSE_TUMOR.check(self._session)
        self._controller.correction.end()
        actions.CHOOSE_TUMOR.run(self._session, int(number_of(number)))
        self._look_at_tumor()

    @reported
    def next_tumor(self) -> None:
        """The same with the one that stands next in the list."""
        actions.NEXT_TUMOR.check(self._session)
        self._controller.correction.end()
        actions.NEXT_TUMOR.run(self._session)
        self._look_at_tumor()

    @reported
    def show_newest(self) -> None:
        """Back to the volume of the newest sweep."""
        actions.SHOW_NEWEST.check(self._session)
        self._controller.correction.end()
        actions.SHOW_NEWEST.run(self._session)
        self._look_at_tumor()

    def _look_at_tumor(self) -> None:
        """The slices are those of the volume that is worked on now, and go through the tumor."""
        self._controller.show_views()
        box = self._session.tumors.chosen.box
        if box is not None:
            self._controller.views.go_to(box.center_ras)
        with self._state as state:
            state.placing = ""

    @reported
    def rename_tumor(self, number: object, name: object) -> None:
        actions.RENAME_TUMOR.run(self._session, int(number_of(number)), str(name))
        with self._state as state:
            state.renaming = 0

    @reported
    def delete_tumor(self, number: object) -> None:
        """Asks first where a hand has worked on it."""
        actions.DELETE_TUMOR.check(self._session)
        tumor = self._session.tumors.get(int(number_of(number)))
        self._controller.correction.end()
        is_chosen = tumor.number == self._session.tumors.chosen.number
        by_hand = is_chosen and self._session.tumor.has_hand_corrections

        def delete() -> None:
            actions.DELETE_TUMOR.run(self._session, tumor.number)

        if not (by_hand or (tumor.found is not None and tumor.found.is_corrected)):
            delete()
            return
        self._questions.ask(
            tr("{name} was corrected by hand. Deleting it takes that away.", name=tumor.name),
            Choice(tr("Delete {name}", name=tumor.name), delete, "error"), Choice(tr("Cancel")),
        )  # fmt: skip

    @reported
    def go_navigate(self) -> None:
        """The tumor is as it should be: whoever says so has looked at what speaks against it."""
        actions.NAVIGATE.run(self._session)
        if actions.ACKNOWLEDGE.can_run(self._session):
            actions.ACKNOWLEDGE.run(self._session)
        self._controller.open_step.open_from("segment", "navigate")

    @reported
    def cancel(self) -> None:
        # It may have ended while the click was on its way.
        if actions.CANCEL.can_run(self._session):
            actions.CANCEL.run(self._session)

    @reported
    def place_seed(self) -> None:
        """The next click in a slice is where the region grows from."""
        actions.GROW.check(self._session)
        self._state.placing = "seed"

    @reported
    def _grow(self, point: np.ndarray) -> None:
        self._unless_corrected(lambda: actions.GROW.run(self._session, point))

    @reported
    def discard_corrections(self) -> None:
        """Undoing strokes would bring back what is taken away."""
        self._controller.correction.forget()
        actions.DISCARD.run(self._session)

    @reported
    def choose_tool(self, tool: object, brush_mm: object) -> None:
        self._controller.correction.choose(str(tool), float(np.clip(number_of(brush_mm), *BRUSH_MM)))

    @reported
    def undo(self) -> None:
        self._controller.correction.undo()

    @reported
    def redo(self) -> None:
        self._controller.correction.redo()

    def _on_threshold(self, threshold: object, **_: object) -> None:
        now = self._session.tumor.threshold
        value = float(np.clip(number_of(threshold), *THRESHOLDS))
        if self._session.tumor.has_probability and now is not None and abs(value - now) > 0.004:
            self._controller.request_threshold(value)

    def _on_box_edge(self, box_edge_mm: object, **_: object) -> None:
        """Edges of one length, about the same center; not when the slider only follows the box."""
        box = self._session.box.value if self._state.has_box else None
        edge_mm = float(np.clip(number_of(box_edge_mm), *BOX_MM))
        if box is not None and edge_mm != self._controller.shown_edge_mm:
            self._session.box.set(Box(box.center_ras, np.full(3, edge_mm), box.axes_ras), tight=False)

    def _on_brush(self, brush_mm: object, **_: object) -> None:
        if self._controller.correction.is_on:
            self._controller.correction.set_brush(float(np.clip(number_of(brush_mm), *BRUSH_MM)))

    def _on_model(self, model: str, **_: object) -> None:
        if model in {choice.name for choice in self._session.engine.model_choices()}:
            self._session.engine.set_model(model)

    def _on_device(self, device: str, **_: object) -> None:
        if device in ("auto", "cpu", "cuda"):
            self._session.engine.set_device(device)

    # 5 Navigate

    def _on_margin(self, margin_mm: object, **_: object) -> None:
        actions.MARGIN.run(self._session, float(np.clip(number_of(margin_mm), *MARGIN_MM)))

    def _on_open_step(self, open_step: str, **_: object) -> None:
        """A tool that was forgotten must not draw in the next step; lists are as they are now."""
        self._controller.open_step.on_change(open_step)
        if open_step in ("connect", "segment", "calibrate"):
            self._controller.fill_choices()
        if open_step != "segment":
            self._controller.correction.end()
        if open_step != {"box": "box", LANDMARK: "ct"}.get(self._state.placing, open_step):
            self._state.placing = ""
