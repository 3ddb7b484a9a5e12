"""The segmentation engine as the session sees it: chosen, started early, asked by jobs, and told about to people."""

from __future__ import annotations

import time
from pathlib import Path

from ..errors import Cancelled, SegmentationError
from ..inference.engine import EngineStatus, WorkerPredictor
from ..inference.models.card import ModelCard
from ..inference.models.catalogue import CatalogueEntry, model_choices
from ..inference.models.trained_model import DEFAULT_MODEL, load_model
from ..segmentation.segmenter import TumorSegmenter, tumor_label
from ..values.defaults import DEFAULT_BOX_MARGIN_MM
from ..values.progress import Progress, ShouldCancel
from ..words import tr
from .jobs.task import Task

DEVICES = ("auto", "cpu", "cuda")
_LOOK_EVERY_S = 0.02


class Engine:
    """One model on one device in a worker process of its own, which is started early and kept warm.

    A process that dies is replaced by the segmenter itself, which `status` tells.
    """

    def __init__(self) -> None:
        self._name: str | Path = DEFAULT_MODEL
        self._device = "auto"
        self._loading: Task | None = None
        self._closing: list[Task] = []

    @property
    def model_name(self) -> str:
        """As it was chosen: a shipped model's name, or a folder."""
        return str(self._name)

    @property
    def device(self) -> str:
        """As it was asked for: 'auto', 'cpu' or 'cuda'."""
        return self._device

    @property
    def margin_mm(self) -> float:
        """That the model wants around a tumor; a usual one while it is not loaded."""
        segmenter = self._segmenter
        return segmenter.model.card.margin_mm if segmenter is not None else DEFAULT_BOX_MARGIN_MM

    @property
    def card(self) -> ModelCard | None:
        """Of the model that is loaded: `card.trained_on` is the sentence to show; None while it is not loaded."""
        segmenter = self._segmenter
        return segmenter.model.card if segmenter is not None else None

    @property
    def process_id(self) -> int | None:
        """Of the worker process; None when there is none."""
        segmenter = self._segmenter
        return segmenter.predictor.process_id if segmenter is not None else None

    @property
    def status(self) -> EngineStatus:
        """What is known now."""
        loading = self._loading
        if loading is None:
            return EngineStatus("off", self._device)
        if not loading.has_ended:
            return EngineStatus(
                "starting", self._device, message=tr("loading the model {name}", name=Path(self.model_name).name)
            )
        if loading.error is not None:
            return EngineStatus("failed", self._device, message=str(loading.error))
        status: EngineStatus = loading.result.predictor.status
        return status

    def model_choices(self) -> list[CatalogueEntry]:
        """The shipped models, then those that the user imported; one that cannot be used tells its `problem`."""
        return model_choices("crop", "full")

    def set_model(self, name_or_folder: str | Path) -> None:
        """The model for the next segmentation: a shipped one's name, or a folder."""
        self.choose(model=name_or_folder)

    def set_device(self, device: str) -> None:
        """'auto', 'cpu' or 'cuda' for the next segmentation. Raises SegmentationError for another."""
        self.choose(device=device)

    def choose(self, model: str | Path | None = None, device: str | None = None) -> None:
        """Another model (a shipped one's name, or a folder) or device; one that is running is released.

        Raises SegmentationError for a device that there is not.
        """
        if device is not None and device not in DEVICES:
            raise SegmentationError(
                tr("There is no device '{device}'; choose one of {devices}.", device=device, devices=", ".join(DEVICES))
            )
        before = self._name, self._device
        self._name = model if model is not None else self._name
        self._device = device or self._device
        if (self._name, self._device) != before and self._loading is not None:
            self._release()
            self.start()

    def start(self) -> None:
        """Begin to load, unless that was done; after a failure try again."""
        loading = self._loading
        failed = loading is not None and loading.has_ended and self.status.state in ("failed", "off")
        if loading is not None and not failed:
            return
        self._release()
        name, device = self._name, self._device
        # Weights are checked against their sum before they are used, which takes a moment.
        self._loading = Task(lambda: _begun(name, device), "segmentation start")

    def segmenter(
        self, should_cancel: ShouldCancel | None = None, progress: Progress | None = None
    ) -> TumorSegmenter[WorkerPredictor]:
        """Wait, in a job's thread, until the process is on its way. Raises what loading raised."""
        loading = self._loading
        while loading is not None and not loading.has_ended:
            if progress is not None:
                progress(0.0, tr("loading the model"))
            if should_cancel is not None and should_cancel():
                raise Cancelled(tr("The segmentation was cancelled."))
            time.sleep(_LOOK_EVERY_S)
        if loading is None:
            raise SegmentationError(tr("The segmentation engine was stopped; start it again."))
        if loading.error is not None:
            raise loading.error
        ready: TumorSegmenter[WorkerPredictor] = loading.result
        return ready

    def close(self) -> None:
        """End the process and wait until it is gone."""
        self._release()
        for task in self._closing:
            task.join(10.0)
        self._closing.clear()

    @property
    def _segmenter(self) -> TumorSegmenter[WorkerPredictor] | None:
        loading = self._loading
        return loading.result if loading is not None and loading.has_ended else None

    def _release(self) -> None:
        loading, self._loading = self._loading, None
        self._closing = [task for task in self._closing if not task.has_ended]
        if loading is not None:
            self._closing.append(Task(lambda: _end(loading), "segmentation end"))


def _begun(name: str | Path, device: str) -> TumorSegmenter[WorkerPredictor]:
    """Refuses a model that finds no tumor in ultrasound before a process is started for it."""
    model = load_model(name)
    tumor_label(model)
    return TumorSegmenter(WorkerPredictor(model, device))


def _end(loading: Task) -> None:
    loading.join()
    if loading.result is not None:
        loading.result.predictor.close()
