"""Part 'fast-scope': from a laparoscope's video to the model drawn over it, the network on the card, the rest in
threads.

The video is a carried picture at 960 x 540, the scope moves, and the model is made up: a lump and two trees of tubes of
1.28 million triangles (Testing/Benchmarks/scope_chain.py). VTK is not needed. Where OpenCV is missing, the picture is
scaled for the network by leaving pixels out, and the lines are found but not drawn. Of a ResNet-34 with random weights
no lines are made: they would be noise.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from CRLMSegmentationLib.inference.engine import WorkerPredictor
from CRLMSegmentationLib.inference.image import Image
from CRLMSegmentationLib.inference.models.trained_model import Model, load_model
from CRLMSegmentationLib.laparoscopy.lines.landmark_lines import LineSettings
from CRLMSegmentationLib.laparoscopy.network.landmark_finder import FoundLandmarks, LandmarkFinder, lines_in_picture
from CRLMSegmentationLib.laparoscopy.network.network_picture import NETWORK_SIZE
from CRLMSegmentationLib.session.laparoscope.shown_frame import LANDMARK_LINES, SWITCHES
from CRLMSegmentationLib.values.landmarks import LANDMARKS
from inert_modules import is_of_a_stand_in
from models import landmark_network
from record import Record
from scope_chain import made_up_model, measure_chain, measure_moving

SHIPPED = "landmarks-simulated-small"
# No probability reaches it.
NEVER = 2.0


def run(record: Record, argument: str) -> None:
    parts, camera, pose = made_up_model(40 if record.quick else 330)
    picture = _picture(record, camera.image_size)
    record.figure("triangles of the model", sum(len(part.mesh.triangles) for part in parts))
    moving = measure_moving(parts, camera, pose, picture, 2 if record.quick else 20)
    record.figure("the model seen and drawn in a frame of a scope that moves", _rounded(moving))
    left_out = _left_out()
    record.figure("left out", left_out or "nothing")
    shown = [name for name in SWITCHES if not (left_out and name == LANDMARK_LINES)]
    seconds = 1.0 if record.quick else 5.0
    shipped, large = load_model(SHIPPED), landmark_network(record.work)
    for name, model, threshold in (
        ("the shipped network", shipped, shipped.card.threshold), ("a ResNet-34, no lines", large, NEVER),
    ):  # fmt: skip
        begin = _begin(record, model, threshold, bool(left_out))
        found = measure_chain(begin, parts, camera, pose, picture, seconds, shown)
        record.figure(f"video in to overlay out, {name}", _rounded(found))
        record.check(f"frames are drawn, {name}", found["frames"] > 1 and found["late_ms"] > 0, frames=found["frames"])


def _begin(
    record: Record, model: Model, threshold: float, without_opencv: bool
) -> Callable[[], tuple[Any, Callable[[], None]]]:
    def begin() -> tuple[Any, Callable[[], None]]:
        predictor = WorkerPredictor(model, record.device, runtime="torch")
        predictor.wait_until_ready()
        finder = _Finder if without_opencv else LandmarkFinder
        return finder(predictor, threshold), predictor.close

    return begin


class _Finder:
    """As a LandmarkFinder, without OpenCV."""

    def __init__(self, predictor: WorkerPredictor, threshold: float):
        self._predictor, self._settings = predictor, LineSettings(threshold=threshold)

    def find(self, picture: np.ndarray) -> FoundLandmarks:
        began = time.perf_counter()
        prediction = self._predictor.predict(Image.of_frame(_scaled(picture, NETWORK_SIZE)), list(LANDMARKS))
        probabilities = np.stack([prediction.of(name)[0] for name in LANDMARKS])
        answered = time.perf_counter()
        try:
            lines = lines_in_picture(probabilities, picture, self._settings)
        except RuntimeError as missing:  # scikit-image
            if not is_of_a_stand_in(missing):
                raise
            lines = []
        ended = time.perf_counter()
        return FoundLandmarks(lines, probabilities, 1000 * (answered - began), 1000 * (ended - answered))


def _left_out() -> str:
    try:
        import cv2  # noqa: F401
    except ImportError as missing:
        return f"averaging the picture's pixels for the network, and the lines drawn over it: {missing}"
    return ""


def _picture(record: Record, size: tuple[int, int]) -> np.ndarray:
    """(v, u, 3) uint8 of that width and height: a carried picture, or noise where none is carried."""
    if not record.pictures.is_file():
        record.figure("picture", f"noise: there is no {record.pictures.name}")
        return np.random.default_rng(2).integers(0, 256, (*size[::-1], 3)).astype(np.uint8)
    with np.load(record.pictures) as content:
        return _scaled(content["pictures"][0] << 3, size)


def _scaled(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The nearest pixels of (v, u, 3) in a picture of that width and height."""
    u, v = (
        np.minimum((np.arange(count) + 0.5) * old / count, old - 1).astype(int)
        for count, old in zip(size, picture.shape[1::-1])
    )
    return np.ascontiguousarray(picture[np.ix_(v, u)])


def _rounded(found: dict[str, float]) -> dict[str, float]:
    return {name: round(float(value), 2) for name, value in found.items()}
