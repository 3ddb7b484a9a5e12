"""Several tumors in one case: added, chosen, renamed, deleted, measured to, and kept when another sweep is recorded."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.session.tumors.tumor_lines import tumor_lines
from CRLMSegmentationLib.sweep import Pose, Sweep
from CRLMSegmentationLib.values import Box
from drawing import Drawing
from small_case import TUMOR_CENTER, affine, grid_points

pytest.importorskip("vtkmodules", reason="vtk is not installed")

OTHER_CENTER = TUMOR_CENTER + (20.0, 4.0, -2.0)


def ball(volume, center, radius_mm):
    away = np.linalg.norm(grid_points(volume.dimensions, volume.ijk_to_ras) - center, axis=-1)
    return volume.with_voxels((away <= radius_mm).astype(np.uint8))


def box_around(center):
    return Box(center, (24.0, 24.0, 24.0))


def tip_at(session, place) -> None:
    session.tools.update("StylusToReference", Pose(affine(translation=place)))


def names(session):
    return [(one.name, one.found is not None, one.is_stale) for one in session.tumors.all]


@pytest.fixture
def one(session, volume, sweep):
    """A session with one tumor, found in its first sweep."""
    session.recording.set_sweep(sweep)
    session.volume.set(volume)
    session.box.set(box_around(TUMOR_CENTER))
    session.tumor.set(ball(volume, TUMOR_CENTER, 9.0))
    return session


@pytest.fixture
def two(one, volume):
    """And a second one, of 6 mm, 20 mm beside it, which is chosen."""
    one.tumors.add()
    one.box.set(box_around(OTHER_CENTER))
    one.tumor.set(ball(volume, OTHER_CENTER, 6.0))
    return one


def test_a_case_begins_with_one_empty_tumor_and_the_first_box_is_its_own(session, volume):
    assert names(session) == [("T1", False, False)] and not session.tumors.is_any
    session.volume.set(volume)
    session.box.set(box_around(TUMOR_CENTER))
    assert len(session.tumors.all) == 1 and session.tumors.is_any
    np.testing.assert_allclose(session.tumors.chosen.box.center_ras, TUMOR_CENTER)


def test_a_new_box_is_a_new_tumor_and_the_former_one_stays_as_it_was(one, volume):
    first = one.tumor.surface
    added = one.tumors.add()
    assert (added.number, added.name, added.is_empty) == (2, "T2", True) and added.color != one.tumors.get(1).color
    assert one.tumor.surface is None and one.box.value is None and one.state.status(Step.BOX) is StepStatus.READY
    assert one.state.status(Step.NAVIGATE) is StepStatus.READY, "T1 can still be navigated by"
    assert one.state[Step.SEGMENT].message == ""
    one.box.set(box_around(OTHER_CENTER))
    one.tumor.set(ball(volume, OTHER_CENTER, 6.0))
    assert names(one) == [("T1", True, False), ("T2", True, False)]
    assert one.tumors.get(1).found.surface is first
    assert one.tumors.add().number == 3 and one.tumors.add().number == 3, "an empty one is taken first"


def test_choosing_brings_back_box_mask_surface_and_what_is_measured_to(two):
    second = two.tumor.surface
    two.tumors.choose(1)
    np.testing.assert_allclose(two.box.value.center_ras, TUMOR_CENTER)
    assert two.tumor.surface is not second and two.tumor.mask.voxels.sum() > 2000
    assert two.state.status(Step.SEGMENT) is StepStatus.DONE and "3." in two.state[Step.SEGMENT].message
    tip_at(two, TUMOR_CENTER + (0, 20, 0))
    assert 10 < two.tools.distance_mm() < 12
    two.tumors.choose(2)
    assert two.tumor.surface is second and two.tools.distance_mm() > 15
    assert [one.number for one in two.tumors.others] == [1]


def test_what_a_hand_has_made_of_a_tumor_comes_back_with_it_and_is_not_the_other_s(two, volume):
    drawing = Drawing(two.tumor)
    two.tumor.begin_correction()
    stroke = ball(volume, OTHER_CENTER + (0, 9, 0), 3.0).voxels > 0
    drawing.stroke(lambda mask: mask | stroke)
    # The stroke is still on its way, and the hand still at work.
    two.tumors.choose(1)
    assert not two.tumor.is_correcting and not two.tumor.has_hand_corrections
    assert two.tumors.get(2).found.is_corrected
    two.tumors.choose(2)
    assert two.tumor.has_hand_corrections and two.tumor.mask.voxels[stroke].all()
    np.testing.assert_array_equal(drawing.mask, two.tumor.mask.voxels > 0)
    two.tumor.discard_corrections()
    assert two.wait() and not two.tumors.chosen.found.is_corrected


def test_names_are_told_and_checked(two):
    two.tumors.rename(1, "  left   lobe ")
    assert [one.name for one in two.tumors.all] == ["left lobe", "T2"]
    for name, why in (("", "1 to 24"), ("x" * 25, "1 to 24"), ("T2", "already")):
        with pytest.raises(ConfigurationError, match=why):
            two.tumors.rename(1, name)
    with pytest.raises(ConfigurationError, match="no such tumor"):
        two.tumors.rename(9, "T9")
    assert "tumor renamed" in two.case.event_log and "left lobe" in two.case.event_log


def test_a_deleted_tumor_is_gone_and_its_number_is_not_given_again(two):
    two.tumors.delete(2)
    assert names(two) == [("T1", True, False)] and two.tumors.chosen.number == 1
    assert two.tumor.surface is not None and two.box.value is not None
    assert two.tumors.add().number == 3
    two.tumors.delete(1)
    two.tumors.delete(3)
    assert names(two) == [("T4", False, False)] and not two.tumors.is_any and two.box.value is None
    assert not two.tools.has_target
    assert two.state.status(Step.NAVIGATE) is StepStatus.WAITING


def test_the_tip_is_told_of_the_chosen_tumor_and_of_the_one_that_it_endangers_most(two):
    two.structures.set_margin_mm(4.0)
    tip_at(two, TUMOR_CENTER + (-12.0, 0.0, 0.0))
    reading = two.tools.reading("Stylus")
    assert reading.margin.value == "clear of the margin" and reading.signed_distance_mm > 20
    assert reading.other.name == "T1" and 2 < reading.other.signed_distance_mm < 4
    # Each has the margin that was set while it was chosen: 10 mm, and 4 mm.
    assert reading.other.margin.value == "within the margin" and reading.severity is reading.other.margin.severity
    assert "T1: 3." in reading.text
    two.tumors.choose(1)
    assert two.structures.margin_mm == 10.0 and two.tools.reading("Stylus").other.name == "T2"
    assert two.tools.reading("Stylus").other.margin.value == "clear of the margin"


def test_the_error_of_a_distance_is_that_of_the_tumor_that_is_measured_to(two, sweep):
    tip_at(two, TUMOR_CENTER + (0, 0, 15.0))
    other = two.tools.reading("Stylus").other
    two.tumors.choose(1)
    chosen = two.tools.reading("Stylus")
    assert other.budget.unknown == chosen.budget.unknown and other.budget.deviations_mm == chosen.budget.deviations_mm
    two.recording.set_sweep(Sweep(sweep.frames[:6]))
    stale = two.tools.reading("Stylus").other
    assert not stale.budget.is_complete and "the liver may lie otherwise now" in stale.budget.reason


def test_a_new_sweep_marks_what_was_found_and_drops_no_tumor(two, volume, sweep):
    two.tumors.choose(1)
    box = two.box.value
    tip_at(two, TUMOR_CENTER + (0, 14.0, 0))
    two.recording.set_sweep(Sweep(sweep.frames[:6]))
    assert names(two) == [("T1", True, True), ("T2", True, True)]
    assert two.tumor.surface is None and two.tumor.is_stale and two.tools.distance_mm() is None
    assert two.state.status(Step.NAVIGATE) is StepStatus.WAITING and two.tools.has_target
    other = two.tools.reading("Stylus").other
    at = two.tumors.get(1).found.found_at
    assert other.name == "T1" and other.remark == f"found in sweep 1, {at:%H:%M}" and other.remark in other.text
    # In the new volume it is found again; the other one stays marked.
    second = volume.with_voxels(volume.voxels.copy())
    two.volume.set(second)
    assert two.box.value is box and two.tumors.scan.number == 2
    two.tumor.set(ball(second, TUMOR_CENTER + (1, 0, 0), 8.0))
    assert names(two) == [("T1", True, False), ("T2", True, True)]
    assert two.tumors.get(2).found.scan.number == 1 and two.tumors.get(2).found.scan.volume is volume
    assert two.tools.distance_mm() is not None and two.tools.reading("Stylus").other.name == "T2"


@pytest.fixture
def later(two, volume, sweep):
    """And the volume of a second sweep, in which nothing was found yet."""
    two.recording.set_sweep(Sweep(sweep.frames[:6]))
    two.volume.set(volume.with_voxels(volume.voxels.copy()))
    return two


def test_nothing_found_in_a_new_volume_takes_nothing_of_an_earlier_one_away(later):
    later.box.move(box_around(OTHER_CENTER + (3, 0, 0)))
    later.tumor.make_stale()
    assert names(later) == [("T1", True, True), ("T2", True, True)]
    assert later.tumor.surface is None and later.state.status(Step.SEGMENT) is StepStatus.STALE


def test_choosing_a_tumor_of_an_earlier_sweep_brings_back_its_volume_and_its_sweep(later, volume, sweep):
    newest, second = later.volume.value, later.recording.sweep
    tip_at(later, TUMOR_CENTER + (0, 14.0, 0))
    later.tumors.choose(1)
    assert later.volume.value is volume and later.recording.sweep is sweep and later.tumors.scan.number == 1
    assert "9 frames" in later.state[Step.RECORD].message and later.state.status(Step.SEGMENT) is StepStatus.DONE
    np.testing.assert_array_equal(later.tumor.mask.voxels, ball(volume, TUMOR_CENTER, 9.0).voxels)
    # It is never taken for what the newest sweep shows.
    reading, at = later.tools.reading("Stylus"), later.tumors.get(1).found.found_at
    assert reading.remark == f"found in sweep 1, {at:%H:%M}" and reading.remark in reading.text
    assert "the liver may lie otherwise now" in reading.budget.reason and not reading.budget.is_complete
    assert names(later) == [("T1", True, True), ("T2", True, True)] and later.tumors.surface is None
    assert [one.remark != "" for one in tumor_lines(later, [])] == [True, True]
    # And back: the chosen one can be found anew there.
    actions.SHOW_NEWEST.run(later)
    assert later.volume.value is newest and later.recording.sweep is second and later.tumors.chosen.number == 1
    assert later.tumor.surface is None and "found in sweep 1" in later.state[Step.SEGMENT].message
    assert later.tools.reading("Stylus").remark == "" and later.tools.reading("Stylus").other.name == "T1"
    with pytest.raises(ConfigurationError, match="newest sweep is worked on already"):
        actions.SHOW_NEWEST.run(later)
    later.tumor.set(ball(newest, TUMOR_CENTER, 8.0))
    assert names(later) == [("T1", True, False), ("T2", True, True)]
    later.tumors.choose(2)
    assert later.volume.value is volume and later.tumors.add().number == 3 and later.volume.value is newest


def test_what_is_corrected_in_an_earlier_volume_stays_with_it(later, volume):
    newest = later.volume.value
    later.tumors.choose(1)
    drawing = Drawing(later.tumor)
    later.tumor.begin_correction()
    stroke = ball(volume, TUMOR_CENTER + (0, 9, 0), 3.0).voxels > 0
    drawing.stroke(lambda mask: mask | stroke)
    later.tumors.choose(2)
    assert later.tumors.get(1).found.scan is later.tumors.scan and later.volume.value is volume
    later.tumors.show_newest()
    assert later.tumors.get(1).found.is_corrected and later.volume.value is newest
    later.tumors.choose(1)
    assert later.tumor.mask.voxels[stroke].all() and later.tumor.has_hand_corrections


def test_a_sweep_without_a_volume_is_not_lost_by_choosing(two, sweep):
    newer = Sweep(sweep.frames[:6])
    two.recording.set_sweep(newer)
    two.tumors.choose(1)
    assert two.recording.sweep is newer and two.tumor.surface is None
    assert "found in sweep 1" in two.state[Step.SEGMENT].message


def test_a_volume_made_anew_of_an_earlier_sweep_keeps_its_number_and_is_not_the_newest(later, volume):
    later.tumors.choose(1)
    later.volume.set(volume.with_voxels(volume.voxels[::-1].copy()))
    assert later.tumors.scan.number == 1 and later.tumors.newest_scan.number == 2
    assert all(one.is_stale for one in later.tumors.all)
    later.tumors.show_newest()
    assert later.tumors.scan.number == 2


def test_the_margin_is_drawn_around_every_tumor_with_the_margin_of_its_own(two):
    two.structures.set_margin_mm(4.0)
    assert two.wait()
    [(number, shell)] = two.structures.other_margins.items()
    low, high = np.reshape(shell.GetBounds(), (3, 2)).T
    assert number == 1 and np.abs((high - low) / 2 - 19.0).max() < 1.0
    two.tumors.choose(1)
    assert two.wait()
    [(number, shell)] = two.structures.other_margins.items()
    low, high = np.reshape(shell.GetBounds(), (3, 2)).T
    assert number == 2 and np.abs((high - low) / 2 - 10.0).max() < 1.0
    two.tumors.delete(2)
    assert two.structures.other_margins == {}


def test_another_box_drops_what_was_found_in_the_former_one_of_the_chosen_tumor_alone(two):
    two.box.set(box_around(OTHER_CENTER + (2, 0, 0)))
    assert names(two) == [("T1", True, False), ("T2", False, False)]
    assert two.state.status(Step.SEGMENT) is StepStatus.STALE


def test_who_deletes_the_volume_deletes_what_was_found_in_it(two):
    two.volume.remove()
    assert names(two) == [("T1", False, False), ("T2", False, False)]


def test_nothing_of_any_tumor_is_told_while_it_may_be_another_patient_s(two):
    tip_at(two, TUMOR_CENTER)
    assert len(tumor_lines(two, two.tools.readings())) == 2
    two.case.source.begin(identity="")
    two.case.source.connect(type("Source", (), {"origin": "live", "identity": "another", "name": "another"})())
    two.case.check_source()
    assert "On the screen: 2 tumors." in two.case.question
    reading = two.tools.reading("Stylus")
    assert reading.other is None and two.tools.to_others(reading) == {} and tumor_lines(two, [reading]) == []
    two.case.begin()
    assert names(two) == [("T1", False, False)] and two.tools.reading("Stylus").other is None


def test_nothing_is_chosen_or_added_while_a_tumor_is_being_found(two, monkeypatch):
    monkeypatch.setattr(type(two.jobs), "steps", (Step.SEGMENT,))
    for action, arguments in ((actions.ADD_TUMOR, ()), (actions.CHOOSE_TUMOR, (1,)), (actions.DELETE_TUMOR, (2,))):
        assert action.why_not(two) == "The tumor is being found: wait until that has ended, or cancel it."
        with pytest.raises(ConfigurationError, match="being found"):
            action.command(two, *arguments)
    assert two.tumors.chosen.number == 2


def test_an_empty_tumor_is_placed_before_another_is_added(session, volume):
    assert actions.ADD_TUMOR.why_not(session) == "There is no volume yet; record a sweep first."
    assert actions.DELETE_TUMOR.why_not(session) == "There is no tumor in this case yet."
    session.volume.set(volume)
    assert actions.ADD_TUMOR.why_not(session) == "This tumor has no box yet: place it first."
    session.box.set(box_around(TUMOR_CENTER))
    actions.ADD_TUMOR.run(session)
    assert len(session.tumors.all) == 2


def test_a_box_that_is_proposed_elsewhere_is_that_of_another_tumor(one):
    one.tumors.place(box_around(TUMOR_CENTER + (2, 0, 0)))
    assert len(one.tumors.all) == 1
    one.tumor.set(ball(one.volume.value, TUMOR_CENTER, 9.0))
    one.tumors.place(box_around(OTHER_CENTER))
    assert names(one) == [("T1", True, False), ("T2", False, False)] and one.tumors.chosen.number == 2


def test_the_list_says_of_each_tumor_how_large_how_far_and_how_doubtful_it_is(two, sweep):
    tip_at(two, TUMOR_CENTER + (0, 14.0, 0))
    two.tumors.add()
    first, second, third = tumor_lines(two, two.tools.readings())
    assert (first.name, first.is_chosen, third.is_chosen) == ("T1", False, True)
    assert first.text.startswith("3.") and "mL" in first.text and third.text == "no box yet"
    assert first.distance == "5.0 mm, error unknown" and first.severity.value == "warning"
    assert second.severity.value == "clear" and third.distance == "" and first.color.startswith("#ffcc")
    two.recording.set_sweep(Sweep(sweep.frames[:6]))
    assert tumor_lines(two, two.tools.readings())[0].remark.startswith("found in sweep 1, ")


def test_what_is_drawn_beside_the_live_image_is_all_that_was_found_in_the_present_volume(two, sweep):
    together = two.tumors.surface
    assert together.GetNumberOfPoints() == sum(one.found.surface.GetNumberOfPoints() for one in two.tumors.all)
    assert two.tumors.surface is together, "it is not made anew at every tick"
    two.tumors.delete(1)
    assert two.tumors.surface is two.tumor.surface


def test_the_log_says_when_a_tip_came_within_which_margin_and_left_it(two, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("CRLMSegmentationLib.session.tumors.margin_log.time.monotonic", lambda: clock[0])

    def said():
        return [line.split('"message": "')[1] for line in two.case.event_log.splitlines() if '"margin"' in line]

    two.structures.set_margin_mm(4.0)
    tip_at(two, TUMOR_CENTER + (-40.0, 0, 0))
    assert said() == []
    tip_at(two, TUMOR_CENTER + (-12.0, 0, 0))
    tip_at(two, TUMOR_CENTER + (-12.1, 0, 0))
    tip_at(two, TUMOR_CENTER + (-40.0, 0, 0))
    tip_at(two, OTHER_CENTER)
    assert [text[:4] for text in said()] == ["T1: ", "T2: "] and "inside the tumor" in said()[1]
    clock[0] += 11
    tip_at(two, TUMOR_CENTER + (-40.0, 0, 0))
    assert len(said()) == 3 and "clear of the margin" in said()[2]


def test_a_tumor_of_an_earlier_sweep_can_be_deleted_while_a_tool_is_measured_to_it(two, sweep):
    tip_at(two, TUMOR_CENTER)
    two.recording.set_sweep(Sweep(sweep.frames[:6]))
    assert two.tools.reading("Stylus").other.number == 1
    two.tumors.choose(1)
    two.tumors.delete(1)
    assert two.tools.reading("Stylus").other.number == 2 and names(two) == [("T2", True, True)]


def test_nobody_navigates_by_a_tumor_that_is_deleted(two):
    two.tumors.add()
    for number in (1, 2):
        assert two.state.status(Step.NAVIGATE) is StepStatus.READY
        two.tumors.delete(number)
    assert two.state.status(Step.NAVIGATE) is StepStatus.WAITING


def test_another_volume_of_the_same_sweep_is_told_from_another_sweep(two, volume):
    two.volume.set(volume.with_voxels(volume.voxels.copy()))
    assert two.tumors.get(1).origin.startswith("found in an earlier volume of sweep 1, ")
