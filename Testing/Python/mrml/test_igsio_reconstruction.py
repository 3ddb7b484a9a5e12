"""IGSIO's own reconstruction in Slicer: what is said where it is absent or cannot do what is asked.

Where the module is installed, the two volumes are compared as well.
"""

import threading
import time

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ReconstructionError
from CRLMSegmentationLib.mrml.sweeps import igsio_reconstruction
from CRLMSegmentationLib.mrml.sweeps.igsio_reconstruction import (
    igsio_available,
    igsio_reconstruct,
    nearest_igsio_settings,
)
from CRLMSegmentationLib.reconstruction import Fan, ReconstructionSettings, reconstruct
from CRLMSegmentationLib.session.state import Step
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame

SETTINGS = ReconstructionSettings(0.5, definition="igsio", fill="stick")


@pytest.fixture
def a_sweep():
    random, frames = np.random.default_rng(0), []
    for number in range(6):
        pose = np.diag([0.4, 0.4, 0.4, 1.0])
        pose[:3, 3] = 3, 4, 0.7 * number
        frames.append(TrackedFrame(random.integers(1, 255, (30, 40), dtype=np.uint8), pose, 0.1 * number))
    return Sweep(frames)


@pytest.mark.skipif(igsio_available(), reason="the Volume Reconstruction module is installed here")
def test_where_it_is_absent_that_is_said(a_sweep):
    with pytest.raises(ReconstructionError, match="needs 3D Slicer with the extensions SlicerIGSIO and SlicerIGT"):
        igsio_reconstruct(a_sweep, SETTINGS)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"fill": "distance"}, "by distance"),
        ({"stick_length_voxels": 5}, "up to 9 voxels"),
        ({"fan": Fan((20, 0), (-30, 30))}, "neither a fan"),
    ],
)
def test_what_the_module_cannot_do_is_refused(a_sweep, monkeypatch, change, said):
    monkeypatch.setattr(igsio_reconstruction, "igsio_available", lambda: True)
    with pytest.raises(ReconstructionError, match=said):
        igsio_reconstruct(a_sweep, SETTINGS.with_changes(**change))


@pytest.mark.skipif(not igsio_available(), reason="needs 3D Slicer with SlicerIGSIO and SlicerIGT")
def test_both_agree(a_sweep):
    theirs, ours = igsio_reconstruct(a_sweep, SETTINGS), reconstruct(a_sweep, SETTINGS).volume
    assert (theirs.voxels == ours.voxels).mean() > 0.999
    np.testing.assert_allclose(theirs.ijk_to_ras, ours.ijk_to_ras)


def test_a_session_offers_it_only_where_it_is(session):
    assert session.volume.engines()[0] == session.volume.engine == "crlm"
    if igsio_available():
        assert session.volume.engines() == ("crlm", "igsio")
    else:
        assert session.volume.engines() == ("crlm",)
        with pytest.raises(ReconstructionError, match="SlicerIGSIO and SlicerIGT"):
            session.volume.choose_engine("igsio")
    with pytest.raises(ReconstructionError, match="no reconstruction engine 'other'; choose crlm"):
        session.volume.choose_engine("other")
    assert session.volume.engine == "crlm"


@pytest.mark.skipif(not igsio_available(), reason="needs 3D Slicer with SlicerIGSIO and SlicerIGT")
def test_a_session_makes_the_volume_with_it(session, a_sweep):
    session.recording.set_sweep(a_sweep)
    session.volume.settings = SETTINGS
    session.volume.choose_engine("igsio")
    session.volume.start()
    assert session.wait() and "SlicerIGSIO" in session.state[Step.RECONSTRUCT].message
    ours = reconstruct(a_sweep, SETTINGS).volume
    assert (session.volume.value.voxels == ours.voxels).mean() > 0.999


# A job that needs the scene, and so the session's thread, in place of the module.


def stepping(sweep, made, settings=None, progress=None, should_cancel=None, scene=None):
    made.append("begun")
    try:
        for number in range(5):
            time.sleep(0.02)
            progress(number / 5, "inserting")
            made.append(threading.get_ident())
            yield
        return reconstruct(sweep, settings).volume
    finally:
        made.append("tidy")


@pytest.fixture
def made(session, a_sweep, monkeypatch):
    made = []
    monkeypatch.setattr(igsio_reconstruction, "igsio_available", lambda: True)
    monkeypatch.setattr(igsio_reconstruction, "igsio_slices", lambda sweep, *how: stepping(sweep, made, *how))
    session.recording.set_sweep(a_sweep)
    session.volume.choose_engine("igsio")
    return made


def test_it_runs_in_the_sessions_thread_a_slice_at_a_time(session, made):
    session.volume.start()
    assert made == []
    session.process()
    assert made == ["begun", threading.get_ident()] and session.is_computing and session.state.progress == 0.0
    session.process()
    assert session.state[Step.RECONSTRUCT].message == "inserting" and session.state.progress == 0.2
    assert session.wait()
    assert made == ["begun", *[threading.get_ident()] * 5, "tidy"]
    assert session.volume.value is not None and session.state.timings_s["reconstruct"] > 0.1
    assert session.state[Step.RECONSTRUCT].message.endswith("made by SlicerIGSIO")


def test_it_tidies_up_when_it_is_stopped(session, made, a_sweep):
    for stop in (session.jobs.cancel, lambda: session.recording.set_sweep(a_sweep), session.case.begin):
        made.clear()
        session.recording.set_sweep(a_sweep)
        session.volume.start()
        session.process()
        stop()
        assert made[-1] == "tidy"
        assert session.wait() and session.volume.value is None
    session.recording.set_sweep(a_sweep)
    session.volume.start()
    session.process()
    session.volume.start()
    assert session.wait() and session.volume.value is not None
    session.volume.start()
    session.process()
    session.close()
    assert made[-1] == "tidy"


def test_the_callers_own_run_is_by_our_engine(session, made, a_sweep):
    result = session.volume.reconstruct(SETTINGS)
    np.testing.assert_array_equal(result.volume.voxels, reconstruct(a_sweep, SETTINGS).volume.voxels)
    assert made == [] and "SlicerIGSIO" not in session.state[Step.RECONSTRUCT].message


def test_settings_that_are_nearest_to_ours():
    asked = nearest_igsio_settings(ReconstructionSettings(0.7, fill="distance", stick_length_voxels=3))
    assert (asked.fill, asked.stick_length_voxels, asked.sticks_used, asked.definition) == ("stick", 9, 1, "igsio")
    assert asked.spacing_mm == (0.7, 0.7, 0.7)
    assert nearest_igsio_settings(ReconstructionSettings(fill="none")).fill == "none"
