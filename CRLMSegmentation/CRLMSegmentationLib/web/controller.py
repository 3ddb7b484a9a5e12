"""The page's heart: the session, its views, and the values of the page, brought together thirty times a second.

Whatever is raised there, nothing that was live is left on the page as live: read-outs are lost, the image is hidden.
And should even that fail, or the connection, a tab misses the heartbeat and says so itself (assets/page.js).
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CRLMError
from ..mrml.application import application_on
from ..mrml.scene_view import SceneView
from ..session import actions
from ..session.case.case_source import REPLAYED
from ..session.session import Session
from ..session.state import SessionState, Step, StepStatus
from ..words import mark, tr
from .actions.settable import BOX_MM
from .library import Library
from .page import mirror
from .page.beside_values import BesideValues
from .page.charts import Series
from .page.open_step import OpenStep
from .views.correction import Correction
from .views.display import Display

if TYPE_CHECKING:
    from trame_server.state import State
    from trame_slicer.core import SlicerApp
    from trame_slicer.views import AbstractView

    from .views.views import Views

_PERIOD_S = 1 / 30
_FIGURES_EVERY_S = 0.2
_THRESHOLD_EVERY_S = 0.15
_FAULT = mark("Not live: the program has a fault")
_NOTHING_IS_LIVE = mark(
    "Nothing on the page is live, because something went wrong, and it is a fault of this program ({fault}). Receiving "
    "and recording go on."
)

_logger = logging.getLogger(__name__)


class Controller:
    """One session on one page; every tab that is open shows it.

    state    trame's state, with the values of PageState
    library  files that can be chosen
    views, display  from show_in() on, which comes before anything else
    """

    views: Views
    display: Display

    def __init__(self, slicer_app: SlicerApp, state: State, library: Library) -> None:
        # Its logics own nodes of the scene, such as the color tables: they must live as long as the session.
        self._slicer_app = slicer_app
        self.state = state
        self.library = library
        self.open_step = OpenStep(state)
        self.session = Session()
        self.view = SceneView(self.session, application_on(slicer_app.scene, slicer_app.app_logic))
        self.session.recording.folder = library.recordings
        self.session.accuracy.read(library.folder, self.session.report)
        self.correction = Correction(slicer_app, self.view)
        self.beside = BesideValues(self.session)
        self.rates, self.distances = Series(30.0), Series(30.0)
        self.shown_edge_mm = 0.0
        self._requested_threshold: float | None = None
        self._threshold_s = self._figures_s = 0.0
        self._changed, self._is_measuring, self._fault, self._heartbeats = True, False, "", 0
        self._notices: tuple[str, ...] = ()
        self._segment_status: StepStatus | None = None
        self.session.add_listener(self._on_session)

    def show_in(self, views: Views) -> None:
        """The views that the scene is seen in."""
        self.views = views
        self.view.moving = views.slices_alone
        self.display = Display(self.view.scene, views)

    async def run(self) -> None:
        """Until it is cancelled: take in what has arrived, and show it; half of the time is left to the person."""
        while True:
            started = time.monotonic()
            self.step_safely(started)
            took_s = time.monotonic() - started
            await asyncio.sleep(max(0.005, took_s, _PERIOD_S - took_s))

    def step_safely(self, now_s: float) -> None:
        """Once, whatever is raised."""
        try:
            self.step(now_s)
        except Exception as error:
            try:
                self._lose(error)
            except Exception:
                # Without a heartbeat, every tab says by itself that it is cut off.
                _logger.exception("The page could not be shown as lost.")
        else:
            self._fault = ""

    def _lose(self, error: Exception) -> None:
        """Nothing on the page is live any more; the sentence is reported once, the next step may be well again."""
        fault = f"{type(error).__name__}: {error}"
        is_new, self._fault = fault != self._fault, fault
        if is_new:
            _logger.error("The page could not be brought up to date.", exc_info=error)
        self._is_measuring, self._changed = False, True
        with self.state as state:
            state.alarm, state.tools = "lost" if state.tools else "", mirror.lost_lines(state.tools)
            state.tumors = mirror.lost_tumors(state.tumors)
            state.frames_per_second, state.live_text, state.live_hidden = 0.0, tr(_FAULT), True
            steps = state.steps
            if steps["navigate"]["status"] == "live":
                state.steps = {**steps, "navigate": {"status": "failed", "text": tr("Distances are lost")}}
            self._count_heartbeat(state)
        if is_new:
            self.report_error(tr(_NOTHING_IS_LIVE, fault=fault))
        try:
            self.display.hide_live()
        except Exception:
            _logger.debug("The live image could not be hidden.", exc_info=True)

    def step(self, now_s: float) -> None:
        """Once."""
        self.session.process()
        if self._requested_threshold is not None and now_s - self._threshold_s > _THRESHOLD_EVERY_S:
            threshold, self._requested_threshold, self._threshold_s = self._requested_threshold, None, now_s
            self.correction.forget_strokes()
            try:
                self.session.tumor.set_threshold(threshold)
            except CRLMError as error:
                self.report_error(str(error))
        if self.correction.is_on and not self.session.tumor.is_correcting:
            self.correction.forget()
        self.show_views()
        if self._changed:
            self._changed = False
            self.show_steps()
        self.show_distances()
        if now_s - self._figures_s >= _FIGURES_EVERY_S:
            self._figures_s = now_s
            self.show_figures(now_s)

    def show_views(self) -> None:
        """The image and everything in the views; what is not live any more goes at once."""
        session = self.session
        text, is_shown = mirror.live_view(session.stream.status, session.stream.is_live)
        if session.fault is not None:
            text, is_shown = tr(_FAULT), False
        if (text, is_shown) != (self.state.live_text, not self.state.live_hidden):
            with self.state as state:
                state.live_text, state.live_hidden = text, not is_shown
        sweep, is_placed = session.recording.sweep, is_shown and not text
        self.display.refresh(self.state.open_step, self.correction.is_on, sweep, is_shown, is_placed=is_placed)

    def _count_heartbeat(self, state: State) -> None:
        self._heartbeats += 1
        state.heartbeat = self._heartbeats

    def request_threshold(self, threshold: float) -> None:
        """Cut the probability there as soon as there is time; only the newest request counts."""
        self._requested_threshold = threshold

    def _on_session(self, _state: SessionState) -> None:
        self._changed = True

    # Sentences

    def report_error(self, sentence: str) -> None:
        with self.state as state:
            state.error_text, state.errors = self.library.without_places(sentence), state.errors + 1

    def report_note(self, sentence: str) -> None:
        with self.state as state:
            state.note_text, state.notes = self.library.without_places(sentence), state.notes + 1

    # What the page shows

    def show_steps(self) -> None:
        """How far the steps are, and what belongs to them."""
        session = self.session
        steps = session.state
        question = session.case.question
        # What is asked about is on no page until it is answered.
        is_there = session.tumor.surface is not None and steps.status(Step.SEGMENT) is not StepStatus.STALE
        has_tumor = is_there and question is None and steps.status(Step.NAVIGATE) is not StepStatus.WAITING
        is_found = steps.status(Step.SEGMENT) is StepStatus.DONE and question is None
        none_found = is_found and session.tumor.surface is None and not session.tumor.has_hand_corrections
        doubts_new = is_found and not session.tumor.doubts_acknowledged
        has_volume = steps.status(Step.RECONSTRUCT) is StepStatus.DONE
        box = None if steps.status(Step.BOX) is StepStatus.FAILED or question is not None else session.box.value
        new_notices = [notice for notice in steps.notices if notice not in self._notices]
        self._notices = steps.notices
        engine = session.engine.status
        with self.state as state:
            lines = mirror.step_lines(steps, self._is_measuring, none_found or doubts_new)
            plain = self.library.without_places
            state.steps = {name: {**line, "text": plain(line["text"])} for name, line in lines.items()}
            state.progress = round(100 * steps.progress, 1)
            state.running = mirror.running_step(session.jobs.running)
            state.recording = session.recording.state is not None
            state.has_sweep = session.recording.sweep is not None
            state.has_volume = has_volume
            state.has_picture = self.display.shows_volume
            state.has_box = box is not None
            state.slice_titles = list(self.display.slice_titles)
            state.box_warnings = list(session.box.warnings) if box is not None and has_volume else []
            state.has_tumor = has_tumor
            state.can_navigate = question is None and session.tools.has_target
            state.tumors = mirror.tumor_values(session, session.tools.readings())
            state.has_probability = is_found and session.tumor.has_probability
            state.tumor_text = steps[Step.SEGMENT].message if has_tumor else ""
            state.doubts, state.doubts_new = list(map(plain, session.tumor.doubts)) if is_found else [], doubts_new
            state.has_anything = state.has_sweep or has_volume
            state.question, state.fault = question or "", plain(session.fault or "")
            state.actions = mirror.action_values(session, plain)
            state.update(mirror.origin_values(session))
            if session.stream.source is None and not state.has_anything:
                state.data_kind = ""
            state.engine_text = plain(engine.message) if engine.state in ("starting", "failed") else ""
            if box is not None:
                self.shown_edge_mm = float(min(BOX_MM[1], max(BOX_MM[0], round(max(box.size_mm)))))
                state.box_edge_mm = self.shown_edge_mm
            if has_tumor and session.tumor.threshold is not None and self._requested_threshold is None:
                state.threshold = round(float(session.tumor.threshold), 2)
            if abs(session.structures.margin_mm - state.margin_mm) > 0.01:
                state.margin_mm = session.structures.margin_mm
            self._update_editing(state)
            if new_notices:
                state.note_text, state.notes = plain(new_notices[-1]), state.notes + 1
            self._open_next_step(state, steps)

    def fill_choices(self) -> None:
        """Models, recordings and calibrations that can be chosen, as they are now."""
        choices, library = self.session.engine.model_choices(), self.library
        with self.state as state:
            state.models = [{"title": choice.title, "value": choice.name} for choice in choices]
            if state.model not in {choice.name for choice in choices}:
                state.model = choices[0].name if choices else ""
            state.any_path = library.any_path
            state.files, state.calibrations = library.sweeps(), library.configurations()
            state.target_files = library.target_files()
            if state.files and not state.file:
                state.file = state.files[0]["value"]

    def show_distances(self) -> None:
        """The large numbers; what has not changed is not sent."""
        values = mirror.distance_values(self.session, self.session.tools.readings())
        if any(self.state[name] != value for name, value in values.items()):
            with self.state as state:
                state.update(values)

    def show_figures(self, now_s: float) -> None:
        """What changes all the time: rate, curves, the recording."""
        session, stream = self.session, self.session.stream.status
        readings = session.tools.readings()
        rate = stream.frames_per_second if stream is not None and stream.connected else 0.0
        self.rates.add(now_s, rate if stream is not None else None)
        distance_mm = mirror.first_distance_mm(readings)
        self.distances.add(now_s, distance_mm)
        is_measuring = distance_mm is not None
        self._changed, self._is_measuring = self._changed or is_measuring != self._is_measuring, is_measuring
        recording = session.recording.state
        with self.state as state:
            state.connected = stream is not None
            state.frames_per_second = round(rate, 1)
            state.stream_text = self.library.without_places(str(stream)) if stream is not None else ""
            state.image_name = stream.image_name if stream is not None else ""
            state.actions = mirror.action_values(session, self.library.without_places)
            state.update(mirror.live_values(session, readings, self.library.without_places))
            state.update(self.beside.of(self.library.without_places))
            state.image_names = list(stream.image_names) if stream is not None else []
            state.rate_curves = self.rates.curves() if stream is not None else []
            state.rate_top = self.rates.range[1]
            self._count_heartbeat(state)
            state.distance_curves = self.distances.curves()
            state.distance_top = self.distances.range[1]
            state.margin_line = round(self.distances.height_of(session.tools.margin_mm), 1)
            state.zero_line = round(self.distances.height_of(0.0), 1)
            if recording is not None:
                state.recorded_text = tr("{frames} frames · {s:.0f} s", frames=recording.frames, s=recording.seconds)
                state.record_hints = [hint[:1].upper() + hint[1:] for hint in recording.hints]
                if state.sweep_seconds:
                    state.recorded_part = min(100.0, round(100 * recording.seconds / state.sweep_seconds))
            elif state.record_hints:
                state.record_hints = []
            state.clock_text = mirror.clock_text(session.case.clock_s)
            self._update_editing(state)

    def _update_editing(self, state: State) -> None:
        state.tool = self.correction.tool
        state.can_undo, state.can_redo = self.correction.can_undo, self.correction.can_redo

    def _open_next_step(self, state: State, steps: SessionState) -> None:
        """Open the next step when what a person has started is done, so that nobody has to look for it."""
        done = self.open_step.update(steps)
        if done is Step.CONNECT:
            self.open_step.open("navigate" if state.can_navigate else "record")
            self.session.engine.start()
        elif done is Step.RECONSTRUCT:
            self.open_step.open("box")
            state.placing = "" if self.session.box.value is not None else "box"
            self.session.engine.start()
        if steps.status(Step.SEGMENT) is StepStatus.DONE and self._segment_status is not StepStatus.DONE:
            self.correction.forget()
        self._segment_status = steps.status(Step.SEGMENT)
        if steps.status(Step.RECONSTRUCT) is not StepStatus.DONE:
            state.placing = ""

    def fit(self, view: AbstractView) -> None:
        """Show everything in a view."""
        if view is self.views.three_d:
            self.display.show_everything()
        else:
            view.fit_view_to_content()

    def open_case(self, folder: str | Path, shown_as: str = "") -> None:
        """Begin with a saved case, called `shown_as` or as its folder. Raises FileFormatError."""
        actions.OPEN_CASE.run(self.session, folder)
        self.display.forget()
        with self.state as state:
            state.margin_mm = self.session.structures.margin_mm
            state.data_kind = shown_as or tr("Case {name}", name=Path(folder).name)
            self.open_step.open("navigate" if self.session.tumor.surface is not None else "connect")

    def replay(
        self, path: str | Path, plus_configuration: str | Path | None = None, seconds: float = 0.0,
        origin: str = REPLAYED,
    ) -> None:  # fmt: skip
        """Replay a recording as the live stream; seconds: how long it lasts, 0 when that is not known."""
        actions.REPLAY.run(self.session, path, plus_configuration, origin=origin)
        self.open_step.start(Step.CONNECT)
        with self.state as state:
            state.sweep_seconds = round(seconds, 1) if math.isfinite(seconds) and seconds > 0 else 0

    async def close(self) -> None:
        """Release everything."""
        self.session.close()
        if hasattr(self, "views"):
            self.views.close()
