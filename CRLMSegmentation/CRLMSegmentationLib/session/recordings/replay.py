"""A recording on disk as a live stream: a server in a process of its own, and a client here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...sweep import TrackedFrame
from ...sweep.sweep import SIMULATED
from ...tracking import StreamStatus
from ...words import tr
from ..case.case_source import REPLAYED, file_identity
from ..frame_source import NetworkSource, ReceivedPose
from .replay_process import ReplayProcess


class ReplaySource:
    """Serves a sequence file on a free port of this computer, as PLUS would, and receives it from there.

    plus_configuration  XML with the calibration, when the file holds none
    calibration         (4, 4) by name, over those of the configuration
    speed               1 for the recorded rate; None as fast as it is taken
    loop                begin again after the last frame
    close_at_end        close the connection after the last frame
    own_thread          False to receive in poll(), where Python's threads starve
    origin              'replayed', or 'simulated' for what no scanner has ever sent; a recording that says so itself
                        is known to be, as soon as it is served
    """

    def __init__(
        self, path: str | Path, plus_configuration: str | Path | None = None, speed: float | None = 1.0,
        loop: bool = True, calibration: Mapping[str, np.ndarray] | None = None, reference: str = "Reference",
        close_at_end: bool = False, own_thread: bool = True, origin: str = REPLAYED,
    ) -> None:  # fmt: skip
        self.name = tr("replay of {name}", name=Path(path).name)
        self.origin, self.identity = origin, file_identity(path)
        self._reference, self._own_thread = reference, own_thread
        self._server = ReplayProcess(path, plus_configuration, calibration, reference, speed, loop, close_at_end)
        self._source: NetworkSource | None = None
        self._problem = tr("the recording is being opened")
        self._image_to_probe: np.ndarray | None = None

    @property
    def status(self) -> StreamStatus:
        return self._source.status if self._source is not None else StreamStatus(problem=self._problem)

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        if self._source is not None:
            self._source.stop()
        self._server.stop()

    def poll(self) -> list[TrackedFrame]:
        self._connect()
        return self._source.poll() if self._source is not None else []

    def calibrate_image(self, image_to_probe: np.ndarray | None) -> None:
        """Take this for ImageToProbe; see ImageStream.calibrate."""
        self._image_to_probe = image_to_probe
        if self._source is not None:
            self._source.calibrate_image(image_to_probe)

    def shown(self, frame: TrackedFrame) -> None:
        if self._source is not None:
            self._source.shown(frame)

    def transforms(self) -> dict[str, ReceivedPose]:
        return self._source.transforms() if self._source is not None else {}

    def _connect(self) -> None:
        """Once the server has said where it is."""
        answer = self._server.answer()
        if self._source is not None or answer is None:
            return
        if answer.problem:
            self._problem = answer.problem
            return
        if answer.origin == SIMULATED:
            self.origin = SIMULATED
        self._source = NetworkSource("127.0.0.1", answer.port, own_thread=self._own_thread, reference=self._reference)
        self._source.calibrate_image(self._image_to_probe)
        self._source.start()
