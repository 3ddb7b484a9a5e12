"""nnU-Net's trainer for cases of which only some structures were annotated, as `dataset.json` says.

dataset.json holds, beside nnU-Net's own entries, `"labelled": {"case_0001": ["liver"], ...}`: what was annotated in
these cases; in a case that is not listed, everything was. The labels have to be regions, with a sigmoid for each.

Made on demand, so that importing this file does not load torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import ConfigurationError
from ...values import LabelSet

LABELLED = "labelled"


def annotated_in(dataset: Mapping[str, Any]) -> dict[str, list[bool]]:
    """For each case that a dataset.json lists under `labelled`: whether each structure was annotated, in the order of
    the network's answers.

    Raises ConfigurationError for a structure that there is not.
    """
    heads = LabelSet.from_entries(dataset).heads
    known = dataset.get(LABELLED, {})
    for case, names in known.items():
        unknown = sorted(set(names) - set(heads))
        if unknown:
            raise ConfigurationError(
                f"dataset.json says that '{unknown[0]}' was annotated in {case}; its structures are {', '.join(heads)}."
            )
    return {case: [head in names for head in heads] for case, names in known.items()}


def with_partial_labels(base: type[Any], weights: Sequence[float] | None = None) -> type[Any]:
    """A subclass of `base`, nnU-Net's trainer or one made of it, with the same name and PartialLabelLoss.

    weights  of each structure in the loss; None for all alike
    """
    import torch

    from .partial_loss import PartialLabelLoss

    class PartialLabelTrainer(base):  # type: ignore[misc]  # nnU-Net has no types
        def _build_loss(self) -> Any:
            if not self.label_manager.has_regions or self.label_manager.has_ignore_label:
                raise ConfigurationError(
                    "Cases that are annotated in part need labels that are regions, and no ignore label."
                )
            self.annotated = annotated_in(self.dataset_json)
            self.partial_loss = PartialLabelLoss(weights, self.configuration_manager.batch_dice, self.is_ddp)
            loss = super()._build_loss()
            if not hasattr(loss, "weight_factors"):
                return self.partial_loss
            loss.loss = self.partial_loss  # within nnU-Net's deep supervision
            return loss

        def annotated_of(self, keys: Sequence[str]) -> torch.Tensor:
            """(b, c) bool for the cases of a batch."""
            everything = [True] * self.label_manager.num_segmentation_heads
            return torch.tensor([self.annotated.get(str(key), everything) for key in keys])

        def train_step(self, batch: dict[str, Any]) -> dict[str, Any]:
            self.partial_loss.annotated = self.annotated_of(batch["keys"])
            result: dict[str, Any] = super().train_step(batch)
            return result

        def validation_step(self, batch: dict[str, Any]) -> dict[str, Any]:
            """As nnU-Net's, its counts of voxels over annotated structures only."""
            annotated = self.annotated_of(batch["keys"])
            self.partial_loss.annotated = annotated
            target: Any = batch["target"]
            targets: Any = (
                [one.to(self.device) for one in target] if isinstance(target, list) else target.to(self.device)
            )
            output = self.network(batch["data"].to(self.device))
            loss = self.loss(output, targets)
            if self.enable_deep_supervision:
                output, targets = output[0], targets[0]
            known = annotated.to(self.device).reshape(*annotated.shape, *[1] * (output.ndim - 2))
            found, wanted = (torch.sigmoid(output) > 0.5) & known, (targets > 0) & known
            axes = [0, *range(2, output.ndim)]
            counts = {"tp_hard": found & wanted, "fp_hard": found & ~wanted, "fn_hard": wanted & ~found}
            return {
                "loss": loss.detach().cpu().numpy(),
                **{name: np.asarray(voxels.sum(axes).cpu(), dtype=float) for name, voxels in counts.items()},
            }

    PartialLabelTrainer.__name__ = PartialLabelTrainer.__qualname__ = base.__name__
    return PartialLabelTrainer
