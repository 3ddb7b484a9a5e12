"""From a crop to what the network sees, and from its logits back to a probability on the voxels of the crop.

nnU-Net's order: transpose, cut away the zeros around what was seen, normalise, resample; and the same way back. Its own
functions are used; only what is slow in them and changes nothing is replaced: the cavities of the zeros are filled and
the outline of what was seen is resampled only where the normalisation asks for it, and resizing is done by
resampling.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..geometry import occupied_extent
from .averaging import average_seen, averaged_shape
from .models.network_plan import NetworkPlan


@dataclass(frozen=True, eq=False)
class PreparedCrop:
    """A crop as the network takes it.

    data        torch float32 (1, k, j, i) in the network's axes and spacing
    properties  what nnU-Net notes about a case, for the way back
    """

    data: Any
    properties: dict


def prepare(
    voxels: np.ndarray, spacing_kji: list[float], plan: NetworkPlan, known: np.ndarray | None = None
) -> PreparedCrop:
    """`voxels` [k, j, i] of a crop with at least one that is known.

    known  boolean, where there is a grey level (postprocess.known_voxels); None: wherever it is not 0, as nnU-Net has
           it
    """
    import torch

    preprocessor = plan.preprocessor()
    properties = {"spacing": list(spacing_kji)}
    spacing = [spacing_kji[axis] for axis in plan.plans.transpose_forward]
    target = list(plan.configuration.spacing)
    as_usual = plan.prepares_as_usual and not any(plan.configuration.use_mask_for_norm)
    if not as_usual or plan.resamples_slices_separately(spacing, target, "data"):
        data, _, properties = preprocessor.run_case_npy(
            voxels[None], None, properties, plan.plans, plan.configuration, plan.model.dataset
        )
        return PreparedCrop(torch.from_numpy(np.ascontiguousarray(data)), properties)
    data = voxels.astype(np.float32).transpose(plan.plans.transpose_forward)
    known = data != 0 if known is None else known.transpose(plan.plans.transpose_forward)
    seen = occupied_extent(known)
    properties["shape_before_cropping"] = data.shape
    properties["bbox_used_for_cropping"] = [[part.start, part.stop] for part in seen]
    data = data[seen][None]
    properties["shape_after_cropping_and_before_resampling"] = data.shape[1:]
    new_shape = [round(old / new * size) for old, new, size in zip(spacing, target, data.shape[1:])]
    if plan.averages:
        data = average_seen(data[0], averaged_shape(data.shape[1:], spacing, target), known[seen])[None]
    data = preprocessor._normalize(
        data.copy(),
        np.zeros((1, 1), np.int8),
        plan.configuration,
        plan.plans.foreground_intensity_properties_per_channel,
    )
    data = torch.from_numpy(np.ascontiguousarray(data, dtype=np.float32))
    return PreparedCrop(_resize(data, new_shape, plan.resampling_order("data")), properties)


def probability_of(logits, crop: PreparedCrop, plan: NetworkPlan, threads: int) -> np.ndarray:
    """float32 [k, j, i] on the voxels of the crop, from half-precision `logits` (heads, k, j, i); 0 where it was cut
    away.
    """
    import torch

    properties = crop.properties
    spacing = [properties["spacing"][axis] for axis in plan.plans.transpose_forward]
    current = list(plan.configuration.spacing)
    if not plan.prepares_as_usual or plan.resamples_slices_separately(current, spacing, "probabilities"):
        from nnunetv2.inference.export_prediction import convert_predicted_logits_to_segmentation_with_correct_shape

        _, probabilities = convert_predicted_logits_to_segmentation_with_correct_shape(
            logits.cpu(),
            plan.plans,
            plan.configuration,
            plan.plans.get_label_manager(plan.model.dataset),
            properties,
            return_probabilities=True,
            num_threads_torch=threads,
        )
        return np.ascontiguousarray(probabilities[1], dtype=np.float32)
    shape = properties["shape_after_cropping_and_before_resampling"]
    # Rounded to half precision once more, as nnU-Net's resampling returns the type that it was given.
    resized = _resize(logits.float(), shape, plan.resampling_order("probabilities")).half().float()
    inside = torch.softmax(resized, dim=0)[1].cpu().numpy()
    probability = np.zeros(properties["shape_before_cropping"], dtype=np.float32)
    probability[tuple(slice(*ends) for ends in properties["bbox_used_for_cropping"])] = inside
    return np.ascontiguousarray(probability.transpose(plan.plans.transpose_backward))


def _resize(image, new_shape, order: int):
    if tuple(image.shape[1:]) != tuple(new_shape) and order not in (1, 3):
        import torch
        from nnunetv2.preprocessing.resampling.default_resampling import resample_data_or_seg

        resized = resample_data_or_seg(image.cpu().numpy(), new_shape, order=order)
        return torch.from_numpy(resized).to(image.device)
    from .resampling import resize

    return resize(image, new_shape, order)
