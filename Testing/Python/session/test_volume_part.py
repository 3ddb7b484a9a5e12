"""The volume as a plain part: when it is one to work with, and what can make it."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.errors import GeometryError, ReconstructionError, RecordingError
from CRLMSegmentationLib.session.jobs.jobs import Jobs
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.session.volume import VolumePart, VolumeStatus
from CRLMSegmentationLib.session.workflow import Workflow
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame
from CRLMSegmentationLib.values import Volume

VOLUME = Volume(np.arange(60, dtype=np.uint8).reshape(3, 4, 5), np.eye(4))
SWEEP = Sweep([TrackedFrame(np.ones((4, 4), np.uint8), np.eye(4), 0.1 * number) for number in range(3)])


@pytest.fixture
def part():
    """A volume without sweep, with the statuses that it went through and how often results became stale."""
    workflow, stale, seen = Workflow(), [], []
    jobs = Jobs(workflow)
    volume = VolumePart(workflow, jobs, lambda: stale.append(1))
    volume.changed.connect(lambda: seen.append(volume.status))
    yield SimpleNamespace(volume=volume, workflow=workflow, state=workflow.state, jobs=jobs, stale=stale, seen=seen)
    jobs.close()


def growing():
    return SimpleNamespace(volume=VOLUME.with_seen(VOLUME.voxels > 3), report=SimpleNamespace(frames_used=[1, 2]))


def test_a_new_sweep_makes_the_volume_stale_and_what_grows_is_none_to_work_with(part):
    volume = part.volume
    volume.set_sweep(SWEEP)
    assert part.state.status(Step.RECONSTRUCT) is StepStatus.READY and part.seen == []
    volume.set(VOLUME)
    assert volume.value is VOLUME and part.state[Step.RECONSTRUCT].message == "5 x 4 x 3 voxels of 1 mm"
    volume.set_sweep(SWEEP)
    assert volume.value is None and volume.has_any and part.state.status(Step.RECONSTRUCT) is StepStatus.STALE
    volume.show_growing(growing())
    assert volume.value is None and volume.shown.seen is None and not volume.is_there
    assert part.state[Step.RECONSTRUCT].message == "growing: 2 frames"
    assert part.seen == [VolumeStatus.CURRENT, VolumeStatus.STALE, VolumeStatus.GROWING]
    with pytest.raises(RecordingError, match="no frame"):
        volume.set_sweep(Sweep([]))


@pytest.mark.parametrize("is_stale", [False, True])
def test_a_volume_that_is_removed_can_be_made_again(part, is_stale):
    part.volume.set_sweep(SWEEP)
    part.volume.set(VOLUME)
    if is_stale:
        part.volume.set_sweep(SWEEP)
    before = len(part.stale)
    part.volume.remove()
    part.volume.remove()
    assert len(part.stale) == before + 1 and part.volume.sweep is SWEEP and not part.volume.has_any
    assert part.state.status(Step.RECONSTRUCT) is StepStatus.READY


def test_a_volume_without_a_place_is_a_problem_until_another_is_set(part):
    part.volume.set_problem("there is no volume to have one")
    part.volume.set(VOLUME)
    part.volume.set_problem("it is warped")
    part.volume.set_problem("it is warped")
    assert len(part.stale) == 2 and part.volume.is_there
    with pytest.raises(GeometryError, match="warped"):
        assert part.volume.value
    part.volume.set(VOLUME)
    assert part.volume.value is VOLUME


def test_what_was_saved_comes_back_with_what_was_made_of_it(part):
    part.volume.restore_sweep(SWEEP)
    part.volume.restore(VOLUME, VolumeStatus.CURRENT)
    assert part.stale == [] and part.workflow.edits == 0 and part.volume.value is VOLUME
    assert part.state.status(Step.RECONSTRUCT) is StepStatus.DONE and part.state.status(Step.BOX) is StepStatus.READY
    part.volume.restore(None, VolumeStatus.STALE)
    assert part.state.status(Step.RECONSTRUCT) is StepStatus.STALE
    part.volume.forget()
    assert part.volume.sweep is None and part.stale == [] and not part.volume.has_any


class Engine:
    """Gives VOLUME after a slice, where it is installed."""

    name, label = "other", "Other Engine"

    def __init__(self):
        self.is_installed = True

    def check_available(self):
        if not self.is_installed:
            raise ReconstructionError("Other Engine is not installed.")

    def slices(self, sweep, settings, progress, should_cancel):
        assert sweep is SWEEP and settings.spacing_mm == (2.0, 2.0, 2.0)
        yield
        return VOLUME


def test_a_registered_engine_can_be_chosen_where_it_is_available(part):
    engine, volume = Engine(), part.volume
    with pytest.raises(ReconstructionError, match="no reconstruction engine 'other'; choose crlm"):
        volume.choose_engine("other")
    volume.register_engine(engine)
    assert volume.engines() == ("crlm", "other")
    engine.is_installed = False
    assert volume.engines() == ("crlm",)
    with pytest.raises(ReconstructionError, match="not installed"):
        volume.choose_engine("other")
    assert volume.engine == "crlm"
    engine.is_installed = True
    volume.choose_engine("other")
    volume.settings = volume.settings.with_changes(spacing_mm=2.0)
    volume.set_sweep(SWEEP)
    volume.start()
    until = time.monotonic() + 600
    while part.jobs.steps and time.monotonic() < until:
        part.jobs.process()
    assert volume.value is VOLUME and part.state[Step.RECONSTRUCT].message.endswith("made by Other Engine")
    engine.is_installed = False
    with pytest.raises(ReconstructionError, match="not installed"):
        volume.start()
