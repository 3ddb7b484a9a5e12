"""Reconstruct: the recorded sweep, the volume that is made of it, and the volume that grows while it is swept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ReconstructionError, RecordingError
from ..mrml import names
from ..mrml.application import Application
from ..mrml.conversion import put_volume, volume_of
from ..mrml.igsio_reconstruction import check_igsio_available, igsio_available, igsio_slices, nearest_igsio_settings
from ..mrml.nodes import find, get_or_create, is_stale, mark_stale
from ..mrml.sweep_sequence import GrowingSweep, put_sweep, sweep_of
from ..reconstruction import ReconstructionSettings
from ..sweep import Sweep
from ..values import Volume
from .jobs.job import Job
from .jobs.jobs import Jobs
from .state import Step, StepStatus
from .workflow import Workflow

if TYPE_CHECKING:
    from ..reconstruction import Reconstruction

Progress = Callable[[float, str], None]
_GROWING = "CRLM.Growing"
OWN_ENGINE, IGSIO_ENGINE = "crlm", "igsio"


def engines() -> tuple[str, ...]:
    """The reconstruction engines that can be chosen here; the first is our own."""
    return (OWN_ENGINE, IGSIO_ENGINE) if igsio_available() else (OWN_ENGINE,)


class VolumePart:
    """Sweep and volume of one session.

    settings    of the next reconstruction
    engine      which of engines() makes the next volume in start(); every other way, and the volume that grows while
                recording, is our own engine's
    on_changed  called when there is another volume, or none any more
    """

    def __init__(self, application: Application, workflow: Workflow, jobs: Jobs, on_changed: Callable[[], None]):
        self.settings = ReconstructionSettings(fill="distance")
        self.engine = OWN_ENGINE
        self._application, self._scene = application, application.scene
        self._workflow, self._jobs, self._on_changed = workflow, jobs, on_changed
        self._sweep: Sweep | None = None
        workflow.rests[Step.RECONSTRUCT] = self._rest
        jobs.takers[Step.RECONSTRUCT] = self._take

    @property
    def sweep(self) -> Sweep | None:
        return self._sweep

    def new_growing_sweep(self) -> GrowingSweep:
        """For the frames of a recording that begins."""
        return GrowingSweep(self._application)

    def set_sweep(self, sweep: Sweep, growing: GrowingSweep | None = None) -> None:
        """Take a recorded sweep; a volume of an earlier one becomes stale. Raises RecordingError when it is empty.

        growing  what brings it into the scene, by and by; None to have it there at once
        """
        if len(sweep) == 0:
            raise RecordingError("The sweep holds no frame; record or choose another one.")
        if growing is None:
            put_sweep(self._application, sweep)
        else:
            growing.end(sweep)
        self._sweep = sweep
        self._workflow.revisions[Step.RECONSTRUCT] += 1
        self._jobs.cancel(Step.RECONSTRUCT)
        message = f"{len(sweep)} frames, {len(sweep.valid_frames)} with a valid pose"
        self._workflow.set(Step.RECORD, StepStatus.DONE, message)
        mark_stale(self.node(), True)
        self._workflow.settle(Step.RECONSTRUCT)
        self._workflow.edited()
        self._on_changed()
        self._workflow.tell()

    def start(self, settings: ReconstructionSettings | None = None) -> None:
        """Make the volume of the sweep in the background, by `engine`. Raises ReconstructionError without a sweep."""
        self._jobs.start(self.begin(settings, self.engine))

    def reconstruct(
        self, settings: ReconstructionSettings | None = None, progress: Progress | None = None
    ) -> Reconstruction:
        """Make the volume of the sweep here and now, with our own engine. Raises ReconstructionError."""
        return self._jobs.run(self.begin(settings), progress)

    def begin(self, settings: ReconstructionSettings | None = None, engine: str = OWN_ENGINE) -> Job:
        """The job that makes a volume of the sweep by one of engines(), to be run and finished by the caller.

        settings  None for `settings`, as everywhere
        Raises ReconstructionError without a sweep.
        """
        if self._sweep is None:
            raise ReconstructionError("There is no sweep to make a volume of; record one first.")
        sweep, settings = self._sweep, settings or self.settings
        if engine == IGSIO_ENGINE:
            asked = nearest_igsio_settings(settings)
            slices = lambda *how: igsio_slices(sweep, asked, *how, scene=self._scene)  # noqa: E731
            return self._jobs.begin(Step.RECONSTRUCT, None, slices)

        def compute(progress, should_cancel):
            from ..reconstruction import reconstruct

            return reconstruct(sweep, settings, progress, should_cancel)

        return self._jobs.begin(Step.RECONSTRUCT, compute)

    def engines(self) -> tuple[str, ...]:
        """What can make a volume here: 'crlm', our own, and 'igsio' where SlicerIGSIO and SlicerIGT are installed."""
        return engines()

    def choose_engine(self, name: str) -> None:
        """One of engines(), for start(). Raises ReconstructionError, which says what is missing, for another.

        'igsio' takes turns with the window instead of running beside it, and fills holes by sticks, if at all.
        """
        if name == IGSIO_ENGINE:
            check_igsio_available()
        elif name != OWN_ENGINE:
            raise ReconstructionError(f"There is no reconstruction engine '{name}'; choose {' or '.join(engines())}.")
        self.engine = name
        self._workflow.touch()
        self._workflow.tell()

    @property
    def value(self) -> Volume | None:
        """A copy of the volume; None when there is none, or it is stale or still growing."""
        return volume_of(self.node()) if self.is_there else None

    @property
    def grid(self) -> Volume | None:
        """The volume's geometry with a view of its voxels, to be looked at and let go at once; None as above."""
        return volume_of(self.node(), copy=False) if self.is_there else None

    @property
    def is_there(self) -> bool:
        node = self.node()
        return not is_stale(node) and not node.GetAttribute(_GROWING)

    def set(self, volume: Volume) -> None:
        """Take a finished volume; an earlier tumor becomes stale."""
        self._put(volume)
        i, j, k = volume.dimensions
        message = f"{i} x {j} x {k} voxels of {volume.spacing_mm.max():.2g} mm"
        self._workflow.set(Step.RECONSTRUCT, StepStatus.DONE, message)
        if self._workflow.state.status(Step.BOX) is StepStatus.WAITING:
            self._workflow.set(Step.BOX, StepStatus.READY)
        self._workflow.edited()
        self._on_changed()
        self._workflow.tell()

    def show_growing(self, reconstruction) -> None:
        """While it still grows it can be looked at, and is no volume to segment."""
        was_there = self.is_there
        # What was seen is of use once there is a volume to segment: until then it would only be copied.
        self._put(reconstruction.volume.with_seen(None), growing=True)
        number = len(reconstruction.report.frames_used)
        self._workflow.set(Step.RECONSTRUCT, StepStatus.RUNNING, f"growing: {number} frames")
        if was_there:
            self._on_changed()

    def node(self):
        """The volume's node; None when there is none."""
        return find(self._scene, "vtkMRMLScalarVolumeNode", names.VOLUME)

    def adopt(self) -> None:
        """Take over what the scene holds."""
        self._sweep = sweep_of(self._application)
        if self._sweep is not None:
            self._workflow.set(Step.RECORD, StepStatus.DONE, f"{len(self._sweep)} frames")
        self._workflow.settle(Step.RECONSTRUCT)
        if self.is_there:
            self._workflow.set(Step.BOX, StepStatus.READY)

    def look(self) -> None:
        """Nodes were taken out of the scene: perhaps the volume."""
        if self._workflow.state.status(Step.RECONSTRUCT) is StepStatus.DONE and self.node() is None:
            self._workflow.settle(Step.RECONSTRUCT)
            self._workflow.edited()
            self._on_changed()
            self._workflow.tell()

    def forget(self) -> None:
        """As at the beginning; the nodes stay."""
        self._sweep = None

    def _take(self, result) -> None:
        if not isinstance(result, Volume):
            self.set(result.volume)
            for note in result.report.notes:
                self._workflow.note(note)
            return
        self.set(result)
        message = self._workflow.state[Step.RECONSTRUCT].message
        self._workflow.set(Step.RECONSTRUCT, StepStatus.DONE, f"{message}, made by SlicerIGSIO")

    def _put(self, volume: Volume, growing: bool = False) -> None:
        node = get_or_create(self._scene, "vtkMRMLScalarVolumeNode", names.VOLUME, with_display=True)
        put_volume(node, volume)
        if volume.voxels.dtype == np.uint8:
            node.GetScalarVolumeDisplayNode().AutoWindowLevelOff()
            node.GetScalarVolumeDisplayNode().SetWindowLevelMinMax(0, 255)
        node.SetAttribute(_GROWING, "true" if growing else None)
        mark_stale(node, False)

    def _rest(self) -> StepStatus:
        if self.is_there:
            return StepStatus.DONE
        if self._sweep is None:
            return StepStatus.WAITING
        return StepStatus.READY if self.node() is None else StepStatus.STALE
