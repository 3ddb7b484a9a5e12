"""Volumes, diameters and distances of shapes that can be worked out by hand; the folder of a result."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.files import read_surface, read_volume, write_volume
from CRLMSegmentationLib.preoperative.lesion_table import write_lesion_table
from CRLMSegmentationLib.preoperative.measures import longest_axial_diameter_mm, measure
from CRLMSegmentationLib.preoperative.result_folder import RESULT_FILES, read_result, write_measures, write_result
from CRLMSegmentationLib.preoperative.structures import structures_of_map
from CRLMSegmentationLib.segmentation.surface import surface_volume_mm3
from CRLMSegmentationLib.values import Volume
from scipy.ndimage import distance_transform_edt, gaussian_filter

# As DICOM lays a CT: i to the left, j to the back, slices of 2 mm upwards.
MATRIX = np.array([[-1.0, 0, 0, 30], [0, -1.0, 0, 40], [0, 0, 2.0, -50], [0, 0, 0, 1]])
SHAPE = (30, 60, 60)


def block(first, last) -> tuple[slice, ...]:
    """From first to last index along k, j, i, both within."""
    return tuple(slice(one, other + 1) for one, other in zip(first, last))


def liver_map() -> np.ndarray:
    """A liver of 20 x 40 x 50 voxels with a vessel along j, a tumor beside it and one at the surface."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[block((5, 10, 5), (24, 49, 54))] = 1
    labels[block((14, 10, 20), (15, 49, 22))] = 2
    labels[block((12, 20, 30), (17, 29, 35))] = 3
    labels[block((5, 40, 50), (6, 41, 51))] = 3
    return labels


def test_volumes_lesions_and_their_distances():
    found = measure(structures_of_map(Volume(liver_map(), MATRIX, frame="CT")))
    assert found.liver_ml == pytest.approx(20 * 40 * 50 * 2 / 1000)
    assert found.vessels_ml == pytest.approx(2 * 40 * 3 * 2 / 1000)
    assert found.tumors_ml == pytest.approx((6 * 10 * 6 + 2 * 2 * 2) * 2 / 1000)
    assert found.tumor_share == pytest.approx(found.tumors_ml / found.liver_ml)
    large, small = found.lesions
    assert (large.number, small.number) == (1, 2)
    # The middle of its voxels, and the vessel 7 voxels of 1 mm away along i.
    assert large.center_ras_mm == pytest.approx((30 - 32.5, 40 - 24.5, -50 + 2 * 14.5))
    assert large.vessel_distance_mm == pytest.approx(7) and large.surface_distance_mm == pytest.approx(10)
    assert small.surface_distance_mm == pytest.approx(1, abs=1.01)
    assert 5 <= small.slice_index <= 6 and 12 <= large.slice_index <= 17
    # Between the edges: a little less than the diagonal of 10 x 6 pixels.
    assert large.diameter_mm == pytest.approx(np.hypot(10, 6), abs=1.0)


@pytest.mark.parametrize("radius", [4.0, 9.5])
def test_the_diameter_of_a_ball_is_that_of_its_largest_slice(radius):
    k, j, i = np.indices((21, 41, 41))
    ball = ((k - 10) * 2.0) ** 2 + (j - 20.0) ** 2 + ((i - 20) * 0.8) ** 2 <= radius**2
    diameter, at = longest_axial_diameter_mm(ball, (2.0, 1.0, 0.8))
    assert diameter == pytest.approx(2 * radius, abs=1.0) and at == 10
    assert longest_axial_diameter_mm(ball[:1] & False, (2.0, 1.0, 0.8)) == (0.0, 0)


def test_a_needle_along_the_slices_normal_has_the_width_of_its_slice():
    needle = np.zeros((20, 5, 5), bool)
    needle[2:18, 2, 2] = True
    assert longest_axial_diameter_mm(needle, (3.0, 1.0, 1.0))[0] == pytest.approx(1.0)


def test_measures_do_not_depend_on_the_orientation_of_the_ct():
    as_dicom = structures_of_map(Volume(liver_map(), MATRIX))
    # The same voxels as sagittal slices from front to back.
    order = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1.0]])
    turned = structures_of_map(Volume(liver_map().transpose(2, 1, 0), MATRIX @ order))
    for one, other in zip(measure(as_dicom).lesions, measure(turned).lesions):
        assert one.diameter_mm == pytest.approx(other.diameter_mm)
        assert one.center_ras_mm == pytest.approx(other.center_ras_mm)
        assert one.vessel_distance_mm == other.vessel_distance_mm


def test_without_vessels_and_lesions_nothing_is_made_up():
    labels = liver_map()
    labels[labels == 2] = 1
    assert all(one.vessel_distance_mm is None for one in measure(structures_of_map(Volume(labels, MATRIX))).lesions)
    labels[labels == 3] = 1
    assert measure(structures_of_map(Volume(labels, MATRIX))).lesions == ()


@pytest.fixture
def folder(tmp_path):
    write_result(structures_of_map(Volume(liver_map(), MATRIX, frame="CT")), tmp_path, {"date": "2026-03-01"})
    return tmp_path


def test_a_result_is_read_as_it_was_written(folder):
    assert all((folder / name).is_file() for name in RESULT_FILES)
    result = read_result(folder)
    assert np.array_equal(result.structures.label_map.voxels, liver_map())
    assert result.date == "2026-03-01" and result.structures.label_map.frame == "CT"
    text = json.loads((folder / "measures.json").read_text(encoding="utf-8"))
    assert text["liver_ml"] == result.measures.liver_ml and len(text["lesions"]) == 2
    # Each lesion keeps its number, and a surface its volume.
    assert set(np.unique(read_volume(folder / "tumors.nrrd").voxels)) == {0, 1, 2}
    assert surface_volume_mm3(read_surface(folder / "surfaces" / "liver.vtp")) / 1000 == pytest.approx(
        text["liver_ml"], rel=0.01
    )


def test_masks_that_were_corrected_by_hand_are_measured_anew(folder):
    tumors = read_volume(folder / "tumors.nrrd")
    tumors.voxels[:] = 0
    write_volume(tumors, folder / "tumors.nrrd")
    result = read_result(folder)
    write_measures(result.structures, folder, result.about)
    text = json.loads((folder / "measures.json").read_text(encoding="utf-8"))
    assert text["lesions"] == [] and text["date"] == "2026-03-01" and text["liver_ml"] == result.measures.liver_ml
    assert not (folder / "surfaces" / "tumors.vtp").exists()


def test_a_mask_on_another_grid_is_refused(folder):
    vessels = read_volume(folder / "vessels.nrrd")
    write_volume(Volume(vessels.voxels[1:], vessels.ijk_to_ras, frame="CT"), folder / "vessels.nrrd")
    with pytest.raises(FileFormatError, match=r"vessels.nrrd does not lie on the voxels of liver.nrrd"):
        read_result(folder)


def test_the_table_has_a_line_for_each_lesion(folder, tmp_path):
    result = read_result(folder)
    lines = write_lesion_table(result.measures, tmp_path / "lesions.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("number,volume_ml,diameter_mm,") and len(lines) == 3
    assert lines[1].split(",")[1] == "0.720"


def test_distances_between_rims_are_those_of_a_distance_transform():
    rng = np.random.default_rng(3)
    liver = gaussian_filter(rng.normal(size=(20, 24, 22)), 4) > -0.02
    noise = gaussian_filter(rng.normal(size=liver.shape), 1.2)
    voxels = liver.astype(np.uint8)
    voxels[liver & (noise > 0.12)] = 2
    voxels[liver & (noise < -0.14)] = 3
    spacing = np.array([2.0, 0.7, 0.9])
    found = structures_of_map(Volume(voxels, np.diag([*spacing[::-1], 1.0])))
    lesions = measure(found).lesions
    assert len(lesions) > 5
    to_vessel = distance_transform_edt(voxels != 2, sampling=spacing)
    to_outside = distance_transform_edt(np.pad(voxels > 0, 1), sampling=spacing)[1:-1, 1:-1, 1:-1]
    for lesion in lesions:
        mask = found.lesions.voxels == lesion.number
        assert lesion.vessel_distance_mm == pytest.approx(max(0, to_vessel[mask].min() - 0.7), abs=1e-6)
        assert lesion.surface_distance_mm == pytest.approx(max(0, to_outside[mask].min() - 0.7), abs=1e-6)
