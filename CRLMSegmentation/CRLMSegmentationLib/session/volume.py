"""Reconstruct: the recorded sweep, the volume that is made of it, and the volume that grows while it is swept."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from ..errors import GeometryError, ReconstructionError, RecordingError
from ..reconstruction import ReconstructionSettings
from ..sweep import Sweep
from ..values import Volume
from ..values.progress import Progress, ShouldCancel
from ..words import tr
from .event import Event
from .jobs.job import Job
from .jobs.jobs import Jobs
from .reconstruction_engine import MadeByEngine, ReconstructionEngine, made_by
from .state import NO_SWEEP, Step, StepStatus
from .workflow import Workflow

if TYPE_CHECKING:
    from ..reconstruction import Reconstruction

OWN_ENGINE = "crlm"


class VolumeStatus(Enum):
    """What the volume is good for."""

    NONE = "none"
    GROWING = "growing"  # can be seen while it is swept
    CURRENT = "current"
    STALE = "stale"  # made of an earlier sweep


class VolumePart:
    """Sweep and volume of one session.

    changed     event: `shown`, `status`, or what is wrong with the volume is another one, by whatever way
    settings    of the next reconstruction
    engine      which of engines() makes the next volume in start(); every other way, and the volume that grows while
                recording, is our own engine's
    status      VolumeStatus
    shown       the volume to show, current or growing, in Reference; None when there is none
    problem     why the volume has no place in Reference, for people; '' when it has one
    on_changed  called when there is another volume to work with, or none any more
    on_error    called with what a handler of `changed` raises
    """

    def __init__(
        self, workflow: Workflow, jobs: Jobs, on_changed: Callable[[], None],
        on_error: Callable[[Exception], None] | None = None,
    ):  # fmt: skip
        self.changed: Event[[]] = Event(on_error)
        self.settings = ReconstructionSettings(fill="distance")
        self.engine = OWN_ENGINE
        self.status = VolumeStatus.NONE
        self.shown: Volume | None = None
        self._workflow, self._jobs, self._on_changed = workflow, jobs, on_changed
        self._engines: dict[str, ReconstructionEngine] = {}
        self._sweep: Sweep | None = None
        self.problem = ""
        workflow.resting[Step.RECONSTRUCT] = self._resting_status
        jobs.handlers[Step.RECONSTRUCT] = self._take

    # What it is made of, and how

    @property
    def sweep(self) -> Sweep | None:
        """The sweep that a volume is made of."""
        return self._sweep

    def set_sweep(self, sweep: Sweep) -> None:
        """Take a recorded sweep; a volume of an earlier one becomes stale. Raises RecordingError when it is empty."""
        if len(sweep) == 0:
            raise RecordingError(tr("The sweep holds no frame; record or choose another one."))
        self._sweep = sweep
        self._workflow.revisions[Step.RECONSTRUCT] += 1
        self._jobs.cancel(Step.RECONSTRUCT)
        self._workflow.set(Step.RECORD, StepStatus.DONE, sweep_text(sweep))
        if self.has_any:
            self._put(None, VolumeStatus.STALE)
        self._workflow.rest(Step.RECONSTRUCT)
        self._workflow.edited()
        self._on_changed()
        self._workflow.notify()

    def start(self, settings: ReconstructionSettings | None = None) -> None:
        """Make the volume of the sweep in the background, by `engine`. Raises ReconstructionError without a sweep."""
        self._jobs.start(self.begin(settings, self.engine))

    def reconstruct(
        self, settings: ReconstructionSettings | None = None, progress: Progress | None = None
    ) -> Reconstruction:
        """Make the volume of the sweep here and now, with our own engine. Raises ReconstructionError."""
        made: Reconstruction = self._jobs.run(self.begin(settings), progress)
        return made

    def begin(self, settings: ReconstructionSettings | None = None, engine: str = OWN_ENGINE) -> Job:
        """The job that makes a volume of the sweep by one of engines(), to be run and finished by the caller.

        settings  None for `settings`, as everywhere
        Raises ReconstructionError without a sweep, and for an engine that cannot be used.
        """
        if self._sweep is None:
            raise ReconstructionError(NO_SWEEP)
        sweep, chosen = self._sweep, settings or self.settings
        if engine != OWN_ENGINE:
            other = self._engine_called(engine)
            return self._jobs.begin(Step.RECONSTRUCT, None, lambda *how: made_by(other, sweep, chosen, *how))

        def compute(progress: Progress | None, should_cancel: ShouldCancel | None) -> Reconstruction:
            from ..reconstruction import reconstruct

            return reconstruct(sweep, chosen, progress, should_cancel)

        return self._jobs.begin(Step.RECONSTRUCT, compute)

    def register_engine(self, engine: ReconstructionEngine) -> None:
        """Another engine that can be chosen where it is available; one of the same name goes."""
        self._engines[engine.name] = engine

    def engines(self) -> tuple[str, ...]:
        """What can make a volume here: 'crlm', our own, and whichever others are registered and available."""
        return (OWN_ENGINE, *(name for name, engine in self._engines.items() if _is_available(engine)))

    def choose_engine(self, name: str) -> None:
        """One of engines(), for start(). Raises ReconstructionError, which says what is missing, for another.

        Another than our own takes turns with the window instead of running beside it.
        """
        if name != OWN_ENGINE:
            self._engine_called(name)
        self.engine = name
        self._workflow.touch()
        self._workflow.notify()

    def _engine_called(self, name: str) -> ReconstructionEngine:
        if name not in self._engines:
            raise ReconstructionError(
                tr(
                    "There is no reconstruction engine '{name}'; choose {engines}.",
                    name=name,
                    engines=" or ".join(self.engines()),
                )
            )
        self._engines[name].check_available()
        return self._engines[name]

    # The volume

    @property
    def value(self) -> Volume | None:
        """The volume, in Reference; None when there is none, or it is stale or still growing.

        Raises GeometryError when it lies where it has no place in Reference.
        """
        if not self.is_there:
            return None
        if self.problem:
            raise GeometryError(self.problem)
        return self.shown

    @property
    def is_there(self) -> bool:
        """True when there is one to work with, whatever is wrong with it."""
        return self.status is VolumeStatus.CURRENT

    @property
    def is_being_made(self) -> bool:
        """True while one is computed in the background."""
        return Step.RECONSTRUCT in self._jobs.steps

    @property
    def has_any(self) -> bool:
        """True when there is one, current, growing or stale."""
        return self.status is not VolumeStatus.NONE

    def set(self, volume: Volume) -> None:
        """Take a finished volume; an earlier tumor becomes stale."""
        self._put(volume, VolumeStatus.CURRENT)
        self._workflow.set(Step.RECONSTRUCT, StepStatus.DONE, _volume_text(volume))
        if self._workflow.state.status(Step.BOX) is StepStatus.WAITING:
            self._workflow.set(Step.BOX, StepStatus.READY)
        self._report_other_volume()

    def set_problem(self, sentence: str) -> None:
        """The volume lies where it has no place in Reference; `sentence` says why, for people. set() ends it."""
        if self.is_there and sentence != self.problem:
            self._put(self.shown, VolumeStatus.CURRENT, sentence)
            self._report_other_volume()

    def show_growing(self, reconstruction: Reconstruction) -> None:
        """While it still grows it can be seen, and is no volume to segment."""
        was_there = self.is_there
        # What was seen is of use once there is a volume to segment: until then it would only be copied.
        self._put(reconstruction.volume.with_seen(None), VolumeStatus.GROWING)
        number = len(reconstruction.report.frames_used)
        self._workflow.set(Step.RECONSTRUCT, StepStatus.RUNNING, tr("growing: {number} frames", number=number))
        if was_there:
            self._on_changed()

    def remove(self) -> None:
        """There is no volume any more, and no tumor in it; the sweep stays."""
        if not self.has_any:
            return
        self._put(None, VolumeStatus.NONE)
        if self._workflow.state.status(Step.RECONSTRUCT) in (StepStatus.DONE, StepStatus.STALE):
            self._workflow.rest(Step.RECONSTRUCT)
        self._report_other_volume()

    def restore_sweep(self, sweep: Sweep | None) -> None:
        """Take a sweep that was saved with the volume that is restored next."""
        self._sweep = sweep

    def restore(self, volume: Volume | None, status: VolumeStatus, problem: str = "") -> None:
        """Take what was saved, or is in a scene already, with what was made of it.

        status   of the volume, which is None when it is NONE or STALE
        problem  as in set_problem()
        """
        self._put(volume, status, problem)
        line = _volume_text(volume) if volume is not None and self.is_there else ""
        self._workflow.rest(Step.RECONSTRUCT, line)
        if self.is_there:
            self._workflow.set(Step.BOX, StepStatus.READY)

    def show_again(self, volume: Volume, sweep: Sweep | None) -> None:
        """An earlier volume of the case is worked on again, with the sweep that it was made of. What was found in the
        present one is not made stale by it: whoever calls this has kept it.
        """
        self._workflow.revisions[Step.RECONSTRUCT] += 1
        self._jobs.cancel(Step.RECONSTRUCT)
        self._sweep = sweep
        self._put(volume, VolumeStatus.CURRENT)
        self._workflow.set(Step.RECONSTRUCT, StepStatus.DONE, _volume_text(volume))

    def forget(self) -> None:
        """As at the beginning."""
        self._sweep = None
        self._put(None, VolumeStatus.NONE)

    def _take(self, result: Reconstruction | MadeByEngine) -> None:
        self.set(result.volume)
        if isinstance(result, MadeByEngine):
            message = self._workflow.state[Step.RECONSTRUCT].message
            self._workflow.set(
                Step.RECONSTRUCT, StepStatus.DONE, tr("{message}, made by {label}", message=message, label=result.label)
            )
            return
        for note in result.report.notes:
            self._workflow.note(note)

    def _put(self, volume: Volume | None, status: VolumeStatus, problem: str = "") -> None:
        self.shown, self.status, self.problem = volume, status, problem
        self.changed()

    def _report_other_volume(self) -> None:
        self._workflow.edited()
        self._on_changed()
        self._workflow.notify()

    def _resting_status(self) -> StepStatus:
        if self.is_there:
            return StepStatus.DONE
        if self._sweep is None:
            return StepStatus.WAITING
        return StepStatus.STALE if self.has_any else StepStatus.READY


def _is_available(engine: ReconstructionEngine) -> bool:
    try:
        engine.check_available()
    except ReconstructionError:
        return False
    return True


def sweep_text(sweep: Sweep) -> str:
    """One line for people."""
    return tr(
        "{sweep} frames, {valid_frames} with a valid pose", sweep=len(sweep), valid_frames=len(sweep.valid_frames)
    )


def _volume_text(volume: Volume) -> str:
    i, j, k = volume.dimensions
    return tr("{i} x {j} x {k} voxels of {mm:.2g} mm", i=i, j=j, k=k, mm=volume.spacing_mm.max())
