"""The network for landmarks of a laparoscope's video, in a process of its own."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import ModelError
from ...inference.engine import WorkerPredictor
from ...inference.models.catalogue import model_choices
from ...words import mark
from .video_worker import Finder

NO_NETWORK = mark(
    "No model for landmarks is installed, so none are looked for: train one (crlm study run, task landmarks), then "
    "import it with crlm import-model."
)

BeginFinder = Callable[[str | None], tuple[Finder, Callable[[], None]]]


def begin_finder(name_or_folder: str | None) -> tuple[Finder, Callable[[], None]]:
    """A network for landmarks in a process of its own, ready, and what ends it. Raises CRLMError."""
    from ...laparoscopy.network.landmark_finder import TASK, LandmarkFinder, landmark_model

    if name_or_folder is None and all(entry.problem for entry in model_choices(TASK)):
        raise ModelError(NO_NETWORK)
    model = landmark_model(name_or_folder)
    predictor = WorkerPredictor(model)
    try:
        predictor.wait_until_ready()
    except BaseException:
        predictor.close()
        raise
    return LandmarkFinder(predictor, model.card.threshold), predictor.close
