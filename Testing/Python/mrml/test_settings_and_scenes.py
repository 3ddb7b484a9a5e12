"""One set of reconstruction settings; jobs that end when their input changes; scenes that hold what cannot be used."""

import threading

import numpy as np
import pytest
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.mrml.application import current_application
from CRLMSegmentationLib.mrml.conversion import put_box, put_surface, put_volume, set_transform
from CRLMSegmentationLib.reconstruction import ReconstructionSettings
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.sweep import Pose, Sweep
from scene_case import on_scene
from small_case import affine
from vtkmodules.vtkFiltersSources import vtkPlaneSource


@pytest.mark.parametrize("way", ["here", "job", "background"])
def test_every_way_to_a_volume_has_the_session_s_settings(session, sweep, way):
    session.recording.set_sweep(sweep)
    session.volume.settings = ReconstructionSettings(spacing_mm=2.5, fill="none")
    if way == "here":
        session.volume.reconstruct()
    elif way == "job":
        job = session.volume.begin()
        session.jobs.finish(job, job.run())
    else:
        session.volume.start()
        assert session.wait()
    np.testing.assert_allclose(session.volume.value.spacing_mm, 2.5)
    session.volume.reconstruct(ReconstructionSettings(spacing_mm=4.0, fill="none"))
    np.testing.assert_allclose(session.volume.value.spacing_mm, 4.0)


def test_a_new_sweep_cancels_the_job_of_the_old_one(session, sweep, monkeypatch):
    """The job would go on for ever, unless it is told to stop."""
    from CRLMSegmentationLib.errors import Cancelled

    began, ended = threading.Event(), threading.Event()

    def endless(sweep, settings, progress, should_cancel):
        began.set()
        while not should_cancel():
            ended.wait(0.001)
        ended.set()
        raise Cancelled("cancelled")

    monkeypatch.setattr("CRLMSegmentationLib.reconstruction.reconstruct", endless)
    session.recording.set_sweep(sweep)
    session.volume.start()
    assert began.wait(600) and not ended.is_set()
    session.recording.set_sweep(Sweep(sweep.frames[:5]))
    assert ended.wait(600)
    assert session.wait()
    assert session.state.status(Step.RECONSTRUCT) is StepStatus.READY


# Scenes of others


def test_a_scene_with_an_oblique_box_opens_and_says_what_is_wrong(box):
    application = current_application()
    node = application.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", names.BOX)
    put_box(node, box)
    shear = application.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Shear")
    set_transform(shear, affine(np.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 1.0]])))
    node.SetAndObserveTransformNodeID(shear.GetID())
    session = on_scene(Session(), application)
    assert session.state.status(Step.BOX) is StepStatus.FAILED and "perpendicular" in session.state[Step.BOX].message
    set_transform(shear, np.eye(4))
    assert session.state.status(Step.BOX) is StepStatus.DONE
    session.process()
    assert session.fault is None
    session.close()


@pytest.mark.parametrize("with_volume", [False, True])
def test_a_scene_with_an_open_surface_opens_and_measures_nothing(volume, with_volume):
    application = current_application()
    if with_volume:
        put_volume(application.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", names.VOLUME), volume)
    plane = vtkPlaneSource()
    plane.Update()
    node = application.scene.AddNewNodeByClass("vtkMRMLModelNode", names.SURFACE)
    node.CreateDefaultDisplayNodes()
    put_surface(node, plane.GetOutput())
    session = on_scene(Session(), application)
    session.tools.update("StylusToReference", Pose(np.eye(4)))
    assert session.tools.distance_mm() is None and session.tumor.surface is None
    assert not node.GetDisplayVisibility()
    if not with_volume:
        assert session.state.status(Step.SEGMENT) is StepStatus.FAILED
        assert "open" in session.state[Step.SEGMENT].message
    assert session.state.status(Step.NAVIGATE) is StepStatus.WAITING
    session.close()


def test_a_volume_under_a_warp_is_told_wherever_it_is_asked_for(session, volume, box):
    session.volume.set(volume)
    session.box.set(box)
    warp = session.view.scene.AddNewNodeByClass("vtkMRMLGridTransformNode", "Warp")
    session.view.volume_node().SetAndObserveTransformNodeID(warp.GetID())
    assert any("not linear" in warning for warning in session.box.warnings)
    session.process()
    assert session.fault is None
