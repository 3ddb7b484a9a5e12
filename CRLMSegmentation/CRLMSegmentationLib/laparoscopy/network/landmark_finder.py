"""From a picture to the lines of the liver's landmarks: a network, and the lines' post-processing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ...errors import ModelError
from ...inference.image import Image, Prediction
from ...inference.models.catalogue import model_choices
from ...inference.models.model_folders import available_models
from ...inference.models.trained_model import Model, load_model
from ...values.landmarks import LANDMARKS, Polyline
from ...words import tr
from ..camera.opencv import opencv
from ..lines.image_circle import find_circle
from ..lines.landmark_lines import LineSettings, lines_of
from ..picture import is_interlaced, lit_part, one_field
from .network_picture import CHANNELS, NETWORK_SIZE, network_picture

TASK = "landmarks"
# As the P2ILF challenge draws landmarks: 12 pixels in pictures that are 1920 wide.
LINE_SHARE = 12 / 1920


class Predictor(Protocol):
    """What answers for an image: an engine, or a network in this process."""

    def predict(self, image: Image, labels: Sequence[str] | None = None) -> Prediction: ...


@dataclass(frozen=True, eq=False)
class FoundLandmarks:
    """What was found in a picture.

    lines          in pixels of the picture
    probabilities  (3, 320, 416) float32, in the order of LANDMARKS, of the picture without wide black bars, at the
                   network's size
    is_interlaced  two moments are in the picture: every other row was left out
    network_ms, post_ms  how long the network took with the picture's scaling, and the post-processing
    """

    lines: list[Polyline]
    probabilities: np.ndarray
    network_ms: float
    post_ms: float
    is_interlaced: bool = False


class LandmarkFinder:
    """Finds landmarks with a `predictor` of a model for the task 'landmarks'.

    threshold  probability from which a pixel belongs to a landmark, such as the model's own
    """

    def __init__(self, predictor: Predictor, threshold: float = 0.5):
        self._predictor, self._settings = predictor, LineSettings(threshold=threshold)

    def find(self, picture: np.ndarray) -> FoundLandmarks:
        """In `picture` (v, u) or (v, u, 3), uint8 or uint16; wide black bars around it are left out. Raises CRLMError
        when the network cannot be run.
        """
        began = time.perf_counter()
        has_fields = is_interlaced(picture)
        if has_fields:
            picture = one_field(picture)
        rows, columns = lit_part(picture)
        picture = picture[rows, columns]
        small = network_picture(picture)
        prediction = self._predictor.predict(Image.of_frame(small), list(LANDMARKS))
        probabilities = np.stack([prediction.of(name)[0] for name in LANDMARKS])
        answered = time.perf_counter()
        lines = lines_in_picture(probabilities, picture, self._settings)
        corner = np.array([columns.start, rows.start], dtype=np.float64)
        lines = [replace(line, points=line.points + corner) for line in lines] if corner.any() else lines
        ended = time.perf_counter()
        return FoundLandmarks(lines, probabilities, 1000 * (answered - began), 1000 * (ended - answered), has_fields)


def lines_in_picture(
    probabilities: np.ndarray, picture: np.ndarray, settings: LineSettings, culls_border: bool = True
) -> list[Polyline]:
    """The lines in pixels of `picture` (v, u[, 3]) of the probabilities (3, 320, 416) in it at the network's size.

    culls_border  what lies outside of the camera's circle is culled
    """
    scale = np.array(picture.shape[1::-1]) / NETWORK_SIZE
    inside = _within_circle(picture, scale, settings.border) if culls_border else None
    lines = lines_of(probabilities if inside is None else probabilities * inside, None, settings)
    # The corner of a picture is half a pixel before the centre of its first pixel.
    return [replace(line, points=(line.points + 0.5) * scale - 0.5) for line in lines]


def _within_circle(picture: np.ndarray, scale: np.ndarray, border: float) -> np.ndarray | None:
    """(320, 416) boolean: the network's pixels within the camera's circle by `border` of them at least; None where the
    circle fills the picture. In a picture that was pressed together the circle is an ellipse.
    """
    circle = find_circle(picture)
    if circle is None:
        return None
    u, v = (np.arange(count) + 0.5 for count in NETWORK_SIZE)
    along, down = u * scale[0] - 0.5 - circle.u, v * scale[1] - 0.5 - circle.v
    within: np.ndarray = down[:, None] ** 2 + along**2 <= max(circle.radius - border * scale[0], 0.0) ** 2
    return within


def landmark_model(name_or_folder: str | None) -> Model:
    """The model of that name or folder; for None the only one of the user's, or the one that ships. Raises ModelError
    when it is for another task, and when there is none or the user has several.
    """
    if name_or_folder is None:
        usable = [entry.name for entry in model_choices(TASK) if not entry.problem]
        if not usable:
            raise ModelError(
                tr(
                    "No model for landmarks is installed: give its folder with --model, or train one (crlm study run "
                    "--task landmarks)."
                )
            )
        shipped = available_models()
        own = [name for name in usable if name not in shipped]
        if len(own) > 1:
            raise ModelError(
                tr(
                    "Several models for landmarks are installed: choose with --model {usable}.",
                    usable=", ".join(usable),
                )
            )
        name_or_folder = (own or usable)[0]
    model = load_model(name_or_folder)
    if model.card.task != TASK or len(model.channels) != len(CHANNELS) or not set(LANDMARKS) <= set(model.labels.names):
        raise ModelError(
            tr(
                "The model '{name}' is for the task '{task}', and landmarks need one for '{task_2}' that "
                "answers {landmarks} in pictures of three colours.",
                name=model.name,
                task=model.card.task,
                task_2=TASK,
                landmarks=", ".join(LANDMARKS),
            )
        )
    return model


def drawn(lines: Sequence[Polyline], image_size: tuple[int, int]) -> np.ndarray:
    """(v, u) uint8 of 0 and LANDMARKS: the lines in a picture of image_size (width, height), 12 pixels wide where it is
    1920 wide; where they cross, the ridge lies over the ligament and that over the silhouette.
    """
    cv2 = opencv()
    mask = np.zeros(image_size[::-1], dtype=np.uint8)
    thick = max(1, round(LINE_SHARE * image_size[0]))
    for line in sorted(lines, key=lambda one: -LANDMARKS[one.landmark]):
        points = np.round(line.points).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(mask, [points], line.is_closed, LANDMARKS[line.landmark], thick)
    return mask
