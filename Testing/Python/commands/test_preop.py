"""`crlm preop`: from a DICOM folder to measures, follow-up, registration and exports; the network is a stand-in."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.files import read_surface, read_volume, write_volume
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.inference import predictor
from CRLMSegmentationLib.preoperative.image_registration import refinement
from CRLMSegmentationLib.preoperative.image_registration.register import Registration
from CRLMSegmentationLib.simulation.ct.dicom import write_dicom_series
from CRLMSegmentationLib.study.training.export import export_model
from CRLMSegmentationLib.values import Volume
from small_ct import ct_with, structures_by_brightness
from small_model import write_result

LABELS = {"background": 0, "liver": [1, 2, 3], "vessels": 2, "tumor": 3}


class ByBrightness:
    """In the place of LocalPredictor: liver from 0 HU on, vessels from 150, tumors from 0 to 80."""

    def __init__(self, model, device="auto", threads=None, runtime="torch"):
        self.model = model

    def predict(self, image, labels=None, progress=None, should_cancel=None):
        return structures_by_brightness(image, labels)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    """A model folder of the task, with random weights."""
    trained = write_result(
        tmp_path_factory.mktemp("trained") / "result", channels=("CT",), labels=LABELS, regions_class_order=[1, 2, 3]
    )
    card = {"name": "stand-in", "version": "1", "task": "lvt", "margin_mm": 0.0, "threshold": 0.5,
            "training": {"simulated": True, "data": "simulated CTs of livers only"}}  # fmt: skip
    folder = tmp_path_factory.mktemp("models") / "stand-in"
    export_model(trained, folder, card)
    return str(folder)


def crlm(capsys, *arguments) -> tuple[int, dict, str]:
    """Status, what --json printed, and all lines."""
    status = main(["preop", *map(str, arguments), "--json"])
    printed = capsys.readouterr()
    return status, json.loads(printed.out) if status == 0 else {}, printed.err


@pytest.fixture
def two_dates(tmp_path, model, monkeypatch, capsys) -> list[Path]:
    monkeypatch.setattr(predictor, "LocalPredictor", ByBrightness)
    folders = []
    for number, (diameter, date) in enumerate(((4, "20260105"), (7, "20260402"))):
        dicom = write_dicom_series(ct_with(diameter), tmp_path / f"dicom{number}", 3, "portal", date)
        folders.append(tmp_path / f"ct{number}")
        status, facts, lines = crlm(capsys, "segment", dicom, "-o", folders[-1], "--model", model)
        assert status == 0 and len(facts["lesions"]) == 1, lines
    return folders


def test_a_dicom_folder_becomes_masks_surfaces_and_measures(two_dates, capsys):
    folder = two_dates[0]
    facts = json.loads((folder / "measures.json").read_text(encoding="utf-8"))
    assert facts["date"] == "2026-01-05" and facts["model"]["name"] == "stand-in"
    assert facts["liver_ml"] == pytest.approx(60**3 / 1000) and facts["lesions"][0]["volume_ml"] == pytest.approx(1.728)
    assert "unproven" in facts["doubts"][0]
    liver = read_volume(folder / "liver.nrrd")
    place = liver.ras_to_ijk @ [*transform_points(ct_with(4).ijk_to_ras, (5, 5, 5)), 1]
    i, j, k = np.rint(place[:3]).astype(int)
    assert liver.frame == "CT" and liver.voxels[k, j, i] == 1
    status, again, _ = crlm(capsys, "measure", folder)
    assert status == 0 and again["liver_ml"] == facts["liver_ml"] and again["date"] == "2026-01-05"
    # Cut through its middle: the left half stays, 10 of 20 columns of voxels, without the tumor on the left.
    status, cut, lines = crlm(capsys, "measure", folder, "--plane", 4, 0, 0, -1, 0, 0)
    liver, tumor = 20**3 * 0.027, 4**3 * 0.027
    assert status == 0 and cut["remnant"]["remnant_ml"] == pytest.approx(liver / 2 - tumor)
    assert cut["remnant"]["share"] == pytest.approx((liver / 2 - tumor) / (liver - tumor))
    assert "of the liver without tumors" in lines and cut["remnant"]["lesions_left"] == [1]
    assert cut["remnant"]["resected_ml"] == pytest.approx(liver / 2)
    through = ["--plane-through", 4, 0, 0, 4, 50, 0, 4, 0, 50, "--stays", -30, 0, 0]
    by_points = crlm(capsys, "measure", folder, *through)[1]["remnant"]
    assert by_points["remnant_ml"] == cut["remnant"]["remnant_ml"] and by_points["plane"]["normal"] == [-1, 0, 0]
    assert crlm(capsys, "measure", folder, *through[:10])[2].count("--plane-through needs --stays") == 1
    assert crlm(capsys, "measure", folder, "--plane", 4, 0, 0, -1, 0, 0)[0] == 0
    # Measured again, the plane is still there.
    assert crlm(capsys, "measure", folder)[1]["remnant"] == cut["remnant"]


def test_lesions_are_followed_over_dates(two_dates, capsys):
    status, facts, lines = crlm(capsys, "follow-up", *two_dates)
    assert status == 0 and facts["dates"] == ["2026-01-05", "2026-04-02"]
    (track,) = facts["tracks"]
    assert track["lesions"] == [1, 1] and facts["responses"] == ["baseline", "progressive disease"]
    assert "progressive disease" in lines and "target" in lines


def moved_by(shift: np.ndarray) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, 3] = shift
    return matrix


def test_a_ct_is_registered_with_the_error_at_its_tumor(two_dates, tmp_path, capsys, monkeypatch):
    volume = Volume(np.zeros((10, 10, 10), np.uint8), np.diag([8.0, 8.0, 8.0, 1.0]))
    write_volume(volume, tmp_path / "volume.nrrd")
    ct = np.array([[-30.0, -40, 110], [20, -40, 110], [-30, 20, 110], [0, 0, 160]])
    shift = np.array([35.0, 45, -100])
    head = "name,ct_r,ct_a,ct_s,reference_r,reference_a,reference_s\n"
    (tmp_path / "l.csv").write_text(
        head + "".join(f"p{n},{','.join(map(str, [*row, *(row + shift)]))}\n" for n, row in enumerate(ct)), "utf-8"
    )
    target = tmp_path / "ct.tfm"
    status, facts, lines = crlm(capsys, "register", two_dates[0], tmp_path / "volume.nrrd", "--landmarks",
                                tmp_path / "l.csv", "-o", target)  # fmt: skip
    assert status == 0 and target.is_file() and facts["error_mm"] < 1e-6, lines
    assert np.allclose(np.array(facts["ct_to_reference"])[:3, 3], shift) and facts["made_at"]
    # Where the vessels cannot be seen it stays as it is.
    status, again, lines = crlm(capsys, "register", two_dates[0], tmp_path / "volume.nrrd", "--landmarks",
                                tmp_path / "l.csv", "--vessels", "-o", target, "--force")  # fmt: skip
    assert status == 0 and "registered by landmarks alone" in lines and again["vessels"] is None
    assert again["ct_to_reference"] == facts["ct_to_reference"]
    # Nor is there anything in a black volume that the images could be laid over.
    by_landmarks = ["register", two_dates[0], tmp_path / "volume.nrrd", "--landmarks", tmp_path / "l.csv"]
    by_images = [*by_landmarks, "-o", target, "--force", "--images"]
    status, again, lines = crlm(capsys, *by_images, tmp_path / "dicom0")
    assert status == 0 and "registered by landmarks alone" in lines and again["images"] is None
    laid = Registration(np.linalg.inv(moved_by(shift + [3.0, 0, 0])), 0.4, 0.05, 0.5, (), 0.3)
    monkeypatch.setattr(refinement, "register", lambda *arguments, **options: laid)
    status, again, lines = crlm(capsys, *by_images, tmp_path / "dicom0")
    assert status == 0 and "the place is not sure" in lines and again["images"] is None
    laid = replace(laid, peak=0.2)
    status, again, lines = crlm(capsys, *by_images, tmp_path / "dicom0")
    assert status == 0 and "images moved it by 3.0 mm" in lines and again["vessels"] is None
    assert again["images"] == {"fit": 0.4, "fit_before": 0.3, "moved_mm": pytest.approx(3.0)}
    assert np.allclose(np.array(again["ct_to_reference"])[:3, 3], shift + [3.0, 0, 0])
    status, _, lines = crlm(capsys, *by_images, tmp_path / "volume.nrrd")
    assert status == 1 and "does not lie on the voxels of the masks" in lines
    # Landmarks of another operation.
    (tmp_path / "far.csv").write_text(
        head + "".join(f"p{n},{','.join(map(str, [*row, *(row + 900)]))}\n" for n, row in enumerate(ct)), "utf-8"
    )
    status, _, lines = crlm(capsys, "register", two_dates[0], tmp_path / "volume.nrrd", "--landmarks",
                            tmp_path / "far.csv", "-o", tmp_path / "far.tfm")  # fmt: skip
    assert status == 1 and "mm away from all that" in lines and not (tmp_path / "far.tfm").exists()


def test_other_programs_get_surfaces_a_label_map_and_a_table(two_dates, tmp_path, capsys):
    out = tmp_path / "exported"
    status, facts, _ = crlm(capsys, "export", two_dates[0], "-o", out, "--stl", "--nrrd", "--csv", "--report")
    assert status == 0 and len(facts["written"]) == 6
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Found by stand-in 1." in page and "15.0 mm" in page and "data:image/png" in page
    assert set(np.unique(read_volume(out / "structures.nrrd").voxels)) == {0, 1, 2, 3}
    assert read_surface(out / "tumor.stl").GetNumberOfPoints() > 10
    assert len((out / "lesions.csv").read_text(encoding="utf-8").splitlines()) == 2
    assert main(["preop", "export", str(two_dates[0]), "-o", str(out), "--csv"]) == 1
    assert "already there" in capsys.readouterr().err
    assert main(["preop", "export", str(two_dates[0]), "-o", str(out)]) == 1
    assert "Say what to export" in capsys.readouterr().err


def test_a_dicom_segmentation_lies_where_the_ct_does(two_dates, tmp_path, capsys):
    highdicom = pytest.importorskip("highdicom", reason="highdicom, an extra, is not installed")
    out = tmp_path / "exported"
    status, _, lines = crlm(capsys, "export", two_dates[0], "-o", out, "--dicom-seg", tmp_path / "dicom0")
    assert status == 0, lines
    written = highdicom.seg.segread(out / "structures.dcm")
    assert [one.SegmentLabel for one in written.SegmentSequence] == ["liver", "vessels", "tumor"]
    voxels = written.pixel_array.sum()
    masks = [read_volume(two_dates[0] / f"{name}.nrrd").voxels > 0 for name in ("liver", "vessels", "tumors")]
    assert voxels == sum(mask.sum() for mask in masks)
    # That of another date.
    status, _, lines = crlm(capsys, "export", two_dates[0], "-o", tmp_path / "x", "--dicom-seg", tmp_path / "ct0")
    assert status == 1 and "no DICOM images" in lines


def test_what_cannot_be_done_is_said_in_a_sentence(tmp_path, model, capsys, monkeypatch):
    write_volume(ct_with(4), tmp_path / "ct.nrrd")
    for arguments, sentence in (
        (["segment", tmp_path / "ct.nrrd", "-o", tmp_path / "a", "--model", model, "--date", "1.2.2026"], "YYYY-MM-DD"),
        (["segment", tmp_path / "ct.nrrd", "-o", tmp_path / "a", "--model", model, "--series", "2"], "is none"),
        (["segment", tmp_path / "notes.txt", "-o", tmp_path / "a", "--model", model], "neither a DICOM folder"),
        (["measure", tmp_path], "liver.nrrd does not exist"),
        (["follow-up", tmp_path], "liver.nrrd does not exist"),
    ):
        status, _, lines = crlm(capsys, *arguments)
        assert status == 1 and sentence in lines and not (tmp_path / "a").exists()
    monkeypatch.setenv("CRLM_MODELS", str(tmp_path / "no models"))
    from CRLMSegmentationLib.inference.models import catalogue

    monkeypatch.setattr(catalogue, "available_models", list)
    status, _, lines = crlm(capsys, "segment", tmp_path / "ct.nrrd", "-o", tmp_path / "a")
    assert status == 1 and "crlm study run --task lvt" in lines
