"""The loss for cases of which only some structures were annotated: what nobody annotated teaches nothing.

One sigmoid for each structure. In a batch, `annotated[b, c]` says whether structure c was annotated in case b:

    cross-entropy = sum over b, c of a[b, c] w[c] mean over voxels of BCE[b, c]  /  sum over b, c of a[b, c] w[c]
    Dice          = the same weighted mean of nnU-Net's soft Dice, whose sums run over annotated cases only

so that the gradient of a structure in a case without its annotation is exactly 0, and with everything annotated the
loss is nnU-Net's DC_and_BCE_loss. nnU-Net 2.8's ignore label is one mask for all structures.
References: Natali et al., Towards clinical application of liver, vessel, and tumor segmentation using partially labeled
data; Isensee et al., nnU-Net, Nature Methods 18 (2021) 203-211, for the form of both parts.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

# nnU-Net's, of its loss for regions.
SMOOTH = 1e-5


class PartialLabelLoss(nn.Module):
    """Minus Dice plus binary cross-entropy, over what was annotated.

    weights     w of each structure; None for all alike
    batch_dice  Dice over the whole batch and not for each case
    ddp         add up Dice over the processes of a distributed training

    `annotated`, (b, c) bool, belongs to the next batch and is set before it; None when everything is annotated.
    """

    def __init__(self, weights: Sequence[float] | None = None, batch_dice: bool = False, ddp: bool = False):
        super().__init__()
        self.weights, self.batch_dice, self.ddp = weights, batch_dice, ddp
        self.annotated: torch.Tensor | None = None

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The loss of `logits` (b, c, ...) against `target` of the same shape, bool or 0 and 1; 0 when nothing was
        annotated.
        """
        weights = self._weights_of(logits)
        return _cross_entropy(logits, target, weights) - self._dice(torch.sigmoid(logits), target, weights)

    def _weights_of(self, logits: torch.Tensor) -> torch.Tensor:
        """(b, c) float32: 0 where there is no annotation."""
        cases, structures = logits.shape[:2]
        weights = torch.ones((cases, structures), device=logits.device)
        if self.weights is not None:
            weights = weights * torch.tensor(self.weights, device=logits.device)
        return weights if self.annotated is None else weights * self.annotated.to(logits.device)

    def _dice(self, probability: torch.Tensor, target: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        axes = tuple(range(2, probability.ndim))
        is_known, truth = weights > 0, target.to(torch.float32)
        # A mask and no product: 0 times infinity would be none.
        both, found, wanted = (
            torch.where(is_known, part.sum(axes, dtype=torch.float32), 0.0)
            for part in (probability * truth, probability, truth)
        )
        if self.batch_dice:
            both, found, wanted = (self._over_batch(part) for part in (both, found, wanted))
            weights = self._over_batch(weights).clamp(max=1.0) * self._weights_alone(weights)
        dice = (2 * both + SMOOTH) / (wanted + found + SMOOTH).clamp_min(1e-8)
        return _weighted_mean(dice, weights)

    def _weights_alone(self, weights: torch.Tensor) -> torch.Tensor:
        """(c,): w of each structure, whatever was annotated."""
        given = [1.0] * weights.shape[1] if self.weights is None else list(self.weights)
        return torch.tensor(given, device=weights.device)

    def _over_batch(self, part: torch.Tensor) -> torch.Tensor:
        """(b, c) to (c,), over all processes."""
        if self.ddp:
            from nnunetv2.utilities.ddp_allgather import AllGatherGrad

            part = AllGatherGrad.apply(part).sum(0, dtype=torch.float32)
        return part.sum(0, dtype=torch.float32)


def _cross_entropy(logits: torch.Tensor, target: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    of_voxels = binary_cross_entropy_with_logits(logits, target.to(logits.dtype), reduction="none")
    of_structures = of_voxels.mean(tuple(range(2, logits.ndim)), dtype=torch.float32)
    return _weighted_mean(torch.where(weights > 0, of_structures, 0.0), weights)


def _weighted_mean(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """0 when all weights are."""
    return (values * weights).sum() / weights.sum().clamp_min(1e-8)
