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
    from ..simulation.patient_folder import PatientRequest, SimulatedPatient

EXAMPLES = ("crlm simulate --seed 7 -o case", "crlm simulate --patient 3 --phases portal --sweep -o patient",
            "crlm simulate --patient 3 --date 2 --phases portal -o patient-date-2")  # fmt: skip
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
        "--date", type=int, default=0, metavar="K",
        help="with --patient: the same patient K dates later, each 8 to 14 weeks after the one before: metastases "
        "grow, shrink, vanish and appear (default: 0, the first; at most 20)",
    )  # fmt: skip
    parser.add_argument(
        "--mr", action="store_true",
        help="with --patient: an MR (T1, hepatobiliary phase) with labels, on a grid and in a posture of its own",
    )  # fmt: skip
    parser.add_argument(
        "--sweep", action="store_true",
        help="with --patient: a tracked ultrasound sweep over a metastasis of this liver as it lies in the operation, "
        "and a tracked stylus that touches landmarks",
    )  # fmt: skip
    parser.add_argument(
        "--camera", type=int, default=0, metavar="N",
        help="with --patient: N views of a laparoscope: pictures, poses, depth and masks of landmarks (default: none)",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="folder for what is simulated and its truth"
    )
    add_force_option(parser)


def run(arguments: argparse.Namespace) -> None:
    if arguments.patient is not None:
        _simulate_patient(arguments)
        return
    for option, given, what in (
        ("--phases", arguments.phases, "makes CTs of a patient"),
        ("--sweep", arguments.sweep, "is a sweep over a patient"),
        ("--camera", arguments.camera, "looks at a patient"), ("--mr", arguments.mr, "makes an MR of a patient"),
        ("--date", arguments.date, "is a later date of a patient"),
    ):  # fmt: skip
        if given:
            raise ConfigurationError(f"{option} {what}: give --patient SEED in place of --seed.")
    _simulate_sweep(arguments)


def _simulate_patient(arguments: argparse.Namespace) -> None:
    from ..simulation.ct import CtSettings
    from ..simulation.patient_folder import PatientRequest, simulate_patient

    request = PatientRequest(
        arguments.patient, arguments.date, tuple(CtSettings(phase, arguments.slice_mm) for phase in arguments.phases),
        arguments.mr, arguments.sweep, arguments.camera,
    )  # fmt: skip
    folder = Path(arguments.output)
    check_outputs([Output("-o", folder / name) for name in request.files], [], arguments.force)
    with progress_bar("Simulate") as progress:
        simulated = simulate_patient(request, folder, progress)
    _report_patient(simulated, request, folder)


def _report_patient(simulated: SimulatedPatient, request: PatientRequest, folder: Path) -> None:
    patient, recorded, phases = simulated.patient, simulated.sweep, [ct.phase for ct in request.cts]
    lesions = [
        {
            "identity": lesion.identity,
            "kind": lesion.kind,
            "diameter_mm": lesion.equivalent_diameter_mm,
            "volume_ml": lesion.shape.volume_ml(),
            "new": 0 < patient.date == lesion.first_date,
        }
        for lesion in patient.lesions
    ]
    print_facts(
        {
            "folder": folder,
            "patient": patient.seed,
            "date": patient.date,
            "days": patient.days,
            "liver_ml": patient.liver_ml,
            "lesions": lesions,
            "vanished": [one.identity for one in patient.vanished],
            "sweep": folder / "sweep.igs.mha" if recorded is not None else None,
            "views": request.views,
            "ct": {phase: folder / "ct" / f"{phase}.nrrd" for phase in phases},
            "mr": folder / "mr.nrrd" if request.mr else None,
        }
    )
    later = f", {patient.days} days after the first date" if patient.date else ""
    print(f"{folder}: simulated patient {patient.seed}, a liver of {patient.liver_ml:.0f} mL{later}")
    for lesion in lesions:
        print(f"  {lesion['kind']} {lesion['identity']} of {lesion['diameter_mm']:.0f} mm, {lesion['volume_ml']:.1f} mL"
              f"{', new' if lesion['new'] else ''}")  # fmt: skip
    for one in patient.vanished:
        print(f"  {one.kind} {one.identity} is no more: {one.how}")
    for phase in phases:
        print(f"  {folder / 'ct' / phase}: CT in the {phase} phase, simulated")
    if request.mr:
        print(f"  {folder / 'mr.nrrd'}: MR, T1, hepatobiliary phase, simulated")
    if recorded is not None:
        target = recorded.parameters["target"]
        print(f"  {folder / 'sweep.igs.mha'}: {len(recorded.sweep)} frames over metastasis {target}, simulated")
        print(f"  {folder / 'landmarks.json'}: landmarks that a tracked stylus touched, simulated")
    if request.views:
        print(f"  {folder / 'camera'}: {request.views} views of a laparoscope, simulated")


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
