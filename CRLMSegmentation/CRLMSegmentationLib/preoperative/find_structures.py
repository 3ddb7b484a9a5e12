"""Liver, vessels and tumors of a CT, by a model of the task `lvt`.

The CT is laid along R, A, S, as the models were trained, and its voxels are averaged to those of the network where they
are finer. That keeps noise out and memory small: at 3 mm, a CT of 512 x 512 x 200 becomes a twentieth of it before the
network's sliding window begins.
"""

from __future__ import annotations

import numpy as np

from ..errors import ModelError, SegmentationError
from ..inference.image import Image
from ..inference.models.trained_model import Model
from ..inference.protocol import Predictor
from ..values import Volume
from ..values.progress import Progress, ShouldCancel
from ..words import tr
from .network_grid import coarser, fine_masks
from .structures import LIVER, THRESHOLD, VALUES, Structures, structures_of_masks

# Around and in every patient there is air, and soft tissue is no darker than fat.
_AIR_BELOW_HU, _TISSUE_ABOVE_HU = -250.0, 0.0
# What 16 bits hold: padding and metal go as far.
_FARTHEST_HU = 32768
_LEAST_VOXELS, _LEAST_SLICES = 16, 3


class NoLiverError(SegmentationError):
    """A CT in which a model marks no liver."""


def find_structures(
    ct: Volume,
    predictor: Predictor,
    progress: Progress | None = None,
    should_cancel: ShouldCancel | None = None,
) -> Structures:
    """What `predictor` finds in `ct` (HU, any orientation and spacing), on the CT's own voxels.

    Raises SegmentationError for what is no CT in HU, NoLiverError where the model marks no liver, ModelError for a
    model of another task, and Cancelled.
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
    above = fine_masks(answers, coarse.orientation, ct, THRESHOLD)
    if above is None:
        raise NoLiverError(tr("No liver was found in this CT: does it show the upper abdomen?"))
    return structures_of_masks(above.masks, ct, above.block)


def check_is_ct(ct: Volume) -> None:
    """Raises SegmentationError when the voxels can be no CT in Hounsfield units, or are too few."""
    if min(ct.voxels.shape) < _LEAST_SLICES or ct.voxels.size < _LEAST_VOXELS**3:
        raise SegmentationError(
            tr(
                "The CT has only {str} voxels: give the whole series of slices.",
                str=" x ".join(map(str, ct.dimensions)),
            )
        )
    if ct.voxels.dtype.kind == "f" and not np.isfinite(ct.voxels).all():
        raise SegmentationError(tr("The CT holds values that are not finite numbers: export it again."))
    lowest, highest = float(ct.voxels.min()), float(ct.voxels.max())
    middle = float(np.percentile(ct.voxels[tuple(slice(None, None, 1 + size // 128) for size in ct.voxels.shape)], 99))
    if lowest > _AIR_BELOW_HU or middle < _TISSUE_ABOVE_HU or max(-lowest, highest) > _FARTHEST_HU:
        raise SegmentationError(
            tr(
                "The values of this image go from {lowest:g} to {highest:g}, and those of a CT in "
                "Hounsfield units from about -1000 (air) to over 200 (bone): it is no CT, or its rescale "
                "slope and intercept were lost.",
                lowest=lowest,
                highest=highest,
            )
        )


def check_model(model: Model) -> None:
    """Raises ModelError for a model that does not answer for liver, vessels and tumors in one channel."""
    missing = [name for name in VALUES if name not in model.labels.heads]
    if missing or len(model.channels) != 1:
        raise ModelError(
            tr(
                "The model '{name}' was trained for the task '{task}' and does not find {missing}: "
                "choose a model of the task 'lvt'.",
                name=model.name,
                task=model.card.task,
                missing=missing[0] if missing else "structures in a CT alone",
            )
        )
