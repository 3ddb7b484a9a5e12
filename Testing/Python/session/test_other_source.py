"""Another source is another case: nothing of one patient is shown as current over the images of another."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.errors import RecordingError, SequenceFileError
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.mrml.bundle import load_scene, save_scene
from CRLMSegmentationLib.mrml.nodes import find
from CRLMSegmentationLib.session.case.case_source import CaseSource, file_identity, origin_of
from CRLMSegmentationLib.session.session import NavigationSession
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.sweep import Pose, Sweep, read_sweep, write_sweep
from CRLMSegmentationLib.tracking import StreamStatus
from CRLMSegmentationLib.tracking.age import Age
from CRLMSegmentationLib.values import Box
from small_case import TUMOR_CENTER, turn

from .test_session import TIP_TO_STYLUS, stylus_with_tip_at


class Source:
    """Gives the frames that it is told to."""

    def __init__(self, identity, origin="live"):
        self.name = self.identity = identity
        self.origin = origin
        self.status = StreamStatus(connected=True, connections=1, frames=1, age=Age(0.0))
        self.waiting = []

    def start(self): ...

    def stop(self): ...

    def poll(self):
        frames, self.waiting = self.waiting, []
        return frames

    def shown(self, frame): ...

    def transforms(self):
        return {}


TUMOR_NODES = (
    ("vtkMRMLModelNode", names.SURFACE), ("vtkMRMLSegmentationNode", names.SEGMENTATION),
    ("vtkMRMLMarkupsROINode", names.BOX), ("vtkMRMLModelNode", names.MARGIN),
)  # fmt: skip


@pytest.fixture
def navigating(session, sweep, volume, box, mask, surface):
    """A tumor found in what the scanner in room 1 has sent, and a stylus beside it."""
    session.connect_source(Source("room-1:18944"))
    record(session, sweep.frames)
    session.set_volume(volume)
    session.set_box(box)
    session.set_segmentation(mask, None, surface)
    session.update_tool("StylusTipToStylus", Pose(TIP_TO_STYLUS))
    assert session.wait() and distance(session) is not None and shown(session)
    return session


def distance(session):
    """Of a tip that is seen just now."""
    session.update_tool("StylusToReference", stylus_with_tip_at(TUMOR_CENTER + (30, 0, 0)))
    return session.tool_distance_mm()


def record(session, frames):
    session.live_reconstruction = False
    session.start_recording()
    for frame in frames:
        session.show_frame(frame)
    return session.stop_recording()


def visible(session, class_name, name):
    node = find(session.scene, class_name, name)
    return node is not None and bool(node.GetDisplayVisibility())


def shown(session):
    return all(visible(session, *node) for node in TUMOR_NODES)


def hidden(session):
    return not any(visible(session, *node) for node in TUMOR_NODES)


def assert_nothing_is_measured(session, frame):
    session.show_frame(frame.with_changes(transforms={}))
    session.process()
    assert hidden(session)
    assert distance(session) is None and session.tumor_contours() == []
    assert [reading.signed_distance_mm for reading in session.readings()] == [None]
    assert not visible(session, "vtkMRMLMarkupsLineNode", names.distance_line("Stylus"))
    assert session.state.status(Step.NAVIGATE) is StepStatus.WAITING


def test_another_source_hides_the_case_and_asks(navigating, sweep):
    heard = []
    navigating.add_listener(lambda state: heard.append(state[Step.NAVIGATE].message))
    navigating.disconnect()
    assert navigating.source_question is None and shown(navigating), "the case can be looked at without a stream"
    navigating.connect_source(Source("room-2:18944"))
    assert "same patient" in navigating.source_question and "A tumor of 3" in navigating.source_question
    assert heard[-1] == navigating.source_question
    assert_nothing_is_measured(navigating, sweep.frames[4])
    with pytest.raises(RecordingError, match="same patient"):
        navigating.start_recording()
    assert navigating.recording is None
    source = navigating.source
    source.waiting = list(sweep.frames[5:6])
    navigating.process()
    np.testing.assert_allclose(navigating._live_image.image_to_reference, sweep.frames[5].image_to_reference)


def test_the_same_patient_gets_everything_back(navigating):
    navigating.connect_source(Source("room-2:18944"))
    navigating.keep_case()
    assert navigating.source_question is None and shown(navigating)
    assert navigating.state.status(Step.NAVIGATE) is StepStatus.READY
    assert distance(navigating) is not None
    navigating.start_recording()
    # Both belong to the case from now on.
    for identity in ("room-1:18944", "room-2:18944"):
        navigating.connect_source(Source(identity))
        assert navigating.source_question is None
    navigating.connect_source(Source("room-3:18944"))
    assert navigating.source_question is not None


def test_going_back_to_the_source_of_the_case_asks_nothing(navigating):
    navigating.connect_source(Source("room-2:18944"))
    navigating.connect_source(Source("room-1:18944"))
    assert navigating.source_question is None and shown(navigating)


def test_what_is_found_while_it_is_asked_stays_hidden(navigating, sweep, mask, surface):
    navigating.connect_source(Source("room-2:18944"))
    navigating.set_segmentation(mask, None, surface)
    assert_nothing_is_measured(navigating, sweep.frames[4])
    navigating.keep_case()
    assert visible(navigating, "vtkMRMLModelNode", names.SURFACE)


def test_a_tumor_that_became_stale_meanwhile_does_not_come_back(navigating, volume):
    navigating.connect_source(Source("room-2:18944"))
    navigating.set_volume(volume)
    navigating.keep_case()
    assert not visible(navigating, "vtkMRMLModelNode", names.SURFACE)
    assert visible(navigating, "vtkMRMLMarkupsROINode", names.BOX)
    assert navigating.state.status(Step.NAVIGATE) is StepStatus.WAITING


def test_a_new_case_holds_nothing_of_the_old_one(navigating, sweep):
    navigating.connect_source(Source("room-2:18944"))
    navigating.new_case()
    assert navigating.source_question is None and navigating.source is not None
    assert navigating.sweep is None and navigating.volume is None and navigating.box is None
    assert navigating.surface is None and navigating.mask is None and navigating.probability is None
    assert navigating.state.doubts == () and navigating.case_clock_s is None and navigating.origin is None
    assert not navigating.has_unsaved_data
    for class_name, name in (
        *TUMOR_NODES,
        ("vtkMRMLScalarVolumeNode", names.VOLUME),
        ("vtkMRMLSequenceBrowserNode", names.SWEEP_BROWSER),
        ("vtkMRMLMarkupsLineNode", names.distance_line("Stylus")),
    ):
        assert find(navigating.scene, class_name, name) is None, name
    navigating.update_tool("StylusToReference", stylus_with_tip_at(TUMOR_CENTER))
    reading = navigating.tool_reading()
    assert reading.signed_distance_mm is None
    np.testing.assert_allclose(reading.tip_ras, TUMOR_CENTER, atol=1e-9, err_msg="a tool stays calibrated")
    record(navigating, sweep.frames)
    assert len(navigating.sweep) == len(sweep) and navigating.source_question is None


def test_an_empty_case_goes_with_any_source(session):
    for identity in ("room-1:18944", "room-2:18944"):
        session.connect_source(Source(identity))
        assert session.source_question is None
    session.start_recording()


@pytest.mark.parametrize("what", ["sweep", "volume", "box"])
def test_anything_of_a_case_is_asked_about(session, sweep, volume, box, what):
    session.connect_source(Source("room-1:18944"))
    {
        "sweep": lambda: session.set_sweep(sweep),
        "volume": lambda: session.set_volume(volume),
        "box": lambda: session.set_box(box),
    }[what]()
    assert session.source_question is None
    session.connect_source(Source("room-2:18944"))
    assert what in session.source_question


def test_a_recording_has_one_source_and_is_kept(session, sweep):
    session.connect_source(Source("room-1:18944"))
    session.live_reconstruction = False
    session.start_recording()
    for frame in sweep.frames:
        session.show_frame(frame)
    session.connect_source(Source("room-2:18944"))
    session.show_frame(sweep.frames[0])
    assert session.recording is None and len(session.sweep) == len(sweep)
    assert session.source_question is not None and "recording has ended" in session.state.notices[-1]


# Where data are from


@pytest.mark.parametrize("origin", ["live", "replayed", "simulated"])
def test_the_origin_is_of_the_data_and_outlasts_connection_and_program(session, sweep, tmp_path, origin):
    assert session.origin is None
    session.record_folder = tmp_path / "recordings"
    session.connect_source(Source("room-1:18944", origin))
    assert session.origin is None, "nothing was recorded yet"
    record(session, sweep.frames)
    session.disconnect()
    assert session.origin == origin
    assert session.wait()
    session.save_case(tmp_path / "case")
    assert json.loads((tmp_path / "case" / "case.json").read_text(encoding="utf-8"))["origin"] == origin
    recording = session.recorded_path
    session.new_case()
    assert session.origin is None
    session.load_case(tmp_path / "case")
    assert session.origin == origin
    session.open_sweep(recording)
    assert session.origin == ("simulated" if origin == "simulated" else "replayed"), "the file tells what it holds"


def test_simulated_data_make_the_case_simulated_for_good(session, sweep):
    session.connect_source(Source("simulator", "simulated"))
    record(session, sweep.frames)
    session.connect_source(Source("room-1:18944"))
    session.keep_case()
    record(session, sweep.frames)
    assert session.origin == "simulated"
    session.new_case()
    record(session, sweep.frames)
    assert session.origin == "live"


def test_the_simulator_marks_what_it_makes(tmp_path):
    from CRLMSegmentationLib.simulation.phantoms import simulate_phantom

    write_sweep(simulate_phantom(3).sweep, tmp_path / "sweep.igs.mha")
    assert origin_of(read_sweep(tmp_path / "sweep.igs.mha")) == "simulated"


def test_an_odd_origin_in_a_saved_case_is_none(session, sweep, tmp_path):
    session.set_sweep(sweep)
    session.save_case(tmp_path / "case")
    index = tmp_path / "case" / "case.json"
    index.write_text(json.dumps({**json.loads(index.read_text(encoding="utf-8")), "origin": ["live"]}))
    session.load_case(tmp_path / "case")
    assert session.origin is None


# Files


def test_a_case_that_is_opened_belongs_to_no_stream(navigating, tmp_path, sweep):
    navigating.save_case(tmp_path / "case")
    navigating.load_case(tmp_path / "case")
    assert navigating.source_question is not None
    assert_nothing_is_measured(navigating, sweep.frames[4])


def test_a_recording_that_is_opened_is_another_patients(navigating, sweep, tmp_path):
    write_sweep(Sweep(sweep.frames[:5]), tmp_path / "other.igs.mha")
    (tmp_path / "damaged.igs.mha").write_text("nothing")
    with pytest.raises(SequenceFileError):
        navigating.open_sweep(tmp_path / "damaged.igs.mha")
    assert navigating.surface is not None and navigating.box is not None
    navigating.open_sweep(tmp_path / "other.igs.mha")
    assert len(navigating.sweep) == 5 and navigating.origin == "replayed"
    assert navigating.box is None and navigating.volume is None and navigating.segmentation_node() is None
    assert "A sweep" in navigating.source_question, "the stream shows somebody else, as far as is known"
    navigating.disconnect()
    navigating.set_box(Box(TUMOR_CENTER, (30, 30, 30)))
    navigating.open_sweep(tmp_path / "other.igs.mha")
    assert navigating.box is not None, "the same recording again is the same case"


def test_the_recording_of_the_case_itself_is_no_other_case(session, sweep, tmp_path, box):
    session.record_folder = tmp_path
    record(session, sweep.frames)
    session.set_box(box)
    assert session.wait()
    session.open_sweep(session.recorded_path)
    assert session.box is not None
    session.connect_source(Source(file_identity(session.recorded_path), "replayed"))
    assert session.source_question is None, "nor when it is replayed"


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


def test_a_box_outside_the_new_volume_is_not_done(navigating, volume):
    assert navigating.state.status(Step.BOX) is StepStatus.DONE
    moved = volume.ijk_to_ras.copy()
    moved[:3, 3] += (400, 0, 0)
    navigating.set_volume(type(volume)(volume.voxels, moved))
    assert navigating.state.status(Step.BOX) is StepStatus.FAILED
    assert "outside the volume" in navigating.state[Step.BOX].message
    assert not visible(navigating, "vtkMRMLModelNode", names.SURFACE) and distance(navigating) is None
    navigating.set_box(Box(TUMOR_CENTER + (400, 0, 0), (30, 30, 30)))
    assert navigating.state.status(Step.BOX) is StepStatus.DONE
    navigating.set_volume(volume)
    assert navigating.state.status(Step.BOX) is StepStatus.FAILED


def test_a_box_around_the_whole_volume_is_not_outside(session, volume):
    session.set_volume(volume)
    session.set_box(Box(volume.center_ras + (900, 0, 0), (2000, 2000, 2000), turn((0, 0, 10))))
    assert session.state.status(Step.BOX) is StepStatus.DONE


def test_where_the_data_come_from_is_known_to_who_takes_the_scene_over(session, sweep, tmp_path):
    """After a reload of the module, or in a scene that was loaded."""
    from CRLMSegmentationLib.session.session import NavigationSession
    from CRLMSegmentationLib.sweep import write_sweep

    write_sweep(sweep, tmp_path / "sweep.igs.mha")
    session.open_sweep(tmp_path / "sweep.igs.mha", origin="simulated")
    session.reconstruct()
    session.close()
    following = NavigationSession(session.application)
    try:
        assert following.origin == "simulated"
        following.new_case()
        assert following.origin is None
    finally:
        following.close()


def test_what_is_hidden_by_the_question_is_not_saved_or_left_hidden(navigating, tmp_path):
    navigating.connect_source(Source("room-2:18944"))
    save_scene(navigating, tmp_path / "scene.mrb")
    navigating.process()
    assert hidden(navigating)
    navigating.close()
    assert shown(navigating), "nobody else would show it again"
    other = NavigationSession()
    load_scene(other, tmp_path / "scene.mrb")
    assert visible(other, "vtkMRMLModelNode", names.SURFACE) and visible(other, "vtkMRMLMarkupsROINode", names.BOX)
    other.close()


def test_a_source_that_says_nothing_of_itself_counts_as_live_under_its_name(session, sweep):
    source = Source("room-1:18944")
    del source.identity, source.origin
    session.connect_source(source)
    record(session, sweep.frames)
    assert session.origin == "live" and session.source_question is None
    other = Source("room-2:18944")
    del other.identity, other.origin
    session.connect_source(other)
    assert "same patient" in session.source_question


def test_the_recording_in_a_simulated_case_says_what_it_is(session, sweep, tmp_path):
    write_sweep(sweep, tmp_path / "sweep.igs.mha")
    session.open_sweep(tmp_path / "sweep.igs.mha", origin="simulated")
    session.save_case(tmp_path / "case")
    session.open_sweep(tmp_path / "case" / "recording.igs.mha")
    assert session.origin == "simulated"


@pytest.mark.parametrize("one, other, same", [
    ("localhost", "127.0.0.1", True), ("LOCALHOST", "::1", True), ("Scanner", "scanner", True),
    ("scanner", "localhost", False),
])  # fmt: skip
def test_one_server_under_two_names_is_one_source(one, other, same):
    from CRLMSegmentationLib.session.stream import NetworkSource

    assert (NetworkSource(one, 18944).identity == NetworkSource(other, 18944).identity) is same
    assert NetworkSource(one, 18944).identity != NetworkSource(one, 18945).identity
