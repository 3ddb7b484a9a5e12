"""How well probabilities part tumor from background, voxel by voxel: ROC, precision-recall, reliability.

Millions of voxels are kept as counts per step of probability, which add up over cases and processes; the curves and
areas are scikit-learn's, over the steps weighted by their counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...values import Volume

# Of the tumor's voxels in the outer, and of the inner's voxels in the tumor: the shell in which the border may lie.
SHELL_SHARE = 0.95
# 0.01 to 0.99: a finer choice would be finer than what some ten cases can show.
THRESHOLDS = np.round(np.arange(0.01, 1.0, 0.01), 2)
# Even steps of the logit part what is nearly 0 and nearly 1, where most voxels lie; the thresholds are steps as well.
_LOGITS = 1 / (1 + np.exp(-np.linspace(-14, 14, 561)))
STEPS = np.unique(np.concatenate([[0.0], _LOGITS, THRESHOLDS]).astype(np.float32))
RELIABILITY_BINS = 10


@dataclass(frozen=True, eq=False)
class VoxelCounts:
    """Voxels whose probability reaches a step and not the next: (n,) int64 each, and the sum of their probabilities."""

    tumor: np.ndarray
    background: np.ndarray
    sums: np.ndarray

    @classmethod
    def of(cls, probability: Volume, truth: Volume) -> VoxelCounts:
        """Counts of a probability, float32 0..1, against a mask on the same grid."""
        # float32 against float32, as the mask is made: a voxel at a threshold counts as tumor.
        step = np.searchsorted(STEPS, probability.voxels.ravel().astype(np.float32), side="right") - 1
        wanted = truth.voxels.ravel() > 0
        size = len(STEPS)
        return cls(
            np.bincount(step[wanted], minlength=size),
            np.bincount(step[~wanted], minlength=size),
            np.bincount(step, weights=probability.voxels.ravel(), minlength=size),
        )

    def __add__(self, other: VoxelCounts) -> VoxelCounts:
        return VoxelCounts(self.tumor + other.tumor, self.background + other.background, self.sums + other.sums)

    def as_plain(self) -> dict[str, Any]:
        """For JSON: only the steps that hold voxels."""
        used = np.flatnonzero(self.tumor + self.background)
        return {
            "steps": used.tolist(), "tumor": self.tumor[used].tolist(), "background": self.background[used].tolist(),
            "sums": [round(float(value), 4) for value in self.sums[used]],
        }  # fmt: skip

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> VoxelCounts:
        tumor, background = (np.zeros(len(STEPS), np.int64) for _ in range(2))
        sums = np.zeros(len(STEPS))
        tumor[plain["steps"]], background[plain["steps"]] = plain["tumor"], plain["background"]
        sums[plain["steps"]] = plain["sums"]
        return cls(tumor, background, sums)


def best_threshold(counts: VoxelCounts) -> tuple[float, float]:
    """(threshold, F1) of the highest F1 over all voxels; the middle one of equals."""
    precision, recall = precision_recall_at(counts, THRESHOLDS)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = np.flatnonzero(f1 >= f1.max() - 1e-12)
    chosen = best[len(best) // 2]
    return float(THRESHOLDS[chosen]), float(f1[chosen])


def precision_recall_at(counts: VoxelCounts, thresholds: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """(precision, recall) of the voxels that reach each threshold (n,); precision 1 where none does."""
    true_positives, false_positives = (part[::-1].cumsum()[::-1] for part in (counts.tumor, counts.background))
    step = np.searchsorted(STEPS, np.asarray(thresholds, dtype=np.float32))
    true_positives, found = true_positives[step], (true_positives + false_positives)[step]
    return (
        np.where(found > 0, true_positives / np.maximum(found, 1), 1.0),
        true_positives / max(int(counts.tumor.sum()), 1),
    )


def areas(counts: VoxelCounts) -> dict[str, float]:
    """{'roc_auc', 'average_precision'}; NaN when there is no tumor or no background."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    labels, scores, weights = _weighted(counts)
    if not counts.tumor.sum() or not counts.background.sum():
        return {"roc_auc": float("nan"), "average_precision": float("nan")}
    return {
        "roc_auc": float(roc_auc_score(labels, scores, sample_weight=weights)),
        "average_precision": float(average_precision_score(labels, scores, sample_weight=weights)),
    }


def roc_points(counts: VoxelCounts) -> tuple[np.ndarray, np.ndarray]:
    """(false positive rate, true positive rate) of the ROC curve, from (0, 0) to (1, 1)."""
    from sklearn.metrics import roc_curve

    labels, scores, weights = _weighted(counts)
    false_rate, true_rate, _ = roc_curve(labels, scores, sample_weight=weights)
    return false_rate, true_rate


def precision_recall_points(counts: VoxelCounts) -> tuple[np.ndarray, np.ndarray]:
    """(recall, precision) of the curve."""
    from sklearn.metrics import precision_recall_curve

    labels, scores, weights = _weighted(counts)
    precision, recall, _ = precision_recall_curve(labels, scores, sample_weight=weights)
    return recall, precision


def reliability(counts: VoxelCounts) -> dict[str, Any]:
    """Mean probability against share of tumor in ten equal bins, and the expected calibration error.

    {'probability': [..], 'tumor_share': [..], 'voxels': [..], 'expected_calibration_error': x}; bins without voxels
    are left out. Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
    """
    bins = np.minimum((STEPS * RELIABILITY_BINS).astype(int), RELIABILITY_BINS - 1)
    voxels, tumor, sums = (
        np.bincount(bins, weights=part, minlength=RELIABILITY_BINS)
        for part in (counts.tumor + counts.background, counts.tumor, counts.sums)
    )
    used = voxels > 0
    probability, share = sums[used] / voxels[used], tumor[used] / voxels[used]
    error = float((np.abs(probability - share) * voxels[used]).sum() / max(voxels.sum(), 1))
    return {
        "probability": np.round(probability, 4).tolist(),
        "tumor_share": np.round(share, 4).tolist(),
        "voxels": voxels[used].astype(int).tolist(),
        "expected_calibration_error": round(error, 5),
    }


def uncertainty_probabilities(counts: VoxelCounts, threshold: float, share: float = SHELL_SHARE) -> dict[str, float]:
    """{'outer', 'inner'}: probabilities on either side of `threshold`, for the shell in which the border may lie.

    outer  the highest below `threshold` whose mask holds `share` of the tumor's voxels
    inner  the lowest above `threshold` whose voxels are tumor to `share`
    The lowest and the highest probability of the choice where none does.
    """
    precision, recall = precision_recall_at(counts, THRESHOLDS)
    below = THRESHOLDS[(THRESHOLDS < threshold) & (recall >= share)]
    above = THRESHOLDS[(THRESHOLDS > threshold) & (precision >= share)]
    return {
        "outer": float(below[-1]) if len(below) else float(min(THRESHOLDS[0], threshold / 2)),
        "inner": float(above[0]) if len(above) else float(max(THRESHOLDS[-1], (1 + threshold) / 2)),
    }


def _weighted(counts: VoxelCounts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels = np.repeat([1, 0], len(STEPS))
    weights = np.concatenate([counts.tumor, counts.background])
    used = weights > 0
    return labels[used], np.tile(STEPS, 2)[used], weights[used]
