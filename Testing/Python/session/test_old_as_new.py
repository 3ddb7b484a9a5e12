"""Nothing old is shown as new: a tumor of a closed scene, another margin than the one that warns, a threshold of the
tumor before, and read-outs that stand still because a part of the program has failed.
"""

import time

import numpy as np
import pytest
from CRLMSegmentationLib.errors import CRLMError
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.navigation.distance import TumorDistance
from CRLMSegmentationLib.navigation.margin import MarginState
from CRLMSegmentationLib.navigation.tracked_tool import ToolStatus
from CRLMSegmentationLib.session.session import NavigationSession
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.sweep import Pose
from small_case import TUMOR_CENTER, TUMOR_RADIUS_MM, affine

from .test_corrections import ConeSegmenter
from .test_other_source import Source, visible
from .test_session import SphereSegmenter


@pytest.fixture
def with_tumor(session, volume, box, mask, surface):
    session.set_volume(volume)
    session.set_box(box)
    session.set_segmentation(mask, None, surface)
    return session


def distance_of_a_tool_seen_now(session):
    session.update_tool("StylusToReference", Pose(affine(translation=TUMOR_CENTER + (0, 30, 0))))
    return session.tool_distance_mm()


# The tumor of a closed scene


def test_tools_do_not_measure_to_the_tumor_of_a_closed_scene(with_tumor):
    assert distance_of_a_tool_seen_now(with_tumor) == pytest.approx(30 - TUMOR_RADIUS_MM, abs=0.6)
    with_tumor.scene.Clear(False)
    assert distance_of_a_tool_seen_now(with_tumor) is None


def test_tools_that_are_dropped_drop_the_tumor(session, surface):
    tools = session.tools
    tools.set_tumor(TumorDistance(surface))
    assert distance_of_a_tool_seen_now(session) is not None
    tools.forget()
    assert distance_of_a_tool_seen_now(session) is None


# One margin


def test_the_margin_of_an_opened_case_is_the_one_that_warns_and_is_told(with_tumor, tmp_path):
    with_tumor.set_margin_mm(3.0)
    with_tumor.save_case(tmp_path / "case")
    other = NavigationSession()
    told = []
    other.add_listener(lambda state: told.append(other.margin_mm))
    other.load_case(tmp_path / "case")
    assert told[-1] == 3.0
    other.update_tool("StylusToReference", Pose(affine(translation=TUMOR_CENTER + (0, TUMOR_RADIUS_MM + 5, 0))))
    assert other.tool_reading().margin is MarginState.CLEAR
    other.set_margin_mm(6.0)
    assert told[-1] == 6.0 and other.tool_reading().margin is MarginState.WITHIN_MARGIN
    other.close()


def test_every_front_end_begins_with_the_same_margin(session):
    from CRLMSegmentationLib.web.page.page_state import PageState

    assert PageState().margin_mm == session.margin_mm == 10.0


def test_settings_of_the_tumor_are_told(session):
    told = []
    session.add_listener(lambda state: told.append((session.smoothing, session.shows_uncertainty)))
    session.set_smoothing(0.9)
    session.show_uncertainty(True)
    assert told == [(0.9, False), (0.9, True)]


# Results belong to what they were asked for


def test_a_threshold_that_is_being_cut_does_not_replace_a_new_tumor(session, volume, box, mask):
    session.set_volume(volume)
    session.set_box(box)
    session.segment(ConeSegmenter())
    session.set_threshold(0.8)
    session.set_segmentation(mask)
    assert session.wait()
    np.testing.assert_array_equal(session.mask.voxels, mask.voxels)
    assert session.threshold is None


def test_a_segmentation_that_still_runs_does_not_replace_a_mask_that_is_given(session, volume, box, mask):
    session.set_volume(volume)
    session.set_box(box)
    job = session.begin_segment(SphereSegmenter())
    result = job.run()
    smaller = mask.with_voxels(mask.voxels * (np.arange(mask.voxels.shape[2]) > 30))
    session.set_segmentation(smaller)
    text = session.state[Step.SEGMENT].message
    assert session.finish(job, result) is False
    np.testing.assert_array_equal(session.mask.voxels, smaller.voxels)
    assert session.state[Step.SEGMENT].message == text and session.state.status(Step.SEGMENT) is StepStatus.DONE


# A fault in the timer


class Failing:
    """Raises what no part should raise, while it is told to."""

    def __init__(self, usual):
        self.usual, self.fails = usual, True

    def __call__(self, *arguments):
        if self.fails:
            raise ZeroDivisionError("float division by zero")
        return self.usual(*arguments)


PARTS = {
    "frame": ("_live_image", "show"), "recording": ("_record", "process"), "jobs": ("_jobs", "process"),
    "shells": ("_navigate", "process"), "tools": ("tools", "refresh"),
}  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_a_fault_makes_everything_live_lost_and_recording_goes_on(with_tumor, sweep, monkeypatch, part):
    session = with_tumor
    source = Source("room-1:18944")
    session.connect_source(source)
    session.keep_case()
    session.live_reconstruction = False
    session.start_recording()

    def beat(number):
        stylus = Pose(affine(translation=TUMOR_CENTER + (0, 30, 0)))
        source.waiting = [
            frame.with_changes(timestamp=number / 10 + frame.timestamp / 1e4, transforms={"StylusToReference": stylus})
            for frame in sweep.frames[4:6]
        ]
        session.process(now + number / 10)

    now = time.monotonic()
    beat(1)
    assert session.fault is None and session._live_image.is_live(now + 0.1)
    assert session.readings(now + 0.1)[0].status is ToolStatus.LIVE
    holder, name = PARTS[part]
    failing = Failing(getattr(getattr(session, holder), name))
    monkeypatch.setattr(getattr(session, holder), name, failing)
    heard = []
    session.add_listener(lambda state: heard.append(session.fault))
    beat(2)
    assert "float division by zero" in session.fault and heard[-1] == session.fault
    reading = session.readings(now + 0.2)[0]
    assert reading.status is ToolStatus.LOST and reading.signed_distance_mm is None
    assert not session._live_image.is_live(now + 0.2) and session.tumor_contours() == []
    for class_name, name in (
        ("vtkMRMLScalarVolumeNode", names.LIVE_IMAGE), ("vtkMRMLModelNode", names.tool_model("Stylus")),
        ("vtkMRMLMarkupsLineNode", names.distance_line("Stylus")),
    ):  # fmt: skip
        assert not visible(session, class_name, name), name
    assert session.recording.frames == 4
    failing.fails = False
    beat(3)
    assert session.fault is not None, "what fails at every other beat must not flicker"
    beat(13)
    assert session.fault is None and session.readings(now + 1.3)[0].status is ToolStatus.LIVE
    assert visible(session, "vtkMRMLScalarVolumeNode", names.LIVE_IMAGE)
    assert len(session.stop_recording()) == 8


def test_a_result_that_cannot_be_taken_in_fails_its_step(with_tumor, monkeypatch, sweep):
    with_tumor.set_sweep(sweep)
    monkeypatch.setitem(with_tumor._jobs.takers, Step.RECONSTRUCT, lambda result: 1 / 0)
    with_tumor.start_reconstruct()
    assert with_tumor.wait()
    assert with_tumor.state.status(Step.RECONSTRUCT) is StepStatus.FAILED
    assert "division" in with_tumor.state[Step.RECONSTRUCT].message and with_tumor.fault is None


def test_a_frame_is_recorded_although_it_cannot_be_watched(session, sweep, monkeypatch, tmp_path):
    class Blind:
        frames_waiting, problem = 0, ""

        def add(self, frame):
            raise CRLMError("it lies outside")

        def close(self): ...

    session.record_folder = tmp_path
    session.start_recording()
    recording = session._record._recordings.current
    monkeypatch.setattr(recording.watch, "add", Blind().add)
    recording.live.close()
    recording.live = Blind()
    for frame in sweep.frames:
        session.show_frame(frame)
    assert session.recording.frames == len(sweep)
    assert "recorded" in session.recording.text and "it lies outside" in session.recording.text
    assert len(session.stop_recording()) == len(sweep)
    assert session.wait() and session.volume is not None


def test_one_frame_that_cannot_be_kept_costs_no_other(session, sweep, monkeypatch):
    source = Source("room-1:18944")
    session.connect_source(source)
    session.live_reconstruction = False
    session.start_recording()
    add, odd = session._record.add, sweep.frames[2]
    monkeypatch.setattr(session._record, "add", lambda frame: add(frame if frame is not odd else frame.no_such_thing))
    source.waiting = list(sweep.frames)
    session.process()
    assert "no_such_thing" in session.fault
    assert session.recording.frames == len(sweep) - 1
    session.process(time.monotonic() + 5)
    assert session.fault is None
