"""A recording grows in the scene frame by frame, stands still meanwhile, and is in the end what put_sweep() makes."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import RecordingError
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.mrml.application import current_application
from CRLMSegmentationLib.mrml.bundle import load_scene, save_scene
from CRLMSegmentationLib.mrml.nodes import find
from CRLMSegmentationLib.mrml.sweeps.sweep_sequence import GrowingSweep, put_sweep, sweep_nodes, sweep_of
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.session.state import Step
from CRLMSegmentationLib.sweep import Pose, Sweep, write_sweep
from scene_case import on_scene
from small_case import assert_same_sweep

BROWSER, SEQUENCE = "vtkMRMLSequenceBrowserNode", "vtkMRMLSequenceNode"


def contents(application):
    """Everything of the sweep in a scene, as plain values."""
    scene = application.scene
    browser = find(scene, BROWSER, names.SWEEP_BROWSER)
    sequences = {}
    for node in sweep_nodes(scene):
        if node.IsA(SEQUENCE):
            values = [node.GetNthIndexValue(number) for number in range(node.GetNumberOfDataNodes())]
            mode, plays = browser.GetMissingItemMode(node), browser.GetPlayback(node)
            sequences[node.GetName()] = values, mode, plays, browser.GetProxyNode(node).GetName()
    facts = {name: browser.GetAttribute(name) for name in browser.GetAttributeNames()}
    saved = {node.GetName(): node.GetSaveWithScene() for node in sweep_nodes(scene)}
    leading = browser.GetMasterSequenceNode().GetName()
    selected = browser.GetSelectedItemNumber()
    return sequences, facts, saved, leading, selected, browser.GetPlaybackRateFps(), scene.GetNumberOfNodes()


def tool_comes_late(sweep):
    return [frame.with_changes(transforms={}) if number < 4 else frame for number, frame in enumerate(sweep.frames)]


def first_pose_is_lost(sweep):
    return [frame.with_changes(valid=number > 2) for number, frame in enumerate(sweep.frames)]


def times_meet(sweep):
    return [frame.with_changes(timestamp=1.0 + 0.1 * min(n, 6)) for n, frame in enumerate(sweep.frames)]


def nothing_measured(sweep):
    return [frame.with_changes(valid=False, transforms={}) for frame in sweep.frames]


@pytest.mark.parametrize(
    "change", [lambda sweep: sweep.frames, tool_comes_late, first_pose_is_lost, times_meet, nothing_measured]
)
def test_it_is_in_the_end_what_is_put_at_once(sweep, change):
    given = Sweep(change(sweep), "grown")
    grown, at_once = current_application(), current_application()
    put_sweep(at_once, given)
    growing = GrowingSweep(grown)
    for frame in given.frames:
        growing.add(frame)
        growing.write(0.0)
        assert sweep_of(grown) is None and not growing.is_complete, "half a sweep is none"
    growing.end(given)
    growing.write()
    assert growing.is_complete
    assert contents(grown) == contents(at_once)
    assert_same_sweep(sweep_of(grown), sweep_of(at_once))


def begun(sweep):
    """All frames have come, and the first one is in the scene."""
    application = current_application()
    growing = GrowingSweep(application)
    for frame in sweep.frames:
        growing.add(frame)
    growing.write(0.0)
    return application, growing


def test_it_grows_a_bounded_part_at_a_time_and_what_shows_it_stands_still(sweep):
    application, growing = begun(sweep)
    browser = find(application.scene, BROWSER, names.SWEEP_BROWSER)
    image = find(application.scene, "vtkMRMLScalarVolumeNode", names.recorded(names.LIVE_IMAGE))
    changes = []
    image.AddObserver("ModifiedEvent", lambda *_: changes.append(1))
    for number in range(1, 6):
        growing.write(0.0)
        (images,) = (node for node in sweep_nodes(application.scene) if node.GetAttribute("Sequences.Source") ==
                     names.LIVE_IMAGE)  # fmt: skip
        assert images.GetNumberOfDataNodes() == number + 1
        assert browser.GetSelectedItemNumber() == 0 and not browser.GetPlaybackActive()
    assert changes == []
    assert not any(node.GetSaveWithScene() for node in sweep_nodes(application.scene))


def test_frames_that_the_sweep_leaves_out_are_taken_out_again(sweep):
    application = current_application()
    growing = GrowingSweep(application)
    odd = sweep.frames[2].with_changes(pixels=np.zeros((20, 30), np.uint8))
    for frame in [*sweep.frames[:2], odd, *sweep.frames[2:]]:
        growing.add(frame)
    growing.write()
    growing.end(sweep)
    growing.write()
    assert_same_sweep(sweep_of(application), sweep)


def test_another_sweep_meanwhile_stays_until_the_end(sweep):
    application, growing = begun(sweep)
    other = Sweep(sweep.frames[:3], "other")
    put_sweep(application, other)
    growing.write(0.0)
    assert_same_sweep(sweep_of(application), other)
    growing.end(sweep)
    growing.write()
    assert_same_sweep(sweep_of(application), sweep)


def record(session, sweep, times=1):
    session.recording.live_reconstruction = False
    session.recording.start()
    for number in range(times * len(sweep)):
        frame = sweep.frames[number % len(sweep)]
        session.stream.show_frame(frame.with_changes(timestamp=number / 10))


def test_a_session_has_it_while_it_records_and_completes_it_by_and_by(session, sweep):
    record(session, sweep, 30)
    session.process()
    assert find(session.view.scene, BROWSER, names.SWEEP_BROWSER) is not None
    assert session.recording.sweep is None and session.case.has_unsaved_data and not session.is_computing
    recorded = session.recording.stop()
    assert session.is_computing and sweep_of(session.view.application) is None
    message = "270 frames, 240 with a valid pose"
    told = set()
    while session.is_computing:
        session.process()
        told.add(session.state[Step.RECORD].message)
    assert told == {message, f"{message}; the Sequence browser is being completed"}
    assert session.state[Step.RECORD].message == message
    assert_same_sweep(sweep_of(session.view.application), recorded)


def test_frames_of_another_size_are_told_and_pixels_are_left_to_the_disk(session, sweep, tmp_path):
    session.recording.folder = tmp_path
    session.recording.start()
    for number, frame in enumerate(sweep.frames):
        session.stream.show_frame(frame if number != 5 else frame.with_changes(pixels=frame.pixels[:-4]))
    recorded = session.recording.stop()
    session.wait(600)
    assert len(recorded) == len(sweep.frames) - 1
    assert any("1 of " in notice and "file of their own" in notice for notice in session.state.notices)
    assert all(frame.is_on_disk for frame in recorded.frames)
    assert (recorded.frames[7].pixels == sweep.frames[8].pixels).all()


def test_an_earlier_sweep_stays_when_no_frame_comes(session, sweep):
    session.recording.set_sweep(sweep)
    session.recording.start()
    session.process()
    with pytest.raises(RecordingError, match="No frame"):
        session.recording.stop()
    session.process()
    assert_same_sweep(sweep_of(session.view.application), sweep)


def test_a_new_recording_waits_for_the_one_before(session, sweep):
    record(session, sweep, 30)
    session.recording.stop()
    record(session, sweep)
    for _ in range(500):
        session.process()
    recorded = session.recording.stop()
    assert session.wait()
    assert_same_sweep(sweep_of(session.view.application), recorded)


def test_saving_the_scene_or_the_case_meanwhile_saves_all_or_nothing_of_it(session, sweep, tmp_path):
    record(session, sweep, 5)
    session.process()
    save_scene(session.view, tmp_path / "recording.mrb")
    recorded = session.recording.stop()
    session.case.save(tmp_path / "case")
    assert session.is_computing and not session.case.has_unsaved_data
    save_scene(session.view, tmp_path / "complete.mrb")
    again = on_scene(Session())
    load_scene(again.view, tmp_path / "recording.mrb")
    assert again.recording.sweep is None
    load_scene(again.view, tmp_path / "complete.mrb")
    assert len(again.recording.sweep) == len(recorded)
    again.case.load(tmp_path / "case")
    assert len(again.recording.sweep) == len(recorded)
    again.close()


@pytest.mark.parametrize("is_ended", [False, True])
def test_closing_leaves_a_whole_sweep_or_none(session, sweep, is_ended):
    record(session, sweep, 10)
    session.process()
    if is_ended:
        session.recording.stop()
    session.close()
    there = sweep_of(session.view.application)
    assert (len(there) == 90) if is_ended else (there is None and not sweep_nodes(session.view.scene))


@pytest.mark.parametrize("is_ended", [False, True])
def test_another_scene_or_sweep_meanwhile(session, sweep, tmp_path, is_ended):
    record(session, sweep, 30)
    session.process()
    if is_ended:
        session.recording.stop()
    session.view.scene.Clear(False)
    session.process()
    assert session.recording.sweep is None and not sweep_nodes(session.view.scene)
    write_sweep(sweep, tmp_path / "sweep.igs.mha")
    session.recording.open(tmp_path / "sweep.igs.mha")
    assert session.wait()
    assert len(sweep_of(session.view.application)) == len(sweep)
    if not is_ended:
        session.tools.update("StylusToReference", Pose(np.eye(4)))
        recorded = session.recording.stop()
        assert session.wait()
        assert_same_sweep(sweep_of(session.view.application), recorded)


def test_the_sweep_in_a_scene_is_not_written_anew_and_goes_with_its_case(sweep):
    application = current_application()
    browser = put_sweep(application, sweep)
    session = on_scene(Session(), application)
    assert_same_sweep(session.recording.sweep, sweep)
    assert application.scene.IsNodePresent(browser)
    session.case.begin()
    assert session.recording.sweep is None and not sweep_nodes(application.scene)
    session.close()


def test_a_sweep_whose_nodes_were_deleted_can_be_given_again(session, sweep):
    session.recording.set_sweep(sweep)
    browser = find(session.view.scene, BROWSER, names.SWEEP_BROWSER)
    session.recording.set_sweep(sweep)
    assert session.view.scene.IsNodePresent(browser), "it is there already"
    session.view.scene.RemoveNode(browser)
    assert session.recording.sweep is sweep
    session.recording.set_sweep(sweep)
    assert_same_sweep(sweep_of(session.view.application), sweep)
