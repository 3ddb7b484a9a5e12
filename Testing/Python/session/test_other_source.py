"""Another source is another case: nothing of one patient is shown as current over the images of another."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.errors import RecordingError, SequenceFileError
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.mrml.bundle import load_scene, save_scene
from CRLMSegmentationLib.mrml.nodes import find
from CRLMSegmentationLib.session.case.case_source import CaseSource, file_identity, origin_of
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.sweep import Pose, Sweep, read_sweep, write_sweep
from CRLMSegmentationLib.values import Box
from scene_case import on_scene
from small_case import TUMOR_CENTER, turn
from stand_ins import TIP_TO_STYLUS, Source, record, stylus_with_tip_at, visible

TUMOR_NODES = (
    ("vtkMRMLModelNode", names.SURFACE), ("vtkMRMLSegmentationNode", names.SEGMENTATION),
    ("vtkMRMLMarkupsROINode", names.BOX), ("vtkMRMLModelNode", names.MARGIN),
)  # fmt: skip


@pytest.fixture
def navigating(view, session, sweep, volume, box, mask, surface):
    """A tumor found in what the scanner in room 1 has sent, and a stylus beside it."""
    session.stream.connect_source(Source("room-1:18944"))
    record(session, sweep.frames)
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.set(mask, None, surface)
    session.tools.update("StylusTipToStylus", Pose(TIP_TO_STYLUS))
    assert session.wait() and distance(session) is not None and shown(session)
    return session


def distance(session):
    """Of a tip that is seen just now."""
    session.tools.update("StylusToReference", stylus_with_tip_at(TUMOR_CENTER + (30, 0, 0)))
    return session.tools.distance_mm()


def shown(session):
    return all(visible(session, *node) for node in TUMOR_NODES)


def hidden(session):
    return not any(visible(session, *node) for node in TUMOR_NODES)


def assert_nothing_is_measured(session, frame):
    session.stream.show_frame(frame.with_changes(transforms={}))
    session.process()
    assert hidden(session)
    assert distance(session) is None and session.structures.contours() == []
    assert [reading.signed_distance_mm for reading in session.tools.readings()] == [None]
    assert not visible(session, "vtkMRMLMarkupsLineNode", names.distance_line("Stylus"))
    assert session.state.status(Step.NAVIGATE) is StepStatus.WAITING


def test_another_source_hides_the_case_and_asks(view, navigating, sweep):
    heard = []
    navigating.add_listener(lambda state: heard.append(state[Step.NAVIGATE].message))
    navigating.stream.disconnect()
    assert navigating.case.question is None and shown(navigating), "the case can be looked at without a stream"
    navigating.stream.connect_source(Source("room-2:18944"))
    assert "same patient" in navigating.case.question and "A tumor of 3" in navigating.case.question
    assert heard[-1] == navigating.case.question
    assert_nothing_is_measured(navigating, sweep.frames[4])
    with pytest.raises(RecordingError, match="same patient"):
        navigating.recording.start()
    assert navigating.recording.state is None
    source = navigating.stream.source
    source.waiting = list(sweep.frames[5:6])
    navigating.process()
    np.testing.assert_allclose(navigating.stream.image.image_to_reference, sweep.frames[5].image_to_reference)


def test_the_same_patient_gets_everything_back(view, navigating):
    navigating.stream.connect_source(Source("room-2:18944"))
    navigating.case.keep()
    assert navigating.case.question is None and shown(navigating)
    assert navigating.state.status(Step.NAVIGATE) is StepStatus.READY
    assert distance(navigating) is not None
    navigating.recording.start()
    # Both belong to the case from now on.
    for identity in ("room-1:18944", "room-2:18944"):
        navigating.stream.connect_source(Source(identity))
        assert navigating.case.question is None
    navigating.stream.connect_source(Source("room-3:18944"))
    assert navigating.case.question is not None


def test_going_back_to_the_source_of_the_case_asks_nothing(view, navigating):
    navigating.stream.connect_source(Source("room-2:18944"))
    navigating.stream.connect_source(Source("room-1:18944"))
    assert navigating.case.question is None and shown(navigating)


def test_what_is_found_while_it_is_asked_stays_hidden(view, navigating, sweep, mask, surface):
    navigating.stream.connect_source(Source("room-2:18944"))
    navigating.tumor.set(mask, None, surface)
    assert_nothing_is_measured(navigating, sweep.frames[4])
    navigating.case.keep()
    assert visible(navigating, "vtkMRMLModelNode", names.SURFACE)


def test_a_tumor_that_became_stale_meanwhile_does_not_come_back(view, navigating, volume):
    navigating.stream.connect_source(Source("room-2:18944"))
    navigating.volume.set(volume)
    navigating.case.keep()
    assert not visible(navigating, "vtkMRMLModelNode", names.SURFACE)
    assert visible(navigating, "vtkMRMLMarkupsROINode", names.BOX)
    assert navigating.state.status(Step.NAVIGATE) is StepStatus.WAITING


def test_a_new_case_holds_nothing_of_the_old_one(view, navigating, sweep):
    navigating.stream.connect_source(Source("room-2:18944"))
    navigating.case.begin()
    assert navigating.case.question is None and navigating.stream.source is not None
    assert navigating.recording.sweep is None and navigating.volume.value is None and navigating.box.value is None
    assert navigating.tumor.surface is None and navigating.tumor.mask is None and navigating.tumor.probability is None
    assert navigating.state.doubts == () and navigating.case.clock_s is None and navigating.case.origin is None
    assert not navigating.case.has_unsaved_data
    for class_name, name in (
        *TUMOR_NODES,
        ("vtkMRMLScalarVolumeNode", names.VOLUME),
        ("vtkMRMLSequenceBrowserNode", names.SWEEP_BROWSER),
        ("vtkMRMLMarkupsLineNode", names.distance_line("Stylus")),
    ):
        assert find(navigating.view.scene, class_name, name) is None, name
    navigating.tools.update("StylusToReference", stylus_with_tip_at(TUMOR_CENTER))
    reading = navigating.tools.reading()
    assert reading.signed_distance_mm is None
    np.testing.assert_allclose(reading.tip_ras, TUMOR_CENTER, atol=1e-9, err_msg="a tool stays calibrated")
    record(navigating, sweep.frames)
    assert len(navigating.recording.sweep) == len(sweep) and navigating.case.question is None


def test_an_empty_case_goes_with_any_source(session):
    for identity in ("room-1:18944", "room-2:18944"):
        session.stream.connect_source(Source(identity))
        assert session.case.question is None
    session.recording.start()


@pytest.mark.parametrize("what", ["sweep", "volume", "box"])
def test_anything_of_a_case_is_asked_about(session, sweep, volume, box, what):
    session.stream.connect_source(Source("room-1:18944"))
    {
        "sweep": lambda: session.recording.set_sweep(sweep),
        "volume": lambda: session.volume.set(volume),
        "box": lambda: session.box.set(box),
    }[what]()
    assert session.case.question is None
    session.stream.connect_source(Source("room-2:18944"))
    assert what in session.case.question


def test_a_recording_has_one_source_and_is_kept(session, sweep):
    session.stream.connect_source(Source("room-1:18944"))
    session.recording.live_reconstruction = False
    session.recording.start()
    for frame in sweep.frames:
        session.stream.show_frame(frame)
    session.stream.connect_source(Source("room-2:18944"))
    session.stream.show_frame(sweep.frames[0])
    assert session.recording.state is None and len(session.recording.sweep) == len(sweep)
    assert session.case.question is not None and "recording has ended" in session.state.notices[-1]


# Where data are from


@pytest.mark.parametrize("origin", ["live", "replayed", "simulated"])
def test_the_origin_is_of_the_data_and_outlasts_connection_and_program(session, sweep, tmp_path, origin):
    assert session.case.origin is None
    session.recording.folder = tmp_path / "recordings"
    session.stream.connect_source(Source("room-1:18944", origin))
    assert session.case.origin is None, "nothing was recorded yet"
    record(session, sweep.frames)
    session.stream.disconnect()
    assert session.case.origin == origin
    assert session.wait()
    session.case.save(tmp_path / "case")
    assert json.loads((tmp_path / "case" / "case.json").read_text(encoding="utf-8"))["origin"] == origin
    recording = session.recording.path
    session.case.begin()
    assert session.case.origin is None
    session.case.load(tmp_path / "case")
    assert session.case.origin == origin
    session.recording.open(recording)
    assert session.case.origin == ("simulated" if origin == "simulated" else "replayed"), "the file tells what it holds"


def test_simulated_data_make_the_case_simulated_for_good(session, sweep):
    session.stream.connect_source(Source("simulator", "simulated"))
    record(session, sweep.frames)
    session.stream.connect_source(Source("room-1:18944"))
    session.case.keep()
    record(session, sweep.frames)
    assert session.case.origin == "simulated"
    session.case.begin()
    record(session, sweep.frames)
    assert session.case.origin == "live"


def test_the_simulator_marks_what_it_makes(tmp_path):
    from CRLMSegmentationLib.simulation.phantoms import simulate_phantom

    write_sweep(simulate_phantom(3).sweep, tmp_path / "sweep.igs.mha")
    assert origin_of(read_sweep(tmp_path / "sweep.igs.mha")) == "simulated"


def test_an_odd_origin_in_a_saved_case_is_none(session, sweep, tmp_path):
    session.recording.set_sweep(sweep)
    session.case.save(tmp_path / "case")
    index = tmp_path / "case" / "case.json"
    index.write_text(json.dumps({**json.loads(index.read_text(encoding="utf-8")), "origin": ["live"]}))
    session.case.load(tmp_path / "case")
    assert session.case.origin is None


# Files


def test_a_case_that_is_opened_belongs_to_no_stream(view, navigating, tmp_path, sweep):
    navigating.case.save(tmp_path / "case")
    navigating.case.load(tmp_path / "case")
    assert navigating.case.question is not None
    assert_nothing_is_measured(navigating, sweep.frames[4])


def test_a_recording_that_is_opened_is_another_patients(view, navigating, sweep, tmp_path):
    write_sweep(Sweep(sweep.frames[:5]), tmp_path / "other.igs.mha")
    (tmp_path / "damaged.igs.mha").write_text("nothing")
    with pytest.raises(SequenceFileError):
        navigating.recording.open(tmp_path / "damaged.igs.mha")
    assert navigating.tumor.surface is not None and navigating.box.value is not None
    navigating.recording.open(tmp_path / "other.igs.mha")
    assert len(navigating.recording.sweep) == 5 and navigating.case.origin == "replayed"
    assert (
        navigating.box.value is None and navigating.volume.value is None and navigating.view.segmentation_node() is None
    )
    assert "A sweep" in navigating.case.question, "the stream shows somebody else, as far as is known"
    navigating.stream.disconnect()
    navigating.box.set(Box(TUMOR_CENTER, (30, 30, 30)))
    navigating.recording.open(tmp_path / "other.igs.mha")
    assert navigating.box.value is not None, "the same recording again is the same case"


def test_the_recording_of_the_case_itself_is_no_other_case(session, sweep, tmp_path, box):
    session.recording.folder = tmp_path
    record(session, sweep.frames)
    session.box.set(box)
    assert session.wait()
    session.recording.open(session.recording.path)
    assert session.box.value is not None
    session.stream.connect_source(Source(file_identity(session.recording.path), "replayed"))
    assert session.case.question is None, "nor when it is replayed"


def test_a_replayed_file_and_the_opened_one_are_one_source(tmp_path, sweep):
    from CRLMSegmentationLib.session.recordings.replay import ReplaySource

    path = tmp_path / "x.igs.mha"
    source = CaseSource(lambda: "A sweep")
    source.begin(identity=file_identity(tmp_path / "." / "x.igs.mha"))
    source.connect(ReplaySource(path))
    assert source.question is None
    source.connect(ReplaySource(tmp_path / "y.igs.mha"))
    assert source.question is not None


# A new recording in the same case


def test_a_box_outside_the_new_volume_is_not_done(view, navigating, volume):
    assert navigating.state.status(Step.BOX) is StepStatus.DONE
    moved = volume.ijk_to_ras.copy()
    moved[:3, 3] += (400, 0, 0)
    navigating.volume.set(type(volume)(volume.voxels, moved))
    assert navigating.state.status(Step.BOX) is StepStatus.FAILED
    assert "outside the volume" in navigating.state[Step.BOX].message
    assert not visible(navigating, "vtkMRMLModelNode", names.SURFACE) and distance(navigating) is None
    navigating.box.set(Box(TUMOR_CENTER + (400, 0, 0), (30, 30, 30)))
    assert navigating.state.status(Step.BOX) is StepStatus.DONE
    navigating.volume.set(volume)
    assert navigating.state.status(Step.BOX) is StepStatus.FAILED


def test_a_box_around_the_whole_volume_is_not_outside(session, volume):
    session.volume.set(volume)
    session.box.set(Box(volume.center_ras + (900, 0, 0), (2000, 2000, 2000), turn((0, 0, 10))))
    assert session.state.status(Step.BOX) is StepStatus.DONE


def test_where_the_data_come_from_is_known_to_who_takes_the_scene_over(view, session, sweep, tmp_path):
    """After a reload of the module, or in a scene that was loaded."""
    from CRLMSegmentationLib.session.session import Session
    from CRLMSegmentationLib.sweep import write_sweep

    write_sweep(sweep, tmp_path / "sweep.igs.mha")
    session.recording.open(tmp_path / "sweep.igs.mha", origin="simulated")
    session.volume.reconstruct()
    session.close()
    following = on_scene(Session(), session.view.application)
    try:
        assert following.case.origin == "simulated"
        following.case.begin()
        assert following.case.origin is None
    finally:
        following.close()


def test_what_is_hidden_by_the_question_is_not_saved_or_left_hidden(view, navigating, tmp_path):
    navigating.stream.connect_source(Source("room-2:18944"))
    save_scene(navigating.view, tmp_path / "scene.mrb")
    navigating.process()
    assert hidden(navigating)
    navigating.close()
    assert shown(navigating), "nobody else would show it again"
    other = on_scene(Session())
    load_scene(other.view, tmp_path / "scene.mrb")
    assert visible(other, "vtkMRMLModelNode", names.SURFACE) and visible(other, "vtkMRMLMarkupsROINode", names.BOX)
    other.close()


def test_a_source_that_says_nothing_of_itself_counts_as_live_under_its_name(session, sweep):
    source = Source("room-1:18944")
    del source.identity, source.origin
    session.stream.connect_source(source)
    record(session, sweep.frames)
    assert session.case.origin == "live" and session.case.question is None
    other = Source("room-2:18944")
    del other.identity, other.origin
    session.stream.connect_source(other)
    assert "same patient" in session.case.question


def test_the_recording_in_a_simulated_case_says_what_it_is(session, sweep, tmp_path):
    write_sweep(sweep, tmp_path / "sweep.igs.mha")
    session.recording.open(tmp_path / "sweep.igs.mha", origin="simulated")
    session.case.save(tmp_path / "case")
    session.recording.open(tmp_path / "case" / "recording.igs.mha")
    assert session.case.origin == "simulated"


@pytest.mark.parametrize("one, other, same", [
    ("localhost", "127.0.0.1", True), ("LOCALHOST", "::1", True), ("Scanner", "scanner", True),
    ("scanner", "localhost", False),
])  # fmt: skip
def test_one_server_under_two_names_is_one_source(one, other, same):
    from CRLMSegmentationLib.session.frame_source import NetworkSource

    assert (NetworkSource(one, 18944).identity == NetworkSource(other, 18944).identity) is same
    assert NetworkSource(one, 18944).identity != NetworkSource(one, 18945).identity
