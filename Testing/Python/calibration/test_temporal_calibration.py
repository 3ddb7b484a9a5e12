"""The delay of the images is found from simulated recordings whose delay is known, with an honest uncertainty."""

import numpy as np
import pytest
from CRLMSegmentationLib.calibration.temporal_calibration import estimate_image_delay, with_image_delay
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import TimingError
from CRLMSegmentationLib.sweep import Pose, Sweep, TrackedFrame, read_sweep, write_sweep

PIXEL_MM, HEIGHT, WIDTH = 0.2, 240, 64


def depth_of_hand(time):
    """mm: a hand that moves up and down, never quite in the same way."""
    return (
        4 * np.sin(2 * np.pi * 0.9 * time)
        + 2 * np.sin(2 * np.pi * 0.37 * time + 1)
        + np.sin(2 * np.pi * 1.7 * time + 2)
    )


def water_bath(
    delay_s, seconds=14.0, rate=30.0, pose_error_mm=0.0, jitter_s=0.0, moving=True, echo=True, seed=0, scan_s=0.0
):
    """The bottom of a water bath under a moving probe; the image at time t shows what was at t - delay_s.

    scan_s  from the first to the last line of an image, whose echoes fade to the right then
    """
    random = np.random.default_rng(seed)
    times = 100 + np.arange(0, seconds, 1 / rate) + random.normal(0, jitter_s, round(seconds * rate))
    rows = np.arange(HEIGHT)[:, np.newaxis]
    frames = []
    for time in times:
        pose = np.diag([PIXEL_MM, PIXEL_MM, 1, 1])
        pose[1, 3] = (depth_of_hand(time) if moving else 0) + random.normal(0, pose_error_mm)
        # The bottom lies at 25 mm of the place where the probe is at depth 0.
        line_times = time - delay_s - np.linspace(-0.5, 0.5, WIDTH)[np.newaxis] * scan_s
        echo_at = (25 - depth_of_hand(line_times) * moving) / PIXEL_MM
        bright = np.linspace(120.0, 40.0 if scan_s else 120.0, WIDTH)
        image = bright * np.exp(-(((rows - echo_at) / 3) ** 2)) * echo + random.rayleigh(15, (HEIGHT, WIDTH))
        tool = np.eye(4)
        tool[0, 3] = time
        frames.append(
            TrackedFrame(image.clip(0, 255).astype(np.uint8), pose, time, transforms={"StylusToReference": Pose(tool)})
        )
    return Sweep(frames, "bath")


@pytest.mark.parametrize("delay_s", [-0.08, 0.0, 0.0137, 0.06, 0.2])
def test_a_known_delay_is_found(delay_s):
    estimate = estimate_image_delay(water_bath(delay_s))
    assert estimate.image_delay_s == pytest.approx(delay_s, abs=0.003)
    assert 0 < estimate.standard_error_s < 0.003 and estimate.correlation > 0.95


def test_the_delay_is_that_of_the_middle_of_an_image_whose_lines_are_drawn_one_after_another():
    estimate = estimate_image_delay(water_bath(0.06, scan_s=0.08))
    assert estimate.image_delay_s == pytest.approx(0.06, abs=0.004)


def test_the_error_is_as_large_as_it_says():
    errors, said = [], []
    for seed in range(6):
        estimate = estimate_image_delay(water_bath(0.05, seconds=10, pose_error_mm=0.3, jitter_s=0.002, seed=seed))
        errors.append(estimate.image_delay_s - 0.05)
        said.append(estimate.standard_error_s)
    real = np.sqrt(np.mean(np.square(errors)))
    assert real < 0.015 and np.mean(said) / 4 < real < 4 * np.mean(said)


def test_a_corrected_recording_has_no_delay_left():
    sweep = water_bath(0.06)
    corrected = with_image_delay(sweep, 0.06)
    assert abs(estimate_image_delay(corrected).image_delay_s) < 0.003
    assert corrected.frames[40].timestamp == pytest.approx(sweep.frames[40].timestamp - 0.06)
    # A tool that moves evenly is where it was at that time.
    tool = corrected.frames[40].transforms["StylusToReference"].matrix[0, 3]
    assert tool == pytest.approx(sweep.frames[40].timestamp - 0.06, abs=1e-6)
    # Before the first pose there is none.
    assert not corrected.frames[0].valid and corrected.frames[2].valid


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"seconds": 1.0}, "needs ten seconds"),
        ({"moving": False}, "hardly moves"),
        ({"echo": False}, "do not move with the poses"),
    ],
)
def test_a_recording_that_cannot_tell_says_so(options, sentence):
    with pytest.raises(TimingError, match=sentence):
        estimate_image_delay(water_bath(0.05, **options))


def test_no_setting_is_advised_that_is_as_uncertain_as_itself(tmp_path, monkeypatch, capsys):
    """A probe that goes up and down slowly, with poses that drift: the true delay is 0."""
    monkeypatch.setitem(globals(), "depth_of_hand", lambda time: 8 * np.sin(2 * np.pi * (time - 100) / 11))
    sweep = water_bath(0.0, seconds=20, rate=10)
    drift = np.cumsum(np.random.default_rng(1).normal(0, 0.06, len(sweep)))
    frames = []
    for frame, off in zip(sweep.frames, drift):
        pose = frame.image_to_reference.copy()
        pose[1, 3] += off
        frames.append(frame.with_changes(image_to_reference=pose))
    estimate = estimate_image_delay(Sweep(frames))
    assert not estimate.is_known and not estimate.is_to_be_set and "cannot tell" in estimate.judgement
    write_sweep(Sweep(frames), tmp_path / "slow.igs.mha")
    assert main(["timing", str(tmp_path / "slow.igs.mha"), "-o", str(tmp_path / "corrected.igs.mha")]) == 1
    printed = capsys.readouterr()
    assert "LocalTimeOffsetSec" not in printed.out and "cannot tell" in printed.err
    assert not (tmp_path / "corrected.igs.mha").exists()


def test_a_delay_of_none_is_no_setting(tmp_path, capsys):
    write_sweep(water_bath(0.0), tmp_path / "bath.igs.mha")
    assert main(["timing", str(tmp_path / "bath.igs.mha")]) == 0
    printed = capsys.readouterr().out
    assert "agree to within" in printed and "LocalTimeOffsetSec" not in printed


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_calibration_that_cannot_be_right_is_reported(factor):
    frames = [
        frame.with_changes(image_to_reference=frame.image_to_reference @ np.diag([factor, factor, 1, 1]))
        for frame in water_bath(0.06).frames
    ]
    estimate = estimate_image_delay(Sweep(frames))
    assert estimate.scale == pytest.approx(factor, rel=0.1)
    assert not estimate.is_known and "ImageToProbe" in estimate.judgement


def turned(angle_deg):
    cos, sin = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    matrix = np.eye(4)
    matrix[:2, :2] = [[cos, -sin], [sin, cos]]
    return matrix


@pytest.mark.parametrize("angle_deg", [0, 130])
@pytest.mark.parametrize("name", ["ProbeToReference", "ProbeToTracker"])
def test_the_pose_of_the_probe_alone_is_enough(name, angle_deg, tmp_path, capsys):
    frames = []
    for frame in water_bath(0.06).frames:
        probe = turned(angle_deg) @ frame.image_to_reference @ np.diag([1 / PIXEL_MM, 1 / PIXEL_MM, 1, 1])
        frames.append(frame.with_changes(image_to_reference=None, valid=False, transforms={name: Pose(probe)}))
    path = write_sweep(Sweep(frames), tmp_path / "probe.igs.mha")
    # As PLUS writes it, without an ImageToReference that is none.
    lines = [line for line in path.read_bytes().split(b"\n") if b"_ImageToReferenceTransform" not in line]
    path.write_bytes(b"\n".join(lines))
    assert main(["timing", str(path)]) == 0
    printed = capsys.readouterr()
    assert "ms late" in printed.out and "probe's own motion" in printed.err
    delay_s = -float(printed.out.split("LocalTimeOffsetSec of the video device = ")[1].split(";")[0])
    assert delay_s == pytest.approx(0.06, abs=0.003)


def test_frames_that_are_repeated_do_not_stand_in_the_way():
    frames = [frame for frame in water_bath(0.06).frames for _ in range(3)]
    assert estimate_image_delay(Sweep(frames)).image_delay_s == pytest.approx(0.06, abs=0.003)
    backwards = [*frames[:300], *frames[:300]]
    with pytest.raises(TimingError, match="do not go on"):
        estimate_image_delay(Sweep(backwards))


def test_strictly_periodic_motion_is_ambiguous(monkeypatch):
    monkeypatch.setitem(globals(), "depth_of_hand", lambda time: 4 * np.sin(2 * np.pi * 2.5 * time))
    with pytest.raises(TimingError, match="equally well"):
        estimate_image_delay(water_bath(0.05))


def test_the_command_finds_and_corrects(tmp_path, capsys):
    write_sweep(water_bath(0.06), tmp_path / "bath.igs.mha")
    output = tmp_path / "corrected.igs.mha"
    assert main(["timing", str(tmp_path / "bath.igs.mha"), "-o", str(output)]) == 0
    said = capsys.readouterr().out
    assert "ms late" in said and "LocalTimeOffsetSec of the video device = -0.0" in said
    assert abs(estimate_image_delay(read_sweep(output)).image_delay_s) < 0.003
    assert main(["timing", str(tmp_path / "bath.igs.mha"), "-o", str(output)]) == 1
