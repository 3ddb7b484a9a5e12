"""What a study needs to know of recordings, and what it reports before it works for hours."""

from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.commands import study as command
from CRLMSegmentationLib.errors import ConfigurationError, TransformError
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.study.cases import population
from CRLMSegmentationLib.study.cases.build import build
from CRLMSegmentationLib.study.cases.case_files import load_case, sweep_of
from CRLMSegmentationLib.study.cases.case_table import CaseRow, read_case_table
from CRLMSegmentationLib.study.cases.population import SHIPPED, Population, expected_work
from CRLMSegmentationLib.study.study_folder import StudyFolder
from CRLMSegmentationLib.study.tasks import TASKS, PlannedTask
from CRLMSegmentationLib.study.workers import duration, for_each
from CRLMSegmentationLib.values import Volume

WIDTH, HEIGHT, FRAMES = 24, 20, 10


@pytest.fixture
def plus_case(tmp_path):
    """A recording as PLUS writes it, without ImageToProbe; the configuration that holds it; and a mask: folder."""
    lines = [
        "ObjectType = Image", "NDims = 3", "BinaryData = True", "BinaryDataByteOrderMSB = False",
        "CompressedData = False", f"DimSize = {WIDTH} {HEIGHT} {FRAMES}", "ElementType = MET_UCHAR",
        "UltrasoundImageOrientation = MF",
    ]  # fmt: skip
    for number in range(FRAMES):
        name = f"Seq_Frame{number:04d}_"
        lines += [
            f"{name}ProbeToReferenceTransform = 1 0 0 0 0 1 0 0 0 0 1 {0.5 * number} 0 0 0 1",
            f"{name}ProbeToReferenceTransformStatus = OK", f"{name}Timestamp = {100 + number / 10:.3f}",
        ]  # fmt: skip
    pixels = np.random.default_rng(0).integers(1, 255, (FRAMES, HEIGHT, WIDTH)).astype(np.uint8).tobytes()
    head = "\n".join([*lines, "ElementDataFile = LOCAL"]) + "\n"
    (tmp_path / "sweep.igs.mha").write_bytes(head.encode() + pixels)
    (tmp_path / "plus.xml").write_text(
        '<PlusConfiguration version="2.9"><CoordinateDefinitions><Transform From="Image" To="Probe" '
        'Matrix="0.5 0 0 -3 0 0.5 0 0 0 0 0.5 0 0 0 0 1"/></CoordinateDefinitions></PlusConfiguration>'
    )
    mask = np.zeros((FRAMES, HEIGHT, WIDTH), np.uint8)
    mask[3:6, 8:12, 8:12] = 1
    matrix = np.diag([0.5, 0.5, 0.5, 1.0])
    matrix[0, 3] = -3
    write_volume(Volume(mask, matrix), tmp_path / "mask.nrrd")
    return tmp_path


def test_a_recording_of_plus_has_its_calibration_in_the_table(plus_case):
    table = plus_case / "cases.csv"
    table.write_text("case,patient,split,sweep,mask,calibration\none,p,test,sweep.igs.mha,mask.nrrd,plus.xml\n")
    (row,) = read_case_table(table)
    assert row.calibration == str(plus_case / "plus.xml") and row.calibration in row.files
    assert sweep_of(row).frames[4].image_to_reference[:3, 3] == pytest.approx((-3, 0, 2))
    case = load_case(row)
    assert case.tumor.voxels.sum() == 48 and case.volume.seen is not None


def test_without_it_the_reason_names_the_column_and_the_file_that_holds_all_reasons_is_there(plus_case):
    rows = [
        CaseRow(split, split, split, sweep=str(plus_case / "sweep.igs.mha"), mask=str(plus_case / "mask.nrrd"))
        for split in ("training", "validation")
    ]
    with pytest.raises(TransformError, match=r"ImageToReference cannot be found.*column 'calibration'"):
        load_case(rows[0])
    with pytest.raises(ConfigurationError, match=r"No training case.*left_out.csv.*The first: training: .*calibration"):
        build(rows, plus_case / "raw", [PlannedTask(TASKS["crop"], TASKS["crop"].recipes.named("paper"))])
    assert (plus_case / "raw" / "left_out.csv").read_text(encoding="utf-8").count("column 'calibration'") == 2


def test_a_calibration_without_a_sweep_is_refused(plus_case):
    table = plus_case / "cases.csv"
    table.write_text("case,patient,split,volume,mask,calibration\none,p,test,mask.nrrd,mask.nrrd,plus.xml\n")
    with pytest.raises(ConfigurationError, match="line 2: a calibration belongs to a sweep"):
        read_case_table(table)


def test_the_work_that_is_left_is_known_before_it_begins(tmp_path):
    folder = StudyFolder(tmp_path)
    cases, missing, seconds = expected_work(folder, SHIPPED)
    assert cases == missing == 80 + 24 + 36 + 10 + 20 + 5 and 300 < seconds < 7200
    assert expected_work(folder, SHIPPED, workers=4)[2] == pytest.approx(seconds / 4)
    for seed in (1000, 1001):
        (folder.cases / f"liver{seed}").mkdir(parents=True)
        (folder.cases / f"liver{seed}" / "parameters.json").write_text("{}")
    assert expected_work(folder, SHIPPED)[1] == 173
    assert expected_work(folder, Population(frames=16))[2] < seconds / 3


@pytest.mark.parametrize("step, own_cases", [("run", True), ("simulate", False)])
def test_a_study_says_how_many_cases_it_simulates_and_how_long_before_it_does(
    tmp_path, monkeypatch, capsys, step, own_cases
):
    monkeypatch.setattr(population, "simulate_population", lambda *_: (_ for _ in ()).throw(ConfigurationError("stop")))
    arguments = SimpleNamespace(quick=False, workers=2, scheduler=None, step=step, task=None)
    with pytest.raises(ConfigurationError, match="stop"):
        command._simulate(arguments, StudyFolder(tmp_path), None)
    said = capsys.readouterr().out
    assert "175 cases are simulated, about" in said and "min with 2 processes" in said
    assert ("No TABLE was given" in said) == ("Training follows" in said) == own_cases


def test_how_long_the_others_will_take_is_reported_with_every_case():
    times, reported = iter([0.0, 100.0, 200.0, 300.0, 400.0]), []
    list(for_each(abs, range(4), 1, None, lambda _, text: reported.append(text), "Case", lambda: next(times)))
    assert reported == [
        "Case 1 of 4, about 5 min left", "Case 2 of 4, about 3 min left", "Case 3 of 4, about 2 min left",
        "Case 4 of 4",
    ]  # fmt: skip
    assert [duration(s) for s in (0.2, 45, 120, 5000, 9000)] == ["1 s", "45 s", "2 min", "83 min", "2.5 h"]
