"""The campaign for a graphics card: what it leaves behind, whatever its parts do. Its own parts run in .ci/run."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

GPU = Path(__file__).resolve().parents[1] / "GPU"
BARE = ("vtk", "vtkmodules", "slicer", "SimpleITK", "pandas", "nibabel", "blosc2", "skimage", "tifffile", "tqdm")
MODULES = {
    "works": "def run(record, argument):\n    record.figure('answer', 42)\n    record.check('it holds', True)\n",
    "fails": "def run(record, argument):\n    record.figure('before', 1)\n    raise RuntimeError('it fell out')\n",
    "hangs": "import time\ndef run(record, argument):\n    record.figure('begun', True)\n    time.sleep(600)\n",
    "keeps": "def run(record, argument):\n    made = record.work / 'made'\n"
    "    record.check('made here', not made.exists())\n    made.write_text('')\n",
    "differs": "def run(record, argument):\n    record.check('the same', 2 > 3, difference=1)\n",
}


@pytest.fixture
def campaign(tmp_path, monkeypatch):
    """run(names, *options) with small parts; returns (exit code, campaign.json, campaign.log)."""
    modules = tmp_path / "modules"
    modules.mkdir()
    for name, text in MODULES.items():
        (modules / f"campaign_part_{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(modules))
    monkeypatch.syspath_prepend(str(GPU))
    import campaign as program
    from parts import Part

    monkeypatch.setattr(program, "LEAST_S", 0.5)

    def run(names, *options, minutes=1.0, work=("--work", str(tmp_path / "work"))):
        # The last one may have nearly all of the time.
        weights = [0.001] * (len(names) - 1) + [1.0]
        parts = [Part(name, f"campaign_part_{name}", "", weight, 8.0) for name, weight in zip(names, weights)]
        output = tmp_path / "output"
        code = program.main(
            ["--output", str(output), *work, "--device", "cpu", "--minutes", str(minutes), *options],
            parts,
        )  # fmt: skip
        return code, json.loads((output / "campaign.json").read_text()), (output / "campaign.log").read_text()

    yield run
    for name in ("campaign", "parts", "machine_facts", "inert_modules"):
        sys.modules.pop(name, None)


def test_a_part_that_fails_or_hangs_leaves_what_it_found_and_the_next_one_begins(campaign):
    code, report, log = campaign(["fails", "hangs", "works"])
    assert code == 1
    parts = report["parts"]
    assert parts["fails"]["status"] == "failed (exit code 1)" and parts["fails"]["figures"]["before"]
    assert "RuntimeError: it fell out" in log
    assert parts["hangs"]["status"] == "stopped at its limit" and parts["hangs"]["figures"]["begun"]
    assert parts["works"]["status"] == "done" and parts["works"]["figures"]["answer"] == 42
    assert report["machine"]["versions"]["torch"] and report["machine"]["processors"] >= 1


def test_a_check_that_does_not_hold_is_told_and_done_again(campaign, capsys):
    code, report, _ = campaign(["differs", "works"])
    assert code == 1 and report["parts"]["differs"]["checks"]["the same"] == {"holds": False, "difference": 1}
    assert "DOES NOT HOLD: the same" in capsys.readouterr().out
    code, report, _ = campaign(["differs", "works"], "--resume")
    told = capsys.readouterr().out
    assert "differs: at most" in told and "works: at most" not in told and report["parts"]["works"]["status"] == "done"


def test_what_an_earlier_campaign_made_is_used_only_where_it_goes_on(campaign, tmp_path, monkeypatch):
    """Else a network or a study of an earlier code would be measured as this one's."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert [campaign(["keeps"], work=())[0] for _ in range(2)] == [0, 0]
    assert campaign(["keeps"], "--resume", work=())[1]["parts"]["keeps"]["checks"]["made here"]["holds"]
    assert campaign(["keeps"])[0] == 0
    with pytest.raises(SystemExit, match="work is not empty; --resume goes on in it"):
        campaign(["keeps"])
    (tmp_path / "output" / "campaign.json").unlink()
    assert campaign(["keeps"], "--resume")[0] == 1


def test_an_untrained_network_of_landmarks_is_there_again_where_a_part_goes_on(tmp_path, monkeypatch):
    pytest.importorskip("monai")
    monkeypatch.syspath_prepend(str(GPU))
    import models

    first, again = (models.landmark_network(tmp_path).read_weights()[0] for _ in range(2))
    assert all((again[name] == value).all() for name, value in first.items())


def test_without_time_nothing_begins(campaign):
    code, report, _ = campaign(["works"], minutes=0.001)
    assert code == 1 and report["parts"]["works"]["status"] == "no time was left"


def test_an_unknown_part_is_refused_by_name(campaign):
    with pytest.raises(SystemExit, match="no part 'slow': works"):
        campaign(["works"], "--only", "slow")


@pytest.mark.parametrize("name", sorted(set(BARE[4:]) - {"blosc2", "pandas"}))
def test_a_stand_in_can_be_imported_and_says_what_it_is_when_it_is_called(name, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(GPU))
    from inert_modules import write_stand_ins

    assert name in write_stand_ins(tmp_path / "stand-ins", BARE)
    code = textwrap.dedent(f"""
        import {name}, {name}.some.part as part
        from {name}.other import Thing
        assert not isinstance(3, Thing.Inner) and not isinstance(3, {name}.Unknown)
        try:
            part.resize(1)
        except RuntimeError as error:
            assert "not installed" in str(error)
        else:
            raise SystemExit("it did something")
    """)
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": str(tmp_path / "stand-ins")}
    )


def test_those_for_simpleitk_blosc2_and_pandas_do_what_is_needed_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(GPU))
    from inert_modules import write_stand_ins

    write_stand_ins(tmp_path / "stand-ins", BARE)
    code = textwrap.dedent("""
        import blosc2, numpy as np, pandas, SimpleITK
        assert pandas.unique(np.array([3, 1, 3, 2])).tolist() == [3, 1, 2]
        image = SimpleITK.GetImageFromArray(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
        image.SetSpacing([0.5, 0.6, 0.7]), image.SetOrigin([1, 2, 3]), image.SetMetaData("frame", "Reference")
        SimpleITK.WriteImage(image, "image.nrrd", useCompression=True)
        read = SimpleITK.ReadImage("image.nrrd")
        assert (SimpleITK.GetArrayFromImage(read) == np.arange(24).reshape(2, 3, 4)).all()
        assert read.GetSize() == (4, 3, 2) and read.GetSpacing() == (0.5, 0.6, 0.7) and read.GetOrigin() == (1, 2, 3)
        assert read.GetMetaData("frame") == "Reference" and read.GetDirection()[:4] == (1, 0, 0, 0)
        plane = SimpleITK.GetImageFromArray(np.arange(6).reshape(2, 3))
        plane.SetSpacing([0.5, 0.6])
        joined = SimpleITK.JoinSeries([plane])
        assert joined.GetSize() == (3, 2, 1) and joined.GetSpacing() == (0.5, 0.6, 1.0) and joined.GetDimension() == 3
        array = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
        blosc2.asarray(array, urlpath="case.b2nd", chunks=(1, 2, 3), cparams={"codec": blosc2.Codec.LZ4HC})
        again = blosc2.open(urlpath="case.b2nd", mode="r", dparams={"nthreads": 1}, mmap_mode="r")
        again[:, 1:][...] = 0  # a copy of its own
        assert (again[:, 1:] == array[:, 1:]).all() and not isinstance(again, blosc2.ndarray.NDArray)
        try:
            SimpleITK.Resample(read)
        except RuntimeError as error:
            assert "SimpleITK.Resample" in str(error)
        else:
            raise SystemExit("it did something")
    """)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "stand-ins")}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=tmp_path)


def test_a_trained_model_is_carried_in_small_files_and_is_itself_again(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.syspath_prepend(str(GPU))
    import checkpoint_files
    from CRLMSegmentationLib.inference.models.trained_model import load_model

    shipped = load_model()
    monkeypatch.setattr(checkpoint_files, "MOST_BYTES", 1_000_000)
    written = checkpoint_files.write_checkpoint(shipped.folder, tmp_path, "crop")
    assert len(written) > 2 and all(size < 1_100_000 for size in written.values())
    again = load_model(checkpoint_files.read_checkpoint([tmp_path / name for name in written], tmp_path / "model"))
    assert again.plans == shipped.plans and again.card.threshold == shipped.card.threshold
    (weights,), (expected,) = again.read_weights(), shipped.read_weights()
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name].half().float()) for name in expected)


def test_carried_pictures_are_a_data_set_of_landmarks_again(tmp_path, monkeypatch):
    """In 32 levels; the landmarks as they were. Without them a sentence says what makes them."""
    monkeypatch.syspath_prepend(str(GPU))
    import carried_pictures
    from CRLMSegmentationLib.study.cases.case_table import CaseRow, choose_cases
    from CRLMSegmentationLib.study.cases.labelled_image import LabelledImage
    from CRLMSegmentationLib.study.landmarks.batches import read_pictures
    from CRLMSegmentationLib.study.pipeline import Study
    from CRLMSegmentationLib.study.study_folder import StudyFolder
    from CRLMSegmentationLib.study.tasks.landmarks import TASK
    from CRLMSegmentationLib.values import Volume

    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (2, 6, 8, 3), dtype=np.uint8)
    labels = random.integers(0, 8, (2, 6, 8), dtype=np.uint8)
    rows = [CaseRow(f"case{n}", f"patient{n}", split, volume="x", mask="y")
            for n, split in enumerate(("training", "validation"))]  # fmt: skip

    def images(reader, recipe):
        number = rows.index(reader.row)
        planes = tuple(Volume(plane[None], np.eye(4)) for plane in np.moveaxis(pictures[number], -1, 0))
        yield LabelledImage("", planes, Volume(labels[number][None], np.eye(4)))

    monkeypatch.setattr(carried_pictures, "simulate_pictures", lambda *options: rows)
    monkeypatch.setattr(carried_pictures, "landmark_images", images)
    carried_pictures.pack(tmp_path / "pictures.npz", carried_pictures.QUICK_PICTURES)
    study = Study(StudyFolder(tmp_path / "study"), {})
    with pytest.raises(FileNotFoundError, match="make gpu-pictures"):
        carried_pictures.unpack(tmp_path / "none.npz", study)
    again = carried_pictures.unpack(tmp_path / "pictures.npz", study)
    assert [row.case for row in choose_cases(again)[0]] == ["case0", "case1"]
    read = read_pictures(TASK.raw_dataset(study.folder.nnunet.raw), ["case0", "case1"])
    assert np.array_equal(read.label_maps, labels)
    assert np.abs(read.pictures.astype(int) - pictures).max() == 4


def test_every_training_of_the_campaign_is_a_recipe_that_there_is(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.syspath_prepend(str(GPU))
    from carried_pictures import PICTURES
    from CRLMSegmentationLib.study.cases import ct_population, population
    from CRLMSegmentationLib.study.landmarks.population import SHIPPED
    from parts import PARTS
    from train import CTS, ULTRASOUND, _recipe

    recipes = {part.argument: _recipe(*part.argument.split("/"), False) for part in PARTS if part.module == "train"}
    assert recipes["crop/paper/default"].name == "paper" and recipes["crop/recommended/residual"].residual_encoder
    assert recipes["crop/recommended/default"].base_features is None
    assert recipes["lvt/recommended/default"].spacing_mm == 1.0 and "frames/recommended/default" in recipes
    assert recipes["landmarks/recommended/default"].network == "unet-resnet34"
    tests = {*population.TEST_SEEDS, *population.SECOND_TEST_SEEDS}
    assert not tests & {*ULTRASOUND.training, *ULTRASOUND.hyperechoic, *ULTRASOUND.validation}
    assert not {*ct_population.SHIPPED.test} & {*CTS.training, *CTS.validation}
    assert not {*SHIPPED.test} & {*PICTURES.training, *PICTURES.validation} and not PICTURES.test
