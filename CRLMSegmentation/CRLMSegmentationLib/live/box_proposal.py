"""From the evidence of many frames to the box around the tumor that a person would drop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..geometry import occupied_extent, transform_points
from ..values import Box, Volume
from ..values.defaults import DEFAULT_BOX_MARGIN_MM

# Less is what a few pixels of a few frames make.
LEAST_VOLUME_ML = 0.05
# Between frames that lie a little apart no pixel came: what is known near a place counts there.
_KNOWN_WITHIN_MM = 1.0
_LEAST_KNOWN = 0.05
# How far around the tumor it is asked whether the probe has seen it whole.
_SHELL_MM = 3.0


@dataclass(frozen=True, eq=False)
class BoxProposal:
    """A box that is proposed, and why.

    box          in Reference, along the axes of the volume, the margin included
    confidence   0 to 1: the mean probability within what was found, times the share of its surroundings that was seen.
                 A tumor that is marked faintly, or is still swept, has a low one
    volume_ml    of what was found
    margin_mm    between what was found and each side of the box
    seen_share   of the surroundings, 3 mm around what was found; 1 when it was swept whole
    """

    box: Box
    confidence: float
    volume_ml: float
    margin_mm: float
    seen_share: float


def propose_box(
    evidence: Volume, threshold: float = 0.5, margin_mm: float = DEFAULT_BOX_MARGIN_MM
) -> BoxProposal | None:
    """The box around the connected part of `evidence`, probabilities with what was seen, that holds most of it.

    threshold  of the probability, from which a voxel counts as found
    None when nothing larger than LEAST_VOLUME_ML was found.
    """
    from scipy import ndimage

    known = np.ones(evidence.voxels.shape, bool) if evidence.seen is None else evidence.seen
    part = occupied_extent(known & (evidence.voxels >= threshold / 2))
    if part is None:
        return None
    reach = np.ceil((_SHELL_MM + 4 * _KNOWN_WITHIN_MM) / evidence.spacing_mm).astype(int)[::-1]
    block = tuple(slice(max(0, one.start - more), one.stop + more) for one, more in zip(part, reach))
    probability, known = _joined(evidence.voxels[block], known[block], evidence.spacing_mm)
    labels, count = ndimage.label(known & (probability >= threshold))
    if not count:
        return None
    which = 1 + int(np.argmax(ndimage.sum_labels(probability, labels, range(1, count + 1))))
    found = labels == which
    volume_ml = float(np.count_nonzero(found)) * evidence.voxel_volume_mm3 / 1000
    if volume_ml < LEAST_VOLUME_ML:
        return None
    seen_share = _seen_share(found, known, evidence.spacing_mm)
    box = _box_around(evidence, found, [one.start for one in block], margin_mm)
    confidence = float(probability[found].mean()) * seen_share
    return BoxProposal(box, confidence, volume_ml, margin_mm, seen_share)


def _joined(voxels: np.ndarray, known: np.ndarray, spacing_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probability and where it is known, with the gaps between frames closed.

    Normalized convolution with a Gaussian (Knutsson & Westin 1993): what is not known takes part with no weight.
    """
    from scipy import ndimage

    sigma = [_KNOWN_WITHIN_MM / mm for mm in spacing_mm[::-1]]
    weight = ndimage.gaussian_filter(known.astype(np.float32), sigma, mode="constant")
    total = ndimage.gaussian_filter(np.where(known, voxels, 0).astype(np.float32), sigma, mode="constant")
    near = weight > _LEAST_KNOWN
    return np.where(near, total / np.maximum(weight, np.float32(_LEAST_KNOWN)), np.float32(0)), near


def _seen_share(found: np.ndarray, known: np.ndarray, spacing_mm: np.ndarray) -> float:
    """How much of the shell around `found` is known. Beyond the block nothing is."""
    from scipy import ndimage

    steps = [int(np.ceil(_SHELL_MM / mm)) for mm in spacing_mm[::-1]]
    padded = [(step, step) for step in steps]
    found, known = np.pad(found, padded), np.pad(known, padded)
    shell = ndimage.maximum_filter(found, [2 * step + 1 for step in steps]) & ~found
    return float(np.count_nonzero(known & shell) / np.count_nonzero(shell))


def _box_around(evidence: Volume, found: np.ndarray, first_kji: list[int], margin_mm: float) -> Box:
    extent = occupied_extent(found)
    assert extent is not None, "something was found"
    lower = np.array([start + one.start - 0.5 for start, one in zip(first_kji, extent)])[::-1]
    upper = np.array([start + one.stop - 0.5 for start, one in zip(first_kji, extent)])[::-1]
    spacing = evidence.spacing_mm
    return Box(
        transform_points(evidence.ijk_to_ras, (lower + upper) / 2),
        (upper - lower) * spacing + 2 * margin_mm,
        evidence.ijk_to_ras[:3, :3] / spacing,
    )
