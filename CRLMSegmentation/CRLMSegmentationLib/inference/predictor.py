"""Models in memory: an image in, the probability of each label out.

Preprocessing, sliding window, Gaussian weighting, softmax or sigmoid and resampling are nnU-Net's (nnunetv2), called
without its worker processes, files and prints; a Runtime runs the network.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ModelError, SegmentationError
from ..geometry import occupied_extent
from ..values.progress import Progress, ShouldCancel
from ..words import tr
from .image import Image, Prediction
from .models.ensemble import models_of, wanted_labels
from .models.network_plan import NetworkPlan
from .models.trained_model import Model
from .preparation import prepare, probabilities_of
from .quiet import this_thread_prints_nothing
from .runtimes.runtime import Runtime
from .runtimes.runtime_choice import Chosen, choose, on_processor
from .sliding_window import predict_logits

if TYPE_CHECKING:
    import torch

ChooseRuntimes = Callable[[NetworkPlan, "list[dict[str, torch.Tensor]]", str, str, int], Chosen]
# An image of this many voxels at the network's spacing takes more memory than any box around a tumor needs.
LARGEST_NETWORK_VOXELS = 400_000_000
NO_ROOM = "The graphics card has no room for the model: the processor does the work, which takes longer."
OUT_OF_MEMORY = "The graphics card ran out of memory: the processor segmented this crop, which takes longer."


class LocalPredictor:
    """A model, or several whose probabilities are averaged, in this process.

    model      what load_model gave, or a sequence of such, all with the same channels and labels
    device     'auto' (CUDA where there is one), 'cpu' or 'cuda'
    mirroring  average over mirrored passes, eight times the work; off by default
    threads    processor threads at most; by default as many as this process may use, up to 8
    runtime    'torch'; 'auto' for the fastest that agrees with torch on a fixed window; 'openvino' (float32),
               'openvino-bfloat16' or 'openvino-int8' for that one, with an error where it cannot be had
    choose_runtimes  what makes the runtimes, for tests

    Raises ModelError when weights and plans do not belong together, models do not fit each other, or the device is not
    there.
    """

    def __init__(
        self,
        model: Model | Sequence[Model],
        device: str = "auto",
        mirroring: bool = False,
        threads: int | None = None,
        runtime: str = "torch",
        choose_runtimes: ChooseRuntimes = choose,
    ):
        self.models = models_of(model)
        self.mirroring = mirroring
        self.threads = threads or min(8, available_processors())
        self.notice = ""
        self.device = _choose_device(device)
        with this_thread_prints_nothing(), _bounded_threads(self.threads):
            self._members = self._load(runtime, choose_runtimes)
        notices = [self.notice, *(member.notice for member in self._members)]
        self.notice = " ".join(dict.fromkeys(notice for notice in notices if notice))

    @property
    def model(self) -> Model:
        """The (first) model; its card says margin and threshold."""
        return self.models[0]

    @property
    def runtime(self) -> str:
        """What runs the network, such as 'OpenVINO float32'."""
        return ", ".join(dict.fromkeys(runtime.name for member in self._members for runtime in member.runtimes))

    def predict(
        self,
        image: Image,
        labels: Sequence[str] | None = None,
        progress: Progress | None = None,
        should_cancel: ShouldCancel | None = None,
    ) -> Prediction:
        """The probability of each of `labels` (by default all but the background) on the voxels of `image`.

        Where nothing is known, or less than one voxel of the network, all is background. `notice` says afterwards when
        it was not computed as wanted. Raises ModelError for a label or a number of channels that the model has not,
        SegmentationError for an image that is too large, and Cancelled when `should_cancel` said so.
        """
        wanted = wanted_labels(self.model, image, labels)
        self.notice = ""
        report, should_cancel = progress or (lambda fraction, text: None), should_cancel or (lambda: False)
        total = np.zeros((len(wanted), *image.shape), dtype=np.float32)
        with this_thread_prints_nothing(), _bounded_threads(self.threads):
            for number, member in enumerate(self._members):

                def part(fraction: float, text: str, number: int = number) -> None:
                    report((number + fraction) / len(self._members), text)

                total += self._of_member(member, image, wanted, part, should_cancel)
        if len(self._members) > 1:
            total /= len(self._members)
        report(1.0, tr("Segmentation is done"))
        return Prediction(total, wanted)

    def warm_up(self) -> None:
        """A first pass, so that the first image does not pay for what is made once. Where the networks have run before,
        to be chosen, only what comes before and after them.
        """
        notice = self.notice
        for member in self._members:
            if member.has_run:
                with this_thread_prints_nothing(), _bounded_threads(self.threads):
                    member.warm_up_around()
            else:
                self.predict(member.example())
        self.notice = notice

    def interrupt(self) -> None:
        """From another thread, after `should_cancel` has begun to say so: end the pass within one layer."""
        for member in self._members:
            for runtime in member.runtimes:
                runtime.interrupt()

    def _load(self, runtime: str, choose_runtimes: ChooseRuntimes) -> list[_Member]:
        """On the processor when the graphics card has no room for the model."""
        import torch

        try:
            return [
                _Member(one, self.device, self.mirroring, self.threads, runtime, choose_runtimes) for one in self.models
            ]
        except torch.cuda.OutOfMemoryError:
            self.device, self.notice = "cpu", NO_ROOM
        return [_Member(one, "cpu", self.mirroring, self.threads, runtime, choose_runtimes) for one in self.models]

    def _of_member(
        self, member: _Member, image: Image, labels: Sequence[str], report: Progress, should_cancel: ShouldCancel
    ) -> np.ndarray:
        import torch

        try:
            return member.probabilities(image, labels, report, should_cancel)
        except torch.cuda.OutOfMemoryError:
            member.use_processor_once()
            self.notice = OUT_OF_MEMORY
            report(0.0, OUT_OF_MEMORY)
            try:
                return member.probabilities(image, labels, report, should_cancel)
            finally:
                member.use_own_device()


class _Member:
    """One model of the ensemble with the runtimes of its folds."""

    def __init__(
        self,
        model: Model,
        device: str,
        mirroring: bool,
        threads: int,
        runtime: str,
        choose_runtimes: ChooseRuntimes,
    ):
        self.plan = NetworkPlan.of(model, threads)
        self._threads = threads
        self._mirror_axes = model.card.mirror_axes if mirroring else ()
        parameters = model.read_weights()
        chosen = choose_runtimes(self.plan, parameters, device, runtime, threads)
        self.runtimes: tuple[Runtime, ...] = chosen.runtimes
        self.notice, self.has_run = chosen.notice, chosen.has_run
        self._own = chosen.runtimes
        self._on_processor: tuple[Runtime, ...] | None = None
        # For the day on which the graphics card has no room left.
        self._parameters = None if device == "cpu" else parameters

    def probabilities(
        self, image: Image, labels: Sequence[str], report: Progress, should_cancel: ShouldCancel
    ) -> np.ndarray:
        """float32 (n, k, j, i)."""
        heads = [self.plan.model.labels.heads.index(label) for label in labels]
        if not self._has_room_for_a_voxel(image):
            empty = np.zeros((len(heads), *image.shape), dtype=np.float32)
            empty[[head == 0 and not self.plan.model.labels.has_regions for head in heads]] = 1
            return empty
        report(0.0, tr("Preparing the image"))
        prepared = prepare(image, self.plan, self.runtimes[0].device)

        def window_done(done: int, windows: int) -> None:
            report(0.05 + 0.85 * done / windows, f"Segmenting, window {done} of {windows}")

        logits = predict_logits(
            prepared.data,
            self.runtimes,
            self.plan.patch_size,
            self.plan.heads,
            self._mirror_axes,
            window_done,
            should_cancel,
        )
        report(0.95, tr("Resampling to the voxels of the image"))
        return probabilities_of(logits, prepared, self.plan, heads, self._threads)

    def _has_room_for_a_voxel(self, image: Image) -> bool:
        """False where less is known than one voxel of the network. Raises SegmentationError for too large an image."""
        seen = occupied_extent(image.known_or_nonzero())
        if seen is None:
            return False
        spacing = self.plan.transposed(image.spacing_mm)
        size_mm = self.plan.transposed([(part.stop - part.start) * mm for part, mm in zip(seen, image.spacing_mm)])
        at_network = np.array(size_mm) / self.plan.network_spacing(spacing)
        if (np.round(at_network) < 1).any():
            return False
        if np.prod(at_network) > LARGEST_NETWORK_VOXELS:
            raise SegmentationError(
                tr(
                    "The crop is too large for the model ({prod:.1e} voxels): draw a smaller box.",
                    prod=np.prod(at_network),
                )
            )
        return True

    def example(self) -> Image:
        """One window of noise, a little off the network's spacing, so that resampling is warm too."""
        axes = self.plan.transpose_backward
        patch = (1, *self.plan.patch_size) if len(self.plan.patch_size) == 2 else self.plan.patch_size
        spacing = np.array(self.plan.network_spacing([1.0, 1.0, 1.0]))[axes] / 0.95
        shape = [max(2, int(size * 0.9)) if size > 1 else 1 for size in np.array(patch)[axes]]
        noise = np.random.default_rng(0).integers(1, 200, (self.plan.channels, *shape)).astype(np.uint8)
        return Image(noise, spacing.tolist())

    def warm_up_around(self) -> None:
        """All that is done with an image but the network's passes."""
        own, self.runtimes = self.runtimes, (_NothingFound(self.plan.heads, self.runtimes[0].device),)
        try:
            self.probabilities(self.example(), [], lambda fraction, text: None, lambda: False)
        finally:
            self.runtimes = own

    def use_processor_once(self) -> None:
        """The same networks on the processor, made when they are first needed."""
        if self._on_processor is None:
            assert self._parameters is not None, "only a graphics card runs out of its memory"
            self._on_processor = on_processor(self.plan, self._parameters)
        self.runtimes = self._on_processor

    def use_own_device(self) -> None:
        self.runtimes = self._own


@dataclass
class _NothingFound:
    """A runtime that answers 0 at once."""

    heads: int
    device: torch.device
    name: str = "none"
    largest_batch: int = 1

    def run(self, windows: torch.Tensor) -> torch.Tensor:
        return windows.new_zeros((len(windows), self.heads, *windows.shape[2:]))

    def interrupt(self) -> None:
        """Nothing runs."""

    def clear_interrupt(self) -> None:
        """There is none."""

    def shrink_batch(self) -> None:
        """There is nothing to shrink."""


def available_processors() -> int:
    """The number of processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _choose_device(device: str) -> str:
    if device not in ("auto", "cpu", "cuda"):
        raise ModelError(tr("There is no device '{device}': choose auto, cpu or cuda.", device=device))
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError(tr("There is no CUDA device that torch can use: choose the device 'cpu' or 'auto'."))
    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device


@contextmanager
def _bounded_threads(threads: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
