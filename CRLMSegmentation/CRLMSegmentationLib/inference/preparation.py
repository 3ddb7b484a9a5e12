"""From an image to what the network sees, and from its logits back to probabilities on the voxels of the image.

nnU-Net's order: transpose, cut away the zeros around what was seen, normalise, resample; and the same way back. Its own
functions are used; only what is slow in them and changes nothing is replaced: the cavities of the zeros are filled and
the outline of what was seen is resampled only where the normalisation asks for it, and resizing is done by
resampling.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..geometry import occupied_extent
from .averaging import average_seen, averaged_shape
from .image import Image
from .models.network_plan import NetworkPlan

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class PreparedImage:
    """An image as the network takes it.

    data        torch float32 (c, k, j, i) in the network's axes and spacing
    properties  what nnU-Net notes about a case, for the way back
    """

    data: torch.Tensor
    properties: dict[str, Any]


def prepare(image: Image, plan: NetworkPlan, device: torch.device | str = "cpu") -> PreparedImage:
    """`image`, of which at least one voxel is known, as the network sees it; resized on the torch `device`."""
    import torch

    properties: dict[str, Any] = {"spacing": list(image.spacing_mm)}
    spacing = plan.transposed(image.spacing_mm)
    target = plan.network_spacing(spacing)
    as_usual = plan.prepares_as_usual and not plan.normalises_in_mask
    if not as_usual or plan.resamples_slices_separately(spacing, target, "data"):
        prepared, _, properties = plan.preprocessor().run_case_npy(
            image.channels, None, properties, plan.plans, plan.configuration, plan.model.dataset
        )
        return PreparedImage(torch.from_numpy(np.ascontiguousarray(prepared)).to(device), properties)
    forward = plan.transpose_forward
    data: np.ndarray = image.channels.astype(np.float32).transpose(0, *(axis + 1 for axis in forward))
    known = image.known_or_nonzero().transpose(forward)
    seen = occupied_extent(known)
    assert seen is not None, "an image of which nothing is known"
    properties["shape_before_cropping"] = data.shape[1:]
    properties["bbox_used_for_cropping"] = [[part.start, part.stop] for part in seen]
    data = data[(slice(None), *seen)]
    properties["shape_after_cropping_and_before_resampling"] = data.shape[1:]
    new_shape = [round(old / new * size) for old, new, size in zip(spacing, target, data.shape[1:])]
    if plan.averages:
        coarse = averaged_shape(data.shape[1:], spacing, target)
        data = np.stack([average_seen(channel, coarse, known[seen]) for channel in data])
    data = plan.normalise(data.copy())
    tensor = torch.from_numpy(np.ascontiguousarray(data, dtype=np.float32)).to(device)
    return PreparedImage(_resize(tensor, new_shape, plan.resampling_order("data")), properties)


def probabilities_of(
    logits: torch.Tensor, image: PreparedImage, plan: NetworkPlan, heads: Sequence[int], threads: int
) -> np.ndarray:
    """float32 (n, k, j, i) on the voxels of the image: the probabilities of some `heads` of the network, from its
    half-precision `logits` (heads, k, j, i). What was cut away is background.
    """
    properties = image.properties
    spacing = plan.transposed(properties["spacing"])
    current = plan.network_spacing(spacing)
    if not plan.prepares_as_usual or plan.resamples_slices_separately(current, spacing, "probabilities"):
        from nnunetv2.inference.export_prediction import convert_predicted_logits_to_segmentation_with_correct_shape

        _, probabilities = convert_predicted_logits_to_segmentation_with_correct_shape(
            logits.cpu(),
            plan.plans,
            plan.configuration,
            plan.label_manager,
            properties,
            return_probabilities=True,
            num_threads_torch=threads,
        )
        return np.ascontiguousarray(probabilities[list(heads)], dtype=np.float32)
    shape = properties["shape_after_cropping_and_before_resampling"]
    inside = _resized_probabilities(logits.float(), shape, plan, heads).cpu().numpy()
    whole = np.zeros((len(heads), *properties["shape_before_cropping"]), dtype=np.float32)
    place = tuple(slice(*ends) for ends in properties["bbox_used_for_cropping"])
    for number, head in enumerate(heads):
        if head == 0 and not plan.model.labels.has_regions:
            whole[number] = 1  # background, where it was cut away
        whole[number][place] = inside[number]
    return np.ascontiguousarray(whole.transpose(0, *(axis + 1 for axis in plan.transpose_backward)))


def _resized_probabilities(
    logits: torch.Tensor, shape: Sequence[int], plan: NetworkPlan, heads: Sequence[int]
) -> torch.Tensor:
    """float32 (n, *shape) of the n `heads`, from `logits`, float32 (heads of the network, k, j, i)."""
    order, wanted = plan.resampling_order("probabilities"), list(heads)
    if len(logits) == 2 and order == 1 and not plan.model.labels.has_regions:
        # The softmax of two classes is the sigmoid of their difference, and resizing is linear: the difference alone
        # takes the way to all voxels, and is not rounded on it.
        return _resize(logits[wanted] - logits.flip(0)[wanted], shape, order).sigmoid_()
    # Rounded to half precision once more, as nnU-Net's resampling returns the type that it was given.
    return plan.probabilities(_resize(logits, shape, order).half())[wanted]


def _resize(image: torch.Tensor, new_shape: Sequence[int], order: int) -> torch.Tensor:
    from .resampling import resize

    if tuple(image.shape[1:]) != tuple(new_shape) and order not in (1, 3):
        import torch
        from nnunetv2.preprocessing.resampling.default_resampling import resample_data_or_seg

        resized = torch.from_numpy(resample_data_or_seg(image.cpu().numpy(), new_shape, order=order))
        return resized.to(image.device)
    return resize(image, new_shape, order)
