"""Coarser voxels as means of fine ones, for networks that work at a coarser spacing than volumes are made at.

nnU-Net resamples with a cubic spline, which at a third of the resolution leaves much of the speckle and takes a hole
between two frames for tissue as dark as a vessel. The mean over all voxels that a coarse one covers and that the probe
has seen has less speckle and no holes up to its own size: from 0.5 to 1.5 mm, the contrast of the tumors of four
simulated livers to the spread of the grey levels was 0.9 to 2.0, that of the spline 0.8 to 1.4; without hole filling
0.9 to 1.9 and 0.5 to 1.0. nnU-Net's own resampling cannot do this (2.8: `resample_torch_fornnunet` drops its `mode`),
so that it is a preprocessor, which a model's plans name: nnU-Net alone then refuses the model, and does not quietly
feed it what it never saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..geometry import occupied_extent

if TYPE_CHECKING:
    from scipy.sparse import csr_array

PREPROCESSOR = "AveragingPreprocessor"


def averaged_shape(shape: Sequence[int], spacing: Sequence[float], target: Sequence[float]) -> tuple[int, ...]:
    """The shape after averaging from `spacing` to `target` (mm, same axes); an axis that is as coarse is left alone."""
    return tuple(
        max(1, round(size * old / new)) if old < new else int(size) for size, old, new in zip(shape, spacing, target)
    )


def average_seen(voxels: np.ndarray, shape: Sequence[int], known: np.ndarray | None = None) -> np.ndarray:
    """float32 of `shape`: the mean over what each voxel covers of `voxels`, 3-D, leaving out what was not seen.

    known  boolean, where there is a grey level; None: wherever it is not 0
    Both grids cover the same space, edge to edge; what a voxel covers in part counts in part. 0 where nothing was seen.
    """
    if tuple(shape) == voxels.shape:
        return voxels.astype(np.float32)
    total = _covered_sum(voxels.astype(np.float32), shape)
    known = voxels != 0 if known is None else known
    if known.all():
        return total * np.float32(np.prod(shape) / voxels.size)
    seen = _covered_sum(known.astype(np.float32), shape)
    return np.where(seen > 1e-4, total / np.maximum(seen, np.float32(1e-4)), np.float32(0))


def average_mask(mask: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """`mask`, 3-D with labels 0 and 1, at `shape` in its own dtype: 1 where at least half of what is covered is 1."""
    if tuple(shape) == mask.shape:
        return mask
    share = _covered_sum((mask > 0).astype(np.float32), shape) * (np.prod(shape) / mask.size)
    return (share >= 0.5 - 1e-4).astype(mask.dtype)


def averaging_preprocessor() -> Any:
    """nnU-Net's preprocessor with averaging in the place of its spline, wherever voxels become coarser.

    Its properties are those of the fine voxels, so that nnU-Net's way back leads onto them.
    """
    from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor

    class AveragingPreprocessor(DefaultPreprocessor):  # type: ignore[misc]  # nnU-Net has no types
        def run_case_npy(
            self,
            data: np.ndarray,
            seg: np.ndarray | None,
            properties: dict[str, Any],
            plans_manager: Any,
            configuration_manager: Any,
            dataset_json: dict[str, Any],
        ) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
            spacing = list(properties["spacing"])
            forward = plans_manager.transpose_forward
            network = [float(value) for value in configuration_manager.spacing]
            if len(network) == 2:  # plane after plane, as far apart as they are
                network = [float(spacing[forward[0]]), *network]
            target = [network[place] for place in plans_manager.transpose_backward]
            part = occupied_extent((data != 0).any(axis=0)) or tuple(slice(0, size) for size in data.shape[1:])
            cut = data[(slice(None), *part)]
            shape = averaged_shape(cut.shape[1:], spacing, target)
            coarse = np.stack([average_seen(channel, shape) for channel in cut])
            coarse_seg = None if seg is None else average_mask(seg[0][part], shape)[None]
            coarser = {**properties, "spacing": [max(old, new) for old, new in zip(spacing, target)]}
            result, result_seg, found = super().run_case_npy(
                coarse, coarse_seg, coarser, plans_manager, configuration_manager, dataset_json
            )
            properties.update(found, spacing=spacing)
            properties["shape_before_cropping"] = tuple(data.shape[1 + axis] for axis in forward)
            properties["bbox_used_for_cropping"] = [[part[axis].start, part[axis].stop] for axis in forward]
            properties["shape_after_cropping_and_before_resampling"] = tuple(cut.shape[1 + axis] for axis in forward)
            return result, result_seg, properties

    return AveragingPreprocessor(verbose=False)


def averaging_matrix(size: int, new_size: int) -> csr_array:
    """(new_size, size) float32: the mean over what each coarse voxel covers of a row of fine ones, edge to edge."""
    covered: csr_array = _cover(size, new_size) * np.float32(new_size / size)
    return covered


def _covered_sum(voxels: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """The sum over what each voxel of the result covers, axis by axis: float32, C order."""
    for axis, size in enumerate(shape):
        if voxels.shape[axis] != size:
            first = np.moveaxis(voxels, axis, 0)
            summed = _cover(len(first), int(size)) @ first.reshape(len(first), -1)
            voxels = np.moveaxis(summed.reshape(int(size), *first.shape[1:]), 0, axis)
    return np.ascontiguousarray(voxels)


@lru_cache(maxsize=256)
def _cover(size: int, new_size: int) -> Any:
    """(new_size, size) float32 scipy.sparse array: how much of each fine voxel lies in each coarse one; both cover the
    same length. Few of the fine ones do, so that a product with all of them is mostly one with 0.
    """
    from scipy.sparse import csr_array

    fine, coarse = np.arange(size + 1), np.linspace(0, size, new_size + 1)
    starts, ends = np.maximum(fine[None, :-1], coarse[:-1, None]), np.minimum(fine[None, 1:], coarse[1:, None])
    return csr_array(np.maximum(ends - starts, 0).astype(np.float32))
