"""The tumor without any scene: strokes, threshold, undo, doubts, and that nothing out of date is given out."""

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.errors import GeometryError, SegmentationError
from CRLMSegmentationLib.session.case.case_clock import CaseClock
from CRLMSegmentationLib.session.case.case_facts import CaseFacts
from CRLMSegmentationLib.session.jobs.jobs import Jobs
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.session.tumor.labelmap import Labelmap
from CRLMSegmentationLib.session.tumor.saved_tumor import SavedTumor
from CRLMSegmentationLib.session.tumor.tumor import TumorPart
from CRLMSegmentationLib.session.tumor.tumor_state import state_of_scene
from CRLMSegmentationLib.session.workflow import Workflow
from CRLMSegmentationLib.values import Box, Volume
from drawing import Drawing

pytest.importorskip("vtkmodules", reason="vtk is not installed")

SIZE, RADIUS_MM = 26, 7.0
MIDDLE = np.full(3, (SIZE - 1) / 2)


def ball(center, radius_mm):
    """Boolean [k, j, i] on the voxels of the volume, which are 1 mm wide."""
    k, j, i = np.mgrid[:SIZE, :SIZE, :SIZE]
    return np.linalg.norm(np.stack([i, j, k], axis=-1) - center, axis=-1) <= radius_mm


BESIDE = ball(MIDDLE + (9.5, 0, 0), 2.0)
OTHER_SIDE = ball(MIDDLE - (9.5, 0, 0), 2.0)


@pytest.fixture(scope="module")
def volume():
    return Volume(np.full((SIZE,) * 3, 90, np.uint8), np.eye(4))


@pytest.fixture(scope="module")
def found(volume):
    """A tumor whose probability falls from the middle on, 0.5 at its radius; two sentences speak against it."""
    from CRLMSegmentationLib.segmentation.surface import surface_from_mask

    k, j, i = np.mgrid[:SIZE, :SIZE, :SIZE]
    away = np.linalg.norm(np.stack([i, j, k], axis=-1) - MIDDLE, axis=-1)
    probability = volume.on_grid(np.clip(1 - 0.5 * away / RADIUS_MM, 0.001, 1).astype(np.float32))
    mask = volume.on_grid((probability.voxels >= 0.5).astype(np.uint8))
    return state_of_scene(
        volume, mask, surface_from_mask(mask), probability, 0.5, doubts=("It touches the border.", "It is small.")
    )


@pytest.fixture
def part(volume):
    workflow = Workflow()
    workflow.set(Step.BOX, StepStatus.DONE)
    jobs, measured = Jobs(workflow), []
    part = TumorPart(
        workflow, jobs, SimpleNamespace(value=volume, is_there=True),
        SimpleNamespace(value=Box(MIDDLE, (22.0,) * 3), is_tight=False), SimpleNamespace(), CaseClock(),
        lambda surface, distance: measured.append(distance), lambda: False,
    )  # fmt: skip
    part.measured, part.workflow, part.jobs = measured, workflow, jobs
    yield part
    jobs.cancel()
    jobs.close()
    part.close()


@pytest.fixture
def view(part):
    return Drawing(part)


def finish(part):
    until = time.monotonic() + 600
    while (part.is_shaping or part.jobs.steps) and time.monotonic() < until:
        part.jobs.process()
        part.process()
        time.sleep(0.002)
    assert not part.is_shaping


def test_a_stroke_moves_surface_distance_and_figures(part, view, found):
    part.restore(found)
    before_mm = part.measured[-1].closest_point(MIDDLE + (14.0, 0, 0)).signed_distance_mm
    voxels = found.mask.voxels.sum()
    part.begin_correction()
    view.stroke(lambda mask: mask | BESIDE)
    assert part.has_hand_corrections, "also before it has reached the surface"
    finish(part)
    part.end_correction()
    finish(part)
    added = (BESIDE & ~(found.mask.voxels > 0)).sum()
    assert part.figures["voxels_corrected_by_hand"] == added and part.mask.voxels.sum() == voxels + added
    assert part.figures["volume_ml"] == pytest.approx((voxels + added) / 1000)
    assert part.measured[-1].closest_point(MIDDLE + (14.0, 0, 0)).signed_distance_mm < before_mm - 3
    assert part.surface is part.state.shape.surface
    assert "corrected by hand" in part.workflow.state[Step.SEGMENT].message
    assert view.revision == part.mask_revision == 1, "what a hand has drawn is not drawn over"


def test_strokes_survive_another_threshold_and_the_view_draws_its_mask(part, view, found):
    part.restore(found)
    part.begin_correction()
    view.stroke(lambda mask: (mask | BESIDE) & ~ball(MIDDLE - (0, 0, 6), 2.0))
    part.set_threshold(0.6)
    view.stroke(lambda mask: mask | OTHER_SIDE)
    finish(part)
    assert part.threshold == 0.6 and part.state.threshold == 0.6
    mask, original = part.mask.voxels > 0, found.mask.voxels > 0
    assert mask[BESIDE & ~original].all() and mask[OTHER_SIDE & ~original].all()
    assert mask.sum() < original.sum()
    np.testing.assert_array_equal(view.mask, mask)


def test_a_threshold_that_leaves_nothing_empties_what_is_drawn_on(part, view, found):
    part.restore(found)
    part.begin_correction()
    part.set_threshold(0.9999)
    finish(part)
    assert part.surface is None and part.is_editable and not view.mask.any()
    assert part.measured[-1] is None and part.workflow.state.status(Step.NAVIGATE) is StepStatus.WAITING
    view.stroke(lambda mask: mask | BESIDE)
    finish(part)
    assert part.mask.voxels.sum() == BESIDE.sum(), "what the threshold took away is no stroke of the hand"


def test_an_undo_brings_back_the_doubts_and_no_erasing_stroke(part, view, found):
    part.restore(found)
    assert part.doubts == found.doubts and not part.doubts_acknowledged
    part.begin_correction()
    before = view.mask
    view.stroke(lambda mask: mask | BESIDE)
    finish(part)
    assert part.doubts == (), "who corrects has looked at it"
    view.stroke(lambda mask: before)
    finish(part)
    assert part.doubts == found.doubts and not part.doubts_acknowledged
    assert part.figures["voxels_corrected_by_hand"] == 0


def test_acknowledged_doubts_are_reported_anew_of_another_tumor(part, found):
    part.restore(found)
    part.acknowledge_doubts()
    assert part.doubts_acknowledged and part.doubts == found.doubts
    part.restore(found)
    assert not part.doubts_acknowledged
    part.restore(found, acknowledged=True)
    assert part.doubts_acknowledged
    part.make_stale()
    assert part.doubts == () and part.doubts_acknowledged


def test_all_corrections_are_taken_back_also_a_stroke_on_its_way(part, view, found):
    part.restore(found)
    part.begin_correction()
    view.stroke(lambda mask: mask | BESIDE)
    finish(part)
    view.stroke(lambda mask: mask | OTHER_SIDE)
    part.discard_corrections()
    finish(part)
    np.testing.assert_array_equal(part.mask.voxels, found.mask.voxels)
    np.testing.assert_array_equal(view.mask, found.mask.voxels > 0)
    assert not part.has_hand_corrections and not part.is_correcting


def test_a_tumor_that_a_hand_has_drawn_goes_as_a_whole(part, view):
    part.begin_correction()
    assert not view.mask.any()
    view.stroke(lambda mask: BESIDE)
    finish(part)
    assert part.surface is not None
    with pytest.raises(SegmentationError, match="no probability"):
        part.set_threshold(0.4)
    part.discard_corrections()
    finish(part)
    assert part.state is None and part.surface is None and part.is_stale
    assert part.workflow.state.status(Step.SEGMENT) is StepStatus.STALE


def test_a_stroke_stops_a_job_whose_tumor_would_take_its_place(part, view, found):
    part.restore(found)
    went_on = threading.Event()

    def compute(progress, should_cancel):
        went_on.wait(600)
        return SimpleNamespace(state=found, result=None, timings_s={})

    part.begin_correction()
    part.jobs.start(part.jobs.begin(Step.SEGMENT, compute))
    with pytest.raises(SegmentationError, match="being found"):
        part.begin_correction()
    view.stroke(lambda mask: mask | BESIDE)
    went_on.set()
    finish(part)
    assert part.mask.voxels[BESIDE].all() and part.is_correcting
    assert "corrected by hand meanwhile" in part.workflow.state.notices[-1]


def test_what_is_out_of_date_is_hidden_and_no_stroke_brings_it_back(part, view, found):
    part.restore(found)
    part.begin_correction()
    view.stroke(lambda mask: mask | BESIDE)
    part.make_stale()
    view.stroke(lambda mask: mask | OTHER_SIDE)
    finish(part)
    assert part.is_stale and not part.is_there and not part.is_correcting
    assert part.mask is None and part.surface is None and part.probability is None and part.figures is None
    assert part.measured[-1] is None
    assert part.workflow.state.status(Step.SEGMENT) is StepStatus.STALE


def test_where_nothing_was_found_only_a_correction_draws(part, view, found):
    part.restore(found.cut_at(0.9999, "largest"))
    assert part.surface is None and part.mask is None and not part.was_shown
    view.mask = BESIDE
    part.add_stroke()
    finish(part)
    assert part.surface is None and not part.has_hand_corrections
    part.begin_correction()
    assert not view.mask.any(), "what is drawn on begins empty"
    view.stroke(lambda mask: mask | BESIDE)
    finish(part)
    assert part.mask.voxels.sum() == BESIDE.sum() == part.figures["voxels_corrected_by_hand"]


def test_a_deleted_tumor_is_not_out_of_date_but_gone(part, found):
    part.restore(found)
    part.remove()
    assert not part.was_shown and not part.is_stale and part.surface is None and part.measured[-1] is None
    assert part.workflow.state.status(Step.SEGMENT) is StepStatus.READY


def test_a_drawing_that_cannot_be_read_hides_the_surface_and_says_why(part, view, found):
    part.restore(found)

    def refuse():
        raise GeometryError("It lies under a warp.")

    part.set_canvas(refuse)
    part.begin_correction()
    part.add_stroke()
    finish(part)
    assert part.workflow.state.status(Step.SEGMENT) is StepStatus.FAILED
    assert "warp" in part.workflow.state[Step.SEGMENT].message
    assert part.surface is None and part.measured[-1] is None and part.figures is None
    part.set_canvas(view.drawn)
    view.stroke(lambda mask: mask | BESIDE)
    finish(part)
    assert part.surface is not None and part.mask.voxels[BESIDE].all()


def test_a_fault_while_the_drawing_is_read_loses_neither_stroke_nor_threshold(part, view, found):
    part.restore(found)
    part.begin_correction()
    part.set_canvas(lambda: 1 / 0)
    view.stroke(lambda mask: mask | BESIDE)
    with pytest.raises(ZeroDivisionError):
        part.process()
    with pytest.raises(ZeroDivisionError):
        part.set_threshold(0.6)
    part.set_canvas(view.drawn)
    finish(part)
    assert part.state.threshold == 0.6 and part.mask.voxels[BESIDE].all()


def test_a_surface_that_comes_alone_is_measured_to_unless_it_is_open(part, found):
    part.restore_saved(SavedTumor(surface=found.shape.surface, is_any=True), CaseFacts())
    assert part.surface is found.shape.surface and part.mask is None and part.figures is None
    assert part.workflow.state.status(Step.SEGMENT) is StepStatus.DONE
    assert part.workflow.state.status(Step.NAVIGATE) is StepStatus.READY
    from vtkmodules.vtkFiltersSources import vtkPlaneSource

    plane = vtkPlaneSource()
    plane.Update()
    part.restore_saved(SavedTumor(surface=plane.GetOutput(), is_any=True), CaseFacts())
    assert part.surface is None and part.is_stale and part.measured[-1] is None
    assert "cannot be used" in part.workflow.state[Step.SEGMENT].message


def test_a_saved_tumor_comes_back_with_its_strokes_and_doubts_and_is_not_drawn_again(part, view, found):
    drawn = (found.mask.voxels > 0) | BESIDE
    saved = SavedTumor(Labelmap(drawn, np.eye(4)), found.shape.surface, found.probability, 0.5, is_any=True)
    part.restore_saved(saved, CaseFacts(doubts=("A sentence.",), doubts_acknowledged=True))
    np.testing.assert_array_equal(part.mask.voxels > 0, drawn)
    assert part.figures["voxels_corrected_by_hand"] == (BESIDE & ~(found.mask.voxels > 0)).sum()
    assert part.doubts == ("A sentence.",) and part.doubts_acknowledged
    assert part.mask_revision == view.revision and view.mask is None


def test_a_labelmap_on_other_voxels_is_brought_onto_those_of_the_volume(volume):
    small = ball(MIDDLE, RADIUS_MM)[4:20, 3:, 5:22]
    first = np.eye(4)
    first[:3, 3] = 5, 3, 4
    pasted = Labelmap(small, first).mask_on(volume).voxels
    assert pasted[4:20, 3:, 5:22].sum() == small.sum() == pasted.sum()
    # Every axis another way round and finer: the same ball.
    fine = np.zeros((4, 4))
    fine[:3, :3] = np.array([[0, 0, -0.5], [0.5, 0, 0], [0, -0.5, 0]])
    fine[:, 3] = SIZE, 0, SIZE, 1
    k, j, i = np.mgrid[: 2 * SIZE, : 2 * SIZE, : 2 * SIZE]
    points = np.stack([i, j, k, np.ones_like(i)], axis=-1) @ fine.T
    inside = np.linalg.norm(points[..., :3] - MIDDLE, axis=-1) <= RADIUS_MM
    back = Labelmap(inside, fine).mask_on(volume).voxels > 0
    # Every voxel of the volume is one of the finer ones, so that nothing is rounded.
    np.testing.assert_array_equal(back, ball(MIDDLE, RADIUS_MM))
    assert not Labelmap(np.zeros((0, 3, 3), bool), fine).mask_on(volume).voxels.any()
