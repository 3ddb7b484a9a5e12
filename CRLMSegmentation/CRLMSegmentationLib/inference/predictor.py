"""A model in memory: a cropped volume in, a probability volume out.

Preprocessing, sliding window, Gaussian weighting, softmax and resampling are nnU-Net's (nnunetv2), called without its
worker processes, files and prints; a Runtime runs the network.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import contextmanager

import numpy as np

from ..errors import Cancelled, ModelError, SegmentationError
from ..segmentation.postprocess import known_voxels
from ..geometry import occupied_extent
from ..values import Volume
from .models.network_plan import NetworkPlan
from .models.trained_model import Model
from .preparation import prepare, probability_of
from .quiet import this_thread_prints_nothing
from .runtimes.runtime_choice import choose, on_processor
from .sliding_window import predict_logits

__all__ = ["Cancelled", "Segmenter", "available_processors"]

Progress = Callable[[float, str], None]
# A crop of this many voxels at the network's spacing takes more memory than any box around a tumor needs.
LARGEST_NETWORK_VOXELS = 400_000_000
NO_ROOM = "The graphics card has no room for the model: the processor does the work, which takes longer."
OUT_OF_MEMORY = "The graphics card ran out of memory: the processor segmented this crop, which takes longer."


class Segmenter:
    """A model, or several whose probabilities are averaged, ready for one crop after the other.

    model      what load_model gave, or a sequence of such
    device     'auto' (CUDA where there is one), 'cpu' or 'cuda'
    mirroring  average over mirrored passes, eight times the work; off by default
    threads    processor threads at most; by default as many as this process may use, up to 8
    runtime    'torch'; 'auto' for the fastest that agrees with torch on a fixed crop; 'openvino' (float32),
               'openvino-bfloat16' or 'openvino-int8' for that one, with an error where it cannot be had
    choose_runtimes  what makes the runtimes, for tests

    Raises ModelError when weights and plans do not belong together or the device is not there.
    """

    def __init__(
        self,
        model: Model | Sequence[Model],
        device: str = "auto",
        mirroring: bool = False,
        threads: int | None = None,
        runtime: str = "torch",
        choose_runtimes=choose,
    ):
        self.models = (model,) if isinstance(model, Model) else tuple(model)
        if not self.models:
            raise ModelError("No model was given to segment with.")
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

    def probability(
        self, volume: Volume, progress: Progress | None = None, should_cancel: Callable[[], bool] | None = None
    ) -> Volume:
        """The probability of tumor, float32 0..1, on the grid of `volume` (the crop, margin included).

        Where the probe saw nothing, or less than one voxel of the network, the probability is 0 throughout. `notice`
        tells afterwards when it was not computed as wanted. Raises SegmentationError for voxels that are not numbers,
        and Cancelled when `should_cancel` said so.
        """
        if not np.isfinite(volume.voxels).all():
            raise SegmentationError("The volume holds voxels that are not finite numbers: reconstruct it again.")
        self.notice = ""
        spacing_kji = [float(value) for value in volume.spacing_mm[::-1]]
        known = known_voxels(volume)
        seen = np.array([part.stop - part.start for part in occupied_extent(known) or [slice(0, 0)] * 3])
        report, should_cancel = progress or (lambda fraction, text: None), should_cancel or (lambda: False)
        total = np.zeros(volume.voxels.shape, dtype=np.float32)
        with this_thread_prints_nothing(), _bounded_threads(self.threads):
            for number, member in enumerate(self._members):
                at_network = seen * spacing_kji / np.array(member.plan.model.spacing_mm)
                if (np.round(at_network) < 1).any():
                    continue
                if np.prod(at_network) > LARGEST_NETWORK_VOXELS:
                    raise SegmentationError(
                        f"The crop is too large for the model ({np.prod(at_network):.1e} voxels): draw a smaller box."
                    )

                def part(fraction: float, text: str, number=number) -> None:
                    report((number + fraction) / len(self._members), text)

                total += self._of_member(member, (volume.voxels, known), spacing_kji, part, should_cancel)
        if len(self._members) > 1:
            total /= len(self._members)
        report(1.0, "Segmentation is done")
        return volume.on_grid(total)

    def warm_up(self) -> None:
        """A first pass, so that the first crop does not pay for what is made once."""
        notice = self.notice
        for member in self._members:
            # One window, a little off the network's spacing, so that resampling is warm too.
            axes = list(member.plan.plans.transpose_backward)
            shape = np.maximum(2, np.array(member.plan.patch_size)[axes] * 0.9).astype(int)
            spacing_ijk = np.array(member.plan.model.spacing_mm)[::-1] / 0.95
            voxels = np.random.default_rng(0).integers(1, 200, shape).astype(np.uint8)
            self.probability(Volume(voxels, np.diag([*spacing_ijk, 1.0])))
        self.notice = notice

    def interrupt(self) -> None:
        """From another thread, after `should_cancel` has begun to say so: end the pass within one layer."""
        for member in self._members:
            for runtime in member.runtimes:
                runtime.interrupt()

    def _load(self, runtime: str, choose_runtimes) -> list[_Member]:
        """On the processor when the graphics card has no room for the model."""
        import torch

        try:
            return [
                _Member(one, self.device, self.mirroring, self.threads, runtime, choose_runtimes) for one in self.models
            ]
        except torch.cuda.OutOfMemoryError:
            self.device, self.notice = "cpu", NO_ROOM
        return [_Member(one, "cpu", self.mirroring, self.threads, runtime, choose_runtimes) for one in self.models]

    def _of_member(self, member: _Member, crop, spacing_kji, report: Progress, should_cancel) -> np.ndarray:
        import torch

        try:
            return member.probability(*crop, spacing_kji, report, should_cancel)
        except torch.cuda.OutOfMemoryError:
            member.use_processor_once()
            self.notice = OUT_OF_MEMORY
            report(0.0, OUT_OF_MEMORY)
            try:
                return member.probability(*crop, spacing_kji, report, should_cancel)
            finally:
                member.use_own_device()


class _Member:
    """One model of the ensemble with the runtimes of its folds."""

    def __init__(self, model: Model, device: str, mirroring: bool, threads: int, runtime: str, choose_runtimes):
        self.plan = NetworkPlan.of(model, threads)
        self._threads = threads
        self._mirror_axes = model.card.mirror_axes if mirroring else ()
        self._parameters = model.read_weights()
        chosen = choose_runtimes(self.plan, self._parameters, device, runtime, threads)
        self.runtimes, self.notice = chosen.runtimes, chosen.notice
        self._own, self._on_processor = chosen.runtimes, None
        if device == "cpu":
            self._parameters = None

    def probability(self, voxels, known, spacing_kji, report: Progress, should_cancel) -> np.ndarray:
        report(0.0, "Preparing the crop")
        crop = prepare(voxels, spacing_kji, self.plan, known)

        def told(done: int, windows: int) -> None:
            report(0.05 + 0.85 * done / windows, f"Segmenting, window {done} of {windows}")

        logits = predict_logits(
            crop.data, self.runtimes, self.plan.patch_size, self.plan.heads, self._mirror_axes, told, should_cancel
        )
        report(0.95, "Resampling to the volume")
        return probability_of(logits, crop, self.plan, self._threads)

    def use_processor_once(self) -> None:
        """The same networks on the processor, made when they are first needed."""
        if self._on_processor is None:
            self._on_processor = on_processor(self.plan, self._parameters)
        self.runtimes = self._on_processor

    def use_own_device(self) -> None:
        self.runtimes = self._own


def available_processors() -> int:
    """The number of processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _choose_device(device: str) -> str:
    if device not in ("auto", "cpu", "cuda"):
        raise ModelError(f"There is no device '{device}': choose auto, cpu or cuda.")
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError("There is no CUDA device that torch can use: choose the device 'cpu' or 'auto'.")
    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device


@contextmanager
def _bounded_threads(threads: int):
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
