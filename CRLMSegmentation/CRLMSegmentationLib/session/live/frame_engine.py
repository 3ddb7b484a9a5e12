"""The network that outlines live frames: chosen, loaded in the background, in a worker process of its own.

Its process is not that of the 3D network: a tumor that is being found does not stop the outlines, and when one of the
two dies, the other goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ModelError
from ...inference.engine import WorkerPredictor
from ...live.frame_model import default_frame_model, load_frame_model
from ...reconstruction import ReconstructionSettings
from ...words import tr
from ..jobs.task import Task

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ...live.live_tumor import LiveTumor


@dataclass(frozen=True, eq=False)
class RunningNetwork:
    """The process, and what asks it."""

    predictor: WorkerPredictor
    live: LiveTumor

    def close(self) -> None:
        """End both. The process first, so that nothing is asked any more."""
        self.predictor.close()
        self.live.close()


# Starts a model by its name or folder. Raises ModelError.
Begin = Callable[[str, ReconstructionSettings], RunningNetwork]


def begin_network(name_or_folder: str, settings: ReconstructionSettings) -> RunningNetwork:
    """Load a model for live frames and start its process, which is ready a while later."""
    from ...live.live_tumor import LiveTumor

    predictor = WorkerPredictor(load_frame_model(name_or_folder))
    try:
        return RunningNetwork(predictor, LiveTumor(predictor, settings))
    except BaseException:
        predictor.close()
        raise


class FrameEngine:
    """One model for live frames at a time. Its methods return at once; close() waits.

    begin  starts a model, for tests
    """

    def __init__(self, begin: Begin = begin_network) -> None:
        self._begin = begin
        self._name: str | None = None
        self._default: str | None = None
        self._loading: Task | None = None
        self._closing: list[Task] = []

    @property
    def is_wanted(self) -> bool:
        """True from start() to stop()."""
        return self._loading is not None

    @property
    def live(self) -> LiveTumor | None:
        """What outlines; None while it is off or being loaded."""
        running = self._running
        return running.live if running is not None else None

    @property
    def is_ready(self) -> bool:
        """True while a frame that comes now is outlined at once."""
        running = self._running
        return running is not None and running.predictor.status.state in ("ready", "running")

    @property
    def status(self) -> tuple[str, str]:
        """'off', 'starting', 'on' or 'failed', and a sentence; '' when all is well."""
        loading, running = self._loading, self._running
        if loading is None:
            return "off", ""
        if loading.has_ended and loading.error is not None:
            return "failed", str(loading.error)
        if running is None:
            return "starting", tr("The network for live frames is being loaded.")
        found = running.predictor.status
        if found.state in ("failed", "off"):
            return "failed", found.message
        return ("starting", found.message) if found.state == "starting" else ("on", "")

    @property
    def why_not(self) -> str:
        """Why none can be started; '' when one can. The folders of models are looked through once."""
        try:
            self._chosen()
        except ModelError as error:
            return str(error)
        return ""

    def choose(self, name_or_folder: str | Path | None) -> None:
        """For the next start(); None for the first model for live frames that there is."""
        self._name = None if name_or_folder is None else str(name_or_folder)
        self._default = None

    def start(self, settings: ReconstructionSettings, surface: vtkPolyData | None) -> None:
        """Load the model in the background. Raises ModelError when there is none.

        settings  of the grey levels
        surface   of the known tumor
        """
        name, begin = self._chosen(), self._begin

        def load() -> RunningNetwork:
            network = begin(name, settings)
            network.live.set_tumor(surface)
            return network

        self.stop()
        self._loading = Task(load, "live frames start")

    def stop(self) -> None:
        """End it in the background."""
        loading, self._loading = self._loading, None
        self._closing = [task for task in self._closing if not task.has_ended]
        if loading is not None:
            self._closing.append(Task(lambda: _end(loading), "live frames end"))

    def close(self) -> None:
        """End it, and wait until the process is gone."""
        self.stop()
        for task in self._closing:
            task.join(10.0)
        self._closing.clear()

    @property
    def _running(self) -> RunningNetwork | None:
        loading = self._loading
        return loading.result if loading is not None and loading.has_ended else None

    def _chosen(self) -> str:
        if self._name is None and self._default is None:
            self._default = default_frame_model()
        name = self._name or self._default
        assert name is not None
        return name


def _end(loading: Task) -> None:
    loading.join()
    if loading.result is not None:
        loading.result.close()
