"""`crlm simulate`: a sweep over a simulated liver with one metastasis, or a whole simulated patient; and the truth."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigurationError
from .options.outputs import Output, add_force_option, check_outputs
from .options.printing import print_facts
from .options.progress import progress_bar

if TYPE_CHECKING:
    from ..simulation.patient.patient import Patient
    from ..simulation.ultrasound.patient_sweep import PatientSweep

EXAMPLES = ("crlm simulate --seed 7 -o case", "crlm simulate --patient 3 --phases portal --sweep -o patient")
JSON = "print one JSON object: the files, and the truth in figures"

_PHASES = ("native", "arterial", "portal", "late")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--seed", type=int, help="number of a sweep's case; the same seed gives the same case")
    which.add_argument(
        "--patient", type=int, metavar="SEED",
        help="number of a patient: liver, vessels, lesions and neighbours as labels, surfaces and curves",
    )  # fmt: skip
    parser.add_argument(
        "--phases", nargs="+", choices=_PHASES, default=[], metavar="PHASE",
        help=f"with --patient: CTs as well, of {', '.join(_PHASES)}, as DICOM series and .nrrd in DIR/ct",
    )  # fmt: skip
    parser.add_argument(
        "--slice-mm", type=float, default=2.0, metavar="MM", help="thickness of the CT's slices, 0.7 to 5 (default: 2)"
    )
    parser.add_argument(
        "--sweep", action="store_true",
        help="with --patient: a tracked ultrasound sweep over a metastasis of this liver, deformed as in the operation",
    )  # fmt: skip
    parser.add_argument(
        "--camera", type=int, default=0, metavar="N",
        help="with --patient: N views of a laparoscope with poses, depth and masks of its landmarks (default: none)",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="folder for what is simulated and its truth"
    )
    add_force_option(parser)


def run(arguments: argparse.Namespace) -> None:
    if arguments.patient is not None:
        _simulate_patient(arguments)
    elif arguments.phases:
        raise ConfigurationError("--phases makes CTs of a patient: give --patient SEED in place of --seed.")
    elif arguments.sweep:
        raise ConfigurationError("--sweep is a sweep over a patient: give --patient SEED in place of --seed.")
    elif arguments.camera:
        raise ConfigurationError("--camera looks at a patient: give --patient SEED in place of --seed.")
    else:
        _simulate_sweep(arguments)


def _simulate_patient(arguments: argparse.Namespace) -> None:
    from ..files import write_volume
    from ..simulation.ct import CtSettings, scan
    from ..simulation.ct.dicom import write_dicom_series
    from ..simulation.laparoscope import draw_views, views_files, write_views
    from ..simulation.patient import PATIENT_FILES, draw_operation, draw_patient, write_patient
    from ..simulation.ultrasound.patient_sweep import SWEEP_FILES, simulate_patient_sweep, write_patient_sweep

    if not 0 <= arguments.camera <= 1000:
        raise ConfigurationError(f"--camera is {arguments.camera}; it must be from 0 to 1000 views.")
    folder = Path(arguments.output)
    settings = {phase: CtSettings(phase, arguments.slice_mm) for phase in arguments.phases}
    of_ct = [folder / "ct" / f"{phase}.nrrd" for phase in settings] + [folder / "ct" / "labels.nrrd"] * bool(settings)
    named = [*PATIENT_FILES, *(SWEEP_FILES if arguments.sweep else ())]
    if arguments.camera:
        named += [*views_files(arguments.camera), *(() if arguments.sweep else ("transforms.json",))]
    check_outputs([Output("-o", path) for path in (*(folder / name for name in named), *of_ct)], [], arguments.force)
    with progress_bar("Simulate") as progress:
        progress(0.0, "liver and vessels")
        patient = draw_patient(arguments.patient)
        write_patient(patient, folder, progress=progress)
        for phase, acquisition in settings.items():
            ct, labels = scan(patient, acquisition, progress)
            write_dicom_series(ct, folder / "ct" / phase, patient.seed, phase)
            write_volume(ct, folder / "ct" / f"{phase}.nrrd")
            write_volume(labels, folder / "ct" / "labels.nrrd")
        if arguments.sweep:
            recorded = simulate_patient_sweep(draw_operation(patient), progress=progress)
            write_patient_sweep(recorded, folder)
        if arguments.camera:
            operation = draw_operation(patient)
            transforms = (
                recorded.transforms if arguments.sweep else {"PatientToReference": operation.patient_to_reference}
            )
            write_views(draw_views(operation, arguments.camera), folder, transforms)
    _report_patient(patient, folder, list(settings), recorded if arguments.sweep else None, arguments.camera)


def _report_patient(
    patient: Patient, folder: Path, phases: list[str], recorded: PatientSweep | None, views: int
) -> None:
    print_facts(
        {
            "folder": folder,
            "patient": patient.seed,
            "liver_ml": patient.liver_ml,
            "lesions": [
                {
                    "kind": lesion.kind,
                    "diameter_mm": lesion.equivalent_diameter_mm,
                    "volume_ml": lesion.shape.volume_ml(),
                }
                for lesion in patient.lesions
            ],
            "sweep": folder / "sweep.igs.mha" if recorded is not None else None,
            "views": views,
            "ct": {phase: folder / "ct" / f"{phase}.nrrd" for phase in phases},
        }
    )
    print(f"{folder}: simulated patient {patient.seed}, a liver of {patient.liver_ml:.0f} mL")
    for lesion in patient.lesions:
        print(f"  {lesion.kind} of {lesion.equivalent_diameter_mm:.0f} mm, {lesion.shape.volume_ml():.1f} mL")
    for phase in phases:
        print(f"  {folder / 'ct' / phase}: CT in the {phase} phase, simulated")
    if recorded is not None:
        target = recorded.parameters["target"]
        print(f"  {folder / 'sweep.igs.mha'}: {len(recorded.sweep)} frames over metastasis {target}, simulated")
    if views:
        print(f"  {folder / 'camera'}: {views} views of a laparoscope, simulated")


def _simulate_sweep(arguments: argparse.Namespace) -> None:
    from ..simulation import simulate_case, write_case
    from ..simulation.ultrasound.case import CASE_FILES

    if arguments.seed < 0:
        raise ConfigurationError(f"The seed is {arguments.seed}; it must be 0 or more.")
    folder = Path(arguments.output)
    check_outputs([Output("-o", folder / name) for name in CASE_FILES], [], arguments.force)
    with progress_bar("Simulate") as progress:
        case = simulate_case(arguments.seed, progress=progress)
    write_case(case, folder)
    width, height = case.sweep.image_size
    volume_ml = (case.tumor.voxels > 0).sum() * case.tumor.voxel_volume_mm3 / 1000
    print_facts(
        {
            "sweep": folder / "sweep.igs.mha",
            "tumor": folder / "tumor.nrrd",
            "frames": len(case.sweep),
            "valid_frames": len(case.sweep.valid_frames),
            "tumor_ml": volume_ml,
        }
    )
    print(f"{folder / 'sweep.igs.mha'}: {len(case.sweep)} frames of {width} x {height}, "
          f"{len(case.sweep.valid_frames)} with a valid pose")  # fmt: skip
    print(f"{folder / 'tumor.nrrd'}: true tumor of {volume_ml:.1f} mL (simulated)")
