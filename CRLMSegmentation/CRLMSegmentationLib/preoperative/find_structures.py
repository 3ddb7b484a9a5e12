"""Liver, vessels and tumors of a CT, by a model of the task `lvt`.

The CT is laid along R, A, S, as the models were trained, and its voxels are averaged to those of the network where they
are finer. That keeps noise out and memory small: at 3 mm, a CT of 512 x 512 x 200 becomes a twentieth of it before the
network's sliding window begins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ModelError, SegmentationError
from ..inference.averaging import average_seen, averaged_shape
from ..inference.image import Image
from ..inference.models.trained_model import Model
from ..inference.protocol import Predictor
from ..values import Volume
from ..values.progress import Progress, ShouldCancel
from .orientation import Orientation
from .structures import LIVER, THRESHOLD, VALUES, Structures, structures_of_masks

# Around and in every patient there is air, and soft tissue is no darker than fat.
_AIR_HU, _AIR_BELOW_HU, _TISSUE_ABOVE_HU = -1024, -250.0, 0.0
# What 16 bits hold: padding and metal go as far.
_FARTHEST_HU = 32768
_LEAST_VOXELS, _LEAST_SLICES = 16, 3


@dataclass(frozen=True, eq=False)
class CoarserCt:
    """A CT as a network sees it.

    hu           float32 [S, A, R], laid along R, A, S
    spacing_mm   along S, A, R
    orientation  of the CT that it was made from
    """

    hu: np.ndarray
    spacing_mm: tuple[float, float, float]
    orientation: Orientation


def find_structures(
    ct: Volume,
    predictor: Predictor,
    progress: Progress | None = None,
    should_cancel: ShouldCancel | None = None,
) -> Structures:
    """What `predictor` finds in `ct` (HU, any orientation and spacing), on the CT's own voxels.

    Raises SegmentationError for what is no CT in HU or shows no liver, ModelError for a model of another task, and
    Cancelled.
    """
    check_is_ct(ct)
    check_model(predictor.model)
    coarse = coarser(ct, predictor.model.spacing_mm)
    image = Image(coarse.hu[None], coarse.spacing_mm, np.ones(coarse.hu.shape, dtype=bool))
    prediction = predictor.predict(image, list(VALUES), progress, should_cancel)
    answers = {name: prediction.of(name) for name in VALUES}
    if not predictor.model.labels.has_regions:
        # Labels that exclude each other: a liver is all of them.
        answers[LIVER] = np.sum(list(answers.values()), axis=0)
    above = {name: _fine_mask(answer, coarse, ct) for name, answer in answers.items()}
    found = structures_of_masks(above, ct)
    if not found.label_map.voxels.any():
        raise SegmentationError("No liver was found in this CT: does it show the upper abdomen?")
    return found


def check_is_ct(ct: Volume) -> None:
    """Raises SegmentationError when the voxels can be no CT in Hounsfield units, or are too few."""
    if min(ct.voxels.shape) < _LEAST_SLICES or ct.voxels.size < _LEAST_VOXELS**3:
        raise SegmentationError(
            f"The CT has only {' x '.join(map(str, ct.dimensions))} voxels: give the whole series of slices."
        )
    if ct.voxels.dtype.kind == "f" and not np.isfinite(ct.voxels).all():
        raise SegmentationError("The CT holds values that are not finite numbers: export it again.")
    lowest, middle, highest = float(ct.voxels.min()), float(np.percentile(ct.voxels, 99)), float(ct.voxels.max())
    if lowest > _AIR_BELOW_HU or middle < _TISSUE_ABOVE_HU or max(-lowest, highest) > _FARTHEST_HU:
        raise SegmentationError(
            f"The values of this image go from {lowest:g} to {highest:g}, and those of a CT in Hounsfield units from "
            "about -1000 (air) to over 200 (bone): it is no CT, or its rescale slope and intercept were lost."
        )


def check_model(model: Model) -> None:
    """Raises ModelError for a model that does not answer for liver, vessels and tumors in one channel."""
    missing = [name for name in VALUES if name not in model.labels.heads]
    if missing or len(model.channels) != 1:
        raise ModelError(
            f"The model '{model.name}' was trained for the task '{model.card.task}' and does not find "
            f"{missing[0] if missing else 'structures in a CT alone'}: choose a model of the task 'lvt'."
        )


def coarser(ct: Volume, network_spacing_kji: tuple[float | None, ...]) -> CoarserCt:
    """`ct` (HU, or a mask) along R, A, S, averaged to the spacing of a network wherever it is finer."""
    orientation = Orientation.of(ct)
    laid = orientation.lay_volume(ct)
    spacing = tuple(float(mm) for mm in laid.spacing_mm[::-1])
    target = [mm if wanted is None else wanted for mm, wanted in zip(spacing, network_spacing_kji)]
    shape = averaged_shape(laid.voxels.shape, spacing, target)
    everywhere = np.ones(laid.voxels.shape, dtype=bool)
    # Scanners fill what lies outside of their circle with -3024 or the like: to a mean, that is air.
    hu = average_seen(np.maximum(laid.voxels, _AIR_HU), shape, everywhere)
    s, a, r = (mm * old / new for mm, old, new in zip(spacing, laid.voxels.shape, shape))
    return CoarserCt(hu, (s, a, r), orientation)


def _fine_mask(probability: np.ndarray, coarse: CoarserCt, ct: Volume) -> np.ndarray:
    """Boolean on the voxels of the CT: where `probability`, linear between the voxels of the network, is at least the
    threshold.
    """
    import torch

    from ..inference.resampling import resize

    shape = coarse.orientation.lay(ct.voxels).shape
    fine = resize(torch.from_numpy(np.ascontiguousarray(probability))[None], shape, 1)[0].numpy()
    mask: np.ndarray = np.ascontiguousarray(coarse.orientation.lay_back(fine >= THRESHOLD))
    return mask
