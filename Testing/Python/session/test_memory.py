"""A long recording takes bounded memory, is told before memory is short, and is never lost for want of it."""

import gc
import math
import weakref

import numpy as np
import pytest
from CRLMSegmentationLib.mrml.nodes import nodes_of_class
from CRLMSegmentationLib.mrml.sweeps.sweep_sequence import GrowingSweep, sweep_of
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.session.recordings import memory, recording
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.sweep import Sweep
from scene_nodes import number_of_nodes

IMAGE_BYTES = 64 * 48


def longer(sweep, frames):
    some = sweep.frames
    return Sweep([some[k % len(some)].with_changes(timestamp=1000.0 + k / 20) for k in range(frames)], "long")


def images_in(session):
    sequences = nodes_of_class(session.view.scene, "vtkMRMLSequenceNode")
    (sequence,) = [node for node in sequences if node.GetName().endswith("Image_Image-Seq")]
    return sequence.GetNumberOfDataNodes()


@pytest.mark.parametrize("frames, every", [(10, 1), (11, 2), (21, 4), (50, 8)])
@pytest.mark.parametrize("at_once", [False, True])
def test_the_scene_holds_no_more_images_than_it_may(view, session, sweep, frames, every, at_once):
    given = longer(sweep, frames)
    growing = GrowingSweep(session.view.application, most_bytes=10 * IMAGE_BYTES)
    if not at_once:
        for frame in given.frames:
            growing.add(frame)
            growing.write()
            assert images_in(session) <= 10
    growing.end(given)
    growing.write()
    assert growing.is_complete and growing.every == every and images_in(session) <= 10
    back = sweep_of(session.view.application)
    expected = given.frames[::every]
    assert [frame.timestamp for frame in back.frames] == pytest.approx([frame.timestamp for frame in expected])
    for one, other in zip(back.frames, expected):
        np.testing.assert_array_equal(one.pixels, other.pixels)
        assert one.valid == other.valid
    assert bool(back.notes) == (every > 1)


def test_a_thinned_scene_is_told_and_the_sweep_has_every_frame(view, session, sweep, monkeypatch):
    monkeypatch.setattr(GrowingSweep.__init__, "__defaults__", (10 * IMAGE_BYTES,))
    session.recording.live_reconstruction = False
    session.recording.start()
    given = longer(sweep, 30)
    for frame in given.frames:
        session.stream.show_frame(frame)
        session.process()
    recorded = session.recording.stop()
    assert session.wait() and len(recorded) == 30 == len(session.recording.sweep)
    assert images_in(session) <= 10
    assert any("one frame of 4" in notice for notice in session.state.notices)


@pytest.mark.parametrize("on_disk", [False, True])
def test_short_memory_is_told_before_it_ends_a_recording_without_a_disk(session, sweep, monkeypatch, tmp_path, on_disk):
    left = [math.inf]
    monkeypatch.setattr(recording, "available_bytes", lambda: left[0])
    session.recording.live_reconstruction = False
    session.recording.folder = tmp_path if on_disk else None
    session.recording.start()
    for frame in sweep.frames:
        session.stream.show_frame(frame)
    assert "memory" not in session.recording.state.text
    left[0] = 1.5e9
    session.process()
    assert "memory is short: 1.5 GB" in session.recording.state.text
    left[0] = 0.5e9
    session.process(1e9)
    if on_disk:
        assert session.recording.state is not None, "what is on disk takes no memory"
        return
    assert session.recording.state is None and len(session.recording.sweep) == len(sweep)
    assert session.state.status(Step.RECORD) is StepStatus.DONE
    assert "choose a folder" in session.state.notices[-1]


def test_memory_of_this_computer_is_known_or_endless():
    assert memory.available_bytes() > 1e6


def test_nothing_of_a_case_stays_in_memory(view, session, sweep, volume, mask, tmp_path):
    session.recording.folder = tmp_path
    session.recording.live_reconstruction = False
    nodes = []
    for _ in range(2):
        session.recording.start()
        for frame in sweep.frames:
            session.stream.show_frame(frame)
            session.process()
        session.recording.stop()
        assert session.wait()
        session.volume.set(volume.with_voxels(volume.voxels.copy()))
        session.tumor.set(mask)
        recorded = session.recording.sweep
        assert all(frame.is_on_disk for frame in recorded.frames)
        kept = {
            "images": weakref.ref(recorded.frames[0].pixels),
            "the last image": weakref.ref(recorded.frames[-1].pixels),
            "sweep": weakref.ref(recorded),
            "voxels": weakref.ref(session.volume.value.voxels),
            "mask": weakref.ref(session.tumor.mask.voxels),
        }
        del recorded
        actions.NEW_CASE.run(session)
        session.process()
        gc.collect()
        assert [what for what, alive in kept.items() if alive() is not None] == []
        nodes.append(number_of_nodes(session))
    # What is shown anew goes on with the nodes of before.
    assert nodes[0] == nodes[1]
