"""From a network's answers to a map of liver, vessels and tumors, in any orientation of the CT."""

from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ModelError, SegmentationError
from CRLMSegmentationLib.inference.image import Prediction
from CRLMSegmentationLib.preoperative.find_structures import find_structures
from CRLMSegmentationLib.preoperative.network_grid import coarser
from CRLMSegmentationLib.preoperative.orientation import Orientation
from CRLMSegmentationLib.preoperative.structures import LABELS, structures_of_map, structures_of_masks
from CRLMSegmentationLib.values import LabelSet, Volume

SIZE = 24
# Along R, A, S; as DICOM has it, along L, P, S; sagittal slices, from left to right and upside down.
GRIDS = {
    "RAS": np.diag([3.0, 3.0, 3.0, 1.0]),
    "LPS": np.array([[-3.0, 0, 0, 69], [0, -3.0, 0, 69], [0, 0, 3.0, 0], [0, 0, 0, 1]]),
    "sagittal": np.array([[0, 0, 3.0, 0], [-3.0, 0, 0, 69], [0, -3.0, 0, 69], [0, 0, 0, 1]]),
}


def ct_of(matrix: np.ndarray) -> Volume:
    """A liver of 100 HU on the patient's right, higher than wide, in it a vessel of 200 HU and a tumor of 50 HU; a
    second block of 100 HU, smaller, on the left.
    """
    k, j, i = np.indices((SIZE,) * 3)
    r, a, s = np.moveaxis(np.stack([i, j, k], -1) @ matrix[:3, :3].T + matrix[:3, 3], -1, 0) / 3.0
    hu = np.full(r.shape, -1000.0)
    hu[(r > 2) & (r < 12) & (a > 3) & (a < 20) & (s > 4) & (s < 20)] = 100
    hu[(r > 6) & (r < 9) & (a > 9) & (a < 13) & (s > 4) & (s < 20)] = 200
    hu[(r > 3) & (r < 6) & (a > 5) & (a < 9) & (s > 8) & (s < 13)] = 50
    hu[(r > 15) & (r < 21) & (a > 3) & (a < 9) & (s > 4) & (s < 10)] = 100
    return Volume(hu.astype(np.int16), matrix, frame="CT")


class ByBrightness:
    """Knows the structures by their HU, and where the spleen is."""

    def __init__(self, labels=LABELS, spacing=(3.0, 3.0, 3.0)):
        self.model = SimpleNamespace(
            name="stand-in", labels=labels, channels=("CT",), spacing_mm=spacing, card=SimpleNamespace(task="lvt")
        )
        self.seen = None

    def predict(self, image, labels=None, progress=None, should_cancel=None):
        self.seen = hu = image.channels[0]
        answers = {"liver": hu > 0, "vessels": hu > 150, "tumor": (hu > 0) & (hu < 80)}
        return Prediction(np.stack([answers[name] for name in labels]).astype(np.float32), tuple(labels))


@pytest.mark.parametrize("matrix", GRIDS.values(), ids=GRIDS)
def test_the_network_sees_every_ct_along_ras_and_the_answer_lies_on_the_voxels_of_the_ct(matrix):
    ct, predictor = ct_of(matrix), ByBrightness()
    found = find_structures(ct, predictor)
    assert np.array_equal(predictor.seen, ct_of(GRIDS["RAS"]).voxels)
    assert found.label_map.has_geometry_of(ct)
    assert np.array_equal(found.mask("vessels").voxels, ct.voxels == 200)
    assert np.array_equal(found.mask("tumor").voxels, ct.voxels == 50)
    # The block on the left does not belong to the liver, which is whole.
    assert found.mask("liver").voxels.sum() == 9 * 16 * 15


def test_finer_voxels_are_averaged_and_the_answer_has_the_voxels_of_the_ct():
    coarse = ct_of(GRIDS["LPS"])
    fine = Volume(np.kron(coarse.voxels, np.ones((1, 3, 3))), coarse.ijk_to_ras @ np.diag([1 / 3, 1 / 3, 1, 1]))
    noise = np.random.default_rng(0).normal(0, 30, fine.voxels.shape)
    predictor = ByBrightness()
    find_structures(fine.with_voxels(fine.voxels), predictor)
    assert np.allclose(predictor.seen, ct_of(GRIDS["RAS"]).voxels, atol=1e-3)
    found = find_structures(fine.with_voxels(fine.voxels + noise), predictor)
    assert found.label_map.voxels.shape == fine.voxels.shape
    expected = ct_of(GRIDS["RAS"]).voxels
    assert np.std((predictor.seen - expected)[expected > 0]) == pytest.approx(30 / 3, rel=0.05)
    # The vessel is two network voxels wide: its edge lies within a third of one.
    assert found.mask("vessels").voxels.sum() == pytest.approx((fine.voxels == 200).sum(), rel=0.1)


def test_what_lies_outside_of_the_scanners_circle_is_air():
    ct = ct_of(GRIDS["RAS"])
    ct.voxels[:, :4] = -3024
    assert coarser(ct, (6.0, 6.0, 6.0)).hu.min() == -1024


def test_a_volume_laid_along_ras_keeps_every_voxel_in_its_place():
    matrix = np.array([[0, 0.1, -2.0, 5], [-3, 0, 0, 7], [0.1, 4, 0, 9.0], [0, 0, 0, 1]])
    turned = Volume(np.arange(24).reshape(2, 3, 4), matrix)
    laid = Orientation.of(turned).lay_volume(turned)
    assert (np.diag(laid.ijk_to_ras)[:3] > 0).all()
    for value in (0, 5, 23):
        places = [volume.ijk_to_ras @ [*np.argwhere(volume.voxels == value)[0][::-1], 1] for volume in (turned, laid)]
        assert np.allclose(*places)
    assert np.array_equal(Orientation.of(turned).lay_back(laid.voxels), turned.voxels)


def test_labels_that_exclude_each_other_make_a_whole_liver():
    class Exclusive(ByBrightness):
        def predict(self, image, labels=None, progress=None, should_cancel=None):
            answer = super().predict(image, labels)
            answer.probabilities[0] *= (answer.probabilities[1] + answer.probabilities[2]) == 0
            return answer

    found = find_structures(ct_of(GRIDS["RAS"]), Exclusive(LabelSet.of_names("liver", "vessels", "tumor")))
    assert found.mask("liver").voxels.sum() == 9 * 16 * 15


def test_a_tumor_lies_over_a_vessel_and_a_vessel_over_the_liver():
    grid = Volume(np.zeros((1, 1, 5)), np.eye(4))
    above = {"liver": [1, 1, 1, 0, 0], "vessels": [0, 1, 1, 1, 0], "tumor": [0, 0, 1, 0, 0]}
    found = structures_of_masks({name: np.array([[row]], bool) for name, row in above.items()}, grid)
    assert found.label_map.voxels.ravel().tolist() == [1, 2, 3, 2, 0]
    assert found.mask("liver").voxels.ravel().tolist() == [1, 1, 1, 1, 0]


def test_lesions_are_counted_the_largest_first():
    voxels = np.ones((5, 5, 9), np.uint8)
    voxels[0, 0, 0] = voxels[2:4, 2:4, 4:6] = voxels[1, 1, 1] = voxels[4, 4, 8] = 3
    lesions = structures_of_map(Volume(voxels, np.eye(4))).lesions.voxels
    # Two that touch by a corner are one.
    assert lesions[2, 2, 4] == 1 and lesions[0, 0, 0] == lesions[1, 1, 1] == 2 and lesions[4, 4, 8] == 3
    assert structures_of_map(Volume(np.zeros((3, 3, 3), np.uint8), np.eye(4))).lesion_count == 0


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda hu: hu + 1000, "rescale slope and intercept were lost"),
        (lambda hu: hu * 100.0, "go from -100000 to 20000"),
        (lambda hu: np.where(hu == 200, np.nan, hu * 1.0), "not finite"),
        (lambda hu: hu[:2], "only 24 x 24 x 2 voxels"),
    ],
)
def test_what_is_no_ct_in_hounsfield_units_is_refused(change, sentence):
    ct = ct_of(GRIDS["RAS"])
    with pytest.raises(SegmentationError, match=sentence):
        find_structures(Volume(change(ct.voxels), ct.ijk_to_ras), ByBrightness())


def test_a_ct_without_a_liver_and_a_model_of_another_task_are_told():
    ct = ct_of(GRIDS["RAS"])
    lung = ct.with_voxels(np.where(ct.voxels > 0, -10, ct.voxels))
    lung.voxels[0, :, :] = 1
    with pytest.raises(SegmentationError, match="No liver"):
        find_structures(lung.with_voxels(np.minimum(lung.voxels, 0)), ByBrightness())
    with pytest.raises(ModelError, match="does not find liver"):
        find_structures(ct, ByBrightness(LabelSet.of_names("tumor")))


def test_voxels_that_are_coarser_than_the_network_are_left_alone():
    ct = ct_of(GRIDS["LPS"])
    assert np.array_equal(coarser(ct, (1.5, 1.5, 1.5)).hu, ct_of(GRIDS["RAS"]).voxels)
