"""`crlm live` with a real network in its real worker process: a simulated sweep through a dark ball."""

import json
import threading

import numpy as np
import pytest
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.commands.live import frames as frame_runs
from CRLMSegmentationLib.files import read_box, read_volume, write_surface
from CRLMSegmentationLib.live.live_tumor import LiveTumor
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, write_sweep
from CRLMSegmentationLib.tracking import Replayer
from dark_model import write_dark_model
from vtkmodules.vtkFiltersSources import vtkSphereSource

SHAPE, PIXEL_MM, STEP_MM = (60, 80), 0.5, 1.5
CENTER, RADIUS_MM = np.array([20.0, 15.0, 12.0]), 7.0
FRAMES = 17
LONGEST_S = 600  # of what takes no second on an idle machine


def frame_at(number, pose=True):
    v, u = np.indices(SHAPE) * PIXEL_MM
    matrix = np.diag([PIXEL_MM, PIXEL_MM, 1.0, 1.0])
    matrix[2, 3] = number * STEP_MM
    away = np.linalg.norm(np.stack([u, v, np.full(SHAPE, number * STEP_MM)], axis=-1) - CENTER, axis=-1)
    pixels = np.where(away <= RADIUS_MM, 30, 140).astype(np.uint8)
    return TrackedFrame(pixels, matrix if pose else None, 100 + number / 20, valid=pose)


def ball(radius_mm, center=CENTER):
    source = vtkSphereSource()
    source.SetRadius(radius_mm)
    source.SetCenter(*center)
    source.SetPhiResolution(60)
    source.SetThetaResolution(60)
    source.Update()
    return source.GetOutput()


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    return write_sweep(Sweep([frame_at(number) for number in range(FRAMES)]), folder / "ball.igs.mha")


def crlm(capsys, *words):
    status = main([str(word) for word in words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def asked_of(sweep, folder, model, *more):
    return "live", sweep, "-o", folder, "--model", model, "--device", "cpu", "--runtime", "torch", "--threads", 1, *more


def test_every_frame_of_a_recording_is_outlined_and_gathered(sweep, dark_model, tmp_path, capsys):
    tumor = write_surface(ball(RADIUS_MM), tmp_path / "tumor.stl")
    folder = tmp_path / "found"
    words = asked_of(sweep, folder, dark_model, "--tumor", tumor, "--margin", 5, "--json")
    status, out, _ = crlm(capsys, *words)
    facts = json.loads(out)
    assert status == 0 and facts["frames"] == facts["outlined"] == FRAMES
    assert facts["dropped"] == facts["failed"] == 0 and facts["notes"] == [] and facts["moved"] == ""
    assert facts["p95_ms"] > 0 and facts["frames_per_s"] > 0

    outlines = json.loads((folder / "outlines.json").read_text(encoding="utf-8"))
    np.testing.assert_allclose([one["timestamp"] for one in outlines], 100 + np.arange(FRAMES) / 20)
    for number, one in enumerate(outlines):
        squared = RADIUS_MM**2 - (number * STEP_MM - CENTER[2]) ** 2
        assert len(one["polygons"]) == (squared > 0)
        assert one["area_mm2"] == pytest.approx(np.pi * max(squared, 0), rel=0.06, abs=2)
        if squared > 4:
            np.testing.assert_allclose(
                np.linalg.norm(np.array(one["polygons"][0]) - CENTER[:2] / PIXEL_MM, axis=1) * PIXEL_MM,
                np.sqrt(squared), atol=0.75 * PIXEL_MM,
            )  # fmt: skip
            assert one["tumor"]["dice"] > 0.94 and one["tumor"]["distance_mm"] < PIXEL_MM
            assert one["tumor"]["area_mm2"] == pytest.approx(np.pi * squared, rel=0.03)
    assert facts["with_tumor"] == sum(bool(one["polygons"]) for one in outlines) and facts["dice"] > 0.94

    evidence = read_volume(folder / "evidence.nrrd")
    assert evidence.seen is not None and evidence.voxels.max() > 0.9
    inside = (np.round((evidence.ras_to_ijk @ (*CENTER, 1))[:3])).astype(int)
    assert evidence.voxels[inside[2], inside[1], inside[0]] > 0.9
    box = read_box(folder / "box.mrk.json")
    np.testing.assert_allclose(box.center_ras, facts["box"]["center_ras"], atol=1e-3)
    np.testing.assert_allclose(box.center_ras, CENTER, atol=1.0)
    assert (box.size_mm >= 2 * (RADIUS_MM + 4)).all() and (box.size_mm <= 2 * (RADIUS_MM + 7)).all()

    # Once more into the same folder: refused, and nothing is lost.
    before = (folder / "outlines.json").read_bytes()
    status, _, error = crlm(capsys, *words)
    assert status == 1 and "--force" in error and (folder / "outlines.json").read_bytes() == before


def test_without_poses_there_are_outlines_and_no_volume(dark_model, tmp_path, capsys):
    sweep = write_sweep(Sweep([frame_at(number, pose=False) for number in (7, 8)]), tmp_path / "a.igs.mha")
    folder = tmp_path / "found"
    (folder).mkdir()
    (folder / "box.mrk.json").write_text("of an earlier run")
    status, out, _ = crlm(capsys, *asked_of(sweep, folder, dark_model, "--json", "--force"))
    facts = json.loads(out)
    assert status == 0 and facts["outlined"] == 2 and facts["box"] is None
    assert any("No frame has a valid pose" in note for note in facts["notes"])
    assert [len(one["polygons"]) for one in json.loads((folder / "outlines.json").read_text(encoding="utf-8"))] == [
        1,
        1,
    ]
    assert [path.name for path in folder.iterdir()] == ["outlines.json"]


def test_a_stream_is_outlined_until_the_server_closes(sweep, dark_model, tmp_path, capsys):
    frames = [frame_at(number) for number in range(FRAMES)]
    with Replayer(Sweep(frames), 0) as replayer:
        # The server closes once all was sent.
        ended = threading.Thread(target=lambda: (replayer.wait(LONGEST_S), replayer.stop()), daemon=True)
        ended.start()
        words = asked_of("--until-closed", tmp_path / "found", dark_model, "--host", "127.0.0.1", "--json")
        status, out, _ = crlm(capsys, *words, "--port", replayer.port)
        ended.join(LONGEST_S)
    facts = json.loads(out)
    assert status == 0 and facts["outlined"] >= 1
    assert facts["outlined"] + facts["dropped"] == facts["frames"] == FRAMES
    sent = {round(frame.timestamp, 3) for frame in frames}
    outlines = json.loads((tmp_path / "found" / "outlines.json").read_text(encoding="utf-8"))
    assert len(outlines) == facts["outlined"] and {round(one["timestamp"], 3) for one in outlines} <= sent


@pytest.fixture
def played(ready_worker):
    """(live, worker): the network is played by the test."""
    predictor, worker = ready_worker
    with LiveTumor(predictor) as live:
        yield live, worker


def test_in_its_own_time_a_recording_loses_the_frames_that_are_overtaken(played):
    live, worker = played
    now, slept, found = [0.0], [], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    frames = [frame_at(number) for number in range(5)]
    frame_runs.outline_in_its_time(
        frames, live, lambda: found.extend(live.take()), lambda share, text: None, lambda: now[0], sleep
    )
    assert sum(slept) == pytest.approx(4 / 20)
    worker.answers(worker.wait_for_requests(1), 0.9)
    worker.answers(worker.wait_for_requests(2), 0.9)
    assert live.outliner.wait(LONGEST_S)
    found += live.take()
    assert [one.outline.frame for one in found] == [frames[0], frames[4]] and live.status.dropped == 3
    assert [one.outline.received_s for one in found] == pytest.approx([0, 0.2])


def test_in_order_the_frame_of_a_worker_that_dies_is_missed_and_the_others_are_outlined(played, fake_workers):
    live, worker = played
    found = []
    frames = [frame_at(number) for number in range(3)]

    def play():
        worker.wait_for_requests(1)
        worker.dies("out of memory")
        second = fake_workers.wait_for(2)
        second.is_ready()
        for number in (1, 2):
            second.answers(second.wait_for_requests(number), 0.9)

    player = threading.Thread(target=play, daemon=True)
    player.start()
    frame_runs.outline_in_order(frames, live, lambda: found.extend(live.take()), lambda share, text: None)
    player.join(LONGEST_S)
    assert live.outliner.wait(LONGEST_S)
    found += live.take()
    assert [one.outline.frame for one in found] == frames[1:]
    assert live.status.failed == 1 and "out of memory" in live.outliner.last_problem and live.status.problem == ""


def test_a_tumor_that_has_moved_is_warned_of(played):
    live, worker = played
    live.set_tumor(ball(RADIUS_MM, CENTER + (6.0, 0, 0)))
    found = []
    for number in range(1, 11):
        live.submit(frame_at(8))
        worker.wait_for_requests(number)
        v, u = np.indices(SHAPE) * PIXEL_MM
        marked = np.hypot(u - CENTER[0], v - CENTER[1]) <= RADIUS_MM
        worker.block.write(marked[None, None].astype(np.float32))
        worker.says(**{"is": "done", "number": number, "device": "cpu", "runtime": "fake"})
        assert live.outliner.wait(LONGEST_S)
        found += live.take()
        assert bool(live.moved_warning) == (number >= 8)
    # Two circles of 7 mm whose middles are 6 mm apart.
    assert found[0].agreement.dice == pytest.approx(0.47, abs=0.03) and found[0].agreement.distance_mm > 3
    live.set_tumor(None)
    assert live.moved_warning == "" and live.take() == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "either a recording or the --host"),
        (("a.mha", "--host", "b"), "either a recording or the --host"),
        (("a.mha", "--seconds", "0"), "--seconds"),
        (("a.mha", "--margin", "-1"), "--margin"),
        (("a.mha", "--threshold", "1"), "--threshold"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(words, sentence, tmp_path, capsys):
    status, _, error = crlm(capsys, "live", *words, "-o", tmp_path / "found")
    assert status == 1 and sentence in error and error.count("\n") == 1 and not (tmp_path / "found").exists()


def test_a_model_of_another_task_is_refused_before_anything_is_written(sweep, tmp_path, capsys):
    model = write_dark_model(tmp_path / "model", task="landmarks")
    status, _, error = crlm(capsys, *asked_of(sweep, tmp_path / "found", model))
    assert status == 1 and "task 'landmarks'" in error and not (tmp_path / "found").exists()
