"""Nothing old is shown as new: a tumor of a closed scene, another margin than the one that warns, a threshold of the
tumor before, and read-outs that stand still because a part of the program has failed.
"""

import time
from operator import attrgetter

import numpy as np
import pytest
from CRLMSegmentationLib.errors import CRLMError
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.navigation.distance import TumorDistance
from CRLMSegmentationLib.navigation.margin import MarginState
from CRLMSegmentationLib.navigation.tracked_tool import ToolStatus
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.sweep import Pose
from small_case import TUMOR_CENTER, TUMOR_RADIUS_MM, affine
from stand_ins import ConeSegmenter, Source, SphereSegmenter, visible


@pytest.fixture
def with_tumor(session, volume, box, mask, surface):
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.set(mask, None, surface)
    return session


def distance_of_a_tool_seen_now(session):
    session.tools.update("StylusToReference", Pose(affine(translation=TUMOR_CENTER + (0, 30, 0))))
    return session.tools.distance_mm()


# The tumor of a closed scene


def test_tools_do_not_measure_to_the_tumor_of_a_closed_scene(view, with_tumor):
    assert distance_of_a_tool_seen_now(with_tumor) == pytest.approx(30 - TUMOR_RADIUS_MM, abs=0.6)
    with_tumor.view.scene.Clear(False)
    assert distance_of_a_tool_seen_now(with_tumor) is None


def test_tools_that_are_dropped_drop_the_tumor(session, surface):
    tools = session.tools
    tools.set_tumor(TumorDistance(surface))
    assert distance_of_a_tool_seen_now(session) is not None
    tools.forget()
    assert distance_of_a_tool_seen_now(session) is None


# One margin


def test_the_margin_of_an_opened_case_is_the_one_that_warns_and_is_told(with_tumor, tmp_path):
    with_tumor.structures.set_margin_mm(3.0)
    with_tumor.case.save(tmp_path / "case")
    other = Session()
    told = []
    other.add_listener(lambda state: told.append(other.structures.margin_mm))
    other.case.load(tmp_path / "case")
    assert told[-1] == 3.0
    other.tools.update("StylusToReference", Pose(affine(translation=TUMOR_CENTER + (0, TUMOR_RADIUS_MM + 5, 0))))
    assert other.tools.reading().margin is MarginState.CLEAR
    other.structures.set_margin_mm(6.0)
    assert told[-1] == 6.0 and other.tools.reading().margin is MarginState.WITHIN_MARGIN
    other.close()


def test_every_front_end_begins_with_the_same_margin(session):
    from CRLMSegmentationLib.web.page.page_state import PageState

    assert PageState().margin_mm == session.structures.margin_mm == 10.0


def test_settings_of_the_tumor_are_told(session):
    told = []
    session.add_listener(lambda state: told.append((session.tumor.smoothing, session.structures.shows_uncertainty)))
    session.tumor.set_smoothing(0.9)
    session.structures.show_uncertainty(True)
    assert told == [(0.9, False), (0.9, True)]


# Results belong to what they were asked for


def test_a_threshold_that_is_being_cut_does_not_replace_a_new_tumor(session, volume, box, mask):
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.segment(ConeSegmenter())
    session.tumor.set_threshold(0.8)
    session.tumor.set(mask)
    assert session.wait()
    np.testing.assert_array_equal(session.tumor.mask.voxels, mask.voxels)
    assert session.tumor.threshold is None


def test_a_segmentation_that_still_runs_does_not_replace_a_mask_that_is_given(session, volume, box, mask):
    session.volume.set(volume)
    session.box.set(box)
    job = session.tumor.begin(SphereSegmenter())
    result = job.run()
    smaller = mask.with_voxels(mask.voxels * (np.arange(mask.voxels.shape[2]) > 30))
    session.tumor.set(smaller)
    text = session.state[Step.SEGMENT].message
    assert session.jobs.finish(job, result) is False
    np.testing.assert_array_equal(session.tumor.mask.voxels, smaller.voxels)
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
    "frame": ("stream.image", "show"), "recording": ("recording", "process"), "jobs": ("jobs", "process"),
    "shells": ("structures", "process"), "tools": ("tools", "refresh"), "view": ("view.tools", "process"),
}  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_a_fault_makes_everything_live_lost_and_recording_goes_on(view, with_tumor, sweep, monkeypatch, part):
    session = with_tumor
    source = Source("room-1:18944")
    session.stream.connect_source(source)
    session.case.keep()
    session.recording.live_reconstruction = False
    session.recording.start()

    def beat(number):
        stylus = Pose(affine(translation=TUMOR_CENTER + (0, 30, 0)))
        source.waiting = [
            frame.with_changes(timestamp=number / 10 + frame.timestamp / 1e4, transforms={"StylusToReference": stylus})
            for frame in sweep.frames[4:6]
        ]
        session.process(now + number / 10)

    now = time.monotonic()
    beat(1)
    assert session.fault is None and session.stream.image.is_live(now + 0.1)
    assert session.tools.readings(now + 0.1)[0].status is ToolStatus.LIVE
    holder, name = attrgetter(PARTS[part][0])(session), PARTS[part][1]
    failing = Failing(getattr(holder, name))
    monkeypatch.setattr(holder, name, failing)
    heard = []
    session.add_listener(lambda state: heard.append(session.fault))
    beat(2)
    assert "float division by zero" in session.fault and heard[-1] == session.fault
    reading = session.tools.readings(now + 0.2)[0]
    assert reading.status is ToolStatus.LOST and reading.signed_distance_mm is None
    assert not session.stream.image.is_live(now + 0.2) and session.structures.contours() == []
    for class_name, name in (
        ("vtkMRMLScalarVolumeNode", names.LIVE_IMAGE), ("vtkMRMLModelNode", names.tool_model("Stylus")),
        ("vtkMRMLMarkupsLineNode", names.distance_line("Stylus")),
    ):  # fmt: skip
        assert not visible(session, class_name, name), name
    assert session.recording.state.frames == 4
    failing.fails = False
    beat(3)
    assert session.fault is not None, "what fails at every other beat must not flicker"
    beat(13)
    assert session.fault is None and session.tools.readings(now + 1.3)[0].status is ToolStatus.LIVE
    assert visible(session, "vtkMRMLScalarVolumeNode", names.LIVE_IMAGE)
    assert len(session.recording.stop()) == 8


def test_a_result_that_cannot_be_taken_in_fails_its_step(with_tumor, monkeypatch, sweep):
    with_tumor.recording.set_sweep(sweep)
    monkeypatch.setitem(with_tumor.jobs.handlers, Step.RECONSTRUCT, lambda result: 1 / 0)
    with_tumor.volume.start()
    assert with_tumor.wait()
    assert with_tumor.state.status(Step.RECONSTRUCT) is StepStatus.FAILED
    assert "division" in with_tumor.state[Step.RECONSTRUCT].message and with_tumor.fault is None


def test_a_frame_is_recorded_although_it_cannot_be_watched(session, sweep, monkeypatch, tmp_path):
    class Blind:
        frames_waiting, problem = 0, ""

        def add(self, frame):
            raise CRLMError("it lies outside")

        def close(self): ...

    session.recording.folder = tmp_path
    session.recording.start()
    recording = session.recording._recordings.current
    monkeypatch.setattr(recording.watch, "add", Blind().add)
    recording.live.close()
    recording.live = Blind()
    for frame in sweep.frames:
        session.stream.show_frame(frame)
    assert session.recording.state.frames == len(sweep)
    assert "recorded" in session.recording.state.text and "it lies outside" in session.recording.state.text
    assert len(session.recording.stop()) == len(sweep)
    assert session.wait() and session.volume.value is not None


def test_one_frame_that_cannot_be_kept_costs_no_other(session, sweep, monkeypatch):
    source = Source("room-1:18944")
    session.stream.connect_source(source)
    session.recording.live_reconstruction = False
    session.recording.start()
    add, odd = session.recording.add, sweep.frames[2]
    monkeypatch.setattr(session.recording, "add", lambda frame: add(frame if frame is not odd else frame.no_such_thing))
    source.waiting = list(sweep.frames)
    session.process()
    assert "no_such_thing" in session.fault
    assert session.recording.state.frames == len(sweep) - 1
    session.process(time.monotonic() + 5)
    assert session.fault is None
