"""Part 'correct-network': what networks answer on the card, beside what they answer on the processor in float32."""

from __future__ import annotations

import itertools
import threading
import time
from typing import TYPE_CHECKING

import numpy as np
from CRLMSegmentationLib.errors import Cancelled
from CRLMSegmentationLib.inference.image import Image
from CRLMSegmentationLib.inference.models.trained_model import Model
from CRLMSegmentationLib.inference.predictor import LocalPredictor
from models import box_of_speckle, default_2d, default_3d, frame_of_speckle, shipped
from out_of_memory import check_out_of_memory
from record import Record

if TYPE_CHECKING:
    import torch

SMALLEST_DICE, LARGEST_DIFFERENCE = 0.999, 0.02


def run(record: Record, argument: str) -> None:
    box, frame = box_of_speckle(record.quick), frame_of_speckle(record.quick)
    trained = shipped(record.quick)
    deep = default_3d(record.work, record.quick, folds=2)
    flat = default_2d(record.work, record.quick)
    color = default_2d(record.work, record.quick, task="landmarks", channels=("R", "G", "B"),
                       labels={"background": 0, "ridge": 1, "ligament": 2})  # fmt: skip
    for model in trained:
        _compare(record, f"{model.name}, one pass", model, box)
    if not record.quick:
        _compare(record, f"{trained[0].name}, mirrored", trained[0], box, mirroring=True)
    _compare(record, "the default 3D network, one fold", deep.with_folds(["0"]), box)
    _compare(record, "the default 3D network, two folds", deep, box)
    _compare(record, "the default 2D network, a frame", flat, frame)
    _compare(record, "the default 2D network, a frame, mirrored", flat, frame, mirroring=True)
    _compare(record, "the default 2D network, colour", color, frame_of_speckle(record.quick, 3))
    _check_batches(record, deep.with_folds(["0"]) if record.quick else trained[0])
    _check_cancel(record, deep.with_folds(["0"]), box)
    check_out_of_memory(record, deep.with_folds(["0"]), box)


def _compare(record: Record, name: str, model: Model, image: Image, mirroring: bool = False) -> None:
    """The same mask to Dice 0.999 from trained weights, whose answers are decided; all within 0.02.

    Probabilities of random weights all lie about 0.5, where half precision turns many a voxel over: their Dice is told.
    """
    here = LocalPredictor(model, record.device, mirroring)
    there = LocalPredictor(model, "cpu", mirroring)
    answer, expected = here.predict(image).probabilities, there.predict(image).probabilities
    again = here.predict(image).probabilities
    difference = float(np.abs(answer - expected).max())
    threshold = model.card.threshold
    dice = dice_of(answer >= threshold, expected >= threshold)
    is_trained = "training" in model.card.text
    record.check(
        name,
        difference <= LARGEST_DIFFERENCE and (dice >= SMALLEST_DICE or not is_trained) and not here.notice,
        dice=round(dice, 5),
        largest_difference=difference,
        mean_difference=float(np.abs(answer - expected).mean()),
        difference_of_a_second_pass=float(np.abs(answer - again).max()),
        marked_voxels=int((expected >= threshold).sum()),
        runtime=here.runtime,
        notice=here.notice,
        captured=captured_sizes(here),
    )


def _check_batches(record: Record, model: Model) -> None:
    """Windows together, each as it is alone; the last batch, smaller than the others, has a graph of its own."""
    import torch

    predictor = LocalPredictor(model, record.device)
    runtime = predictor._members[0].runtimes[0]
    windows = torch.randn((8, 1, *predictor._members[0].plan.patch_size), device=runtime.device)
    alone = torch.cat([runtime.run(window[None]) for window in windows])
    for size in (8, 3, 2):
        together = torch.cat([runtime.run(part) for part in windows.split(size)])
        difference = float((together - alone).abs().max())
        record.check(f"batches of {size}", difference < 0.1, largest_difference_of_logits=difference)


def _check_cancel(record: Record, model: Model, image: Image) -> None:
    """Cancelled by another thread when the second of the mirrored windows begins: at once, and the next answer is
    right.
    """
    predictor = LocalPredictor(model, record.device, mirroring=True)
    expected = predictor.predict(image).probabilities
    runtime, asked, cancelled_at = predictor._members[0].runtimes[0], threading.Event(), [0.0]
    run, windows_begun = runtime.run, itertools.count(1)

    def cancel() -> None:
        cancelled_at[0] = time.perf_counter()
        asked.set()
        predictor.interrupt()

    def run_and_cancel(windows: torch.Tensor) -> torch.Tensor:
        if next(windows_begun) == 2:
            other = threading.Thread(target=cancel)
            other.start()
            other.join()
        return run(windows)

    runtime.run = run_and_cancel
    started = time.perf_counter()
    try:
        predictor.predict(image, should_cancel=asked.is_set)
        was_cancelled = False
    except Cancelled:
        was_cancelled = True
    ended = time.perf_counter()
    runtime.run = run
    difference = float(np.abs(predictor.predict(image).probabilities - expected).max())
    record.check("cancelled in the middle", was_cancelled and difference <= 1e-3,
                 was_cancelled=was_cancelled, seconds_to_cancel=round(ended - (cancelled_at[0] or started), 4),
                 difference_of_the_next_answer=difference)  # fmt: skip


def captured_sizes(predictor: LocalPredictor) -> list[int]:
    """The sizes of batches of which there is a graph."""
    graphs = [getattr(runtime, "_graphs", {}) for member in predictor._members for runtime in member.runtimes]
    return sorted({size for one in graphs for size in one})


def dice_of(mask: np.ndarray, other: np.ndarray) -> float:
    together = int(mask.sum()) + int(other.sum())
    return 2 * int((mask & other).sum()) / together if together else 1.0
