"""Cameras in the files of others."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.files.laparoscope.camera_file import read_camera, write_camera

MATRIX = [[500.0, 0, 320], [0, 510, 240], [0, 0, 1]]


def test_intrinsics_of_scikit_surgery_need_the_size_of_the_picture(shared_data, tmp_path):
    path = shared_data / "laparoscopy" / "sksurgery_calib.left.intrinsics.txt"
    camera = read_camera(path, (1920, 1080))
    assert camera.intrinsics[0].tolist() == [1892.327469, 0, 1105.868504] and camera.image_size == (1920, 1080)
    with pytest.raises(FileFormatError, match="size of picture"):
        read_camera(path)
    (tmp_path / "i.txt").write_text("500 0 320\n0 510 240\n0 0 1\n-0.1 0.02 0 0\n")
    assert read_camera(tmp_path / "i.txt", (640, 480)).distortion.tolist() == [-0.1, 0.02, 0, 0]
    (tmp_path / "i.txt").write_text("500 0 320 0 510 240")
    with pytest.raises(FileFormatError, match="nine numbers"):
        read_camera(tmp_path / "i.txt", (640, 480))


def test_the_challenges_camera_is_read(shared_data):
    camera = read_camera(shared_data / "laparoscopy" / "p2ilf_camera.json")
    assert camera.image_size == (1920, 1080) and camera.intrinsics[0, 0] == 952.06967601396957
    assert camera.distortion.tolist() == [-0.23184898303739043, 0.34051349187505525, 0, 0, -0.23860036358921605]


@pytest.mark.parametrize("ending", ["yml", "yaml", "xml"])
def test_what_opencv_writes_is_read(ending, tmp_path):
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed (extra 'scope')")
    path = tmp_path / f"camera.{ending}"
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    storage.write("image_width", 640)
    storage.write("image_height", 480)
    storage.write("camera_matrix", np.array(MATRIX))
    storage.write("distortion_coefficients", np.array([[-0.1, 0.02, 0.001, 0.002, 0.0]]))
    storage.release()
    camera = read_camera(path)
    assert camera.intrinsics.tolist() == MATRIX and camera.image_size == (640, 480)
    assert camera.distortion.tolist() == [-0.1, 0.02, 0.001, 0.002, 0.0]
    again = read_camera(write_camera(camera, tmp_path / "again.json"))
    assert np.array_equal(again.intrinsics, camera.intrinsics)


@pytest.mark.parametrize("content", ["", "%YAML:1.0\n---\nother: 3\n", "no: [yaml"])
def test_other_files_of_opencv_are_refused(content, tmp_path):
    pytest.importorskip("cv2", reason="OpenCV is not installed (extra 'scope')")
    (tmp_path / "camera.yml").write_text(content)
    with pytest.raises(FileFormatError, match=r"camera\.yml"):
        read_camera(tmp_path / "camera.yml")
