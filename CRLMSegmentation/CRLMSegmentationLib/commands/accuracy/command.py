"""The options of `crlm accuracy`."""

from __future__ import annotations

import argparse
from dataclasses import replace

from ...errors import ConfigurationError
from ...navigation.tool_transforms import DEFAULT_TOOL
from ..options.checks import check_there
from ..options.outputs import Output, add_force_option, check_outputs
from ..options.printing import print_facts, print_rows
from ..options.progress import progress_bar

EXAMPLES = (
    "crlm accuracy --simulated",
    "crlm accuracy --simulated --operations 40 -o accuracy.html",
    "crlm accuracy phantom.igs.mha --targets targets.mrk.json --calibrations calibrations.json -o phantom.html",
)
JSON = (
    "print one JSON object: median_mm, p95_mm, how many errors lie within the stated 95 %%, and the budget or targets"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sweep", nargs="?", help="recording of a phantom in which the tip of the stylus rests at each of --targets"
    )
    parser.add_argument("--targets", metavar="FILE",
                        help="their places: points of 3D Slicer in the sweep's volume (.mrk.json), or a PLUS file with "
                        "the phantom's Landmarks and PhantomToReference")  # fmt: skip
    parser.add_argument(
        "--tool", default=DEFAULT_TOOL, metavar="NAME", help=f"as PLUS names it (default {DEFAULT_TOOL})"
    )
    parser.add_argument("--plus-config", metavar="XML", help="PLUS configuration with the tip and ImageToProbe")
    parser.add_argument("--calibrations", metavar="JSON", help="file of calibrations: the tip, and what is stated")
    parser.add_argument(
        "--simulated", action="store_true",
        help="simulate operations with known truth: calibrate, sweep, find, hold a tip beside it",
    )  # fmt: skip
    parser.add_argument("--operations", type=int, default=12, metavar="N", help="how many (default 12)")
    parser.add_argument("--seed", type=int, default=0, help="number of the first operation (default 0)")
    parser.add_argument("--outline-mm", type=float, metavar="MM",
                        help="how far the found outline lies beside the true one, standard deviation (default 0.89, "
                        "as measured on 25 simulated livers)")  # fmt: skip
    parser.add_argument("--spacing", type=float, metavar="MM", help="of the voxels (default 0.5)")
    parser.add_argument("-o", "--output", metavar="HTML", help="write a page with pictures")
    add_force_option(parser)


def run(arguments: argparse.Namespace) -> None:
    inputs = [arguments.sweep, arguments.targets, arguments.plus_config, arguments.calibrations]
    check_outputs([Output("-o", arguments.output, (".html",), False)], inputs, arguments.force)
    if arguments.simulated == bool(arguments.sweep or arguments.targets):
        raise ConfigurationError(
            "Give --simulated for a simulated chain whose truth is known, or a recording with --targets for a phantom."
        )
    if arguments.simulated:
        _run_simulated(arguments)
        return
    if not (arguments.sweep and arguments.targets):
        raise ConfigurationError("A phantom needs both: the recording, and --targets with the places that are touched.")
    check_there([arguments.calibrations], "file of calibrations")
    from .touched import run_touched

    run_touched(arguments)


def _run_simulated(arguments: argparse.Namespace) -> None:
    from ...simulation.accuracy.settings import ChainSettings
    from ...simulation.accuracy.summary import simulate_accuracy

    given = {"outline_mm": arguments.outline_mm, "spacing_mm": arguments.spacing}
    settings = replace(ChainSettings(), **{name: value for name, value in given.items() if value is not None})
    with progress_bar("Simulate") as progress:
        found = simulate_accuracy(arguments.operations, arguments.seed, settings, progress)
    facts = found.facts()
    print_facts(facts)
    budget = facts["budget"]
    assert isinstance(budget, dict)
    print_rows({
        "simulated": f"{facts['distances']} distances in {facts['operations']} operations; not clinical",
        "error": f"median {facts['median_mm']:.2f} mm ({facts['q25_mm']:.2f} to {facts['q75_mm']:.2f}), "
                 f"95 % within {facts['p95_mm']:.2f} mm",
        "stated error": f"{facts['within_stated_95']:.0%} of the true errors lie within the stated 95 %",
        **{f"{source} alone": f"{one['rms_mm']:.2f} mm (root mean square; stated {one['stated_mm']:.2f})"
           for source, one in budget.items()},
        "refused": f"{len(found.failed)} calibrations" if found.failed else "",
    })  # fmt: skip
    if arguments.output:
        from .page import write_page

        print(write_page(arguments.output, found))
