"""The campaign for a graphics card: what it leaves behind, whatever its parts do; and a part of it on the processor."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

GPU = Path(__file__).resolve().parents[1] / "GPU"
BARE = ("vtk", "vtkmodules", "slicer", "SimpleITK", "pandas", "nibabel", "blosc2", "skimage", "tifffile", "tqdm")
MODULES = {
    "works": "def run(record, argument):\n    record.figure('answer', 42)\n    record.check('it holds', True)\n",
    "fails": "def run(record, argument):\n    record.figure('before', 1)\n    raise RuntimeError('it fell out')\n",
    "hangs": "import time\ndef run(record, argument):\n    record.figure('begun', True)\n    time.sleep(600)\n",
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

    def run(names, *options, minutes=1.0):
        # The last one may have nearly all of the time.
        weights = [0.001] * (len(names) - 1) + [1.0]
        parts = [Part(name, f"campaign_part_{name}", "", weight, 8.0) for name, weight in zip(names, weights)]
        output = tmp_path / "output"
        code = program.main(
            ["--output", str(output), "--work", str(tmp_path / "work"), "--device", "cpu", "--minutes", str(minutes),
             *options],
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
        array = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
        blosc2.asarray(array, urlpath="case.b2nd", chunks=(1, 2, 3), cparams={"codec": blosc2.Codec.LZ4HC})
        again = blosc2.open(urlpath="case.b2nd", mode="r", dparams={"nthreads": 1}, mmap_mode="r")
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


def test_the_quick_campaign_runs_on_the_processor_of_a_bare_machine(tmp_path):
    """Every voxel of torch's insertion, in a process that has neither VTK, Slicer, SimpleITK nor pandas."""
    pytest.importorskip("torch")
    environment = {**os.environ, "PYTHONPATH": ""}
    command = [sys.executable, str(GPU / "campaign.py"), "--device", "cpu", "--quick", "--minutes", "25"]
    ended = subprocess.run(
        [*command, "--output", str(tmp_path / "output"), "--work", str(tmp_path / "work"), "--only",
         "correct-reconstruction", "--without", *BARE],
        env=environment, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    report = json.loads((tmp_path / "output" / "campaign.json").read_text())
    checks = report["parts"]["correct-reconstruction"]["checks"]
    assert len(checks) >= 9 and all(one["holds"] for one in checks.values())
    assert set(BARE[3:]) <= set(report["machine"]["stand-ins for"])


def test_every_training_of_the_campaign_is_a_recipe_that_there_is(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.syspath_prepend(str(GPU))
    from CRLMSegmentationLib.study.cases import ct_population, population
    from parts import PARTS
    from train import CTS, ULTRASOUND, _recipe

    recipes = {part.argument: _recipe(*part.argument.split("/"), False) for part in PARTS if part.module == "train"}
    assert recipes["crop/paper/default"].name == "paper" and recipes["crop/recommended/residual"].residual_encoder
    assert recipes["crop/recommended/default"].base_features is None
    assert recipes["lvt/recommended/default"].spacing_mm == 1.0 and "frames/recommended/default" in recipes
    tests = {*population.TEST_SEEDS, *population.SECOND_TEST_SEEDS}
    assert not tests & {*ULTRASOUND.training, *ULTRASOUND.hyperechoic, *ULTRASOUND.validation}
    assert not {*ct_population.SHIPPED.test} & {*CTS.training, *CTS.validation}
