"""The model that ships finds the tumor of simulated livers that it was not trained on."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.inference.models.trained_model import DEFAULT_MODEL, load_model
from CRLMSegmentationLib.inference.predictor import LocalPredictor
from CRLMSegmentationLib.live.frame_model import default_frame_model, frame_label, load_frame_model, network_image
from CRLMSegmentationLib.segmentation.segment import segment
from CRLMSegmentationLib.segmentation.segmenter import TumorSegmenter
from CRLMSegmentationLib.segmentation.surface import surface_volume_mm3
from CRLMSegmentationLib.simulation import SweepSettings, simulate_case
from CRLMSegmentationLib.study.cases.shipped_model import TRAINING_SEEDS, VALIDATION_SEEDS
from CRLMSegmentationLib.study.cases.simulated_crops import reconstructed
from CRLMSegmentationLib.study.metrics import compare
from CRLMSegmentationLib.values import Box
from scipy.spatial.transform import Rotation

TEST_SEED = 7


@pytest.fixture(scope="module")
def segmenter() -> TumorSegmenter:
    return TumorSegmenter(LocalPredictor(load_model(DEFAULT_MODEL), device="cpu", threads=2))


@pytest.fixture(scope="module")
def simulated():
    # About half the frames of this seed's own sweep, still as many as the population has: half the time.
    return simulate_case(TEST_SEED, sweep=SweepSettings(frames=48))


@pytest.fixture(scope="module")
def unseen(simulated):
    """A liver of a test seed, reconstructed, with its truth on the same grid."""
    return reconstructed(simulated.sweep, simulated.tumor, "stick", "unseen")


@pytest.fixture(scope="module")
def segmented(segmenter, unseen):
    return segment(unseen.volume, Box.around_mask(unseen.tumor), segmenter, tight=True)


def test_the_card_says_what_a_user_has_to_know():
    card = load_model(DEFAULT_MODEL).card
    assert card.task == "crop" and card.margin_mm == 10
    assert "simulated" in card.trained_on and card.trained_on_simulated_only
    assert "simulated" in card.text["intended_use"] and "not a medical device" in card.text["intended_use"]
    assert card.text["threshold_choice"] and card.text["validation"]["dice"]["median"] > 0.75
    first, last = card.text["training"]["seeds"]
    assert (first, last) == (min(TRAINING_SEEDS), max(TRAINING_SEEDS))
    assert TEST_SEED not in TRAINING_SEEDS and TEST_SEED not in VALIDATION_SEEDS


def test_the_folder_is_small_and_its_card_is_plain_json():
    folder = load_model(DEFAULT_MODEL).folder
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < 10_000_000
    json.loads(
        (folder / "model.json").read_text(encoding="utf-8"),
        parse_constant=lambda name: pytest.fail(f"{name} in the card"),
    )


def test_an_unseen_tumor_is_found_and_has_a_surface_of_its_volume(segmented, unseen):
    figures = compare(segmented.mask, unseen.tumor)
    assert figures["dice"] >= 0.75
    assert figures["hd95_mm"] < 6
    assert surface_volume_mm3(segmented.surface) / 1000 == pytest.approx(segmented.volume_ml, rel=0.02)


def test_a_box_drawn_5_mm_beside_the_tumor_still_finds_it(segmenter, unseen):
    tight = Box.around_mask(unseen.tumor)
    beside = Box(tight.center_ras + (5, 0, 0), tight.size_mm, tight.axes_ras)
    result = segment(unseen.volume, beside, segmenter, tight=True)
    assert compare(result.mask, unseen.tumor)["dice"] >= 0.7


def test_with_holes_between_the_frames_the_tumor_is_still_found(segmenter, simulated):
    holed = reconstructed(simulated.sweep, simulated.tumor, "none", "holed")
    result = segment(holed.volume, Box.around_mask(holed.tumor), segmenter, tight=True)
    # On the validation livers 2000 to 2019 the median stays (0.89), the worst falls from 0.78 to 0.74.
    assert compare(result.mask, holed.tumor)["dice"] >= 0.6


def test_a_box_turned_against_the_volume_gives_nearly_the_same_mask(segmenter, unseen, segmented):
    turn = Rotation.from_rotvec(np.radians(30) * np.array([1, 2, -3]) / np.sqrt(14)).as_matrix()
    k, j, i = np.nonzero(unseen.tumor.voxels)
    places = transform_points(unseen.tumor.ijk_to_ras, np.stack([i, j, k], axis=1)) @ turn
    first, last = places.min(axis=0), places.max(axis=0)
    box = Box(turn @ (first + last) / 2, last - first + unseen.volume.spacing_mm, turn)
    turned = segment(unseen.volume, box, segmenter, tight=True)
    # On the validation livers 2000 to 2019 0.96, worst 0.73.
    assert compare(turned.mask, segmented.mask)["dice"] > 0.7


def test_two_runs_give_the_same_mask(segmenter, segmented, unseen):
    again = segment(unseen.volume, Box.around_mask(unseen.tumor), segmenter, tight=True)
    assert np.array_equal(again.mask.voxels, segmented.mask.voxels)


def test_the_shipped_model_of_live_frames_outlines_the_tumor_in_its_largest_cut(simulated):
    model = load_frame_model(default_frame_model())
    assert model.name == "frames-simulated-small" and model.card.trained_on_simulated_only
    assert sum(file.stat().st_size for file in model.folder.rglob("*") if file.is_file()) < 10_000_000
    tumor = simulated.tumor

    def cut(frame):
        v, u = np.indices(frame.pixels.shape)
        places = transform_points(frame.image_to_reference, np.stack([u, v, np.zeros_like(u)], axis=-1))
        i, j, k = np.moveaxis(np.rint(transform_points(tumor.ras_to_ijk, places)).astype(int), -1, 0)
        inside = np.all([(0 <= axis) & (axis < size) for axis, size in zip((k, j, i), tumor.voxels.shape)], axis=0)
        return inside & (tumor.voxels[tuple(np.where(inside, axis, 0) for axis in (k, j, i))] > 0)

    frame = max((one for one in simulated.sweep.frames if one.valid), key=lambda one: cut(one).sum())
    label = frame_label(model)
    predicted = LocalPredictor(model, "cpu", threads=1).predict(
        network_image(frame, model, frame.plane.pixel_mm), [label]
    )
    found, truth = predicted.of(label)[0] >= model.card.threshold, cut(frame)
    assert 2 * (found & truth).sum() > 0.8 * (found.sum() + truth.sum())
