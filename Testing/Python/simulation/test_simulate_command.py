"""`crlm simulate --patient`: each flag makes its files, says so, and is refused where it has no meaning."""

import json
from functools import partial

import numpy as np
import pytest
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.files import read_volume
from CRLMSegmentationLib.simulation import patient_folder
from CRLMSegmentationLib.simulation.ct import CtSettings
from CRLMSegmentationLib.simulation.mr import MrSettings, acquire_mr
from CRLMSegmentationLib.simulation.ultrasound.patient_sweep import simulate_patient_sweep
from CRLMSegmentationLib.simulation.ultrasound.settings import ProbeSettings, SweepSettings
from CRLMSegmentationLib.sweep import read_sweep


@pytest.fixture
def small(monkeypatch, patient):
    """The smallest pictures that the settings allow, of a patient who is drawn already."""
    monkeypatch.setattr(patient_folder, "draw_patient", lambda seed: patient)
    monkeypatch.setattr("CRLMSegmentationLib.simulation.ct.CtSettings", partial(CtSettings, pixels=32))
    coarse = MrSettings(pixel_mm=6.0, thickness_mm=10.0)
    monkeypatch.setattr(patient_folder, "acquire_mr", partial(acquire_mr, settings=coarse))
    settings = dict(probe=ProbeSettings(lines=32, image_width_px=64, image_height_px=64), sweep=SweepSettings(frames=5))
    monkeypatch.setattr(patient_folder, "simulate_patient_sweep", partial(simulate_patient_sweep, **settings))


def simulate(capsys, folder, *words):
    status = main(["simulate", *map(str, words), "-o", str(folder), "--json"])
    captured = capsys.readouterr()
    assert status == 0, captured.err
    return json.loads(captured.out), captured.err


def test_a_later_date_with_everything(small, patient, capsys, tmp_path):
    every_flag = ["--date", 1, "--mr", "--phases", "portal", "--slice-mm", 5, "--sweep", "--camera", 1]
    facts, said = simulate(capsys, tmp_path, "--patient", 3, *every_flag)
    for name in ("labels.nrrd", "posture.nrrd", "ct/portal.nrrd", "ct/labels.nrrd", "mr.nrrd", "mr_labels.nrrd",
                 "mr_deformation.nrrd", "transforms.json", "parameters.json", "ct/portal/0001.dcm",
                 "landmarks.json", "tools/stylus_pivot.igs.mha", "tools/stylus_landmarks.igs.mha",
                 "tools/scope.igs.mha", "camera/depth_000.png", "tumors.nrrd", "operation/liver.vtp"):  # fmt: skip
        assert (tmp_path / name).stat().st_size > 0, name
    assert facts["views"] == 1 and "landmarks.json" in said
    assert len(read_sweep(tmp_path / "sweep.igs.mha")) == 5
    text = json.loads((tmp_path / "parameters.json").read_text(encoding="utf-8"))
    assert (facts["date"], facts["days"]) == (1, text["date"]["days"]) and f"{facts['days']} days" in said
    assert [one["identity"] for one in facts["lesions"]] == [one["identity"] for one in text["lesions"]]
    assert facts["vanished"] == [one["identity"] for one in text["vanished"]]
    transforms = json.loads((tmp_path / "transforms.json").read_text(encoding="utf-8"))
    assert {"FirstPatientToPatient", "PatientToMr", "PatientToReference", "ImageToProbe", "TrueImageToReference",
            "CameraToReference", "StylusTipToStylus", "CameraToScope"} <= set(transforms)  # fmt: skip
    # The CT of that date shows that date's liver: its labels agree with the labels of the patient.
    ct, whole = read_volume(tmp_path / "ct" / "labels.nrrd"), read_volume(tmp_path / "labels.nrrd")
    liver = text["labels"]["liver"]
    ras = np.argwhere(ct.voxels == liver)[:, ::-1] @ np.diag(ct.spacing_mm) + ct.origin_ras
    i, j, k = np.round((ras - whole.origin_ras) / whole.spacing_mm).astype(int).T
    assert (whole.voxels[k, j, i] == liver).mean() > 0.97


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["--seed", "1", "--mr"], "--mr makes an MR of a patient"),
        (["--seed", "1", "--date", "2"], "--date is a later date of a patient"),
        (["--seed", "1", "--sweep"], "--sweep is a sweep over a patient"),
        (["--seed", "1", "--camera", "2"], "--camera looks at a patient"),
        (["--patient", "1", "--date", "-1"], "The date is -1"),
        (["--patient", "1", "--date", "21"], "from 0, the first, to 20"),
        (["--patient", "1", "--camera", "1001"], "choose 0 to 1000"),
        (["--patient", "-1"], "0 or more"),
    ],
)
def test_what_has_no_meaning_is_refused_before_any_work(words, sentence, capsys, tmp_path):
    assert main(["simulate", *words, "-o", str(tmp_path / "p")]) == 1
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("flag, name", [
    (["--mr"], "mr.nrrd"), (["--sweep"], "landmarks.json"), (["--date", "1"], "posture.nrrd"),
    (["--sweep", "--camera", "1"], "tools/scope.igs.mha"),
])  # fmt: skip
def test_what_is_there_is_not_written_over(flag, name, capsys, tmp_path):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    assert main(["simulate", "--patient", "1", *flag, "-o", str(tmp_path)]) == 1
    assert "not overwritten" in capsys.readouterr().err and (tmp_path / name).read_text() == "mine"
