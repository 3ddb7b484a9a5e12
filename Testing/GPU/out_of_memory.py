"""A card that fills up: smaller batches, then the processor, and always the same answer.

On a card other memory is really taken, by a plain allocation. Without one, batches beyond a size are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from CRLMSegmentationLib.inference.image import Image
from CRLMSegmentationLib.inference.models.network_plan import NetworkPlan
from CRLMSegmentationLib.inference.models.trained_model import Model
from CRLMSegmentationLib.inference.predictor import OUT_OF_MEMORY, LocalPredictor
from CRLMSegmentationLib.inference.runtimes.runtime import TorchRuntime
from CRLMSegmentationLib.inference.runtimes.runtime_choice import MIRRORED_BATCH, Chosen
from record import Record

if TYPE_CHECKING:
    import torch

# What is left of the card, from enough to nothing.
ROOMS_MIB = (24_000, 6_000, 2_500, 1_200, 400, 0)


def check_out_of_memory(record: Record, model: Model, image: Image) -> None:
    expected = LocalPredictor(model, "cpu", True).predict(image).probabilities
    if record.device == "cuda":
        for room_mib in ROOMS_MIB:
            predictor = LocalPredictor(model, "cuda", True)
            with _filled_card(room_mib):
                answer = predictor.predict(image).probabilities
            _check(record, f"{room_mib} MiB left", predictor, answer, expected)
            _check(record, f"after {room_mib} MiB", predictor, predictor.predict(image).probabilities, expected)
            del predictor
        return
    for room in (MIRRORED_BATCH, 3, 0):
        predictor = LocalPredictor(model, "cpu", True, choose_runtimes=_cramped(room))
        predictor._members[0]._parameters = model.read_weights()
        _check(record, f"room for {room} windows", predictor, predictor.predict(image).probabilities, expected)


def _check(record: Record, name: str, predictor: LocalPredictor, answer: np.ndarray, expected: np.ndarray) -> None:
    difference = float(np.abs(answer - expected).max())
    record.check(f"out of memory, {name}", difference <= 0.02 and predictor.notice in ("", OUT_OF_MEMORY),
                 largest_difference=difference, largest_batch=predictor._members[0].runtimes[0].largest_batch,
                 notice=predictor.notice)  # fmt: skip


@contextmanager
def _filled_card(room_mib: int) -> Iterator[None]:
    import torch

    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    free = torch.cuda.mem_get_info()[0]
    filling = torch.empty(max(0, free - (room_mib << 20)), dtype=torch.uint8, device="cuda")
    try:
        yield
    finally:
        del filling
        torch.cuda.empty_cache()


class _CrampedCard(TorchRuntime):
    """The network on the processor, in batches, out of memory when they are too large."""

    def __init__(self, network: torch.nn.Module, patch_size: tuple[int, ...], room: int):
        super().__init__(network, patch_size, "cpu")
        self.largest_batch, self._room = MIRRORED_BATCH, room

    def run(self, windows: torch.Tensor) -> torch.Tensor:
        import torch

        if len(windows) > self._room:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory (simulated)")
        return super().run(windows)


def _cramped(room: int):
    def chosen(plan: NetworkPlan, parameters, device: str, runtime: str, threads: int) -> Chosen:
        return Chosen((_CrampedCard(plan.network(parameters[0]), plan.patch_size, room),))

    return chosen
