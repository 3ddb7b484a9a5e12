"""What the page's buttons and clicks do. Wishes of a tab are checked here, before the session sees them."""

from __future__ import annotations

import asyncio

import numpy as np

from ..errors import ConfigurationError, FileFormatError, SegmentationError
from ..geometry import Box
from ..simulation.settings import ECHOGENICITIES
from . import simulator
from .controller import BOX_MM, Controller
from .told import told


class Actions:
    """Bound to the page's buttons by page.Page, to its sliders by bind()."""

    def __init__(self, controller: Controller):
        self._controller = controller
        self._session = controller.session
        self._state = controller.state
        self._library = controller.library
        self._truth = None
        self._preparing = False

    # For told()

    def tell_error(self, sentence: str) -> None:
        self._controller.tell_error(sentence)

    def after_action(self) -> None:
        self._controller.show_steps()

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

    # 1 Connect

    @told
    async def connect_simulated(self) -> None:
        """Simulate a sweep over a tumor of the wished kind, and replay it as a live stream."""
        state = self._state
        lesion = state.lesion if state.lesion in ECHOGENICITIES else ECHOGENICITIES[0]
        diameter_mm, seed = float(np.clip(_number(state.lesion_mm), 8, 40)), int(_number(state.case_number))
        folder = self._library.simulated / f"{lesion}-{diameter_mm:.0f}mm-{seed}"
        sweep = folder / "sweep.igs.mha"
        with _Preparing(self, "Simulating a sweep over a liver"):
            if not (sweep.is_file() and (folder / simulator.TRUTH).is_file()):
                sweep = await simulator.simulate(folder, seed, lesion, diameter_mm, self._on_prepared)
            truth = await asyncio.to_thread(_read_volume, folder / simulator.TRUTH)
            seconds = await asyncio.to_thread(_seconds_of, sweep)
        self._replay(sweep, None, "Simulated, not clinical", seconds)
        self._know_truth(truth)

    @told
    async def connect_file(self) -> None:
        """Replay the chosen recording as a live stream."""
        path, configuration = self._chosen()
        with _Preparing(self, f"Opening {path.name}"):
            # Read once here, so that what is wrong with it is told as a sentence before anything is started.
            frames = (await asyncio.to_thread(_read_sweep, path, configuration)).frames
        self._replay(path, configuration, path.name, frames[-1].timestamp - frames[0].timestamp)

    @told
    async def open_file(self) -> None:
        """Take the chosen recording as the sweep, without any stream."""
        path, configuration = self._chosen()
        with _Preparing(self, f"Reading {path.name}"):
            sweep = await asyncio.to_thread(_read_sweep, path, configuration)
        self._session.disconnect()
        self._know_truth(None)
        self._state.data_kind = path.name
        self._state.open_step = "record"
        self._session.set_sweep(sweep)
        self._session.start_reconstruct()

    @told
    async def connect_plus(self) -> None:
        """Receive from a PLUS server."""
        host, port = str(self._state.plus_host).strip(), int(_number(self._state.plus_port))
        if not host or not 0 < port < 65536:
            raise ConfigurationError("Give the computer that PLUS runs on, and its port from 1 to 65535.")
        calibration = await asyncio.to_thread(_read_calibration, self._chosen_calibration())
        self._know_truth(None)
        self._state.data_kind, self._state.sweep_seconds = f"Live from {host}", 0
        self._session.connect(host, port, calibration)

    @told
    def disconnect(self) -> None:
        self._session.disconnect()
        self._controller.rates.clear()
        self._state.open_step = "connect"

    def _chosen(self):
        state = self._state
        if not state.file:
            raise FileFormatError("Choose a recorded sweep first, or upload one.")
        return self._library.path_of(state.file), self._chosen_calibration()

    def _chosen_calibration(self):
        return self._library.path_of(self._state.calibration) if self._state.calibration else None

    def _replay(self, path, configuration, shown_name: str, seconds: float) -> None:
        self._know_truth(None)
        self._state.data_kind = shown_name
        self._controller.replay(path, configuration, seconds)

    def _on_prepared(self, done: float, text: str) -> None:
        with self._state as state:
            state.prepared, state.preparing = round(100 * done), text

    # 2 Record

    @told
    def start_recording(self) -> None:
        self._session.start_recording()

    @told
    def stop_recording(self) -> None:
        self._session.stop_recording()
        if not self._session.live_reconstruction:
            self._session.start_reconstruct()

    @told
    def reconstruct(self) -> None:
        self._session.start_reconstruct()

    # 3 Box

    @told
    def place_box(self) -> None:
        """The next click in a slice places the box."""
        self._state.placing = "box"

    @told
    def place_box_at_truth(self) -> None:
        """Around the simulator's own tumor."""
        if self._truth is not None:
            self._put_box(Box.around_mask(self._truth), tight=True)

    def click_in_view(self, view, x_px: float, y_px: float) -> bool:
        """A press of the left button; True when it placed something."""
        placing = self._state.placing
        if not placing or view not in self._controller.views.slices:
            return False
        point = self._controller.views.ras_at(view, x_px, y_px)
        with self._state as state:
            state.placing = ""
        if placing == "seed":
            asyncio.create_task(self._grow(point))
        else:
            edge_mm = float(np.clip(_number(self._state.box_edge_mm), *BOX_MM))
            self._put_box(Box(point, (edge_mm,) * 3), tight=False)
            self.after_action()
        return True

    def _put_box(self, box: Box, tight: bool) -> None:
        self._session.set_box(box, tight)
        self._controller.views.go_to(box.center_ras)
        with self._state as state:
            state.placing = ""

    # 4 Segment

    @told
    def segment(self) -> None:
        """Find the tumor in the box with the chosen model."""
        self._controller.correction.end()
        self._state.open_step = "segment"
        self._session.start_segment()

    @told
    def cancel(self) -> None:
        self._session.cancel()

    @told
    def place_seed(self) -> None:
        """The next click in a slice is where the region grows from."""
        if self._session.box is None:
            raise SegmentationError("Place the box first: the region grows within it.")
        self._state.placing = "seed"

    @told
    def _grow(self, point) -> None:
        self._session.start_region_growing(point)

    @told
    def choose_tool(self, tool) -> None:
        self._controller.correction.choose(str(tool), _number(self._state.brush_mm))

    @told
    def undo(self) -> None:
        self._controller.correction.undo()

    @told
    def redo(self) -> None:
        self._controller.correction.redo()

    def _on_threshold(self, threshold, **_) -> None:
        now = self._session.threshold
        value = float(np.clip(_number(threshold), 0.01, 0.99))
        if self._session.has_probability and now is not None and abs(value - now) > 0.004:
            self._controller.wish_threshold(value)

    def _on_box_edge(self, box_edge_mm, **_) -> None:
        """Edges of one length, about the same center; not when the slider only follows the box."""
        box = self._session.box if self._state.has_box else None
        edge_mm = float(np.clip(_number(box_edge_mm), *BOX_MM))
        if box is not None and edge_mm != self._controller.shown_edge_mm:
            self._session.set_box(Box(box.center_ras, (edge_mm,) * 3, box.axes_ras), tight=False)

    def _on_brush(self, brush_mm, **_) -> None:
        if self._controller.correction.is_on:
            self._controller.correction.set_brush(float(np.clip(_number(brush_mm), 1, 20)))

    def _on_model(self, model, **_) -> None:
        if model in {choice.name for choice in self._session.model_choices()}:
            self._session.set_model(model)

    def _on_device(self, device, **_) -> None:
        if device in ("auto", "cpu", "cuda"):
            self._session.set_device(device)

    # 5 Navigate

    def _on_margin(self, margin_mm, **_) -> None:
        self._session.set_margin_mm(float(np.clip(_number(margin_mm), 0, 20)))

    def _on_open_step(self, open_step, **_) -> None:
        """A tool that was forgotten must not draw in the next step."""
        if open_step != "segment":
            self._controller.correction.end()
        if open_step != "box" and self._state.placing == "box":
            self._state.placing = ""

    def _know_truth(self, truth) -> None:
        """The simulator's tumor mask, or None for everything else."""
        self._truth = truth
        with self._state as state:
            state.truth_known = truth is not None


class _Preparing:
    """While a source is made ready the page says so, and nobody can start another."""

    def __init__(self, actions: Actions, text: str):
        self._actions, self._text = actions, text

    def __enter__(self) -> None:
        if self._actions._preparing:
            raise ConfigurationError("Another source is being made ready; wait a moment.")
        self._actions._preparing = True
        with self._actions._state as state:
            state.preparing, state.prepared = self._text, 0

    def __exit__(self, *_) -> None:
        self._actions._preparing = False
        with self._actions._state as state:
            state.preparing = ""


def _number(value) -> float:
    """What a field of the page holds; raises ConfigurationError when it is no number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not np.isfinite(number):
        raise ConfigurationError(f"'{str(value)[:20]}' is not a number.")
    return number


def _read_volume(path):
    from ..files import read_volume

    return read_volume(path)


def _seconds_of(path) -> float:
    """How long a recording lasts."""
    from ..sweep.sequence_reader import SequenceReader

    frames = [frame.timestamp for frame in SequenceReader(path)]
    return frames[-1] - frames[0]


def _read_sweep(path, configuration):
    from ..sweep import read_sweep

    return read_sweep(path, _read_calibration(configuration))


def _read_calibration(configuration):
    """Transforms by name; None when no configuration was chosen."""
    from ..sweep import read_plus_configuration

    return read_plus_configuration(configuration).transforms if configuration else None
