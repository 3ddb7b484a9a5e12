"""Doubts are shown until a person has seen them, and what a hand has made is not overwritten unasked."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.errors import SegmentationError
from CRLMSegmentationLib.session.jobs.job import Job
from CRLMSegmentationLib.session.state import Step
from CRLMSegmentationLib.values import Box
from small_case import TUMOR_CENTER, stand_in_model
from stand_ins import TOP, ConeSegmenter, Source, SphereSegmenter, ball, edit, record


@pytest.fixture
def doubtful(session, volume):
    """A tumor that reaches to the edge of its box."""
    session.volume.set(volume)
    session.box.set(Box(TUMOR_CENTER + (0, 0, 8), (30, 30, 18)))
    session.tumor.segment(SphereSegmenter())
    assert any("edge of the box" in doubt for doubt in session.tumor.doubts)
    return session


def test_doubts_stand_until_they_are_acknowledged(doubtful):
    heard = []
    doubtful.add_listener(lambda state: heard.append(state.doubts_acknowledged))
    assert not doubtful.tumor.doubts_acknowledged
    doubtful.process()
    doubtful.structures.set_margin_mm(5.0)
    assert not doubtful.tumor.doubts_acknowledged
    doubtful.tumor.acknowledge_doubts()
    assert doubtful.tumor.doubts_acknowledged and doubtful.tumor.doubts and heard[-1] is True


def test_the_same_doubts_of_another_tumor_are_shown_anew(doubtful):
    doubtful.tumor.acknowledge_doubts()
    doubtful.tumor.segment(SphereSegmenter())
    assert doubtful.tumor.doubts and not doubtful.tumor.doubts_acknowledged


def test_another_threshold_tells_only_new_doubts_anew(session, volume):
    session.volume.set(volume)
    session.box.set(Box(TUMOR_CENTER + (0, 0, 8), (30, 30, 18)))
    session.tumor.segment(ConeSegmenter())
    session.tumor.acknowledge_doubts()
    session.tumor.set_threshold(0.52)
    assert session.wait() and session.tumor.doubts and session.tumor.doubts_acknowledged
    session.tumor.set_threshold(0.99)
    assert session.wait()
    assert any("Nothing was found" in doubt for doubt in session.tumor.doubts) and not session.tumor.doubts_acknowledged


def test_no_tumor_no_doubt(doubtful):
    assert not doubtful.tumor.doubts_acknowledged
    doubtful.box.place(TUMOR_CENTER)
    assert doubtful.tumor.doubts == () and doubtful.tumor.doubts_acknowledged
    doubtful.case.begin()
    assert doubtful.tumor.doubts == () and doubtful.tumor.doubts_acknowledged


@pytest.mark.parametrize("seen", [False, True])
def test_what_was_seen_is_saved_with_the_case(doubtful, tmp_path, seen):
    if seen:
        doubtful.tumor.acknowledge_doubts()
    doubts = doubtful.tumor.doubts
    doubtful.case.save(tmp_path / "case")
    assert json.loads((tmp_path / "case" / "case.json").read_text(encoding="utf-8"))["doubts_acknowledged"] is seen
    doubtful.case.load(tmp_path / "case")
    assert doubtful.tumor.doubts == doubts and doubtful.tumor.doubts_acknowledged is seen


class NothingThere(SphereSegmenter):
    def probability(self, block, progress=None, should_cancel=None):
        return block.with_voxels(np.zeros(block.voxels.shape, np.float32))


@pytest.mark.parametrize("origin", ["live", "replayed", "simulated", None])
def test_nothing_found_in_real_data_is_doubted(session, sweep, volume, box, tmp_path, origin):
    if origin is not None:
        session.stream.connect_source(Source("room-1:18944", origin))
        record(session, sweep.frames)
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.segment(NothingThere())
    trained_on = stand_in_model().card.trained_on
    shown = [doubt for doubt in session.tumor.doubts if trained_on in doubt]
    assert "trained on" in trained_on and len(shown) == (origin != "simulated")
    assert not session.tumor.doubts_acknowledged
    session.stream.disconnect()
    session.case.save(tmp_path / "case")
    session.case.load(tmp_path / "case")
    assert [doubt for doubt in session.tumor.doubts if trained_on in doubt] == shown


# What a hand has made


@pytest.fixture
def segmented(session, volume, box):
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.segment(ConeSegmenter())
    return session


def test_hand_work_is_reported_from_the_first_stroke_to_the_last_undo(view, segmented, volume):
    first, second = ball(volume, TOP, 3.0), ball(volume, TUMOR_CENTER - (0, 13, 0), 3.0)
    assert not segmented.tumor.has_hand_corrections
    segmented.tumor.begin_correction()
    assert not segmented.tumor.has_hand_corrections
    masks = [segmented.tumor.mask.voxels > 0]
    for stroke in (first, second):
        masks.append(edit(segmented, lambda mask, stroke=stroke: mask | stroke))
        assert segmented.tumor.has_hand_corrections, "at once, before the surface has followed"
        assert segmented.wait()
    for mask in (masks[1], masks[0], masks[1], masks[2], masks[1], masks[0]):
        edit(segmented, lambda _, mask=mask: mask)
        assert segmented.wait()
        assert segmented.tumor.has_hand_corrections is (mask is not masks[0])
    segmented.tumor.end_correction()
    assert segmented.wait()
    assert "corrected by hand" not in segmented.state[Step.SEGMENT].message
    segmented.tumor.set_threshold(0.2)
    assert segmented.wait()
    wanted = (segmented.tumor.probability.voxels >= 0.2).sum()
    assert abs(int((segmented.tumor.mask.voxels > 0).sum()) - int(wanted)) <= 2, "what was undone holds nothing back"


def test_an_undo_brings_doubts_back(view, doubtful, volume):
    doubts = doubtful.tumor.doubts
    before = doubtful.tumor.mask.voxels > 0
    doubtful.tumor.begin_correction()
    edit(doubtful, lambda mask: mask | ball(volume, TOP, 3.0))
    assert doubtful.wait() and doubtful.tumor.doubts == ()
    edit(doubtful, lambda mask: before)
    assert doubtful.wait() and doubtful.tumor.doubts == doubts and not doubtful.tumor.doubts_acknowledged


def test_corrections_go_on_where_they_were(view, segmented, volume):
    for place in (TOP, TUMOR_CENTER - (0, 13, 0)):
        segmented.tumor.begin_correction()
        edit(segmented, lambda mask, place=place: mask | ball(volume, place, 3.0))
        segmented.tumor.end_correction()
        assert segmented.wait()
    mask = segmented.tumor.mask.voxels > 0
    assert mask[ball(volume, TOP, 3.0)].all() and mask[ball(volume, TUMOR_CENTER - (0, 13, 0), 3.0)].all()
    painted = segmented.tumor.state.corrections.painted
    segmented.tumor.set_threshold(0.9)
    assert segmented.wait() and (segmented.tumor.mask.voxels > 0)[painted].all()


def test_nobody_corrects_what_is_being_found_and_a_stroke_stops_the_finding(view, segmented, volume):
    def endless(progress, should_cancel):
        from CRLMSegmentationLib.errors import Cancelled

        while not should_cancel():
            pass
        raise Cancelled("cancelled")

    jobs = segmented.jobs
    jobs.start(Job(Step.SEGMENT, endless, segmented._workflow.revisions[Step.SEGMENT]))
    with pytest.raises(SegmentationError, match="being found"):
        segmented.tumor.begin_correction()
    # Through Slicer's own Segment Editor, for example.
    stroke = ball(volume, TOP, 3.0)
    wanted = edit(segmented, lambda mask: mask | stroke)
    assert segmented.wait()
    np.testing.assert_array_equal(segmented.tumor.mask.voxels > 0, wanted)
    assert segmented.tumor.has_hand_corrections and "by hand meanwhile" in segmented.state.notices[-1]
