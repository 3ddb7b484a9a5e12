"""`crlm reconstruct`: a volume from a recorded sweep."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..errors import ConfigurationError
from ..files import VOLUME_ENDINGS, write_volume
from .options.checks import at_least_one
from .options.outputs import Output, add_force_option, check_outputs
from .options.printing import in_runs, print_facts
from .options.progress import progress_bar
from .options.several_values import numbers, values
from .options.sweep_options import add_sweep_options, configuration_from, read_given_sweep

if TYPE_CHECKING:
    from ..reconstruction import Fan, ReconstructionReport, ReconstructionSettings
    from ..reconstruction.frame_selection import SkippedFrame
    from ..sweep import PlusConfiguration

EXAMPLES = (
    "crlm reconstruct sweep.igs.mha -o volume.nrrd",
    "crlm reconstruct sweep.igs.mha -o volume.nrrd --plus-config plus.xml --spacing 0.5 --fill stick",
)
JSON = "print one JSON object: the volume's grid, frames used and left out, holes"
# Which option stands for which setting.
_OPTIONS = {
    "spacing_mm": "--spacing", "interpolation": "--interpolation", "compounding": "--compounding", "fill": "--fill",
    "fan": "--fan", "optimization": "--optimization", "threads": "--threads",
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sweep", help="recording (.igs.mha, .igs.nrrd, .mha, .mhd, .nrrd)")
    parser.add_argument(
        "-o", "--output", required=True, metavar="VOLUME", help="volume to write (.nrrd, .nii.gz, .mha)"
    )
    add_sweep_options(parser)
    add_reconstruction_options(parser)
    parser.add_argument("--seen", metavar="VOLUME", help="also write the mask of voxels that a frame really saw")
    add_force_option(parser)


def add_reconstruction_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--spacing", type=numbers("--spacing"), metavar="MM",
                        help="output spacing, one number or three (default: PLUS's, else 0.5)")  # fmt: skip
    parser.add_argument("--interpolation", choices=["nearest", "linear"],
                        help="to one voxel or to the eight around a pixel (default: PLUS's, else nearest)")  # fmt: skip
    parser.add_argument("--compounding", choices=["latest", "maximum", "mean"],
                        help="where several pixels meet (default: PLUS's, else mean)")  # fmt: skip
    parser.add_argument("--fill", choices=["none", "stick", "distance"],
                        help="how holes between frames are filled (default: PLUS's, else stick)")  # fmt: skip
    parser.add_argument(
        "--fan",
        type=values,
        metavar="FAN",
        help="sector of the image that is used, six numbers (origin U V, edges in degrees, radii in "
        "pixels), or none (default: PLUS's, else none)",
    )
    parser.add_argument("--definition", choices=["igsio", "exact"],
                        help="igsio: IGSIO's bytes; exact: true nearest neighbour and mean (default)")  # fmt: skip
    parser.add_argument("--optimization", choices=["full", "partial", "none"], help="IGSIO's optimization (igsio only)")
    parser.add_argument(
        "--threads", type=at_least_one, metavar="N", help="number of threads; the volume does not depend on it"
    )


def settings_from(arguments: argparse.Namespace, configuration: PlusConfiguration) -> ReconstructionSettings:
    """The settings of the PLUS configuration, overridden by what was given as options.

    Raises ConfigurationError for what the configuration asks for, is not offered, and no option replaces.
    """
    from ..reconstruction import ReconstructionSettings, read_plus_settings

    changes = {
        name: getattr(arguments, name)
        for name in ("interpolation", "compounding", "fill", "definition", "optimization", "threads")
        if getattr(arguments, name) is not None
    }
    if arguments.spacing is not None:
        if len(arguments.spacing) not in (1, 3):
            raise ConfigurationError(f"--spacing has {len(arguments.spacing)} numbers; give one or three.")
        changes["spacing_mm"] = tuple(arguments.spacing * (3 if len(arguments.spacing) == 1 else 1))
    if arguments.fan is not None:
        changes["fan"] = fan_from(arguments.fan)
    element = configuration.volume_reconstruction
    if element is None:
        return ReconstructionSettings(fill="stick").with_changes(**changes)
    if changes.get("definition", "exact") == "exact":
        # Only IGSIO's arithmetic asks for it.
        changes.setdefault("optimization", ReconstructionSettings().optimization)
    asked = read_plus_settings(element)
    for name, sentence in asked.unsupported.items():
        if name not in changes:
            option = _OPTIONS.get(name)
            instead = f" Or override it with {option}." if option else ""
            raise ConfigurationError(f"{arguments.plus_config}: {sentence}{instead}")
    return asked.used(**changes)


def fan_from(texts: list[str]) -> Fan | None:
    """The Fan of `--fan`, None for 'none'. Raises ConfigurationError."""
    from ..reconstruction import Fan

    if texts == ["none"]:
        return None
    try:
        u, v, left, right, start, stop = (float(text) for text in texts)
    except ValueError:
        raise ConfigurationError(
            f"--fan '{' '.join(texts)}' is neither 'none' nor six numbers: origin u and v in pixels, left and right "
            "edge in "
            "degrees from straight down, first and last radius in pixels."
        ) from None
    return Fan((u, v), (left, right), start, stop)


def run(arguments: argparse.Namespace) -> None:
    check_outputs(
        [Output("-o", arguments.output, VOLUME_ENDINGS), Output("--seen", arguments.seen, VOLUME_ENDINGS)],
        [arguments.sweep, arguments.plus_config], arguments.force,
    )  # fmt: skip
    from ..reconstruction import reconstruct

    configuration = configuration_from(arguments)
    settings = settings_from(arguments, configuration)
    with progress_bar("Read") as progress:
        sweep = read_given_sweep(arguments.sweep, arguments, configuration, progress)
    with progress_bar("Reconstruct") as progress:
        reconstruction = reconstruct(sweep, settings, progress=progress)
    write_volume(reconstruction.volume, arguments.output)
    if arguments.seen:
        write_volume(reconstruction.seen, arguments.seen)
    report = reconstruction.report
    print_facts({
        "volume": arguments.output, "dimensions": reconstruction.volume.dimensions,
        "spacing_mm": reconstruction.volume.spacing_mm, "frames_used": len(report.frames_used),
        "frames_left_out": [{"number": one.number, "reason": one.reason} for one in report.frames_skipped],
        "hole_share_before_fill": report.hole_share_before_fill,
        "hole_share_after_fill": report.hole_share_after_fill, "notes": [*sweep.notes, *report.notes],
    })  # fmt: skip
    i, j, k = reconstruction.volume.dimensions
    spacing = " x ".join(f"{value:g}" for value in reconstruction.volume.spacing_mm)
    print(f"{arguments.output}: {i} x {j} x {k} voxels of {spacing} mm")
    for line in report_lines(report):
        print(line)


def report_lines(report: ReconstructionReport) -> list[str]:
    """What was used, what was left out and why, and how many holes there are."""
    total = len(report.frames_used) + len(report.frames_skipped)
    lines = [f"{len(report.frames_used)} of {total} frames used"]
    of_kind: dict[str, list[SkippedFrame]] = {}
    for skipped in report.frames_skipped:
        of_kind.setdefault(skipped.kind, []).append(skipped)
    for kind, frames in of_kind.items():
        details = dict.fromkeys(frame.detail for frame in frames)
        of_which = f": {next(iter(details))}" if all(details) else ""
        among_others = ", and the like" if len(details) > 1 else ""
        numbers = in_runs([frame.number for frame in frames])
        lines.append(f"left out ({kind}{of_which}{among_others}): frames {numbers}")
    if report.hole_share_before_fill == report.hole_share_before_fill:
        lines.append(
            f"holes in the swept region: {report.hole_share_before_fill:.1%} before filling, "
            f"{report.hole_share_after_fill:.1%} after"
        )
    return lines + list(report.notes)
