"""Losses of thin lines: a weighted sum of four, each over sigmoids of logits, one channel for each landmark.

Sources: Borgars et al., 'Intraoperative Segmentation through Deep Learning and Mask Post-processing in Laparoscopic
Liver Surgery' (SLiPPA): the weights W = max(1, log(|M| / |M_i|)) of the cross-entropy, and the sum; Milletari et al.,
'V-Net', 2016 (Dice); Abraham and Khan, 'A novel focal Tversky loss function', ISBI 2019; Huber, 1964. Dice and Tversky
are MONAI's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

MAX_LOG, LOGARITHMIC, PROPORTIONAL = "max-log", "logarithmic", "proportional"
WEIGHTINGS = (MAX_LOG, LOGARITHMIC, PROPORTIONAL)
# What a missed pixel and a false one count in Tversky's index, and its focus, as Abraham and Khan have them.
_MISSED, _FALSE, _FOCUS = 0.7, 0.3, 0.75
_HUBER_DELTA = 0.5


@dataclass(frozen=True)
class LossWeights:
    """How much of each loss there is in the sum; 0 leaves it out. `weighting` is of the cross-entropy's classes."""

    cross_entropy: float = 1.0
    dice: float = 0.0
    focal_tversky: float = 0.0
    huber: float = 0.0
    weighting: str = MAX_LOG


def landmark_loss(weights: LossWeights) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """From logits and truth (batch, landmarks, v, u), 0 or 1, to the weighted sum, a scalar."""

    def loss(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        total = logits.sum() * 0.0
        if weights.cross_entropy:
            total = total + weights.cross_entropy * weighted_cross_entropy(logits, truth, weights.weighting)
        if weights.dice:
            total = total + weights.dice * dice(logits, truth)
        if weights.focal_tversky:
            total = total + weights.focal_tversky * focal_tversky(logits, truth)
        if weights.huber:
            total = total + weights.huber * huber(logits, truth)
        return total

    return loss


def weighted_cross_entropy(logits: torch.Tensor, truth: torch.Tensor, weighting: str = MAX_LOG) -> torch.Tensor:
    """Mean binary cross-entropy, in which the pixels of a landmark and those without it have the class's weight.

    |M| is how many pixels the batch has, |M_i| how many of these are of the class; weight of a class: max(1, log(|M| /
    |M_i|)), log(|M| / |M_i|) or |M| / |M_i|. A class without pixels has none to weigh.
    """
    import torch

    weights = torch.where(truth > 0.5, _weight(truth, weighting), _weight(1 - truth, weighting))
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, truth, weight=weights)


def dice(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """1 - Dice of the batch, mean of the landmarks."""
    from monai.losses.dice import DiceLoss

    found: torch.Tensor = DiceLoss(sigmoid=True, batch=True)(logits, truth)
    return found


def focal_tversky(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """(1 - Tversky's index) ** 0.75 of the batch, mean of the landmarks; a missed pixel counts 0.7, a false one 0.3."""
    from monai.losses.tversky import TverskyLoss

    index_loss = TverskyLoss(sigmoid=True, alpha=_FALSE, beta=_MISSED, batch=True, reduction="none")
    # At 0 its slope would be infinite.
    found: torch.Tensor = (index_loss(logits, truth).clamp_min(1e-6) ** _FOCUS).mean()
    return found


def huber(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Huber's loss of the probabilities, mean of all pixels; not of the decisions, which have no gradient."""
    import torch

    return torch.nn.functional.huber_loss(torch.sigmoid(logits), truth, delta=_HUBER_DELTA)


def _weight(of_class: torch.Tensor, weighting: str) -> torch.Tensor:
    """(1, landmarks, 1, 1): the weight of a class of the pixels, from the batch (b, landmarks, v, u) of 0 and 1."""
    import torch

    count = of_class.sum(dim=(0, 2, 3), keepdim=True).clamp_min(1.0)
    share = of_class[:, :1].numel() / count
    if weighting == PROPORTIONAL:
        return share
    return torch.log(share).clamp_min(1.0) if weighting == MAX_LOG else torch.log(share)
