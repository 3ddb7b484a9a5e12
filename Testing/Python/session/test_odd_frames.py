"""Frames of another size: recorded, told, and no reason to lose the volume of the others."""

import numpy as np
import pytest
from CRLMSegmentationLib.reconstruction import ClipRectangle, ReconstructionSettings
from CRLMSegmentationLib.session.recordings.live_volume import LiveVolume
from CRLMSegmentationLib.session.recordings.recording import Recording
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, read_sweep

from .test_live_session import until

SETTINGS = ReconstructionSettings(spacing_mm=1.0, threads=1, device="cpu")


def frame(number, size=(24, 20)) -> TrackedFrame:
    pose = np.diag([0.5, 0.5, 1.0, 1.0])
    pose[2, 3] = 0.5 * number
    pixels = np.random.default_rng(number).integers(50, 150, size).astype(np.uint8)
    return TrackedFrame(pixels, pose, 100 + number / 30, True)


def test_they_are_recorded_and_told_and_the_volume_is_of_all_others(session, tmp_path):
    session.volume.settings = SETTINGS
    session.recording.folder = tmp_path
    session.recording.start()
    for number in range(30):
        session.stream.show_frame(frame(number, (25, 20) if number in (9, 10) else (24, 20)))
    until(session, lambda: session.recording.state is not None and session.recording.state.frames_waiting == 0)
    assert any("image of another size" in hint for hint in session.recording.state.hints)
    sweep = session.recording.stop()
    until(session, lambda: not session.is_computing)
    assert len(sweep) == 28 and any(
        "2 of 30 frames are not of 20 x 24 pixels" in note for note in session.state.notices
    )
    assert session.volume.value.dimensions[2] == 16 and session.volume.value.seen.mean() > 0.9
    assert sorted(len(read_sweep(path)) for path in tmp_path.glob("*.igs.mha")) in ([2, 28], [2, 9, 19])


@pytest.mark.parametrize("odd_first", [False, True])
def test_the_finished_volume_holds_every_frame_of_the_sweep(odd_first):
    """Also those that came before many like them had come."""
    frames = [frame(0, (30, 20)), *(frame(number) for number in range(1, 40))] if odd_first else [frame(0), frame(1)]
    live = LiveVolume(SETTINGS, lambda made: None)
    for one in frames:
        live.engine.add(one)
    sweep = Sweep([one for one in frames if one.pixels.shape == (24, 20)])
    assert len(live.finish(sweep).report.frames_used) == len(sweep)
    live.close()


def test_a_live_volume_that_has_ended_is_told_and_recording_goes_on():
    elsewhere = SETTINGS.with_changes(clip_rectangle=ClipRectangle(100, 100, 50, 50))
    live = LiveVolume(elsewhere, lambda made: None)
    recording = Recording(None, elsewhere, live.engine)
    for number in range(5):
        recording.add(frame(number))
    live.engine.wait()
    hints = recording.state().hints
    assert "it is recorded, but not reconstructed live any more" in hints[0] and "clip rectangle" in hints[0]
    assert any("No volume can be made with these settings" in hint for hint in hints)
    assert len(recording.sweep()) == 5 and recording.sweep().notes == ()
    live.close()
