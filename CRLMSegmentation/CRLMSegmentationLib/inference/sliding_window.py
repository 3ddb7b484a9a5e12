"""nnU-Net's sliding window over a prepared image, with progress, cancel, and batches that shrink when memory runs out.

Padding, places of the windows and the Gaussian weights are nnU-Net's functions, and the sums are made in half precision
in its order, so that the logits are those of nnUNetPredictor to the last bit when the network's are.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..errors import Cancelled, SegmentationError
from ..values.progress import ShouldCancel
from ..words import tr
from .runtimes.runtime import Runtime

if TYPE_CHECKING:
    import torch

STEP = 0.5  # of the patch, nnU-Net's default
Place = tuple[int | slice, ...]


def window_places(shape: Sequence[int], patch_size: Sequence[int]) -> list[Place]:
    """Where the windows lie in a (k, j, i) array at least as large as one; those of a 2D network in plane after
    plane.
    """
    from nnunetv2.inference.sliding_window_prediction import compute_steps_for_sliding_window

    in_plane = len(patch_size) < len(shape)
    starts = compute_steps_for_sliding_window(tuple(shape[1:] if in_plane else shape), tuple(patch_size), STEP)
    windows = [
        tuple(slice(start, start + size) for start, size in zip(corner, patch_size))
        for corner in itertools.product(*starts)
    ]
    if in_plane:
        return [(plane, *window) for plane in range(shape[0]) for window in windows]
    return list(windows)


def predict_logits(
    data: torch.Tensor,
    runtimes: Sequence[Runtime],
    patch_size: Sequence[int],
    heads: int,
    mirror_axes: Sequence[int],
    window_done: Callable[[int, int], None],
    should_cancel: ShouldCancel,
) -> torch.Tensor:
    """float16 torch tensor (heads, k, j, i) for `data`, float32 (c, k, j, i); the mean over the `runtimes` (folds).

    mirror_axes  array axes along which mirrored passes are averaged; empty for none
    window_done  gets the number of windows done and of all
    Raises Cancelled when `should_cancel` says so, between windows and, where the runtime can, within one.
    """
    import torch
    from acvl_utils.cropping_and_padding.padding import pad_nd_image
    from nnunetv2.inference.sliding_window_prediction import compute_gaussian

    device = runtimes[0].device
    padded, inside = pad_nd_image(data, tuple(patch_size), "constant", {"value": 0}, True, None)
    padded = padded.to(device)
    places = window_places(padded.shape[1:], patch_size)
    gaussian = compute_gaussian(tuple(patch_size), sigma_scale=1.0 / 8, value_scaling_factor=10, device=device)
    number, folds = itertools.count(1), []
    for runtime in runtimes:
        logits = torch.zeros((heads, *padded.shape[1:]), dtype=torch.half, device=device)
        weights = torch.zeros(padded.shape[1:], dtype=torch.half, device=device)
        for place in places:
            window = padded[(slice(None), *place)][None].contiguous()
            prediction = _mirrored(runtime, window, mirror_axes, should_cancel)
            prediction *= gaussian
            logits[(slice(None), *place)] += prediction
            weights[place] += gaussian
            window_done(next(number), len(places) * len(runtimes))
        folds.append(torch.div(logits, weights, out=logits))
        if len(folds) == 2:
            folds = [folds[0].add_(folds[1])]
    mean = folds[0]
    if len(runtimes) > 1:
        mean /= len(runtimes)
    if not bool(torch.isfinite(mean).all()):
        raise SegmentationError(
            tr("The network's answer holds values that are not finite numbers: the model is unusable.")
        )
    return mean[(slice(None), *inside[1:])]


def _mirrored(
    runtime: Runtime, window: torch.Tensor, mirror_axes: Sequence[int], should_cancel: ShouldCancel
) -> torch.Tensor:
    """(heads, [k,] j, i) float32: the mean of the passes over the window and its mirror images."""
    flips = [
        tuple(axis + 2 for axis in axes)
        for count in range(len(mirror_axes) + 1)
        for axes in itertools.combinations(mirror_axes, count)
    ]
    total: torch.Tensor | None = None
    first = 0
    while first < len(flips):
        batch = flips[first : first + runtime.largest_batch]
        images = [window.flip(axes) if axes else window for axes in batch]
        answers = _run(runtime, images, should_cancel)
        for axes, answer in zip(batch, answers):
            answer = answer.flip([axis - 1 for axis in axes]) if axes else answer
            total = answer.clone() if total is None else total.add_(answer)
        first += len(batch)
    assert total is not None, "without mirroring there is one pass"
    return total.div_(len(flips)) if len(flips) > 1 else total


def _run(runtime: Runtime, images: Sequence[torch.Tensor], should_cancel: ShouldCancel) -> list[torch.Tensor]:
    """The answers to a batch. On a graphics card short of memory the batch is halved, for good, until it fits."""
    import torch

    while True:
        try:
            answers: list[torch.Tensor] = []
            for first in range(0, len(images), runtime.largest_batch):
                runtime.clear_interrupt()
                if should_cancel():
                    raise Cancelled(tr("The segmentation was cancelled."))
                answers += list(runtime.run(torch.cat(list(images[first : first + runtime.largest_batch]))))
            return answers
        except torch.cuda.OutOfMemoryError:
            if runtime.largest_batch == 1:
                raise
            runtime.shrink_batch()
