"""nnU-Net's own predictor, run in this process: a cropped volume in, a probability volume out.

Preprocessing, sliding window, Gaussian weighting, resampling and softmax are nnU-Net's (nnunetv2), called step by
step so that no worker process is started, nothing is printed and progress can be told.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Callable

import numpy as np

from ..errors import ModelError, SegmentationError
from ..geometry import Volume
from .models import Model
from .quiet import this_thread_prints_nothing

Progress = Callable[[float, str], None]
# A crop of this many voxels at the network's spacing takes more memory than any box around a tumor needs.
LARGEST_NETWORK_VOXELS = 400_000_000


class Cancelled(SegmentationError):
    """The user asked to stop; there is no result."""


class Segmenter:
    """A model in memory, ready for one crop after the other.

    model      what load_model gave
    device     'auto' (CUDA where there is one), 'cpu' or 'cuda'
    mirroring  average over mirrored passes, eight times the work; off by default
    threads    processor threads at most; by default as many as this process may use, up to 8

    Raises ModelError when weights and plans do not belong together or the device is not there.
    """

    def __init__(self, model: Model, device: str = "auto", mirroring: bool = False, threads: int | None = None):
        self.model = model
        self.threads = threads or min(8, available_processors())
        # nnU-Net reads its bound on threads once, when it is imported; its default of 8 slows a small machine down.
        os.environ.setdefault("nnUNet_def_n_proc", str(self.threads))
        import torch

        self.device = _choose_device(device)
        try:
            with this_thread_prints_nothing():
                self._predictor = _make_predictor(model, torch.device(self.device), mirroring)
        except ImportError as missing:
            raise ModelError(f"nnU-Net cannot be loaded ({missing}): install nnunetv2 2.8 or newer.") from missing

    def probability(
        self, volume: Volume, progress: Progress | None = None, should_cancel: Callable[[], bool] | None = None
    ) -> Volume:
        """The probability of tumor, float32 0..1, on the grid of `volume` (the crop, margin included).

        Where the probe saw nothing, or less than one voxel of the network, the probability is 0 throughout.
        Raises SegmentationError for voxels that are not numbers, and Cancelled when `should_cancel` said so.
        """
        if not np.isfinite(volume.voxels).all():
            raise SegmentationError("The volume holds voxels that are not finite numbers: reconstruct it again.")
        spacing_kji = [float(value) for value in volume.spacing_mm[::-1]]
        at_network = _seen_extent(volume.voxels) * spacing_kji / np.array(self.model.spacing_mm)
        if (np.round(at_network) < 1).any():
            return Volume(np.zeros(volume.voxels.shape, dtype=np.float32), volume.ijk_to_ras)
        if np.prod(at_network) > LARGEST_NETWORK_VOXELS:
            raise SegmentationError(
                f"The crop is too large for the model ({np.prod(at_network):.1e} voxels): draw a smaller box."
            )
        report = progress or (lambda fraction, text: None)
        with _bounded_threads(self.threads):
            probability = self._run(volume.voxels, spacing_kji, report, should_cancel or (lambda: False))
        report(1.0, "Segmentation is done")
        return Volume(probability, volume.ijk_to_ras)

    def _run(self, voxels: np.ndarray, spacing_kji: list[float], report: Progress, should_cancel) -> np.ndarray:
        import torch
        from nnunetv2.inference.export_prediction import convert_predicted_logits_to_segmentation_with_correct_shape

        predictor = self._predictor
        report(0.0, "Preparing the crop")
        preprocessor = predictor.configuration_manager.preprocessor_class(verbose=False)
        data, _, properties = preprocessor.run_case_npy(
            voxels[None], None, {"spacing": spacing_kji}, predictor.plans_manager, predictor.configuration_manager,
            predictor.dataset_json,
        )
        predictor.watch(data.shape[1:], report, should_cancel)
        try:
            logits = predictor.predict_logits_from_preprocessed_data(torch.from_numpy(data))
        except RuntimeError as error:
            if "out of memory" not in str(error).lower():
                raise
            raise SegmentationError(
                "The graphics card ran out of memory: draw a smaller box, or choose the device 'cpu'."
            ) from error
        if predictor.cancelled:
            raise Cancelled("The segmentation was cancelled.")
        report(0.95, "Resampling to the volume")
        _, probabilities = convert_predicted_logits_to_segmentation_with_correct_shape(
            logits, predictor.plans_manager, predictor.configuration_manager, predictor.label_manager, properties,
            return_probabilities=True, num_threads_torch=self.threads,
        )
        return np.ascontiguousarray(probabilities[1], dtype=np.float32)


def _seen_extent(voxels: np.ndarray) -> np.ndarray:
    """(3,) number of voxels along k, j, i from the first to the last that is not 0: what nnU-Net crops to."""
    seen = [np.flatnonzero((voxels != 0).any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    return np.array([float(places[-1] - places[0] + 1) if places.size else 0.0 for places in seen])


def available_processors() -> int:
    """The number of processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _choose_device(device: str) -> str:
    import torch

    if device not in ("auto", "cpu", "cuda"):
        raise ModelError(f"There is no device '{device}': choose auto, cpu or cuda.")
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


def _make_predictor(model: Model, device, mirroring: bool):
    """nnU-Net's predictor with the model's network. Its search for classes by name, which walks through every module
    of nnU-Net and breaks on some installations, is not needed: the plans say how the network is built."""
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    parameters = model.read_weights()
    plans = PlansManager(model.plans)
    configuration = plans.get_configuration(model.card.configuration)
    heads = plans.get_label_manager(model.dataset).num_segmentation_heads
    try:
        network = get_network_from_plans(
            configuration.network_arch_class_name, configuration.network_arch_init_kwargs,
            configuration.network_arch_init_kwargs_req_import, 1, heads, allow_init=False, deep_supervision=False,
        )
        network.load_state_dict(parameters[0])
    except (RuntimeError, TypeError, KeyError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"The weights of the model '{model.name}' do not fit its plans ({reason}).") from error
    predictor = _watched_predictor_class()(
        use_mirroring=mirroring, perform_everything_on_device=device.type == "cuda", device=device, allow_tqdm=False
    )
    predictor.manual_initialization(
        network, plans, configuration, parameters, model.dataset, "nnUNetTrainer", model.card.mirror_axes or None
    )
    return predictor


def _watched_predictor_class():
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    class WatchedPredictor(nnUNetPredictor):
        """nnU-Net's predictor that tells of every window, and lets the windows after a cancel pass by."""

        def watch(self, shape, report: Progress, should_cancel) -> None:
            padded = [max(size, patch) for size, patch in zip(shape, self.configuration_manager.patch_size)]
            self.windows = len(self._internal_get_sliding_window_slicers(padded)) * len(self.list_of_parameters)
            self.report, self.should_cancel, self.cancelled, self.windows_done = report, should_cancel, False, 0

        def _internal_maybe_mirror_and_predict(self, x):
            self.cancelled = self.cancelled or self.should_cancel()
            if self.cancelled:
                # Raising here would leave nnU-Net's feeding thread waiting for ever: the rest is skipped instead.
                return x.new_zeros((1, self.label_manager.num_segmentation_heads, *x.shape[2:]))
            prediction = super()._internal_maybe_mirror_and_predict(x)
            self.windows_done += 1
            self.report(0.05 + 0.85 * self.windows_done / self.windows,
                        f"Segmenting, window {self.windows_done} of {self.windows}")
            return prediction

    return WatchedPredictor
