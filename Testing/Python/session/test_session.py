"""The session's steps, what becomes stale when, and what it leaves behind."""

import gc
import weakref

import numpy as np
import pytest
from CRLMSegmentationLib.errors import GeometryError, ReconstructionError, RecordingError, SegmentationError
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.mrml.application import application_on, current_application
from CRLMSegmentationLib.mrml.conversion import matrix_of_transform, put_box, set_transform
from CRLMSegmentationLib.mrml.nodes import find
from CRLMSegmentationLib.navigation.margin import MarginState
from CRLMSegmentationLib.navigation.tracked_tool import ToolStatus
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.sweep import Pose, Sweep
from CRLMSegmentationLib.values import Box
from scene_case import on_scene
from scene_nodes import number_of_nodes
from small_case import TUMOR_CENTER, TUMOR_RADIUS_MM, affine, turn
from stand_ins import TIP_TO_STYLUS, SphereSegmenter, stylus_with_tip_at
from vtkmodules.vtkFiltersSources import vtkPlaneSource, vtkSphereSource


@pytest.fixture
def ready(session, sweep, volume, box, mask, surface):
    """A session with a tumor found and a calibrated stylus."""
    session.recording.set_sweep(sweep)
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.set(mask, volume.with_voxels(mask.voxels.astype(np.float32)), surface)
    session.tools.update("StylusTipToStylus", Pose(TIP_TO_STYLUS))
    return session


def visible(session, class_name, name):
    return bool(find(session.view.scene, class_name, name).GetDisplayVisibility())


def tumor_is_shown(session):
    return visible(session, "vtkMRMLModelNode", names.SURFACE) and visible(
        session, "vtkMRMLSegmentationNode", names.SEGMENTATION
    )


def sphere_surface(radius_mm=20.0):
    source = vtkSphereSource()
    source.SetCenter(*TUMOR_CENTER)
    source.SetRadius(radius_mm)
    source.SetThetaResolution(150)
    source.SetPhiResolution(150)
    source.Update()
    return source.GetOutput()


# The chain worked out by hand


def test_tip_to_sphere_through_calibration_and_pose(session, mask):
    session.tumor.set(mask, surface=sphere_surface())
    session.tools.update("StylusTipToStylus", Pose(TIP_TO_STYLUS))
    expected = ((35.0, MarginState.CLEAR), (25.0, MarginState.WITHIN_MARGIN), (12.0, MarginState.INSIDE))
    for away_mm, margin in expected:
        session.tools.update("StylusToReference", stylus_with_tip_at(TUMOR_CENTER + (away_mm, 0, 0)))
        reading = session.tools.reading("Stylus")
        np.testing.assert_allclose(reading.tip_ras, TUMOR_CENTER + (away_mm, 0, 0), atol=1e-9)
        assert reading.signed_distance_mm == pytest.approx(away_mm - 20, abs=0.02)
        assert session.tools.distance_mm("Stylus") == reading.signed_distance_mm
        # Anywhere on the facet there is as near, so the place is known to half a facet only.
        np.testing.assert_allclose(reading.closest_point_ras, TUMOR_CENTER + (20, 0, 0), atol=0.5)
        assert reading.margin is margin


def test_scene_shows_what_the_reading_says(view, ready):
    ready.tools.update("StylusToReference", stylus_with_tip_at(TUMOR_CENTER + (0, 30, 0)))
    reading = ready.tools.reading()
    scene = ready.view.scene
    model = find(scene, "vtkMRMLModelNode", names.tool_model("Stylus"))
    assert model.GetDisplayVisibility()
    # The model's own origin is the tip: through the transforms above it, it lands on the tip in Reference.
    to_world = find(scene, "vtkMRMLLinearTransformNode", "StylusToReference")
    tip = matrix_of_transform(to_world) @ matrix_of_transform(model.GetParentTransformNode()) @ [0, 0, 0, 1]
    np.testing.assert_allclose(tip[:3], TUMOR_CENTER + (0, 30, 0), atol=1e-9)
    line = find(scene, "vtkMRMLMarkupsLineNode", names.distance_line("Stylus"))
    ends = np.zeros((2, 3))
    for number in range(2):
        line.GetNthControlPointPositionWorld(number, ends[number])
    np.testing.assert_allclose(ends, [reading.tip_ras, reading.closest_point_ras], atol=1e-6)
    assert line.GetDisplayVisibility()
    text = find(scene, "vtkMRMLTextNode", names.DISTANCE_TEXT).GetText()
    assert f"{reading.signed_distance_mm:.1f} mm" in text and "clear of the margin" in text


def test_margin_can_be_set(ready):
    ready.tools.update("StylusToReference", stylus_with_tip_at(TUMOR_CENTER + (TUMOR_RADIUS_MM + 5, 0, 0)))
    assert ready.tools.reading().margin is MarginState.WITHIN_MARGIN
    ready.structures.set_margin_mm(3.0)
    assert ready.tools.reading().margin is MarginState.CLEAR


# Lost tools


def test_invalid_pose_loses_the_tool(view, ready):
    ready.tools.update("StylusToReference", stylus_with_tip_at(TUMOR_CENTER + (30, 0, 0)))
    assert ready.tools.distance_mm() is not None
    ready.tools.update("StylusToReference", Pose(np.eye(4), False))
    assert ready.tools.reading().status is ToolStatus.LOST
    assert ready.tools.distance_mm() is None
    assert not visible(ready, "vtkMRMLModelNode", names.tool_model("Stylus"))
    assert not visible(ready, "vtkMRMLMarkupsLineNode", names.distance_line("Stylus"))
    assert "lost" in find(ready.view.scene, "vtkMRMLTextNode", names.DISTANCE_TEXT).GetText()
    ready.tools.update("StylusToReference", stylus_with_tip_at(TUMOR_CENTER + (30, 0, 0)))
    assert visible(ready, "vtkMRMLModelNode", names.tool_model("Stylus"))
    assert visible(ready, "vtkMRMLMarkupsLineNode", names.distance_line("Stylus"))


@pytest.mark.real_ages
def test_silence_loses_the_tool_after_half_a_second(view, ready):
    ready.tools.update("StylusToReference", stylus_with_tip_at(TUMOR_CENTER + (30, 0, 0)), received_s=100.0)
    assert ready.tools.distance_mm(now_s=100.5) is not None
    assert ready.tools.distance_mm(now_s=100.51) is None
    ready.refresh(100.4)
    assert visible(ready, "vtkMRMLModelNode", names.tool_model("Stylus"))
    readings = ready.refresh(100.6)
    assert [reading.status for reading in readings] == [ToolStatus.LOST]
    assert not visible(ready, "vtkMRMLModelNode", names.tool_model("Stylus"))


@pytest.mark.real_ages
def test_a_frame_brings_its_tools_and_a_frame_without_them_lets_them_age(ready, sweep):
    frame = sweep.frames[4]
    ready.stream.show_frame(frame, received_s=10.0)
    expected = frame.transforms["StylusToReference"].matrix @ TIP_TO_STYLUS
    np.testing.assert_allclose(ready.tools.reading("Stylus", 10.0).tip_to_reference, expected)
    for number in range(1, 8):
        later = frame.with_changes(timestamp=frame.timestamp + 0.1 * number, transforms={})
        ready.stream.show_frame(later, received_s=10.0 + 0.1 * number)
    assert ready.tools.reading("Stylus", 10.7).status is ToolStatus.LOST


def test_tools_seen_through_a_tracker_are_composed(session, sweep):
    reference_to_tracker, stylus_to_tracker = affine(turn((0, 0, 90)), (5, 0, 0)), affine(translation=(5, 7, 0))
    transforms = {"ReferenceToTracker": Pose(reference_to_tracker), "StylusToTracker": Pose(stylus_to_tracker)}
    session.stream.show_frame(sweep.frames[0].with_changes(transforms=transforms))
    # In Tracker the sensor is 7 along y from Reference's origin, and Reference's R points along Tracker's y.
    np.testing.assert_allclose(session.tools.reading("Stylus").tip_ras, (7, 0, 0), atol=1e-9)
    assert session.tools.names == ["Stylus"]
    transforms["ReferenceToTracker"] = Pose(reference_to_tracker, False)
    session.stream.show_frame(sweep.frames[0].with_changes(transforms=transforms))
    assert session.tools.reading("Stylus").status is ToolStatus.LOST


def test_transforms_that_are_no_tools_are_left_alone(session):
    others = ("ProbeToReference", "ImageToReference", "ProbeToTracker", "ReferenceToTracker", "StylusTipToReference")
    for name in others:
        assert session.tools.update(name, Pose(np.eye(4))) is False
    assert session.tools.names == []
    assert session.tools.update("Needle", Pose(np.eye(4))) is True
    assert session.tools.names == ["Needle"]


def test_only_tools_that_are_followed_come_with_a_frame(session, sweep):
    places = {name: Pose(affine(translation=(number, 0, 0))) for number, name in enumerate("abcd")}
    transforms = {
        "LiverToReference": places["a"],
        "StylusToReference": places["b"],
        "NeedleToReference": places["c"],
        "NeedleTipToNeedle": places["d"],
    }
    session.stream.show_frame(sweep.frames[0].with_changes(transforms=transforms))
    assert sorted(session.tools.names) == ["Needle", "Stylus"]
    np.testing.assert_allclose(session.tools.reading("Needle").tip_ras, (2 + 3, 0, 0))


def test_a_broken_calibration_in_the_stream_does_not_stop_it(ready, sweep):
    frame = sweep.frames[4]
    broken = {**frame.transforms, "StylusTipToStylus": Pose(np.zeros((4, 4)))}
    ready.stream.show_frame(frame.with_changes(transforms=broken))
    expected = frame.transforms["StylusToReference"].matrix @ TIP_TO_STYLUS
    np.testing.assert_allclose(ready.tools.reading().tip_to_reference, expected)


def test_a_broken_calibration_is_refused_and_the_good_one_kept(ready):
    with pytest.raises(GeometryError, match="StylusTipToStylus"):
        ready.tools.update("StylusTipToStylus", Pose(np.zeros((4, 4))))
    ready.tools.update("StylusToReference", stylus_with_tip_at(TUMOR_CENTER))
    np.testing.assert_allclose(ready.tools.reading().tip_ras, TUMOR_CENTER, atol=1e-9)


# The live image


@pytest.mark.real_ages
def test_live_image_is_where_it_was_taken_and_hidden_when_its_pose_is_unknown(view, session, sweep):
    session.stream.show_frame(sweep.frames[5], received_s=1.0)
    image = find(session.view.scene, "vtkMRMLScalarVolumeNode", names.LIVE_IMAGE)
    parent = image.GetParentTransformNode()
    assert parent.GetName() == names.IMAGE_TO_REFERENCE
    np.testing.assert_allclose(matrix_of_transform(parent), sweep.frames[5].image_to_reference, atol=1e-12)
    assert visible(session, "vtkMRMLModelNode", names.PROBE_MODEL)
    session.stream.show_frame(sweep.frames[3], received_s=1.1)
    assert not sweep.frames[3].valid
    assert not visible(session, "vtkMRMLModelNode", names.PROBE_MODEL)
    np.testing.assert_allclose(matrix_of_transform(parent), sweep.frames[5].image_to_reference, atol=1e-12)
    session.stream.show_frame(sweep.frames[6], received_s=1.2)
    session.refresh(1.3)
    assert visible(session, "vtkMRMLModelNode", names.PROBE_MODEL)
    session.refresh(2.0)
    assert not visible(session, "vtkMRMLModelNode", names.PROBE_MODEL)


def test_recording_keeps_every_frame_that_is_shown(session, sweep):
    session.stream.show_frame(sweep.frames[0])
    session.recording.start()
    assert session.state.status(Step.RECORD) is StepStatus.RUNNING
    for frame in sweep.frames:
        session.stream.show_frame(frame)
    assert session.recording.state.frames == len(sweep)
    assert len(session.recording.stop()) == len(sweep)
    assert session.state.status(Step.RECORD) is StepStatus.DONE
    session.recording.start()
    with pytest.raises(RecordingError, match="No frame"):
        session.recording.stop()
    assert len(session.recording.sweep) == len(sweep), "an empty recording must not cost the earlier one"


# Stale results


def test_everything_is_done_in_a_ready_session(view, ready):
    done = [step for step in Step if ready.state.status(step) is StepStatus.DONE]
    assert done == [Step.RECORD, Step.RECONSTRUCT, Step.BOX, Step.SEGMENT]
    assert ready.state.status(Step.NAVIGATE) is StepStatus.READY
    assert tumor_is_shown(ready)


def assert_tumor_is_gone(session):
    assert not tumor_is_shown(session)
    assert session.tumor.mask is None and session.tumor.surface is None and session.tumor.probability is None
    assert session.tools.distance_mm() is None
    assert session.state.status(Step.SEGMENT) is StepStatus.STALE
    assert session.state.status(Step.NAVIGATE) is StepStatus.WAITING


def test_a_new_box_hides_the_tumor_of_the_old_one(view, ready, box, mask, surface):
    ready.tools.update("StylusToReference", stylus_with_tip_at(TUMOR_CENTER + (30, 0, 0)))
    assert ready.tools.distance_mm() is not None
    ready.box.set(Box(box.center_ras + (1, 0, 0), box.size_mm, box.axes_ras))
    assert_tumor_is_gone(ready)
    assert ready.volume.value is not None
    assert not visible(ready, "vtkMRMLMarkupsLineNode", names.distance_line("Stylus"))
    ready.tumor.set(mask, None, surface)
    assert tumor_is_shown(ready) and ready.tools.distance_mm() is not None
    assert ready.tumor.probability is None, "the probability of the old box must not come back with the new tumor"


def test_dragging_the_box_is_the_same_as_setting_it(view, ready, box):
    roi = find(ready.view.scene, "vtkMRMLMarkupsROINode", names.BOX)
    roi.SetSize(*(box.size_mm + (4, 0, 0)))
    assert_tumor_is_gone(ready)
    np.testing.assert_allclose(ready.box.value.size_mm, box.size_mm + (4, 0, 0))


def test_a_box_that_became_oblique_hides_the_tumor_and_says_why(view, ready):
    transform = ready.view.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "shear")
    roi = find(ready.view.scene, "vtkMRMLMarkupsROINode", names.BOX)
    roi.SetAndObserveTransformNodeID(transform.GetID())
    assert tumor_is_shown(ready)
    set_transform(transform, affine(np.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 1.0]])))
    assert ready.tumor.surface is None and ready.tools.distance_mm() is None
    assert ready.state.status(Step.BOX) is StepStatus.FAILED and "perpendicular" in ready.state[Step.BOX].message
    set_transform(transform, np.eye(4))
    assert ready.state.status(Step.BOX) is StepStatus.DONE
    assert ready.state.status(Step.SEGMENT) is StepStatus.STALE


def test_the_same_box_again_changes_nothing(view, ready, box):
    ready.box.set(box)
    put_box(find(ready.view.scene, "vtkMRMLMarkupsROINode", names.BOX), box)
    assert tumor_is_shown(ready)


def test_a_box_whose_margin_changes_is_another_box(view, ready, box):
    ready.box.set(box, tight=True)
    assert_tumor_is_gone(ready)


def test_a_new_volume_hides_the_tumor(view, ready, volume):
    ready.volume.set(volume)
    assert_tumor_is_gone(ready)
    assert ready.volume.value is not None and ready.box.value is not None


def test_a_new_sweep_makes_volume_and_tumor_stale(view, ready, sweep):
    ready.recording.set_sweep(Sweep(sweep.frames[:6]))
    assert_tumor_is_gone(ready)
    assert ready.volume.value is None
    assert ready.state.status(Step.RECONSTRUCT) is StepStatus.STALE
    with pytest.raises(SegmentationError, match="no volume"):
        ready.tumor.begin(None)


def test_an_open_surface_gives_no_distance(ready, mask):
    plane = vtkPlaneSource()
    plane.Update()
    ready.tools.update("StylusToReference", stylus_with_tip_at(TUMOR_CENTER + (30, 0, 0)))
    with pytest.raises(GeometryError, match="open"):
        ready.tumor.set(mask, None, plane.GetOutput())
    assert ready.tools.distance_mm() is None


# Long steps


def test_the_steps_in_their_order_give_the_tumor_and_its_distance(session, sweep, box):
    from CRLMSegmentationLib.reconstruction import ReconstructionSettings

    session.recording.set_sweep(sweep)
    told = []
    settings = ReconstructionSettings(spacing_mm=(1.0, 1.0, 1.0), fill="distance")
    reconstruction = session.volume.reconstruct(settings, lambda fraction, text: told.append(fraction))
    assert told and told[-1] == 1
    np.testing.assert_array_equal(session.volume.value.voxels, reconstruction.volume.voxels)
    session.box.set(box, tight=True)
    segmenter = SphereSegmenter()
    result = session.tumor.segment(segmenter)
    # A tight box is grown by the model's margin of 10 mm before the model sees it.
    assert Box.around_volume(segmenter.seen).size_mm.min() > 30
    assert result.found and session.tumor.result is result
    np.testing.assert_array_equal(session.tumor.mask.voxels, result.mask.voxels)
    assert session.tumor.probability.voxels.dtype == np.float32
    assert {"reconstruct", "crop", "segment", "surface"} <= set(session.state.timings_s)
    session.tools.update("StylusToReference", Pose(affine(translation=TUMOR_CENTER + (0, TUMOR_RADIUS_MM + 6, 0))))
    assert session.tools.distance_mm() == pytest.approx(6, abs=0.6)


def test_nothing_found_shows_no_tumor(view, ready):
    class NothingThere(SphereSegmenter):
        def probability(self, block, progress=None, should_cancel=None):
            return block.with_voxels(np.zeros(block.voxels.shape, np.float32))

    result = ready.tumor.segment(NothingThere())
    assert not result.found
    assert ready.tumor.surface is None and ready.tools.distance_mm() is None and not tumor_is_shown(ready)
    assert "no tumor" in ready.state[Step.SEGMENT].message


def test_threshold_is_moved_without_the_network(ready, volume):
    segmenter = SphereSegmenter()
    ready.tumor.segment(segmenter)
    before = ready.tumor.mask.voxels.sum()
    segmenter.seen = None
    ready.tumor.set_threshold(0.95)
    assert ready.wait() and ready.tumor.threshold == 0.95
    assert ready.tumor.surface is None
    ready.tumor.set_threshold(0.5)
    assert ready.wait()
    assert ready.tumor.mask.voxels.sum() == before and segmenter.seen is None
    ready.volume.set(volume)
    with pytest.raises(SegmentationError, match="no probability"):
        ready.tumor.set_threshold(0.5)


def test_a_result_whose_input_has_changed_is_dropped(view, ready, box):
    job = ready.tumor.begin(SphereSegmenter())
    assert ready.state.status(Step.SEGMENT) is StepStatus.RUNNING
    result = job.run()
    ready.box.set(Box(box.center_ras + (2, 0, 0), box.size_mm, box.axes_ras))
    assert ready.jobs.finish(job, result) is False
    assert ready.tumor.surface is None and not tumor_is_shown(ready)
    again = ready.tumor.begin(SphereSegmenter())
    assert ready.jobs.finish(again, again.run()) is True
    assert tumor_is_shown(ready)


def test_a_reconstruction_minds_its_sweep_and_not_the_box(session, sweep, box):
    from CRLMSegmentationLib.reconstruction import ReconstructionSettings

    settings = ReconstructionSettings(spacing_mm=(2.0, 2.0, 2.0), fill="none")
    session.recording.set_sweep(sweep)
    job = session.volume.begin(settings)
    session.box.set(box)
    assert session.jobs.finish(job, job.run()) is True
    job = session.volume.begin(settings)
    session.recording.set_sweep(Sweep(sweep.frames[2:]))
    assert session.jobs.finish(job, job.run()) is False
    assert session.volume.value is None and session.state.status(Step.RECONSTRUCT) is StepStatus.STALE


def test_a_step_that_fails_says_why(session, sweep, volume):
    with pytest.raises(ReconstructionError, match="no sweep"):
        session.volume.reconstruct()
    session.recording.set_sweep(Sweep([frame.with_changes(valid=False) for frame in sweep.frames]))
    with pytest.raises(ReconstructionError) as caught:
        session.volume.reconstruct()
    assert session.state.status(Step.RECONSTRUCT) is StepStatus.FAILED
    assert session.state[Step.RECONSTRUCT].message == str(caught.value)
    session.volume.set(volume)
    with pytest.raises(SegmentationError, match="no box"):
        session.tumor.segment(SphereSegmenter())
    session.box.set(Box((900, 900, 900), (10, 10, 10)))
    with pytest.raises(GeometryError, match="outside"):
        session.tumor.segment(SphereSegmenter())
    assert session.state.status(Step.SEGMENT) is StepStatus.FAILED


# What stays behind


def test_listeners_hear_of_changes_until_they_leave(session, volume):
    heard = []
    leave = session.add_listener(lambda state: heard.append(state.status(Step.RECONSTRUCT)))
    session.volume.set(volume)
    assert heard[-1] is StepStatus.DONE
    leave()
    leave()
    number = len(heard)
    session.volume.set(volume)
    assert len(heard) == number


def test_doing_everything_twice_leaves_one_node_of_each(view, ready, sweep, volume, box, mask, surface):
    numbers = []
    for _ in range(2):
        ready.recording.set_sweep(sweep)
        ready.volume.set(volume)
        ready.box.set(box)
        ready.tumor.set(mask, volume.with_voxels(mask.voxels.astype(np.float32)), surface)
        ready.tools.update("StylusTipToStylus", Pose(TIP_TO_STYLUS))
        ready.stream.show_frame(sweep.frames[4])
        ready.process()
        numbers.append(number_of_nodes(ready))
    assert numbers[0] == numbers[1]


def test_a_closed_session_hears_nothing(view, ready):
    roi = find(ready.view.scene, "vtkMRMLMarkupsROINode", names.BOX)
    heard = []
    ready.add_listener(heard.append)
    ready.close()
    ready.close()
    roi.SetSize(5.0, 5.0, 5.0)
    ready.view.scene.Clear(False)
    assert heard == [] and ready.state[Step.BOX].message.startswith("30 x")


@pytest.mark.parametrize("is_closed", [True, False])
def test_a_session_that_nobody_refers_to_goes_and_its_scene_calls_nobody(volume, box, is_closed):
    """Closed, or dropped by an error in a script: observers must neither keep it nor call what is half gone."""
    application = current_application()
    session = on_scene(Session(), application)
    session.volume.set(volume)
    session.box.set(box)
    alive = weakref.ref(session)
    if is_closed:
        session.close()
    del session
    gc.collect()
    assert alive() is None
    find(application.scene, "vtkMRMLMarkupsROINode", names.BOX).SetSize(5.0, 5.0, 5.0)
    application.scene.Clear(False)


def test_closing_the_scene_starts_anew(view, ready, volume, box):
    ready.view.scene.Clear(False)
    assert (
        ready.volume.value is None
        and ready.box.value is None
        and ready.recording.sweep is None
        and ready.tumor.surface is None
    )
    assert [ready.state.status(step) for step in Step] == [StepStatus.READY] + [StepStatus.WAITING] * 5
    assert ready.tools.reading().status is ToolStatus.NEVER_SEEN
    ready.volume.set(volume)
    ready.box.set(box)
    assert ready.state.status(Step.SEGMENT) is StepStatus.READY


def test_a_second_session_goes_on_from_the_first_ones_scene(view, ready, mask):
    ready.close()
    other = on_scene(Session(), ready.view.application)
    assert other.state.status(Step.SEGMENT) is StepStatus.DONE
    np.testing.assert_array_equal(other.tumor.mask.voxels, mask.voxels)
    other.box.set(Box(TUMOR_CENTER, (20, 20, 20)))
    assert_tumor_is_gone(other)
    other.close()


def test_a_scene_set_up_by_somebody_else_gets_what_is_missing(sweep):
    from slicer import vtkMRMLScene, vtkSlicerApplicationLogic
    from vtkmodules.vtkCommonCore import vtkCollection

    scene, logic = vtkMRMLScene(), vtkSlicerApplicationLogic()
    logic.SetMRMLScene(scene)
    logic.SetSliceLogics(vtkCollection())
    logic.SetViewLogics(vtkCollection())
    session = on_scene(Session(), application_on(scene, logic))
    session.recording.set_sweep(sweep)
    assert len(session.recording.sweep) == len(sweep)
    session.close()
