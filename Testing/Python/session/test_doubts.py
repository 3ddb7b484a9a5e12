"""Doubts are told until a person has seen them, and what a hand has made is not overwritten unasked."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.errors import SegmentationError
from CRLMSegmentationLib.session.jobs.job import Job
from CRLMSegmentationLib.session.state import Step
from CRLMSegmentationLib.values import Box
from small_case import TUMOR_CENTER, stand_in_model

from .test_corrections import TOP, ConeSegmenter, ball, edit
from .test_other_source import Source, record
from .test_session import SphereSegmenter


@pytest.fixture
def doubtful(session, volume):
    """A tumor that reaches to the edge of its box."""
    session.set_volume(volume)
    session.set_box(Box(TUMOR_CENTER + (0, 0, 8), (30, 30, 18)))
    session.segment(SphereSegmenter())
    assert any("edge of the box" in doubt for doubt in session.doubts)
    return session


def test_doubts_stand_until_they_are_acknowledged(doubtful):
    heard = []
    doubtful.add_listener(lambda state: heard.append(state.doubts_acknowledged))
    assert not doubtful.doubts_acknowledged
    doubtful.process()
    doubtful.set_margin_mm(5.0)
    assert not doubtful.doubts_acknowledged
    doubtful.acknowledge_doubts()
    assert doubtful.doubts_acknowledged and doubtful.doubts and heard[-1] is True


def test_the_same_doubts_of_another_tumor_are_told_anew(doubtful):
    doubtful.acknowledge_doubts()
    doubtful.segment(SphereSegmenter())
    assert doubtful.doubts and not doubtful.doubts_acknowledged


def test_another_threshold_tells_only_new_doubts_anew(session, volume):
    session.set_volume(volume)
    session.set_box(Box(TUMOR_CENTER + (0, 0, 8), (30, 30, 18)))
    session.segment(ConeSegmenter())
    session.acknowledge_doubts()
    session.set_threshold(0.52)
    assert session.wait() and session.doubts and session.doubts_acknowledged
    session.set_threshold(0.99)
    assert session.wait()
    assert any("Nothing was found" in doubt for doubt in session.doubts) and not session.doubts_acknowledged


def test_no_tumor_no_doubt(doubtful):
    assert not doubtful.doubts_acknowledged
    doubtful.place_box(TUMOR_CENTER)
    assert doubtful.doubts == () and doubtful.doubts_acknowledged
    doubtful.new_case()
    assert doubtful.doubts == () and doubtful.doubts_acknowledged


@pytest.mark.parametrize("seen", [False, True])
def test_what_was_seen_is_saved_with_the_case(doubtful, tmp_path, seen):
    if seen:
        doubtful.acknowledge_doubts()
    doubts = doubtful.doubts
    doubtful.save_case(tmp_path / "case")
    assert json.loads((tmp_path / "case" / "case.json").read_text(encoding="utf-8"))["doubts_acknowledged"] is seen
    doubtful.load_case(tmp_path / "case")
    assert doubtful.doubts == doubts and doubtful.doubts_acknowledged is seen


class NothingThere(SphereSegmenter):
    def probability(self, block, progress=None, should_cancel=None):
        return block.with_voxels(np.zeros(block.voxels.shape, np.float32))


@pytest.mark.parametrize("origin", ["live", "replayed", "simulated", None])
def test_nothing_found_in_real_data_is_doubted(session, sweep, volume, box, tmp_path, origin):
    if origin is not None:
        session.connect_source(Source("room-1:18944", origin))
        record(session, sweep.frames)
    session.set_volume(volume)
    session.set_box(box)
    session.segment(NothingThere())
    trained_on = stand_in_model().card.trained_on
    told = [doubt for doubt in session.doubts if trained_on in doubt]
    assert "trained on" in trained_on and len(told) == (origin != "simulated")
    assert not session.doubts_acknowledged
    session.disconnect()
    session.save_case(tmp_path / "case")
    session.load_case(tmp_path / "case")
    assert [doubt for doubt in session.doubts if trained_on in doubt] == told


# What a hand has made


@pytest.fixture
def segmented(session, volume, box):
    session.set_volume(volume)
    session.set_box(box)
    session.segment(ConeSegmenter())
    return session


def test_hand_work_is_told_from_the_first_stroke_to_the_last_undo(segmented, volume):
    first, second = ball(volume, TOP, 3.0), ball(volume, TUMOR_CENTER - (0, 13, 0), 3.0)
    assert not segmented.has_hand_corrections
    segmented.begin_correction()
    assert not segmented.has_hand_corrections
    masks = [segmented.mask.voxels > 0]
    for stroke in (first, second):
        masks.append(edit(segmented, lambda mask, stroke=stroke: mask | stroke))
        assert segmented.has_hand_corrections, "at once, before the surface has followed"
        assert segmented.wait()
    for mask in (masks[1], masks[0], masks[1], masks[2], masks[1], masks[0]):
        edit(segmented, lambda _, mask=mask: mask)
        assert segmented.wait()
        assert segmented.has_hand_corrections is (mask is not masks[0])
    segmented.end_correction()
    assert segmented.wait()
    assert "corrected by hand" not in segmented.state[Step.SEGMENT].message
    segmented.set_threshold(0.2)
    assert segmented.wait()
    wanted = (segmented.probability.voxels >= 0.2).sum()
    assert abs(int((segmented.mask.voxels > 0).sum()) - int(wanted)) <= 2, "what was undone holds nothing back"


def test_an_undo_brings_doubts_back(doubtful, volume):
    doubts = doubtful.doubts
    before = doubtful.mask.voxels > 0
    doubtful.begin_correction()
    edit(doubtful, lambda mask: mask | ball(volume, TOP, 3.0))
    assert doubtful.wait() and doubtful.doubts == ()
    edit(doubtful, lambda mask: before)
    assert doubtful.wait() and doubtful.doubts == doubts and not doubtful.doubts_acknowledged


def test_corrections_go_on_where_they_were(segmented, volume):
    for place in (TOP, TUMOR_CENTER - (0, 13, 0)):
        segmented.begin_correction()
        edit(segmented, lambda mask, place=place: mask | ball(volume, place, 3.0))
        segmented.end_correction()
        assert segmented.wait()
    mask = segmented.mask.voxels > 0
    assert mask[ball(volume, TOP, 3.0)].all() and mask[ball(volume, TUMOR_CENTER - (0, 13, 0), 3.0)].all()
    painted = segmented.tumor_state.corrections.painted
    segmented.set_threshold(0.9)
    assert segmented.wait() and (segmented.mask.voxels > 0)[painted].all()


def test_nobody_corrects_what_is_being_found_and_a_stroke_stops_the_finding(segmented, volume):
    def endless(progress, should_cancel):
        from CRLMSegmentationLib.errors import Cancelled

        while not should_cancel():
            pass
        raise Cancelled("cancelled")

    jobs = segmented._jobs
    jobs.start(Job(Step.SEGMENT, endless, segmented._workflow.revisions[Step.SEGMENT]))
    with pytest.raises(SegmentationError, match="being found"):
        segmented.begin_correction()
    # Through Slicer's own Segment Editor, for example.
    stroke = ball(volume, TOP, 3.0)
    wanted = edit(segmented, lambda mask: mask | stroke)
    assert segmented.wait()
    np.testing.assert_array_equal(segmented.mask.voxels > 0, wanted)
    assert segmented.has_hand_corrections and "by hand meanwhile" in segmented.state.notices[-1]
