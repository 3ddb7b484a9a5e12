"""A CT as a DICOM folder: read in its place, and what is wrong with a series told in one sentence."""

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.files.dicom_folder import files_of_ct, list_series, read_dicom_ct
from CRLMSegmentationLib.simulation.ct.dicom import write_dicom_series
from CRLMSegmentationLib.values import Volume


@pytest.fixture(scope="module")
def ct() -> Volume:
    """Along R, A, S, every voxel with a value of its own."""
    voxels = np.arange(6 * 5 * 4, dtype=np.int16).reshape(6, 5, 4) - 1000
    matrix = np.diag([0.8, 0.8, 5.0, 1.0])
    matrix[:3, 3] = -10.0, 20.0, -300.0
    return Volume(voxels, matrix)


@pytest.fixture
def series(tmp_path, ct) -> Path:
    return write_dicom_series(ct, tmp_path / "dicom", seed=4, phase="portal", date="20260203")


def changed(folder: Path, change, only=None) -> None:
    """Every file (or those numbers) of the folder with other tags."""
    for number, path in enumerate(sorted(folder.iterdir())):
        if only is None or number in only:
            dataset = pydicom.dcmread(path)
            change(dataset)
            dataset.save_as(path)


def value_at(volume: Volume, ras) -> float:
    i, j, k = np.rint((volume.ras_to_ijk @ [*ras, 1])[:3]).astype(int)
    return float(volume.voxels[k, j, i])


def test_a_series_is_read_in_hu_and_in_its_place(series, ct):
    found = read_dicom_ct(series)
    assert found.date == "2026-02-03" and "portal" in found.description and found.volume.frame == "CT"
    assert sorted(found.volume.dimensions) == sorted(ct.dimensions)
    for i, j, k in ((0, 0, 0), (1, 3, 4), (3, 4, 5)):
        ras = ct.origin_ras + np.array([i, j, k]) * ct.spacing_mm
        assert value_at(found.volume, ras) == value_at(ct, ras)


def test_the_names_of_files_say_nothing_about_the_order_of_slices(series):
    expected = read_dicom_ct(series).volume
    for number, path in enumerate(sorted(series.iterdir(), reverse=True)):
        path.rename(series / f"IM{number:03d}")
    found = read_dicom_ct(series).volume
    assert np.array_equal(found.voxels, expected.voxels) and found.has_geometry_of(expected)
    assert len(files_of_ct(series)) == 6


def test_several_series_are_listed_and_one_is_chosen(tmp_path, series, ct):
    write_dicom_series(ct.with_voxels(ct.voxels + 7), tmp_path / "dicom" / "more", 4, "late")
    with pytest.raises(FileFormatError, match=r"2 series: say with --series .*portal phase.*late phase.*6 images"):
        read_dicom_ct(series)
    descriptions = [one.description for one in list_series(series)]
    late = 1 + descriptions.index("late phase, simulated")
    assert read_dicom_ct(series, late).volume.voxels.min() == -993
    with pytest.raises(FileFormatError, match="no series 3"):
        read_dicom_ct(series, 3)


def test_a_folder_of_other_files_beside_the_series_is_passed_over_in_silence(series, capfd):
    (series.parent / "note.txt").write_text("no image")
    assert len(list_series(series.parent)) == 1
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""


def test_nothing_that_is_given_on_names_the_patient(series):
    changed(series, lambda dataset: setattr(dataset, "PatientName", "Doe^Jane"))
    found = read_dicom_ct(series)
    assert "Doe" not in repr([found.date, found.description, *list_series(series)])


def lose(*names):
    def change(dataset):
        for name in names:
            delattr(dataset, name)

    return change


def set_to(name, value):
    return lambda dataset: setattr(dataset, name, value)


def shear(dataset):
    x, y, z = dataset.ImagePositionPatient
    dataset.ImagePositionPatient = [x, y + 0.2 * (float(z) + 300), z]


@pytest.mark.parametrize(
    "change, only, sentence",
    [
        (set_to("Modality", "MR"), None, "is no CT"),
        (set_to("GantryDetectorTilt", "12.5"), None, "tilted by 12.5 degrees"),
        (shear, None, "straight behind each other"),
        (lose("RescaleSlope", "RescaleIntercept"), None, "rescale slope and intercept"),
        (lose("ImagePositionPatient"), [2], "where its slices lie"),
        (set_to("ImagePositionPatient", [9.4, -23.2, -290.0]), [3], "slices at places where there is another one"),
        (set_to("ImageOrientationPatient", [1, 0, 0, 0, 0, 1]), [0], "different directions"),
        (set_to("PixelSpacing", [0.7, 0.7]), [0], "different sizes"),
    ],
)
def test_what_is_wrong_with_a_series_is_said(series, change, only, sentence):
    changed(series, change, only)
    with pytest.raises(FileFormatError, match=sentence):
        read_dicom_ct(series)


def test_missing_slices_are_found(series):
    sorted(series.iterdir())[3].unlink()
    with pytest.raises(FileFormatError, match=r"lacks slices.*-290.0 mm is followed by -280.0 mm.*5 mm apart"):
        read_dicom_ct(series)


def test_too_few_slices_a_damaged_file_and_no_dicom_at_all_are_told(series, tmp_path):
    files = sorted(series.iterdir())
    files[0].write_bytes(files[0].read_bytes()[:600])
    for path in files[3:]:
        path.unlink()
    with pytest.raises(FileFormatError, match=r"only 2 slices|damaged DICOM"):
        read_dicom_ct(series)
    shutil.rmtree(series)
    (tmp_path / "dicom").mkdir()
    (tmp_path / "dicom" / "notes.txt").write_text("no picture", "utf-8")
    with pytest.raises(FileFormatError, match="holds no DICOM images"):
        read_dicom_ct(tmp_path / "dicom")
    with pytest.raises(FileFormatError, match="does not exist"):
        read_dicom_ct(tmp_path / "nowhere")


def test_a_real_series_is_read_whole(shared_data):
    """TCIA Colorectal-Liver-Metastases, CC BY 4.0, as ../shared/data/README.md describes it."""
    folder = shared_data / "crlm-ct"
    if not folder.is_dir():
        pytest.skip(f"the real CT is not there ({folder})")
    (summary,) = list_series(folder)
    found = read_dicom_ct(folder)
    assert summary.modality == "CT" and found.volume.dimensions == (512, 512, 51)
    assert found.volume.spacing_mm == pytest.approx((0.8, 0.8, 5.0), abs=0.01)
    # Air and bone in Hounsfield units (outside of the scanner's circle stands -3024), and the patient's back behind.
    assert found.volume.voxels.min() == -3024 and found.volume.voxels.max() > 300
    assert ((found.volume.voxels > -1100) & (found.volume.voxels < -900)).mean() > 0.1
    assert found.volume.ijk_to_ras[1, 1] < 0 < found.volume.ijk_to_ras[2, 2]
