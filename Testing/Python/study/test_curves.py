"""Curves and thresholds from counts, against the same from every voxel and by hand."""

import numpy as np
import pytest
from CRLMSegmentationLib.study.reporting.curves import (
    VoxelCounts,
    areas,
    best_threshold,
    precision_recall_at,
    precision_recall_points,
    reliability,
    roc_points,
    uncertainty_probabilities,
)
from CRLMSegmentationLib.values import Volume
from sklearn.metrics import auc, average_precision_score, precision_score, recall_score, roc_auc_score


def volumes(probabilities, labels) -> tuple[Volume, Volume]:
    return (
        Volume(np.array(probabilities, np.float32).reshape(1, 1, -1), np.eye(4)),
        Volume(np.array(labels, np.uint8).reshape(1, 1, -1), np.eye(4)),
    )


@pytest.fixture(scope="module")
def noisy():
    """20,000 voxels, a quarter of them tumor, with overlapping probabilities."""
    random = np.random.default_rng(3)
    labels = random.random(20000) < 0.25
    probabilities = 1 / (1 + np.exp(-random.normal(np.where(labels, 2.0, -2.0), 2.0)))
    return probabilities.astype(np.float32), labels.astype(np.uint8)


def test_the_threshold_of_the_highest_f1_is_found_by_hand():
    # From 0.6 up 2 of 3 tumor voxels and no other (0.8); from 0.3 up all 3 and one other (6/7).
    threshold, f1 = best_threshold(VoxelCounts.of(*volumes([0.9, 0.6, 0.3, 0.3, 0.1], [1, 1, 1, 0, 0])))
    assert 0.1 < threshold <= 0.3
    assert f1 == pytest.approx(6 / 7)


def test_counts_agree_with_scikit_learn_on_every_voxel(noisy):
    probabilities, labels = noisy
    counts = VoxelCounts.of(*volumes(probabilities, labels))
    found = areas(counts)
    assert found["roc_auc"] == pytest.approx(roc_auc_score(labels, probabilities), abs=2e-4)
    assert found["average_precision"] == pytest.approx(average_precision_score(labels, probabilities), abs=2e-3)
    precision, recall = precision_recall_at(counts, [0.2, 0.5, 0.83])
    for number, threshold in enumerate((0.2, 0.5, 0.83)):
        above = probabilities >= np.float32(threshold)
        assert precision[number] == pytest.approx(precision_score(labels, above))
        assert recall[number] == pytest.approx(recall_score(labels, above))


def test_counts_of_two_cases_add_up_and_travel_as_plain_values(noisy):
    probabilities, labels = noisy
    whole = VoxelCounts.of(*volumes(probabilities, labels))
    halves = slice(0, 7000), slice(7000, None)
    parts = [VoxelCounts.of(*volumes(probabilities[half], labels[half])) for half in halves]
    total = VoxelCounts.from_plain(parts[0].as_plain()) + VoxelCounts.from_plain(parts[1].as_plain())
    assert np.array_equal(total.tumor, whole.tumor) and np.array_equal(total.background, whole.background)
    assert areas(total)["roc_auc"] == areas(whole)["roc_auc"]


def test_curves_run_from_end_to_end(noisy):
    counts = VoxelCounts.of(*volumes(*noisy))
    false_rate, true_rate = roc_points(counts)
    assert (false_rate[0], true_rate[0], false_rate[-1], true_rate[-1]) == (0, 0, 1, 1)
    assert auc(false_rate, true_rate) == pytest.approx(areas(counts)["roc_auc"])
    recall, precision = precision_recall_points(counts)
    assert recall.max() == 1 and precision.min() == pytest.approx(noisy[1].mean())


def test_areas_are_not_defined_without_tumor():
    assert np.isnan(areas(VoxelCounts.of(*volumes([0.2, 0.7], [0, 0])))["roc_auc"])


def test_honest_probabilities_lie_on_the_diagonal_and_boastful_ones_do_not():
    random = np.random.default_rng(5)
    probabilities = random.random(200000).astype(np.float32)
    honest = reliability(VoxelCounts.of(*volumes(probabilities, random.random(200000) < probabilities)))
    assert np.allclose(honest["probability"], honest["tumor_share"], atol=0.02)
    assert honest["expected_calibration_error"] < 0.01
    boastful = reliability(VoxelCounts.of(*volumes([0.95] * 10, [1] * 5 + [0] * 5)))
    assert boastful["expected_calibration_error"] == pytest.approx(0.45, abs=1e-4)


def test_the_uncertainty_shell_holds_the_tumor_outside_and_is_tumor_inside(noisy):
    probabilities, labels = noisy
    counts = VoxelCounts.of(*volumes(probabilities, labels))
    shell = uncertainty_probabilities(counts, best_threshold(counts)[0])
    assert shell["outer"] < best_threshold(counts)[0] < shell["inner"]
    assert (probabilities[labels > 0] >= np.float32(shell["outer"])).mean() >= 0.9
    assert labels[probabilities >= np.float32(shell["inner"])].mean() >= 0.9
