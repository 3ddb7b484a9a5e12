"""`crlm study implant`: a tumor of known shape in the frames of a tumor-free tracked sweep, or a whole test set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ConfigurationError
from ..options.outputs import Output, add_force_option, check_outputs
from ..options.printing import print_facts
from ..options.progress import progress_bar
from ..options.several_values import values
from ..options.sweep_options import add_sweep_options, configuration_from, read_given_sweep

if TYPE_CHECKING:
    from ...study.implants import Host, ImplantSettings

STEP = "implant"
SUMMARY = "lay a tumor of known shape into the frames of a tumor-free sweep, to test models on real images"
# As study.implants has them, which is too heavy for the help.
KINDS, PLACES = ("dark", "faint", "bright", "iso"), ("even", "walls", "depth", "edge")
TEXTURES = ("new", "recorded")


def add_arguments(step: argparse.ArgumentParser) -> None:
    step.add_argument("sweep", metavar="SWEEP", help="tracked recording without a tumor")
    step.add_argument("--seed", type=int, default=0, help="of the tumor; the same seed gives the same one (default 0)")
    step.add_argument(
        "--set", type=int, metavar="N", dest="count", help="N cases, from this seed on, and their table DIR/cases.csv"
    )
    step.add_argument("--kind", choices=KINDS, help="against the tissue around (default: drawn from the seed)")
    step.add_argument(
        "--place", choices=PLACES,
        help="even tissue, beside walls or vessels, at depth, or at the sweep's edge (default: drawn)",
    )  # fmt: skip
    step.add_argument(
        "--texture", choices=TEXTURES,
        help="speckle of its own, as it is in the sweep, or the recorded one, darker or brighter (default: drawn)",
    )  # fmt: skip
    step.add_argument("--diameter", type=float, metavar="MM", help="8 to 40 (default: drawn)")
    step.add_argument(
        "--fan", type=values, metavar="FAN",
        help="of the picture, six numbers as `crlm reconstruct` takes them (default: found)",
    )  # fmt: skip
    step.add_argument(
        "--dynamic-range", type=float, default=60.0, metavar="DB", help="that the display shows (default 60)"
    )
    step.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="folder for sweep, true tumor and parameters"
    )
    add_sweep_options(step)
    add_force_option(step)
    step.add_argument("--json", action="store_true", help="print one JSON object: the files, and what was implanted")


def run(arguments: argparse.Namespace) -> None:
    from ...study.implants import Host, ImplantSettings
    from ..reconstruct import fan_from

    folder, count = Path(arguments.output), arguments.count
    if arguments.seed < 0:
        raise ConfigurationError(f"The seed is {arguments.seed}; it must be 0 or more.")
    if count is not None and not 1 <= count <= 1000:
        raise ConfigurationError(f"--set is {count}; it must be from 1 to 1000 cases.")
    settings = ImplantSettings(
        arguments.kind, arguments.place, arguments.diameter, arguments.dynamic_range, arguments.texture
    )
    fan = fan_from(arguments.fan) if arguments.fan else None
    outputs = [Output("-o", path) for path in _files(folder, arguments.seed, count)]
    check_outputs(outputs, [arguments.sweep, arguments.plus_config], arguments.force)
    with progress_bar("Implant") as progress:
        sweep = read_given_sweep(arguments.sweep, arguments, configuration_from(arguments))
        progress(0.0, "measuring the speckle")
        host = Host(sweep, fan, arguments.dynamic_range)
        if count is None:
            _one(host, arguments.seed, settings, folder)
        else:
            from ...study.implants.test_set import TABLE, implant_set

            rows = implant_set(host, count, arguments.seed, folder, settings, progress)
            print_facts({"table": folder / TABLE, "cases": len(rows)})
            print(f"{folder / TABLE}: {len(rows)} cases with an implanted tumor")


def _one(host: Host, seed: int, settings: ImplantSettings, folder: Path) -> None:
    from ...study.implants import implant, write_implanted

    case = implant(host, seed, settings)
    write_implanted(case, folder)
    tumor, changed = case.parameters["tumor"], case.parameters["sweep"]["frames_with_tumor"]
    files = {"sweep": folder / "sweep.igs.mha", "tumor": folder / "tumor.nrrd"}
    print_facts({**files, "parameters": case.parameters})
    kind = "an iso-echoic" if tumor["kind"] == "iso" else f"a {tumor['kind']}"
    print(f"{folder / 'sweep.igs.mha'}: {kind} tumor in {changed} of {len(case.sweep)} frames "
          f"({tumor['contrast_db']:+.1f} dB, place: {tumor['place']})")  # fmt: skip
    print(f"{folder / 'tumor.nrrd'}: its true shape, {tumor['equivalent_diameter_mm']:.0f} mm, "
          f"{tumor['volume_ml']:.1f} mL (implanted, not a patient's)")  # fmt: skip


def _files(folder: Path, seed: int, count: int | None) -> list[Path]:
    from ...study.implants.implant import IMPLANT_FILES
    from ...study.implants.test_set import TABLE, case_name

    if count is None:
        return [folder / name for name in IMPLANT_FILES]
    cases = [folder / case_name(seed + number) for number in range(count)]
    return [folder / TABLE, *(case / name for case in cases for name in IMPLANT_FILES)]
