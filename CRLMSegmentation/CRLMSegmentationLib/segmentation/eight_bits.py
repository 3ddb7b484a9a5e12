"""Which layers of a model can be computed in 8 bits, judged by the masks of tumors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..inference.models.trained_model import Model
from ..inference.runtimes.quantise import EightBits, quantise
from ..values import Volume
from ..values.progress import Progress
from .postprocess import mask_from_probability
from .segmenter import image_of, tumor_label


def quantise_for_tumors(
    model: Model, crops: Sequence[Volume], threads: int | None = None, progress: Progress | None = None
) -> EightBits:
    """The layers of `model` that can be computed in 8 bits, judged by the masks of tumors; see inference's quantise().

    crops  at least 8 volumes as the model will see them, margin included, neighbours of one case
    """
    return quantise(
        model, [image_of(crop) for crop in crops], tumor_label(model), _largest_component(model), threads, progress
    )


def _largest_component(model: Model) -> Callable[[np.ndarray], np.ndarray]:
    def decide(probability: np.ndarray) -> np.ndarray:
        mask: np.ndarray = mask_from_probability(Volume(probability, np.eye(4)), model.card.threshold).voxels > 0
        return mask

    return decide
