"""A simulated sweep made in a process of its own, so that the page goes on meanwhile.

`python -m CRLMSegmentationLib.web.actions.simulator FOLDER SEED LESION DIAMETER_MM` (a LESION that is called PATIENT:
a whole patient, whose tumors are as they are) says one JSON line for every step:
{"done": 0.4, "text": "..."}, and at the end {"sweep": path} or {"error": sentence}.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...errors import ConfigurationError
from ...geometry import plane_axes, transform_points
from ...python_process import end_process, start_python
from ...sweep import Pose, Sweep
from ...values import Volume
from ...values.progress import Progress
from ...words import tr

TRUTH = "tumor.nrrd"
# In the place of how a lesion looks: a sweep over a whole simulated patient.
PATIENT = "patient"
_FARTHEST_MM = 70.0


async def simulate(
    folder: str | Path, seed: int, lesion: str, diameter_mm: float, progress: Progress | None = None
) -> Path:
    """Write a simulated case into `folder`; returns the path of its sweep. Raises ConfigurationError.

    lesion       'hypoechoic', 'hyperechoic' or 'mixed'; or PATIENT for a sweep over the patient of that seed
    diameter_mm  of the sphere with the lesion's volume; not of a patient's
    """
    arguments = [str(folder), str(int(seed)), str(lesion), repr(float(diameter_mm))]
    process = start_python(__spec__.name, arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8")
    assert process.stdout is not None
    try:
        while line := await asyncio.to_thread(process.stdout.readline):
            message = json.loads(line)
            if "error" in message:
                raise ConfigurationError(message["error"])
            if "sweep" in message:
                return Path(message["sweep"])
            if progress is not None:
                progress(message["done"], message["text"])
    finally:
        end_process(process)
        process.stdout.close()
    raise ConfigurationError(tr("The simulator ended without a sweep; look into the terminal for the reason."))


def main(arguments: list[str]) -> int:
    """The child's side; returns the exit status."""
    from ...errors import CRLMError

    folder, seed, lesion, diameter_mm = arguments
    try:
        if lesion == PATIENT:
            _write_patient(Path(folder), int(seed))
        else:
            _write_case(Path(folder), int(seed), lesion, float(diameter_mm))
    except CRLMError as error:
        _report(error=str(error))
        return 1
    _report(sweep=str(Path(folder) / "sweep.igs.mha"))
    return 0


def _write_case(folder: Path, seed: int, lesion: str, diameter_mm: float) -> None:
    from ...simulation import simulate_case, write_case
    from ...simulation.ultrasound.settings import LesionSettings

    settings = LesionSettings(echogenicity=lesion, equivalent_diameter_mm=diameter_mm)
    case = simulate_case(seed, lesion=settings, progress=lambda done, text: _report(done=done, text=text))
    _report(done=1.0, text=tr("Writing the sweep"))
    write_case(replace(case, sweep=with_approaching_stylus(case.sweep, case.tumor)), folder)


def _write_patient(folder: Path, seed: int) -> None:
    from ...files import write_volume
    from ...simulation.patient import draw_operation, draw_patient
    from ...simulation.ultrasound.patient_sweep import simulate_patient_sweep, target_of, write_patient_sweep

    _report(done=0.0, text=tr("Growing the liver and its vessels"))
    operation = draw_operation(draw_patient(seed))
    recorded = simulate_patient_sweep(operation, progress=lambda done, text: _report(done=done, text=text))
    _report(done=1.0, text=tr("Writing the sweep"))
    truth = target_of(recorded)
    write_patient_sweep(replace(recorded, sweep=with_approaching_stylus(recorded.sweep, truth)), folder)
    write_volume(truth, folder / TRUTH)


def with_approaching_stylus(sweep: Sweep, tumor: Volume) -> Sweep:
    """The sweep with a stylus that goes into the tumor and back again while it lasts, from the probe's side."""
    place = np.argwhere(tumor.voxels)[:, ::-1]
    center = transform_points(tumor.ijk_to_ras, place.mean(axis=0))
    frames = sweep.frames
    across, down, away = plane_axes(np.asarray(sweep.valid_frames[len(sweep.valid_frames) // 2].image_to_reference)).T
    outward = across * 0.6 - down * 0.75 - away * 0.25
    outward /= np.linalg.norm(outward)
    side = np.cross(outward, across)
    side /= np.linalg.norm(side)
    # A stylus points along its own -z: its shaft lies outward of the tip.
    rotation = np.column_stack([side, np.cross(outward, side), outward])
    distances_mm = _FARTHEST_MM * 0.5 * (1 + np.cos(2 * np.pi * np.arange(len(frames)) / len(frames)))
    moved = []
    for frame, distance_mm in zip(frames, distances_mm):
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = rotation, center + outward * distance_mm
        moved.append(frame.with_changes(transforms={**frame.transforms, "StylusToReference": Pose(pose)}))
    return Sweep(moved, sweep.name, sweep.fields, sweep.reference)


def _report(**values: object) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
