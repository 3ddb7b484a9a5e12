"""Where the demo's frames come from: a simulated case or a given recording, received over OpenIGTLink."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...calibration.accuracy.calibrations import Calibrations
from ...sweep import TrackedFrame
from ...sweep.sequence_files.sequence_formats import read_sequence_header
from ..options.progress import progress_bar

if TYPE_CHECKING:
    from ...tracking import RecordingSummary


# Beside the files of a patient's sweep: the metastasis over which it was made.
TARGET = "tumor.nrrd"


@dataclass(frozen=True)
class DemoSource:
    """The recording that is served, and what is known of it.

    truth        volume of the true tumor; None for a recording of a scanner
    calibration  (4, 4) by name, over what the recording holds
    reference    its frame of reference; None for the one that it was recorded in
    calibrations how well its devices are known; None when nobody says
    """

    sweep: Path
    truth: Path | None = None
    calibration: Mapping[str, np.ndarray] = field(default_factory=dict)
    reference: str | None = None
    calibrations: Calibrations | None = None

    @property
    def origin(self) -> str:
        """As the session calls it."""
        return "simulated" if self.truth else "replayed"

    @property
    def caption(self) -> str:
        """Under the pictures."""
        if self.truth:
            return "simulated data, not clinical"
        return f"{self.sweep.name}; the model has only seen simulated livers: not a real tumor"

    @property
    def shown_as(self) -> str:
        """On the page."""
        return "Simulated, not clinical" if self.truth else self.sweep.name


def simulated_source(seed: int, folder: Path) -> DemoSource:
    """Simulate a case into `folder`."""
    from ...simulation import simulate_case, write_case
    from ...simulation.ultrasound.known_errors import known_errors

    with progress_bar("Simulate") as progress:
        case = simulate_case(seed, progress=progress)
        write_case(case, folder)
    print(f"simulated  case {seed}: a liver with one metastasis, not clinical data -> {folder}/")
    return DemoSource(folder / "sweep.igs.mha", folder / "tumor.nrrd", calibrations=known_errors(case))


def patient_source(seed: int, folder: Path) -> DemoSource:
    """Simulate a sweep over a whole patient into `folder`. Raises ConfigurationError when none can be made."""
    from ...files import write_volume
    from ...simulation.patient import draw_operation, draw_patient
    from ...simulation.ultrasound.patient_sweep import simulate_patient_sweep, target_of, write_patient_sweep

    with progress_bar("Simulate") as progress:
        progress(0.0, "liver and vessels")
        patient = draw_patient(seed)
        recorded = simulate_patient_sweep(draw_operation(patient), progress=progress)
        write_patient_sweep(recorded, folder)
        write_volume(target_of(recorded), folder / TARGET)
    print(f"simulated  patient {seed}: a liver of {patient.liver_ml:.0f} mL, the sweep over its metastasis "
          f"{recorded.parameters['target']} of {len(patient.metastases)}, not clinical data -> {folder}/")  # fmt: skip
    return DemoSource(folder / "sweep.igs.mha", folder / TARGET)


def receive(source: DemoSource, recorded: Path, speed: float | None) -> RecordingSummary:
    """Serve the source in a process of its own, as PLUS would, and record what comes into `recorded`.

    speed  multiple of the recorded rate; None as fast as it is taken
    """
    from ...session.recordings.replay_process import ReplayProcess
    from ...tracking import record

    server = ReplayProcess(source.sweep, calibration=source.calibration, reference=source.reference, speed=speed)
    total, taken = read_sequence_header(source.sweep).frame_count, count(1)
    with progress_bar("Receive") as progress, server as port:

        def on_frame(_frame: TrackedFrame) -> None:
            number = next(taken)
            progress(number / total, f"frame {number} of {total}")

        # How fast they come says how fast they were served, and nothing of the recording.
        reference = source.reference or "Reference"
        summary = record(recorded, port=port, until_closed=True, reference=reference, on_frame=on_frame)
    print(f"received   {summary.frames} frames over OpenIGTLink, {summary.invalid} without a valid pose, "
          f"{summary.dropped} lost -> {recorded}")  # fmt: skip
    return summary
