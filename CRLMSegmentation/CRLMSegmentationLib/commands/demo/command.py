"""The options of `crlm demo`, what is checked before it begins, and its run."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from ...errors import ConfigurationError
from ..options.box_options import add_box_options, box_files, box_from
from ..options.calibrations_option import read_calibrations
from ..options.checks import check_there
from ..options.outputs import add_force_option
from ..options.printing import print_facts
from ..options.sweep_options import add_sweep_options, calibration_from, configuration_from, read_given_sweep
from ..reconstruct import add_reconstruction_options, settings_from
from ..segment import add_model_options, check_threshold
from .chain import run_chain
from .folder import CASE, SCENE_PICTURE, SIMULATED, SLICES_PICTURE, begin_demo_folder, check_demo_folder, write_summary
from .pictures import show_on_page
from .source import TARGET, DemoSource, patient_source, simulated_source

DEFAULT_SEED = 7
EXAMPLES = (
    "crlm demo",
    "crlm demo --patient 3 --output demo-of-patient",
    "crlm demo --sweep sweep.igs.mha --plus-config plus.xml --box 10 -20 30 50 50 50 --output demo-of-sweep",
)
JSON = "print one JSON object, that of demo.json: what was found, how near the truth, and how long each step took"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sweep", metavar="FILE", help="recorded sweep; without it one is simulated, with known truth")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help=f"which simulated case (default {DEFAULT_SEED})")
    parser.add_argument(
        "--patient", type=int, metavar="SEED", help="a sweep over a whole simulated patient in place of a case"
    )
    parser.add_argument("-o", "--output", default="demo-output", metavar="DIR",
                        help="folder for everything that comes out (default demo-output)")  # fmt: skip
    parser.add_argument(
        "--calibrations", metavar="JSON",
        help="how well the devices of the sweep are known: a file that crlm calibrate has written",
    )  # fmt: skip
    parser.add_argument("--speed", type=float, help="multiple of the recorded rate; default as fast as can be")
    add_force_option(parser)
    add_sweep_options(parser)
    add_reconstruction_options(parser)
    add_box_options(parser, required=False)
    add_model_options(parser)


def run(arguments: argparse.Namespace) -> None:
    from ...mrml.application import current_application
    from ...mrml.scene_view import SceneView
    from ...session.session import Session

    folder = Path(arguments.output)
    _check(arguments, folder)
    configuration = configuration_from(arguments)
    settings = settings_from(arguments, configuration)
    if arguments.sweep is not None:
        # Read once here so that a missing calibration is reported before a server is started.
        read_given_sweep(arguments.sweep, arguments, configuration)
    begin_demo_folder(folder)
    if arguments.sweep is None:
        source = (
            simulated_source(arguments.seed, folder / SIMULATED)
            if arguments.patient is None
            else patient_source(arguments.patient, folder / SIMULATED)
        )
    else:
        calibration = calibration_from(arguments, configuration)
        known = read_calibrations(arguments.calibrations) if arguments.calibrations else None
        source = DemoSource(Path(arguments.sweep), None, calibration, arguments.reference, known)
    session = Session()
    view = SceneView(session, current_application())
    try:
        # The worker process loads the model while the sweep is received, as in the operating room.
        if arguments.model:
            session.engine.set_model(arguments.model)
        session.engine.set_device(arguments.device)
        session.engine.start()
        facts = run_chain(view, source, settings, box_from(arguments), folder, arguments.threshold, arguments.speed)
    finally:
        session.close()
    write_summary(folder, facts)
    print_facts(facts)
    pictures = " and ".join(name for name in (SLICES_PICTURE, SCENE_PICTURE) if (folder / name).exists())
    print(
        f"\nEverything is in {folder}/: {CASE}/ is the case, which opens again, with scene.mrb for 3D Slicer; "
        f"{pictures} to look at."
    )
    show_on_page(folder, source.shown_as)


def _check(arguments: argparse.Namespace, folder: Path) -> None:
    """Before any work begins."""
    from ...inference.models.trained_model import load_model
    from ...simulation.ultrasound.case import CASE_FILES
    from ...simulation.ultrasound.patient_sweep import SWEEP_FILES

    if arguments.speed is not None and not 0 < arguments.speed < math.inf:
        raise ConfigurationError(f"--speed is {arguments.speed:g}; it must be greater than 0.")
    if arguments.seed < 0:
        raise ConfigurationError(f"The seed is {arguments.seed}; it must be 0 or more.")
    if arguments.patient is not None and arguments.sweep is not None:
        raise ConfigurationError("--patient is simulated and --sweep was recorded: give one of them.")
    if arguments.patient is not None and arguments.patient < 0:
        raise ConfigurationError(f"The patient's number is {arguments.patient}; it must be 0 or more.")
    check_threshold(arguments.threshold)
    check_there([arguments.calibrations], "file of calibrations")
    if arguments.model:
        load_model(arguments.model)
    box_from(arguments)
    inputs = [arguments.sweep, arguments.plus_config, arguments.model, *box_files(arguments)]
    of_a_simulation = CASE_FILES if arguments.patient is None else (*SWEEP_FILES, TARGET)
    check_demo_folder(folder, inputs, of_a_simulation if arguments.sweep is None else (), arguments.force)
