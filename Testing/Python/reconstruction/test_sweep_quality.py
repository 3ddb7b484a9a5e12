"""What is said about a sweep."""

import json

import numpy as np
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.reconstruction import ReconstructionSettings, sweep_quality
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame

SETTINGS = ReconstructionSettings(spacing_mm=0.5)


def test_gaps_speed_and_rate(frames_with_steps):
    quality = sweep_quality(Sweep(frames_with_steps([1.0] * 10)), SETTINGS)
    np.testing.assert_allclose(quality.gap_mm, 1.0)
    np.testing.assert_allclose(quality.speed_mm_per_s, 10.0)
    np.testing.assert_allclose([quality.gap_voxels, quality.frames_per_s], [2.0, 10.0])
    assert quality.gap_map_mm.shape == (10, 5, 5)
    assert quality.too_fast == () and quality.sentences() == []


def test_too_fast_is_said_with_the_place(frames_with_steps):
    quality = sweep_quality(Sweep(frames_with_steps([0.5] * 5 + [4.0] * 2 + [0.5] * 5)), SETTINGS)
    assert quality.too_fast == ((5, 7),)
    assert "frame 5" in quality.sentences()[0] and "4.0 mm" in quality.sentences()[0]


def test_a_turn_opens_gaps_on_one_side_only(make_rotation):
    frames = []
    for number in range(3):
        pose = np.eye(4)
        pose[:3, :3] = make_rotation((0, 0.05 * number, 0)) * 0.5
        frames.append(TrackedFrame(np.zeros((30, 81), np.uint8), pose, 0.1 * number))
    gaps = sweep_quality(Sweep(frames), SETTINGS).gap_map_mm
    np.testing.assert_allclose(gaps[:, :, 0], 0, atol=1e-9)
    np.testing.assert_allclose(gaps[:, :, -1], 40 * np.sin(0.05), rtol=1e-6)


def test_left_out_frames_are_counted_by_reason(frames_with_steps):
    frames = list(Sweep(frames_with_steps([0.5] * 6)).frames)
    frames[1] = frames[1].with_changes(valid=False)
    frames[2] = frames[2].with_changes(valid=False)
    assert "2 frames left out: pose not valid." in sweep_quality(Sweep(frames), SETTINGS).sentences()


def test_the_command_says_it_too(capsys, shared_data):
    recording, configuration = shared_data / "SpinePhantomFreehand.igs.mha", shared_data / "SpinePhantom.xml"
    assert main(["info", str(recording), "--plus-config", str(configuration), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert "Too fast between frame 8 and frame 20" in facts["quality"]
    assert 15 < facts["speed_mm_per_s"] < 25 and 2 < facts["widest_gap_mm"] < 4
    assert main(["info", str(recording)]) == 0  # nothing is known about the place of its pixels
    assert "ImageToProbe" in capsys.readouterr().out
