"""What was seen travels with the volume, from the reconstruction to the mask: a black voxel may be anechoic tissue."""

from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.inference.image import Prediction
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.inference.predictor import LocalPredictor
from CRLMSegmentationLib.inference.worker import Worker
from CRLMSegmentationLib.segmentation.crop import crop, paste
from CRLMSegmentationLib.segmentation.postprocess import with_guessed_seen
from CRLMSegmentationLib.segmentation.region_growing import grow_region
from CRLMSegmentationLib.segmentation.segment import segment
from CRLMSegmentationLib.segmentation.segmenter import TumorSegmenter
from CRLMSegmentationLib.study.tasks.crop import mask_in_box
from CRLMSegmentationLib.values import Box, Volume
from scipy.spatial.transform import Rotation


class DarkIsTumor:
    """In place of a network: what is darker than 30 is tumor, and nothing is where nothing is known."""

    def __init__(self):
        card = SimpleNamespace(
            margin_mm=0.0, threshold=0.5, tumor_volume_ml=None, shell_probabilities=None, usual_entropy_bits=None,
            image_ranges=None,
            least_mean_probability=None,
        )  # fmt: skip
        self.model = SimpleNamespace(card=card)

    def probability(self, volume, progress=None, should_cancel=None):
        return volume.on_grid(np.where(volume.voxels < 30, 0.95, 0.01).astype(np.float32))


@pytest.fixture
def swept():
    """(volume, lesion): tissue with an anechoic ball, exactly 0, around i = 12; from i = 45 on nothing was seen."""
    voxels = np.random.default_rng(0).integers(60, 120, (60, 60, 60)).astype(np.uint8)
    k, j, i = np.indices(voxels.shape)
    lesion = (k - 30) ** 2 + (j - 30) ** 2 + (i - 12) ** 2 <= 100
    voxels[lesion] = 0
    voxels[:, :, 45:] = 0
    return Volume(voxels, np.eye(4), i < 45), lesion


@pytest.mark.parametrize("angle_deg", [0, 20])
@pytest.mark.parametrize("lower", [0, 5, 10])
def test_an_anechoic_lesion_at_the_edge_of_the_box_is_found_whole(swept, lower, angle_deg):
    volume, lesion = swept
    axes = Rotation.from_euler("z", angle_deg, degrees=True).as_matrix()
    box = Box(((lower + 40) / 2, 30, 30), (40 - lower, 34, 34), axes)
    result = segment(volume, box, DarkIsTumor())
    k, j, i = np.indices(lesion.shape)
    in_box = box.contains(np.stack([i, j, k], axis=-1))
    expected = np.count_nonzero(lesion & in_box)
    # along a turned box the edge is interpolated, and darker than 30 is a little less
    assert np.count_nonzero(result.mask.voxels) == pytest.approx(expected, rel=0.12 if angle_deg else 1e-9)
    assert not result.mask.voxels[~lesion].any() or angle_deg
    assert result.volume_ml > 2 and result.mask.seen is None


def test_where_the_probe_did_not_pass_is_no_tumor_and_reported(swept):
    volume, _ = swept
    result = segment(volume, Box((45, 30, 30), (20, 20, 20)), DarkIsTumor(), keep="all")
    assert not result.mask.voxels.any()
    bright = volume.with_voxels(np.where(volume.seen, 20, 0).astype(np.uint8))
    result = segment(bright, Box((45, 30, 30), (20, 20, 20)), DarkIsTumor(), keep="all")
    assert result.mask.voxels[30, 30, 36:45].all() and not result.mask.voxels[:, :, 45:].any()


def test_a_tumor_beside_what_was_not_seen_is_doubted_and_beside_a_black_frame_as_a_guess(swept):
    volume, _ = swept
    voxels = np.random.default_rng(0).integers(60, 120, volume.voxels.shape).astype(np.uint8)
    voxels[:, :, 45:] = 0
    voxels[25:35, 25:35, 38:45] = 20

    class Twenty(DarkIsTumor):
        def probability(self, volume, progress=None, should_cancel=None):
            return volume.on_grid(np.where(volume.voxels == 20, 0.95, 0.01).astype(np.float32))

    def doubts(seen):
        volume = with_guessed_seen(Volume(voxels, np.eye(4), seen))
        return " ".join(segment(volume, Box((42, 30, 30), (30, 30, 30)), Twenty()).doubts)

    assert "to where the probe did not pass" in doubts(volume.seen)
    assert "a guess" in doubts(np.ones_like(volume.seen)) and "a guess" in doubts(None)


def test_a_box_that_is_black_and_one_that_was_never_seen_are_distinguished(swept):
    volume, _lesion = swept
    inside_the_lesion = segment(volume, Box((12, 30, 30), (6, 6, 6)), DarkIsTumor())
    never_seen = segment(volume, Box((53, 30, 30), (6, 6, 6)), DarkIsTumor())
    assert "black throughout" in inside_the_lesion.doubts[0] and "never passed" in never_seen.doubts[0]


def test_a_region_grows_in_what_is_black_and_was_seen(swept):
    volume, lesion = swept
    grown = grow_region(volume, (12, 30, 30), Box((20, 30, 30), (40, 40, 40)))
    overlap = np.count_nonzero((grown.mask.voxels > 0) & lesion)
    assert 2 * overlap / (np.count_nonzero(grown.mask.voxels) + lesion.sum()) > 0.9


def test_crop_and_paste_keep_it_and_a_mask_on_the_grid_does_not(swept):
    volume, _ = swept
    block = crop(volume, Box((42, 30, 30), (20, 10, 10))).volume
    i = np.rint(transform_points(block.ijk_to_ras, np.stack(np.indices(block.voxels.shape)[::-1], axis=-1)))[..., 0]
    assert np.array_equal(block.seen, i < 45) and not block.seen.all()
    back = paste(block, volume)
    assert np.count_nonzero(back.seen) == np.count_nonzero(block.seen) and not back.seen[~volume.seen].any()
    assert block.with_voxels(block.voxels * 2).seen is block.seen and block.on_grid(block.voxels).seen is None


def test_the_study_measures_what_the_product_shows(swept):
    """A network that marks a ball across the border of what was seen."""
    volume, _ = swept

    class Ball(DarkIsTumor):
        def probability(self, block, progress=None, should_cancel=None):
            k, j, i = np.indices(block.voxels.shape)
            at = transform_points(block.ijk_to_ras, np.stack([i, j, k], axis=-1))
            inside = np.linalg.norm(at - (43, 30, 30), axis=-1) < 9
            return block.on_grid(np.where(inside, 0.9, 0.01).astype(np.float32))

    box = Box((40, 30, 30), (36, 30, 30))
    shipped, studied = segment(volume, box, Ball()).mask, mask_in_box(volume, box, Ball(), 0.0)
    assert shipped.voxels.any() and not shipped.voxels[:, :, 45:].any()
    assert np.array_equal(shipped.voxels, studied.voxels)


@pytest.mark.parametrize("with_model_process", [False, True])
def test_the_network_gets_black_that_was_seen_and_all_else_as_before(
    with_model_process, averaging_model, speckled_volume, monkeypatch
):
    """Asked in this process, and through the shared block of the worker process."""
    from CRLMSegmentationLib.inference import predictor

    given = []
    real = predictor.prepare
    monkeypatch.setattr(predictor, "prepare", lambda *what: given.append(real(*what)) or given[-1])
    segmenter = TumorSegmenter(LocalPredictor(load_model(averaging_model), "cpu", threads=1))
    ask = _as_in_the_worker(segmenter) if with_model_process else segmenter.probability

    def network_gets(volume):
        ask(volume)
        return given[-1].data.numpy()

    plain = network_gets(speckled_volume)
    all_seen = np.ones(speckled_volume.voxels.shape, bool)
    assert np.array_equal(network_gets(speckled_volume.with_seen(all_seen)), plain)

    voxels = speckled_volume.voxels.copy()
    voxels[:, :, :3] = 0  # the first three columns, a voxel and a half of the network's
    voxels[9:12, 20:26, 20:26] = 0
    black = Volume(voxels, speckled_volume.ijk_to_ras)
    as_before = network_gets(black)
    assert np.array_equal(network_gets(with_guessed_seen(black)), as_before)
    assert np.array_equal(network_gets(black.with_seen(voxels != 0)), as_before)
    known = network_gets(black.with_seen(all_seen))
    assert known.shape == plain.shape and as_before.shape != plain.shape


def _as_in_the_worker(segmenter):
    """probability() by way of the block and the message that the engine hands to its process."""
    from CRLMSegmentationLib.inference.reused_block import ReusedBlock

    worker, block = Worker(SimpleNamespace(send=lambda message: None)), ReusedBlock()
    worker._predictors = {"": segmenter.predictor}

    def predict(image, labels, *_):
        message = block.put(image, len(labels))
        worker._answer({"number": 1, "model": "", "labels": labels, "with_progress": False, **message})
        return Prediction(block.probabilities(len(labels), image.shape), tuple(labels))

    asked = TumorSegmenter(SimpleNamespace(model=segmenter.model, predict=predict))
    return asked.probability
