"""The worker process: the same answers as in this process, and it survives what happens in an operating room."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from CRLMSegmentationLib.errors import Cancelled, ModelError, SegmentationError
from CRLMSegmentationLib.inference.engine import WorkerPredictor
from CRLMSegmentationLib.inference.image import Image
from CRLMSegmentationLib.inference.models.import_model import import_model
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.inference.predictor import LocalPredictor
from CRLMSegmentationLib.inference.request_queue import Overtaken
from CRLMSegmentationLib.inference.reused_block import ReusedBlock
from CRLMSegmentationLib.inference.shared_block import PREFIX
from CRLMSegmentationLib.segmentation.segment import segment
from CRLMSegmentationLib.segmentation.segmenter import TumorSegmenter
from CRLMSegmentationLib.study.training.export import write_card
from CRLMSegmentationLib.values import Box, Volume
from small_model import RESULTS, write_result

LONGEST_S = 600
POSIX = pytest.mark.skipif(os.name == "nt", reason="kills processes by POSIX signals")


def shared_blocks() -> set[Path]:
    """Of this process or its workers."""
    folders = {Path("/dev/shm"), Path(tempfile.gettempdir())}
    return {path for folder in folders if folder.is_dir() for path in folder.glob(f"{PREFIX}{os.getpid()}-*")}


def is_running(process_id: int) -> bool:
    """A process that ended but that nobody has asked about yet does not count."""
    try:
        os.kill(process_id, 0)
        state = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


def wait_for(condition, longest_s: float = LONGEST_S) -> bool:
    until = time.monotonic() + longest_s
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return condition()


@pytest.fixture(scope="module")
def expected(exported_model, speckled_volume) -> np.ndarray:
    return (
        TumorSegmenter(LocalPredictor(load_model(exported_model), "cpu", threads=1)).probability(speckled_volume).voxels
    )


@pytest.fixture(scope="module")
def engine(exported_model):
    with WorkerPredictor(load_model(exported_model), "cpu", threads=1, runtime="torch") as engine:
        assert engine.status.state == "starting"
        yield engine
    assert not shared_blocks()


@pytest.fixture(scope="module")
def long_crop(speckled_volume) -> Volume:
    """Enough windows that something can happen in the middle of them."""
    voxels = np.tile(speckled_volume.voxels, (2, 2, 2))
    return Volume(voxels, speckled_volume.ijk_to_ras)


def test_the_answer_is_that_of_this_process_and_the_windows_are_reported(engine, speckled_volume, expected):
    reported = []
    probability = TumorSegmenter(engine).probability(
        speckled_volume, lambda fraction, text: reported.append((fraction, text))
    )
    assert np.array_equal(probability.voxels, expected)
    assert probability.has_geometry_of(speckled_volume)
    fractions = [fraction for fraction, _ in reported]
    assert fractions == sorted(fractions) and fractions[-1] == 1
    assert any("window" in text for _, text in reported)
    assert engine.status.state == "ready" and engine.status.device == "cpu" and "torch" in engine.status.runtime
    assert not shared_blocks()


def test_segment_runs_on_it_unchanged(engine, speckled_volume):
    result = segment(speckled_volume, Box.around_volume(speckled_volume), TumorSegmenter(engine))
    assert result.found and result.mask.has_geometry_of(speckled_volume)


def test_twenty_cancels_in_a_row(engine, long_crop, speckled_volume, expected):
    process_id = engine.process_id
    for number in range(20):
        windows = []

        def progress(_, text):
            windows.append("window" in text)

        with pytest.raises(Cancelled):
            TumorSegmenter(engine).probability(long_crop, progress, should_cancel=lambda: sum(windows) >= number % 4)
    assert np.array_equal(TumorSegmenter(engine).probability(speckled_volume).voxels, expected)
    assert engine.process_id == process_id
    assert not shared_blocks()


def test_a_box_changed_while_running_gets_its_own_answer(engine, speckled_volume, long_crop, expected):
    begun, stop, outcome = threading.Event(), threading.Event(), []

    def old_box():
        try:
            outcome.append(TumorSegmenter(engine).probability(long_crop, lambda *_: begun.set(), stop.is_set))
        except Cancelled as error:
            outcome.append(error)

    thread = threading.Thread(target=old_box)
    thread.start()
    assert begun.wait(LONGEST_S)
    stop.set()
    new = TumorSegmenter(engine).probability(speckled_volume)
    thread.join(LONGEST_S)
    assert isinstance(outcome[0], Cancelled)
    assert np.array_equal(new.voxels, expected)


def test_two_threads_wait_for_each_other_and_both_get_their_own(engine, speckled_volume, expected):
    other = speckled_volume.with_voxels(speckled_volume.voxels[::-1].copy())
    answers = {}
    threads = [
        threading.Thread(
            target=lambda name=name, volume=volume: answers.update({name: TumorSegmenter(engine).probability(volume)})
        )
        for name, volume in (("one", speckled_volume), ("other", other))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONGEST_S)
    assert np.array_equal(answers["one"].voxels, expected)
    assert not np.array_equal(answers["other"].voxels, expected)


@POSIX
def test_killed_in_mid_pass_it_says_so_and_the_next_call_works(engine, long_crop, speckled_volume, expected):
    engine.wait_until_ready(LONGEST_S)
    killed = engine.process_id

    def kill_at_first_window(_, text):
        if "window" in text and engine.process_id == killed:
            os.kill(killed, signal.SIGKILL)

    with pytest.raises(SegmentationError, match="killed from outside"):
        TumorSegmenter(engine).probability(long_crop, kill_at_first_window)
    assert np.array_equal(TumorSegmenter(engine).probability(speckled_volume).voxels, expected)
    assert engine.process_id != killed and not is_running(killed)
    assert not shared_blocks()


@POSIX
def test_killed_between_ready_and_the_question_the_call_ends_with_the_reason(
    engine, speckled_volume, expected, monkeypatch
):
    """As the system kills it for its memory while the crop is being copied."""
    engine.wait_until_ready(LONGEST_S)
    killed, ended, put = engine.process_id, [], ReusedBlock.put

    def put_when_it_has_gone(*what):
        os.kill(killed, signal.SIGKILL)
        assert wait_for(lambda: engine.process_id not in (None, killed))
        return put(*what)

    def ask():
        try:
            ended.append(TumorSegmenter(engine).probability(speckled_volume))
        except SegmentationError as error:
            ended.append(str(error))

    monkeypatch.setattr(ReusedBlock, "put", put_when_it_has_gone)
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(LONGEST_S)
    monkeypatch.undo()
    assert ended and "killed from outside" in ended[0] and "segment again" in ended[0]
    assert np.array_equal(TumorSegmenter(engine).probability(speckled_volume).voxels, expected)


@POSIX
def test_killed_while_idle_or_starting_it_comes_back_by_itself(engine, speckled_volume, expected):
    engine.wait_until_ready(LONGEST_S)
    first = engine.process_id
    os.kill(first, signal.SIGKILL)
    assert wait_for(lambda: engine.process_id not in (None, first))
    assert "killed from outside" in engine.status.message
    os.kill(engine.process_id, signal.SIGKILL)
    assert wait_for(lambda: engine.status.state == "ready")
    assert np.array_equal(TumorSegmenter(engine).probability(speckled_volume).voxels, expected)


@POSIX
def test_a_process_that_hangs_after_a_cancel_is_replaced(engine, long_crop, speckled_volume, expected, monkeypatch):
    engine.wait_until_ready(LONGEST_S)
    clocks = []

    class Clock(threading.Timer):
        """Runs out when the test says so."""

        def start(self):
            clocks.append(self)

    monkeypatch.setattr("CRLMSegmentationLib.inference.worker_link.threading.Timer", Clock)
    stopped = engine.process_id
    os.kill(stopped, signal.SIGSTOP)  # before it is asked, or it might have released the crop already
    with pytest.raises(Cancelled):
        TumorSegmenter(engine).probability(long_crop, should_cancel=lambda: True)
    assert engine.status.state == "running" and engine.process_id == stopped
    (clock,) = clocks
    assert 5 <= clock.interval <= 30
    clock.function(*clock.args)
    assert np.array_equal(TumorSegmenter(engine).probability(speckled_volume).voxels, expected)
    assert engine.process_id != stopped and not is_running(stopped)


def test_voxels_that_are_not_numbers_are_refused_and_the_process_goes_on(engine, speckled_volume):
    voxels = speckled_volume.voxels.astype(np.float32)
    voxels[1, 2, 3] = np.nan
    engine.wait_until_ready(LONGEST_S)
    process_id = engine.process_id
    with pytest.raises(SegmentationError, match="not finite"):
        TumorSegmenter(engine).probability(speckled_volume.with_voxels(voxels))
    assert engine.process_id == process_id


@pytest.mark.parametrize("case", ["zeros", "constant", "one voxel", "coarse", "box of one voxel", "box too large"])
def test_odd_volumes_and_boxes_end_in_a_result(engine, speckled_volume, case):
    volume = speckled_volume
    box = Box.around_volume(volume)
    if case == "zeros":
        volume = volume.with_voxels(np.zeros_like(volume.voxels))
    elif case == "constant":
        volume = volume.with_voxels(np.full_like(volume.voxels, 77))
    elif case == "one voxel":
        volume = Volume(np.full((1, 1, 1), 9, np.uint8), np.eye(4))
        box = Box.around_volume(volume)
    elif case == "coarse":
        volume = Volume(volume.voxels[:3, :4, :5], np.diag([10.0, 10.0, 10.0, 1.0]))
        box = Box.around_volume(volume)
    elif case == "box of one voxel":
        box = Box(volume.center_ras, volume.spacing_mm * 0.9)
    else:
        box = Box(volume.center_ras, (900, 900, 900))
    result = segment(volume, box, TumorSegmenter(engine))
    assert result.mask.has_geometry_of(volume)
    assert np.isfinite(result.probability.voxels).all()
    assert result.found == bool(result.mask.voxels.any())
    if case == "box too large":
        assert any("outside the volume" in doubt for doubt in result.doubts)


def test_two_engines_at_once_and_nothing_left_of_the_one_that_closes(exported_model, engine, speckled_volume, expected):
    with WorkerPredictor(load_model(exported_model), "cpu", threads=1, runtime="torch") as second:
        answers = []
        thread = threading.Thread(target=lambda: answers.append(TumorSegmenter(second).probability(speckled_volume)))
        thread.start()
        assert np.array_equal(TumorSegmenter(engine).probability(speckled_volume).voxels, expected)
        thread.join(LONGEST_S)
        assert np.array_equal(answers[0].voxels, expected)
        process_id = second.process_id
    assert second.status.state == "off" and second.process_id is None
    if os.name != "nt":
        assert not is_running(process_id)
    with pytest.raises(SegmentationError, match="switched off"):
        TumorSegmenter(second).probability(speckled_volume)
    assert np.array_equal(TumorSegmenter(engine).probability(speckled_volume).voxels, expected)


def test_one_process_answers_for_two_models_and_for_live_frames(exported_model, tmp_path, speckled_volume, expected):
    frames = import_model(write_result(tmp_path / "result", **RESULTS["colour frames"]), "colour", tmp_path / "colour")
    pixels = np.random.default_rng(4).integers(1, 255, (40, 52, 3)).astype(np.uint8)
    image = Image.of_frame(pixels, (1.0, 1.0))
    models = {"crop": load_model(exported_model), "frames": frames}
    with WorkerPredictor(models, "cpu", threads=1, runtime="torch") as engine:
        futures = [engine.submit_frame(image, time_s, model="frames") for time_s in (0.1, 0.2, 0.3)]
        crop = TumorSegmenter(engine).probability(speckled_volume)
        last = futures[-1].result(LONGEST_S)
        process_id = engine.process_id
        if os.name != "nt":
            os.kill(process_id, signal.SIGKILL)
            assert wait_for(lambda: engine.process_id not in (None, process_id))
        again = engine.submit_frame(image, 0.4, model="frames").result(LONGEST_S)
    assert np.array_equal(crop.voxels, expected)
    alone = LocalPredictor(frames, "cpu", threads=1).predict(image)
    for answer, time_s in ((last, 0.3), (again, 0.4)):
        assert answer.identity == time_s and answer.labels == ("ridge", "ligament")
        assert np.array_equal(answer.probabilities, alone.probabilities)
    ended = [future.exception() for future in futures[:-1]]
    assert sum(isinstance(error, Overtaken) for error in ended) == engine.frames_overtaken == 2
    assert not shared_blocks()


def test_closing_in_mid_pass_ends_the_call_in_a_sentence(exported_model, long_crop):
    engine = WorkerPredictor(load_model(exported_model), "cpu", threads=1, runtime="torch")
    ended = []

    def run():
        try:
            TumorSegmenter(engine).probability(long_crop, lambda _, text: threading.Thread(target=engine.close).start())
        except SegmentationError as error:
            ended.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(LONGEST_S)
    assert ended and "segmentation" in ended[0].lower()
    engine.close()
    assert not shared_blocks()


def test_a_model_that_cannot_be_loaded_is_reported_with_its_reason(model_copy):
    import json

    import torch

    checkpoint = torch.load(model_copy / "fold_0" / "checkpoint_final.pth", weights_only=True)
    checkpoint["network_weights"].popitem()
    torch.save(checkpoint, model_copy / "fold_0" / "checkpoint_final.pth")
    write_card(model_copy, json.loads((model_copy / "model.json").read_text(encoding="utf-8")))
    with WorkerPredictor(load_model(model_copy), "cpu", threads=1) as engine:
        with pytest.raises(ModelError, match="do not fit its plans"):
            engine.wait_until_ready(LONGEST_S)
        assert engine.status.state == "failed" and "do not fit" in engine.status.message


@POSIX
def test_the_process_ends_with_its_parent_however_that_dies(exported_model):
    program = (
        "import sys, time\n"
        "from CRLMSegmentationLib.inference.engine import WorkerPredictor\n"
        "from CRLMSegmentationLib.inference.models.trained_model import load_model\n"
        "engine = WorkerPredictor(load_model(sys.argv[1]), 'cpu', threads=1, runtime='torch')\n"
        "while engine.process_id is None: time.sleep(0.01)\n"
        "print(engine.process_id, flush=True)\n"
        "engine.wait_until_ready(90)\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)\n"
    )
    library = str(Path(__file__).resolve().parents[3] / "CRLMSegmentation")
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(exported_model)],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": library},
    )
    try:
        worker = int(parent.stdout.readline())
        assert parent.stdout.readline().strip() == "ready"
        assert is_running(worker)
        parent.kill()
        parent.wait()
        assert wait_for(lambda: not is_running(worker))
    finally:
        parent.kill()
        parent.stdout.close()
