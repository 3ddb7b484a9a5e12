"""Labels of other programs: by the names of files and segments, by values, and what holds no liver."""

import numpy as np
import pytest
import SimpleITK
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.preoperative.labels import read_labels, structure_named
from CRLMSegmentationLib.preoperative.result_folder import read_result, write_result
from CRLMSegmentationLib.values import Volume

GRID = np.diag([2.0, 2.0, 2.0, 1.0])


def label_map(liver=1, vessels=2, tumor=3) -> np.ndarray:
    labels = np.zeros((20, 20, 20), np.int16)
    labels[4:16, 4:16, 4:16] = liver
    labels[8:10, 4:16, 10] = vessels
    labels[5:8, 5:8, 5:8] = tumor
    return labels


@pytest.mark.parametrize(
    "name, structure",
    [
        ("liver", "liver"), ("Portal vein", "portal"), ("portal_vein_and_splenic_vein", "portal"),
        ("hepatic-veins", "hepatic"), ("liver_vessels", "vessels"), ("hepatic_vessel", "vessels"),
        ("liver_tumor", "tumor"), ("Metastases", "tumor"), ("liver_lesions", "tumor"),
        ("liver_segment_1", None), ("spleen", None), ("portal hypertension", None),
    ],
)  # fmt: skip
def test_structures_are_known_by_their_names(name, structure):
    assert structure_named(name) == structure


def test_a_label_volume_of_ours_and_one_of_totalsegmentator(tmp_path):
    ours = tmp_path / "labels.nrrd"
    write_volume(Volume(label_map(), GRID), ours)
    found = read_labels(ours)
    np.testing.assert_array_equal(found.label_map.voxels, label_map())
    assert found.label_map.frame == "CT" and not found.tells_vessels_apart
    total = tmp_path / "total.nii.gz"
    write_volume(Volume(label_map(5, 64, 63), GRID), total)
    found = read_labels(total)
    assert found.lesion_count == 0 and found.mask("portal").voxels.sum() == 2 * 12
    np.testing.assert_array_equal(found.mask("vessels").voxels, found.mask("portal").voxels)


def test_segments_are_known_by_their_names_and_several_lesions_are_joined(tmp_path):
    labels = label_map(7, 3, 9)
    labels[12:14, 12:14, 12:14] = 11
    image = SimpleITK.GetImageFromArray(labels.astype(np.uint8))
    image.SetSpacing((2.0, 2.0, 2.0))
    for number, (name, value) in enumerate((("Liver", 7), ("Hepatic veins", 3), ("tumor", 9), ("Metastasis", 11))):
        image.SetMetaData(f"Segment{number}_Name", name)
        image.SetMetaData(f"Segment{number}_LabelValue", str(value))
        image.SetMetaData(f"Segment{number}_Layer", "0")
    SimpleITK.WriteImage(image, str(tmp_path / "a.seg.nrrd"))
    found = read_labels(tmp_path / "a.seg.nrrd")
    assert found.lesion_count == 2 and found.mask("hepatic").voxels.sum() == 24
    assert found.mask("liver").voxels.sum() == 12**3
    # Kept in a folder, vessels are still told apart.
    write_result(found, tmp_path / "kept", {})
    kept = read_result(tmp_path / "kept").structures
    np.testing.assert_array_equal(kept.mask("hepatic").voxels, found.mask("hepatic").voxels)
    assert kept.mask("portal").voxels.sum() == 0


@pytest.mark.parametrize(
    "masks, sentence",
    [
        ({"spleen": label_map() > 0}, "holds no mask of the liver .it holds no structure"),
        ({"liver_tumor": label_map() == 3}, "holds no mask of the liver .it holds tumor"),
        ({"liver": label_map() > 9}, "is empty"),
        ({"liver": label_map() > 0, "liver_tumor": label_map()[1:] == 3}, "do not lie on the same voxels"),
    ],
)
def test_a_folder_that_cannot_be_used_is_told(tmp_path, masks, sentence):
    for name, mask in masks.items():
        write_volume(Volume(mask.astype(np.uint8), GRID), tmp_path / f"{name}.nii.gz")
    with pytest.raises(FileFormatError, match=sentence):
        read_labels(tmp_path)


def test_values_that_mean_nothing_here_are_told(tmp_path):
    write_volume(Volume(label_map(40, 41, 42), GRID), tmp_path / "labels.nrrd")
    with pytest.raises(FileFormatError, match="have no names, and their values"):
        read_labels(tmp_path / "labels.nrrd")
