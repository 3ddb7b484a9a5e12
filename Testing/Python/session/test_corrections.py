"""Corrections by hand: they survive another threshold, surface and distances follow them, undo works, other segments
stay.
"""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import SegmentationError
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.mrml.labelmap import BINARY_LABELMAP, labelmap_of, put_segment, segment_of
from CRLMSegmentationLib.segmentation.surface import surface_volume_mm3
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.session.tumor.hand_corrections import HandCorrections
from CRLMSegmentationLib.sweep import Pose
from CRLMSegmentationLib.values import Box
from hypothesis import given
from hypothesis import strategies as st
from small_case import TUMOR_CENTER, TUMOR_RADIUS_MM, affine
from stand_ins import TOP, ConeSegmenter, ball, edit


@pytest.fixture
def segmented(session, volume, box):
    session.volume.set(volume)
    # Along the volume's axes, so that every voxel has exactly the probability that the cone gives it.
    session.box.set(Box(box.center_ras, box.size_mm, volume.ijk_to_ras[:3, :3] / volume.spacing_mm))
    session.tumor.segment(ConeSegmenter())
    return session


def distance_mm(session):
    session.tools.update("StylusToReference", Pose(affine(translation=TOP + (0, 10, 0))))
    return session.tools.distance_mm()


def test_a_stroke_moves_surface_distance_and_figures(view, segmented, volume):
    before_mm = distance_mm(segmented)
    stroke = ball(volume, TOP, 4.0)
    segmented.tumor.begin_correction()
    wanted = edit(segmented, lambda mask: mask | stroke)
    assert segmented.wait()
    np.testing.assert_array_equal(segmented.tumor.mask.voxels > 0, wanted)
    assert surface_volume_mm3(segmented.tumor.surface) == pytest.approx(
        wanted.sum() * volume.voxel_volume_mm3, rel=0.02
    )
    assert distance_mm(segmented) < before_mm - 5
    segmented.tumor.end_correction()
    assert segmented.wait()
    assert "corrected by hand" in segmented.state[Step.SEGMENT].message
    assert f"{wanted.sum() * volume.voxel_volume_mm3 / 1000:.1f} mL" in segmented.state[Step.SEGMENT].message


def test_strokes_survive_another_threshold_both_ways(view, segmented, volume):
    painted, erased = ball(volume, TOP, 4.0), ball(volume, TUMOR_CENTER - (0, 0, TUMOR_RADIUS_MM), 3.0)
    segmented.tumor.begin_correction()
    edit(segmented, lambda mask: (mask | painted) & ~erased)
    segmented.tumor.end_correction()
    for threshold, radius_mm in ((0.3, 1.4 * TUMOR_RADIUS_MM), (0.7, 0.6 * TUMOR_RADIUS_MM), (0.5, TUMOR_RADIUS_MM)):
        segmented.tumor.set_threshold(threshold)
        assert segmented.wait()
        mask = segmented.tumor.mask.voxels > 0
        # What a stroke has changed is as the hand wanted it; what it only went over may follow the threshold.
        sphere = ball(volume, TUMOR_CENTER, TUMOR_RADIUS_MM)
        assert mask[painted & ~sphere].all() and not mask[erased & sphere].any()
        free = ~(painted | erased)
        box_holds = ball(volume, TUMOR_CENTER, 12.0)
        differ = (mask != ball(volume, TUMOR_CENTER, radius_mm)) & free & box_holds
        assert differ.sum() <= 2, "but for the rounding of voxels that lie on the sphere"
    assert segmented.tumor.threshold == 0.5


def test_the_last_stroke_counts(view, segmented, volume):
    place = ball(volume, TOP, 3.0)
    segmented.tumor.begin_correction()
    edit(segmented, lambda mask: mask | place)
    assert segmented.wait()
    # More than what was painted: voxels that are just as they were before the first stroke are an undo of it.
    edit(segmented, lambda mask: mask & ~ball(volume, TOP - (0, 2.5, 0), 6.0))
    segmented.tumor.end_correction()
    assert segmented.wait()
    segmented.tumor.set_threshold(0.2)
    assert segmented.wait()
    assert not (segmented.tumor.mask.voxels > 0)[place].any()


def test_a_threshold_that_comes_while_a_stroke_is_taken_in_loses_no_stroke(view, segmented, volume):
    first, second = ball(volume, TOP, 3.0), ball(volume, TUMOR_CENTER - (0, TUMOR_RADIUS_MM + 4, 0), 3.0)
    segmented.tumor.begin_correction()
    edit(segmented, lambda mask: mask | first)
    segmented.tumor.set_threshold(0.6)
    edit(segmented, lambda mask: mask | second)
    assert segmented.wait()
    mask = segmented.tumor.mask.voxels > 0
    sphere = ball(volume, TUMOR_CENTER, TUMOR_RADIUS_MM)
    assert mask[first & ~sphere].all() and mask[second & ~sphere].all()
    assert segmented.tumor.threshold == 0.6
    assert not mask[ball(volume, TUMOR_CENTER + (8.2, 0, 0), 0.6) & ~first & ~second].any()


def test_everything_erased_is_no_tumor_and_can_be_painted_again(view, segmented, volume):
    segmented.tumor.begin_correction()
    edit(segmented, lambda mask: np.zeros_like(mask))
    assert segmented.wait()
    assert segmented.tumor.surface is None and distance_mm(segmented) is None
    assert segmented.state.status(Step.NAVIGATE) is StepStatus.WAITING
    assert segmented.view.segmentation_node().GetDisplayVisibility()
    edit(segmented, lambda mask: ball(volume, TUMOR_CENTER, 5.0))
    assert segmented.wait()
    assert distance_mm(segmented) == pytest.approx(TUMOR_RADIUS_MM + 14 - 5, abs=0.7)


def test_a_tumor_can_be_drawn_where_nothing_was_found(view, session, volume, box):
    with pytest.raises(SegmentationError, match="no volume"):
        session.tumor.begin_correction()
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.begin_correction()
    node = session.view.segmentation_node()
    assert segment_of(node, names.SEGMENT).GetRepresentation(BINARY_LABELMAP) is not None
    edit(session, lambda mask: ball(volume, TUMOR_CENTER, 6.0))
    session.tumor.end_correction()
    assert session.wait()
    assert session.tumor.surface is not None and session.state.status(Step.NAVIGATE) is StepStatus.READY
    with pytest.raises(SegmentationError, match="no probability"):
        session.tumor.set_threshold(0.4)


def test_a_new_box_ends_the_correction_and_forgets_its_strokes(view, segmented, volume, box):
    stroke = ball(volume, TOP, 4.0)
    segmented.tumor.begin_correction()
    edit(segmented, lambda mask: mask | stroke)
    segmented.box.place(box.center_ras + (2, 0, 0), box.size_mm)
    assert not segmented.tumor.is_correcting and segmented.tumor.surface is None
    assert segmented.wait()
    assert segmented.tumor.surface is None, "a stroke that was on its way must not bring the old tumor back"
    segmented.tumor.segment(ConeSegmenter())
    mask = segmented.tumor.mask.voxels > 0
    assert not mask[stroke & ~ball(volume, TUMOR_CENTER, TUMOR_RADIUS_MM + 0.1)].any()


def test_edits_outside_of_a_correction_count_as_well(view, segmented, volume):
    stroke = ball(volume, TOP, 4.0)
    edit(segmented, lambda mask: mask | stroke)
    assert segmented.wait()
    assert "corrected by hand" in segmented.state[Step.SEGMENT].message


def test_other_segments_stay(view, segmented):
    segmented.tumor.begin_correction()
    node = segmented.view.segmentation_node()
    vein = node.GetSegmentation().AddEmptySegment("Vein", "Vein")
    segmented.tumor.end_correction()
    segmented.tumor.set_threshold(0.6)
    assert segmented.wait()
    assert node.GetSegmentation().GetSegment(vein) is not None
    identifier = node.GetSegmentation().GetSegmentIdBySegmentName(names.SEGMENT)
    put_segment(node, names.SEGMENT, segmented.tumor.mask)
    assert node.GetSegmentation().GetSegmentIdBySegmentName(names.SEGMENT) == identifier


def test_undo_that_replaces_every_segment_is_followed(view, segmented, volume):
    """The undo of trame-slicer, and every DeepCopy of a segmentation, takes the segments out and adds copies."""
    from slicer import vtkSegmentation

    segmented.tumor.begin_correction()
    node = segmented.view.segmentation_node()
    before = vtkSegmentation()
    before.DeepCopy(node.GetSegmentation())
    volume_before_ml = segmented.tumor.figures["volume_ml"]
    edit(segmented, lambda mask: mask | ball(volume, TOP, 4.0))
    assert segmented.wait()
    assert segmented.tumor.figures["volume_ml"] > volume_before_ml + 0.05
    node.GetSegmentation().DeepCopy(before)
    assert segmented.wait()
    assert segmented.tumor.figures["volume_ml"] == pytest.approx(volume_before_ml)
    assert distance_mm(segmented) > TUMOR_RADIUS_MM


def test_a_removed_segment_is_no_tumor(view, segmented):
    segmented.tumor.begin_correction()
    node = segmented.view.segmentation_node()
    node.GetSegmentation().RemoveSegment(node.GetSegmentation().GetSegmentIdBySegmentName(names.SEGMENT))
    assert segmented.wait()
    assert segmented.tumor.surface is None and distance_mm(segmented) is None


def test_smoothing_changes_the_surface_and_not_the_volume(segmented, volume):
    rough = {}
    for smoothing in (0.0, 1.0):
        segmented.tumor.set_smoothing(smoothing)
        assert segmented.wait()
        rough[smoothing] = surface_volume_mm3(segmented.tumor.surface)
        wanted_mm3 = segmented.tumor.mask.voxels.sum() * volume.voxel_volume_mm3
        assert rough[smoothing] == pytest.approx(wanted_mm3, rel=0.02)
    assert rough[0.0] != rough[1.0]


def test_a_closed_session_leaves_no_observer_on_the_segmentation(view, segmented, volume):
    segmented.tumor.begin_correction()
    node = segmented.view.segmentation_node()
    heard = []
    segmented.add_listener(heard.append)
    segmented.close()
    assert not node.GetSegmentation().HasObserver(node.GetSegmentation().SourceRepresentationModified) or not heard
    edit(segmented, lambda mask: np.zeros_like(mask))
    assert heard == []


masks = st.lists(st.booleans(), min_size=8, max_size=8).map(lambda values: np.array(values).reshape(2, 2, 2))


@given(masks, masks, masks, masks)
def test_what_a_hand_has_set_stays_and_the_rest_follows_the_threshold(base, edited, other_base, edited_again):
    corrections = HandCorrections().learned(base, edited)
    np.testing.assert_array_equal(corrections.applied(base) > 0, edited)
    touched = base != edited
    after = corrections.applied(other_base) > 0
    np.testing.assert_array_equal(after[touched], edited[touched])
    np.testing.assert_array_equal(after[~touched], other_base[~touched])
    twice = corrections.learned(after, edited_again)
    np.testing.assert_array_equal(twice.applied(other_base) > 0, edited_again)
    assert not (twice.painted is not None and (twice.painted & twice.erased).any())


def test_all_corrections_are_taken_back_at_once(view, segmented, volume):
    found = segmented.tumor.mask.voxels.copy()
    segmented.tumor.begin_correction()
    edit(segmented, lambda mask: mask | ball(volume, TOP, 4.0))
    segmented.tumor.end_correction()
    assert segmented.wait()
    segmented.tumor.set_threshold(0.4)
    assert segmented.wait()
    # A stroke that has not reached the surface yet goes too.
    edit(segmented, lambda mask: mask | ball(volume, TUMOR_CENTER - (0, TUMOR_RADIUS_MM + 4, 0), 3.0))
    segmented.tumor.discard_corrections()
    assert segmented.wait()
    np.testing.assert_array_equal(labelmap_of(segmented.view.segmentation_node(), names.SEGMENT).mask_on(volume).voxels,
                                  segmented.tumor.mask.voxels)  # fmt: skip
    assert segmented.tumor.figures["voxels_corrected_by_hand"] == 0 and segmented.tumor.threshold == 0.4
    assert not segmented.tumor.has_hand_corrections
    segmented.tumor.set_threshold(0.5)
    assert segmented.wait()
    np.testing.assert_array_equal(segmented.tumor.mask.voxels, found)


def test_a_tumor_that_a_hand_has_drawn_goes_as_a_whole(view, session, volume, box):
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.begin_correction()
    edit(session, lambda mask: ball(volume, TUMOR_CENTER, 6.0))
    session.tumor.end_correction()
    assert session.wait()
    session.tumor.discard_corrections()
    assert session.wait()
    assert session.tumor.surface is None and session.state.status(Step.NAVIGATE) is StepStatus.WAITING
    assert session.state.status(Step.SEGMENT) is not StepStatus.DONE
