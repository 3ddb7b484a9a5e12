"""Where the images come from: a simulated sweep, a recording, a PLUS server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np

from ...errors import ConfigurationError, FileFormatError
from ...session import actions
from ...session.case.case_source import REPLAYED
from ...session.state import Step
from ...simulation.ultrasound.settings import ECHOGENICITIES
from ...sweep.sweep import SIMULATED, Sweep
from ...values import Volume
from ...words import tr
from ..controller import Controller
from . import simulator
from .preparing import Preparing
from .reported import ReportingActions, number_of, reported
from .settable import CASE_NUMBERS, LESION_MM


class SourceActions(ReportingActions):
    """Bound to the page's buttons by page.Page.

    truth        the simulator's own tumor mask as a Volume, None for everything else
    unless_lost  does something unless it would lose what is not saved, see CaseActions
    """

    def __init__(
        self, controller: Controller, preparing: Preparing,
        unless_lost: Callable[[str, Callable[[], Awaitable[None]]], Awaitable[None]],
    ) -> None:  # fmt: skip
        super().__init__(controller)
        self.truth: Volume | None = None
        self._preparing, self._unless_lost = preparing, unless_lost

    # What was chosen comes along with the click: the state of a tab may reach the program later than that.

    @reported
    async def connect_simulated(self, lesion: object, lesion_mm: object, case_number: object) -> None:
        """Simulate a sweep over a tumor of the chosen kind or over a whole patient, and replay it as a live stream."""
        lesion = str(lesion) if lesion in (*ECHOGENICITIES, simulator.PATIENT) else ECHOGENICITIES[0]
        diameter_mm = float(np.clip(number_of(lesion_mm), *LESION_MM))
        seed = int(np.clip(number_of(case_number), *CASE_NUMBERS))
        name, shown = (
            f"{lesion}-{diameter_mm:.0f}mm-{seed}",
            tr("Liver {seed}, {diameter_mm:.0f} mm", seed=seed, diameter_mm=diameter_mm),
        )
        if lesion == simulator.PATIENT:
            name, shown = f"{lesion}-{seed}", tr("Patient {seed}", seed=seed)
        folder = self._library.simulated / name
        sweep = folder / "sweep.igs.mha"
        with self._preparing.shown(tr("Simulating a sweep over a liver")):
            if not (sweep.is_file() and (folder / simulator.TRUTH).is_file()):
                sweep = await simulator.simulate(folder, seed, lesion, diameter_mm, self._preparing.report)
            truth = await asyncio.to_thread(_read_volume, folder / simulator.TRUTH)
            seconds = await asyncio.to_thread(_seconds_of, sweep)
        self._replay(sweep, None, shown, seconds, SIMULATED)
        self._set_truth(truth)

    @reported
    async def connect_file(self, file: object, calibration: object) -> None:
        """Replay the chosen recording as a live stream."""
        path, configuration = self._chosen(file, calibration)
        with self._preparing.shown(tr("Opening {name}", name=path.name)):
            # Read once here, so that what is wrong with it is reported as a sentence before anything is started.
            frames = (await asyncio.to_thread(_read_sweep, path, configuration)).frames
        self._replay(path, configuration, path.name, frames[-1].timestamp - frames[0].timestamp)

    @reported
    async def open_file(self, file: object, calibration: object) -> None:
        """Take the chosen recording as the sweep, without any stream."""
        path, configuration = self._chosen(file, calibration)
        with self._preparing.shown(tr("Reading {name}", name=path.name)):
            sweep = await asyncio.to_thread(_read_sweep, path, configuration)

        async def take() -> None:
            self._session.stream.disconnect()
            self._set_truth(None)
            self._controller.correction.forget()
            self._controller.open_step.open("record")
            self._controller.open_step.start(Step.RECONSTRUCT)
            actions.OPEN_SWEEP.run(self._session, path, configuration, sweep)
            self._controller.display.forget()
            self._state.data_kind = path.name

        await self._unless_lost(tr("Open {name}?", name=path.name), take)

    @reported
    async def connect_plus(self, host: object, port: object, calibration: object) -> None:
        """Receive from a PLUS server."""
        host, port = str(host).strip(), int(number_of(port))
        if not host or not 0 < port < 65536:
            raise ConfigurationError(tr("Give the computer that PLUS runs on, and its port from 1 to 65535."))
        transforms = await asyncio.to_thread(_read_calibration, self._chosen_calibration(calibration))
        self._set_truth(None)
        self._state.data_kind, self._state.sweep_seconds = host, 0
        actions.CONNECT.run(self._session, host, port, transforms)
        self._controller.open_step.start(Step.CONNECT)

    @reported
    def choose_image(self, name: object) -> None:
        """Take this one of the image streams that come."""
        stream = self._session.stream.status
        if stream is None or name not in stream.image_names:
            raise ConfigurationError(tr("This image stream does not come any more."))
        self._session.stream.choose_image(str(name))

    @reported
    def disconnect(self) -> None:
        actions.DISCONNECT.run(self._session)
        self._controller.rates.clear()
        self._controller.open_step.open("connect")

    def _chosen(self, file: object, calibration: object) -> tuple[Path, Path | None]:
        if not file:
            raise FileFormatError(tr("Choose a recorded sweep first, or upload one."))
        return self._library.path_of(str(file)), self._chosen_calibration(calibration)

    def _chosen_calibration(self, calibration: object) -> Path | None:
        return self._library.path_of(str(calibration)) if calibration else None

    def _replay(
        self, path: Path, configuration: Path | None, shown_name: str, seconds: float, origin: str = REPLAYED
    ) -> None:
        self._set_truth(None)
        self._state.data_kind = shown_name
        self._controller.replay(path, configuration, seconds, origin)

    def _set_truth(self, truth: Volume | None) -> None:
        self.truth = truth
        with self._state as state:
            state.truth_known = truth is not None


def _read_volume(path: Path) -> Volume:
    from ...files import read_volume

    return read_volume(path)


def _seconds_of(path: Path) -> float:
    """How long a recording lasts."""
    from ...sweep.sequence_files.sequence_reader import SequenceReader

    frames = [frame.timestamp for frame in SequenceReader(path)]
    return frames[-1] - frames[0]


def _read_sweep(path: Path, configuration: Path | None) -> Sweep:
    from ...sweep import read_sweep

    return read_sweep(path, _read_calibration(configuration))


def _read_calibration(configuration: Path | None) -> dict[str, np.ndarray] | None:
    """Transforms by name; None when no configuration was chosen."""
    from ...sweep import read_plus_configuration

    return read_plus_configuration(configuration).transforms if configuration else None
