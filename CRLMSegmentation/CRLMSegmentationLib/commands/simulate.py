"""`crlm simulate`: a sweep over a simulated liver with one metastasis, and the truth."""

from __future__ import annotations

from pathlib import Path

from ..errors import ConfigurationError
from .outputs import Output, add_force_option, check_outputs
from .progress import progress_bar

EXAMPLES = ("crlm simulate --seed 7 -o case",)


def add_arguments(parser):
    parser.add_argument("--seed", type=int, required=True, help="number of the case; the same seed gives the same case")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="folder for the sweep and its truth")
    add_force_option(parser)


def run(arguments):
    from ..simulation import simulate_case, write_case
    from ..simulation.case import CASE_FILES

    if arguments.seed < 0:
        raise ConfigurationError(f"The seed is {arguments.seed}; it must be 0 or more.")
    folder = Path(arguments.output)
    check_outputs([Output("-o", folder / name) for name in CASE_FILES], [], arguments.force)
    with progress_bar("Simulate") as progress:
        case = simulate_case(arguments.seed, progress=progress)
    write_case(case, folder)
    width, height = case.sweep.image_size
    print(f"{folder / 'sweep.igs.mha'}: {len(case.sweep)} frames of {width} x {height}, "
          f"{len(case.sweep.valid_frames)} with a valid pose")  # fmt: skip
    volume_ml = (case.tumor.voxels > 0).sum() * case.tumor.voxel_volume_mm3 / 1000
    print(f"{folder / 'tumor.nrrd'}: true tumor of {volume_ml:.1f} mL (simulated)")
