"""A volume says in which frame it lies: in its file too, and nothing takes two frames for one."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import FileFormatError, GeometryError
from CRLMSegmentationLib.files import read_mask, read_volume, write_volume
from CRLMSegmentationLib.segmentation.crop import crop_volume, paste
from CRLMSegmentationLib.study.metrics import on_grid_of
from CRLMSegmentationLib.values import Box, Volume


def volume(frame="Reference", **values):
    return Volume(np.arange(24, dtype=np.uint8).reshape(2, 3, 4) % 2, np.eye(4), frame=frame, **values)


def test_a_volume_lies_in_reference_unless_it_says_otherwise():
    assert Volume(np.zeros((2, 3, 4)), np.eye(4)).frame == "Reference"
    assert volume("CT").on_grid(np.zeros((2, 3, 4))).with_seen(None).frame == "CT"


@pytest.mark.parametrize("name", ["", " CT", "C T", "CT\n", "a" * 64, "Länge", None])
def test_a_name_that_no_file_could_hold_is_refused(name):
    with pytest.raises(GeometryError, match="frame"):
        volume(name)


@pytest.mark.parametrize("ending", ["nrrd", "nhdr", "mha", "mhd", "nii", "nii.gz"])
@pytest.mark.parametrize("frame", ["Reference", "CT-portal_venous", "a" * 63])
def test_the_frame_comes_back_from_every_kind_of_file(tmp_path, ending, frame):
    seen = np.zeros((2, 3, 4), bool)
    seen[0] = True
    path = write_volume(volume(frame, seen=seen), tmp_path / f"liver.{ending}")
    again = read_volume(path)
    assert again.frame == frame and np.array_equal(again.voxels, volume().voxels)
    assert np.array_equal(again.seen, seen) and read_mask(path).frame == frame


def test_a_file_whose_frame_has_no_name_is_refused(tmp_path):
    path = write_volume(volume("CT"), tmp_path / "liver.nrrd")
    path.write_bytes(path.read_bytes().replace(b"crlm_frame:=CT", b"crlm_frame:=C?"))
    with pytest.raises(FileFormatError, match=r"liver.nrrd: .*'C\?'"):
        read_volume(path)


def test_two_frames_are_never_taken_for_one():
    ct, here = volume("CT"), volume()
    assert ct.has_geometry_of(volume("CT")) and not ct.has_geometry_of(here)
    with pytest.raises(GeometryError, match="'CT' and the other in 'Reference'"):
        ct.check_frame_of(here)
    block = crop_volume(ct, Box(np.array([1.0, 1, 0]), np.array([2.0, 2, 2])))
    assert block.frame == "CT" and paste(block, ct).frame == "CT"
    with pytest.raises(GeometryError, match="registration"):
        paste(block, here)
    with pytest.raises(GeometryError, match="registration"):
        on_grid_of(ct, here)


def test_volumes_of_two_frames_are_not_compared():
    from CRLMSegmentationLib.reconstruction.quality.second_opinion import difference

    assert difference(volume("CT"), volume("CT")).volume.frame == "CT"
    with pytest.raises(GeometryError, match="registration"):
        difference(volume("CT"), volume())
