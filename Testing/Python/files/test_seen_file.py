"""What was seen of a volume lies in a file of its own beside it, and is never taken for that of other voxels."""

import numpy as np
import pytest
import SimpleITK
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.files import read_volume, write_volume
from CRLMSegmentationLib.values import Volume


@pytest.fixture
def volume():
    random = np.random.default_rng(1)
    seen = random.uniform(size=(4, 5, 6)) < 0.7
    voxels = np.where(seen, random.integers(0, 3, seen.shape), 0).astype(np.uint8)
    assert (voxels[seen] == 0).any()
    return Volume(voxels, np.diag([0.5, -0.4, 0.3, 1.0]), seen)


@pytest.mark.parametrize("name", ["v.nrrd", "v.nii.gz", "v.nii", "v.mha", "V.NRRD", "liver.2.nrrd"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, ">u2", np.float32])
def test_it_comes_back_with_the_volume(volume, tmp_path, name, dtype):
    given = volume.with_voxels(volume.voxels.astype(dtype))
    write_volume(given, tmp_path / name)
    back = read_volume(tmp_path / name)
    assert np.array_equal(back.seen, volume.seen) and not back.seen_is_guessed
    assert np.array_equal(back.voxels, volume.voxels)


def test_the_file_opens_as_a_mask_on_the_volume_s_grid(volume, tmp_path):
    write_volume(volume, tmp_path / "v.nrrd")
    mask = SimpleITK.ReadImage(str(tmp_path / "v.seen.nrrd"))
    image = SimpleITK.ReadImage(str(tmp_path / "v.nrrd"))
    assert mask.GetOrigin() == image.GetOrigin() and mask.GetDirection() == image.GetDirection()
    assert np.array_equal(SimpleITK.GetArrayFromImage(mask) != 0, volume.seen)


def test_a_volume_that_does_not_know_or_guesses_has_no_such_file_and_removes_an_earlier_one(volume, tmp_path):
    for other in (volume.with_seen(None), volume.with_seen(volume.seen, is_guessed=True)):
        write_volume(volume, tmp_path / "v.nrrd")
        write_volume(other, tmp_path / "v.nrrd")
        assert read_volume(tmp_path / "v.nrrd").seen is None
        assert [path.name for path in tmp_path.iterdir()] == ["v.nrrd"]


def test_one_of_other_voxels_is_refused(volume, tmp_path):
    write_volume(volume, tmp_path / "v.nrrd")
    image = SimpleITK.ReadImage(str(tmp_path / "v.nrrd"))
    SimpleITK.WriteImage(image + 1, str(tmp_path / "v.nrrd"))  # by another program
    with pytest.raises(FileFormatError, match=r"v.seen.nrrd says what was seen of other voxels.*delete it"):
        read_volume(tmp_path / "v.nrrd")


def test_that_of_another_volume_and_somebody_s_own_mask_are_not_taken_for_it(volume, tmp_path):
    write_volume(volume, tmp_path / "v.nrrd")
    image = SimpleITK.ReadImage(str(tmp_path / "v.nrrd"))
    SimpleITK.WriteImage(image + 1, str(tmp_path / "v.mha"))
    assert read_volume(tmp_path / "v.mha").seen is None
    (tmp_path / "v.nrrd").rename(tmp_path / "w.nrrd")
    (tmp_path / "v.seen.nrrd").rename(tmp_path / "w.seen.nrrd")
    assert np.array_equal(read_volume(tmp_path / "w.nrrd").seen, volume.seen)
    SimpleITK.WriteImage(image > 1, str(tmp_path / "w.seen.nrrd"))
    assert read_volume(tmp_path / "w.nrrd").seen is None
    own = (tmp_path / "w.seen.nrrd").read_bytes()
    with pytest.raises(FileFormatError, match=r"w.seen.nrrd would be replaced.*another file"):
        write_volume(volume, tmp_path / "w.nrrd")
    assert (tmp_path / "w.seen.nrrd").read_bytes() == own


def test_a_damaged_one_is_reported(volume, tmp_path):
    write_volume(volume, tmp_path / "v.nrrd")
    whole = (tmp_path / "v.seen.nrrd").read_bytes()
    (tmp_path / "v.seen.nrrd").write_bytes(whole[:-20])
    with pytest.raises(FileFormatError, match=r"v.seen.nrrd.*delete it"):
        read_volume(tmp_path / "v.nrrd")
